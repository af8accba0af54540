//! Lists: `t_list.c`. A command that would wait is answered here as if the list had nothing; the session waits.

use std::collections::VecDeque;

use super::{Answer, Call, Handler, span};
use crate::redis::reply::Reply;
use crate::redis::store::Value;

pub(super) fn find(name: &str) -> Option<Handler> {
    Some(match name {
        "lpush" => |call| push(call, true, true),
        "rpush" => |call| push(call, false, true),
        "lpushx" => |call| push(call, true, false),
        "rpushx" => |call| push(call, false, false),
        "lpop" => |call| pop(call, true),
        "rpop" => |call| pop(call, false),
        "blpop" => |call| pop_first(call, true),
        "brpop" => |call| pop_first(call, false),
        "llen" => |call| {
            let length = call.list(call.word(1))?.map_or(0, VecDeque::len);
            Ok(Reply::Integer(i64::try_from(length).unwrap_or(0)))
        },
        "lrange" => range,
        "lindex" => index,
        "lset" => set,
        "lrem" => remove,
        "ltrim" => trim,
        "linsert" => insert,
        "lpos" => position,
        "rpoplpush" | "brpoplpush" => |call| shift(call, false, true),
        "lmove" => |call| {
            let (from, to) = (call.option(3), call.option(4));
            let side = |word: &str| match word {
                "left" => Ok(true),
                "right" => Ok(false),
                _ => Err(Reply::syntax()),
            };
            let (from, to) = (side(&from)?, side(&to)?);
            shift(call, from, to)
        },
        _ => return None,
    })
}

fn count(number: usize) -> Reply {
    Reply::Integer(i64::try_from(number).unwrap_or(0))
}

/// Lets `act` change a list that is there.
fn with<T>(
    call: &mut Call<'_>,
    key: &[u8],
    act: impl FnOnce(&mut VecDeque<Vec<u8>>) -> T,
) -> Result<Option<T>, Reply> {
    if call.list(key)?.is_none() {
        return Ok(None);
    }
    let Value::List(list) = call.change(key, Value::List(VecDeque::new())) else { return Ok(None) };
    let given = act(list);
    call.tidy(key);
    Ok(Some(given))
}

fn push(call: &mut Call<'_>, left: bool, make: bool) -> Answer {
    let key = call.word(1).to_vec();
    if call.list(&key)?.is_none() && !make {
        return Ok(Reply::Integer(0));
    }
    let words = call.words;
    let Value::List(list) = call.change(&key, Value::List(VecDeque::new())) else {
        return Err(Reply::wrong_type());
    };
    for word in &words[2..] {
        if left {
            list.push_front(word.clone());
        } else {
            list.push_back(word.clone());
        }
    }
    Ok(count(list.len()))
}

fn take(list: &mut VecDeque<Vec<u8>>, left: bool) -> Option<Vec<u8>> {
    if left { list.pop_front() } else { list.pop_back() }
}

fn pop(call: &mut Call<'_>, left: bool) -> Answer {
    let key = call.word(1).to_vec();
    if call.words.len() == 2 {
        let word = with(call, &key, |list| take(list, left))?.flatten();
        return Ok(word.map_or(Reply::Nil, Reply::Bulk));
    }
    let command = call.option(0);
    if call.words.len() > 3 || !call.release.has("6.2.0") {
        return Err(super::super::release::Release::wrong_arguments(&command));
    }
    let most = call.number(2)?;
    let most = usize::try_from(most)
        .map_err(|_| Reply::error("ERR value is out of range, must be positive"))?;
    let taken = with(call, &key, |list| {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(word) = take(list, left) else { break };
            taken.push(Reply::Bulk(word));
        }
        taken
    })?;
    Ok(taken.map_or(Reply::NilArray, Reply::Array))
}

/// Takes from the first list that holds anything.
fn pop_first(call: &mut Call<'_>, left: bool) -> Answer {
    timeout(call, call.words.len() - 1)?;
    let words = call.words;
    for key in &words[1..words.len() - 1] {
        if let Some(word) = with(call, key, |list| take(list, left))?.flatten() {
            return Ok(Reply::Array(vec![Reply::Bulk(key.clone()), Reply::Bulk(word)]));
        }
    }
    Ok(Reply::NilArray)
}

/// Seconds at this word for which a command waits.
pub(in crate::redis) fn timeout(call: &Call<'_>, place: usize) -> Result<f64, Reply> {
    let bad = || {
        let text = if call.release.major() >= 6 {
            "ERR timeout is not a float or out of range"
        } else {
            "ERR timeout is not an integer or out of range"
        };
        Reply::error(text)
    };
    let text = String::from_utf8_lossy(call.word(place)).into_owned();
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite()).ok_or_else(bad)?;
    if call.release.major() < 6 && seconds.fract() != 0.0 {
        return Err(bad());
    }
    if seconds < 0.0 { Err(Reply::error("ERR timeout is negative")) } else { Ok(seconds) }
}

fn range(call: &mut Call<'_>) -> Answer {
    let (from, to) = (call.number(2)?, call.number(3)?);
    let Some(list) = call.list(call.word(1))? else { return Ok(Reply::Array(Vec::new())) };
    let found = span(from, to, list.len());
    Ok(found.map_or(Reply::Array(Vec::new()), |(from, to)| Reply::bulks(list.range(from..=to))))
}

/// The place that an index means, where it is inside.
fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if index < 0 { length.checked_add(index)? } else { index };
    usize::try_from(place).ok().filter(|_| place < length)
}

fn index(call: &mut Call<'_>) -> Answer {
    let index = call.number(2)?;
    let Some(list) = call.list(call.word(1))? else { return Ok(Reply::Nil) };
    let word = place(index, list.len()).and_then(|place| list.get(place));
    Ok(word.map_or(Reply::Nil, |word| Reply::Bulk(word.clone())))
}

fn set(call: &mut Call<'_>) -> Answer {
    let key = call.word(1).to_vec();
    let Some(list) = call.list(&key)? else { return Err(Reply::error("ERR no such key")) };
    let place =
        place(call.number(2)?, list.len()).ok_or_else(|| Reply::error("ERR index out of range"))?;
    let word = call.word(3).to_vec();
    with(call, &key, |list| list[place] = word)?;
    Ok(Reply::ok())
}

fn remove(call: &mut Call<'_>) -> Answer {
    let (key, wanted, most) = (call.word(1).to_vec(), call.word(3).to_vec(), call.number(2)?);
    let removed = with(call, &key, |list| {
        let mut left = if most == 0 { u64::MAX } else { most.unsigned_abs() };
        let before = list.len();
        let mut keep = |word: &Vec<u8>| {
            let goes = *word == wanted && left > 0;
            left -= u64::from(goes);
            !goes
        };
        if most < 0 {
            let mut words: Vec<Vec<u8>> = list.drain(..).rev().filter(|word| keep(word)).collect();
            words.reverse();
            *list = words.into();
        } else {
            list.retain(|word| keep(word));
        }
        before - list.len()
    })?;
    Ok(count(removed.unwrap_or(0)))
}

fn trim(call: &mut Call<'_>) -> Answer {
    let (key, from, to) = (call.word(1).to_vec(), call.number(2)?, call.number(3)?);
    with(call, &key, |list| match span(from, to, list.len()) {
        None => list.clear(),
        Some((from, to)) => {
            list.truncate(to + 1);
            list.drain(..from);
        }
    })?;
    Ok(Reply::ok())
}

fn insert(call: &mut Call<'_>) -> Answer {
    let after = match call.option(2).as_str() {
        "after" => 1,
        "before" => 0,
        _ => return Err(Reply::syntax()),
    };
    let (key, pivot, word) = (call.word(1).to_vec(), call.word(3).to_vec(), call.word(4).to_vec());
    let length = with(call, &key, |list| {
        let place = list.iter().position(|item| *item == pivot)?;
        list.insert(place + after, word);
        Some(list.len())
    })?;
    Ok(match length {
        None => Reply::Integer(0),
        Some(None) => Reply::Integer(-1),
        Some(Some(length)) => count(length),
    })
}

fn position(call: &mut Call<'_>) -> Answer {
    let (mut rank, mut most, mut option) = (1, None, 3);
    while option < call.words.len() {
        let name = call.option(option);
        if option + 1 >= call.words.len() {
            return Err(Reply::syntax());
        }
        let number = call.number(option + 1)?;
        match name.as_str() {
            "rank" if number == 0 => {
                return Err(Reply::error(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
                ));
            }
            "count" if number < 0 => return Err(Reply::error("ERR COUNT can't be negative")),
            "maxlen" if number < 0 => return Err(Reply::error("ERR MAXLEN can't be negative")),
            "rank" => rank = number,
            "count" => most = Some(usize::try_from(number).unwrap_or(0)),
            "maxlen" => {}
            _ => return Err(Reply::syntax()),
        }
        option += 2;
    }
    let wanted = call.word(2);
    let Some(list) = call.list(call.word(1))? else {
        return Ok(if most.is_some() { Reply::Array(Vec::new()) } else { Reply::Nil });
    };
    let skip = usize::try_from(rank.unsigned_abs() - 1).unwrap_or(usize::MAX);
    let mut found: Vec<usize> = list
        .iter()
        .enumerate()
        .filter(|(_, word)| *word == wanted)
        .map(|(place, _)| place)
        .collect();
    if rank < 0 {
        found.reverse();
    }
    let mut found = found.into_iter().skip(skip);
    Ok(match most {
        None => found.next().map_or(Reply::Nil, count),
        Some(0) => Reply::Array(found.map(count).collect()),
        Some(most) => Reply::Array(found.take(most).map(count).collect()),
    })
}

fn shift(call: &mut Call<'_>, from_left: bool, to_left: bool) -> Answer {
    let (from, to) = (call.word(1).to_vec(), call.word(2).to_vec());
    if call.list(&from)?.is_none() {
        return Ok(Reply::Nil);
    }
    call.list(&to)?;
    let Some(word) = with(call, &from, |list| take(list, from_left))?.flatten() else {
        return Ok(Reply::Nil);
    };
    if let Value::List(list) = call.change(&to, Value::List(VecDeque::new())) {
        if to_left {
            list.push_front(word.clone());
        } else {
            list.push_back(word.clone());
        }
    }
    Ok(Reply::Bulk(word))
}
