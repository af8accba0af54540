//! The binary protocol (`proto_bin.c`, deprecated since 1.6 and still spoken): a head of 24 bytes, then extras, key and value.

use super::stats;
use super::store::{Counted, Item, Mode, Outcome, expiry};
use super::text::{KEY, LONGEST_ANSWER, Scene};

/// Bytes of a head.
pub(super) const HEAD: usize = 24;

/// A request's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) opcode: u8,
    key: usize,
    extras: usize,
    pub(super) body: usize,
    opaque: [u8; 4],
    cas: u64,
}

impl Head {
    /// Reads one; nothing where it is no request.
    pub(super) fn read(bytes: &[u8; HEAD]) -> Option<Self> {
        let [magic, opcode, key @ ..] = bytes;
        if *magic != 0x80 {
            return None;
        }
        let long = |at: usize| {
            bytes[at..at + 4].iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte))
        };
        let mut opaque = [0; 4];
        opaque.copy_from_slice(&bytes[12..16]);
        let cas = bytes[16..].iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Some(Self {
            opcode: *opcode,
            key: usize::from(key[0]) << 8 | usize::from(key[1]),
            extras: usize::from(bytes[4]),
            body: long(8),
            opaque,
            cas,
        })
    }

    /// The name of the command and whether it is quiet.
    pub(super) const fn name(self) -> Option<(&'static str, bool)> {
        Some(match self.opcode {
            0x00 => ("get", false),
            0x01 => ("set", false),
            0x02 => ("add", false),
            0x03 => ("replace", false),
            0x04 => ("delete", false),
            0x05 => ("incr", false),
            0x06 => ("decr", false),
            0x07 => ("quit", false),
            0x08 => ("flush", false),
            0x09 => ("get", true),
            0x0a => ("noop", false),
            0x0b => ("version", false),
            0x0c => ("getk", false),
            0x0d => ("getk", true),
            0x0e => ("append", false),
            0x0f => ("prepend", false),
            0x10 => ("stat", false),
            0x11 => ("set", true),
            0x12 => ("add", true),
            0x13 => ("replace", true),
            0x14 => ("delete", true),
            0x15 => ("incr", true),
            0x16 => ("decr", true),
            0x17 => ("quit", true),
            0x18 => ("flush", true),
            0x19 => ("append", true),
            0x1a => ("prepend", true),
            0x1c => ("touch", false),
            0x1d => ("gat", false),
            0x1e => ("gat", true),
            _ => return None,
        })
    }

    /// Extras, key and value in a body; nothing where the lengths lie.
    pub(super) fn parts(self, body: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
        let (extras, rest) = body.split_at_checked(self.extras)?;
        let (key, value) = rest.split_at_checked(self.key)?;
        Some((extras, key, value))
    }

    fn answer(self, status: u16, cas: u64, extras: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
        let body = u32::try_from(extras.len() + key.len() + value.len()).unwrap_or(0);
        let key_length = u16::try_from(key.len()).unwrap_or(0).to_be_bytes();
        let mut out = vec![0x81, self.opcode];
        out.extend(key_length);
        out.extend([u8::try_from(extras.len()).unwrap_or(0), 0]);
        out.extend(status.to_be_bytes());
        out.extend(body.to_be_bytes());
        out.extend(self.opaque);
        out.extend(cas.to_be_bytes());
        [out.as_slice(), extras, key, value].concat()
    }

    /// An error in its words.
    pub(super) fn error(self, status: u16) -> Vec<u8> {
        let text: &[u8] = match status {
            1 => b"Not found",
            2 => b"Data exists for key.",
            3 => b"Too large.",
            4 => b"Invalid arguments",
            5 => b"Not stored.",
            6 => b"Non-numeric server-side value for incr or decr",
            0x82 => b"Out of memory",
            _ => b"Unknown command",
        };
        self.answer(status, 0, b"", b"", text)
    }
}

/// What comes of a request: the answer, and whether the connection ends.
pub(super) fn request(scene: &mut Scene<'_>, head: Head, body: &[u8]) -> (Vec<u8>, bool) {
    let Some((name, quiet)) = head.name() else { return (head.error(0x81), false) };
    let Some((extras, key, value)) = head.parts(body) else { return (head.error(4), true) };
    if key.len() > KEY {
        return (head.error(4), true);
    }
    let done = head.answer(0, 0, b"", b"", b"");
    let answer = match (name, extras.len(), key.is_empty(), value.is_empty()) {
        ("quit", 0, true, true) => return (if quiet { Vec::new() } else { done }, true),
        ("noop", 0, true, true) => done,
        ("version", 0, true, true) => head.answer(0, 0, b"", b"", scene.release.number.as_bytes()),
        ("flush", 0 | 4, true, true) => {
            scene.copy.flush();
            if quiet { Vec::new() } else { done }
        }
        ("get" | "getk", 0, false, true) => get(scene, head, key, name == "getk", quiet),
        ("gat" | "touch", 4, false, true) => {
            let expires = expiry(i64::from(long(extras)), scene.now.seconds());
            let there = scene.copy.touch(key, expires);
            match (name, there) {
                (_, false) if quiet => Vec::new(),
                (_, false) => head.error(1),
                ("touch", true) => done,
                _ => get(scene, head, key, false, quiet),
            }
        }
        ("set" | "add" | "replace", 8, false, _) | ("append" | "prepend", 0, false, _) => {
            store(scene, head, name, extras, key, value, quiet)
        }
        ("delete", 0, false, true) => match scene.copy.delete(key) {
            true if quiet => Vec::new(),
            true => done,
            false => head.error(1),
        },
        ("incr" | "decr", 20, false, true) => {
            count(scene, head, name == "incr", extras, key, quiet)
        }
        ("stat", 0, _, true) => statistics(scene, head, key),
        _ => head.error(4),
    };
    (answer, false)
}

fn long(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

fn get(scene: &mut Scene<'_>, head: Head, key: &[u8], with_key: bool, quiet: bool) -> Vec<u8> {
    let Some(item) = scene.copy.get(key) else {
        if quiet {
            return Vec::new();
        }
        return if with_key { head.answer(1, 0, b"", key, b"") } else { head.error(1) };
    };
    let shown = if with_key { key } else { b"" };
    head.answer(0, item.cas, &item.flags.to_be_bytes(), shown, &item.value)
}

fn store(
    scene: &mut Scene<'_>,
    head: Head,
    name: &str,
    extras: &[u8],
    key: &[u8],
    value: &[u8],
    quiet: bool,
) -> Vec<u8> {
    let mode = match name {
        _ if head.cas != 0 => Mode::Compare(head.cas),
        "add" => Mode::Add,
        "replace" => Mode::Replace,
        "append" => Mode::Append,
        "prepend" => Mode::Prepend,
        _ => Mode::Set,
    };
    let exptime = i64::from(long(extras.get(4..).unwrap_or_default()));
    let expires = expiry(exptime, scene.now.seconds());
    let item = Item { flags: long(extras), value: value.to_vec(), expires, cas: 0 };
    match scene.copy.store(key, item, mode) {
        Outcome::Stored(_) if quiet => Vec::new(),
        Outcome::Stored(cas) => head.answer(0, cas, b"", b"", b""),
        Outcome::Exists => head.error(2),
        Outcome::NotFound => head.error(1),
        Outcome::NotStored => head.error(match name {
            "add" => 2,
            "replace" => 1,
            _ => 5,
        }),
    }
}

fn count(
    scene: &mut Scene<'_>,
    head: Head,
    up: bool,
    extras: &[u8],
    key: &[u8],
    quiet: bool,
) -> Vec<u8> {
    let wide = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let (by, first, exptime) = (wide(&extras[..8]), wide(&extras[8..16]), long(&extras[16..]));
    let (number, cas) = match scene.copy.count(key, by, up) {
        Counted::Value(number, cas) => (number, cas),
        Counted::NotNumeric => return head.error(6),
        Counted::NotFound if exptime == u32::MAX => return head.error(1),
        Counted::NotFound => {
            let expires = expiry(i64::from(exptime), scene.now.seconds());
            let item = Item { flags: 0, value: first.to_string().into_bytes(), expires, cas: 0 };
            match scene.copy.store(key, item, Mode::Set) {
                Outcome::Stored(cas) => (first, cas),
                _ => return head.error(5),
            }
        }
    };
    if quiet { Vec::new() } else { head.answer(0, cas, b"", b"", &number.to_be_bytes()) }
}

fn statistics(scene: &Scene<'_>, head: Head, key: &[u8]) -> Vec<u8> {
    let lines = match key {
        b"" => stats::usual(scene.copy, scene.identity, scene.release, scene.now),
        b"settings" => stats::settings(scene.release, scene.port),
        b"items" => stats::items(scene.copy),
        b"slabs" => stats::slabs(scene.copy),
        b"reset" => Vec::new(),
        _ => return head.error(1),
    };
    let mut answer = Vec::new();
    for (name, value) in lines {
        if answer.len() > LONGEST_ANSWER {
            break;
        }
        answer.extend(head.answer(0, 0, b"", name.as_bytes(), value.as_bytes()));
    }
    answer.extend(head.answer(0, 0, b"", b"", b""));
    answer
}
