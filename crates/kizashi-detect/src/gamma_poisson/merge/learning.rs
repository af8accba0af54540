//! What series teach each other: the hour that is over by its residuals, the quarter of a day by totals.

use std::sync::Arc;

use super::{
    Answered, Asked, BINS_A_DAY, Deal, Holders, HourOfSeries, KindId, LONGEST_EXACT_WINDOW, Merge,
    OfHour, Prior, QUARTER_OF_DAY, Shared, asked, oldest_start,
};
use crate::gamma_poisson::history::HOUR;
use crate::gamma_poisson::holding::Ask;
use crate::gamma_poisson::rhythm::Together;

/// Bins after which what the series share is worked out anew.
const SHARED_FOR: u32 = QUARTER_OF_DAY;
/// Until this bin it is worked out every hour.
const FREQUENT_UNTIL: u32 = 72;
/// A prior that was given stays until the sensor's own past is worth this many bins: a day.
const CARRIED_UNTIL: f64 = BINS_A_DAY as f64;
impl Merge {
    /// Judges the empty bins before the one that is about to be counted, and ends hours and what was shared when due.
    pub(super) fn end_silence(&mut self, holders: &mut impl Holders) {
        let (silent, now) = (self.silent, self.exposure.now());
        let exposed = silent == 0 || !self.exposure.is_outage(silent);
        let bin = now.saturating_add(silent);
        // The hour that holds the last bin with anything in it; hours of nothing are not looked at.
        let hour = now.saturating_sub(1) / HOUR;
        let mut left = silent;
        if bin / HOUR > hour {
            let rest_of_hour = ((hour + 1).saturating_mul(HOUR)).saturating_sub(now).min(left);
            self.exposure.pass(rest_of_hour, exposed);
            left -= rest_of_hour;
            self.end_hour(holders, hour);
        }
        self.exposure.pass(left, exposed);
        let published = self.shared.back().map_or(0, |shared| shared.at);
        let due = if published < FREQUENT_UNTIL { HOUR } else { SHARED_FOR };
        if bin - published.min(bin) >= due {
            self.share(holders, bin);
        }
        self.activity.advance(bin);
    }

    /// Looks at the residuals of the hour that has just ended.
    fn end_hour(&mut self, holders: &mut impl Holders, hour: u32) {
        let Some(start) = self.exposure.mark(HOUR) else { return };
        let Some(shared) = self.shared.back() else { return };
        let end = self.exposure.latest();
        #[allow(clippy::cast_precision_loss, reason = "at most six")]
        let exposed = end.exposed.saturating_sub(start.exposed) as f64;
        let of = OfHour {
            hour,
            exposed,
            weighed: end.weighed - start.weighed,
            began: start.baseline,
            began_weighed: start.weighed_baseline,
            ended: end.baseline,
            shared: Arc::clone(shared),
        };
        let mut hours = self.hours_of_busy(holders, &of).into_iter();
        let mut together = Together::default();
        let (slots, kinds) = (&mut self.slots, &mut self.kinds);
        self.busy.retain(|slot| {
            let Some((slot, of_series)) = slots.get_mut(*slot).zip(hours.next()) else {
                return false;
            };
            if let Some((count, expected, residual)) = of_series.showed {
                #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
                together.add(count as f64, expected);
                if let Some(kind) = kinds.get_mut(usize::from(slot.kind.0)) {
                    kind.pool.add(hour + 1, residual);
                }
            }
            slot.busy = of_series.is_busy;
            slot.busy
        });
        if start.exposed >= u64::from(BINS_A_DAY) {
            self.exposure.rhythm.learn(hour, together);
        }
    }

    /// What the hour showed of each busy series, in their order.
    fn hours_of_busy(&self, holders: &mut impl Holders, of: &OfHour) -> Vec<HourOfSeries> {
        let mut deal = Deal::new(self.slots.partitions());
        let busy = self.busy.iter().filter_map(|slot| self.slots.get(*slot));
        busy.for_each(|slot| deal.give(slot.partition, slot.place));
        asked(
            holders,
            deal,
            |places| Asked::Hour(of.clone(), places),
            |answer| match answer {
                Answered::Hour(hours) => hours,
                _ => Vec::new(),
            },
        )
    }

    /// Works out anew what windows share that begin at `bin` or later.
    fn share(&mut self, holders: &mut impl Holders, bin: u32) {
        let exposure = self.exposure.latest().weighed_baseline;
        let hours = bin / HOUR;
        let mut shared = Shared { at: bin, hours, kinds: Vec::with_capacity(self.kinds.len()) };
        for number in (0_u8..).take(self.kinds.len()) {
            let mut prior =
                self.shared.back().map_or(Prior::FIRST_HOURS, |last| last.kind(number).prior);
            let is_carried = self.kinds.get(usize::from(number)).is_some_and(|kind| kind.carried);
            if !is_carried || exposure >= CARRIED_UNTIL {
                let totals = self.totals_of(holders, KindId(number), bin, exposure);
                prior = Prior::fitted(&totals).unwrap_or(prior);
            }
            if let Some(kind) = self.kinds.get_mut(usize::from(number)) {
                kind.carried &= exposure < CARRIED_UNTIL;
                shared.kinds.push(kind.shared(prior, hours));
            }
        }
        self.shared.push_back(Arc::new(shared));
        self.forget_shared(bin);
        let publish = Asked::Publish { shared: self.shared.clone(), now: bin };
        let to = |partition| (partition, Ask(publish.clone()));
        holders.ask((0..).take(self.slots.partitions()).map(to).collect());
    }

    /// The totals to which the prior of a kind is fitted, of at most [`Prior::MOST_SERIES`] series, in the order of first sight.
    fn totals_of(
        &self,
        holders: &mut impl Holders,
        kind: KindId,
        bin: u32,
        exposure: f64,
    ) -> Vec<(f64, f64)> {
        // One that was introduced and not yet counted would say that nothing ever comes.
        let of_kind = self.slots.iter().filter(|slot| slot.kind == kind && slot.was_counted());
        let every = of_kind.clone().count().div_ceil(Prior::MOST_SERIES).max(1);
        let mut deal = Deal::new(self.slots.partitions());
        of_kind.step_by(every).for_each(|slot| deal.give(slot.partition, slot.place));
        asked(
            holders,
            deal,
            |of| Asked::Totals { bin, exposure, of },
            |answer| match answer {
                Answered::Totals(totals) => totals,
                _ => Vec::new(),
            },
        )
    }

    /// Of what series shared before the last two days one a day is enough, as far back as a window may begin.
    fn forget_shared(&mut self, bin: u32) {
        let oldest = oldest_start(bin);
        while self.shared.get(1).is_some_and(|second| second.at <= oldest) {
            self.shared.pop_front();
        }
        let exact = bin.saturating_sub(LONGEST_EXACT_WINDOW);
        let day = |shared: &Arc<Shared>| shared.at / BINS_A_DAY;
        let mut at = 1;
        while self.shared.get(at + 1).is_some_and(|next| next.at <= exact) {
            if self.shared.get(at).map(day) == self.shared.get(at - 1).map(day) {
                self.shared.remove(at);
            } else {
                at += 1;
            }
        }
    }
}
