//! What a process is in a fleet, and the credentials by which it is that. They are read with the rights that the person has, checked whole,
//! and given to the one process that connects.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use kizashi_fleet::detectors::Roster;
use kizashi_fleet::hub::{Condition, Notes};
use kizashi_fleet::{Credentials, MOST_CREDENTIALS_BYTES, SensorName};
use kizashi_signs::shares::Partition;
use kizashi_signs::{Campaigns, FleetPlan, Knowledge, Scope, Settings};
use kizashi_store::{BySensor, Reader};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::supervisor::messages::SecretText;

/// The folder of the spool in the data folder.
pub(crate) const SPOOL: &str = "spool";
/// Under which name how the sensors fare is kept.
pub(crate) const CONDITIONS: &str = "fleet/conditions";
/// And under which those that fare otherwise since then ([`kizashi_fleet::hub::Notes`]).
pub(crate) const CONDITIONS_SINCE: &str = "fleet/conditions-since";
/// Under which name it is kept how the detectors fare ([`kizashi_fleet::detectors::Roster`]).
pub(crate) const DETECTORS: &str = "fleet/detectors";
/// Parts that detection can be divided into at most.
const MOST_PARTITIONS: Partition = 1_024;

/// `[fleet]`: what a fleet's hub does, and what its owner says of the sensors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FleetSettings {
    /// The sensors of each group, by its name. The hub says who is in which, not the sensors: what a group has learned is its own.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    /// Whether detectors are given parts of detection.
    pub(crate) detectors: bool,
    /// Into how many parts it is divided then: several for each detector there may be. With another number detection learns anew.
    pub(crate) partitions: Partition,
    /// Sensors that have a watch of their own at most, those that are heard first: each takes memory as a machine's does. With another number,
    /// or other groups, detection learns anew.
    pub(crate) watches: usize,
    /// By which keys groups and sensors are watched.
    pub(crate) keys: WatchedKeys,
}

/// By which keys groups and sensors are watched; all of them together are by all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WatchedKeys {
    /// Ports, which cost the hub little.
    #[default]
    Ports,
    /// Ports and everything else: names, commands, software, networks. Each takes a row more for each sensor in ten minutes.
    All,
}

impl WatchedKeys {
    /// What the store counts by sensor for it.
    pub(crate) const fn of_store(self) -> BySensor {
        match self {
            Self::Ports => BySensor::Ports,
            Self::All => BySensor::Keys,
        }
    }
}

impl Default for FleetSettings {
    fn default() -> Self {
        let keys = WatchedKeys::Ports;
        Self { groups: BTreeMap::new(), detectors: false, partitions: 64, watches: 32, keys }
    }
}

impl FleetSettings {
    /// Whether groups and sensors have names that can be, none is in two, and the number of parts is one that can be.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(1..=MOST_PARTITIONS).contains(&self.partitions) {
            return Err(format!("partitions of [fleet] must be 1 to {MOST_PARTITIONS}"));
        }
        for name in self.groups.keys().chain(self.groups.values().flatten()) {
            SensorName::parse(name).map_err(|error| format!("groups of [fleet]: {error}"))?;
        }
        let mut group_of = BTreeMap::new();
        for (group, sensors) in &self.groups {
            for sensor in sensors {
                if let Some(other) = group_of.insert(sensor, group) {
                    return Err(format!(
                        "groups of [fleet]: {sensor} is in {other} and in {group}; a sensor is in one group"
                    ));
                }
            }
        }
        Ok(())
    }

    /// What the watches of groups and sensors are made of.
    pub(crate) fn plan(
        &self,
        settings: Settings,
        knowledge: &Knowledge,
        campaigns: &Arc<Campaigns>,
    ) -> FleetPlan {
        let (groups, watches) = (self.by_sensor(), self.watches);
        let (knowledge, campaigns) = (knowledge.clone(), Arc::clone(campaigns));
        FleetPlan { settings, groups, watches, knowledge, campaigns }
    }

    /// The parts of detection.
    pub(crate) const fn parts(&self) -> Partition {
        if self.detectors { self.partitions } else { 1 }
    }

    /// The sensors that a scope is of; `None` where that is all of them.
    pub(crate) fn sensors_of(&self, scope: Option<&Scope>) -> Option<Vec<String>> {
        match scope? {
            Scope::All => None,
            Scope::Group(group) => Some(self.groups.get(group).cloned().unwrap_or_default()),
            Scope::Sensor(sensor) => Some(vec![sensor.clone()]),
        }
    }

    /// By each sensor's name its group's.
    pub(crate) fn by_sensor(&self) -> BTreeMap<String, String> {
        let each = |(group, sensors): (&String, &Vec<String>)| {
            let of = |sensor: &String| (sensor.clone(), group.clone());
            sensors.iter().map(of).collect::<Vec<_>>()
        };
        self.groups.iter().flat_map(each).collect()
    }
}

/// What the core of a fleet's machine does beside, or instead of, keeping a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum FleetPart {
    /// It keeps no store: what is seen goes to the hub.
    Sensor {
        /// The credentials' text.
        credentials: SecretText,
        /// Bytes of the spool at most.
        spool_bytes: u64,
    },
    /// It keeps what the sensors see.
    Hub {
        /// The credentials' text.
        credentials: SecretText,
    },
}

impl FleetPart {
    /// The credentials, which were checked when they were read.
    pub(crate) fn credentials(&self) -> Result<Credentials, Failure> {
        let (Self::Sensor { credentials, .. } | Self::Hub { credentials }) = self;
        Credentials::parse(&credentials.0).map_err(|error| Failure::Asked(error.to_string()))
    }

    /// Whether it is a sensor's.
    pub(crate) const fn is_sensor(&self) -> bool {
        matches!(self, Self::Sensor { .. })
    }
}

/// How the sensors fared when the hub last wrote it down.
pub(crate) fn kept_conditions(reader: &Reader) -> Result<Vec<Condition>, Failure> {
    let kept = |name: &str| -> Result<Vec<Condition>, Failure> {
        let json = reader.blob(name)?;
        Ok(json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default())
    };
    Ok(Notes::together(kept(CONDITIONS)?, kept(CONDITIONS_SINCE)?))
}

/// How the detectors fared when the hub last wrote it down; nothing where there may be none.
pub(crate) fn kept_roster(reader: &Reader) -> Result<Option<Roster>, Failure> {
    let kept = reader.blob(DETECTORS)?;
    let roster: Option<Roster> = kept.and_then(|json| serde_json::from_slice(&json).ok());
    Ok(roster.filter(|roster| roster.partitions > 0))
}

/// Reads credentials; other servers than theirs count where some are named.
pub(crate) fn read_credentials(path: &Path, servers: &[String]) -> Result<Credentials, Failure> {
    let failed =
        |reason: &dyn std::fmt::Display| Failure::Asked(format!("{}: {reason}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let mut text = String::new();
    file.take(MOST_CREDENTIALS_BYTES).read_to_string(&mut text).map_err(|error| failed(&error))?;
    let credentials = Credentials::parse(&text).map_err(|error| failed(&error))?;
    if servers.is_empty() {
        return Ok(credentials);
    }
    credentials.with_servers(servers.to_vec()).map_err(|error| failed(&error))
}

/// A sensor's credentials, and its name.
pub(crate) fn of_sensor(credentials: &Credentials) -> Result<SensorName, Failure> {
    credentials.sensor().ok_or_else(|| {
        Failure::Asked(
            "these credentials are no sensor's; a sensor has its own: `kizashi fleet add NAME`"
                .to_owned(),
        )
    })
}

/// Whether they are the hub's.
pub(crate) fn of_hub(credentials: &Credentials) -> Result<(), Failure> {
    match credentials.sensor() {
        None if credentials.is_hub() => Ok(()),
        None => Err(Failure::Asked(
            "these credentials are detectors'; the hub's are credentials/hub.toml in the fleet's folder"
                .to_owned(),
        )),
        Some(name) => Err(Failure::Asked(format!(
            "these credentials are those of sensor {name}; the hub's are credentials/hub.toml in the fleet's folder"
        ))),
    }
}

/// Whether they are detectors'.
pub(crate) fn of_detector(credentials: &Credentials) -> Result<(), Failure> {
    if credentials.is_detector() {
        return Ok(());
    }
    Err(Failure::Asked(format!(
        "these credentials are those of {}; detectors' are credentials/detector.toml in the fleet's folder",
        credentials.name
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_is_in_one_group_and_names_are_those_that_a_fleet_has() {
        let read = |text: &str| toml::from_str::<FleetSettings>(text).unwrap();
        let good = read("groups = { asia = [\"tokyo\", \"osaka\"], europe = [\"paris\"] }");
        assert_eq!(good.check(), Ok(()));
        assert_eq!(good.by_sensor()["osaka"], "asia");
        assert_eq!(good.by_sensor().len(), 3);
        for (text, part) in [
            ("groups = { asia = [\"tokyo\"], japan = [\"tokyo\"] }", "in asia and in japan"),
            ("groups = { asia = [\"tokyo\", \"tokyo\"] }", "in one group"),
            ("groups = { asia = [\"To\\u001bkyo\"] }", "a to z"),
            ("groups = { \"a b\" = [] }", "a to z"),
        ] {
            let said = read(text).check().unwrap_err();
            assert!(said.contains(part) && !said.contains('\u{1b}'), "{said}");
        }
    }
}
