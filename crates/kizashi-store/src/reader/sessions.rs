//! Sessions worth seeing again: listed, found by what was said in them, and read whole.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use kizashi_event::{Event, KeyKind, PayloadHash, Port, Service, SessionId, Timestamp};
use rusqlite::OptionalExtension as _;

use super::Reader;
use super::events::{COLUMNS, JOINS, event_of};
use super::search::holds;
use crate::codes::{bits_of, count_of, kind_code};
use crate::error::InContext;
use crate::{Span, StoreError, StoredSession};

/// Microseconds before the first and after the last noted event in which a session's other events are looked for.
const AROUND: i64 = 3_600 * Timestamp::SECOND;
/// Events of one session that are read.
const MOST_EVENTS: i64 = 20_000;
/// Raw events that are given at once while all are read.
const BATCH: usize = 2_000;

/// Sessions looked at one by one before all that hold a word are gathered.
const MOST_BACK: i64 = 4_000;

const SESSION: &str =
    "sessions.id, sessions.first, sessions.last, keys.text, sessions.port, services.text,
     sessions.logins, sessions.commands, sessions.files, sessions.recordings";
const SESSION_JOINS: &str = "JOIN keys ON keys.id = sessions.source JOIN names AS services ON services.id = sessions.service";

impl Reader {
    /// Sessions that began in `span`, the latest first; with `command` only those in which a line holds this text, its case
    /// left aside for ASCII letters.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sessions(
        &self,
        command: Option<&str>,
        span: Span,
        limit: usize,
    ) -> Result<Vec<StoredSession>, StoreError> {
        let read = || match command {
            None => self.latest_sessions(span, limit),
            Some(text) => self.sessions_holding(text, span, limit),
        };
        let sessions = read().doing("reading sessions", &self.path)?;
        Ok(sessions.into_iter().flatten().collect())
    }

    fn latest_sessions(
        &self,
        span: Span,
        limit: usize,
    ) -> rusqlite::Result<Vec<Option<StoredSession>>> {
        let (since, until) = bounds(span);
        self.connection
            .prepare_cached(&format!(
                "SELECT {SESSION} FROM sessions {SESSION_JOINS}
                 WHERE sessions.first >= ?1 AND sessions.first < ?2
                 ORDER BY sessions.first DESC, sessions.id LIMIT ?3"
            ))?
            .query_map((since, until, i64::try_from(limit).unwrap_or(i64::MAX)), stored_session)?
            .collect()
    }

    /// A frequent word is soon found by going back through the sessions, a rare one by going through the lines that hold it.
    fn sessions_holding(
        &self,
        text: &str,
        span: Span,
        limit: usize,
    ) -> rusqlite::Result<Vec<Option<StoredSession>>> {
        let lines = self.lines_holding(text)?;
        let found = match self.latest_with(&lines, span, limit)? {
            Some(found) => found,
            None => self.all_with(&lines, span, limit)?,
        };
        let mut read = self.connection.prepare_cached(&format!(
            "SELECT {SESSION} FROM sessions {SESSION_JOINS} WHERE sessions.id = ?1"
        ))?;
        found.into_iter().map(|id| read.query_row([id], stored_session)).collect()
    }

    /// The keys of all lines that hold this text.
    fn lines_holding(&self, text: &str) -> rusqlite::Result<HashSet<i64>> {
        let wanted = text.to_ascii_lowercase();
        let mut read =
            self.connection.prepare_cached("SELECT id, text FROM keys WHERE kind = ?1")?;
        let mut rows = read.query([kind_code(KeyKind::Command)])?;
        let mut found = HashSet::new();
        while let Some(row) = rows.next()? {
            if holds(row.get_ref(1)?.as_str()?, &wanted) {
                found.insert(row.get(0)?);
            }
        }
        Ok(found)
    }

    /// The latest sessions with one of these lines, where a short way back leads to enough of them.
    fn latest_with(
        &self,
        lines: &HashSet<i64>,
        span: Span,
        limit: usize,
    ) -> rusqlite::Result<Option<Vec<i64>>> {
        let (since, until) = bounds(span);
        let mut back = self.connection.prepare_cached(
            "SELECT id FROM sessions WHERE first >= ?1 AND first < ?2 ORDER BY first DESC, id LIMIT ?3",
        )?;
        let mut said = self
            .connection
            .prepare_cached("SELECT key FROM session_commands WHERE session = ?1")?;
        let (mut found, mut met) = (Vec::new(), 0);
        let mut rows = back.query((since, until, MOST_BACK))?;
        while let Some(row) = rows.next()? {
            met += 1;
            let id: i64 = row.get(0)?;
            let mut keys = said.query([id])?;
            while let Some(key) = keys.next()? {
                if lines.contains(&key.get(0)?) {
                    found.push(id);
                    break;
                }
            }
            if found.len() >= limit {
                return Ok(Some(found));
            }
        }
        Ok((met < MOST_BACK).then_some(found))
    }

    fn all_with(
        &self,
        lines: &HashSet<i64>,
        span: Span,
        limit: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        let (since, until) = bounds(span);
        let mut of_line = self.connection.prepare_cached(
            "SELECT sessions.first, sessions.id FROM session_commands JOIN sessions ON sessions.id = session
             WHERE key = ?1 AND first >= ?2 AND first < ?3",
        )?;
        let mut found: BTreeSet<(Reverse<i64>, i64)> = BTreeSet::new();
        for line in lines {
            let mut rows = of_line.query((line, since, until))?;
            while let Some(row) = rows.next()? {
                found.insert((Reverse(row.get(0)?), row.get(1)?));
                if found.len() > limit {
                    found.pop_last();
                }
            }
        }
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    /// One session, where anything worth seeing happened in it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn session(&self, id: SessionId) -> Result<Option<StoredSession>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached(&format!(
                    "SELECT {SESSION} FROM sessions {SESSION_JOINS} WHERE sessions.id = ?1"
                ))?
                .query_row([bits_of(id.0)], stored_session)
                .optional()
        };
        Ok(read().doing("reading a session", &self.path)?.flatten())
    }

    /// The events of a session in order, captured content not read; those within an hour of what was noted of it, 20,000 at most.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn session_events(&self, session: &StoredSession) -> Result<Vec<Event>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM events {JOINS}
                     WHERE time >= ?1 AND time <= ?2 AND events.session = ?3 ORDER BY time, events.id LIMIT ?4"
                ))?
                .query_map(
                    (
                        session.first.micros().saturating_sub(AROUND),
                        session.last.micros().saturating_add(AROUND),
                        bits_of(session.id.0),
                        MOST_EVENTS,
                    ),
                    event_of,
                )?
                .collect::<rusqlite::Result<Vec<Option<Event>>>>()
        };
        let events = read().doing("reading a session", &self.path)?;
        Ok(events.into_iter().flatten().collect())
    }

    /// A part of a recording, where it is still kept.
    ///
    /// # Errors
    /// When the database cannot be read, or holds what does not unpack.
    pub fn recording(&self, hash: PayloadHash) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.payload_content(hash)?.flatten())
    }

    /// Calls `each` with every raw event of the span in order of time, a bounded number in memory at once; stops at the first error
    /// of its own.
    ///
    /// # Errors
    /// When the database cannot be read, or with what `each` failed with.
    pub fn raw_events<E: From<StoreError>>(
        &self,
        span: Span,
        mut each: impl FnMut(Event) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut after = (span.since.map_or(i64::MIN, Timestamp::micros), i64::MIN);
        loop {
            let batch = self.batch_of_events(after, span).doing("reading events", &self.path)?;
            let Some(last) = batch.last() else { return Ok(()) };
            after = last.0;
            batch.into_iter().filter_map(|(_, event)| event).try_for_each(&mut each)?;
        }
    }

    #[expect(clippy::type_complexity, reason = "an event with its place in the table")]
    fn batch_of_events(
        &self,
        (time, id): (i64, i64),
        span: Span,
    ) -> rusqlite::Result<Vec<((i64, i64), Option<Event>)>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM events {JOINS} WHERE (time, events.id) > (?1, ?2) AND time < ?3
                 ORDER BY time, events.id LIMIT {BATCH}"
            ))?
            .query_map((time, id, span.until.map_or(i64::MAX, Timestamp::micros)), |row| {
                Ok(((row.get(0)?, row.get(1)?), event_of(row)?))
            })?
            .collect()
    }
}

/// From the first microsecond inside to the first outside.
fn bounds(span: Span) -> (i64, i64) {
    let micros = |time: Option<Timestamp>, none| time.map_or(none, Timestamp::micros);
    (micros(span.since, i64::MIN), micros(span.until, i64::MAX))
}

fn stored_session(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<StoredSession>> {
    let source: String = row.get(3)?;
    let service: String = row.get(5)?;
    let (Ok(source), Some(port)) = (source.parse(), Port::from_code(row.get(4)?)) else {
        return Ok(None);
    };
    Ok(Some(StoredSession {
        id: SessionId(row.get::<_, i64>(0)?.cast_unsigned()),
        first: Timestamp::from_micros(row.get(1)?),
        last: Timestamp::from_micros(row.get(2)?),
        source,
        port,
        service: Service::named(&service),
        logins: count_of(row.get(6)?),
        commands: count_of(row.get(7)?),
        files: count_of(row.get(8)?),
        recordings: count_of(row.get(9)?),
    }))
}
