//! Strings: `t_string.c`, and the bits of `bitops.c` that are in use.

use super::{Answer, Call, Handler, span};
use crate::redis::reply::{LONGEST, Reply};
use crate::redis::store::Value;
use crate::redis::wire::integer;

pub(super) fn find(name: &str) -> Option<Handler> {
    Some(match name {
        "get" => get,
        "set" => set,
        "setnx" => set_if_new,
        "setex" => |call| set_for(call, 1_000),
        "psetex" => |call| set_for(call, 1),
        "getset" => get_and_set,
        "getdel" => get_and_delete,
        "getex" => get_and_expire,
        "append" => append,
        "strlen" => |call| {
            let length = call.text(call.word(1))?.map_or(0, <[u8]>::len);
            Ok(Reply::Integer(i64::try_from(length).unwrap_or(0)))
        },
        "getrange" | "substr" => range,
        "setrange" => set_range,
        "incr" => |call| add(call, Some(1)),
        "decr" => |call| add(call, Some(-1)),
        "incrby" => |call| {
            let by = call.number(2)?;
            add(call, Some(by))
        },
        "decrby" => |call| {
            let by = call.number(2)?.checked_neg();
            by.ok_or_else(|| Reply::error("ERR decrement would overflow"))?;
            add(call, by)
        },
        "incrbyfloat" => add_fraction,
        "mget" => get_many,
        "mset" => |call| set_many(call, false),
        "msetnx" => |call| set_many(call, true),
        "getbit" => get_bit,
        "setbit" => set_bit,
        "bitcount" => count_bits,
        _ => return None,
    })
}

fn bulk(text: Option<&[u8]>) -> Reply {
    text.map_or(Reply::Nil, |text| Reply::Bulk(text.to_vec()))
}

fn get(call: &mut Call<'_>) -> Answer {
    Ok(bulk(call.text(call.word(1))?))
}

/// A time to live in milliseconds from a number and its unit.
pub(super) fn expiry(
    call: &Call<'_>,
    place: usize,
    unit: i64,
    absolute: bool,
    command: &str,
) -> Result<i64, Reply> {
    let bad = || call.release.bad_expiry(command);
    let given = call.number(place)?;
    let millis = given.checked_mul(unit).filter(|_| given > 0).ok_or_else(bad)?;
    if absolute { Ok(millis) } else { millis.checked_add(call.now).ok_or_else(bad) }
}

fn set(call: &mut Call<'_>) -> Answer {
    let (mut expires, mut keep, mut only, mut get) = (None, false, None, false);
    let mut place = 3;
    while place < call.words.len() {
        let option = call.option(place);
        let newer = call.release.has("6.2.0");
        let more = place + 1 < call.words.len() && expires.is_none() && !keep;
        match option.as_str() {
            "nx" | "xx" if only.is_none() || only == Some(option == "nx") => {
                only = Some(option == "nx");
            }
            "get" if newer => get = true,
            "keepttl" if call.release.major() >= 6 && expires.is_none() => keep = true,
            "ex" if more => expires = Some((place, 1_000, false)),
            "px" if more => expires = Some((place, 1, false)),
            "exat" if more && newer => expires = Some((place, 1_000, true)),
            "pxat" if more && newer => expires = Some((place, 1, true)),
            _ => return Err(Reply::syntax()),
        }
        place += if expires.is_some_and(|(found, ..)| found == place) { 2 } else { 1 };
    }
    let key = call.word(1).to_vec();
    let expires = match expires {
        Some((place, unit, absolute)) => Some(expiry(call, place + 1, unit, absolute, "set")?),
        None => None,
    };
    let before = if get { Some(bulk(call.text(&key)?)) } else { None };
    let there = call.entry(&key);
    if only.is_some_and(|new| new == there.is_some()) {
        return Ok(before.unwrap_or(Reply::Nil));
    }
    let expires = if keep { there.and_then(|entry| entry.expires) } else { expires };
    if expires.is_some_and(|expires| expires <= call.now) {
        call.data().remove(&key);
    } else {
        call.put(&key, Value::Text(call.word(2).to_vec()), expires);
    }
    Ok(before.unwrap_or_else(Reply::ok))
}

fn set_if_new(call: &mut Call<'_>) -> Answer {
    let key = call.word(1).to_vec();
    let new = call.entry(&key).is_none();
    if new {
        call.put(&key, Value::Text(call.word(2).to_vec()), None);
    }
    Ok(Reply::flag(new))
}

fn set_for(call: &mut Call<'_>, unit: i64) -> Answer {
    let command = call.option(0);
    let expires = expiry(call, 2, unit, false, &command)?;
    let key = call.word(1).to_vec();
    call.put(&key, Value::Text(call.word(3).to_vec()), Some(expires));
    Ok(Reply::ok())
}

fn get_and_set(call: &mut Call<'_>) -> Answer {
    let key = call.word(1).to_vec();
    let before = bulk(call.text(&key)?);
    call.put(&key, Value::Text(call.word(2).to_vec()), None);
    Ok(before)
}

fn get_and_delete(call: &mut Call<'_>) -> Answer {
    let key = call.word(1).to_vec();
    let before = bulk(call.text(&key)?);
    call.data().remove(&key);
    Ok(before)
}

fn get_and_expire(call: &mut Call<'_>) -> Answer {
    let key = call.word(1).to_vec();
    let expires = match (call.words.len(), call.option(2).as_str()) {
        (2, _) => None,
        (3, "persist") => Some(None),
        (4, "ex") => Some(Some(expiry(call, 3, 1_000, false, "getex")?)),
        (4, "px") => Some(Some(expiry(call, 3, 1, false, "getex")?)),
        (4, "exat") => Some(Some(expiry(call, 3, 1_000, true, "getex")?)),
        (4, "pxat") => Some(Some(expiry(call, 3, 1, true, "getex")?)),
        _ => return Err(Reply::syntax()),
    };
    let text = bulk(call.text(&key)?);
    if let (Some(expires), Some(entry)) = (expires, call.data().get_mut(&key)) {
        entry.expires = expires;
    }
    Ok(text)
}

fn append(call: &mut Call<'_>) -> Answer {
    let key = call.word(1).to_vec();
    let (mut text, expires) = call.text_to_change(&key)?;
    text.extend_from_slice(call.word(2));
    let length = text.len();
    call.put(&key, Value::Text(text), expires);
    Ok(Reply::Integer(i64::try_from(length).unwrap_or(0)))
}

fn range(call: &mut Call<'_>) -> Answer {
    let (from, to) = (call.number(2)?, call.number(3)?);
    let text = call.text(call.word(1))?.unwrap_or_default();
    let found = if from < 0 && to < 0 && from > to {
        None
    } else {
        span(from, to.max(-(1 << 40)), text.len())
    };
    Ok(Reply::Bulk(found.map_or(Vec::new(), |(from, to)| text[from..=to].to_vec())))
}

fn set_range(call: &mut Call<'_>) -> Answer {
    let offset = call.number(2)?;
    let offset = usize::try_from(offset).map_err(|_| Reply::error("ERR offset is out of range"))?;
    let key = call.word(1).to_vec();
    let value = call.word(3).to_vec();
    let (mut text, expires) = call.text_to_change(&key)?;
    let end = offset.saturating_add(value.len());
    if end > 512 << 20 {
        return Err(Reply::error("ERR string exceeds maximum allowed size (proto-max-bulk-len)"));
    }
    if value.is_empty() {
        return Ok(Reply::Integer(i64::try_from(text.len()).unwrap_or(0)));
    }
    call.room(end.saturating_sub(text.len()))?;
    if text.len() < end {
        text.resize(end, 0);
    }
    text[offset..end].copy_from_slice(&value);
    let length = text.len();
    call.put(&key, Value::Text(text), expires);
    Ok(Reply::Integer(i64::try_from(length).unwrap_or(0)))
}

fn add(call: &mut Call<'_>, by: Option<i64>) -> Answer {
    let key = call.word(1).to_vec();
    let (text, expires) = call.text_to_change(&key)?;
    let before =
        if text.is_empty() && call.entry(&key).is_none() { Some(0) } else { integer(&text) };
    let before = before.ok_or_else(Reply::not_integer)?;
    let after = before
        .checked_add(by.unwrap_or(0))
        .ok_or_else(|| Reply::error("ERR increment or decrement would overflow"))?;
    call.put(&key, Value::Text(after.to_string().into_bytes()), expires);
    Ok(Reply::Integer(after))
}

/// A number with a fraction, as `strtold` reads it.
pub(super) fn fraction(text: &[u8]) -> Result<f64, Reply> {
    let bad = || Reply::error("ERR value is not a valid float");
    let text = std::str::from_utf8(text).map_err(|_| bad())?;
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(bad());
    }
    text.parse::<f64>().ok().filter(|number| !number.is_nan()).ok_or_else(bad)
}

/// A number with at most seventeen places and no zeros behind them.
pub(super) fn plain(number: f64) -> String {
    let text = format!("{number:.17}");
    // What a double does not hold is not shown: the server computes in more.
    let short = format!("{number}");
    if short.len() < text.len() && !short.contains('e') {
        short
    } else {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

fn add_fraction(call: &mut Call<'_>) -> Answer {
    let key = call.word(1).to_vec();
    let (text, expires) = call.text_to_change(&key)?;
    let before = if call.entry(&key).is_none() { 0.0 } else { fraction(&text)? };
    let after = before + fraction(call.word(2))?;
    if !after.is_finite() {
        return Err(Reply::error("ERR increment would produce NaN or Infinity"));
    }
    let text = plain(after);
    call.put(&key, Value::Text(text.clone().into_bytes()), expires);
    Ok(Reply::Bulk(text.into_bytes()))
}

fn get_many(call: &mut Call<'_>) -> Answer {
    let mut found = Vec::new();
    let mut length = 0;
    for key in &call.words[1..] {
        let text = call.text(key).unwrap_or(None);
        length += text.map_or(0, <[u8]>::len);
        if length > LONGEST {
            return Err(Reply::full());
        }
        found.push(bulk(text));
    }
    Ok(Reply::Array(found))
}

fn set_many(call: &mut Call<'_>, only_new: bool) -> Answer {
    let name = if only_new { "msetnx" } else { "mset" };
    let pairs: Vec<Vec<Vec<u8>>> = call.words[1..].chunks(2).map(<[Vec<u8>]>::to_vec).collect();
    if pairs.iter().any(|pair| pair.len() < 2) {
        return Err(if call.release.major() >= 7 {
            super::super::release::Release::wrong_arguments(name)
        } else {
            Reply::error("ERR wrong number of arguments for MSET")
        });
    }
    if only_new && pairs.iter().any(|pair| call.entry(&pair[0]).is_some()) {
        return Ok(Reply::Integer(0));
    }
    for pair in pairs {
        call.put(&pair[0], Value::Text(pair[1].clone()), None);
    }
    Ok(if only_new { Reply::Integer(1) } else { Reply::ok() })
}

fn bit_offset(call: &Call<'_>) -> Result<usize, Reply> {
    let bad = || Reply::error("ERR bit offset is not an integer or out of range");
    let offset = integer(call.word(2)).ok_or_else(bad)?;
    usize::try_from(offset).ok().filter(|offset| offset / 8 < 512 << 20).ok_or_else(bad)
}

fn get_bit(call: &mut Call<'_>) -> Answer {
    let offset = bit_offset(call)?;
    let byte = call.text(call.word(1))?.and_then(|text| text.get(offset / 8)).copied().unwrap_or(0);
    Ok(Reply::Integer(i64::from(byte >> (7 - offset % 8) & 1)))
}

fn set_bit(call: &mut Call<'_>) -> Answer {
    let offset = bit_offset(call)?;
    let bit = match call.word(3) {
        b"0" => 0,
        b"1" => 1_u8,
        _ => return Err(Reply::error("ERR bit is not an integer or out of range")),
    };
    let key = call.word(1).to_vec();
    let (mut text, expires) = call.text_to_change(&key)?;
    call.room((offset / 8 + 1).saturating_sub(text.len()))?;
    if text.len() <= offset / 8 {
        text.resize(offset / 8 + 1, 0);
    }
    let shift = 7 - offset % 8;
    let before = text[offset / 8] >> shift & 1;
    text[offset / 8] = text[offset / 8] & !(1 << shift) | bit << shift;
    call.put(&key, Value::Text(text), expires);
    Ok(Reply::Integer(i64::from(before)))
}

fn count_bits(call: &mut Call<'_>) -> Answer {
    let text = call.text(call.word(1))?.unwrap_or_default();
    let bits = match call.words.len() {
        2 => Some((0, text.len().saturating_sub(1))),
        4 => span(call.number(2)?, call.number(3)?, text.len()),
        _ => return Err(Reply::syntax()),
    };
    let text = bits.and_then(|(from, to)| text.get(from..=to)).unwrap_or_default();
    Ok(Reply::Integer(text.iter().map(|byte| i64::from(byte.count_ones())).sum()))
}
