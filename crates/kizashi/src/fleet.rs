//! What a process is in a fleet, and the credentials by which it is that. They are read with the rights that the person has, checked whole,
//! and given to the one process that connects.

use std::io::Read as _;
use std::path::Path;

use kizashi_fleet::{Credentials, MOST_CREDENTIALS_BYTES, SensorName};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::supervisor::messages::SecretText;

/// The folder of the spool in the data folder.
pub(crate) const SPOOL: &str = "spool";
/// Under which name how the sensors fare is kept.
pub(crate) const CONDITIONS: &str = "fleet/conditions";

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
            "these credentials are the hub's; a sensor has its own: `kizashi fleet add NAME`"
                .to_owned(),
        )
    })
}

/// Whether they are the hub's.
pub(crate) fn of_hub(credentials: &Credentials) -> Result<(), Failure> {
    match credentials.sensor() {
        None => Ok(()),
        Some(name) => Err(Failure::Asked(format!(
            "these credentials are those of sensor {name}; the hub's are credentials/hub.toml in the fleet's folder"
        ))),
    }
}
