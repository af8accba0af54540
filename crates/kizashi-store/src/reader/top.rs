//! Rankings: over all time by an index; over a span from the days inside it and the hours at its ends.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use kizashi_event::{Key, KeyKind, Timestamp};
use rusqlite::OptionalExtension as _;

use super::Reader;
use crate::codes::{count_of, kind_code, stored};
use crate::error::InContext;
use crate::sketch::Sketch;
use crate::writer::is_counted_by_hour;
use crate::{Ranked, Span, StoreError};

/// Hours since 1970, from the first inside to the first outside.
#[derive(Clone, Copy, Debug)]
struct Hours {
    since: i64,
    until: i64,
}

impl Hours {
    /// The days that they lie in.
    const fn whole_days(self) -> Self {
        let end = (self.until - 1).div_euclid(24) + 1;
        Self { since: self.since.div_euclid(24) * 24, until: end * 24 }
    }
}

/// A key with its events and sessions.
pub(super) type Counted = (u32, (u64, u64));

/// Keys looked at one by one before a ranking is made by reading all of the span's counts.
const MOST_CANDIDATES: usize = 256;

/// Fingerprints of a kind that are looked at: systems and scanners are tens.
const MOST_OF_A_KIND: u64 = 2_000;

/// A span as whole days and the hours before and after them.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) before: Range<i64>,
    pub(super) days: Range<i64>,
    pub(super) after: Range<i64>,
}

impl Parts {
    fn of(Hours { since, until }: Hours) -> Self {
        let first_day = since.div_euclid(24) + i64::from(since.rem_euclid(24) != 0);
        let end_day = until.div_euclid(24).max(first_day);
        if first_day * 24 >= until {
            return Self { before: since..until, days: 0..0, after: 0..0 };
        }
        Self { before: since..first_day * 24, days: first_day..end_day, after: end_day * 24..until }
    }

    pub(super) fn hours(&self) -> impl Iterator<Item = i64> + use<> {
        self.before.clone().chain(self.after.clone())
    }
}

/// Most events first; of equals the one that was seen first.
pub(super) fn place((key, (events, _)): &Counted) -> (Reverse<u64>, u32) {
    (Reverse(*events), *key)
}

impl Reader {
    /// The keys of a kind with the most events in `span`, which is widened to whole hours.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn top(&self, kind: KeyKind, span: Span, limit: usize) -> Result<Vec<Ranked>, StoreError> {
        self.top_after(kind, span, 0, limit)
    }

    /// The same without its first `offset` places: a page of the ranking.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn top_after(
        &self,
        kind: KeyKind,
        span: Span,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<Ranked>, StoreError> {
        let read = match span {
            Span { since: None, until: None } => self.top_of_all_time(kind, offset, limit),
            span => self.top_of_span(kind, span, offset, limit),
        };
        read.doing("reading a ranking", &self.path)
    }

    /// Fingerprints of one kind, such as `os`, with the most events in `span`; the kind is left out of their texts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn top_fingerprints(
        &self,
        of: &str,
        span: Span,
        limit: usize,
    ) -> Result<Vec<Ranked>, StoreError> {
        self.read_top_fingerprints(of, span, limit).doing("reading a ranking", &self.path)
    }

    fn read_top_fingerprints(
        &self,
        of: &str,
        span: Span,
        limit: usize,
    ) -> rusqlite::Result<Vec<Ranked>> {
        let kind = KeyKind::Fingerprint;
        let Some(hours) = self.hours_of(span)? else { return Ok(Vec::new()) };
        let parts = Parts::of(hours);
        let whole = span.since.is_none() && span.until.is_none();
        let mut read = self.connection.prepare_cached(
            "SELECT id, events, sessions, first, last, text FROM keys
             WHERE kind = ?1 AND text >= ?2 || ':' AND text < ?2 || ';' AND events > 0 LIMIT ?3",
        )?;
        let mut rows = read.query((kind_code(kind), of, stored(MOST_OF_A_KIND)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let key = row.get(0)?;
            let (events, sessions) = match whole {
                true => (count_of(row.get(1)?), count_of(row.get(2)?)),
                false => self.counts_of(kind, key, &parts)?,
            };
            let text: String = row.get(5)?;
            let text = text.split_once(':').map_or("", |(_, name)| name);
            let ranked = Ranked {
                key: Key::new(kind, text),
                events,
                sessions,
                sources: 0,
                first: Timestamp::from_micros(row.get(3)?),
                last: Timestamp::from_micros(row.get(4)?),
            };
            if events > 0 {
                found.push((key, ranked));
            }
        }
        found.sort_by_key(|(key, ranked)| (Reverse(ranked.events), *key));
        found.truncate(limit);
        found
            .into_iter()
            .map(|(key, ranked)| {
                let sources = match whole {
                    true => self.sources_of_all_time(kind, key)?,
                    false => self.sources_of_span(kind, key, hours)?,
                };
                Ok(Ranked { sources, ..ranked })
            })
            .collect()
    }

    fn top_of_all_time(
        &self,
        kind: KeyKind,
        offset: usize,
        limit: usize,
    ) -> rusqlite::Result<Vec<Ranked>> {
        let mut read = self.connection.prepare_cached(
            "SELECT id, events, sessions, first, last, text FROM keys WHERE kind = ?1 AND events > 0
             ORDER BY kind DESC, events DESC, id DESC LIMIT ?2 OFFSET ?3",
        )?;
        let mut rows =
            read.query((kind_code(kind), stored(limit as u64), stored(offset as u64)))?;
        let mut ranking = Vec::new();
        while let Some(row) = rows.next()? {
            let sources = self.sources_of_all_time(kind, row.get(0)?)?;
            let text: String = row.get(5)?;
            ranking.push(Ranked {
                key: Key::new(kind, &text),
                events: count_of(row.get(1)?),
                sessions: count_of(row.get(2)?),
                sources,
                first: Timestamp::from_micros(row.get(3)?),
                last: Timestamp::from_micros(row.get(4)?),
            });
        }
        Ok(ranking)
    }

    pub(super) fn sources_of_all_time(&self, kind: KeyKind, key: u32) -> rusqlite::Result<u64> {
        if kind == KeyKind::Source {
            return Ok(1);
        }
        let whole: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT sketch FROM whole_sketches WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        let mut sketch = whole.as_deref().map_or_else(Sketch::default, Sketch::from_bytes);
        for day in self.exact_days()? {
            sketch.add(&self.visitors(day, key, u32::MAX)?);
        }
        Ok(sketch.count())
    }

    fn top_of_span(
        &self,
        kind: KeyKind,
        span: Span,
        offset: usize,
        limit: usize,
    ) -> rusqlite::Result<Vec<Ranked>> {
        let Some(hours) = self.hours_of(span)? else { return Ok(Vec::new()) };
        let parts = Parts::of(if is_counted_by_hour(kind) { hours } else { hours.whole_days() });
        let places = offset.saturating_add(limit);
        let ranking = match self.by_candidates(kind, &parts, places)? {
            Some(ranking) => Some(ranking),
            None => self.by_leaders(kind, &parts, places)?,
        };
        let ranking = match ranking {
            Some(ranking) => ranking,
            None => self.by_scan(kind, &parts, places)?,
        };
        ranking
            .into_iter()
            .skip(offset)
            .map(|(key, (events, sessions))| {
                let (text, first, last): (String, i64, i64) = self
                    .connection
                    .prepare_cached("SELECT text, first, last FROM keys WHERE id = ?1")?
                    .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                Ok(Ranked {
                    key: Key::new(kind, &text),
                    events,
                    sessions,
                    sources: self.sources_of_span(kind, key, hours)?,
                    first: Timestamp::from_micros(first),
                    last: Timestamp::from_micros(last),
                })
            })
            .collect()
    }

    /// The ranking from the keys of all time, most events first: a key cannot have more events in the span than ever, so as soon
    /// as the last place is worth more than the next key's total, nothing can change (Fagin's threshold algorithm). `None` when
    /// that takes too many keys.
    fn by_candidates(
        &self,
        kind: KeyKind,
        parts: &Parts,
        limit: usize,
    ) -> rusqlite::Result<Option<Vec<Counted>>> {
        let mut candidates = self.connection.prepare_cached(
            "SELECT id, events FROM keys WHERE kind = ?1 AND events > 0
             ORDER BY kind DESC, events DESC, id DESC LIMIT ?2",
        )?;
        let mut rows = candidates.query((kind_code(kind), stored(MOST_CANDIDATES as u64 + 1)))?;
        let mut ranking: Vec<Counted> = Vec::new();
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            let (key, ever): (u32, u64) = (row.get(0)?, count_of(row.get(1)?));
            ranking.sort_unstable_by_key(place);
            ranking.truncate(limit);
            if ranking.len() == limit && ranking.last().is_none_or(|(_, (last, _))| *last > ever) {
                return Ok(Some(ranking));
            }
            looked_at += 1;
            if looked_at > MOST_CANDIDATES {
                return Ok(None);
            }
            let counts = self.counts_of(kind, key, parts)?;
            if counts.0 > 0 {
                ranking.push((key, counts));
            }
        }
        ranking.sort_unstable_by_key(place);
        ranking.truncate(limit);
        Ok(Some(ranking))
    }

    /// One key's events and sessions in a span, by a seek a day and an hour.
    fn counts_of(&self, kind: KeyKind, key: u32, parts: &Parts) -> rusqlite::Result<(u64, u64)> {
        let hour = "SELECT events, sessions FROM hourly WHERE hour = ?1 AND kind = ?2 AND key = ?3";
        let days = self.counts_on(kind, key, parts.days.clone())?;
        let hours = self.counts_at(hour, kind, key, parts.hours())?;
        Ok((days.0 + hours.0, days.1 + hours.1))
    }

    /// The same on these days alone.
    pub(super) fn counts_on(
        &self,
        kind: KeyKind,
        key: u32,
        days: impl Iterator<Item = i64>,
    ) -> rusqlite::Result<(u64, u64)> {
        let day = "SELECT events, sessions FROM daily WHERE day = ?1 AND kind = ?2 AND key = ?3";
        self.counts_at(day, kind, key, days)
    }

    fn counts_at(
        &self,
        seek: &str,
        kind: KeyKind,
        key: u32,
        mut times: impl Iterator<Item = i64>,
    ) -> rusqlite::Result<(u64, u64)> {
        let mut read = self.connection.prepare_cached(seek)?;
        times.try_fold((0, 0), |sum, time| {
            let found = read
                .query_row((time, kind_code(kind), key), |row| {
                    Ok((count_of(row.get(0)?), count_of(row.get(1)?)))
                })
                .optional()?;
            let (events, sessions) = found.unwrap_or_default();
            Ok((sum.0 + events, sum.1 + sessions))
        })
    }

    pub(super) fn by_scan(
        &self,
        kind: KeyKind,
        parts: &Parts,
        limit: usize,
    ) -> rusqlite::Result<Vec<Counted>> {
        let mut counts: HashMap<u32, (u64, u64)> = HashMap::new();
        self.add_hours(kind, parts.hours(), &mut counts)?;
        self.add_days(kind, parts.days.clone(), &mut counts)?;
        let mut ranking: Vec<Counted> = counts.into_iter().collect();
        ranking.sort_unstable_by_key(place);
        ranking.truncate(limit);
        Ok(ranking)
    }

    /// The hours of a span, cut to those in which anything was counted.
    fn hours_of(&self, span: Span) -> rusqlite::Result<Option<Hours>> {
        let (first, last): (Option<i64>, Option<i64>) = self.connection.query_row(
            "SELECT (SELECT min(hour) FROM hourly), (SELECT max(hour) FROM hourly)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
        let first_day: Option<i64> =
            self.connection.query_row("SELECT min(day) FROM daily", [], |row| row.get(0))?;
        let first = first_day.map_or(first, |day| first.min(day * 24));
        let floor = |time: Timestamp| time.micros().div_euclid(Timestamp::HOUR);
        let since = span.since.map_or(first, |since| floor(since).max(first));
        // Nothing comes after the last hour: its day counts whole, which is one look where its hours are many.
        let end = (last.div_euclid(24) + 1) * 24;
        let until = span.until.map_or(end, |until| floor(until.plus(-1)) + 1);
        let until = if until > last { end } else { until };
        Ok((since < until).then_some(Hours { since, until }))
    }

    pub(super) fn add_hours(
        &self,
        kind: KeyKind,
        mut hours: impl Iterator<Item = i64>,
        counts: &mut HashMap<u32, (u64, u64)>,
    ) -> rusqlite::Result<()> {
        let mut read = self.connection.prepare_cached(
            "SELECT key, events, sessions FROM hourly WHERE hour = ?1 AND kind = ?2",
        )?;
        hours.try_for_each(|hour| add_rows(&mut read, hour, kind, counts))
    }

    pub(super) fn add_days(
        &self,
        kind: KeyKind,
        mut days: impl Iterator<Item = i64>,
        counts: &mut HashMap<u32, (u64, u64)>,
    ) -> rusqlite::Result<()> {
        let mut read = self.connection.prepare_cached(
            "SELECT key, events, sessions FROM daily WHERE day = ?1 AND kind = ?2",
        )?;
        days.try_for_each(|day| add_rows(&mut read, day, kind, counts))
    }

    /// Exact on the days whose sets are kept; a settled day that is only partly inside counts whole.
    fn sources_of_span(&self, kind: KeyKind, key: u32, hours: Hours) -> rusqlite::Result<u64> {
        if kind == KeyKind::Source {
            return Ok(1);
        }
        let mut sketch = Sketch::default();
        let (first, last) = (hours.since.div_euclid(24), (hours.until - 1).div_euclid(24));
        for day in self.exact_days()?.into_iter().filter(|day| (first..=last).contains(day)) {
            let mask = (0..24)
                .filter(|hour| (hours.since..hours.until).contains(&(day * 24 + hour)))
                .fold(0, |mask, hour| mask | 1 << hour);
            sketch.add(&self.visitors(day, key, mask)?);
        }
        let mut read = self
            .connection
            .prepare_cached("SELECT sketch FROM sketches WHERE day = ?1 AND key = ?2")?;
        for day in first..=last {
            let known: Option<Vec<u8>> = read.query_row((day, key), |row| row.get(0)).optional()?;
            if let Some(bytes) = known {
                sketch.unite(&Sketch::from_bytes(&bytes));
            }
        }
        Ok(sketch.count())
    }

    /// The days whose exact sets are kept, by a seek a day.
    pub(super) fn exact_days(&self) -> rusqlite::Result<Vec<i64>> {
        let mut days = Vec::new();
        let mut read =
            self.connection.prepare_cached("SELECT min(day) FROM visits WHERE day > ?1")?;
        let mut last = i64::MIN;
        while let Some(day) = read.query_row([last], |row| row.get::<_, Option<i64>>(0))? {
            days.push(day);
            last = day;
        }
        Ok(days)
    }

    fn visitors(&self, day: i64, key: u32, hours: u32) -> rusqlite::Result<Vec<u32>> {
        self.connection
            .prepare_cached(
                "SELECT source FROM visits WHERE day = ?1 AND key = ?2 AND (hours & ?3) <> 0",
            )?
            .query_map((day, key, hours), |row| row.get(0))?
            .collect()
    }
}

fn add_rows(
    read: &mut rusqlite::CachedStatement<'_>,
    time: i64,
    kind: KeyKind,
    counts: &mut HashMap<u32, (u64, u64)>,
) -> rusqlite::Result<()> {
    let mut rows = read.query((time, kind_code(kind)))?;
    while let Some(row) = rows.next()? {
        let count = counts.entry(row.get(0)?).or_default();
        count.0 += count_of(row.get(1)?);
        count.1 += count_of(row.get(2)?);
    }
    Ok(())
}
