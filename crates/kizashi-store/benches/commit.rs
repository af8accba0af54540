//! What it costs to keep a flood: events a second that one hub's store commits, in batches as they come from its sensors, beside the bare
//! rows of the same events in one table of SQLite's (the same batches, journal and key), in one run. The flood is one of log-ins by 50,000
//! visitors at four sensors, over and over; its first pass, in which every visitor is new, is told apart from those that follow.
//!
//! `cargo bench -p kizashi-store --bench commit [-- PASSES]`. Asserts nothing.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a program that measures"
)]

#[path = "../../kizashi-fleet/benches/flood/mod.rs"]
mod flood;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use kizashi_event::{Event, EventId, Port, Service, SessionId, Timestamp};
use kizashi_store::{BySensor, Mode, Settings, Store};

/// Events of one pass: four of each visitor.
const PASS: u64 = 200_000;
/// Events committed at once, as a hub does that has more to do than it can.
const BATCH: usize = 32_768;
const BEGAN: Timestamp = Timestamp::from_seconds(1_790_000_000);
/// Microseconds between two events.
const APART: i64 = 7;

fn main() {
    let asked = std::env::args().skip(1).find_map(|it| it.parse().ok());
    let passes: u64 = asked.unwrap_or(5);
    let bare = bare(passes);
    println!("bare rows: {}", told(&bare));
    let kept = kept(passes);
    for (which, kept, bare) in
        [("first pass", &kept[..1], &bare[..1]), ("later passes", &kept[1..], &bare[1..])]
    {
        let (kept_each, bare_each) = (Cost::each(kept), Cost::each(bare));
        println!(
            "the store, {which}: {}; {:.2} times as long as the bare rows, {:.2} times the processor",
            told(kept),
            kept_each.seconds / bare_each.seconds,
            kept_each.processor / bare_each.processor
        );
    }
}

/// What passes took, in seconds.
#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    processor: f64,
}

impl Cost {
    /// Of an event.
    fn each(passes: &[Self]) -> Self {
        let events = (passes.len() as u64 * PASS) as f64;
        Self {
            seconds: passes.iter().map(|pass| pass.seconds).sum::<f64>() / events,
            processor: passes.iter().map(|pass| pass.processor).sum::<f64>() / events,
        }
    }
}

fn told(passes: &[Cost]) -> String {
    let each = Cost::each(passes);
    format!(
        "{:.0} events a second, {:.2} µs of processor each",
        1.0 / each.seconds,
        each.processor * 1e6
    )
}

fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(") ").next().unwrap().split(' ');
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// What each pass costs in the store.
fn kept(passes: u64) -> Vec<Cost> {
    let folder = folder("kept");
    let settings = Settings {
        mode: Mode::Live,
        clock: Arc::new(|| BEGAN.plus(Timestamp::DAY)),
        by_sensor: BySensor::Ports,
        remembered: 8 * Settings::REMEMBERED,
        ..Settings::default()
    };
    let store = Store::open(&folder, settings).unwrap();
    let inlet = store.inlet();
    let times = timed(passes, |batch| inlet.commit(batch).unwrap());
    drop(store);
    std::fs::remove_dir_all(&folder).unwrap();
    times
}

/// The same for bare rows.
fn bare(passes: u64) -> Vec<Cost> {
    let folder = folder("bare");
    std::fs::create_dir_all(&folder).unwrap();
    let mut database = rusqlite::Connection::open(folder.join("bare.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;
             CREATE TABLE events (time INTEGER NOT NULL, id INTEGER NOT NULL, sensor TEXT NOT NULL, source TEXT NOT NULL,
                port INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (time, id)) WITHOUT ROWID;",
        )
        .unwrap();
    let times = timed(passes, |batch| {
        let transaction = database.transaction().unwrap();
        {
            let mut insert = transaction
                .prepare_cached("INSERT OR IGNORE INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
                .unwrap();
            for event in batch {
                let detail = serde_json::to_string(&event.detail).unwrap();
                insert
                    .execute((
                        event.time.micros(),
                        event.id.0.cast_signed(),
                        event.sensor.as_ref(),
                        event.source.to_string(),
                        event.port.code(),
                        detail,
                    ))
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
    });
    std::fs::remove_dir_all(&folder).unwrap();
    times
}

fn timed(passes: u64, mut commit: impl FnMut(Vec<Event>)) -> Vec<Cost> {
    let pass = |pass: u64| {
        let events: Vec<Event> = (pass * PASS..(pass + 1) * PASS).map(seen).collect();
        let batches: Vec<Vec<Event>> = events.chunks(BATCH).map(<[Event]>::to_vec).collect();
        let (began, processor) = (Instant::now(), processor_seconds());
        batches.into_iter().for_each(&mut commit);
        Cost { seconds: began.elapsed().as_secs_f64(), processor: processor_seconds() - processor }
    };
    (0..passes).map(pass).collect()
}

/// One event of the flood.
fn seen(number: u64) -> Event {
    let detail = flood::told(number);
    let visitor = u32::try_from(number / 4 % 50_000).unwrap();
    Event {
        time: BEGAN.plus(i64::try_from(number).unwrap() * APART),
        // Ids are drawn, not counted.
        id: EventId(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        sensor: Arc::from(
            ["fra-1", "fra-2", "tyo-1", "nyc-1"][usize::try_from(number / 4 % 4).unwrap()],
        ),
        session: Some(SessionId(number / 4)),
        source: Ipv4Addr::from(visitor + 0x0b00_0000).into(),
        source_port: 40_000,
        destination: None,
        port: Port::tcp(22),
        service: Service::known("ssh"),
        detail,
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("kizashi-bench-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}
