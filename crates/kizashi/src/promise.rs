//! How many false alarms a week are accepted. The configuration file says it; what the owner sets on the dashboard's page stands over that, is kept
//! in the store, and holds from the next ten minutes that are closed (how that keeps what is promised: `Watch::promise` of
//! `kizashi-detect`). Whatever runs detection over this store anew, a replay too, judges the whole past by the number that holds now.

use kizashi_signs::Settings;
use kizashi_store::Reader;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The name under which the page's number is kept.
pub(crate) const KEPT: &str = "promise of the page";
/// What the page may set: with less than one in two years nothing would be told of a lifetime.
pub(crate) const LEAST: f64 = 0.01;
/// The same as the configuration file's most.
pub(crate) const MOST: f64 = 100.0;

/// What the owner set on the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The page's number; nothing where it was given back to the file.
    pub(crate) false_alarms_per_week: Option<f64>,
}

impl Kept {
    /// What a store keeps; nothing where the page never set any.
    pub(crate) fn of(reader: &Reader) -> Result<Option<Self>, Failure> {
        let Some(bytes) = reader.blob(KEPT)? else { return Ok(None) };
        Ok(serde_json::from_slice(&bytes).ok())
    }

    /// The page's number where there is one within its range.
    pub(crate) fn number(self) -> Option<f64> {
        self.false_alarms_per_week.filter(|number| (LEAST..=MOST).contains(number))
    }
}

/// The settings that hold for a store: the file's, but for what the page set.
pub(crate) fn effective(reader: &Reader, file: Settings) -> Result<Settings, Failure> {
    let page = Kept::of(reader)?.and_then(Kept::number);
    Ok(Settings { false_alarms_per_week: page.unwrap_or(file.false_alarms_per_week), ..file })
}
