//! Rounds as short as they can be, with the process killed after each of them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use kizashi_event::{Detail, Event, EventId, Port, Service, SessionId};
use rusqlite::types::Value;

use super::*;
use crate::schema::{FILE, open_to_write};
use crate::scratch::Folder;
use crate::{Mode, Retention, Settings};

const BEGAN: Timestamp = Timestamp::from_seconds(1_772_409_600);
/// The newest event's day.
const DAYS: i64 = 40;
/// Visitors of the first day, far more than one step settles, and the user names that they try, more than are simply ranked.
const VISITORS: u32 = 1_300;
const NAMES: u32 = 4_500;

fn now() -> Timestamp {
    BEGAN.plus(DAYS * Timestamp::DAY)
}

fn ledger(folder: &Path, retention: Retention) -> Ledger {
    let path = folder.join(FILE);
    let clock = Arc::new(now);
    let settings = Settings { mode: Mode::Live, retention, clock, ..Settings::default() };
    Ledger::new(open_to_write(&path).unwrap(), path, settings).unwrap()
}

fn event(number: u32, time: Timestamp, detail: Detail) -> Event {
    Event {
        time,
        id: EventId(u64::from(number)),
        sensor: Arc::from("here"),
        session: Some(SessionId(u64::from(number) / 3)),
        source: Ipv4Addr::from_bits(0xc612_0000 + number % VISITORS).into(),
        source_port: 40_000,
        destination: None,
        port: Port::tcp(22),
        service: Service::known("ssh"),
        detail,
    }
}

fn login(number: u32, time: Timestamp) -> Event {
    let (username, password) = (Some(format!("user{}", number % NAMES).into()), Some("x".into()));
    let accepted = number.is_multiple_of(7);
    event(number, time, Detail::Login { username, password, public_key: None, accepted })
}

fn first_day() -> Vec<Event> {
    let at = |number: u32| BEGAN.plus(i64::from(number) * 15 * Timestamp::SECOND);
    (0..5_000).map(|number| login(number, at(number))).collect()
}

/// A day's flood, then one event every day.
fn filled(folder: &Path) {
    let mut ledger = ledger(folder, Retention::default());
    ledger.write(&first_day()).unwrap();
    let days = (1..=DAYS).map(|day| login(9_000 + day as u32, BEGAN.plus(day * Timestamp::DAY)));
    ledger.write(&days.collect::<Vec<_>>()).unwrap();
    ledger.close_bins(now()).unwrap();
    ledger.finish();
}

/// Every row of every table; what was let go as one set a day, and without the pages that stand for nothing.
fn contents(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let connection = open_to_write(&folder.join(FILE)).unwrap();
    let mut tables = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'let_go' AND name NOT LIKE 'sqlite%'")
        .unwrap();
    let names: Vec<String> =
        tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        let mut read = connection.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = read.column_count();
        let row = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
            (0..columns).map(|at| Ok(format!("{:?} ", row.get::<_, Value>(at)?))).collect()
        };
        let mut rows: Vec<String> = read.query_map([], row).unwrap().map(Result::unwrap).collect();
        rows.retain(|row| !row.contains("settling_"));
        rows.sort();
        all.insert(name, rows);
    }
    all
}

fn copied(from: &Folder) -> Folder {
    let folder = Folder::new();
    std::fs::copy(from.path().join(FILE), folder.path().join(FILE)).unwrap();
    folder
}

/// Maintenance to its end in rounds of one step each: how many it took. With `killed` every round is by a process of its own.
fn maintain(folder: &Path, retention: Retention, killed: bool) -> (u64, Cleared) {
    let shortest = || Round { until: Instant::now() + Duration::from_secs(600), rows: 1 };
    let (mut rounds, mut all) = (0, Cleared::default());
    let mut running = ledger(folder, retention);
    let mut maintenance = Maintenance::new(now());
    while !maintenance.is_done() {
        let before = maintenance.cleared();
        running.round_of(&mut maintenance, shortest()).unwrap();
        rounds += 1;
        let after = maintenance.cleared();
        assert!(after.by_age - before.by_age <= u64::from(STEP), "{after:?}");
        all.by_age += after.by_age - before.by_age;
        all.by_size += after.by_size - before.by_size;
        all.keys += after.keys - before.keys;
        // The stages in which something is left to find: a new process begins from the first.
        if killed && after != before {
            running = ledger(folder, retention);
            maintenance = Maintenance::new(now());
        }
    }
    (rounds, all)
}

fn in_one_go(folder: &Path, retention: Retention) -> Cleared {
    let mut running = ledger(folder, retention);
    let mut maintenance = Maintenance::new(now());
    let whole = || Round { until: Instant::now() + Duration::from_secs(600), rows: u32::MAX };
    while !maintenance.is_done() {
        running.round_of(&mut maintenance, whole()).unwrap();
    }
    maintenance.cleared()
}

#[test]
fn whatever_round_it_is_killed_after_the_end_is_the_same_as_in_one_go() {
    let original = Folder::new();
    filled(original.path());
    let kept = Retention { raw_days: 10, ..Retention::default() };
    let all = [
        kept,
        Retention { hourly_days: 20, daily_days: 30, ..kept },
        Retention { most_keys: 200, ..Retention::default() },
    ];
    for retention in all {
        let (once, rounds, killed) = (copied(&original), copied(&original), copied(&original));
        let cleared = in_one_go(once.path(), retention);
        let (many, slowly) = maintain(rounds.path(), retention, false);
        let (_, dying) = maintain(killed.path(), retention, true);
        assert!(many > 15 && cleared.by_age + cleared.by_size > 0, "{many} rounds, {cleared:?}");
        assert_eq!((cleared, cleared), (slowly, dying));
        let expected = contents(once.path());
        let (in_rounds, with_deaths) = (contents(rounds.path()), contents(killed.path()));
        for (name, rows) in &expected {
            assert!(in_rounds[name] == *rows, "{name} in rounds, {retention:?}");
            assert!(with_deaths[name] == *rows, "{name} with deaths, {retention:?}");
        }
        // What went is remembered, however it went, for as long as its day is counted.
        if retention.daily_days < Retention::default().daily_days {
            continue;
        }
        for folder in [&once, &rounds, &killed] {
            let mut ledger = ledger(folder.path(), retention);
            ledger.write(&first_day()).unwrap();
            drop(ledger);
            assert!(
                contents(folder.path())["sensor_hours"] == expected["sensor_hours"],
                "{retention:?}"
            );
        }
    }
}

#[test]
fn a_day_that_is_settled_in_many_rounds_keeps_its_exact_counts() {
    let folder = Folder::new();
    filled(folder.path());
    maintain(folder.path(), Retention::default(), false);
    let connection = open_to_write(&folder.path().join(FILE)).unwrap();
    let first_day = BEGAN.micros() / Timestamp::DAY;
    let sources: i64 = connection
        .query_row(
            "SELECT sources FROM daily JOIN keys ON keys.id = key WHERE day = ?1 AND keys.text = 'tcp/22'",
            [first_day],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(sources, i64::from(VISITORS), "no estimate");
    let left: i64 = connection
        .query_row("SELECT count(*) FROM visits WHERE day = ?1", [first_day], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn places_of_a_day_that_was_raised_while_it_was_looked_through_are_not_kept() {
    let folder = Folder::new();
    filled(folder.path());
    let mut running = ledger(folder.path(), Retention::default());
    let day = BEGAN.micros() / Timestamp::DAY;
    let places = |ledger: &Ledger| -> i64 {
        ledger
            .connection
            .query_row(
                "SELECT count(*) FROM day_leaders WHERE day = ?1 AND kind >= -1",
                [day],
                |row| row.get(0),
            )
            .unwrap()
    };
    let round = || Round { until: Instant::now() + Duration::from_secs(600), rows: 1 };
    let mut maintenance = Maintenance::new(now());
    while maintenance.stage != Stage::Leaders {
        running.round_of(&mut maintenance, round()).unwrap();
    }
    running.round_of(&mut maintenance, round()).unwrap();
    // It came late, and its day has one event more of a name that was read already.
    running.write(&[login(1_000_000, BEGAN.plus(Timestamp::HOUR))]).unwrap();
    while !maintenance.is_done() {
        running.round_of(&mut maintenance, round()).unwrap();
    }
    assert_eq!(places(&running), 0);
    in_one_go(folder.path(), Retention::default());
    assert!(places(&running) >= 2, "the next maintenance makes them");
}

#[test]
fn a_database_that_can_give_nothing_back_does_not_hold_the_writer_for_ever() {
    let folder = Folder::new();
    filled(folder.path());
    let path = folder.path().join(FILE);
    // As another program's copy may be; the setting is taken up by a whole rewrite alone.
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM;")
        .unwrap();
    drop(other);
    let small = Retention { most_bytes: 1, ..Retention::default() };
    let cleared = in_one_go(folder.path(), small);
    assert!(cleared.by_size > 5_000, "{cleared:?}");
}
