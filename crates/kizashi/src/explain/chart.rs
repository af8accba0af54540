//! New sources an hour around a sign, as numbers to be drawn: two days before it was raised and a day after.

use kizashi_event::Timestamp;
use kizashi_signs::{Explanation, Numbers, Sign};

/// Bins in one column: an hour.
const BINS: u64 = 6;
/// Columns before the moment and after it.
const BEFORE: u64 = 48;
const AFTER: u64 = 24;

/// The series around a moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chart {
    /// New sources of each hour, oldest first.
    pub(super) hours: Vec<u64>,
    /// The start of the first.
    pub(super) start: Timestamp,
    /// New sources an hour that are usual.
    pub(super) usual: f64,
    /// Where the change began and where it was raised, in hours from the start.
    pub(super) since: f64,
    pub(super) raised: f64,
}

impl Chart {
    /// Of a sign from two days before it was raised to a day after; of a key without one, up to the end of what is known.
    pub(super) fn of(explanation: &Explanation, sign: Option<&Sign>) -> Self {
        let raised = explanation.bins();
        // Whole hours from the beginning on, so that the first hours of a machine are drawn as they are.
        let first = raised.saturating_sub(BEFORE * BINS) / BINS * BINS;
        let last_known = if sign.is_some() { raised + AFTER * BINS } else { raised };
        let columns = (last_known - first).div_ceil(BINS);
        let mut hours = vec![0_u64; usize::try_from(columns).unwrap_or(0)];
        for (bin, count) in &explanation.counts {
            let hour = bin.checked_sub(first).and_then(|bin| usize::try_from(bin / BINS).ok());
            if let Some(hour) = hour.and_then(|hour| hours.get_mut(hour)) {
                *hour += u64::from(*count);
            }
        }
        #[allow(clippy::cast_precision_loss, reason = "years of bins at most")]
        let place = |bin: u64| bin.saturating_sub(first) as f64 / BINS as f64;
        Self {
            hours,
            start: explanation.start_of(first),
            usual: explanation.usual * 6.0,
            since: place(sign.map_or_else(|| began(explanation), |sign| bin_of(explanation, sign))),
            raised: place(raised),
        }
    }

    /// The most in an hour; at least 1.
    pub(super) fn most(&self) -> u64 {
        self.hours.iter().copied().max().unwrap_or(0).max(1)
    }

    /// The end of the last hour.
    pub(super) fn end(&self) -> Timestamp {
        let hours = i64::try_from(self.hours.len()).unwrap_or(i64::MAX);
        self.start.plus(Timestamp::HOUR.saturating_mul(hours))
    }
}

/// The bin in which a sign began.
fn bin_of(explanation: &Explanation, sign: &Sign) -> u64 {
    let bins = sign.since.since(explanation.origin) / (600 * Timestamp::SECOND);
    u64::try_from(bins).unwrap_or(0)
}

/// The bin in which the change would have begun.
fn began(explanation: &Explanation) -> u64 {
    match &explanation.numbers {
        Numbers::Rise(rise) => {
            rise.windows.get(rise.strongest).map_or(0, |window| window.since_bin)
        }
        Numbers::Silence(silence) => explanation.bins().saturating_sub(u64::from(silence.ticks)),
    }
}
