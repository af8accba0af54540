//! Who led on a day that is over: the first places of each kind's ranking by events, kept where a day has too many keys to be read for
//! every question. A ranking over weeks then reads the first places of each day instead of every key that came once
//! (`reader/leaders.rs`).
//!
//! What is kept are upper bounds: keys may be let go afterwards, and their counts with them. What raises a count of such a day takes the
//! day's places away in the same transaction; the next maintenance makes them again. A day is looked through in many rounds; what is found
//! counts only where nothing of the day was raised since the first of them.

use std::cmp::Reverse;

use kizashi_event::{KeyKind, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::ledger::Ledger;
use super::maintenance::{Round, STEP};
use crate::StoreError;
use crate::codes::{Leader, count_of, kind_code, pack_leaders};
use crate::error::InContext;

/// Places kept of a kind and day.
pub(crate) const LEADERS: usize = 512;
/// Keys of a kind on one day that are simply read; from here on places are kept.
const MANY_KEYS: i64 = 4_096;
/// Stands where a kind would: the day was looked through.
const LOOKED_THROUGH: i64 = -1;
/// The same: the day is being looked through. Where it is gone a count was raised meanwhile.
const BEGUN: i64 = -2;

/// What is remembered of ranking days from round to round.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    /// The days that have no places yet, the latest first; nothing before they were looked for.
    days: Option<Vec<i64>>,
    /// The day that is being looked through.
    running: Option<Look>,
}

/// Where the look through a day is.
#[derive(Debug)]
struct Look {
    day: i64,
    /// The kinds that are to do, the last first.
    kinds: Vec<i64>,
    /// Keys of the kind that were read, up to this one.
    through: i64,
    /// Their first places.
    leaders: Vec<Leader>,
}

impl Look {
    fn begin(connection: &Connection, day: i64) -> rusqlite::Result<Self> {
        connection.prepare_cached("DELETE FROM day_leaders WHERE day = ?1")?.execute([day])?;
        keep(connection, (day, BEGUN), &[])?;
        let mut many = connection
            .prepare_cached("SELECT 1 FROM daily WHERE day = ?1 AND kind = ?2 LIMIT 1 OFFSET ?3")?;
        let mut kinds = Vec::new();
        for kind in KeyKind::ALL.into_iter().rev().map(kind_code) {
            if many.query_row((day, kind, MANY_KEYS), |_| Ok(())).optional()?.is_some() {
                kinds.push(kind);
            }
        }
        Ok(Self { day, kinds, through: -1, leaders: Vec::new() })
    }

    /// Whether no count of the day was raised since it was begun.
    fn still_holds(&self, connection: &Connection) -> rusqlite::Result<bool> {
        connection
            .prepare_cached("SELECT 1 FROM day_leaders WHERE day = ?1 AND kind = ?2")?
            .exists((self.day, BEGUN))
    }

    /// Reads the next keys, or notes that the day is done; whether it is.
    fn go_on(&mut self, connection: &Connection, round: &mut Round) -> rusqlite::Result<bool> {
        let Some(&kind) = self.kinds.last() else {
            connection
                .prepare_cached("DELETE FROM day_leaders WHERE day = ?1 AND kind = ?2")?
                .execute((self.day, BEGUN))?;
            keep(connection, (self.day, LOOKED_THROUGH), &[])?;
            return Ok(true);
        };
        let before = self.leaders.len();
        let next = connection
            .prepare_cached(
                "SELECT key, events FROM daily WHERE day = ?1 AND kind = ?2 AND key > ?3 ORDER BY key LIMIT ?4",
            )?
            .query_map((self.day, kind, self.through, STEP), |row| {
                Ok(Leader { key: row.get(0)?, events: count_of(row.get(1)?) })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        self.leaders.extend(next);
        let read = self.leaders.len() - before;
        round.took(read);
        if let Some(last) = self.leaders.get(before..).and_then(<[_]>::last) {
            self.through = i64::from(last.key);
        }
        self.leaders.sort_unstable_by_key(|leader| (Reverse(leader.events), leader.key));
        self.leaders.truncate(LEADERS);
        if read < STEP as usize {
            keep(connection, (self.day, kind), &self.leaders)?;
            self.kinds.pop();
            self.leaders.clear();
            self.through = -1;
        }
        Ok(false)
    }
}

fn keep(
    connection: &Connection,
    (day, kind): (i64, i64),
    leaders: &[Leader],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO day_leaders (day, kind, leaders) VALUES (?1, ?2, ?3)")?
        .execute((day, kind, pack_leaders(leaders)))?;
    Ok(())
}

impl Ledger {
    /// Keeps the first places of days that are settled and have none yet; whether all have.
    pub(super) fn keep_leaders(
        &mut self,
        now: Timestamp,
        ranking: &mut Ranking,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let doing = "ranking days";
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing(doing, &self.path)?;
        let is_over = rank_some(&transaction, super::days::first_exact(now), ranking, round)
            .doing(doing, &self.path)?;
        transaction.commit().doing(doing, &self.path)?;
        Ok(is_over)
    }
}

fn rank_some(
    connection: &Connection,
    first_exact: i64,
    ranking: &mut Ranking,
    round: &mut Round,
) -> rusqlite::Result<bool> {
    let mut days = match ranking.days.take() {
        Some(days) => days,
        None => days_without(connection, first_exact)?,
    };
    // A day whose counts are raised again and again would never be done: the next maintenance looks at it.
    if let Some(look) = &ranking.running
        && !look.still_holds(connection)?
    {
        ranking.running = None;
    }
    loop {
        let mut look = match ranking.running.take() {
            Some(look) => look,
            None => match days.pop() {
                Some(day) => Look::begin(connection, day)?,
                None => return Ok(true),
            },
        };
        if !look.go_on(connection, round)? {
            ranking.running = Some(look);
        }
        if round.is_over() {
            ranking.days = Some(days);
            return Ok(false);
        }
    }
}

/// The settled days that were not looked through, the latest first.
fn days_without(connection: &Connection, first_exact: i64) -> rusqlite::Result<Vec<i64>> {
    let mut next =
        connection.prepare_cached("SELECT min(day) FROM daily WHERE day > ?1 AND day < ?2")?;
    let mut is_done =
        connection.prepare_cached("SELECT 1 FROM day_leaders WHERE day = ?1 AND kind = ?2")?;
    let (mut days, mut last) = (Vec::new(), i64::MIN);
    while let Some(day) = next.query_row((last, first_exact), |row| row.get::<_, Option<i64>>(0))? {
        if !is_done.exists((day, LOOKED_THROUGH))? {
            days.push(day);
        }
        last = day;
    }
    days.reverse();
    Ok(days)
}

/// Looks through a whole day at once.
#[cfg(test)]
pub(crate) fn rank_day(connection: &Connection, day: i64) -> rusqlite::Result<()> {
    let mut look = Look::begin(connection, day)?;
    while !look.go_on(connection, &mut Round::new())? {}
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
