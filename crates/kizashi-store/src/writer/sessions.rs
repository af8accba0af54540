//! Which sessions a person may want to see again: those in which a login was accepted, a command given, a file left or a terminal
//! recorded. Others have no row, so that a flood of guesses costs none. A row lives as long as the raw events of its session.

use kizashi_event::{Detail, Event, KeyKind, PayloadOrigin};
use rusqlite::Connection;

use super::dictionary::Dictionary;
use crate::codes::bits_of;

/// What an event adds to its session's row; `None` where it is not worth one.
fn worth(detail: &Detail) -> Option<(u8, u8, u8, u8)> {
    match detail {
        Detail::Login { accepted: true, .. } => Some((1, 0, 0, 0)),
        Detail::Command { .. } => Some((0, 1, 0, 0)),
        Detail::Payload(payload) if payload.origin != PayloadOrigin::Sent => Some((0, 0, 1, 0)),
        Detail::Recording { .. } => Some((0, 0, 0, 1)),
        _ => None,
    }
}

/// Counts a new event into its session.
pub(super) fn touch(
    connection: &Connection,
    dictionary: &mut Dictionary,
    event: &Event,
    source: u32,
    service: i64,
) -> rusqlite::Result<()> {
    let (Some(session), Some((logins, commands, files, recordings))) =
        (event.session, worth(&event.detail))
    else {
        return Ok(());
    };
    let session = bits_of(session.0);
    connection
        .prepare_cached(
            "INSERT INTO sessions (id, first, last, source, port, service, logins, commands, files, recordings)
             VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),
                logins = logins + excluded.logins, commands = commands + excluded.commands,
                files = files + excluded.files, recordings = recordings + excluded.recordings",
        )?
        .execute((
            session,
            event.time.micros(),
            source,
            event.port.code(),
            service,
            logins,
            commands,
            files,
            recordings,
        ))?;
    if let Detail::Command { line, .. } = &event.detail
        && let Some(key) = dictionary.key(connection, KeyKind::Command, line.raw(), event.time)?
    {
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO session_commands (key, session) VALUES (?1, ?2)",
            )?
            .execute((key, session))?;
    }
    Ok(())
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
