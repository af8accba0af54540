//! Kinds of series: ports, passwords, paths. Series of one kind share a prior, a dispersion and a volatility, and each kind has
//! its own share of the false alarms, so that a million paths do not blunt the ports.

use serde::{Deserialize, Serialize};

use super::dispersion::{First, Residuals, SharedOfKind};
use super::{Prior, SettingsError};

/// Kinds at most.
pub const MOST_KINDS: usize = 64;
/// Bins that a prior must be worth to be kept while the sensor has a past of its own.
const LEAST_CARRIED: f64 = 1.0;

/// Which kind: the place in the list given to [`super::Watch::with_kinds`]. [`super::Watch::new`] has one kind, 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct KindId(pub u8);

/// What is asked of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    /// Its share of the false alarms, above 0. The shares of all kinds sum to at most 1.
    pub share: f64,
    /// What is known of its rates before anything came: carried from an earlier run, and then kept for a day, or, where it is
    /// worth less than a bin, a mere beginning, given up as soon as the sensor's own past says anything.
    pub prior: Option<Prior>,
}

/// What is known of a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct KindState {
    pub(super) share: f64,
    /// Whether the prior was given and is still better than what has been seen.
    pub(super) carried: bool,
    pub(super) first: First,
    pub(super) pool: Residuals,
    /// Series that two sources ever came to.
    pub(super) watched: u32,
}

impl KindState {
    /// What its series share when `hours` hours are over.
    pub(super) fn shared(&self, prior: Prior, hours: u32) -> SharedOfKind {
        SharedOfKind { prior, scatter: self.pool.after(hours).of_kind(self.first) }
    }

    /// By how much M must be divided for an average count of bins between false alarms of everything: series watched over the
    /// share of the promise, times so many watches that have the promise together.
    pub(super) fn competitors(&self, watches: u32) -> f64 {
        f64::from(self.watched.max(1)) / self.share * f64::from(watches)
    }
}

/// The states with which these kinds begin.
pub(super) fn begin(kinds: &[Kind]) -> Result<Vec<KindState>, SettingsError> {
    let sum: f64 = kinds.iter().map(|kind| kind.share).sum();
    let positive = kinds.iter().all(|kind| kind.share >= 1e-6);
    if kinds.is_empty()
        || kinds.len() > MOST_KINDS
        || !positive
        || !(0.0..=1.0 + 1e-9).contains(&sum)
    {
        return Err(SettingsError::Shares { kinds: kinds.len(), sum });
    }
    let state = |kind: &Kind| KindState {
        share: kind.share,
        carried: kind.prior.is_some_and(|prior| prior.rate >= LEAST_CARRIED),
        first: First::UNKNOWN,
        pool: Residuals::default(),
        watched: 0,
    };
    Ok(kinds.iter().map(state).collect())
}
