//! Ten-minute counts of keys that are no ports by the sensor that told of them, for detection at single sensors and groups of a fleet by all
//! keys. They are kept where a hub asks for them ([`crate::BySensor::Keys`]), in the transaction that writes `key_bins` and of the same events, and cost a
//! row for each key at each sensor in ten minutes: that is why a hub may leave them out.

use std::collections::BTreeMap;

use kizashi_event::KeyKind;
use rusqlite::Connection;

use super::closing::{keys_of, start_of};
use super::tally::NOBODY;
use crate::ClosedBin;
use crate::codes::{kind_code, pack, stored, unite, unpack};

/// Ten minutes, sensor, kind and key.
type Row = (i64, i64, i64, u32);

/// What a batch adds.
#[derive(Debug, Default)]
pub(super) struct SensorKeyBins(Vec<Touch>);

/// One event under one key at one sensor, or those that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Touch {
    row: Row,
    source: u32,
    events: u64,
}

impl SensorKeyBins {
    /// Counts events of a sensor under a key in their ten minutes.
    pub(super) fn touch(
        &mut self,
        (bin, sensor, kind, key): (i64, i64, KeyKind, u32),
        source: u32,
        events: u64,
    ) {
        self.0.push(Touch { row: (bin, sensor, kind_code(kind), key), source, events });
    }

    /// Writes all of it and is empty again. Most rows are new, so that it is tried to add a row before it is looked for.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut add = connection.prepare_cached(
            "INSERT OR IGNORE INTO sensor_key_bins (bin, sensor, kind, key, events, sources) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut read = connection.prepare_cached(
            "SELECT sources FROM sensor_key_bins WHERE bin = ?1 AND sensor = ?2 AND kind = ?3 AND key = ?4",
        )?;
        let mut change = connection.prepare_cached(
            "UPDATE sensor_key_bins SET events = events + ?5, sources = ?6
             WHERE bin = ?1 AND sensor = ?2 AND kind = ?3 AND key = ?4",
        )?;
        self.0.sort_unstable();
        for group in self.0.chunk_by(|one, other| one.row == other.row) {
            let Some((bin, sensor, kind, key)) = group.first().map(|touch| touch.row) else {
                continue;
            };
            let events = group.iter().fold(0_u64, |sum, touch| sum.saturating_add(touch.events));
            let mut sources: Vec<u32> =
                group.iter().map(|touch| touch.source).filter(|source| *source != NOBODY).collect();
            sources.dedup();
            if add.execute((bin, sensor, kind, key, stored(events), pack(&sources)))? == 0 {
                let known: Vec<u8> = read.query_row((bin, sensor, kind, key), |row| row.get(0))?;
                unite(&mut sources, &unpack(&known));
                change.execute((bin, sensor, kind, key, stored(events), pack(&sources)))?;
            }
        }
        self.0.clear();
        Ok(())
    }
}

/// Lets a key of ten minutes go at every sensor that counted in these; how many seeks that took.
pub(super) fn forget(
    connection: &Connection,
    (bin, kind): (i64, i64),
    key: u32,
) -> rusqlite::Result<i64> {
    let sensors = sensors_of(connection, bin)?;
    let mut delete = connection.prepare_cached(
        "DELETE FROM sensor_key_bins WHERE bin = ?1 AND sensor = ?2 AND kind = ?3 AND key = ?4",
    )?;
    for sensor in &sensors {
        delete.execute((bin, sensor, kind, key))?;
    }
    Ok(i64::try_from(2 * sensors.len()).unwrap_or(i64::MAX))
}

/// Adds to what each sensor heard in the ten minutes of this number which keys came to it, of each kind as many as are given of all sensors.
pub(super) fn add_keys(
    connection: &Connection,
    bin: i64,
    bins: &mut BTreeMap<String, ClosedBin>,
) -> rusqlite::Result<()> {
    let mut name = connection.prepare_cached("SELECT text FROM names WHERE id = ?1")?;
    let mut read = connection.prepare_cached(
        "SELECT kind, key, events, sources FROM sensor_key_bins WHERE bin = ?1 AND sensor = ?2 ORDER BY kind, key",
    )?;
    for sensor in sensors_of(connection, bin)? {
        let name: String = name.query_row([sensor], |row| row.get(0))?;
        let nothing = || ClosedBin { start: start_of(bin), ports: Vec::new(), keys: Vec::new() };
        bins.entry(name).or_insert_with(nothing).keys =
            keys_of(connection, read.query((bin, sensor))?)?;
    }
    Ok(())
}

/// The sensors that counted keys in ten minutes, by a seek each.
fn sensors_of(connection: &Connection, bin: i64) -> rusqlite::Result<Vec<i64>> {
    let mut next = connection
        .prepare_cached("SELECT min(sensor) FROM sensor_key_bins WHERE bin = ?1 AND sensor > ?2")?;
    let (mut sensors, mut after) = (Vec::new(), i64::MIN);
    while let Some(sensor) = next.query_row((bin, after), |row| row.get::<_, Option<i64>>(0))? {
        sensors.push(sensor);
        after = sensor;
    }
    Ok(sensors)
}
