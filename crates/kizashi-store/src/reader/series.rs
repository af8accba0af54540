//! A key's series: one seek for each hour or day, whatever else is stored.

use kizashi_event::{Key, KeyKind, Timestamp};
use rusqlite::OptionalExtension as _;

use super::{BinLength, Reader};
use crate::codes::{BIN, count_of, kind_code, unpack};
use crate::error::InContext;
use crate::writer::is_counted_by_hour;
use crate::{SeriesPoint, Span, StoreError};

const BINS_AN_HOUR: i64 = Timestamp::HOUR / BIN;

/// Points that one series may have: more than two years of hours.
pub const MOST_POINTS: i64 = 20_000;

impl Reader {
    /// The series of a key in bins of `length` (aligned to UTC), zeros included. An open end of `span` is the store's first or
    /// last event.
    ///
    /// # Errors
    /// When the database cannot be read, when there would be too many points, or ten minutes are asked of a key that is no port.
    pub fn series(
        &self,
        key: &Key,
        length: BinLength,
        span: Span,
    ) -> Result<Vec<SeriesPoint>, StoreError> {
        if length == BinLength::TenMinutes && key.kind != KeyKind::Port {
            return Err(StoreError::TooFine);
        }
        let overview = self.overview()?;
        let (Some(first), Some(last)) = (overview.first, overview.last) else {
            return Ok(Vec::new());
        };
        let micros = length.micros();
        let since = span.since.unwrap_or(first).max(first.plus(-Timestamp::DAY)).floor_to(micros);
        let until = span.until.unwrap_or_else(|| last.plus(1));
        let count = until.since(since).max(0).saturating_add(micros - 1) / micros;
        if count > MOST_POINTS {
            return Err(StoreError::TooManyPoints(count));
        }
        let starts = (0..count).map(|at| since.plus(at * micros));
        let read = match length {
            BinLength::TenMinutes => self.ten_minutes(key, starts),
            BinLength::Hour => self.hours(key, starts, 1),
            BinLength::HalfDay => self.hours(key, starts, 12),
            BinLength::Day => self.days(key, starts),
        };
        read.doing("reading a series", &self.path)
    }

    fn ten_minutes(
        &self,
        key: &Key,
        starts: impl Iterator<Item = Timestamp>,
    ) -> rusqlite::Result<Vec<SeriesPoint>> {
        let port = key.as_port().map(kizashi_event::Port::code);
        let mut read = self.connection.prepare_cached(
            "SELECT events + late, sources FROM bins WHERE bin = ?1 AND port = ?2",
        )?;
        starts
            .map(|start| {
                let found = read
                    .query_row((start.micros().div_euclid(BIN), port), |row| {
                        let sources = unpack(row.get_ref(1)?.as_blob()?).len();
                        Ok((count_of(row.get(0)?), sources as u64))
                    })
                    .optional()?;
                let (events, sources) = found.unwrap_or_default();
                Ok(SeriesPoint { start, events, sessions: 0, sources })
            })
            .collect()
    }

    fn hours(
        &self,
        key: &Key,
        starts: impl Iterator<Item = Timestamp>,
        hours: i64,
    ) -> rusqlite::Result<Vec<SeriesPoint>> {
        let id = self.key_id(key)?;
        let mut read = self.connection.prepare_cached(
            "SELECT events, sessions, sources FROM hourly WHERE hour = ?1 AND kind = ?2 AND key = ?3",
        )?;
        // Of a key that has no hours, the days say in which of them ten minutes need be asked.
        let mut day_asked = (i64::MIN, false);
        let mut is_on_day = |id: u32, day: i64| -> rusqlite::Result<bool> {
            if day_asked.0 != day {
                let found = self
                    .connection
                    .prepare_cached(
                        "SELECT 1 FROM daily WHERE day = ?1 AND kind = ?2 AND key = ?3",
                    )?
                    .exists((day, kind_code(key.kind), id))?;
                day_asked = (day, found);
            }
            Ok(day_asked.1)
        };
        starts
            .map(|start| {
                let mut point = SeriesPoint { start, events: 0, sessions: 0, sources: 0 };
                let first = start.micros().div_euclid(Timestamp::HOUR);
                if let Some(id) = id.filter(|_| !is_counted_by_hour(key.kind)) {
                    if !is_on_day(id, first.div_euclid(24))? {
                        return Ok(point);
                    }
                    for bin in first * BINS_AN_HOUR..(first + hours) * BINS_AN_HOUR {
                        point.events += self.events_in_bin(key, id, bin)?;
                    }
                    return Ok(point);
                }
                for hour in first..first + hours {
                    let counts = read
                        .query_row((hour, kind_code(key.kind), id), three_counts)
                        .optional()?
                        .unwrap_or_default();
                    point.events += counts[0];
                    point.sessions += counts[1];
                    point.sources += counts[2];
                }
                Ok(point)
            })
            .collect()
    }

    fn days(
        &self,
        key: &Key,
        starts: impl Iterator<Item = Timestamp>,
    ) -> rusqlite::Result<Vec<SeriesPoint>> {
        let id = self.key_id(key)?;
        let mut read = self.connection.prepare_cached(
            "SELECT events, sessions, sources FROM daily WHERE day = ?1 AND kind = ?2 AND key = ?3",
        )?;
        starts
            .map(|start| {
                let day = start.micros().div_euclid(Timestamp::DAY);
                let [events, sessions, sources] = read
                    .query_row((day, kind_code(key.kind), id), three_counts)
                    .optional()?
                    .unwrap_or_default();
                Ok(SeriesPoint { start, events, sessions, sources })
            })
            .collect()
    }
}

fn three_counts(row: &rusqlite::Row<'_>) -> rusqlite::Result<[u64; 3]> {
    Ok([count_of(row.get(0)?), count_of(row.get(1)?), count_of(row.get(2)?)])
}
