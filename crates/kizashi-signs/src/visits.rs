//! Who has been counted where. A source counts once in 24 hours a port, whatever it does: on raw events one brute-forcing
//! host hides everything else (recall falls to between 0 and .3 where distinct sources reach .5).

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

/// Bins after which a source counts again: 24 hours of ten minutes.
const BINS_A_DAY: i64 = 144;
/// Visits remembered at most, about 25 bytes each: sources of UDP can be forged. Past it, newcomers count without being
/// remembered.
pub(crate) const MOST_REMEMBERED: usize = 2_000_000;

/// A series and the number of a source.
type Visit = (u32, u32);

/// The visits counted in the last 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "VecDeque<(i64, Vec<Visit>)>", into = "VecDeque<(i64, Vec<Visit>)>")]
pub(crate) struct Visits {
    counted: HashSet<Visit>,
    /// The same by the bin in which they were counted, oldest first, so that forgetting costs what was remembered and no more.
    by_bin: VecDeque<(i64, Vec<Visit>)>,
}

impl From<VecDeque<(i64, Vec<Visit>)>> for Visits {
    fn from(by_bin: VecDeque<(i64, Vec<Visit>)>) -> Self {
        let counted = by_bin.iter().flat_map(|(_, visits)| visits).copied().collect();
        Self { counted, by_bin }
    }
}

impl From<Visits> for VecDeque<(i64, Vec<Visit>)> {
    fn from(visits: Visits) -> Self {
        visits.by_bin
    }
}

impl Visits {
    /// How many of `sources` count in this bin of this series. Bins must not go backward.
    #[cfg(test)]
    pub(crate) fn count(&mut self, bin: i64, series: u32, sources: &[u32]) -> u32 {
        self.count_within(bin, series, sources, MOST_REMEMBERED)
    }

    /// The same, remembering `most` visits at most.
    #[cfg(test)]
    pub(crate) fn count_within(
        &mut self,
        bin: i64,
        series: u32,
        sources: &[u32],
        most: usize,
    ) -> u32 {
        self.forget_before(Self::first_kept(bin));
        let mut room = most.saturating_sub(self.counted.len()) as u64;
        self.count_allowed(bin, series, sources, &mut room)
    }

    /// The same, remembering as many as there is room for, which shrinks; what is a day old must be forgotten before.
    pub(crate) fn count_allowed(
        &mut self,
        bin: i64,
        series: u32,
        sources: &[u32],
        room: &mut u64,
    ) -> u32 {
        let mut fresh = 0_u32;
        for &source in sources {
            if self.counted.contains(&(series, source)) {
                continue;
            }
            fresh = fresh.saturating_add(1);
            if *room == 0 {
                continue;
            }
            *room -= 1;
            self.counted.insert((series, source));
            match self.by_bin.back_mut() {
                Some((last, visits)) if *last == bin => visits.push((series, source)),
                _ => self.by_bin.push_back((bin, vec![(series, source)])),
            }
        }
        fresh
    }

    /// How many of `sources` would count.
    pub(crate) fn fresh(&self, series: u32, sources: &[u32]) -> u32 {
        let is_fresh = |source: &&u32| !self.counted.contains(&(series, **source));
        u32::try_from(sources.iter().filter(is_fresh).count()).unwrap_or(u32::MAX)
    }

    /// The first bin of which visits still count in `bin`.
    pub(crate) const fn first_kept(bin: i64) -> i64 {
        bin - BINS_A_DAY + 1
    }

    /// The sources counted of a series from bin `since` on, ascending.
    pub(crate) fn sources_since(&self, series: u32, since: i64) -> Vec<u32> {
        let bins = self.by_bin.iter().rev().take_while(|(bin, _)| *bin >= since);
        let visits = bins.flat_map(|(_, visits)| visits);
        let mut sources: Vec<u32> =
            visits.filter(|(at, _)| *at == series).map(|(_, source)| *source).collect();
        sources.sort_unstable();
        sources.dedup();
        sources
    }

    /// Whether at least half of `sources` (ascending) were counted at one and the same series from bin `since` on.
    pub(crate) fn one_series_has_half(&self, sources: &[u32], since: i64) -> bool {
        let mut of_series: HashMap<u32, usize> = HashMap::new();
        for (_, visits) in self.by_bin.iter().rev().take_while(|(bin, _)| *bin >= since) {
            for (series, _) in visits.iter().filter(|(_, s)| sources.binary_search(s).is_ok()) {
                *of_series.entry(*series).or_default() += 1;
            }
        }
        !sources.is_empty() && of_series.values().any(|shared| 2 * shared >= sources.len())
    }

    /// Forgets what came before a bin.
    pub(crate) fn forget_before(&mut self, first_kept: i64) {
        while self.by_bin.front().is_some_and(|(bin, _)| *bin < first_kept) {
            for visit in self.by_bin.pop_front().into_iter().flat_map(|(_, visits)| visits) {
                self.counted.remove(&visit);
            }
            if self.counted.len() < self.counted.capacity() / 8 {
                self.counted.shrink_to(2 * self.counted.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_counts_again_after_24_hours_and_not_before() {
        let mut visits = Visits::default();
        assert_eq!(visits.count(0, 1, &[7, 8]), 2);
        assert_eq!(visits.count(143, 1, &[7, 9]), 1);
        assert_eq!(visits.count(144, 1, &[7, 8, 9]), 2);
        assert_eq!(visits.count(144, 2, &[7]), 1, "another port counts for itself");
    }

    #[test]
    fn what_is_a_day_old_is_forgotten() {
        let mut visits = Visits::default();
        for bin in 0..1_000 {
            visits.count(bin, 1, &[u32::try_from(bin).unwrap()]);
        }
        assert_eq!(visits.counted.len(), 144);
        assert_eq!(visits.by_bin.len(), 144);
    }

    #[test]
    fn a_flood_of_forged_sources_counts_but_is_not_remembered_past_the_bound() {
        let mut visits = Visits::default();
        let forged: Vec<u32> = (0..3_000_000).collect();
        assert_eq!(visits.count(0, 1, &forged), 3_000_000);
        assert_eq!(visits.counted.len(), MOST_REMEMBERED);
        assert_eq!(visits.count(144, 1, &[7]), 1);
        assert_eq!(visits.counted.len(), 1);
    }

    #[test]
    fn what_was_saved_is_known_again() {
        let mut visits = Visits::default();
        visits.count(3, 1, &[7, 8]);
        visits.count(5, 2, &[7]);
        let saved = postcard::to_allocvec(&visits).unwrap();
        assert_eq!(postcard::from_bytes::<Visits>(&saved).unwrap(), visits);
    }
}
