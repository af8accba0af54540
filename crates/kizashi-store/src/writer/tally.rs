//! What a batch of events adds to the rollups: gathered in memory, sorted into the order of the tables, written in one pass.
//! A table's rows are then met in order, which SQLite rewards, and a key met a thousand times in a batch is written once.

use std::collections::HashMap;

use kizashi_event::{KeyKind, Timestamp, Weight};
use rusqlite::{Connection, OptionalExtension as _};

use crate::codes::{hour_of, kind_code, pack, stored, unite, unpack};

/// The source of what came from more addresses than were told apart: it counts as none. Keys are numbered from 1.
pub(crate) const NOBODY: u32 = 0;

/// What a batch adds.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    touches: Vec<Touch>,
    totals: HashMap<u32, Total>,
    bins: Vec<BinTouch>,
    key_bins: Vec<KeyBinTouch>,
    late: HashMap<(i64, u32), u64>,
}

/// One event under one key, or those that it stands for. The order of the fields is the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Touch {
    hour: i64,
    kind: i64,
    key: u32,
    source: u32,
    events: u32,
    sessions: u32,
}

#[derive(Clone, Copy, Debug)]
struct Total {
    first: i64,
    last: i64,
    events: u64,
    sessions: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct BinTouch {
    bin: i64,
    port: u32,
    source: u32,
    events: u32,
}

/// One event under one key in ten minutes. The order of the fields is the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct KeyBinTouch {
    bin: i64,
    kind: i64,
    key: u32,
    source: u32,
    events: u32,
}

/// One row of `hourly`, and what it is by day.
#[derive(Clone, Copy, Debug)]
struct Row {
    hour: i64,
    kind: i64,
    key: u32,
    events: u64,
    sessions: u64,
    sources: u64,
    sources_of_day: u64,
}

/// One source of one key on one day, with a bit for each hour in which it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Visit {
    day: i64,
    key: u32,
    source: u32,
    hours: u32,
}

impl Tally {
    /// Counts an event at `time` from `source` under `key`.
    pub(crate) fn touch(
        &mut self,
        time: Timestamp,
        kind: KeyKind,
        key: u32,
        source: u32,
        weight: Weight,
    ) {
        let kind = kind_code(kind);
        let (events, sessions) = (narrow(weight.events), narrow(weight.sessions));
        self.touches.push(Touch { hour: hour_of(time), kind, key, source, events, sessions });
        let micros = time.micros();
        let total = self.totals.entry(key).or_insert(Total {
            first: micros,
            last: micros,
            events: 0,
            sessions: 0,
        });
        total.first = total.first.min(micros);
        total.last = total.last.max(micros);
        total.events += u64::from(events);
        total.sessions += u64::from(sessions);
    }

    /// Counts events in their ten minutes.
    pub(crate) fn touch_bin(&mut self, bin: i64, port: u32, source: u32, events: u64) {
        self.bins.push(BinTouch { bin, port, source, events: narrow(events) });
    }

    /// Counts events under a key in their ten minutes.
    pub(crate) fn touch_key_bin(
        &mut self,
        (bin, kind): (i64, KeyKind),
        key: u32,
        source: u32,
        events: u64,
    ) {
        let (kind, events) = (kind_code(kind), narrow(events));
        self.key_bins.push(KeyBinTouch { bin, kind, key, source, events });
    }

    /// Counts events that came after their ten minutes were closed.
    pub(crate) fn touch_closed_bin(&mut self, bin: i64, port: u32, events: u64) {
        *self.late.entry((bin, port)).or_default() += events;
    }

    /// Writes all of it and is empty again.
    pub(crate) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.write_totals(connection)?;
        self.write_bins(connection)?;
        self.write_key_bins(connection)?;
        let (mut rows, visits) = self.rows_and_visits();
        count_sources(connection, &mut rows, &visits)?;
        write_hours(connection, &rows)?;
        write_days(connection, rows)
    }

    fn write_totals(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut update = connection.prepare_cached(
            "UPDATE keys SET first = min(first, ?2), last = max(last, ?3), events = events + ?4, sessions = sessions + ?5
             WHERE id = ?1",
        )?;
        let mut totals: Vec<(u32, Total)> = self.totals.drain().collect();
        totals.sort_unstable_by_key(|(key, _)| *key);
        for (key, total) in totals {
            update.execute((
                key,
                total.first,
                total.last,
                stored(total.events),
                stored(total.sessions),
            ))?;
        }
        Ok(())
    }

    fn write_bins(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut read =
            connection.prepare_cached("SELECT sources FROM bins WHERE bin = ?1 AND port = ?2")?;
        let mut write = connection.prepare_cached(
            "INSERT INTO bins (bin, port, events, late, sources) VALUES (?1, ?2, ?3, 0, ?4)
             ON CONFLICT DO UPDATE SET events = events + excluded.events, sources = excluded.sources",
        )?;
        self.bins.sort_unstable();
        for group in self.bins.chunk_by(|a, b| (a.bin, a.port) == (b.bin, b.port)) {
            let Some(BinTouch { bin, port, .. }) = group.first() else { continue };
            let known: Option<Vec<u8>> =
                read.query_row((bin, port), |row| row.get(0)).optional()?;
            let mut sources = known.map_or_else(Vec::new, |bytes| unpack(&bytes));
            let fresh: Vec<u32> =
                group.iter().map(|touch| touch.source).filter(|source| *source != NOBODY).collect();
            unite(&mut sources, &fresh);
            let events = group.iter().map(|touch| u64::from(touch.events)).sum();
            write.execute((bin, port, stored(events), pack(&sources)))?;
        }
        self.bins.clear();
        let mut count_late = connection.prepare_cached(
            "INSERT INTO bins (bin, port, events, late, sources) VALUES (?1, ?2, 0, ?3, x'')
             ON CONFLICT DO UPDATE SET late = late + excluded.late",
        )?;
        for ((bin, port), events) in self.late.drain() {
            count_late.execute((bin, port, stored(events)))?;
        }
        Ok(())
    }

    /// Most rows are new, so that it is tried to add a row before it is looked for.
    fn write_key_bins(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut add = connection.prepare_cached(
            "INSERT OR IGNORE INTO key_bins (bin, kind, key, events, sources) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let mut read = connection.prepare_cached(
            "SELECT sources FROM key_bins WHERE bin = ?1 AND kind = ?2 AND key = ?3",
        )?;
        let mut change = connection.prepare_cached(
            "UPDATE key_bins SET events = events + ?4, sources = ?5 WHERE bin = ?1 AND kind = ?2 AND key = ?3",
        )?;
        self.key_bins.sort_unstable();
        let same =
            |a: &KeyBinTouch, b: &KeyBinTouch| (a.bin, a.kind, a.key) == (b.bin, b.kind, b.key);
        for group in self.key_bins.chunk_by(same) {
            let Some(&KeyBinTouch { bin, kind, key, .. }) = group.first() else { continue };
            let events = stored(group.iter().map(|touch| u64::from(touch.events)).sum());
            let mut sources: Vec<u32> =
                group.iter().map(|touch| touch.source).filter(|source| *source != NOBODY).collect();
            sources.dedup();
            if add.execute((bin, kind, key, events, pack(&sources)))? == 0 {
                let known: Vec<u8> = read.query_row((bin, kind, key), |row| row.get(0))?;
                unite(&mut sources, &unpack(&known));
                change.execute((bin, kind, key, events, pack(&sources)))?;
            }
        }
        self.key_bins.clear();
        Ok(())
    }

    fn rows_and_visits(&mut self) -> (Vec<Row>, Vec<Visit>) {
        self.touches.sort_unstable();
        let (mut rows, mut visits): (Vec<Row>, Vec<Visit>) = (Vec::new(), Vec::new());
        for group in
            self.touches.chunk_by(|a, b| (a.hour, a.kind, a.key) == (b.hour, b.kind, b.key))
        {
            let Some(&Touch { hour, kind, key, .. }) = group.first() else { continue };
            let mut row = Row {
                hour,
                kind,
                key,
                events: group.iter().map(|touch| u64::from(touch.events)).sum(),
                sessions: group.iter().map(|touch| u64::from(touch.sessions)).sum(),
                sources: 0,
                sources_of_day: 0,
            };
            if kind == kind_code(KeyKind::Source) {
                row.sources = 1;
                row.sources_of_day = 1;
            } else {
                let (day, hours) = (hour.div_euclid(24), 1_u32 << hour.rem_euclid(24));
                let sources = group.chunk_by(|a, b| a.source == b.source);
                let sources = sources
                    .filter_map(|same| same.first())
                    .map(|touch| touch.source)
                    .filter(|source| *source != NOBODY);
                visits.extend(sources.map(|source| Visit { day, key, source, hours }));
            }
            rows.push(row);
        }
        self.touches.clear();
        visits.sort_unstable();
        visits.dedup_by(|next, kept| {
            let same = (next.day, next.key, next.source) == (kept.day, kept.key, kept.source);
            if same {
                kept.hours |= next.hours;
            }
            same
        });
        (rows, visits)
    }
}

/// What one event stands for is bounded where it is believed; this only keeps a row small.
fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Notes each visit, and adds to the rows the sources that had not come in that hour or on that day.
fn count_sources(
    connection: &Connection,
    rows: &mut [Row],
    visits: &[Visit],
) -> rusqlite::Result<()> {
    let mut places: HashMap<(i64, u32), usize> = HashMap::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        places.insert((row.hour, row.key), place);
    }
    let mut read = connection
        .prepare_cached("SELECT hours FROM visits WHERE day = ?1 AND key = ?2 AND source = ?3")?;
    let mut write = connection.prepare_cached(
        "INSERT OR REPLACE INTO visits (day, key, source, hours) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for visit in visits {
        let known: Option<u32> =
            read.query_row((visit.day, visit.key, visit.source), |row| row.get(0)).optional()?;
        let fresh = visit.hours & !known.unwrap_or(0);
        if fresh == 0 {
            continue;
        }
        write.execute((visit.day, visit.key, visit.source, visit.hours | known.unwrap_or(0)))?;
        let hours = (0..24).filter(|hour| fresh & (1 << hour) != 0);
        for (nth, hour) in hours.enumerate() {
            let place = places.get(&(visit.day * 24 + hour, visit.key));
            if let Some(row) = place.and_then(|place| rows.get_mut(*place)) {
                row.sources += 1;
                row.sources_of_day += u64::from(nth == 0 && known.is_none());
            }
        }
    }
    Ok(())
}

fn write_hours(connection: &Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let mut write = connection.prepare_cached(
        "INSERT INTO hourly (hour, kind, key, events, sessions, sources) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET events = events + excluded.events, sessions = sessions + excluded.sessions,
                                   sources = CASE kind WHEN 3 THEN 1 ELSE sources + excluded.sources END",
    )?;
    for row in rows {
        write.execute((
            row.hour,
            row.kind,
            row.key,
            stored(row.events),
            stored(row.sessions),
            stored(row.sources),
        ))?;
    }
    Ok(())
}

fn write_days(connection: &Connection, mut rows: Vec<Row>) -> rusqlite::Result<()> {
    let mut write = connection.prepare_cached(
        "INSERT INTO daily (day, kind, key, events, sessions, sources) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET events = events + excluded.events, sessions = sessions + excluded.sessions,
                                   sources = CASE kind WHEN 3 THEN 1 ELSE sources + excluded.sources END",
    )?;
    let place = |row: &Row| (row.hour.div_euclid(24), row.kind, row.key);
    rows.sort_unstable_by_key(place);
    for group in rows.chunk_by(|a, b| place(a) == place(b)) {
        let Some((day, kind, key)) = group.first().map(place) else { continue };
        let sources: u64 = group.iter().map(|row| row.sources_of_day).sum();
        write.execute((
            day,
            kind,
            key,
            stored(group.iter().map(|row| row.events).sum()),
            stored(group.iter().map(|row| row.sessions).sum()),
            stored(if kind == kind_code(KeyKind::Source) { 1 } else { sources }),
        ))?;
    }
    Ok(())
}
