//! The text protocol (`proto_text.c` of 1.6): a line, and after those that store a block of data. The block is the session's to collect.

use kizashi_event::Timestamp;

use super::release::Release;
use super::stats;
use super::store::{Counted, Item, Mode, Outcome, OwnCopy, expiry};
use crate::Identity;

/// Bytes of a key at most.
pub(super) const KEY: usize = 250;
/// Words of a line at most.
const WORDS: usize = 4_096;
/// Bytes of one answer at most; real ones have no bound here but memory.
pub(super) const LONGEST_ANSWER: usize = 128 * 1024;

const BAD_FORMAT: &[u8] = b"CLIENT_ERROR bad command line format\r\n";
const ERROR: &[u8] = b"ERROR\r\n";

/// All that a command may see and change.
pub(super) struct Scene<'a> {
    pub(super) copy: &'a mut OwnCopy,
    pub(super) identity: &'a Identity,
    pub(super) release: Release,
    pub(super) now: Timestamp,
    pub(super) port: u16,
}

/// A value that is to be stored once its bytes are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storing {
    pub(super) key: Vec<u8>,
    pub(super) flags: u32,
    pub(super) exptime: i64,
    pub(super) length: usize,
    pub(super) mode: Mode,
    /// Nothing is answered.
    pub(super) quiet: bool,
    /// The words of the meta commands.
    pub(super) meta: bool,
}

/// What comes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Answer(Vec<u8>),
    /// The block of data follows.
    Store(Storing),
    /// No data is wanted, but it will come.
    Refuse(usize, &'static [u8]),
    Close,
}

fn say(bytes: &[u8]) -> Step {
    Step::Answer(bytes.to_vec())
}

/// Whether a line is one of the commands that are there.
pub(super) fn is_known(line: &[u8]) -> bool {
    const NAMES: [&str; 28] = [
        "get",
        "gets",
        "gat",
        "gats",
        "set",
        "add",
        "replace",
        "append",
        "prepend",
        "cas",
        "delete",
        "incr",
        "decr",
        "touch",
        "stats",
        "flush_all",
        "version",
        "verbosity",
        "quit",
        "mn",
        "mg",
        "ms",
        "md",
        "ma",
        "me",
        "lru_crawler",
        "watch",
        "cache_memlimit",
    ];
    let first = line.split(|byte| *byte == b' ').find(|word| !word.is_empty()).unwrap_or_default();
    NAMES.iter().any(|name| name.as_bytes() == first)
}

/// Carries out a line.
pub(super) fn line(scene: &mut Scene<'_>, line: &[u8]) -> Step {
    let words: Vec<&[u8]> =
        line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).take(WORDS).collect();
    let Some(name) = words.first() else { return say(ERROR) };
    let newer = scene.release.has("1.6.0");
    match (*name, words.len()) {
        (b"get" | b"gets", 2..) => get(scene, *name == b"gets", &words[1..]),
        (b"gat" | b"gats", 2..) => get_and_touch(scene, *name == b"gats", &words[1..]),
        (b"set" | b"add" | b"replace" | b"append" | b"prepend", 5 | 6) => storing(&words),
        (b"cas", 6 | 7) => storing(&words),
        (b"delete", 2..=4) => delete(scene, &words),
        (b"incr" | b"decr", 3 | 4) => count(scene, &words),
        (b"touch", 3 | 4) => touch(scene, &words),
        (b"stats", _) => statistics(scene, &words[1..]),
        (b"flush_all", 1..=3) => flush(scene, &words),
        (b"version", _) => {
            Step::Answer(format!("VERSION {}\r\n", scene.release.number).into_bytes())
        }
        (b"verbosity", 2..) | (b"cache_memlimit", 2..) => quietly(&words, b"OK\r\n"),
        (b"quit", 1) => Step::Close,
        (b"shutdown", 1) => say(b"ERROR: shutdown not enabled\r\n"),
        (b"watch", _) => say(b"OK\r\n"),
        (b"lru_crawler", 2..) => crawl(scene, &words),
        (b"mn", 1) if newer => say(b"MN\r\n"),
        (b"mg" | b"ms" | b"md" | b"ma" | b"me", 2..) if newer => meta(scene, &words),
        // A browser that was made to speak to it.
        _ if words.last().is_some_and(|word| word.starts_with(b"HTTP/")) => Step::Close,
        _ => say(ERROR),
    }
}

/// An answer, unless the last word asks for none.
fn quietly(words: &[&[u8]], answer: &[u8]) -> Step {
    if words.last() == Some(&&b"noreply"[..]) { say(b"") } else { say(answer) }
}

fn number<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn get(scene: &mut Scene<'_>, with_cas: bool, keys: &[&[u8]]) -> Step {
    let mut answer = Vec::new();
    for key in keys {
        if key.len() > KEY {
            return say(BAD_FORMAT);
        }
        let Some(item) = scene.copy.get(key) else { continue };
        if answer.len() + item.value.len() > LONGEST_ANSWER {
            return say(b"SERVER_ERROR out of memory writing get response\r\n");
        }
        answer.extend_from_slice(b"VALUE ");
        answer.extend_from_slice(key);
        answer.extend(format!(" {} {}", item.flags, item.value.len()).into_bytes());
        if with_cas {
            answer.extend(format!(" {}", item.cas).into_bytes());
        }
        answer.extend_from_slice(b"\r\n");
        answer.extend_from_slice(&item.value);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"END\r\n");
    Step::Answer(answer)
}

fn get_and_touch(scene: &mut Scene<'_>, with_cas: bool, words: &[&[u8]]) -> Step {
    let Some(exptime) = number::<i64>(words[0]) else {
        return say(b"CLIENT_ERROR invalid exptime argument\r\n");
    };
    let expires = expiry(exptime, scene.now.seconds());
    for key in &words[1..] {
        scene.copy.touch(key, expires);
    }
    get(scene, with_cas, &words[1..])
}

fn storing(words: &[&[u8]]) -> Step {
    const LARGEST: i64 = 1_048_576 - 60;
    let key = words[1];
    let flags = number::<u64>(words[2]);
    let (exptime, length) = (number::<i64>(words[3]), number::<i64>(words[4]));
    let compared =
        if words[0] == b"cas" { number::<u64>(words[5]).map(Mode::Compare) } else { None };
    let (Some(flags), Some(exptime), Some(length @ 0..)) = (flags, exptime, length) else {
        return say(BAD_FORMAT);
    };
    let mode = match words[0] {
        b"set" => Some(Mode::Set),
        b"add" => Some(Mode::Add),
        b"replace" => Some(Mode::Replace),
        b"append" => Some(Mode::Append),
        b"prepend" => Some(Mode::Prepend),
        _ => compared,
    };
    let Some(mode) = mode.filter(|_| key.len() <= KEY && length <= i64::from(i32::MAX) - 2) else {
        return say(BAD_FORMAT);
    };
    let length_here = usize::try_from(length).unwrap_or(0);
    if length > LARGEST {
        return Step::Refuse(length_here + 2, b"SERVER_ERROR object too large for cache\r\n");
    }
    Step::Store(Storing {
        key: key.to_vec(),
        flags: u32::try_from(flags & 0xffff_ffff).unwrap_or(0),
        exptime,
        length: length_here,
        mode,
        quiet: words.last() == Some(&&b"noreply"[..]),
        meta: false,
    })
}

/// Stores a value whose block of data is whole.
pub(super) fn store(scene: &mut Scene<'_>, storing: &Storing, value: Vec<u8>) -> Vec<u8> {
    let expires = expiry(storing.exptime, scene.now.seconds());
    let item = Item { flags: storing.flags, value, expires, cas: 0 };
    let stored = scene.copy.store(&storing.key, item, storing.mode);
    // Of the meta commands only success is quiet.
    if storing.quiet && (!storing.meta || matches!(stored, Outcome::Stored(_))) {
        return Vec::new();
    }
    let answer: &[u8] = match (stored, storing.meta) {
        (Outcome::Stored(_), false) => b"STORED\r\n",
        (Outcome::NotStored, false) => b"NOT_STORED\r\n",
        (Outcome::Exists, false) => b"EXISTS\r\n",
        (Outcome::NotFound, false) => b"NOT_FOUND\r\n",
        (Outcome::Stored(_), true) => b"HD\r\n",
        (Outcome::NotStored, true) => b"NS\r\n",
        (Outcome::Exists, true) => b"EX\r\n",
        (Outcome::NotFound, true) => b"NF\r\n",
    };
    answer.to_vec()
}

fn delete(scene: &mut Scene<'_>, words: &[&[u8]]) -> Step {
    let plain = words.len() == 2
        || matches!(words[2], b"0" | b"noreply") && words.len() == 3
        || words.len() == 4 && words[2] == b"0" && words[3] == b"noreply";
    if !plain {
        return say(b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n");
    }
    if words[1].len() > KEY {
        return say(BAD_FORMAT);
    }
    let gone = scene.copy.delete(words[1]);
    quietly(words, if gone { b"DELETED\r\n" } else { b"NOT_FOUND\r\n" })
}

fn count(scene: &mut Scene<'_>, words: &[&[u8]]) -> Step {
    if words[1].len() > KEY {
        return say(BAD_FORMAT);
    }
    let Some(by) = number::<u64>(words[2]) else {
        return say(b"CLIENT_ERROR invalid numeric delta argument\r\n");
    };
    let answer = match scene.copy.count(words[1], by, words[0] == b"incr") {
        Counted::Value(number, _) => format!("{number}\r\n"),
        Counted::NotFound => "NOT_FOUND\r\n".to_owned(),
        Counted::NotNumeric => {
            "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n".to_owned()
        }
    };
    quietly(words, answer.as_bytes())
}

fn touch(scene: &mut Scene<'_>, words: &[&[u8]]) -> Step {
    if words[1].len() > KEY {
        return say(BAD_FORMAT);
    }
    let Some(exptime) = number::<i64>(words[2]) else {
        return say(b"CLIENT_ERROR invalid exptime argument\r\n");
    };
    let done = scene.copy.touch(words[1], expiry(exptime, scene.now.seconds()));
    quietly(words, if done { b"TOUCHED\r\n" } else { b"NOT_FOUND\r\n" })
}

fn flush(scene: &mut Scene<'_>, words: &[&[u8]]) -> Step {
    let delay = words.get(1).filter(|word| **word != b"noreply");
    match delay.map(|word| number::<i64>(word)) {
        Some(None) => return say(b"CLIENT_ERROR invalid exptime argument\r\n"),
        // Later is another day.
        Some(Some(1..)) => {}
        _ => scene.copy.flush(),
    }
    quietly(words, b"OK\r\n")
}

fn table(lines: Vec<(String, String)>) -> Step {
    let mut answer = String::new();
    for (name, value) in lines {
        answer += &format!("STAT {name} {value}\r\n");
    }
    answer += "END\r\n";
    Step::Answer(answer.into_bytes())
}

fn statistics(scene: &Scene<'_>, words: &[&[u8]]) -> Step {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    match words {
        [] => table(stats::usual(scene.copy, scene.identity, scene.release, scene.now)),
        [b"settings"] => table(stats::settings(scene.release, scene.port)),
        [b"items"] => table(stats::items(scene.copy)),
        [b"slabs"] => table(stats::slabs(scene.copy)),
        [b"sizes"] => table(vec![pair("sizes_status", "disabled")]),
        [b"reset"] => say(b"RESET\r\n"),
        [b"detail", b"on" | b"off"] => say(b"OK\r\n"),
        [b"detail", b"dump"] => say(b"END\r\n"),
        [b"detail", ..] => say(b"CLIENT_ERROR usage: stats detail on|off|dump\r\n"),
        [b"cachedump", class, most] => match (number::<u32>(class), number::<usize>(most)) {
            (Some(class), Some(most)) => dump(scene, class, most),
            _ => say(b"CLIENT_ERROR bad command line format\r\n"),
        },
        _ => say(ERROR),
    }
}

/// `stats cachedump`: the keys of a class, which is how the data are found.
fn dump(scene: &Scene<'_>, class: u32, most: usize) -> Step {
    let most = if most == 0 { usize::MAX } else { most };
    let mut answer = Vec::new();
    let found = scene.copy.items().filter(|(key, item)| stats::class(key, &item.value) == class);
    for (key, item) in found.take(most) {
        if answer.len() > LONGEST_ANSWER {
            break;
        }
        answer.extend_from_slice(b"ITEM ");
        answer.extend_from_slice(key);
        let expires = item.expires.unwrap_or(0);
        answer.extend(format!(" [{} b; {expires} s]\r\n", item.value.len()).into_bytes());
    }
    answer.extend_from_slice(b"END\r\n");
    Step::Answer(answer)
}

/// `lru_crawler`: `metadump` gives all keys.
fn crawl(scene: &Scene<'_>, words: &[&[u8]]) -> Step {
    if words[1] != b"metadump" {
        return say(b"OK\r\n");
    }
    let mut answer = String::new();
    for (key, item) in scene.copy.items() {
        if answer.len() > LONGEST_ANSWER {
            break;
        }
        let name: String = key.iter().map(|byte| encoded(*byte)).collect();
        let expires = item.expires.unwrap_or(-1);
        let (class, size) = (stats::class(key, &item.value), key.len() + item.value.len() + 60);
        let since = scene.now.seconds() - 300;
        answer += &format!(
            "key={name} exp={expires} la={since} cas={} fetch=no cls={class} size={size}\n",
            item.cas
        );
    }
    answer += "END\r\n";
    Step::Answer(answer.into_bytes())
}

/// A byte of a key as an address would have it.
fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// The meta commands.
fn meta(scene: &mut Scene<'_>, words: &[&[u8]]) -> Step {
    let (name, key) = (words[0], words[1]);
    if key.len() > KEY {
        return say(BAD_FORMAT);
    }
    scene.copy.counters.metas += 1;
    let flags = &words[2..];
    let quiet = flags.contains(&&b"q"[..]);
    match name {
        b"mg" => meta_get(scene, key, flags, quiet),
        b"ms" => {
            let length = flags.first().and_then(|word| number::<usize>(word));
            let Some(length) = length.filter(|length| *length <= 1_048_000) else {
                return say(BAD_FORMAT);
            };
            let mode = flags.iter().find_map(|flag| flag.strip_prefix(b"M"));
            let mode = match mode.and_then(|mode| mode.first()) {
                Some(b'E' | b'e') => Mode::Add,
                Some(b'R' | b'r') => Mode::Replace,
                Some(b'A' | b'a') => Mode::Append,
                Some(b'P' | b'p') => Mode::Prepend,
                _ => Mode::Set,
            };
            let value = |letter: &[u8]| {
                flags.iter().skip(1).find_map(|flag| number::<i64>(flag.strip_prefix(letter)?))
            };
            Step::Store(Storing {
                key: key.to_vec(),
                flags: u32::try_from(value(b"F").unwrap_or(0)).unwrap_or(0),
                exptime: value(b"T").unwrap_or(0),
                length,
                mode,
                quiet,
                meta: true,
            })
        }
        b"md" => match (scene.copy.delete(key), quiet) {
            (true, true) => say(b""),
            (true, false) => say(b"HD\r\n"),
            (false, _) => say(b"NF\r\n"),
        },
        b"ma" => match scene.copy.count(key, 1, true) {
            Counted::Value(number, _) if flags.contains(&&b"v"[..]) => {
                let number = number.to_string();
                Step::Answer(format!("VA {}\r\n{number}\r\n", number.len()).into_bytes())
            }
            Counted::Value(..) => say(b"HD\r\n"),
            Counted::NotFound => say(b"NF\r\n"),
            Counted::NotNumeric => {
                say(b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n")
            }
        },
        _ => meta_debug(scene, key),
    }
}

/// `me`: what the server knows of an item.
fn meta_debug(scene: &Scene<'_>, key: &[u8]) -> Step {
    let Some(item) = scene.copy.peek(key) else { return say(b"EN\r\n") };
    let (class, size) = (stats::class(key, &item.value), key.len() + item.value.len() + 60);
    let expires = item.expires.map_or(-1, |expires| expires - scene.now.seconds());
    let text = format!(" exp={expires} la=3 cas={} fetch=no cls={class} size={size}\r\n", item.cas);
    Step::Answer([&b"ME "[..], key, text.as_bytes()].concat())
}

fn meta_get(scene: &mut Scene<'_>, key: &[u8], flags: &[&[u8]], quiet: bool) -> Step {
    let now = scene.now.seconds();
    let Some(item) = scene.copy.get(key) else {
        if quiet {
            return say(b"");
        }
        let mut answer = b"EN".to_vec();
        for flag in flags.iter().take(24) {
            match flag.first() {
                Some(b'k') => answer.extend_from_slice(&[b" k", key].concat()),
                Some(b'O') => {
                    answer.extend_from_slice(&[b" ", &flag[..flag.len().min(33)]].concat());
                }
                _ => {}
            }
        }
        answer.extend_from_slice(b"\r\n");
        return Step::Answer(answer);
    };
    let with_value = flags.contains(&&b"v"[..]);
    let mut answer =
        if with_value { format!("VA {}", item.value.len()) } else { "HD".to_owned() }.into_bytes();
    for flag in flags.iter().take(24) {
        let shown = match flag.first() {
            Some(b't') => format!(" t{}", item.expires.map_or(-1, |expires| expires - now)),
            Some(b'f') => format!(" f{}", item.flags),
            Some(b's') => format!(" s{}", item.value.len()),
            Some(b'c') => format!(" c{}", item.cas),
            Some(b'h') => " h0".to_owned(),
            Some(b'l') => " l0".to_owned(),
            Some(b'k') => {
                answer.extend_from_slice(b" k");
                answer.extend_from_slice(key);
                continue;
            }
            Some(b'O') => {
                answer.push(b' ');
                answer.extend_from_slice(&flag[..flag.len().min(33)]);
                continue;
            }
            _ => continue,
        };
        answer.extend(shown.into_bytes());
    }
    answer.extend_from_slice(b"\r\n");
    if with_value {
        answer.extend_from_slice(&item.value);
        answer.extend_from_slice(b"\r\n");
    }
    Step::Answer(answer)
}
