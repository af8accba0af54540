//! Captured content: kept once by its hash, compressed and masked, within its quota at every moment. The sum of what is kept
//! stands in a counter that changes in the transaction of the content itself, so that enforcing the quota costs a seek, and a
//! visitor who sends nothing but new content fills no disk between two rounds of retention.

use std::borrow::Cow;

use kizashi_event::{Event, Payload};
use rusqlite::{Connection, OptionalExtension as _};

use super::clusters::{Clusters, of_known};
use super::dictionary::Dictionary;
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

/// The event without its content, which is kept; the oldest goes for it where it is more than `most` bytes with it. And the key of the
/// cluster that the content is in, where it is in one: recordings are in none.
pub(crate) fn keep<'a>(
    connection: &Connection,
    event: &'a Event,
    most: u64,
    kin: (&mut Clusters, &mut Dictionary),
) -> rusqlite::Result<(Cow<'a, Event>, Option<u32>)> {
    if event.detail.carried().is_none() {
        return Ok((Cow::Borrowed(event), None));
    }
    let mut event = event.clone();
    let cluster = take_out(connection, &mut event, most, kin)?;
    Ok((Cow::Owned(event), cluster))
}

fn take_out(
    connection: &Connection,
    event: &mut Event,
    most: u64,
    (clusters, dictionary): (&mut Clusters, &mut Dictionary),
) -> rusqlite::Result<Option<u32>> {
    let (time, is_payload) = (event.time, event.detail.payload().is_some());
    let Some(payload) = event.detail.payload_mut() else { return Ok(None) };
    let hash = payload.sha256;
    if payload.content.is_empty() {
        if payload.left_out {
            keep_name(connection, payload)?;
        }
        let cluster = if is_payload { of_known(connection, hash)? } else { None };
        return Ok(cluster.filter(|cluster| clusters.touch(*cluster, time)));
    }
    let content = std::mem::take(&mut payload.content);
    let known: Option<(i64, bool, Option<u32>)> = connection
        .prepare_cached("SELECT id, content IS NULL, cluster FROM payloads WHERE sha256 = ?1")?
        .query_row([hash.0.as_slice()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let was_in = known.and_then(|(_, _, cluster)| cluster);
    let cluster = match was_in.filter(|cluster| clusters.touch(*cluster, time)) {
        None if is_payload => clusters.join(connection, dictionary, (hash, &content), time)?,
        cluster => cluster,
    };
    if let Some((id, is_gone, _)) = known {
        if !is_gone {
            if cluster != was_in {
                connection
                    .prepare_cached("UPDATE payloads SET cluster = ?2 WHERE id = ?1")?
                    .execute((id, cluster))?;
            }
            return Ok(cluster);
        }
        // It was let go and is here again: it is the newest now.
        connection.prepare_cached("DELETE FROM payloads WHERE id = ?1")?.execute([id])?;
    }
    let mut compressed = zstd::bulk::compress(&content, COMPRESSION)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    mask::apply(&mut compressed);
    let mut head = content.get(..HEAD).unwrap_or(&content).to_vec();
    mask::apply(&mut head);
    let size =
        stored(event.detail.carried().and_then(|kept| kept.size).unwrap_or(content.len() as u64));
    connection
        .prepare_cached(
            "INSERT INTO payloads (sha256, size, head, content, cluster) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((hash.0.as_slice(), size, head, &compressed, cluster))?;
    let newest = connection.last_insert_rowid();
    add_to_counter(connection, KEPT, stored(compressed.len() as u64))?;
    forget(connection, newest.saturating_sub(MOST_KNOWN))?;
    let_oldest_go(connection, most, u64::MAX)?;
    Ok(cluster)
}

/// Notes that there was content of this hash, as if it had been kept and let go: when it comes again, with room, it is kept.
fn keep_name(connection: &Connection, payload: &Payload) -> rusqlite::Result<()> {
    let size = stored(payload.size.unwrap_or(0));
    let added = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO payloads (sha256, size, head, content) VALUES (?1, ?2, x'', NULL)",
        )?
        .execute((payload.sha256.0.as_slice(), size))?;
    if added == 0 {
        return Ok(());
    }
    forget(connection, connection.last_insert_rowid().saturating_sub(MOST_KNOWN))
}

/// Lets content go, the oldest first, until at most `most` bytes are kept or `at_once` went; how many did. Hash and head stay.
pub(crate) fn let_oldest_go(
    connection: &Connection,
    most: u64,
    at_once: u64,
) -> rusqlite::Result<u64> {
    let mut over = counter(connection, KEPT)?.unwrap_or(0).saturating_sub(stored(most));
    let mut gone = 0;
    while over > 0 && gone < at_once {
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
