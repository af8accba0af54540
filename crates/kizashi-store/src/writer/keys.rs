//! How many keys there are. User names, passwords, lines and targets are whatever somebody makes up, and each costs a row with its counts
//! for years: of each kind so many are kept, and for newcomers the rarest make room. Where none can go, since all are of the ten minutes
//! that detection has not seen, a newcomer is counted under everything but itself, and that is counted.
//!
//! What goes is what a flood leaves: keys whose events, however few, all fell within two days. Their counts go with them; those of
//! total, port, service and source stay.

use std::collections::HashMap;

use kizashi_event::{KeyKind, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};

use super::ledger::{Ledger, add_to_counter, counter, set_counter};
use crate::StoreError;
use crate::codes::{BIN, count_of, kind_code, kind_of, stored};
use crate::error::InContext;

/// The share of a kind that goes at once, so that room is made seldom.
const PART: u64 = 8;
/// What a key that goes may have spanned.
const LONGEST: i64 = 2 * Timestamp::DAY;
/// Seeks that one making of room may cost, about a second.
const MOST_SEEKS: i64 = 400_000;
/// Sources are kept so many times as often as keys of another kind.
const SOURCES: u64 = 5;
/// The counter of events that were not counted under a key of their own.
const UNNAMED: &str = "unnamed";

/// Whether there can be as many keys of this kind as somebody likes. Ports, services, networks, countries and scanners are few by
/// what they are.
const fn is_made_up(kind: KeyKind) -> bool {
    !matches!(
        kind,
        KeyKind::Total
            | KeyKind::Port
            | KeyKind::Service
            | KeyKind::Network
            | KeyKind::Country
            | KeyKind::Scanner
    )
}

/// How many keys of each kind there are, and where the last making of room found nothing.
#[derive(Debug, Default)]
pub(super) struct Census {
    counts: HashMap<KeyKind, u64>,
    in_vain: HashMap<KeyKind, i64>,
    unnamed: u64,
}

impl Census {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut read = connection.prepare("SELECT kind, count(*) FROM keys GROUP BY kind")?;
        let mut rows = read.query([])?;
        let mut counts = HashMap::new();
        while let Some(row) = rows.next()? {
            if let Some(kind) = kind_of(row.get(0)?) {
                counts.insert(kind, count_of(row.get(1)?));
            }
        }
        Ok(Self { counts, ..Self::default() })
    }

    /// One more was made.
    pub(super) fn add(&mut self, kind: KeyKind) {
        *self.counts.entry(kind).or_default() += 1;
    }

    /// Whether there are as many of this kind as there may be.
    pub(super) fn is_full(&self, kind: KeyKind, most: u64) -> bool {
        is_made_up(kind) && self.counts.get(&kind).is_some_and(|count| *count >= most)
    }

    /// An event could not be counted under its key.
    pub(super) const fn count_unnamed(&mut self) {
        self.unnamed += 1;
    }

    /// Writes what was counted.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        add_to_counter(connection, UNNAMED, stored(std::mem::take(&mut self.unnamed)))
    }

    /// Makes room in the kinds that are full; whether anything went. Keys that came at or after `spared` stay.
    pub(super) fn make_room(
        &mut self,
        connection: &Connection,
        most: u64,
        spared: i64,
    ) -> rusqlite::Result<bool> {
        let full: Vec<KeyKind> = KeyKind::ALL
            .into_iter()
            .filter(|kind| *kind != KeyKind::Source && self.is_full(*kind, most))
            .filter(|kind| self.in_vain.get(kind) != Some(&spared))
            .collect();
        let mut any = false;
        for kind in full {
            let gone = let_rarest_go(connection, kind, (most / PART).max(1), spared)?;
            if gone == 0 {
                self.in_vain.insert(kind, spared);
            }
            any |= gone > 0;
            self.less(kind, gone);
        }
        Ok(any)
    }

    fn less(&mut self, kind: KeyKind, gone: u64) {
        if let Some(count) = self.counts.get_mut(&kind) {
            *count = count.saturating_sub(gone);
        }
    }
}

/// A key that goes.
struct Doomed {
    id: u32,
    first: i64,
    last: i64,
}

fn let_rarest_go(
    connection: &Connection,
    kind: KeyKind,
    most: u64,
    spared: i64,
) -> rusqlite::Result<u64> {
    // The newest number stays, or it would be given again to another key.
    let doomed: Vec<Doomed> = connection
        .prepare_cached(
            "SELECT id, first, last FROM keys
             WHERE kind = ?1 AND last < ?2 AND last - first < ?3 AND id < (SELECT max(id) FROM keys)
               AND id NOT IN (SELECT key FROM payload_clusters)
             ORDER BY events LIMIT ?4",
        )?
        .query_map((kind_code(kind), spared, LONGEST, stored(most)), |row| {
            Ok(Doomed { id: row.get(0)?, first: row.get(1)?, last: row.get(2)? })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let (mut seeks, mut gone) = (0, 0);
    for key in doomed {
        if seeks >= MOST_SEEKS {
            break;
        }
        seeks += forget(connection, kind, &key)?;
        gone += 1;
    }
    Ok(gone)
}

/// Lets one key go with all that is counted under it; how many seeks that took.
fn forget(connection: &Connection, kind: KeyKind, key: &Doomed) -> rusqlite::Result<i64> {
    let (kind, id) = (kind_code(kind), key.id);
    let within = |length: i64| key.first.div_euclid(length)..=key.last.div_euclid(length);
    let mut seeks = 3;
    for hour in within(Timestamp::HOUR) {
        connection
            .prepare_cached("DELETE FROM hourly WHERE hour = ?1 AND kind = ?2 AND key = ?3")?
            .execute((hour, kind, id))?;
        seeks += 1;
    }
    for bin in within(BIN) {
        connection
            .prepare_cached("DELETE FROM key_bins WHERE bin = ?1 AND kind = ?2 AND key = ?3")?
            .execute((bin, kind, id))?;
        seeks += 1 + super::sensor_key_bins::forget(connection, (bin, kind), id)?;
    }
    for day in within(Timestamp::DAY) {
        connection
            .prepare_cached("DELETE FROM daily WHERE day = ?1 AND kind = ?2 AND key = ?3")?
            .execute((day, kind, id))?;
        connection
            .prepare_cached("DELETE FROM visits WHERE day = ?1 AND key = ?2")?
            .execute((day, id))?;
        connection
            .prepare_cached("DELETE FROM sketches WHERE day = ?1 AND key = ?2")?
            .execute((day, id))?;
        seeks += 3;
    }
    connection.prepare_cached("DELETE FROM whole_sketches WHERE key = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM session_commands WHERE key = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM keys WHERE id = ?1")?.execute([id])?;
    Ok(seeks)
}

impl Ledger {
    /// Whether there are more sources than may be kept.
    pub(super) fn has_too_many_sources(&self) -> bool {
        self.dictionary.census.is_full(KeyKind::Source, self.most_sources())
    }

    const fn most_sources(&self) -> u64 {
        self.settings.retention.most_keys.saturating_mul(SOURCES)
    }

    /// Lets the rarest sources go that no raw event names any more, where there are too many.
    pub(super) fn clear_sources(&mut self) -> Result<u64, StoreError> {
        let mut all = 0;
        while self.has_too_many_sources() {
            let gone = self.clear_some_sources()?;
            if gone == 0 {
                break;
            }
            all += gone;
        }
        Ok(all)
    }

    fn clear_some_sources(&mut self) -> Result<u64, StoreError> {
        let doing = "letting old sources go";
        let part = (self.most_sources() / PART).max(1);
        let transaction = self.connection.transaction().doing(doing, &self.path)?;
        let earliest = crate::Settings::EARLIEST.micros();
        let oldest: Option<i64> = transaction
            .query_row("SELECT min(time) FROM events WHERE time >= ?1", [earliest], |row| {
                row.get(0)
            })
            .doing(doing, &self.path)?;
        let spared = oldest.unwrap_or(i64::MAX);
        let gone =
            let_rarest_go(&transaction, KeyKind::Source, part, spared).doing(doing, &self.path)?;
        transaction.commit().doing(doing, &self.path)?;
        self.dictionary.census.less(KeyKind::Source, gone);
        self.dictionary.forget();
        self.visits.forget();
        Ok(gone)
    }

    /// Lets every key go that is older than any count of it, once a day: `day` and what came before are counted no more.
    pub(super) fn clear_aged_keys(&mut self, day: i64) -> rusqlite::Result<u64> {
        const DONE: &str = "keys_cleared_day";
        if counter(&self.connection, DONE)? == Some(day) {
            return Ok(0);
        }
        let transaction = self.connection.transaction()?;
        set_counter(&transaction, DONE, day)?;
        let oldest: Option<i64> = transaction
            .prepare_cached("SELECT min(time) FROM events")?
            .query_row([], |row| row.get(0))
            .optional()?
            .flatten();
        let before = day.saturating_mul(Timestamp::DAY).min(oldest.unwrap_or(i64::MAX));
        let spared: Vec<String> = KeyKind::ALL
            .into_iter()
            .filter(|kind| !is_made_up(*kind))
            .map(|kind| kind_code(kind).to_string())
            .collect();
        let aged = format!(
            "SELECT id FROM keys WHERE last < ?1 AND kind NOT IN ({})
               AND id < (SELECT max(id) FROM keys) AND id NOT IN (SELECT key FROM payload_clusters)",
            spared.join(", ")
        );
        transaction
            .execute(&format!("DELETE FROM whole_sketches WHERE key IN ({aged})"), [before])?;
        let gone =
            transaction.execute(&format!("DELETE FROM keys WHERE id IN ({aged})"), [before])?;
        transaction.commit()?;
        if gone > 0 {
            self.dictionary.census = Census::load(&self.connection)?;
            self.dictionary.forget();
            self.visits.forget();
        }
        Ok(gone as u64)
    }
}
