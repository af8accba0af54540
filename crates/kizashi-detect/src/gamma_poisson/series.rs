//! One series: its past, its scatter, and what was told of it. A series that is not touched costs nothing; when it is touched
//! again, what it has forgotten is worked out in closed form.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::dispersion::{Dispersion, Hour, Scatter, Shared};
use super::history::{History, LastHour};
use super::{KindId, Prior, fade};

/// By how much the rate of another run differs, as a relative variance.
const VOLATILITY_BETWEEN_RUNS: f64 = 0.08;
/// The state of one series: at most 5 KB, most of it counts of the last two days.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Series {
    pub(super) history: History,
    pub(super) dispersion: Dispersion,
    /// Whether it stood out when it was last looked at.
    pub(super) above: bool,
    /// The bin from which it may alarm again.
    pub(super) held_until: u32,
    /// Whether it alarmed and the wave still stands out.
    pub(super) told: bool,
    /// Windows that begin before this bin hold a wave that was told already.
    pub(super) spent_until: u32,
    pub(super) kind: KindId,
    /// What was known of it before its first count, and the bin at which it was.
    own_prior: Option<(Prior, u32)>,
}

impl Series {
    /// Adds a count of the running bin, or adds to it.
    pub(super) fn touch(&mut self, bin: u32, count: u32) {
        self.history.add(bin, count);
    }

    /// The counts of an hour that has just ended, in which `exposed` bins were, and A as it was when it began.
    pub(super) fn hour(&self, hour: u32, exposed: f64, weighed: f64) -> (Hour, f64) {
        let (held, total) = self.history.hour(hour);
        let LastHour { count, squares, .. } = held.unwrap_or_default();
        (Hour { count, squares, exposed, weighed }, total)
    }

    /// A series of `kind`, of which `prior` was known after `bin` bins.
    pub(super) fn introduce(&mut self, kind: KindId, prior: Option<Prior>, bin: u32) {
        self.kind = kind;
        self.own_prior = prior.map(|Prior { shape, rate }| {
            let left = 1.0 / (1.0 + shape * VOLATILITY_BETWEEN_RUNS);
            (Prior { shape: shape * left, rate: rate * left }, bin)
        });
    }

    /// What is left of its own prior's shape and rate after so many bins: it ages as counts do.
    pub(super) fn own_prior_after(&self, bins: u32) -> (f64, f64) {
        self.own_prior.map_or((0.0, 0.0), |(prior, bin)| {
            let left = fade::over(bins.saturating_sub(bin));
            (prior.shape * left, prior.rate * left)
        })
    }

    /// φ and v of windows that begin under `shared`.
    pub(super) fn scatter(&self, shared: &Shared) -> Scatter {
        self.dispersion.scatter(shared, shared.kind(self.kind.0).scatter)
    }

    /// φ and v are fixed for windows that begin under the last of `shared`, and memory that only the past needed is given back.
    pub(super) fn publish(&mut self, shared: &VecDeque<Arc<Shared>>, now: u32) {
        self.dispersion.publish(shared, self.kind.0);
        self.history.forget(now);
        self.history.shrink();
    }
}
