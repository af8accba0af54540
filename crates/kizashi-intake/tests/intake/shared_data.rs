//! The real logs of the shared material: each of a supported format goes in whole, with exact counts, unique events, and the same
//! events when it is read again.

use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;

use crate::common::{identities, import_bytes, import_paths, shared};
use kizashi_event::{Detail, Event, Transport};
use kizashi_intake::{Counts, FileReport, Format};

/// Imports a file twice, checks that both times gave the same and that no two events are one, and returns the first.
fn read_twice(name: &str) -> Option<(FileReport, Vec<Event>)> {
    let path = shared(name)?;
    let (report, events) = import_paths(&[&path]);
    let (again, events_again) = import_paths(&[&path]);
    assert_eq!(report, again);
    let ids = identities(&events);
    assert_eq!(ids, identities(&events_again));
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "two events of {name} are one");
    Some((report.files[0].clone(), events))
}

fn check(name: &str, format: Format, expected: [u64; 4]) -> Option<Vec<Event>> {
    let (report, events) = read_twice(name)?;
    let Counts { lines, events: made, broken, skipped, .. } = report.counts;
    assert_eq!(report.format, Some(format));
    assert_eq!(report.fault, None);
    assert_eq!([lines, made, broken, skipped], expected, "{name}: {:?}", report.broken_lines);
    assert_eq!(made, u64::try_from(events.len()).unwrap());
    Some(events)
}

/// How many events there are of each kind.
fn kinds(events: &[Event]) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    for event in events {
        *kinds.entry(event.detail.action()).or_default() += 1;
    }
    kinds
}

#[test]
fn todays_cowrie_log_goes_in_whole() {
    let Some(events) = check("cowrie.json", Format::Cowrie, [378, 378, 0, 0]) else { return };
    let kinds = kinds(&events);
    assert_eq!((kinds["connect"], kinds["close"], kinds["login"]), (46, 46, 42));
    assert_eq!((kinds["command"], kinds["payload"], kinds["forward"]), (53, 5, 4));
    assert!(events.iter().all(|event| [22_222, 22_223].contains(&event.port.number)));
    assert!(events.iter().all(|event| event.session.is_some()));
}

#[test]
fn the_cowrie_log_of_2018_goes_in_whole_and_knows_its_ports() {
    let expected = [27_121, 27_121, 0, 0];
    let Some(events) = check("cowrie-2018-05.json.gz", Format::Cowrie, expected) else { return };
    let kinds = kinds(&events);
    assert_eq!((kinds["connect"], kinds["login"], kinds["command"]), (6_315, 4_775, 127));
    assert!(events.iter().all(|event| event.port.number == 2_222 && event.service.name() == "ssh"));
}

#[test]
fn small_samples_go_in_whole() {
    check("samples-mit/dblanko-cowrie_sample.json", Format::Cowrie, [72, 72, 0, 0]);
    check("elasticpot_sample.json", Format::Elasticpot, [12, 12, 0, 0]);
    check("opencanary_sample.json", Format::OpenCanary, [5, 5, 0, 0]);
    // Of each session: beginning, client, one try, end.
    check("heralding_sample.json", Format::Heralding, [20, 80, 0, 0]);
}

#[test]
fn the_table_of_packets_goes_in_as_it_is() {
    let expected = [216_307, 216_306, 0, 1];
    let name = "aws-honeypots-2013-03-to-06.csv.gz";
    let Some(events) = check(name, Format::Csv, expected) else { return };
    assert!(events.iter().all(|event| event.detail == Detail::Packet));
    let of = |transport| events.iter().filter(|event| event.port.transport == transport).count();
    assert_eq!(
        [Transport::Tcp, Transport::Udp, Transport::Icmp].map(of),
        [166_701, 27_227, 22_378]
    );
    let sensors: HashSet<&str> = events.iter().map(|event| &*event.sensor).collect();
    assert_eq!(sensors.len(), 9);
}

/// The one file in an archive of the shared material.
fn unpack(name: &str) -> Option<Vec<u8>> {
    let file = std::fs::File::open(shared(name)?).unwrap();
    let mut tar = Vec::new();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut tar).unwrap();
    let size = std::str::from_utf8(&tar[124..135]).unwrap();
    let size = usize::from_str_radix(size, 8).unwrap();
    Some(tar[512..512 + size].to_vec())
}

#[test]
fn the_dionaea_and_heralding_arrays_of_2025_go_in_whole() {
    for (name, format, [lines, made, skipped]) in [
        // 20,799 connections (of them 8 `listen` and 52 outgoing `connect`, which are notes), 246 logins, 698 FTP commands.
        ("uqo-tpot-2025/dioneae_20k.json.tar.gz", Format::Dionaea, [20_829, 21_743, 30]),
        // 82,393 beginnings and ends, 1,261 tries.
        ("uqo-tpot-2025/heralding_82k.json.tar.gz", Format::Heralding, [82_394, 166_047, 1]),
    ] {
        let Some(text) = unpack(name) else { return };
        let (report, events) = import_bytes(&text);
        assert_eq!((report.format, report.fault), (Some(format), None), "{name}");
        let counts = report.counts;
        let found = [counts.lines, counts.events, counts.skipped];
        assert_eq!(
            (found, counts.broken),
            ([lines, made, skipped], 0),
            "{name} {:?}",
            report.broken_lines
        );
        let ids = identities(&events);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{name}");
        assert_eq!(ids, identities(&import_bytes(&text).1));
    }
}

#[test]
fn what_is_of_no_supported_format_says_why_each_refused() {
    for name in [
        "samples-mit/dblanko-eve_sample.json",
        "samples-mit/dblanko-telnethoney_sample.json",
        "mirai-62.tsv",
    ] {
        let Some(path) = shared(name) else { return };
        let (report, events) = import_paths(&[&path]);
        assert!(events.is_empty());
        let message = report.errors().next().unwrap().to_string();
        for format in Format::ALL {
            assert!(message.contains(&format!("{format}: ")), "{message}");
        }
    }
}
