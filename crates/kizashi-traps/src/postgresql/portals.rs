//! Prepared statements and portals of the extended protocol: texts in which values stand once they are bound. Bounded in number and bytes.

use std::collections::BTreeMap;

use super::catalog::words;
use super::error::PgError;
use super::wire::Fields;
use crate::sql::tokens::Kind;

const MOST: usize = 32;
const BYTES: usize = 96 * 1024;

#[derive(Default)]
pub(super) struct Portals {
    statements: BTreeMap<Vec<u8>, Statement>,
    portals: BTreeMap<Vec<u8>, Vec<u8>>,
}

struct Statement {
    text: Vec<u8>,
    types: Vec<u32>,
}

fn too_many() -> PgError {
    PgError::new("53200", "out of memory")
}

impl Portals {
    pub(super) fn memory(&self) -> usize {
        let statements: usize =
            self.statements.iter().map(|(name, one)| name.len() + one.text.len()).sum();
        statements + self.portals.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>()
    }

    /// Parse: its text.
    pub(super) fn parse(&mut self, content: &[u8]) -> Result<Vec<u8>, PgError> {
        let mut fields = Fields(content);
        let (Some(name), Some(text)) = (fields.text(), fields.text()) else { return Err(broken()) };
        let count = fields.short().unwrap_or(0);
        let types: Vec<u32> = (0..count.min(256)).map_while(|_| fields.long()).collect();
        if self.statements.len() >= MOST || self.memory() + text.len() > BYTES {
            return Err(too_many());
        }
        self.statements.insert(name.to_vec(), Statement { text: text.to_vec(), types });
        Ok(text.to_vec())
    }

    /// Bind: the text with its values.
    pub(super) fn bind(&mut self, content: &[u8]) -> Result<Vec<u8>, PgError> {
        let mut fields = Fields(content);
        let (Some(portal), Some(name)) = (fields.text(), fields.text()) else {
            return Err(broken());
        };
        let Some(statement) = self.statements.get(name) else { return Err(no_statement(name)) };
        let formats = fields.short().unwrap_or(0);
        let formats: Vec<u16> = (0..formats.min(256)).map_while(|_| fields.short()).collect();
        let count = fields.short().ok_or_else(broken)?;
        let mut values = Vec::new();
        for at in 0..usize::from(count.min(256)) {
            let value = fields.value().ok_or_else(broken)?;
            let binary = formats.get(at).or_else(|| formats.first().filter(|_| formats.len() == 1))
                == Some(&1);
            let kind = statement.types.get(at).copied().unwrap_or(0);
            values.push(literal(value, binary, kind));
        }
        let filled = fill(&statement.text, &values);
        if self.portals.len() >= MOST || self.memory() + filled.len() > BYTES {
            return Err(too_many());
        }
        self.portals.insert(portal.to_vec(), filled.clone());
        Ok(filled)
    }

    /// The text of a portal.
    pub(super) fn portal(&self, name: &[u8]) -> Result<Vec<u8>, PgError> {
        let missing = || {
            PgError::about("34000", "portal \"{}\" does not exist", name).at(
                "postgres.c",
                "2020",
                "exec_execute_message",
            )
        };
        self.portals.get(name).cloned().ok_or_else(missing)
    }

    /// The text of a statement with NULL for each parameter, and how many there are.
    pub(super) fn statement(&self, name: &[u8]) -> Result<(Vec<u8>, Vec<u32>), PgError> {
        let statement = self.statements.get(name).ok_or_else(|| no_statement(name))?;
        let count = words(&statement.text)
            .iter()
            .filter_map(|word| parameter(&word.kind))
            .max()
            .unwrap_or(0)
            .min(256);
        let types = (0..count)
            .map(|at| statement.types.get(at).copied().filter(|kind| *kind != 0).unwrap_or(25));
        Ok((fill(&statement.text, &[]), types.collect()))
    }

    pub(super) fn close(&mut self, kind: u8, name: &[u8]) {
        if kind == b'S' {
            self.statements.remove(name);
        } else {
            self.portals.remove(name);
        }
    }

    /// A transaction is over, and portals with it.
    pub(super) fn end(&mut self) {
        self.portals.clear();
    }
}

fn broken() -> PgError {
    PgError::new("08P01", "insufficient data left in message").at(
        "pqformat.c",
        "531",
        "pq_copymsgbytes",
    )
}

fn no_statement(name: &[u8]) -> PgError {
    let message = if name.is_empty() {
        "unnamed prepared statement does not exist"
    } else {
        "prepared statement \"{}\" does not exist"
    };
    PgError::about("26000", message, name).at("prepare.c", "454", "FetchPreparedStatement")
}

fn parameter(kind: &Kind) -> Option<usize> {
    match kind {
        Kind::Word(small, _) => std::str::from_utf8(small.strip_prefix(b"$")?).ok()?.parse().ok(),
        _ => None,
    }
}

fn fill(text: &[u8], values: &[Vec<u8>]) -> Vec<u8> {
    let mut filled = Vec::new();
    let mut from = 0;
    for word in words(text) {
        if let Some(number) = parameter(&word.kind) {
            filled.extend_from_slice(&text[from..word.start]);
            let value = number.checked_sub(1).and_then(|at| values.get(at));
            filled.extend_from_slice(value.map_or(b"NULL", Vec::as_slice));
            from = word.end;
        }
        if filled.len() > BYTES {
            break;
        }
    }
    filled.extend_from_slice(&text[from..]);
    filled
}

fn literal(value: Option<&[u8]>, binary: bool, kind: u32) -> Vec<u8> {
    const NUMBERS: [u32; 5] = [20, 21, 23, 26, 16];
    let Some(value) = value else { return b"NULL".to_vec() };
    if binary && (NUMBERS.contains(&kind)) && value.len() <= 8 {
        let negative = value.first().is_some_and(|first| first & 0x80 != 0) && value.len() > 1;
        let start = if negative { -1_i64 } else { 0 };
        return value
            .iter()
            .fold(start, |sum, byte| sum << 8 | i64::from(*byte))
            .to_string()
            .into_bytes();
    }
    let mut out = vec![b'\''];
    for byte in value {
        out.extend_from_slice(if *byte == b'\'' { b"''" } else { std::slice::from_ref(byte) });
    }
    out.push(b'\'');
    out
}
