//! Captured content: kept once by its hash, compressed and masked, within its quota at every moment. The sum of what is kept
//! stands in a counter that changes in the transaction of the content itself, so that enforcing the quota costs a seek, and a
//! visitor who sends nothing but new content fills no disk between two rounds of retention.

use kizashi_event::Event;
use rusqlite::{Connection, OptionalExtension as _};

use super::ledger::{add_to_counter, counter};
use crate::codes::stored;
use crate::mask;

/// Bytes of a payload that are kept readable beside the compressed whole.
const HEAD: usize = 64;
/// Zstandard's level: its default, about 300 MB/s.
const COMPRESSION: i32 = 3;
/// Payloads that are known by hash and head at most, with content or without; older ones go. About 40 MB.
const MOST_KNOWN: i64 = 200_000;
/// The counter of the compressed bytes of all content kept.
const KEPT: &str = "payload_bytes";

/// Takes the content out of an event and keeps it; the oldest goes for it where it is more than `most` bytes with it.
pub(crate) fn keep(connection: &Connection, event: &mut Event, most: u64) -> rusqlite::Result<()> {
    let Some(payload) = event.detail.payload_mut() else { return Ok(()) };
    if payload.content.is_empty() {
        return Ok(());
    }
    let content = std::mem::take(&mut payload.content);
    let known: Option<(i64, bool)> = connection
        .prepare_cached("SELECT id, content IS NULL FROM payloads WHERE sha256 = ?1")?
        .query_row([payload.sha256.0.as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match known {
        Some((_, false)) => return Ok(()),
        // It was let go and is here again: it is the newest now.
        Some((id, true)) => {
            connection.prepare_cached("DELETE FROM payloads WHERE id = ?1")?.execute([id])?;
        }
        None => {}
    }
    let mut compressed = zstd::bulk::compress(&content, COMPRESSION)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    mask::apply(&mut compressed);
    let mut head = content.get(..HEAD).unwrap_or(&content).to_vec();
    mask::apply(&mut head);
    let size = stored(payload.size.unwrap_or(content.len() as u64));
    connection
        .prepare_cached(
            "INSERT INTO payloads (sha256, size, head, content) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((payload.sha256.0.as_slice(), size, head, &compressed))?;
    let newest = connection.last_insert_rowid();
    add_to_counter(connection, KEPT, stored(compressed.len() as u64))?;
    forget(connection, newest.saturating_sub(MOST_KNOWN))?;
    let_oldest_go(connection, most)?;
    Ok(())
}

/// Lets content go, the oldest first, until at most `most` bytes are kept; how many went. Hash and head stay.
pub(crate) fn let_oldest_go(connection: &Connection, most: u64) -> rusqlite::Result<u64> {
    let mut over = counter(connection, KEPT)?.unwrap_or(0).saturating_sub(stored(most));
    let mut gone = 0;
    while over > 0 {
        let oldest: Option<(i64, i64)> = connection
            .prepare_cached(
                "SELECT id, length(content) FROM payloads WHERE content IS NOT NULL ORDER BY id LIMIT 1",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((id, bytes)) = oldest else { break };
        connection
            .prepare_cached("UPDATE payloads SET content = NULL WHERE id = ?1")?
            .execute([id])?;
        add_to_counter(connection, KEPT, -bytes)?;
        over -= bytes;
        gone += 1;
    }
    Ok(gone)
}

/// Forgets payloads up to the one numbered `last` altogether.
fn forget(connection: &Connection, last: i64) -> rusqlite::Result<()> {
    if last <= 0 {
        return Ok(());
    }
    let bytes: i64 = connection
        .prepare_cached("SELECT coalesce(sum(length(content)), 0) FROM payloads WHERE id <= ?1")?
        .query_row([last], |row| row.get(0))?;
    add_to_counter(connection, KEPT, -bytes)?;
    connection.prepare_cached("DELETE FROM payloads WHERE id <= ?1")?.execute([last])?;
    Ok(())
}
