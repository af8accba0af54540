//! Detection over many sensors: the same keys watched at each sensor, in each group of sensors and over all, with one promise of
//! false alarms for the whole fleet ([`Breadth`] has the argument).
//!
//! A watch over many sensors is given the union of their bins ([`united`]): a source counts once in 24 hours for a key, at
//! however many sensors it was. So a wave that brings each of ten sensors a source or two, too few there for a sign, stands out where
//! they are counted together, against what is usual together. What rises while another watch of the same sensors has a sign open on the
//! same key is one story with it: it is told of that sign ([`FleetClosed::at`]) and not as a sign of its own, until that one is over.
//!
//! Exposure, rhythm and silence are each watch's own: a sensor that is cut off teaches nobody that its ports are quiet, and is
//! told as silent itself. A sensor's watch is no more than a machine's and lives whole with one detector; that over all may be
//! divided ([`crate::shares`]). One machine has no fleet and pays for none of this.
//!
//! **Priors travel.** A new sensor begins with what its group's sensors have learned of single sensors' rates
//! ([`Fleet::knowledge_for`]), or all sensors', where its group has none. Its group's watch and that over all then hear one sensor more, which
//! would look like a rise of everything: they are told so ([`Detection::widen`]) in the bin in which it is first heard ([`Fleet::close_all`]).

mod union;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kizashi_detect::gamma_poisson::{self, Breadth};
use kizashi_event::Timestamp;
use kizashi_store::ClosedBin;
use serde::{Deserialize, Serialize};

pub use union::united;

use crate::{Campaigns, Closed, Detection, DetectionError, Knowledge, Settings, Sign, SignKind};

/// The layout of a snapshot; another number is not read.
const SNAPSHOT_FORMAT: u32 = 1;

/// Where something is seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// By all sensors together.
    All,
    /// By the sensors of one group.
    Group(String),
    /// By one sensor.
    Sensor(String),
}

impl Scope {
    const fn breadth(&self) -> Breadth {
        match self {
            Self::All => Breadth::All,
            Self::Group(_) => Breadth::Group,
            Self::Sensor(_) => Breadth::Sensor,
        }
    }
}

/// A fleet could not take a sensor.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FleetError {
    /// A sensor of this name is there already.
    #[error("there is a sensor {0} already; give the new one another name")]
    Known(String),
    /// Its watch could not begin.
    #[error(transparent)]
    Detection(#[from] DetectionError),
}

/// What a bin brought over the fleet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetClosed {
    /// What each watch told, the widest first; watches that told nothing are left out.
    pub told: Vec<(Scope, Closed)>,
    /// Where a sign is seen too: its id, and the scope of another watch.
    pub at: Vec<(String, Scope)>,
}

/// A sensor of the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sensor {
    group: String,
}

/// Detection over all sensors of a fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    format: u32,
    settings: Settings,
    sensors: BTreeMap<String, Sensor>,
    watches: BTreeMap<Scope, Detection>,
    /// Signs that are told as another watch's: that one's id.
    within: BTreeMap<(Scope, String), String>,
    #[serde(skip, default = "Campaigns::builtin")]
    campaigns: Arc<Campaigns>,
}

impl Fleet {
    /// A fleet without sensors, with one promise over all that will come.
    ///
    /// # Errors
    /// When a setting is outside its range.
    pub fn new(settings: Settings) -> Result<Self, DetectionError> {
        let mut fleet = Self {
            format: SNAPSHOT_FORMAT,
            settings,
            sensors: BTreeMap::new(),
            watches: BTreeMap::new(),
            within: BTreeMap::new(),
            campaigns: Campaigns::builtin(),
        };
        fleet.watch(Scope::All, &Knowledge::shipped())?;
        Ok(fleet)
    }

    /// Goes on from a [`Self::snapshot`] made with the same settings and campaigns.
    ///
    /// # Errors
    /// When the bytes are no snapshot of this version, or of other settings.
    pub fn restore(settings: Settings, bytes: &[u8]) -> Result<Self, DetectionError> {
        let fleet: Self = postcard::from_bytes(bytes).map_err(|_| DetectionError::Snapshot)?;
        let fits = fleet.format == SNAPSHOT_FORMAT && fleet.settings == settings;
        if fits { Ok(fleet) } else { Err(DetectionError::Snapshot) }
    }

    /// The whole state, for [`Self::restore`].
    ///
    /// # Errors
    /// When it cannot be written out, which no state is known to cause.
    pub fn snapshot(&self) -> Result<Vec<u8>, DetectionError> {
        postcard::to_allocvec(self).map_err(|_| DetectionError::Snapshot)
    }

    /// Adds a sensor to a group, which need not be there yet. It begins with what the group has learned; the promise is from now on
    /// divided over one sensor more.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn add(&mut self, name: &str, group: &str) -> Result<(), FleetError> {
        if self.sensors.contains_key(name) {
            return Err(FleetError::Known(name.to_owned()));
        }
        let knowledge = self.knowledge_for(group);
        self.widen(group);
        self.sensors.insert(name.to_owned(), Sensor { group: group.to_owned() });
        let of_group = Scope::Group(group.to_owned());
        if !self.watches.contains_key(&of_group) {
            self.watch(of_group, &Knowledge::shipped())?;
        }
        self.watch(Scope::Sensor(name.to_owned()), &knowledge)?;
        self.divide_promise();
        Ok(())
    }

    /// Removes a sensor, and its group with the last of its sensors: what they are still telling is told no further.
    pub fn remove(&mut self, name: &str) {
        let Some(Sensor { group }) = self.sensors.remove(name) else { return };
        let mut gone = vec![Scope::Sensor(name.to_owned())];
        if !self.sensors.values().any(|sensor| sensor.group == group) {
            gone.push(Scope::Group(group));
        }
        for scope in gone {
            self.watches.remove(&scope);
            self.within.retain(|(of, _), _| *of != scope);
        }
        self.divide_promise();
    }

    /// What the sensors of a group have learned of a single sensor's rates, together: with what a new one of it begins. Of a group
    /// without sensors it is what all sensors have learned; of a fleet without any, what Kizashi ships with.
    #[must_use]
    pub fn knowledge_for(&self, group: &str) -> Knowledge {
        let learned = |of: &dyn Fn(&Sensor) -> bool| {
            let sensors = self.sensors.iter().filter(|(_, sensor)| of(sensor));
            let watches = sensors.map(|(name, _)| Scope::Sensor(name.clone()));
            let known = watches.filter_map(|scope| Some(self.watches.get(&scope)?.knowledge()));
            Knowledge::merged(&known.collect::<Vec<_>>())
        };
        let of_group = learned(&|sensor| sensor.group == group);
        of_group.or_else(|| learned(&|_| true)).unwrap_or_else(Knowledge::shipped)
    }

    /// The sensors, in order, each with its group.
    pub fn sensors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sensors.iter().map(|(name, sensor)| (name.as_str(), sensor.group.as_str()))
    }

    /// The watch of a scope.
    #[must_use]
    pub fn watch_of(&self, scope: &Scope) -> Option<&Detection> {
        self.watches.get(scope)
    }

    /// One sensor more is heard in a group and over all.
    fn widen(&mut self, group: &str) {
        let of_group = self.sensors.values().filter(|sensor| sensor.group == group).count();
        let of = [(Scope::All, self.sensors.len()), (Scope::Group(group.to_owned()), of_group)];
        for (scope, before) in of {
            if let Some(watch) = self.watches.get_mut(&scope).filter(|_| before > 0) {
                let before = f64::from(u32::try_from(before).unwrap_or(u32::MAX));
                watch.widen(before / (before + 1.0));
            }
        }
    }

    /// [`Self::close`] where sensors may be heard for the first time: each is added to the group that it has in `groups` (to that without a
    /// name where it has none) as the bin begins, so that it is expected from the moment on at which it is there and no earlier.
    ///
    /// # Errors
    /// When a watch cannot begin.
    pub fn close_all(
        &mut self,
        start: Timestamp,
        bins: &BTreeMap<String, ClosedBin>,
        groups: &BTreeMap<String, String>,
    ) -> Result<FleetClosed, FleetError> {
        for (name, bin) in bins {
            if bin.start == start && !bin.ports.is_empty() && !self.sensors.contains_key(name) {
                self.add(name, groups.get(name).map_or("", String::as_str))?;
            }
        }
        Ok(self.close(start, bins))
    }

    /// Closes the ten minutes from `start` on: what each sensor heard in it; of one that is not named nothing came, or it is cut off.
    /// Bins of sensors that are unknown, or that start at another moment, are left out.
    pub fn close(&mut self, start: Timestamp, bins: &BTreeMap<String, ClosedBin>) -> FleetClosed {
        let heard = |(name, bin): (&String, &ClosedBin)| {
            self.sensors.contains_key(name) && bin.start == start && !bin.ports.is_empty()
        };
        let bins: BTreeMap<&String, &ClosedBin> =
            bins.iter().filter(|(name, bin)| heard((name, bin))).collect();
        let mut closed = FleetClosed::default();
        let scopes: Vec<Scope> = self.watches.keys().cloned().collect();
        for scope in scopes {
            let of_scope = self.bin_of(&scope, start, &bins);
            let Some(watch) = self.watches.get_mut(&scope) else { continue };
            let told = match of_scope {
                Some(bin) => watch.close(&bin),
                None => watch.advance(start.plus(super::detection::BIN)),
            };
            let told = self.fit(&scope, told, &mut closed.at);
            if told != Closed::default() {
                closed.told.push((scope, told));
            }
        }
        self.hand_on(&mut closed);
        closed
    }

    /// What the sensors of a scope heard together; `None` where nothing came.
    fn bin_of(
        &self,
        scope: &Scope,
        start: Timestamp,
        bins: &BTreeMap<&String, &ClosedBin>,
    ) -> Option<ClosedBin> {
        let is_of = |name: &str| match scope {
            Scope::All => true,
            Scope::Sensor(one) => one == name,
            Scope::Group(group) => {
                self.sensors.get(name).is_some_and(|sensor| sensor.group == *group)
            }
        };
        let of: Vec<&ClosedBin> =
            bins.iter().filter(|(name, _)| is_of(name)).map(|(_, bin)| *bin).collect();
        match of.as_slice() {
            [] => None,
            [one] => Some((*one).clone()),
            many => Some(united(start, many)),
        }
    }

    /// What a watch told, without what is told already as another's.
    fn fit(&mut self, scope: &Scope, told: Closed, at: &mut Vec<(String, Scope)>) -> Closed {
        let mut fitting = Closed::default();
        for sign in told.raised {
            match self.told_elsewhere(scope, &sign) {
                Some(first) => {
                    self.within.insert((scope.clone(), sign.id), first.clone());
                    at.push((first, scope.clone()));
                }
                None => fitting.raised.push(sign),
            }
        }
        for sign in told.changed {
            let name = (scope.clone(), sign.id.clone());
            if !self.within.contains_key(&name) {
                fitting.changed.push(sign);
            } else if !sign.open {
                self.within.remove(&name);
            }
        }
        fitting
    }

    /// The open sign of another watch of the same sensors that a new one of `scope` is part of: a rise of the same key.
    fn told_elsewhere(&self, scope: &Scope, sign: &Sign) -> Option<String> {
        if sign.kind != SignKind::Rise {
            return None;
        }
        let has_key = |open: &&Sign| {
            open.kind == SignKind::Rise && (open.key == sign.key || open.also.contains(&sign.key))
        };
        self.watches.iter().filter(|(other, _)| self.share_sensors(scope, other)).find_map(
            |(other, watch)| {
                let open = watch.open_signs().find(has_key)?;
                let name = (other.clone(), open.id.clone());
                Some(self.within.get(&name).unwrap_or(&open.id).clone())
            },
        )
    }

    /// Whether two different scopes have a sensor in common.
    fn share_sensors(&self, one: &Scope, other: &Scope) -> bool {
        let is_in = |sensor: &String, group: &String| {
            self.sensors.get(sensor).is_some_and(|sensor| sensor.group == *group)
        };
        match (one, other) {
            (Scope::All, Scope::All) => false,
            (Scope::All, _) | (_, Scope::All) => true,
            (Scope::Group(group), Scope::Sensor(sensor))
            | (Scope::Sensor(sensor), Scope::Group(group)) => is_in(sensor, group),
            _ => false,
        }
    }

    /// Where a sign is over that others were told as, the widest of these that goes on is told from now on.
    fn hand_on(&mut self, closed: &mut FleetClosed) {
        let changed = closed.told.iter().flat_map(|(_, told)| &told.changed);
        let over: Vec<String> =
            changed.filter(|sign| !sign.open).map(|sign| sign.id.clone()).collect();
        for id in over {
            let heirs = self.within.iter().filter(|(_, first)| **first == id);
            let heirs: Vec<(Scope, String)> = heirs.map(|(name, _)| name.clone()).collect();
            let Some((scope, heir)) = heirs.first().cloned() else { continue };
            self.within.remove(&(scope.clone(), heir.clone()));
            for other in heirs.into_iter().skip(1) {
                self.within.insert(other, heir.clone());
            }
            let watch = self.watches.get(&scope);
            let sign = watch.and_then(|watch| watch.open_signs().find(|open| open.id == heir));
            let Some(sign) = sign.cloned() else { continue };
            match closed.told.iter_mut().find(|(of, _)| *of == scope) {
                Some((_, told)) => told.raised.push(sign),
                None => {
                    let told = Closed { raised: vec![sign], changed: Vec::new() };
                    closed.told.push((scope, told));
                }
            }
        }
    }

    fn watch(&mut self, scope: Scope, knowledge: &Knowledge) -> Result<(), DetectionError> {
        let fleet =
            gamma_poisson::Settings { false_alarms_per_week: self.settings.false_alarms_per_week };
        let promise = scope.breadth().promise(fleet).false_alarms_per_week;
        let settings = Settings { false_alarms_per_week: promise, ..self.settings };
        let watch = Detection::with_knowledge(settings, knowledge)?;
        self.watches.insert(scope, watch.with_campaigns(Arc::clone(&self.campaigns)));
        Ok(())
    }

    /// Has the watches of each breadth share what it is promised.
    fn divide_promise(&mut self) {
        let groups: BTreeSet<&str> =
            self.sensors.values().map(|sensor| sensor.group.as_str()).collect();
        let (groups, sensors) = (groups.len(), self.sensors.len());
        for (scope, watch) in &mut self.watches {
            let watches = match scope.breadth() {
                Breadth::All => 1,
                Breadth::Group => groups,
                Breadth::Sensor => sensors,
            };
            watch.promise_over(u32::try_from(watches).unwrap_or(u32::MAX));
        }
    }
}
