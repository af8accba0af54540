//! Sets: `t_set.c`.

use std::collections::BTreeSet;

use super::{
    Answer, Call, Handler, MOST_PICKED, cursor, matches, scan_options, scanned, scattered,
};
use crate::redis::reply::{LONGEST, Reply};
use crate::redis::store::Value;
use crate::redis::wire::integer;

type Members = BTreeSet<Vec<u8>>;

pub(super) fn find(name: &str) -> Option<Handler> {
    Some(match name {
        "sadd" => add,
        "srem" => remove,
        "scard" => |call| {
            let length = call.set(call.word(1))?.map_or(0, BTreeSet::len);
            Ok(Reply::Integer(i64::try_from(length).unwrap_or(0)))
        },
        "sismember" => |call| {
            let there = call.set(call.word(1))?.is_some_and(|set| set.contains(call.word(2)));
            Ok(Reply::flag(there))
        },
        "smismember" => |call| {
            let set = call.set(call.word(1))?;
            let there = |word: &Vec<u8>| Reply::flag(set.is_some_and(|set| set.contains(word)));
            Ok(Reply::Array(call.words[2..].iter().map(there).collect()))
        },
        "smembers" => |call| Ok(shown(&call.set(call.word(1))?.cloned().unwrap_or_default())),
        "smove" => move_to,
        "spop" => pop,
        "srandmember" => random,
        "sscan" => scan,
        "sinter" => |call| Ok(shown(&combined(call, 1, "inter")?)),
        "sunion" => |call| Ok(shown(&combined(call, 1, "union")?)),
        "sdiff" => |call| Ok(shown(&combined(call, 1, "diff")?)),
        "sinterstore" => |call| store(call, "inter"),
        "sunionstore" => |call| store(call, "union"),
        "sdiffstore" => |call| store(call, "diff"),
        _ => return None,
    })
}

/// Members in the order in which a set of numbers, or a hash table, holds them.
fn order(set: &Members) -> Vec<&Vec<u8>> {
    if set.iter().all(|member| integer(member).is_some()) {
        let mut numbers: Vec<&Vec<u8>> = set.iter().collect();
        numbers.sort_by_key(|member| integer(member));
        return numbers;
    }
    scattered(set.iter())
}

fn shown(set: &Members) -> Reply {
    Reply::Set(order(set).into_iter().map(|member| Reply::Bulk(member.clone())).collect())
}

fn with<T>(
    call: &mut Call<'_>,
    key: &[u8],
    act: impl FnOnce(&mut Members) -> T,
) -> Result<Option<T>, Reply> {
    if call.set(key)?.is_none() {
        return Ok(None);
    }
    let Value::Set(set) = call.change(key, Value::Set(Members::new())) else { return Ok(None) };
    let given = act(set);
    call.tidy(key);
    Ok(Some(given))
}

fn add(call: &mut Call<'_>) -> Answer {
    let key = call.word(1).to_vec();
    call.set(&key)?;
    let words = call.words;
    let Value::Set(set) = call.change(&key, Value::Set(Members::new())) else {
        return Err(Reply::wrong_type());
    };
    let added = words[2..].iter().filter(|word| set.insert((*word).clone())).count();
    Ok(Reply::Integer(i64::try_from(added).unwrap_or(0)))
}

fn remove(call: &mut Call<'_>) -> Answer {
    let (key, words) = (call.word(1).to_vec(), call.words);
    let gone = with(call, &key, |set| {
        words[2..].iter().filter(|word| set.remove(word.as_slice())).count()
    })?;
    Ok(Reply::Integer(i64::try_from(gone.unwrap_or(0)).unwrap_or(0)))
}

fn move_to(call: &mut Call<'_>) -> Answer {
    let (from, to, word) = (call.word(1).to_vec(), call.word(2).to_vec(), call.word(3).to_vec());
    if call.set(&from)?.is_none() {
        return Ok(Reply::Integer(0));
    }
    call.set(&to)?;
    if !with(call, &from, |set| set.remove(&word))?.unwrap_or(false) {
        return Ok(Reply::Integer(0));
    }
    if let Value::Set(set) = call.change(&to, Value::Set(Members::new())) {
        set.insert(word);
    }
    Ok(Reply::Integer(1))
}

fn pop(call: &mut Call<'_>) -> Answer {
    let key = call.word(1).to_vec();
    if call.words.len() > 3 {
        return Err(Reply::syntax());
    }
    let most = if call.words.len() == 3 { Some(positive(call, 2)?) } else { None };
    let mut taken = Vec::new();
    while taken.len() < most.unwrap_or(1) {
        let Some(set) = call.set(&key)? else { break };
        let place = call.pick(taken.len() as u64, set.len());
        let Some(member) = set.iter().nth(place).cloned() else { break };
        with(call, &key, |set| set.remove(&member))?;
        taken.push(Reply::Bulk(member));
    }
    Ok(match most {
        Some(_) => Reply::Set(taken),
        None => taken.pop().unwrap_or(Reply::Nil),
    })
}

fn positive(call: &Call<'_>, place: usize) -> Result<usize, Reply> {
    let bad = || {
        let text = if call.release.major() >= 7 {
            "ERR value is out of range, must be positive"
        } else {
            "ERR index out of range"
        };
        Reply::error(text)
    };
    if call.release.major() >= 7 {
        return integer(call.word(place))
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(bad);
    }
    usize::try_from(call.number(place)?).map_err(|_| bad())
}

fn random(call: &mut Call<'_>) -> Answer {
    if call.words.len() > 3 {
        return Err(Reply::syntax());
    }
    let wanted = if call.words.len() == 3 { Some(call.number(2)?) } else { None };
    let Some(set) = call.set(call.word(1))? else {
        return Ok(if wanted.is_some() { Reply::Array(Vec::new()) } else { Reply::Nil });
    };
    let members = order(set);
    let first = call.pick(0, members.len());
    Ok(match wanted {
        None => members.get(first).map_or(Reply::Nil, |member| Reply::Bulk((*member).clone())),
        Some(count) if count >= 0 => {
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(members.len());
            Reply::bulks(members.iter().cycle().skip(first).take(count).copied())
        }
        Some(count) => {
            let count = count.unsigned_abs().min(MOST_PICKED.unsigned_abs());
            let picked = (0..count).filter_map(|turn| members.get(call.pick(turn, members.len())));
            let mut length = 0;
            Reply::bulks(picked.copied().take_while(|member| {
                length += member.len();
                length < LONGEST
            }))
        }
    })
}

fn scan(call: &mut Call<'_>) -> Answer {
    cursor(call, 2)?;
    let (pattern, _) = scan_options(call, 3)?;
    let set = call.set(call.word(1))?.cloned().unwrap_or_default();
    let wanted = order(&set)
        .into_iter()
        .filter(|member| pattern.as_ref().is_none_or(|pattern| matches(pattern, member)));
    Ok(scanned(wanted.map(|member| Reply::Bulk(member.clone())).collect()))
}

fn combined(call: &Call<'_>, first: usize, how: &str) -> Result<Members, Reply> {
    let sets = call.words[first..].iter().map(|key| call.set(key));
    let sets: Vec<Option<&Members>> = sets.collect::<Result<_, Reply>>()?;
    let mut rest = sets.into_iter().map(|set| set.cloned().unwrap_or_default());
    let mut result = rest.next().unwrap_or_default();
    for set in rest {
        match how {
            "inter" => result.retain(|member| set.contains(member)),
            "diff" => result.retain(|member| !set.contains(member)),
            _ => result.extend(set),
        }
    }
    Ok(result)
}

fn store(call: &mut Call<'_>, how: &str) -> Answer {
    let result = combined(call, 2, how)?;
    let (key, length) = (call.word(1).to_vec(), result.len());
    call.room(Value::Set(result.clone()).cost())?;
    if result.is_empty() {
        call.data().remove(&key);
    } else {
        call.put(&key, Value::Set(result), None);
    }
    Ok(Reply::Integer(i64::try_from(length).unwrap_or(0)))
}
