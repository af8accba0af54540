//! The Gamma-Poisson e-detector as it was first tried (`gpe` of `prototypes.py`), the measure of what Kizashi's own became since.

use crate::matrix::Scores;
use crate::model::{Model, Prior};
use crate::traffic::Traffic;

/// κ: a baseline is never worth more counts than this.
const KAPPA: f64 = 30.0;
pub(super) const WINDOWS: [usize; 9] = [1, 2, 4, 8, 16, 36, 72, 144, 288];
pub(super) const RATIOS: [f64; 7] = [1.5, 2.0, 3.0, 5.0, 8.0, 16.0, 64.0];
/// Bins between evaluations.
pub(super) const STEP: usize = 3;

/// log10 of the Shiryaev-Roberts sum of Bayes factors, every half hour; with a `prior`, that one throughout.
#[must_use]
pub fn gpe(traffic: &Traffic, model: &Model, prior: Option<Prior>) -> Scores {
    let exposed = running_sum(&model.exposures);
    Scores::by_port(traffic, STEP, |port| {
        let counted = running_sum(&model.counts[port]);
        (1..=traffic.bins() / STEP)
            .map(|evaluation| {
                let now = evaluation * STEP;
                let windows = WINDOWS.iter().enumerate().filter(|(_, length)| **length < now);
                log_sum(windows.map(|(at, length)| {
                    let start = now - length;
                    let phi = model.dispersion(port, start);
                    let window = Window {
                        counts: (counted[now] - counted[start]) / phi,
                        exposure: (exposed[now] - exposed[start]) / phi,
                        total: model.totals[port][start] / phi,
                        baseline: model.baseline[start] / phi,
                        prior: prior.unwrap_or_else(|| model.prior(start)),
                    };
                    let starts = length - if at == 0 { 0 } else { WINDOWS[at - 1] };
                    #[allow(clippy::cast_precision_loss, reason = "at most 288")]
                    let starts = starts as f64;
                    window.log_evidence() + starts.ln()
                })) / std::f64::consts::LN_10
            })
            .collect()
    })
}

/// One window's numbers, each over φ.
struct Window {
    counts: f64,
    exposure: f64,
    total: f64,
    baseline: f64,
    prior: Prior,
}

impl Window {
    /// log of the mean over the ratios of the Bayes factor.
    #[allow(clippy::cast_precision_loss, reason = "seven ratios")]
    fn log_evidence(&self) -> f64 {
        let Self { counts, exposure, .. } = *self;
        let mut alpha = self.prior.shape + self.total;
        let mut beta = self.prior.rate + self.baseline;
        if alpha > KAPPA {
            beta *= KAPPA / alpha;
            alpha = KAPPA;
        }
        let same = (beta + exposure).ln();
        log_sum(RATIOS.iter().map(|ratio| {
            counts * ratio.ln() + (alpha + counts) * (same - (beta + ratio * exposure).ln())
        })) - (RATIOS.len() as f64).ln()
    }
}

/// log of a sum of exponentials; 0 for none.
pub(super) fn log_sum(terms: impl Iterator<Item = f64>) -> f64 {
    let mut all = [0.0; 9];
    let mut length = 0;
    for (slot, term) in all.iter_mut().zip(terms) {
        *slot = term;
        length += 1;
    }
    let all = &all[..length];
    if all.is_empty() {
        return 0.0;
    }
    let largest = all.iter().copied().fold(f64::MIN, f64::max);
    largest + all.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
}

/// What came before each index, and all at the end.
pub(super) fn running_sum(values: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums = vec![0.0];
    sums.extend(values.iter().map(|value| {
        sum += value;
        sum
    }));
    sums
}
