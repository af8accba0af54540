//! Awk's values: text and numbers at once.

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Number(f64),
    Text(Vec<u8>),
    /// Text from the input, which is a number where it looks like one.
    Input(Vec<u8>),
    Unset,
}

/// The functions that awk has.
pub(super) fn is_function(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 20] = [
        b"length", b"substr", b"index", b"split", b"sub", b"gsub", b"match", b"sprintf", b"sin",
        b"cos", b"atan2", b"exp", b"log", b"sqrt", b"int", b"rand", b"srand", b"tolower",
        b"toupper", b"system",
    ];
    NAMES.contains(&name)
}

/// The number that a text begins with, and how many bytes it takes.
pub(super) fn leading_number(text: &[u8]) -> (f64, usize) {
    let digits = |from: usize| {
        text.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut at = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    let mut part = 0;
    if text.get(at) == Some(&b'.') {
        part = digits(at + 1);
        at += 1 + part;
    }
    if whole + part == 0 {
        return (0.0, 0);
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    let value = std::str::from_utf8(&text[..at])
        .ok()
        .and_then(|text| text.trim_start_matches('+').parse().ok());
    (value.unwrap_or(0.0), at)
}

impl Value {
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) | Self::Input(text) => leading_number(text.trim_ascii_start()).0,
            Self::Unset => 0.0,
        }
    }

    pub(super) fn text(&self) -> Vec<u8> {
        match self {
            Self::Number(number) => text_of(*number),
            Self::Text(text) | Self::Input(text) => text.clone(),
            Self::Unset => Vec::new(),
        }
    }

    /// Whether it counts as a number in a comparison.
    pub(super) fn is_number(&self) -> bool {
        match self {
            Self::Number(_) | Self::Unset => true,
            Self::Text(_) => false,
            Self::Input(text) => {
                let text = text.trim_ascii();
                let (_, length) = leading_number(text);
                length > 0 && length == text.len()
            }
        }
    }

    pub(super) fn holds(&self) -> bool {
        match self {
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Input(text) => {
                if self.is_number() {
                    self.number() != 0.0
                } else {
                    !text.is_empty()
                }
            }
            Self::Unset => false,
        }
    }
}

/// A number as awk prints it: whole, or `%.6g`.
pub(super) fn text_of(number: f64) -> Vec<u8> {
    if number == 0.0 {
        // Minus zero is zero.
        return b"0".to_vec();
    }
    if number.fract() == 0.0 && number.abs() < 1e16 {
        return format!("{number:.0}").into_bytes();
    }
    general(number, 6).into_bytes()
}

/// C's `%.Ng`.
pub(super) fn general(number: f64, digits: usize) -> String {
    if number == 0.0 || !number.is_finite() {
        return if number.is_nan() {
            "nan".to_owned()
        } else if number.is_infinite() {
            if number > 0.0 { "inf" } else { "-inf" }.to_owned()
        } else {
            "0".to_owned()
        };
    }
    let digits = digits.clamp(1, 40);
    let scientific = format!("{number:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    let most = i32::try_from(digits).unwrap_or(6);
    if exponent < -4 || exponent >= most {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    trim(&format!("{number:.*}", usize::try_from(most - 1 - exponent).unwrap_or(0)))
}
