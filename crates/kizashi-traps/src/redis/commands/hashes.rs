//! Hashes: `t_hash.c`.

use super::{Answer, Call, Fields, Handler, cursor, matches, scan_options, scanned};
use crate::redis::release::Release;
use crate::redis::reply::{LONGEST, Reply};
use crate::redis::store::Value;
use crate::redis::wire::integer;

pub(super) fn find(name: &str) -> Option<Handler> {
    Some(match name {
        "hset" => |call| set(call, false),
        "hmset" => |call| set(call, true),
        "hsetnx" => set_if_new,
        "hget" => |call| {
            Ok(value(call, call.word(2))?.map_or(Reply::Nil, |value| Reply::Bulk(value.to_vec())))
        },
        "hmget" => get_many,
        "hgetall" => |call| {
            let pair = |(name, value): &(Vec<u8>, Vec<u8>)| {
                (Reply::Bulk(name.clone()), Reply::Bulk(value.clone()))
            };
            Ok(Reply::Map(call.hash(call.word(1))?.into_iter().flatten().map(pair).collect()))
        },
        "hkeys" => |call| {
            Ok(Reply::bulks(call.hash(call.word(1))?.into_iter().flatten().map(|(name, _)| name)))
        },
        "hvals" => |call| {
            Ok(Reply::bulks(call.hash(call.word(1))?.into_iter().flatten().map(|(_, value)| value)))
        },
        "hlen" => |call| {
            let length = call.hash(call.word(1))?.map_or(0, Vec::len);
            Ok(Reply::Integer(i64::try_from(length).unwrap_or(0)))
        },
        "hexists" => |call| Ok(Reply::flag(value(call, call.word(2))?.is_some())),
        "hstrlen" => |call| {
            let length = value(call, call.word(2))?.map_or(0, <[u8]>::len);
            Ok(Reply::Integer(i64::try_from(length).unwrap_or(0)))
        },
        "hdel" => delete,
        "hincrby" => add,
        "hscan" => scan,
        _ => return None,
    })
}

fn value<'a>(call: &'a Call<'_>, name: &[u8]) -> Result<Option<&'a [u8]>, Reply> {
    let hash = call.hash(call.word(1))?;
    let found = hash.and_then(|hash| hash.iter().find(|(field, _)| field == name));
    Ok(found.map(|(_, value)| value.as_slice()))
}

/// Writes a field; whether it is new.
fn write(hash: &mut Fields, name: &[u8], value: &[u8]) -> bool {
    if let Some(found) = hash.iter_mut().find(|(field, _)| field == name) {
        found.1 = value.to_vec();
        return false;
    }
    hash.push((name.to_vec(), value.to_vec()));
    true
}

fn set(call: &mut Call<'_>, old: bool) -> Answer {
    if call.words.len() % 2 == 1 {
        return Err(Release::wrong_arguments(if old { "hmset" } else { "hset" }));
    }
    let (key, words) = (call.word(1).to_vec(), call.words);
    call.hash(&key)?;
    let Value::Hash(hash) = call.change(&key, Value::Hash(Vec::new())) else {
        return Err(Reply::wrong_type());
    };
    let new = words[2..].chunks(2).filter(|pair| write(hash, &pair[0], &pair[1])).count();
    Ok(if old { Reply::ok() } else { Reply::Integer(i64::try_from(new).unwrap_or(0)) })
}

fn set_if_new(call: &mut Call<'_>) -> Answer {
    if value(call, call.word(2))?.is_some() {
        return Ok(Reply::Integer(0));
    }
    let (key, name, text) = (call.word(1).to_vec(), call.word(2).to_vec(), call.word(3).to_vec());
    if let Value::Hash(hash) = call.change(&key, Value::Hash(Vec::new())) {
        write(hash, &name, &text);
    }
    Ok(Reply::Integer(1))
}

fn get_many(call: &mut Call<'_>) -> Answer {
    let mut found = Vec::new();
    let mut length = 0;
    for name in &call.words[2..] {
        let text = value(call, name)?;
        length += text.map_or(0, <[u8]>::len);
        if length > LONGEST {
            return Err(Reply::full());
        }
        found.push(text.map_or(Reply::Nil, |text| Reply::Bulk(text.to_vec())));
    }
    Ok(Reply::Array(found))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let (key, words) = (call.word(1).to_vec(), call.words);
    if call.hash(&key)?.is_none() {
        return Ok(Reply::Integer(0));
    }
    let Value::Hash(hash) = call.change(&key, Value::Hash(Vec::new())) else {
        return Err(Reply::wrong_type());
    };
    let before = hash.len();
    hash.retain(|(name, _)| !words[2..].contains(name));
    let gone = before - hash.len();
    call.tidy(&key);
    Ok(Reply::Integer(i64::try_from(gone).unwrap_or(0)))
}

fn add(call: &mut Call<'_>) -> Answer {
    let by = call.number(3)?;
    let before = match value(call, call.word(2))? {
        None => 0,
        Some(text) => {
            integer(text).ok_or_else(|| Reply::error("ERR hash value is not an integer"))?
        }
    };
    let after = before
        .checked_add(by)
        .ok_or_else(|| Reply::error("ERR increment or decrement would overflow"))?;
    let (key, name) = (call.word(1).to_vec(), call.word(2).to_vec());
    if let Value::Hash(hash) = call.change(&key, Value::Hash(Vec::new())) {
        write(hash, &name, after.to_string().as_bytes());
    }
    Ok(Reply::Integer(after))
}

fn scan(call: &mut Call<'_>) -> Answer {
    cursor(call, 2)?;
    let (pattern, _) = scan_options(call, 3)?;
    let fields = call.hash(call.word(1))?.into_iter().flatten();
    let wanted =
        fields.filter(|(name, _)| pattern.as_ref().is_none_or(|pattern| matches(pattern, name)));
    let both = |(name, value): &(Vec<u8>, Vec<u8>)| {
        [Reply::Bulk(name.clone()), Reply::Bulk(value.clone())]
    };
    Ok(scanned(wanted.flat_map(both).collect()))
}
