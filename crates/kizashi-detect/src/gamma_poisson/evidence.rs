//! M: the mixture over windows and ratios, with the names of the module's formula.

use std::collections::VecDeque;
use std::sync::LazyLock;

use super::dispersion::{Scatter, Shared, volatility_of_first_days};
use super::exposure::Exposure;
use super::series::Series;
use super::{BINS_A_DAY, Baseline, Evidence, MOST_DAYS};

/// W, in bins.
pub(super) const WINDOWS: [u32; 9] = [1, 2, 4, 8, 16, 36, 72, 144, 288];
/// ρ.
pub(super) const RATIOS: [f64; 7] = [1.5, 2.0, 3.0, 5.0, 10.0, 32.0, 256.0];
/// Terms of one window: of counts and of bins, for each ratio.
const TERMS: usize = 2 * RATIOS.len();
/// v is taken for this much more than its estimate: the promise must hold for every v that fits the past.
const DOUBT: f64 = 1.15;
/// How much rarer alarms are than the bound E\[M\] ≤ t alone says, once M is far above the [`USUAL`] it may have by itself. The
/// bound counts M as if it stopped at its threshold, where M as it crosses it is far above (one source more on a quiet series
/// multiplies it by a hundred). Measured under the model itself, on stationary Poisson series at every rate (example `nulls`).
const CONSERVATISM: f64 = 10.0;
/// Σ n_W = 288 is what M has on average; up to some times as much the bound is taken as it is.
const USUAL: f64 = 1_000.0;
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
    /// Bins that hold any.
    pub(super) active: u32,
    /// s.
    pub(super) weighed: f64,
    /// φ, α and β.
    pub(super) baseline: Baseline,
}

impl Window {
    /// Counts that the past made one expect.
    pub(super) fn expected(&self) -> f64 {
        self.baseline.rate() * self.weighed
    }
}

/// M of one series now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weighed {
    /// log M.
    pub(super) log_m: f64,
    /// The same of windows that begin after the last alarm's wave.
    pub(super) fresh_log_m: f64,
    /// The window with the largest term.
    pub(super) window: Window,
    /// Windows that begin before this bin hold a wave that was told before.
    pub(super) fresh_from: u32,
}

/// The terms of M: for each window those of its ratios, of bins and of counts, as logarithms.
pub(super) struct Terms {
    logs: [f64; WINDOWS.len() * TERMS],
    windows: [Option<Window>; WINDOWS.len()],
}

impl Terms {
    /// The windows that are long enough ago to have a past, shortest first, each with the logarithms of its terms by ratio.
    pub(super) fn by_window(&self) -> impl Iterator<Item = (Window, [f64; RATIOS.len()])> {
        self.windows.iter().flatten().zip(self.logs.chunks_exact(TERMS)).map(|(window, logs)| {
            let mut by_ratio = [f64::NEG_INFINITY; RATIOS.len()];
            for (sum, pair) in by_ratio.iter_mut().zip(logs.chunks_exact(TERMS / RATIOS.len())) {
                *sum = log_sum(pair);
            }
            (*window, by_ratio)
        })
    }
}

/// The logarithm of a sum of exponentials.
pub(super) fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
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
    weighed: f64,
    /// Bins in which the rhythm of the day was learned before this run.
    carried_bins: f64,
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
                baseline: mark.weighed_baseline,
                weighed: end.weighed - mark.weighed,
                carried_bins: exposure.rhythm.carried_bins(),
                shared: shared.iter().rev().find(|shared| shared.at <= now - length)?,
            })
        };
        Self { now, starts: WINDOWS.into_iter().zip(*LOG_SHARES).map_while(start).collect() }
    }

    /// M of `series`; `None` in the first bin, which has no past. `fresh_log_m` leaves out what alarmed before.
    pub(super) fn weigh(&self, series: &Series) -> Option<Weighed> {
        let fresh_from = series.spent_until;
        let Terms { logs, windows } = self.terms(series);
        let fresh = self.starts.partition_point(|start| self.now - start.length >= fresh_from);
        sum_up(&logs, &windows, fresh, fresh_from)
    }

    /// Every term of M.
    pub(super) fn terms(&self, series: &Series) -> Terms {
        let windowed = series.windowed(self.now);
        let mut logs = [f64::NEG_INFINITY; WINDOWS.len() * TERMS];
        let mut windows = [None; WINDOWS.len()];
        let mut known: Option<(u32, Scatter)> = None;
        let each = self
            .starts
            .iter()
            .zip(windowed.counts.into_iter().zip(windowed.active))
            .zip(windowed.totals);
        for (((start, (counts, active)), total), (window, terms)) in
            each.zip(windows.iter_mut().zip(logs.chunks_exact_mut(TERMS)))
        {
            let scatter = match known {
                Some((known_at, scatter)) if known_at == start.shared.at => scatter,
                _ => series.scatter(start.shared),
            };
            known = Some((start.shared.at, scatter));
            let baseline = start.baseline(series, self.now, total, scatter);
            let told =
                Window { length: start.length, counts, active, weighed: start.weighed, baseline };
            told.log_bayes_factors(start.log_share, terms);
            *window = Some(told);
        }
        Terms { logs, windows }
    }
}

impl Start<'_> {
    /// α and β of a series with discounted `total` counts.
    fn baseline(&self, series: &Series, now: u32, total: f64, scatter: Scatter) -> Baseline {
        let prior = self.shared.kind(series.kind.0).prior;
        let own = series.own_prior_after(now - self.length);
        let alpha = prior.shape + own.0 + total / scatter.phi;
        let beta = prior.rate + own.1 + self.baseline / scatter.phi;
        // The mean stays; the doubt about it grows by what the rate wanders.
        let seen = self.baseline + own.1 + self.carried_bins;
        let volatility = DOUBT * scatter.volatility + volatility_of_first_days(seen);
        let spread = 1.0 + alpha * volatility;
        Baseline { alpha: alpha / spread, beta: beta / spread, phi: scatter.phi }
    }
}

impl Window {
    /// For each ratio the logarithms of n_W BF / number of ratios, of the bins that hold any and of counts, a half each. Both
    /// rise with the ratio to a peak and fall: past it and negligible, the rest is too.
    fn log_bayes_factors(&self, log_share: f64, terms: &mut [f64]) {
        let Baseline { alpha, beta, phi } = self.baseline;
        #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
        let (counts, exposed) = (self.counts as f64, self.weighed);
        let (active, excess) = (f64::from(self.active), phi - 1.0);
        let (without, log_share) = (1.0 / (beta + exposed), log_share - std::f64::consts::LN_2);
        let (log_ratios, mut peak) = (&*LOG_RATIOS, f64::NEG_INFINITY);
        for ((pair, ratio), log_ratio) in terms.chunks_exact_mut(2).zip(RATIOS).zip(log_ratios) {
            let raised = beta + ratio * exposed;
            let spread = (raised * without).ln();
            let tilt = log_ratio - spread;
            let of_counts = if excess < 1e-9 || self.counts == 0 {
                counts * tilt
            } else {
                // The tilt whose expectation under clumps is what the ratio's is without them.
                let poisson = beta * (ratio - 1.0) / raised;
                counts * ((phi - (-poisson * excess).exp()) / excess).ln()
            };
            let none = log_share - alpha * spread;
            pair.copy_from_slice(&[none + active * tilt, none + of_counts]);
            let larger = pair[0].max(pair[1]);
            if larger < peak - NEGLIGIBLE {
                break;
            }
            peak = peak.max(larger);
        }
    }
}

/// The logarithm of the bins between two moments at which M by chance is as large, for one series.
pub(super) fn log_bins(log_m: f64) -> f64 {
    let log_sharper = CONSERVATISM.ln() + (-USUAL * (-log_m).exp()).ln_1p();
    if log_sharper > 0.0 { log_m + log_sharper } else { log_m }
}

/// Sums over all windows, and over the `fresh` shortest.
fn sum_up(
    terms: &[f64],
    windows: &[Option<Window>],
    fresh: usize,
    fresh_from: u32,
) -> Option<Weighed> {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut fresh_sum) = (0.0, 0.0);
    let mut best: Option<(f64, Window)> = None;
    for (at, (terms, window)) in terms.chunks_exact(TERMS).zip(windows).enumerate() {
        let Some(window) = window else { break };
        let mut share = 0.0;
        for term in terms {
            if largest - term < NEGLIGIBLE {
                share += (term - largest).exp();
            }
        }
        sum += share;
        if at < fresh {
            fresh_sum += share;
        }
        if best.is_none_or(|(most, _)| share > most) {
            best = Some((share, *window));
        }
    }
    let log_m = |sum: f64| largest + sum.ln();
    best.map(|(_, window)| Weighed {
        log_m: log_m(sum),
        fresh_log_m: log_m(fresh_sum).max(f64::MIN),
        window,
        fresh_from,
    })
}

impl Weighed {
    /// For a person, among `competitors` series.
    pub(super) fn evidence(&self, now: u32, competitors: f64) -> Evidence {
        let log_days = log_bins(self.log_m) - (f64::from(BINS_A_DAY) * competitors).ln();
        Evidence {
            days: log_days.min(MOST_DAYS.ln() + 1.0).exp().min(MOST_DAYS),
            log_m: self.log_m,
            fresh_log_m: self.fresh_log_m,
            since_bin: u64::from(now - self.window.length),
            sources: self.window.counts,
            expected: self.window.expected(),
        }
    }
}
