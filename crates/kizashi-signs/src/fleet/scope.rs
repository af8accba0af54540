//! Where something is seen, and how a sign says so.

use std::fmt;

use kizashi_detect::gamma_poisson::Breadth;
use serde::{Deserialize, Serialize};

use crate::Sign;

/// Where something is seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// By all sensors together.
    All,
    /// By the sensors of one group.
    Group(String),
    /// By one sensor.
    Sensor(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("all sensors together"),
            Self::Group(group) => write!(formatter, "the sensors of {group}"),
            Self::Sensor(sensor) => write!(formatter, "sensor {sensor}"),
        }
    }
}

impl Scope {
    pub(super) const fn breadth(&self) -> Breadth {
        match self {
            Self::All => Breadth::All,
            Self::Group(_) => Breadth::Group,
            Self::Sensor(_) => Breadth::Sensor,
        }
    }

    /// The name of the sensor or group; nothing of all.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::All => "",
            Self::Group(name) | Self::Sensor(name) => name,
        }
    }

    /// A sign of this scope's watch as it is told: it says where, and its id differs from those of other scopes on the same key.
    pub(super) fn mark(&self, mut sign: Sign) -> Sign {
        if *self == Self::All {
            return sign;
        }
        sign.id = self.id_of(&sign.id);
        if let Some(before) = &mut sign.returned {
            before.id = self.id_of(&before.id);
        }
        sign.scope = Some(self.clone());
        sign
    }

    /// `20260301T1200Z-tcp-23` at sensor tokyo is `20260301T1200Z-at-tokyo-tcp-23`. Where it is stands in the middle: a sensor may have any
    /// name, and the end of an id tells signs of the house and silences from others.
    fn id_of(&self, id: &str) -> String {
        let (time, key) = id.split_once('-').unwrap_or((id, ""));
        match self {
            Self::All => id.to_owned(),
            Self::Group(group) => format!("{time}-in-{group}-{key}"),
            Self::Sensor(sensor) => format!("{time}-at-{sensor}-{key}"),
        }
    }
}
