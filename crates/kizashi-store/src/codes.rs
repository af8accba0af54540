//! The numbers that stand for kinds, moments and counts in the tables. They are part of the file's layout: never renumber.

use std::borrow::Cow;

use kizashi_event::{KeyKind, Timestamp};

/// Microseconds in ten minutes.
pub(crate) const BIN: i64 = 600 * Timestamp::SECOND;

/// The number of a kind.
pub(crate) const fn kind_code(kind: KeyKind) -> i64 {
    match kind {
        KeyKind::Total => 0,
        KeyKind::Port => 1,
        KeyKind::Service => 2,
        KeyKind::Source => 3,
        KeyKind::User => 4,
        KeyKind::Password => 5,
        KeyKind::Command => 6,
        KeyKind::Path => 7,
        KeyKind::Payload => 8,
        KeyKind::Client => 9,
        KeyKind::Pair => 10,
        KeyKind::CommandFamily => 11,
        KeyKind::PathFamily => 12,
        KeyKind::Fingerprint => 13,
        KeyKind::Network => 14,
        KeyKind::PayloadCluster => 15,
        KeyKind::Country => 16,
        KeyKind::Signature => 17,
        KeyKind::RequestClass => 18,
        KeyKind::Backscatter => 19,
        KeyKind::Scanner => 20,
    }
}

/// The kind of a number.
pub(crate) fn kind_of(code: i64) -> Option<KeyKind> {
    KeyKind::ALL.into_iter().find(|kind| kind_code(*kind) == code)
}

/// The number of the hour since 1970 that holds a moment.
pub(crate) const fn hour_of(time: Timestamp) -> i64 {
    time.micros().div_euclid(Timestamp::HOUR)
}

/// The number of the ten minutes since 1970 that hold a moment.
pub(crate) const fn bin_of(time: Timestamp) -> i64 {
    time.micros().div_euclid(BIN)
}

/// SQLite has no unsigned integers; ids keep their bits.
pub(crate) const fn bits_of(id: u64) -> i64 {
    id.cast_signed()
}

/// A count read from a table, which is never negative.
pub(crate) fn count_of(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A count on its way into a table.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Ascending numbers, each as the varint (LEB128) of its distance from the one before: most take one byte or two.
pub(crate) fn pack(ascending: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ascending.len() * 2);
    let mut last = 0;
    for &number in ascending {
        let mut distance = number.wrapping_sub(last);
        last = number;
        while distance >= 0x80 {
            bytes.push((distance & 0x7f) as u8 | 0x80);
            distance >>= 7;
        }
        bytes.push(distance as u8);
    }
    bytes
}

/// Reads what [`pack`] wrote; stops at what it did not write.
pub(crate) fn unpack(bytes: &[u8]) -> Vec<u32> {
    let mut numbers = Vec::with_capacity(bytes.len());
    let (mut last, mut distance, mut shift) = (0_u32, 0_u32, 0_u32);
    for byte in bytes {
        if shift > 28 {
            break;
        }
        distance |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            last = last.wrapping_add(distance);
            numbers.push(last);
            (distance, shift) = (0, 0);
        } else {
            shift += 7;
        }
    }
    numbers
}

/// A key among the first of a day, with its events there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) key: u32,
    pub(crate) events: u64,
}

/// Eight bytes a place. What is above 32 bits is read as without bound.
pub(crate) fn pack_leaders(leaders: &[Leader]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(leaders.len() * 8);
    for leader in leaders {
        bytes.extend(leader.key.to_le_bytes());
        bytes.extend(u32::try_from(leader.events).unwrap_or(u32::MAX).to_le_bytes());
    }
    bytes
}

/// Reads what [`pack_leaders`] wrote.
pub(crate) fn unpack_leaders(bytes: &[u8]) -> Vec<Leader> {
    let (places, _) = bytes.as_chunks::<8>();
    let place = |&[a, b, c, d, e, f, g, h]: &[u8; 8]| {
        let events = match u32::from_le_bytes([e, f, g, h]) {
            u32::MAX => u64::from(u32::MAX) << 16,
            events => u64::from(events),
        };
        Leader { key: u32::from_le_bytes([a, b, c, d]), events }
    };
    places.iter().map(place).collect()
}

/// Puts `more`, which need not be sorted, into `ascending`; each number once.
pub(crate) fn unite(ascending: &mut Vec<u32>, more: &[u32]) {
    let mut sorted = Cow::Borrowed(more);
    if !sorted.is_sorted() {
        sorted.to_mut().sort_unstable();
    }
    let mut united = Vec::with_capacity(ascending.len() + sorted.len());
    let (mut one, mut other) = (ascending.iter().peekable(), sorted.iter().peekable());
    loop {
        let next = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) if a <= b => one.next(),
            (Some(_), None) => one.next(),
            _ => other.next(),
        };
        let Some(next) = next else { break };
        if united.last() != Some(next) {
            united.push(*next);
        }
    }
    *ascending = united;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_two_kinds_share_a_number() {
        let codes: std::collections::BTreeSet<i64> = KeyKind::ALL.map(kind_code).into();
        assert_eq!(codes.len(), KeyKind::ALL.len());
    }

    proptest! {
        #[test]
        fn every_set_of_numbers_survives_packing(set in prop::collection::btree_set(any::<u32>(), 0..300)) {
            let ascending: Vec<u32> = set.into_iter().collect();
            prop_assert_eq!(unpack(&pack(&ascending)), ascending);
        }

        #[test]
        fn what_is_united_is_of_either_set_once_and_in_order(
            set in prop::collection::btree_set(0..60_u32, 0..40), more in prop::collection::vec(0..60_u32, 0..40),
        ) {
            let mut united: Vec<u32> = set.iter().copied().collect();
            unite(&mut united, &more);
            let expected: std::collections::BTreeSet<u32> = set.into_iter().chain(more).collect();
            prop_assert_eq!(united, expected.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn bytes_that_were_never_packed_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(unpack(&bytes).len() <= bytes.len());
        }
    }
}
