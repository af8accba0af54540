//! How many different sources, when the set itself is too much to keep: the set while it is small, then a HyperLogLog
//! (Flajolet, Fusy, Gandouet, Meunier 2007, with linear counting for small counts) of 1,024 registers, within about 3.3 %.
//!
//! Sketches of different days can be united, which sums cannot: a source that comes back is one source.

use crate::codes::{pack, unite, unpack};

/// Largest set that is kept as it is.
const LARGEST_SET: usize = 256;
/// log2 of the number of registers.
const PRECISION: u32 = 10;
const REGISTERS: usize = 1 << PRECISION;
/// What the first byte of a stored sketch says.
const SET: u8 = 0;
const REGISTER: u8 = 1;

/// The distinct sources of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sketch {
    /// The sources themselves, ascending.
    Set(Vec<u32>),
    /// The registers of a HyperLogLog.
    Registers(Box<[u8; REGISTERS]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Set(Vec::new())
    }
}

impl Sketch {
    /// Adds sources, in any order.
    pub(crate) fn add(&mut self, sources: &[u32]) {
        match self {
            Self::Set(set) => {
                unite(set, sources);
                if set.len() > LARGEST_SET {
                    let mut registers = Box::new([0; REGISTERS]);
                    set.iter().for_each(|source| note(&mut registers, *source));
                    *self = Self::Registers(registers);
                }
            }
            Self::Registers(registers) => {
                sources.iter().for_each(|source| note(registers, *source));
            }
        }
    }

    /// Adds the sources of another sketch.
    pub(crate) fn unite(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Set(sources)) => self.add(sources),
            (Self::Registers(mine), Self::Registers(theirs)) => {
                for (mine, theirs) in mine.iter_mut().zip(theirs.iter()) {
                    *mine = (*mine).max(*theirs);
                }
            }
            (Self::Set(mine), Self::Registers(_)) => {
                let mine = std::mem::take(mine);
                *self = other.clone();
                self.add(&mine);
            }
        }
    }

    /// How many: exact while the set is small.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn count(&self) -> u64 {
        let registers = match self {
            Self::Set(set) => return set.len() as u64,
            Self::Registers(registers) => registers,
        };
        let m = REGISTERS as f64;
        let alpha = 0.7213 / (1.0 + 1.079 / m);
        let sum: f64 = registers.iter().map(|register| (-f64::from(*register)).exp2()).sum();
        let estimate = alpha * m * m / sum;
        let empty = registers.iter().filter(|register| **register == 0).count();
        let estimate =
            if estimate <= 2.5 * m && empty > 0 { m * (m / empty as f64).ln() } else { estimate };
        estimate.round() as u64
    }

    /// The stored form.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Set(set) => [&[SET], pack(set).as_slice()].concat(),
            Self::Registers(registers) => [&[REGISTER], registers.as_slice()].concat(),
        }
    }

    /// Reads the stored form; what is none is an empty sketch.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        match bytes.split_first() {
            Some((&SET, packed)) => {
                let mut sketch = Self::default();
                sketch.add(&unpack(packed));
                sketch
            }
            Some((&REGISTER, registers)) => <[u8; REGISTERS]>::try_from(registers)
                .map_or_else(|_| Self::default(), |registers| Self::Registers(Box::new(registers))),
            _ => Self::default(),
        }
    }
}

fn note(registers: &mut [u8; REGISTERS], source: u32) {
    let hash = mix(source);
    let at = (hash >> (64 - PRECISION)) as usize;
    let rest = (hash << PRECISION) | (1 << (PRECISION - 1));
    #[allow(clippy::cast_possible_truncation, reason = "at most 54")]
    let rank = rest.leading_zeros() as u8 + 1;
    if let Some(register) = registers.get_mut(at) {
        *register = (*register).max(rank);
    }
}

/// SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014): sources are numbered by us, so nobody can choose collisions.
const fn mix(source: u32) -> u64 {
    let mut z = (source as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn exact_up_to_256_and_within_ten_percent_up_to_a_million() {
        for count in [0_u32, 1, 255, 256, 257, 1_000, 5_000, 50_000, 1_000_000] {
            let mut sketch = Sketch::default();
            for chunk in (0..count).collect::<Vec<_>>().chunks(100) {
                sketch.add(chunk);
            }
            let (found, count) = (sketch.count() as f64, f64::from(count));
            let allowed = if count <= 256.0 { 0.0 } else { 0.1 * count };
            assert!((found - count).abs() <= allowed, "{found} for {count}");
        }
    }

    proptest! {
        #[test]
        fn a_union_counts_a_source_once_whatever_the_order(
            a in prop::collection::vec(0_u32..2_000, 0..700),
            b in prop::collection::vec(0_u32..2_000, 0..700),
        ) {
            let sketch_of = |sources: &[u32]| {
                let mut sketch = Sketch::default();
                sketch.add(sources);
                Sketch::from_bytes(&sketch.to_bytes())
            };
            let whole = sketch_of(&[a.clone(), b.clone()].concat());
            let (mut ab, mut ba) = (sketch_of(&a), sketch_of(&b));
            ab.unite(&sketch_of(&b));
            ba.unite(&sketch_of(&a));
            prop_assert_eq!(&ab, &ba);
            prop_assert_eq!(ab, whole);
        }
    }
}
