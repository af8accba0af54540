//! Sequentially discounting AR learning (SDAR): an AR(k) model with Gaussian innovations whose past fades by 1 − r a step
//! (Takeuchi and Yamanishi, IEEE TKDE 18(4), 2006, section 3). Symbols as in the paper: mu, C_j, a (its omega), sigma².
//!
//! The score is taken with the parameters from BEFORE the update, as the paper defines it and no public package does.
//! Whatever finite value comes in, every number here stays finite.
//!
//! A warm step differs: it forgets at a rate of its own, scores above a floor of variance that is given to it, and holds the model
//! stable (reflections below 1), because the first values of a series say little.

use serde::{Deserialize, Serialize};

use super::Loss;

/// Largest magnitude of an input or a score: its square times the largest weight, 1 / `VARIANCE_FLOOR`, is still finite.
pub(super) const LARGEST: f64 = 1e100;
/// Largest magnitude of a prediction, which an unstable model could otherwise drive to infinity.
pub(super) const LARGEST_PREDICTION: f64 = 1e120;
/// The least sigma², so that a constant series has a score.
pub(super) const VARIANCE_FLOOR: f64 = 1e-6;

/// How the Levinson-Durbin recursion is held.
#[derive(Clone, Copy)]
struct Bounds {
    /// The largest reflection coefficient.
    reflection: f64,
    /// Innovation variance at or below which nothing is explained at all.
    first: f64,
    /// Innovation variance at or below which no further coefficient is looked for.
    later: f64,
}

impl Bounds {
    const PAPER: Self = Self { reflection: f64::INFINITY, first: 0.0, later: 1e-15 };
    const WARM: Self = Self { reflection: 0.999, first: 1e-12, later: 1e-12 };
}

/// A model and its parameters.
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
        // The usual orders on arrays of known length: about twice as fast as on vectors.
        let score = match self.coefficients.len() {
            1 => self.step_on_arrays::<1, 2>(x, loss),
            2 => self.step_on_arrays::<2, 3>(x, loss),
            3 => self.step_on_arrays::<3, 4>(x, loss),
            4 => self.step_on_arrays::<4, 5>(x, loss),
            _ => None,
        };
        let held = Held { discount: self.discount, floor: VARIANCE_FLOOR, bounds: Bounds::PAPER };
        Some(score.unwrap_or_else(|| self.step_on_vectors(x, loss, held)))
    }

    /// The same with a rate and a variance floor for this step alone; the first value has the score 0.
    pub(super) fn warm_step(&mut self, x: f64, loss: Loss, discount: f64, floor: f64) -> f64 {
        let x = x.clamp(-LARGEST, LARGEST);
        if self.past.is_empty() {
            (self.mu, self.sigma2) = (x, floor);
            self.past.push(x);
            return 0.0;
        }
        self.step_on_vectors(x, loss, Held { discount, floor, bounds: Bounds::WARM })
    }

    /// μ as it is now.
    pub(super) const fn mean(&self) -> f64 {
        self.mu
    }

    /// `None`, with nothing done, until K values have been seen.
    #[inline]
    fn step_on_arrays<const K: usize, const K1: usize>(
        &mut self,
        x: f64,
        loss: Loss,
    ) -> Option<f64> {
        let mut covariances: [f64; K1] = self.covariances.as_slice().try_into().ok()?;
        let mut coefficients: [f64; K] = self.coefficients.as_slice().try_into().ok()?;
        let mut past: [f64; K] = self.past.as_slice().try_into().ok()?;
        let held = Held { discount: self.discount, floor: VARIANCE_FLOOR, bounds: Bounds::PAPER };
        let mut model = Model {
            held,
            mu: self.mu,
            sigma2: self.sigma2,
            covariances: &mut covariances,
            coefficients: &mut coefficients,
            past: &past,
        };
        let score = model.step(x, loss);
        (self.mu, self.sigma2) = (model.mu, model.sigma2);
        past.copy_within(..K - 1, 1);
        past[0] = x;
        self.covariances.copy_from_slice(&covariances);
        self.coefficients.copy_from_slice(&coefficients);
        self.past.copy_from_slice(&past);
        Some(score)
    }

    fn step_on_vectors(&mut self, x: f64, loss: Loss, held: Held) -> f64 {
        let mut model = Model {
            held,
            mu: self.mu,
            sigma2: self.sigma2,
            covariances: &mut self.covariances,
            coefficients: &mut self.coefficients,
            past: &self.past,
        };
        let score = model.step(x, loss);
        (self.mu, self.sigma2) = (model.mu, model.sigma2);
        if self.past.len() == self.coefficients.len() {
            self.past.pop();
        }
        self.past.insert(0, x);
        score
    }
}

/// What holds in one step.
#[derive(Clone, Copy)]
struct Held {
    discount: f64,
    floor: f64,
    bounds: Bounds,
}

/// One step of the algorithm, wherever the numbers are kept.
struct Model<'a> {
    held: Held,
    mu: f64,
    sigma2: f64,
    covariances: &'a mut [f64],
    coefficients: &'a mut [f64],
    past: &'a [f64],
}

impl Model<'_> {
    #[inline(always)]
    fn step(&mut self, x: f64, loss: Loss) -> f64 {
        let (predicted, variance) = (self.predict(), self.sigma2.max(self.held.floor));
        self.learn(x);
        let error = x - predicted;
        let score = match loss {
            Loss::Logarithmic => {
                0.5 * (2.0 * std::f64::consts::PI * variance).ln()
                    + error * error / (2.0 * variance)
            }
            Loss::Quadratic => error * error,
            Loss::Hellinger => {
                hellinger(predicted, variance, self.predict(), self.sigma2.max(self.held.floor))
            }
        };
        score.clamp(-LARGEST, LARGEST)
    }

    #[inline(always)]
    fn learn(&mut self, x: f64) {
        let r = self.held.discount;
        self.mu = (1.0 - r) * self.mu + r * x;
        let deviation = x - self.mu;
        self.covariances[0] = (1.0 - r) * self.covariances[0] + r * deviation * deviation;
        for (covariance, past) in self.covariances[1..].iter_mut().zip(self.past) {
            *covariance = (1.0 - r) * *covariance + r * deviation * (past - self.mu);
        }
        self.solve_yule_walker();
        let error = x - self.predict();
        self.sigma2 = (1.0 - r) * self.sigma2 + r * error * error;
    }

    #[inline(always)]
    fn predict(&self) -> f64 {
        let pull: f64 =
            self.coefficients.iter().zip(self.past).map(|(a, x)| a * (x - self.mu)).sum();
        let predicted = self.mu + pull;
        if predicted.is_finite() {
            predicted.clamp(-LARGEST_PREDICTION, LARGEST_PREDICTION)
        } else {
            self.mu
        }
    }

    /// Levinson-Durbin recursion: a solves sum_i a_i C_{|i−j|} = C_j for j = 1..k, in O(k²).
    #[inline(always)]
    fn solve_yule_walker(&mut self) {
        let Bounds { reflection: largest, first, later } = self.held.bounds;
        let (c, a) = (&*self.covariances, &mut *self.coefficients);
        a.fill(0.0);
        let mut innovation = c[0];
        if innovation <= first {
            return;
        }
        for m in 0..a.len() {
            let explained: f64 = (0..m).map(|j| a[j] * c[m - j]).sum();
            let reflection = ((c[m + 1] - explained) / innovation).clamp(-largest, largest);
            // a_j and a_{m−1−j} become each other's, so that no second array is needed.
            for j in 0..m.div_ceil(2) {
                let (low, high) = (a[j], a[m - 1 - j]);
                a[j] = low - reflection * high;
                a[m - 1 - j] = high - reflection * low;
            }
            a[m] = reflection;
            innovation *= 1.0 - reflection * reflection;
            if innovation.is_nan() || innovation <= later {
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
