//! How many keys there are. User names, passwords, lines and targets are whatever somebody makes up, and each costs a row with its counts
//! for years: of each kind so many are kept, and for newcomers the rarest make room. Where none can go, since all are of the ten minutes
//! that detection has not seen, a newcomer is counted under everything but itself, and that is counted.
//!
//! What goes is what a flood leaves: keys whose events, however few, all fell within two days. Their counts go with them; those of
//! total, port, service and source stay.

use std::collections::{HashMap, HashSet};

use kizashi_event::{KeyKind, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};

use super::ledger::{Ledger, add_to_counter, counter, set_counter};
use super::maintenance::{Round, STEP};
use super::retention::Cleared;
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

    /// How many there are of this kind.
    fn count(&self, kind: KeyKind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or(0)
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
    let is_source = kind == KeyKind::Source;
    let (kind, id) = (kind_code(kind), key.id);
    let within = |length: i64| key.first.div_euclid(length)..=key.last.div_euclid(length);
    let mut seeks = 3;
    for hour in within(Timestamp::HOUR) {
        connection
            .prepare_cached("DELETE FROM hourly WHERE hour = ?1 AND kind = ?2 AND key = ?3")?
            .execute((hour, kind, id))?;
        seeks += 1;
    }
    if is_source {
        // Sources are counted by hour and day, and have neither ten minutes nor sources of their own.
        for day in within(Timestamp::DAY) {
            connection
                .prepare_cached("DELETE FROM daily WHERE day = ?1 AND kind = ?2 AND key = ?3")?
                .execute((day, kind, id))?;
            seeks += 1;
        }
        connection.prepare_cached("DELETE FROM keys WHERE id = ?1")?.execute([id])?;
        return Ok(seeks);
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

/// Where the looking for sources that no raw event names is, in the order of their events, the rarest first.
#[derive(Debug)]
pub(super) struct IdleSources {
    events: i64,
    id: i64,
}

impl Default for IdleSources {
    fn default() -> Self {
        Self { events: i64::MIN, id: i64::MIN }
    }
}

/// Where the looking for keys older than every count is: keys are gone through in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct AgedKeys {
    through: i64,
}

/// The counter of the day up to which keys were cleared last.
const CLEARED: &str = "keys_cleared_day";

impl Ledger {
    /// Whether there are more sources than may be kept.
    pub(super) fn has_too_many_sources(&self) -> bool {
        self.dictionary.census.is_full(KeyKind::Source, self.most_sources())
    }

    const fn most_sources(&self) -> u64 {
        self.settings.retention.most_keys.saturating_mul(SOURCES)
    }

    /// How many more there are than shall be left, where room is made.
    fn sources_over(&self) -> u64 {
        let most = self.most_sources();
        let left = most.saturating_sub((most / PART).max(1));
        self.dictionary.census.count(KeyKind::Source).saturating_sub(left)
    }

    /// Lets the rarest sources go that no raw event names any more, where there are too many, until an eighth of them went; whether none is left to look at.
    pub(super) fn clear_idle_sources(
        &mut self,
        looked: &mut IdleSources,
        cleared: &mut Cleared,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let doing = "letting old sources go";
        let is_first = looked.events == i64::MIN;
        if is_first && !self.has_too_many_sources() {
            return Ok(true);
        }
        loop {
            let next = next_sources(&self.connection, looked).doing(doing, &self.path)?;
            let Some(last) = next.last() else { return Ok(true) };
            (looked.events, looked.id) = *last;
            let ids = next.iter().filter_map(|(_, id)| u32::try_from(*id).ok());
            cleared.keys += self.clear_sources_of(ids, round)?;
            round.took(next.len());
            if next.len() < STEP as usize || self.sources_over() == 0 {
                return Ok(true);
            }
            if round.is_over() {
                return Ok(false);
            }
        }
    }

    /// Lets those of these sources go that no raw event names any more, while an eighth of all has not gone; how many went.
    pub(super) fn clear_sources_of(
        &mut self,
        sources: impl IntoIterator<Item = u32>,
        round: &mut Round,
    ) -> Result<u64, StoreError> {
        let over = self.sources_over();
        if over == 0 {
            return Ok(0);
        }
        let doing = "letting old sources go";
        let transaction = self.connection.transaction().doing(doing, &self.path)?;
        let gone = let_sources_go(&transaction, sources, over).doing(doing, &self.path)?;
        transaction.commit().doing(doing, &self.path)?;
        round.took(gone.len().saturating_mul(2));
        self.dictionary.census.less(KeyKind::Source, gone.len() as u64);
        if !gone.is_empty() {
            self.dictionary.forget_sources(&gone);
        }
        Ok(gone.len() as u64)
    }

    /// Lets every key go that is older at `now` than any count of it, once a day; whether all were looked at.
    pub(super) fn clear_aged_keys(
        &mut self,
        now: Timestamp,
        aged: &mut AgedKeys,
        cleared: &mut Cleared,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let doing = "letting old keys go";
        let (hour, day) = self.counted_from(now)?;
        let day = day.min(hour.div_euclid(24));
        if aged.through == 0
            && counter(&self.connection, CLEARED).doing(doing, &self.path)? == Some(day)
        {
            return Ok(true);
        }
        let transaction = self.connection.transaction().doing(doing, &self.path)?;
        let (mut gone, mut is_over) = (Vec::new(), false);
        while !is_over && !round.is_over() {
            let more = let_aged_go(&transaction, day, aged, &mut gone).doing(doing, &self.path)?;
            round.took(STEP as usize / 2);
            is_over = !more;
        }
        if is_over {
            set_counter(&transaction, CLEARED, day).doing(doing, &self.path)?;
        }
        transaction.commit().doing(doing, &self.path)?;
        cleared.keys += gone.len() as u64;
        if !gone.is_empty() {
            gone.into_iter().for_each(|kind| self.dictionary.census.less(kind, 1));
            self.dictionary.forget();
            self.visits.forget();
        }
        Ok(is_over)
    }
}

/// The time of the oldest raw event; of those whose time can be believed where `believed`.
fn oldest_raw(connection: &Connection, believed: bool) -> rusqlite::Result<Option<i64>> {
    let earliest = if believed { crate::Settings::EARLIEST.micros() } else { i64::MIN };
    connection
        .prepare_cached("SELECT min(time) FROM events WHERE time >= ?1")?
        .query_row([earliest], |row| row.get(0))
}

/// The next sources in the order of their events, as events and numbers: first those with as many events as the last had.
fn next_sources(
    connection: &Connection,
    looked: &IdleSources,
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let kind = kind_code(KeyKind::Source);
    let mut next: Vec<(i64, i64)> = connection
        .prepare_cached(
            "SELECT events, id FROM keys WHERE kind = ?1 AND events = ?2 AND id > ?3 ORDER BY id LIMIT ?4",
        )?
        .query_map((kind, looked.events, looked.id, STEP), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let rest = (STEP as usize).saturating_sub(next.len());
    let mut read = connection.prepare_cached(
        "SELECT events, id FROM keys WHERE kind = ?1 AND events > ?2 ORDER BY events, id LIMIT ?3",
    )?;
    let more =
        read.query_map((kind, looked.events, rest as i64), |row| Ok((row.get(0)?, row.get(1)?)))?;
    for row in more {
        next.push(row?);
    }
    Ok(next)
}

/// Lets at most so many of these sources go, those that no raw event names; which went.
fn let_sources_go(
    connection: &Connection,
    sources: impl IntoIterator<Item = u32>,
    most: u64,
) -> rusqlite::Result<HashSet<u32>> {
    let spared = oldest_raw(connection, true)?.unwrap_or(i64::MAX);
    // The newest number stays, or it would be given again to another key.
    let newest: i64 = connection
        .prepare_cached("SELECT max(id) FROM keys")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))?
        .unwrap_or(0);
    let mut read = connection.prepare_cached(
        "SELECT first, last FROM keys
         WHERE id = ?1 AND id < ?2 AND kind = ?3 AND last < ?4 AND last - first < ?5",
    )?;
    let source = kind_code(KeyKind::Source);
    let mut gone = HashSet::new();
    for id in sources {
        if gone.len() as u64 >= most {
            break;
        }
        let found: Option<Doomed> = read
            .query_row((id, newest, source, spared, LONGEST), |row| {
                Ok(Doomed { id, first: row.get(0)?, last: row.get(1)? })
            })
            .optional()?;
        if let Some(key) = found {
            forget(connection, KeyKind::Source, &key)?;
            gone.insert(id);
        }
    }
    Ok(gone)
}

/// Looks at the next keys and lets those go that last came before `day` and before every raw event; whether there are more. The kind
/// of each that went is added to `gone`.
fn let_aged_go(
    connection: &Connection,
    day: i64,
    aged: &mut AgedKeys,
    gone: &mut Vec<KeyKind>,
) -> rusqlite::Result<bool> {
    let until: Option<i64> = connection
        .prepare_cached(
            "SELECT max(id) FROM (SELECT id FROM keys WHERE id > ?1 ORDER BY id LIMIT ?2)",
        )?
        .query_row((aged.through, STEP), |row| row.get(0))?;
    let Some(until) = until else { return Ok(false) };
    let oldest = oldest_raw(connection, false)?.unwrap_or(i64::MAX);
    let before = day.saturating_mul(Timestamp::DAY).min(oldest);
    let found: Vec<(i64, i64)> = connection
        .prepare_cached(
            "SELECT id, kind FROM keys WHERE id > ?1 AND id <= ?2 AND last < ?3
               AND id < (SELECT max(id) FROM keys) AND id NOT IN (SELECT key FROM payload_clusters)",
        )?
        .query_map((aged.through, until, before), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut sketch = connection.prepare_cached("DELETE FROM whole_sketches WHERE key = ?1")?;
    let mut key = connection.prepare_cached("DELETE FROM keys WHERE id = ?1")?;
    for (id, kind) in found {
        if let Some(kind) = kind_of(kind).filter(|kind| is_made_up(*kind)) {
            sketch.execute([id])?;
            key.execute([id])?;
            gone.push(kind);
        }
    }
    aged.through = until;
    Ok(true)
}
