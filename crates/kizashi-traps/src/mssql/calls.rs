//! Remote procedure calls ([MS-TDS], 2.2.6.6) and requests of the transaction manager (2.2.6.9).

use super::answer::Answer;
use super::procedures::Parameter;
use super::wire::Fields;
use crate::sql::Value;
use crate::windows::from_utf16;

/// Arguments of one call.
const MOST: usize = 64;

/// Procedures that are called by a number.
const NUMBERED: [&str; 16] = [
    "",
    "sp_cursor",
    "sp_cursoropen",
    "sp_cursorprepare",
    "sp_cursorexecute",
    "sp_cursorprepexec",
    "sp_cursorunprepare",
    "sp_cursorfetch",
    "sp_cursoroption",
    "sp_cursorclose",
    "sp_executesql",
    "sp_prepare",
    "sp_execute",
    "sp_prepexec",
    "sp_prepexecrpc",
    "sp_unprepare",
];

pub(super) struct Call {
    /// In small letters, without what stands before its last point.
    pub(super) name: String,
    pub(super) parameters: Vec<Parameter>,
}

impl Call {
    pub(super) fn read(content: &[u8], version: u8) -> Option<Self> {
        let mut fields = Fields(content);
        let name = match fields.length(2)? {
            0xffff => {
                let number = fields.length(2)?;
                (*NUMBERED.get(number)?).to_owned()
            }
            length => {
                let name = from_utf16(fields.take(2 * length.min(1_046))?).to_lowercase();
                name.rsplit('.').next().unwrap_or_default().trim_matches(['[', ']']).to_owned()
            }
        };
        fields.take(2)?;
        let mut parameters = Vec::new();
        while !fields.0.is_empty() && parameters.len() < MOST {
            // Several calls in one message are parted by this.
            if matches!(fields.0.first(), Some(0x80 | 0xff)) {
                break;
            }
            parameters.push(parameter(&mut fields, version)?);
        }
        Some(Self { name, parameters })
    }

    /// An argument by its place, as text.
    pub(super) fn text(&self, place: usize) -> String {
        self.parameters.get(place).map(Parameter::text).unwrap_or_default()
    }
}

fn parameter(fields: &mut Fields<'_>, version: u8) -> Option<Parameter> {
    let length = usize::from(fields.byte()?);
    let name = from_utf16(fields.take(2 * length)?).to_lowercase();
    fields.byte()?;
    let value = value(fields, version)?;
    Some(Parameter { name: (!name.is_empty()).then_some(name), value, output: None })
}

/// A value after its type (2.2.5.4).
fn value(fields: &mut Fields<'_>, version: u8) -> Option<Value> {
    let kind = fields.byte()?;
    let collated = |fields: &mut Fields<'_>| {
        if version >= 0x71 { fields.take(5).map(|_| ()) } else { Some(()) }
    };
    Some(match kind {
        // Fixed lengths.
        0x30 | 0x32 => signed(fields.take(1)?),
        0x34 => signed(fields.take(2)?),
        0x38 => signed(fields.take(4)?),
        0x7f => signed(fields.take(8)?),
        // Numbers and bits of a length that the value says.
        0x24 | 0x26 | 0x68 | 0x6d | 0x6e | 0x6f => {
            fields.byte()?;
            let length = usize::from(fields.byte()?);
            let bytes = fields.take(length)?;
            match (kind, length) {
                (_, 0) => Value::Null,
                (0x6d, 8) => Value::Real(f64::from_le_bytes(*bytes.first_chunk()?)),
                (0x6d, 4) => Value::Real(f64::from(f32::from_le_bytes(*bytes.first_chunk()?))),
                (0x26 | 0x68, _) => signed(bytes),
                _ => Value::Bytes(bytes.to_vec()),
            }
        }
        0x6a | 0x6c => {
            fields.take(3)?;
            let length = usize::from(fields.byte()?);
            let bytes = fields.take(length)?;
            if length == 0 { Value::Null } else { signed(bytes.get(1..9.min(length))?) }
        }
        // Texts and bytes.
        0xa7 | 0xaf | 0xe7 | 0xef | 0xa5 | 0xad => {
            let most = fields.length(2)?;
            let is_text = !matches!(kind, 0xa5 | 0xad);
            if is_text {
                collated(fields)?;
            }
            let bytes = if most == 0xffff { chunks(fields)? } else { short(fields)? };
            let wide = matches!(kind, 0xe7 | 0xef);
            match bytes {
                None => Value::Null,
                Some(bytes) if wide => Value::text(from_utf16(&bytes)),
                Some(bytes) if is_text => Value::Text(bytes),
                Some(bytes) => Value::Bytes(bytes),
            }
        }
        // Long ones of old clients.
        0x22 | 0x23 | 0x63 => {
            fields.take(4)?;
            if kind != 0x22 {
                collated(fields)?;
            }
            let length = fields.length(4)?;
            if length == 0xffff_ffff {
                return Some(Value::Null);
            }
            let bytes = fields.take(length.min(fields.0.len()))?;
            match kind {
                0x63 => Value::text(from_utf16(bytes)),
                0x23 => Value::Text(bytes.to_vec()),
                _ => Value::Bytes(bytes.to_vec()),
            }
        }
        _ => return None,
    })
}

fn signed(bytes: &[u8]) -> Value {
    let number = bytes.iter().rev().fold(0_i128, |number, byte| number << 8 | i128::from(*byte));
    let bits = 8 * bytes.len();
    let negative = bits > 8 && bytes.last().is_some_and(|last| last & 0x80 != 0);
    Value::Integer(if negative { number - (1_i128 << bits) } else { number })
}

fn short(fields: &mut Fields<'_>) -> Option<Option<Vec<u8>>> {
    match fields.length(2)? {
        0xffff => Some(None),
        // The end of a message that was too long to be kept is missing.
        length => Some(Some(fields.take(length.min(fields.0.len()))?.to_vec())),
    }
}

/// A value in pieces (2.2.5.2.3).
fn chunks(fields: &mut Fields<'_>) -> Option<Option<Vec<u8>>> {
    if fields.number(8)? == u64::MAX {
        return Some(None);
    }
    let mut bytes = Vec::new();
    loop {
        let Some(length) = fields.length(4).filter(|length| *length > 0) else {
            return Some(Some(bytes));
        };
        bytes.extend_from_slice(fields.take(length.min(fields.0.len()))?);
    }
}

/// The handle of a statement that was prepared (RETURNVALUE, 2.2.7.19).
pub(super) fn returned(handle: usize, version: u8, answer: &mut Answer) {
    answer.bytes.extend([0xac, 0, 0, 0, 1]);
    answer.bytes.extend_from_slice(if version >= 0x72 { &[0; 6] } else { &[0; 4] });
    answer.bytes.extend([0x26, 4, 4]);
    answer.bytes.extend(u32::try_from(handle).unwrap_or(0).to_le_bytes());
}

/// Begins, commits or takes back a transaction.
pub(super) fn transaction(content: &[u8], answer: &mut Answer) {
    const NUMBER: [u8; 8] = [1, 0, 0, 0, 0x35, 0, 0, 0];
    let change: &[&[u8]] = match Fields(content).number(2) {
        Some(5) => &[&[0xe3, 11, 0, 8, 8], &NUMBER, &[0]],
        Some(7) => &[&[0xe3, 11, 0, 9, 0, 8], &NUMBER],
        Some(8) => &[&[0xe3, 11, 0, 10, 0, 8], &NUMBER],
        _ => &[],
    };
    answer.bytes.extend(change.concat());
    answer.done(None);
}
