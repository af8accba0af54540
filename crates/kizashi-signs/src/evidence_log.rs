//! How sure detection was, hour by hour: kept so that a port's series can be drawn with the evidence of the time, which
//! depends on every other port's past and cannot be worked out again for one port alone.
//!
//! One blob a day, of the hours in which a port's evidence was worth noting; most hours of most ports are not.

use std::collections::BTreeMap;

use kizashi_event::{Port, Timestamp};
use serde::{Deserialize, Serialize};

/// Evidence below this many days is not noted: chance brings as much many times a day.
const LEAST_NOTED: f64 = 0.02;

/// Hours of ports noted a day at most; the rest of a day that is so wild is not drawn.
const MOST_NOTED: usize = 50_000;

/// What was noted on one day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvidenceDay {
    /// (hour of the day in UTC, port's code) → the most days reached in that hour.
    hours: BTreeMap<(u8, u32), f32>,
}

/// The days that changed since they were last taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvidenceLog {
    days: BTreeMap<i64, EvidenceDay>,
}

impl EvidenceDay {
    /// The name under which the store keeps the day that holds `time`.
    #[must_use]
    pub fn name(time: Timestamp) -> String {
        format!("detection/evidence/{}", time.micros().div_euclid(Timestamp::DAY))
    }

    /// Reads what [`EvidenceLog::take`] gave; nothing when it cannot be read.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        postcard::from_bytes(bytes).unwrap_or_default()
    }

    /// The evidence on `port` in the hour that holds `time`, in days.
    #[must_use]
    pub fn days(&self, time: Timestamp, port: Port) -> Option<f64> {
        self.hours.get(&(hour_of_day(time), port.code())).map(|days| f64::from(*days))
    }
}

impl EvidenceLog {
    /// Notes evidence of `days` on `port` in the bin at `start`.
    #[allow(clippy::cast_possible_truncation, reason = "seven digits are enough for a drawing")]
    pub(crate) fn note(&mut self, start: Timestamp, port: Port, days: f64) {
        if days < LEAST_NOTED {
            return;
        }
        let day = self.days.entry(start.micros().div_euclid(Timestamp::DAY)).or_default();
        let (key, is_full) = ((hour_of_day(start), port.code()), day.hours.len() >= MOST_NOTED);
        match day.hours.get_mut(&key) {
            Some(most) => *most = most.max(days as f32),
            None if is_full => {}
            None => {
                day.hours.insert(key, days as f32);
            }
        }
    }

    /// The days that changed, each by its name in the store and as bytes. The running day stays here to grow.
    pub fn take(&mut self, now: Timestamp) -> Vec<(String, Vec<u8>)> {
        let taken = self
            .days
            .iter()
            .filter_map(|(day, noted)| {
                let bytes = postcard::to_allocvec(noted).ok()?;
                Some((EvidenceDay::name(Timestamp::from_micros(day * Timestamp::DAY)), bytes))
            })
            .collect();
        let running = now.micros().div_euclid(Timestamp::DAY);
        self.days.retain(|day, _| *day >= running);
        taken
    }
}

fn hour_of_day(time: Timestamp) -> u8 {
    u8::try_from(time.micros().div_euclid(Timestamp::HOUR).rem_euclid(24)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_of_an_hour_is_kept_and_the_running_day_grows() {
        let mut log = EvidenceLog::default();
        let start = Timestamp::parse("2025-02-18T11:10:00Z").unwrap();
        for (minutes, days) in [(0, 0.5), (10, 3.0), (20, 1.0), (30, 0.001)] {
            log.note(start.plus(minutes * 60 * Timestamp::SECOND), Port::tcp(5900), days);
        }
        let taken = log.take(start);
        assert_eq!(taken.len(), 1);
        let day = EvidenceDay::read(&taken[0].1);
        assert_eq!(day.days(start, Port::tcp(5900)), Some(3.0));
        assert_eq!(day.days(start.plus(Timestamp::HOUR), Port::tcp(5900)), None);
        assert_eq!(log.take(start).len(), 1, "the running day is given again");
        assert_eq!(log.take(start.plus(Timestamp::DAY)).len(), 1);
        assert!(log.take(start.plus(Timestamp::DAY)).is_empty(), "a day that is over is let go");
    }
}
