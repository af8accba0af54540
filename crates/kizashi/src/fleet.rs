//! What a process is in a fleet, and the credentials by which it is that. They are read with the rights that the person has, checked whole,
//! and given to the one process that connects.

use std::io::Read as _;
use std::path::Path;

use kizashi_fleet::{Credentials, MOST_CREDENTIALS_BYTES, SensorName};
use kizashi_signs::shares::Partition;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::supervisor::messages::SecretText;

/// The folder of the spool in the data folder.
pub(crate) const SPOOL: &str = "spool";
/// Under which name how the sensors fare is kept.
pub(crate) const CONDITIONS: &str = "fleet/conditions";

/// Under which name it is kept which detector holds how much.
pub(crate) const DETECTORS: &str = "fleet/detectors";
/// How many parts of detection each detector holds; the hub itself stands under no name.
pub(crate) type Holders = Vec<(Option<String>, usize)>;
/// Parts that detection can be divided into at most.
const MOST_PARTITIONS: Partition = 1_024;

/// `[fleet]`: what a fleet's hub does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FleetSettings {
    /// Whether detectors are given parts of detection.
    pub(crate) detectors: bool,
    /// Into how many parts it is divided then: several for each detector there may be. With another number detection learns anew.
    pub(crate) partitions: Partition,
}

impl Default for FleetSettings {
    fn default() -> Self {
        Self { detectors: false, partitions: 64 }
    }
}

impl FleetSettings {
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        if (1..=MOST_PARTITIONS).contains(&self.partitions) {
            return Ok(());
        }
        Err(format!("partitions of [fleet] must be 1 to {MOST_PARTITIONS}"))
    }

    /// The parts of detection.
    pub(crate) const fn parts(&self) -> Partition {
        if self.detectors { self.partitions } else { 1 }
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
