//! What it costs to divide detection: the same bins through one machine's detection and through 64 parts, what each half takes, and
//! how many bytes a bin would go over a wire. One process, in turns; nothing here is sent.
//!
//! `cargo bench -p kizashi-signs --bench shares [-- ROWS]`: ports and keys a bin, 2,000 by default. Prints; asserts that signs agree.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a program that measures"
)]

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kizashi_detect::gamma_poisson::Partition;
use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_signs::shares::{
    Answer, Ask, BinPart, BinRows, Detector, Found, Look, Readable, Shares,
};
use kizashi_signs::{Campaigns, Closed, Detection, Knowledge, Merge, Settings};
use kizashi_store::{ClosedBin, KeyBin, PortBin};

const BIN: i64 = 600 * Timestamp::SECOND;
const BINS: i64 = 72;
const ROUNDS: usize = 3;
const PARTITIONS: Partition = 64;

/// All parts in one detector, with a watch and, where asked, scales.
struct Measured {
    detector: Detector,
    took: Cell<Duration>,
    bytes: Cell<usize>,
    weighs: bool,
}

impl Measured {
    fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.took.set(self.took.get() + began.elapsed());
        done
    }

    fn weigh(&self, what: &impl serde::Serialize) {
        if self.weighs {
            self.bytes.set(self.bytes.get() + postcard::to_allocvec(what).unwrap().len());
        }
    }
}

impl Readable for Measured {
    fn look(&self, looks: Vec<(Partition, Look)>) -> Vec<Found> {
        self.weigh(&looks);
        let found = self.timed(|| {
            let find = |(at, look): &(Partition, Look)| self.detector.look(*at, look).unwrap();
            looks.iter().map(find).collect::<Vec<_>>()
        });
        self.weigh(&found);
        found
    }
}

impl Shares for Measured {
    fn ask(&mut self, asks: Vec<(Partition, Ask)>) -> Vec<Answer> {
        self.weigh(&asks);
        let began = Instant::now();
        let answer = |(at, ask): (Partition, Ask)| self.detector.answer(at, ask).unwrap();
        let answers: Vec<Answer> = asks.into_iter().map(answer).collect();
        self.took.set(self.took.get() + began.elapsed());
        self.weigh(&answers);
        answers
    }
}

/// Seconds of the parts and of the merge, and bytes a bin between them.
struct Costs {
    parts: f64,
    merge: f64,
    bytes: usize,
}

fn main() {
    let rows = std::env::args().find_map(|word| word.parse::<u32>().ok()).unwrap_or(2_000);
    let bins: Vec<ClosedBin> = (0..BINS).map(|bin| bin_of(bin, rows)).collect();
    let divided: Vec<Vec<Arc<BinPart>>> = bins
        .iter()
        .map(|bin| BinPart::divided(bin, PARTITIONS).into_iter().map(Arc::new).collect())
        .collect();
    let (mut whole, mut shares): (Vec<f64>, Vec<(f64, f64)>) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (seconds, told) = alone(&bins);
        whole.push(seconds);
        let (costs, also_told) = over(&divided, false);
        assert_eq!(told, also_told);
        shares.push((costs.parts, costs.merge));
    }
    let bytes = over(&divided, true).0.bytes;
    whole.sort_by(f64::total_cmp);
    shares.sort_by(|one, other| (one.0 + one.1).total_cmp(&(other.0 + other.1)));
    let (whole, (parts, merge)) = (whole[ROUNDS / 2], shares[ROUNDS / 2]);
    let all_rows = bins.iter().map(|bin| bin.ports.len() + bin.keys.len()).sum::<usize>() as f64;
    let show = |name: &str, seconds: f64| {
        println!(
            "{name:28} {:9.2} ms a bin {:8.0} ns a row {:8.3}",
            seconds * 1e3 / BINS as f64,
            seconds * 1e9 / all_rows,
            seconds / whole
        );
    };
    println!(
        "{:.0} rows a bin, median of {ROUNDS}; the last column over one machine's",
        all_rows / BINS as f64
    );
    show("one machine", whole);
    show("64 parts: the parts", parts);
    show("64 parts: the merge", merge);
    show("64 parts together", parts + merge);
    println!(
        "between them {:.0} KB a bin, {:.0} bytes a row",
        bytes as f64 / BINS as f64 / 1e3,
        bytes as f64 / all_rows
    );
}

fn alone(bins: &[ClosedBin]) -> (f64, Vec<Closed>) {
    let mut detection = Detection::new(Settings::default()).unwrap();
    let began = Instant::now();
    let told = bins.iter().map(|bin| detection.close(bin)).collect();
    (began.elapsed().as_secs_f64(), told)
}

fn over(bins: &[Vec<Arc<BinPart>>], weighs: bool) -> (Costs, Vec<Closed>) {
    let campaigns = Campaigns::builtin();
    let mut merge = Merge::new(Settings::default(), &Knowledge::shipped(), PARTITIONS).unwrap();
    let mut detector = Detector::default();
    (0..PARTITIONS).for_each(|partition| detector.begin(partition));
    let (took, bytes) = (Cell::new(Duration::ZERO), Cell::new(0));
    let mut shares = Measured { detector, took, bytes, weighs };
    let mut told = Vec::new();
    let began = Instant::now();
    for parts in bins {
        let since = Instant::now();
        let hold = |(at, part): (Partition, &Arc<BinPart>)| {
            shares.detector.hold(at, Arc::clone(part), &campaigns).unwrap()
        };
        let rows: Vec<_> = (0..).zip(parts).map(hold).collect();
        shares.took.set(shares.took.get() + since.elapsed());
        shares.weigh(&rows);
        told.push(merge.close(&mut shares, &BinRows::united(rows)));
    }
    let all = began.elapsed().as_secs_f64();
    let parts = shares.took.get().as_secs_f64();
    (Costs { parts, merge: all - parts, bytes: shares.bytes.get() }, told)
}

/// Half ports and half keys, each with one to four sources, of which a third have been there before.
fn bin_of(bin: i64, rows: u32) -> ClosedBin {
    let mut state = bin.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move |below: u32| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % u64::from(below)) as u32
    };
    let mut sources = |row: u32| {
        let count = 1 + random(4);
        let one = |n: u32| {
            let is_old = random(3) == 0;
            let of = if is_old { 0 } else { bin as u32 + 1 };
            of * 4 * rows + 4 * row + n
        };
        let mut sources: Vec<u32> = (0..count).map(one).collect();
        sources.sort_unstable();
        sources.dedup();
        sources
    };
    let kinds = [KeyKind::Password, KeyKind::User, KeyKind::Pair, KeyKind::CommandFamily];
    let ports = (0..rows / 2).map(|row| {
        let sources = sources(row);
        PortBin { port: Port::tcp(row as u16), events: 3 * sources.len() as u64, sources }
    });
    let ports = ports.collect();
    let keys = (rows / 2..rows).map(|row| {
        let key = Key::new(kinds[row as usize % 4], &format!("text number {row}"));
        let sources = sources(row);
        KeyBin { key, events: sources.len() as u64, sources, head: Vec::new() }
    });
    let keys = keys.collect();
    let start = Timestamp::parse("2026-03-01T00:00:00Z").unwrap().plus(bin * BIN);
    ClosedBin { start, ports, keys }
}
