//! φ and v: by how much a series scatters more than Poisson within an hour, and by how much its rate itself wanders.
//!
//! Both are learned from every hour (half-life 5 days) and shrunk to those of all series of the kind. φ compares the bins of an
//! hour with each other (a Fano factor, unbiased at any rate), so that a slow change of the rate is not taken for clumps. v is
//! what is left of the hour's squared relative deviation from the baseline when φ and the doubt about the baseline are taken off.
//!
//! An hour tells of a series only when the series' own past makes one expect at least [`LEAST_EXPECTED`] in it (what is known
//! before the hour, so that counting only lively hours biases nothing), and only when anything at all came to the sensor.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BINS_A_DAY, Prior, fade};

/// Expected counts an hour, by the series' own past, from which its residual is looked at.
pub(super) const LEAST_EXPECTED: f64 = 0.05;
/// One hour is taken for this much of φ − 1 at most: one burst is not a dispersion.
const MOST_EXCESS: f64 = 10.0;
/// One hour is taken for this much of v at most: a wave is no volatility.
const MOST_VOLATILITY: f64 = 4.0;
/// Hours of full weight that the kind is worth for one series.
const KIND_WEIGHT: f64 = 24.0;
/// φ − 1 with which a kind begins: one in which clumps of three are common.
const FIRST_EXCESS: f64 = 2.0;
/// v with which a kind begins.
const FIRST_VOLATILITY: f64 = 0.1;
/// Hours of full weight that they are worth, and that those carried from an earlier run are worth.
const FIRST_WEIGHT: f64 = 20.0;
const CARRIED_WEIGHT: f64 = 200.0;
/// v is never known to be smaller: a rate that drifts slowly enough to be missed by hours.
const LEAST_VOLATILITY: f64 = 0.03;
/// What the first day adds to v.
const VOLATILITY_OF_FIRST_DAYS: f64 = 0.15;

/// A discounted weighted sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.weight += other.weight;
    }

    fn faded(self, left: f64) -> Self {
        Self { sum: self.sum * left, weight: self.weight * left }
    }

    /// The mean when `value` is added with `weight`.
    fn with(self, value: f64, weight: f64) -> f64 {
        (self.sum + value * weight) / (self.weight + weight)
    }
}

/// What hours showed: the discounted sums, as they were when `hours` hours were over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Residuals {
    excess: Mean,
    volatility: Mean,
    hours: u32,
}

/// By how much series scatter: to be carried from one run to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scatter {
    /// φ: the variance of a bin's count over its mean; 1 to 1,000.
    pub phi: f64,
    /// v: the relative variance of the rate itself; 0 to 100.
    pub volatility: f64,
}

/// With what a kind begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct First {
    scatter: Scatter,
    /// Hours of full weight that it is worth.
    weight: f64,
}

impl First {
    /// Of a machine of which nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        scatter: Scatter { phi: 1.0 + FIRST_EXCESS, volatility: FIRST_VOLATILITY },
        weight: FIRST_WEIGHT,
    };

    /// Of a machine that scattered so before. `None` where that is no number in range.
    pub(super) fn carried(scatter: Scatter) -> Option<Self> {
        let usable =
            (1.0..=1e3).contains(&scatter.phi) && (0.0..=1e2).contains(&scatter.volatility);
        usable.then_some(Self { scatter, weight: CARRIED_WEIGHT })
    }
}

impl Residuals {
    /// Adds what an hour showed with which `hours` hours are over.
    pub(super) fn add(&mut self, hours: u32, residual: Residual) {
        *self = self.after(hours);
        self.excess.add(residual.excess);
        self.volatility.add(residual.volatility);
    }

    /// The same when `hours` hours are over.
    pub(super) fn after(self, hours: u32) -> Self {
        let left = fade::over_hours(hours.saturating_sub(self.hours));
        Self {
            excess: self.excess.faded(left),
            volatility: self.volatility.faded(left),
            hours: hours.max(self.hours),
        }
    }

    /// φ and v of a kind, of which these are the residuals.
    pub(super) fn of_kind(self, first: First) -> Scatter {
        let First { scatter, weight, .. } = first;
        Scatter {
            phi: 1.0 + self.excess.with(scatter.phi - 1.0, weight).max(0.0),
            volatility: self.volatility.with(scatter.volatility, weight).max(LEAST_VOLATILITY),
        }
    }

    /// φ and v of one series of a kind.
    fn of_series(self, kind: Scatter) -> Scatter {
        Scatter {
            phi: 1.0 + self.excess.with(kind.phi - 1.0, KIND_WEIGHT).max(0.0),
            volatility: self.volatility.with(kind.volatility, KIND_WEIGHT).max(LEAST_VOLATILITY),
        }
    }
}

/// What is added to v after `baseline` exposed bins: before a whole day has been seen, nobody knows how the night differs, and
/// until two have, hardly.
pub(super) fn volatility_of_first_days(baseline: f64) -> f64 {
    let days = baseline / f64::from(BINS_A_DAY);
    VOLATILITY_OF_FIRST_DAYS * (2.0 - days).clamp(0.0, 1.0)
}

/// The counts of one series in one hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hour {
    /// n.
    pub(super) count: u64,
    /// Σ x², over the hour's bins.
    pub(super) squares: f64,
    /// k: its exposed bins.
    pub(super) exposed: f64,
    /// The same as the hour of the day weighs.
    pub(super) weighed: f64,
}

/// What one hour of one series showed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Residual {
    excess: Mean,
    volatility: Mean,
}

impl Residual {
    /// An `hour` after discounted `total` counts in `baseline` bins, when φ was thought to be `phi`.
    pub(super) fn of(hour: Hour, phi: f64, prior: Prior, total: f64, baseline: f64) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
        let (n, k) = (hour.count as f64, hour.exposed);
        let rate = prior.rate + baseline;
        let expected = ((prior.shape + total) / rate * hour.weighed).max(f64::MIN_POSITIVE);
        Self {
            excess: excess(n, k, hour.squares, expected),
            volatility: volatility(n, expected, phi * expected * (1.0 + hour.weighed / rate)),
        }
    }
}

/// Σ x(x−1) − n(n−1)/k has the expectation (φ − 1) n (k−1)/k whatever the rate. Hours of busy series are scaled to weigh 1, by
/// what was expected of them.
fn excess(n: f64, k: f64, squares: f64, expected: f64) -> Mean {
    if k < 2.0 {
        return Mean::default();
    }
    let scale = 1.0 / expected.max(1.0);
    let weight = n * (k - 1.0) / k;
    let sum = (squares - n - n * (n - 1.0) / k).min(MOST_EXCESS * weight);
    Mean { sum: sum * scale, weight: weight.min(4.0 * expected.max(1.0)) * scale }
}

/// The squared relative deviation less what chance explains, weighted by how well it can be seen against chance.
fn volatility(n: f64, expected: f64, variance: f64) -> Mean {
    let seen = FIRST_VOLATILITY * expected * expected;
    let weight = (seen / (variance + seen)).powi(2);
    let deviation = n - expected;
    let excess = (deviation * deviation - variance) / (expected * expected);
    Mean { sum: (weight * excess).min(MOST_VOLATILITY), weight }
}

/// What the series of a kind shared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SharedOfKind {
    pub(super) prior: Prior,
    pub(super) scatter: Scatter,
}

/// What series shared from bin `at` on: worked out every 6 hours (every hour on the first half day), from what was past then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Shared {
    pub(super) at: u32,
    /// Hours that were over.
    pub(super) hours: u32,
    pub(super) kinds: Vec<SharedOfKind>,
}

impl Shared {
    /// What a kind shared; a kind that a damaged state lacks is the first.
    pub(super) fn kind(&self, kind: u8) -> SharedOfKind {
        let Scatter { phi, volatility } = First::UNKNOWN.scatter;
        self.kinds.get(usize::from(kind)).copied().unwrap_or(SharedOfKind {
            prior: Prior::FIRST_HOURS,
            scatter: Scatter { phi, volatility },
        })
    }
}

/// φ and v of a series for windows that begin under the [`Shared`] of these hours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Published {
    hours: u32,
    scatter: Scatter,
}

/// The residuals of one series, and what followed from them each time that [`Shared`] was worked out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Dispersion {
    running: Residuals,
    published: VecDeque<Published>,
}

impl Dispersion {
    pub(super) fn add(&mut self, hours: u32, residual: Residual) {
        self.running.add(hours, residual);
    }

    /// Fixes φ and v for windows that begin from now on, under the last of `shared`, and forgets those for windows that begin
    /// under none of them. A series of which no hour was looked at has those of its `kind`.
    pub(super) fn publish(&mut self, shared: &VecDeque<Arc<Shared>>, kind: u8) {
        let Some((oldest, last)) = shared.front().zip(shared.back()) else { return };
        if self.running.hours > 0 {
            let scatter = self.running.after(last.hours).of_series(last.kind(kind).scatter);
            self.published.push_back(Published { hours: last.hours, scatter });
        }
        while self.published.front().is_some_and(|first| first.hours < oldest.hours) {
            self.published.pop_front();
        }
        if self.published.len() > shared.len() {
            let kept = |hours: u32| shared.binary_search_by_key(&hours, |one| one.hours).is_ok();
            self.published.retain(|one| kept(one.hours));
        }
    }

    /// φ and v of windows that begin under `shared`.
    pub(super) fn scatter(&self, shared: &Shared, kind: Scatter) -> Scatter {
        let known = self.published.iter().rev().find(|published| published.hours == shared.hours);
        known.map_or(kind, |known| known.scatter)
    }
}
