//! When a day is over, the exact sets of its sources become sketches. Two days are kept exact, so that events around midnight
//! and a sensor's slow clock cost nothing; a log read long afterwards opens its days again until it is read.
//!
//! A day of millions of visits is settled in many rounds: what of it is a sketch already is no visit any more, and whoever asks
//! meanwhile unites both.

use kizashi_event::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::ledger::{Ledger, counter, set_counter};
use super::maintenance::{Round, STEP};
use super::tally::NOBODY;
use crate::StoreError;
use crate::codes::stored;
use crate::error::InContext;
use crate::sketch::Sketch;

/// Days that stay exact: the running one and the one before.
const EXACT_DAYS: i64 = 2;
/// The counters of the key whose set a round left half settled, and of its day: its sketch is not of an earlier settling, so that
/// the exact count of its day stays. A key that came again to a settled day is never noted.
const HALF_KEY: &str = "settling_key";
const HALF_DAY: &str = "settling_day";

impl Ledger {
    /// Turns the exact sets of days that are over at `now` into sketches, the earliest first; whether none is left.
    pub(super) fn settle_days(
        &mut self,
        now: Timestamp,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let doing = "settling days";
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing(doing, &self.path)?;
        let mut half = half_settled(&transaction).doing(doing, &self.path)?;
        let first_exact = first_exact(now);
        let mut is_over = false;
        while !is_over && !round.is_over() {
            let day: Option<i64> = transaction
                .prepare_cached("SELECT min(day) FROM visits")
                .and_then(|mut read| read.query_row([], |row| row.get(0)))
                .doing(doing, &self.path)?;
            match day.filter(|day| *day < first_exact) {
                Some(day) => {
                    self.visits.forget_day(day);
                    half = settle_some(&transaction, day, half, round).doing(doing, &self.path)?;
                }
                None => is_over = true,
            }
        }
        note_half_settled(&transaction, half).doing(doing, &self.path)?;
        transaction.commit().doing(doing, &self.path)?;
        Ok(is_over)
    }
}

/// The first day whose sets stay exact at `now`.
pub(super) const fn first_exact(now: Timestamp) -> i64 {
    now.micros().div_euclid(Timestamp::DAY) - EXACT_DAYS + 1
}

/// A key whose set of a day is settled in part.
type Half = Option<(i64, u32)>;

fn half_settled(connection: &Connection) -> rusqlite::Result<Half> {
    let key = counter(connection, HALF_KEY)?.and_then(|key| u32::try_from(key).ok());
    Ok(counter(connection, HALF_DAY)?.zip(key.filter(|key| *key != NOBODY)))
}

fn note_half_settled(connection: &Connection, half: Half) -> rusqlite::Result<()> {
    if half == half_settled(connection)? {
        return Ok(());
    }
    let (day, key) = half.unwrap_or((0, NOBODY));
    set_counter(connection, HALF_DAY, day)?;
    set_counter(connection, HALF_KEY, i64::from(key))
}

/// Settles the next visits of a day; the key that is left in the middle of them.
fn settle_some(
    connection: &Connection,
    day: i64,
    half: Half,
    round: &mut Round,
) -> rusqlite::Result<Half> {
    let visits: Vec<(u32, u32)> = connection
        .prepare_cached(
            "SELECT key, source FROM visits WHERE day = ?1 ORDER BY key, source LIMIT ?2",
        )?
        .query_map((day, STEP + 1), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let (now, later) = visits.split_at(visits.len().min(STEP as usize));
    let mut last_came_again = false;
    for group in now.chunk_by(|a, b| a.0 == b.0) {
        let Some((key, _)) = group.first() else { continue };
        let sources: Vec<u32> = group.iter().map(|(_, source)| *source).collect();
        last_came_again = keep(connection, (day, *key), &sources, half == Some((day, *key)))?;
    }
    let Some(last) = now.last() else { return Ok(half) };
    connection
        .prepare_cached("DELETE FROM visits WHERE day = ?1 AND (key, source) <= (?2, ?3)")?
        .execute((day, last.0, last.1))?;
    round.took(now.len());
    Ok(later.first().filter(|next| next.0 == last.0 && !last_came_again).map(|next| (day, next.0)))
}

/// Adds sources to a key's sketches; `goes_on` where the sketch of the day is of this settling. Whether it is of an earlier one.
fn keep(
    connection: &Connection,
    (day, key): (i64, u32),
    sources: &[u32],
    goes_on: bool,
) -> rusqlite::Result<bool> {
    let known: Option<Vec<u8>> = connection
        .prepare_cached("SELECT sketch FROM sketches WHERE day = ?1 AND key = ?2")?
        .query_row((day, key), |row| row.get(0))
        .optional()?;
    let mut sketch = known.as_deref().map_or_else(Sketch::default, Sketch::from_bytes);
    let again = known.is_some() && !goes_on;
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
    Ok(again)
}
