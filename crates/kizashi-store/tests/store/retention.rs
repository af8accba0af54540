//! What goes when it is old or when room is short, and what stays.

use std::time::Duration;

use kizashi_event::{Detail, Event, Key, KeyKind, Port, Timestamp};
use kizashi_store::{BinLength, Maintenance, Mode, Retention, Span, Store};

use crate::support::{Folder, event, login, midnight, settings};

fn keeping(folder: &Folder, now: Timestamp, retention: Retention) -> Store {
    let settings = kizashi_store::Settings { retention, ..settings(now, Mode::Live) };
    Store::open(folder.path(), settings).unwrap()
}

fn days_of_events(days: i64, a_day: i64) -> Vec<Event> {
    (0..days * a_day)
        .map(|n| {
            let time = midnight().plus(n * Timestamp::DAY / a_day);
            let detail = login(&format!("user{n}"), &"x".repeat(200));
            event(n as u64, time, (n % 50) as u32, 22, detail)
        })
        .collect()
}

#[test]
fn raw_events_go_by_age_and_their_counts_stay() {
    let folder = Folder::new();
    let now = midnight().plus(30 * Timestamp::DAY);
    let retention = Retention { raw_days: 10, ..Retention::default() };
    let store = keeping(&folder, now, retention);
    store.write(days_of_events(30, 100)).unwrap();
    store.flush().unwrap();
    let cleared = store.maintain(now).unwrap();
    assert_eq!(
        (cleared.by_age, cleared.by_size),
        (1_999, 0),
        "all before the newest event less ten days"
    );
    let reader = store.reader().unwrap();
    let overview = reader.overview().unwrap();
    assert_eq!((overview.events, overview.events_raw), (3_000, 1_001));
    let series = reader.series(&Key::port(Port::tcp(22)), BinLength::Day, Span::default()).unwrap();
    assert!(series.iter().all(|day| day.events == 100 && day.sources == 50));
    assert_eq!(reader.top(KeyKind::Port, Span::default(), 1).unwrap()[0].sources, 50);
}

#[test]
fn what_is_kept_shorter_from_now_on_goes_by_the_next_round_and_counts_stay() {
    let folder = Folder::new();
    let now = midnight().plus(30 * Timestamp::DAY);
    let store = Store::open(folder.path(), settings(now, Mode::Live)).unwrap();
    store.write(days_of_events(30, 10)).unwrap();
    store.flush().unwrap();
    assert_eq!(store.maintain(now).unwrap().by_age, 0);
    let shorter = Retention { raw_days: 10, most_keys: 8, ..Retention::default() };
    store.inlet().set_retention(shorter).unwrap();
    assert_eq!(store.maintain(now).unwrap().by_age, 199);
    let overview = store.reader().unwrap().overview().unwrap();
    assert_eq!((overview.events, overview.events_raw), (300, 101));
    let users = store.reader().unwrap().top(KeyKind::User, Span::default(), 500).unwrap();
    assert_eq!(users.len(), 300, "how many keys are kept is no part of it");
}

#[test]
fn when_room_is_short_the_oldest_raw_events_go_first_and_the_file_shrinks() {
    let folder = Folder::new();
    let now = midnight().plus(30 * Timestamp::DAY);
    // Counts take some 63 MiB of it.
    let most_bytes = 72 << 20;
    let retention = Retention { most_bytes, ..Retention::default() };
    let store = keeping(&folder, now, retention);
    store.write(days_of_events(30, 3_000)).unwrap();
    store.flush().unwrap();
    let before = store.reader().unwrap().overview().unwrap();
    let cleared = store.maintain(now).unwrap();
    assert!(cleared.by_size > 0 && cleared.by_age == 0, "{cleared:?} of {} bytes", before.bytes);
    let reader = store.reader().unwrap();
    let after = reader.overview().unwrap();
    assert_eq!(after.events, 90_000, "counts stay");
    assert!(after.events_raw < before.events_raw);
    let latest = reader.recent(1).unwrap();
    assert!(latest[0].time > midnight().plus(29 * Timestamp::DAY));
    drop((reader, store));
    let file = std::fs::metadata(folder.path().join("kizashi.db")).unwrap().len();
    assert!(file <= most_bytes, "{file} of {} bytes: what is free is given back", before.bytes);
}

#[test]
fn room_is_made_between_two_maintenances_and_nothing_else_is_done() {
    let folder = Folder::new();
    let now = midnight().plus(4 * Timestamp::DAY);
    let open = |retention| {
        let settings = kizashi_store::Settings { retention, ..settings(now, Mode::Live) };
        Store::open(folder.path(), settings).unwrap()
    };
    let store = open(Retention::default());
    store.write(days_of_events(4, 2_000)).unwrap();
    store.flush().unwrap();
    assert!(!store.is_short_of_room().unwrap());
    drop(store);
    let whole = std::fs::metadata(folder.path().join("kizashi.db")).unwrap().len();
    let store = open(Retention { most_bytes: whole - (1 << 20), ..Retention::default() });
    assert!(store.is_short_of_room().unwrap());
    let mut maintenance = Maintenance::for_room(now);
    while !maintenance.is_done() {
        maintenance = store.go_on_maintaining(maintenance, Duration::from_millis(1)).unwrap();
    }
    assert!(!store.is_short_of_room().unwrap());
    let cleared = maintenance.cleared();
    assert!(cleared.by_size > 0 && cleared.by_size < 8_000, "{cleared:?}");
    assert_eq!((cleared.by_age, cleared.keys), (0, 0));
    drop(store);
    let after = std::fs::metadata(folder.path().join("kizashi.db")).unwrap().len();
    assert!(after <= whole - (1 << 20), "{after} of {whole}");
}

#[test]
fn no_round_of_maintenance_lets_more_go_than_its_bound_and_events_are_written_between_two() {
    let folder = Folder::new();
    let now = midnight().plus(30 * Timestamp::DAY);
    let retention = Retention { raw_days: 10, ..Retention::default() };
    let store = keeping(&folder, now, retention);
    let old = (0..40_000_u32).map(|n| {
        let time = midnight().plus(i64::from(n) * Timestamp::SECOND);
        event(u64::from(n), time, n % 50, 22, Detail::Connect)
    });
    store.write(old.collect()).unwrap();
    store.inlet().commit(vec![event(50_000, now, 1, 22, Detail::Connect)]).unwrap();
    let reader = store.reader().unwrap();
    let (mut maintenance, mut gone, mut rounds) = (Maintenance::new(now), 0, 0);
    while !maintenance.is_done() {
        maintenance = store.go_on_maintaining(maintenance, Duration::ZERO).unwrap();
        rounds += 1;
        let by_age = maintenance.cleared().by_age;
        assert!(by_age - gone <= 16_384, "round {rounds}: {} at once", by_age - gone);
        gone = by_age;
        let number = 60_000 + rounds;
        store.inlet().commit(vec![event(number, now, 2, 22, Detail::Connect)]).unwrap();
        let overview = reader.overview().unwrap();
        assert_eq!(overview.events, 40_001 + rounds, "it was written before the next round");
        assert_eq!(overview.events_raw, 40_001 + rounds - gone, "what went is counted with it");
    }
    assert_eq!((maintenance.rounds(), gone), (rounds, 40_000));
    assert!(rounds >= 3, "{rounds}");
}

#[test]
fn hours_that_are_too_old_go_and_days_stay() {
    let folder = Folder::new();
    let now = midnight().plus(30 * Timestamp::DAY);
    let retention = Retention { hourly_days: 5, ..Retention::default() };
    let store = keeping(&folder, now, retention);
    store
        .write(vec![
            event(1, midnight(), 1, 22, Detail::Connect),
            event(2, now, 1, 22, Detail::Connect),
        ])
        .unwrap();
    store.flush().unwrap();
    store.maintain(now).unwrap();
    let reader = store.reader().unwrap();
    let key = Key::port(Port::tcp(22));
    let sum = |length| {
        reader.series(&key, length, Span::default()).unwrap().iter().map(|p| p.events).sum::<u64>()
    };
    assert_eq!((sum(BinLength::Hour), sum(BinLength::Day)), (1, 2));
}

#[test]
fn events_that_were_let_go_are_not_counted_again_when_their_log_is_read_again() {
    let folder = Folder::new();
    let now = midnight().plus(30 * Timestamp::DAY);
    let retention = Retention { raw_days: 10, ..Retention::default() };
    let open = || {
        let settings = kizashi_store::Settings { retention, ..settings(now, Mode::Historic) };
        Store::open(folder.path(), settings).unwrap()
    };
    let store = open();
    store.write(days_of_events(30, 200)).unwrap();
    store.flush().unwrap();
    assert_eq!(store.maintain(now).unwrap().by_age, 3_999);
    drop(store);
    let store = open();
    store.write(days_of_events(30, 200)).unwrap();
    store.write(vec![event(9_999_999, midnight(), 1, 22, Detail::Connect)]).unwrap();
    store.flush().unwrap();
    let overview = store.reader().unwrap().overview().unwrap();
    assert_eq!(overview.events, 6_001, "only what was never there is new");
}

#[test]
fn a_log_of_years_ago_keeps_its_raw_events_when_it_is_read() {
    let folder = Folder::new();
    let now = midnight().plus(3_000 * Timestamp::DAY);
    let store = Store::open(folder.path(), settings(now, Mode::Historic)).unwrap();
    store.write(days_of_events(30, 100)).unwrap();
    store.flush().unwrap();
    store.maintain(now).unwrap();
    assert_eq!(store.reader().unwrap().overview().unwrap().events_raw, 3_000);
}

/// A store that keeps at most `most` keys of a kind.
fn with_keys(folder: &Folder, now: Timestamp, most_keys: u64) -> Store {
    let retention = Retention { most_keys, ..Retention::default() };
    Store::open(folder.path(), kizashi_store::Settings { retention, ..settings(now, Mode::Live) })
        .unwrap()
}

fn logins(from: u64, names: std::ops::Range<u32>, time: Timestamp) -> Vec<Event> {
    names
        .map(|n| event(from + u64::from(n), time, n % 50, 22, login(&format!("user{n}"), "x")))
        .collect()
}

#[test]
fn of_a_million_names_a_bounded_number_is_kept_and_those_that_come_often_are_among_them() {
    const HOUR: i64 = Timestamp::HOUR;
    let folder = Folder::new();
    let store = with_keys(&folder, midnight().plus(10 * HOUR), 800);
    let users = || store.reader().unwrap().top(KeyKind::User, Span::default(), 9_999).unwrap();
    let often: Vec<Event> =
        (0..5).map(|n| event(n, midnight(), n as u32, 22, login("root", "x"))).collect();
    store.write(often).unwrap();
    store.write(logins(1_000, 0..2_000, midnight())).unwrap();
    store.flush().unwrap();
    assert_eq!(users().len(), 800, "none goes before detection has seen it, and none comes");
    let total = store.reader().unwrap().top(KeyKind::Total, Span::default(), 1).unwrap();
    assert_eq!(total[0].events, 2_005, "whose name has no room is counted under all else");
    for hour in 1..4 {
        store.close_bins(midnight().plus(hour * HOUR)).unwrap();
        let from = 10_000 * hour.cast_unsigned();
        store.write(logins(from, 5_000..5_050, midnight().plus(hour * HOUR))).unwrap();
        store.flush().unwrap();
    }
    let kept = users();
    assert_eq!(kept.len(), 750, "an eighth went, and fifty came");
    assert_eq!((&*kept[0].key.text, kept[0].events), ("root", 5));
    assert!(kept.iter().filter(|row| row.events == 3).count() == 50, "the newcomers that stayed");
    let day = Span { since: Some(midnight()), until: Some(midnight().plus(Timestamp::DAY)) };
    assert_eq!(store.reader().unwrap().top(KeyKind::User, day, 9_999).unwrap().len(), 750);
    let seen = store.close_bins(midnight().plus(5 * HOUR)).unwrap();
    assert!(!seen.is_empty(), "what is closed has a name for each of its keys");
    drop(store);
    let store = with_keys(&folder, midnight().plus(10 * HOUR), 800);
    let mut bins = 0;
    store.reader().unwrap().closed_bins(None, |_| bins += 1).unwrap();
    assert_eq!(bins, 4, "a replay finds every ten minutes readable");
}

#[test]
fn sources_past_their_bound_go_when_no_raw_event_names_them() {
    let folder = Folder::new();
    let now = midnight().plus(3 * Timestamp::DAY);
    let store = with_keys(&folder, now, 1_000);
    let visits = (0..9_000_u32).map(|n| {
        let time = midnight().plus(i64::from(n) * Timestamp::SECOND);
        event(u64::from(n), time, n, 22, Detail::Connect)
    });
    store.write(visits.collect()).unwrap();
    store.flush().unwrap();
    store.close_bins(now).unwrap();
    let cleared = store.maintain(now).unwrap();
    assert!(cleared.keys >= 4_000 && cleared.by_size >= 4_000, "{cleared:?}");
    let reader = store.reader().unwrap();
    let overview = reader.overview().unwrap();
    assert_eq!((overview.events, overview.sources), (9_000, 9_000), "the counts stay");
    let kept = reader.top(KeyKind::Source, Span::default(), 99_999).unwrap().len();
    assert!(kept < 5_000, "{kept}");
    assert_eq!(reader.recent(9_999).unwrap().len() as u64, overview.events_raw);
}

#[test]
fn keys_older_than_every_count_of_them_go() {
    let folder = Folder::new();
    let now = midnight().plus(100 * Timestamp::DAY);
    let retention =
        Retention { raw_days: 5, hourly_days: 10, daily_days: 20, ..Retention::default() };
    let store = keeping(&folder, now, retention);
    store.write(logins(0, 0..10, midnight())).unwrap();
    store.write(logins(100, 10..20, now)).unwrap();
    store.flush().unwrap();
    store.maintain(now).unwrap();
    let cleared = store.maintain(now).unwrap();
    assert_eq!(cleared.keys, 0, "once a day");
    let users = store.reader().unwrap().top(KeyKind::User, Span::default(), 99).unwrap();
    assert_eq!(users.len(), 10);
}
