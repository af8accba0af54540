//! What the server says: tokens ([MS-TDS], 2.2.7) in the form of the version that the client asked for.

use crate::sql::{Rows, Value};
use crate::windows::utf16;

const DONE: u8 = 0xfd;
const DONE_PROCEDURE: u8 = 0xfe;
const DONE_IN_PROCEDURE: u8 = 0xff;
const MORE: u16 = 1;
const ERROR: u16 = 2;
const COUNT: u16 = 0x10;

/// SQL_Latin1_General_CP1_CI_AS.
const COLLATION: [u8; 5] = [0x09, 0x04, 0xd0, 0x00, 0x34];
/// Characters of a text that is no `nvarchar(max)`.
const SHORT_TEXT: usize = 4_000;
/// Bytes of one answer: what would be more is left out, as rows are.
const LONGEST: usize = 160 * 1024;

/// An error of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) number: u32,
    pub(super) state: u8,
    pub(super) class: u8,
    pub(super) text: String,
    pub(super) procedure: String,
}

impl Fault {
    pub(super) fn new(number: u32, text: impl Into<String>) -> Self {
        Self { number, state: 1, class: 16, text: text.into(), procedure: String::new() }
    }

    pub(super) fn in_procedure(mut self, name: &str) -> Self {
        name.clone_into(&mut self.procedure);
        self
    }
}

/// An answer as it grows.
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    /// The version: 0x70 to 0x74.
    version: u8,
    server: String,
    /// Within a procedure called by name: what ends a statement is another token.
    pub(super) in_procedure: bool,
    /// Where the last token that ends something begins.
    last_done: Option<usize>,
    failed: bool,
}

fn short(text: &str) -> Vec<u8> {
    let units = utf16(text);
    let units = &units[..units.len().min(2 * 255)];
    [&[u8::try_from(units.len() / 2).unwrap_or(255)], units].concat()
}

fn long(text: &str) -> Vec<u8> {
    let units = utf16(text);
    let units = &units[..units.len().min(2 * 4_000)];
    [&u16::try_from(units.len() / 2).unwrap_or(4_000).to_le_bytes()[..], units].concat()
}

impl Answer {
    pub(super) const fn new(version: u8, server: String) -> Self {
        Self {
            bytes: Vec::new(),
            version,
            server,
            in_procedure: false,
            last_done: None,
            failed: false,
        }
    }

    const fn is_new(&self) -> bool {
        self.version >= 0x72
    }

    fn token(&mut self, token: u8, content: &[u8]) {
        self.bytes.push(token);
        self.bytes.extend(u16::try_from(content.len()).unwrap_or(u16::MAX).to_le_bytes());
        self.bytes.extend_from_slice(content);
    }

    fn message(&mut self, token: u8, fault: &Fault) {
        if self.bytes.len() > LONGEST {
            return;
        }
        let mut content = fault.number.to_le_bytes().to_vec();
        content.extend([fault.state, fault.class]);
        content.extend(long(&fault.text));
        content.extend(short(&self.server));
        content.extend(short(&fault.procedure));
        let line = 1_u32.to_le_bytes();
        content.extend_from_slice(if self.is_new() { &line } else { &line[..2] });
        self.token(token, &content);
    }

    pub(super) fn error(&mut self, fault: &Fault) {
        self.failed = true;
        self.message(0xaa, fault);
    }

    pub(super) fn info(&mut self, number: u32, text: impl Into<String>) {
        self.message(
            0xab,
            &Fault { class: if number == 0 { 0 } else { 10 }, ..Fault::new(number, text) },
        );
    }

    /// A change of the connection's: 1 is its database, 2 its language, 4 the length of packets.
    pub(super) fn change(&mut self, kind: u8, new: &str, old: &str) {
        self.token(0xe3, &[&[kind], &short(new)[..], &short(old)].concat());
    }

    pub(super) fn collation(&mut self) {
        self.token(0xe3, &[&[7, 5][..], &COLLATION, &[0]].concat());
    }

    /// The login is acknowledged, by this version of the server.
    pub(super) fn acknowledge(&mut self, product: [u8; 4]) {
        let version = match self.version {
            0x70 => [7, 0, 0, 0],
            0x71 => [0x71, 0, 0, 1],
            0x72 => [0x72, 9, 0, 2],
            0x73 => [0x73, 0x0b, 0, 3],
            _ => [0x74, 0, 0, 4],
        };
        let name = short("Microsoft SQL Server\0\0");
        self.token(0xad, &[&[1], &version[..], &name, &product].concat());
    }

    /// A token of NTLM's.
    pub(super) fn sspi(&mut self, token: &[u8]) {
        self.token(0xed, token);
    }

    pub(super) fn rows(&mut self, rows: &Rows) {
        let columns: Vec<Column> = (0..rows.names.len())
            .map(|at| Column::of(rows.rows.iter().filter_map(|row| row.get(at)), self.version))
            .collect();
        self.bytes.push(0x81);
        self.bytes.extend(u16::try_from(columns.len()).unwrap_or(0).to_le_bytes());
        for (name, column) in rows.names.iter().zip(&columns) {
            self.bytes.extend_from_slice(if self.is_new() { &[0; 4] } else { &[0; 2] });
            self.bytes.extend([0x09, 0x00]);
            column.describe(&mut self.bytes, self.version);
            self.bytes.extend(short(&String::from_utf8_lossy(name)));
        }
        let mut sent = 0_u64;
        for row in &rows.rows {
            if self.bytes.len() > LONGEST {
                break;
            }
            self.bytes.push(0xd1);
            for (value, column) in row.iter().zip(&columns) {
                column.value(value, &mut self.bytes);
            }
            sent += 1;
        }
        self.done(Some(sent));
    }

    /// The end of a statement, with how many rows it had.
    pub(super) fn done(&mut self, count: Option<u64>) {
        if self.bytes.len() > LONGEST + 16 * 1024 {
            return;
        }
        let token = if self.in_procedure { DONE_IN_PROCEDURE } else { DONE };
        self.end(token, count, if count.is_some() { 0xc1 } else { 0 });
    }

    /// The end of a procedure that was called by name, with its status.
    pub(super) fn done_procedure(&mut self, status: u32) {
        self.bytes.push(0x79);
        self.bytes.extend(status.to_le_bytes());
        self.end(DONE_PROCEDURE, None, 0xe0);
    }

    fn end(&mut self, token: u8, count: Option<u64>, command: u16) {
        self.last_done = Some(self.bytes.len());
        let failed = std::mem::take(&mut self.failed);
        let status =
            MORE | if failed { ERROR } else { 0 } | if count.is_some() { COUNT } else { 0 };
        self.bytes.push(token);
        self.bytes.extend(status.to_le_bytes());
        self.bytes.extend(command.to_le_bytes());
        let count = count.unwrap_or(0).to_le_bytes();
        self.bytes.extend_from_slice(if self.is_new() { &count } else { &count[..4] });
    }

    /// The whole answer: after its last token nothing more comes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.last_done.is_none() || self.failed {
            self.done(None);
        }
        if let Some(status) = self.last_done.and_then(|at| self.bytes.get_mut(at + 1)) {
            *status &= 0xfe;
        }
        self.bytes
    }

    /// The answer to a client that takes back what it asked.
    pub(super) fn attention(mut self) -> Vec<u8> {
        self.end(DONE, None, 0);
        if let Some(status) = self.bytes.get_mut(1) {
            *status = 0x20;
        }
        self.bytes
    }
}

/// How a column is sent.
enum Column {
    Integer,
    Real,
    Bytes,
    Text,
    LongText,
}

impl Column {
    fn of<'a>(values: impl Iterator<Item = &'a Value>, version: u8) -> Self {
        let mut column = None;
        for value in values {
            let wanted = match value {
                Value::Null => continue,
                Value::Integer(_) => Self::Integer,
                Value::Decimal(..) | Value::Real(_) => Self::Real,
                Value::Bytes(bytes) if bytes.len() <= 8_000 => Self::Bytes,
                Value::Text(text) | Value::Bytes(text) if text.len() > SHORT_TEXT => Self::LongText,
                Value::Text(_) | Value::Bytes(_) => Self::Text,
            };
            column = Some(match (column, wanted) {
                (None, wanted) => wanted,
                (Some(Self::LongText), _) | (_, Self::LongText) => Self::LongText,
                (Some(Self::Integer), Self::Integer) => Self::Integer,
                (Some(Self::Integer | Self::Real), Self::Integer | Self::Real) => Self::Real,
                (Some(Self::Bytes), Self::Bytes) => Self::Bytes,
                _ => Self::Text,
            });
        }
        match column {
            Some(Self::LongText) if version < 0x72 => Self::Text,
            other => other.unwrap_or(Self::Text),
        }
    }

    fn describe(&self, bytes: &mut Vec<u8>, version: u8) {
        match self {
            Self::Integer => bytes.extend([0x26, 8]),
            Self::Real => bytes.extend([0x6d, 8]),
            Self::Bytes => bytes.extend([0xa5, 0x40, 0x1f]),
            Self::Text | Self::LongText => {
                let max = matches!(self, Self::LongText);
                bytes.extend(if max { [0xe7, 0xff, 0xff] } else { [0xe7, 0x40, 0x1f] });
                if version >= 0x71 {
                    bytes.extend(COLLATION);
                }
            }
        }
    }

    fn value(&self, value: &Value, bytes: &mut Vec<u8>) {
        let null = matches!(value, Value::Null);
        match self {
            Self::Integer | Self::Real if null => bytes.push(0),
            Self::Bytes | Self::Text if null => bytes.extend([0xff, 0xff]),
            Self::LongText if null => bytes.extend([0xff; 8]),
            Self::Integer => {
                let Value::Integer(number) = value else { return bytes.push(0) };
                bytes.push(8);
                bytes.extend(i64::try_from(*number).unwrap_or(0).to_le_bytes());
            }
            Self::Real => {
                let number = match value {
                    Value::Integer(number) => *number as f64,
                    Value::Decimal(number, _) | Value::Real(number) => *number,
                    _ => 0.0,
                };
                bytes.push(8);
                bytes.extend(number.to_le_bytes());
            }
            Self::Bytes => {
                let content = value.bytes();
                bytes.extend(u16::try_from(content.len()).unwrap_or(0).to_le_bytes());
                bytes.extend(content);
            }
            Self::Text => {
                let units = utf16(&String::from_utf8_lossy(&value.bytes()));
                let units = &units[..units.len().min(2 * SHORT_TEXT)];
                bytes.extend(u16::try_from(units.len()).unwrap_or(0).to_le_bytes());
                bytes.extend_from_slice(units);
            }
            Self::LongText => {
                let units = utf16(&String::from_utf8_lossy(&value.bytes()));
                bytes.extend((units.len() as u64).to_le_bytes());
                if !units.is_empty() {
                    bytes.extend(u32::try_from(units.len()).unwrap_or(0).to_le_bytes());
                    bytes.extend_from_slice(&units);
                }
                bytes.extend([0; 4]);
            }
        }
    }
}
