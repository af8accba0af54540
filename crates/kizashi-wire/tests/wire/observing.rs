//! What is told of packets.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use kizashi_event::fingerprint::{Carrier, HelloReading, ja4, read_client_hello};
use kizashi_event::{Detail, Event, Outcome, Port, ScanOrder, ScanPattern, Timestamp};
use kizashi_wire::{Frame, LinkType, Observer, Options};

use crate::hand_made::*;

pub(crate) fn observer(local: &[&str]) -> Observer {
    let local = local.iter().map(|text| text.parse().unwrap()).collect();
    Observer::new(&Options { sensor: Arc::from("wire"), local })
}

/// A packet and its time in milliseconds.
type Timed = (i64, Vec<u8>);

/// Feeds packets, each with its time in milliseconds, and gives what is told.
pub(crate) fn observe(observer: &mut Observer, packets: &[(i64, Vec<u8>)]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut sink = |event| {
        events.push(event);
        ControlFlow::Continue(())
    };
    let start = Timestamp::from_seconds(1_767_225_600);
    for (milliseconds, packet) in packets {
        let frame = Frame {
            time: start.plus(milliseconds * 1_000),
            link: LinkType::RAW,
            bytes: packet,
            original_length: u32::try_from(packet.len()).unwrap(),
        };
        observer.frame(&frame, &mut sink);
    }
    observer.finish(&mut sink);
    events
}

fn outcomes(events: &[Event]) -> Vec<(Port, Option<Outcome>, u32)> {
    events
        .iter()
        .filter_map(|event| match &event.detail {
            Detail::Attempt(attempt) => Some((event.port, attempt.outcome, attempt.repeats)),
            _ => None,
        })
        .collect()
}

fn fingerprints(event: &Event) -> Vec<&str> {
    match &event.detail {
        Detail::Attempt(attempt) => attempt.fingerprints.iter().map(|text| text.raw()).collect(),
        _ => Vec::new(),
    }
}

fn to_us(flags: u8, sequence: u32, acknowledgement: u32) -> Vec<u8> {
    Ip::inbound().tcp(&Tcp::new((4_000, 80), flags, sequence, acknowledgement))
}

fn from_us(flags: u8, sequence: u32, acknowledgement: u32) -> Vec<u8> {
    Ip::outbound().tcp(&Tcp::new((80, 4_000), flags, sequence, acknowledgement))
}

fn says(sequence: u32, text: &[u8]) -> Vec<u8> {
    Ip::inbound().tcp(&Tcp::new((4_000, 80), PSH_ACK, sequence, 501).with(text))
}

fn handshake() -> Vec<(i64, Vec<u8>)> {
    vec![(0, to_us(SYN, 100, 0)), (1, from_us(SYN_ACK, 500, 101)), (2, to_us(ACK, 101, 501))]
}

#[test]
fn an_attempt_has_the_outcome_that_was_seen() {
    let http = Port::tcp(80);
    let cases: [(&str, Vec<Timed>, Outcome); 6] = [
        ("nothing comes back", vec![(0, to_us(SYN, 100, 0))], Outcome::Unanswered),
        (
            "refused",
            vec![(0, to_us(SYN, 100, 0)), (1, from_us(RST | ACK, 0, 101))],
            Outcome::Refused,
        ),
        (
            "answered and never finished",
            vec![(0, to_us(SYN, 100, 0)), (1, from_us(SYN_ACK, 500, 101))],
            Outcome::HalfOpen,
        ),
        (
            "a half-open scan",
            vec![(0, to_us(SYN, 100, 0)), (1, from_us(SYN_ACK, 500, 101)), (2, to_us(RST, 101, 0))],
            Outcome::HalfOpen,
        ),
        ("opened", handshake(), Outcome::Completed),
        (
            "a guess at our number opens nothing",
            vec![
                (0, to_us(SYN, 100, 0)),
                (1, from_us(SYN_ACK, 500, 101)),
                (2, to_us(ACK, 101, 999)),
            ],
            Outcome::HalfOpen,
        ),
    ];
    for (what, packets, outcome) in cases {
        let events = observe(&mut observer(&[OURS]), &packets);
        assert_eq!(outcomes(&events), [(http, Some(outcome), 0)], "{what}");
        let is_session = outcome == Outcome::Completed;
        assert_eq!(events[0].weight().sessions, u64::from(is_session), "{what}");
        assert_eq!(events[0].source.to_string(), VISITOR);
        assert_eq!(events[0].destination.unwrap().to_string(), OURS);
    }
}

#[test]
fn sent_again_it_is_the_same_attempt_and_anew_it_is_another() {
    let syn = || to_us(SYN, 100, 0);
    let again = [(0, syn()), (1_000, syn()), (3_000, syn()), (7_000, syn()), (15_000, syn())];
    let mut one = observer(&[OURS]);
    let late = [&again[..], &[(31_000, syn()), (63_000, syn())]].concat();
    assert_eq!(outcomes(&observe(&mut one, &late)).len(), 1);
    assert_eq!(one.counts().tcp.syn_segments, 7);
    assert_eq!(one.counts().tcp.repeats, 6);
    let anew = [(0, syn()), (1_000, to_us(SYN, 777, 0))];
    assert_eq!(outcomes(&observe(&mut observer(&[OURS]), &anew)).len(), 2);
    let refused_again = [
        (0, syn()),
        (1, from_us(RST | ACK, 0, 101)),
        (500, syn()),
        (501, from_us(RST | ACK, 0, 101)),
    ];
    assert_eq!(outcomes(&observe(&mut observer(&[OURS]), &refused_again)).len(), 1);
}

#[test]
fn an_attempt_is_told_when_its_outcome_is_known_and_after_20_seconds_at_the_latest() {
    let mut told = Vec::new();
    let mut sink = |event: Event| {
        told.push(event);
        ControlFlow::Continue(())
    };
    let mut observer = observer(&[OURS]);
    let syn = to_us(SYN, 100, 0);
    let frame = |milliseconds: i64, bytes: &'_ [u8]| {
        let start = Timestamp::from_seconds(1_767_225_600).plus(milliseconds * 1_000);
        (start, LinkType::RAW, u32::try_from(bytes.len()).unwrap())
    };
    let (time, link, original_length) = frame(0, &syn);
    observer.frame(&Frame { time, link, bytes: &syn, original_length }, &mut sink);
    observer.pass(19 * Timestamp::SECOND, &mut sink);
    assert!(told_is_empty(&observer));
    observer.pass(2 * Timestamp::SECOND, &mut sink);
    assert_eq!(told.len(), 1);
}

fn told_is_empty(observer: &Observer) -> bool {
    observer.counts().events == 0
}

#[test]
fn what_a_visitor_says_is_put_together_and_recognised() {
    let mut packets = handshake();
    packets.push((5, says(117, b"Host: x\r\n\r\n")));
    packets.push((6, says(101, b"GET / HTTP/1.1\r\n")));
    packets.push((7, says(101, b"GET / HTTP/1.1\r\n")));
    packets.push((9, to_us(FIN_ACK, 128, 501)));
    let mut one = observer(&[OURS]);
    let events = observe(&mut one, &packets);
    assert_eq!(events.len(), 2, "{events:?}");
    let Detail::Payload(payload) = &events[1].detail else { panic!("{events:?}") };
    assert_eq!(payload.content, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(payload.size, Some(27));
    assert_eq!(events[1].service.name(), "http");
    assert_eq!(events[1].session, events[0].session);
    assert!(events[0].session.is_some());
}

#[test]
fn a_hello_of_tls_in_two_pieces_gives_the_fingerprint_that_the_trap_would_tell() {
    let hello = include_bytes!("hello.bin");
    let (first, second) = hello.split_at(90);
    let mut packets = handshake();
    packets.push((5, says(101, first)));
    packets.push((6, says(191, second)));
    let events = observe(&mut observer(&[OURS]), &packets);
    let HelloReading::Whole(read) = read_client_hello(hello) else {
        panic!("the sample is no hello")
    };
    let Detail::Client { fingerprint: Some(told), .. } = &events[2].detail else {
        panic!("{events:?}")
    };
    assert_eq!(told.raw(), format!("ja4:{}", ja4(&read, Carrier::Tcp)));
    assert!(events.iter().skip(1).all(|event| event.service.name() == "tls"), "{events:?}");
}

#[test]
fn a_conversation_is_kept_to_its_bound_and_its_length_told() {
    let mut packets = handshake();
    for n in 0..100_u32 {
        packets.push((10 + i64::from(n), says(101 + n * 1_000, &[b'a'; 1_000])));
    }
    let events = observe(&mut observer(&[OURS]), &packets);
    let Detail::Payload(payload) = &events[1].detail else { panic!() };
    assert_eq!((payload.content.len(), payload.size), (65_536, Some(100_000)));
}

#[test]
fn conversations_of_many_visitors_hold_a_bounded_amount_and_none_is_lost_silently() {
    let mut packets = Vec::new();
    let visitors = 600_u32;
    for n in 0..visitors {
        let ip = Ip::between(&format!("198.18.{}.{}", n / 250, n % 250 + 1), OURS);
        let back = Ip { source: ip.destination, destination: ip.source, ..ip };
        packets.push((0, ip.tcp(&Tcp::new((4_000, 80), SYN, 100, 0))));
        packets.push((0, back.tcp(&Tcp::new((80, 4_000), SYN_ACK, 500, 101))));
        for part in 0..44 {
            let segment =
                Tcp::new((4_000, 80), PSH_ACK, 101 + part * 1_400, 501).with(&[b'a'; 1_400]);
            packets.push((1, ip.tcp(&segment)));
        }
    }
    let mut one = observer(&[OURS]);
    let events = observe(&mut one, &packets);
    let payloads = events.iter().filter(|event| matches!(event.detail, Detail::Payload(_)));
    assert_eq!(payloads.count(), 600);
    assert!(one.counts().displaced > 0, "{:?}", one.counts());
}

#[test]
fn answers_to_what_we_never_sent_are_backscatter_and_no_attempt() {
    let stray = |segment: Tcp| Ip::inbound().tcp(&segment);
    let quoting = |inner: Vec<u8>| Ip::inbound().carry(1, icmp(3, 3, 0, &inner));
    let packets = [
        (0, stray(Tcp::new((80, 1_111), SYN_ACK, 1, 2))),
        (1, stray(Tcp::new((80, 1_112), RST, 1, 0))),
        (2, stray(Tcp::new((80, 1_113), RST | ACK, 0, 1))),
        (3, quoting(Ip::outbound().udp((5_353, 4_000), b"x"))),
        (4, Ip::inbound().carry(1, icmp(0, 0, 77, b"echo"))),
        (5, stray(Tcp::new((80, 1_114), ACK, 1, 1))),
    ];
    let mut one = observer(&[OURS]);
    assert_eq!(observe(&mut one, &packets), []);
    let backscatter = &one.counts().backscatter;
    let answers = backscatter.answers();
    assert_eq!((answers.syn_ack, answers.rst, answers.icmp), (1, 2, 2));
    let victims: Vec<_> = backscatter
        .victims()
        .iter()
        .map(|one| (one.source.unwrap().to_string(), one.port, one.answers.total()))
        .collect();
    let visitor = || VISITOR.to_owned();
    // Of the echo no port is known; the error is about a datagram from our port 5353 to his port 4000.
    assert_eq!(
        victims,
        [
            (visitor(), Some(Port::tcp(80)), 3),
            (visitor(), None, 1),
            (visitor(), Some(Port::udp(4_000)), 1),
        ]
    );
    assert_eq!(backscatter.ports()[0].port, Some(Port::tcp(80)));
    assert_eq!(one.counts().strays, 1);
}

#[test]
fn what_we_began_ourselves_is_neither_attempt_nor_backscatter() {
    let out = |segment: Tcp| Ip::outbound().tcp(&segment);
    let back = |segment: Tcp| Ip::inbound().tcp(&segment);
    let packets = [
        (0, out(Tcp::new((50_000, 443), SYN, 1, 0))),
        (1, back(Tcp::new((443, 50_000), SYN_ACK, 9, 2))),
        (2, out(Tcp::new((50_000, 443), ACK, 2, 10))),
        (3, back(Tcp::new((443, 50_000), PSH_ACK, 10, 2).with(b"hello"))),
        (4, back(Tcp::new((443, 50_000), RST, 15, 0))),
        (5, Ip::outbound().udp((50_001, 53), b"query")),
        (6, Ip::inbound().udp((53, 50_001), b"answer")),
        (7, Ip::outbound().carry(1, icmp(8, 0, 5, b"ping"))),
        (8, Ip::inbound().carry(1, icmp(0, 0, 5, b"ping"))),
        (9, Ip::inbound().carry(1, icmp(3, 3, 0, &Ip::outbound().udp((50_001, 53), b"query")))),
    ];
    let mut one = observer(&[OURS]);
    assert_eq!(observe(&mut one, &packets), []);
    assert_eq!(one.counts().backscatter.total(), 0);
    assert_eq!(one.counts().ours, 3);
}

#[test]
fn a_flow_of_datagrams_is_told_once_with_its_first_content() {
    let packets = [
        (
            0,
            Ip::inbound().udp(
                (4_000, 5_060),
                b"OPTIONS sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP x\r\n",
            ),
        ),
        (10, Ip::inbound().udp((4_000, 5_060), b"again")),
        (20, Ip::inbound().udp((4_001, 5_060), b"")),
        (30, Ip::inbound().carry(1, icmp(8, 0, 1, b"ping"))),
        (40, Ip::inbound().carry(1, icmp(8, 0, 1, b"ping"))),
    ];
    let mut one = observer(&[OURS]);
    let events = observe(&mut one, &packets);
    let told: Vec<_> =
        events.iter().map(|event| (event.port.to_string(), event.detail.action())).collect();
    let wanted = [("udp/5060", "payload"), ("udp/5060", "attempt"), ("icmp/8", "attempt")];
    assert_eq!(told, wanted.map(|(port, action)| (port.to_owned(), action)));
    assert_eq!(events[0].service.name(), "sip");
    assert_eq!((one.counts().udp_datagrams, one.counts().udp_flows), (3, 2));
}

#[test]
fn a_scan_is_one_summary_beside_its_attempts_and_counts_nothing_itself() {
    let syn = |n: u16| Ip::inbound().tcp(&Tcp::new((4_000, n), SYN, 1, 0));
    let packets: Vec<_> = (1..=1_000).map(|n| (i64::from(n), syn(n))).collect();
    let events = observe(&mut observer(&[OURS]), &packets);
    let scans: Vec<_> =
        events.iter().filter(|event| matches!(event.detail, Detail::Scan(_))).collect();
    let [event] = scans[..] else { panic!("{} summaries", scans.len()) };
    let Detail::Scan(scan) = &event.detail else { panic!() };
    assert_eq!((scan.ports, scan.attempts, scan.destinations), (1_000, 1_000, 1));
    assert_eq!((scan.order, scan.duration_ms), (ScanOrder::Ascending, 999));
    assert_eq!(scan.first_ports[..2], [Port::tcp(1), Port::tcp(2)]);
    assert_eq!(event.weight().events, 0);
    assert_eq!(events.iter().map(|event| event.weight().events).sum::<u64>(), 1_000);
}

/// The summary of the scan that one source makes over these ports, on so many of our addresses.
fn scan_over(ports: &[u16], destinations: u8) -> kizashi_event::Scan {
    let mut packets = Vec::new();
    for host in 1..=destinations {
        let ip = Ip::between(VISITOR, &format!("192.0.2.{host}"));
        for port in ports {
            let number = i64::try_from(packets.len()).unwrap();
            packets.push((number, ip.tcp(&Tcp::new((4_000, *port), SYN, 1, 0))));
        }
    }
    let events = observe(&mut observer(&["192.0.2.0/24"]), &packets);
    let scans = events.into_iter().filter_map(|event| match event.detail {
        Detail::Scan(scan) => Some(*scan),
        _ => None,
    });
    scans.last().unwrap()
}

#[test]
fn a_scan_tells_how_it_chose_its_ports_and_how_wide_they_lie() {
    let sequential: Vec<u16> = (1..=500).collect();
    // Numbers that follow nothing: of a full-period generator modulo 65,537.
    let drawn: Vec<u16> = (1..=600_u64)
        .map(|n| u16::try_from((n * n * 75 + n * 74 + 1) % 65_537 % 65_536).unwrap())
        .collect();
    let shuffled: Vec<u16> =
        (0..500_u32).map(|n| u16::try_from(1 + (n * 211) % 500).unwrap()).collect();
    let usual = [
        443, 22, 80, 3_389, 21, 8_080, 23, 25, 3_306, 445, 110, 135, 139, 143, 53, 5_900, 8_443,
        993, 995, 1_723, 111, 8_888, 6_379, 27_017, 9_200, 2_375, 5_432, 11_211,
    ];
    let cases: [(&str, &[u16], u8, ScanPattern); 6] = [
        ("one after the other", &sequential, 1, ScanPattern::Sequential),
        ("the same on three addresses", &sequential, 3, ScanPattern::Sequential),
        ("drawn from all", &drawn, 1, ScanPattern::Random),
        ("a range shuffled", &shuffled, 1, ScanPattern::Random),
        ("ports that are known", &usual, 1, ScanPattern::List),
        ("one port on forty addresses", &[23], 40, ScanPattern::Sweep),
    ];
    for (what, ports, destinations, pattern) in cases {
        let scan = scan_over(ports, destinations);
        assert_eq!(scan.pattern, Some(pattern), "{what}: {scan:?}");
        assert_eq!(scan.destinations, u32::from(destinations), "{what}");
        let spread = (*ports.iter().min().unwrap(), *ports.iter().max().unwrap());
        assert_eq!(scan.spread, Some(spread), "{what}");
    }
}

#[test]
fn many_sources_at_one_port_are_told_by_the_ports_own_sources_and_are_no_scan() {
    let packets: Vec<_> = (0..200_u8)
        .map(|n| {
            let ip = Ip::between(&format!("198.18.7.{n}"), OURS);
            (i64::from(n), ip.tcp(&Tcp::new((4_000, 23), SYN, 1, 0)))
        })
        .collect();
    let events = observe(&mut observer(&[OURS]), &packets);
    let sources: BTreeSet<_> = events.iter().map(|event| event.source).collect();
    assert_eq!((events.len(), sources.len()), (200, 200));
    assert!(events.iter().all(|event| event.port == Port::tcp(23)));
}

#[test]
fn an_uptime_is_told_of_systems_whose_clock_tells_it_and_of_no_others() {
    // Linux 2.6: 250 ticks a second, 4 hours after its start; two segments a second apart.
    let ticks = 250 * 3_600 * 4_u32;
    let uptimes = |window: u16| -> Vec<Option<u32>> {
        let syn = |port: u16, clock: u32| {
            let mut options = LINUX.to_vec();
            options[8..12].copy_from_slice(&clock.to_be_bytes());
            let segment = Tcp::new((port, 80), SYN, u32::from(port), 0);
            Ip::inbound().tcp(&Tcp { options, window, ..segment })
        };
        let packets = [(0, syn(4_000, ticks)), (1_000, syn(4_001, ticks + 250))];
        let events = observe(&mut observer(&[OURS]), &packets);
        events
            .iter()
            .filter_map(|event| match &event.detail {
                Detail::Attempt(attempt) => Some(attempt.uptime_minutes),
                _ => None,
            })
            .collect()
    };
    assert_eq!(uptimes(5_840), [None, Some(240)], "Linux 2.6, by four segments");
    assert_eq!(uptimes(64_240), [None, None], "Linux 5 begins with a secret number");
}

#[test]
fn link_and_distance_are_told_of_the_first_segment() {
    let mut options = LINUX.to_vec();
    options[2..4].copy_from_slice(&1_452_u16.to_be_bytes());
    let segment = Tcp { options, ..Tcp::new((4_000, 80), SYN, 1, 0) };
    let packet = Ip { time_to_live: 52, ..Ip::inbound() }.tcp(&segment);
    let events = observe(&mut observer(&[OURS]), &[(0, packet)]);
    let Detail::Attempt(attempt) = &events[0].detail else { panic!("{events:?}") };
    assert_eq!((attempt.mtu, attempt.link()), (Some(1_492), Some("PPPoE")));
    assert_eq!(attempt.distance, Some(12));
}

#[test]
fn options_that_lie_are_counted_and_the_attempt_is_told_all_the_same() {
    let segment = Tcp { options: vec![2, 0, 1, 1], ..Tcp::new((4_000, 80), SYN, 1, 0) };
    let mut one = observer(&[OURS]);
    let events = observe(&mut one, &[(0, Ip::inbound().tcp(&segment))]);
    assert_eq!(events.len(), 1);
    assert_eq!(one.counts().faults.of(kizashi_wire::Fault::TcpOptions), 1);
}

#[test]
fn odd_probes_are_attempts_and_a_wrong_sum_is_none() {
    let odd = |flags: u8, port: u16| Ip::inbound().tcp(&Tcp::new((4_000, port), flags, 1, 0));
    let packets = [(0, odd(0, 1)), (1, odd(1, 2)), (2, odd(0x29, 3)), (3, odd(3, 4))];
    let events = observe(&mut observer(&[OURS]), &packets);
    let names: BTreeSet<_> = events.iter().flat_map(fingerprints).collect();
    assert_eq!(names, BTreeSet::from(["probe:null", "probe:fin", "probe:xmas", "probe:syn-odd"]));
    let mut wrong = to_us(SYN, 100, 0);
    wrong[36] ^= 0x55;
    let mut one = observer(&[OURS]);
    assert_eq!(observe(&mut one, &[(0, wrong)]), []);
    assert_eq!(one.counts().faults.total(), 1);
}

#[test]
fn sequence_numbers_made_of_one_secret_and_the_ports_are_unicornscans() {
    let secret = 0x5eed_c0de_u32;
    let syn = |n: u16, number: u32| {
        let mut segment = Tcp::new((40_000 + n, 1_000 + n), SYN, number, 0);
        segment.options.clear();
        Ip { fragment: 0, ..Ip::inbound() }.tcp(&segment)
    };
    let mixed = |n: u16| secret ^ (u32::from(40_000 + n) << 16) ^ u32::from(1_000 + n);
    let scan: Vec<_> = (0..8).map(|n| (i64::from(n), syn(n, mixed(n)))).collect();
    let known = |packets: &[(i64, Vec<u8>)]| {
        let events = observe(&mut observer(&[OURS]), packets);
        events.iter().filter(|event| fingerprints(event).contains(&"scanner:unicornscan")).count()
    };
    assert_eq!(known(&scan), 8);
    let plain: Vec<_> =
        (0..8).map(|n| (i64::from(n), syn(n, u32::from(n) * 0x1234_5679))).collect();
    assert_eq!(known(&plain), 0);
}

#[test]
fn mirais_number_is_the_destination() {
    let mut segment = Tcp::new((40_000, 23), SYN, 0xc000_0201, 0);
    segment.options.clear();
    let events = observe(&mut observer(&[OURS]), &[(0, Ip::inbound().tcp(&segment))]);
    assert_eq!(fingerprints(&events[0]), ["scanner:mirai", "tcp:4:64:0:0:64240,0::df,id+:0"]);
}

/// First segments as the systems' own documents describe them.
#[test]
fn systems_are_known_by_the_habits_of_their_tcp() {
    let apple = [2, 4, 5, 0xb4, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 4, 2, 0, 0];
    let windows = [2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2];
    let freebsd = [2, 4, 5, 0xb4, 1, 3, 3, 6, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0];
    let cases: [(&str, u8, u16, &[u8]); 8] = [
        ("os:linux-5", 57, 64_240, LINUX),
        ("os:linux-3", 57, 29_200, LINUX),
        ("os:linux-2.6", 57, 5_840, LINUX),
        ("os:windows-10", 113, 64_240, &windows),
        ("os:windows-7", 113, 8_192, &windows),
        ("os:apple", 60, 65_535, &apple),
        ("os:freebsd", 60, 65_535, &freebsd),
        ("os:android", 50, 65_535, LINUX),
    ];
    for (system, time_to_live, window, options) in cases {
        let segment = Tcp { options: options.to_vec(), window, ..Tcp::new((4_000, 80), SYN, 1, 0) };
        let packet = Ip { time_to_live, ..Ip::inbound() }.tcp(&segment);
        let events = observe(&mut observer(&[OURS]), &[(0, packet)]);
        assert_eq!(fingerprints(&events[0])[0], system);
    }
}

#[test]
fn our_side_is_found_by_whom_most_sources_try_to_reach() {
    let mut packets = vec![];
    for n in 0..40_u8 {
        // We ask one name server often; many visitors come once.
        packets.push((
            i64::from(n),
            Ip::between(OURS, "198.51.100.53").udp((50_000 + u16::from(n), 53), b"q"),
        ));
        let visitor = format!("198.18.0.{n}");
        packets.push((
            i64::from(n),
            Ip::between(&visitor, OURS).tcp(&Tcp::new((4_000, 22), SYN, 1, 0)),
        ));
    }
    let mut one = observer(&[]);
    let events = observe(&mut one, &packets);
    assert_eq!(one.local().iter().map(ToString::to_string).collect::<Vec<_>>(), [OURS]);
    assert_eq!(outcomes(&events).len(), 40);
    assert_eq!(one.counts().ours, 40);
}

#[test]
fn the_same_packets_give_the_same_ids_in_any_link_and_others_differ() {
    let mut packets = handshake();
    packets.push((5, says(101, b"hello")));
    packets.push((6, Ip::inbound().udp((1, 2), b"x")));
    let ids = |packets: &[(i64, Vec<u8>)]| -> Vec<_> {
        observe(&mut observer(&[OURS]), packets)
            .iter()
            .map(|event| (event.time, event.id))
            .collect()
    };
    let first = ids(&packets);
    assert_eq!(first, ids(&packets));
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn a_flood_of_forged_sources_is_told_whole_in_bounded_memory() {
    let flood: Vec<_> = (0..200_000_u32)
        .map(|n| {
            let source = std::net::Ipv4Addr::from(0xc612_0000 + n);
            let ip = Ip { source: source.into(), ..Ip::inbound() };
            (i64::from(n) / 100, ip.tcp(&Tcp::new((4_000, 80), SYN, n, 0)))
        })
        .collect();
    let mut one = observer(&[OURS]);
    let mut told = 0;
    let mut sink = |_| {
        told += 1;
        ControlFlow::Continue(())
    };
    for (time, packet) in &flood {
        let time = Timestamp::from_seconds(1_767_225_600).plus(time * 1_000);
        let frame = Frame { time, link: LinkType::RAW, bytes: packet, original_length: 60 };
        one.frame(&frame, &mut sink);
    }
    one.finish(&mut sink);
    assert_eq!((told, one.counts().tcp.unanswered), (200_000, 200_000));
    assert!(one.counts().displaced > 100_000, "the oldest made room: {:?}", one.counts());
}

#[test]
fn a_step_back_in_time_ends_what_waited_and_does_no_harm() {
    let packets = [(9_000_000_000, to_us(SYN, 1, 0)), (0, to_us(SYN, 1, 0)), (5, to_us(SYN, 1, 0))];
    assert_eq!(outcomes(&observe(&mut observer(&[OURS]), &packets)).len(), 2);
}
