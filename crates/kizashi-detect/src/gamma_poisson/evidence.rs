//! M: the mixture over windows and ratios, with the names of the module's formula.

use std::collections::VecDeque;
use std::sync::LazyLock;

use super::dispersion::Shared;
use super::exposure::Exposure;
use super::series::Series;
use super::{BINS_A_DAY, Baseline, Evidence, MOST_DAYS};

/// W, in bins.
pub(super) const WINDOWS: [u32; 9] = [1, 2, 4, 8, 16, 36, 72, 144, 288];
/// ρ.
const RATIOS: [f64; 7] = [1.5, 2.0, 3.0, 5.0, 8.0, 16.0, 64.0];
/// κ: the most counts that a baseline is worth. A rate that drifts is never known better.
const KAPPA: f64 = 30.0;
/// Terms smaller than the largest by this many nats add nothing that 53 bits could hold.
const NEGLIGIBLE: f64 = 45.0;

/// log ρ.
static LOG_RATIOS: LazyLock<[f64; RATIOS.len()]> = LazyLock::new(|| RATIOS.map(f64::ln));
/// log (n_W / number of ratios).
static LOG_SHARES: LazyLock<[f64; WINDOWS.len()]> = LazyLock::new(|| {
    let mut before = 0;
    #[allow(clippy::cast_precision_loss, reason = "seven")]
    let ratios = RATIOS.len() as f64;
    WINDOWS.map(|window| {
        let starts = f64::from(window - std::mem::replace(&mut before, window));
        (starts / ratios).ln()
    })
});

/// What one window holds against the past at its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// W, in bins.
    pub(super) length: u32,
    /// S.
    pub(super) counts: u64,
    /// s.
    pub(super) exposed: u64,
    /// φ, α and β.
    pub(super) baseline: Baseline,
}

impl Window {
    /// Counts that the past made one expect.
    #[allow(clippy::cast_precision_loss, reason = "at most 288")]
    pub(super) fn expected(&self) -> f64 {
        self.baseline.rate() * self.exposed as f64
    }
}

/// M of one series now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weighed {
    /// log M.
    pub(super) log_m: f64,
    /// The window with the largest term.
    pub(super) window: Window,
}

/// M of `series` after all bins of `exposure`; `None` in the first bin, which has no past.
pub(super) fn weigh(
    series: &Series,
    exposure: &Exposure,
    shared: &VecDeque<Shared>,
) -> Option<Weighed> {
    let now = exposure.now();
    let windowed = series.windowed(now);
    let end = exposure.latest();
    let mut terms = [f64::NEG_INFINITY; WINDOWS.len() * RATIOS.len()];
    let mut windows = [None; WINDOWS.len()];
    let mut known: Option<(u32, f64)> = None;
    for (at, &length) in WINDOWS.iter().enumerate() {
        let Some(start) = exposure.mark(length).filter(|_| length < now) else { break };
        let began = now - length;
        let Some(past) = shared.iter().rev().find(|shared| shared.at <= began) else { break };
        let phi = match known {
            Some((known_at, phi)) if known_at == past.at => phi,
            _ => series.dispersion.phi(past),
        };
        known = Some((past.at, phi));
        let mut alpha = past.prior.shape + windowed.totals[at] / phi;
        let mut beta = past.prior.rate + start.baseline / phi;
        if alpha > KAPPA {
            beta *= KAPPA / alpha;
            alpha = KAPPA;
        }
        let window = Window {
            length,
            counts: windowed.counts[at],
            exposed: end.exposed - start.exposed,
            baseline: Baseline { alpha, beta, phi },
        };
        window.log_bayes_factors(LOG_SHARES[at], &mut terms[at * RATIOS.len()..][..RATIOS.len()]);
        windows[at] = Some(window);
    }
    sum_up(&terms, &windows)
}

impl Window {
    /// log (n_W BF / number of ratios) for each ratio.
    fn log_bayes_factors(&self, log_share: f64, terms: &mut [f64]) {
        let Baseline { alpha, beta, phi } = self.baseline;
        #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
        let (counts, exposed) = (self.counts as f64 / phi, self.exposed as f64 / phi);
        let without = 1.0 / (beta + exposed);
        for ((term, ratio), log_ratio) in terms.iter_mut().zip(RATIOS).zip(*LOG_RATIOS) {
            let spread = ((beta + ratio * exposed) * without).ln();
            *term = log_share + counts * log_ratio - (alpha + counts) * spread;
        }
    }
}

fn sum_up(terms: &[f64], windows: &[Option<Window>]) -> Option<Weighed> {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    let mut best: Option<(f64, Window)> = None;
    for (terms, window) in terms.chunks_exact(RATIOS.len()).zip(windows) {
        let Some(window) = window else { break };
        let mut share = 0.0;
        for term in terms {
            if largest - term < NEGLIGIBLE {
                share += (term - largest).exp();
            }
        }
        sum += share;
        if best.is_none_or(|(most, _)| share > most) {
            best = Some((share, *window));
        }
    }
    best.map(|(_, window)| Weighed { log_m: largest + sum.ln(), window })
}

impl Weighed {
    /// For a person, when `watched` series are watched.
    pub(super) fn evidence(&self, now: u32, watched: u32) -> Evidence {
        let log_days = self.log_m - (f64::from(BINS_A_DAY) * f64::from(watched.max(1))).ln();
        Evidence {
            days: log_days.min(MOST_DAYS.ln() + 1.0).exp().min(MOST_DAYS),
            log_m: self.log_m,
            since_bin: u64::from(now - self.window.length),
            sources: self.window.counts,
            expected: self.window.expected(),
        }
    }
}
