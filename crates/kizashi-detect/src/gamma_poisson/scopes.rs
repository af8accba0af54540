//! The same keys watched at single sensors, in groups of sensors and over all of a fleet, within one promise.
//!
//! Each scope has a share of it, and the watches of one scope have an equal part of that share each
//! ([`Merge::promise_over`](super::Merge::promise_over)). A false alarm of the fleet is one of some watch; by the union bound there
//! are at most as many as the parts sum to, whatever the watches have in common. Over all has the most, since only there is seen
//! what is weak everywhere, and it is told with the least doubt.

use super::Settings;

/// Over how much something is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Breadth {
    /// All sensors together.
    All,
    /// Each group of sensors.
    Group,
    /// Each sensor.
    Sensor,
}

impl Breadth {
    /// The widest first.
    pub const ALL: [Self; 3] = [Self::All, Self::Group, Self::Sensor];

    /// Its share of the promise; the shares of all three sum to 1.
    #[must_use]
    pub const fn share(self) -> f64 {
        match self {
            Self::All => 0.5,
            Self::Group => 0.2,
            Self::Sensor => 0.3,
        }
    }

    /// What is promised of all watches of this breadth together, of a promise for the whole fleet.
    #[must_use]
    pub fn promise(self, fleet: Settings) -> Settings {
        Settings { false_alarms_per_week: fleet.false_alarms_per_week * self.share() }
    }
}
