//! Which events were here and are gone. Raw events go when they are old, but their counts stay; a log that is read again must
//! not count them twice. Two to four bytes an event remember them: a 32-bit hash, packed by its distance from the next.
//!
//! A day's hashes are in parts, so that letting some events go writes one part anew and not all that went of their day before.
//!
//! A new event is taken for one of them with a chance of (events of that day let go) / 2^32: one in 14,000 on a day of 300,000.

use std::collections::BTreeMap;

use kizashi_event::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::codes::{pack, unite, unpack};

/// Bytes of a part to which no more are added: some 10,000 hashes.
const FULL_PART: i64 = 32_768;

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
        for (day, more) in by_day {
            let (part, mut hashes) = part_with_room(connection, day)?;
            unite(&mut hashes, &more);
            connection
                .prepare_cached(
                    "INSERT INTO let_go (day, part, hashes) VALUES (?1, ?2, ?3)
                     ON CONFLICT (day, part) DO UPDATE SET hashes = excluded.hashes",
                )?
                .execute((day, part, pack(&hashes)))?;
            let (first, last) = self.days.unwrap_or((day, day));
            self.days = Some((first.min(day), last.max(day)));
            if self.remembered.as_ref().is_some_and(|(known, _)| *known == day) {
                self.remembered = None;
            }
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

/// The number of the day's latest part and what is in it; of the next, which is empty, where that is full.
fn part_with_room(connection: &Connection, day: i64) -> rusqlite::Result<(i64, Vec<u32>)> {
    let latest: Option<(i64, i64)> = connection
        .prepare_cached(
            "SELECT part, length(hashes) FROM let_go WHERE day = ?1 ORDER BY part DESC LIMIT 1",
        )?
        .query_row([day], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((part, bytes)) = latest else { return Ok((0, Vec::new())) };
    if bytes >= FULL_PART {
        return Ok((part + 1, Vec::new()));
    }
    let hashes: Vec<u8> = connection
        .prepare_cached("SELECT hashes FROM let_go WHERE day = ?1 AND part = ?2")?
        .query_row((day, part), |row| row.get(0))?;
    Ok((part, unpack(&hashes)))
}

fn hashes_of(connection: &Connection, day: i64) -> rusqlite::Result<Vec<u32>> {
    let mut read = connection.prepare_cached("SELECT hashes FROM let_go WHERE day = ?1")?;
    let mut rows = read.query([day])?;
    let mut hashes = Vec::new();
    while let Some(row) = rows.next()? {
        hashes.append(&mut unpack(row.get_ref(0)?.as_blob()?));
    }
    hashes.sort_unstable();
    Ok(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{FILE, open_to_write};

    #[test]
    fn what_goes_in_small_steps_is_all_remembered_and_no_step_writes_more_than_a_part() {
        let folder = crate::scratch::Folder::new();
        let connection = open_to_write(&folder.path().join(FILE)).unwrap();
        let mut let_go = LetGo::load(&connection).unwrap();
        let time = 20_000 * Timestamp::DAY;
        for step in 0..60_i64 {
            assert!(!let_go.holds(&connection, time, step * 512).unwrap(), "not gone yet");
            let_go.add(&connection, (0..512).map(|n| (time, step * 512 + n))).unwrap();
        }
        assert!((0..60 * 512).all(|id| let_go.holds(&connection, time, id).unwrap()));
        let parts: Vec<i64> = connection
            .prepare("SELECT length(hashes) FROM let_go ORDER BY part")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(parts.len() >= 2 && parts.iter().all(|bytes| *bytes < FULL_PART + 4 * 512));
        assert!(parts.iter().sum::<i64>() < 4 * 60 * 512, "at most four bytes an event: {parts:?}");
        let mut again = LetGo::load(&connection).unwrap();
        assert!(again.holds(&connection, time, 7).unwrap());
        assert!(!again.holds(&connection, time + 1, 7).unwrap());
    }
}
