//! ChangeFinder over several series at once: the paper's multivariate form. A change that each series alone shows weakly, or that is
//! only in how they go together, lifts one score.

use serde::{Deserialize, Serialize};

use super::sdar::Sdar;
use super::vector_sdar::VectorSdar;
use super::{Loss, Score, Settings, SettingsError, Start, Window};

/// Series at most.
pub const LARGEST_DIMENSION: usize = 16;
/// The largest order k for several series.
pub const LARGEST_VECTOR_ORDER: usize = 8;

/// The running state of ChangeFinder over d series: O(k d²) memory, O(k² d³) time a value. The first stage's loss is logarithmic; the
/// second stage is that of one series.
///
/// ```
/// use kizashi_detect::changefinder::{Settings, VectorChangeFinder};
///
/// let mut finder = VectorChangeFinder::new(Settings::default(), 2)?;
/// let together = |t: u32| f64::from(t * 7 % 13);
/// let scores: Vec<_> = (0..300)
///     .map(|t| finder.step(&[together(t), if t < 200 { together(t) + f64::from(t % 3) } else { 30.0 }]))
///     .collect();
/// assert!(scores[205].change > scores[190].change);
/// # Ok::<(), kizashi_detect::changefinder::SettingsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorChangeFinder {
    dimension: usize,
    first: VectorSdar,
    second: Sdar,
    outliers: Window,
    changes: Window,
}

impl VectorChangeFinder {
    /// A finder of `dimension` series that has seen nothing.
    ///
    /// # Errors
    /// When a parameter is outside its range, or the start is warm.
    pub fn new(settings: Settings, dimension: usize) -> Result<Self, SettingsError> {
        settings.check()?;
        let Settings { discount, order, smooth, start, .. } = settings;
        if !(1..=LARGEST_DIMENSION).contains(&dimension) || order > LARGEST_VECTOR_ORDER {
            return Err(SettingsError::Vector { dimension, order });
        }
        if start == Start::Warm {
            return Err(SettingsError::WarmVector);
        }
        Ok(Self {
            dimension,
            first: VectorSdar::new(discount, order, dimension),
            second: Sdar::new(discount, order),
            outliers: Window::new(smooth),
            changes: Window::new(settings.second_window()),
        })
    }

    /// Learns the next value of each series and scores them together. Where one is missing (not finite, or not there), nothing is
    /// learned and there is no score.
    pub fn step(&mut self, x: &[f64]) -> Score {
        if x.len() != self.dimension || !x.iter().all(|x| x.is_finite()) {
            return Score::default();
        }
        let outlier = self.first.step(x);
        let smoothed = outlier.and_then(|score| self.outliers.push(score));
        let change = smoothed
            .and_then(|y| self.second.step(y, Loss::Logarithmic))
            .and_then(|score| self.changes.push(score));
        Score { outlier, smoothed, change }
    }
}
