//! SDAR over vectors (Takeuchi and Yamanishi 2006, section 3): a vector autoregression of order k with Gaussian innovations. μ is a
//! vector, C_j, ω_i and Σ are matrices:
//!
//! ```text
//! μ   ← (1 − r) μ + r x_t
//! C_j ← (1 − r) C_j + r (x_t − μ)(x_{t−j} − μ)ᵀ,   C_{−j} = C_jᵀ
//! Σ_i ω_i C_{j−i} = C_j,   j = 1..k            (block Toeplitz; Whittle's recursion, Biometrika 50, 1963)
//! x̂   = μ + Σ_i ω_i (x_{t−i} − μ)
//! Σ   ← (1 − r) Σ + r (x_t − x̂)(x_t − x̂)ᵀ
//! ```
//!
//! In one dimension this is the scalar form, number for number. A component without variance takes no part in the recursion; it ends
//! at the order whose innovations are no longer positive definite, and nothing is regressed until there are more values than
//! components. The determinant and the distance come from Σ as a correlation matrix, so that no finite input overflows.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::matrix::Matrix;
use super::sdar::{LARGEST, LARGEST_PREDICTION, VARIANCE_FLOOR};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct VectorSdar {
    discount: f64,
    order: usize,
    seen: usize,
    mu: Vec<f64>,
    sigma: Matrix,
    /// C_0 to C_k.
    covariances: Vec<Matrix>,
    /// ω_1 to ω_m, m ≤ k.
    coefficients: Vec<Matrix>,
    /// x_{t−1}, x_{t−2}, … as far as seen, at most k.
    past: Vec<Vec<f64>>,
}

impl VectorSdar {
    pub(super) fn new(discount: f64, order: usize, dimension: usize) -> Self {
        Self {
            discount,
            order,
            seen: 0,
            mu: vec![0.0; dimension],
            sigma: Matrix::identity(dimension),
            covariances: vec![Matrix::zero(dimension); order + 1],
            coefficients: Vec::new(),
            past: Vec::new(),
        }
    }

    /// −log p(x_t | past); the first value starts the model and has no score.
    pub(super) fn step(&mut self, x: &[f64]) -> Option<f64> {
        let x: Vec<f64> = x.iter().map(|x| x.clamp(-LARGEST, LARGEST)).collect();
        self.seen = self.seen.saturating_add(1);
        if self.past.is_empty() {
            self.mu.clone_from(&x);
            self.past.push(x);
            return None;
        }
        let score = self.surprise(&difference(&x, &self.predicted()));
        self.learn(&x);
        self.past.insert(0, x);
        self.past.truncate(self.order);
        Some(score)
    }

    #[allow(clippy::cast_precision_loss, reason = "at most 16")]
    fn surprise(&self, error: &[f64]) -> f64 {
        let scale: Vec<f64> =
            (0..error.len()).map(|i| self.sigma.at(i, i).max(VARIANCE_FLOOR).sqrt()).collect();
        let mut correlation = self.sigma.scaled(&scale);
        (0..error.len()).for_each(|i| correlation.set(i, i, 1.0));
        let factored = correlation.factored();
        let scaled: Vec<f64> =
            error.iter().zip(&scale).map(|(error, scale)| error / scale).collect();
        let log_determinant =
            factored.log_determinant() + 2.0 * scale.iter().map(|scale| scale.ln()).sum::<f64>();
        let score = 0.5
            * (error.len() as f64 * (2.0 * PI).ln()
                + log_determinant
                + factored.quadratic(&scaled));
        if score.is_finite() { score.clamp(-LARGEST, LARGEST) } else { LARGEST }
    }

    fn learn(&mut self, x: &[f64]) {
        let r = self.discount;
        for (mu, x) in self.mu.iter_mut().zip(x) {
            *mu = (1.0 - r) * *mu + r * x;
        }
        let deviation = difference(x, &self.mu);
        self.covariances[0].learn(r, &deviation, &deviation);
        for (covariance, past) in self.covariances[1..].iter_mut().zip(&self.past) {
            covariance.learn(r, &deviation, &difference(past, &self.mu));
        }
        self.coefficients = if self.seen > x.len() { self.solved() } else { Vec::new() };
        let error = difference(x, &self.predicted());
        self.sigma.learn(r, &error, &error);
    }

    fn predicted(&self) -> Vec<f64> {
        let mut predicted = self.mu.clone();
        for (coefficient, past) in self.coefficients.iter().zip(&self.past) {
            let deviation = difference(past, &self.mu);
            for (row, value) in predicted.iter_mut().enumerate() {
                let pull: f64 =
                    deviation.iter().enumerate().map(|(i, x)| coefficient.at(row, i) * x).sum();
                *value += pull;
            }
        }
        let held = |(value, mu): (&f64, &f64)| {
            if value.is_finite() {
                value.clamp(-LARGEST_PREDICTION, LARGEST_PREDICTION)
            } else {
                *mu
            }
        };
        predicted.iter().zip(&self.mu).map(held).collect()
    }

    /// Whittle's recursion, over components scaled to variance 1.
    fn solved(&self) -> Vec<Matrix> {
        let size = self.mu.len();
        let variance = |i: usize| self.covariances[0].at(i, i);
        let scale: Vec<f64> =
            (0..size).map(|i| if variance(i) > 0.0 { variance(i).sqrt() } else { 1.0 }).collect();
        let mut c: Vec<Matrix> = self.covariances.iter().map(|c| c.scaled(&scale)).collect();
        (0..size).for_each(|i| c[0].set(i, i, 1.0));
        let (mut ahead, mut back): (Vec<Matrix>, Vec<Matrix>) = (Vec::new(), Vec::new());
        let (mut innovation, mut innovation_back) = (c[0].clone(), c[0].clone());
        for m in 0..self.order {
            let (factored, factored_back) = (innovation.factored(), innovation_back.factored());
            if !(factored.is_definite && factored_back.is_definite) {
                break;
            }
            let mut left = c[m + 1].clone();
            for (i, coefficient) in ahead.iter().enumerate() {
                left = left.minus(&coefficient.times(&c[m - i]));
            }
            let reflection = factored_back.divide(&left);
            let reflection_back = factored.divide(&left.transposed());
            let next: Vec<Matrix> = (0..m)
                .map(|i| ahead[i].minus(&reflection.times(&back[m - 1 - i])))
                .chain([reflection.clone()])
                .collect();
            let next_back: Vec<Matrix> = (0..m)
                .map(|i| back[i].minus(&reflection_back.times(&ahead[m - 1 - i])))
                .chain([reflection_back.clone()])
                .collect();
            if !next.iter().chain(&next_back).all(Matrix::is_finite) {
                break;
            }
            innovation = innovation.minus(&reflection.times(&left.transposed()));
            innovation_back = innovation_back.minus(&reflection_back.times(&left));
            (ahead, back) = (next, next_back);
        }
        for coefficient in &mut ahead {
            for row in 0..size {
                for column in 0..size {
                    let value = coefficient.at(row, column) * scale[row] / scale[column];
                    coefficient.set(row, column, if value.is_finite() { value } else { 0.0 });
                }
            }
        }
        ahead
    }
}

fn difference(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| left - right).collect()
}
