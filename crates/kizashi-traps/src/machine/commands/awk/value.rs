//! `awk`'s values: numbers, texts, and input that is a number where it looks like one.

use std::cmp::Ordering;

#[derive(Clone, Debug, Default)]
pub(super) enum Value {
    #[default]
    Unset,
    Number(f64),
    Text(Vec<u8>),
    /// From outside: a field, a variable given on the command line.
    Input(Vec<u8>),
}

impl Value {
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Unset => 0.0,
            Self::Number(value) => *value,
            Self::Text(text) | Self::Input(text) => {
                let begin =
                    text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
                leading_number(&text[begin..]).0
            }
        }
    }

    /// As text; numbers that are not whole by this format (`CONVFMT`, `OFMT`).
    pub(super) fn text(&self, format: &[u8]) -> Vec<u8> {
        match self {
            Self::Unset => Vec::new(),
            Self::Number(value) => number_text(*value, format),
            Self::Text(text) | Self::Input(text) => text.clone(),
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Unset => false,
            Self::Number(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Input(text) => {
                self.as_input_number().map_or(!text.is_empty(), |value| value != 0.0)
            }
        }
    }

    /// The number that input is where it looks like one.
    fn as_input_number(&self) -> Option<f64> {
        match self {
            Self::Unset => Some(0.0),
            Self::Number(value) => Some(*value),
            Self::Text(_) => None,
            Self::Input(text) => {
                let text = text.trim_ascii();
                let (value, length) = leading_number(text);
                (length == text.len() && length > 0).then_some(value)
            }
        }
    }

    pub(super) fn compare(&self, other: &Self, format: &[u8]) -> Ordering {
        match (self.as_input_number(), other.as_input_number()) {
            (Some(one), Some(two)) => one.partial_cmp(&two).unwrap_or(Ordering::Equal),
            _ => self.text(format).cmp(&other.text(format)),
        }
    }
}

/// The number at the beginning of a text, and how many bytes it takes.
pub(super) fn leading_number(text: &[u8]) -> (f64, usize) {
    let digits = |from: usize| {
        text[from.min(text.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut at = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if text.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        if whole + fraction > 0 {
            at += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return (0.0, 0);
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    let shown = String::from_utf8_lossy(&text[..at]).into_owned();
    (shown.trim_end_matches('.').parse().unwrap_or(0.0), at)
}

/// A number as `print` shows it.
fn number_text(value: f64, format: &[u8]) -> Vec<u8> {
    if value.is_nan() {
        return if value.is_sign_negative() { b"-nan".to_vec() } else { b"nan".to_vec() };
    }
    if value.is_infinite() {
        return if value < 0.0 { b"-inf".to_vec() } else { b"inf".to_vec() };
    }
    if value.fract() == 0.0 && value.abs() < 1e16 {
        return format!("{value:.0}")
            .replace("-0", if value == 0.0 { "0" } else { "-0" })
            .into_bytes();
    }
    super::format::sprintf(format, &[Value::Number(value)], format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_far_as_it_goes() {
        assert_eq!(leading_number(b"12abc"), (12.0, 2));
        assert_eq!(leading_number(b"-1.5e3x"), (-1500.0, 6));
        assert_eq!(leading_number(b".5"), (0.5, 2));
        assert_eq!(leading_number(b"e3"), (0.0, 0));
        assert_eq!(leading_number(b"1e"), (1.0, 1));
    }

    #[test]
    fn input_that_looks_like_a_number_compares_as_one() {
        let input = |text: &str| Value::Input(text.as_bytes().to_vec());
        assert_eq!(input("10").compare(&input("9"), b"%.6g"), Ordering::Greater);
        assert_eq!(Value::Text(b"10".to_vec()).compare(&input("9"), b"%.6g"), Ordering::Less);
        assert_eq!(input(" 0 ").compare(&Value::Unset, b"%.6g"), Ordering::Equal);
        assert!(!input("0.0").is_true() && input("0.0x").is_true());
    }

    #[test]
    fn whole_numbers_have_no_point_and_others_six_digits() {
        let shown = |value| String::from_utf8(Value::Number(value).text(b"%.6g")).unwrap();
        assert_eq!(
            ["42", "-3", "0.333333", "1e+20", "0", "1000000"],
            [shown(42.0), shown(-3.0), shown(1.0 / 3.0), shown(1e20), shown(-0.0), shown(1e6)]
                .map(|text| text)
        );
    }
}
