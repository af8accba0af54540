//! Randomness as a parameter: bytes that no visitor can foretell, from a seed that the process was given when it started. A trap
//! may ask the system for nothing, and a test that gives the same seed sees the same dialogue.

use std::sync::atomic::{AtomicU64, Ordering};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest, Sha256};

/// Gives each session a stream of its own.
pub(crate) struct Source {
    seed: [u8; 32],
    given: AtomicU64,
}

impl Source {
    pub(crate) const fn new(seed: [u8; 32]) -> Self {
        Self { seed, given: AtomicU64::new(0) }
    }

    /// A stream that no other session has.
    pub(crate) fn stream(&self) -> Randomness {
        let mut hasher = Sha256::new();
        hasher.update(self.seed);
        hasher.update(self.given.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Randomness(ChaCha20Rng::from_seed(hasher.finalize().into()))
    }
}

/// An endless stream of random bytes (ChaCha20).
pub(crate) struct Randomness(ChaCha20Rng);

impl Randomness {
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `bound` − 1; 0 when `bound` is 0. The bias of small bounds is far below what anybody could measure.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.number().checked_rem(bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_have_streams_of_their_own_and_a_test_sees_the_same_again() {
        let (one, again) = (Source::new([1; 32]), Source::new([1; 32]));
        let first: [u8; 16] = one.stream().bytes();
        assert_eq!(first, again.stream().bytes());
        assert_ne!(first, one.stream().bytes());
        assert_ne!(first, Source::new([2; 32]).stream().bytes());
    }
}
