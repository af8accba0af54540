//! The promise over keys: made-up months in which nothing begins (the demo's traffic without its campaigns: cycles, drift, bursts of
//! single visitors, outages), closed bin by bin through the whole of detection. Prints false signs promised and realised on ports
//! and on each kind of key, in the first 72 hours and later, with the exact 95 % Poisson interval; asserts nothing.
//!
//! `cargo bench -p kizashi --bench keys [-- MONTHS [FIRST]]`: some seconds a month; seeds are numbered from FIRST (5000 by default).

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a program that measures"
)]

#[allow(dead_code, unused_imports)]
#[path = "../src/demo/mod.rs"]
mod demo;

#[path = "../../kizashi-detect/tests/support/nulls.rs"]
mod nulls;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use kizashi_event::{Event, Key, Timestamp};
use kizashi_signs::{Detection, Settings, Sign, SignKind};
use kizashi_store::{ClosedBin, KeyBin, PortBin};

const BIN: i64 = 600 * Timestamp::SECOND;
/// What the months begin at: a Wednesday.
const START: &str = "2026-04-01T00:00:00Z";
const DAYS: u32 = 31;
/// The traffic has outages, so that to tell of them is true and no false sign: they stand apart.
const OUTAGES: &str = "the sensor's outages";

/// What was told under one heading: in the first 72 hours, later.
type Told = BTreeMap<String, [u32; 2]>;

fn main() {
    let mut numbers = std::env::args().filter_map(|word| word.parse::<u64>().ok());
    let months = numbers.next().unwrap_or(20);
    let first = numbers.next().unwrap_or(5_000);
    let mut told = Told::new();
    for seed in first..first + months {
        let mut of_month = Told::new();
        for (heading, phase, shown) in month(seed) {
            of_month.entry(heading.clone()).or_default()[phase] += 1;
            told.entry(heading).or_default()[phase] += 1;
            println!("  seed {seed}: {shown}");
        }
    }
    let weeks = [3.0, f64::from(DAYS) - 3.0].map(|days| days / 7.0 * months as f64);
    println!("\n{months} months, one false alarm a week promised: half on ports, half on keys");
    println!("{:24} {:>28} {:>28}", "", "first 72 h", "later");
    println!("{:24} {:>28} {:>28}", "", "promised realised", "promised realised");
    let outages = told.remove(OUTAGES).unwrap_or_default();
    let ports = told.remove("ports").unwrap_or_default();
    let keys = told.values().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
    line("ports", Some(0.5), ports, weeks);
    line("keys of all kinds", Some(0.5), keys, weeks);
    for (kind, counts) in told {
        line(&format!("  {kind}"), None, counts, weeks);
    }
    line(OUTAGES, None, outages, weeks);
}

fn line(name: &str, share: Option<f64>, counts: [u32; 2], weeks: [f64; 2]) {
    let mut cells = String::new();
    for (count, weeks) in counts.into_iter().zip(weeks) {
        let (low, high) = nulls::interval(count);
        cells += &match share {
            Some(share) => {
                let promised = share * weeks;
                format!(
                    " {promised:8.1} {count:5} ({:5.2}-{:5.2})",
                    low / promised,
                    high / promised
                )
            }
            None => format!(" {:>8} {count:5} {:13}", "", ""),
        };
    }
    println!("{name:24}{cells}");
}

/// The signs of one month, each under its heading, with its phase.
fn month(seed: u64) -> Vec<(String, usize, String)> {
    let start = Timestamp::parse(START).unwrap();
    let settings = demo::Settings {
        days: Some(DAYS),
        campaigns: 0,
        story: false,
        ..demo::Settings::demo(seed, start.plus(31 * Timestamp::DAY))
    };
    let mut detection = Detection::new(Settings::default()).unwrap();
    let mut signs: Vec<Sign> = Vec::new();
    let mut counted = Counted::default();
    let mut at = start;
    for event in demo::Traffic::new(settings) {
        while event.time >= at.plus(BIN) {
            // As they were raised: what they grow to says nothing of why.
            signs.extend(detection.close(&counted.close(at)).raised);
            at = at.plus(BIN);
        }
        counted.add(&event);
    }
    let mut told = Vec::new();
    for sign in signs {
        let phase = usize::from(sign.detected.since(start) > 3 * Timestamp::DAY);
        let kind = Key::from_shown(&sign.key).map(|key| key.kind.name());
        let heading = match (sign.kind, sign.port(), kind) {
            (SignKind::Rise, None, Ok(kind)) => kind,
            (SignKind::SensorSilent, ..) => OUTAGES,
            _ => "ports",
        };
        let shown = format!(
            "{} {} since {}, {} sources for {:.3}, {:.0} days, {} keys more",
            sign.detected.rfc3339(),
            sign.key,
            sign.since.rfc3339(),
            sign.sources,
            sign.expected_sources,
            sign.days,
            sign.also.len()
        );
        told.push((heading.to_owned(), phase, shown));
    }
    told
}

/// What the store would have counted.
#[derive(Default)]
struct Counted {
    sources: HashMap<IpAddr, u32>,
    ports: BTreeMap<u32, (u64, BTreeSet<u32>)>,
    keys: BTreeMap<Key, (u64, BTreeSet<u32>)>,
}

impl Counted {
    fn add(&mut self, event: &Event) {
        let next = u32::try_from(self.sources.len()).unwrap();
        let source = *self.sources.entry(event.source).or_insert(next);
        let port = self.ports.entry(event.port.code()).or_default();
        port.0 += 1;
        port.1.insert(source);
        event.each_key(|kind, text| {
            let key = self.keys.entry(Key::new(kind, text)).or_default();
            key.0 += 1;
            key.1.insert(source);
        });
    }

    fn close(&mut self, start: Timestamp) -> ClosedBin {
        let sources = |of: BTreeSet<u32>| of.into_iter().collect();
        let ports =
            std::mem::take(&mut self.ports).into_iter().filter_map(|(code, (events, of))| {
                let port = kizashi_event::Port::from_code(code)?;
                Some(PortBin { port, events, sources: sources(of) })
            });
        let keys = std::mem::take(&mut self.keys).into_iter().map(|(key, (events, of))| KeyBin {
            key,
            events,
            sources: sources(of),
            head: Vec::new(),
        });
        ClosedBin { start, ports: ports.collect(), keys: keys.collect() }
    }
}
