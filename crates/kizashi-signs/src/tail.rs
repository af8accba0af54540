//! How many different sources come with keys that are not watched, however many keys there are: a count-min sketch (Cormode,
//! Muthukrishnan, J. Algorithms 55, 2005) whose cells are not counters but small bitmaps of sources (linear counting: Whang,
//! Vander-Zanden, Taylor, ACM TODS 15, 1990), so that a source counts once however often it comes, and one that makes up a
//! million keys puts one bit into each cell.
//!
//! What is told of a key is never less than what came (as far as a bitmap can tell), and more by what fell into the same cells:
//! the average of all cells is taken off. Two halves take turns: what is told is of both, of the last 24 to 48 hours. In a flood
//! a half ends as soon as it is an eighth full, so that memory reaches back less far, but what it tells stays true.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Rows of a half: a key has one cell in each, and the emptiest is believed.
const ROWS: usize = 4;
/// Bits of a cell.
const BITS: u32 = u32::BITS;
/// Bins after which a half ends: 24 hours.
const HALF: i64 = 144;
/// A half of which more than one bit in so many is set ends early.
const FULL: usize = 8;

/// Counts distinct sources of any number of keys in a fixed number of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Cells in a row, a power of two.
    width: usize,
    /// The running half and the one before, row after row; empty until something comes.
    halves: [Vec<u32>; 2],
    /// Bits set in each.
    set: [usize; 2],
    /// The bin in which the running half began.
    since: i64,
}

impl Tail {
    /// Nothing counted yet, within so many bytes, at least 1 KiB.
    pub(crate) fn new(bytes: usize) -> Self {
        let cells = (bytes / (2 * ROWS * size_of::<u32>())).max(32);
        Self { width: 1 << cells.ilog2(), halves: Default::default(), set: [0; 2], since: i64::MIN }
    }

    /// Bytes that it may take.
    #[cfg(test)]
    pub(crate) const fn bytes(&self) -> usize {
        2 * ROWS * self.width * size_of::<u32>()
    }

    /// Goes on to a bin; bins must not go backward.
    pub(crate) fn advance(&mut self, bin: i64) {
        if self.since == i64::MIN {
            self.since = bin;
        }
        let age = bin.saturating_sub(self.since);
        if age >= 2 * HALF {
            self.halves = Default::default();
            self.set = [0; 2];
            self.since = bin;
        } else if age >= HALF || self.set[0] * FULL > self.width * ROWS * BITS as usize {
            self.halves.swap(0, 1);
            self.set.swap(0, 1);
            self.halves[0].clear();
            self.set[0] = 0;
            self.since = bin;
        }
    }

    /// Counts the sources that came with a key, which is given by its hash.
    pub(crate) fn add(&mut self, key: u64, sources: &[u32]) {
        // A half without a bit takes no memory, as one that was read has none.
        if sources.is_empty() {
            return;
        }
        let cells = self.width * ROWS;
        let (half, set) = (&mut self.halves[0], &mut self.set[0]);
        half.resize(cells, 0);
        for (row, place) in places(key, self.width).enumerate() {
            let Some(cell) = half.get_mut(row * self.width + place) else { continue };
            let before = cell.count_ones();
            for source in sources {
                *cell |= 1 << (mix(u64::from(*source)) % u64::from(BITS));
            }
            *set += (cell.count_ones() - before) as usize;
        }
    }

    /// How many different sources came with a key, above what comes with any.
    pub(crate) fn sources(&self, key: u64) -> f64 {
        let [running, before] = &self.halves;
        let cell = |half: &[u32], row: usize, place: usize| {
            half.get(row * self.width + place).copied().unwrap_or(0)
        };
        let least = places(key, self.width)
            .enumerate()
            .map(|(row, place)| (cell(running, row, place) | cell(before, row, place)).count_ones())
            .min()
            .unwrap_or(0);
        #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
        let usual = (self.set[0] + self.set[1]) as f64 / (self.width * ROWS) as f64;
        (counted(f64::from(least)) - counted(usual.min(f64::from(BITS)))).max(0.0)
    }
}

/// Different sources behind so many set bits of a cell; a full cell is taken for one bit less.
fn counted(set: f64) -> f64 {
    let bits = f64::from(BITS);
    -bits * ((bits - set.min(bits - 1.0)) / bits).ln()
}

/// The cell of a key in each row.
fn places(key: u64, width: usize) -> impl Iterator<Item = usize> {
    (0..ROWS as u64).map(move |row| (mix(key.wrapping_add(row << 56 | row)) as usize) & (width - 1))
}

/// SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014).
pub(crate) const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Saved are the cells that hold anything: most of a quiet machine's hold nothing.
#[derive(Serialize, Deserialize)]
struct Saved(u32, i64, [Vec<(u32, u32)>; 2]);

impl Serialize for Tail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = |half: &Vec<u32>| {
            let mut last = 0;
            (0_u32..)
                .zip(half)
                .filter(|(_, cell)| **cell != 0)
                .map(|(at, cell)| (at - std::mem::replace(&mut last, at), *cell))
                .collect()
        };
        let width = u32::try_from(self.width).unwrap_or(u32::MAX);
        Saved(width, self.since, [cells(&self.halves[0]), cells(&self.halves[1])])
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Saved(width, since, saved) = Saved::deserialize(deserializer)?;
        let width = width as usize;
        if !width.is_power_of_two() || width > 1 << 24 {
            return Err(serde::de::Error::custom("a sketch of no possible width"));
        }
        let mut tail = Self { width, halves: Default::default(), set: [0; 2], since };
        for ((half, set), cells) in tail.halves.iter_mut().zip(&mut tail.set).zip(saved) {
            if cells.is_empty() {
                continue;
            }
            half.resize(width * ROWS, 0);
            let mut at = 0_usize;
            for (distance, cell) in cells {
                at += distance as usize;
                if let Some(place) = half.get_mut(at) {
                    *place = cell;
                    *set += cell.count_ones() as usize;
                }
            }
        }
        Ok(tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million keys are tried in a release build (`--bench tail`), fewer here.
    const FLOOD: u64 = 40_000;

    #[test]
    fn a_source_counts_once_for_a_key_and_for_each_of_two_days() {
        let mut tail = Tail::new(1 << 20);
        tail.advance(0);
        for _ in 0..5 {
            tail.add(7, &[1, 2]);
        }
        assert!((1.5..3.0).contains(&tail.sources(7)), "{}", tail.sources(7));
        assert!(tail.sources(8) < 0.5);
        tail.advance(HALF);
        tail.add(7, &[3]);
        assert!((2.5..4.5).contains(&tail.sources(7)));
        tail.advance(2 * HALF);
        assert!(tail.sources(7) < 1.6);
        tail.advance(4 * HALF);
        assert!(tail.sources(7) < 0.1);
    }

    #[test]
    fn one_source_that_makes_up_any_number_of_keys_hides_nothing() {
        let mut tail = Tail::new(64 << 10);
        tail.advance(0);
        (0..FLOOD).for_each(|key| tail.add(key, &[1]));
        for source in 2..8 {
            tail.add(u64::MAX, &[source]);
        }
        assert!(tail.sources(u64::MAX) > 4.0, "{}", tail.sources(u64::MAX));
        assert!((0..100).all(|key| tail.sources(key) < 1.0));
    }

    #[test]
    fn in_a_flood_from_many_sources_memory_is_shorter_and_a_rising_key_stands_out() {
        let mut tail = Tail::new(1 << 20);
        for bin in 0..6 {
            tail.advance(bin);
            for n in 0..FLOOD {
                tail.add(n + (1 + bin.unsigned_abs()) * FLOOD, &[mix(n) as u32]);
            }
            tail.add(u64::MAX, &(0..4).map(|n| n + 4 * bin as u32).collect::<Vec<_>>());
        }
        let others = (0..2_000).map(|n| tail.sources(6 * FLOOD + n));
        let highest = others.fold(0.0, f64::max);
        assert!(tail.sources(u64::MAX) > highest, "{} {highest}", tail.sources(u64::MAX));
        assert!(tail.halves.iter().map(Vec::len).sum::<usize>() * 4 <= tail.bytes());
    }

    #[test]
    fn what_was_saved_goes_on_and_a_quiet_one_takes_few_bytes() {
        let mut tail = Tail::new(4 << 20);
        tail.advance(3);
        tail.add(7, &[1, 2]);
        tail.advance(150);
        tail.add(9, &[5]);
        let saved = postcard::to_allocvec(&tail).unwrap();
        assert!(saved.len() < 120, "{}", saved.len());
        assert_eq!(postcard::from_bytes::<Tail>(&saved).unwrap(), tail);
        let mut empty = Tail::new(4 << 20);
        empty.advance(3);
        empty.add(7, &[]);
        let saved = postcard::to_allocvec(&empty).unwrap();
        assert_eq!(postcard::from_bytes::<Tail>(&saved).unwrap(), empty);
        assert!(
            postcard::from_bytes::<Tail>(
                &postcard::to_allocvec(&Saved(3, 0, Default::default())).unwrap()
            )
            .is_err()
        );
    }
}
