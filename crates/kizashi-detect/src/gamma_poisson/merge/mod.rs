//! What couples series, over any number of shares: counts of a bin in, alarms out. What a bin costs grows with the series that
//! have a count in it; every 6 hours all series are looked at once, for the prior.
//!
//! # Why the promise holds over shares
//!
//! The state of a series (its past, its scatter, what was told of it) is one [`Holding`](super::Holding)'s; six things couple it
//! to others, and all six are here: which bins the sensor heard and how lively each hour is, the prior, φ and v of a kind,
//! how many series chance may choose among, how many were active lately, and which alarms of a bin are one shift. In each bin
//! this is done, in steps that all holdings take together:
//!
//! 1. where an hour is over, each series that is busy answers with its residual, and their sums become φ and v of its kind and
//!    the weight of the hour of the day;
//! 2. where six hours are over, each series answers with its discounted total; the prior is fitted to them, and all are told
//!    what windows share that begin from now on;
//! 3. each holding is given the counts of its series, where windows begin (eleven moments), and by kind how large M must be; it
//!    answers with the evidence on each, and which rose.
//!
//! The evidence on a series is so the same function of the same numbers wherever it stands, and its threshold is that of all
//! series together: (bins a false alarm) × (series watched by all shares) over its kind's share. The bound E\[M\] ≤ t holds for each
//! series whatever the others do, and the union bound over series asks nothing of where they are held: the promise is made once,
//! over everything, and no share has a promise of its own. Sums of floating-point numbers are taken over series in the
//! order of first sight (or of becoming busy), which no number of shares changes, and never over shares: one, two and five give the
//! same bits. What is sent of an hour or a quarter of a day grows with series (50 and 16 bytes each), of a bin with its counts.
//!
//! # Over scopes
//!
//! A fleet watches the same keys at each sensor, in groups of sensors and over all ([`Merge::promise_over`]). Sources of all sensors
//! together are one more set of series with a past and a prior of their own, each a series of distinct sources like any other,
//! so that they are more terms in the same union bound: each scope has a share of the promise, as each kind has, and the
//! many sensors of one scope divide theirs evenly. That they see the same wave makes their alarms come together, which no
//! union bound minds; it makes the sum no larger than promised. A sensor hears and sleeps for itself, so exposure and rhythm
//! are a scope's own.

pub(super) mod explain;
mod learning;
mod slots;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::activity::Activity;
use super::deal::Deal;
use super::dispersion::{First, Scatter, Shared};
use super::evidence::{Starts, Weighed, oldest_start};
use super::exposure::Exposure;
use super::holding::{
    Answered, Ask, Asked, Held, Holders, HourOfSeries, Judged, Judgement, Look, Looked, OfHour,
    Partition, Seen,
};
use super::kind::{self, KindState};
use super::rhythm::Rhythm;
use super::{
    Alarm, BINS_A_DAY, Evidence, Kind, KindId, LARGEST_RATIO, LONGEST_EXACT_WINDOW, Prior,
    QUARTER_OF_DAY, Report, SensorWideShift, SeriesId, Settings, SettingsError,
};
use slots::{Slot, Slots};

/// More than one active series in so many rising at once, and at least [`FEWEST_WIDE`]: a sensor-wide shift.
const WIDE_SHARE: usize = 20;
const FEWEST_WIDE: usize = 5;

/// What couples the series of any number of [`Holders`]: some 50 bytes a series. The whole state can be saved and goes on bit
/// for bit, with holdings that were saved after the same bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    settings: Settings,
    /// Watches that have the promise together, this one among them.
    watches: u32,
    kinds: Vec<KindState>,
    exposure: Exposure,
    /// Empty bins since the last one that held anything.
    silent: u32,
    /// What the series share, as it was for windows of the last two days; never empty.
    shared: VecDeque<Arc<Shared>>,
    slots: Slots,
    /// Series whose hours are looked at for the dispersion.
    busy: Vec<u32>,
    activity: Activity,
    /// What holders are to be told before they are asked anything else.
    pending: Vec<(Partition, Ask)>,
}

impl Merge {
    /// One that has seen nothing, over several kinds of series, each with its prior and its share of the promise.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn with_kinds(settings: Settings, kinds: &[Kind]) -> Result<Self, SettingsError> {
        let settings = settings.checked()?;
        let states = kind::begin(kinds)?;
        let first = |(kind, state): (&Kind, &KindState)| {
            let prior = kind.prior.map_or(Ok(Prior::FIRST_HOURS), Prior::checked)?;
            let prior = if state.carried { prior.flattened() } else { prior };
            Ok(state.shared(prior, 0))
        };
        let first: Result<_, SettingsError> = kinds.iter().zip(&states).map(first).collect();
        Ok(Self {
            settings,
            watches: 1,
            kinds: states,
            exposure: Exposure::new(),
            silent: 0,
            shared: VecDeque::from([Arc::new(Shared { at: 0, hours: 0, kinds: first? })]),
            slots: Slots::default(),
            busy: Vec::new(),
            activity: Activity::new(),
            pending: Vec::new(),
        })
    }

    /// Changes the promise: it holds from the next bin that is closed, and nothing that was learned is lost. Evidence
    /// does not depend on it, only the threshold does: what is told from then on stands above the new one, so that a stricter promise
    /// is kept at once. Under a laxer one a rise that stands between both thresholds is told when its series next has a count: it is one
    /// that the laxer promise, had it been made earlier, would have told by now, and so among those that it allows.
    ///
    /// # Errors
    /// When the promise is outside its range; nothing changes then.
    pub fn promise(&mut self, settings: Settings) -> Result<(), SettingsError> {
        self.settings = settings.checked()?;
        Ok(())
    }

    /// Says that so many watches, this one among them, have the promise together, each an equal part of it: from the next bin on.
    /// One that stands alone has it whole.
    pub const fn promise_over(&mut self, watches: u32) {
        self.watches = if watches == 0 { 1 } else { watches };
    }

    /// Says that from the next bin on more is listened to than before: `share` is what was before, of what is now (above 0, at most 1; 0.75
    /// where a fourth sensor joins three). Each series is then expected to have as much more as the newcomer makes of all that listen, for
    /// what is past counts for as many fewer bins. Nothing is claimed of how much a newcomer really hears: where it is less, by sources that
    /// come to several sensors and count once, a small rise is missed until the past has aged; where it is more than its part by half, that
    /// is a rise.
    pub fn widen(&mut self, share: f64) {
        self.exposure.widen(share);
    }

    /// Says that nothing was listened to before the next bin, whatever was closed: what comes from then on is judged as on a first day. For a watch over
    /// what begins to be counted later than the rest; none of its series may have a count yet.
    pub fn begin_anew(&mut self, holders: &mut impl Holders) {
        self.flush(holders);
        self.end_silence(holders);
        self.silent = 0;
        self.exposure.begin_anew();
    }

    /// Says of what kind a series is and who holds it, and what is known of it in particular (a [`Self::learned`] of an earlier
    /// run): before its first count. A series that is never introduced is of kind 0 and held by partition 0. An unknown kind is
    /// kind 0 too, and a prior out of range is left out; of a series that has counts nothing changes.
    ///
    /// Like [`Self::replace`] and [`Self::count_earlier`] it reaches holders with the next bin that is closed, or by [`Self::flush`].
    pub fn introduce(
        &mut self,
        (series, partition): (SeriesId, Partition),
        kind: KindId,
        prior: Option<Prior>,
    ) {
        if self.slots.find(series).is_some() {
            return;
        }
        let slot = self.slots.find_or_add(series, partition);
        self.begin(slot, kind, prior);
    }

    /// Tells holders what they were not told yet.
    pub fn flush(&mut self, holders: &mut impl Holders) {
        if !self.pending.is_empty() {
            holders.ask(std::mem::take(&mut self.pending));
        }
    }

    fn begin(&mut self, slot: u32, kind: KindId, prior: Option<Prior>) {
        let known = usize::from(kind.0) < self.kinds.len();
        let kind = if known { kind } else { KindId::default() };
        let prior = prior.and_then(|prior| prior.checked().ok());
        let now = self.exposure.now();
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.kind = kind;
            let ask = Asked::Begin { at: slot.place, kind, prior, now };
            self.pending.push((slot.partition, Ask(ask)));
        }
    }

    /// Watches one series no longer and another one in its place, which begins anew: for a bounded number of series of which
    /// the liveliest are watched. Like [`Self::introduce`] of `new`; where `old` is not known it is that alone.
    pub fn replace(
        &mut self,
        old: SeriesId,
        (new, partition): (SeriesId, Partition),
        kind: KindId,
        prior: Option<Prior>,
    ) {
        let slot = self.slots.find(old).filter(|_| self.slots.find(new).is_none());
        let Some(slot) = slot else {
            self.introduce((new, partition), kind, prior);
            return;
        };
        if let Some(old) = self.slots.get(slot).filter(|old| old.is_watched())
            && let Some(kind) = self.kinds.get_mut(usize::from(old.kind.0))
        {
            kind.watched = kind.watched.saturating_sub(1);
        }
        if let Some((was_with, at)) = self.slots.replace(slot, new, partition) {
            self.pending.push((was_with, Ask(Asked::Forget { at })));
        }
        self.begin(slot, kind, prior);
    }

    /// Counts what came to a series some bins before the one that is closed next, when it was not yet worth watching: only before its
    /// own first count, and nothing else changes. A series that has counts, or was never introduced, is left as it is.
    pub fn count_earlier(&mut self, series: SeriesId, bins_ago: u64, count: u32) {
        let bin = u32::try_from(self.bins().saturating_sub(bins_ago)).unwrap_or(u32::MAX);
        let Some(slot) = self.slots.find(series).and_then(|slot| self.slots.get_mut(slot)) else {
            return;
        };
        if slot.last.is_none() && bins_ago > 0 && count > 0 {
            slot.touch(bin, count);
            let ask = Asked::Earlier { at: slot.place, bin, count };
            self.pending.push((slot.partition, Ask(ask)));
        }
    }

    /// Says how much the series of a kind scattered in an earlier run (its [`Self::scatter_of`]): before the first bin, after
    /// which it changes nothing. Out of range it is left out.
    pub fn expect_scatter(&mut self, kind: KindId, scatter: Scatter) {
        let Some(first) = First::carried(scatter).filter(|_| self.bins() == 0) else { return };
        let at = usize::from(kind.0);
        let shared =
            self.shared.back_mut().and_then(|shared| Arc::make_mut(shared).kinds.get_mut(at));
        if let Some((kind, shared)) = self.kinds.get_mut(at).zip(shared) {
            kind.first = first;
            *shared = kind.shared(shared.prior, 0);
        }
    }

    /// Says how much each hour of the day weighed in an earlier run (its [`Self::rhythm`], turned so that it begins with the hour
    /// of this run's first bin): before the first bin, after which it changes nothing. Out of range it is left out.
    pub fn expect_rhythm(&mut self, weights: [f64; 24]) {
        if let Some(rhythm) = Rhythm::carried(weights).filter(|_| self.bins() == 0) {
            self.exposure.rhythm = rhythm;
        }
    }

    /// How much more (above 1) or less comes in each hour of the day than on average, from the hour of the first bin on.
    #[must_use]
    pub const fn rhythm(&self) -> [f64; 24] {
        self.exposure.rhythm.weights()
    }

    /// By how much the series of a kind scatter, as it is known now.
    #[must_use]
    pub fn scatter_of(&self, kind: KindId) -> Option<Scatter> {
        self.shared.back()?.kinds.get(usize::from(kind.0)).map(|shared| shared.scatter)
    }

    /// Closes a bin in which these series had these counts of new sources; the others had none. A count of 0 tells that
    /// something came, though nothing new: the sensor was listening. No counts at all are silence, as in [`Self::skip`]. A
    /// series that is named twice has the sum.
    pub fn close_bin(&mut self, holders: &mut impl Holders, counts: &[(SeriesId, u32)]) -> Report {
        if counts.is_empty() {
            self.skip(1);
            return Report::default();
        }
        self.flush(holders);
        self.end_silence(holders);
        let bin = self.exposure.now();
        let (deal, touched) = self.count(bin, counts);
        self.exposure.hear();
        self.silent = 0;
        let judged = self.judge(holders, bin, deal);
        self.report(&touched, judged)
    }

    /// Closes `bins` in which nothing came to any series. So long a silence that chance hardly ever brings it was an outage
    /// and teaches nothing: no rate becomes lower. Any number costs the same.
    pub fn skip(&mut self, bins: u64) {
        self.silent = self.silent.saturating_add(u32::try_from(bins).unwrap_or(u32::MAX));
    }

    /// Bins closed or skipped so far.
    #[must_use]
    pub fn bins(&self) -> u64 {
        u64::from(self.exposure.now()) + u64::from(self.silent)
    }

    /// Bins so far in which the sensor was listening, each as its hour of the day weighs ([`Self::rhythm`]; 1 on average); a
    /// silence that still goes on counts as it would be judged now.
    #[must_use]
    pub fn exposed(&self) -> f64 {
        let known = self.exposure.latest().weighed;
        let listening = self.silent > 0 && !self.exposure.is_outage(self.silent);
        known + if listening { self.exposure.weight_of_next(self.silent) } else { 0.0 }
    }

    /// Series that two sources ever came to: those among which chance may choose.
    #[must_use]
    pub fn watched(&self) -> u32 {
        self.kinds.iter().map(|kind| kind.watched).sum()
    }

    /// The prior of a kind as it is now, to be carried to another run.
    #[must_use]
    pub fn prior_of(&self, kind: KindId) -> Prior {
        self.shared.back().map_or(Prior::FIRST_HOURS, |shared| shared.kind(kind.0).prior)
    }

    /// The evidence on series now, empty bins since their last counts included, in their order; `None` when one is not known.
    #[must_use]
    pub fn scores(
        &self,
        holders: &impl Held,
        series: impl IntoIterator<Item = SeriesId>,
    ) -> Vec<Option<Evidence>> {
        let exposure = self.exposure_now();
        let by = Starts::of(&exposure, &self.shared);
        let slots: Vec<Option<&Slot>> = series.into_iter().map(|id| self.slots.of(id)).collect();
        let mut deal = Deal::new(self.slots.partitions());
        slots.iter().flatten().for_each(|slot| deal.give(slot.partition, slot.place));
        let (hands, order) = deal.hands();
        let partitions: Vec<Partition> = hands.iter().map(|(partition, _)| *partition).collect();
        let look = |(partition, of)| (partition, Look(Looked::Weigh { by: by.clone(), of }));
        let found = holders.look(hands.into_iter().map(look).collect());
        let weighed = found.into_iter().map(|found| match found.0 {
            Seen::Weighed(weighed) => weighed,
            Seen::Series(_) => Vec::new(),
        });
        let mut weighed = order.gather(partitions.into_iter().zip(weighed).collect()).into_iter();
        let evidence = |slot: Option<&Slot>| {
            let weighed = slot.and_then(|slot| Some((slot, weighed.next()??)));
            let of = |(slot, weighed): (&Slot, Weighed)| {
                weighed.evidence(exposure.now(), self.competitors(slot.kind))
            };
            weighed.map(of)
        };
        slots.into_iter().map(evidence).collect()
    }

    /// The exposure with the silence that still goes on, as it would be judged now.
    fn exposure_now(&self) -> Exposure {
        let mut exposure = self.exposure.clone();
        if self.silent > 0 {
            exposure.pass(self.silent, !exposure.is_outage(self.silent));
        }
        exposure
    }

    /// Notes the counts of the running bin; what is dealt of them, and the slots of the series that have one.
    fn count(&mut self, bin: u32, counts: &[(SeriesId, u32)]) -> (Deal<(u32, u32)>, Vec<u32>) {
        let mut deal = Deal::new(self.slots.partitions());
        let mut touched = Vec::with_capacity(counts.len());
        for &(id, count) in counts.iter().filter(|(_, count)| *count > 0) {
            let number = self.slots.find_or_add(id, 0);
            let Some(slot) = self.slots.get_mut(number) else { continue };
            let (before, was_watched) = (slot.last, slot.is_watched());
            slot.touch(bin, count);
            if slot.is_watched()
                && !was_watched
                && let Some(kind) = self.kinds.get_mut(usize::from(slot.kind.0))
            {
                kind.watched = kind.watched.saturating_add(1);
            }
            if before == Some(bin) {
                deal.give_more(slot.partition, (slot.place, count));
            } else {
                self.activity.touch(before);
                touched.push(number);
                deal.give(slot.partition, (slot.place, count));
            }
            if !std::mem::replace(&mut slot.busy, true) {
                self.busy.push(number);
            }
        }
        (deal, touched)
    }

    /// Has the counts of a bin judged.
    fn judge(
        &self,
        holders: &mut impl Holders,
        bin: u32,
        deal: Deal<(u32, u32)>,
    ) -> Vec<Option<Judged>> {
        let promise = self.settings.bins_a_false_alarm();
        let of_kind = |kind: &KindState| {
            let competitors = kind.competitors(self.watches);
            (competitors, (promise * competitors).ln())
        };
        let by = Judgement {
            starts: Starts::of(&self.exposure, &self.shared),
            now: self.exposure.now(),
            kinds: self.kinds.iter().map(of_kind).collect(),
        };
        let judge = |counts| Asked::Judge { bin, by: by.clone(), counts };
        asked(holders, deal, judge, |answer| match answer {
            Answered::Judged(judged) => judged,
            _ => Vec::new(),
        })
    }

    fn report(&self, touched: &[u32], judged: Vec<Option<Judged>>) -> Report {
        let mut report =
            Report { evaluated: Vec::with_capacity(touched.len()), ..Report::default() };
        let mut rising: Vec<(&Slot, Weighed, u32)> = Vec::new();
        let each = touched.iter().zip(judged);
        for (slot, judged) in each.filter_map(|(slot, judged)| self.slots.get(*slot).zip(judged)) {
            report.evaluated.push((slot.id, judged.evidence));
            rising.extend(judged.rose.map(|(weighed, in_bin)| (slot, weighed, in_bin)));
        }
        if rising.len() >= FEWEST_WIDE && rising.len() * WIDE_SHARE > self.activity.active() {
            report.sensor_wide = Some(self.sensor_wide(&rising));
        } else {
            report.alarms =
                rising.iter().map(|(slot, weighed, _)| self.alarm(slot, weighed)).collect();
        }
        report
    }

    /// Series among which chance may choose one of this kind, over its kind's share.
    fn competitors(&self, kind: KindId) -> f64 {
        let kind = self.kinds.get(usize::from(kind.0));
        kind.map_or(1.0, |kind| kind.competitors(self.watches))
    }

    fn alarm(&self, slot: &Slot, weighed: &Weighed) -> Alarm {
        let evidence = weighed.evidence(self.exposure.now(), self.competitors(slot.kind));
        let window = &weighed.window;
        let ratio = window.baseline.ratio(window.counts, window.weighed);
        Alarm {
            series: slot.id,
            days: evidence.days,
            ratio: ratio.ratio,
            ratio_low: ratio.low,
            ratio_high: ratio.high,
            since_bin: evidence.since_bin,
            sources: evidence.sources,
            expected: evidence.expected,
            exposed: window.weighed,
            baseline: window.baseline,
            fresh_from: u64::from(weighed.fresh_from),
        }
    }

    fn sensor_wide(&self, rising: &[(&Slot, Weighed, u32)]) -> SensorWideShift {
        let days = rising.iter().map(|(slot, weighed, _)| self.alarm(slot, weighed).days);
        let sources: u64 = rising.iter().map(|(_, _, in_bin)| u64::from(*in_bin)).sum();
        let expected: f64 =
            rising.iter().map(|(_, weighed, _)| weighed.window.baseline.rate()).sum();
        #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
        let ratio = (sources as f64 / expected).min(LARGEST_RATIO);
        SensorWideShift {
            series: rising.iter().map(|(slot, _, _)| slot.id).collect(),
            bin: u64::from(self.exposure.now().saturating_sub(1)),
            days: days.fold(0.0, f64::max),
            sources,
            expected,
            ratio,
        }
    }
}

/// Has all hands of a deal answered, and the answers in the order of the deal.
fn asked<T, A>(
    holders: &mut impl Holders,
    deal: Deal<T>,
    ask: impl Fn(Vec<T>) -> Asked,
    answers: impl Fn(Answered) -> Vec<A>,
) -> Vec<A> {
    let (hands, order) = deal.hands();
    let partitions: Vec<Partition> = hands.iter().map(|(partition, _)| *partition).collect();
    let asks = hands.into_iter().map(|(partition, hand)| (partition, Ask(ask(hand)))).collect();
    let answered = holders.ask(asks).into_iter().map(|answer| answers(answer.0));
    order.gather(partitions.into_iter().zip(answered).collect())
}
