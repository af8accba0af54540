//! The live run of detection: closed ten-minute bins in, changed signs out. What it is given must come in order of time and
//! once; given the same bins it gives the same signs, whether live, after a restart from a snapshot, or in a replay.

use kizashi_detect::changefinder;
use kizashi_detect::gamma_poisson::{self, Alarm, Evidence, SensorWideShift, SeriesId, Watch};
use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_store::{ClosedBin, PortBin};
use serde::{Deserialize, Serialize};

use crate::counts::{SeriesCount, SeriesOfPorts};
use crate::key_series::KEYS_FROM;
use crate::key_watch::{KeyAlarm, KeyWatch, watch_of_ports};
use crate::open_sign::{Expected, OpenSign};
use crate::port_scores::PortScores;
use crate::ports::port_info;
use crate::recent::Recent;
use crate::sign::key_label;
use crate::visits::Visits;
use crate::{EvidenceLog, PortScore, PortStanding, Severity, Sign, SignKind, Standing};

/// The length of a bin, in microseconds.
const BIN: i64 = 600 * Timestamp::SECOND;
/// How long a sign stays open at least, in microseconds.
const HOLD: i64 = Timestamp::DAY;
/// Evidence below this many days is not shown: chance brings as much many times a day.
const LEAST_SHOWN: f64 = 0.02;
/// Ports that a sensor-wide sign names at most.
const MOST_NAMED: usize = 64;
/// The layout of a snapshot; another number is not read.
const SNAPSHOT_FORMAT: u32 = 3;
/// Keys of one sign that are named as rising with it.
const MOST_ALSO: usize = 16;

/// What a person may set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// False alarms a week over everything watched, from 0.0001 to 10,000.
    pub false_alarms_per_week: f64,
    /// ChangeFinder's parameters, of the scores that are drawn.
    pub changefinder: changefinder::Settings,
    /// Megabytes (2^20 bytes) that the watch over keys other than ports may take.
    pub memory_megabytes: u32,
}

impl Default for Settings {
    /// One false alarm a week; ChangeFinder as it comes.
    fn default() -> Self {
        Self {
            false_alarms_per_week: 1.0,
            changefinder: changefinder::Settings::default(),
            memory_megabytes: 64,
        }
    }
}

/// Detection could not start or go on from where it was.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DetectionError {
    /// The promise was outside its range.
    #[error("detection cannot start: {0}")]
    Settings(#[from] gamma_poisson::SettingsError),
    /// A parameter of ChangeFinder was outside its range.
    #[error("detection cannot start: {0}")]
    ChangeFinder(#[from] changefinder::SettingsError),
    /// A snapshot of another version, of other settings, or damaged.
    #[error("the saved state of detection does not fit; run detection anew over the stored bins")]
    Snapshot,
}

/// The state of detection over all ports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    format: u32,
    settings: Settings,
    watch: Watch,
    keys: KeyWatch,
    series: SeriesOfPorts,
    visits: Visits,
    recent: Recent,
    scores: PortScores,
    evidence: EvidenceLog,
    open: Vec<OpenSign>,
    /// The start of the first bin ever closed, and of the next one to close.
    origin: Timestamp,
    next: Option<Timestamp>,
}

/// What closing a bin brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Closed {
    /// Signs raised by this bin.
    pub raised: Vec<Sign>,
    /// Signs raised earlier that grew or ended, as they are now.
    pub changed: Vec<Sign>,
}

impl Closed {
    /// Every sign that is not as it was, to be saved.
    pub fn into_signs(self) -> impl Iterator<Item = Sign> {
        self.changed.into_iter().chain(self.raised)
    }

    fn now_is(&mut self, sign: &Sign) {
        self.changed.retain(|old| old.id != sign.id);
        self.changed.push(sign.clone());
    }
}

impl Detection {
    /// Detection that has seen nothing.
    ///
    /// # Errors
    /// When a setting is outside its range.
    pub fn new(settings: Settings) -> Result<Self, DetectionError> {
        changefinder::ChangeFinder::new(settings.changefinder)?;
        let Settings { false_alarms_per_week, memory_megabytes, .. } = settings;
        let promise = gamma_poisson::Settings { false_alarms_per_week };
        let bytes = (memory_megabytes as usize).saturating_mul(1 << 20);
        Ok(Self {
            format: SNAPSHOT_FORMAT,
            settings,
            watch: watch_of_ports(promise)?,
            keys: KeyWatch::new(promise, bytes)?,
            series: SeriesOfPorts::default(),
            visits: Visits::default(),
            recent: Recent::default(),
            scores: PortScores::new(settings.changefinder),
            evidence: EvidenceLog::default(),
            open: Vec::new(),
            origin: Timestamp::default(),
            next: None,
        })
    }

    /// Goes on from a [`Self::snapshot`] made with the same settings.
    ///
    /// # Errors
    /// When the bytes are no snapshot of this version, or of other settings.
    pub fn restore(settings: Settings, bytes: &[u8]) -> Result<Self, DetectionError> {
        let detection: Self = postcard::from_bytes(bytes).map_err(|_| DetectionError::Snapshot)?;
        if detection.format != SNAPSHOT_FORMAT || detection.settings != settings {
            return Err(DetectionError::Snapshot);
        }
        Ok(detection)
    }

    /// The whole state, for [`Self::restore`]: the same bytes for the same state.
    ///
    /// # Errors
    /// When it cannot be written out, which no state is known to cause.
    pub fn snapshot(&self) -> Result<Vec<u8>, DetectionError> {
        postcard::to_allocvec(self).map_err(|_| DetectionError::Snapshot)
    }

    /// The end of the last closed bin: bins before it have been seen.
    #[must_use]
    pub const fn through(&self) -> Option<Timestamp> {
        self.next
    }

    /// Ports seen so far.
    #[must_use]
    pub fn series_watched(&self) -> usize {
        self.series.len()
    }

    /// Keys of other kinds that are watched.
    #[must_use]
    pub const fn keys_watched(&self) -> usize {
        self.keys.keys.len()
    }

    /// The signs that still go on.
    pub fn open_signs(&self) -> impl Iterator<Item = &Sign> {
        self.open.iter().map(|open| &open.sign)
    }

    /// ChangeFinder's last scores of a port.
    #[must_use]
    pub fn port_score(&self, port: Port) -> Option<&PortScore> {
        self.scores.of(self.series.find(port)?)
    }

    /// How sure it is now that a port rises: by chance at most once in so many days.
    #[must_use]
    pub fn days_now(&self, port: Port) -> Option<f64> {
        self.evidence_now(self.series.find(port)?).map(|evidence| evidence.days)
    }

    /// How every port stands now that ChangeFinder scores or a sign is open on: at most some 8,000. It is a copy, made in
    /// milliseconds: once a closed bin is enough.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let mut series: Vec<u32> = self.scores.scored().map(|(series, _)| series).collect();
        series.extend(self.open.iter().filter_map(OpenSign::one_series));
        series.sort_unstable();
        series.dedup();
        let evidence = self.watch.scores(series.iter().map(|series| SeriesId(*series)));
        let stand = |(series, evidence): (u32, Option<Evidence>)| {
            let score = self.scores.of(series);
            let days = evidence.map(|evidence| evidence.days).filter(|days| *days >= LEAST_SHOWN);
            let standing = PortStanding {
                half_daily: score.and_then(|score| score.half_daily),
                hourly: score.and_then(|score| score.hourly),
                spark: score.map(|score| score.spark.iter().copied().collect()).unwrap_or_default(),
                days,
            };
            Some((self.series.port(series)?, standing))
        };
        Standing {
            through: self.next,
            ports: series.into_iter().zip(evidence).filter_map(stand).collect(),
        }
    }

    /// The evidence noted since it was last taken: names and bytes for the store to keep (see [`crate::EvidenceDay`]).
    pub fn take_evidence(&mut self) -> Vec<(String, Vec<u8>)> {
        self.evidence.take(self.next.unwrap_or_default())
    }

    /// Closes a bin. Bins between the last one and this one are taken as empty; one that was closed before is left out.
    pub fn close(&mut self, bin: &ClosedBin) -> Closed {
        let start = bin.start.floor_to(BIN);
        let mut closed = self.advance(start);
        // An empty bin is what a bin left out is, so that a replay of what is stored equals the live run.
        if bin.ports.is_empty() || self.next.is_some_and(|next| start < next) {
            return closed;
        }
        if self.next.is_none() {
            self.origin = start;
        }
        let index = self.index_of(start);
        let rows = self.count(index, &bin.ports);
        self.scores.add(start, &rows);
        let counts: Vec<(SeriesId, u32)> =
            rows.iter().map(|row| (SeriesId(row.series), row.fresh)).collect();
        let report = self.watch.close_bin(&counts);
        let key_rows = self.keys.count(index, &bin.keys);
        let of_keys = self.keys.close_bin(&key_rows);
        // Numbers of keys are larger than those of ports: both lists stay in order.
        let rows = [rows, key_rows].concat();
        self.recent.push(index, &rows);
        let end = start.plus(BIN);
        self.next = Some(end);
        for (series, evidence) in &report.evaluated {
            if let Some(port) = self.series.port(series.0) {
                self.evidence.note(start, port, evidence.days);
            }
        }
        let evaluated = [report.evaluated, of_keys.evaluated].concat();
        self.grow(end, &rows, &evaluated, &mut closed);
        self.end_signs(end, &mut closed);
        self.raise(start, &report.alarms, report.sensor_wide.as_ref(), &mut closed);
        if report.sensor_wide.is_none() {
            self.raise_keys(start, &of_keys.alarms, &mut closed);
        }
        closed
    }

    /// Closes every bin that ends at or before `through` as empty.
    pub fn advance(&mut self, through: Timestamp) -> Closed {
        let mut closed = Closed::default();
        let Some(mut next) = self.next else { return closed };
        while next.plus(BIN) <= through {
            // While a sign is open each bin may end it; with none, time is leapt over.
            let bins = if self.open.is_empty() { through.since(next) / BIN } else { 1 };
            self.watch.skip(bins.unsigned_abs());
            self.keys.skip(bins.unsigned_abs());
            next = next.plus(BIN.saturating_mul(bins));
            self.next = Some(next);
            self.end_signs(next, &mut closed);
        }
        self.scores.advance(next);
        closed
    }

    fn index_of(&self, start: Timestamp) -> i64 {
        start.since(self.origin) / BIN
    }

    fn evidence_now(&self, series: u32) -> Option<Evidence> {
        if series >= KEYS_FROM {
            self.keys.score(series)
        } else {
            self.watch.score(SeriesId(series))
        }
    }

    /// What a bin held, ordered by series.
    fn count(&mut self, index: i64, ports: &[PortBin]) -> Vec<SeriesCount> {
        let mut ports: Vec<&PortBin> = ports.iter().collect();
        ports.sort_by_key(|row| row.port);
        let mut rows: Vec<SeriesCount> = Vec::with_capacity(ports.len());
        for row in ports {
            let series = self.series.find_or_add(row.port);
            let fresh = self.visits.count(index, series, &row.sources);
            rows.push(SeriesCount { series, events: row.events, fresh });
        }
        rows.sort_by_key(|row| row.series);
        rows.dedup_by(|later, kept| {
            let same = later.series == kept.series;
            if same {
                kept.events = kept.events.saturating_add(later.events);
                kept.fresh = kept.fresh.saturating_add(later.fresh);
            }
            same
        });
        rows
    }

    fn grow(
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
    fn end_signs(&mut self, now: Timestamp, closed: &mut Closed) {
        let is_old = |open: &OpenSign| now.since(open.sign.detected) >= HOLD;
        if !self.open.iter().any(is_old) {
            return;
        }
        let threshold = 7.0 / self.settings.false_alarms_per_week;
        let exposed = self.watch.exposed();
        for mut open in std::mem::take(&mut self.open) {
            let stands_out = || {
                let evidence = self.evidence_now(open.one_series()?)?;
                Some(evidence.days >= threshold && evidence.sources > 0)
            };
            if is_old(&open) && stands_out() != Some(true) {
                open.measure(now, exposed, None);
                open.sign.open = false;
                closed.now_is(&open.sign);
            } else {
                self.open.push(open);
            }
        }
    }

    fn raise(
        &mut self,
        start: Timestamp,
        alarms: &[Alarm],
        sensor_wide: Option<&SensorWideShift>,
        closed: &mut Closed,
    ) {
        let rises = alarms.iter().filter_map(|alarm| self.rise(alarm, start));
        let wide = sensor_wide.map(|shift| self.sensor_wide(shift, start));
        let raised: Vec<OpenSign> = rises
            .chain(wide)
            .filter(|new| self.open.iter().all(|open| open.sign.key != new.sign.key))
            .collect();
        for new in raised {
            let sources = new
                .one_series()
                .map(|series| self.visits.sources_since(series, self.index_of(new.sign.since)));
            // A key may have told of the same visitors before the port did.
            let told = self.open.iter().position(|open| {
                open.one_series().is_some_and(|series| series >= KEYS_FROM)
                    && sources.as_ref().is_some_and(|sources| self.coincides(open, sources))
            });
            match told {
                Some(at) => self.join(at, new.sign.key, closed),
                None => {
                    closed.raised.push(new.sign.clone());
                    self.open.push(new);
                }
            }
        }
    }

    fn rise(&self, alarm: &Alarm, start: Timestamp) -> Option<OpenSign> {
        let port = self.series.port(alarm.series.0)?;
        let since_bin = i64::try_from(alarm.since_bin).ok()?;
        let mut sign = Sign::begun(SignKind::Rise, &Key::port(port), start.plus(BIN));
        sign.label = port_info(port).title.into_owned();
        sign.since = self.origin.plus(BIN.saturating_mul(since_bin));
        sign.days = alarm.days;
        sign.events = self.recent.events_since(alarm.series.0, since_bin);
        sign.sources = alarm.sources;
        let mut open = OpenSign {
            sign,
            series: vec![alarm.series.0],
            expected: Expected::Series(alarm.baseline),
            exposed_before: self.watch.exposed().saturating_sub(alarm.exposed),
        };
        open.measure(start.plus(BIN), self.watch.exposed(), Some(alarm.days));
        Some(open)
    }

    /// Keys that rise with the sources of a sign that is open already belong to it; the others are signs of their own.
    fn raise_keys(&mut self, start: Timestamp, alarms: &[KeyAlarm], closed: &mut Closed) {
        for alarm in alarms {
            let key = alarm.key.to_string();
            if self.open.iter().any(|open| open.sign.key == key) {
                continue;
            }
            let since = i64::try_from(alarm.evidence.since_bin).unwrap_or(i64::MAX);
            let sources = self.keys.keys.sources_since(alarm.series, since);
            let is_sum = matches!(alarm.key.kind, KeyKind::Service | KeyKind::Total);
            if is_sum && self.visits.one_series_has_half(&sources, since) {
                // What rises at one port only is that port's to tell.
                continue;
            }
            let Some(at) = self.open.iter().position(|open| self.coincides(open, &sources)) else {
                let open = self.key_rise(alarm, start);
                closed.raised.push(open.sign.clone());
                self.open.push(open);
                continue;
            };
            self.join(at, key, closed);
        }
    }

    /// Notes at an open sign that a key rises with it.
    fn join(&mut self, at: usize, key: String, closed: &mut Closed) {
        let Some(open) = self.open.get_mut(at) else { return };
        if open.sign.also.len() >= MOST_ALSO || open.sign.also.contains(&key) {
            return;
        }
        open.sign.also.push(key);
        match closed.raised.iter_mut().find(|raised| raised.id == open.sign.id) {
            Some(raised) => *raised = open.sign.clone(),
            None => closed.now_is(&open.sign),
        }
    }

    /// Whether at least half of `sources` are among the new sources of an open sign.
    fn coincides(&self, open: &OpenSign, sources: &[u32]) -> bool {
        let Some(series) = open.one_series() else { return false };
        let since = self.index_of(open.sign.since);
        let of_sign = if series >= KEYS_FROM {
            self.keys.keys.sources_since(series, since)
        } else {
            self.visits.sources_since(series, since)
        };
        let shared = sources.iter().filter(|source| of_sign.binary_search(source).is_ok()).count();
        !sources.is_empty() && 2 * shared >= sources.len()
    }

    fn key_rise(&self, alarm: &KeyAlarm, start: Timestamp) -> OpenSign {
        let since_bin = i64::try_from(alarm.evidence.since_bin).unwrap_or(0);
        let mut sign = Sign::begun(SignKind::Rise, &alarm.key, start.plus(BIN));
        sign.label = key_label(alarm.key.kind).to_owned();
        sign.since = self.origin.plus(BIN.saturating_mul(since_bin));
        sign.days = alarm.evidence.days;
        sign.events = self.recent.events_since(alarm.series, since_bin);
        sign.sources = alarm.evidence.sources;
        let mut open = OpenSign {
            sign,
            series: vec![alarm.series],
            expected: Expected::Series(alarm.baseline),
            exposed_before: self.watch.exposed().saturating_sub(alarm.exposed),
        };
        open.measure(start.plus(BIN), self.watch.exposed(), Some(alarm.evidence.days));
        open
    }

    fn sensor_wide(&self, shift: &SensorWideShift, start: Timestamp) -> OpenSign {
        let mut sign = Sign::begun(SignKind::SensorWide, &Key::total(), start.plus(BIN));
        let mut series: Vec<u32> = shift.series.iter().map(|series| series.0).collect();
        series.sort_unstable();
        let mut ports: Vec<Port> =
            series.iter().filter_map(|series| self.series.port(*series)).collect();
        ports.sort_unstable();
        sign.label = "the whole sensor".to_owned();
        sign.since = start;
        sign.days = shift.days;
        sign.sources = shift.sources;
        sign.rising = ports.len();
        sign.ports = ports.iter().take(MOST_NAMED).map(Port::to_string).collect();
        let index = self.index_of(start);
        sign.events = series.iter().map(|series| self.recent.events_since(*series, index)).sum();
        sign.severity = Severity::Low;
        let exposed = self.watch.exposed();
        let mut open = OpenSign {
            sign,
            series,
            expected: Expected::Together(shift.expected),
            exposed_before: exposed.saturating_sub(1),
        };
        open.measure(start.plus(BIN), exposed, None);
        open
    }
}
