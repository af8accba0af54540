//! What a fleet's watches take: memory, snapshot and processor time for each sensor, at two sizes of a fleet, so that what one more costs can
//! be told from what is there anyway.
//!
//! `cargo run --release -p kizashi-signs --example fleet_memory [-- SENSORS DAYS]`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a program for developers"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kizashi_event::{Port, Timestamp};
use kizashi_signs::{Campaigns, Fleet, FleetPlan, Knowledge, OverAll, Settings};
use kizashi_store::{ClosedBin, PortBin};

/// Ports that a sensor's visitors come to: as many as a machine on the Internet sees in a week, the first ones most.
const PORTS: u16 = 1_400;
/// Visitors of a sensor in ten minutes.
const VISITORS: u32 = 60;
/// Bins of a day.
const BINS: i64 = 144;
const BIN: i64 = 600 * Timestamp::SECOND;

/// `SplitMix64` (Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((z ^ (z >> 31)) % u64::from(bound)).unwrap()
    }
}

fn start(bin: i64) -> Timestamp {
    Timestamp::from_seconds(1_772_323_200).plus(bin * BIN)
}

/// What one sensor heard: visitors of whom a third come to every sensor. Its watch sees ports alone.
fn heard(random: &mut Random, bin: i64, fresh: &mut u32) -> ClosedBin {
    let mut ports: BTreeMap<Port, Vec<u32>> = BTreeMap::new();
    for _ in 0..VISITORS {
        let visitor = if random.below(3) == 0 {
            random.below(20_000)
        } else {
            *fresh += 1;
            1_000_000 + *fresh
        };
        // Few ports have most of it.
        let (one, other) = (random.below(u32::from(PORTS)), random.below(u32::from(PORTS)));
        let port = one * other / u32::from(PORTS);
        ports.entry(Port::tcp(u16::try_from(port).unwrap() + 1)).or_default().push(visitor);
    }
    let sorted = |mut sources: Vec<u32>| {
        sources.sort_unstable();
        sources.dedup();
        (sources.len() as u64, sources)
    };
    let port = |(port, sources)| {
        let (events, sources) = sorted(sources);
        PortBin { port, events, sources }
    };
    ClosedBin { start: start(bin), ports: ports.into_iter().map(port).collect(), keys: Vec::new() }
}

/// Resident memory of this process in bytes (proc(5)).
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1_024.0
}

/// Memory above `before`, snapshot and time of a fleet of so many sensors after so many days.
fn measured(before: f64, sensors: u32, days: i64) -> (f64, f64, f64) {
    let mut fleet = Fleet::new(FleetPlan {
        settings: Settings::default(),
        groups: BTreeMap::new(),
        watches: usize::MAX,
        knowledge: Knowledge::shipped(),
        campaigns: Campaigns::builtin(),
    });
    let (mut random, mut fresh, mut spent) = (Random(1), 0, Duration::ZERO);
    for bin in 0..days * BINS {
        let bins: BTreeMap<String, ClosedBin> = (0..sensors)
            .map(|sensor| (format!("sensor-{sensor}"), heard(&mut random, bin, &mut fresh)))
            .collect();
        let began = Instant::now();
        fleet.close(start(bin), &bins, OverAll::default()).unwrap();
        spent += began.elapsed();
    }
    let bytes = resident() - before;
    let snapshot = fleet.snapshot().unwrap().len() as f64;
    let each_bin = spent.as_secs_f64() / (days * BINS) as f64;
    println!(
        "{sensors} sensors, {days} days: {:.1} MB resident, snapshot {:.1} MB, {:.1} ms for ten minutes",
        bytes / 1e6,
        snapshot / 1e6,
        each_bin * 1e3
    );
    (bytes, snapshot, each_bin)
}

fn main() {
    let mut asked = std::env::args().skip(1).filter_map(|text| text.parse::<u32>().ok());
    let (many, days) = (asked.next().unwrap_or(40), i64::from(asked.next().unwrap_or(3)));
    let few = (many / 4).max(1);
    let before = resident();
    // The smaller first: what it gives back the larger takes again.
    let small = measured(before, few, days);
    let large = measured(before, many, days);
    let more = f64::from(many.saturating_sub(few).max(1));
    println!(
        "one more: {:.0} kB resident, snapshot {:.0} kB, {:.2} ms for ten minutes",
        (large.0 - small.0) / more / 1e3,
        (large.1 - small.1) / more / 1e3,
        (large.2 - small.2) / more * 1e3
    );
}
