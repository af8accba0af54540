use std::net::Ipv4Addr;

use kizashi_event::{Backscatter, BackscatterKind, Port};

use super::*;
use crate::dissect::LinkType;
use crate::live::{Owners, PortSet};

const US: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(1_740_000_000_000_000 + millis * 1_000)
}

fn visitor(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0xcb00_7100 + number)
}

fn watch(rates: Rates) -> Watch {
    let ports = |list: &[u16]| PortSet::of(list.iter().copied());
    let options = WatchOptions {
        sensor: Arc::from("here"),
        local: vec![Prefix::alone(US.into())],
        ports: Ports {
            tcp: Owners { trapped: ports(&[23]), services: ports(&[22]) },
            udp: Owners { trapped: ports(&[53]), services: ports(&[443]) },
        },
        rates,
        seed: 7,
    };
    Watch::new(&options, at(0))
}

fn usual() -> Watch {
    watch(Rates { source: 1_000, all: 1_000 })
}

/// The sum of words, folded.
fn sum(bytes: &[u8]) -> u32 {
    let words =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    words.sum()
}

fn packet(ends: (Ipv4Addr, Ipv4Addr), protocol: u8, mut transport: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(transport.len()).unwrap();
    let mut pseudo = [ends.0.octets(), ends.1.octets()].concat();
    pseudo.extend([0, protocol]);
    pseudo.extend(length.to_be_bytes());
    let mut total = sum(&pseudo) + sum(&transport);
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    let place = if protocol == 6 { 16 } else { 6 };
    transport[place..place + 2].copy_from_slice(&(!(total as u16)).to_be_bytes());
    let mut packet = vec![0x45, 0];
    packet.extend((20 + length).to_be_bytes());
    packet.extend([0, 1, 0, 0, 64, protocol, 0, 0]);
    packet.extend(ends.0.octets());
    packet.extend(ends.1.octets());
    packet.extend(transport);
    packet
}

fn tcp(
    (from, to): ((Ipv4Addr, u16), (Ipv4Addr, u16)),
    flags: u8,
    (sequence, acknowledged): (u32, u32),
) -> Vec<u8> {
    let mut transport = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    transport.extend(sequence.to_be_bytes());
    transport.extend(acknowledged.to_be_bytes());
    transport.extend([0x50, flags, 4, 0, 0, 0, 0, 0]);
    packet((from.0, to.0), 6, transport)
}

fn udp((from, to): ((Ipv4Addr, u16), (Ipv4Addr, u16)), content: &[u8]) -> Vec<u8> {
    let mut transport = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    transport.extend(u16::try_from(8 + content.len()).unwrap().to_be_bytes());
    transport.extend([0, 0]);
    transport.extend(content);
    packet((from.0, to.0), 17, transport)
}

fn feed(watch: &mut Watch, time: Timestamp, bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let original_length = u32::try_from(bytes.len()).unwrap();
    let frame = Frame { time, link: LinkType::RAW, bytes, original_length };
    watch.frame(&frame, &mut |event| events.push(event));
    events
}

fn pass(watch: &mut Watch, time: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    watch.pass(time, &mut |event| events.push(event));
    events
}

/// Opens a connection as far as the steps say; gives what was told by a minute later.
fn connect(watch: &mut Watch, port: u16, steps: usize) -> Vec<Event> {
    let (he, we) = ((visitor(1), 4_000), (US, port));
    let all = [
        tcp((he, we), SYN, (10, 0)),
        tcp((we, he), SYN | ACK, (50, 11)),
        tcp((he, we), ACK, (11, 51)),
    ];
    let mut events = Vec::new();
    for (number, bytes) in all.iter().take(steps).enumerate() {
        events.extend(feed(watch, at(number as i64), bytes));
    }
    events.extend(pass(watch, at(60_000)));
    events
}

#[test]
fn what_a_trap_tells_itself_gives_fingerprints_and_no_second_count() {
    let events = connect(&mut usual(), 23, 3);
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let Detail::Attempt(attempt) = &event.detail else { panic!("{event:?}") };
    assert!(attempt.trapped && attempt.outcome == Some(Outcome::Completed));
    assert_eq!(event.weight().events, 0);
    assert_eq!(event.weight_under(kizashi_event::KeyKind::Port).events, 0);
    assert_eq!(event.weight_under(kizashi_event::KeyKind::Fingerprint).events, 1);
    assert!(!attempt.fingerprints.is_empty());
}

#[test]
fn what_a_trap_never_sees_counts_though_it_stands_there() {
    for (steps, outcome) in [(1, Outcome::Unanswered), (2, Outcome::HalfOpen)] {
        let events = connect(&mut usual(), 23, steps);
        let [event] = events.as_slice() else { panic!("{events:?}") };
        let Detail::Attempt(attempt) = &event.detail else { panic!("{event:?}") };
        assert_eq!((attempt.outcome, attempt.trapped), (Some(outcome), false));
        assert_eq!(event.weight().events, 1);
    }
}

#[test]
fn real_services_are_counted_and_told_nobody() {
    let mut watch = usual();
    assert!(connect(&mut watch, 22, 3).is_empty());
    let quic = udp(((visitor(2), 4_001), (US, 443)), b"secret of a real visitor");
    assert!(feed(&mut watch, at(61_000), &quic).is_empty());
    let answer = udp(((US, 443), (visitor(2), 4_001)), b"secret of ours");
    assert!(feed(&mut watch, at(61_001), &answer).is_empty());
    let counts = watch.counts();
    assert_eq!((counts.service_segments, counts.service_datagrams, counts.attempts), (1, 1, 0));
}

#[test]
fn what_this_machine_begins_and_what_answers_it_is_nobodys_visit() {
    let mut watch = usual();
    let (we, he) = ((US, 50_000), (visitor(3), 443));
    for (number, bytes) in [
        tcp((we, he), SYN, (10, 0)),
        tcp((he, we), SYN | ACK, (70, 11)),
        tcp((he, we), RST, (71, 0)),
        udp(((US, 50_001), (visitor(4), 53)), b"question"),
        udp(((visitor(4), 53), (US, 50_001)), b"answer"),
        // A connection from before the capture ends.
        tcp(((visitor(5), 443), (US, 50_002)), RST | ACK, (9_999, 5)),
        tcp(((visitor(5), 443), (US, 50_002)), RST, (9_999, 0)),
    ]
    .iter()
    .enumerate()
    {
        assert!(feed(&mut watch, at(number as i64), bytes).is_empty());
    }
    assert!(pass(&mut watch, at(100_000)).is_empty());
    assert_eq!(watch.counts().backscatter, 0);
}

#[test]
fn the_echo_of_an_attack_elsewhere_is_one_event_with_all_its_packets_and_no_attempt() {
    let mut watch = usual();
    for number in 0..500_u16 {
        let (he, we) = ((visitor(9), 80), (US, 1_024 + number));
        let answer = tcp((he, we), SYN | ACK, (u32::from(number), 1));
        assert!(feed(&mut watch, at(i64::from(number)), &answer).is_empty());
        let refusal = tcp(((visitor(10), 25), we), RST | ACK, (0, 1));
        assert!(feed(&mut watch, at(i64::from(number)), &refusal).is_empty());
    }
    let mut events = pass(&mut watch, at(20_000));
    events.sort_by_key(|event| event.port);
    let told: Vec<_> =
        events.iter().map(|event| (event.source, event.port, &event.detail)).collect();
    let echo = |kind| Detail::Backscatter(Backscatter { kind, packets: 500 });
    assert_eq!(
        told,
        [
            (visitor(10).into(), Port::tcp(25), &echo(BackscatterKind::Rst)),
            (visitor(9).into(), Port::tcp(80), &echo(BackscatterKind::SynAck)),
        ]
    );
    let mut keys = Vec::new();
    events[1].each_key(|kind, text| keys.push((kind, text.to_owned())));
    assert_eq!(keys, [(kizashi_event::KeyKind::Backscatter, "tcp/80".to_owned())]);
    assert_eq!(watch.counts().attempts, 0);
}

#[test]
fn forged_echoes_from_everywhere_stay_few_events_with_a_true_sum() {
    let mut watch = usual();
    let mut events = Vec::new();
    for number in 0..60_000_u32 {
        let port = u16::try_from(number % 9_000).unwrap();
        let answer = tcp(((visitor(number), port), (US, 9)), SYN | ACK, (5, 1));
        events.extend(feed(&mut watch, at(i64::from(number / 100)), &answer));
    }
    events.extend(pass(&mut watch, at(60_000)));
    assert!(events.len() < 4_000, "{}", events.len());
    let packets: u64 = events.iter().map(|event| event.weight().events).sum();
    assert_eq!(packets, 60_000);
}

#[test]
fn a_flood_is_told_as_few_events_whose_sum_is_every_attempt() {
    let mut watch = watch(Rates { source: 10, all: 100 });
    let mut events = Vec::new();
    for number in 0..100_000_u32 {
        let port = 1_000 + u16::try_from(number % 3).unwrap();
        let first = tcp(((visitor(number), 4_000), (US, port)), SYN, (number, 0));
        let time = at(i64::from(number / 200));
        events.extend(feed(&mut watch, time, &first));
        events.extend(pass(&mut watch, time));
    }
    watch.finish(at(60_000), &mut |event| events.push(event));
    assert!(events.len() < 5_000, "{}", events.len());
    let mut of_ports = std::collections::BTreeMap::<Port, u64>::new();
    for event in &events {
        *of_ports.entry(event.port).or_default() += event.weight().events;
    }
    let truth = [33_334, 33_333, 33_333];
    assert_eq!(
        of_ports,
        (1_000..).map(Port::tcp).zip(truth).collect::<std::collections::BTreeMap<_, _>>()
    );
    let counts = watch.counts();
    assert_eq!(counts.attempts, 100_000);
    assert_eq!(counts.events, events.len() as u64);
    let mut ids: Vec<_> = events.iter().map(|event| (event.time, event.id)).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), events.len(), "the store keeps each of them");
}

#[test]
fn ports_and_addresses_that_change_are_followed() {
    let mut watch = usual();
    let moved = Ipv4Addr::new(198, 18, 0, 99);
    watch.move_to(vec![Prefix::alone(moved.into())], Ports::default());
    feed(&mut watch, at(0), &tcp(((visitor(1), 1), (US, 80)), SYN, (1, 0)));
    feed(&mut watch, at(0), &tcp(((visitor(1), 1), (moved, 22)), SYN, (1, 0)));
    let events = pass(&mut watch, at(60_000));
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].destination, events[0].port), (Some(moved.into()), Port::tcp(22)));
}
