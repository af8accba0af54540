//! Ten million made-up events into the store, then every query of the dashboard, each beside the same question answered by
//! scanning the raw rows in the same file. Prints rates, sizes, resident memory and ratios; asserts nothing.
//!
//! `cargo bench --bench store [-- EVENTS]`; ten million take some minutes and about 2 GB of temporary disk.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that measures")]

#[allow(dead_code, unused_imports)]
#[path = "../src/demo/mod.rs"]
mod demo;

use std::time::{Duration, Instant};

use kizashi_event::{Event, Key, KeyKind, Port, Timestamp};
use kizashi_store::{BinLength, Reader, Settings, Span, Store};

const RUNS: usize = 9;

fn main() {
    let wanted = std::env::args().filter_map(|word| word.parse::<usize>().ok()).next();
    let wanted = wanted.unwrap_or(10_000_000);
    let folder = std::env::temp_dir().join(format!("kizashi-bench-{}", std::process::id()));
    println!("{:<44} {:>12}", "before anything: resident", megabytes(resident()));
    build(&folder, wanted);
    let reader = Reader::open(&folder).unwrap();
    ask(&reader);
    println!("{:<44} {:>12}", "after all queries: resident", megabytes(resident()));
    compare(&reader, &folder);
    drop(reader);
    std::fs::remove_dir_all(&folder).unwrap();
}

fn build(folder: &std::path::Path, wanted: usize) {
    let start = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
    let mut settings = demo::Settings::month(1, start);
    settings.scale = (wanted as f64 / 380_000.0).max(0.01);
    let end = start.plus(31 * Timestamp::DAY);
    let clock = std::sync::Arc::new(move || end);
    let store = Store::open(folder, Settings { clock, ..Settings::default() }).unwrap();
    let mut traffic = demo::Traffic::new(settings);
    let began = Instant::now();
    let mut made = Duration::ZERO;
    let mut written = 0;
    loop {
        let making = Instant::now();
        let batch: Vec<Event> = traffic.by_ref().take(4_096).collect();
        made += making.elapsed();
        if batch.is_empty() {
            break;
        }
        written += batch.len();
        store.write(batch).unwrap();
    }
    store.flush().unwrap();
    let whole = began.elapsed().as_secs_f64();
    println!("{:<44} {written:>12}", "events");
    println!("{:<44} {:>12.0}", "events a second into the store", written as f64 / whole);
    println!(
        "{:<44} {:>11.1}%",
        "of that time spent making them up",
        100.0 * made.as_secs_f64() / whole
    );
    println!("{:<44} {:>12}", "after writing: resident", megabytes(resident()));
    let began = Instant::now();
    store.close_bins(end).unwrap();
    store.maintain(end).unwrap();
    println!("{:<44} {:>10.1} s", "settling the days", began.elapsed().as_secs_f64());
    drop(store);
    let bytes = std::fs::metadata(folder.join("kizashi.db")).unwrap().len();
    println!("{:<44} {:>12.1}", "bytes an event, all tables", bytes as f64 / written as f64);
}

type Query<'a> = (&'a str, Box<dyn Fn() -> usize + 'a>);

fn ask(reader: &Reader) {
    let last = reader.overview().unwrap().last.unwrap();
    let back = |length: i64| Span { since: Some(last.plus(-length)), until: None };
    let port = Key::port(Port::tcp(445));
    let top = |kind, span, limit| reader.top(kind, span, limit).unwrap().len();
    let series = |key: &Key, length| reader.series(key, length, Span::default()).unwrap().len();
    let queries: Vec<Query<'_>> = vec![
        ("overview", Box::new(|| usize::from(reader.overview().unwrap().events > 0))),
        ("ports of all time, 500 rows", Box::new(|| top(KeyKind::Port, Span::default(), 500))),
        (
            "ports of 31 days, 500 rows",
            Box::new(|| top(KeyKind::Port, back(31 * Timestamp::DAY), 500)),
        ),
        ("ports of 24 hours, 500 rows", Box::new(|| top(KeyKind::Port, back(Timestamp::DAY), 500))),
        ("users of all time, 20 rows", Box::new(|| top(KeyKind::User, Span::default(), 20))),
        (
            "passwords of all time, 20 rows",
            Box::new(|| top(KeyKind::Password, Span::default(), 20)),
        ),
        (
            "passwords of 31 days, 20 rows",
            Box::new(|| top(KeyKind::Password, back(31 * Timestamp::DAY), 20)),
        ),
        ("sources of all time, 20 rows", Box::new(|| top(KeyKind::Source, Span::default(), 20))),
        (
            "sources of 7 days, 20 rows",
            Box::new(|| top(KeyKind::Source, back(7 * Timestamp::DAY), 20)),
        ),
        (
            "sources of 31 days, 20 rows",
            Box::new(|| top(KeyKind::Source, back(31 * Timestamp::DAY), 20)),
        ),
        ("one port by 12 hours, 31 days", Box::new(|| series(&port, BinLength::HalfDay))),
        ("one port by the hour, 31 days", Box::new(|| series(&port, BinLength::Hour))),
        ("one port by ten minutes, 31 days", Box::new(|| series(&port, BinLength::TenMinutes))),
        ("everything by the hour, 31 days", Box::new(|| series(&Key::total(), BinLength::Hour))),
        ("the latest 100 events", Box::new(|| reader.recent(100).unwrap().len())),
        ("signs", Box::new(|| reader.signs(500).unwrap().len())),
    ];
    println!("\n{:<44} {:>8} {:>10} {:>10}", "query", "rows", "median ms", "worst ms");
    for (name, query) in queries {
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..RUNS {
            let began = Instant::now();
            rows = query();
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        println!("{name:<44} {rows:>8} {:>10.2} {:>10.2}", times[RUNS / 2], times[RUNS - 1]);
    }
    println!();
}

/// Two questions by rollup and by scanning the raw table.
fn compare(reader: &Reader, folder: &std::path::Path) {
    let raw = rusqlite::Connection::open(folder.join("kizashi.db")).unwrap();
    let time = |work: &dyn Fn() -> i64| {
        let began = Instant::now();
        let answer = work();
        (answer, began.elapsed().as_secs_f64())
    };
    let by_rollup = time(&|| {
        let points =
            reader.series(&Key::port(Port::tcp(445)), BinLength::Hour, Span::default()).unwrap();
        points.iter().map(|point| point.events).sum::<u64>() as i64
    });
    let by_scan = time(&|| {
        let sql = "SELECT sum(n) FROM (SELECT time / 3600000000, count(*) AS n FROM events WHERE port = 445 GROUP BY 1)";
        raw.query_row(sql, [], |row| row.get(0)).unwrap()
    });
    report("port series: raw scan / rollup", by_rollup, by_scan);
    let by_rollup =
        time(&|| reader.top(KeyKind::Password, Span::default(), 1).unwrap()[0].events as i64);
    let by_scan = time(&|| {
        let sql = "SELECT max(n) FROM (SELECT json_extract(detail, '$.login.password') AS p, count(*) AS n
                   FROM events WHERE p IS NOT NULL GROUP BY 1)";
        raw.query_row(sql, [], |row| row.get(0)).unwrap()
    });
    report("top password: raw scan / rollup", by_rollup, by_scan);
}

fn report(name: &str, rollup: (i64, f64), scan: (i64, f64)) {
    let same = if rollup.0 == scan.0 { "same answer" } else { "DIFFERENT ANSWERS" };
    println!(
        "{name:<44} {:>10.0} times ({:.2} ms against {:.0} ms, {same})",
        scan.1 / rollup.1,
        rollup.1 * 1e3,
        scan.1 * 1e3
    );
}

/// Resident memory of this process in bytes, from /proc (Linux).
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0)
        * 1024
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
