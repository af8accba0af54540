//! The sensor's day: how much more or less comes at an hour of the day than on average, learned from all series together. Who
//! knows that the night is quiet need not take every morning for a rise, and sees a rise at night. A bin of a lively hour
//! counts as more exposure, one of a quiet hour as less; the weights are fixed a day ahead, from what is past, so that they
//! cannot follow the counts they judge.
//!
//! Of each hour the counts are compared with what each series' own past made one expect, whatever the hour; one series' wave
//! counts for little (its counts are cut). Nothing is learned on the first day, when a series' past is not yet a whole day.

use serde::{Deserialize, Serialize};

use super::fade;
use super::history::HOUR;

const HOURS: usize = 24;
/// Hours after which an hour of the day comes again.
const DAY: u32 = 24;
/// Days that the flat rhythm is worth, against how one day differs from another.
const FLAT_DAYS: f64 = 3.0;
/// Counts that it is worth, against chance.
const FLAT_COUNTS: f64 = 30.0;
/// What a carried rhythm is worth.
const CARRIED_DAYS: f64 = 7.0;
const CARRIED_COUNTS: f64 = 300.0;
/// No hour counts for more than this many usual ones, or for less than its inverse.
const MOST: f64 = 4.0;

/// One hour of the day, over the days: discounted sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct HourOfDay {
    counts: f64,
    expected: f64,
    days: f64,
}

/// What is known of the day, from the hour of the first bin on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Rhythm {
    hours: [HourOfDay; HOURS],
    /// Their mean is 1.
    weights: [f64; HOURS],
    /// Whether it was known before the first bin.
    carried: bool,
}

/// What all series together showed in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Together {
    counts: f64,
    expected: f64,
}

impl Together {
    /// Adds a series with `counts` in the hour, of which its past made one expect `expected` whatever the hour.
    pub(super) fn add(&mut self, counts: f64, expected: f64) {
        self.counts += counts.min(2.0 * expected + 3.0);
        self.expected += expected;
    }
}

impl Rhythm {
    pub(super) const fn flat() -> Self {
        const NOTHING: HourOfDay = HourOfDay { counts: 0.0, expected: 0.0, days: 0.0 };
        Self { hours: [NOTHING; HOURS], weights: [1.0; HOURS], carried: false }
    }

    /// Known from an earlier run: 24 weights above 0, from the hour of the first bin on. `None` where they are none.
    pub(super) fn carried(weights: [f64; HOURS]) -> Option<Self> {
        let usable = weights.iter().all(|weight| (1.0 / MOST..=MOST).contains(weight));
        #[allow(clippy::cast_precision_loss, reason = "24")]
        let mean = weights.iter().sum::<f64>() / HOURS as f64;
        let hour = |weight: f64| HourOfDay {
            counts: CARRIED_COUNTS * weight,
            expected: CARRIED_COUNTS,
            days: CARRIED_DAYS,
        };
        usable.then(|| {
            let weights = weights.map(|weight| weight / mean);
            Self { hours: weights.map(hour), weights, carried: true }
        })
    }

    /// Bins in which it was learned before this run, as far as one needs to know: none, or the two days after which it is known
    /// how the night differs.
    pub(super) const fn carried_bins(&self) -> f64 {
        if self.carried { 2.0 * super::BINS_A_DAY as f64 } else { 0.0 }
    }

    /// How much an hour of the day weighs, from the hour of the first bin on; their mean is 1.
    pub(super) const fn weights(&self) -> [f64; HOURS] {
        self.weights
    }

    /// How much exposure bin `bin` is.
    pub(super) fn weight(&self, bin: u32) -> f64 {
        self.weights[(bin / HOUR) as usize % HOURS]
    }

    /// Takes what hour number `hour` showed; after the last of a day, the weights are worked out for the next.
    pub(super) fn learn(&mut self, hour: u32, together: Together) {
        let place = hour as usize % HOURS;
        let HourOfDay { counts, expected, days } = self.hours[place];
        if together.expected > 0.0 {
            let left = fade::over_hours(DAY);
            self.hours[place] = HourOfDay {
                counts: counts * left + together.counts,
                expected: expected * left + together.expected,
                days: days * left + 1.0,
            };
        }
        if place + 1 == HOURS {
            self.weigh();
        }
    }

    fn weigh(&mut self) {
        let (counts, expected) = self
            .hours
            .iter()
            .fold((0.0, 0.0), |sum, hour| (sum.0 + hour.counts, sum.1 + hour.expected));
        if counts <= 0.0 || expected <= 0.0 {
            return;
        }
        let level = counts / expected;
        let ratio = |place: usize| {
            // An hour is seen with its neighbours: the day has no edges.
            let near = [place + HOURS - 1, place, place + 1].map(|at| self.hours[at % HOURS]);
            let sum = |of: fn(&HourOfDay) -> f64| near.iter().map(of).sum::<f64>();
            let (counts, expected) = (sum(|hour| hour.counts), sum(|hour| hour.expected));
            let days = sum(|hour| hour.days) / 3.0;
            if expected <= 0.0 {
                return 1.0;
            }
            let trust = days / (days + FLAT_DAYS) * expected / (expected + FLAT_COUNTS);
            (1.0 + (counts / expected / level - 1.0) * trust).clamp(1.0 / MOST, MOST)
        };
        let weights: [f64; HOURS] = std::array::from_fn(ratio);
        #[allow(clippy::cast_precision_loss, reason = "24")]
        let mean = weights.iter().sum::<f64>() / HOURS as f64;
        self.weights = weights.map(|weight| weight / mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days of 1,000 expected counts an hour, at night only half of them; one series has a wave besides.
    fn learned(days: u32, wave: f64) -> Rhythm {
        let mut rhythm = Rhythm::flat();
        for hour in 0..days * 24 {
            let mut together = Together::default();
            let share = if hour % 24 < 8 { 0.5 } else { 1.25 };
            (0..10).for_each(|_| together.add(100.0 * share, 100.0));
            together.add(if hour % 24 == 3 { wave } else { 1.0 }, 1.0);
            rhythm.learn(hour, together);
        }
        rhythm
    }

    #[test]
    fn the_night_weighs_less_after_some_days_and_a_day_weighs_one_on_average() {
        let rhythm = learned(14, 1.0);
        assert!((0.5..0.75).contains(&rhythm.weight(3 * HOUR)), "{}", rhythm.weight(3 * HOUR));
        assert!((1.1..1.25).contains(&rhythm.weight((24 + 15) * HOUR + 5)));
        let mean = rhythm.weights().iter().sum::<f64>() / 24.0;
        assert!((mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_day_is_not_yet_believed() {
        let after_one = learned(1, 1.0).weight(3 * HOUR);
        assert!((0.8..0.95).contains(&after_one), "{after_one}");
    }

    #[test]
    fn one_series_wave_does_not_make_an_hour_lively() {
        let (calm, wave) = (learned(14, 1.0), learned(14, 1e6));
        assert!((calm.weight(3 * HOUR) - wave.weight(3 * HOUR)).abs() < 0.01);
    }

    #[test]
    fn a_carried_rhythm_holds_at_once_and_nonsense_is_none() {
        let mut weights = [1.0; HOURS];
        weights[3] = 0.5;
        let carried = Rhythm::carried(weights).unwrap();
        assert!(carried.weight(3 * HOUR) < 0.52 && carried.weight(4 * HOUR) > 1.0);
        for nonsense in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            weights[7] = nonsense;
            assert_eq!(Rhythm::carried(weights), None, "{nonsense}");
        }
    }

    #[test]
    fn hours_of_nothing_teach_nothing() {
        let mut rhythm = Rhythm::flat();
        (0..100).for_each(|hour| rhythm.learn(hour, Together::default()));
        assert_eq!(rhythm, Rhythm::flat());
    }
}
