//! The events of the last two days, bin by bin, so that a sign can say how many came since its start: an alarm itself knows
//! only distinct sources. Memory is what was seen, 8 bytes a port and bin, up to a bound.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::counts::SeriesCount;

/// Bins kept: the detector's longest window.
const BINS: i64 = 288;
/// Entries kept at most: someone who touches every port every ten minutes makes the memory shorter, not larger.
const MOST_ENTRIES: usize = 2_000_000;

/// Events by bin and series, oldest bin first; within a bin ordered by series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recent {
    bins: VecDeque<(i64, Vec<(u32, u32)>)>,
    entries: usize,
}

impl Recent {
    /// Remembers what one bin held: rows ordered by series.
    pub(crate) fn push(&mut self, bin: i64, rows: &[SeriesCount]) {
        let events =
            |row: &SeriesCount| (row.series, u32::try_from(row.events).unwrap_or(u32::MAX));
        self.bins.push_back((bin, rows.iter().map(events).collect()));
        self.entries += rows.len();
        let too_old = |first: i64| first <= bin - BINS;
        while self.bins.len() > 1 {
            match self.bins.front() {
                Some((first, rows)) if too_old(*first) || self.entries > MOST_ENTRIES => {
                    self.entries = self.entries.saturating_sub(rows.len());
                    self.bins.pop_front();
                }
                _ => break,
            }
        }
    }

    /// Events of a series from bin `since` on.
    pub(crate) fn events_since(&self, series: u32, since: i64) -> u64 {
        self.bins
            .iter()
            .rev()
            .take_while(|(bin, _)| *bin >= since)
            .filter_map(|(_, events)| {
                let at = events.binary_search_by_key(&series, |(series, _)| *series).ok()?;
                events.get(at).map(|(_, events)| u64::from(*events))
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(series: u32, events: u64) -> SeriesCount {
        SeriesCount { series, events, fresh: 0 }
    }

    #[test]
    fn counts_from_the_asked_bin_on_and_forgets_after_two_days() {
        let mut recent = Recent::default();
        for bin in 0..400 {
            recent.push(bin, &[row(3, 2), row(9, 1)]);
        }
        assert_eq!(recent.events_since(3, 390), 20);
        assert_eq!(recent.events_since(9, 0), 288);
        assert_eq!(recent.events_since(4, 0), 0);
    }

    #[test]
    fn a_sweep_every_ten_minutes_does_not_grow_memory_past_the_bound() {
        let mut recent = Recent::default();
        let sweep: Vec<SeriesCount> = (0..65_536).map(|series| row(series, u64::MAX)).collect();
        for bin in 0..100 {
            recent.push(bin, &sweep);
        }
        let held: usize = recent.bins.iter().map(|(_, rows)| rows.len()).sum();
        assert!(held <= MOST_ENTRIES && held == recent.entries);
        assert_eq!(recent.events_since(7, 99), u64::from(u32::MAX));
    }
}
