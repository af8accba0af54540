//! The one way through the house: events into the store, closed ten minutes out of it into detection, signs back into it.
//!
//! Detection sees only what the store has closed, in order, once; its state is saved with the signs that it raised, so a
//! restart resumes where it stopped, and a replay of what is stored gives the same signs as the live run did.

mod board;
mod detecting;
mod joins;
#[cfg(test)]
mod scope_tests;
#[cfg(test)]
mod tests;
mod watches;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Key, Timestamp};
use kizashi_fleet::detectors::{Line, Roster};
use kizashi_signs::{Campaigns, Closed, Knowledge, Sign};
use kizashi_store::{BySensor, Maintenance, Mode, Reader, Span, Store, StoredSign};

pub(crate) use board::Board;
pub(crate) use joins::{Joins, sensors_known};
use watches::Restored;
pub(crate) use watches::{Plan, Watches};

use crate::failure::Failure;
use crate::fleet::{CONDITIONS, FleetSettings};
use crate::kept_for;
use crate::promise::{self, Kept};

/// Microseconds of a bin.
const BIN: i64 = 600 * Timestamp::SECOND;
/// Microseconds after its end at which ten minutes are closed: what comes from the traps takes a second, from a followed
/// log some more.
const LATENESS: i64 = 60 * Timestamp::SECOND;
/// What the names of all that detection keeps begin with.
const KEPT: &str = "detection/";
/// The name under which its state is kept.
pub(crate) const SNAPSHOT: &str = "detection/state";
/// The name under which what another machine learned is kept, where it was given.
const KNOWLEDGE: &str = "prior";
/// Microseconds between two savings of detection's state, by the time of the events.
const SNAPSHOT_EVERY: i64 = Timestamp::HOUR;
/// Microseconds between two looks at what the visitors of an open sign do.
const EVIDENCE_EVERY: i64 = Timestamp::HOUR;

/// A store with detection over it.
pub(crate) struct Pipeline {
    store: Store,
    reader: Reader,
    watches: Watches,
    plan: Plan,
    /// The way to detectors, where there may be any.
    line: Option<Arc<Line>>,
    board: Arc<Board>,
    saved: Option<Timestamp>,
    evidence_at: Option<Timestamp>,
}

impl Pipeline {
    /// Opens the store in `folder` and goes on with detection from where it stopped.
    pub(crate) fn open(
        folder: &Path,
        store: kizashi_store::Settings,
        settings: kizashi_signs::Settings,
        campaigns: Arc<Campaigns>,
    ) -> Result<Self, Failure> {
        Self::open_for_fleet(folder, store, (settings, &FleetSettings::default()), campaigns)
    }

    /// The same for what may be a fleet's hub: with detection in parts, which detectors may hold ([`Self::share_over`]), and with the watches of
    /// groups and sensors where it is one.
    pub(crate) fn open_for_fleet(
        folder: &Path,
        store: kizashi_store::Settings,
        (settings, fleet): (kizashi_signs::Settings, &FleetSettings),
        campaigns: Arc<Campaigns>,
    ) -> Result<Self, Failure> {
        let (retention, by_sensor) = (store.retention, store.by_sensor);
        let store = Store::open(folder, store)?;
        let reader = store.reader()?;
        // What is read into a hub's store while it rests is counted as when it runs.
        let is_hub = by_sensor != BySensor::Nothing || reader.blob(CONDITIONS)?.is_some();
        if is_hub {
            store.count_by_sensor(fleet.keys.of_store())?;
        }
        kept_for::apply(&store, &reader, retention)?;
        // What the page set may be younger than the state that was saved: nothing is learned anew for that.
        let was_set = Kept::of(&reader)?.is_some();
        let plan = Plan {
            settings: promise::effective(&reader, settings)?,
            fleet: fleet.clone(),
            knowledge: knowledge(&reader)?,
            campaigns,
        };
        let mut joins = Joins::default();
        if is_hub {
            joins.at_hub();
        }
        let mut pipeline = Self {
            watches: Watches::anew(&plan, joins)?,
            plan,
            line: None,
            store,
            reader,
            board: Arc::default(),
            saved: None,
            evidence_at: None,
        };
        pipeline.board.holds(pipeline.plan.settings.false_alarms_per_week);
        let Some(bytes) = pipeline.reader.blob(SNAPSHOT)? else {
            pipeline.run_anew(&mut |_| {})?;
            return Ok(pipeline);
        };
        let of = (&pipeline.reader, is_hub);
        match Watches::restore(&pipeline.plan, of, &bytes, was_set)? {
            Restored::All(watches) => {
                pipeline.watches = *watches;
                pipeline.catch_up(&mut |_| {})?;
            }
            Restored::InOtherParts => {
                let partitions = pipeline.plan.partitions();
                tracing::info!(
                    "detection is divided into {partitions} parts from now on, and learns anew from what is stored"
                );
                pipeline.run_anew(&mut |_| {})?;
            }
            Restored::Not(error) => {
                tracing::info!("{error}");
                pipeline.run_anew(&mut |_| {})?;
            }
        }
        Ok(pipeline)
    }

    /// The store, for writing events.
    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// What the dashboard shows of detection.
    pub(crate) fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// From now on detection's parts are given to the detectors at the other end, as they live.
    pub(crate) fn share_over(&mut self, line: Arc<Line>) -> Result<(), Failure> {
        self.line = Some(Arc::clone(&line));
        self.watches.detection.share_over(line)
    }

    /// How the detectors fare; nothing where detection is not shared.
    pub(crate) fn roster(&self) -> Option<Roster> {
        self.watches.detection.roster()
    }

    /// Closes what is over at `now` and gives the signs that this raised.
    pub(crate) fn advance(&mut self, now: Timestamp) -> Result<Vec<Sign>, Failure> {
        self.close_through(now.plus(-LATENESS))
    }

    fn close_through(&mut self, through: Timestamp) -> Result<Vec<Sign>, Failure> {
        if let Some(wished) = self.board.take_wish() {
            self.promise(wished)?;
        }
        self.watches.detection.look_around();
        let bins = self.store.close_bins(through)?;
        let before = self.watches.detection.through();
        let mut news = Closed::default();
        if !bins.is_empty() {
            self.watches.look(&self.reader)?;
        }
        for bin in &bins {
            gather(&mut news, self.watches.close(&self.reader, bin)?);
        }
        gather(&mut news, self.watches.advance(through));
        if self.watches.detection.is_broken() {
            tracing::error!("{}", kizashi_fleet::detectors::TeamError);
            self.run_anew(&mut |_| {})?;
            return Ok(Vec::new());
        }
        if self.watches.detection.through() == before {
            return Ok(Vec::new());
        }
        let raised = news.raised.clone();
        self.save(news, false)?;
        Ok(raised)
    }

    /// From the next closed ten minutes on so many false alarms a week are accepted. The state is saved with it, so that a restart goes on from here.
    fn promise(&mut self, false_alarms_per_week: f64) -> Result<(), Failure> {
        let before = self.plan.settings.false_alarms_per_week;
        self.plan.settings.false_alarms_per_week = false_alarms_per_week;
        if let Err(error) = self.watches.promise(&self.plan) {
            self.plan.settings.false_alarms_per_week = before;
            return Err(error.into());
        }
        self.board.holds(false_alarms_per_week);
        self.save(Closed::default(), true)
    }

    /// Ends an import of logs: closes all that they hold (but nothing of the running ten minutes of `now`), and runs
    /// detection over it, from the start where older time was reopened. `progress` is given the moment reached.
    pub(crate) fn finish_import(
        &mut self,
        now: Timestamp,
        progress: &mut dyn FnMut(Timestamp),
    ) -> Result<(), Failure> {
        self.store.flush()?;
        if let Some(last) = self.reader.overview()?.last {
            let end = last.plus(2 * 600 * Timestamp::SECOND).min(now.plus(-LATENESS));
            self.store.close_bins(end)?;
        }
        let reopened = self.store.take_reopened()?;
        if reopened
            .is_some_and(|from| self.watches.detection.through().is_some_and(|seen| from < seen))
        {
            self.run_anew(progress)?;
        } else {
            self.catch_up(progress)?;
        }
        self.save(Closed::default(), true)?;
        self.store.maintain(now)?;
        Ok(())
    }

    /// From now on what comes into closed time is late (or, of logs read afterwards, belongs there).
    pub(crate) fn set_mode(&self, mode: Mode) -> Result<(), Failure> {
        Ok(self.store.set_mode(mode)?)
    }

    /// Goes on for so long with letting old events go.
    pub(crate) fn maintain(
        &self,
        maintenance: Maintenance,
        spell: Duration,
    ) -> Result<Maintenance, Failure> {
        Ok(self.store.go_on_maintaining(maintenance, spell)?)
    }

    /// Whether old events should go at once.
    pub(crate) fn is_short_of_room(&self) -> Result<bool, Failure> {
        Ok(self.store.is_short_of_room()?)
    }

    /// Saves everything; nothing is lost without it, but the next start is faster.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.store.flush()?;
        self.save(Closed::default(), true)
    }

    /// Begins anew with what another machine learned, over what is stored and from now on.
    pub(crate) fn begin_with(&mut self, knowledge: Knowledge) -> Result<(), Failure> {
        let blob = (KNOWLEDGE.to_owned(), knowledge.to_json().into_bytes());
        self.store.save(Vec::new(), vec![blob])?;
        self.plan.knowledge = knowledge;
        self.run_anew(&mut |_| {})
    }

    fn run_anew(&mut self, progress: &mut dyn FnMut(Timestamp)) -> Result<(), Failure> {
        let joins = self.watches.joins_anew(&self.reader)?;
        self.watches = Watches::anew(&self.plan, joins)?;
        self.store.forget_signs(KEPT, Sign::OF_THE_HOUSE)?;
        self.catch_up(progress)?;
        match self.line.clone() {
            Some(line) => self.watches.detection.share_over(line),
            None => Ok(()),
        }
    }

    /// Runs detection over what the store closed and detection has not seen.
    fn catch_up(&mut self, progress: &mut dyn FnMut(Timestamp)) -> Result<(), Failure> {
        let (mut news, mut failed) = (Closed::default(), None);
        let (watches, reader) = (&mut self.watches, &self.reader);
        watches.look(reader)?;
        reader.closed_bins(watches.through(), |bin| {
            if failed.is_some() {
                return;
            }
            match watches.close(reader, &bin) {
                Ok(closed) => gather(&mut news, closed),
                Err(failure) => failed = Some(failure),
            }
            progress(bin.start);
        })?;
        if let Some(failure) = failed {
            return Err(failure);
        }
        if let Some(through) = reader.closed_through()? {
            gather(&mut news, watches.advance(through));
        }
        self.save(news, true)
    }

    /// Stores changed signs, with what their visitors did, and, when it is due or `now`, detection's state.
    fn save(&mut self, news: Closed, now: bool) -> Result<(), Failure> {
        let through = self.watches.detection.through();
        let due = |last: Option<Timestamp>, every: i64| match (last, through) {
            (Some(last), Some(through)) => through.since(last) >= every,
            (None, through) => through.is_some(),
            _ => false,
        };
        let look_again = due(self.evidence_at, EVIDENCE_EVERY);
        if look_again {
            self.evidence_at = through;
        }
        let mut signs = Vec::new();
        for sign in news.raised {
            signs.push(self.stored(&sign, true)?);
        }
        for sign in news.changed {
            signs.push(self.stored(&sign, look_again || !sign.open)?);
        }
        let mut blobs = Vec::new();
        if now || due(self.saved, SNAPSHOT_EVERY) {
            blobs = self.watches.detection.take_evidence();
            blobs.push((SNAPSHOT.to_owned(), self.watches.detection.snapshot()?));
            blobs.extend(self.watches.kept()?);
            self.saved = through;
        }
        if !signs.is_empty() || !blobs.is_empty() {
            self.store.save(signs, blobs)?;
        }
        self.board.show(self.watches.detection.standing(), self.watches.detection.series_watched());
        Ok(())
    }

    fn stored(&self, sign: &Sign, with_evidence: bool) -> Result<StoredSign, Failure> {
        let evidence = if with_evidence {
            let key = Key::from_shown(&sign.key).ok();
            let span = Span { since: Some(sign.since), until: Some(sign.until) };
            let sensors = self.plan.fleet.sensors_of(sign.scope.as_ref());
            let found = match &sensors {
                Some(sensors) => self.reader.evidence_at(sensors, key.as_ref(), span)?,
                None => self.reader.evidence(key.as_ref(), span)?,
            };
            serde_json::to_string(&found).ok()
        } else {
            None
        };
        let json = serde_json::to_string(sign).map_err(std::io::Error::from)?;
        Ok(StoredSign { id: sign.id.clone(), detected: sign.detected, json, evidence })
    }
}

/// What detection over a store begins with: what was given by `kizashi prior import`, or what Kizashi ships with.
pub(crate) fn knowledge(reader: &Reader) -> Result<Knowledge, Failure> {
    let Some(bytes) = reader.blob(KNOWLEDGE)? else { return Ok(Knowledge::shipped()) };
    Ok(Knowledge::from_json(&String::from_utf8_lossy(&bytes)).unwrap_or_else(|error| {
        tracing::warn!("the prior that was imported is left out: {error}; import it again");
        Knowledge::shipped()
    }))
}

/// Adds what closing one more bin brought; of a sign that changed twice the last state counts.
fn gather(news: &mut Closed, more: Closed) {
    for sign in more.changed {
        if let Some(raised) = news.raised.iter_mut().find(|raised| raised.id == sign.id) {
            *raised = sign;
        } else if let Some(changed) = news.changed.iter_mut().find(|old| old.id == sign.id) {
            *changed = sign;
        } else {
            news.changed.push(sign);
        }
    }
    news.raised.extend(more.raised);
}
