//! What a person may set of detection, and how it says that it cannot start.

use kizashi_detect::{changefinder, gamma_poisson};
use serde::{Deserialize, Serialize};

/// What a person may set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// False alarms a week over everything watched, from 0.0001 to 10,000.
    pub false_alarms_per_week: f64,
    /// ChangeFinder's parameters, of the scores that are drawn.
    pub changefinder: changefinder::Settings,
    /// Megabytes (2^20 bytes) that the watch over keys other than ports may take.
    pub memory_megabytes: u32,
}

impl Default for Settings {
    /// One false alarm a week; ChangeFinder as it comes, from a warm start.
    fn default() -> Self {
        let changefinder =
            changefinder::Settings { start: changefinder::Start::Warm, ..Default::default() };
        Self { false_alarms_per_week: 1.0, changefinder, memory_megabytes: 64 }
    }
}

/// Detection could not start or go on from where it was.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DetectionError {
    /// The promise was outside its range.
    #[error("detection cannot start: {0}")]
    Settings(#[from] gamma_poisson::SettingsError),
    /// The promise was too large for silences.
    #[error("detection cannot start: {0}")]
    Silence(#[from] kizashi_detect::silence::SettingsError),
    /// A parameter of ChangeFinder was outside its range.
    #[error("detection cannot start: {0}")]
    ChangeFinder(#[from] changefinder::SettingsError),
    /// A snapshot of another version, of other settings, or damaged.
    #[error("the saved state of detection does not fit; run detection anew over the stored bins")]
    Snapshot,
}
