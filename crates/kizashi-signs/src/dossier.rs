//! Who a sign's visitors are and which marks of known campaigns they bore: gathered from closed bins alone, so that a name is
//! the same live, in a replay and after a restart. The first [`MOST_VISITORS`] stand for all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::campaigns::MarksSeen;

/// Visitors of one sign that are looked at.
const MOST_VISITORS: usize = 512;
/// Bins of which marks are remembered: the detector's longest window, two days.
const BINS: i64 = 288;
/// Numbers remembered at most, 4 bytes each: whoever bears every mark from everywhere makes the memory shorter.
const MOST_REMEMBERED: usize = 1_000_000;

/// What is known of one sign's visitors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dossier {
    visitors: BTreeSet<u32>,
    spoke: BTreeSet<u32>,
    marks: BTreeMap<u16, BTreeSet<u32>>,
}

impl Dossier {
    /// Visitors more, as long as there is room.
    pub(crate) fn add_visitors(&mut self, sources: &[u32]) {
        for source in sources {
            if self.visitors.len() >= MOST_VISITORS {
                return;
            }
            self.visitors.insert(*source);
        }
    }

    /// Notes what they did in a bin.
    pub(crate) fn add(&mut self, seen: &MarksSeen) {
        let Self { visitors, spoke, marks } = self;
        spoke.extend(seen.spoke.iter().filter(|source| visitors.contains(source)));
        for (mark, sources) in &seen.marks {
            let mut theirs = sources.iter().filter(|source| visitors.contains(source)).peekable();
            if theirs.peek().is_some() {
                marks.entry(*mark).or_default().extend(theirs);
            }
        }
    }

    /// Visitors looked at.
    pub(crate) fn visitors(&self) -> usize {
        self.visitors.len()
    }

    /// Who they are.
    pub(crate) const fn who(&self) -> &BTreeSet<u32> {
        &self.visitors
    }

    /// Those who did more than knock.
    pub(crate) fn spoke(&self) -> usize {
        self.spoke.len()
    }

    /// The marks seen and how many bore each.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (u16, usize)> + '_ {
        self.marks.iter().map(|(mark, sources)| (*mark, sources.len()))
    }
}

/// The marks of the last two days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecentMarks {
    bins: VecDeque<(i64, MarksSeen)>,
    held: usize,
}

impl RecentMarks {
    /// Remembers a bin.
    pub(crate) fn push(&mut self, bin: i64, seen: MarksSeen) {
        if seen.len() == 0 {
            return;
        }
        self.held += seen.len();
        self.bins.push_back((bin, seen));
        while self.bins.len() > 1 {
            match self.bins.front() {
                Some((first, seen)) if *first <= bin - BINS || self.held > MOST_REMEMBERED => {
                    self.held = self.held.saturating_sub(seen.len());
                    self.bins.pop_front();
                }
                _ => break,
            }
        }
    }

    /// What was borne from a bin on, oldest first.
    pub(crate) fn since(&self, bin: i64) -> impl Iterator<Item = &MarksSeen> {
        self.bins.iter().filter(move |(at, _)| *at >= bin).map(|(_, seen)| seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(marks: &[(u16, &[u32])], spoke: &[u32]) -> MarksSeen {
        let marks = marks.iter().map(|(mark, sources)| (*mark, sources.to_vec())).collect();
        MarksSeen { marks, spoke: spoke.to_vec() }
    }

    #[test]
    fn only_what_the_signs_own_visitors_did_is_noted_and_each_counts_once() {
        let mut dossier = Dossier::default();
        dossier.add_visitors(&[1, 2, 3]);
        dossier.add(&seen(&[(7, &[1, 9]), (8, &[9])], &[1, 9]));
        dossier.add(&seen(&[(7, &[1, 2])], &[2]));
        assert_eq!((dossier.visitors(), dossier.spoke()), (3, 2));
        assert_eq!(dossier.marks().collect::<Vec<_>>(), [(7, 2)]);
    }

    #[test]
    fn a_million_visitors_are_five_hundred_here() {
        let mut dossier = Dossier::default();
        dossier.add_visitors(&(0..1_000_000).collect::<Vec<_>>());
        dossier.add(&seen(&[(1, &(0..10_000).collect::<Vec<_>>())], &[]));
        assert_eq!(dossier.visitors(), MOST_VISITORS);
        assert_eq!(dossier.marks().collect::<Vec<_>>(), [(1, MOST_VISITORS)]);
    }

    #[test]
    fn marks_are_forgotten_after_two_days_and_past_the_bound() {
        let mut recent = RecentMarks::default();
        let many: Vec<u32> = (0..10_000).collect();
        for bin in 0..600 {
            recent.push(bin, seen(&[(1, &many)], &[]));
        }
        assert!(recent.held <= MOST_REMEMBERED && recent.since(599).count() == 1);
        assert_eq!(recent.bins.iter().map(|(_, seen)| seen.len()).sum::<usize>(), recent.held);
        let mut few = RecentMarks::default();
        (0..600).for_each(|bin| few.push(bin, seen(&[(1, &[1])], &[1])));
        assert_eq!(few.since(0).count(), 288);
    }
}
