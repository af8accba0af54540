//! What ten minutes held, as detection is given it, live and in a replay alike. However many keys somebody makes up, of each kind
//! a bin gives a bounded number: those with the most distinct sources.

use std::cmp::Reverse;

use kizashi_event::{Key, KeyKind, PayloadHash, Port, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Rows};

use crate::codes::{BIN, count_of, kind_of, unpack};
use crate::{ClosedBin, KeyBin, PortBin};

/// Keys of one kind that a bin gives at most.
const MOST_KEYS: usize = 4_096;

/// The bins from `since` on and before `until` that anything came to in time.
pub(crate) fn bins_between(
    connection: &Connection,
    since: i64,
    until: i64,
) -> rusqlite::Result<Vec<ClosedBin>> {
    let mut bins: Vec<ClosedBin> = Vec::new();
    let mut read = connection.prepare_cached(
        "SELECT bin, port, events, sources FROM bins WHERE bin >= ?1 AND bin < ?2 AND events > 0 ORDER BY bin, port",
    )?;
    let mut rows = read.query((since, until))?;
    while let Some(row) = rows.next()? {
        let start = start_of(row.get(0)?);
        let Some(port) = Port::from_code(row.get(1)?) else { continue };
        let sources = row.get_ref(3)?.as_blob().map_or_else(|_| Vec::new(), unpack);
        let port = PortBin { port, events: count_of(row.get(2)?), sources };
        match bins.last_mut() {
            Some(bin) if bin.start == start => bin.ports.push(port),
            _ => bins.push(ClosedBin { start, ports: vec![port], keys: Vec::new() }),
        }
    }
    for bin in &mut bins {
        bin.keys = keys_in(connection, bin.start.micros().div_euclid(BIN))?;
    }
    Ok(bins)
}

pub(super) const fn start_of(bin: i64) -> Timestamp {
    Timestamp::from_micros(bin.saturating_mul(BIN))
}

/// One row of the table, its set still packed.
struct Row {
    kind: i64,
    key: u32,
    events: u64,
    distinct: usize,
    sources: Vec<u8>,
}

fn keys_in(connection: &Connection, bin: i64) -> rusqlite::Result<Vec<KeyBin>> {
    let mut read = connection.prepare_cached(
        "SELECT kind, key, events, sources FROM key_bins WHERE bin = ?1 ORDER BY kind, key",
    )?;
    keys_of(connection, read.query([bin])?)
}

/// The keys of rows of kind, key, events and sources, ordered by kind and key.
pub(super) fn keys_of(
    connection: &Connection,
    mut rows: Rows<'_>,
) -> rusqlite::Result<Vec<KeyBin>> {
    let (mut kept, mut of_kind): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let sources = row.get_ref(3)?.as_blob().map(<[u8]>::to_vec).unwrap_or_default();
        // A packed number ends with the one byte whose high bit is clear.
        let distinct = sources.iter().filter(|byte| **byte < 0x80).count();
        let (kind, key, events) = (row.get(0)?, row.get(1)?, count_of(row.get(2)?));
        if of_kind.first().is_some_and(|first| first.kind != kind) {
            keep_most(&mut of_kind);
            kept.append(&mut of_kind);
        }
        of_kind.push(Row { kind, key, events, distinct, sources });
        if of_kind.len() >= 2 * MOST_KEYS {
            keep_most(&mut of_kind);
        }
    }
    keep_most(&mut of_kind);
    kept.append(&mut of_kind);
    let mut text = connection.prepare_cached("SELECT text FROM keys WHERE id = ?1")?;
    let mut keys = Vec::with_capacity(kept.len());
    for row in kept {
        let Some(kind) = kind_of(row.kind) else { continue };
        let text: String = text.query_row([row.key], |found| found.get(0))?;
        let head = if kind == KeyKind::Payload { head_of(connection, &text)? } else { Vec::new() };
        let (key, sources) = (Key::new(kind, &text), unpack(&row.sources));
        keys.push(KeyBin { key, events: row.events, sources, head });
    }
    Ok(keys)
}

/// The first bytes of a payload; nothing where only its hash is known.
fn head_of(connection: &Connection, hash: &str) -> rusqlite::Result<Vec<u8>> {
    let Some(hash) = PayloadHash::parse(hash) else { return Ok(Vec::new()) };
    let mut read = connection.prepare_cached("SELECT head FROM payloads WHERE sha256 = ?1")?;
    let head: Option<Vec<u8>> =
        read.query_row([hash.0.as_slice()], |found| found.get(0)).optional()?;
    let mut head = head.unwrap_or_default();
    crate::mask::apply(&mut head);
    Ok(head)
}

/// Lets go of all but the keys with the most distinct sources; of equals the older ones stay.
fn keep_most(rows: &mut Vec<Row>) {
    if rows.len() > MOST_KEYS {
        rows.sort_unstable_by_key(|row| (Reverse(row.distinct), row.key));
        rows.truncate(MOST_KEYS);
        rows.sort_unstable_by_key(|row| row.key);
    }
}
