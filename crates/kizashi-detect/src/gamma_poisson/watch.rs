//! The watch over all series of one machine: a [`Merge`] and the one holding that it asks, in one value.

use serde::{Deserialize, Serialize};

use super::dispersion::Scatter;
use super::holding::Holding;
use super::merge::Merge;
use super::{
    Evidence, Explanation, Kind, KindId, Prior, Report, SeriesId, Settings, SettingsError,
};

/// Watches any number of series of counts in ten-minute bins: at most 5 KB each. The whole state can be saved and goes
/// on bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    merge: Merge,
    /// One.
    holdings: Vec<Holding>,
}

impl Watch {
    /// A watch that has seen nothing. With a `prior` (carried from an earlier run, or shipped) the first days see nearly as
    /// sharply as later ones; without, it begins with [`Prior::FIRST_HOURS`].
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn new(settings: Settings, prior: Option<Prior>) -> Result<Self, SettingsError> {
        Self::with_kinds(settings, &[Kind { share: 1.0, prior }])
    }

    /// The same over several kinds of series, each with its prior and its share of the promise.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn with_kinds(settings: Settings, kinds: &[Kind]) -> Result<Self, SettingsError> {
        let merge = Merge::with_kinds(settings, kinds)?;
        Ok(Self { merge, holdings: vec![Holding::default()] })
    }

    /// See [`Merge::promise_over`].
    pub const fn promise_over(&mut self, watches: u32) {
        self.merge.promise_over(watches);
    }

    /// See [`Merge::widen`].
    pub fn widen(&mut self, share: f64) {
        self.merge.widen(share);
    }

    /// See [`Merge::promise`].
    ///
    /// # Errors
    /// When the promise is outside its range; nothing changes then.
    pub fn promise(&mut self, settings: Settings) -> Result<(), SettingsError> {
        self.merge.promise(settings)
    }

    /// Says of what kind a series is, and what is known of it in particular (a [`Self::learned`] of an earlier run): before its
    /// first count. A series that is never introduced is of kind 0. An unknown kind is kind 0 too, and a prior out of range is
    /// left out; of a series that has counts nothing changes.
    pub fn introduce(&mut self, series: SeriesId, kind: KindId, prior: Option<Prior>) {
        self.merge.introduce((series, 0), kind, prior);
        self.merge.flush(&mut self.holdings);
    }

    /// Watches one series no longer and another one in its place, which begins anew: for a bounded number of series of which
    /// the liveliest are watched. Like [`Self::introduce`] of `new`; where `old` is not known it is that alone.
    pub fn replace(&mut self, old: SeriesId, new: SeriesId, kind: KindId, prior: Option<Prior>) {
        self.merge.replace(old, (new, 0), kind, prior);
        self.merge.flush(&mut self.holdings);
    }

    /// Counts what came to a series some bins before the one that is closed next, when it was not yet worth watching: only before its
    /// own first count, and nothing else changes. A series that has counts, or was never introduced, is left as it is.
    pub fn count_earlier(&mut self, series: SeriesId, bins_ago: u64, count: u32) {
        self.merge.count_earlier(series, bins_ago, count);
        self.merge.flush(&mut self.holdings);
    }

    /// Says how much the series of a kind scattered in an earlier run (its [`Self::scatter_of`]): before the first bin, after
    /// which it changes nothing. Out of range it is left out.
    pub fn expect_scatter(&mut self, kind: KindId, scatter: Scatter) {
        self.merge.expect_scatter(kind, scatter);
    }

    /// Says how much each hour of the day weighed in an earlier run (its [`Self::rhythm`], turned so that it begins with the hour
    /// of this run's first bin): before the first bin, after which it changes nothing. Out of range it is left out.
    pub fn expect_rhythm(&mut self, weights: [f64; 24]) {
        self.merge.expect_rhythm(weights);
    }

    /// How much more (above 1) or less comes in each hour of the day than on average, from the hour of the first bin on.
    #[must_use]
    pub const fn rhythm(&self) -> [f64; 24] {
        self.merge.rhythm()
    }

    /// By how much the series of a kind scatter, as it is known now.
    #[must_use]
    pub fn scatter_of(&self, kind: KindId) -> Option<Scatter> {
        self.merge.scatter_of(kind)
    }

    /// What this series' own past says of its rate, without its kind's prior: to be given to [`Self::introduce`] of another run.
    #[must_use]
    pub fn learned(&self, series: SeriesId) -> Option<Prior> {
        self.merge.learned(&self.holdings, series)
    }

    /// Closes a bin in which these series had these counts of new sources; the others had none. A count of 0 tells that
    /// something came, though nothing new: the sensor was listening. No counts at all are silence, as in [`Self::skip`]. A
    /// series that is named twice has the sum.
    pub fn close_bin(&mut self, counts: &[(SeriesId, u32)]) -> Report {
        self.merge.close_bin(&mut self.holdings, counts)
    }

    /// Closes `bins` in which nothing came to any series. So long a silence that chance hardly ever brings it was an outage
    /// and teaches nothing: no rate becomes lower. Any number costs the same.
    pub fn skip(&mut self, bins: u64) {
        self.merge.skip(bins);
    }

    /// Bins closed or skipped so far.
    #[must_use]
    pub fn bins(&self) -> u64 {
        self.merge.bins()
    }

    /// Bins so far in which the sensor was listening, each as its hour of the day weighs ([`Self::rhythm`]; 1 on average); a
    /// silence that still goes on counts as it would be judged now.
    #[must_use]
    pub fn exposed(&self) -> f64 {
        self.merge.exposed()
    }

    /// Series that two sources ever came to: those among which chance may choose.
    #[must_use]
    pub fn watched(&self) -> u32 {
        self.merge.watched()
    }

    /// The prior of kind 0 as it is now, to be carried to another run.
    #[must_use]
    pub fn prior(&self) -> Prior {
        self.prior_of(KindId::default())
    }

    /// The prior of a kind as it is now.
    #[must_use]
    pub fn prior_of(&self, kind: KindId) -> Prior {
        self.merge.prior_of(kind)
    }

    /// The evidence on a series now, empty bins since its last count included; `None` when it is not known.
    #[must_use]
    pub fn score(&self, series: SeriesId) -> Option<Evidence> {
        self.scores([series]).pop().flatten()
    }

    /// The same for many, in their order: cheaper than one by one.
    #[must_use]
    pub fn scores(&self, series: impl IntoIterator<Item = SeriesId>) -> Vec<Option<Evidence>> {
        self.merge.scores(&self.holdings, series)
    }

    /// See [`Merge::explain`].
    #[must_use]
    pub fn explain(&self, series: SeriesId, fresh_from: Option<u64>) -> Option<Explanation> {
        self.merge.explain(&self.holdings, series, fresh_from)
    }

    /// See [`Merge::recent`].
    #[must_use]
    pub fn recent(&self, series: SeriesId) -> Vec<(u64, u32)> {
        self.merge.recent(&self.holdings, series)
    }

    /// See [`Merge::rate`].
    #[must_use]
    pub fn rate(&self, series: SeriesId) -> Option<f64> {
        self.merge.rate(&self.holdings, series)
    }
}
