//! Every field that is read, packet by packet, beside tshark's dissection: captures that real tools made, and a corpus made by scapy
//! (`odd.py`) of all kinds of packets and of ones that lie in any byte. Where a packet is sound every field must be the same; where it
//! lies it must be counted where the lie shows.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use kizashi_wire::{Body, CaptureReader, Dissected, Faults, Next, Packet, TcpOptions, dissect};

use crate::peers::{captures, is_there};

const FIELDS: [&str; 26] = [
    "ip.src",
    "ip.dst",
    "ip.ttl",
    "ip.id",
    "ip.flags.df",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.hlim",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.flags",
    "tcp.window_size_value",
    "tcp.urgent_pointer",
    "tcp.len",
    "tcp.option_kind",
    "tcp.options.mss_val",
    "tcp.options.wscale.shift",
    "tcp.options.timestamp.tsval",
    "udp.srcport",
    "udp.dstport",
    "udp.length",
    "icmp.type",
    "icmp.code",
    "frame.protocols",
];

/// A packet as words; `None` where it is no IP.
type Read = Option<Vec<String>>;

/// What we read, and whether there was nothing wrong.
fn ours(file: &Path) -> Vec<(Read, bool)> {
    let mut reader = CaptureReader::new(File::open(file).unwrap());
    let (mut all, mut faults) = (Vec::new(), Faults::default());
    while let Next::Frame(frame) = reader.next_frame().unwrap() {
        let before = faults.total();
        let read = match dissect(&frame, &mut faults) {
            Dissected::Packet(packet) => Some(words(&packet)),
            Dissected::NotIp | Dissected::Broken => None,
        };
        let is_sound = faults.total() == before && !options_lie(&frame, &mut faults);
        all.push((read, is_sound));
    }
    all
}

fn options_lie(frame: &kizashi_wire::Frame<'_>, faults: &mut Faults) -> bool {
    match dissect(frame, faults) {
        Dissected::Packet(Packet { body: Body::Tcp(segment), .. }) => {
            TcpOptions::read(segment.options).is_broken
        }
        _ => false,
    }
}

fn words(packet: &Packet<'_>) -> Vec<String> {
    let ip = &packet.ip;
    let mut words = vec![ip.source.to_string(), ip.destination.to_string()];
    words.push(ip.time_to_live.to_string());
    if let Some(identification) = ip.identification {
        words.push(format!("{identification:#06x}"));
        words.push(ip.dont_fragment.to_string());
    }
    match packet.body {
        Body::Tcp(segment) => {
            let header = segment.header;
            let options = TcpOptions::read(segment.options);
            let flags = (u16::from(header.reserved) << 8) | u16::from(header.flags.0);
            words.push("tcp".to_owned());
            words.extend([header.source_port, header.destination_port].map(|n| n.to_string()));
            words.extend([header.sequence, header.acknowledgement].map(|n| n.to_string()));
            words.push(format!("{flags:#06x}"));
            words.extend([header.window, header.urgent].map(|n| n.to_string()));
            words.push(segment.payload.len().to_string());
            let kinds: Vec<String> = options.kinds().iter().map(u8::to_string).collect();
            words.push(kinds.join(","));
            let maybe = |value: Option<u32>| value.map_or(String::new(), |value| value.to_string());
            words.push(maybe(options.segment_size.map(u32::from)));
            words.push(maybe(options.scale.map(u32::from)));
            words.push(maybe(options.timestamps.map(|(own, _)| own)));
        }
        Body::Udp(datagram) => {
            words.push("udp".to_owned());
            words.extend([datagram.source_port, datagram.destination_port].map(|n| n.to_string()));
            words.push((u32::from(datagram.payload_length) + 8).to_string());
        }
        Body::Icmp(message) if ip.source.is_ipv4() => {
            words.push("icmp".to_owned());
            words.extend([message.kind, message.code].map(|n| n.to_string()));
        }
        Body::Icmp(_) => words.push("icmpv6".to_owned()),
        Body::Fragment | Body::Other => words.push("other".to_owned()),
    }
    words
}

fn theirs(file: &Path) -> Vec<Read> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(file).args(["-T", "fields", "-E", "separator=|"]);
    for option in [
        "ip.defragment:FALSE",
        "ipv6.defragment:FALSE",
        "tcp.desegment_tcp_streams:FALSE",
        "tcp.relative_sequence_numbers:FALSE",
    ] {
        command.args(["-o", option]);
    }
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(line).collect()
}

fn line(line: &str) -> Read {
    let all: Vec<&str> = line.split('|').collect();
    let column = |name: &str| -> &str {
        let place = FIELDS.iter().position(|field| *field == name).unwrap();
        all.get(place).copied().unwrap_or_default()
    };
    // The outermost of several: an error quotes a packet, a tunnel carries one.
    let first = |name: &str| column(name).split(',').next().unwrap_or_default().to_owned();
    let is_four = !first("ip.src").is_empty();
    let protocols: Vec<&str> = column("frame.protocols").split(':').collect();
    let outer = protocols.iter().position(|name| matches!(*name, "ip" | "ipv6"))?;
    let is_four = is_four && protocols[outer] == "ip";
    let mut words = match is_four {
        true => ["ip.src", "ip.dst", "ip.ttl", "ip.id"].map(first).to_vec(),
        false => ["ipv6.src", "ipv6.dst", "ipv6.hlim"].map(first).to_vec(),
    };
    if is_four {
        let flag = first("ip.flags.df");
        words.push((flag == "1" || flag == "True").to_string());
    }
    let inside = protocols[outer + 1..]
        .iter()
        .find(|name| !name.starts_with("ipv6.") && **name != "ipv6.fraghdr");
    match inside.copied() {
        Some("tcp") => {
            words.push("tcp".to_owned());
            for name in &FIELDS[8..16] {
                words.push(first(name));
            }
            // tshark lists the bytes behind the end of options as further ends.
            let kinds: Vec<&str> = column("tcp.option_kind").split(',').collect();
            let end = kinds.iter().position(|kind| *kind == "0").map_or(kinds.len(), |end| end + 1);
            words.push(kinds[..end].join(","));
            // Of an option that is there several times we keep the last.
            let last =
                |name: &str| column(name).split(',').next_back().unwrap_or_default().to_owned();
            words.extend(FIELDS[17..20].iter().map(|name| last(name)));
        }
        Some("udp") => {
            words.push("udp".to_owned());
            words.extend(FIELDS[20..23].iter().map(|name| first(name)));
        }
        Some("icmp") => {
            words.push("icmp".to_owned());
            words.extend(FIELDS[23..25].iter().map(|name| first(name)));
        }
        Some("icmpv6") => words.push("icmpv6".to_owned()),
        _ => words.push("other".to_owned()),
    }
    Some(words)
}

/// Compares the sound ones of the first packets; gives how many were, and how many were not.
fn compare(file: &Path, first: usize) -> (usize, usize) {
    let (ours, theirs) = (ours(file), theirs(file));
    assert_eq!(ours.len(), theirs.len(), "{}", file.display());
    let (mut same, mut unsound) = (0, 0);
    let pairs = ours.into_iter().zip(theirs).take(first);
    for (number, ((ours, is_sound), theirs)) in pairs.enumerate() {
        if is_sound {
            assert_eq!(ours, theirs, "packet {} of {}", number + 1, file.display());
            same += 1;
        } else {
            unsound += 1;
        }
    }
    (same, unsound)
}

#[test]
fn tshark_reads_every_field_alike_in_what_real_tools_sent() {
    if !is_there("tshark") {
        return;
    }
    for file in captures() {
        let (same, unsound) = compare(&file, usize::MAX);
        assert!(same > 5 && unsound == 0, "{}: {same}, {unsound} unsound", file.display());
    }
}

struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn tshark_reads_every_field_alike_in_what_scapy_makes_and_lies_are_counted() {
    if !is_there("tshark") {
        return;
    }
    let path = std::env::temp_dir().join(format!("kizashi-odd-{}.pcap", std::process::id()));
    let _remove = Remove(path.clone());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/odd.py");
    // Debian's own Python has Debian's scapy.
    let made = Command::new("/usr/bin/python3").arg(script).arg(&path).output();
    let Some(made) = made.ok().filter(|made| made.status.success()) else {
        println!("skipped: scapy is not there (python3-scapy)");
        return;
    };
    let counts = String::from_utf8(made.stdout).unwrap();
    let counts: Vec<usize> = counts.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let (same, unsound) = compare(&path, counts[0]);
    assert_eq!((same, unsound), (counts[0], 0), "a sound one was called a lie");
    // Of lies each program makes what it will; ours counts them.
    let read = ours(&path);
    let lies = read.iter().skip(counts[0]).filter(|(_, is_sound)| !is_sound).count();
    println!("{same} packets read alike, {lies} of {} liars counted as such", counts[1]);
    assert_eq!(read.len(), counts[0] + counts[1]);
    assert!(lies > 100, "{lies}");
}
