//! `printf` of `awk`.

use super::value::Value;

/// Bytes of one piece, by its width or its precision.
const WIDTH: usize = 4_096;
/// Bytes of one text.
const LENGTH: usize = 64 * 1024;

struct Directive {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// A format with its values; `conversion` is how numbers become text for `%s`.
pub(super) fn sprintf(format: &[u8], values: &[Value], conversion: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut values = values.iter();
    let mut at = 0;
    while let Some(byte) = format.get(at).copied() {
        at += 1;
        if byte != b'%' {
            text.push(byte);
        } else if format.get(at) == Some(&b'%') {
            text.push(b'%');
            at += 1;
        } else {
            let begin = at;
            let directive = read(format, &mut at, &mut values);
            let Some(verb) = format.get(at).copied() else {
                text.extend_from_slice(&format[begin - 1..]);
                break;
            };
            at += 1;
            let value = values.next().cloned().unwrap_or_default();
            text.extend(one(&directive, verb, &value, conversion));
        }
        if text.len() > LENGTH {
            break;
        }
    }
    text
}

fn read<'a>(
    format: &[u8],
    at: &mut usize,
    values: &mut impl Iterator<Item = &'a Value>,
) -> Directive {
    let mut directive = Directive {
        left: false,
        plus: false,
        space: false,
        alternate: false,
        zero: false,
        width: 0,
        precision: None,
    };
    while let Some(byte) = format.get(*at) {
        match byte {
            b'-' => directive.left = true,
            b'+' => directive.plus = true,
            b' ' => directive.space = true,
            b'#' => directive.alternate = true,
            b'0' => directive.zero = true,
            _ => break,
        }
        *at += 1;
    }
    let mut number = |at: &mut usize| {
        if format.get(*at) == Some(&b'*') {
            *at += 1;
            #[allow(clippy::cast_possible_truncation, reason = "bounded below")]
            return values.next().map_or(0, |value| value.number().clamp(-4_096.0, 4_096.0) as i64);
        }
        let mut value = 0_i64;
        while let Some(digit) = format.get(*at).filter(|byte| byte.is_ascii_digit()) {
            value = (value * 10 + i64::from(digit - b'0')).min(WIDTH as i64);
            *at += 1;
        }
        value
    };
    let width = number(at);
    directive.left |= width < 0;
    directive.width = usize::try_from(width.abs()).unwrap_or(0);
    if format.get(*at) == Some(&b'.') {
        *at += 1;
        directive.precision = usize::try_from(number(at)).ok();
    }
    while matches!(format.get(*at), Some(b'l' | b'h' | b'L' | b'q')) {
        *at += 1;
    }
    directive
}

fn one(directive: &Directive, verb: u8, value: &Value, conversion: &[u8]) -> Vec<u8> {
    let (sign, body) = match verb {
        b'd' | b'i' => whole(directive, value.number()),
        b'o' | b'x' | b'X' | b'u' => {
            (String::new(), unsigned(directive, verb, value.number()).into_bytes())
        }
        b'f' | b'F' | b'e' | b'E' | b'g' | b'G' => real(directive, verb, value.number()),
        b'c' => (String::new(), character(value)),
        b's' => {
            let mut text = value.text(conversion);
            text.truncate(directive.precision.unwrap_or(usize::MAX));
            (String::new(), text)
        }
        other => return vec![b'%', other],
    };
    let numeric = !matches!(verb, b'c' | b's');
    let missing = directive.width.saturating_sub(sign.len() + body.len());
    let zeros = directive.zero
        && numeric
        && !directive.left
        && (matches!(verb, b'f' | b'e' | b'g' | b'E' | b'G') || directive.precision.is_none());
    let fill = vec![if zeros { b'0' } else { b' ' }; missing];
    match (directive.left, zeros) {
        (true, _) => [sign.as_bytes(), &body, &fill].concat(),
        (false, true) => [sign.as_bytes(), &fill, &body].concat(),
        (false, false) => [&fill, sign.as_bytes(), &body].concat(),
    }
}

fn sign_of(directive: &Directive, negative: bool) -> String {
    let sign = match (negative, directive.plus, directive.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    };
    sign.to_owned()
}

fn whole(directive: &Directive, value: f64) -> (String, Vec<u8>) {
    #[allow(clippy::cast_possible_truncation, reason = "saturates as C's conversion is asked to")]
    let value = value as i64;
    let figures = format!(
        "{:0>width$}",
        value.unsigned_abs(),
        width = directive.precision.unwrap_or(1).min(WIDTH)
    );
    (sign_of(directive, value < 0), figures.into_bytes())
}

fn unsigned(directive: &Directive, verb: u8, value: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as C does")]
    let value = if value < 0.0 { (value as i64) as u64 } else { value as u64 };
    let width = directive.precision.unwrap_or(1).min(WIDTH);
    match verb {
        b'o' => format!("{}{value:0>width$o}", if directive.alternate { "0" } else { "" }),
        b'x' => {
            format!("{}{value:0>width$x}", if directive.alternate && value > 0 { "0x" } else { "" })
        }
        b'X' => {
            format!("{}{value:0>width$X}", if directive.alternate && value > 0 { "0X" } else { "" })
        }
        _ => format!("{value:0>width$}"),
    }
}

fn character(value: &Value) -> Vec<u8> {
    match value {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the low byte, as mawk takes it"
        )]
        Value::Number(number) => vec![(*number as i64 & 0xff) as u8],
        other => other.text(b"%d").first().map(|byte| vec![*byte]).unwrap_or_default(),
    }
}

fn real(directive: &Directive, verb: u8, value: f64) -> (String, Vec<u8>) {
    let precision = directive.precision.unwrap_or(6).min(WIDTH);
    let magnitude = value.abs();
    let text = if !value.is_finite() {
        if value.is_nan() { "nan".to_owned() } else { "inf".to_owned() }
    } else {
        match verb.to_ascii_lowercase() {
            b'f' => format!("{magnitude:.precision$}"),
            b'e' => exponential(magnitude, precision),
            _ => general(magnitude, precision.max(1), directive.alternate),
        }
    };
    let text = if verb.is_ascii_uppercase() { text.to_uppercase() } else { text };
    (sign_of(directive, value < 0.0), text.into_bytes())
}

/// `1.500000e+03`.
fn exponential(value: f64, precision: usize) -> String {
    let shown = format!("{value:.precision$e}");
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
    let (sign, figures) =
        exponent.strip_prefix('-').map_or(("+", exponent), |figures| ("-", figures));
    format!("{mantissa}e{sign}{figures:0>2}")
}

/// The shorter of the two, without trailing zeros.
fn general(value: f64, precision: usize, zeros: bool) -> String {
    let shown = exponential(value, precision - 1);
    let exponent: i64 =
        shown.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let wide = i64::try_from(precision).unwrap_or(i64::MAX);
    if exponent < -4 || exponent >= wide {
        let (mantissa, tail) = shown.split_once('e').unwrap_or((&shown, "+00"));
        return if zeros { shown.clone() } else { format!("{}e{tail}", without_zeros(mantissa)) };
    }
    let figures = usize::try_from(wide - 1 - exponent).unwrap_or(0);
    let plain = format!("{value:.figures$}");
    if zeros { plain } else { without_zeros(&plain).to_owned() }
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: &str, values: &[Value]) -> String {
        String::from_utf8(sprintf(format.as_bytes(), values, b"%.6g")).unwrap()
    }

    #[test]
    fn directives_are_written_as_c_writes_them() {
        let number = Value::Number;
        assert_eq!(
            shown("%05.2f|%-5s|%x", &[number(3.1459), Value::Text(b"ab".to_vec()), number(255.0)]),
            "03.15|ab   |ff"
        );
        assert_eq!(
            shown("%e %G %+d %03d", &[number(1500.0), number(1e-10), number(5.0), number(-7.0)]),
            "1.500000e+03 1E-10 +5 -07"
        );
        assert_eq!(
            shown(
                "%*d|%.3s|%c%c",
                &[
                    number(4.0),
                    number(7.0),
                    Value::Text(b"abcdef".to_vec()),
                    number(65.0),
                    Value::Text(b"xy".to_vec())
                ]
            ),
            "   7|abc|Ax"
        );
        assert_eq!(shown("100%% %d", &[]), "100% 0");
    }

    #[test]
    fn a_width_of_millions_is_bounded() {
        assert!(shown("%999999999d", &[Value::Number(1.0)]).len() <= WIDTH);
    }
}
