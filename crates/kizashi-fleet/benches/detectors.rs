//! What a closed bin costs where its parts are with detectors beyond three servers on loopback, beside what it costs in one process; how long a
//! snapshot of all parts takes, and to go on after a detector is killed. Everything, the servers included, shares this machine's cores.
//!
//! `cargo bench -p kizashi-fleet --bench detectors [-- SOURCES]`, sources a bin

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a program for developers"
)]

#[path = "../tests/servers/detectors.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod detectors;
#[path = "../tests/servers/harness.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod harness;
#[path = "../../kizashi-signs/tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use detectors::{PARTITIONS, TestDetector, TestMerge, settings};
use harness::Cluster;
use kizashi_event::{KeyKind, Port};
use kizashi_signs::{Detection, Knowledge};
use kizashi_store::ClosedBin;
use support::{Gathering, Random, start};

/// Bins before those that are measured, so that the measured ones meet a past.
const BEFORE: usize = 12;
const MEASURED: usize = 24;

/// Bins of so many sources each, over ports and passwords as a busy fleet sees them.
fn bins(sources: u32) -> Vec<ClosedBin> {
    let mut random = Random(7);
    let mut source = 0;
    let mut bin = |at: usize| {
        let mut gathering = Gathering::default();
        for _ in 0..sources {
            source += 1;
            gathering.come(Port::tcp((random.below(60) * random.below(60)) as u16 + 1), source);
            let word = format!("word {}", random.below(4_000));
            gathering.bring(KeyKind::Password, &word, source);
        }
        gathering.closed(start(at as i64))
    };
    (0..BEFORE + MEASURED).map(&mut bin).collect()
}

/// The mean and the longest of the measured ones.
fn shown(times: &[Duration]) -> String {
    let measured = &times[BEFORE..];
    let sum: Duration = measured.iter().sum();
    let longest = measured.iter().max().unwrap();
    format!("{:?} a bin, at most {longest:?}", sum / measured.len() as u32)
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let done = work();
    (began.elapsed(), done)
}

fn main() {
    let asked = std::env::args().filter_map(|argument| argument.parse().ok()).next();
    let bins = bins(asked.unwrap_or(20_000));
    let mut one = Detection::in_parts(settings(), &Knowledge::shipped(), PARTITIONS).unwrap();
    let times: Vec<Duration> = bins.iter().map(|bin| timed(|| one.close(bin)).0).collect();
    let state = one.snapshot().unwrap().len();
    println!("one process: {}; state of {state} bytes in {PARTITIONS} parts", shown(&times));
    let cluster = Cluster::start(3, &[]);
    for count in [1, 2, 5] {
        let mut hub = TestMerge::start(&cluster, count);
        let names: Vec<String> = (0..count).map(|at| format!("d{count}-{at}")).collect();
        let version = env!("CARGO_PKG_VERSION");
        let mut detectors: Vec<TestDetector> =
            names.iter().map(|name| TestDetector::start(&cluster, name, version)).collect();
        hub.waits_for(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let close = |bin| timed(|| hub.closed(bin)).0;
        let times: Vec<Duration> = bins.iter().map(close).collect();
        let (saving, _) = timed(|| hub.team.parts().unwrap());
        detectors.swap_remove(0).kill();
        let (going_on, _) = timed(|| hub.merge.standing(&hub.team));
        println!(
            "{count} detectors: {}; a snapshot of all {saving:?}; after one is killed {going_on:?}",
            shown(&times)
        );
    }
}
