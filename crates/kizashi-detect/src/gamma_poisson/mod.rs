//! The Gamma-Poisson e-detector: which of thousands of count series rises, with one promise to a person: at most so many false
//! alarms a week over all of them.
//!
//! Each series counts distinct sources in ten-minute bins. Its past is a discounted total A over a discounted exposure E
//! (half-life 5 days), a dispersion φ ≥ 1, a volatility v, and a prior Gamma(a0, b0) that the series of its kind share. For each
//! window of the last W ∈ {1, 2, 4, 8, 16, 36, 72, 144, 288, 576, 1008} bins (ten minutes to a week) with S counts, of which B
//! bins hold any, in s exposed bins, and each ratio ρ ∈ {1.5, 2, 3, 5, 10, 32, 256}, all else as it was when the window began (E
//! and s count a bin of a lively hour of the day for more than 1 and one of a quiet hour for less, as the sensor's rhythm has it;
//! the two longest windows begin up to six hours earlier, where a quarter of a day does, so that of older days four numbers each
//! are remembered):
//!
//! ```text
//! α0 = a0 + A/φ,  β0 = b0 + E/φ,  μ = α0/β0,  1/α = 1/α0 + 1.15 v + v1(E),  β = α/μ
//! t = β(ρ − 1)/(β + ρ s)                               the tilt of a Poisson count less one
//! c = (φ − exp(−t(φ − 1)))/(φ − 1)                     the tilt of a count in clumps; c → 1 + t as φ → 1
//! BF(W, ρ) = ((β + s)/(β + ρ s))^α × ((1 + t)^B + c^S)/2
//! M = Σ over W of w_W n_W × mean over ρ of BF(W, ρ),   n_W = exposed bins between its start and that of the window before
//! ```
//!
//! w_W is 1 up to two days and 1/20 for the longer windows, which find what creeps up on a quiet port: it has time to show, and
//! on real traffic most of what changes over days is no attack (with 1 they told 1.35 false alarms a day instead of 0.84 in the
//! real months of `kizashi-bench detectors`, and found nothing more of its campaigns, which last hours to days).
//!
//! Nor do they tell of a wave that is over: they are left out unless the last two days held 1.5 times what was expected. Any
//! window is left out of M when its counts are so few that no term of it can reach w_W n_W e²: when S ≤ e or
//! (S − e)² ≤ 4 e (1 + e/α), with e = s μ expected (the bound is derived where it is computed). To leave out what is positive
//! breaks no promise, it is far too little to matter to an alarm, and of most series nothing but that need be worked out.
//!
//! **Why each term is an e-value.** The rate is μ G with G ~ Gamma: its doubt is the posterior's (1/α0) and that of a rate that
//! wanders (v), which no amount of history takes away. With φ = 1, BF is the probability of the window's counts when the rate
//! rose to ρ times the unknown baseline over that when it did not, the baseline integrated out. As a function of S it is
//! (1 + t)^S times a constant, so that only one property of the null matters: E\[(1 + t)^S | rate λ\] = exp(λ s t). Counts in
//! clumps (negative binomial with variance φ times the mean) have E\[c^S\] = exp(λ s t) with the c above, exactly: the same
//! constant makes c^S an e-value, which grows with one source by φ/(φ − 1) at most, because a clump tells little. The bins that
//! hold any are at most as many as the clumps, which are Poisson with at most the rate λ, so that (1 + t)^B is one too, whatever
//! the clumps' law: it is what finds a slow wave on a quiet series at full power. A mean of e-values is an e-value.
//!
//! **Why it keeps its promise.** E\[M_t\] ≤ Σ w_W n_W: M is a Shiryaev-Roberts sum of e-values over the starts of a wave, and alarming
//! at M ≥ (bins a false alarm) × (series watched) gives false alarms no more often than asked. That bound is far from tight: a
//! source more on a quiet series multiplies M by a hundred, so it is mostly far above where it is taken to stop. Above 1,000,
//! some times what M has on average, it is therefore read as 10 (M − 1,000) bins where that is more, a constant of the statistic
//! under its own model, measured on stationary Poisson series (at most 0.53 of the promised alarms are realised with it). An alarm
//! needs three sources. A wave that was told is spent: a new alarm looks only at windows that begin after it.
//!
//! **What is learned, and what is assumed before.** φ comes from the bins of each hour against each other, v from what is left
//! of hours against their baseline; both of each series, shrunk to its kind. A new machine begins with φ = 3, v = 0.1, and
//! v1 = 0.15 until a day has been seen (then less, until two), since nobody knows yet how the night differs. Both, the prior and
//! what each series learned can be carried to another run ([`Watch::prior`], [`Watch::scatter_of`], [`Watch::learned`]), and then
//! the first days see nearly as sharply as later ones. A rate that is carried is doubted by 0.08 more: two runs differ. How
//! lively each hour of the day is comes from all series together, for the day after ([`Watch::rhythm`]); where it was carried,
//! v1 is 0. Its weights are fixed before the counts that they weigh, so that they bias no e-value; a series with another
//! rhythm has the difference in its v.
//!
//! **What that assumes.** Clumps within a bin that are negative binomial or smaller, a rate whose wandering is no wider than Gamma
//! with the learned v, and a prior that fits. The exact statistic sums over every starting bin; here one window stands for the
//! n_W starts between it and the window before (an approximation); starts within an outage are one and the same, and are not
//! counted. It is a model-based promise: the example `nulls` measures it
//! on 25 nulls (Poisson, clumped, daily, weekly, drifting, cut off, bursting) in the first 72 hours and later, and on each the
//! exact 95 % interval of what is realised lies below what is promised. Real traffic changes for reasons that are not attacks,
//! and each such change counts as an alarm.
//!
//! **Divided.** A [`Watch`] is one process'. The same over any number of holders, each with some of the series, with the same results to the
//! bit, is a [`Merge`], which has the argument; of sensors, groups and a whole fleet within one promise see [`Breadth`].
//!
//! Silence never alarms here ([`crate::silence`] tells of it). Bins in which the whole sensor heard nothing, against all expectation, are an outage and teach
//! nothing (see [`Watch::skip`]).
//!
//! ```
//! use kizashi_detect::gamma_poisson::{SeriesId, Settings, Watch};
//!
//! let mut watch = Watch::new(Settings::default(), None)?;
//! let mut alarms = Vec::new();
//! for bin in 0..1_000_u32 {
//!     let newcomers = if bin < 900 { 1 } else { 9 };
//!     alarms.extend(watch.close_bin(&[(SeriesId(445), newcomers), (SeriesId(22), 1)]).alarms);
//! }
//! assert_eq!(alarms.len(), 1);
//! assert_eq!(alarms[0].series, SeriesId(445));
//! # Ok::<(), kizashi_detect::gamma_poisson::SettingsError>(())
//! ```

mod activity;
mod deal;
mod dispersion;
mod evidence;
mod exposure;
mod fade;
mod history;
mod holding;
mod kind;
mod merge;
mod prior;
mod ratio;
mod rhythm;
mod scopes;
mod series;
mod special;
mod watch;

use serde::{Deserialize, Serialize};

pub use deal::{Deal, Order};
pub use dispersion::Scatter;
pub use holding::{Answer, Ask, Found, Held, Holders, Holding, Look, Partition};
pub use kind::{Kind, KindId, MOST_KINDS};
pub use merge::Merge;
pub use merge::explain::{Explanation, Threshold, WindowEvidence};
pub use prior::Prior;
pub use ratio::{Baseline, Ratio};
pub use scopes::Breadth;
pub use watch::Watch;

/// Bins in one day.
pub const BINS_A_DAY: u32 = 144;
/// Bins in which a count loses half its weight for what is usual: 5 days.
pub const HALF_LIFE: u32 = 5 * BINS_A_DAY;
/// The longest window that begins at exactly its length, in bins: two days.
pub const LONGEST_EXACT_WINDOW: u32 = 288;
/// Bins in six hours. The windows of four days and of a week begin where such a quarter of a day does.
pub const QUARTER_OF_DAY: u32 = BINS_A_DAY / 4;
/// The longest window, in bins, at its longest: what is older is known only as a discounted total.
pub const LONGEST_WINDOW: u32 = 7 * BINS_A_DAY + QUARTER_OF_DAY - 1;
/// The most days that [`Evidence::days`] claims.
pub const MOST_DAYS: f64 = 10_000.0;
/// The largest ratio told; a port never seen before has risen by any factor.
pub const LARGEST_RATIO: f64 = 1e6;

/// Which series: a number that the caller chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeriesId(pub u32);

/// The one promise that a person sets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// False alarms a week over all series together, from 0.0001 to 10,000.
    pub false_alarms_per_week: f64,
}

impl Default for Settings {
    /// One false alarm a week.
    fn default() -> Self {
        Self { false_alarms_per_week: 1.0 }
    }
}

impl Settings {
    /// Bins between two false alarms: the promise as the mathematics has it.
    #[must_use]
    pub fn bins_a_false_alarm(&self) -> f64 {
        f64::from(7 * BINS_A_DAY) / self.false_alarms_per_week
    }

    /// Itself, when the promise is within its range.
    fn checked(self) -> Result<Self, SettingsError> {
        if !(1e-4..=1e4).contains(&self.false_alarms_per_week) {
            return Err(SettingsError::FalseAlarms(self.false_alarms_per_week));
        }
        Ok(self)
    }
}

/// A parameter was outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// The promise.
    #[error("false alarms a week must be 0.0001 to 10000, and {0} is not")]
    FalseAlarms(f64),
    /// The kinds of series, or their shares of the promise.
    #[error("1 to 64 kinds need shares above 0 that sum to at most 1; {kinds} kinds sum to {sum}")]
    Shares {
        /// Kinds given.
        kinds: usize,
        /// Sum of their shares.
        sum: f64,
    },
    /// The prior's parameters.
    #[error(
        "a prior needs a shape and a rate between 1e-9 and 1e9, and {shape} and {rate} are not"
    )]
    Prior {
        /// a0 as given.
        shape: f64,
        /// b0 as given.
        rate: f64,
    },
}

/// How much speaks for a rise of one series now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Chance alone shows as much at most once in so many days over everything watched: 0 to [`MOST_DAYS`].
    pub days: f64,
    /// log M, in nats; below every window's reach it is negative infinity's stand-in, `f64::MIN`.
    pub log_m: f64,
    /// The same without windows that hold a wave which was told already: what a new alarm is judged by.
    pub fresh_log_m: f64,
    /// The first bin of the window that says most, counted from the first bin ever closed or skipped, which is 0.
    pub since_bin: u64,
    /// Counts in that window.
    pub sources: u64,
    /// Counts that the past made one expect there.
    pub expected: f64,
}

/// A series rose beyond what its past explains. It is told once; the series is then held for 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Which series.
    pub series: SeriesId,
    /// By chance at most once in so many days over everything watched; at most [`MOST_DAYS`].
    pub days: f64,
    /// Rate in the window that says most over the rate before; at most [`LARGEST_RATIO`].
    pub ratio: f64,
    /// Lower end of the ratio's central 95 % credible interval.
    pub ratio_low: f64,
    /// Upper end of the ratio's central 95 % credible interval.
    pub ratio_high: f64,
    /// The first bin of that window, counted from the first bin ever closed or skipped, which is 0.
    pub since_bin: u64,
    /// Distinct sources in that window.
    pub sources: u64,
    /// Sources that the past made one expect in that window.
    pub expected: f64,
    /// Bins of that window in which the sensor was listening, each as its hour of the day weighs ([`Watch::rhythm`]).
    pub exposed: f64,
    /// What was known of the series when that window began.
    pub baseline: Baseline,
    /// Windows that begin before this bin were left out of what the alarm was judged by: they hold a wave told before. 0 where
    /// none was.
    pub fresh_from: u64,
}

/// So many series rose in the same bin that the cause is more likely the sensor than attackers: told instead of their alarms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensorWideShift {
    /// The series that rose; all are held for 24 hours.
    pub series: Vec<SeriesId>,
    /// The bin in which they rose.
    pub bin: u64,
    /// The largest [`Evidence::days`] among them.
    pub days: f64,
    /// Their sources in this bin.
    pub sources: u64,
    /// Their sources that the past made one expect in it.
    pub expected: f64,
    /// The one over the other; at most [`LARGEST_RATIO`].
    pub ratio: f64,
}

/// What closing a bin told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Series that rose, in the order in which they were given.
    pub alarms: Vec<Alarm>,
    /// The one cause of many that rose at once; then `alarms` is empty.
    pub sensor_wide: Option<SensorWideShift>,
    /// The evidence on every series that had a count in this bin.
    pub evaluated: Vec<(SeriesId, Evidence)>,
}
