//! A table that forgets: two generations, of which the older is dropped whenever the younger is full. Bounded, without a
//! clock, and whoever is seen again and again is never forgotten.

use std::collections::HashMap;
use std::hash::Hash;

/// At most twice `most` entries.
pub(crate) struct Memory<K, V> {
    most: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Hash + Eq + Copy, V: Default> Memory<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, young: HashMap::new(), old: HashMap::new() }
    }

    /// What is known of this key, to be changed.
    pub(crate) fn of(&mut self, key: K) -> &mut V {
        if !self.young.contains_key(&key) {
            let value = self.old.remove(&key).unwrap_or_default();
            if self.young.len() >= self.most {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(key, value);
        }
        self.young.entry(key).or_default()
    }

    /// Whether anything is known of this key.
    pub(crate) fn knows(&self, key: K) -> bool {
        self.young.contains_key(&key) || self.old.contains_key(&key)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}
