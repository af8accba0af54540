//! A map of bounded size that forgets what was not asked for lately. Two generations: what is touched goes into the young one;
//! when that is full it becomes the old one, and what was old is forgotten. So the last `capacity` distinct keys are always
//! there, at most twice as many are held, and no list is kept. Keys are hashes already and are not hashed again.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Hands a 64-bit hash through as it is.
#[derive(Default)]
pub(crate) struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type Generation<V> = HashMap<u64, V, BuildHasherDefault<AlreadyHashed>>;

/// The values of the keys last touched.
pub(crate) struct Recent<V> {
    young: Generation<V>,
    old: Generation<V>,
    capacity: usize,
}

impl<V> Recent<V> {
    /// Remembers at least the last `capacity` distinct keys, at most twice as many.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { young: Generation::default(), old: Generation::default(), capacity }
    }

    /// The value of `key`, which counts as touching it.
    pub(crate) fn get(&mut self, key: u64) -> Option<&mut V> {
        if let Some(value) = self.old.remove(&key) {
            self.insert(key, value);
        }
        self.young.get_mut(&key)
    }

    /// Sets the value of `key`.
    pub(crate) fn insert(&mut self, key: u64, value: V) {
        if self.young.len() >= self.capacity && !self.young.contains_key(&key) {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, value);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_capacity_keys_are_known_and_memory_stays_bounded() {
        let mut recent = Recent::new(100);
        for key in 0..10_000_u64 {
            recent.insert(key, key);
            assert!(recent.len() <= 200);
            for known in key.saturating_sub(99)..=key {
                assert!(
                    recent.young.contains_key(&known) || recent.old.contains_key(&known),
                    "{known} at {key}"
                );
            }
        }
        assert_eq!(recent.get(0), None);
    }

    #[test]
    fn a_key_that_is_asked_for_again_and_again_is_never_forgotten() {
        let mut recent = Recent::new(10);
        recent.insert(u64::MAX, 7);
        for key in 0..1_000 {
            recent.insert(key, 0);
            assert_eq!(recent.get(u64::MAX), Some(&mut 7), "after {key}");
        }
    }
}
