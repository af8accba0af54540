//! What `SAVE` writes. The RDB file itself is made for visitors who ask for a copy of the data as a replica does (`SYNC`, `PSYNC`); what is
//! kept of a file that somebody writes to a place of his choice is what he put into it, so that the same line for cron has the same hash
//! whatever else is in the file. Format: RDB 8 (`rdb.c`), plain encodings, no checksum.

use kizashi_event::{Detail, HostileText, Payload, PayloadOrigin};

use super::config;
use super::release::Release;
use super::store::{Database, Entry, OwnCopy, Value};
use crate::capture::Capture;

/// Values of one saved file that are kept.
const MOST_KEPT: usize = 8;

/// Where the file would be, if the visitor chose the place.
pub(super) fn chosen_path(copy: &OwnCopy) -> Option<String> {
    let chosen = copy.config.contains_key("dir") || copy.config.contains_key("dbfilename");
    chosen.then(|| {
        let folder = config::value(copy, "dir");
        format!("{}/{}", folder.trim_end_matches('/'), config::value(copy, "dbfilename"))
    })
}

/// What kind of file that is.
pub(super) fn kind(path: &str) -> &'static str {
    if path.contains("/cron") {
        "cron drop"
    } else if path.contains(".ssh") || path.ends_with("authorized_keys") {
        "key drop"
    } else if path.contains("/www")
        || path.contains("/html")
        || path.ends_with(".php")
        || path.ends_with(".jsp")
    {
        "web drop"
    } else if path.ends_with(".so") {
        "module drop"
    } else {
        "file drop"
    }
}

/// What the visitor wrote, as contents of the file at this path.
pub(super) fn dropped(copy: &OwnCopy, path: &str) -> Vec<Detail> {
    let own = copy.databases.iter().flat_map(Database::values).filter(|entry| entry.own);
    let pieces = own.flat_map(pieces).filter(|piece| piece.len() >= 8).take(MOST_KEPT);
    let detail = |piece: &[u8]| {
        let payload = Capture::of(piece).finish(PayloadOrigin::Upload);
        Detail::Payload(Box::new(Payload { name: Some(HostileText::from(path)), ..payload }))
    };
    pieces.map(detail).collect()
}

fn pieces(entry: &Entry) -> Vec<&[u8]> {
    match &entry.value {
        Value::Text(text) => vec![text.as_slice()],
        Value::List(list) => list.iter().map(Vec::as_slice).collect(),
        Value::Set(set) => set.iter().map(Vec::as_slice).collect(),
        Value::Hash(hash) => hash.iter().map(|(_, value)| value.as_slice()).collect(),
        Value::Sorted(sorted) => sorted.keys().map(Vec::as_slice).collect(),
    }
}

fn length(count: usize, out: &mut Vec<u8>) {
    match u32::try_from(count).unwrap_or(u32::MAX) {
        small @ 0..64 => out.push(small.to_le_bytes()[0]),
        middle @ 64..16_384 => {
            let [low, high, ..] = middle.to_le_bytes();
            out.extend([0x40 | high, low]);
        }
        large => {
            out.push(0x80);
            out.extend(large.to_be_bytes());
        }
    }
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// The file.
pub(super) fn file(copy: &OwnCopy, release: Release, now: i64) -> Vec<u8> {
    let mut out = b"REDIS0008".to_vec();
    let auxiliary = [
        ("redis-ver", release.number().to_owned()),
        ("redis-bits", "64".to_owned()),
        ("ctime", now.to_string()),
        ("used-mem", (870_000 + copy.bytes()).to_string()),
    ];
    for (name, value) in auxiliary {
        out.push(0xfa);
        text(name.as_bytes(), &mut out);
        text(value.as_bytes(), &mut out);
    }
    for (number, database) in copy.databases.iter().enumerate().filter(|(_, data)| !data.is_empty())
    {
        out.push(0xfe);
        length(number, &mut out);
        out.push(0xfb);
        length(database.len(), &mut out);
        length(database.values().filter(|entry| entry.expires.is_some()).count(), &mut out);
        database.iter().for_each(|(key, entry)| self::entry(key, entry, &mut out));
    }
    out.push(0xff);
    out.extend([0; 8]);
    out
}

fn entry(key: &[u8], entry: &Entry, out: &mut Vec<u8>) {
    if let Some(expires) = entry.expires {
        out.push(0xfc);
        out.extend(expires.to_le_bytes());
    }
    let (kind, count) = match &entry.value {
        Value::Text(_) => (0, 1),
        Value::List(list) => (1, list.len()),
        Value::Set(set) => (2, set.len()),
        Value::Hash(hash) => (4, hash.len()),
        Value::Sorted(sorted) => (5, sorted.len()),
    };
    out.push(kind);
    text(key, out);
    if kind > 0 {
        length(count, out);
    }
    match &entry.value {
        Value::Text(value) => text(value, out),
        Value::List(list) => list.iter().for_each(|item| text(item, out)),
        Value::Set(set) => set.iter().for_each(|item| text(item, out)),
        Value::Hash(hash) => hash.iter().for_each(|(name, value)| {
            text(name, out);
            text(value, out);
        }),
        Value::Sorted(sorted) => sorted.iter().for_each(|(member, score)| {
            text(member, out);
            out.extend(score.to_le_bytes());
        }),
    }
}
