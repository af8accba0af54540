//! How many visitors come to a port in ten minutes: a level, a cycle over the day, another over the week, and a slow drift
//! (an Ornstein-Uhlenbeck process in the logarithm), as measured on real sensors. Numbers of visitors are Poisson around
//! this rate; what each of them does makes the counts of events heavy-tailed.

use std::f64::consts::TAU;

use kizashi_event::Timestamp;

use super::chance::{Chance, real};

/// The length of a bin, in microseconds: ten minutes.
pub(super) const BIN: i64 = 600 * Timestamp::SECOND;
/// Bins in a day.
pub(super) const BINS_A_DAY: i64 = Timestamp::DAY / BIN;

/// The rate of one port, bin by bin.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    level: f64,
    day_amplitude: f64,
    day_peak: f64,
    weekend: f64,
    drift: Drift,
}

impl Rate {
    /// A rate with this level (visitors in ten minutes) and cycles and drift by chance.
    pub(super) fn new(level: f64, chance: &mut Chance) -> Self {
        Self {
            level,
            day_amplitude: chance.uniform(0.0, 0.5),
            day_peak: 0.6 + 0.1 * chance.normal(),
            weekend: chance.uniform(0.85, 1.1),
            drift: Drift::new(chance),
        }
    }

    /// Visitors in ten minutes, cycles and drift apart.
    pub(super) const fn level(&self) -> f64 {
        self.level
    }

    /// Visitors expected in the bin that starts at `start`. Each call moves the drift on by one bin.
    pub(super) fn step(&mut self, start: Timestamp, chance: &mut Chance) -> f64 {
        let day = real(start.micros().rem_euclid(Timestamp::DAY)) / real(Timestamp::DAY);
        let daily = 1.0 + self.day_amplitude * (TAU * (day - self.day_peak)).cos();
        let weekly = if is_weekend(start) { self.weekend } else { 1.0 };
        self.level * daily * weekly * self.drift.step(chance)
    }
}

/// Saturday or Sunday in UTC; 1970-01-01 was a Thursday.
const fn is_weekend(moment: Timestamp) -> bool {
    (moment.micros().div_euclid(Timestamp::DAY) + 3).rem_euclid(7) >= 5
}

/// A factor that wanders around 1 and is drawn back to it.
#[derive(Clone, Debug)]
struct Drift {
    log: f64,
    keep: f64,
    shock: f64,
    correction: f64,
}

impl Drift {
    fn new(chance: &mut Chance) -> Self {
        let deviation = chance.uniform(0.05, 0.35);
        let memory_bins = chance.log_uniform(36.0, real(5 * BINS_A_DAY));
        let keep = (-1.0 / memory_bins).exp();
        Self {
            log: deviation * chance.normal(),
            keep,
            shock: deviation * (1.0 - keep * keep).sqrt(),
            // The mean of a log-normal is not its median: without this the drift would add to the level.
            correction: -deviation * deviation / 2.0,
        }
    }

    fn step(&mut self, chance: &mut Chance) -> f64 {
        self.log = self.keep * self.log + self.shock * chance.normal();
        (self.log + self.correction).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_months_a_rate_keeps_its_level() {
        let mut chance = Chance::new(1, 4);
        let bins = 60 * BINS_A_DAY;
        let mean: f64 = (0..40)
            .map(|_| {
                let mut rate = Rate::new(2.0, &mut chance);
                let sum: f64 = (0..bins)
                    .map(|bin| rate.step(Timestamp::from_micros(bin * BIN), &mut chance))
                    .sum();
                sum / real(bins)
            })
            .sum::<f64>()
            / 40.0;
        assert!((1.85..2.1).contains(&mean), "{mean}");
    }

    #[test]
    fn the_weekend_is_where_the_calendar_has_it() {
        let at = |text| is_weekend(Timestamp::parse(text).unwrap());
        assert!(at("2017-09-02T00:00:00Z") && at("2017-09-03T23:59:59Z"));
        assert!(!at("2017-09-01T23:59:59Z") && !at("2017-09-04T00:00:00Z"));
    }
}
