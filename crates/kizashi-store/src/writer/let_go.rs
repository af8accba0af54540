//! Which events were here and are gone. Raw events go when they are old, but their counts stay; a log that is read again must
//! not count them twice. Two to three bytes an event remember them: a 32-bit hash, packed by its distance from the next.
//!
//! A new event is taken for one of them with a chance of (events of that day let go) / 2^32: one in 14,000 on a day of 300,000.

use std::collections::BTreeMap;

use kizashi_event::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::codes::{pack, unite, unpack};

/// The hashes of the day that was last asked about.
#[derive(Debug, Default)]
pub(crate) struct LetGo {
    /// The first and last day of which events were let go.
    days: Option<(i64, i64)>,
    remembered: Option<(i64, Vec<u32>)>,
}

impl LetGo {
    /// What the database knows.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let (first, last): (Option<i64>, Option<i64>) =
            connection.query_row("SELECT min(day), max(day) FROM let_go", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(Self { days: first.zip(last), remembered: None })
    }

    /// Whether this event was here and was let go.
    pub(crate) fn holds(
        &mut self,
        connection: &Connection,
        time: i64,
        id: i64,
    ) -> rusqlite::Result<bool> {
        let day = day_of(time);
        if !self.days.is_some_and(|(first, last)| (first..=last).contains(&day)) {
            return Ok(false);
        }
        if self.remembered.as_ref().is_none_or(|(known, _)| *known != day) {
            self.remembered = Some((day, hashes_of(connection, day)?));
        }
        let hashes = self.remembered.as_ref().map(|(_, hashes)| hashes);
        Ok(hashes.is_some_and(|hashes| hashes.binary_search(&hash_of(time, id)).is_ok()))
    }

    /// Remembers events that are being let go, given as (time, id).
    pub(crate) fn add(
        &mut self,
        connection: &Connection,
        events: impl IntoIterator<Item = (i64, i64)>,
    ) -> rusqlite::Result<()> {
        let mut by_day: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        for (time, id) in events {
            by_day.entry(day_of(time)).or_default().push(hash_of(time, id));
        }
        self.remembered = None;
        for (day, more) in by_day {
            let mut hashes = hashes_of(connection, day)?;
            unite(&mut hashes, &more);
            connection
                .prepare_cached("INSERT OR REPLACE INTO let_go (day, hashes) VALUES (?1, ?2)")?
                .execute((day, pack(&hashes)))?;
            let (first, last) = self.days.unwrap_or((day, day));
            self.days = Some((first.min(day), last.max(day)));
        }
        Ok(())
    }
}

const fn day_of(time: i64) -> i64 {
    time.div_euclid(Timestamp::DAY)
}

/// Seeded by the time, so that equal ids at different times differ.
#[allow(clippy::cast_possible_truncation, reason = "half of the hash is wanted")]
fn hash_of(time: i64, id: i64) -> u32 {
    xxh3_64_with_seed(&id.to_le_bytes(), time.cast_unsigned()) as u32
}

fn hashes_of(connection: &Connection, day: i64) -> rusqlite::Result<Vec<u32>> {
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT hashes FROM let_go WHERE day = ?1")?
        .query_row([day], |row| row.get(0))
        .optional()?;
    Ok(bytes.map_or_else(Vec::new, |bytes| unpack(&bytes)))
}
