//! Ten-minute counts of ports by the sensor that told of them, for detection at single sensors and groups of a fleet. They are kept at a
//! hub alone ([`crate::BySensor::Ports`]), in the transaction that writes `bins`, and of the same events: so what the sensors' counts
//! of ten minutes have together is what `bins` has, and both are closed at one moment by one counter.

use std::collections::BTreeMap;

use kizashi_event::Port;
use rusqlite::{Connection, OptionalExtension as _};

use super::closing::start_of;
use super::tally::NOBODY;
use crate::codes::{count_of, pack, stored, unite, unpack};
use crate::{ClosedBin, PortBin};

/// What a batch adds.
#[derive(Debug, Default)]
pub(super) struct SensorBins(Vec<Touch>);

/// One event of a sensor, or those that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Touch {
    bin: i64,
    sensor: i64,
    port: u32,
    source: u32,
    events: u64,
}

impl SensorBins {
    /// Counts events of a sensor in their ten minutes.
    pub(super) fn touch(&mut self, (bin, sensor): (i64, i64), port: u32, source: u32, events: u64) {
        self.0.push(Touch { bin, sensor, port, source, events });
    }

    /// Writes all of it and is empty again.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut read = connection.prepare_cached(
            "SELECT sources FROM sensor_bins WHERE bin = ?1 AND sensor = ?2 AND port = ?3",
        )?;
        let mut write = connection.prepare_cached(
            "INSERT INTO sensor_bins (bin, sensor, port, events, sources) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET events = events + excluded.events, sources = excluded.sources",
        )?;
        self.0.sort_unstable();
        let row = |touch: &Touch| (touch.bin, touch.sensor, touch.port);
        for group in self.0.chunk_by(|one, other| row(one) == row(other)) {
            let Some((bin, sensor, port)) = group.first().map(row) else { continue };
            let known: Option<Vec<u8>> =
                read.query_row((bin, sensor, port), |row| row.get(0)).optional()?;
            let mut sources = known.map_or_else(Vec::new, |bytes| unpack(&bytes));
            let fresh: Vec<u32> =
                group.iter().map(|touch| touch.source).filter(|source| *source != NOBODY).collect();
            unite(&mut sources, &fresh);
            let events = group.iter().fold(0_u64, |sum, touch| sum.saturating_add(touch.events));
            write.execute((bin, sensor, port, stored(events), pack(&sources)))?;
        }
        self.0.clear();
        Ok(())
    }
}

/// What each sensor heard in the ten minutes of this number, by its name; those that heard nothing are left out.
pub(crate) fn sensors_in(
    connection: &Connection,
    bin: i64,
) -> rusqlite::Result<BTreeMap<String, ClosedBin>> {
    let mut read = connection.prepare_cached(
        "SELECT names.text, port, events, sources FROM sensor_bins JOIN names ON names.id = sensor
         WHERE bin = ?1 AND events > 0 ORDER BY sensor, port",
    )?;
    let mut rows = read.query([bin])?;
    let mut bins: BTreeMap<String, ClosedBin> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let Some(port) = Port::from_code(row.get(1)?) else { continue };
        let sources = row.get_ref(3)?.as_blob().map_or_else(|_| Vec::new(), unpack);
        let of_sensor = bins.entry(row.get(0)?).or_insert_with(|| ClosedBin {
            start: start_of(bin),
            ports: Vec::new(),
            keys: Vec::new(),
        });
        of_sensor.ports.push(PortBin { port, events: count_of(row.get(2)?), sources });
    }
    super::sensor_key_bins::add_keys(connection, bin, &mut bins)?;
    Ok(bins)
}
