//! What is known of a series before it has a past: the rates of all series together. Empirical Bayes over the discounted totals
//! (a negative binomial likelihood per series, the shape from a small grid, the mean matched), worked out anew every 6 hours
//! from what is past.

use serde::{Deserialize, Serialize};

use super::SettingsError;
use super::special::ln_gamma;

/// Shapes tried.
const SHAPES: [f64; 5] = [0.1, 0.2, 0.3, 0.5, 0.8];
/// By how much a given prior's rate is lowered.
const TAIL: f64 = 0.3;
/// The least mean rate, in counts a bin: a sensor that hears nothing has a prior too.
const LEAST_MEAN: f64 = 1e-6;

/// Gamma(shape, rate): the distribution of rates over series, in counts a bin. To be carried from one run to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// a0.
    pub shape: f64,
    /// b0, in bins.
    pub rate: f64,
}

impl Prior {
    /// Gamma(0.5, 0.05), for the first hours: almost weightless. One worth three bins broke the promise on false alarms
    /// (2,285 bins between them for 10,000 promised, at 5 sources a bin).
    pub const FIRST_HOURS: Self = Self { shape: 0.5, rate: 0.05 };
    /// Series to which one is fitted at most; of more, every nth.
    pub(super) const MOST_SERIES: usize = 4_096;

    pub(super) fn checked(self) -> Result<Self, SettingsError> {
        let usable = |parameter: f64| (1e-9..=1e9).contains(&parameter);
        if usable(self.shape) && usable(self.rate) {
            Ok(self)
        } else {
            Err(SettingsError::Prior { shape: self.shape, rate: self.rate })
        }
    }

    /// The same with a longer tail: of another month's busiest series a Gamma distribution knows too little.
    pub(super) fn flattened(self) -> Self {
        Self { shape: self.shape, rate: self.rate * TAIL }
    }

    /// The prior that makes these discounted totals, each over its exposed bins, most likely. `None` where nothing is known.
    pub(super) fn fitted(series: &[(f64, f64)]) -> Option<Self> {
        let sum = |sum: (f64, f64), one: &(f64, f64)| (sum.0 + one.0, sum.1 + one.1);
        let (totals, exposures) = series.iter().fold((0.0, 0.0), sum);
        if exposures < 1.0 {
            return None;
        }
        let mean = (totals / exposures).max(LEAST_MEAN);
        let candidates = SHAPES.map(|shape| Self { shape, rate: shape / mean });
        let mut best = (f64::NEG_INFINITY, None);
        for prior in candidates {
            let likelihood = prior.log_likelihood(series);
            if likelihood > best.0 {
                best = (likelihood, Some(prior));
            }
        }
        best.1
    }

    fn log_likelihood(self, series: &[(f64, f64)]) -> f64 {
        let Self { shape, rate } = self;
        let of_all = ln_gamma(shape);
        let one = |&(total, exposure): &(f64, f64)| {
            ln_gamma(shape + total) - of_all
                + shape * (rate / (rate + exposure)).ln()
                + total * (exposure.max(f64::MIN_POSITIVE) / (rate + exposure)).ln()
        };
        series.iter().map(one).sum()
    }
}
