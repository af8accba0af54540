//! ChangeFinder as the prototypes ran it (`changefinder` of `prototypes.py`): the paper's two stages, scored from the first value on,
//! with a floor under the variance; and with the warm start, which is Kizashi's own (`kizashi_detect::changefinder`).

use std::f64::consts::PI;

use kizashi_detect::changefinder::{ChangeFinder, Settings, SettingsError, Start};

use crate::matrix::Scores;
use crate::traffic::Traffic;

/// Variance floor of the second stage.
const SECOND_FLOOR: f64 = 1e-4;
/// Below this there is nothing to explain.
const LEAST_INNOVATION: f64 = 1e-12;
/// The largest reflection coefficient.
const LARGEST_REFLECTION: f64 = 0.999;

/// The settings of one ChangeFinder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// Ten-minute bins in one of its own.
    pub bins: usize,
    /// r.
    pub discount: f64,
    /// k.
    pub order: usize,
    /// T.
    pub smooth: usize,
    /// T'.
    pub smooth2: usize,
    /// The least variance of the first stage.
    pub floor: f64,
    /// Whether a value below the mean counts as expected.
    pub one_sided: bool,
}

impl Tuning {
    /// The talk's: 12-hour counts.
    pub const TALK: Self = Self {
        bins: 72,
        discount: 0.05,
        order: 1,
        smooth: 3,
        smooth2: 3,
        floor: 1.0,
        one_sided: false,
    };
    /// The best of [`grid`] on seeds 100 to 119 at one false alarm a day: `kizashi-bench tune`.
    pub const BEST: Self = Self { ..Self::TALK };
}

/// The 432 settings among which the best is looked for.
#[must_use]
pub fn grid() -> Vec<Tuning> {
    let mut grid = Vec::new();
    for bins in [6, 36, 72] {
        for discount in [0.005, 0.01, 0.02, 0.05] {
            for order in [1, 2] {
                for (smooth, smooth2) in [(3, 3), (5, 3), (7, 4)] {
                    for floor in [0.1, 1.0, 4.0] {
                        for one_sided in [false, true] {
                            grid.push(Tuning {
                                bins,
                                discount,
                                order,
                                smooth,
                                smooth2,
                                floor,
                                one_sided,
                            });
                        }
                    }
                }
            }
        }
    }
    grid
}

/// The change score of each port.
#[must_use]
pub fn changefinder(traffic: &Traffic, tuning: Tuning) -> Scores {
    Scores::by_port(traffic, tuning.bins, |port| {
        let mut first = Stage::new(tuning, tuning.floor, tuning.smooth);
        let mut second = Stage::new(tuning, SECOND_FLOOR, tuning.smooth2);
        let series = traffic.series(port, tuning.bins);
        series.into_iter().map(|x| second.step(first.step(x))).collect()
    })
}

/// One SDAR model and the mean of its last scores.
struct Stage {
    tuning: Tuning,
    floor: f64,
    mean: f64,
    variance: f64,
    covariances: Vec<f64>,
    coefficients: Vec<f64>,
    past: Vec<f64>,
    scores: Vec<f64>,
    smooth: usize,
}

impl Stage {
    fn new(tuning: Tuning, floor: f64, smooth: usize) -> Self {
        Self {
            tuning,
            floor,
            mean: 0.0,
            variance: 0.0,
            covariances: vec![0.0; tuning.order + 1],
            coefficients: vec![0.0; tuning.order],
            past: Vec::new(),
            scores: Vec::new(),
            smooth,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a few scores")]
    fn step(&mut self, x: f64) -> f64 {
        let mean = self.mean;
        let mut score = self.learn(x);
        if self.tuning.one_sided && x < mean {
            score = 0.5 * (2.0 * PI * self.variance.max(self.floor)).ln();
        }
        self.past.insert(0, x);
        self.past.truncate(self.tuning.order);
        self.scores.push(score);
        if self.scores.len() > self.smooth {
            self.scores.remove(0);
        }
        self.scores.iter().sum::<f64>() / self.scores.len() as f64
    }

    fn learn(&mut self, x: f64) -> f64 {
        if self.past.is_empty() {
            (self.mean, self.variance) = (x, self.floor);
            return 0.0;
        }
        let (r, variance) = (self.tuning.discount, self.variance.max(self.floor));
        let score =
            0.5 * (x - self.predicted()).powi(2) / variance + 0.5 * (2.0 * PI * variance).ln();
        self.mean = (1.0 - r) * self.mean + r * x;
        let deviation = x - self.mean;
        self.covariances[0] = (1.0 - r) * self.covariances[0] + r * deviation * deviation;
        for (covariance, past) in self.covariances[1..].iter_mut().zip(&self.past) {
            *covariance = (1.0 - r) * *covariance + r * deviation * (past - self.mean);
        }
        self.solve();
        self.variance = (1.0 - r) * self.variance + r * (x - self.predicted()).powi(2);
        score
    }

    fn predicted(&self) -> f64 {
        let pull = self.coefficients.iter().zip(&self.past).map(|(a, x)| a * (x - self.mean));
        self.mean + pull.sum::<f64>()
    }

    fn solve(&mut self) {
        let (c, a) = (&self.covariances, &mut self.coefficients);
        a.fill(0.0);
        let mut innovation = c[0];
        for m in 0..a.len() {
            if innovation <= LEAST_INNOVATION {
                return;
            }
            let explained: f64 = (0..m).map(|j| a[j] * c[m - j]).sum();
            let reflection = ((c[m + 1] - explained) / innovation)
                .clamp(-LARGEST_REFLECTION, LARGEST_REFLECTION);
            let before = a.clone();
            for j in 0..m {
                a[j] = before[j] - reflection * before[m - 1 - j];
            }
            a[m] = reflection;
            innovation *= 1.0 - reflection * reflection;
        }
    }
}

/// The settings of one warm ChangeFinder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmTuning {
    /// Ten-minute bins in one of its own.
    pub bins: usize,
    /// r, T and so on.
    pub settings: Settings,
}

impl WarmTuning {
    /// The best of [`warm_grid`] on seeds 100 to 119 at one false alarm a day: `kizashi-bench tune`.
    #[must_use]
    pub fn best() -> Self {
        Self::of(72, 0.05, 1, (3, 3))
    }

    fn of(bins: usize, discount: f64, order: usize, (smooth, smooth2): (usize, usize)) -> Self {
        let settings = Settings {
            discount,
            order,
            smooth,
            smooth2: Some(smooth2),
            start: Start::Warm,
            ..Settings::default()
        };
        Self { bins, settings }
    }
}

/// The settings among which the best warm one is looked for.
#[must_use]
pub fn warm_grid() -> Vec<WarmTuning> {
    let mut grid = Vec::new();
    for bins in [6, 36, 72] {
        for discount in [0.005, 0.01, 0.02, 0.05] {
            for order in [1, 2] {
                for smooth in [(1, 1), (2, 1), (3, 2), (3, 3), (5, 3), (7, 4)] {
                    grid.push(WarmTuning::of(bins, discount, order, smooth));
                }
            }
        }
    }
    grid
}

/// The change score of each port, from a warm start.
///
/// # Errors
/// When a setting is out of range.
pub fn warm_changefinder(traffic: &Traffic, tuning: WarmTuning) -> Result<Scores, SettingsError> {
    let finder = ChangeFinder::new(tuning.settings)?;
    Ok(Scores::by_port(traffic, tuning.bins, |port| {
        let mut finder = finder.clone();
        let series = traffic.series(port, tuning.bins);
        series.into_iter().map(|x| finder.step(x).change.unwrap_or(0.0)).collect()
    }))
}
