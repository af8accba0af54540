//! A visitor's half of a TCP connection, put together from segments in any order, up to a bound. What came first at a place stays:
//! systems differ in that (Ptacek and Newsham, "Insertion, Evasion, and Denial of Service", 1998), and no reader of a capture can be right for all
//! of them. What stands behind a gap that was never filled is not given.

/// Bytes kept of a conversation at most, as the trap that takes any port keeps.
pub(super) const MOST_KEPT: usize = 65_536;
/// Gaps that are remembered; what would make another one is dropped.
const MOST_PIECES: usize = 16;

/// The bytes of one side.
#[derive(Debug)]
pub(super) struct Reassembly {
    /// The sequence number of the first byte.
    first: u32,
    bytes: Vec<u8>,
    /// What is there, in order and apart from each other.
    pieces: Vec<(usize, usize)>,
    /// The farthest byte that was seen, kept or not.
    seen: u64,
    end: Option<u32>,
}

impl Reassembly {
    /// Begins with the sequence number of the first byte.
    pub(super) const fn new(first: u32) -> Self {
        Self { first, bytes: Vec::new(), pieces: Vec::new(), seen: 0, end: None }
    }

    /// Takes a segment's bytes; gives by how many more bytes it now holds.
    pub(super) fn push(&mut self, sequence: u32, payload: &[u8]) -> usize {
        let offset = sequence.wrapping_sub(self.first).cast_signed();
        // Before the beginning: only what reaches behind it counts.
        let before = usize::try_from(offset.min(0).unsigned_abs()).unwrap_or(usize::MAX);
        let payload = payload.get(before..).unwrap_or_default();
        let start = usize::try_from(offset.max(0)).unwrap_or(usize::MAX);
        if payload.is_empty() {
            return 0;
        }
        self.seen = self.seen.max(start as u64 + payload.len() as u64);
        let room = MOST_KEPT.saturating_sub(start);
        let payload = payload.get(..payload.len().min(room)).unwrap_or_default();
        if payload.is_empty() {
            return 0;
        }
        self.keep(start, payload)
    }

    fn keep(&mut self, start: usize, payload: &[u8]) -> usize {
        let end = start + payload.len();
        // The usual case: what follows directly.
        if self.pieces.is_empty() && start == 0
            || self.pieces.len() == 1 && self.pieces[0] == (0, start)
        {
            let held = self.bytes.capacity();
            self.bytes.extend_from_slice(payload);
            self.pieces.clear();
            self.pieces.push((0, end));
            return self.bytes.capacity() - held;
        }
        let touches = self.pieces.iter().any(|(from, to)| *from <= end && start <= *to);
        if !touches && self.pieces.len() >= MOST_PIECES {
            return 0;
        }
        let held = self.bytes.capacity();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        let mut at = start;
        for &(from, to) in &self.pieces {
            // The gap before this piece.
            copy(&mut self.bytes, (at, from.min(end)), (start, payload));
            at = at.max(to);
        }
        copy(&mut self.bytes, (at, end), (start, payload));
        self.unite(start, end);
        self.bytes.capacity() - held
    }

    fn unite(&mut self, start: usize, end: usize) {
        let mut united = (start, end);
        self.pieces.retain(|&(from, to)| {
            let is_apart = to < united.0 || united.1 < from;
            if !is_apart {
                united = (united.0.min(from), united.1.max(to));
            }
            is_apart
        });
        let place = self.pieces.partition_point(|piece| *piece < united);
        self.pieces.insert(place, united);
    }

    /// The sender has said all; `sequence` is the number behind the last byte.
    pub(super) const fn finish(&mut self, sequence: u32) {
        self.end = Some(sequence);
    }

    /// Whether all that the sender said is there, or all that is kept of it.
    pub(super) fn is_complete(&self) -> bool {
        let there = self.content().len();
        self.end.is_some_and(|end| {
            let length = usize::try_from(end.wrapping_sub(self.first)).unwrap_or(usize::MAX);
            there >= length.min(MOST_KEPT)
        })
    }

    /// What is there without a gap from the first byte on.
    pub(super) fn content(&self) -> &[u8] {
        match self.pieces.first() {
            Some(&(0, end)) => self.bytes.get(..end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The same, taken out.
    pub(super) fn into_content(mut self) -> Vec<u8> {
        let length = self.content().len();
        self.bytes.truncate(length);
        self.bytes
    }

    /// Bytes that the sender is known to have sent.
    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Copies `payload`, whose first byte is at `start`, into the places from..to.
fn copy(bytes: &mut [u8], (from, to): (usize, usize), (start, payload): (usize, &[u8])) {
    if from >= to {
        return;
    }
    if let (Some(place), Some(part)) =
        (bytes.get_mut(from..to), payload.get(from - start..to - start))
    {
        place.copy_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_in_any_order_and_overlapping_give_the_same_bytes(
            text in prop::collection::vec(any::<u8>(), 1..400),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..30),
            first in any::<u32>(),
        ) {
            let mut reassembly = Reassembly::new(first);
            let number = |at: usize| first.wrapping_add(u32::try_from(at).unwrap());
            for (at, length) in cuts {
                let at = at.index(text.len());
                reassembly.push(number(at), &text[at..(at + length).min(text.len())]);
                let there = reassembly.content();
                prop_assert_eq!(there, &text[..there.len()]);
                prop_assert!(reassembly.pieces.len() <= MOST_PIECES);
            }
            reassembly.finish(number(text.len()));
            reassembly.push(first, &text);
            prop_assert!(reassembly.is_complete());
            prop_assert_eq!(reassembly.into_content(), text);
        }

        #[test]
        fn no_sequence_number_makes_it_hold_more_than_its_bound(
            pushes in prop::collection::vec((any::<u32>(), 0_usize..2_000), 0..50),
        ) {
            let mut reassembly = Reassembly::new(7);
            for (sequence, length) in pushes {
                reassembly.push(sequence, &vec![1; length]);
                prop_assert!(reassembly.bytes.len() <= MOST_KEPT);
            }
        }
    }

    #[test]
    fn what_came_first_at_a_place_stays() {
        let mut reassembly = Reassembly::new(100);
        reassembly.push(102, b"CD");
        reassembly.push(100, b"abcdef");
        reassembly.push(100, b"xxxxxx");
        assert_eq!(reassembly.content(), b"abCDef");
    }

    #[test]
    fn what_lies_before_the_beginning_is_left_out() {
        let mut reassembly = Reassembly::new(100);
        reassembly.push(98, b"..ab");
        assert_eq!(reassembly.content(), b"ab");
    }
}
