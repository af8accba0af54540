//! The live run of detection: closed ten-minute bins in, changed signs out. What it is given must come in order of time and
//! once; given the same bins it gives the same signs, whether live, after a restart from a snapshot, or in a replay, and over
//! however many parts ([`crate::shares`]).

mod comparing;
mod course;
mod explaining;
mod falling;
mod grouping;
mod naming;
mod one;
mod queries;
mod raising;
mod settings;

use std::sync::Arc;

use kizashi_detect::changefinder;
use kizashi_detect::gamma_poisson::{self, KindId, Partition, SeriesId};
use kizashi_event::{Key, Port, Timestamp};
use serde::{Deserialize, Serialize};

pub use comparing::Comparison;
use grouping::Past;
pub use one::Detection;
pub use queries::Ongoing;
pub use settings::{DetectionError, Settings};

use crate::counts::{SeriesCount, SeriesOfPorts};
use crate::dossier::RecentMarks;
use crate::falls::Falls;
use crate::key_series::KEYS_FROM;
use crate::key_watch::{KeyWatch, watch_of_ports};
use crate::knowledge::Levels;
use crate::open_sign::OpenSign;
use crate::port_scores::PortScores;
use crate::recent::Recent;
use crate::shares::{
    BinRows, Of, PortRow, Readable, Remembered, Shares, Visit, Which, partition_of,
};
use crate::visits::MOST_REMEMBERED;
use crate::{Campaigns, EvidenceLog, Knowledge, Sign};

/// The length of a bin, in microseconds.
pub(crate) const BIN: i64 = 600 * Timestamp::SECOND;
/// The layout of a snapshot; another number is not read.
const SNAPSHOT_FORMAT: u32 = 14;

/// What couples all keys, over any number of parts that hold them (see [`crate::shares`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    format: u32,
    settings: Settings,
    /// Parts that hold keys.
    partitions: Partition,
    watch: gamma_poisson::Merge,
    keys: KeyWatch,
    series: SeriesOfPorts,
    levels: Levels,
    /// How many visits to ports parts remember.
    visits: Remembered,
    recent: Recent,
    scores: PortScores,
    evidence: EvidenceLog,
    falls: Falls,
    marks: RecentMarks,
    past: Vec<Past>,
    open: Vec<OpenSign>,
    /// The start of the first bin ever closed, and of the next one to close.
    origin: Timestamp,
    next: Option<Timestamp>,
    /// The digest of the campaigns that names came from.
    known_campaigns: u64,
    #[serde(skip, default = "Campaigns::builtin")]
    campaigns: Arc<Campaigns>,
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

    /// A sign is not as it was, be it of this bin or of one before.
    fn now_is(&mut self, sign: &Sign) {
        if let Some(raised) = self.raised.iter_mut().find(|raised| raised.id == sign.id) {
            *raised = sign.clone();
            return;
        }
        self.changed.retain(|old| old.id != sign.id);
        self.changed.push(sign.clone());
    }
}

impl Merge {
    /// One that has seen nothing and begins with what was learned elsewhere, over so many parts that have been told nothing.
    ///
    /// # Errors
    /// When a setting is outside its range.
    pub fn new(
        settings: Settings,
        knowledge: &Knowledge,
        partitions: Partition,
    ) -> Result<Self, DetectionError> {
        changefinder::ChangeFinder::new(settings.changefinder)?;
        let Settings { false_alarms_per_week, memory_megabytes, .. } = settings;
        let promise = gamma_poisson::Settings { false_alarms_per_week };
        let bytes = (memory_megabytes as usize).saturating_mul(1 << 20);
        let partitions = partitions.max(1);
        Ok(Self {
            format: SNAPSHOT_FORMAT,
            settings,
            partitions,
            watch: watch_of_ports(promise, knowledge)?,
            keys: KeyWatch::new(promise, (bytes, partitions), knowledge)?,
            series: SeriesOfPorts::default(),
            levels: knowledge.levels(),
            visits: Remembered::default(),
            recent: Recent::default(),
            scores: PortScores::new(settings.changefinder),
            evidence: EvidenceLog::default(),
            falls: Falls::new(false_alarms_per_week)?,
            marks: RecentMarks::default(),
            past: Vec::new(),
            open: Vec::new(),
            origin: Timestamp::default(),
            next: None,
            known_campaigns: Campaigns::builtin().digest(),
            campaigns: Campaigns::builtin(),
        })
    }

    /// Goes on from a [`Self::snapshot`] made with the same settings and campaigns, with parts as they were then.
    ///
    /// # Errors
    /// When the bytes are no snapshot of this version, or of other settings or campaigns.
    pub fn restore(
        settings: Settings,
        campaigns: Arc<Campaigns>,
        bytes: &[u8],
    ) -> Result<Self, DetectionError> {
        let merge: Self = postcard::from_bytes(bytes).map_err(|_| DetectionError::Snapshot)?;
        merge.going_on(settings, campaigns)
    }

    /// Changes how many false alarms a week are accepted, from the next bin that is closed. Nothing that was learned is lost, and no sign
    /// that was raised changes; how this keeps what is promised is said at [`gamma_poisson::Watch::promise`].
    ///
    /// # Errors
    /// When it is outside its range; nothing changes then.
    pub fn promise(&mut self, false_alarms_per_week: f64) -> Result<(), DetectionError> {
        let promise = gamma_poisson::Settings { false_alarms_per_week };
        self.watch.promise(promise)?;
        self.keys.promise(promise)?;
        self.falls.promise(false_alarms_per_week)?;
        self.settings.false_alarms_per_week = false_alarms_per_week;
        Ok(())
    }

    /// The whole state, for [`Self::restore`]: the same bytes for the same state.
    ///
    /// # Errors
    /// When it cannot be written out, which no state is known to cause.
    pub fn snapshot(&self) -> Result<Vec<u8>, DetectionError> {
        postcard::to_allocvec(self).map_err(|_| DetectionError::Snapshot)
    }

    fn going_on(self, settings: Settings, known: Arc<Campaigns>) -> Result<Self, DetectionError> {
        let fits = self.format == SNAPSHOT_FORMAT
            && self.settings == settings
            && self.known_campaigns == known.digest();
        if fits { Ok(Self { campaigns: known, ..self }) } else { Err(DetectionError::Snapshot) }
    }

    /// So many watches, this one among them, have the promise together, each an equal part of it: from the next bin on.
    pub fn promise_over(&mut self, watches: u32) {
        self.watch.promise_over(watches);
        self.keys.promise_over(watches);
        self.falls.promise_over(watches);
    }

    /// More sensors are listened to than before, from the next bin on: `share` is what was before, of what is now (above 0, at most 1). See
    /// [`kizashi_detect::gamma_poisson::Merge::widen`].
    pub fn widen(&mut self, share: f64) {
        self.watch.widen(share);
        self.keys.widen(share);
    }

    /// The same where keys other than ports may be counted later than these: they are judged as on a first day from the first one on.
    #[must_use]
    pub const fn with_late_keys(mut self) -> Self {
        self.keys.begin_with_first();
        self
    }

    /// Parts that hold keys.
    #[must_use]
    pub const fn partitions(&self) -> Partition {
        self.partitions
    }

    /// The campaigns that it knows.
    #[must_use]
    pub fn campaigns(&self) -> &Campaigns {
        &self.campaigns
    }

    /// The evidence noted since it was last taken: names and bytes for the store to keep (see [`crate::EvidenceDay`]).
    pub fn take_evidence(&mut self) -> Vec<(String, Vec<u8>)> {
        self.evidence.take(self.next.unwrap_or_default())
    }

    /// Closes a bin. Bins between the last one and this one are taken as empty; one that was closed before is left out.
    pub fn close(&mut self, shares: &mut impl Shares, bin: &BinRows<'_>) -> Closed {
        let start = bin.start.floor_to(BIN);
        let mut closed = self.advance(&*shares, start);
        // An empty bin is what a bin left out is, so that a replay of what is stored equals the live run.
        if bin.ports.is_empty() || self.next.is_some_and(|next| start < next) {
            return closed;
        }
        if self.next.is_none() {
            self.origin = start;
            if let Some(rhythm) = self.levels.rhythm_from(start) {
                self.watch.expect_rhythm(rhythm);
            }
        }
        let index = self.index_of(start);
        let rows = self.count(shares, index, &bin.ports);
        self.scores.add(start, &rows);
        let counts: Vec<(SeriesId, u32)> =
            rows.iter().map(|row| (SeriesId(row.series), row.fresh)).collect();
        let report = self.watch.close_bin(&mut Of(shares, Which::Ports), &counts);
        let key_rows = self.keys.count(shares, index, &bin.keys);
        let of_keys = self.keys.close_bin(shares, &key_rows);
        let shares = &*shares;
        // Numbers of keys are larger than those of ports: both lists stay in order.
        let rows = [rows, key_rows].concat();
        self.recent.push(index, &rows);
        let end = start.plus(BIN);
        self.next = Some(end);
        self.marks.push(index, bin.marks.clone());
        for (series, evidence) in &report.evaluated {
            if let Some(port) = self.series.port(series.0) {
                self.evidence.note(start, port, evidence.days);
            }
        }
        let evaluated = [report.evaluated, of_keys.evaluated].concat();
        let ports: Vec<u32> =
            rows.iter().map(|row| row.series).filter(|s| *s < KEYS_FROM).collect();
        let fallen = self.falls.hear(index, &ports);
        self.end_silences(end, &fallen.back, &mut closed);
        self.grow(end, &rows, &evaluated, &mut closed);
        self.grow_dossiers(shares, index, &bin.marks, &mut closed);
        self.end_signs(shares, end, &mut closed);
        self.raise(shares, start, &report.alarms, report.sensor_wide.as_ref(), &mut closed);
        if report.sensor_wide.is_none() {
            self.raise_keys(shares, start, &of_keys.alarms, &mut closed);
        }
        self.raise_silences(shares, end, &fallen.fell, &mut closed);
        closed
    }

    /// Closes every bin that ends at or before `through` as empty.
    pub fn advance(&mut self, shares: &impl Readable, through: Timestamp) -> Closed {
        let mut closed = Closed::default();
        let Some(mut next) = self.next else { return closed };
        while next.plus(BIN) <= through {
            // While a sign is open each bin may end it, and a silence may be told in any; otherwise time is leapt over.
            let is_leap = self.open.is_empty() && self.falls.is_settled();
            let bins = if is_leap { through.since(next) / BIN } else { 1 };
            self.watch.skip(bins.unsigned_abs());
            self.keys.skip(bins.unsigned_abs());
            next = next.plus(BIN.saturating_mul(bins));
            self.next = Some(next);
            self.end_signs(shares, next, &mut closed);
            let fell = self.falls.pass(bins.unsigned_abs());
            self.raise_silences(shares, next, &fell, &mut closed);
        }
        self.scores.advance(next);
        closed
    }

    fn index_of(&self, start: Timestamp) -> i64 {
        start.since(self.origin) / BIN
    }

    /// The series of a port; one that is new begins with what is known of it.
    fn series_of(&mut self, port: Port) -> u32 {
        if let Some(series) = self.series.find(port) {
            return series;
        }
        let series = self.series.find_or_add(port);
        let known = self.levels.after(port, self.watch.bins());
        let holder = partition_of(&Key::port(port), self.partitions);
        self.watch.introduce((SeriesId(series), holder), KindId::default(), known);
        series
    }

    /// What a bin held, ordered by series.
    fn count(
        &mut self,
        shares: &mut impl Shares,
        index: i64,
        ports: &[PortRow],
    ) -> Vec<SeriesCount> {
        let mut ports: Vec<&PortRow> = ports.iter().collect();
        ports.sort_by_key(|row| row.port);
        let mut visits = Vec::with_capacity(ports.len());
        for row in &ports {
            let series = self.series_of(row.port);
            let holder = partition_of(&Key::port(row.port), self.partitions);
            visits.push((holder, Visit { row: row.row, series, first: None }, row.sources));
        }
        let fresh = self.visits.count(shares, (Which::Ports, index), &visits, MOST_REMEMBERED);
        let counts = ports.iter().zip(&visits).zip(fresh);
        let count = |((row, (_, visit, _)), fresh): ((&&PortRow, &(_, Visit, _)), u32)| {
            SeriesCount { series: visit.series, events: row.events, fresh }
        };
        let mut rows: Vec<SeriesCount> = counts.map(count).collect();
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
}
