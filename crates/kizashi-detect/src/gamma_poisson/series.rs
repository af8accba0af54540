//! One series: the counts of the last two days, bin by bin where there are any, and a discounted total of what is older. A
//! series that is not touched costs nothing; when it is touched again, what it has forgotten is worked out in closed form.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::dispersion::{Dispersion, Hour, Scatter, Shared};
use super::evidence::WINDOWS;
use super::{KindId, LONGEST_WINDOW, Prior, fade};

/// By how much the rate of another run differs, as a relative variance.
const VOLATILITY_BETWEEN_RUNS: f64 = 0.08;
/// Bins in one hour.
pub(super) const HOUR: u32 = 6;

/// The state of one series: at most 289 counts of 8 bytes, and about 500 bytes more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Series {
    /// Bin and count, oldest first; in each at least one.
    history: VecDeque<(u32, u32)>,
    /// What left `history`: its discounted total after `older_at` bins.
    older: f64,
    older_at: u32,
    hour: HourOfSeries,
    pub(super) dispersion: Dispersion,
    /// Counts ever, as far as one needs to know: 0, 1, or 2 and more.
    sources: u8,
    /// Whether it is on the list of series whose hours are looked at.
    pub(super) busy: bool,
    /// Whether it stood out when it was last looked at.
    pub(super) above: bool,
    /// The bin from which it may alarm again.
    pub(super) held_until: u32,
    /// Whether it alarmed and the wave still stands out.
    pub(super) told: bool,
    /// Windows that begin before this bin hold a wave that was told already.
    pub(super) spent_until: u32,
    pub(super) kind: KindId,
    /// What was known of it before its first count, and the bin at which it was.
    own_prior: Option<(Prior, u32)>,
}

/// The last hour with a count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct HourOfSeries {
    number: u32,
    count: u64,
    /// Σ x² over its bins.
    squares: f64,
    /// A when the hour began.
    total_before: f64,
    /// The hour's own counts, discounted to its end.
    own: f64,
}

/// S and A of each window, shortest first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Windowed {
    pub(super) counts: [u64; WINDOWS.len()],
    /// Bins that hold any.
    pub(super) active: [u32; WINDOWS.len()],
    pub(super) totals: [f64; WINDOWS.len()],
}

impl Series {
    /// The bin of the last count.
    pub(super) fn last_bin(&self) -> Option<u32> {
        self.history.back().map(|(bin, _)| *bin)
    }

    /// The counts of the bins that held any, as far back as a window may ask, oldest first.
    pub(super) fn counts(&self) -> impl Iterator<Item = (u64, u32)> {
        self.history.iter().map(|(bin, count)| (u64::from(*bin), *count))
    }

    /// Whether two sources have come ever: before, no alarm is possible.
    pub(super) const fn is_watched(&self) -> bool {
        self.sources >= 2
    }

    /// Adds a count of the running bin, or adds to it.
    pub(super) fn touch(&mut self, bin: u32, count: u32) {
        self.sources = self.sources.saturating_add(count.min(2) as u8).min(2);
        self.begin_hour(bin / HOUR);
        self.hour.count = self.hour.count.saturating_add(u64::from(count));
        let to_end = f64::from(HOUR - 1 - bin % HOUR);
        self.hour.own += f64::from(count) * fade::over_bins(to_end);
        let before = match self.history.back_mut() {
            Some((last, counted)) if *last == bin => {
                std::mem::replace(counted, counted.saturating_add(count))
            }
            _ => {
                self.make_room();
                self.history.push_back((bin, count));
                0
            }
        };
        let (before, count) = (f64::from(before), f64::from(count));
        self.hour.squares += count * (count + 2.0 * before);
    }

    /// Growing by doubling would end at twice the memory that a window can fill.
    fn make_room(&mut self) {
        let (length, most) = (self.history.len(), LONGEST_WINDOW as usize + 1);
        if length == self.history.capacity() && length >= most / 4 {
            self.history.reserve_exact(most.saturating_sub(length).max(1));
        }
    }

    fn begin_hour(&mut self, hour: u32) {
        if hour != self.hour.number {
            let total_before = self.total_after(hour.saturating_mul(HOUR));
            self.hour =
                HourOfSeries { number: hour, count: 0, squares: 0.0, total_before, own: 0.0 };
        }
    }

    /// A after so many bins: not before the last count.
    pub(super) fn total_after(&self, bins: u32) -> f64 {
        let since_start = f64::from(bins) - f64::from(self.hour.number) * f64::from(HOUR);
        self.hour.total_before * fade::over_bins(since_start)
            + self.hour.own * fade::over_bins(since_start - f64::from(HOUR))
    }

    /// The counts of an hour that has just ended, in which `exposed` bins were, and A as it was when it began.
    pub(super) fn hour(&self, hour: u32, exposed: f64, weighed: f64) -> (Hour, f64) {
        if self.hour.number == hour {
            let HourOfSeries { count, squares, total_before, .. } = self.hour;
            return (Hour { count, squares, exposed, weighed }, total_before);
        }
        let nothing = Hour { count: 0, squares: 0.0, exposed, weighed };
        (nothing, self.total_after(hour.saturating_mul(HOUR)))
    }

    /// A series of `kind`, of which `prior` was known after `bin` bins.
    pub(super) fn introduce(&mut self, kind: KindId, prior: Option<Prior>, bin: u32) {
        self.kind = kind;
        self.own_prior = prior.map(|Prior { shape, rate }| {
            let left = 1.0 / (1.0 + shape * VOLATILITY_BETWEEN_RUNS);
            (Prior { shape: shape * left, rate: rate * left }, bin)
        });
    }

    /// What is left of its own prior's shape and rate after so many bins: it ages as counts do.
    pub(super) fn own_prior_after(&self, bins: u32) -> (f64, f64) {
        self.own_prior.map_or((0.0, 0.0), |(prior, bin)| {
            let left = fade::over_bins(f64::from(bins.saturating_sub(bin)));
            (prior.shape * left, prior.rate * left)
        })
    }

    /// φ and v of windows that begin under `shared`.
    pub(super) fn scatter(&self, shared: &Shared) -> Scatter {
        self.dispersion.scatter(shared, shared.kind(self.kind.0).scatter)
    }

    /// φ is fixed for windows that begin from now on, and memory that only the past needed is given back.
    pub(super) fn publish(&mut self, shared: &Shared, oldest: &Shared) {
        self.dispersion.publish(shared.hours, oldest.hours);
        self.forget(shared.at);
        if self.history.len() * 4 < self.history.capacity() {
            self.history.shrink_to_fit();
        }
    }

    /// Moves what is older than the longest window, after `now` bins, into one number.
    pub(super) fn forget(&mut self, now: u32) {
        let first_kept = now.saturating_sub(LONGEST_WINDOW);
        if self.history.front().is_none_or(|(bin, _)| *bin >= first_kept) {
            return;
        }
        self.older *= fade::over_bins(f64::from(now.saturating_sub(self.older_at)));
        self.older_at = now;
        while let Some(&(bin, count)) = self.history.front().filter(|(bin, _)| *bin < first_kept) {
            self.older += f64::from(count) * fade::over_bins(f64::from(now - 1 - bin));
            self.history.pop_front();
        }
    }

    /// S and A of the windows that end after `now` bins.
    pub(super) fn windowed(&self, now: u32) -> Windowed {
        let recent = &*fade::RECENT;
        let (mut counts, mut active) = ([0; WINDOWS.len()], [0; WINDOWS.len()]);
        // What lies between a window's start and the next longer window's, discounted to now.
        let mut between = [0.0; WINDOWS.len() + 1];
        let (mut window, mut so_far, mut bins) = (0, 0_u64, 0_u32);
        for &(bin, count) in self.history.iter().rev() {
            let age = now.saturating_sub(bin);
            while window < WINDOWS.len() && age > WINDOWS[window] {
                counts[window] = so_far;
                active[window] = bins;
                window += 1;
            }
            so_far += u64::from(count);
            bins += 1;
            let left = (age as usize).checked_sub(1).and_then(|age| recent.get(age)).copied();
            between[window] +=
                f64::from(count) * left.unwrap_or_else(|| fade::over_bins(f64::from(age) - 1.0));
        }
        counts[window..].fill(so_far);
        active[window..].fill(bins);
        let mut totals = [0.0; WINDOWS.len()];
        let mut total = between[WINDOWS.len()]
            + self.older * fade::over_bins(f64::from(now.saturating_sub(self.older_at)));
        for window in (0..WINDOWS.len()).rev() {
            totals[window] = total / recent[WINDOWS[window] as usize];
            total += between[window];
        }
        Windowed { counts, active, totals }
    }
}
