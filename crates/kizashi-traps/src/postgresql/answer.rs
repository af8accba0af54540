//! Answers as messages: rows with their description, tags of what was done, errors.

use super::catalog::type_of;
use super::error::PgError;
use super::wire::message;
use crate::sql::{Rows, Value};

/// Bytes of rows in one answer.
const LONGEST: usize = 128 * 1024;

/// What a statement came to.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// Its tag: `CREATE TABLE`.
    Done(String),
    Rows(Rows),
    /// There was no statement.
    Empty,
    Error(Box<PgError>),
}

impl From<PgError> for Answer {
    fn from(error: PgError) -> Self {
        Self::Error(Box::new(error))
    }
}

impl Answer {
    pub(super) fn done(tag: &str) -> Self {
        Self::Done(tag.to_owned())
    }

    /// One row of one column.
    pub(super) fn single(name: &[u8], kind: &'static str, value: Value) -> Self {
        Self::Rows(Rows {
            names: vec![name.to_vec()],
            kinds: vec![kind.into()],
            rows: vec![vec![value]],
        })
    }

    /// Number, size and modifier of a column's type.
    fn type_at(rows: &Rows, at: usize) -> (u32, i16, i32) {
        let kind = rows.kinds.get(at).map_or("", |kind| kind);
        if !kind.is_empty() {
            return type_of(kind);
        }
        let mut found = "text";
        for value in rows.rows.iter().filter_map(|row| row.get(at)) {
            found = match value {
                Value::Null => continue,
                Value::Integer(number) if i32::try_from(*number).is_ok() && found != "bigint" => {
                    "integer"
                }
                Value::Integer(_) => "bigint",
                Value::Decimal(..) => "numeric",
                Value::Real(_) => "double precision",
                _ => return type_of("text"),
            };
        }
        type_of(found)
    }

    /// What describes rows.
    pub(super) fn description(rows: &Rows) -> Vec<u8> {
        let mut content = count(rows.names.len());
        for (at, name) in rows.names.iter().enumerate() {
            let (kind, length, more) = Self::type_at(rows, at);
            content.extend(name.iter().copied().filter(|byte| *byte != 0));
            content.extend([0; 7]);
            content.extend(kind.to_be_bytes());
            content.extend(length.to_be_bytes());
            content.extend(more.to_be_bytes());
            content.extend([0; 2]);
        }
        message(b'T', &content)
    }

    fn rows(rows: &Rows) -> Vec<u8> {
        let types: Vec<u32> = (0..rows.names.len()).map(|at| Self::type_at(rows, at).0).collect();
        let mut out = Vec::new();
        for row in &rows.rows {
            let mut content = count(row.len());
            for (value, kind) in row.iter().zip(&types) {
                match shown(value, *kind) {
                    Some(text) => {
                        content.extend(u32::try_from(text.len()).unwrap_or(0).to_be_bytes());
                        content.extend(text);
                    }
                    None => content.extend([0xff; 4]),
                }
            }
            if out.len() + content.len() > LONGEST {
                break;
            }
            out.extend(message(b'D', &content));
        }
        out
    }

    /// The messages; rows are described only where they were not before.
    pub(super) fn bytes(&self, described: bool) -> Vec<u8> {
        match self {
            Self::Done(tag) => complete(tag),
            Self::Empty => message(b'I', b""),
            Self::Error(error) => error.bytes("ERROR"),
            Self::Rows(rows) => {
                let head = if described { Vec::new() } else { Self::description(rows) };
                let tag = complete(&format!("SELECT {}", rows.rows.len()));
                [head, Self::rows(rows), tag].concat()
            }
        }
    }
}

fn count(count: usize) -> Vec<u8> {
    u16::try_from(count).unwrap_or(0).to_be_bytes().to_vec()
}

/// A value as text of its type; `None` of NULL.
pub(super) fn shown(value: &Value, kind: u32) -> Option<Vec<u8>> {
    const BOOL: u32 = 16;
    const BYTEA: u32 = 17;
    Some(match (value, kind) {
        (Value::Null, _) => return None,
        (Value::Text(text) | Value::Bytes(text), BOOL) if text == b"t" || text == b"f" => {
            text.clone()
        }
        (value, BOOL) => {
            if value.truth() == Some(true) {
                b"t".to_vec()
            } else {
                b"f".to_vec()
            }
        }
        (value, BYTEA) => {
            [b"\\x", crate::hexadecimal::hexadecimal(&value.bytes()).as_bytes()].concat()
        }
        (value, _) => value.bytes().into_iter().filter(|byte| *byte != 0).collect(),
    })
}

fn complete(tag: &str) -> Vec<u8> {
    message(b'C', &[tag.as_bytes(), b"\0"].concat())
}
