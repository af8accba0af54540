//! The course of signs that are open: they grow with what comes, and end.

use kizashi_detect::gamma_poisson::{Evidence, SeriesId};
use kizashi_event::Timestamp;

use super::{Closed, Merge};
use crate::counts::SeriesCount;
use crate::open_sign::OpenSign;
use crate::shares::Readable;

/// How long a sign stays open at least, in microseconds.
const HOLD: i64 = Timestamp::DAY;
/// How long a silence stays open at most: then it is the usual state.
const SILENCE_IS_USUAL: i64 = 14 * Timestamp::DAY;

impl Merge {
    pub(super) fn grow(
        &mut self,
        end: Timestamp,
        rows: &[SeriesCount],
        evaluated: &[(SeriesId, Evidence)],
        closed: &mut Closed,
    ) {
        let exposed = self.watch.exposed();
        let days = |series: u32| {
            let at = evaluated.binary_search_by_key(&series, |(series, _)| series.0).ok()?;
            evaluated.get(at).map(|(_, evidence)| evidence.days)
        };
        for open in &mut self.open {
            if open.grow(rows, end, exposed, days) {
                closed.now_is(&open.sign);
            }
        }
    }

    /// Ends the signs that are a day old at `now` and no longer stand out.
    pub(super) fn end_signs(
        &mut self,
        shares: &impl Readable,
        now: Timestamp,
        closed: &mut Closed,
    ) {
        let is_old = |open: &OpenSign| now.since(open.sign.detected) >= HOLD;
        if !self.open.iter().any(is_old) {
            return;
        }
        let threshold = 7.0 / self.settings.false_alarms_per_week;
        let exposed = self.watch.exposed();
        for mut open in std::mem::take(&mut self.open) {
            // What belongs to it may go on where it began no more.
            let stands_out = || {
                open.one_series()?;
                Some(
                    open.all_series()
                        .filter_map(|series| self.evidence_now(shares, series))
                        .any(|evidence| evidence.days >= threshold && evidence.sources > 0),
                )
            };
            if open.sign.is_silence() {
                if now.since(open.sign.detected) >= SILENCE_IS_USUAL {
                    open.end(now);
                    closed.now_is(&open.sign);
                } else {
                    self.open.push(open);
                }
            } else if is_old(&open) && stands_out() != Some(true) {
                open.measure(now, exposed, None);
                open.end(now);
                self.remember(&open.sign);
                closed.now_is(&open.sign);
            } else {
                self.open.push(open);
            }
        }
    }
}
