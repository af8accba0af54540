//! When reports are made by themselves: each day, each Monday, each first of a month, at an hour of the local clock. Which one is due is a
//! function of the clock; whether it was made is known by its file, so that a report is made once, be the machine off at its hour.

use jiff::ZonedDateTime;
use jiff::civil::Weekday;
use kizashi_event::Timestamp;
use serde::{Deserialize, Serialize};

use super::Period;
use crate::{Language, hours};

/// `[report]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportSettings {
    /// `off`, `day`, `week` (Mondays) or `month` (its first day).
    pub every: Every,
    /// The hour, local time, such as `07:00`.
    pub at: String,
    /// The language of the files in `kizashi-reports` of the data folder: `en` or `ja`; channels have their own.
    pub language: Language,
    /// The channels of `[notify]` that it is sent by.
    pub channels: Vec<String>,
}

/// How often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// Never.
    #[default]
    Off,
    /// Each day.
    Day,
    /// Each Monday.
    Week,
    /// Each first of a month.
    Month,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            every: Every::Off,
            at: "07:00".to_owned(),
            language: Language::English,
            channels: Vec::new(),
        }
    }
}

/// A report that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What tells it from others: `day-2026-11-29`.
    pub key: String,
    /// Its length.
    pub period: Period,
    /// Its end.
    pub until: Timestamp,
}

impl ReportSettings {
    /// Refuses an hour that is none, and channels that are not there.
    ///
    /// # Errors
    /// In a sentence.
    pub fn check<'a>(&self, channels: impl Iterator<Item = &'a str>) -> Result<(), String> {
        hours::time(&self.at).map_err(|error| format!("at under [report]: {error}"))?;
        let known: Vec<&str> = channels.collect();
        match self.channels.iter().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                Err(format!("channels under [report]: [notify.channels.{name}] is not there"))
            }
            None => Ok(()),
        }
    }

    /// The last report that was due at `now`.
    #[must_use]
    pub fn due(&self, now: &ZonedDateTime) -> Option<Due> {
        let period = match self.every {
            Every::Off => return None,
            Every::Day => Period::Day,
            Every::Week => Period::Week,
            Every::Month => Period::Month,
        };
        let at = hours::time(&self.at).ok()?;
        let mut day = now.clone();
        // A month has at most 31 days; one more where today's hour is still to come.
        for _ in 0..=32 {
            let moment = day.with().time(at).build().ok()?;
            let fits = match period {
                Period::Day => true,
                Period::Week => moment.weekday() == Weekday::Monday,
                Period::Month => moment.day() == 1,
            };
            if fits && moment <= *now {
                let name = match period {
                    Period::Day => "day",
                    Period::Week => "week",
                    Period::Month => "month",
                };
                let until = Timestamp::from_micros(moment.timestamp().as_microsecond());
                return Some(Due { key: format!("{name}-{}", moment.date()), period, until });
            }
            day = day.yesterday().ok()?;
        }
        None
    }
}
