//! Reading, beside a writer or without one. Everything a person waits for is answered from rollups or by an index.

mod bin_length;
mod events;
mod items;
mod leaders;
mod payloads;
mod search;
mod sensor_keys;
mod sensors;
mod series;
mod sessions;
mod top;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kizashi_event::{Key, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};

pub use bin_length::BinLength;
pub use search::{Filter, FoundEvents, Term};
pub use sensors::{SensorPorts, StoredSensor};
pub use series::MOST_POINTS;

use crate::codes::{BIN, bin_of, count_of, kind_code};
use crate::error::InContext;
use crate::schema::{FILE, open_to_read};
use crate::writer::{bins_between, counter, sensors_in};
use crate::{ClosedBin, Overview, Places, StoreError, StoredSign};

/// Ten-minute bins that are read at once: a day.
const BINS_AT_ONCE: i64 = 144;

/// A connection for reading: for one thread at a time.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    places: Arc<Places>,
}

impl Reader {
    /// Opens the store in `folder`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Err(StoreError::Missing(folder.to_path_buf()));
        }
        Ok(Self { connection: open_to_read(&path)?, path, places: Places::built_in() })
    }

    /// The same reader, which tells by these tables where visitors are.
    #[must_use]
    pub fn with_places(self, places: Arc<Places>) -> Self {
        Self { places, ..self }
    }

    /// The store at a glance.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn overview(&self) -> Result<Overview, StoreError> {
        self.read_overview().doing("reading the overview", &self.path)
    }

    fn read_overview(&self) -> rusqlite::Result<Overview> {
        let total = self
            .connection
            .prepare_cached("SELECT events, sessions, first, last FROM keys WHERE kind = 0")?
            .query_row([], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let (events, sessions, first, last): (i64, i64, i64, i64) = total.unwrap_or_default();
        let number = |name| {
            Ok::<_, rusqlite::Error>(count_of(counter(&self.connection, name)?.unwrap_or(0)))
        };
        Ok(Overview {
            events: count_of(events),
            events_raw: number("events_raw")?,
            sessions: count_of(sessions),
            sources: number("sources")?,
            first: (events > 0).then(|| Timestamp::from_micros(first)),
            last: (events > 0).then(|| Timestamp::from_micros(last)),
            late: number("late")?,
            out_of_time: number("out_of_time")?,
            dropped: number("dropped")?,
            bytes: self.bytes(),
        })
    }

    fn bytes(&self) -> u64 {
        ["", "-wal"]
            .iter()
            .filter_map(|ending| {
                let mut name = self.path.clone().into_os_string();
                name.push(ending);
                std::fs::metadata(name).ok()
            })
            .map(|file| file.len())
            .sum()
    }

    /// Calls `each` with every closed ten minutes from `since` on that anything came to, in order of time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn closed_bins(
        &self,
        since: Option<Timestamp>,
        mut each: impl FnMut(ClosedBin),
    ) -> Result<(), StoreError> {
        let doing = "reading ten-minute counts";
        let closed = counter(&self.connection, "open_from").doing(doing, &self.path)?;
        let first: Option<i64> = self
            .connection
            .query_row("SELECT min(bin) FROM bins", [], |row| row.get(0))
            .doing(doing, &self.path)?;
        let (Some(closed), Some(first)) = (closed, first) else { return Ok(()) };
        let mut from = since.map_or(first, |since| bin_of(since).max(first));
        while from < closed {
            let until = from.saturating_add(BINS_AT_ONCE).min(closed);
            let bins = bins_between(&self.connection, from, until).doing(doing, &self.path)?;
            if bins.is_empty() {
                // A gap of years costs one seek.
                let next: Option<i64> = self
                    .connection
                    .query_row("SELECT min(bin) FROM bins WHERE bin >= ?1", [until], |row| {
                        row.get(0)
                    })
                    .doing(doing, &self.path)?;
                from = next.unwrap_or(closed);
                continue;
            }
            bins.into_iter().for_each(&mut each);
            from = until;
        }
        Ok(())
    }

    /// What came to ports at each sensor, by its name, in the ten minutes from `start` on, where a store counts by sensor
    /// ([`crate::Settings::by_sensor`]); what they have together is what [`Self::closed_bins`] gives of these ten minutes. Nothing of ten
    /// minutes that are not closed yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn closed_by_sensor(
        &self,
        start: Timestamp,
    ) -> Result<BTreeMap<String, ClosedBin>, StoreError> {
        let doing = "reading ten-minute counts";
        let closed = counter(&self.connection, "open_from").doing(doing, &self.path)?;
        let bin = bin_of(start);
        if closed.is_none_or(|closed| bin >= closed) {
            return Ok(BTreeMap::new());
        }
        sensors_in(&self.connection, bin).doing(doing, &self.path)
    }

    /// The end of the last closed ten minutes.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn closed_through(&self) -> Result<Option<Timestamp>, StoreError> {
        let bin = counter(&self.connection, "open_from")
            .doing("reading ten-minute counts", &self.path)?;
        Ok(bin.map(|bin| Timestamp::from_micros(bin.saturating_mul(BIN))))
    }

    /// Signs, the latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn signs(&self, limit: usize) -> Result<Vec<StoredSign>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT id, detected, sign, evidence FROM signs ORDER BY detected DESC, id LIMIT ?1",
                )?
                .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], stored_sign)?
                .collect()
        };
        let signs: rusqlite::Result<Vec<StoredSign>> = read();
        signs.doing("reading signs", &self.path)
    }

    /// One sign.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sign(&self, id: &str) -> Result<Option<StoredSign>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT id, detected, sign, evidence FROM signs WHERE id = ?1")?
                .query_row([id], stored_sign)
                .optional()
        };
        read().doing("reading a sign", &self.path)
    }

    /// What was saved under a name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn blob(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT value FROM blobs WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()
        };
        read().doing("reading saved state", &self.path)
    }

    fn key_id(&self, key: &Key) -> rusqlite::Result<Option<u32>> {
        self.connection
            .prepare_cached("SELECT id FROM keys WHERE kind = ?1 AND text = ?2")?
            .query_row((kind_code(key.kind), &*key.text), |row| row.get(0))
            .optional()
    }
}

fn stored_sign(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredSign> {
    Ok(StoredSign {
        id: row.get(0)?,
        detected: Timestamp::from_micros(row.get(1)?),
        json: row.get(2)?,
        evidence: row.get(3)?,
    })
}
