//! What goes when it is old or when room is short: raw events first, an hour at a time and the oldest first, then captured
//! content; counts last, and only by age. Work is done in small transactions so that events never wait long behind it.

use std::path::Path;

use kizashi_event::Timestamp;
use rusqlite::Connection;

use super::ledger::{Ledger, add_to_counter};
use super::payloads;
use crate::StoreError;
use crate::codes::{count_of, stored};
use crate::error::InContext;

/// Raw events that one transaction lets go at most.
const CHUNK: u32 = 20_000;
/// Chunks that one call lets go at most; the next call goes on.
const CHUNKS: u32 = 64;

/// What a round of retention did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Raw events let go because they were old.
    pub by_age: u64,
    /// Raw events let go because room was short.
    pub by_size: u64,
    /// Captured contents let go by this round; most go when new content takes their place.
    pub payloads: u64,
    /// Sources, and keys older than all counts of them, let go by this round; others go when new ones take their place.
    pub keys: u64,
}

impl Ledger {
    /// One round of retention at `now`.
    pub(crate) fn clear(&mut self, now: Timestamp) -> Result<Cleared, StoreError> {
        let path = self.path.clone();
        let doing = "letting old events go";
        let retention = self.settings.retention;
        // A log of years ago is as young as its last event: what was imported is not let go at once.
        let newest: Option<i64> = self
            .connection
            .query_row("SELECT max(last) FROM keys WHERE kind = 0", [], |row| row.get(0))
            .doing(doing, &path)?;
        let now = newest.map_or(now, |newest| now.min(Timestamp::from_micros(newest)));
        let days_ago = |days: u32| now.plus(-Timestamp::DAY.saturating_mul(i64::from(days.max(1))));
        let mut cleared = Cleared::default();
        let oldest = days_ago(retention.raw_days).micros();
        for _ in 0..CHUNKS {
            let gone = self.delete_raw_before(oldest).doing(doing, &path)?;
            cleared.by_age += gone;
            if gone < u64::from(CHUNK) {
                break;
            }
        }
        cleared.keys += self.clear_sources()?;
        for _ in 0..CHUNKS {
            if !self.is_short_of_room().doing(doing, &path)? && !self.has_too_many_sources() {
                break;
            }
            let gone = self.delete_raw_before(i64::MAX).doing(doing, &path)?;
            cleared.by_size += gone;
            cleared.keys += self.clear_sources()?;
            self.connection
                .execute_batch("PRAGMA incremental_vacuum(4096);")
                .doing(doing, &path)?;
            if gone == 0 {
                break;
            }
        }
        cleared.payloads = self.delete_payloads().doing(doing, &path)?;
        let hour = days_ago(retention.hourly_days).micros().div_euclid(Timestamp::HOUR);
        let day = days_ago(retention.daily_days).micros().div_euclid(Timestamp::DAY);
        delete_counts(&self.connection, hour, day).doing(doing, &path)?;
        cleared.keys += self.clear_aged_keys(day.min(hour.div_euclid(24))).doing(doing, &path)?;
        self.connection.execute_batch("PRAGMA incremental_vacuum(1024);").doing(doing, &path)?;
        Ok(cleared)
    }

    fn delete_raw_before(&mut self, time: i64) -> rusqlite::Result<u64> {
        let transaction = self.connection.transaction()?;
        let oldest: Vec<(i64, i64)> = transaction
            .prepare_cached(
                "SELECT time, id FROM events WHERE time < ?1 ORDER BY time, id LIMIT ?2",
            )?
            .query_map((time, CHUNK), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let gone = match oldest.last() {
            None => 0,
            Some((time, id)) => {
                super::sessions::forget(&transaction, *time)?;
                transaction
                    .prepare_cached("DELETE FROM events WHERE (time, id) <= (?1, ?2)")?
                    .execute((time, id))? as u64
            }
        };
        self.let_go.add(&transaction, oldest)?;
        add_to_counter(&transaction, "events_raw", -stored(gone))?;
        transaction.commit()?;
        Ok(gone)
    }

    fn is_short_of_room(&self) -> rusqlite::Result<bool> {
        let number =
            |pragma: &str| self.connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
        let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
        let used = count_of(pages.saturating_mul(number("PRAGMA page_size")?));
        Ok(used > self.settings.retention.most_bytes
            || free_bytes(&self.path)
                .is_some_and(|free| free < self.settings.retention.least_free_bytes))
    }

    fn delete_payloads(&mut self) -> rusqlite::Result<u64> {
        let transaction = self.connection.transaction()?;
        let gone =
            payloads::let_oldest_go(&transaction, self.settings.retention.most_payload_bytes)?;
        transaction.commit()?;
        Ok(gone)
    }
}

fn delete_counts(connection: &Connection, hour: i64, day: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM hourly WHERE hour < ?1")?.execute([hour])?;
    connection
        .prepare_cached(
            "DELETE FROM sensor_hours WHERE sensor IN (SELECT sensor FROM sensors) AND hour < ?1",
        )?
        .execute([hour])?;
    connection.prepare_cached("DELETE FROM bins WHERE bin < ?1")?.execute([hour * 6])?;
    connection.prepare_cached("DELETE FROM sensor_bins WHERE bin < ?1")?.execute([hour * 6])?;
    connection.prepare_cached("DELETE FROM key_bins WHERE bin < ?1")?.execute([hour * 6])?;
    connection.prepare_cached("DELETE FROM sensor_key_bins WHERE bin < ?1")?.execute([hour * 6])?;
    connection.prepare_cached("DELETE FROM daily WHERE day < ?1")?.execute([day])?;
    connection.prepare_cached("DELETE FROM day_leaders WHERE day < ?1")?.execute([day])?;
    connection.prepare_cached("DELETE FROM sketches WHERE day < ?1")?.execute([day])?;
    connection.prepare_cached("DELETE FROM let_go WHERE day < ?1")?.execute([day])?;
    Ok(())
}

/// Bytes free for this user on the disk that holds `path`.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
