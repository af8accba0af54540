//! Sensors side by side: what the store counted of each, of this machine's own what its processes tell, and of a fleet's
//! what its hub knows.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use kizashi_event::{KeyKind, Timestamp};
use kizashi_fleet::detectors::{Fares, Roster};
use kizashi_fleet::hub::Condition;
use kizashi_store::{Ranked, Span, StoredSensor};
use kizashi_web::{DetectorRow, ReadError, SensorHours, SensorInFleet, SensorPorts, SensorRow};

use super::StoreObservatory;
use crate::fleet::DETECTORS;

/// Hours whose counts are told: a week.
const HOURS: u16 = 168;
/// Hours of a day.
const DAY: usize = 24;
/// A sensor is called silent after so many times the pause that its week makes one expect, and after an hour at least.
const PAUSES: f64 = 10.0;
/// Sensors that are told: more than a page shows.
const MOST_SENSORS: usize = 1_000;

/// What is known of one sensor: what the store counted, and, at a fleet's hub, how it fares.
#[derive(Default)]
struct Known {
    stored: Option<StoredSensor>,
    fares: Option<Condition>,
}

impl Known {
    /// Silent ones of a fleet first, then the latest heard.
    fn order(&self) -> (bool, Reverse<i64>) {
        let heard = self.fares.as_ref().map(|fares| fares.heard);
        let last = self.stored.as_ref().map(|stored| stored.last.micros());
        let is_silent = self.fares.as_ref().is_some_and(|fares| fares.silent);
        (!is_silent, Reverse(heard.max(last).unwrap_or(0)))
    }
}

impl StoreObservatory {
    pub(super) fn read_sensors(&self) -> Result<Vec<SensorRow>, ReadError> {
        let now = (self.clock)();
        let fares = self.own.fleet.as_ref().map(|fleet| fleet.at(now)).unwrap_or_default();
        self.with_reader(|reader| {
            let mut known: BTreeMap<String, Known> = BTreeMap::new();
            for stored in reader.sensors()? {
                let of = known.entry(stored.name.clone()).or_default();
                of.stored = Some(stored);
            }
            for fares in fares {
                let of = known.entry(fares.name.clone()).or_default();
                of.fares = Some(fares);
            }
            let mut known: Vec<(String, Known)> = known.into_iter().collect();
            known.sort_by_key(|(_, known)| known.order());
            let row = |(name, known): (String, Known)| {
                let hours = reader.hours_of_sensor(&name, now, HOURS)?;
                Ok(self.sensor_row(name, known, hours, now))
            };
            known.into_iter().take(MOST_SENSORS).map(row).collect()
        })
    }

    pub(super) fn read_detectors(&self) -> Result<Vec<DetectorRow>, ReadError> {
        let kept = self.with_reader(|reader| Ok(reader.blob(DETECTORS)?))?;
        let roster: Option<Roster> = kept.and_then(|json| serde_json::from_slice(&json).ok());
        let row = |fares: Fares| DetectorRow {
            name: fares.name,
            version: Some(fares.version).filter(|version| !version.is_empty()),
            alive: fares.lives,
            asked: fares.asked,
            parts: fares.partitions as u64,
            since: fares.since.map(Timestamp::from_micros),
            losses: fares.losses,
            lost_because: fares.lost_because,
        };
        Ok(roster.into_iter().flat_map(|roster| roster.detectors).map(row).collect())
    }

    fn sensor_row(
        &self,
        name: String,
        Known { stored, fares }: Known,
        hours: Vec<u64>,
        now: Timestamp,
    ) -> SensorRow {
        let own = self.own.sensor.as_deref() == Some(name.as_str());
        let health = self.health.as_ref().filter(|_| own).map(|health| health.now());
        let last = stored.as_ref().map(|stored| stored.last);
        let version = fares.as_ref().map(|fares| fares.status.version.clone());
        SensorRow {
            own,
            alive: match &fares {
                Some(fares) => !fares.silent,
                None => own || last.is_some_and(|last| !is_silent(&hours, now.since(last))),
            },
            first: stored.as_ref().map(|stored| stored.first),
            last,
            events: stored.map_or(0, |stored| stored.events),
            day: hours.iter().rev().take(DAY).sum(),
            hours,
            version: match own {
                true => Some(env!("CARGO_PKG_VERSION").to_owned()),
                false => version.filter(|version| !version.is_empty()),
            },
            lost: health.map(|health| health.lost).or_else(|| fares.as_ref().map(lost_of)),
            lag_seconds: fares.as_ref().map(|fares| seconds_of(fares.lag_ms)),
            fleet: fares.map(in_fleet),
            name,
        }
    }

    pub(super) fn read_sensor_hours(
        &self,
        sensor: &str,
        until: Timestamp,
        hours: u16,
    ) -> Result<SensorHours, ReadError> {
        let counts =
            self.with_reader(|reader| Ok(reader.hours_of_sensor(sensor, until, hours)?))?;
        let before = i64::try_from(counts.len().saturating_sub(1)).unwrap_or(0);
        let start = until.floor_to(Timestamp::HOUR).plus(-before * Timestamp::HOUR);
        Ok(SensorHours { start, hours: counts })
    }

    pub(super) fn read_sensor_ports(
        &self,
        sensor: &str,
        span: Span,
        limit: usize,
    ) -> Result<SensorPorts, ReadError> {
        let found = self.with_reader(|reader| Ok(reader.ports_of_sensor(sensor, span, limit)?))?;
        Ok(SensorPorts {
            rows: self.rows(&found.ports),
            looked_at: found.looked_at,
            reached: found.reached,
        })
    }
}

/// Events that a fleet's sensor lost itself.
fn lost_of(fares: &Condition) -> u64 {
    fares.status.lost_events.saturating_add(fares.status.dropped_events)
}

fn seconds_of(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1_000.0
}

fn in_fleet(fares: Condition) -> SensorInFleet {
    SensorInFleet {
        silent_since: fares.silent_since(),
        heard: (fares.heard > 0).then(|| Timestamp::from_micros(fares.heard)),
        group: Some(fares.group).filter(|group| !group.is_empty()),
        per_minute: fares.events_per_minute,
        clock_seconds: seconds_of(fares.clock_ms),
        waiting_records: fares.status.waiting_records,
        waiting_bytes: fares.status.waiting_bytes,
        dropped_events: fares.status.dropped_events,
        lost_events: fares.status.lost_events,
        missed_records: fares.missed,
        again_records: fares.again,
        without_content: fares.without_content,
        refused_records: fares.refused,
        refusal: fares.refusal,
        misbehaved: fares.status.misbehaved,
    }
}

impl StoreObservatory {
    /// What came to one sensor most, by its latest single events.
    pub(super) fn read_sensor_ranking(
        &self,
        sensor: &str,
        (kind, of): (KeyKind, Option<&str>),
        span: Span,
        limit: usize,
    ) -> Result<SensorPorts, ReadError> {
        match kind {
            KeyKind::Port => return self.read_sensor_ports(sensor, span, limit),
            KeyKind::PayloadCluster | KeyKind::Total => {
                let why = "this kind is not told of one sensor: its counts are of all together";
                return Err(ReadError::Unanswerable(why.to_owned()));
            }
            _ => {}
        }
        // Those of one kind stand among all others.
        let wanted = if of.is_some() { usize::MAX } else { limit };
        let found =
            self.with_reader(|reader| Ok(reader.keys_of_sensor(sensor, kind, span, wanted)?))?;
        let begins = of.map(|of| format!("{of}:"));
        let is_wanted = |row: &&Ranked| {
            begins.as_ref().is_none_or(|begins| row.key.text.starts_with(begins.as_str()))
        };
        let ports: Vec<Ranked> =
            found.ports.iter().filter(is_wanted).take(limit).cloned().collect();
        Ok(SensorPorts {
            rows: self.rows(&ports),
            looked_at: found.looked_at,
            reached: found.reached,
        })
    }
}

/// Whether `quiet` microseconds are long for who had so many events in the hours before.
fn is_silent(hours: &[u64], quiet: i64) -> bool {
    let events: u64 = hours.iter().sum();
    let pause = Timestamp::HOUR as f64 * hours.len() as f64 / events.max(1) as f64;
    quiet as f64 > (PAUSES * pause).max(Timestamp::HOUR as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_long_by_a_sensors_own_measure() {
        let busy = vec![600; 168];
        assert!(!is_silent(&busy, Timestamp::HOUR) && is_silent(&busy, 2 * Timestamp::HOUR));
        let seldom: Vec<u64> = (0..168).map(|hour| u64::from(hour % 12 == 0)).collect();
        assert!(!is_silent(&seldom, 3 * Timestamp::DAY) && is_silent(&seldom, 6 * Timestamp::DAY));
    }
}
