//! tshark and p0f beside ours, on the same captures: those that real tools made (`tests/captures`, by `scripts/make-captures`) and a
//! corpus made by hand.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use kizashi_wire::{
    Body, CaptureReader, Dissected, Faults, Fragment, Next, Syn, dissect, signature,
};

use crate::hand_made::*;

pub(crate) fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8);
    files
}

pub(crate) fn is_there(tool: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path)
            .chain(["/usr/sbin".into()])
            .any(|folder| folder.join(tool).is_file())
    });
    if !found {
        println!("skipped: {tool} is not there");
    }
    found
}

/// How many packets of a transport, to a port, with these flags (of ICMP: type and code).
type Tally = BTreeMap<(String, u32, u32), u64>;

pub(crate) fn our_tally(file: &Path) -> Tally {
    let mut reader = CaptureReader::new(std::fs::File::open(file).unwrap());
    let (mut tally, mut faults) = (Tally::new(), Faults::default());
    while let Next::Frame(frame) = reader.next_frame().unwrap() {
        let Dissected::Packet(packet) = dissect(&frame, &mut faults) else { continue };
        let key = match packet.body {
            Body::Tcp(segment) => {
                let header = segment.header;
                ("tcp", header.destination_port.into(), header.flags.0.into())
            }
            Body::Udp(datagram) => ("udp", datagram.destination_port.into(), 0),
            Body::Icmp(message) => ("icmp", message.kind.into(), message.code.into()),
            Body::Fragment | Body::Other => continue,
        };
        *tally.entry((key.0.to_owned(), key.1, key.2)).or_default() += 1;
    }
    tally
}

pub(crate) fn tshark_tally(file: &Path) -> Tally {
    let fields = [
        "frame.protocols",
        "tcp.dstport",
        "tcp.flags",
        "udp.dstport",
        "icmp.type",
        "icmp.code",
        "icmpv6.type",
        "icmpv6.code",
    ];
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(file).args([
        "-T",
        "fields",
        "-E",
        "occurrence=f",
        "-E",
        "separator=|",
    ]);
    // Pieces are told apart here, not put together.
    command.args(["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    let mut tally = Tally::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let columns: Vec<&str> = line.split('|').collect();
        let transport = columns[0]
            .split(':')
            .find(|name| matches!(*name, "tcp" | "udp" | "icmp" | "icmpv6"))
            .map(|name| if name == "icmpv6" { "icmp" } else { name });
        let number = |column: usize| -> Option<u32> {
            let text = columns.get(column)?;
            match text.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => text.parse().ok(),
            }
        };
        let key = match transport {
            Some("tcp") => number(1).map(|port| (port, number(2).unwrap_or_default() & 0xff)),
            Some("udp") => number(3).map(|port| (port, 0)),
            Some("icmp") => number(4).zip(number(5)).or(number(6).zip(number(7))),
            _ => None,
        };
        if let (Some(transport), Some((port, flags))) = (transport, key) {
            *tally.entry((transport.to_owned(), port, flags)).or_default() += 1;
        }
    }
    tally
}

#[test]
fn tshark_sees_the_same_ports_and_flags_in_what_real_tools_sent() {
    if !is_there("tshark") {
        return;
    }
    for file in captures() {
        let ours = our_tally(&file);
        assert!(!ours.is_empty(), "{}", file.display());
        assert_eq!(ours, tshark_tally(&file), "{}", file.display());
    }
}

/// Packets of every kind that is read, in each link.
fn corpus() -> Vec<(u16, Vec<Vec<u8>>)> {
    let six = Ip::between("2001:db8::9", "2001:db8::1");
    let segment = Tcp::new((4_000, 8_443), SYN, 1, 0);
    let mut with_options = Ip::inbound().tcp(&Tcp::new((4_000, 8_444), SYN, 1, 0));
    with_options[0] = 0x46;
    with_options.splice(20..20, [1, 1, 1, 0]);
    let total = u16::try_from(with_options.len()).unwrap().to_be_bytes();
    with_options[2..4].copy_from_slice(&total);
    let chain =
        [&[60, 0, 1, 4, 0, 0, 0, 0][..], &[6, 0, 1, 4, 0, 0, 0, 0], &segment.bytes()].concat();
    let mut wrong = Ip::inbound().tcp(&Tcp::new((4_000, 8_445), SYN, 1, 0));
    wrong[36] ^= 0xff;
    let piece = |place: u16| {
        [&[17, 0][..], &place.to_be_bytes(), &[0, 0, 0, 1], &udp((53, 54), &[0; 16])].concat()
    };
    let bomb = Tcp { options: vec![1; 40], ..Tcp::new((4_000, 8_446), SYN, 1, 0) };
    let packets = vec![
        Ip::inbound().tcp(&segment),
        six.tcp(&segment),
        with_options,
        six.carry_raw(0, &chain),
        wrong,
        Ip::inbound().tcp(&bomb),
        Ip::inbound().tcp(&Tcp::new((4_000, 8_447), 0xff, 1, 0)),
        Ip::inbound().tcp(&Tcp::new((4_000, 8_448), 0, 1, 0)),
        Ip { fragment: 0x2000, ..Ip::inbound() }.udp((40_000, 40_001), &[7; 64]),
        Ip { fragment: 0x0008, ..Ip::inbound() }.carry_raw(17, &[7; 64]),
        six.carry_raw(44, &piece(1)),
        six.carry_raw(44, &piece(64)),
        Ip::inbound().udp((40_000, 40_002), b"datagram"),
        six.udp((40_000, 40_003), b"datagram"),
        Ip::inbound().carry(1, icmp(8, 0, 1, b"ping")),
        Ip::inbound().carry(1, icmp(3, 3, 0, &Ip::outbound().udp((53, 4_000), b"xxxxxxxx"))),
        six.carry(58, icmp(128, 0, 1, b"ping")),
        Ip::inbound().tcp(&Tcp::new((4_000, 8_449), PSH_ACK, 1, 1).with(&[b'j'; 9_000])),
    ];
    let kind = |packet: &[u8]| if packet[0] >> 4 == 6 { [0x86, 0xdd] } else { [8, 0] };
    let around = |head: &[u8], packet: &Vec<u8>| [head, &kind(packet), packet].concat();
    let each = |wrap: &dyn Fn(&Vec<u8>) -> Vec<u8>| packets.iter().map(wrap).collect::<Vec<_>>();
    let cooked = [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    let behind = [0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    let family = |packet: &[u8]| if packet[0] >> 4 == 6 { 30_u32 } else { 2 };
    vec![
        (1, each(&|packet| ethernet(packet))),
        (1, each(&|packet| around(&[&[2; 12][..], &[0x81, 0, 0, 5]].concat(), packet))),
        (
            1,
            each(&|packet| {
                around(&[&[2; 12][..], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 5]].concat(), packet)
            }),
        ),
        (113, each(&|packet| around(&cooked, packet))),
        (276, each(&|packet| [&kind(packet)[..], &behind, packet].concat())),
        (101, each(&Clone::clone)),
        (0, each(&|packet| [&family(packet).to_le_bytes()[..], packet].concat())),
        (108, each(&|packet| [&family(packet).to_be_bytes()[..], packet].concat())),
    ]
}

#[test]
fn tshark_sees_the_same_in_packets_made_by_hand_in_every_link() {
    if !is_there("tshark") {
        return;
    }
    for (number, (link, frames)) in corpus().into_iter().enumerate() {
        let path =
            std::env::temp_dir().join(format!("kizashi-wire-{}-{number}.pcap", std::process::id()));
        std::fs::write(&path, pcap(link, &frames)).unwrap();
        let (ours, theirs) = (our_tally(&path), tshark_tally(&path));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(ours.values().sum::<u64>(), 16, "link {link}");
        assert_eq!(ours, theirs, "link {link}, {number}");
    }
}

/// An address as p0f writes it, nothing left out.
fn long(address: IpAddr) -> String {
    match address {
        IpAddr::V4(four) => four.to_string(),
        IpAddr::V6(six) => six.segments().map(|part| format!("{part:x}")).join(":"),
    }
}

/// Our signatures of first segments, by the visitor's address and port.
fn our_signatures(file: &Path) -> BTreeMap<String, String> {
    let mut reader = CaptureReader::new(std::fs::File::open(file).unwrap());
    let (mut found, mut faults) = (BTreeMap::new(), Faults::default());
    while let Next::Frame(frame) = reader.next_frame().unwrap() {
        let Dissected::Packet(packet) = dissect(&frame, &mut faults) else { continue };
        if let (Body::Tcp(segment), Fragment::Whole) = (packet.body, packet.ip.fragment)
            && segment.header.flags.0 & 0x17 == 2
        {
            let who = format!("{}/{}", long(packet.ip.source), segment.header.source_port);
            found.entry(who).or_insert_with(|| signature(&Syn::of(&packet.ip, &segment)));
        }
    }
    found
}

/// p0f's raw signatures of the same.
fn p0f_signatures(file: &Path) -> BTreeMap<String, String> {
    let output = Command::new("p0f").arg("-r").arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found = BTreeMap::new();
    let mut who = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix(".-[ ") {
            let is_syn = rest.ends_with("(syn) ]-");
            who = rest.split(" -> ").next().filter(|_| is_syn).map(str::to_owned);
        } else if let (Some(who), Some(raw)) = (&who, line.strip_prefix("| raw_sig  = ")) {
            found.entry(who.clone()).or_insert_with(|| raw.to_owned());
        }
    }
    found
}

#[test]
fn p0f_reads_the_same_signature_in_every_first_segment() {
    if !is_there("p0f") {
        return;
    }
    let mut compared = 0;
    for file in captures() {
        let (ours, theirs) = (our_signatures(&file), p0f_signatures(&file));
        for (who, theirs) in theirs {
            // p0f 3.09b tells `ack+` by one bit of the number alone, against its own document.
            let ours = ours.get(&who).map(|ours| ours.replace("ack+", ""));
            assert_eq!(ours, Some(theirs.replace("ack+", "")), "{who} in {}", file.display());
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} were compared");
}
