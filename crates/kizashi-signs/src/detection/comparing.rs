//! What a key counted since a moment against what was usual before it, whether that rises or not: asked of the watches of a fleet's sensors and
//! groups, to say where a sign of many of them is seen.

use kizashi_detect::gamma_poisson::{Baseline, SeriesId};
use kizashi_event::{Key, Timestamp};
use serde::{Deserialize, Serialize};

use super::Merge;
use crate::shares::{In, Readable};

/// New sources of a key at one watch since some moment, and what the past before it made one expect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Distinct sources; a source counts once in 24 hours.
    pub sources: u64,
    baseline: Baseline,
    /// Exposed bins before the moment.
    exposed_before: f64,
}

impl Merge {
    /// What came to a key since a moment of the last week: since the latest start of one of the detector's windows that is not after it, or as
    /// far back as the past goes. `None` where the key is not watched.
    #[must_use]
    pub fn compare(
        &self,
        shares: &impl Readable,
        key: &Key,
        since: Timestamp,
    ) -> Option<Comparison> {
        let series = self.known_series(key)?;
        let (watch, which) = self.watch_of(series);
        let windows = watch.explain(&In(shares, which), SeriesId(series), None)?.windows;
        let since = u64::try_from(self.index_of(since)).unwrap_or(0);
        let covers = windows.iter().find(|window| window.since_bin <= since);
        let window = covers.or(windows.last())?;
        Some(Comparison {
            sources: window.counts,
            baseline: window.baseline,
            exposed_before: watch.exposed() - window.exposed,
        })
    }

    /// Adds what the bin that ended at `end` brought to the key.
    pub fn compare_on(
        &self,
        shares: &impl Readable,
        key: &Key,
        (comparison, end): (&mut Comparison, Timestamp),
    ) {
        let bin = u64::try_from(self.index_of(end) - 1).ok();
        let last = self.recent(shares, key).pop().filter(|(at, _)| Some(*at) == bin);
        let fresh = last.map_or(0, |(_, fresh)| u64::from(fresh));
        comparison.sources = comparison.sources.saturating_add(fresh);
    }

    /// Sources that were expected by now, and whether there are more: whether the 95 % interval of the ratio lies above 1.
    #[must_use]
    pub fn compared(&self, key: &Key, comparison: &Comparison) -> Option<(f64, bool)> {
        let (watch, _) = self.watch_of(self.known_series(key)?);
        let Comparison { sources, baseline, exposed_before } = *comparison;
        let exposed = (watch.exposed() - exposed_before).max(0.0);
        let expected = baseline.rate() * exposed;
        // An interval takes a tenth of a millisecond, and most sensors of a large fleet see nothing.
        #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
        let is_more = sources as f64 > expected && baseline.ratio(sources, exposed).low > 1.0;
        Some((expected, is_more))
    }
}
