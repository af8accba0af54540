//! The watch over all series: counts of a bin in, alarms out. What a bin costs grows with the series that have a count in it;
//! every 6 hours all series are looked at once, for the prior.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::activity::Activity;
use super::dispersion::{LEAST_EXPECTED, Residual, Residuals, Shared};
use super::evidence::{Starts, Weighed};
use super::exposure::Exposure;
use super::series::{HOUR, Series};
use super::{
    Alarm, BINS_A_DAY, Evidence, LARGEST_RATIO, LONGEST_WINDOW, Prior, Report, SensorWideShift,
    SeriesId, Settings, SettingsError,
};

/// Bins after which what the series share is worked out anew: 6 hours.
const SHARED_FOR: u32 = 36;
/// Bins for which a series that alarmed is held: 24 hours.
const HOLD: u32 = BINS_A_DAY;
/// A prior that was given stays until the sensor's own past is worth this many bins: a day.
const CARRIED_UNTIL: f64 = BINS_A_DAY as f64;
/// More than one active series in so many rising at once, and at least [`FEWEST_WIDE`]: a sensor-wide shift.
const WIDE_SHARE: usize = 20;
const FEWEST_WIDE: usize = 5;

/// Watches any number of series of counts in ten-minute bins: at most 3 KB each. The whole state can be saved and goes
/// on bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    settings: Settings,
    /// Whether the prior was given and is still better than what has been seen.
    carried: bool,
    exposure: Exposure,
    /// Empty bins since the last one that held anything.
    silent: u32,
    /// What the series share, as it was for windows of the last two days; never empty.
    shared: VecDeque<Shared>,
    pool: Residuals,
    slots: Slots,
    series: Vec<Series>,
    /// Series whose hours are looked at for the dispersion.
    busy: Vec<u32>,
    activity: Activity,
    /// Series that two sources ever came to.
    watched: u32,
}

impl Watch {
    /// A watch that has seen nothing. With a `prior` (carried from an earlier run, or shipped) the first days see nearly as
    /// sharply as later ones; without, it begins with [`Prior::FIRST_HOURS`].
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn new(settings: Settings, prior: Option<Prior>) -> Result<Self, SettingsError> {
        if !(1e-4..=1e4).contains(&settings.false_alarms_per_week) {
            return Err(SettingsError::FalseAlarms(settings.false_alarms_per_week));
        }
        let first = Shared { at: 0, hours: 0, prior: Prior::FIRST_HOURS, dispersion: 1.0 };
        let first = match prior {
            Some(prior) => Shared { prior: prior.checked()?, ..first },
            None => first,
        };
        Ok(Self {
            settings,
            carried: prior.is_some(),
            exposure: Exposure::new(),
            silent: 0,
            shared: VecDeque::from([first]),
            pool: Residuals::default(),
            slots: Slots::default(),
            series: Vec::new(),
            busy: Vec::new(),
            activity: Activity::new(),
            watched: 0,
        })
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

    /// Bins so far in which the sensor was listening; a silence that still goes on counts as it would be judged now.
    #[must_use]
    pub fn exposed(&self) -> u64 {
        let silent = if self.exposure.is_outage(self.silent) { 0 } else { self.silent };
        self.exposure.latest().exposed.saturating_add(u64::from(silent))
    }

    /// Series that two sources ever came to: those among which chance may choose.
    #[must_use]
    pub const fn watched(&self) -> u32 {
        self.watched
    }

    /// The prior as it is now, to be carried to another run.
    #[must_use]
    pub fn prior(&self) -> Prior {
        self.shared.back().map_or(Prior::FIRST_HOURS, |shared| shared.prior)
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
            Some(weighed.evidence(exposure.now(), self.watched))
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
        if bin - published.min(bin) >= SHARED_FOR {
            self.share(bin);
        }
        self.activity.advance(bin);
    }

    /// Looks at the residuals of the hour that has just ended.
    fn end_hour(&mut self, hour: u32) {
        let Some(start) = self.exposure.mark(HOUR) else { return };
        let (end, prior) = (self.exposure.latest(), self.prior());
        #[allow(clippy::cast_precision_loss, reason = "at most six")]
        let exposed = end.exposed.saturating_sub(start.exposed) as f64;
        let hours = hour + 1;
        let hour_f = f64::from(HOUR);
        let (all, pool) = (&mut self.series, &mut self.pool);
        self.busy.retain(|slot| {
            let Some(series) = all.get_mut(*slot as usize) else { return false };
            let (count, total) = series.hour(hour);
            if hour_f * total > LEAST_EXPECTED * start.baseline {
                let residual = Residual::of(count, exposed, prior, total, start.baseline);
                series.dispersion.add(hours, residual);
                pool.add(hours, residual);
            }
            let total = series.total_after(hours.saturating_mul(HOUR));
            series.busy = hour_f * total > LEAST_EXPECTED * end.baseline;
            series.busy
        });
    }

    /// Works out anew what windows share that begin at `bin` or later.
    fn share(&mut self, bin: u32) {
        let exposure = self.exposure.latest().baseline;
        let mut prior = self.prior();
        if !self.carried || exposure >= CARRIED_UNTIL {
            self.carried = false;
            let totals = self.series.iter().map(|series| series.total_after(bin));
            prior = Prior::fitted(totals, exposure).unwrap_or(prior);
        }
        let hours = bin / HOUR;
        let shared = Shared { at: bin, hours, prior, dispersion: self.pool.after(hours).pooled() };
        self.shared.push_back(shared);
        let oldest_start = bin.saturating_sub(LONGEST_WINDOW);
        while self.shared.get(1).is_some_and(|second| second.at <= oldest_start) {
            self.shared.pop_front();
        }
        if let Some(oldest) = self.shared.front() {
            self.series.iter_mut().for_each(|series| series.publish(&shared, oldest));
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
            let (before, was_watched) = (series.last_bin(), series.is_watched());
            series.touch(bin, count);
            self.watched += u32::from(series.is_watched() && !was_watched);
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
        let watched = f64::from(self.watched.max(1));
        let threshold = (self.settings.bins_a_false_alarm() * watched).ln();
        let mut report =
            Report { evaluated: Vec::with_capacity(touched.len()), ..Report::default() };
        let mut rising: Vec<(u32, Weighed)> = Vec::new();
        let starts = Starts::of(&self.exposure, &self.shared);
        for &slot in touched {
            let series = &mut self.series[slot as usize];
            series.forget(now);
            let Some(weighed) = starts.weigh(series) else { continue };
            report.evaluated.push((self.slots.id(slot), weighed.evidence(now, self.watched)));
            let above = weighed.log_m >= threshold && weighed.window.counts >= 2;
            if above && !series.above && now >= series.held_until {
                series.held_until = now.saturating_add(HOLD);
                rising.push((slot, weighed));
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

    fn alarm(&self, slot: u32, weighed: &Weighed) -> Alarm {
        let evidence = weighed.evidence(self.exposure.now(), self.watched);
        let window = &weighed.window;
        let ratio = window.baseline.ratio(window.counts, window.exposed);
        Alarm {
            series: self.slots.id(slot),
            days: evidence.days,
            ratio: ratio.ratio,
            ratio_low: ratio.low,
            ratio_high: ratio.high,
            since_bin: evidence.since_bin,
            sources: evidence.sources,
            expected: evidence.expected,
            exposed: window.exposed,
            baseline: window.baseline,
        }
    }

    fn most_days(&self, rising: &[(u32, Weighed)]) -> f64 {
        let days = |weighed: &Weighed| weighed.evidence(self.exposure.now(), self.watched).days;
        rising.iter().map(|(_, weighed)| days(weighed)).fold(0.0, f64::max)
    }

    fn sensor_wide(&self, rising: &[(u32, Weighed)]) -> SensorWideShift {
        let now = self.exposure.now();
        let series = |slot: &u32| self.series.get(*slot as usize);
        let sources: u64 = rising
            .iter()
            .filter_map(|(slot, _)| series(slot))
            .map(|series| series.windowed(now).counts[0])
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
