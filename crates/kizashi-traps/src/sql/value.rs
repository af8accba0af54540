//! Values as MariaDB has them, and how one kind becomes another when an expression wants it.

use std::cmp::Ordering;

/// The longest text that an expression makes: what would be longer is NULL, as past `max_allowed_packet`.
pub(super) const LONGEST: usize = 64 * 1024;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i128),
    /// An exact number with so many digits behind the point.
    Decimal(f64, u8),
    Real(f64),
    /// Text, compared without case and trailing spaces (utf8mb4_general_ci).
    Text(Vec<u8>),
    /// Text compared byte by byte: hexadecimal literals, BINARY.
    Bytes(Vec<u8>),
}

impl Value {
    pub(crate) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) const fn of(truth: bool) -> Self {
        Self::Integer(truth as i128)
    }

    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// As it is sent to a client; nothing of NULL.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Null => Vec::new(),
            Self::Integer(number) => number.to_string().into_bytes(),
            Self::Decimal(number, digits) => {
                format!("{number:.*}", usize::from(*digits)).into_bytes()
            }
            Self::Real(number) => real(*number).into_bytes(),
            Self::Text(text) | Self::Bytes(text) => text.clone(),
        }
    }

    /// The length of the same.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Bytes(text) => text.len(),
            _ => 8,
        }
    }

    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Integer(number) => *number as f64,
            Self::Decimal(number, _) | Self::Real(number) => *number,
            Self::Text(text) | Self::Bytes(text) => leading_number(text),
        }
    }

    /// A whole number, rounded.
    pub(crate) fn integer(&self) -> i128 {
        match self {
            Self::Integer(number) => *number,
            Self::Text(text) | Self::Bytes(text) => leading_integer(text),
            other => other.number().round() as i128,
        }
    }

    /// Whether it counts as true; `None` of NULL.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Self::Null => None,
            Self::Integer(number) => Some(*number != 0),
            other => Some(other.number() != 0.0),
        }
    }

    /// How the two compare; `None` where one is NULL.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Null, _) | (_, Self::Null) => return None,
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => folded(a).cmp(folded(b)),
            (Self::Text(a) | Self::Bytes(a), Self::Text(b) | Self::Bytes(b)) => a.cmp(b),
            (a, b) => a.number().partial_cmp(&b.number()).unwrap_or(Ordering::Equal),
        })
    }

    /// The order in which rows are sorted: NULL first.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self.is_null(), other.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.compare(other).unwrap_or(Ordering::Equal),
        }
    }

    /// What tells rows apart for DISTINCT, UNION and GROUP BY.
    pub(super) fn key(&self) -> Vec<u8> {
        match self {
            Self::Null => vec![0],
            Self::Text(text) => [&[1], &fold(text)[..]].concat(),
            Self::Bytes(text) => [&[1], &text[..]].concat(),
            number => [&[1], &number.bytes()[..]].concat(),
        }
    }
}

/// Without trailing spaces, which general_ci does not see.
fn without_spaces(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |at| at + 1);
    &text[..end]
}

/// Lower case and without trailing spaces, as general_ci compares.
pub(super) fn fold(text: &[u8]) -> Vec<u8> {
    without_spaces(text).to_ascii_lowercase()
}

fn folded(text: &[u8]) -> impl Iterator<Item = u8> {
    without_spaces(text).iter().map(u8::to_ascii_lowercase)
}

/// Whether two names are one.
pub(super) fn same_name(a: &[u8], b: &[u8]) -> bool {
    without_spaces(a).eq_ignore_ascii_case(without_spaces(b))
}

/// Steps that a row costs whoever copies it: four values, or 256 bytes of them, are one.
pub(super) fn weight(row: &[Value]) -> usize {
    let bytes: usize = row.iter().map(Value::size).sum();
    row.len() / 4 + bytes / 256
}

/// The same of many rows.
pub(super) fn weight_of_all(rows: &[Vec<Value>]) -> usize {
    rows.iter().map(|row| 1 + weight(row)).sum()
}

/// Steps that it costs to compare two rows: no more of them is looked at than the shorter has.
pub(super) fn comparing(a: &[Value], b: &[Value]) -> usize {
    let bytes: usize = a.iter().zip(b).map(|(a, b)| a.size().min(b.size())).sum();
    bytes / 256
}

/// A DOUBLE as MariaDB prints it.
fn real(number: f64) -> String {
    if number.is_nan() || number.is_infinite() {
        return "0".to_owned();
    }
    let size = number.abs();
    if number == number.trunc() && size < 1e15 {
        return format!("{}", number as i64);
    }
    if size != 0.0 && !(1e-15..1e15).contains(&size) {
        return format!("{number:e}");
    }
    format!("{number}")
}

fn leading(text: &[u8]) -> &str {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let text = &text[start..text.len().min(start + 60)];
    let (mut end, mut point, mut exponent) = (0, false, false);
    while let Some(byte) = text.get(end) {
        let next_digit = |ahead: usize| text.get(end + ahead).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => {}
            b'+' | b'-' if end == 0 => {}
            b'.' if !point && !exponent => point = true,
            b'e' | b'E' if end > 0 && !exponent => {
                let signed = matches!(text.get(end + 1), Some(b'+' | b'-'));
                if !(next_digit(1) || signed && next_digit(2)) {
                    break;
                }
                exponent = true;
                end += usize::from(signed);
            }
            _ => break,
        }
        end += 1;
    }
    std::str::from_utf8(&text[..end]).unwrap_or("")
}

/// The number that a text begins with, 0 where it begins with none.
fn leading_number(text: &[u8]) -> f64 {
    leading(text).trim_end_matches('.').parse().unwrap_or(0.0)
}

fn leading_integer(text: &[u8]) -> i128 {
    let found = leading(text);
    found.parse().unwrap_or_else(|_| leading_number(text) as i128)
}
