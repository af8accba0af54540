//! What it costs to divide series over partitions: the same bins through one holding and through 64 by way of the same merge, and what
//! each half takes of it, in one process and in turns.
#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a measurement is printed"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use kizashi_detect::gamma_poisson::{
    Answer, Ask, Found, Held, Holders, Holding, Kind, KindId, Look, Merge, Partition, SeriesId,
    Settings, SettingsError,
};

const ROUNDS: usize = 5;

/// Holdings that measure what they take.
struct Timed {
    holdings: Vec<Holding>,
    took: Duration,
}

impl Held for Timed {
    fn look(&self, looks: Vec<(Partition, Look)>) -> Vec<Found> {
        self.holdings.look(looks)
    }
}

impl Holders for Timed {
    fn ask(&mut self, asks: Vec<(Partition, Ask)>) -> Vec<Answer> {
        let began = Instant::now();
        let answers = self.holdings.ask(asks);
        self.took += began.elapsed();
        answers
    }
}

fn main() -> Result<(), SettingsError> {
    println!("Microseconds a bin, nanoseconds a count; median of {ROUNDS} rounds in turns");
    println!("{:34} {:>10} {:>22} {:>22} {:>8}", "", "partitions", "holdings", "merge", "ratio");
    for (name, series, share, bins) in [
        ("1,400 series, one in 20 a bin", 1_400, 20, 3_000),
        ("1,400 series, all", 1_400, 1, 600),
        ("65,536 series, one in 100", 65_536, 100, 400),
        ("65,536 series, all", 65_536, 1, 20),
    ] {
        let traffic = traffic(series, share, bins);
        let counts = traffic.iter().map(Vec::len).sum::<usize>() as f64;
        let mut took: [Vec<(f64, f64)>; 3] = Default::default();
        let partitions: [Partition; 3] = [1, 8, 64];
        for _ in 0..ROUNDS {
            for (took, partitions) in took.iter_mut().zip(partitions) {
                took.push(run(series, partitions, &traffic)?);
            }
        }
        let median = |took: &[(f64, f64)]| {
            let mut sums: Vec<(f64, f64)> = took.to_vec();
            sums.sort_by(|one, other| (one.0 + one.1).total_cmp(&(other.0 + other.1)));
            sums.get(sums.len() / 2).copied().unwrap_or_default()
        };
        let undivided = median(&took[0]);
        for (took, partitions) in took.iter().zip(partitions) {
            let (holdings, merge) = median(took);
            let told = |seconds: f64| {
                format!("{:9.1} {:8.0} ns", seconds * 1e6 / bins as f64, seconds * 1e9 / counts)
            };
            println!(
                "{:34} {partitions:10} {:>22} {:>22} {:8.3}",
                if partitions == 1 { name } else { "" },
                told(holdings),
                told(merge),
                (holdings + merge) / (undivided.0 + undivided.1)
            );
        }
    }
    Ok(())
}

fn traffic(series: u32, share: u32, bins: usize) -> Vec<Vec<(SeriesId, u32)>> {
    let mut state = 7_u64;
    let mut random = move |below: u32| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % u64::from(below)) as u32
    };
    (0..bins)
        .map(|_| {
            let active = (0..series).filter(|_| random(share) == 0).collect::<Vec<_>>();
            active.into_iter().map(|id| (SeriesId(id), 1 + random(3))).collect()
        })
        .collect()
}

/// Seconds that holdings and the merge took.
fn run(
    series: u32,
    partitions: Partition,
    traffic: &[Vec<(SeriesId, u32)>],
) -> Result<(f64, f64), SettingsError> {
    let mut merge = Merge::with_kinds(Settings::default(), &[Kind { share: 1.0, prior: None }])?;
    let holdings = vec![Holding::default(); usize::from(partitions)];
    let mut holders = Timed { holdings, took: Duration::ZERO };
    for id in 0..series {
        let partition = (id.wrapping_mul(2_654_435_761) >> 8) % u32::from(partitions);
        merge.introduce((SeriesId(id), partition as Partition), KindId::default(), None);
    }
    merge.flush(&mut holders);
    holders.took = Duration::ZERO;
    let began = Instant::now();
    for bin in traffic {
        black_box(merge.close_bin(&mut holders, bin));
    }
    let (all, holdings) = (began.elapsed().as_secs_f64(), holders.took.as_secs_f64());
    Ok((holdings, all - holdings))
}
