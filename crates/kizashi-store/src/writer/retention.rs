//! What goes when it is old or when room is short: raw events first, the oldest of them first, then captured content; counts last,
//! and only by age. All of it goes in rounds (`maintenance.rs`), so that events never wait long behind it. Letting an event go costs a
//! tenth of storing it, so that however fast a flood comes, its oldest part goes as fast.

use std::collections::HashSet;
use std::path::Path;

use kizashi_event::Timestamp;
use rusqlite::{Connection, Transaction};

use super::ledger::{Ledger, add_to_counter};
use super::maintenance::{Round, STEP};
use super::payloads;
use crate::StoreError;
use crate::codes::{count_of, stored};
use crate::error::InContext;

/// Pages that one step moves to the front of the file, so that it can end earlier.
const PAGES: u32 = 64;
/// Pages given back by one maintenance where the file is not too large: 4 MiB. The rest is written to again.
const UNHURRIED_PAGES: u32 = 1_024;
/// Captured contents that one step lets go.
const CONTENTS: u64 = 64;

/// What a maintenance let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Raw events let go because they were old.
    pub by_age: u64,
    /// Raw events let go because room was short.
    pub by_size: u64,
    /// Captured contents let go by this maintenance; most go when new content takes their place.
    pub payloads: u64,
    /// Sources, and keys older than all counts of them, let go by this maintenance; others go when new ones take their place.
    pub keys: u64,
}

/// Which tables of counts were gone through already.
#[derive(Debug, Default)]
pub(super) struct Counts(usize);

/// Pages given back so far.
#[derive(Debug, Default)]
pub(super) struct GivenBack(u32);

impl GivenBack {
    /// Nothing is given back but what must be.
    pub(super) const fn none_unhurried() -> Self {
        Self(UNHURRIED_PAGES)
    }
}

/// How the file and its disk stand.
struct Room {
    page: u64,
    pages: u64,
    free_pages: u64,
    /// Bytes of the file on the disk, which is as long as it was until what was given back is written there.
    file: u64,
    free_on_disk: Option<u64>,
}

impl Room {
    fn look(ledger: &Ledger) -> rusqlite::Result<Self> {
        let number = |pragma: &str| {
            ledger.connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).map(count_of)
        };
        Ok(Self {
            page: number("PRAGMA page_size")?,
            pages: number("PRAGMA page_count")?,
            free_pages: number("PRAGMA freelist_count")?,
            file: std::fs::metadata(&ledger.path).map_or(0, |file| file.len()),
            free_on_disk: free_bytes(&ledger.path),
        })
    }

    /// Bytes of the database that hold something.
    const fn used(&self) -> u64 {
        self.pages.saturating_sub(self.free_pages).saturating_mul(self.page)
    }

    /// Whether the disk has less free than it must, once all was given back that is not used.
    fn is_short_on_disk(&self, least: u64) -> bool {
        let coming = self.file.saturating_sub(self.used());
        self.free_on_disk.is_some_and(|free| free.saturating_add(coming) < least)
    }

    /// Whether the file must become shorter for its bound or for the disk's.
    fn is_too_long(&self, retention: crate::Retention) -> bool {
        self.pages.saturating_mul(self.page) > retention.most_bytes
            || self.free_on_disk.is_some_and(|free| free < retention.least_free_bytes)
    }
}

impl Ledger {
    /// The moment `now` from which ages are counted: a log of years ago is as young as its last event, so that what was imported is not
    /// let go at once.
    fn age_from(&self, now: Timestamp) -> rusqlite::Result<Timestamp> {
        let newest: Option<i64> = self
            .connection
            .prepare_cached("SELECT max(last) FROM keys WHERE kind = 0")?
            .query_row([], |row| row.get(0))?;
        Ok(newest.map_or(now, |newest| now.min(Timestamp::from_micros(newest))))
    }

    /// Lets raw events go that are too old at `now`; whether none is left.
    pub(super) fn clear_old_events(
        &mut self,
        now: Timestamp,
        cleared: &mut Cleared,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let doing = "letting old events go";
        let path = self.path.clone();
        let from = self.age_from(now).doing(doing, &path)?;
        let before = days_before(from, self.settings.retention.raw_days).micros();
        let (gone, _) = self.delete_raw_before(before, round).doing(doing, &path)?;
        cleared.by_age += gone;
        // An empty step ends it without having cost anything.
        Ok(gone == 0)
    }

    /// Whether there is too little room or too many sources.
    pub(super) fn is_short(&self) -> Result<bool, StoreError> {
        let room = Room::look(self).doing("looking how much room is left", &self.path)?;
        let retention = self.settings.retention;
        Ok(room.used() > retention.most_bytes
            || room.is_short_on_disk(retention.least_free_bytes)
            || self.has_too_many_sources())
    }

    /// Lets the oldest raw events go while there is too little room or while there are too many sources; whether there is neither, or nothing left to go.
    pub(super) fn make_room(
        &mut self,
        cleared: &mut Cleared,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let doing = "letting old events go";
        let path = self.path.clone();
        loop {
            if !self.is_short()? {
                return Ok(true);
            }
            // A few steps, and a look again: not much more is to go than must.
            let mut step = round.part(4 * STEP);
            let (gone, sources) =
                self.delete_raw_before(i64::MAX, &mut step).doing(doing, &path)?;
            round.took(gone as usize);
            cleared.by_size += gone;
            if self.has_too_many_sources() {
                cleared.keys += self.clear_sources_of(sources, round)?;
            }
            if gone == 0 {
                return Ok(true);
            }
            if round.is_over() {
                return Ok(false);
            }
        }
    }

    /// Lets the oldest raw events before `time` go, in one transaction: how many went, and the sources that they named.
    fn delete_raw_before(
        &mut self,
        time: i64,
        round: &mut Round,
    ) -> rusqlite::Result<(u64, HashSet<u32>)> {
        let transaction = self.connection.transaction()?;
        let (mut events, mut sources) = (Vec::new(), HashSet::new());
        loop {
            let gone = delete_oldest(&transaction, time, &mut events, &mut sources)?;
            round.took(gone);
            if gone < STEP as usize || round.is_over() {
                break;
            }
        }
        let gone = events.len() as u64;
        self.let_go.add(&transaction, events)?;
        add_to_counter(&transaction, "events_raw", -stored(gone))?;
        transaction.commit()?;
        Ok((gone, sources))
    }

    /// Lets captured content go that is more than its quota, the oldest first; whether none is left.
    pub(super) fn clear_payloads(
        &mut self,
        cleared: &mut Cleared,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let doing = "letting captured content go";
        let most = self.settings.retention.most_payload_bytes;
        let transaction = self.connection.transaction().doing(doing, &self.path)?;
        let mut is_over = false;
        while !is_over && !round.is_over() {
            let gone =
                payloads::let_oldest_go(&transaction, most, CONTENTS).doing(doing, &self.path)?;
            cleared.payloads += gone;
            // Each may be long: some 16 pages.
            round.took(gone as usize * 16);
            is_over = gone < CONTENTS;
        }
        transaction.commit().doing(doing, &self.path)?;
        Ok(is_over)
    }

    /// Lets counts go that are too old at `now`; whether none is left.
    pub(super) fn clear_counts(
        &mut self,
        now: Timestamp,
        counts: &mut Counts,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let doing = "letting old counts go";
        let (hour, day) = self.counted_from(now)?;
        let transaction = self.connection.transaction().doing(doing, &self.path)?;
        while let Some((table, kept)) = COUNTS.get(counts.0) {
            let before = match kept {
                Kept::Hours => hour,
                Kept::TenMinutes => hour.saturating_mul(6),
                Kept::Days => day,
            };
            let gone = table.delete_before(&transaction, before).doing(doing, &self.path)?;
            round.took(gone);
            if gone < STEP as usize {
                counts.0 += 1;
            }
            if round.is_over() {
                break;
            }
        }
        transaction.commit().doing(doing, &self.path)?;
        Ok(counts.0 >= COUNTS.len())
    }

    /// The first hour of which there are counts by hour, and the first day of which there are counts by day.
    pub(super) fn counted_from(&self, now: Timestamp) -> Result<(i64, i64), StoreError> {
        let from = self.age_from(now).doing("letting old counts go", &self.path)?;
        let kept = self.settings.retention;
        Ok((
            days_before(from, kept.hourly_days).micros().div_euclid(Timestamp::HOUR),
            days_before(from, kept.daily_days).micros().div_euclid(Timestamp::DAY),
        ))
    }

    /// Gives free pages back to the disk: all where the file is too long or the disk too full, else a few, for what comes next needs
    /// them again. Whether that is done.
    pub(super) fn give_back(
        &mut self,
        given: &mut GivenBack,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let doing = "giving room back";
        loop {
            let room = Room::look(self).doing(doing, &self.path)?;
            let is_too_long = room.is_too_long(self.settings.retention);
            if room.free_pages == 0 || (!is_too_long && given.0 >= UNHURRIED_PAGES) {
                // What was given back is the disk's once it is written into the file itself.
                if is_too_long && given.0 > 0 {
                    checkpoint(&self.connection).doing(doing, &self.path)?;
                }
                return Ok(true);
            }
            vacuum(&self.connection, PAGES).doing(doing, &self.path)?;
            // A database that some other program made may not be able to.
            if Room::look(self).doing(doing, &self.path)?.pages >= room.pages {
                return Ok(true);
            }
            given.0 = given.0.saturating_add(PAGES);
            round.took(PAGES as usize);
            if round.is_over() {
                return Ok(false);
            }
        }
    }
}

fn days_before(time: Timestamp, days: u32) -> Timestamp {
    time.plus(-Timestamp::DAY.saturating_mul(i64::from(days.max(1))))
}

/// Lets at most a step of the oldest events before `time` go, and notes which they were and whom they named.
fn delete_oldest(
    transaction: &Transaction<'_>,
    time: i64,
    events: &mut Vec<(i64, i64)>,
    sources: &mut HashSet<u32>,
) -> rusqlite::Result<usize> {
    let before = events.len();
    {
        let mut read = transaction.prepare_cached(
            "SELECT time, id, source FROM events WHERE time < ?1 ORDER BY time, id LIMIT ?2",
        )?;
        let mut rows = read.query((time, STEP))?;
        while let Some(row) = rows.next()? {
            events.push((row.get(0)?, row.get(1)?));
            sources.insert(row.get(2)?);
        }
    }
    let Some(&(last, id)) = events.get(before..).and_then(<[_]>::last) else { return Ok(0) };
    super::sessions::forget(transaction, last)?;
    transaction
        .prepare_cached("DELETE FROM events WHERE (time, id) <= (?1, ?2)")?
        .execute((last, id))?;
    Ok(events.len() - before)
}

/// Moves free pages to the end of the file and cuts them off. The statement stands after each page and must be gone through to its end.
fn vacuum(connection: &Connection, pages: u32) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// A table of counts by time.
struct Table {
    name: &'static str,
    /// The column that says when.
    time: &'static str,
    /// The columns by which a row is found.
    key: &'static str,
    /// What helps to find old rows where time is not the first of these columns.
    among: &'static str,
}

/// For how long a table keeps its rows, and in what its time is counted.
enum Kept {
    Hours,
    TenMinutes,
    Days,
}

impl Table {
    const fn by(name: &'static str, time: &'static str, key: &'static str) -> Self {
        Self { name, time, key, among: "" }
    }

    /// Lets at most a step of the rows go that are of a time before `before`; how many.
    fn delete_before(&self, connection: &Connection, before: i64) -> rusqlite::Result<usize> {
        let Self { name, time, key, among } = self;
        connection
            .prepare_cached(&format!(
                "DELETE FROM {name} WHERE ({key}) IN (SELECT {key} FROM {name} WHERE {among} {time} < ?1 LIMIT ?2)"
            ))?
            .execute((before, STEP))
    }
}

const COUNTS: [(Table, Kept); 10] = [
    (Table::by("hourly", "hour", "hour, kind, key"), Kept::Hours),
    (
        Table {
            among: "sensor IN (SELECT sensor FROM sensors) AND",
            ..Table::by("sensor_hours", "hour", "sensor, hour")
        },
        Kept::Hours,
    ),
    (Table::by("bins", "bin", "bin, port"), Kept::TenMinutes),
    (Table::by("sensor_bins", "bin", "bin, sensor, port"), Kept::TenMinutes),
    (Table::by("sensor_key_bins", "bin", "bin, sensor, kind, key"), Kept::TenMinutes),
    (Table::by("key_bins", "bin", "bin, kind, key"), Kept::TenMinutes),
    (Table::by("daily", "day", "day, kind, key"), Kept::Days),
    (Table::by("day_leaders", "day", "day, kind"), Kept::Days),
    (Table::by("sketches", "day", "day, key"), Kept::Days),
    (Table::by("let_go", "day", "day, part"), Kept::Days),
];

/// Bytes free for this user on the disk that holds `path`.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
