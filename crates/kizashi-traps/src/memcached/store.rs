//! Items, and what each visitor changed in them: a copy for his address (64 bits of IPv6) over his connections, until a day after his last
//! command. Bounded: bytes of a copy, beyond which the oldest items are evicted as memcached does; copies in all.

use std::collections::BTreeMap;
use std::net::IpAddr;

use kizashi_event::Timestamp;

use crate::Identity;
use crate::copies::Copies;
use crate::draw::Draw;

/// Bytes of one copy: keys and values.
const BYTES: usize = 96 * 1024;
/// The longest value that is held; a longer one is hashed and refused.
pub(super) const LONGEST_VALUE: usize = 64 * 1024;
/// What an item costs beside key and value.
const ITEM: usize = 72;
/// Times to live up to this are counted from now (`REALTIME_MAXDELTA`).
const RELATIVE: i64 = 60 * 60 * 24 * 30;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) flags: u32,
    pub(super) value: Vec<u8>,
    /// Seconds since the epoch.
    pub(super) expires: Option<i64>,
    pub(super) cas: u64,
}

/// What was done, for `stats`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) gets: u64,
    pub(super) get_hits: u64,
    pub(super) sets: u64,
    pub(super) flushes: u64,
    pub(super) touches: u64,
    pub(super) touch_hits: u64,
    pub(super) metas: u64,
    pub(super) deletes: u64,
    pub(super) delete_hits: u64,
    pub(super) increments: u64,
    pub(super) increment_hits: u64,
    pub(super) evictions: u64,
}

/// What one visitor sees.
#[derive(Default)]
pub(super) struct OwnCopy {
    items: BTreeMap<Vec<u8>, Item>,
    cas: u64,
    pub(super) counters: Counters,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Set,
    Add,
    Replace,
    Append,
    Prepend,
    /// Where the item still has this number.
    Compare(u64),
}

/// What came of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Stored(u64),
    NotStored,
    Exists,
    NotFound,
}

/// What came of counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Value(u64, u64),
    NotFound,
    NotNumeric,
}

impl OwnCopy {
    pub(super) fn bytes(&self) -> usize {
        self.items.iter().map(|(key, item)| key.len() + item.value.len() + ITEM).sum()
    }

    pub(super) fn items(&self) -> impl Iterator<Item = (&Vec<u8>, &Item)> {
        self.items.iter()
    }

    pub(super) fn get(&mut self, key: &[u8]) -> Option<&Item> {
        self.counters.gets += 1;
        let found = self.items.get(key);
        self.counters.get_hits += u64::from(found.is_some());
        found
    }

    pub(super) fn peek(&self, key: &[u8]) -> Option<&Item> {
        self.items.get(key)
    }

    /// Writes an item by a mode.
    pub(super) fn store(&mut self, key: &[u8], mut item: Item, mode: Mode) -> Outcome {
        self.counters.sets += 1;
        let before = self.items.get(key);
        match (mode, before) {
            (Mode::Add, Some(_)) | (Mode::Replace | Mode::Append | Mode::Prepend, None) => {
                return Outcome::NotStored;
            }
            (Mode::Compare(_), None) => return Outcome::NotFound,
            (Mode::Compare(number), Some(found)) if number != found.cas => return Outcome::Exists,
            (Mode::Append | Mode::Prepend, Some(found)) => {
                if found.value.len() + item.value.len() > LONGEST_VALUE {
                    return Outcome::NotStored;
                }
                let parts = if mode == Mode::Append {
                    [&found.value, &item.value]
                } else {
                    [&item.value, &found.value]
                };
                let value = [parts[0].as_slice(), parts[1].as_slice()].concat();
                item = Item { value, flags: found.flags, expires: found.expires, cas: 0 };
            }
            _ => {}
        }
        self.cas += 1;
        item.cas = self.cas;
        self.items.insert(key.to_vec(), item);
        self.evict();
        Outcome::Stored(self.cas)
    }

    /// Lets the oldest items go while there is too much.
    fn evict(&mut self) {
        while self.bytes() > BYTES {
            let oldest = self.items.iter().min_by_key(|(_, item)| item.cas);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { return };
            self.items.remove(&key);
            self.counters.evictions += 1;
        }
    }

    pub(super) fn delete(&mut self, key: &[u8]) -> bool {
        self.counters.deletes += 1;
        let gone = self.items.remove(key).is_some();
        self.counters.delete_hits += u64::from(gone);
        gone
    }

    pub(super) fn touch(&mut self, key: &[u8], expires: Option<i64>) -> bool {
        self.counters.touches += 1;
        let Some(item) = self.items.get_mut(key) else { return false };
        item.expires = expires;
        self.counters.touch_hits += 1;
        true
    }

    /// Adds to a number, which wraps, or takes from it, down to 0.
    pub(super) fn count(&mut self, key: &[u8], by: u64, up: bool) -> Counted {
        self.counters.increments += 1;
        let Some(item) = self.items.get_mut(key) else { return Counted::NotFound };
        let text = String::from_utf8_lossy(&item.value).into_owned();
        let digits = text.trim_end_matches(' ');
        let plain = digits.len() <= 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let Some(number) = digits.parse::<u64>().ok().filter(|_| plain) else {
            return Counted::NotNumeric;
        };
        let number = if up { number.wrapping_add(by) } else { number.saturating_sub(by) };
        let mut value = number.to_string().into_bytes();
        // A number that becomes shorter keeps its place, with spaces behind it.
        if value.len() < item.value.len() {
            value.resize(item.value.len(), b' ');
        }
        self.cas += 1;
        (item.value, item.cas) = (value, self.cas);
        self.counters.increment_hits += 1;
        Counted::Value(number, self.cas)
    }

    pub(super) fn flush(&mut self) {
        self.counters.flushes += 1;
        self.items.clear();
    }
}

/// The second at which a time to live is over: none for 0, the past for negative ones.
pub(super) fn expiry(given: i64, now: i64) -> Option<i64> {
    match given {
        0 => None,
        ..0 => Some(now - 1),
        1..=RELATIVE => Some(now + given),
        _ => Some(given),
    }
}

/// An installation's visitors' copies.
#[derive(Default)]
pub(crate) struct Installed {
    copies: Copies<OwnCopy>,
}

impl Installed {
    /// Lets `act` see and change this visitor's copy.
    pub(super) fn with<T>(
        &self,
        identity: &Identity,
        source: IpAddr,
        now: Timestamp,
        act: impl FnOnce(&mut OwnCopy) -> T,
    ) -> T {
        self.copies.with(
            source,
            now,
            || stored(identity, now),
            |copy| {
                let fresh = |item: &Item| item.expires.is_none_or(|end| end > now.seconds());
                copy.items.retain(|_, item| fresh(item));
                act(copy)
            },
        )
    }
}

/// What the pretended machine's application keeps there: sessions and fragments of pages.
fn stored(identity: &Identity, now: Timestamp) -> OwnCopy {
    let draw = Draw::new(identity.seed(), "memcached items");
    let mut copy = OwnCopy { cas: 1_000 + draw.below(0, 90_000), ..OwnCopy::default() };
    let people = ["anna", "jonas", "marie", "peter", "sofia", "thomas", "lukas", "elena"];
    for number in 0..5 + draw.below(1, 10) {
        let place = 100 + number * 4;
        let user = draw.one_of(place, &people).unwrap_or("anna");
        let session = format!(
            "user|s:{}:\"{user}\";id|i:{};token|s:16:\"{:016x}\";",
            user.len(),
            1_000 + draw.below(place + 1, 8_000),
            draw.number(place + 2)
        );
        let key =
            format!("memc.sess.{:016x}{:010x}", draw.number(place + 3), draw.below(place, 1 << 40));
        let left = 200 + i64::try_from(draw.below(place + 2, 1_200)).unwrap_or(0);
        let item = Item {
            flags: 0,
            value: session.into_bytes(),
            expires: Some(now.seconds() + left),
            cas: copy.cas,
        };
        copy.items.insert(key.into_bytes(), item);
        copy.cas += 1 + draw.below(place, 30);
    }
    for page in ["front", "menu", "footer", "prices"] {
        let value =
            format!("<div class=\"{page}\">{:08x}</div>", draw.below(page.len() as u64, 1 << 32));
        let item = Item { flags: 4, value: value.into_bytes(), expires: None, cas: copy.cas };
        copy.items.insert(format!("fragment:{page}").into_bytes(), item);
        copy.cas += 1;
    }
    copy
}
