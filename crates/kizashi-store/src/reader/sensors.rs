//! Sensors side by side: totals and hours of each from counts of their own (`sensors`, `sensor_hours`), and the ports of one from its latest raw
//! events, for which no counts are kept: that would be the ports' own once more for each sensor, and most stores have one.

use std::collections::{HashMap, HashSet};

use kizashi_event::{Key, Port, Timestamp};
use rusqlite::OptionalExtension as _;

use super::Reader;
use crate::codes::{count_of, stored};
use crate::error::InContext;
use crate::{Ranked, Span, StoreError};

/// Raw events that are looked at for one sensor's ports.
const MOST_ROWS: u64 = 50_000;
/// Sensors that are told.
const MOST_SENSORS: u32 = 20_000;

/// What one sensor counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSensor {
    /// Its name in its events.
    pub name: String,
    /// Its first event.
    pub first: Timestamp,
    /// Its last event.
    pub last: Timestamp,
    /// All of them.
    pub events: u64,
}

/// The ports of one sensor, as far as was looked back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SensorPorts {
    /// The ports, most events first; `first` and `last` are of what was looked at.
    pub ports: Vec<Ranked>,
    /// Raw events that were looked at, other sensors' among them.
    pub looked_at: u64,
    /// Where the look ended; `None` where the whole span was looked through.
    pub reached: Option<Timestamp>,
}

/// One raw event as far as it is counted.
pub(super) struct Seen {
    pub(super) time: i64,
    pub(super) source: u32,
    pub(super) session: Option<i64>,
    pub(super) events: u64,
}

/// What a key counted in a look.
pub(super) struct Counted {
    pub(super) events: u64,
    sessions: HashSet<i64>,
    sources: HashSet<u32>,
    first: i64,
    last: i64,
}

impl Counted {
    /// Of a key that is met for the first time.
    pub(super) fn from(seen: &Seen) -> Self {
        Self {
            events: 0,
            sessions: HashSet::new(),
            sources: HashSet::new(),
            first: seen.time,
            last: seen.time,
        }
    }

    pub(super) fn count(&mut self, seen: &Seen) {
        self.events += seen.events;
        self.first = self.first.min(seen.time);
        self.last = self.last.max(seen.time);
        self.sources.insert(seen.source);
        self.sessions.extend(seen.session);
    }

    pub(super) fn ranked(&self, key: Key) -> Ranked {
        Ranked {
            key,
            events: self.events,
            sessions: self.sessions.len() as u64,
            sources: self.sources.len() as u64,
            first: Timestamp::from_micros(self.first),
            last: Timestamp::from_micros(self.last),
        }
    }
}

impl Reader {
    /// Every sensor that events came from, the latest heard first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sensors(&self) -> Result<Vec<StoredSensor>, StoreError> {
        let read = || -> rusqlite::Result<Vec<StoredSensor>> {
            self.connection
                .prepare_cached(
                    "SELECT text, first, last, events FROM sensors JOIN names ON names.id = sensor
                     ORDER BY last DESC LIMIT ?1",
                )?
                .query_map([MOST_SENSORS], |row| {
                    Ok(StoredSensor {
                        name: row.get(0)?,
                        first: Timestamp::from_micros(row.get(1)?),
                        last: Timestamp::from_micros(row.get(2)?),
                        events: count_of(row.get(3)?),
                    })
                })?
                .collect()
        };
        read().doing("reading sensors", &self.path)
    }

    /// Events of a sensor in each of so many hours up to the one that holds `until`, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn hours_of_sensor(
        &self,
        sensor: &str,
        until: Timestamp,
        hours: u16,
    ) -> Result<Vec<u64>, StoreError> {
        let read = || -> rusqlite::Result<Vec<u64>> {
            let end = until.micros().div_euclid(Timestamp::HOUR) + 1;
            let first = end - i64::from(hours);
            let mut counts = vec![0; usize::from(hours)];
            let Some(id) = self.name_id(sensor)? else { return Ok(counts) };
            let mut read = self.connection.prepare_cached(
                "SELECT hour, events FROM sensor_hours WHERE sensor = ?1 AND hour >= ?2 AND hour < ?3",
            )?;
            let mut rows = read.query((id, first, end))?;
            while let Some(row) = rows.next()? {
                let at = usize::try_from(row.get::<_, i64>(0)? - first).unwrap_or(usize::MAX);
                if let Some(count) = counts.get_mut(at) {
                    *count = count_of(row.get(1)?);
                }
            }
            Ok(counts)
        };
        read().doing("reading a sensor", &self.path)
    }

    /// The ports that a sensor's events of a span came to, by its latest raw events.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ports_of_sensor(
        &self,
        sensor: &str,
        span: Span,
        limit: usize,
    ) -> Result<SensorPorts, StoreError> {
        self.read_ports_of_sensor(sensor, span, limit).doing("reading a sensor", &self.path)
    }

    fn read_ports_of_sensor(
        &self,
        sensor: &str,
        span: Span,
        limit: usize,
    ) -> rusqlite::Result<SensorPorts> {
        let Some(id) = self.name_id(sensor)? else { return Ok(SensorPorts::default()) };
        let since = span.since.map_or(i64::MIN, Timestamp::micros);
        let until = span.until.map_or(i64::MAX, Timestamp::micros);
        let mut ports: HashMap<u32, Counted> = HashMap::new();
        let (mut looked_at, mut reached) = (0, None);
        for hour in self.hours_heard(id, since, until)? {
            if looked_at >= MOST_ROWS {
                reached = Some(Timestamp::from_micros((hour + 1) * Timestamp::HOUR));
                break;
            }
            let (start, end) = (hour * Timestamp::HOUR, (hour + 1) * Timestamp::HOUR);
            looked_at += self.count_ports(id, start.max(since), end.min(until), &mut ports)?;
        }
        let mut ranking: Vec<(u32, Counted)> = ports.into_iter().collect();
        ranking.sort_by_key(|(port, counted)| (std::cmp::Reverse(counted.events), *port));
        let of = |(code, counted): (u32, Counted)| {
            Some(counted.ranked(Key::port(Port::from_code(code)?)))
        };
        let ports = ranking.into_iter().take(limit).filter_map(of).collect();
        Ok(SensorPorts { ports, looked_at, reached })
    }

    /// The number of a sensor's or service's name.
    pub(super) fn name_id(&self, name: &str) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached("SELECT id FROM names WHERE text = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()
    }

    /// The hours of a span in which a sensor has events, the latest first.
    pub(super) fn hours_heard(
        &self,
        sensor: i64,
        since: i64,
        until: i64,
    ) -> rusqlite::Result<Vec<i64>> {
        let (first, end) = (since.div_euclid(Timestamp::HOUR), until.div_euclid(Timestamp::HOUR));
        self.connection
            .prepare_cached(
                "SELECT hour FROM sensor_hours WHERE sensor = ?1 AND hour >= ?2 AND hour <= ?3 ORDER BY hour DESC",
            )?
            .query_map((sensor, first, end), |row| row.get(0))?
            .collect()
    }

    fn count_ports(
        &self,
        sensor: i64,
        since: i64,
        until: i64,
        ports: &mut HashMap<u32, Counted>,
    ) -> rusqlite::Result<u64> {
        let mut read = self.connection.prepare_cached(
            "SELECT time, sensor, port, source, session FROM events
             WHERE time >= ?1 AND time < ?2 AND flagged = 0 ORDER BY time DESC, id DESC LIMIT ?3",
        )?;
        let mut rows = read.query((since, until, stored(MOST_ROWS)))?;
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            looked_at += 1;
            if row.get::<_, i64>(1)? != sensor {
                continue;
            }
            let seen =
                Seen { time: row.get(0)?, source: row.get(3)?, session: row.get(4)?, events: 1 };
            ports.entry(row.get(2)?).or_insert_with(|| Counted::from(&seen)).count(&seen);
        }
        Ok(looked_at)
    }
}
