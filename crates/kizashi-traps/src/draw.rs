//! Draws from a seed by label, so that a new field of the identity never changes the fields there were before: each label has
//! its own stream, SHA-256 over seed, label and place. The seed cannot be computed back from what a visitor sees.

use sha2::{Digest, Sha256};

/// A source of drawn values.
#[derive(Clone, Copy)]
pub(crate) struct Draw<'a> {
    seed: &'a [u8; 32],
    label: &'a str,
}

impl<'a> Draw<'a> {
    pub(crate) const fn new(seed: &'a [u8; 32], label: &'a str) -> Self {
        Self { seed, label }
    }

    /// The `place`th number of this label.
    pub(crate) fn number(self, place: u64) -> u64 {
        let mut hasher = Sha256::new();
        hasher.update(self.seed);
        hasher.update(place.to_be_bytes());
        hasher.update(self.label.as_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        digest[..8].iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }

    /// A number from 0 to `bound` − 1; 0 when `bound` is 0.
    pub(crate) fn below(self, place: u64, bound: u64) -> u64 {
        self.number(place).checked_rem(bound).unwrap_or(0)
    }

    /// One of these; the list has at least one member.
    pub(crate) fn one_of<T: Copy>(self, place: u64, choices: &[T]) -> Option<T> {
        let index = self.below(place, choices.len() as u64);
        choices.get(usize::try_from(index).ok()?).copied()
    }
}
