//! What is known of one key: totals, who came with it, and keys that look like what a person typed.

use std::collections::HashSet;

use kizashi_event::{Key, KeyKind, Timestamp};
use rusqlite::OptionalExtension as _;

use super::Reader;
use crate::codes::{bin_of, count_of, kind_code, stored, unpack};
use crate::error::InContext;
use crate::{Ranked, StoreError};

/// Ten minutes before a key's last event in which its sources are looked for: a week.
const MOST_BINS: i64 = 1_008;
/// Keys that begin with a text and are looked at for those with the most events.
const MOST_BEGINNING: usize = 2_000;
/// The most frequent keys of a kind that are looked through for a text within.
const MOST_HOLDING: usize = 2_000;

impl Reader {
    /// The totals of a key; `None` where it never came.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn key(&self, key: &Key) -> Result<Option<Ranked>, StoreError> {
        let read = || -> rusqlite::Result<Option<Ranked>> {
            let Some(id) = self.key_id(key)? else { return Ok(None) };
            self.ranked(key.kind, id)
        };
        read().doing("reading a key", &self.path)
    }

    /// Sources that lately came with a key, at most `limit`, each with its own totals; the latest to come with it first. Those of its last
    /// two days or, where these are long past, of the week before its last event.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sources_with(&self, key: &Key, limit: usize) -> Result<Vec<Ranked>, StoreError> {
        let read = || -> rusqlite::Result<Vec<Ranked>> {
            let Some(id) = self.key_id(key)? else { return Ok(Vec::new()) };
            if key.kind == KeyKind::Source {
                return Ok(Vec::new());
            }
            let mut sources = self.latest_visitors(id, limit)?;
            if sources.len() < limit {
                self.add_from_bins(key, id, limit, &mut sources)?;
            }
            sources
                .into_iter()
                .filter_map(|source| self.ranked(KeyKind::Source, source).transpose())
                .collect()
        };
        read().doing("reading who came with a key", &self.path)
    }

    /// From the days whose sets are exact.
    fn latest_visitors(&self, id: u32, limit: usize) -> rusqlite::Result<Vec<u32>> {
        let mut sources = Vec::new();
        let mut known = HashSet::new();
        for day in self.exact_days()?.into_iter().rev() {
            // The highest bit is the latest hour.
            let mut read = self.connection.prepare_cached(
                "SELECT source FROM visits WHERE day = ?1 AND key = ?2 ORDER BY hours DESC LIMIT ?3",
            )?;
            let mut rows = read.query((day, id, stored(limit as u64)))?;
            while let Some(row) = rows.next()? {
                let source = row.get(0)?;
                if sources.len() < limit && known.insert(source) {
                    sources.push(source);
                }
            }
        }
        Ok(sources)
    }

    fn add_from_bins(
        &self,
        key: &Key,
        id: u32,
        limit: usize,
        sources: &mut Vec<u32>,
    ) -> rusqlite::Result<()> {
        let mut known: HashSet<u32> = sources.iter().copied().collect();
        let last: i64 = self
            .connection
            .prepare_cached("SELECT last FROM keys WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        let last = bin_of(Timestamp::from_micros(last));
        for bin in (last.saturating_sub(MOST_BINS)..=last).rev() {
            if sources.len() >= limit {
                break;
            }
            let packed = self.sources_in_bin(key, id, bin)?.unwrap_or_default();
            for source in unpack(&packed) {
                if sources.len() < limit && known.insert(source) {
                    sources.push(source);
                }
            }
        }
        Ok(())
    }

    fn sources_in_bin(&self, key: &Key, id: u32, bin: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        match key.as_port() {
            Some(port) => self
                .connection
                .prepare_cached("SELECT sources FROM bins WHERE bin = ?1 AND port = ?2")?
                .query_row((bin, port.code()), |row| row.get(0))
                .optional(),
            None => self
                .connection
                .prepare_cached(
                    "SELECT sources FROM key_bins WHERE bin = ?1 AND kind = ?2 AND key = ?3",
                )?
                .query_row((bin, kind_code(key.kind), id), |row| row.get(0))
                .optional(),
        }
    }

    /// Events of a key in ten minutes, as far as they came before the closing.
    pub(super) fn events_in_bin(&self, key: &Key, id: u32, bin: i64) -> rusqlite::Result<u64> {
        let found: Option<i64> = match key.as_port() {
            Some(port) => self
                .connection
                .prepare_cached("SELECT events + late FROM bins WHERE bin = ?1 AND port = ?2")?
                .query_row((bin, port.code()), |row| row.get(0))
                .optional()?,
            None => self
                .connection
                .prepare_cached(
                    "SELECT events FROM key_bins WHERE bin = ?1 AND kind = ?2 AND key = ?3",
                )?
                .query_row((bin, kind_code(key.kind), id), |row| row.get(0))
                .optional()?,
        };
        Ok(found.map_or(0, count_of))
    }

    pub(super) fn ranked(&self, kind: KeyKind, id: u32) -> rusqlite::Result<Option<Ranked>> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT events, sessions, first, last, text FROM keys WHERE id = ?1 AND events > 0",
            )?
            .query_row([id], |row| {
                let text: String = row.get(4)?;
                Ok(Ranked {
                    key: Key::new(kind, &text),
                    events: count_of(row.get(0)?),
                    sessions: count_of(row.get(1)?),
                    sources: 0,
                    first: Timestamp::from_micros(row.get(2)?),
                    last: Timestamp::from_micros(row.get(3)?),
                })
            })
            .optional()?;
        let Some(ranked) = found else { return Ok(None) };
        Ok(Some(Ranked { sources: self.sources_of_all_time(kind, id)?, ..ranked }))
    }

    /// Keys of a kind that begin with a text or, of the most frequent ones, hold it; most events first. Letters of ASCII count alike in
    /// both cases where a text is held, not where one begins with it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn keys_like(
        &self,
        kind: KeyKind,
        text: &str,
        limit: usize,
    ) -> Result<Vec<Ranked>, StoreError> {
        let read = || -> rusqlite::Result<Vec<Ranked>> {
            let mut found = self.ids_beginning(kind, text)?;
            if found.len() < limit && !text.is_empty() {
                found.extend(self.ids_holding(kind, text)?);
            }
            found.sort_unstable_by_key(|(id, events)| (std::cmp::Reverse(*events), *id));
            found.dedup();
            found.truncate(limit);
            found.into_iter().filter_map(|(id, _)| self.ranked(kind, id).transpose()).collect()
        };
        read().doing("looking for keys", &self.path)
    }

    fn ids_beginning(&self, kind: KeyKind, text: &str) -> rusqlite::Result<Vec<(u32, i64)>> {
        self.connection
            .prepare_cached(
                "SELECT id, events FROM keys
                 WHERE kind = ?1 AND text >= ?2 AND text < ?2 || char(1114111) AND events > 0 LIMIT ?3",
            )?
            .query_map((kind_code(kind), text, stored(MOST_BEGINNING as u64)), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect()
    }

    fn ids_holding(&self, kind: KeyKind, text: &str) -> rusqlite::Result<Vec<(u32, i64)>> {
        self.connection
            .prepare_cached(
                "SELECT id, events FROM
                 (SELECT id, events, text FROM keys WHERE kind = ?1 AND events > 0
                  ORDER BY kind DESC, events DESC, id DESC LIMIT ?3)
                 WHERE instr(lower(text), lower(?2)) > 0",
            )?
            .query_map((kind_code(kind), text, stored(MOST_HOLDING as u64)), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect()
    }

    /// Bytes free on the disk that holds the store.
    #[must_use]
    pub fn free_bytes(&self) -> Option<u64> {
        crate::writer::free_bytes(&self.path)
    }
}
