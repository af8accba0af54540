//! What is remembered of flows: a hash table whose entries stand in lists by what they wait for, each list in the order in which its
//! entries were last touched and with a bound of its own. Whatever strangers send, the oldest of a full list goes.
//!
//! One table for all, since every packet is looked up once. Keys are hashed with a secret of the process (`secret.rs`): an attacker
//! chooses addresses and ports. Entries stand in one vector and are chained by hash, so that what is full of strangers moves nothing
//! and hashes nothing twice. What costs time is memory that is not near: an entry is kept small, and what is not known of most flows
//! stands elsewhere.

use super::secret::Secret;

/// Who speaks to whom: IPv4 addresses as IPv6 has them, the visitor first, whoever sent the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowKey {
    pub(super) visitor: u128,
    pub(super) ours: u128,
    /// The visitor's port and ours; of ICMP the identifier and 0.
    pub(super) ports: (u16, u16),
    pub(super) transport: u8,
}

impl FlowKey {
    fn bytes(&self) -> [u8; 37] {
        let mut bytes = [0; 37];
        bytes[..16].copy_from_slice(&self.visitor.to_ne_bytes());
        bytes[16..32].copy_from_slice(&self.ours.to_ne_bytes());
        bytes[32..34].copy_from_slice(&self.ports.0.to_ne_bytes());
        bytes[34..36].copy_from_slice(&self.ports.1.to_ne_bytes());
        bytes[36] = self.transport;
        bytes
    }
}

/// A list of entries that wait for the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListBounds {
    /// Entries at most.
    pub(super) most: u32,
    /// Microseconds after which an entry that was not touched goes.
    pub(super) idle: i64,
}

const NONE: u32 = u32::MAX;
/// The share of its longest wait in which a flow counts as touched just now.
const FRESH: i64 = 64;
const FEWEST_BUCKETS: usize = 1_024;

#[derive(Debug)]
struct Entry<V> {
    key: FlowKey,
    value: Option<V>,
    touched: i64,
    /// Half of it is enough for as many buckets as there can be.
    hash: u32,
    /// The next entry of the same bucket.
    chained: u32,
    older: u32,
    newer: u32,
    list: u8,
}

#[derive(Debug)]
struct List {
    bounds: ListBounds,
    oldest: u32,
    newest: u32,
    length: u32,
}

/// Flows in `LISTS` lists.
#[derive(Debug)]
pub(super) struct Table<V, const LISTS: usize> {
    secret: Secret,
    /// The first entry of each bucket; their number is a power of two.
    buckets: Vec<u32>,
    entries: Vec<Entry<V>>,
    free: Vec<u32>,
    lists: [List; LISTS],
}

impl<V, const LISTS: usize> Table<V, LISTS> {
    pub(super) fn new(bounds: [ListBounds; LISTS]) -> Self {
        Self {
            secret: Secret::new(),
            buckets: vec![NONE; FEWEST_BUCKETS],
            entries: Vec::new(),
            free: Vec::new(),
            lists: bounds.map(|bounds| List { bounds, oldest: NONE, newest: NONE, length: 0 }),
        }
    }

    /// The place of a flow.
    pub(super) fn find(&self, key: &FlowKey) -> Option<u32> {
        self.find_hashed(key, self.hash(key))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half is as good as all")]
    fn hash(&self, key: &FlowKey) -> u32 {
        self.secret.hash(&key.bytes()) as u32
    }

    fn find_hashed(&self, key: &FlowKey, hash: u32) -> Option<u32> {
        let mut place = *self.buckets.get(self.bucket(hash))?;
        while let Some(entry) = self.entries.get(place as usize) {
            if entry.hash == hash && entry.key == *key {
                return Some(place);
            }
            place = entry.chained;
        }
        None
    }

    const fn bucket(&self, hash: u32) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    /// Puts an entry at the beginning of its bucket.
    fn chain(&mut self, place: u32) {
        let Some(hash) = self.entries.get(place as usize).map(|entry| entry.hash) else { return };
        let bucket = self.bucket(hash);
        if let (Some(first), Some(entry)) =
            (self.buckets.get_mut(bucket), self.entries.get_mut(place as usize))
        {
            entry.chained = std::mem::replace(first, place);
        }
    }

    fn unchain(&mut self, place: u32) {
        let Some(entry) = self.entries.get(place as usize) else { return };
        let (bucket, next) = (self.bucket(entry.hash), entry.chained);
        let Some(first) = self.buckets.get_mut(bucket) else { return };
        if *first == place {
            *first = next;
            return;
        }
        let mut at = *first;
        while let Some(entry) = self.entries.get_mut(at as usize) {
            if entry.chained == place {
                entry.chained = next;
                return;
            }
            at = entry.chained;
        }
    }

    /// Twice as many buckets, once there are more entries than that.
    fn widen(&mut self) {
        if self.entries.len() <= self.buckets.len() {
            return;
        }
        self.buckets = vec![NONE; self.buckets.len() * 2];
        for place in 0..u32::try_from(self.entries.len()).unwrap_or(NONE) {
            if self.entries.get(place as usize).is_some_and(|entry| entry.value.is_some()) {
                self.chain(place);
            }
        }
    }

    /// What is known of the flow at a place.
    pub(super) fn at(&mut self, place: u32) -> Option<&mut V> {
        self.entries.get_mut(place as usize)?.value.as_mut()
    }

    /// Whose flow is at a place.
    pub(super) fn key(&self, place: u32) -> Option<FlowKey> {
        self.entries.get(place as usize).map(|entry| entry.key)
    }

    /// Puts the flow at a place to the end of a list, which may be another than the one it is in.
    /// One that was touched just before stays where it is: to keep the order exact would cost more than all else.
    pub(super) fn touch(&mut self, place: u32, list: usize, now: i64) {
        let idle = self.lists.get(list).map_or(0, |list| list.bounds.idle);
        let is_fresh = self.entries.get(place as usize).is_some_and(|entry| {
            usize::from(entry.list) == list && now.saturating_sub(entry.touched) < idle / FRESH
        });
        if is_fresh {
            return;
        }
        self.unlink(place);
        self.link(place, list, now);
    }

    /// Puts another value in the place of one, at the end of a list; gives the one before.
    pub(super) fn replace(&mut self, place: u32, value: V, list: usize, now: i64) -> Option<V> {
        self.touch(place, list, now);
        self.entries.get_mut(place as usize)?.value.replace(value)
    }

    /// Adds a flow, in the place of what is known of it where anything is; gives its place. Look for [`Self::surplus`] after it.
    pub(super) fn put(&mut self, key: FlowKey, value: V, list: usize, now: i64) -> u32 {
        let hash = self.hash(&key);
        if let Some(place) = self.find_hashed(&key, hash) {
            self.replace(place, value, list, now);
            return place;
        }
        let (value, touched, chained, number) = (Some(value), now, NONE, number_of(list));
        let (older, newer) = (NONE, NONE);
        let entry = Entry { key, value, touched, hash, chained, older, newer, list: number };
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(old) = self.entries.get_mut(place as usize) {
                    *old = entry;
                }
                place
            }
            None => {
                self.widen();
                self.entries.push(entry);
                u32::try_from(self.entries.len() - 1).unwrap_or(NONE)
            }
        };
        self.chain(place);
        self.link(place, list, now);
        place
    }

    /// Takes the flow at a place out.
    pub(super) fn remove(&mut self, place: u32) -> Option<(FlowKey, V)> {
        self.unlink(place);
        self.unchain(place);
        let entry = self.entries.get_mut(place as usize)?;
        let (key, value) = (entry.key, entry.value.take()?);
        self.free.push(place);
        Some((key, value))
    }

    /// The place of a flow that has waited too long, or that a full list has no room for.
    pub(super) fn overdue(&self, now: i64) -> Option<u32> {
        self.lists.iter().find_map(|list| {
            let oldest = self.entries.get(list.oldest as usize)?;
            let is_idle = now.saturating_sub(oldest.touched) > list.bounds.idle;
            (is_idle || list.length > list.bounds.most).then_some(list.oldest)
        })
    }

    /// The same for the bounds alone.
    pub(super) fn surplus(&self, list: usize) -> Option<u32> {
        let list = self.lists.get(list)?;
        (list.length > list.bounds.most).then_some(list.oldest)
    }

    /// The place of the oldest flow of a list.
    pub(super) fn oldest(&self, list: usize) -> Option<u32> {
        self.lists.get(list).map(|list| list.oldest).filter(|place| *place != NONE)
    }

    fn unlink(&mut self, place: u32) {
        let Some(entry) = self.entries.get(place as usize) else { return };
        let (older, newer, number) = (entry.older, entry.newer, usize::from(entry.list));
        let Some(list) = self.lists.get_mut(number) else { return };
        list.length = list.length.saturating_sub(1);
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => list.oldest = newer,
        }
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => list.newest = older,
        }
    }

    fn link(&mut self, place: u32, number: usize, now: i64) {
        let Some(list) = self.lists.get_mut(number) else { return };
        let before = list.newest;
        list.newest = place;
        list.length += 1;
        match self.entries.get_mut(before as usize) {
            Some(entry) => entry.newer = place,
            None => list.oldest = place,
        }
        if let Some(entry) = self.entries.get_mut(place as usize) {
            (entry.older, entry.newer, entry.touched) = (before, NONE, now);
            entry.list = number_of(number);
        }
    }
}

/// There are a handful of lists.
fn number_of(list: usize) -> u8 {
    u8::try_from(list).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(number: u16) -> FlowKey {
        FlowKey { visitor: 1, ours: 2, ports: (number, 80), transport: 6 }
    }

    proptest! {
        #[test]
        fn the_table_holds_what_a_plain_list_would_hold_in_the_same_order(
            steps in prop::collection::vec((0_u16..12, 0_usize..2, 0_u8..3), 0..200),
        ) {
            let bounds = ListBounds { most: 5, idle: FRESH - 1 };
            let mut table: Table<u16, 2> = Table::new([bounds; 2]);
            let mut plain: [Vec<u16>; 2] = [Vec::new(), Vec::new()];
            for (number, list, what) in steps {
                let place = table.find(&key(number));
                let is_there = plain.iter().any(|list| list.contains(&number));
                prop_assert_eq!(place.is_some(), is_there);
                match (what, place) {
                    (0, Some(place)) => {
                        prop_assert_eq!(table.remove(place), Some((key(number), number)));
                        plain.iter_mut().for_each(|list| list.retain(|one| *one != number));
                    }
                    (1 | 2, place) => {
                        match place {
                            Some(place) if what == 1 => table.touch(place, list, 0),
                            _ => assert_eq!(table.put(key(number), number, list, 0), table.find(&key(number)).unwrap()),
                        }
                        plain.iter_mut().for_each(|list| list.retain(|one| *one != number));
                        plain[list].push(number);
                        while let Some(place) = table.surplus(list) {
                            let (_, oldest) = table.remove(place).unwrap();
                            prop_assert_eq!(oldest, plain[list].remove(0));
                        }
                    }
                    _ => {}
                }
                for (list, plain) in plain.iter().enumerate() {
                    prop_assert_eq!(table.lists[list].length as usize, plain.len());
                    let oldest = table.oldest(list).and_then(|place| table.at(place).copied());
                    prop_assert_eq!(oldest, plain.first().copied());
                }
            }
        }
    }
}
