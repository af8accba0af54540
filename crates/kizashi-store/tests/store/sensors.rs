//! Sensors side by side, and pairs of name and password, which are counted by day and by ten minutes and not by hour.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kizashi_event::{Detail, Event, Key, KeyKind, Port, Timestamp};
use kizashi_store::{BinLength, BySensor, Filter, Mode, Retention, Settings, Span, Store, Term};
use proptest::prelude::*;

use crate::support::{Folder, event, live, login, midnight, settings};

const MINUTE: i64 = 60 * Timestamp::SECOND;

/// An event every ten minutes for a day, of one sensor in three turns, of another in the fourth.
fn of_two_sensors() -> Vec<Event> {
    (0..144_u64)
        .map(|number| {
            let time = midnight().plus(i64::try_from(number).unwrap() * 10 * MINUTE);
            let port = if number % 4 == 3 { 23 } else { 22 };
            let made = event(number, time, (number % 5) as u32, port, Detail::Connect);
            let sensor = if number % 4 == 3 { "attic" } else { "web-1" };
            Event { sensor: Arc::from(sensor), ..made }
        })
        .collect()
}

fn store_of(folder: &Folder, events: Vec<Event>) -> Store {
    let store = live(folder, midnight().plus(Timestamp::DAY));
    store.write(events).unwrap();
    store.flush().unwrap();
    store
}

#[test]
fn each_sensor_has_its_own_counts_and_what_is_sent_again_adds_nothing() {
    let folder = Folder::new();
    let store = store_of(&folder, of_two_sensors());
    store.write(of_two_sensors()).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    let sensors = reader.sensors().unwrap();
    let told: Vec<(&str, u64)> =
        sensors.iter().map(|sensor| (sensor.name.as_str(), sensor.events)).collect();
    assert_eq!(told, [("attic", 36), ("web-1", 108)], "the latest heard first");
    assert_eq!(sensors[0].last, midnight().plus(143 * 10 * MINUTE));
    assert_eq!(sensors[1].first, midnight());
    let end = midnight().plus(Timestamp::DAY - 1);
    let hours = reader.hours_of_sensor("web-1", end, 24).unwrap();
    assert_eq!((hours.len(), hours.iter().sum::<u64>()), (24, 108));
    assert_eq!(reader.hours_of_sensor("never", end, 3).unwrap(), [0, 0, 0]);
}

#[test]
fn the_ports_of_a_sensor_are_its_own_and_a_search_for_it_finds_its_events_alone() {
    let folder = Folder::new();
    let store = store_of(&folder, of_two_sensors());
    let reader = store.reader().unwrap();
    let found = reader.ports_of_sensor("attic", Span::default(), 9).unwrap();
    let ports: Vec<(&str, u64, u64)> =
        found.ports.iter().map(|row| (&*row.key.text, row.events, row.sources)).collect();
    assert_eq!((ports.as_slice(), found.reached), (&[("tcp/23", 36, 5)][..], None));
    let since = Some(midnight().plus(23 * Timestamp::HOUR));
    let late = reader.ports_of_sensor("web-1", Span { since, until: None }, 9).unwrap();
    assert_eq!(late.ports[0].events, 4);
    assert!(reader.ports_of_sensor("never", Span::default(), 9).unwrap().ports.is_empty());

    let terms = vec![Term::Sensor("attic".to_owned())];
    let filter = Filter { terms, span: Span::default() };
    let (mut events, mut before) = (0, None);
    loop {
        let look = reader.search(&filter, before, 10).unwrap();
        assert!(look.events.iter().all(|event| &*event.sensor == "attic"));
        events += look.events.len();
        match look.reached {
            Some(reached) => before = Some(reached),
            None => break,
        }
    }
    assert_eq!(events, 36);
    let both = vec![Term::Sensor("attic".to_owned()), Term::Key("tcp/22".parse().unwrap())];
    let none = reader.search(&Filter { terms: both, span: Span::default() }, None, 10).unwrap();
    assert!(none.events.is_empty());
}

#[test]
fn pairs_are_ranked_found_and_have_a_course() {
    let folder = Folder::new();
    let pair = |number: u64, day: i64, user: &str, password: &str| {
        let time = midnight().plus(day * Timestamp::DAY + 9 * Timestamp::HOUR + 5 * MINUTE);
        let time = time.plus(i64::try_from(number).unwrap());
        event(number, time, number as u32, 23, login(user, password))
    };
    let mut events: Vec<Event> = (0..5).map(|number| pair(number, 0, "root", "xc3511")).collect();
    events.extend((5..8).map(|number| pair(number, 1, "root", "vizxv")));
    events.push(pair(8, 1, "root", "xc3511"));
    let store = live(&folder, midnight().plus(2 * Timestamp::DAY));
    store.write(events).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    let ranked = |span: Span| -> Vec<(String, u64)> {
        let rows = reader.top(KeyKind::Pair, span, 9).unwrap();
        rows.into_iter().map(|row| (row.key.text.to_string(), row.events)).collect()
    };
    let (first, second) = ("root/xc3511".to_owned(), "root/vizxv".to_owned());
    assert_eq!(ranked(Span::default()), [(first.clone(), 6), (second.clone(), 3)]);
    let since = Some(midnight().plus(Timestamp::DAY + Timestamp::HOUR));
    assert_eq!(ranked(Span { since, until: None }), [(second, 3), (first, 1)]);
    let key = Key::new(KeyKind::Pair, "root/xc3511");
    let known = reader.key(&key).unwrap().unwrap();
    assert_eq!(known.last, midnight().plus(Timestamp::DAY + 9 * Timestamp::HOUR + 5 * MINUTE + 8));
    let span = Span { since: Some(midnight()), until: Some(midnight().plus(2 * Timestamp::DAY)) };
    let course = reader.series(&key, BinLength::Hour, span).unwrap();
    assert_eq!((course[9].events, course[33].events), (5, 1));
    assert_eq!(course.iter().map(|point| point.events).sum::<u64>(), 6);
    let filter = |terms| Filter { terms, span: Span::default() };
    let found = reader.search(&filter(vec![Term::Key(key.clone())]), None, 50).unwrap();
    assert_eq!((found.events.len(), found.reached), (6, None));
    let with_user = vec![Term::Key(key), Term::Key(Key::new(KeyKind::User, "root"))];
    assert_eq!(reader.search(&filter(with_user), None, 50).unwrap().events.len(), 6);
}

#[test]
fn what_came_to_a_sensor_is_ranked_by_its_own_events_alone_and_a_look_is_bounded() {
    let folder = Folder::new();
    let of = |sensor: &str, number: u64, time: Timestamp, detail: Detail| {
        let made = event(number, time, (number % 3) as u32, 22, detail);
        Event { sensor: Arc::from(sensor), ..made }
    };
    let at = |number: u64| midnight().plus(i64::try_from(number).unwrap() * Timestamp::SECOND);
    let mut events: Vec<Event> =
        (0..30).map(|n| of("attic", n, at(n), login("root", "a"))).collect();
    events.extend((30..40).map(|n| of("attic", n, at(n), login("admin", "b"))));
    events.extend((40..90).map(|n| of("web-1", n, at(n), login("root", "c"))));
    let store = store_of(&folder, events);
    let reader = store.reader().unwrap();
    let ranked = |kind: KeyKind, span: Span| -> Vec<(String, u64, u64)> {
        let found = reader.keys_of_sensor("attic", kind, span, 9).unwrap();
        assert_eq!(found.reached, None);
        let rows = found.ports.iter();
        rows.map(|row| (row.key.text.to_string(), row.events, row.sources)).collect()
    };
    let all = Span::default();
    let users = [("root".to_owned(), 30, 3), ("admin".to_owned(), 10, 3)];
    assert_eq!(ranked(KeyKind::User, all), users);
    assert_eq!(ranked(KeyKind::Pair, all)[1].0, "admin/b");
    assert_eq!(ranked(KeyKind::Service, all).iter().map(|row| row.1).sum::<u64>(), 40);
    assert_eq!(ranked(KeyKind::Source, all).len(), 3);
    let late = Span { since: Some(at(35)), until: None };
    assert_eq!(ranked(KeyKind::User, late), [("admin".to_owned(), 5, 3)]);
    assert!(reader.keys_of_sensor("never", KeyKind::User, all, 9).unwrap().ports.is_empty());
}

#[test]
fn a_look_at_a_sensor_stops_and_says_how_far_back_it_came() {
    let folder = Folder::new();
    let events: Vec<Event> = (0..25_000_u64)
        .map(|number| {
            let time = midnight().plus(i64::try_from(number).unwrap() * Timestamp::SECOND);
            let made = event(number, time, 1, 22, login("root", "a"));
            Event { sensor: Arc::from("attic"), ..made }
        })
        .collect();
    let store = store_of(&folder, events);
    let found =
        store.reader().unwrap().keys_of_sensor("attic", KeyKind::User, Span::default(), 9).unwrap();
    assert!((500..=20_000).contains(&found.looked_at), "{}", found.looked_at);
    assert_eq!(found.ports[0].events, found.looked_at);
    assert!(found.reached.is_some_and(|reached| reached > midnight()));
}

/// A store that counts by sensor, as a hub's does.
fn of_hub(folder: &Folder) -> Store {
    let now = midnight().plus(2 * Timestamp::DAY);
    let settings = Settings { by_sensor: BySensor::Keys, ..settings(now, Mode::Live) };
    Store::open(folder.path(), settings).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_sensors_heard_in_closed_ten_minutes_is_together_what_the_fleet_heard(
        visits in prop::collection::vec((0_i64..120, 0_u32..9, 0_usize..4, 0_usize..3), 1..150),
        batch in 1_usize..50,
        closed_at in 1_i64..12,
    ) {
        let folder = Folder::new();
        let store = of_hub(&folder);
        let visit = |(number, (minute, source, sensor, port)): (u64, &(i64, u32, usize, usize))| {
            let time = midnight().plus(minute * MINUTE);
            let detail = if number % 2 == 0 { Detail::Connect } else { login("root", ["a", "b", "c"][*port]) };
            let made = event(number, time, *source, [22, 23, 80][*port], detail);
            Event { sensor: Arc::from(["attic", "web-1", "web-2", "yard"][*sensor]), ..made }
        };
        let events: Vec<Event> = (0..).zip(&visits).map(visit).collect();
        let mut closed = Vec::new();
        for (number, batch) in events.chunks(batch).enumerate() {
            // From here on some come too late: they are in neither.
            if number == 1 {
                closed.extend(store.close_bins(midnight().plus(closed_at * 10 * MINUTE)).unwrap());
            }
            store.write(batch.to_vec()).unwrap();
        }
        closed.extend(store.close_bins(midnight().plus(2 * Timestamp::HOUR)).unwrap());
        let reader = store.reader().unwrap();
        prop_assert!(reader.closed_by_sensor(midnight().plus(Timestamp::DAY)).unwrap().is_empty());
        for bin in closed {
            let mut together: BTreeMap<Port, (u64, BTreeSet<u32>)> = BTreeMap::new();
            let mut keys: BTreeMap<Key, (u64, BTreeSet<u32>)> = BTreeMap::new();
            for (_, of_sensor) in reader.closed_by_sensor(bin.start).unwrap() {
                prop_assert_eq!(of_sensor.start, bin.start);
                prop_assert!(of_sensor.ports.is_sorted_by(|one, other| one.port < other.port));
                for row in of_sensor.ports {
                    let (events, sources) = together.entry(row.port).or_default();
                    *events += row.events;
                    sources.extend(row.sources);
                }
                for row in of_sensor.keys {
                    let (events, sources) = keys.entry(row.key).or_default();
                    *events += row.events;
                    sources.extend(row.sources);
                }
            }
            let of_fleet = bin.keys.into_iter();
            let of_fleet: BTreeMap<Key, (u64, BTreeSet<u32>)> =
                of_fleet.map(|row| (row.key, (row.events, row.sources.into_iter().collect()))).collect();
            prop_assert_eq!(keys, of_fleet);
            let of_fleet = bin.ports.into_iter();
            let of_fleet: BTreeMap<Port, (u64, BTreeSet<u32>)> =
                of_fleet.map(|row| (row.port, (row.events, row.sources.into_iter().collect()))).collect();
            prop_assert_eq!(together, of_fleet);
        }
    }
}

#[test]
fn one_machine_keeps_no_counts_by_sensor_and_a_hubs_go_with_the_others_by_age() {
    let folder = Folder::new();
    let store = store_of(&folder, of_two_sensors());
    store.close_bins(midnight().plus(Timestamp::DAY)).unwrap();
    assert!(store.reader().unwrap().closed_by_sensor(midnight()).unwrap().is_empty());
    drop(store);

    let folder = Folder::new();
    let store = of_hub(&folder);
    store.write(of_two_sensors()).unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    assert!(reader.closed_by_sensor(midnight()).unwrap().is_empty(), "not closed yet");
    store.close_bins(midnight().plus(Timestamp::DAY)).unwrap();
    let third = midnight().plus(30 * MINUTE);
    let of_attic = reader.closed_by_sensor(third).unwrap()["attic"].clone();
    assert_eq!(of_attic.ports[0].events, 1);
    assert!(!of_attic.keys.is_empty());
    let retention = Retention { hourly_days: 1, ..Retention::default() };
    store.inlet().set_retention(retention).unwrap();
    let later = event(9_999, midnight().plus(47 * Timestamp::HOUR), 1, 22, Detail::Connect);
    store.write(vec![later]).unwrap();
    store.maintain(midnight().plus(2 * Timestamp::DAY)).unwrap();
    assert!(reader.closed_by_sensor(third).unwrap().is_empty());
}

#[test]
fn a_hub_that_watches_by_port_alone_counts_no_other_key_by_sensor() {
    let folder = Folder::new();
    let now = midnight().plus(2 * Timestamp::DAY);
    let settings = Settings { by_sensor: BySensor::Ports, ..settings(now, Mode::Live) };
    let store = Store::open(folder.path(), settings).unwrap();
    store.write(of_two_sensors()).unwrap();
    store.close_bins(midnight().plus(Timestamp::DAY)).unwrap();
    let third = midnight().plus(30 * MINUTE);
    let of_sensors = store.reader().unwrap().closed_by_sensor(third).unwrap();
    assert!(!of_sensors.is_empty() && of_sensors.values().all(|bin| bin.keys.is_empty()));
}

#[test]
fn what_visitors_did_at_some_sensors_is_theirs_alone() {
    let folder = Folder::new();
    let of = |sensor: &str, number: u64, user: &str| {
        let time = midnight().plus(i64::try_from(number).unwrap() * Timestamp::SECOND);
        let made = event(number, time, number as u32, 22, login(user, "a"));
        Event { sensor: Arc::from(sensor), ..made }
    };
    let mut events: Vec<Event> = (0..5).map(|number| of("attic", number, "root")).collect();
    events.extend((5..12).map(|number| of("web-1", number, "admin")));
    events.extend((12..14).map(|number| of("web-2", number, "pi")));
    let store = store_of(&folder, events);
    let reader = store.reader().unwrap();
    let key = Key::port(Port::tcp(22));
    let users = |sensors: &[&str]| {
        let sensors: Vec<String> = sensors.iter().map(|name| (*name).to_owned()).collect();
        let found = reader.evidence_at(&sensors, Some(&key), Span::default()).unwrap();
        (found.events_read, found.users)
    };
    assert_eq!(users(&["attic"]), (5, vec![("root".to_owned(), 5)]));
    let of_both = vec![("admin".to_owned(), 7), ("pi".to_owned(), 2)];
    assert_eq!(users(&["web-1", "web-2"]), (9, of_both));
    assert_eq!(users(&["never"]), (0, Vec::new()));
    assert_eq!(reader.evidence(Some(&key), Span::default()).unwrap().events_read, 14);
    let proven = |sensor: &str| {
        reader.proven_sources_at(sensor, (Some(&key), Span::default()), 99).unwrap().len()
    };
    assert_eq!([proven("attic"), proven("web-1"), proven("never")], [5, 7, 0]);
}
