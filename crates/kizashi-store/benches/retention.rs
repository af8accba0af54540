//! What it costs to let a flood go, and how long a trap's events wait meanwhile: a store of one day's events is told that they are too
//! old, then another that its room is short, while somebody commits a few events at a time, as the core does.
//!
//! `cargo bench -p kizashi-store --bench retention [-- EVENTS]`. Asserts nothing.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a program that measures"
)]

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kizashi_event::{Detail, Event, EventId, Port, Service, SessionId, Timestamp};
use kizashi_store::{Inlet, Mode, Retention, Settings, Store};

const EVENTS: u32 = 400_000;
const BEGAN: Timestamp = Timestamp::from_seconds(1_772_409_600);
/// Events that are given at once.
const BATCH: u32 = 4_096;
/// Events of a commit, and how long whoever commits rests.
const COMMIT: u32 = 50;
const REST: Duration = Duration::from_millis(5);

fn main() {
    let events: u32 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(EVENTS);
    let (month, none) = (30 * Timestamp::DAY, 0);
    let (few, many) = (50_000, u32::MAX);
    let old = Retention { raw_days: 1, ..Retention::default() };
    measure("too old", (events, few), old, month);
    // Half of what the raw events of few visitors take, beside their counts.
    let room = u64::from(events) * 240;
    let short = Retention { most_bytes: room, ..Retention::default() };
    measure("room is short", (events, few), short, none);
    let keys = u64::from(events) / 10;
    let crowded = Retention { most_keys: keys, ..Retention::default() };
    measure("twice as many visitors as are kept", (events, many), crowded, none);
    measure("the same, days later", (events, many), crowded, 3 * Timestamp::DAY);
}

fn measure(what: &str, (events, visitors): (u32, u32), retention: Retention, later: i64) {
    let folder =
        std::env::temp_dir().join(format!("kizashi-bench-retention-{}", std::process::id()));
    let now = BEGAN.plus(Timestamp::DAY + later);
    let most_keys = retention.most_keys;
    let store = open(&folder, Retention { most_keys, ..Retention::default() }, now);
    let began = Instant::now();
    for first in (0..events).step_by(BATCH as usize) {
        let batch =
            (first..events.min(first + BATCH)).map(|number| flood(number, events, visitors));
        store.write(batch.collect()).unwrap();
    }
    store.flush().unwrap();
    let stored = began.elapsed();
    let bytes = store.reader().unwrap().overview().unwrap().bytes;
    // The newest event says how old the others are.
    store.inlet().commit(vec![login(events, now, 1)]).unwrap();
    store.inlet().set_retention(retention).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let committing = std::thread::spawn({
        let (inlet, stop) = (store.inlet(), Arc::clone(&stop));
        move || commit(&inlet, &stop, events + 1, now)
    });
    let began = Instant::now();
    let cleared = store.maintain(now).unwrap();
    let took = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    let mut waits = committing.join().unwrap();
    waits.sort();
    let gone = (cleared.by_age + cleared.by_size).max(1);
    println!(
        "{what}: {events} events of {} MB stored in {:.1} s ({:.1} µs each); {gone} let go in {:.1} s ({:.1} µs each); \
         {} commits of {COMMIT} events meanwhile waited {:.0} ms in the middle, {:.0} ms at most",
        bytes >> 20,
        stored.as_secs_f64(),
        stored.as_secs_f64() * 1e6 / f64::from(events),
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / gone as f64,
        waits.len(),
        waits.get(waits.len() / 2).map_or(0.0, |wait| wait.as_secs_f64() * 1e3),
        waits.last().map_or(0.0, |wait| wait.as_secs_f64() * 1e3),
    );
    let overview = store.reader().unwrap().overview().unwrap();
    println!(
        "    {} MB and {} raw events are left, {} sources",
        overview.bytes >> 20,
        overview.events_raw,
        cleared.keys
    );
    drop(store);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// How long each commit waited until it was told to stop.
fn commit(inlet: &Inlet, stop: &AtomicBool, first: u32, now: Timestamp) -> Vec<Duration> {
    let mut waits = Vec::new();
    let mut number = first;
    while !stop.load(Ordering::Relaxed) {
        let batch = (number..number + COMMIT).map(|number| login(number, now, number % 1_000));
        number += COMMIT;
        let began = Instant::now();
        inlet.commit(batch.collect()).unwrap();
        waits.push(began.elapsed());
        std::thread::sleep(REST);
    }
    waits
}

fn open(folder: &Path, retention: Retention, now: Timestamp) -> Store {
    let folder: PathBuf = folder.to_path_buf();
    let clock = Arc::new(move || now);
    let settings = Settings { mode: Mode::Live, retention, clock, ..Settings::default() };
    Store::open(&folder, settings).unwrap()
}

/// One of a day's events, of one of so many visitors.
fn flood(number: u32, all: u32, visitors: u32) -> Event {
    let time = BEGAN.plus(i64::from(number) * Timestamp::DAY / i64::from(all));
    login(number, time, number.wrapping_mul(0x9e37_79b1) % visitors.min(1 << 24))
}

fn login(number: u32, time: Timestamp, source: u32) -> Event {
    Event {
        time,
        id: EventId(u64::from(number)),
        sensor: Arc::from("here"),
        session: Some(SessionId(u64::from(number) / 4)),
        source: Ipv4Addr::from_bits(0x0b00_0000 + source).into(),
        source_port: 40_000,
        destination: Some(Ipv4Addr::new(192, 0, 2, 1).into()),
        port: Port::tcp(22),
        service: Service::known("ssh"),
        detail: Detail::Login {
            username: Some(format!("user{}", number % 3_000).into()),
            password: Some(format!("secret-{}", number % 20_000).into()),
            public_key: None,
            accepted: false,
        },
    }
}
