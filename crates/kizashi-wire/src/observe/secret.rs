//! Hashes of what strangers choose: addresses, ports, the look of a segment. NH of UMAC (RFC 4418, section 5.2; Black et al. 1999) over
//! words of 64 bits, with keys drawn for the process: whoever does not know the keys makes two inputs collide with a chance of one in
//! 2^64 at best, whatever they are. A packet is looked up up to five times; SipHash took a tenth of the time of all.

use std::hash::{BuildHasher as _, RandomState};

/// Words of an input that have keys of their own; longer ones use the keys again, which no input here is.
const KEYS: usize = 32;

/// The keys.
#[derive(Clone, Debug)]
pub(super) struct Secret([u64; KEYS]);

impl Secret {
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        let mut number = 0_u64;
        Self([(); KEYS].map(|()| {
            number += 1;
            random.hash_one(number)
        }))
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::new()
    }
}

impl Secret {
    /// The hash of these bytes, which are of one length for all that are compared.
    pub(super) fn hash(&self, bytes: &[u8]) -> u64 {
        let (pairs, rest) = bytes.as_chunks::<16>();
        let mut last = [0; 16];
        if let Some(place) = last.get_mut(..rest.len()) {
            place.copy_from_slice(rest);
        }
        let mut sum = 0_u128;
        for (place, pair) in pairs.iter().chain([&last]).enumerate() {
            let both = u128::from_ne_bytes(*pair);
            let (first, second) = (both as u64, (both >> 64) as u64);
            let key = |number: usize| self.0[(2 * place + number) % KEYS];
            let (first, second) = (first.wrapping_add(key(0)), second.wrapping_add(key(1)));
            sum = sum.wrapping_add(u128::from(first) * u128::from(second));
        }
        // Both halves, mixed so that the low bits, which choose a bucket, depend on all.
        let folded = (sum as u64) ^ ((sum >> 64) as u64);
        let mixed = (folded ^ (folded >> 32)).wrapping_mul(self.0[0] | 1);
        mixed ^ (mixed >> 32)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn neighbours_of_one_source_spread_over_the_buckets_as_by_chance() {
        let secret = Secret::new();
        let buckets = 65_536_u64;
        let mut used = HashSet::new();
        for number in 0..65_536_u32 {
            let mut bytes = [0; 37];
            bytes[32..36].copy_from_slice(&number.to_be_bytes());
            used.insert(secret.hash(&bytes) % buckets);
        }
        // By chance 1 - 1/e of the buckets are used: 41,427, with a standard deviation of 80.
        assert!((40_600..42_300).contains(&used.len()), "{}", used.len());
    }
}
