//! ChangeFinder, the algorithm of the talk that Kizashi comes from: two stages of SDAR learning with smoothing between them
//! (Takeuchi and Yamanishi, "A Unifying Framework for Detecting Outliers and Change Points from Time Series", IEEE TKDE
//! 18(4), 2006).
//!
//! Stage one scores each x_t as an outlier; y_t is the mean of the last T scores; stage two scores y_t; the mean of its last T'
//! scores is the change score. An outlier passes through y_t quickly, a change lifts it for long. At r = 0.05 the model needs
//! about three times 1 / r bins to forget its start: scores of the first days are not to be trusted.
//!
//! ```
//! use kizashi_detect::changefinder::{ChangeFinder, Settings};
//!
//! let mut finder = ChangeFinder::new(Settings::default())?;
//! let scores: Vec<_> = (0..200).map(|t| finder.step(if t < 150 { 5.0 } else { 50.0 })).collect();
//! assert!(scores[155].change > scores[140].change);
//! # Ok::<(), kizashi_detect::changefinder::SettingsError>(())
//! ```

mod sdar;

use sdar::Sdar;
use serde::{Deserialize, Serialize};

/// How far a value is from what was expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// −log p(x_t | past): the paper's, in nats; may be negative.
    #[default]
    Logarithmic,
    /// (x_t − predicted)².
    Quadratic,
    /// Squared Hellinger distance between the predictions before and after learning x_t; 0 to 2.
    Hellinger,
}

/// The parameters of ChangeFinder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// r: how much of the past each step forgets; above 0, below 1.
    pub discount: f64,
    /// k: the order of the autoregressive model, 1 to 64.
    pub order: usize,
    /// T: outlier scores averaged into y_t, 1 to 10,000.
    pub smooth: usize,
    /// T': second-stage scores averaged into the change score, 1 to 10,000; `None` for (T + 1) / 2.
    pub smooth2: Option<usize>,
    /// The loss of both stages.
    pub loss: Loss,
}

impl Default for Settings {
    /// r = 0.02, k = 2, T = 7, T' = 4, logarithmic loss.
    fn default() -> Self {
        Self { discount: 0.02, order: 2, smooth: 7, smooth2: None, loss: Loss::Logarithmic }
    }
}

/// A parameter was outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// The discount r.
    #[error("the discount r must be above 0 and below 1, and {0} is not")]
    Discount(f64),
    /// The order k.
    #[error("the order must be 1 to 64, and {0} is not")]
    Order(usize),
    /// A smoothing window, T or T'.
    #[error("a smoothing window must be 1 to 10000 values, and {0} is not")]
    Smooth(usize),
}

/// The scores of one value; each is `None` until enough values have been seen for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// The first stage's score of x_t.
    pub outlier: Option<f64>,
    /// y_t: the mean of the last T outlier scores.
    pub smoothed: Option<f64>,
    /// The change-point score.
    pub change: Option<f64>,
}

/// The running state of ChangeFinder over one series: O(k + T + T') memory, O(k² + T + T') time a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeFinder {
    loss: Loss,
    first: Sdar,
    second: Sdar,
    outliers: Window,
    changes: Window,
}

impl ChangeFinder {
    /// A finder that has seen nothing.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let Settings { discount, order, smooth, smooth2, loss } = settings;
        if !(discount > 0.0 && discount < 1.0) {
            return Err(SettingsError::Discount(discount));
        }
        if !(1..=64).contains(&order) {
            return Err(SettingsError::Order(order));
        }
        let smooth2 = smooth2.unwrap_or(smooth.saturating_add(1) / 2);
        if let Some(window) =
            [smooth, smooth2].into_iter().find(|window| !(1..=10_000).contains(window))
        {
            return Err(SettingsError::Smooth(window));
        }
        Ok(Self {
            loss,
            first: Sdar::new(discount, order),
            second: Sdar::new(discount, order),
            outliers: Window::new(smooth),
            changes: Window::new(smooth2),
        })
    }

    /// Learns the next value and scores it. A value that is not finite is a missing one: it is not learned and has no score.
    pub fn step(&mut self, x: f64) -> Score {
        if !x.is_finite() {
            return Score::default();
        }
        let outlier = self.first.step(x, self.loss);
        let smoothed = outlier.and_then(|score| self.outliers.push(score));
        let change = smoothed
            .and_then(|y| self.second.step(y, self.loss))
            .and_then(|score| self.changes.push(score));
        Score { outlier, smoothed, change }
    }
}

/// The last values of a series and their mean, summed afresh each time so that rounding never builds up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Window {
    length: usize,
    /// A ring, once it is full: the oldest value is at `oldest`.
    values: Vec<f64>,
    oldest: usize,
}

impl Window {
    fn new(length: usize) -> Self {
        Self { length, values: Vec::with_capacity(length), oldest: 0 }
    }

    /// Adds a value; the mean, once the window is full.
    #[inline]
    fn push(&mut self, value: f64) -> Option<f64> {
        if self.values.len() < self.length {
            self.values.push(value);
        } else {
            *self.values.get_mut(self.oldest)? = value;
            self.oldest = if self.oldest + 1 < self.length { self.oldest + 1 } else { 0 };
        }
        #[allow(clippy::cast_precision_loss, reason = "a window has at most 10,000 values")]
        (self.values.len() == self.length)
            .then(|| self.values.iter().sum::<f64>() / self.length as f64)
    }
}
