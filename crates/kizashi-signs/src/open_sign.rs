//! A sign that still goes on: it grows with every source that comes, and ends when it is a day old and no longer stands out.

use kizashi_detect::gamma_poisson::Baseline;
use kizashi_detect::silence::Silence;
use kizashi_event::Timestamp;
use serde::{Deserialize, Serialize};

use crate::counts::{SeriesCount, row_of};
use crate::dossier::Dossier;
use crate::{Sign, SignKind};

/// Bins in one day.
const BINS_A_DAY: f64 = 144.0;
/// Exposure of a sign at least: that of the quietest bin there can be.
const LEAST_EXPOSED: f64 = 0.25;

/// What the past makes one expect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Expected {
    /// Of one series, with what is known of it.
    Series(Baseline),
    /// Of many together: sources a bin.
    Together(f64),
}

impl Expected {
    /// Sources a bin.
    pub(crate) fn rate(&self) -> f64 {
        match self {
            Self::Series(baseline) => baseline.rate(),
            Self::Together(rate) => *rate,
        }
    }
}

/// A sign and what it takes to let it grow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OpenSign {
    pub(crate) sign: Sign,
    /// The series it counts, in order.
    pub(crate) series: Vec<u32>,
    pub(crate) expected: Expected,
    /// Exposed bins of the sensor before the sign began, each as its hour of the day weighs.
    pub(crate) exposed_before: f64,
    /// The bin from which on windows counted when it was raised: what was told before was left out.
    pub(crate) fresh_from: Option<u64>,
    /// The silence that it tells of.
    pub(crate) silence: Option<Silence>,
    /// Series of other ports and keys that rose with it and belong to it: their visitors are its own.
    pub(crate) joined: Vec<u32>,
    /// Who its visitors are and what they bore.
    pub(crate) dossier: Dossier,
}

impl OpenSign {
    /// Counts what came in a bin that ended at `until`, after which the sensor had `exposed` bins; `days` is the evidence on a
    /// series. Whether anything came.
    pub(crate) fn grow(
        &mut self,
        rows: &[SeriesCount],
        until: Timestamp,
        exposed: f64,
        days: impl Fn(u32) -> Option<f64>,
    ) -> bool {
        let (events, sources) = (self.sign.events, self.sign.sources);
        for row in self.series.iter().filter_map(|series| row_of(rows, *series)) {
            self.sign.events = self.sign.events.saturating_add(row.events);
            self.sign.sources = self.sign.sources.saturating_add(u64::from(row.fresh));
        }
        if (events, sources) == (self.sign.events, self.sign.sources) {
            return false;
        }
        let reached = self.series.first().and_then(|series| days(*series));
        self.measure(until, exposed, reached);
        true
    }

    /// Works out the rates and how sure it is.
    #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
    pub(crate) fn measure(&mut self, until: Timestamp, exposed: f64, days: Option<f64>) {
        let exposed = (exposed - self.exposed_before).max(LEAST_EXPOSED);
        let (sign, rate) = (&mut self.sign, self.expected.rate());
        sign.until = until;
        sign.before = rate * BINS_A_DAY;
        sign.after = sign.sources as f64 / exposed * BINS_A_DAY;
        sign.expected_sources = rate * exposed;
        match self.expected {
            Expected::Series(baseline) => {
                let ratio = baseline.ratio(sign.sources, exposed);
                (sign.ratio, sign.ratio_low, sign.ratio_high) =
                    (ratio.ratio, ratio.low, ratio.high);
                sign.days = sign.days.max(days.unwrap_or(0.0));
                sign.severity = sign.severity.max(Sign::severity_of(sign.days, sign.ratio_low));
            }
            Expected::Together(_) => {
                let ratio = sign.sources as f64 / sign.expected_sources.max(f64::MIN_POSITIVE);
                sign.ratio = ratio.min(kizashi_detect::gamma_poisson::LARGEST_RATIO);
                (sign.ratio_low, sign.ratio_high) = (sign.ratio, sign.ratio);
            }
        }
    }

    /// It is over at `now`.
    pub(crate) const fn end(&mut self, now: Timestamp) {
        self.sign.until = now;
        self.sign.open = false;
    }

    /// Every series whose visitors are its own.
    pub(crate) fn all_series(&self) -> impl Iterator<Item = u32> + '_ {
        self.series.iter().chain(&self.joined).copied()
    }

    /// The one series of a rise.
    pub(crate) fn one_series(&self) -> Option<u32> {
        self.series.first().copied().filter(|_| self.sign.kind == SignKind::Rise)
    }
}
