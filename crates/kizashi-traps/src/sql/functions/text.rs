//! Functions of text. Positions count characters, and characters are UTF-8's.

use super::super::error::SqlError;
use super::super::lexer::from_hex;
use super::super::value::{LONGEST, Value};
use super::Found;
use crate::hexadecimal::hexadecimal;

pub(super) fn call(name: &[u8], values: &[Value]) -> Found {
    shaping(name, values)
        .or_else(|| measuring(name, values))
        .or_else(|| searching(name, values))
        .or_else(|| json(name, values))
}

/// The place behind so many characters.
fn place(text: &[u8], characters: usize) -> usize {
    let starts = text.iter().enumerate().filter(|(_, byte)| (**byte & 0xc0) != 0x80);
    starts.map(|(at, _)| at).nth(characters).unwrap_or(text.len())
}

fn length(text: &[u8]) -> usize {
    text.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}

fn count(value: &Value) -> usize {
    usize::try_from(value.integer()).unwrap_or(0)
}

/// The same kind of text as a value was.
fn like(value: &Value, text: Vec<u8>) -> Value {
    match value {
        Value::Bytes(_) => Value::Bytes(text),
        _ => Value::Text(text),
    }
}

fn joined(values: &[Value], separator: &[u8]) -> Value {
    let size: usize = values.iter().map(|value| value.size() + separator.len()).sum();
    if size > LONGEST {
        return Value::Null;
    }
    let parts: Vec<Vec<u8>> = values.iter().map(Value::bytes).collect();
    Value::Text(parts.join(separator))
}

fn substring(value: &Value, from: i128, wanted: Option<i128>) -> Value {
    let text = value.bytes();
    let whole = length(&text);
    let start = match from {
        0 => return like(value, Vec::new()),
        1.. => usize::try_from(from - 1).unwrap_or(usize::MAX),
        _ => match usize::try_from(-from).ok().and_then(|back| whole.checked_sub(back)) {
            Some(start) => start,
            None => return like(value, Vec::new()),
        },
    };
    let wanted = wanted.map_or(usize::MAX, |wanted| usize::try_from(wanted).unwrap_or(0));
    let begin = place(&text, start);
    let rest = &text[begin..];
    like(value, rest[..place(rest, wanted)].to_vec())
}

#[expect(clippy::too_many_lines, reason = "one flat table of names and what each does")]
fn shaping(name: &[u8], values: &[Value]) -> Found {
    if matches!(name, b"concat_ws") {
        let [separator, rest @ ..] = values else { return Some(Err(SqlError::parameters(name))) };
        if separator.is_null() {
            return Some(Ok(Value::Null));
        }
        let rest: Vec<Value> = rest.iter().filter(|value| !value.is_null()).cloned().collect();
        return Some(Ok(joined(&rest, &separator.bytes())));
    }
    if name == b"char" {
        let bytes = values.iter().filter(|value| !value.is_null()).flat_map(|value| {
            let number = u32::try_from(value.integer()).unwrap_or(0).to_be_bytes();
            let start = number.iter().position(|byte| *byte != 0).unwrap_or(3);
            number[start..].to_vec()
        });
        return Some(Ok(Value::Text(bytes.collect())));
    }
    const NULLS: [&[u8]; 28] = [
        b"concat",
        b"substring",
        b"substr",
        b"mid",
        b"left",
        b"right",
        b"lower",
        b"lcase",
        b"upper",
        b"ucase",
        b"trim",
        b"ltrim",
        b"rtrim",
        b"reverse",
        b"repeat",
        b"space",
        b"replace",
        b"lpad",
        b"rpad",
        b"hex",
        b"unhex",
        b"insert",
        b"quote",
        b"to_base64",
        b"from_base64",
        b"substring_index",
        b"format",
        b"convert_tz",
    ];
    if NULLS.contains(&name) && values.iter().any(Value::is_null) {
        return Some(Ok(Value::Null));
    }
    Some(Ok(match (name, values) {
        (b"concat", [_, ..]) => joined(values, b""),
        (b"substring" | b"substr" | b"mid", [text, from]) => substring(text, from.integer(), None),
        (b"substring" | b"substr" | b"mid", [text, from, wanted]) => {
            substring(text, from.integer(), Some(wanted.integer()))
        }
        (b"left", [text, wanted]) => substring(text, 1, Some(wanted.integer())),
        (b"right", [text, wanted]) => match wanted.integer() {
            ..=0 => like(text, Vec::new()),
            wanted => {
                let whole = length(&text.bytes()) as i128;
                substring(text, (whole - wanted + 1).max(1), None)
            }
        },
        (b"lower" | b"lcase", [text]) => like(text, text.bytes().to_ascii_lowercase()),
        (b"upper" | b"ucase", [text]) => like(text, text.bytes().to_ascii_uppercase()),
        (b"trim" | b"ltrim" | b"rtrim", [text]) => like(text, trimmed(name, &text.bytes(), b" ")),
        (b"trim" | b"ltrim" | b"rtrim", [text, what]) => {
            like(text, trimmed(name, &text.bytes(), &what.bytes()))
        }
        (b"reverse", [text]) => {
            let text = String::from_utf8_lossy(&text.bytes()).chars().rev().collect::<String>();
            Value::text(text)
        }
        (b"repeat", [text, times]) => repeated(&text.bytes(), count(times)),
        (b"space", [times]) => repeated(b" ", count(times)),
        (b"replace", [text, from, to]) => replaced(text, &from.bytes(), &to.bytes()),
        (b"lpad" | b"rpad", [text, wanted, with]) => {
            padded(name, text, count(wanted), &with.bytes())
        }
        (b"hex", [value]) => Value::text(match value {
            Value::Integer(number) => {
                format!("{:X}", super::super::evaluate::bits(&Value::Integer(*number)))
            }
            other => hexadecimal(&other.bytes()).to_uppercase(),
        }),
        (b"unhex", [value]) => from_hex(&value.bytes()).map_or(Value::Null, Value::Bytes),
        (b"insert", [text, from, wanted, new]) => {
            let from = from.integer();
            if from < 1 {
                return Some(Ok(text.clone()));
            }
            let head = substring(text, 1, Some(from - 1)).bytes();
            let tail = substring(text, from + wanted.integer().max(0), None).bytes();
            Value::Text([head, new.bytes(), tail].concat())
        }
        (b"quote", [text]) => {
            let text = text.bytes();
            let mut quoted = Vec::with_capacity(text.len() + 2);
            quoted.push(b'\'');
            for byte in text {
                if matches!(byte, b'\'' | b'\\') {
                    quoted.push(b'\\');
                }
                quoted.push(byte);
            }
            quoted.push(b'\'');
            Value::Text(quoted)
        }
        (b"to_base64", [value]) => {
            Value::Text(crate::http::base64(&value.bytes()[..value.size().min(LONGEST / 2)]))
        }
        (b"from_base64", [value]) => {
            crate::http::decode_base64(&value.bytes()).map_or(Value::Null, Value::Bytes)
        }
        (b"substring_index", [text, mark, wanted]) => {
            substring_index(text, &mark.bytes(), wanted.integer())
        }
        (b"format", [number, digits]) => {
            Value::text(format!("{:.*}", count(digits).min(30), number.number()))
        }
        _ if NULLS.contains(&name) => return Some(Err(SqlError::parameters(name))),
        _ => return None,
    }))
}

fn trimmed(name: &[u8], text: &[u8], what: &[u8]) -> Vec<u8> {
    let mut text = text;
    if what.is_empty() {
        return text.to_vec();
    }
    if name != b"rtrim" {
        while let Some(rest) = text.strip_prefix(what) {
            text = rest;
        }
    }
    if name != b"ltrim" {
        while let Some(rest) = text.strip_suffix(what) {
            text = rest;
        }
    }
    text.to_vec()
}

fn repeated(text: &[u8], times: usize) -> Value {
    if text.len().saturating_mul(times) > LONGEST {
        return Value::Null;
    }
    Value::Text(text.repeat(times))
}

fn replaced(text: &Value, from: &[u8], to: &[u8]) -> Value {
    let whole = text.bytes();
    if from.is_empty() {
        return text.clone();
    }
    let (mut result, mut at) = (Vec::new(), 0);
    while at < whole.len() {
        if whole[at..].starts_with(from) {
            result.extend_from_slice(to);
            at += from.len();
        } else {
            result.push(whole[at]);
            at += 1;
        }
        if result.len() > LONGEST {
            return Value::Null;
        }
    }
    like(text, result)
}

fn padded(name: &[u8], text: &Value, wanted: usize, with: &[u8]) -> Value {
    let whole = text.bytes();
    if wanted > LONGEST || (with.is_empty() && whole.len() < wanted) {
        return Value::Null;
    }
    let padding = with.iter().cycle().take(wanted.saturating_sub(whole.len())).copied();
    let mut result: Vec<u8> = if name == b"lpad" {
        padding.chain(whole.iter().copied()).collect()
    } else {
        whole.iter().copied().chain(padding).collect()
    };
    result.truncate(wanted);
    like(text, result)
}

fn substring_index(text: &Value, mark: &[u8], wanted: i128) -> Value {
    let whole = text.bytes();
    if mark.is_empty() || wanted == 0 {
        return like(text, Vec::new());
    }
    let places: Vec<usize> = whole
        .windows(mark.len())
        .enumerate()
        .filter(|(_, window)| *window == mark)
        .map(|(at, _)| at)
        .collect();
    let number = usize::try_from(wanted.unsigned_abs()).unwrap_or(usize::MAX);
    if number > places.len() {
        return text.clone();
    }
    if wanted > 0 {
        return like(text, whole[..places[number - 1]].to_vec());
    }
    like(text, whole[places[places.len() - number] + mark.len()..].to_vec())
}

fn measuring(name: &[u8], values: &[Value]) -> Found {
    let known = [
        &b"length"[..],
        b"octet_length",
        b"char_length",
        b"character_length",
        b"bit_length",
        b"ascii",
        b"ord",
        b"isnull",
    ];
    if !known.contains(&name) {
        return None;
    }
    let [value] = values else { return Some(Err(SqlError::parameters(name))) };
    if name == b"isnull" {
        return Some(Ok(Value::of(value.is_null())));
    }
    if value.is_null() {
        return Some(Ok(Value::Null));
    }
    let text = value.bytes();
    let number = match name {
        b"length" | b"octet_length" => text.len() as i128,
        b"bit_length" => 8 * text.len() as i128,
        b"ascii" => text.first().map_or(0, |byte| i128::from(*byte)),
        b"ord" => {
            let first = &text[..place(&text, 1)];
            first.iter().take(4).fold(0, |all, byte| (all << 8) | i128::from(*byte))
        }
        _ => length(&text) as i128,
    };
    Some(Ok(Value::Integer(number)))
}

fn searching(name: &[u8], values: &[Value]) -> Found {
    const KNOWN: [&[u8]; 7] =
        [b"instr", b"locate", b"position", b"field", b"elt", b"find_in_set", b"strcmp"];
    const MADE: [&[u8]; 2] = [b"make_set", b"export_set"];
    if !KNOWN.contains(&name) && !MADE.contains(&name) {
        return None;
    }
    let find = |text: &Value, what: &Value, from: usize| {
        let (text, what) = (text.bytes().to_ascii_lowercase(), what.bytes().to_ascii_lowercase());
        let start = place(&text, from);
        let found = crate::http::find(&text[start..], &what)?;
        Some(1 + length(&text[..start + found]) as i128)
    };
    let null = values.iter().any(Value::is_null);
    Some(Ok(match (name, values) {
        (b"elt", [number, rest @ ..]) => {
            let at = usize::try_from(number.integer()).ok().and_then(|at| at.checked_sub(1));
            at.and_then(|at| rest.get(at)).cloned().unwrap_or(Value::Null)
        }
        (b"field", [wanted, rest @ ..]) => {
            let at = rest
                .iter()
                .position(|value| value.compare(wanted).is_some_and(std::cmp::Ordering::is_eq));
            Value::Integer(at.map_or(0, |at| at as i128 + 1))
        }
        (b"make_set", [bits, rest @ ..]) => {
            let bits = bits.integer();
            let chosen = rest
                .iter()
                .enumerate()
                .filter(|(at, value)| !value.is_null() && *at < 64 && bits >> at & 1 == 1);
            let chosen: Vec<Value> = chosen.map(|(_, value)| value.clone()).collect();
            joined(&chosen, b",")
        }
        _ if null => Value::Null,
        (b"instr", [text, what]) => Value::Integer(find(text, what, 0).unwrap_or(0)),
        (b"locate" | b"position", [what, text]) => Value::Integer(find(text, what, 0).unwrap_or(0)),
        (b"locate", [what, text, from]) => {
            let from = count(from).saturating_sub(1);
            Value::Integer(find(text, what, from).unwrap_or(0))
        }
        (b"find_in_set", [what, list]) => {
            let (what, list) = (what.bytes(), list.bytes());
            let at = list.split(|byte| *byte == b',').position(|part| part == what);
            Value::Integer(at.map_or(0, |at| at as i128 + 1))
        }
        (b"strcmp", [a, b]) => {
            let (a, b) = (Value::Text(a.bytes()), Value::Text(b.bytes()));
            Value::Integer(a.compare(&b).map_or(0, |order| order as i128))
        }
        _ => return Some(Err(SqlError::parameters(name))),
    }))
}

fn json(name: &[u8], values: &[Value]) -> Found {
    const KNOWN: [&[u8]; 9] = [
        b"json_quote",
        b"json_array",
        b"json_object",
        b"json_valid",
        b"json_keys",
        b"json_extract",
        b"json_length",
        b"json_unquote",
        b"json_type",
    ];
    if !KNOWN.contains(&name) {
        return None;
    }
    Some(Ok(match (name, values) {
        (b"json_quote", [value]) if !value.is_null() => Value::Text(json_text(value)),
        (b"json_unquote", [value]) => value.clone(),
        (b"json_array", _) => {
            let parts: Vec<Vec<u8>> = values.iter().map(json_text).collect();
            Value::Text([&b"["[..], &parts.join(&b", "[..]), b"]"].concat())
        }
        (b"json_object", _) => {
            let pairs = values.chunks_exact(2).map(|pair| {
                [json_text(&Value::Text(pair[0].bytes())), json_text(&pair[1])].join(&b": "[..])
            });
            let pairs: Vec<Vec<u8>> = pairs.collect();
            Value::Text([&b"{"[..], &pairs.join(&b", "[..]), b"}"].concat())
        }
        (b"json_valid", [value]) if !value.is_null() => {
            Value::of(serde_json::from_slice::<serde::de::IgnoredAny>(&value.bytes()).is_ok())
        }
        // MariaDB warns and gives NULL where the text is no JSON.
        _ => Value::Null,
    }))
}

/// A value as JSON.
pub(super) fn json_text(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => b"null".to_vec(),
        Value::Text(text) | Value::Bytes(text) => {
            let text = String::from_utf8_lossy(text);
            serde_json::to_vec(&text).unwrap_or_else(|_| b"\"\"".to_vec())
        }
        number => number.bytes(),
    }
}
