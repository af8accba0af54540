//! The latest of many: what was put in or asked for lately is there, what was not may be gone. There are two generations, and when the
//! younger is full the older goes whole: nearly what a list in order of use would keep, at the price of a look into one table or two.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Values by key.
#[derive(Debug)]
pub(super) struct Recent<K, V, S> {
    young: HashMap<K, V, S>,
    old: HashMap<K, V, S>,
    /// A generation's keys at most.
    full: usize,
}

impl<K: Eq + Hash, V: Copy, S: BuildHasher + Default> Recent<K, V, S> {
    /// Nothing yet, and never more than `most`, or the two that are fewest.
    pub(super) fn of(most: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), full: (most / 2).max(1) }
    }

    /// Nothing yet, and nothing goes but by [`Self::turn`].
    pub(super) fn unbounded() -> Self {
        Self::of(usize::MAX)
    }

    /// What is remembered of a key, which has been met just now.
    pub(super) fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if let Some(value) = self.young.get(key) {
            return Some(*value);
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.insert(key, value);
        Some(value)
    }

    /// What is remembered of a key, which nobody met.
    pub(super) fn peek(&self, key: &K) -> Option<V> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    /// Remembers a value.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.full && !self.young.contains_key(&key) {
            self.turn();
        }
        self.young.insert(key, value);
    }

    /// Forgets all but these.
    pub(super) fn retain(&mut self, mut stays: impl FnMut(V) -> bool) {
        self.young.retain(|_, value| stays(*value));
        self.old.retain(|_, value| stays(*value));
    }

    /// How many were met since the last turn.
    pub(super) fn met(&self) -> usize {
        self.young.len()
    }

    /// Lets those go that were not met since the last turn; whether there were any.
    pub(super) fn turn(&mut self) -> bool {
        let gone = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        !gone.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn those_met_last_are_there_with_their_last_values_and_never_more_than_asked_for(
            steps in prop::collection::vec((0..40_u32, any::<Option<u8>>()), 1..300), full in 1..8_usize,
        ) {
            let mut recent = Recent::<u32, u8, RandomState>::of(2 * full);
            let mut met: Vec<(u32, u8)> = Vec::new();
            for (key, value) in steps {
                let known = met.iter().position(|(known, _)| *known == key).map(|at| met.remove(at));
                if let Some(value) = value {
                    recent.insert(key, value);
                    met.push((key, value));
                } else {
                    let found = recent.get(&key);
                    prop_assert!(found.is_none() || found == known.map(|(_, value)| value));
                    met.extend(known.filter(|_| found.is_some()));
                }
                prop_assert!(recent.young.len() + recent.old.len() <= 2 * full);
                for (key, value) in met.iter().rev().take(full) {
                    prop_assert_eq!(recent.peek(key), Some(*value));
                }
            }
        }
    }
}
