//! Functions of text and numbers.

use super::super::evaluate::{Interpreter, Stop};
use super::super::value::{Array, LONGEST, Value};
use super::{Arguments, Found};
use crate::http::find;
use crate::machine::Regex;

pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Found {
    if let Some(value) = shaped(name, arguments) {
        return Ok(Some(value));
    }
    if let Some(value) = numbers(interpreter, name, arguments) {
        return Ok(Some(value));
    }
    Ok(Some(match name {
        b"str_replace" | b"str_ireplace" => replaced(name, arguments),
        b"strtr" => translated(arguments),
        b"sprintf" | b"vsprintf" => Value::Text(formatted(arguments)),
        b"printf" => {
            let text = formatted(arguments);
            interpreter.print(&text)?;
            Value::Integer(text.len() as i64)
        }
        b"preg_match" | b"preg_match_all" | b"preg_replace" | b"preg_split" => {
            regular(interpreter, name, arguments)?
        }
        _ => return Ok(None),
    }))
}

#[expect(clippy::too_many_lines, reason = "one flat table of names and what each does")]
fn shaped(name: &[u8], arguments: &Arguments<'_>) -> Option<Value> {
    let text = || arguments.text(0);
    let escaped = |quotes: bool| {
        let mut shown = Vec::new();
        for byte in text() {
            match byte {
                b'<' => shown.extend(b"&lt;"),
                b'>' => shown.extend(b"&gt;"),
                b'&' => shown.extend(b"&amp;"),
                b'"' => shown.extend(b"&quot;"),
                b'\'' if quotes => shown.extend(b"&#039;"),
                other => shown.push(other),
            }
        }
        Value::Text(shown)
    };
    Some(match name {
        b"strlen" | b"mb_strlen" => Value::Integer(text().len() as i64),
        b"strrev" => Value::Text(text().into_iter().rev().collect()),
        b"strtolower" | b"mb_strtolower" => Value::Text(text().to_ascii_lowercase()),
        b"strtoupper" | b"mb_strtoupper" => Value::Text(text().to_ascii_uppercase()),
        b"ucfirst" => {
            let mut text = text();
            text.iter_mut().take(1).for_each(u8::make_ascii_uppercase);
            Value::Text(text)
        }
        b"trim" | b"rtrim" | b"ltrim" | b"chop" => trimmed(name, arguments),
        b"substr" | b"mb_substr" => substring(arguments),
        b"strpos" | b"stripos" | b"strrpos" | b"mb_strpos" => {
            let (mut text, mut what) = (text(), arguments.text(1));
            if name == b"stripos" {
                text.make_ascii_lowercase();
                what.make_ascii_lowercase();
            }
            let from =
                usize::try_from(arguments.integer(2).unwrap_or(0)).unwrap_or(0).min(text.len());
            let found = if name == b"strrpos" {
                text.windows(what.len().max(1)).rposition(|window| window == what)
            } else {
                find(&text[from..], &what).map(|at| at + from)
            };
            found.map_or(Value::Bool(false), |at| Value::Integer(at as i64))
        }
        b"strstr" | b"stristr" => {
            let text = text();
            match find(&text.to_ascii_lowercase(), &arguments.text(1).to_ascii_lowercase()) {
                Some(at) => Value::Text(text[at..].to_vec()),
                None => Value::Bool(false),
            }
        }
        b"str_contains" => Value::Bool(find(&text(), &arguments.text(1)).is_some()),
        b"str_starts_with" => Value::Bool(text().starts_with(&arguments.text(1))),
        b"substr_count" => {
            let what = arguments.text(1);
            let count = text().windows(what.len().max(1)).filter(|window| *window == what).count();
            Value::Integer(count as i64)
        }
        b"str_repeat" => {
            let (text, times) =
                (text(), usize::try_from(arguments.integer(1).unwrap_or(0)).unwrap_or(0));
            if text.len().saturating_mul(times) > LONGEST {
                return Some(Value::Null);
            }
            Value::Text(text.repeat(times))
        }
        b"str_pad" => {
            let mut text = text();
            let wanted = usize::try_from(arguments.integer(1).unwrap_or(0)).unwrap_or(0).min(4_096);
            let left = arguments.integer(3) == Some(0);
            while text.len() < wanted {
                if left { text.insert(0, b' ') } else { text.push(b' ') }
            }
            Value::Text(text)
        }
        b"str_split" => {
            let size = usize::try_from(arguments.integer(1).unwrap_or(1)).unwrap_or(1).max(1);
            Value::Array(Array::list(text().chunks(size).map(|chunk| Value::Text(chunk.to_vec()))))
        }
        b"explode" => {
            let (mark, text) = (text(), arguments.text(1));
            if mark.is_empty() {
                return Some(Value::Bool(false));
            }
            let most =
                usize::try_from(arguments.integer(2).unwrap_or(2_000)).unwrap_or(2_000).max(1);
            let (mut parts, mut rest) = (Vec::new(), text.as_slice());
            while let Some(at) = find(rest, &mark).filter(|_| parts.len() + 1 < most) {
                parts.push(Value::Text(rest[..at].to_vec()));
                rest = &rest[at + mark.len()..];
            }
            parts.push(Value::Text(rest.to_vec()));
            Value::Array(Array::list(parts))
        }
        b"implode" | b"join" => {
            let (glue, array) = match (arguments.get(0), arguments.get(1)) {
                (Value::Array(array), other) | (other, Value::Array(array)) => {
                    (other.text(), array)
                }
                _ => return Some(Value::Null),
            };
            let parts: Vec<Vec<u8>> = array.values().map(Value::text).collect();
            Value::Text(parts.join(&glue[..]))
        }
        b"nl2br" => {
            let text = text();
            let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            Value::Text(lines.join(&b"<br />\n"[..]))
        }
        b"htmlspecialchars" | b"htmlentities" => escaped(true),
        b"addslashes" => {
            let text = text();
            Value::Text(
                text.iter()
                    .flat_map(|byte| match byte {
                        b'\'' | b'"' | b'\\' => vec![b'\\', *byte],
                        other => vec![*other],
                    })
                    .collect(),
            )
        }
        b"stripslashes" => {
            let text = text();
            let mut plain = Vec::new();
            let mut bytes = text.iter();
            while let Some(byte) = bytes.next() {
                plain.extend(if *byte == b'\\' { bytes.next() } else { Some(byte) });
            }
            Value::Text(plain)
        }
        b"escapeshellarg" => {
            let quoted = String::from_utf8_lossy(&text()).replace('\'', "'\\''");
            Value::of(format!("'{quoted}'"))
        }
        b"escapeshellcmd"
        | b"strip_tags"
        | b"utf8_encode"
        | b"utf8_decode"
        | b"iconv"
        | b"mb_convert_encoding"
        | b"strval"
        | b"html_entity_decode"
        | b"htmlspecialchars_decode" => {
            Value::Text(if name == b"iconv" { arguments.text(2) } else { text() })
        }
        b"strcmp" | b"strcasecmp" => {
            let (a, b) = (text(), arguments.text(1));
            let order = if name == b"strcmp" {
                a.cmp(&b)
            } else {
                a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase())
            };
            Value::Integer(order as i64)
        }
        b"hash_equals" => Value::Bool(text() == arguments.text(1)),
        _ => return None,
    })
}

fn trimmed(name: &[u8], arguments: &Arguments<'_>) -> Value {
    let text = arguments.text(0);
    let set = match arguments.get(1) {
        Value::Null => b" \t\n\r\0\x0b".to_vec(),
        other => other.text(),
    };
    let kept = |byte: &u8| !set.contains(byte);
    let (mut start, mut end) = (0, text.len());
    if name != b"rtrim" && name != b"chop" {
        start = text.iter().position(kept).unwrap_or(text.len());
    }
    if name != b"ltrim" {
        end = text.iter().rposition(kept).map_or(start, |at| at + 1).max(start);
    }
    Value::Text(text[start..end].to_vec())
}

fn substring(arguments: &Arguments<'_>) -> Value {
    let text = arguments.text(0);
    let length = text.len() as i64;
    let from = arguments.integer(1).unwrap_or(0);
    let start = if from < 0 { (length + from).max(0) } else { from.min(length) };
    let end = match arguments.integer(2) {
        None => length,
        Some(wanted) if wanted < 0 => length + wanted,
        Some(wanted) => start.saturating_add(wanted).min(length),
    };
    let (start, end) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
    Value::Text(text.get(start..end).unwrap_or_default().to_vec())
}

fn list_of(value: &Value) -> Vec<Vec<u8>> {
    match value {
        Value::Array(array) => array.values().map(Value::text).collect(),
        other => vec![other.text()],
    }
}

fn replaced(name: &[u8], arguments: &Arguments<'_>) -> Value {
    let (from, to) = (list_of(arguments.get(0)), list_of(arguments.get(1)));
    let single = !matches!(arguments.get(1), Value::Array(_));
    let mut text = arguments.text(2);
    for (place, what) in from.iter().enumerate().filter(|(_, what)| !what.is_empty()) {
        let with = to.get(if single { 0 } else { place }).cloned().unwrap_or_default();
        let (mut result, mut rest) = (Vec::new(), text.as_slice());
        let lower = |text: &[u8]| {
            if name == b"str_ireplace" { text.to_ascii_lowercase() } else { text.to_vec() }
        };
        while let Some(at) = find(&lower(rest), &lower(what)) {
            result.extend_from_slice(&rest[..at]);
            result.extend_from_slice(&with);
            rest = &rest[at + what.len()..];
            if result.len() > LONGEST {
                return Value::Null;
            }
        }
        result.extend_from_slice(rest);
        text = result;
    }
    Value::Text(text)
}

fn translated(arguments: &Arguments<'_>) -> Value {
    let mut text = arguments.text(0);
    match arguments.get(1) {
        Value::Array(array) => {
            let (mut result, mut at) = (Vec::new(), 0);
            while at < text.len() && result.len() < LONGEST {
                let found = array.items.iter().find(|(key, _)| {
                    let key = key.value().text();
                    !key.is_empty() && text[at..].starts_with(&key)
                });
                match found {
                    Some((key, value)) => {
                        result.extend(value.text());
                        at += key.value().text().len();
                    }
                    None => {
                        result.push(text[at]);
                        at += 1;
                    }
                }
            }
            Value::Text(result)
        }
        from => {
            let (from, to) = (from.text(), arguments.text(2));
            for byte in &mut text {
                if let Some(with) =
                    from.iter().position(|found| found == byte).and_then(|at| to.get(at))
                {
                    *byte = *with;
                }
            }
            Value::Text(text)
        }
    }
}

fn formatted(arguments: &Arguments<'_>) -> Vec<u8> {
    let (format, mut values) = (arguments.text(0), arguments.values.iter().skip(1));
    let mut array = match arguments.get(1) {
        Value::Array(array) => array.values().cloned().collect(),
        _ => Vec::new(),
    }
    .into_iter();
    let (mut text, mut bytes) = (Vec::new(), format.iter());
    while let Some(byte) = bytes.next() {
        if *byte != b'%' {
            text.push(*byte);
            continue;
        }
        let kind = bytes.by_ref().find(|byte| byte.is_ascii_alphabetic() || **byte == b'%');
        let mut next = || array.next().or_else(|| values.next().cloned()).unwrap_or_default();
        match kind {
            Some(b'%') | None => text.push(b'%'),
            Some(b'd' | b'u') => text.extend(next().integer().to_string().into_bytes()),
            Some(b'x') => text.extend(format!("{:x}", next().integer()).into_bytes()),
            Some(b'X') => text.extend(format!("{:X}", next().integer()).into_bytes()),
            Some(b'o') => text.extend(format!("{:o}", next().integer()).into_bytes()),
            Some(b'b') => text.extend(format!("{:b}", next().integer()).into_bytes()),
            Some(b'c') => text.push((next().integer() & 255) as u8),
            Some(b'f' | b'F') => text.extend(format!("{:.2}", next().real()).into_bytes()),
            Some(_) => text.extend(next().text()),
        }
    }
    text
}

/// A pattern between its delimiters, and its modifiers.
fn pattern(text: &[u8]) -> Option<(Regex, bool)> {
    let (open, rest) = text.trim_ascii().split_first()?;
    let close = match open {
        b'(' => b')',
        b'{' => b'}',
        b'[' => b']',
        other => *other,
    };
    let end = rest.iter().rposition(|byte| *byte == close)?;
    let modifiers = &rest[end + 1..];
    let regex = Regex::new(&rest[..end], true, modifiers.contains(&b'i')).ok()?;
    Some((regex, modifiers.contains(&b'e')))
}

fn regular(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Result<Value, Stop> {
    interpreter.step(500)?;
    let Some((regex, evaluates)) =
        pattern(&list_of(arguments.get(0))[..].first().cloned().unwrap_or_default())
    else {
        return Ok(Value::Bool(false));
    };
    if name == b"preg_replace" {
        let (with, text) = (list_of(arguments.get(1)).concat(), arguments.text(2));
        let (mut result, mut at) = (Vec::new(), 0);
        while let Some((start, end)) = regex.find(&text, at) {
            interpreter.step(50)?;
            result.extend_from_slice(&text[at..start]);
            if evaluates {
                let code = [&b"return "[..], &with, b";"].concat();
                result.extend(interpreter.evaluate(&code, true)?.text());
            } else {
                result.extend_from_slice(&with);
            }
            interpreter.fits(result.len())?;
            if end == start {
                result.extend(text.get(end));
            }
            at = end.max(start + 1).min(text.len());
            if start >= text.len() {
                break;
            }
        }
        result.extend_from_slice(text.get(at..).unwrap_or_default());
        return Ok(Value::Text(result));
    }
    let text = arguments.text(1);
    let groups = regex.captures(&text, 0);
    let found = groups.is_some();
    let members = groups.unwrap_or_default().into_iter().map(|group| {
        Value::Text(group.map_or_else(Vec::new, |(start, end)| text[start..end].to_vec()))
    });
    let mut members = Array::list(members);
    if name == b"preg_match_all" {
        let lists = members.values().map(|value| Value::Array(Array::list([value.clone()])));
        members = Array::list(lists.collect::<Vec<_>>());
    }
    arguments.assign(interpreter, 2, Value::Array(members))?;
    Ok(Value::Integer(i64::from(found)))
}

fn numbers(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Option<Value> {
    let value = arguments.get(0);
    let mut random = |low: i64, high: i64| {
        let chance = &mut interpreter.chance;
        *chance =
            chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let span = high.saturating_sub(low).max(0).cast_unsigned().saturating_add(1);
        low.saturating_add(((*chance >> 33) % span).cast_signed())
    };
    Some(match name {
        b"intval" => match arguments.integer(1) {
            Some(base @ 2..=36) => {
                let text = String::from_utf8_lossy(&value.text()).into_owned();
                let text = text.trim_start_matches("0x");
                Value::Integer(
                    i64::from_str_radix(text, u32::try_from(base).unwrap_or(10)).unwrap_or(0),
                )
            }
            _ => Value::Integer(value.integer()),
        },
        b"floatval" | b"doubleval" => Value::Real(value.real()),
        b"boolval" => Value::Bool(value.truth()),
        b"is_numeric" => Value::Bool(value.is_numeric()),
        b"is_string" => Value::Bool(matches!(value, Value::Text(_))),
        b"is_array" => Value::Bool(matches!(value, Value::Array(_))),
        b"is_null" => Value::Bool(*value == Value::Null),
        b"is_int" | b"is_integer" => Value::Bool(matches!(value, Value::Integer(_))),
        b"is_bool" => Value::Bool(matches!(value, Value::Bool(_))),
        b"is_resource" => Value::Bool(matches!(value, Value::Integer(_))),
        b"is_object" => Value::Bool(false),
        b"rand" | b"mt_rand" | b"random_int" => Value::Integer(random(
            arguments.integer(0).unwrap_or(0),
            arguments.integer(1).unwrap_or(i64::from(i32::MAX)),
        )),
        b"round" => Value::Real(value.real().round()),
        b"floor" => Value::Real(value.real().floor()),
        b"ceil" => Value::Real(value.real().ceil()),
        b"abs" => match value.number() {
            Value::Integer(number) => Value::Integer(number.saturating_abs()),
            other => Value::Real(other.real().abs()),
        },
        b"sqrt" => Value::Real(value.real().sqrt()),
        b"pow" => Value::Real(value.real().powf(arguments.get(1).real())),
        b"number_format" => Value::of(format!("{:.0}", value.real())),
        b"dechex" => Value::of(format!("{:x}", value.integer())),
        b"hexdec" => {
            let text = String::from_utf8_lossy(&value.text()).into_owned();
            Value::Integer(i64::from_str_radix(&text, 16).unwrap_or(0))
        }
        b"decbin" => Value::of(format!("{:b}", value.integer())),
        b"uniqid" => Value::of(format!("{:013x}", random(0, i64::MAX - 1) & 0xf_ffff_ffff_ffff)),
        _ => return None,
    })
}
