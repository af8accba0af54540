//! Sorted sets: `t_zset.c`.

use std::collections::BTreeMap;

use super::strings::fraction;
use super::{Answer, Call, Handler, cursor, matches, scan_options, scanned, span};
use crate::redis::reply::{Reply, score};
use crate::redis::store::Value;

type Members = BTreeMap<Vec<u8>, f64>;

pub(super) fn find(name: &str) -> Option<Handler> {
    Some(match name {
        "zadd" => add,
        "zincrby" => |call| {
            let by = fraction(call.word(2))?;
            let (key, member) = (call.word(1).to_vec(), call.word(3).to_vec());
            let before =
                call.sorted(&key)?.and_then(|set| set.get(&member)).copied().unwrap_or(0.0);
            write(call, &key, &member, before + by)?;
            Ok(Reply::Double(before + by))
        },
        "zrem" => remove,
        "zcard" => |call| {
            let length = call.sorted(call.word(1))?.map_or(0, BTreeMap::len);
            Ok(Reply::Integer(i64::try_from(length).unwrap_or(0)))
        },
        "zscore" => |call| {
            let found = call.sorted(call.word(1))?.and_then(|set| set.get(call.word(2)));
            Ok(found.map_or(Reply::Nil, |score| Reply::Double(*score)))
        },
        "zmscore" => |call| {
            let set = call.sorted(call.word(1))?;
            let of = |word: &Vec<u8>| {
                set.and_then(|set| set.get(word)).map_or(Reply::Nil, |score| Reply::Double(*score))
            };
            Ok(Reply::Array(call.words[2..].iter().map(of).collect()))
        },
        "zrank" => |call| rank(call, false),
        "zrevrank" => |call| rank(call, true),
        "zrange" => range,
        "zrevrange" => |call| {
            let with_scores = with_scores_at(call, 4)?;
            by_place(call, true, with_scores)
        },
        "zrangebyscore" => |call| by_score(call, false, 4),
        "zrevrangebyscore" => |call| by_score(call, true, 4),
        "zcount" => |call| {
            let (low, high) = (bound(call.word(2))?, bound(call.word(3))?);
            let set = call.sorted(call.word(1))?;
            let inside = set.into_iter().flatten().filter(|(_, score)| within(**score, low, high));
            Ok(Reply::Integer(i64::try_from(inside.count()).unwrap_or(0)))
        },
        "zremrangebyscore" => |call| {
            let (low, high) = (bound(call.word(2))?, bound(call.word(3))?);
            let all = ordered(call, false)?;
            let gone: Vec<(Vec<u8>, f64)> =
                all.into_iter().filter(|(_, score)| within(*score, low, high)).collect();
            take(call, &gone)
        },
        "zremrangebyrank" => |call| {
            let all = ordered(call, false)?;
            let found = span(call.number(2)?, call.number(3)?, all.len());
            let gone = found.map_or(Vec::new(), |(from, to)| all[from..=to].to_vec());
            take(call, &gone)
        },
        "zpopmin" => |call| pop(call, false),
        "zpopmax" => |call| pop(call, true),
        "zscan" => scan,
        _ => return None,
    })
}

fn write(call: &mut Call<'_>, key: &[u8], member: &[u8], score: f64) -> Result<(), Reply> {
    if score.is_nan() {
        return Err(Reply::error("ERR resulting score is not a number (NaN)"));
    }
    call.sorted(key)?;
    if let Value::Sorted(set) = call.change(key, Value::Sorted(Members::new())) {
        set.insert(member.to_vec(), score);
    }
    Ok(())
}

fn add(call: &mut Call<'_>) -> Answer {
    let (mut only_new, mut only_old, mut changed, mut increment) = (false, false, false, false);
    let (mut greater, mut less, mut place) = (false, false, 2);
    loop {
        match call.option(place).as_str() {
            "nx" => only_new = true,
            "xx" => only_old = true,
            "ch" => changed = true,
            "incr" => increment = true,
            "gt" if call.release.has("6.2.0") => greater = true,
            "lt" if call.release.has("6.2.0") => less = true,
            _ => break,
        }
        place += 1;
    }
    let (key, pairs) = (call.word(1).to_vec(), &call.words[place.min(call.words.len())..]);
    if pairs.is_empty() || pairs.len() % 2 == 1 {
        return Err(Reply::syntax());
    }
    if only_new && only_old {
        return Err(Reply::error("ERR XX and NX options at the same time are not compatible"));
    }
    if increment && pairs.len() > 2 {
        return Err(Reply::error("ERR INCR option supports a single increment-element pair"));
    }
    let scores = pairs.chunks(2).map(|pair| fraction(&pair[0]));
    let scores: Vec<f64> = scores.collect::<Result<_, Reply>>()?;
    let (mut new, mut other, mut result) = (0, 0, Reply::Nil);
    for (pair, score) in pairs.chunks(2).zip(scores) {
        let before = call.sorted(&key)?.and_then(|set| set.get(&pair[1])).copied();
        let after = if increment { before.unwrap_or(0.0) + score } else { score };
        let refused = only_new && before.is_some()
            || only_old && before.is_none()
            || greater && before.is_some_and(|before| after <= before)
            || less && before.is_some_and(|before| after >= before);
        if refused {
            continue;
        }
        write(call, &key, &pair[1], after)?;
        new += i64::from(before.is_none());
        other += i64::from(before.is_some_and(|before| before.to_bits() != after.to_bits()));
        result = Reply::Double(after);
    }
    Ok(if increment { result } else { Reply::Integer(if changed { new + other } else { new }) })
}

fn take(call: &mut Call<'_>, gone: &[(Vec<u8>, f64)]) -> Answer {
    let key = call.word(1).to_vec();
    let count = gone.len();
    if count > 0
        && let Value::Sorted(set) = call.change(&key, Value::Sorted(Members::new()))
    {
        for (member, _) in gone {
            set.remove(member);
        }
    }
    call.tidy(&key);
    Ok(Reply::Integer(i64::try_from(count).unwrap_or(0)))
}

fn remove(call: &mut Call<'_>) -> Answer {
    let set = call.sorted(call.word(1))?;
    let named = |member: &Vec<u8>| call.words[2..].contains(member);
    let gone = set.into_iter().flatten().filter(|(member, _)| named(member));
    let gone: Vec<(Vec<u8>, f64)> = gone.map(|(member, score)| (member.clone(), *score)).collect();
    take(call, &gone)
}

/// All members by score, then by name.
fn ordered(call: &Call<'_>, reverse: bool) -> Result<Vec<(Vec<u8>, f64)>, Reply> {
    let set = call.sorted(call.word(1))?;
    let mut all: Vec<(Vec<u8>, f64)> =
        set.into_iter().flatten().map(|(member, score)| (member.clone(), *score)).collect();
    all.sort_by(|one, other| one.1.total_cmp(&other.1));
    if reverse {
        all.reverse();
    }
    Ok(all)
}

fn rank(call: &mut Call<'_>, reverse: bool) -> Answer {
    let all = ordered(call, reverse)?;
    let place = all.iter().position(|(member, _)| member == call.word(2));
    Ok(place.map_or(Reply::Nil, |place| Reply::Integer(i64::try_from(place).unwrap_or(0))))
}

/// A bound of scores, and whether it is itself outside.
fn bound(word: &[u8]) -> Result<(f64, bool), Reply> {
    let (text, outside) = word.strip_prefix(b"(").map_or((word, false), |text| (text, true));
    let bad = || Reply::error("ERR min or max is not a float");
    fraction(text).map(|number| (number, outside)).map_err(|_| bad())
}

fn within(score: f64, low: (f64, bool), high: (f64, bool)) -> bool {
    (score > low.0 || !low.1 && score >= low.0) && (score < high.0 || !high.1 && score <= high.0)
}

fn with_scores_at(call: &Call<'_>, place: usize) -> Result<bool, Reply> {
    match (call.words.len().checked_sub(place), call.option(place).as_str()) {
        (Some(0), _) => Ok(false),
        (Some(1), "withscores") => Ok(true),
        _ => Err(Reply::syntax()),
    }
}

fn members(all: impl Iterator<Item = (Vec<u8>, f64)>, with_scores: bool) -> Reply {
    if !with_scores {
        return Reply::Array(all.map(|(member, _)| Reply::Bulk(member)).collect());
    }
    Reply::Scored(all.map(|(member, score)| (Reply::Bulk(member), Reply::Double(score))).collect())
}

fn by_place(call: &Call<'_>, reverse: bool, with_scores: bool) -> Answer {
    let (from, to) = (call.number(2)?, call.number(3)?);
    let all = ordered(call, reverse)?;
    let found = span(from, to, all.len()).map_or(&[][..], |(from, to)| &all[from..=to]);
    Ok(members(found.iter().cloned(), with_scores))
}

/// `ZRANGE`, which from 6.2 on is all the others too.
fn range(call: &mut Call<'_>) -> Answer {
    if !call.release.has("6.2.0") {
        let with_scores = with_scores_at(call, 4)?;
        return by_place(call, false, with_scores);
    }
    let options: Vec<String> = (4..call.words.len()).map(|place| call.option(place)).collect();
    let has = |name: &str| options.iter().any(|option| option == name);
    if has("byscore") {
        return by_score(call, has("rev"), 4);
    }
    if let Some(other) =
        options.iter().find(|option| !matches!(option.as_str(), "rev" | "withscores"))
    {
        return Err(if other == "limit" {
            Reply::error(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            )
        } else {
            Reply::syntax()
        });
    }
    by_place(call, has("rev"), has("withscores"))
}

fn by_score(call: &Call<'_>, reverse: bool, mut place: usize) -> Answer {
    let (mut with_scores, mut limit) = (false, None);
    while place < call.words.len() {
        match call.option(place).as_str() {
            "withscores" => with_scores = true,
            "byscore" | "rev" => {}
            "limit" if place + 2 < call.words.len() => {
                limit = Some((call.number(place + 1)?, call.number(place + 2)?));
                place += 2;
            }
            _ => return Err(Reply::syntax()),
        }
        place += 1;
    }
    let (first, second) = (bound(call.word(2))?, bound(call.word(3))?);
    let (low, high) = if reverse { (second, first) } else { (first, second) };
    let (skip, most) = match limit {
        None => (0, usize::MAX),
        Some((skip, most)) => (
            usize::try_from(skip).unwrap_or(usize::MAX),
            usize::try_from(most).unwrap_or(usize::MAX),
        ),
    };
    let all = ordered(call, reverse)?.into_iter().filter(|(_, score)| within(*score, low, high));
    Ok(members(all.skip(skip).take(most), with_scores))
}

fn pop(call: &mut Call<'_>, reverse: bool) -> Answer {
    let most = match call.words.len() {
        2 => 1,
        3 => usize::try_from(call.number(2)?)
            .map_err(|_| Reply::error("ERR value is out of range, must be positive"))?,
        _ => return Err(Reply::syntax()),
    };
    let gone: Vec<(Vec<u8>, f64)> = ordered(call, reverse)?.into_iter().take(most).collect();
    take(call, &gone)?;
    let single = call.words.len() == 2;
    let both = |(member, score)| [Reply::Bulk(member), Reply::Double(score)];
    Ok(if single {
        Reply::Array(gone.into_iter().flat_map(both).collect())
    } else {
        members(gone.into_iter(), true)
    })
}

fn scan(call: &mut Call<'_>) -> Answer {
    cursor(call, 2)?;
    let (pattern, _) = scan_options(call, 3)?;
    let all = ordered(call, false)?.into_iter();
    let wanted =
        all.filter(|(member, _)| pattern.as_ref().is_none_or(|pattern| matches(pattern, member)));
    let both =
        |(member, number): (Vec<u8>, f64)| [Reply::Bulk(member), Reply::text(&score(number))];
    Ok(scanned(wanted.flat_map(both).collect()))
}
