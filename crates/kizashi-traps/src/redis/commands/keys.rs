//! Keys whatever they hold: `db.c`, and `OBJECT`.

use super::{Answer, Call, Handler, cursor, matches, scan_options, scanned, scattered};
use crate::redis::reply::Reply;
use crate::redis::store::{DATABASES, Database, Entry, Value};
use crate::redis::wire::integer;

pub(super) fn find(name: &str) -> Option<Handler> {
    Some(match name {
        "del" | "unlink" => delete,
        "exists" | "touch" => exists,
        "type" => |call| {
            let name = call.entry(call.word(1)).map_or("none", |entry| entry.value.name());
            Ok(Reply::Status(name.to_owned()))
        },
        "keys" => keys,
        "scan" => scan,
        "dbsize" => |call| Ok(Reply::Integer(i64::try_from(call.data().len()).unwrap_or(0))),
        "randomkey" => random,
        "flushdb" => |call| flush(call, false),
        "flushall" => |call| flush(call, true),
        "rename" => |call| rename(call, false),
        "renamenx" => |call| rename(call, true),
        "move" => move_to,
        "copy" => copy,
        "swapdb" => swap,
        "object" => object,
        _ => return None,
    })
}

fn delete(call: &mut Call<'_>) -> Answer {
    let words = call.words;
    let gone = words[1..].iter().filter(|key| call.data().remove(key.as_slice()).is_some()).count();
    Ok(Reply::Integer(i64::try_from(gone).unwrap_or(0)))
}

fn exists(call: &mut Call<'_>) -> Answer {
    let there = call.words[1..].iter().filter(|key| call.entry(key).is_some()).count();
    Ok(Reply::Integer(i64::try_from(there).unwrap_or(0)))
}

fn keys(call: &mut Call<'_>) -> Answer {
    let pattern = call.word(1).to_vec();
    let database: &Database = call.data();
    Ok(Reply::bulks(scattered(database.keys().filter(|key| matches(&pattern, key)))))
}

fn scan(call: &mut Call<'_>) -> Answer {
    cursor(call, 1)?;
    let (pattern, kind) = scan_options(call, 2)?;
    let database: &Database = call.data();
    let wanted = database.iter().filter(|(key, entry)| {
        pattern.as_ref().is_none_or(|pattern| matches(pattern, key))
            && kind.as_ref().is_none_or(|kind| entry.value.name() == kind)
    });
    let found = scattered(wanted.map(|(key, _)| key));
    Ok(scanned(found.into_iter().map(|key| Reply::Bulk(key.clone())).collect()))
}

fn random(call: &mut Call<'_>) -> Answer {
    let place = call.pick(0, call.copy.databases[call.database].len());
    Ok(call.data().keys().nth(place).map_or(Reply::Nil, |key| Reply::Bulk(key.clone())))
}

fn flush(call: &mut Call<'_>, all: bool) -> Answer {
    let newer = call.release.has("6.2.0");
    match (call.words.len(), call.option(1).as_str()) {
        (1, _) | (2, "async") => {}
        (2, "sync") if newer => {}
        _ => return Err(Reply::syntax()),
    }
    if all {
        call.copy.databases.iter_mut().for_each(Database::clear);
    } else {
        call.data().clear();
    }
    Ok(Reply::ok())
}

fn rename(call: &mut Call<'_>, only_new: bool) -> Answer {
    let (from, to) = (call.word(1).to_vec(), call.word(2).to_vec());
    if call.entry(&from).is_none() {
        return Err(Reply::error("ERR no such key"));
    }
    if only_new && call.entry(&to).is_some() {
        return Ok(Reply::Integer(0));
    }
    if let Some(entry) = call.data().remove(&from) {
        call.data().insert(to, Entry { own: true, ..entry });
    }
    Ok(if only_new { Reply::Integer(1) } else { Reply::ok() })
}

/// The number of a database at this word.
fn database(call: &Call<'_>, place: usize, error: &str) -> Result<usize, Reply> {
    let number = integer(call.word(place)).ok_or_else(|| Reply::error(error))?;
    usize::try_from(number)
        .ok()
        .filter(|number| *number < DATABASES)
        .ok_or_else(|| Reply::error("ERR DB index is out of range"))
}

fn move_to(call: &mut Call<'_>) -> Answer {
    let target = database(call, 2, "ERR value is not an integer or out of range")?;
    let key = call.word(1).to_vec();
    if target == call.database {
        return Err(Reply::error("ERR source and destination objects are the same"));
    }
    if call.copy.databases[target].contains_key(&key) {
        return Ok(Reply::Integer(0));
    }
    let Some(entry) = call.data().remove(&key) else { return Ok(Reply::Integer(0)) };
    call.copy.databases[target].insert(key, entry);
    Ok(Reply::Integer(1))
}

fn copy(call: &mut Call<'_>) -> Answer {
    let (mut target, mut replace, mut place) = (call.database, false, 3);
    while place < call.words.len() {
        match call.option(place).as_str() {
            "replace" => replace = true,
            "db" if place + 1 < call.words.len() => {
                target = database(call, place + 1, "ERR value is not an integer or out of range")?;
                place += 1;
            }
            _ => return Err(Reply::syntax()),
        }
        place += 1;
    }
    let (from, to) = (call.word(1).to_vec(), call.word(2).to_vec());
    if target == call.database && from == to {
        return Err(Reply::error("ERR source and destination objects are the same"));
    }
    let Some(entry) = call.entry(&from).cloned() else { return Ok(Reply::Integer(0)) };
    if call.copy.databases[target].contains_key(&to) && !replace {
        return Ok(Reply::Integer(0));
    }
    call.room(entry.value.cost() + to.len())?;
    call.copy.databases[target].insert(to, Entry { own: true, ..entry });
    Ok(Reply::Integer(1))
}

fn swap(call: &mut Call<'_>) -> Answer {
    let first = database(call, 1, "ERR invalid first DB index")?;
    let second = database(call, 2, "ERR invalid second DB index")?;
    call.copy.databases.swap(first, second);
    Ok(Reply::ok())
}

fn object(call: &mut Call<'_>) -> Answer {
    let subcommand = call.option(1);
    if !matches!(subcommand.as_str(), "encoding" | "refcount" | "idletime" | "freq") {
        return Err(call.release.unknown_subcommand("object", call.word(1)));
    }
    if call.words.len() != 3 {
        return Err(call.release.wrong_subcommand("object", call.word(1)));
    }
    if subcommand == "freq" {
        return Err(Reply::error(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    let release = call.release;
    let Some(entry) = call.entry(call.word(2)) else {
        return Ok(if release.major() >= 6 { Reply::Nil } else { Reply::error("ERR no such key") });
    };
    Ok(match subcommand.as_str() {
        "encoding" => Reply::text(encoding(&entry.value, release.major())),
        "refcount" => Reply::Integer(1),
        _ => Reply::Integer(0),
    })
}

fn encoding(value: &Value, major: u8) -> &'static str {
    const ENTRIES: usize = 128;
    const LONG: usize = 64;
    let packed = if major >= 7 { "listpack" } else { "ziplist" };
    match value {
        Value::Text(text) if integer(text).is_some() => "int",
        Value::Text(text) if text.len() <= 44 => "embstr",
        Value::Text(_) => "raw",
        Value::List(_) => "quicklist",
        Value::Set(set) if set.len() <= 512 && set.iter().all(|item| integer(item).is_some()) => {
            "intset"
        }
        Value::Set(_) => "hashtable",
        Value::Hash(hash)
            if hash.len() <= 512
                && hash.iter().all(|(name, value)| name.len() <= LONG && value.len() <= LONG) =>
        {
            packed
        }
        Value::Hash(_) => "hashtable",
        Value::Sorted(sorted)
            if sorted.len() <= ENTRIES && sorted.keys().all(|item| item.len() <= LONG) =>
        {
            packed
        }
        Value::Sorted(_) => "skiplist",
    }
}
