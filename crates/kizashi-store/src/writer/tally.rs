//! What a batch of events adds to the rollups: gathered in memory, sorted into the order of the tables, written in one pass.
//! A table's rows are then met in order, which SQLite rewards, and a key met a thousand times in a batch is written once.

use std::collections::{BTreeMap, HashMap};

use kizashi_event::{KeyKind, Timestamp, Weight};
use rusqlite::{Connection, OptionalExtension as _};

use super::rows::write_rows;
use super::sensor_bins::SensorBins;
use super::sensor_key_bins::SensorKeyBins;
use super::sessions::Sessions;
use super::visits::Visits;
use crate::codes::{hour_of, kind_code, pack, stored, unite, unpack};

/// The source of what came from more addresses than were told apart: it counts as none. Keys are numbered from 1.
pub(crate) const NOBODY: u32 = 0;

/// What a batch adds.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    by_hour: Sums<Sum>,
    /// Keys that are counted by day and in all, and not by hour.
    by_day: Sums<Sum>,
    /// Ports by ten minutes; they have no kind here.
    bins: Sums<u64>,
    key_bins: Sums<u64>,
    late: HashMap<(i64, u32), u64>,
    sensors: BTreeMap<(i64, i64), OfSensor>,
    pub(super) sensor_bins: SensorBins,
    pub(super) sessions: Sessions,
    pub(super) sensor_key_bins: SensorKeyBins,
}

/// What a sensor told of in an hour.
#[derive(Clone, Copy, Debug)]
struct OfSensor {
    events: u64,
    first: i64,
    last: i64,
}

/// A row of a table and a source: when, of what kind, which key, who. One number, for hundreds of thousands of them are sorted each
/// second, and numbers sort three times as fast as tuples. Numbers order as the fields do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place(u128);

impl Place {
    /// Half of the numbers that a time has room for here: hours and ten minutes of any [`Timestamp`] are nearer to 0 than that.
    const ZERO: i128 = 1 << 55;

    #[allow(clippy::cast_sign_loss, reason = "the sum is positive, see ZERO; kinds are below 16")]
    const fn new(time: i64, kind: i64, key: u32, source: u32) -> Self {
        let time = (time as i128 + Self::ZERO) as u128;
        Self((time << 72) | ((kind as u128 & 0xff) << 64) | ((key as u128) << 32) | source as u128)
    }

    #[allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "as put in")]
    const fn time(self) -> i64 {
        ((self.0 >> 72) as i128 - Self::ZERO) as i64
    }

    const fn kind(self) -> i64 {
        (self.0 >> 64 & 0xff) as i64
    }

    #[allow(clippy::cast_possible_truncation, reason = "a part is wanted")]
    const fn key(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[allow(clippy::cast_possible_truncation, reason = "a part is wanted")]
    const fn source(self) -> u32 {
        self.0 as u32
    }

    /// Whether both are of one row.
    const fn is_of_row(self, other: Self) -> bool {
        self.0 >> 32 == other.0 >> 32
    }
}

/// What is counted in one place of a table each. Places are numbers of our own giving, which nobody can choose to collide.
type Sums<T> = HashMap<Place, T, foldhash::fast::RandomState>;

/// Events under one key in an hour or on a day.
#[derive(Clone, Copy, Debug)]
struct Sum {
    first: i64,
    last: i64,
    events: u64,
    sessions: u64,
}

/// Takes all sums out, in the order of the table.
fn in_order<T>(sums: &mut Sums<T>) -> Vec<(Place, T)> {
    let mut all: Vec<(Place, T)> = sums.drain().collect();
    all.sort_unstable_by_key(|(place, _)| *place);
    all
}

/// The sums of each row.
fn rows_of<T>(sums: &[(Place, T)]) -> impl Iterator<Item = &[(Place, T)]> {
    sums.chunk_by(|(one, _), (other, _)| one.is_of_row(*other))
}

fn add(sums: &mut Sums<Sum>, place: Place, time: Timestamp, weight: Weight) {
    let at = time.micros();
    let none = Sum { first: at, last: at, events: 0, sessions: 0 };
    let sum = sums.entry(place).or_insert(none);
    sum.first = sum.first.min(at);
    sum.last = sum.last.max(at);
    sum.events = sum.events.saturating_add(weight.events);
    sum.sessions = sum.sessions.saturating_add(weight.sessions);
}

fn add_events(sums: &mut Sums<u64>, place: Place, events: u64) {
    let sum = sums.entry(place).or_insert(0);
    *sum = sum.saturating_add(events);
}

/// One row of `hourly`, what it is by day, and between which moments its events came.
#[derive(Clone, Copy, Debug)]
struct Row {
    hour: i64,
    kind: i64,
    key: u32,
    first: i64,
    last: i64,
    events: u64,
    sessions: u64,
    sources: u64,
    sources_of_day: u64,
}

impl Tally {
    /// Counts an event at `time` from `source` under `key`.
    pub(crate) fn touch(
        &mut self,
        time: Timestamp,
        kind: KeyKind,
        key: u32,
        source: u32,
        weight: Weight,
    ) {
        let place = Place::new(hour_of(time), kind_code(kind), key, source);
        add(&mut self.by_hour, place, time, weight);
    }

    /// The same of a key that is counted by day and in all, its sources not.
    pub(crate) fn touch_day(&mut self, time: Timestamp, kind: KeyKind, key: u32, weight: Weight) {
        let place = Place::new(hour_of(time).div_euclid(24), kind_code(kind), key, NOBODY);
        add(&mut self.by_day, place, time, weight);
    }

    /// Counts an event under the sensor that told of it.
    pub(crate) fn touch_sensor(&mut self, sensor: i64, time: Timestamp, events: u64) {
        let at = time.micros();
        let none = OfSensor { events: 0, first: at, last: at };
        let counted = self.sensors.entry((sensor, hour_of(time))).or_insert(none);
        counted.events = counted.events.saturating_add(events);
        counted.first = counted.first.min(at);
        counted.last = counted.last.max(at);
    }

    /// Counts events in their ten minutes.
    pub(crate) fn touch_bin(&mut self, bin: i64, port: u32, source: u32, events: u64) {
        add_events(&mut self.bins, Place::new(bin, 0, port, source), events);
    }

    /// Counts events under a key in their ten minutes.
    pub(crate) fn touch_key_bin(
        &mut self,
        (bin, kind): (i64, KeyKind),
        key: u32,
        source: u32,
        events: u64,
    ) {
        add_events(&mut self.key_bins, Place::new(bin, kind_code(kind), key, source), events);
    }

    /// Counts events that came after their ten minutes were closed.
    pub(crate) fn touch_closed_bin(&mut self, bin: i64, port: u32, events: u64) {
        *self.late.entry((bin, port)).or_default() += events;
    }

    /// Writes all of it and is empty again.
    pub(crate) fn write(
        &mut self,
        connection: &Connection,
        visits: &mut Visits,
    ) -> rusqlite::Result<()> {
        self.write_bins(connection)?;
        self.write_key_bins(connection)?;
        self.sensor_bins.write(connection)?;
        self.sessions.write(connection)?;
        self.sensor_key_bins.write(connection)?;
        let rows = self.rows(connection, visits)?;
        visits.write(connection)?;
        write_hours(connection, &rows)?;
        let rows = [rows, self.rows_of_days()].concat();
        write_days(connection, &rows)?;
        write_totals(connection, rows)?;
        self.write_sensors(connection)
    }

    /// Rows of what is counted by day, as if all of a day were in its first hour.
    fn rows_of_days(&mut self) -> Vec<Row> {
        let sums = in_order(&mut self.by_day);
        let row = |sums| {
            let row = Row::of(sums)?;
            Some(Row { hour: row.hour * 24, ..row })
        };
        rows_of(&sums).filter_map(row).collect()
    }

    fn write_sensors(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut hour = connection.prepare_cached(
            "INSERT INTO sensor_hours (sensor, hour, events) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET events = events + excluded.events",
        )?;
        let mut all = connection.prepare_cached(
            "INSERT INTO sensors (sensor, first, last, events) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),
                events = events + excluded.events",
        )?;
        for ((sensor, at), counted) in std::mem::take(&mut self.sensors) {
            let OfSensor { events, first, last } = counted;
            hour.execute((sensor, at, stored(events)))?;
            all.execute((sensor, first, last, stored(events)))?;
        }
        Ok(())
    }

    fn write_bins(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut read =
            connection.prepare_cached("SELECT sources FROM bins WHERE bin = ?1 AND port = ?2")?;
        let mut write = connection.prepare_cached(
            "INSERT INTO bins (bin, port, events, late, sources) VALUES (?1, ?2, ?3, 0, ?4)
             ON CONFLICT DO UPDATE SET events = events + excluded.events, sources = excluded.sources",
        )?;
        for group in rows_of(&in_order(&mut self.bins)) {
            let Some((place, _)) = group.first() else { continue };
            let (bin, port) = (place.time(), place.key());
            let known: Option<Vec<u8>> =
                read.query_row((bin, port), |row| row.get(0)).optional()?;
            let mut sources = known.map_or_else(Vec::new, |bytes| unpack(&bytes));
            unite(&mut sources, &sources_of(group));
            write.execute((bin, port, stored(events_of(group)), pack(&sources)))?;
        }
        let mut count_late = connection.prepare_cached(
            "INSERT INTO bins (bin, port, events, late, sources) VALUES (?1, ?2, 0, ?3, x'')
             ON CONFLICT DO UPDATE SET late = late + excluded.late",
        )?;
        for ((bin, port), events) in self.late.drain() {
            count_late.execute((bin, port, stored(events)))?;
        }
        Ok(())
    }

    /// Most rows are new, so that it is tried to add a row before it is looked for.
    fn write_key_bins(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut add = connection.prepare_cached(
            "INSERT OR IGNORE INTO key_bins (bin, kind, key, events, sources) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let mut read = connection.prepare_cached(
            "SELECT sources FROM key_bins WHERE bin = ?1 AND kind = ?2 AND key = ?3",
        )?;
        let mut change = connection.prepare_cached(
            "UPDATE key_bins SET events = events + ?4, sources = ?5 WHERE bin = ?1 AND kind = ?2 AND key = ?3",
        )?;
        for group in rows_of(&in_order(&mut self.key_bins)) {
            let Some((place, _)) = group.first() else { continue };
            let (bin, kind, key) = (place.time(), place.kind(), place.key());
            let events = stored(events_of(group));
            let mut sources = sources_of(group);
            if add.execute((bin, kind, key, events, pack(&sources)))? == 0 {
                let known: Vec<u8> = read.query_row((bin, kind, key), |row| row.get(0))?;
                unite(&mut sources, &unpack(&known));
                change.execute((bin, kind, key, events, pack(&sources)))?;
            }
        }
        Ok(())
    }

    /// The rows by hour, in the order of the table, and with them the visits.
    fn rows(&mut self, connection: &Connection, visits: &mut Visits) -> rusqlite::Result<Vec<Row>> {
        let sums = in_order(&mut self.by_hour);
        let mut rows: Vec<Row> = Vec::new();
        for group in rows_of(&sums) {
            let Some(mut row) = Row::of(group) else { continue };
            (row.sources, row.sources_of_day) = if row.kind == kind_code(KeyKind::Source) {
                (1, 1)
            } else {
                visits.touch(connection, (row.hour, row.key), &sources_of(group))?
            };
            rows.push(row);
        }
        Ok(rows)
    }
}

impl Row {
    /// The row of these sums, whose sources are not counted yet.
    fn of(sums: &[(Place, Sum)]) -> Option<Self> {
        let (place, _) = sums.first()?;
        Some(Self {
            hour: place.time(),
            kind: place.kind(),
            key: place.key(),
            first: sums.iter().map(|(_, sum)| sum.first).min()?,
            last: sums.iter().map(|(_, sum)| sum.last).max()?,
            events: sums.iter().fold(0, |all, (_, sum)| sum.events.saturating_add(all)),
            sessions: sums.iter().fold(0, |all, (_, sum)| sum.sessions.saturating_add(all)),
            sources: 0,
            sources_of_day: 0,
        })
    }
}

/// Who came, in order; nobody but whoever can be told apart.
fn sources_of<T>(sums: &[(Place, T)]) -> Vec<u32> {
    sums.iter().map(|(place, _)| place.source()).filter(|source| *source != NOBODY).collect()
}

fn events_of(sums: &[(Place, u64)]) -> u64 {
    sums.iter().fold(0, |all, (_, events)| events.saturating_add(all))
}

/// A source is one source in each hour and on each day, however often it is counted.
const ADD_UP: &str = "ON CONFLICT DO UPDATE SET events = events + excluded.events, sessions = sessions + excluded.sessions,
    sources = CASE kind WHEN 3 THEN 1 ELSE sources + excluded.sources END";

fn write_hours(connection: &Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let insert = "INSERT INTO hourly (hour, kind, key, events, sessions, sources)";
    let rows = rows.iter().map(|row| {
        [
            row.hour,
            row.kind,
            i64::from(row.key),
            stored(row.events),
            stored(row.sessions),
            stored(row.sources),
        ]
    });
    write_rows(connection, (insert, ADD_UP), rows)
}

fn write_days(connection: &Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let insert = "INSERT INTO daily (day, kind, key, events, sessions, sources)";
    let mut rows = rows.to_vec();
    let place = |row: &Row| (row.hour.div_euclid(24), row.kind, row.key);
    rows.sort_unstable_by_key(place);
    super::leaders::forget(connection, rows.iter().map(|row| row.hour.div_euclid(24)))?;
    let days = rows.chunk_by(|a, b| place(a) == place(b)).filter_map(|group| {
        let (day, kind, key) = group.first().map(place)?;
        let sources: u64 = group.iter().map(|row| row.sources_of_day).sum();
        Some([
            day,
            kind,
            i64::from(key),
            stored(group.iter().map(|row| row.events).sum()),
            stored(group.iter().map(|row| row.sessions).sum()),
            stored(if kind == kind_code(KeyKind::Source) { 1 } else { sources }),
        ])
    });
    write_rows(connection, (insert, ADD_UP), days)
}

fn write_totals(connection: &Connection, mut rows: Vec<Row>) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached(
        "UPDATE keys SET first = min(first, ?2), last = max(last, ?3), events = events + ?4, sessions = sessions + ?5
         WHERE id = ?1",
    )?;
    rows.sort_unstable_by_key(|row| row.key);
    for group in rows.chunk_by(|a, b| a.key == b.key) {
        let Some(Row { key, .. }) = group.first() else { continue };
        update.execute((
            key,
            group.iter().map(|row| row.first).min(),
            group.iter().map(|row| row.last).max(),
            stored(group.iter().map(|row| row.events).sum()),
            stored(group.iter().map(|row| row.sessions).sum()),
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_hold_their_fields_and_order_as_these_do(
            one in (any::<i64>(), 0..16_i64, any::<u32>(), any::<u32>()),
            two in (any::<i64>(), 0..16_i64, any::<u32>(), any::<u32>()),
        ) {
            let hour = |time: i64| hour_of(Timestamp::from_micros(time));
            let (one, two) = ((hour(one.0), one.1, one.2, one.3), (hour(two.0), two.1, two.2, two.3));
            let place = |(time, kind, key, source)| Place::new(time, kind, key, source);
            let fields = |place: Place| (place.time(), place.kind(), place.key(), place.source());
            prop_assert_eq!(fields(place(one)), one);
            prop_assert_eq!(place(one).cmp(&place(two)), one.cmp(&two));
            prop_assert_eq!(
                place(one).is_of_row(place(two)),
                (one.0, one.1, one.2) == (two.0, two.1, two.2)
            );
        }
    }
}
