//! `CONFIG`: names and values of a real server (`data/redis/config.tsv`), what a visitor set in their place, and in which words a release
//! refuses. `dir` and `dbfilename` are what attackers come for, so 7.0.15 is one whose owner allows them (`enable-protected-configs`).

use super::commands::matches;
use super::release::Release;
use super::reply::Reply;
use super::store::OwnCopy;

/// Settings that only a start changes.
const FIXED: [&str; 22] = [
    "always-show-logo",
    "aclfile",
    "appenddirname",
    "appendfilename",
    "cluster-config-file",
    "cluster-enabled",
    "daemonize",
    "databases",
    "disable-thp",
    "enable-debug-command",
    "enable-module-command",
    "enable-protected-configs",
    "io-threads",
    "io-threads-do-reads",
    "logfile",
    "pidfile",
    "set-proc-title",
    "supervised",
    "syslog-enabled",
    "tcp-backlog",
    "unixsocket",
    "unixsocketperm",
];
/// Bytes of a value at most.
const LONGEST: usize = 1_024;

struct Line {
    name: &'static str,
    value: &'static str,
    since: u8,
}

fn lines() -> impl Iterator<Item = Line> {
    include_str!("../../data/redis/config.tsv").lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let (name, value) = (fields.next()?, fields.next()?);
        Some(Line { name, value, since: fields.next()?.parse().ok()? })
    })
}

/// The name of which another is a synonym.
fn canonical(name: &str) -> String {
    name.to_ascii_lowercase().replace("slave", "replica").replace("ziplist", "listpack")
}

/// What a setting is for this visitor.
pub(super) fn value(copy: &OwnCopy, name: &str) -> String {
    let canonical = canonical(name);
    if canonical == "replicaof" {
        let master = copy.master.as_ref();
        return master.map_or(String::new(), |master| format!("{} {}", master.host, master.port));
    }
    let own = copy.config.get(&canonical).cloned();
    let given = || lines().find(|line| line.name == name).map_or("", |line| line.value).to_owned();
    own.unwrap_or_else(given)
}

pub(super) fn get(copy: &OwnCopy, release: Release, patterns: &[Vec<u8>]) -> Reply {
    let wanted = |line: &Line| {
        patterns.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), line.name.as_bytes()))
    };
    let found = lines().filter(|line| line.since <= release.major() && wanted(line));
    let pair = |line: Line| (Reply::text(line.name), Reply::text(&value(copy, line.name)));
    Reply::Map(found.map(pair).collect())
}

/// Sets these names to these values; whether a folder is there is for `is_folder` to say.
pub(super) fn set(
    copy: &mut OwnCopy,
    release: Release,
    pairs: &[Vec<u8>],
    is_folder: impl Fn(&str) -> bool,
) -> Result<(), Reply> {
    let mut wanted: Vec<(String, String)> = Vec::new();
    for pair in pairs.chunks(2) {
        let name = String::from_utf8_lossy(&pair[0]).into_owned();
        let text = String::from_utf8_lossy(pair.get(1).map_or(&[][..], Vec::as_slice)).into_owned();
        let refused = |reason: &str| refusal(release, &name, &text, reason);
        let known = lines()
            .find(|line| line.name.eq_ignore_ascii_case(&name) && line.since <= release.major());
        let Some(line) = known.filter(|line| {
            release.major() >= 7 || !matches!(line.name, "port" | "bind" | "replicaof" | "slaveof")
        }) else {
            return Err(Reply::Error(if release.major() >= 7 {
                format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'")
            } else {
                format!("ERR Unsupported CONFIG parameter: {name}")
            }));
        };
        if FIXED.contains(&line.name) {
            return Err(refused("can't set immutable config"));
        }
        let canonical = canonical(&name);
        if wanted.iter().any(|(before, _)| *before == canonical) {
            return Err(refused("duplicate parameter"));
        }
        let checked = check(&line, &text, &is_folder).map_err(refused)?;
        wanted.push((canonical, checked));
    }
    for (name, text) in wanted {
        if !copy.has_room(name.len() + text.len() + 64) {
            return Err(Reply::full());
        }
        copy.config.insert(name, text);
    }
    Ok(())
}

fn refusal(release: Release, name: &str, text: &str, reason: &str) -> Reply {
    let lower = name.to_ascii_lowercase();
    Reply::Error(match (release.major(), lower.as_str()) {
        (7, _) => {
            format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
        }
        (_, "dir") => format!("ERR Changing directory: {reason}"),
        (_, "dbfilename") => format!("ERR {reason}"),
        (_, _) if reason.starts_with("can't set") => {
            format!("ERR Unsupported CONFIG parameter: {name}")
        }
        _ => format!("ERR Invalid argument '{text}' for CONFIG SET '{name}'"),
    })
}

/// A value as it is kept, or why it is refused.
fn check(
    line: &Line,
    text: &str,
    is_folder: impl Fn(&str) -> bool,
) -> Result<String, &'static str> {
    const POLICIES: [&str; 8] = [
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "noeviction",
    ];
    if text.len() > LONGEST {
        return Err("argument is too long");
    }
    match line.name {
        "dir" if !is_folder(text) => return Err("No such file or directory"),
        "dir" if text.len() > 1 => return Ok(text.trim_end_matches('/').to_owned()),
        "dbfilename" if text.contains('/') => {
            return Err("dbfilename can't be a path, just a filename");
        }
        "maxmemory-policy" if !POLICIES.contains(&text) => {
            return Err(
                "argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction",
            );
        }
        "save" | "dbfilename" => {}
        _ if matches!(line.value, "yes" | "no") && !matches!(text, "yes" | "no") => {
            return Err("argument must be 'yes' or 'no'");
        }
        "maxmemory" | "client-query-buffer-limit" | "repl-backlog-size" | "proto-max-bulk-len" => {
            return memory(text)
                .map(|bytes| bytes.to_string())
                .ok_or("argument must be a memory value");
        }
        _ if !line.value.is_empty()
            && line.value.bytes().all(|byte| byte.is_ascii_digit())
            && text.parse::<i64>().is_err() =>
        {
            return Err("argument couldn't be parsed into an integer");
        }
        _ => {}
    }
    Ok(text.to_owned())
}

/// `100mb` and its like in bytes (`memtoull`).
fn memory(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}
