//! BSON (bsonspec.org 1.1): documents read within bounds of depth, fields and bytes, and written again. What is broken is no document.

use std::fmt::Write as _;

/// How deep documents stand in one another, and fields of one message's documents in all.
const DEPTH: usize = 24;
const FIELDS: usize = 8_000;
/// Letters of a text that is shown.
const SHOWN: usize = 512;

/// Fields in their order.
pub(super) type Document = Vec<(Vec<u8>, Value)>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Double(f64),
    Text(Vec<u8>),
    Document(Document),
    Array(Vec<Value>),
    Binary(u8, Vec<u8>),
    ObjectId([u8; 12]),
    Bool(bool),
    /// Milliseconds since the epoch.
    Date(i64),
    Null,
    Regex(Vec<u8>, Vec<u8>),
    Code(Vec<u8>),
    Int(i32),
    Timestamp(u64),
    Long(i64),
    Decimal([u8; 16]),
    MinKey,
    MaxKey,
}

struct Reader<'a> {
    bytes: &'a [u8],
    fields: usize,
}

/// The document at the beginning of these bytes, and what follows it.
pub(super) fn read(bytes: &[u8]) -> Option<(Document, &[u8])> {
    let length = usize::try_from(i32::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let (document, rest) = bytes.split_at_checked(length)?;
    let mut reader = Reader { bytes: document, fields: FIELDS };
    let document = reader.document(DEPTH)?;
    Some((document, rest))
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    fn name(&mut self) -> Option<&'a [u8]> {
        let end = self.bytes.iter().position(|byte| *byte == 0)?;
        let name = self.take(end)?;
        self.take(1)?;
        Some(name)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(i32::from_le_bytes(self.array()?)).ok()
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        let length = self.length()?;
        let text = self.take(length)?;
        text.strip_suffix(b"\0").map(<[u8]>::to_vec)
    }

    fn document(&mut self, depth: usize) -> Option<Document> {
        let depth = depth.checked_sub(1)?;
        let length = self.length()?;
        let content = self.take(length.checked_sub(4)?)?;
        let mut inner = Reader { bytes: content, fields: self.fields };
        let mut document = Vec::new();
        loop {
            let kind = inner.array::<1>()?[0];
            if kind == 0 {
                break;
            }
            inner.fields = inner.fields.checked_sub(1)?;
            let name = inner.name()?.to_vec();
            let value = inner.value(kind, depth)?;
            document.push((name, value));
        }
        self.fields = inner.fields;
        inner.bytes.is_empty().then_some(document)
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<Value> {
        Some(match kind {
            0x01 => Value::Double(f64::from_le_bytes(self.array()?)),
            0x02 | 0x0e => Value::Text(self.text()?),
            0x03 => Value::Document(self.document(depth)?),
            0x04 => {
                let members = self.document(depth)?;
                Value::Array(members.into_iter().map(|(_, value)| value).collect())
            }
            0x05 => {
                let length = self.length()?;
                let subtype = self.array::<1>()?[0];
                Value::Binary(subtype, self.take(length)?.to_vec())
            }
            0x06 | 0x0a => Value::Null,
            0x07 => Value::ObjectId(self.array()?),
            0x08 => Value::Bool(self.array::<1>()?[0] != 0),
            0x09 => Value::Date(i64::from_le_bytes(self.array()?)),
            0x0b => {
                let pattern = self.name()?.to_vec();
                Value::Regex(pattern, self.name()?.to_vec())
            }
            0x0c => {
                self.text()?;
                Value::ObjectId(self.array()?)
            }
            0x0d => Value::Code(self.text()?),
            0x0f => {
                self.length()?;
                let code = self.text()?;
                self.document(depth)?;
                Value::Code(code)
            }
            0x10 => Value::Int(i32::from_le_bytes(self.array()?)),
            0x11 => Value::Timestamp(u64::from_le_bytes(self.array()?)),
            0x12 => Value::Long(i64::from_le_bytes(self.array()?)),
            0x13 => Value::Decimal(self.array()?),
            0xff => Value::MinKey,
            0x7f => Value::MaxKey,
            _ => return None,
        })
    }
}

fn length_of(bytes: &[u8], more: usize) -> [u8; 4] {
    i32::try_from(bytes.len() + more).unwrap_or(i32::MAX).to_le_bytes()
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend(length_of(text, 1));
    out.extend_from_slice(text);
    out.push(0);
}

/// A document's bytes.
pub(super) fn write(document: &[(Vec<u8>, Value)]) -> Vec<u8> {
    let mut content = Vec::new();
    for (name, value) in document {
        put(&mut content, name, value);
    }
    [&length_of(&content, 5)[..], &content, &[0]].concat()
}

fn put(out: &mut Vec<u8>, name: &[u8], value: &Value) {
    let kind = match value {
        Value::Double(_) => 0x01,
        Value::Text(_) => 0x02,
        Value::Document(_) => 0x03,
        Value::Array(_) => 0x04,
        Value::Binary(..) => 0x05,
        Value::ObjectId(_) => 0x07,
        Value::Bool(_) => 0x08,
        Value::Date(_) => 0x09,
        Value::Null => 0x0a,
        Value::Regex(..) => 0x0b,
        Value::Code(_) => 0x0d,
        Value::Int(_) => 0x10,
        Value::Timestamp(_) => 0x11,
        Value::Long(_) => 0x12,
        Value::Decimal(_) => 0x13,
        Value::MinKey => 0xff,
        Value::MaxKey => 0x7f,
    };
    out.push(kind);
    out.extend_from_slice(name);
    out.push(0);
    match value {
        Value::Double(number) => out.extend(number.to_le_bytes()),
        Value::Text(text) | Value::Code(text) => put_text(out, text),
        Value::Document(document) => out.extend(write(document)),
        Value::Array(members) => {
            let numbered = members
                .iter()
                .enumerate()
                .map(|(at, value)| (at.to_string().into_bytes(), value.clone()));
            out.extend(write(&numbered.collect::<Vec<_>>()));
        }
        Value::Binary(subtype, content) => {
            out.extend(length_of(content, 0));
            out.push(*subtype);
            out.extend_from_slice(content);
        }
        Value::ObjectId(id) => out.extend(id),
        Value::Bool(truth) => out.push(u8::from(*truth)),
        Value::Date(number) | Value::Long(number) => out.extend(number.to_le_bytes()),
        Value::Regex(pattern, options) => {
            out.extend([&pattern[..], b"\0", options, b"\0"].concat());
        }
        Value::Int(number) => out.extend(number.to_le_bytes()),
        Value::Timestamp(number) => out.extend(number.to_le_bytes()),
        Value::Decimal(bytes) => out.extend(bytes),
        Value::Null | Value::MinKey | Value::MaxKey => {}
    }
}

/// The field of this name.
pub(super) fn field<'a>(document: &'a [(Vec<u8>, Value)], name: &str) -> Option<&'a Value> {
    document.iter().find(|(found, _)| found == name.as_bytes()).map(|(_, value)| value)
}

impl Value {
    pub(super) fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Text(text.as_ref().to_vec())
    }

    pub(super) fn as_text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_document(&self) -> Option<&Document> {
        match self {
            Self::Document(document) => Some(document),
            _ => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(members) => Some(members),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers are compared as the shell shows them")]
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Double(number) => Some(*number),
            Self::Int(number) => Some(f64::from(*number)),
            Self::Long(number) => Some(*number as f64),
            _ => None,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a float to the nearest whole number")]
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(i64::from(*number)),
            Self::Long(number) => Some(*number),
            Self::Double(number) => Some(*number as i64),
            _ => None,
        }
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Bool(truth) => *truth,
            Self::Null => false,
            other => other.number().is_none_or(|number| number != 0.0),
        }
    }

    /// Bytes of it, as they are written.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Code(text) | Self::Binary(_, text) => text.len() + 6,
            Self::Document(document) => size(document),
            Self::Array(members) => 5 + members.iter().map(|value| 4 + value.size()).sum::<usize>(),
            Self::Regex(pattern, options) => pattern.len() + options.len() + 2,
            _ => 16,
        }
    }

    /// As the shell shows it, on one line.
    fn show(&self, out: &mut String) {
        let hexadecimal = |bytes: &[u8], out: &mut String| {
            bytes.iter().take(SHOWN).for_each(|byte| {
                let _ = write!(out, "{byte:02x}");
            });
        };
        let _ = match self {
            Self::Double(number) => write!(out, "{number}"),
            Self::Text(text) => {
                let shown = &text[..text.len().min(SHOWN)];
                write!(out, "{:?}", String::from_utf8_lossy(shown))
            }
            Self::Document(document) => {
                out.push_str(&show(document));
                Ok(())
            }
            Self::Array(members) => {
                out.push('[');
                for (at, value) in members.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    value.show(out);
                }
                out.push(']');
                Ok(())
            }
            Self::Binary(subtype, content) => {
                let _ = write!(out, "BinData({subtype}, ");
                hexadecimal(content, out);
                write!(out, ")")
            }
            Self::ObjectId(id) => {
                out.push_str("ObjectId(\"");
                hexadecimal(id, out);
                write!(out, "\")")
            }
            Self::Bool(truth) => write!(out, "{truth}"),
            Self::Date(number) => write!(out, "Date({number})"),
            Self::Null => write!(out, "null"),
            Self::Regex(pattern, options) => {
                write!(
                    out,
                    "/{}/{}",
                    String::from_utf8_lossy(pattern),
                    String::from_utf8_lossy(options)
                )
            }
            Self::Code(code) => {
                write!(out, "Code({:?})", String::from_utf8_lossy(&code[..code.len().min(SHOWN)]))
            }
            Self::Int(number) => write!(out, "{number}"),
            Self::Timestamp(number) => {
                write!(out, "Timestamp({}, {})", number >> 32, number & 0xffff_ffff)
            }
            Self::Long(number) => write!(out, "{number}"),
            Self::Decimal(_) => write!(out, "Decimal128"),
            Self::MinKey => write!(out, "MinKey"),
            Self::MaxKey => write!(out, "MaxKey"),
        };
    }
}

/// Bytes of a document.
pub(super) fn size(document: &[(Vec<u8>, Value)]) -> usize {
    5 + document.iter().map(|(name, value)| name.len() + 2 + value.size()).sum::<usize>()
}

/// As the shell shows it, on one line.
pub(super) fn show(document: &[(Vec<u8>, Value)]) -> String {
    let mut out = String::from("{");
    for (at, (name, value)) in document.iter().enumerate() {
        out.push_str(if at > 0 { ", " } else { "" });
        let _ = write!(out, "{}: ", String::from_utf8_lossy(&name[..name.len().min(SHOWN)]));
        value.show(&mut out);
    }
    out.push('}');
    out
}

/// A document from names and values.
pub(super) fn document<const N: usize>(fields: [(&str, Value); N]) -> Document {
    fields.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value)).collect()
}
