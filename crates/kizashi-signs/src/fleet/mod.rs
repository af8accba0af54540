//! Detection at single sensors and groups of sensors, beside the watch over all of a fleet, with one promise of false alarms for the whole
//! fleet ([`Breadth`] has the argument).
//!
//! The watch over all is the caller's, be it in this process or divided over detectors ([`crate::shares`]): it sees a bin first, and what it
//! told is given here ([`OverAll`]). A watch over many sensors is given the union of their bins ([`united`]): a source counts once in
//! 24 hours for a key, at however many sensors it was. So a wave that brings each of ten sensors a source or two, too few there for a
//! sign, stands out where they are counted together, against what is usual together. What rises while another watch of the same
//! sensors has a sign open on the same key is one story with it: it is told as that sign ([`FleetClosed::at`], `stories.rs`) and not as one
//! of its own, until that one is over.
//!
//! Exposure and rhythm are each watch's own: a sensor that is cut off teaches nobody that its ports are quiet. A sensor's
//! watch costs what a machine's does, so that there are at most [`FleetPlan::watches`]; sensors that come later are in their
//! group's and in that over all. One machine has no fleet and pays for none of this.
//!
//! **Priors travel.** A new sensor begins with what its group's sensors have learned of single sensors' rates
//! ([`Fleet::knowledge_for`]), or all sensors', where its group has none. Its group's watch then hears one sensor more, which would look like a
//! rise of everything: it is told so ([`Detection::widen`]) in the bin in which that is first heard; the caller tells that over all.

mod leaving;
mod places;
mod scope;
mod seen_at;
mod stories;
mod union;

use std::collections::BTreeMap;
use std::sync::Arc;

use kizashi_detect::gamma_poisson::{self, Breadth};
use kizashi_event::Timestamp;
use kizashi_store::ClosedBin;
use serde::{Deserialize, Serialize};

use places::Story;
pub use scope::Scope;
pub use seen_at::{Seen, SeenAt, SeenPlace};
pub use union::united;

use crate::{
    Campaigns, Closed, Detection, DetectionError, Explanation, Knowledge, Ongoing, Settings, Sign,
};

/// The layout of a snapshot; another number is not read.
const SNAPSHOT_FORMAT: u32 = 5;
/// The fewest false alarms a week that a watch can promise.
const LEAST_PROMISE: f64 = 1e-4;

/// A watch of a group or sensor may take one part in so many of the memory that the watch over all may for keys other than ports.
const SHARE_OF_MEMORY: u32 = 8;

/// What a fleet's watches are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetPlan {
    /// The promise is that of the whole fleet.
    pub settings: Settings,
    /// By a sensor's name its group's; a sensor without one is in no group.
    pub groups: BTreeMap<String, String>,
    /// Sensors that have a watch of their own at most: those that are heard first.
    pub watches: usize,
    /// With what the first sensors begin.
    pub knowledge: Knowledge,
    /// The campaigns that signs are named after.
    pub campaigns: Arc<Campaigns>,
}

/// What the watch over all told of the same time.
#[derive(Clone, Debug, Default)]
pub struct OverAll {
    /// What it raised and changed.
    pub told: Closed,
    /// Its signs that go on.
    pub open: Vec<Ongoing>,
}

/// What a bin brought over the fleet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetClosed {
    /// What is to be told, of the watch over all too, the widest first. A sign says where it is seen ([`Sign::scope`]).
    pub told: Closed,
    /// Where a sign is seen too: its id, and the scope of another watch.
    pub at: Vec<(String, Scope)>,
}

/// A sensor of the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sensor {
    group: Option<String>,
    /// The start of the last bin in which it was heard; later by the time in which nobody was.
    heard: Timestamp,
}

/// The watches of groups and of sensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    plan: FleetPlan,
    sensors: BTreeMap<String, Sensor>,
    watches: BTreeMap<Scope, Detection>,
    /// Signs that are told as another watch's: that one's id.
    within: BTreeMap<(Scope, String), String>,
    /// Signs that are told and go on, by id.
    stories: BTreeMap<String, Story>,
}

/// A snapshot; each watch has its own form, which says by itself whether it is of other settings or campaigns.
#[derive(Serialize, Deserialize)]
struct Kept {
    format: u32,
    false_alarms_per_week: f64,
    groups: BTreeMap<String, String>,
    watches_at_most: usize,
    sensors: BTreeMap<String, Sensor>,
    within: BTreeMap<(Scope, String), String>,
    stories: BTreeMap<String, Story>,
    watches: Vec<(Scope, Vec<u8>)>,
}

impl Kept {
    fn read(bytes: &[u8]) -> Result<Self, DetectionError> {
        let kept: Self = postcard::from_bytes(bytes).map_err(|_| DetectionError::Snapshot)?;
        if kept.format == SNAPSHOT_FORMAT { Ok(kept) } else { Err(DetectionError::Snapshot) }
    }
}

impl Fleet {
    /// A fleet without sensors, with one promise over all that will come.
    #[must_use]
    pub fn new(plan: FleetPlan) -> Self {
        let (sensors, watches) = (BTreeMap::new(), BTreeMap::new());
        let (within, stories) = (BTreeMap::new(), BTreeMap::new());
        Self { plan, sensors, watches, within, stories }
    }

    /// The settings of the watch over all, of those of the whole fleet: it has its share of the promise.
    #[must_use]
    pub fn over_all(settings: Settings) -> Settings {
        of_breadth(settings, Breadth::All)
    }

    /// Goes on from a [`Self::snapshot`] made with the same plan.
    ///
    /// # Errors
    /// When the bytes are no snapshot of this version, or of another plan.
    pub fn restore(plan: FleetPlan, bytes: &[u8]) -> Result<Self, DetectionError> {
        let kept = Kept::read(bytes)?;
        let fits = kept.groups == plan.groups && kept.watches_at_most == plan.watches;
        if !fits {
            return Err(DetectionError::Snapshot);
        }
        let watch = |(scope, bytes): (Scope, Vec<u8>)| {
            let settings = of_breadth(plan.settings, scope.breadth());
            Ok((scope, Detection::restore(settings, Arc::clone(&plan.campaigns), &bytes)?))
        };
        let watches = kept.watches.into_iter().map(watch).collect::<Result<_, DetectionError>>()?;
        let Kept { sensors, within, stories, .. } = kept;
        Ok(Self { plan, sensors, watches, within, stories })
    }

    /// The same where the promise may be another one than the snapshot's: the new one holds from the next bin that is closed.
    ///
    /// # Errors
    /// When the bytes are no snapshot of this version, or of another plan, or the promise is outside its range.
    pub fn restore_under(plan: FleetPlan, bytes: &[u8]) -> Result<Self, DetectionError> {
        let promise = plan.settings.false_alarms_per_week;
        let Kept { false_alarms_per_week, .. } = Kept::read(bytes)?;
        let settings = Settings { false_alarms_per_week, ..plan.settings };
        let mut fleet = Self::restore(FleetPlan { settings, ..plan }, bytes)?;
        fleet.promise(promise)?;
        Ok(fleet)
    }

    /// The whole state, for [`Self::restore`]: the same bytes for the same state.
    ///
    /// # Errors
    /// When it cannot be written out, which no state is known to cause.
    pub fn snapshot(&mut self) -> Result<Vec<u8>, DetectionError> {
        let mut watches = Vec::with_capacity(self.watches.len());
        for (scope, watch) in &mut self.watches {
            // Nobody asks for the course of evidence at single sensors: without being taken it would grow.
            drop(watch.take_evidence());
            watches.push((scope.clone(), watch.snapshot()?));
        }
        let kept = Kept {
            format: SNAPSHOT_FORMAT,
            false_alarms_per_week: self.plan.settings.false_alarms_per_week,
            groups: self.plan.groups.clone(),
            watches_at_most: self.plan.watches,
            sensors: self.sensors.clone(),
            within: self.within.clone(),
            stories: self.stories.clone(),
            watches,
        };
        postcard::to_allocvec(&kept).map_err(|_| DetectionError::Snapshot)
    }

    /// Changes how many false alarms a week are accepted of the whole fleet, from the next bin on.
    ///
    /// # Errors
    /// When it is outside its range; nothing changes then.
    pub fn promise(&mut self, false_alarms_per_week: f64) -> Result<(), DetectionError> {
        let settings = Settings { false_alarms_per_week, ..self.plan.settings };
        for (scope, watch) in &mut self.watches {
            watch.promise(of_breadth(settings, scope.breadth()).false_alarms_per_week)?;
        }
        self.plan.settings = settings;
        Ok(())
    }

    /// What the sensors of a group have learned of a single sensor's rates, together: with what a new one of it begins. Of a group
    /// without sensors, and of no group, it is what all sensors have learned; of a fleet without any, what the plan says.
    #[must_use]
    pub fn knowledge_for(&self, group: Option<&str>) -> Knowledge {
        let learned = |of: &dyn Fn(&Sensor) -> bool| {
            let sensors = self.sensors.iter().filter(|(_, sensor)| of(sensor));
            let watches = sensors.map(|(name, _)| Scope::Sensor(name.clone()));
            let known = watches.filter_map(|scope| Some(self.watches.get(&scope)?.knowledge()));
            Knowledge::merged(&known.collect::<Vec<_>>())
        };
        let of_group = group.and_then(|_| learned(&|sensor| sensor.group.as_deref() == group));
        of_group.or_else(|| learned(&|_| true)).unwrap_or_else(|| self.plan.knowledge.clone())
    }

    /// The sensors that were heard, in order, each with its group.
    pub fn sensors(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.sensors.iter().map(|(name, sensor)| (name.as_str(), sensor.group.as_deref()))
    }

    /// Sensors that have no watch of their own.
    #[must_use]
    pub fn unwatched(&self) -> usize {
        self.sensors.len().saturating_sub(self.watched(Breadth::Sensor))
    }

    /// The watch of a group or sensor.
    #[must_use]
    pub fn watch_of(&self, scope: &Scope) -> Option<&Detection> {
        self.watches.get(scope)
    }

    /// The numbers behind a sign of a group or sensor that is open, as they are now; see [`crate::Merge::explain`].
    #[must_use]
    pub fn explain(&self, sign: &Sign) -> Option<Explanation> {
        let scope = sign.scope.as_ref()?;
        let watch = self.watches.get(scope)?;
        let open = watch.open_signs().find(|open| scope.mark((*open).clone()).id == sign.id)?;
        watch.explain(&open.id)
    }

    /// Closes the ten minutes from `start` on: what each sensor heard in it; of one that is not named nothing came, or it is cut off. One that
    /// is heard for the first time is there from this bin on. Bins that start at another moment are left out.
    ///
    /// # Errors
    /// When a watch cannot begin.
    pub fn close(
        &mut self,
        start: Timestamp,
        bins: &BTreeMap<String, ClosedBin>,
        over_all: OverAll,
    ) -> Result<FleetClosed, DetectionError> {
        let heard = |bin: &ClosedBin| bin.start == start && !bin.ports.is_empty();
        let bins: BTreeMap<&String, &ClosedBin> =
            bins.iter().filter(|(_, bin)| heard(bin)).collect();
        self.attend(start, &bins)?;
        for name in bins.keys() {
            if !self.sensors.contains_key(*name) {
                self.join(name, start)?;
            }
        }
        Ok(self.tell(start.plus(super::detection::BIN), &bins, over_all))
    }

    /// Closes every bin that ends at or before `through`: nothing came.
    pub fn advance(&mut self, through: Timestamp, over_all: OverAll) -> FleetClosed {
        self.tell(through, &BTreeMap::new(), over_all)
    }

    fn tell(
        &mut self,
        through: Timestamp,
        bins: &BTreeMap<&String, &ClosedBin>,
        mut over_all: OverAll,
    ) -> FleetClosed {
        let mut closed = FleetClosed::default();
        let told = std::mem::take(&mut over_all.told);
        self.fit(&Scope::All, told, &over_all.open, &mut closed);
        let scopes: Vec<Scope> = self.watches.keys().cloned().collect();
        for scope in scopes {
            let of_scope = self.bin_of(&scope, bins);
            let Some(watch) = self.watches.get_mut(&scope) else { continue };
            let told = match of_scope {
                Some(bin) => watch.close(&bin),
                None => watch.advance(through),
            };
            self.fit(&scope, told, &over_all.open, &mut closed);
        }
        self.hand_on(&over_all, &mut closed);
        self.place(through, &over_all, &mut closed);
        closed
    }

    /// What the sensors of a scope heard together; `None` where nothing came.
    fn bin_of(&self, scope: &Scope, bins: &BTreeMap<&String, &ClosedBin>) -> Option<ClosedBin> {
        let is_of = |name: &str| match scope {
            Scope::All => true,
            Scope::Sensor(one) => one == name,
            Scope::Group(group) => {
                self.sensors.get(name).is_some_and(|sensor| sensor.group.as_ref() == Some(group))
            }
        };
        let of: Vec<&ClosedBin> =
            bins.iter().filter(|(name, _)| is_of(name)).map(|(_, bin)| *bin).collect();
        match of.as_slice() {
            [] => None,
            [one] => Some((*one).clone()),
            [first, ..] => Some(united(first.start, &of)),
        }
    }

    /// A sensor is heard for the first time. It begins with what its group has learned; the promise is from now on divided over one more.
    fn join(&mut self, name: &str, heard: Timestamp) -> Result<(), DetectionError> {
        let group = self.plan.groups.get(name).cloned();
        let knowledge = self.knowledge_for(group.as_deref());
        if let Some(group) = &group {
            let of_group = Scope::Group(group.clone());
            let is_in = |sensor: &&Sensor| sensor.group.as_ref() == Some(group);
            let before = self.sensors.values().filter(is_in).count();
            match self.watches.get_mut(&of_group) {
                Some(watch) => {
                    let before = f64::from(u32::try_from(before).unwrap_or(u32::MAX));
                    watch.widen(before / (before + 1.0));
                }
                None => self.watch(of_group, &self.plan.knowledge.clone())?,
            }
        }
        if self.watched(Breadth::Sensor) < self.plan.watches {
            self.watch(Scope::Sensor(name.to_owned()), &knowledge)?;
        }
        self.sensors.insert(name.to_owned(), Sensor { group, heard });
        self.divide_promise();
        Ok(())
    }

    fn watch(&mut self, scope: Scope, knowledge: &Knowledge) -> Result<(), DetectionError> {
        let settings = of_breadth(self.plan.settings, scope.breadth());
        let watch = Detection::with_knowledge(settings, knowledge)?.with_late_keys();
        self.watches.insert(scope, watch.with_campaigns(Arc::clone(&self.plan.campaigns)));
        Ok(())
    }

    fn watched(&self, breadth: Breadth) -> usize {
        self.watches.keys().filter(|scope| scope.breadth() == breadth).count()
    }

    /// Has the watches of each breadth share what it is promised.
    fn divide_promise(&mut self) {
        let (groups, sensors) = (self.watched(Breadth::Group), self.watched(Breadth::Sensor));
        for (scope, watch) in &mut self.watches {
            let watches = if scope.breadth() == Breadth::Group { groups } else { sensors };
            watch.promise_over(u32::try_from(watches).unwrap_or(u32::MAX));
        }
    }
}

/// The settings of the watches of a breadth together. Of a promise of less than one false alarm in twenty years a part may be less than what can
/// be promised; it is the least that can be, then.
fn of_breadth(settings: Settings, breadth: Breadth) -> Settings {
    let Settings { false_alarms_per_week, .. } = settings;
    let part = breadth.promise(gamma_poisson::Settings { false_alarms_per_week });
    let least = false_alarms_per_week.min(LEAST_PROMISE);
    let memory_megabytes = match breadth {
        Breadth::All => settings.memory_megabytes,
        // There may be many of them, and each hears a part.
        Breadth::Group | Breadth::Sensor => (settings.memory_megabytes / SHARE_OF_MEMORY).max(1),
    };
    let false_alarms_per_week = part.false_alarms_per_week.max(least);
    Settings { false_alarms_per_week, memory_megabytes, ..settings }
}
