//! ChangeFinder from a warm start: both stages forget at max(r, 1/t), so that the first values weigh alike instead of the first one
//! alone; the first stage's variance is at least that of a Poisson count with its mean, widened by 1 + 1/t while the mean itself is a
//! guess; what lies below the mean counts as expected; means are taken over what there is. Measured in `kizashi-bench detectors`.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::sdar::Sdar;
use super::{Loss, Score, Settings, Window};

/// The least mean of a count for the variance floor.
const LEAST_MEAN: f64 = 1.0;
/// The variance floor of the second stage, whose values are scores.
const SECOND_FLOOR: f64 = 0.05;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Warm {
    loss: Loss,
    discount: f64,
    /// Values seen.
    seen: u64,
    first: Sdar,
    second: Sdar,
    outliers: Window,
    changes: Window,
}

impl Warm {
    pub(super) fn new(settings: Settings) -> Self {
        let Settings { discount, order, smooth, loss, .. } = settings;
        Self {
            loss,
            discount,
            seen: 0,
            first: Sdar::new(discount, order),
            second: Sdar::new(discount, order),
            outliers: Window::new(smooth),
            changes: Window::new(settings.second_window()),
        }
    }

    pub(super) fn step(&mut self, x: f64) -> Score {
        self.seen = self.seen.saturating_add(1);
        #[allow(clippy::cast_precision_loss, reason = "past 2^53 values r has long taken over")]
        let share = 1.0 / self.seen as f64;
        let rate = self.discount.max(share);
        let mean = self.first.mean();
        let floor = mean.max(LEAST_MEAN) * (1.0 + share);
        let surprise = self.first.warm_step(x, self.loss, rate, floor);
        let outlier = if x < mean { self.expected(floor) } else { surprise };
        let smoothed = self.outliers.push_early(outlier);
        let mean = self.second.mean();
        let surprise = self.second.warm_step(smoothed, self.loss, rate, SECOND_FLOOR);
        let score = if smoothed < mean { self.expected(SECOND_FLOOR) } else { surprise };
        let change = self.changes.push_early(score);
        Score { outlier: Some(outlier), smoothed: Some(smoothed), change: Some(change) }
    }

    /// The score of a value that is just what was expected.
    fn expected(&self, variance: f64) -> f64 {
        match self.loss {
            Loss::Logarithmic => 0.5 * (2.0 * PI * variance).ln(),
            Loss::Quadratic | Loss::Hellinger => 0.0,
        }
    }
}
