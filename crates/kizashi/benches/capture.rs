//! How much a flood of first segments costs the watch over every port, and whether the kernel had to drop any: two network namespaces
//! with a cable between, Kizashi in one, a sender of forged first segments in the other. In the same run, on the same flood: tcpdump
//! with the same filter writing to /dev/null, and a plain socket that is read by `recv`, which is why there is a ring.
//!
//! `cargo bench -p kizashi --bench capture [-- SECONDS [PACKETS A SECOND]]`; needs root.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a bench")]

use std::io::{BufRead as _, BufReader, IoSlice, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SendAncillaryBuffer, SendFlags, SocketType, ipproto};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

mod up;
use up::{kilobytes, mega};

const US: Ipv4Addr = Ipv4Addr::new(198, 18, 61, 2);
const HE: Ipv4Addr = Ipv4Addr::new(198, 18, 61, 9);
/// Ports that are tried in turn, so that all sources come to each.
const PORTS: u32 = 16;
/// Threads that send: one alone reaches some 100,000 a second, for in its time the other side's kernel takes and answers each segment.
const SENDERS: u32 = 2;
/// Packets handed to the kernel at once.
const BATCH: u32 = 64;

struct Cable {
    name: String,
    folder: PathBuf,
}

impl Cable {
    fn lay() -> Self {
        let name = format!("kzb{}", std::process::id());
        let folder = std::env::temp_dir().join(format!("kizashi-bench-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let cable = Self { name, folder };
        let (visitor, ours) = (cable.visitor(), cable.ours());
        for line in [
            format!("netns add {visitor}"),
            format!("netns add {ours}"),
            format!("-n {visitor} link add v0 type veth peer name o0 netns {ours}"),
            format!("-n {visitor} addr add {HE}/24 dev v0"),
            format!("-n {ours} addr add {US}/24 dev o0"),
            format!("-n {visitor} link set v0 up"),
            format!("-n {ours} link set lo up"),
            format!("-n {ours} link set o0 up"),
            // What is answered goes out, as on any server.
            format!("-n {ours} route add default via {HE}"),
        ] {
            let done = Command::new("ip").args(line.split_whitespace()).status().unwrap();
            assert!(done.success(), "ip {line}");
        }
        cable
    }

    fn visitor(&self) -> String {
        format!("{}v", self.name)
    }

    fn ours(&self) -> String {
        format!("{}o", self.name)
    }

    fn enter(name: &str) {
        let space = std::fs::File::open(format!("/run/netns/{name}")).unwrap();
        move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }

    fn up(&self) -> (Child, u32) {
        let config = "[traps]\nhttp = \"\"\nhttps = \"\"\nssh = \"2222\"\ntelnet = \"\"\nelasticsearch = \"\"\nany_tcp = \"\"\nany_udp = \"\"\n";
        std::fs::write(self.folder.join("kizashi.toml"), config).unwrap();
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.ours(), env!("CARGO_BIN_EXE_kizashi")])
            .args(["up", "--data", "data"])
            .current_dir(&self.folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(out.any(|line| line.unwrap() == "ready"), "it did not come up");
        let id = child_of(child.id(), "capture-process");
        (child, id)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for name in [self.visitor(), self.ours()] {
            let _ = Command::new("ip").args(["netns", "del", &name]).status();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The process that this one started with this word in its command line.
fn child_of(parent: u32, what: &str) -> u32 {
    let is_it = |id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        rest.split_whitespace().nth(1) == Some(&parent.to_string())
            && String::from_utf8_lossy(&line).contains(what)
    };
    let ids = std::fs::read_dir("/proc").unwrap();
    ids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).find(is_it).unwrap()
}

/// Seconds of processor time of a process or, of ours, a thread.
fn processor_seconds(place: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{place}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |at| rest.split_whitespace().nth(at).and_then(|word| word.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

/// A first segment as Linux makes it, from a forged address.
fn first_segment(number: u32, packet: &mut [u8; 60]) {
    let source = Ipv4Addr::from_bits(0x0a00_0000 | number.wrapping_mul(2_654_435_761) >> 8);
    *packet = [0; 60];
    packet[..12].copy_from_slice(&[0x45, 0, 0, 60, 0x12, 0x34, 0x40, 0, 60, 6, 0, 0]);
    packet[12..16].copy_from_slice(&source.octets());
    packet[16..20].copy_from_slice(&US.octets());
    packet[20..22].copy_from_slice(&40_000_u16.to_be_bytes());
    let port = 4_000 + u16::try_from(number % PORTS).unwrap();
    packet[22..24].copy_from_slice(&port.to_be_bytes());
    packet[24..28].copy_from_slice(&number.to_be_bytes());
    packet[32..40].copy_from_slice(&[0xa0, 2, 0xfa, 0xf0, 0, 0, 0, 0]);
    packet[40..44].copy_from_slice(&[2, 4, 5, 0xb4]);
    packet[44..60].copy_from_slice(&[4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 7]);
    let mut sum: u32 = 6 + 40;
    for pair in packet[12..60].chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair[1]);
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = !u16::try_from(sum).unwrap();
    packet[36..38].copy_from_slice(&sum.to_be_bytes());
}

/// Sends for so long at this rate; gives how many were sent and in what time.
fn flood(cable: &Cable, seconds: u64, rate: u32) -> (u64, f64) {
    let began = Instant::now();
    let sent = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|number| {
                scope.spawn(move || {
                    send(cable, number << (32 - SENDERS.ilog2()), seconds, rate / SENDERS)
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).sum()
    });
    (sent, began.elapsed().as_secs_f64())
}

/// One sender, whose packets are numbered from `first` on.
fn send(cable: &Cable, first: u32, seconds: u64, rate: u32) -> u64 {
    Cable::enter(&cable.visitor());
    let raw = rustix::net::socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::RAW));
    let raw = raw.unwrap();
    rustix::net::connect(&raw, &SocketAddr::from((US, 0))).unwrap();
    let began = Instant::now();
    let mut sent = 0_u32;
    while began.elapsed() < Duration::from_secs(seconds) {
        let due = began.elapsed().as_secs_f64() * f64::from(rate);
        if f64::from(sent) + f64::from(BATCH) > due {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        sent += send_batch(&raw, first.wrapping_add(sent));
    }
    u64::from(sent)
}

fn send_batch(raw: &impl std::os::fd::AsFd, from: u32) -> u32 {
    let mut packets = [[0; 60]; BATCH as usize];
    for (packet, number) in packets.iter_mut().zip(from..) {
        first_segment(number, packet);
    }
    let slices: Vec<[IoSlice<'_>; 1]> =
        packets.iter().map(|packet| [IoSlice::new(packet)]).collect();
    let mut beside: Vec<SendAncillaryBuffer<'_, '_, '_>> =
        slices.iter().map(|_| SendAncillaryBuffer::default()).collect();
    let mut messages: Vec<_> = slices
        .iter()
        .zip(&mut beside)
        .map(|(slice, beside)| rustix::net::MMsgHdr::new(slice, beside))
        .collect();
    let sent = rustix::net::sendmmsg(raw, &mut messages, SendFlags::empty()).unwrap_or(0);
    u32::try_from(sent).unwrap()
}

fn of_kizashi(cable: &Cable, seconds: u64, rate: u32) {
    let (mut child, capture) = cable.up();
    let before = processor_seconds(&capture.to_string());
    let stopping = AtomicBool::new(false);
    let ((sent, took), most) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = 0;
            while !stopping.load(Ordering::Relaxed) {
                most = most.max(kilobytes(capture, "status", "VmRSS:"));
                std::thread::sleep(Duration::from_millis(50));
            }
            most
        });
        let flooded = flood(cable, seconds, rate);
        stopping.store(true, Ordering::Relaxed);
        (flooded, watching.join().unwrap())
    });
    // What waits in the ring is read within a moment; a second later the figures are told.
    let spent = processor_seconds(&capture.to_string()) - before;
    std::thread::sleep(Duration::from_secs(3));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    child.wait().unwrap();
    let shown = Command::new(env!("CARGO_BIN_EXE_kizashi"))
        .args(["status", "--json", "--data", "data"])
        .current_dir(&cable.folder)
        .output()
        .unwrap();
    let status: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let counts = &status["traps"]["capture"];
    let of = |name: &str| counts[name].as_u64().unwrap_or(0);
    println!(
        "kizashi: {sent} first segments sent in {took:.1} s ({:.0} a second); {} attempts counted ({} refused), {} packets with our answers, {} dropped by the kernel; {} events ({} in the store, which counts {}); {:.0} % of a core; {:.1} MB resident at most",
        sent as f64 / took,
        of("attempts"),
        of("refused"),
        of("passed"),
        of("dropped"),
        of("events"),
        status["events_raw"],
        status["events"],
        spent / took * 100.0,
        mega(most)
    );
}

fn of_tcpdump(cable: &Cable, seconds: u64, rate: u32) {
    let filter = "tcp[tcpflags] & (tcp-syn|tcp-rst) != 0";
    let mut dump = Command::new("ip")
        .args(["netns", "exec", &cable.ours(), "tcpdump", "-i", "o0", "-n", "-s", "120"])
        .args(["-w", "/dev/null", filter])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let before = processor_seconds(&dump.id().to_string());
    let (sent, took) = flood(cable, seconds, rate);
    let spent = processor_seconds(&dump.id().to_string()) - before;
    let most = kilobytes(dump.id(), "status", "VmHWM:");
    std::thread::sleep(Duration::from_secs(1));
    let id = rustix::process::Pid::from_child(&dump);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let mut said = String::new();
    dump.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    dump.wait().unwrap();
    let figures: Vec<&str> = said.lines().filter(|line| line.contains("packets ")).collect();
    println!(
        "tcpdump -w /dev/null: {sent} sent ({:.0} a second); {}; {:.0} % of a core; {:.1} MB resident at most",
        sent as f64 / took,
        figures.join(", "),
        spent / took * 100.0,
        mega(most)
    );
}

/// The same filter on a socket without a ring, read one by one and thrown away.
fn of_recv(cable: &Cable, seconds: u64, rate: u32) {
    use kizashi_wire::live::{Interfaces, Owners, Plan, aim, open};
    let stopping = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            Cable::enter(&cable.ours());
            let plan = Plan {
                interfaces: Interfaces::AllBut(Vec::new()),
                tcp: Owners::default(),
                udp: Owners::default(),
            };
            let socket = open().unwrap();
            aim(socket.as_fd(), &plan).unwrap();
            rustix::io::ioctl_fionbio(&socket, false).unwrap();
            let longest = Some(Duration::from_millis(100));
            rustix::net::sockopt::set_socket_timeout(
                &socket,
                rustix::net::sockopt::Timeout::Recv,
                longest,
            )
            .unwrap();
            let mut buffer = [0_u8; 256];
            let mut first_segments = 0_u64;
            while !stopping.load(Ordering::Relaxed) {
                let flags = rustix::net::RecvFlags::empty();
                if let Ok((40.., _)) = rustix::net::recv(&socket, &mut buffer, flags) {
                    first_segments += u64::from(buffer[33] == 2);
                }
            }
            (first_segments, processor_seconds("thread-self"))
        });
        let (sent, took) = flood(cable, seconds, rate);
        stopping.store(true, Ordering::Relaxed);
        let (first_segments, spent) = reading.join().unwrap();
        println!(
            "recv without a ring: {sent} sent ({:.0} a second); {first_segments} came, {} did not; {:.0} % of a core",
            sent as f64 / took,
            sent.saturating_sub(first_segments),
            spent / took * 100.0
        );
    });
}

fn main() {
    let mut numbers = std::env::args().filter_map(|word| word.parse::<u32>().ok());
    let seconds = u64::from(numbers.next().unwrap_or(10));
    let rate = numbers.next().unwrap_or(200_000);
    if !rustix::process::geteuid().is_root() {
        println!("only root may make network namespaces");
        return;
    }
    let cable = Cable::lay();
    of_kizashi(&cable, seconds, rate);
    of_tcpdump(&cable, seconds, rate);
    of_recv(&cable, seconds, rate);
}
