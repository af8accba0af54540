//! The Gamma-Poisson e-detector: which of thousands of count series rises, with one promise to a person: at most so many false
//! alarms a week over all of them.
//!
//! Each series counts distinct sources in ten-minute bins. Its past is a discounted total A over a discounted exposure E
//! (half-life 5 days) with a dispersion φ ≥ 1 and a prior Gamma(a0, b0) that the series share. For each window of the last
//! W ∈ {1, 2, 4, 8, 16, 36, 72, 144, 288} bins with S counts in s exposed bins, and each ratio ρ ∈ {1.5, 2, 3, 5, 8, 16, 64},
//! all else as it was when the window began:
//!
//! ```text
//! α = a0 + A/φ,  β = b0 + E/φ,  scaled down to α ≤ κ = 30
//! log BF(W, ρ) = (S/φ) log ρ + (α + S/φ) (log(β + s/φ) − log(β + ρ s/φ))
//! M = Σ over W of n_W × mean over ρ of BF(W, ρ),   n_W = W − the window before
//! ```
//!
//! **Why it keeps its promise.** BF(W, ρ) is the probability of the window's counts when the rate rose to ρ times the unknown
//! baseline, over that when it did not, with the baseline integrated out under its Gamma posterior. Under the model without a
//! rise its expectation is 1 whatever the past, so that E\[M_t\] ≤ Σ n_W ≤ t: M is a Shiryaev-Roberts sum of e-values, and
//! alarming at M ≥ (bins a false alarm) × (series watched) gives false alarms no more often than asked. Little history means
//! a wide posterior and therefore little evidence, not a wild score.
//!
//! **What that assumes.** Counts that are Poisson given their rate up to the factor φ, a rate that is constant but for slow drift,
//! and a prior that fits. The exact statistic sums over every starting bin; here one window stands for the n_W starts between
//! it and the window before (an approximation). It is a model-based promise: tests measure it on stationary Poisson series;
//! real traffic changes for reasons that are not attacks, and each such change counts as an alarm.
//!
//! Silence never alarms. Bins in which the whole sensor heard nothing, against all expectation, are an outage and teach
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
mod dispersion;
mod evidence;
mod exposure;
mod fade;
mod kind;
mod prior;
mod ratio;
mod series;
mod special;
mod watch;

use serde::{Deserialize, Serialize};

pub use dispersion::Scatter;
pub use kind::{Kind, KindId, MOST_KINDS};
pub use prior::Prior;
pub use ratio::{Baseline, Ratio};
pub use watch::Watch;

/// Bins in one day.
pub const BINS_A_DAY: u32 = 144;
/// The longest window, in bins: what is older is known only as a discounted total.
pub const LONGEST_WINDOW: u32 = 288;
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
    /// Bins of that window in which the sensor was listening.
    pub exposed: u64,
    /// What was known of the series when that window began.
    pub baseline: Baseline,
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
