use std::sync::Arc;

use kizashi_event::{
    Attempt, EventId, HostileText, Outcome, Payload, PayloadHash, PayloadOrigin, Port, Service,
    SessionId,
};

use super::*;

const HOSTILE: &str = "\",\n\"203.0.113.1\",\"22\" --kizashi-sightings-6f1d9c \u{1b}[2J";

fn event(source: &str, port: Port, detail: Detail) -> Event {
    Event {
        time: Timestamp::from_seconds(1_800_000_000),
        id: EventId(1),
        sensor: Arc::from("sensor"),
        session: Some(SessionId(7)),
        source: source.parse().unwrap(),
        source_port: 40_000,
        destination: Some("192.0.2.80".parse().unwrap()),
        port,
        service: Service::named(HOSTILE),
        detail,
    }
}

fn told(events: &[Event], may_be_told: impl Fn(IpAddr) -> bool) -> Sightings {
    let mut gathering = Gathering::default();
    events.iter().for_each(|event| gathering.add(event));
    gathering.told(Timestamp::parse("2026-11-29T06:00:00Z").unwrap(), may_be_told)
}

#[test]
fn a_datagram_a_lone_syn_a_capture_and_an_imported_packet_put_nobody_on_a_list() {
    let attempt = |outcome| Detail::Attempt(Box::new(Attempt { outcome, ..Attempt::default() }));
    let mut imported = event("198.51.100.5", Port::tcp(22), Detail::Connect);
    imported.session = None;
    let sightings = told(
        &[
            event("198.51.100.1", Port::udp(53), Detail::Connect),
            event("198.51.100.2", Port::tcp(22), attempt(None)),
            event("198.51.100.3", Port::tcp(22), attempt(Some(Outcome::Completed))),
            event("198.51.100.4", Port::tcp(22), Detail::Counted { events: 9, sessions: 9 }),
            imported,
        ],
        |_| true,
    );
    assert_eq!(sightings.sources, []);
}

#[test]
fn what_a_visitor_says_is_counted_and_not_a_word_of_it_goes_on() {
    let hostile = || HostileText::from(HOSTILE);
    let login = Detail::Login {
        username: Some(hostile()),
        password: None,
        public_key: None,
        accepted: true,
    };
    let command = Detail::Command { line: hostile(), known: None };
    let exploit = Detail::Note {
        name: HostileText::from("smb exploit"),
        value: HostileText::from("MS17-010"),
    };
    let details = [Detail::Connect, login, command, exploit];
    let events = details.map(|detail| event("::ffff:198.51.100.7", Port::tcp(445), detail));
    let sightings = told(&events, |_| true);
    let [source] = sightings.sources.as_slice() else { panic!("{sightings:?}") };
    let [visited] = source.ports.as_slice() else { panic!("{source:?}") };
    assert_eq!(source.address.to_string(), "198.51.100.7");
    assert_eq!(
        (visited.connections, visited.logins, visited.commands, visited.attacks),
        (1, 1, 1, 1)
    );
    let text = serde_json::to_string(&sightings).unwrap();
    assert!(!text.contains("\\n") && !text.contains("192.0.2.80") && !text.contains("sensor\""));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    assert!(visited.service.len() <= LONGEST_NAME && visited.service.chars().all(is_plain));
    assert_eq!(sightings.key, "sightings-20261129T0600Z");
}

#[test]
fn whoever_is_on_no_list_is_in_no_report_and_a_flood_of_sources_stays_within_bounds() {
    let events: Vec<Event> = (0..30_000_u32)
        .map(|at| {
            let source = format!("2001:db8::{:x}", at + 1);
            event(&source, Port::tcp(u16::try_from(at % 40 + 1).unwrap()), Detail::Connect)
        })
        .collect();
    let own: IpAddr = "2001:db8::1".parse().unwrap();
    let sightings = told(&events, |address| address != own);
    assert_eq!(sightings.sources.len(), MOST_SOURCES);
    assert_eq!(sightings.left_out, MOST_GATHERED - 1 - MOST_SOURCES);
    assert!(sightings.sources.iter().all(|source| source.address != own));
    let ports: Vec<Event> =
        (1..=100).map(|port| event("198.51.100.7", Port::tcp(port), Detail::Connect)).collect();
    assert_eq!(told(&ports, |_| true).sources[0].ports.len(), MOST_PORTS);
}

#[test]
fn a_period_is_over_ten_minutes_after_its_last_moment() {
    let end = |text: &str| Sightings::last_end(Timestamp::parse(text).unwrap()).rfc3339();
    assert!(end("2026-11-29T12:09:59Z").starts_with("2026-11-29T06:00:00"));
    assert!(end("2026-11-29T12:10:00Z").starts_with("2026-11-29T12:00:00"));
}

#[test]
fn a_file_that_a_visitor_brings_is_counted() {
    let payload = Detail::Payload(Box::new(Payload {
        sha256: PayloadHash([7; 32]),
        size: Some(1),
        content: b"x".to_vec(),
        origin: PayloadOrigin::Upload,
        name: None,
        url: None,
        left_out: false,
    }));
    let sightings = told(
        &[
            event("198.51.100.7", Port::tcp(21), Detail::Connect),
            event("198.51.100.7", Port::tcp(21), payload),
        ],
        |_| true,
    );
    assert_eq!(sightings.sources[0].ports[0].files, 1);
}
