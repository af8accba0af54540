//! ChangeFinder, the algorithm of the talk that Kizashi comes from: two stages of SDAR learning with smoothing between them
//! (Takeuchi and Yamanishi, "A Unifying Framework for Detecting Outliers and Change Points from Time Series", IEEE TKDE
//! 18(4), 2006).
//!
//! Stage one scores each x_t as an outlier; y_t is the mean of the last T scores; stage two scores y_t; the mean of its last T'
//! scores is the change score. An outlier passes through y_t quickly, a change lifts it for long. At r = 0.05 the model needs
//! about three times 1 / r bins to forget its start: scores of the first days are not to be trusted. [`Start::Warm`] mends that for
//! counts. [`VectorChangeFinder`] is the paper's form for several series at once, and [`Rank`] says how a score stands in the past of
//! its own series, so that its line can be read.
//!
//! ```
//! use kizashi_detect::changefinder::{ChangeFinder, Settings};
//!
//! let mut finder = ChangeFinder::new(Settings::default())?;
//! let scores: Vec<_> = (0..200).map(|t| finder.step(if t < 150 { 5.0 } else { 50.0 })).collect();
//! assert!(scores[155].change > scores[140].change);
//! # Ok::<(), kizashi_detect::changefinder::SettingsError>(())
//! ```

mod matrix;
mod rank;
mod sdar;
mod vector;
mod vector_sdar;
mod warm;

pub use rank::Rank;
use sdar::Sdar;
use serde::{Deserialize, Serialize};
pub use vector::{LARGEST_DIMENSION, LARGEST_VECTOR_ORDER, VectorChangeFinder};
use warm::Warm;

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

/// How a series begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// As the paper has it, with μ = x_1 and σ² = 1: what the talk drew.
    #[default]
    Paper,
    /// For counts, useful from the second value on: the rate of forgetting is max(r, 1/t), so that the first values weigh alike; the
    /// variance is at least the mean's, as a Poisson count's is; a value below the mean is no surprise; every value has a score.
    Warm,
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
    /// How the series begins.
    pub start: Start,
}

impl Default for Settings {
    /// r = 0.02, k = 2, T = 7, T' = 4, logarithmic loss, the paper's start.
    fn default() -> Self {
        Self {
            discount: 0.02,
            order: 2,
            smooth: 7,
            smooth2: None,
            loss: Loss::Logarithmic,
            start: Start::Paper,
        }
    }
}

impl Settings {
    /// T', given or (T + 1) / 2.
    const fn second_window(&self) -> usize {
        match self.smooth2 {
            Some(smooth2) => smooth2,
            None => self.smooth.saturating_add(1) / 2,
        }
    }

    fn check(&self) -> Result<(), SettingsError> {
        if !(self.discount > 0.0 && self.discount < 1.0) {
            return Err(SettingsError::Discount(self.discount));
        }
        if !(1..=64).contains(&self.order) {
            return Err(SettingsError::Order(self.order));
        }
        let windows = [self.smooth, self.second_window()];
        match windows.into_iter().find(|window| !(1..=10_000).contains(window)) {
            Some(window) => Err(SettingsError::Smooth(window)),
            None => Ok(()),
        }
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
    /// The dimension or order of the form for several series.
    #[error(
        "several series at once must be 1 to 16 with an order of 1 to 8, and {dimension} with {order} are not"
    )]
    Vector {
        /// Series.
        dimension: usize,
        /// k.
        order: usize,
    },
    /// The warm start of several series.
    #[error("the warm start is for one series")]
    WarmVector,
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
pub struct ChangeFinder(Form);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Form {
    Paper(Paper),
    Warm(Warm),
}

/// The paper's two stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Paper {
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
        settings.check()?;
        let Settings { discount, order, smooth, loss, .. } = settings;
        Ok(Self(match settings.start {
            Start::Warm => Form::Warm(Warm::new(settings)),
            Start::Paper => Form::Paper(Paper {
                loss,
                first: Sdar::new(discount, order),
                second: Sdar::new(discount, order),
                outliers: Window::new(smooth),
                changes: Window::new(settings.second_window()),
            }),
        }))
    }

    /// Learns the next value and scores it. A value that is not finite is a missing one: it is not learned and has no score.
    #[inline]
    pub fn step(&mut self, x: f64) -> Score {
        if !x.is_finite() {
            return Score::default();
        }
        match &mut self.0 {
            Form::Paper(paper) => paper.step(x),
            Form::Warm(warm) => warm.step(x),
        }
    }
}

impl Paper {
    #[inline]
    fn step(&mut self, x: f64) -> Score {
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

    /// Adds a value; the mean of what there is, full or not.
    fn push_early(&mut self, value: f64) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a window has at most 10,000 values")]
        self.push(value)
            .unwrap_or_else(|| self.values.iter().sum::<f64>() / self.values.len().max(1) as f64)
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
