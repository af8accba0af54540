//! Answers as packets: OK, error, rows in text and in the binary form of prepared statements.

use super::handshake::{CACHE_METADATA, DEPRECATE_EOF, EXTENDED_METADATA, OPTIONAL_METADATA};
use super::wire::{Packets, length, text};
use crate::sql::{Rows, Value};

/// Bytes of rows in one answer.
const LONGEST: usize = 128 * 1024;

const AUTOCOMMIT: u16 = 2;
const MORE_RESULTS: u16 = 8;
const OK: u8 = 0;
const END: u8 = 0xfe;

const DOUBLE: u8 = 5;
const LONG: u8 = 8;
const DECIMAL: u8 = 246;
const TEXT: u8 = 253;
const BINARY_SET: u8 = 63;
const UTF8MB4_SET: u8 = 45;

/// What a statement came to.
#[derive(Debug)]
pub(super) enum Answer {
    Done(u64),
    Rows(Rows),
    Error(u16, Vec<u8>),
}

impl Answer {
    pub(super) fn error(number: u16, message: impl Into<Vec<u8>>) -> Self {
        Self::Error(number, message.into())
    }
}

/// How it is to be said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    pub(super) capabilities: u64,
    pub(super) binary: bool,
    /// Another statement's answer follows.
    pub(super) more: bool,
}

impl Manner {
    const fn has(self, capability: u64) -> bool {
        self.capabilities & capability != 0
    }

    const fn status(self) -> [u8; 2] {
        let status = if self.more { AUTOCOMMIT | MORE_RESULTS } else { AUTOCOMMIT };
        status.to_le_bytes()
    }
}

/// The state that clients show with an error's number.
const fn state(number: u16) -> &'static [u8] {
    match number {
        1040 | 1043 | 1047 | 1053 | 1153 | 1156 => b"08S01",
        1045 => b"28000",
        1044 | 1049 | 1064 | 1065 | 1141 | 1142 | 1148 | 1109 | 1172 | 1305 => b"42000",
        1050 => b"42S01",
        1051 | 1146 => b"42S02",
        1054 => b"42S22",
        1046 => b"3D000",
        1136 | 1222 => b"21S01",
        1062 => b"23000",
        _ => b"HY000",
    }
}

pub(super) fn error(packets: &mut Packets, number: u16, message: &[u8]) {
    let head = [&[0xff], &number.to_le_bytes()[..], b"#", state(number)].concat();
    packets.put(&[&head, message].concat());
}

/// The same for clients of protocol 4.0 and older, which know no states.
pub(super) fn old_error(packets: &mut Packets, number: u16, message: &[u8]) {
    packets.put(&[&[0xff], &number.to_le_bytes()[..], message].concat());
}

pub(super) fn done(packets: &mut Packets, manner: Manner, affected: u64) {
    finish(packets, manner, OK, affected);
}

fn finish(packets: &mut Packets, manner: Manner, kind: u8, affected: u64) {
    packets.put(&[&[kind][..], &length(affected), &[0], &manner.status(), &[0, 0]].concat());
}

/// The end of columns or rows, where the client still wants one.
fn end(packets: &mut Packets, manner: Manner) {
    let status = manner.status();
    packets.put(&[END, 0, 0, status[0], status[1]]);
}

pub(super) fn end_of_rows(packets: &mut Packets, manner: Manner) {
    if manner.has(DEPRECATE_EOF) {
        finish(packets, manner, END, 0);
    } else {
        end(packets, manner);
    }
}

pub(super) fn say(packets: &mut Packets, manner: Manner, answer: &Answer) {
    match answer {
        Answer::Done(affected) => done(packets, manner, *affected),
        Answer::Error(number, message) => error(packets, *number, message),
        Answer::Rows(rows) => self::rows(packets, manner, rows),
    }
}

fn rows(packets: &mut Packets, manner: Manner, rows: &Rows) {
    let mut head = if manner.has(OPTIONAL_METADATA) { vec![1] } else { Vec::new() };
    head.extend(length(rows.names.len() as u64));
    if manner.has(CACHE_METADATA) {
        head.push(1);
    }
    packets.put(&head);
    let kinds: Vec<u8> = (0..rows.names.len()).map(|at| kind(rows, at)).collect();
    for (name, kind) in rows.names.iter().zip(&kinds) {
        packets.put(&column(manner, name, *kind));
    }
    if !manner.has(DEPRECATE_EOF) {
        end(packets, manner);
    }
    let mut size = 0;
    for row in &rows.rows {
        let content = if manner.binary { binary(row, &kinds) } else { plain(row) };
        size += content.len();
        if size > LONGEST {
            break;
        }
        packets.put(&content);
    }
    end_of_rows(packets, manner);
}

/// The type of a column: that of all its values, or text.
fn kind(rows: &Rows, at: usize) -> u8 {
    let mut kinds = rows.rows.iter().filter_map(|row| match row.get(at)? {
        Value::Null => None,
        Value::Integer(number) if i64::try_from(*number).is_ok() => Some(LONG),
        Value::Integer(_) | Value::Decimal(..) => Some(DECIMAL),
        Value::Real(_) => Some(DOUBLE),
        Value::Text(_) | Value::Bytes(_) => Some(TEXT),
    });
    let first = kinds.next().unwrap_or(TEXT);
    if kinds.all(|kind| kind == first) { first } else { TEXT }
}

fn column(manner: Manner, name: &[u8], kind: u8) -> Vec<u8> {
    let mut out = text(b"def");
    out.extend_from_slice(&[0, 0, 0]);
    out.extend(text(name));
    out.push(0);
    if manner.has(EXTENDED_METADATA) {
        out.push(0);
    }
    let set = if kind == TEXT { UTF8MB4_SET } else { BINARY_SET };
    out.extend_from_slice(&[12, set, 0]);
    out.extend_from_slice(&1_024_u32.to_le_bytes());
    out.push(kind);
    let digits = if kind == TEXT { 39 } else { 0 };
    out.extend_from_slice(&[0, 0, digits, 0, 0]);
    out
}

/// The columns' and parameters' descriptions of a prepared statement.
pub(super) fn prepared(
    packets: &mut Packets,
    manner: Manner,
    number: u32,
    names: &[Vec<u8>],
    parameters: usize,
) {
    let columns = u16::try_from(names.len()).unwrap_or(0).to_le_bytes();
    let count = u16::try_from(parameters).unwrap_or(0).to_le_bytes();
    let described: &[u8] = if manner.has(OPTIONAL_METADATA) { &[1] } else { &[] };
    packets
        .put(&[&[OK][..], &number.to_le_bytes(), &columns, &count, &[0, 0, 0], described].concat());
    let groups = [vec![b"?".to_vec(); parameters], names.to_vec()];
    for group in groups.iter().filter(|group| !group.is_empty()) {
        for name in group {
            packets.put(&column(manner, name, TEXT));
        }
        if !manner.has(DEPRECATE_EOF) {
            end(packets, manner);
        }
    }
}

fn plain(row: &[Value]) -> Vec<u8> {
    let field = |value: &Value| match value {
        Value::Null => vec![0xfb],
        value => text(&value.bytes()),
    };
    row.iter().flat_map(field).collect()
}

fn binary(row: &[Value], kinds: &[u8]) -> Vec<u8> {
    let mut missing = vec![0_u8; (row.len() + 9) / 8];
    let mut content = Vec::new();
    for (at, (value, kind)) in row.iter().zip(kinds).enumerate() {
        match (value, *kind) {
            (Value::Null, _) => missing[(at + 2) / 8] |= 1 << ((at + 2) % 8),
            (Value::Integer(number), LONG) => {
                content.extend(i64::try_from(*number).unwrap_or(0).to_le_bytes());
            }
            (Value::Real(number), DOUBLE) => content.extend(number.to_le_bytes()),
            (value, _) => content.extend(text(&value.bytes())),
        }
    }
    [&[0], &missing[..], &content].concat()
}
