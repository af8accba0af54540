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
/// Terms smaller than the largest by this many nats are left out: all together at most one part in 10^13.
const NEGLIGIBLE: f64 = 35.0;

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

/// Where one window begins, which is the same for every series.
struct Start<'a> {
    /// W.
    length: u32,
    /// log (n_W / number of ratios).
    log_share: f64,
    /// E when it began.
    baseline: f64,
    /// s.
    exposed: u64,
    shared: &'a Shared,
}

/// Where the windows begin that end now, shortest first.
pub(super) struct Starts<'a> {
    now: u32,
    starts: Vec<Start<'a>>,
}

impl<'a> Starts<'a> {
    /// After all bins of `exposure`. A window begins after the first bin: nothing is known before it.
    pub(super) fn of(exposure: &Exposure, shared: &'a VecDeque<Shared>) -> Self {
        let (now, end) = (exposure.now(), exposure.latest());
        let start = |(length, log_share): (u32, f64)| {
            let mark = exposure.mark(length).filter(|_| length < now)?;
            Some(Start {
                length,
                log_share,
                baseline: mark.baseline,
                exposed: end.exposed.saturating_sub(mark.exposed),
                shared: shared.iter().rev().find(|shared| shared.at <= now - length)?,
            })
        };
        Self { now, starts: WINDOWS.into_iter().zip(*LOG_SHARES).map_while(start).collect() }
    }

    /// M of `series`; `None` in the first bin, which has no past.
    pub(super) fn weigh(&self, series: &Series) -> Option<Weighed> {
        let windowed = series.windowed(self.now);
        let mut terms = [f64::NEG_INFINITY; WINDOWS.len() * RATIOS.len()];
        let mut windows = [None; WINDOWS.len()];
        let mut known: Option<(u32, f64)> = None;
        let each = self.starts.iter().zip(windowed.counts).zip(windowed.totals);
        for (((start, counts), total), (window, terms)) in
            each.zip(windows.iter_mut().zip(terms.chunks_exact_mut(RATIOS.len())))
        {
            let phi = match known {
                Some((known_at, phi)) if known_at == start.shared.at => phi,
                _ => series.dispersion.phi(start.shared),
            };
            known = Some((start.shared.at, phi));
            let baseline = start.baseline(total, phi);
            let told = Window { length: start.length, counts, exposed: start.exposed, baseline };
            told.log_bayes_factors(start.log_share, terms);
            *window = Some(told);
        }
        sum_up(&terms, &windows)
    }
}

impl Start<'_> {
    /// α and β of a series with discounted `total` counts.
    fn baseline(&self, total: f64, phi: f64) -> Baseline {
        let mut alpha = self.shared.prior.shape + total / phi;
        let mut beta = self.shared.prior.rate + self.baseline / phi;
        if alpha > KAPPA {
            beta *= KAPPA / alpha;
            alpha = KAPPA;
        }
        Baseline { alpha, beta, phi }
    }
}

impl Window {
    /// log (n_W BF / number of ratios) for each ratio. It is concave in log ρ: past its peak and negligible, the rest is too.
    fn log_bayes_factors(&self, log_share: f64, terms: &mut [f64]) {
        let Baseline { alpha, beta, phi } = self.baseline;
        #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
        let (counts, exposed) = (self.counts as f64 / phi, self.exposed as f64 / phi);
        let without = 1.0 / (beta + exposed);
        let (log_ratios, mut peak) = (&*LOG_RATIOS, f64::NEG_INFINITY);
        for ((term, ratio), log_ratio) in terms.iter_mut().zip(RATIOS).zip(log_ratios) {
            let spread = ((beta + ratio * exposed) * without).ln();
            *term = log_share + counts * log_ratio - (alpha + counts) * spread;
            if *term < peak - NEGLIGIBLE {
                break;
            }
            peak = peak.max(*term);
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
