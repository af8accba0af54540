//! The watch over all series: counts of a bin in, alarms out. What a bin costs grows with the series that have a count in it;
//! every 6 hours all series are looked at once, for the prior.

pub(super) mod explain;

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::activity::Activity;
use super::dispersion::{First, LEAST_EXPECTED, Residual, Scatter, Shared};
use super::evidence::{Starts, Weighed, log_bins, oldest_start};
use super::exposure::Exposure;
use super::history::HOUR;
use super::kind::{self, KindState};
use super::rhythm::{Rhythm, Together};
use super::series::Series;
use super::{
    Alarm, BINS_A_DAY, Evidence, Kind, KindId, LARGEST_RATIO, LONGEST_EXACT_WINDOW, Prior,
    QUARTER_OF_DAY, Report, SensorWideShift, SeriesId, Settings, SettingsError,
};

/// Bins after which what the series share is worked out anew.
const SHARED_FOR: u32 = QUARTER_OF_DAY;
/// Until this bin it is worked out every hour.
const FREQUENT_UNTIL: u32 = 72;
/// Bins for which a series that alarmed is held: 24 hours.
const HOLD: u32 = BINS_A_DAY;
/// A prior that was given stays until the sensor's own past is worth this many bins: a day.
const CARRIED_UNTIL: f64 = BINS_A_DAY as f64;
/// Sources that an alarm needs: of two, chance alone makes too many on thousands of quiet series.
const FEWEST_SOURCES: u64 = 3;
/// More than one active series in so many rising at once, and at least [`FEWEST_WIDE`]: a sensor-wide shift.
const WIDE_SHARE: usize = 20;
const FEWEST_WIDE: usize = 5;

/// Watches any number of series of counts in ten-minute bins: at most 5 KB each. The whole state can be saved and goes
/// on bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    settings: Settings,
    kinds: Vec<KindState>,
    exposure: Exposure,
    /// Empty bins since the last one that held anything.
    silent: u32,
    /// What the series share, as it was for windows of the last two days; never empty.
    shared: VecDeque<Shared>,
    slots: Slots,
    series: Vec<Series>,
    /// Series whose hours are looked at for the dispersion.
    busy: Vec<u32>,
    activity: Activity,
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
            kinds: states,
            exposure: Exposure::new(),
            silent: 0,
            shared: VecDeque::from([Shared { at: 0, hours: 0, kinds: first? }]),
            slots: Slots::default(),
            series: Vec::new(),
            busy: Vec::new(),
            activity: Activity::new(),
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

    /// Says of what kind a series is, and what is known of it in particular (a [`Self::learned`] of an earlier run): before its
    /// first count. A series that is never introduced is of kind 0. An unknown kind is kind 0 too, and a prior out of range is
    /// left out; of a series that has counts nothing changes.
    pub fn introduce(&mut self, series: SeriesId, kind: KindId, prior: Option<Prior>) {
        if self.slots.find(series).is_some() {
            return;
        }
        let slot = self.slots.find_or_add(series);
        if slot as usize >= self.series.len() {
            self.series.resize_with(slot as usize + 1, Series::default);
        }
        self.begin(slot, kind, prior);
    }

    fn begin(&mut self, slot: u32, kind: KindId, prior: Option<Prior>) {
        let known = usize::from(kind.0) < self.kinds.len();
        let kind = if known { kind } else { KindId::default() };
        let prior = prior.and_then(|prior| prior.checked().ok());
        let now = self.exposure.now();
        if let Some(series) = self.series.get_mut(slot as usize) {
            series.introduce(kind, prior, now);
        }
    }

    /// Watches one series no longer and another one in its place, which begins anew: for a bounded number of series of which
    /// the liveliest are watched. Like [`Self::introduce`] of `new`; where `old` is not known it is that alone.
    pub fn replace(&mut self, old: SeriesId, new: SeriesId, kind: KindId, prior: Option<Prior>) {
        if let Some(slot) = self.slots.find(old).filter(|_| self.slots.find(new).is_none())
            && let Some(series) = self.series.get_mut(slot as usize)
        {
            if series.is_watched()
                && let Some(kind) = self.kinds.get_mut(usize::from(series.kind.0))
            {
                kind.watched = kind.watched.saturating_sub(1);
            }
            series.begin_anew();
            self.slots.rename(slot, new);
            self.begin(slot, kind, prior);
            return;
        }
        self.introduce(new, kind, prior);
    }

    /// Counts what came to a series some bins before the one that is closed next, when it was not yet worth watching: only before its
    /// own first count, and nothing else changes. A series that has counts, or was never introduced, is left as it is.
    pub fn count_earlier(&mut self, series: SeriesId, bins_ago: u64, count: u32) {
        let bin = u32::try_from(self.bins().saturating_sub(bins_ago)).unwrap_or(u32::MAX);
        let Some(slot) = self.slots.find(series) else { return };
        if let Some(series) = self.series.get_mut(slot as usize)
            && series.history.last_bin().is_none()
            && bins_ago > 0
            && count > 0
        {
            series.touch(bin, count);
        }
    }

    /// Says how much the series of a kind scattered in an earlier run (its [`Self::scatter_of`]): before the first bin, after
    /// which it changes nothing. Out of range it is left out.
    pub fn expect_scatter(&mut self, kind: KindId, scatter: Scatter) {
        let Some(first) = First::carried(scatter).filter(|_| self.bins() == 0) else { return };
        let at = usize::from(kind.0);
        let shared = self.shared.back_mut().and_then(|shared| shared.kinds.get_mut(at));
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

    /// What this series' own past says of its rate, without its kind's prior: to be given to [`Self::introduce`] of another run.
    #[must_use]
    pub fn learned(&self, series: SeriesId) -> Option<Prior> {
        let series = self.series.get(self.slots.find(series)? as usize)?;
        let (now, shared) = (self.exposure.now(), self.shared.back()?);
        let (shape, rate) = series.own_prior_after(now);
        let phi = series.scatter(shared).phi;
        let bins = now.saturating_add(self.silent);
        let shape = shape + series.history.total_after(bins) / phi;
        let rate = rate + self.exposure.latest().weighed_baseline / phi;
        Prior { shape: shape.max(1e-9), rate }.checked().ok()
    }

    /// Closes a bin in which these series had these counts of new sources; the others had none. A count of 0 tells that
    /// something came, though nothing new: the sensor was listening. No counts at all are silence, as in [`Self::skip`]. A
    /// series that is named twice has the sum.
    pub fn close_bin(&mut self, counts: &[(SeriesId, u32)]) -> Report {
        if counts.is_empty() {
            self.skip(1);
            return Report::default();
        }
        self.end_silence();
        let touched = self.count(counts);
        self.exposure.hear();
        self.silent = 0;
        self.evaluate(&touched)
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

    /// The prior of kind 0 as it is now, to be carried to another run.
    #[must_use]
    pub fn prior(&self) -> Prior {
        self.prior_of(KindId::default())
    }

    /// The prior of a kind as it is now.
    #[must_use]
    pub fn prior_of(&self, kind: KindId) -> Prior {
        self.shared.back().map_or(Prior::FIRST_HOURS, |shared| shared.kind(kind.0).prior)
    }

    /// The evidence on a series now, empty bins since its last count included; `None` when it is not known.
    #[must_use]
    pub fn score(&self, series: SeriesId) -> Option<Evidence> {
        self.scores([series]).pop().flatten()
    }

    /// The same for many, in their order: cheaper than one by one.
    #[must_use]
    pub fn scores(&self, series: impl IntoIterator<Item = SeriesId>) -> Vec<Option<Evidence>> {
        let mut exposure = self.exposure.clone();
        if self.silent > 0 {
            exposure.pass(self.silent, !exposure.is_outage(self.silent));
        }
        let starts = Starts::of(&exposure, &self.shared);
        let evidence = |id: SeriesId| {
            let series = self.series.get(self.slots.find(id)? as usize)?;
            let weighed = starts.weigh(series)?;
            Some(weighed.evidence(exposure.now(), self.competitors(series)))
        };
        series.into_iter().map(evidence).collect()
    }

    /// Judges the empty bins before the one that is about to be counted, and ends hours and what was shared when due.
    fn end_silence(&mut self) {
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
            self.end_hour(hour);
        }
        self.exposure.pass(left, exposed);
        let published = self.shared.back().map_or(0, |shared| shared.at);
        let due = if published < FREQUENT_UNTIL { HOUR } else { SHARED_FOR };
        if bin - published.min(bin) >= due {
            self.share(bin);
        }
        self.activity.advance(bin);
    }

    /// Looks at the residuals of the hour that has just ended.
    fn end_hour(&mut self, hour: u32) {
        let Some(start) = self.exposure.mark(HOUR) else { return };
        let Some(shared) = self.shared.back() else { return };
        let end = self.exposure.latest();
        #[allow(clippy::cast_precision_loss, reason = "at most six")]
        let exposed = end.exposed.saturating_sub(start.exposed) as f64;
        let weighed = end.weighed - start.weighed;
        let mut together = Together::default();
        let hours = hour + 1;
        let hour_f = f64::from(HOUR);
        let (all, kinds) = (&mut self.series, &mut self.kinds);
        self.busy.retain(|slot| {
            let Some(series) = all.get_mut(*slot as usize) else { return false };
            let (counts, total) = series.hour(hour, exposed, weighed);
            if hour_f * total > LEAST_EXPECTED * start.baseline {
                together.add(counts.count as f64, total / start.baseline * exposed);
                let (own, phi) = (series.own_prior_after(hour * HOUR), series.scatter(shared).phi);
                let prior = shared.kind(series.kind.0).prior;
                let prior = Prior { shape: prior.shape + own.0, rate: prior.rate + own.1 };
                let residual = Residual::of(counts, phi, prior, total, start.weighed_baseline);
                series.dispersion.add(hours, residual);
                if let Some(kind) = kinds.get_mut(usize::from(series.kind.0)) {
                    kind.pool.add(hours, residual);
                }
            }
            let total = series.history.total_after(hours.saturating_mul(HOUR));
            series.busy = hour_f * total > LEAST_EXPECTED * end.baseline;
            series.busy
        });
        if start.exposed >= u64::from(BINS_A_DAY) {
            self.exposure.rhythm.learn(hour, together);
        }
    }

    /// Works out anew what windows share that begin at `bin` or later.
    fn share(&mut self, bin: u32) {
        let exposure = self.exposure.latest().weighed_baseline;
        let hours = bin / HOUR;
        let mut shared = Shared { at: bin, hours, kinds: Vec::with_capacity(self.kinds.len()) };
        for (number, kind) in (0_u8..).zip(&mut self.kinds) {
            let mut prior =
                self.shared.back().map_or(Prior::FIRST_HOURS, |last| last.kind(number).prior);
            if !kind.carried || exposure >= CARRIED_UNTIL {
                kind.carried = false;
                // One that was introduced and not yet counted would say that nothing ever comes.
                let of_kind = self
                    .series
                    .iter()
                    .filter(|series| series.kind.0 == number && series.was_counted());
                let count = of_kind.clone().count();
                let totals = of_kind.map(|series| {
                    let (shape, rate) = series.own_prior_after(bin);
                    (series.history.total_after(bin) + shape, exposure + rate)
                });
                prior = Prior::fitted(totals, count).unwrap_or(prior);
            }
            shared.kinds.push(kind.shared(prior, hours));
        }
        self.shared.push_back(shared);
        self.forget_shared(bin);
        self.series.iter_mut().for_each(|series| series.publish(&self.shared, bin));
    }

    /// Of what series shared before the last two days one a day is enough, as far back as a window may begin.
    fn forget_shared(&mut self, bin: u32) {
        let oldest = oldest_start(bin);
        while self.shared.get(1).is_some_and(|second| second.at <= oldest) {
            self.shared.pop_front();
        }
        let exact = bin.saturating_sub(LONGEST_EXACT_WINDOW);
        let day = |shared: &Shared| shared.at / BINS_A_DAY;
        let mut at = 1;
        while self.shared.get(at + 1).is_some_and(|next| next.at <= exact) {
            if self.shared.get(at).map(day) == self.shared.get(at - 1).map(day) {
                self.shared.remove(at);
            } else {
                at += 1;
            }
        }
    }

    /// Adds the counts of the running bin; the slots of the series that have one.
    fn count(&mut self, counts: &[(SeriesId, u32)]) -> Vec<u32> {
        let bin = self.exposure.now();
        let mut touched = Vec::with_capacity(counts.len());
        for &(id, count) in counts.iter().filter(|(_, count)| *count > 0) {
            let slot = self.slots.find_or_add(id);
            if slot as usize >= self.series.len() {
                self.series.resize_with(slot as usize + 1, Series::default);
            }
            let series = &mut self.series[slot as usize];
            let (before, was_watched) = (series.history.last_bin(), series.is_watched());
            series.touch(bin, count);
            if series.is_watched()
                && !was_watched
                && let Some(kind) = self.kinds.get_mut(usize::from(series.kind.0))
            {
                kind.watched = kind.watched.saturating_add(1);
            }
            if before != Some(bin) {
                self.activity.touch(before);
                touched.push(slot);
            }
            if !std::mem::replace(&mut series.busy, true) {
                self.busy.push(slot);
            }
        }
        touched
    }

    fn evaluate(&mut self, touched: &[u32]) -> Report {
        let now = self.exposure.now();
        let promise = self.settings.bins_a_false_alarm();
        let of_kind = |kind: &KindState| {
            let competitors = kind.competitors();
            (competitors, (promise * competitors).ln())
        };
        let kinds: Vec<(f64, f64)> = self.kinds.iter().map(of_kind).collect();
        let mut report =
            Report { evaluated: Vec::with_capacity(touched.len()), ..Report::default() };
        let mut rising: Vec<(u32, Weighed)> = Vec::new();
        let starts = Starts::of(&self.exposure, &self.shared);
        for &slot in touched {
            let series = &mut self.series[slot as usize];
            series.history.forget(now);
            let Some(weighed) = starts.weigh(series) else { continue };
            let kind = kinds.get(usize::from(series.kind.0)).copied();
            let (competitors, threshold) = kind.unwrap_or((f64::MAX, f64::MAX));
            let evidence = weighed.evidence(now, competitors);
            report.evaluated.push((self.slots.id(slot), evidence));
            let above = log_bins(weighed.fresh_log_m) >= threshold
                && weighed.window.counts >= FEWEST_SOURCES;
            if above && !series.above && now >= series.held_until {
                series.held_until = now.saturating_add(HOLD);
                series.told = true;
                series.spent_until = now;
                rising.push((slot, weighed));
            }
            // A wave that was told is spent as far as it stands out: neither its course nor its end is a new rise.
            if log_bins(weighed.log_m) >= threshold {
                series.spent_until = if series.told { now } else { series.spent_until };
            } else if now >= series.held_until {
                series.told = false;
            }
            series.above = above;
        }
        if rising.len() >= FEWEST_WIDE && rising.len() * WIDE_SHARE > self.activity.active() {
            report.sensor_wide = Some(self.sensor_wide(&rising));
        } else {
            report.alarms =
                rising.iter().map(|(slot, weighed)| self.alarm(*slot, weighed)).collect();
        }
        report
    }

    /// Series among which chance may choose this one, over its kind's share.
    fn competitors(&self, series: &Series) -> f64 {
        self.kinds.get(usize::from(series.kind.0)).map_or(1.0, KindState::competitors)
    }

    fn alarm(&self, slot: u32, weighed: &Weighed) -> Alarm {
        let competitors = self.series.get(slot as usize).map_or(1.0, |one| self.competitors(one));
        let evidence = weighed.evidence(self.exposure.now(), competitors);
        let window = &weighed.window;
        let ratio = window.baseline.ratio(window.counts, window.weighed);
        Alarm {
            series: self.slots.id(slot),
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

    fn most_days(&self, rising: &[(u32, Weighed)]) -> f64 {
        rising.iter().map(|(slot, weighed)| self.alarm(*slot, weighed).days).fold(0.0, f64::max)
    }

    fn sensor_wide(&self, rising: &[(u32, Weighed)]) -> SensorWideShift {
        let now = self.exposure.now();
        let series = |slot: &u32| self.series.get(*slot as usize);
        let sources: u64 = rising
            .iter()
            .filter_map(|(slot, _)| series(slot))
            .map(|series| u64::from(series.history.since(now.saturating_sub(1)).counts))
            .sum();
        let expected: f64 = rising.iter().map(|(_, weighed)| weighed.window.baseline.rate()).sum();
        #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
        let ratio = (sources as f64 / expected).min(LARGEST_RATIO);
        SensorWideShift {
            series: rising.iter().map(|(slot, _)| self.slots.id(*slot)).collect(),
            bin: u64::from(now.saturating_sub(1)),
            days: self.most_days(rising),
            sources,
            expected,
            ratio,
        }
    }
}

/// Which place each series has in the vector of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<SeriesId>", into = "Vec<SeriesId>")]
struct Slots {
    ids: Vec<SeriesId>,
    slot_of: HashMap<SeriesId, u32>,
}

impl Slots {
    fn find(&self, id: SeriesId) -> Option<u32> {
        self.slot_of.get(&id).copied()
    }

    #[allow(clippy::cast_possible_truncation, reason = "ids are 32-bit numbers, all different")]
    fn find_or_add(&mut self, id: SeriesId) -> u32 {
        let ids = &mut self.ids;
        *self.slot_of.entry(id).or_insert_with(|| {
            ids.push(id);
            ids.len() as u32 - 1
        })
    }

    /// Gives the place of one series to another, which has none.
    fn rename(&mut self, slot: u32, id: SeriesId) {
        if let Some(old) = self.ids.get_mut(slot as usize) {
            self.slot_of.remove(old);
            *old = id;
            self.slot_of.insert(id, slot);
        }
    }

    fn id(&self, slot: u32) -> SeriesId {
        self.ids.get(slot as usize).copied().unwrap_or(SeriesId(u32::MAX))
    }
}

impl From<Vec<SeriesId>> for Slots {
    fn from(ids: Vec<SeriesId>) -> Self {
        let slot_of = ids.iter().zip(0_u32..).map(|(id, slot)| (*id, slot)).collect();
        Self { ids, slot_of }
    }
}

impl From<Slots> for Vec<SeriesId> {
    fn from(slots: Slots) -> Self {
        slots.ids
    }
}
