//! Who led on a day that is over: the first places of each kind's ranking by events, kept where a day has too many keys to be read for
//! every question. A ranking over weeks then reads the first places of each day instead of every key that came once
//! (`reader/leaders.rs`).
//!
//! What is kept are upper bounds: keys may be let go afterwards, and their counts with them. What raises a count of such a day takes the
//! day's places away in the same transaction; the next round of maintenance makes them again.

use kizashi_event::{KeyKind, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::ledger::Ledger;
use crate::StoreError;
use crate::codes::{Leader, count_of, kind_code, pack_leaders};
use crate::error::InContext;

/// Places kept of a kind and day.
pub(crate) const LEADERS: usize = 512;
/// Keys of a kind on one day that are simply read; from here on places are kept.
const MANY_KEYS: i64 = 4_096;
/// Stands where a kind would: the day was looked through.
const LOOKED_THROUGH: i64 = -1;
/// Days looked through by one call, at most; the next goes on.
const MOST_DAYS: usize = 64;

impl Ledger {
    /// Keeps the first places of each day that is settled and has none yet.
    pub(crate) fn keep_leaders(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let doing = "ranking days";
        let first_exact = super::days::first_exact(now);
        let days = days_without(&self.connection, first_exact).doing(doing, &self.path)?;
        for day in days.into_iter().take(MOST_DAYS) {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .doing(doing, &self.path)?;
            rank_day(&transaction, day).doing(doing, &self.path)?;
            transaction.commit().doing(doing, &self.path)?;
        }
        Ok(())
    }
}

fn days_without(connection: &Connection, first_exact: i64) -> rusqlite::Result<Vec<i64>> {
    let mut next =
        connection.prepare_cached("SELECT min(day) FROM daily WHERE day > ?1 AND day < ?2")?;
    let mut is_done = connection.prepare_cached("SELECT 1 FROM day_leaders WHERE day = ?1")?;
    let (mut days, mut last) = (Vec::new(), i64::MIN);
    while let Some(day) = next.query_row((last, first_exact), |row| row.get::<_, Option<i64>>(0))? {
        if !is_done.exists([day])? {
            days.push(day);
        }
        last = day;
    }
    Ok(days)
}

pub(crate) fn rank_day(connection: &Connection, day: i64) -> rusqlite::Result<()> {
    let mut keep = connection
        .prepare_cached("INSERT INTO day_leaders (day, kind, leaders) VALUES (?1, ?2, ?3)")?;
    let mut many = connection
        .prepare_cached("SELECT 1 FROM daily WHERE day = ?1 AND kind = ?2 LIMIT 1 OFFSET ?3")?;
    let mut read = connection.prepare_cached(
        "SELECT key, events FROM daily WHERE day = ?1 AND kind = ?2 ORDER BY events DESC, key LIMIT ?3",
    )?;
    for kind in KeyKind::ALL.into_iter().map(kind_code) {
        let found = many.query_row((day, kind, MANY_KEYS), |_| Ok(())).optional()?;
        if found.is_none() {
            continue;
        }
        let leaders: Vec<Leader> = read
            .query_map((day, kind, LEADERS as i64), |row| {
                Ok(Leader { key: row.get(0)?, events: count_of(row.get(1)?) })
            })?
            .collect::<rusqlite::Result<_>>()?;
        keep.execute((day, kind, pack_leaders(&leaders)))?;
    }
    keep.execute((day, LOOKED_THROUGH, [0_u8; 0]))?;
    Ok(())
}

/// The places of these days count no more.
pub(super) fn forget(
    connection: &Connection,
    days: impl Iterator<Item = i64>,
) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM day_leaders WHERE day = ?1")?;
    let mut last = None;
    for day in days.filter(|day| last.replace(*day) != Some(*day)) {
        delete.execute([day])?;
    }
    Ok(())
}
