//! What a series remembers: each count of the last two days, its discounted total when each hour with a count began, and what it
//! had counted when each quarter of a day of the last week began. What a window holds and what was before it are then differences
//! and one discounted number, so that finding them costs the same however long the window is.
//!
//! The discounted total is the whole past in one number: nothing has to be moved when it grows old.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::evidence::oldest_start;
use super::{LONGEST_EXACT_WINDOW, QUARTER_OF_DAY, fade};

/// Bins in one hour.
pub(super) const HOUR: u32 = 6;
/// Counts that one bin is taken for at most: so many that no sum over the longest window overflows 32 bits.
pub(super) const MOST_COUNTS: u32 = 1 << 20;

/// What a window holds and what was before it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Windowed {
    /// S.
    pub(super) counts: u32,
    /// B: bins that hold any.
    pub(super) active: u32,
    /// A when it began.
    pub(super) total: f64,
}

/// Counts ever, up to a bin and with it; they wrap, for only differences are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Counted {
    bin: u32,
    ever: u32,
}

/// How the past stood when an hour began that has a count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct HourStart {
    hour: u32,
    /// A.
    total: f64,
}

/// How it stood when a quarter of a day began that has a count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct QuarterStart {
    bin: u32,
    /// Counts and active bins ever, before it.
    ever: u32,
    active_ever: u32,
    /// A.
    total: f64,
}

/// The last hour with a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LastHour {
    pub(super) count: u64,
    /// Σ x² over its bins.
    pub(super) squares: f64,
    /// Its own counts, discounted to its end.
    own: f64,
}

/// The past of one series: at most 295 counts of 8 bytes and 80 starts of 16 to 24 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct History {
    /// Oldest first; in each bin at least one.
    counted: VecDeque<Counted>,
    /// Counts ever before the oldest of them.
    ever_before: u32,
    /// Those that a window of two days may begin in, oldest first, and the one before.
    hours: VecDeque<HourStart>,
    last_hour: LastHour,
    /// Those at which the longest windows may begin, and later ones.
    quarters: VecDeque<QuarterStart>,
    ever: u32,
    active_ever: u32,
}

impl History {
    /// The bin of the last count.
    pub(super) fn last_bin(&self) -> Option<u32> {
        self.counted.back().map(|last| last.bin)
    }

    /// The counts of the bins that held any, two days back, oldest first.
    pub(super) fn counts(&self) -> impl Iterator<Item = (u64, u32)> {
        let mut before = self.ever_before;
        self.counted.iter().map(move |counted| {
            let count = counted.ever.wrapping_sub(std::mem::replace(&mut before, counted.ever));
            (u64::from(counted.bin), count)
        })
    }

    /// Adds to a bin, which is not before the last.
    pub(super) fn add(&mut self, bin: u32, count: u32) {
        self.begin_hour(bin);
        let last = self.counted.back().copied();
        let in_bin = last.filter(|last| last.bin == bin).map_or(0, |_| self.count_of_last());
        let count = count.min(MOST_COUNTS - in_bin.min(MOST_COUNTS));
        self.ever = self.ever.wrapping_add(count);
        match self.counted.back_mut().filter(|last| last.bin == bin) {
            Some(last) => last.ever = self.ever,
            None => {
                self.make_room();
                self.counted.push_back(Counted { bin, ever: self.ever });
                self.active_ever = self.active_ever.wrapping_add(1);
            }
        }
        let hour = &mut self.last_hour;
        hour.count += u64::from(count);
        hour.own += f64::from(count) * fade::over(HOUR - 1 - bin % HOUR);
        hour.squares += f64::from(count) * (f64::from(count) + 2.0 * f64::from(in_bin));
    }

    fn count_of_last(&self) -> u32 {
        let before = self.counted.len().checked_sub(2).and_then(|at| self.counted.get(at));
        self.ever.wrapping_sub(before.map_or(self.ever_before, |before| before.ever))
    }

    /// Growing by doubling would end at twice the memory that a window can fill.
    fn make_room(&mut self) {
        let (length, most) = (self.counted.len(), (LONGEST_EXACT_WINDOW + HOUR + 1) as usize);
        if length == self.counted.capacity() && length >= most / 4 {
            self.counted.reserve_exact(most.saturating_sub(length).max(1));
        }
    }

    /// Notes how the past stands when an hour, and a quarter of a day, begin.
    fn begin_hour(&mut self, bin: u32) {
        let hour = bin / HOUR;
        if self.hours.back().is_some_and(|last| last.hour == hour) {
            return;
        }
        let quarter = bin / QUARTER_OF_DAY * QUARTER_OF_DAY;
        if self.quarters.back().is_none_or(|last| last.bin < quarter) {
            let total = self.total_after(quarter);
            let (ever, active_ever) = (self.ever, self.active_ever);
            self.quarters.push_back(QuarterStart { bin: quarter, ever, active_ever, total });
        }
        let total = self.total_after(hour.saturating_mul(HOUR));
        self.hours.push_back(HourStart { hour, total });
        self.last_hour = LastHour::default();
    }

    /// A after so many bins: not before the end of the last hour with a count, unless that hour is still running.
    pub(super) fn total_after(&self, bins: u32) -> f64 {
        let Some(HourStart { hour, total }) = self.hours.back() else { return 0.0 };
        let since = bins.saturating_sub(hour.saturating_mul(HOUR));
        let own = match since.checked_sub(HOUR) {
            Some(since_end) => self.last_hour.own * fade::over(since_end),
            None => self.last_hour.own / fade::over(HOUR - since),
        };
        total * fade::over(since) + own
    }

    /// What an hour that has just ended held, where it held any, and A when it began.
    pub(super) fn hour(&self, hour: u32) -> (Option<LastHour>, f64) {
        match self.hours.back() {
            Some(last) if last.hour == hour => (Some(self.last_hour), last.total),
            _ => (None, self.total_after(hour.saturating_mul(HOUR))),
        }
    }

    /// Forgets what no window asks for any more that ends after `now` bins or later.
    pub(super) fn forget(&mut self, now: u32) {
        let exact = now.saturating_sub(LONGEST_EXACT_WINDOW);
        while self.hours.get(1).is_some_and(|second| second.hour.saturating_mul(HOUR) <= exact) {
            self.hours.pop_front();
        }
        let kept = self.hours.front().map_or(0, |first| first.hour.saturating_mul(HOUR));
        while let Some(first) = self.counted.front().filter(|first| first.bin < kept) {
            self.ever_before = first.ever;
            self.counted.pop_front();
        }
        let oldest = oldest_start(now);
        while self.quarters.front().is_some_and(|first| first.bin < oldest) {
            self.quarters.pop_front();
        }
    }

    /// Gives back memory that only the past needed.
    pub(super) fn shrink(&mut self) {
        if self.counted.len() * 4 < self.counted.capacity() {
            self.counted.shrink_to_fit();
        }
        if self.hours.len() * 4 < self.hours.capacity() {
            self.hours.shrink_to_fit();
        }
    }

    /// The window from bin `start` on, at most two days ago.
    pub(super) fn since(&self, start: u32) -> Windowed {
        let first = self.first_from(start);
        let ever = first.checked_sub(1).and_then(|at| self.counted.get(at));
        let ever = ever.map_or(self.ever_before, |last| last.ever);
        #[allow(clippy::cast_possible_truncation, reason = "a few hundred")]
        let active = (self.counted.len() - first) as u32;
        Windowed {
            counts: self.ever.wrapping_sub(ever),
            active,
            total: self.total_at(start, first),
        }
    }

    /// The place of the first count from bin `start` on.
    fn first_from(&self, start: u32) -> usize {
        let length = self.counted.len();
        let Some(last) = self.counted.back().filter(|last| last.bin >= start) else {
            return length;
        };
        // As many bins as there are since, at most, hold any; on a busy series all do.
        let mut low = length.saturating_sub((last.bin - start) as usize + 1);
        let mut high = length - 1;
        if self.counted.get(low).is_some_and(|counted| counted.bin >= start) {
            return low;
        }
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if self.counted.get(middle).is_some_and(|counted| counted.bin < start) {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// A when bin `start` began, of which `first` is the place of the first count from then on.
    fn total_at(&self, start: u32, first: usize) -> f64 {
        let Some(began) = self.hour_before(start) else { return 0.0 };
        let begin = began.hour * HOUR;
        let mut total = began.total * fade::over(start - begin);
        for at in (0..first).rev() {
            let Some(counted) = self.counted.get(at).filter(|counted| counted.bin >= begin) else {
                break;
            };
            let before = at.checked_sub(1).and_then(|at| self.counted.get(at));
            let before = before.map_or(self.ever_before, |before| before.ever);
            let count = f64::from(counted.ever.wrapping_sub(before));
            total += count * fade::over(start - 1 - counted.bin);
        }
        total
    }

    /// The last hour with a count that began at bin `start` or before.
    fn hour_before(&self, start: u32) -> Option<HourStart> {
        let hour = start / HOUR;
        let since = self.hours.back()?.hour.saturating_sub(hour) as usize;
        // On a busy series every hour has a count.
        let guess = self.hours.len().checked_sub(since + 1).and_then(|at| self.hours.get(at));
        if let Some(guess) = guess.filter(|guess| guess.hour == hour) {
            return Some(*guess);
        }
        let after = self.hours.partition_point(|began| began.hour <= hour);
        after.checked_sub(1).and_then(|at| self.hours.get(at)).copied()
    }

    /// The window from bin `start` on, where a quarter of a day begins.
    pub(super) fn since_quarter(&self, start: u32) -> Windowed {
        let since = self.quarters.partition_point(|quarter| quarter.bin < start);
        let Some(quarter) = self.quarters.get(since) else {
            return Windowed { counts: 0, active: 0, total: self.total_after(start) };
        };
        Windowed {
            counts: self.ever.wrapping_sub(quarter.ever),
            active: self.active_ever.wrapping_sub(quarter.active_ever),
            total: quarter.total / fade::over(quarter.bin - start),
        }
    }
}
