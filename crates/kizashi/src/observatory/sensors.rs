//! Sensors side by side: what the store counted of each, and of this machine's own what its processes tell.

use kizashi_event::{KeyKind, Timestamp};
use kizashi_store::{Ranked, Span, StoredSensor};
use kizashi_web::{ReadError, SensorPorts, SensorRow};

use super::StoreObservatory;

/// Hours whose counts are told: a week.
const HOURS: u16 = 168;
/// Hours of a day.
const DAY: usize = 24;
/// A sensor is called silent after so many times the pause that its week makes one expect, and after an hour at least.
const PAUSES: f64 = 10.0;

impl StoreObservatory {
    pub(super) fn read_sensors(&self) -> Result<Vec<SensorRow>, ReadError> {
        let now = (self.clock)();
        let known = self.with_reader(|reader| {
            let mut known = Vec::new();
            for sensor in reader.sensors()? {
                let hours = reader.hours_of_sensor(&sensor.name, now, HOURS)?;
                known.push((sensor, hours));
            }
            Ok(known)
        })?;
        Ok(known.into_iter().map(|(sensor, hours)| self.sensor_row(sensor, hours, now)).collect())
    }

    fn sensor_row(&self, sensor: StoredSensor, hours: Vec<u64>, now: Timestamp) -> SensorRow {
        let own = self.own.sensor.as_deref() == Some(sensor.name.as_str());
        let health = self.health.as_ref().filter(|_| own).map(|health| health.now());
        SensorRow {
            own,
            alive: own || !is_silent(&hours, now.since(sensor.last)),
            first: sensor.first,
            last: sensor.last,
            events: sensor.events,
            day: hours.iter().rev().take(DAY).sum(),
            hours,
            version: own.then(|| env!("CARGO_PKG_VERSION").to_owned()),
            lost: health.map(|health| health.lost),
            lag_seconds: None,
            name: sensor.name,
        }
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
