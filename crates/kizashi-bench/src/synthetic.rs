//! Synthetic traffic: the Python generator's (`traffic.py`) distributions with a Rust generator of chance. Only distinct sources are
//! made, since detectors see nothing else.
//!
//! Sources arrive as an inhomogeneous Poisson process: a rate a port, a daily and a weekly rhythm, and a slow drift (an
//! Ornstein-Uhlenbeck process in the logarithm). Single-source bursts and outages are a nuisance that a detector must bear.

use std::f64::consts::TAU;

use crate::campaign::{Ground, lay};
use crate::chance::Chance;
use crate::traffic::{BINS_A_DAY, Traffic};

/// Days of one run.
pub const DAYS: usize = 31;
/// Ports beside the named ones.
const TAIL: usize = 300;
/// The talk's ports by their events in a month, and their mean events a source: 2223, 4899, 5900, 445, 2222, 80, 1433, 2323, 25.
const NAMED: [(f64, f64); 9] = [
    (114_195.0, 120.0),
    (85_573.0, 90.0),
    (58_393.0, 40.0),
    (55_430.0, 4.0),
    (29_311.0, 80.0),
    (16_043.0, 5.0),
    (4_890.0, 6.0),
    (3_711.0, 3.0),
    (3_578.0, 4.0),
];
/// Chance that a run has an outage.
const OUTAGE: f64 = 0.3;
/// Single-source bursts, a port and week.
const BURSTS_A_PORT_A_WEEK: f64 = 0.03;

/// How one port's rate goes over time.
struct Rate {
    /// Sources a bin.
    mean: f64,
    amplitude: f64,
    phase: f64,
    weekend: f64,
    deviation: f64,
    fade: f64,
    drift: f64,
}

impl Rate {
    fn new(chance: &mut Chance, mean: f64) -> Self {
        let deviation = chance.uniform(0.05, 0.35);
        let lasting = chance.log_uniform(36.0, 720.0);
        Self {
            mean,
            amplitude: chance.uniform(0.0, 0.5),
            phase: chance.normal(0.6, 0.1),
            weekend: chance.uniform(0.85, 1.1),
            deviation,
            fade: (-1.0 / lasting).exp(),
            drift: chance.normal(0.0, deviation),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a bin of the day is below 144")]
    fn step(&mut self, chance: &mut Chance, bin: usize) -> f64 {
        let shock = self.deviation * (1.0 - self.fade * self.fade).sqrt();
        self.drift = self.fade * self.drift + chance.normal(0.0, shock);
        let time = (bin % BINS_A_DAY) as f64 / BINS_A_DAY as f64;
        let day = 1.0 + self.amplitude * (TAU * (time - self.phase)).cos();
        let week = if (bin / BINS_A_DAY) % 7 >= 5 { self.weekend } else { 1.0 };
        self.mean * day * week * (self.drift - self.deviation * self.deviation / 2.0).exp()
    }
}

/// The traffic of one seed: 31 days of 309 ports.
#[must_use]
pub fn make(seed: u64) -> Traffic {
    let mut chance = Chance::new(seed);
    let bins = DAYS * BINS_A_DAY;
    let means = means(&mut chance, bins);
    let heard = heard(&mut chance, bins);
    let mut counts = usual(&mut chance, &means, &heard, &mut |_| {});
    let ground = Ground { rates: &means, named: NAMED.len(), heard: &heard };
    let campaigns = lay(&mut chance, ground, &mut counts);
    Traffic { ports: means.len(), counts, campaigns, rates: means }
}

/// The 31 days before those of `run`: the same mean rates with rhythms and a drift of their own, and no campaign.
#[must_use]
pub fn month_before(run: &Traffic, seed: u64) -> Vec<u16> {
    let mut chance = Chance::new(!seed);
    let heard = heard(&mut chance, DAYS * BINS_A_DAY);
    usual(&mut chance, &run.rates, &heard, &mut |_| {})
}

/// What was to be expected of each bin and port (bins × ports, in sources) on the usual days of a seed: what nobody but an oracle
/// knows. Rhythms and drifts are in it, outages count as nothing, bursts and campaigns are not in it.
#[must_use]
pub fn expected(seed: u64) -> Vec<f64> {
    let mut chance = Chance::new(seed);
    let bins = DAYS * BINS_A_DAY;
    let means = means(&mut chance, bins);
    let heard = heard(&mut chance, bins);
    let mut expected = Vec::with_capacity(bins * means.len());
    usual(&mut chance, &means, &heard, &mut |rate| expected.push(rate));
    expected
}

/// What comes on usual days, single-source bursts included, bins × ports; each expectation is told to `tell` in that order.
fn usual(
    chance: &mut Chance,
    means: &[f64],
    heard: &[bool],
    tell: &mut impl FnMut(f64),
) -> Vec<u16> {
    let (bins, ports) = (heard.len(), means.len());
    let mut rates: Vec<Rate> = means.iter().map(|mean| Rate::new(chance, *mean)).collect();
    let mut counts = vec![0_u16; bins * ports];
    for (bin, row) in counts.chunks_exact_mut(ports).enumerate() {
        for (count, rate) in row.iter_mut().zip(&mut rates) {
            let expected = rate.step(chance, bin);
            let drawn = if heard[bin] { chance.poisson(expected) } else { 0 };
            tell(if heard[bin] { expected } else { 0.0 });
            *count = u16::try_from(drawn).unwrap_or(u16::MAX);
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "hundreds")]
    let bursts = DAYS as f64 / 7.0 * ports as f64 * BURSTS_A_PORT_A_WEEK;
    for _ in 0..chance.poisson(bursts) {
        let (port, bin) = (chance.between(0, ports), chance.between(0, bins));
        counts[bin * ports + port] = counts[bin * ports + port].saturating_add(1);
    }
    counts
}

/// Each port's mean rate in sources a bin.
#[allow(clippy::cast_precision_loss, reason = "thousands of bins")]
fn means(chance: &mut Chance, bins: usize) -> Vec<f64> {
    let mut means = Vec::with_capacity(NAMED.len() + TAIL);
    for (events, events_a_source) in NAMED {
        let events = events * chance.uniform(0.4, 1.0);
        let events_a_source = events_a_source * chance.normal(0.0, 0.2).exp();
        means.push(events / events_a_source / bins as f64);
    }
    for _ in 0..TAIL {
        let events = chance.log_uniform(1.0, 3_000.0);
        let events_a_source = 1.0 + chance.normal(0.6, 0.8).exp();
        means.push(events / events_a_source / bins as f64);
    }
    means
}

/// Which bins the sensor heard: all but those of an outage, where there is one.
fn heard(chance: &mut Chance, bins: usize) -> Vec<bool> {
    let mut heard = vec![true; bins];
    if chance.unit() < OUTAGE {
        let start = chance.between(BINS_A_DAY, bins - BINS_A_DAY);
        let length = chance.between(6, 36);
        heard[start..start + length].fill(false);
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oracles_rates_are_those_that_the_counts_were_drawn_from() {
        let (month, expected) = (make(5), expected(5));
        assert_eq!(expected.len(), month.counts.len());
        let quiet: Vec<usize> = (0..month.ports)
            .filter(|port| month.campaigns.iter().all(|campaign| campaign.port != *port))
            .collect();
        let sum = |of: &dyn Fn(usize) -> f64| -> f64 {
            (0..month.bins())
                .flat_map(|bin| quiet.iter().map(move |port| bin * month.ports + port))
                .map(of)
                .sum()
        };
        let (came, drawn) = (sum(&|at| f64::from(month.counts[at])), sum(&|at| expected[at]));
        // Bursts are about 41 sources; the rest is Poisson.
        assert!((came - drawn).abs() < 5.0 * drawn.sqrt() + 100.0, "{came} of {drawn}");
        let silent = (0..month.bins()).find(|bin| expected[bin * month.ports] == 0.0);
        assert!(
            silent.is_none_or(|bin| month.bin(bin).iter().map(|n| u32::from(*n)).sum::<u32>() <= 3)
        );
    }

    #[test]
    fn a_seed_decides_everything_and_the_months_are_as_the_python_generator_makes_them() {
        assert_eq!(make(3), make(3));
        assert_ne!(make(3).counts, make(4).counts);
        let months: Vec<Traffic> = (0..12).map(make).collect();
        let campaigns: usize = months.iter().map(|month| month.campaigns.len()).sum();
        let early: usize = months
            .iter()
            .flat_map(|month| &month.campaigns)
            .filter(|campaign| campaign.early)
            .count();
        let sources: u64 =
            months.iter().flat_map(|month| &month.counts).map(|n| u64::from(*n)).sum();
        assert!(months.iter().all(|month| (month.ports, month.bins()) == (309, 4_464)));
        // The Python generator over seeds 5000 to 5099: 13.4 campaigns and 60,900 sources a month, 38 % early.
        println!("{campaigns} campaigns, {early} early, {} sources a month", sources / 12);
        assert!((150..=168).contains(&campaigns) && (45..=90).contains(&early));
        assert!((40_000..80_000).contains(&(sources / 12)));
    }
}
