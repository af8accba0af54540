//! When a day is over, the exact sets of its sources become sketches. Two days are kept exact, so that events around midnight
//! and a sensor's slow clock cost nothing; a log read long afterwards opens its days again until it is read.

use kizashi_event::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::ledger::Ledger;
use crate::StoreError;
use crate::codes::stored;
use crate::error::InContext;
use crate::sketch::Sketch;

/// Days that stay exact: the running one and the one before.
const EXACT_DAYS: i64 = 2;

impl Ledger {
    /// Turns the exact sets of every day that is over at `now` into sketches, a transaction a day.
    pub(crate) fn settle_days(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let doing = "settling days";
        let first_exact = first_exact(now);
        loop {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .doing(doing, &self.path)?;
            let day: Option<i64> = transaction
                .query_row("SELECT min(day) FROM visits", [], |row| row.get(0))
                .doing(doing, &self.path)?;
            let Some(day) = day.filter(|day| *day < first_exact) else { return Ok(()) };
            self.visits.forget();
            settle(&transaction, day).doing(doing, &self.path)?;
            transaction.commit().doing(doing, &self.path)?;
        }
    }
}

/// The first day whose sets stay exact at `now`.
pub(super) const fn first_exact(now: Timestamp) -> i64 {
    now.micros().div_euclid(Timestamp::DAY) - EXACT_DAYS + 1
}

fn settle(connection: &Connection, day: i64) -> rusqlite::Result<()> {
    {
        let mut read = connection
            .prepare_cached("SELECT key, source FROM visits WHERE day = ?1 ORDER BY key, source")?;
        let mut rows = read.query([day])?;
        let mut running: Option<(u32, Vec<u32>)> = None;
        while let Some(row) = rows.next()? {
            let (key, source) = (row.get(0)?, row.get(1)?);
            match &mut running {
                Some((same, sources)) if *same == key => sources.push(source),
                _ => {
                    if let Some((key, sources)) = running.replace((key, vec![source])) {
                        keep(connection, day, key, &sources)?;
                    }
                }
            }
        }
        if let Some((key, sources)) = running {
            keep(connection, day, key, &sources)?;
        }
    }
    connection.prepare_cached("DELETE FROM visits WHERE day = ?1")?.execute([day])?;
    Ok(())
}

fn keep(connection: &Connection, day: i64, key: u32, sources: &[u32]) -> rusqlite::Result<()> {
    let known: Option<Vec<u8>> = connection
        .prepare_cached("SELECT sketch FROM sketches WHERE day = ?1 AND key = ?2")?
        .query_row((day, key), |row| row.get(0))
        .optional()?;
    let mut sketch = known.as_deref().map_or_else(Sketch::default, Sketch::from_bytes);
    let again = known.is_some();
    sketch.add(sources);
    connection
        .prepare_cached("INSERT OR REPLACE INTO sketches (day, key, sketch) VALUES (?1, ?2, ?3)")?
        .execute((day, key, sketch.to_bytes()))?;
    let whole: Option<Vec<u8>> = connection
        .prepare_cached("SELECT sketch FROM whole_sketches WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    let mut whole = whole.as_deref().map_or_else(Sketch::default, Sketch::from_bytes);
    whole.add(sources);
    connection
        .prepare_cached("INSERT OR REPLACE INTO whole_sketches (key, sketch) VALUES (?1, ?2)")?
        .execute((key, whole.to_bytes()))?;
    if again {
        connection
            .prepare_cached(
                "UPDATE daily SET sources = ?3
                 WHERE day = ?1 AND key = ?2 AND kind = (SELECT kind FROM keys WHERE id = ?2)",
            )?
            .execute((day, key, stored(sketch.count())))?;
    }
    Ok(())
}
