//! Which sessions a person may want to see again: those in which a login was accepted, a command given, a file left or a terminal
//! recorded. Others have no row, so that a flood of guesses costs none. A row lives as long as the raw events of its session.

use std::collections::BTreeMap;

use kizashi_event::{Detail, Event, KeyKind, PayloadOrigin};
use rusqlite::Connection;

use super::dictionary::Dictionary;
use super::rows::write_rows;
use crate::codes::bits_of;

/// What an event adds to its session's row, log-ins, lines, files and recordings; `None` where it is not worth one.
const fn worth(detail: &Detail) -> Option<[i64; 4]> {
    match detail {
        Detail::Login { accepted: true, .. } => Some([1, 0, 0, 0]),
        Detail::Command { .. } => Some([0, 1, 0, 0]),
        Detail::Payload(payload) if !matches!(payload.origin, PayloadOrigin::Sent) => {
            Some([0, 0, 1, 0])
        }
        Detail::Recording { .. } => Some([0, 0, 0, 1]),
        _ => None,
    }
}

/// What a batch adds.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    touched: BTreeMap<i64, Touched>,
    /// Which line was given in which session.
    commands: Vec<[i64; 2]>,
}

/// What a batch adds to one session.
#[derive(Debug)]
struct Touched {
    first: i64,
    last: i64,
    /// Source, port and service, as the first event has them.
    whose: [i64; 3],
    counts: [i64; 4],
}

impl Sessions {
    /// Counts a new event into its session.
    pub(super) fn touch(
        &mut self,
        connection: &Connection,
        dictionary: &mut Dictionary,
        event: &Event,
        (source, service): (u32, i64),
    ) -> rusqlite::Result<()> {
        let (Some(session), Some(counts)) = (event.session, worth(&event.detail)) else {
            return Ok(());
        };
        let (session, at) = (bits_of(session.0), event.time.micros());
        let whose = [i64::from(source), i64::from(event.port.code()), service];
        let none = Touched { first: at, last: at, whose, counts: [0; 4] };
        let touched = self.touched.entry(session).or_insert(none);
        touched.first = touched.first.min(at);
        touched.last = touched.last.max(at);
        for (all, one) in touched.counts.iter_mut().zip(counts) {
            *all += one;
        }
        if let Detail::Command { line, .. } = &event.detail
            && let Some(key) =
                dictionary.key(connection, KeyKind::Command, line.raw(), event.time)?
        {
            self.commands.push([i64::from(key), session]);
        }
        Ok(())
    }

    /// Writes all of it and is empty again.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        const INSERT: &str = "INSERT INTO sessions (id, first, last, source, port, service, logins, commands, files, recordings)";
        const ADD_UP: &str = "ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),
                logins = logins + excluded.logins, commands = commands + excluded.commands,
                files = files + excluded.files, recordings = recordings + excluded.recordings";
        let rows = std::mem::take(&mut self.touched).into_iter().map(|(session, touched)| {
            let Touched { first, last, whose: [source, port, service], counts } = touched;
            let [logins, commands, files, recordings] = counts;
            [session, first, last, source, port, service, logins, commands, files, recordings]
        });
        write_rows(connection, (INSERT, ADD_UP), rows)?;
        self.commands.sort_unstable();
        self.commands.dedup();
        let insert = "INSERT OR IGNORE INTO session_commands (key, session)";
        write_rows(connection, (insert, ""), self.commands.drain(..))
    }
}

/// Raw events up to this moment are gone, and with them what there was to see of these sessions.
pub(super) fn forget(connection: &Connection, through: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM session_commands WHERE session IN (SELECT id FROM sessions WHERE first <= ?1)",
        )?
        .execute([through])?;
    connection.prepare_cached("DELETE FROM sessions WHERE first <= ?1")?.execute([through])?;
    Ok(())
}
