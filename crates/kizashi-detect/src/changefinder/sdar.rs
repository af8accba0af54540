//! Sequentially discounting AR learning (SDAR): an AR(k) model with Gaussian innovations whose past fades by 1 − r a step
//! (Takeuchi and Yamanishi, IEEE TKDE 18(4), 2006, section 3). Symbols as in the paper: mu, C_j, a (its omega), sigma².
//!
//! The score is taken with the parameters from BEFORE the update, as the paper defines it and no public package does.
//! Whatever finite value comes in, every number here stays finite.

use serde::{Deserialize, Serialize};

use super::Loss;

/// Largest magnitude of an input or a score: its square times the largest weight, 1 / `VARIANCE_FLOOR`, is still finite.
const LARGEST: f64 = 1e100;
/// Largest magnitude of a prediction, which an unstable model could otherwise drive to infinity.
const LARGEST_PREDICTION: f64 = 1e120;
/// The least sigma², so that a constant series has a score.
const VARIANCE_FLOOR: f64 = 1e-6;
/// Innovation variance below which the Levinson-Durbin recursion has nothing left to explain.
const INNOVATION_FLOOR: f64 = 1e-15;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sdar {
    discount: f64,
    mu: f64,
    sigma2: f64,
    /// C_0 to C_k.
    covariances: Vec<f64>,
    /// a_1 to a_k.
    coefficients: Vec<f64>,
    /// x_{t-1}, x_{t-2}, … as far as seen, at most k.
    past: Vec<f64>,
    scratch: Vec<f64>,
}

impl Sdar {
    pub(super) fn new(discount: f64, order: usize) -> Self {
        Self {
            discount,
            mu: 0.0,
            sigma2: 1.0,
            covariances: vec![0.0; order + 1],
            coefficients: vec![0.0; order],
            past: Vec::with_capacity(order),
            scratch: vec![0.0; order],
        }
    }

    /// Learns `x` and scores it; the first value starts the model and has no score.
    pub(super) fn step(&mut self, x: f64, loss: Loss) -> Option<f64> {
        let x = x.clamp(-LARGEST, LARGEST);
        if self.past.is_empty() {
            self.mu = x;
            self.past.push(x);
            return None;
        }
        let (predicted, variance) = (self.predict(), self.sigma2.max(VARIANCE_FLOOR));
        self.learn(x);
        let score = match loss {
            Loss::Logarithmic => {
                0.5 * (2.0 * std::f64::consts::PI * variance).ln()
                    + (x - predicted).powi(2) / (2.0 * variance)
            }
            Loss::Quadratic => (x - predicted).powi(2),
            Loss::Hellinger => {
                hellinger(predicted, variance, self.predict(), self.sigma2.max(VARIANCE_FLOOR))
            }
        };
        if self.past.len() == self.coefficients.len() {
            self.past.pop();
        }
        self.past.insert(0, x);
        Some(score.clamp(-LARGEST, LARGEST))
    }

    fn learn(&mut self, x: f64) {
        let r = self.discount;
        self.mu = (1.0 - r) * self.mu + r * x;
        let deviation = x - self.mu;
        self.covariances[0] = (1.0 - r) * self.covariances[0] + r * deviation * deviation;
        for (covariance, past) in self.covariances[1..].iter_mut().zip(&self.past) {
            *covariance = (1.0 - r) * *covariance + r * deviation * (past - self.mu);
        }
        self.solve_yule_walker();
        self.sigma2 = (1.0 - r) * self.sigma2 + r * (x - self.predict()).powi(2);
    }

    fn predict(&self) -> f64 {
        let pull: f64 =
            self.coefficients.iter().zip(&self.past).map(|(a, x)| a * (x - self.mu)).sum();
        let predicted = self.mu + pull;
        if predicted.is_finite() {
            predicted.clamp(-LARGEST_PREDICTION, LARGEST_PREDICTION)
        } else {
            self.mu
        }
    }

    /// Levinson-Durbin recursion: a solves sum_i a_i C_{|i−j|} = C_j for j = 1..k, in O(k²).
    fn solve_yule_walker(&mut self) {
        let Self { covariances: c, coefficients: a, scratch, .. } = self;
        a.fill(0.0);
        let mut innovation = c[0];
        if innovation <= 0.0 {
            return;
        }
        for m in 0..a.len() {
            let explained: f64 = (0..m).map(|j| a[j] * c[m - j]).sum();
            let reflection = (c[m + 1] - explained) / innovation;
            for j in 0..m {
                scratch[j] = a[j] - reflection * a[m - 1 - j];
            }
            a[..m].copy_from_slice(&scratch[..m]);
            a[m] = reflection;
            innovation *= 1.0 - reflection * reflection;
            if innovation.is_nan() || innovation <= INNOVATION_FLOOR {
                break;
            }
        }
        if a.iter().any(|coefficient| !coefficient.is_finite()) {
            a.fill(0.0);
        }
    }
}

/// Squared Hellinger distance between two normal distributions, 2 (1 − Bhattacharyya coefficient).
fn hellinger(mean1: f64, variance1: f64, mean2: f64, variance2: f64) -> f64 {
    let sum = variance1 + variance2;
    let overlap = (2.0 * variance1.sqrt() * variance2.sqrt() / sum).sqrt()
        * (-(mean1 - mean2).powi(2) / (4.0 * sum)).exp();
    2.0 * (1.0 - overlap)
}
