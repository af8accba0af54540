//! A million distinct keys an hour, for a day: what detection takes of memory and time a bin, and when it tells of a password that
//! rises in the middle of them. Prints; asserts nothing.
//!
//! `cargo bench -p kizashi-signs --bench tail [-- KEYS_AN_HOUR]`. The store gives detection at most 4,096 keys of a kind a bin; here
//! all of them are given.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a program that measures"
)]

use std::time::Instant;

use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_signs::{Detection, Settings};
use kizashi_store::{ClosedBin, KeyBin, PortBin};

const BIN: i64 = 600 * Timestamp::SECOND;
/// Bins of the flood, and the one in which the password begins: five newcomers a bin.
const BINS: i64 = 144;
const RISES: i64 = 100;

fn main() {
    let an_hour = std::env::args().find_map(|word| word.parse::<u32>().ok()).unwrap_or(1_000_000);
    for (sources, shape) in
        [(1, "one source"), (1_000, "1,000 sources"), (1_000_000, "1,000,000 sources")]
    {
        flood(an_hour / 6, sources, shape);
    }
}

fn flood(keys: u32, sources: u32, shape: &str) {
    let before = resident();
    let mut detection = Detection::new(Settings::default()).unwrap();
    let start = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
    let (mut slowest, mut all, mut told) = (0.0_f64, 0.0, None);
    for bin in 0..BINS {
        let closed = bin_of(start, bin, keys, sources);
        let began = Instant::now();
        let signs = detection.close(&closed).raised;
        let seconds = began.elapsed().as_secs_f64();
        slowest = slowest.max(seconds);
        all += seconds;
        if told.is_none()
            && signs.iter().any(|sign| {
                sign.key.contains("xmhdipc") || sign.also.iter().any(|key| key.contains("xmhdipc"))
            })
        {
            told = Some(bin - RISES + 1);
        }
    }
    let snapshot = detection.snapshot().unwrap().len();
    println!("{} keys an hour from {shape}, a day long", 6 * keys);
    println!("  seconds a bin: {:.3} on average, {slowest:.3} at most", all / BINS as f64);
    println!("  resident: {:.1} MB more than before", (resident() - before) / 1e6);
    println!(
        "  keys watched: {}; snapshot: {:.1} MB",
        detection.keys_watched(),
        snapshot as f64 / 1e6
    );
    match told {
        Some(bins) => println!(
            "  a password that five newcomers bring in ten minutes: told after {} minutes",
            bins * 10
        ),
        None => println!("  a password that five newcomers bring in ten minutes: not told"),
    }
}

fn bin_of(start: Timestamp, bin: i64, keys: u32, sources: u32) -> ClosedBin {
    let mut made: Vec<KeyBin> = (0..keys)
        .map(|n| {
            let number = bin as u32 * keys + n;
            let key = Key::new(KeyKind::Password, &format!("made up {number}"));
            KeyBin {
                key,
                events: 1,
                sources: vec![number.wrapping_mul(2_654_435_761) % sources],
                head: Vec::new(),
            }
        })
        .collect();
    if bin >= RISES {
        let first = 2_000_000 + 5 * bin as u32;
        let key = Key::new(KeyKind::Password, "xmhdipc");
        made.push(KeyBin {
            key,
            events: 5,
            sources: (first..first + 5).collect(),
            head: Vec::new(),
        });
    }
    let port = PortBin { port: Port::tcp(22), events: u64::from(keys), sources: vec![1, 2, 3] };
    ClosedBin { start: start.plus(bin * BIN), ports: vec![port], keys: made }
}

/// Bytes of this process in memory.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0)
        * 1024.0
}
