//! φ: by how much a series scatters more than Poisson. Pearson's chi-square of each hour against what its start made one expect,
//! discounted (half-life 5 days) and shrunk to that of all series.
//!
//! An hour tells of a series only when the series' own past makes one expect at least [`LEAST_EXPECTED`] in it (what is known
//! before the hour, so that counting only lively hours biases nothing), and only when anything at all came to the sensor.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Prior, fade};

/// Expected counts an hour, by the series' own past, from which its residual is looked at.
pub(super) const LEAST_EXPECTED: f64 = 0.05;
/// One hour's chi-square counts as this much at most: one burst is not a dispersion.
const MOST_RESIDUAL: f64 = 50.0;
/// Hours of full weight that the dispersion of all series is worth for one.
const POOL_WEIGHT: f64 = 24.0;
/// Residuals of dispersion 1 with which the pool begins.
const POOL_START: f64 = 50.0;

/// A discounted sum of chi-squares and their weights, as it was when `hours` hours were over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Residuals {
    sum: f64,
    weight: f64,
    hours: u32,
}

impl Residuals {
    /// Adds what the hour showed with which `hours` hours are over.
    pub(super) fn add(&mut self, hours: u32, residual: Residual) {
        *self = self.after(hours);
        self.sum += residual.weight * residual.chi_square;
        self.weight += residual.weight;
    }

    /// The same when `hours` hours are over.
    pub(super) fn after(self, hours: u32) -> Self {
        let left = fade::over_hours(hours.saturating_sub(self.hours));
        Self { sum: self.sum * left, weight: self.weight * left, hours: hours.max(self.hours) }
    }

    /// The dispersion of all series, of which these are the residuals.
    pub(super) fn pooled(self) -> f64 {
        (self.sum + POOL_START) / (self.weight + POOL_START)
    }
}

/// What one hour of one series showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Residual {
    chi_square: f64,
    weight: f64,
}

impl Residual {
    /// `count` in an hour of `exposed` bins after discounted `total` counts in `baseline` bins.
    pub(super) fn of(count: u64, exposed: f64, prior: Prior, total: f64, baseline: f64) -> Self {
        let rate = prior.rate + baseline;
        let expected = (prior.shape + total) / rate * exposed;
        let variance = expected * (1.0 + exposed / rate);
        #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
        let deviation = count as f64 - expected;
        let chi_square = deviation * deviation / variance.max(f64::MIN_POSITIVE);
        Self { chi_square: chi_square.min(MOST_RESIDUAL), weight: expected.min(1.0) }
    }
}

/// What all series shared from bin `at` on: worked out every 6 hours, from what was past then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Shared {
    pub(super) at: u32,
    /// Hours that were over.
    pub(super) hours: u32,
    pub(super) prior: Prior,
    /// The dispersion of all series.
    pub(super) dispersion: f64,
}

/// The residuals of one series, and what they were each time that [`Shared`] was worked out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Dispersion {
    running: Residuals,
    published: VecDeque<Residuals>,
}

impl Dispersion {
    pub(super) fn add(&mut self, hours: u32, residual: Residual) {
        self.running.add(hours, residual);
    }

    /// Fixes the running residuals for windows that begin from now on; forgets what none asks for that begins after
    /// `oldest` hours.
    pub(super) fn publish(&mut self, hours: u32, oldest: u32) {
        let unchanged = self.published.back().is_some_and(|last| last.hours >= self.running.hours);
        if !unchanged {
            self.published.push_back(self.running.after(hours));
        }
        while self.published.get(1).is_some_and(|second| second.hours <= oldest) {
            self.published.pop_front();
        }
    }

    /// φ of windows that begin under `shared`.
    pub(super) fn phi(&self, shared: &Shared) -> f64 {
        let known = self.published.iter().rev().find(|residuals| residuals.hours <= shared.hours);
        let Some(own) = known.map(|residuals| residuals.after(shared.hours)) else {
            return shared.dispersion.max(1.0);
        };
        ((own.sum + POOL_WEIGHT * shared.dispersion) / (own.weight + POOL_WEIGHT)).max(1.0)
    }
}
