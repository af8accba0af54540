//! Keys that are not watched yet, since one source alone has come with them.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

/// Keys that one source has come with, by their hash: a collision lets a key in early, no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "VecDeque<(i64, Vec<(u64, u32)>)>", into = "VecDeque<(i64, Vec<(u64, u32)>)>")]
pub(super) struct Candidates {
    /// The source and the bin.
    first_of: HashMap<u64, (u32, i64)>,
    by_bin: VecDeque<(i64, Vec<(u64, u32)>)>,
}

impl From<VecDeque<(i64, Vec<(u64, u32)>)>> for Candidates {
    fn from(by_bin: VecDeque<(i64, Vec<(u64, u32)>)>) -> Self {
        let of_bin = |(bin, keys): &(i64, Vec<(u64, u32)>)| {
            let bin = *bin;
            keys.iter().map(move |(hash, source)| (*hash, (*source, bin))).collect::<Vec<_>>()
        };
        Self { first_of: by_bin.iter().flat_map(of_bin).collect(), by_bin }
    }
}

impl From<Candidates> for VecDeque<(i64, Vec<(u64, u32)>)> {
    fn from(candidates: Candidates) -> Self {
        candidates.by_bin
    }
}

impl Candidates {
    /// The first source and the earlier bin in which it came, when another one comes now; a first one is remembered.
    pub(super) fn first_before(
        &mut self,
        bin: i64,
        hash: u64,
        sources: &[u32],
        most: usize,
    ) -> Option<(u32, i64)> {
        if let Some(&first) = self.first_of.get(&hash) {
            return Some(first).filter(|_| sources.iter().any(|source| *source != first.0));
        }
        let &[source] = sources else { return None };
        while self.first_of.len() >= most.max(1) {
            let Some((_, oldest)) = self.by_bin.front_mut() else { break };
            match oldest.pop() {
                Some((hash, _)) => drop(self.first_of.remove(&hash)),
                None => drop(self.by_bin.pop_front()),
            }
        }
        self.first_of.insert(hash, (source, bin));
        match self.by_bin.back_mut() {
            Some((last, keys)) if *last == bin => keys.push((hash, source)),
            _ => self.by_bin.push_back((bin, vec![(hash, source)])),
        }
        None
    }

    /// Forgets a key that is watched now, but for its line in the list.
    pub(super) fn forget(&mut self, hash: u64) {
        if let Some((_, bin)) = self.first_of.remove(&hash)
            && let Ok(at) = self.by_bin.binary_search_by_key(&bin, |(bin, _)| *bin)
            && let Some((_, keys)) = self.by_bin.get_mut(at)
        {
            keys.retain(|(of, _)| *of != hash);
        }
    }

    pub(super) fn forget_before(&mut self, first_kept: i64) {
        while self.by_bin.front().is_some_and(|(bin, _)| *bin < first_kept) {
            for (hash, _) in self.by_bin.pop_front().into_iter().flat_map(|(_, keys)| keys) {
                self.first_of.remove(&hash);
            }
        }
    }

    /// Keys remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.first_of.len()
    }
}
