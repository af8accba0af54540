//! Rows of raw events, each (time, id) once. Most batches are new as a whole, and so many rows go into a statement: what a row costs is
//! halved by it. SQLite then tells how many were new and not which; where that is not all, the batch is begun again row by row.

use std::io::Write as _;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::LazyLock;

use kizashi_event::Event;
use rusqlite::{CachedStatement, Connection};

use super::rows::{AT_ONCE, values};
use crate::codes::bits_of;

const COLUMNS: usize = 11;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Many in a statement: for events of which none is there.
    Together,
    /// One by one, each told whether it is new.
    Each,
}

/// The numbers that stand for an event's names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub(super) source: u32,
    pub(super) sensor: i64,
    pub(super) service: i64,
}

/// One row; its texts stand in the buffer.
struct Row {
    time: i64,
    id: i64,
    session: Option<i64>,
    names: Names,
    source_port: u16,
    port: u32,
    flagged: bool,
    destination: Option<Range<usize>>,
    detail: Range<usize>,
}

/// Rows on their way.
pub(super) struct RawRows {
    way: Way,
    waiting: Vec<Row>,
    texts: Vec<u8>,
    /// Most have the destination of the one before.
    destination: Option<(IpAddr, Range<usize>)>,
    /// Whether one was there already that was taken for new.
    pub(super) some_known: bool,
}

impl RawRows {
    pub(super) fn going(way: Way) -> Self {
        Self {
            way,
            waiting: Vec::with_capacity(AT_ONCE),
            texts: Vec::new(),
            destination: None,
            some_known: false,
        }
    }

    /// Adds a row; whether it is new, which [`Self::finish`] may deny.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        event: &Event,
        names: Names,
        flagged: bool,
    ) -> rusqlite::Result<bool> {
        let row = self.row(event, names, flagged)?;
        self.waiting.push(row);
        match self.way {
            Way::Each => self.write(connection, 1).map(|new| new == 1),
            Way::Together if self.waiting.len() < AT_ONCE => Ok(true),
            Way::Together => {
                self.some_known |= self.write(connection, AT_ONCE)? < AT_ONCE;
                Ok(true)
            }
        }
    }

    /// Writes what waits.
    pub(super) fn finish(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let rows = self.waiting.len();
        self.some_known |= self.write(connection, 1)? < rows;
        Ok(())
    }

    fn row(&mut self, event: &Event, names: Names, flagged: bool) -> rusqlite::Result<Row> {
        if self.destination.as_ref().map(|(address, _)| *address) != event.destination {
            self.destination = event.destination.map(|address| {
                let from = self.texts.len();
                // Writing into memory fails for want of it alone.
                let _ = write!(self.texts, "{address}");
                (address, from..self.texts.len())
            });
        }
        let from = self.texts.len();
        serde_json::to_writer(&mut self.texts, &event.detail)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(Row {
            time: event.time.micros(),
            id: bits_of(event.id.0),
            session: event.session.map(|session| bits_of(session.0)),
            names,
            source_port: event.source_port,
            port: event.port.code(),
            flagged,
            destination: self.destination.as_ref().map(|(_, text)| text.clone()),
            detail: from..self.texts.len(),
        })
    }

    /// Writes what waits, so many rows a statement; how many of them were new.
    fn write(&mut self, connection: &Connection, at_once: usize) -> rusqlite::Result<usize> {
        let mut new = 0;
        {
            let mut insert = connection.prepare_cached(statement(at_once))?;
            for rows in self.waiting.chunks_exact(at_once) {
                for (number, row) in rows.iter().enumerate() {
                    row.bind(&mut insert, number * COLUMNS, &self.texts)?;
                }
                new += insert.raw_execute()?;
            }
        }
        self.waiting.clear();
        self.texts.clear();
        self.destination = None;
        Ok(new)
    }
}

impl Row {
    /// Gives the statement this row, after so many other values.
    fn bind(
        &self,
        insert: &mut CachedStatement<'_>,
        before: usize,
        texts: &[u8],
    ) -> rusqlite::Result<()> {
        let text = |range: &Range<usize>| {
            std::str::from_utf8(texts.get(range.clone()).unwrap_or_default())
        };
        let mut number = before;
        let mut next = || {
            number += 1;
            number
        };
        insert.raw_bind_parameter(next(), self.time)?;
        insert.raw_bind_parameter(next(), self.id)?;
        insert.raw_bind_parameter(next(), self.names.sensor)?;
        insert.raw_bind_parameter(next(), self.session)?;
        insert.raw_bind_parameter(next(), self.names.source)?;
        insert.raw_bind_parameter(next(), self.source_port)?;
        insert.raw_bind_parameter(next(), self.destination.as_ref().map(text).transpose()?)?;
        insert.raw_bind_parameter(next(), self.port)?;
        insert.raw_bind_parameter(next(), self.names.service)?;
        insert.raw_bind_parameter(next(), self.flagged)?;
        insert.raw_bind_parameter(next(), text(&self.detail)?)
    }
}

/// The statement of so many rows.
fn statement(rows: usize) -> &'static str {
    static ONE: LazyLock<String> = LazyLock::new(|| of_rows(1));
    static MANY: LazyLock<String> = LazyLock::new(|| of_rows(AT_ONCE));
    if rows == AT_ONCE { &MANY } else { &ONE }
}

fn of_rows(rows: usize) -> String {
    format!(
        "INSERT OR IGNORE INTO events
         (time, id, sensor, session, source, source_port, destination, port, service, flagged, detail) {}",
        values(COLUMNS, rows)
    )
}
