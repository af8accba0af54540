//! PHP's values, and how one kind becomes another.

/// The longest text that a script makes.
pub(super) const LONGEST: usize = 256 * 1024;
/// Members of an array.
pub(super) const MEMBERS: usize = 2_000;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Array(Array),
    /// A function without a name, by its number.
    Closure(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Integer(i64),
    Text(Vec<u8>),
}

/// PHP's ordered map.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Array {
    pub(super) items: Vec<(Key, Value)>,
    next: i64,
}

impl Array {
    pub(crate) fn list(values: impl IntoIterator<Item = Value>) -> Self {
        let mut array = Self::default();
        values.into_iter().for_each(|value| array.push(value));
        array
    }

    pub(crate) fn push(&mut self, value: Value) {
        self.set(Key::Integer(self.next), value);
    }

    pub(crate) fn set(&mut self, key: Key, value: Value) {
        if let Some(slot) = self.slot(&key) {
            *slot = value;
        } else if self.items.len() < MEMBERS {
            if let Key::Integer(number) = key {
                self.next = self.next.max(number.saturating_add(1));
            }
            self.items.push((key, value));
        }
    }

    pub(super) fn slot(&mut self, key: &Key) -> Option<&mut Value> {
        self.items.iter_mut().find(|(found, _)| found == key).map(|(_, value)| value)
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Value> {
        self.items.iter().find(|(found, _)| found == key).map(|(_, value)| value)
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.items.retain(|(found, _)| found != key);
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        self.items.iter().map(|(_, value)| value)
    }
}

impl Key {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Integer(number) => Self::Integer(*number),
            Value::Bool(truth) => Self::Integer(i64::from(*truth)),
            Value::Real(number) => Self::Integer(*number as i64),
            other => Self::text(&other.text()),
        }
    }

    /// A text that is a number is one.
    pub(crate) fn text(text: &[u8]) -> Self {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
        match number.filter(|number| number.to_string().as_bytes() == text) {
            Some(number) => Self::Integer(number),
            None => Self::Text(text.to_vec()),
        }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Integer(number) => Value::Integer(*number),
            Self::Text(text) => Value::Text(text.clone()),
        }
    }
}

impl Value {
    pub(crate) fn of(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn text(&self) -> Vec<u8> {
        match self {
            Self::Null | Self::Bool(false) | Self::Closure(_) => Vec::new(),
            Self::Bool(true) => b"1".to_vec(),
            Self::Integer(number) => number.to_string().into_bytes(),
            Self::Real(number) => number.to_string().into_bytes(),
            Self::Text(text) => text.clone(),
            Self::Array(_) => b"Array".to_vec(),
        }
    }

    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Array(array) => array.values().map(|value| value.size() + 32).sum(),
            _ => 8,
        }
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(truth) => *truth,
            Self::Integer(number) => *number != 0,
            Self::Real(number) => *number != 0.0,
            Self::Text(text) => !matches!(text.as_slice(), b"" | b"0"),
            Self::Array(array) => !array.items.is_empty(),
            Self::Closure(_) => true,
        }
    }

    /// A number, whole where it can be.
    pub(super) fn number(&self) -> Self {
        match self {
            Self::Integer(_) | Self::Real(_) => self.clone(),
            Self::Text(text) => leading(text),
            other => Self::Integer(i64::from(other.truth())),
        }
    }

    pub(super) fn integer(&self) -> i64 {
        match self.number() {
            Self::Integer(number) => number,
            Self::Real(number) => number as i64,
            _ => 0,
        }
    }

    pub(super) fn real(&self) -> f64 {
        match self.number() {
            Self::Integer(number) => number as f64,
            Self::Real(number) => number,
            _ => 0.0,
        }
    }

    pub(super) fn is_numeric(&self) -> bool {
        match self {
            Self::Integer(_) | Self::Real(_) => true,
            Self::Text(text) => {
                let text = std::str::from_utf8(text).unwrap_or("x");
                text.trim_start().parse::<f64>().is_ok_and(f64::is_finite)
            }
            _ => false,
        }
    }

    /// `==`.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) if !(self.is_numeric() && other.is_numeric()) => a == b,
            (Self::Null, Self::Text(text)) | (Self::Text(text), Self::Null) => text.is_empty(),
            (Self::Bool(_) | Self::Null, _) | (_, Self::Bool(_) | Self::Null) => {
                self.truth() == other.truth()
            }
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Array(_), _) | (_, Self::Array(_)) => false,
            (Self::Text(_), _) if !self.is_numeric() => self.text() == other.text(),
            (_, Self::Text(_)) if !other.is_numeric() => self.text() == other.text(),
            (a, b) => a.real() == b.real(),
        }
    }

    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) if !(self.is_numeric() && other.is_numeric()) => {
                a.cmp(b)
            }
            (a, b) => a.real().partial_cmp(&b.real()).unwrap_or(std::cmp::Ordering::Equal),
        }
    }
}

fn leading(text: &[u8]) -> Value {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let text = &text[start..text.len().min(start + 40)];
    let (mut end, mut whole) = (0, true);
    while let Some(byte) = text.get(end) {
        match byte {
            b'0'..=b'9' => {}
            b'-' | b'+' if end == 0 => {}
            b'.' if whole => whole = false,
            _ => break,
        }
        end += 1;
    }
    let text = std::str::from_utf8(&text[..end]).unwrap_or("0");
    match text.parse::<i64>() {
        Ok(number) => Value::Integer(number),
        Err(_) if whole => Value::Integer(0),
        Err(_) => Value::Real(text.trim_end_matches('.').parse().unwrap_or(0.0)),
    }
}
