//! Times to live: `expire.c`.

use super::{Answer, Call, Handler};
use crate::redis::reply::Reply;

pub(super) fn find(name: &str) -> Option<Handler> {
    Some(match name {
        "expire" => |call| expire(call, 1_000, false),
        "pexpire" => |call| expire(call, 1, false),
        "expireat" => |call| expire(call, 1_000, true),
        "pexpireat" => |call| expire(call, 1, true),
        "ttl" => |call| Ok(left(call, 1_000)),
        "pttl" => |call| Ok(left(call, 1)),
        "persist" => persist,
        _ => return None,
    })
}

fn expire(call: &mut Call<'_>, unit: i64, absolute: bool) -> Answer {
    let command = call.option(0);
    let given = call.number(2)?;
    let since = if absolute { 0 } else { call.now };
    let expires = given
        .checked_mul(unit)
        .and_then(|millis| millis.checked_add(since))
        .ok_or_else(|| call.release.bad_expiry(&command))?;
    let key = call.word(1).to_vec();
    let before = call.entry(&key).map(|entry| entry.expires);
    for place in 3..call.words.len() {
        let option = call.option(place);
        if call.release.major() < 7 || !matches!(option.as_str(), "nx" | "xx" | "gt" | "lt") {
            let word = String::from_utf8_lossy(call.word(place)).into_owned();
            return Err(if call.release.major() < 7 {
                super::super::release::Release::wrong_arguments(&command)
            } else {
                Reply::Error(format!("ERR Unsupported option {word}"))
            });
        }
        let refused = match (option.as_str(), before.flatten()) {
            ("nx", found) => found.is_some(),
            ("xx", found) => found.is_none(),
            ("gt", Some(found)) => expires <= found,
            ("lt", Some(found)) => expires >= found,
            ("gt", None) => true,
            _ => false,
        };
        if refused {
            return Ok(Reply::Integer(0));
        }
    }
    let now = call.now;
    match call.data().get_mut(&key) {
        None => return Ok(Reply::Integer(0)),
        Some(entry) if expires > now => entry.expires = Some(expires),
        Some(_) => drop(call.data().remove(&key)),
    }
    Ok(Reply::Integer(1))
}

fn left(call: &Call<'_>, unit: i64) -> Reply {
    Reply::Integer(match call.entry(call.word(1)).map(|entry| entry.expires) {
        None => -2,
        Some(None) => -1,
        Some(Some(expires)) => ((expires - call.now).max(0) + unit / 2) / unit,
    })
}

fn persist(call: &mut Call<'_>) -> Answer {
    let key = call.word(1).to_vec();
    let taken = call.data().get_mut(&key).and_then(|entry| entry.expires.take());
    Ok(Reply::flag(taken.is_some()))
}
