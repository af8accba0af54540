//! M: the mixture over windows and ratios, with the names of the module's formula.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use super::dispersion::{Scatter, Shared, volatility_of_first_days};
use super::exposure::Exposure;
use super::history::Windowed;
use super::series::Series;
use super::{BINS_A_DAY, Baseline, Evidence, LONGEST_EXACT_WINDOW, MOST_DAYS, QUARTER_OF_DAY};

/// W, in bins. Those past [`LONGEST_EXACT_WINDOW`] begin up to six hours earlier, with a quarter of a day.
pub(super) const WINDOWS: [u32; 11] = [1, 2, 4, 8, 16, 36, 72, 144, 288, 576, 1_008];
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
/// Σ w_W n_W = 324 is what M has on average at most; up to some times as much the bound is taken as it is.
const USUAL: f64 = 1_000.0;
/// A window none of whose terms can reach n_W times e to this power is left out: chance alone fills one in 40 so far, so that of
/// most series nothing need be worked out, and far too little for any alarm.
const WORTH: f64 = 2.0;
/// w_W of windows longer than two days: what rises so slowly has time to show, and most of what changes over days is no attack.
const WEIGHT_OF_LONG: f64 = 0.05;
/// Terms smaller than the largest by this many nats are left out: all together at most one part in 10^13.
const NEGLIGIBLE: f64 = 35.0;

/// log ρ.
static LOG_RATIOS: LazyLock<[f64; RATIOS.len()]> = LazyLock::new(|| RATIOS.map(f64::ln));
/// The bin at which a window of at least `length` bins begins, after `now` bins.
const fn start_of(now: u32, length: u32) -> u32 {
    let start = now.saturating_sub(length);
    if length > LONGEST_EXACT_WINDOW { start / QUARTER_OF_DAY * QUARTER_OF_DAY } else { start }
}

/// The first bin of the longest window after `now` bins.
pub(super) const fn oldest_start(now: u32) -> u32 {
    start_of(now, WINDOWS[WINDOWS.len() - 1])
}

/// What one window holds against the past at its start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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

    /// A bound on the largest term's log BF, by arithmetic alone; negative where there are fewer counts than expected.
    ///
    /// Every term is at most that of Poisson counts, (ρ(β + s)/(β + ρs))^S ((β + s)/(β + ρs))^α, for c ≤ 1 + t and B ≤ S. With
    /// e = αs/β expected it is 1 at ρ = 1 and has its peak at ρ = S/e; the peak's logarithm as a function of S, with its slope,
    /// is 0 at S = e, and its second derivative α/(S(α + S)) is at most α/(e(α + e)) above. So it is at most (S − e)²/2 times that.
    fn bound(&self) -> f64 {
        let expected = self.expected();
        #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
        let excess = self.counts as f64 - expected;
        let Baseline { alpha, .. } = self.baseline;
        0.5 * alpha * excess * excess.abs() / (expected * (alpha + expected))
    }
}

/// log (w_W n_W / number of ratios), of the bins between the start of a window and that of the one before.
#[allow(clippy::cast_precision_loss, reason = "a week of bins")]
fn log_share(starts: u64, with_quarter: bool) -> f64 {
    let weight = if with_quarter { WEIGHT_OF_LONG } else { 1.0 };
    (weight * starts as f64 / RATIOS.len() as f64).ln()
}

/// M of one series now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Weighed {
    /// log M; `f64::MIN` where no window is worth looking at.
    pub(super) log_m: f64,
    /// The same of windows that begin after the last alarm's wave.
    pub(super) fresh_log_m: f64,
    /// The window with the largest term, or the one that comes nearest to having one.
    pub(super) window: Window,
    /// Windows that begin before this bin hold a wave that was told before.
    pub(super) fresh_from: u32,
}

/// One window and the logarithms of its terms, for each ratio of bins and of counts; `None` where it is left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) window: Window,
    /// n_W.
    pub(super) starts: u64,
    /// A when it began.
    pub(super) total: f64,
    /// [`Window::bound`].
    bound: f64,
    logs: Option<[f64; TERMS]>,
}

impl Terms {
    /// The logarithms of its terms by ratio.
    pub(super) fn by_ratio(&self) -> Option<[f64; RATIOS.len()]> {
        self.logs.map(|logs| {
            let mut by_ratio = [f64::NEG_INFINITY; RATIOS.len()];
            for (sum, pair) in by_ratio.iter_mut().zip(logs.chunks_exact(2)) {
                *sum = log_sum(pair);
            }
            by_ratio
        })
    }
}

/// The logarithm of a sum of exponentials.
pub(super) fn log_sum(logs: &[f64]) -> f64 {
    LogSum::of(logs).log()
}

/// Where one window begins, which is the same for every series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Start {
    /// The bin.
    bin: u32,
    /// Bins since, W.
    length: u32,
    /// Whether it is one of those that begin with a quarter of a day.
    with_quarter: bool,
    /// n_W: bins between it and the start of the window before in which the sensor listened.
    starts: u64,
    /// log (w_W n_W / number of ratios).
    log_share: f64,
    /// E when it began.
    baseline: f64,
    /// s.
    weighed: f64,
    /// Bins in which the rhythm of the day was learned before this run.
    carried_bins: f64,
    shared: Arc<Shared>,
}

/// Where the windows begin that end now, shortest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Starts {
    starts: Vec<Start>,
}

impl Starts {
    /// After all bins of `exposure`. A window begins after the first bin: nothing is known before it.
    pub(super) fn of(exposure: &Exposure, shared: &VecDeque<Arc<Shared>>) -> Self {
        let (now, end) = (exposure.now(), exposure.latest());
        let mut listened = end.exposed;
        let mut starts = Vec::with_capacity(WINDOWS.len());
        for shortest in WINDOWS {
            let bin = start_of(now, shortest);
            let mark = exposure.mark(now - bin).filter(|_| exposure.is_known(bin));
            let shared = shared.iter().rev().find(|shared| shared.at <= bin);
            let Some((mark, shared)) = mark.zip(shared) else { break };
            let before = std::mem::replace(&mut listened, mark.exposed);
            let between = before.saturating_sub(listened);
            // All starts within an outage are the same one, for which the window before stands.
            if between > 0 {
                starts.push(Start {
                    bin,
                    length: now - bin,
                    with_quarter: shortest > LONGEST_EXACT_WINDOW,
                    starts: between,
                    log_share: log_share(between, shortest > LONGEST_EXACT_WINDOW),
                    baseline: mark.weighed_baseline,
                    weighed: end.weighed - mark.weighed,
                    carried_bins: exposure.rhythm.carried_bins(),
                    shared: Arc::clone(shared),
                });
            }
        }
        Self { starts }
    }

    /// M of `series`; `None` in the first bin, which has no past.
    pub(super) fn weigh(&self, series: &Series) -> Option<Weighed> {
        let mut sums = Sums::new(series.spent_until);
        for (start, terms) in self.starts.iter().zip(self.terms(series)) {
            sums.add(start.bin, &terms);
        }
        sums.weighed()
    }

    /// What each window holds and adds to M. A wave of which the last two days show nothing is over, and no window longer than
    /// that goes on telling of it.
    #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
    pub(super) fn terms(&self, series: &Series) -> impl Iterator<Item = Terms> {
        let mut known: Option<(u32, Scatter)> = None;
        let mut is_lively = false;
        self.starts.iter().map(move |start| {
            let scatter = match known {
                Some((at, scatter)) if at == start.shared.at => scatter,
                _ => series.scatter(&start.shared),
            };
            known = Some((start.shared.at, scatter));
            let windowed = start.windowed(series);
            let window = start.window(series, windowed, scatter);
            let bound = window.bound();
            if !start.with_quarter {
                is_lively = window.counts as f64 > RATIOS[0] * window.expected();
            }
            let is_over = start.with_quarter && !is_lively;
            let logs =
                (bound > WORTH && !is_over).then(|| window.log_bayes_factors(start.log_share));
            Terms { window, starts: start.starts, total: windowed.total, bound, logs }
        })
    }
}

impl Start {
    fn windowed(&self, series: &Series) -> Windowed {
        let history = &series.history;
        if self.with_quarter { history.since_quarter(self.bin) } else { history.since(self.bin) }
    }

    fn window(&self, series: &Series, windowed: Windowed, scatter: Scatter) -> Window {
        let Windowed { counts, active, total } = windowed;
        let baseline = self.baseline(series, total, scatter);
        let counts = u64::from(counts);
        Window { length: self.length, counts, active, weighed: self.weighed, baseline }
    }

    /// α and β of a series with discounted `total` counts.
    fn baseline(&self, series: &Series, total: f64, scatter: Scatter) -> Baseline {
        let prior = self.shared.kind(series.kind.0).prior;
        let own = series.own_prior_after(self.bin);
        let clumps = 1.0 / scatter.phi;
        let alpha = prior.shape + own.0 + total * clumps;
        let beta = prior.rate + own.1 + self.baseline * clumps;
        // The mean stays; the doubt about it grows by what the rate wanders.
        let seen = self.baseline + own.1 + self.carried_bins;
        let volatility = DOUBT * scatter.volatility + volatility_of_first_days(seen);
        let narrower = 1.0 / (1.0 + alpha * volatility);
        Baseline { alpha: alpha * narrower, beta: beta * narrower, phi: scatter.phi }
    }
}

impl Window {
    /// For each ratio the logarithms of w_W n_W BF / number of ratios, of the bins that hold any and of counts, a half each. Both
    /// rise with the ratio to a peak and fall: past it and negligible, the rest is too.
    fn log_bayes_factors(&self, log_share: f64) -> [f64; TERMS] {
        let mut terms = [f64::NEG_INFINITY; TERMS];
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
        terms
    }
}

/// The logarithm of the bins between two moments at which M by chance is as large, for one series.
pub(super) fn log_bins(log_m: f64) -> f64 {
    let log_sharper = CONSERVATISM.ln() + (-USUAL * (-log_m).exp()).ln_1p();
    if log_sharper > 0.0 { log_m + log_sharper } else { log_m }
}

/// A sum of exponentials that grows, without leaving the range of numbers.
#[derive(Clone, Copy, Debug)]
struct LogSum {
    largest: f64,
    /// The sum over e to the largest.
    sum: f64,
}

impl LogSum {
    const NOTHING: Self = Self { largest: f64::NEG_INFINITY, sum: 0.0 };

    fn of(logs: &[f64]) -> Self {
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let worth = logs.iter().map(|log| log - largest).filter(|below| *below > -NEGLIGIBLE);
        Self { largest, sum: worth.map(f64::exp).sum() }
    }

    fn add(&mut self, other: Self) {
        if other.largest > self.largest {
            self.sum *= (self.largest - other.largest).exp();
            self.largest = other.largest;
        }
        self.sum += other.sum * (other.largest - self.largest).exp();
    }

    fn log(self) -> f64 {
        self.largest + self.sum.ln()
    }
}

/// Sums over all windows, and over those that begin after what was told.
struct Sums {
    fresh_from: u32,
    all: LogSum,
    fresh: LogSum,
    /// The window that adds most, and the logarithm of what; while none adds any, the one with the largest bound.
    best: Option<(f64, Terms)>,
}

impl Sums {
    const fn new(fresh_from: u32) -> Self {
        let nothing = LogSum::NOTHING;
        Self { fresh_from, all: nothing, fresh: nothing, best: None }
    }

    fn add(&mut self, bin: u32, terms: &Terms) {
        let mut log = f64::NEG_INFINITY;
        if let Some(logs) = &terms.logs {
            let share = LogSum::of(logs);
            self.all.add(share);
            if bin >= self.fresh_from {
                self.fresh.add(share);
            }
            log = share.log();
        }
        let better = self.best.is_none_or(|(most, best)| (log, terms.bound) > (most, best.bound));
        if better {
            self.best = Some((log, *terms));
        }
    }

    fn weighed(self) -> Option<Weighed> {
        self.best.map(|(_, Terms { window, .. })| Weighed {
            log_m: self.all.log().max(f64::MIN),
            fresh_log_m: self.fresh.log().max(f64::MIN),
            window,
            fresh_from: self.fresh_from,
        })
    }
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
