//! Packets a second and core of reader, dissector and flow counts with all events told, beside `tshark -T fields` on the same file and
//! the fields that ours looks at.
//!
//! `cargo bench -p kizashi-wire --bench pcap [-- PACKETS]`; 3 million by default. Two captures: what a server with a honeypot sees
//! (visitors who speak, scans, datagrams, our own traffic), and a scan of nothing but first segments. Seconds are processor time, the
//! children's for tshark. Asserts nothing.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a program that measures"
)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kizashi_wire::{CaptureReader, Dissected, Faults, Next, Observer, Options, dissect, import};

const OURS: [u8; 4] = [192, 0, 2, 1];
const FIELDS: [&str; 12] = [
    "frame.time_epoch",
    "ip.src",
    "ip.dst",
    "ip.ttl",
    "ip.id",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "tcp.seq_raw",
    "tcp.window_size_value",
    "udp.srcport",
    "udp.dstport",
];

fn main() {
    let wanted = std::env::args().filter_map(|word| word.parse::<u32>().ok()).next();
    let packets = wanted.unwrap_or(3_000_000);
    let folder = std::env::temp_dir().join(format!("kizashi-bench-pcap-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, only_scans) in [("mixed", false), ("scan", true)] {
        let file = folder.join(name);
        let written = write_capture(&file, packets, only_scans);
        let size = std::fs::metadata(&file).unwrap().len();
        println!("{name}: {written} packets, {} bytes each", size / u64::from(written));
        // The page cache is warm for all.
        std::io::copy(&mut File::open(&file).unwrap(), &mut std::io::sink()).unwrap();
        let rate = |seconds: f64| f64::from(written) / seconds;
        let dissected = median(|| read_only(&file));
        println!("  read and dissected: {:.0} a second", rate(dissected));
        let observed = median(|| observe(&file));
        println!("  with flows and events: {:.0} a second", rate(observed));
        match tshark(&file) {
            Some(seconds) => println!(
                "  tshark -T fields: {:.0} a second; ours is {:.0} times as fast",
                rate(seconds),
                seconds / observed
            ),
            None => println!("  tshark is not there: nothing to compare with"),
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

fn median(mut run: impl FnMut() -> f64) -> f64 {
    let mut seconds: Vec<f64> = (0..3).map(|_| run()).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[1]
}

/// Processor time so far, in seconds: ours, and that of children that ended.
fn processor_time() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    ((ticks(11) + ticks(12)) / 100.0, (ticks(13) + ticks(14)) / 100.0)
}

fn read_only(file: &Path) -> f64 {
    let (began, _) = processor_time();
    let mut reader = CaptureReader::new(File::open(file).unwrap());
    let (mut faults, mut packets) = (Faults::default(), 0_u64);
    while let Next::Frame(frame) = reader.next_frame().unwrap() {
        packets += u64::from(matches!(dissect(&frame, &mut faults), Dissected::Packet(_)));
    }
    assert!(packets > 0 && faults.total() == 0);
    processor_time().0 - began
}

fn observe(file: &Path) -> f64 {
    let (began, _) = processor_time();
    let local = vec!["192.0.2.1".parse().unwrap()];
    let mut observer = Observer::new(&Options { sensor: Arc::from("bench"), local });
    let mut events = 0_u64;
    let mut sink = |_| {
        events += 1;
        ControlFlow::Continue(())
    };
    import(file, &mut observer, &mut |_| {}, &mut sink);
    observer.finish(&mut sink);
    let seconds = processor_time().0 - began;
    println!("    {events} events in {seconds:.2} s");
    seconds
}

fn tshark(file: &Path) -> Option<f64> {
    let (_, began) = processor_time();
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(file).args(["-T", "fields"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    status.success().then(|| processor_time().1 - began)
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 32) as u32
    }
}

struct Writer {
    out: BufWriter<File>,
    packets: u32,
}

fn write_capture(file: &Path, packets: u32, only_scans: bool) -> u32 {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file).unwrap());
    out.write_all(&0xa1b2_c3d4_u32.to_le_bytes()).unwrap();
    out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    out.write_all(&262_144_u32.to_le_bytes()).unwrap();
    out.write_all(&1_u32.to_le_bytes()).unwrap();
    let (mut writer, mut chance) = (Writer { out, packets: 0 }, Chance(1));
    while writer.packets < packets {
        let visitor = (0xc612_0000 | (chance.next() & 0x1_ffff)).to_be_bytes();
        let port = u16::try_from(chance.next() & 0xffff).unwrap();
        match if only_scans { 0 } else { chance.next() % 16 } {
            0..=7 => {
                let syn = segment(
                    (port, u16::try_from(chance.next() % 2_000).unwrap()),
                    2,
                    [chance.next(), 0],
                    SYN_OPTIONS,
                    b"",
                );
                writer.put(visitor, OURS, 6, &syn);
            }
            8..=10 => conversation(&mut writer, visitor, port, chance.next()),
            11..=13 => {
                let payload = b"OPTIONS sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP x\r\n";
                writer.put(visitor, OURS, 17, &datagram((port, 5_060), payload));
            }
            14 => writer.put(
                visitor,
                OURS,
                6,
                &segment((80, port), 0x12, [chance.next(), 9], SYN_OPTIONS, b""),
            ),
            _ => {
                writer.put(OURS, visitor, 17, &datagram((port, 53), &[7; 40]));
                writer.put(visitor, OURS, 17, &datagram((53, port), &[7; 120]));
            }
        }
    }
    writer.out.flush().unwrap();
    writer.packets
}

const SYN_OPTIONS: &[u8] = &[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7];

/// Three to open, a request in two pieces with its acknowledgements, an answer in four, four to close.
fn conversation(writer: &mut Writer, visitor: [u8; 4], port: u16, first: u32) {
    let (to, from) = ((port, 80), (80, port));
    let mut request = b"GET /index.html HTTP/1.1\r\nHost: 192.0.2.1\r\nUser-Agent: ".to_vec();
    request.resize(200, b'x');
    let mut us = 77_u32;
    let mut him = first.wrapping_add(1);
    writer.put(visitor, OURS, 6, &segment(to, 2, [first, 0], SYN_OPTIONS, b""));
    writer.put(OURS, visitor, 6, &segment(from, 0x12, [us, him], SYN_OPTIONS, b""));
    us += 1;
    writer.put(visitor, OURS, 6, &segment(to, 0x10, [him, us], &[], b""));
    for _ in 0..2 {
        writer.put(visitor, OURS, 6, &segment(to, 0x18, [him, us], &[], &request));
        him = him.wrapping_add(200);
        writer.put(OURS, visitor, 6, &segment(from, 0x10, [us, him], &[], b""));
    }
    for _ in 0..4 {
        writer.put(OURS, visitor, 6, &segment(from, 0x18, [us, him], &[], &[b'a'; 400]));
        us += 400;
    }
    writer.put(visitor, OURS, 6, &segment(to, 0x10, [him, us], &[], b""));
    writer.put(OURS, visitor, 6, &segment(from, 0x11, [us, him], &[], b""));
    writer.put(visitor, OURS, 6, &segment(to, 0x11, [him, us + 1], &[], b""));
    writer.put(OURS, visitor, 6, &segment(from, 0x10, [us + 1, him.wrapping_add(1)], &[], b""));
}

fn segment(
    ports: (u16, u16),
    flags: u8,
    numbers: [u32; 2],
    options: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(20 + options.len() + payload.len());
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend(numbers[0].to_be_bytes());
    bytes.extend(numbers[1].to_be_bytes());
    bytes.extend([
        u8::try_from((5 + options.len() / 4) << 4).unwrap(),
        flags,
        0xfa,
        0xf0,
        0,
        0,
        0,
        0,
    ]);
    bytes.extend(options);
    bytes.extend(payload);
    bytes
}

fn datagram(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    let mut bytes = Vec::new();
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

fn sum(parts: &[&[u8]]) -> u16 {
    let mut total = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            total += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
        }
    }
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !u16::try_from(total).unwrap()
}

impl Writer {
    fn put(&mut self, source: [u8; 4], destination: [u8; 4], protocol: u8, transport: &[u8]) {
        let mut transport = transport.to_vec();
        let length = u16::try_from(transport.len()).unwrap();
        let place = if protocol == 6 { 16 } else { 6 };
        let right =
            sum(&[&source, &destination, &[0, protocol], &length.to_be_bytes(), &transport]);
        transport[place..place + 2].copy_from_slice(&right.to_be_bytes());
        let mut head = [0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, protocol, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        head[2..4].copy_from_slice(&(20 + length).to_be_bytes());
        head[12..16].copy_from_slice(&source);
        head[16..].copy_from_slice(&destination);
        let right = sum(&[&head]);
        head[10..12].copy_from_slice(&right.to_be_bytes());
        let frame = 34 + u32::from(length);
        // 20,000 packets a second.
        let micros = u64::from(self.packets) * 50;
        let seconds = u32::try_from(1_767_225_600 + micros / 1_000_000).unwrap();
        for word in [seconds, u32::try_from(micros % 1_000_000).unwrap(), frame, frame] {
            self.out.write_all(&word.to_le_bytes()).unwrap();
        }
        self.out.write_all(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]).unwrap();
        self.out.write_all(&head).unwrap();
        self.out.write_all(&transport).unwrap();
        self.packets += 1;
    }
}
