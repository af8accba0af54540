//! All that watches what a store closed: one watch over everything, and at a fleet's hub those of groups of sensors and of single sensors beside
//! it, on the store's counts by sensor, within one promise ([`kizashi_signs::Fleet`]). They see each ten minutes one after the other,
//! the one over all first, live and in a run over what is stored alike.

use std::sync::Arc;

use kizashi_event::{Key, Timestamp};
use kizashi_signs::shares::Partition;
use kizashi_signs::{
    Campaigns, Closed, Detection, DetectionError, Explanation, Fleet, FleetClosed, FleetPlan,
    Knowledge, OverAll, Scope, Settings, Sign,
};
use kizashi_store::{ClosedBin, Reader};

use super::detecting::Detecting;
use super::joins::Joins;
use super::{BIN, gather};
use crate::failure::Failure;
use crate::fleet::FleetSettings;

/// The name under which the state of the watches of groups and sensors is kept, beside that of the one over all.
pub(super) const SCOPES: &str = "detection/scopes";
/// Empty ten minutes that are passed one by one at a hub, so that what several watches tell in them comes in the order in which a live run tells
/// it: 60 days. After these no sign is open any more.
const MOST_STEPS: i64 = 60 * 144;

/// What watches are made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The promise is that of everything together.
    pub(crate) settings: Settings,
    pub(crate) fleet: FleetSettings,
    pub(crate) knowledge: Knowledge,
    pub(crate) campaigns: Arc<Campaigns>,
}

impl Plan {
    fn of_scopes(&self) -> FleetPlan {
        self.fleet.plan(self.settings, &self.knowledge, &self.campaigns)
    }

    /// The settings of the watch over all: at a hub it has a share of the promise.
    fn over_all(&self, is_hub: bool) -> Settings {
        if is_hub { Fleet::over_all(self.settings) } else { self.settings }
    }

    /// The parts of the watch over all.
    pub(super) const fn partitions(&self) -> Partition {
        self.fleet.parts()
    }
}

/// The watches of one store.
pub(crate) struct Watches {
    pub(super) detection: Detecting,
    joins: Joins,
    /// Those of groups and sensors, at a hub.
    scopes: Option<Fleet>,
    /// Sensors without a watch of their own that the log has told of.
    unwatched: usize,
}

impl Watches {
    /// Watches that have seen nothing, for a run over everything that is stored.
    pub(crate) fn anew(plan: &Plan, joins: Joins) -> Result<Self, DetectionError> {
        let is_hub = joins.is_at_hub();
        let detection =
            Detection::in_parts(plan.over_all(is_hub), &plan.knowledge, plan.partitions())?;
        Ok(Self {
            detection: detection.with_campaigns(Arc::clone(&plan.campaigns)).into(),
            joins,
            scopes: is_hub.then(|| Fleet::new(plan.of_scopes())),
            unwatched: 0,
        })
    }

    /// Watches that go on from what was saved; where `may_differ` under another promise.
    pub(super) fn restore(
        plan: &Plan,
        (reader, is_hub): (&Reader, bool),
        bytes: &[u8],
        may_differ: bool,
    ) -> Result<Restored, Failure> {
        let settings = plan.over_all(is_hub);
        let restore = if may_differ { Detection::restore_under } else { Detection::restore };
        let detection = match restore(settings, Arc::clone(&plan.campaigns), bytes) {
            Ok(detection) if detection.partitions() == plan.partitions() => detection,
            Ok(_) => return Ok(Restored::InOtherParts),
            Err(error) => return Ok(Restored::Not(error)),
        };
        let restore = if may_differ { Fleet::restore_under } else { Fleet::restore };
        let scopes = match (is_hub, reader.blob(SCOPES)?) {
            (false, _) => None,
            (true, Some(bytes)) => match restore(plan.of_scopes(), &bytes) {
                Ok(fleet) => Some(fleet),
                Err(error) => return Ok(Restored::Not(error)),
            },
            (true, None) => return Ok(Restored::Not(DetectionError::Snapshot)),
        };
        let mut joins = Joins::going_on(reader, detection.through())?;
        if is_hub {
            joins.at_hub();
        }
        let unwatched = scopes.as_ref().map_or(0, Fleet::unwatched);
        let watches = Self { detection: detection.into(), joins, scopes, unwatched };
        Ok(Restored::All(Box::new(watches)))
    }

    /// The end of the last closed bin.
    pub(crate) const fn through(&self) -> Option<Timestamp> {
        self.detection.through()
    }

    /// The watch over all, where it is in this process.
    pub(crate) fn here(&self) -> Option<&Detection> {
        self.detection.here()
    }

    /// The numbers behind a sign that is open, right after it was raised: its own watch's.
    pub(crate) fn explain(&self, sign: &Sign) -> Option<Explanation> {
        match (&sign.scope, &self.scopes) {
            (Some(_), Some(fleet)) => fleet.explain(sign),
            _ => self.detection.here()?.explain(&sign.id),
        }
    }

    /// New sources of a key in the last two days, as the watch that a sign is of counted them; see [`Detection::recent`].
    pub(crate) fn recent(&self, scope: Option<&Scope>, key: &Key) -> Vec<(u64, u32)> {
        let watch = match (scope, &self.scopes) {
            (Some(scope), Some(fleet)) => fleet.watch_of(scope),
            _ => self.detection.here(),
        };
        watch.map(|watch| watch.recent(key)).unwrap_or_default()
    }

    /// Those to whom detection listens, for a run over everything that is stored.
    pub(super) fn joins_anew(&self, reader: &Reader) -> Result<Joins, Failure> {
        self.joins.anew(reader)
    }

    /// Looks which sensors there are.
    pub(crate) fn look(&mut self, reader: &Reader) -> Result<(), Failure> {
        self.joins.look(reader)
    }

    /// Closes ten minutes at every watch, and gives what is to be told of them.
    pub(crate) fn close(&mut self, reader: &Reader, bin: &ClosedBin) -> Result<Closed, Failure> {
        let mut news = self.pass_to(bin.start);
        if let Some(share) = self.joins.widens(bin.start) {
            self.detection.widen(share);
        }
        let Some(fleet) = &mut self.scopes else {
            gather(&mut news, self.detection.close(bin));
            return Ok(news);
        };
        let by_sensor = reader.closed_by_sensor(bin.start)?;
        let told = self.detection.close(bin);
        let open = self.detection.ongoing();
        let closed = fleet.close(bin.start, &by_sensor, OverAll { told, open })?;
        gather(&mut news, noted(closed));
        let unwatched = fleet.unwatched();
        if std::mem::replace(&mut self.unwatched, unwatched) < unwatched {
            tracing::info!(
                "fleet: {unwatched} sensors have no watch of their own (watches of [fleet]): what they see is watched in their groups and over all"
            );
        }
        Ok(news)
    }

    /// Closes every ten minutes that end at or before `through` as empty.
    pub(crate) fn advance(&mut self, through: Timestamp) -> Closed {
        let mut news = self.pass_to(through);
        if self.scopes.is_none() {
            gather(&mut news, self.detection.advance(through));
        }
        news
    }

    /// At a hub passes empty ten minutes one by one; one machine's watch does it by itself.
    fn pass_to(&mut self, until: Timestamp) -> Closed {
        let mut news = Closed::default();
        let (Some(fleet), Some(from)) = (&mut self.scopes, self.detection.through()) else {
            return news;
        };
        let bins = until.since(from).div_euclid(BIN);
        let single = (1..=bins.min(MOST_STEPS)).map(|number| from.plus(number * BIN));
        let rest = (bins > MOST_STEPS).then(|| from.plus(bins * BIN));
        for step in single.chain(rest) {
            let told = self.detection.advance(step);
            let open = self.detection.ongoing();
            gather(&mut news, noted(fleet.advance(step, OverAll { told, open })));
        }
        news
    }

    /// From the next closed ten minutes on so many false alarms a week are accepted of all watches together.
    pub(super) fn promise(&mut self, plan: &Plan) -> Result<(), DetectionError> {
        let over_all = plan.over_all(self.scopes.is_some());
        self.detection.promise(over_all.false_alarms_per_week)?;
        if let Some(fleet) = &mut self.scopes {
            fleet.promise(plan.settings.false_alarms_per_week)?;
        }
        Ok(())
    }

    /// What is kept of the watches beside the state of the one over all.
    pub(super) fn kept(&mut self) -> Result<Vec<(String, Vec<u8>)>, DetectionError> {
        let mut blobs: Vec<(String, Vec<u8>)> = self.joins.kept().into_iter().collect();
        if let Some(fleet) = &mut self.scopes {
            blobs.push((SCOPES.to_owned(), fleet.snapshot()?));
        }
        Ok(blobs)
    }
}

/// What became of a state that was saved.
pub(super) enum Restored {
    /// It is gone on with.
    All(Box<Watches>),
    /// It is of another number of parts.
    InOtherParts,
    /// It cannot be gone on with.
    Not(DetectionError),
}

/// What is to be told; whose watch raised the same stands in the log, for whoever asks why there is one sign and not three.
fn noted(closed: FleetClosed) -> Closed {
    for (id, scope) in &closed.at {
        tracing::info!(id, "sign: raised by the watch of {scope} too");
    }
    closed.told
}
