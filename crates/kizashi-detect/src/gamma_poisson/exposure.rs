//! Which bins the sensor was listening in. Every series shares it: a port that nobody has come to yet was watched as well.
//!
//! A bin with anything in it is exposed. A run of bins with nothing at all is judged when it ends: when chance makes so long a
//! silence less than once in 10^9 (a beta-binomial over how many of the last day's bins were silent, so that little history
//! judges nothing), it was an outage, and its bins have no exposure: baselines age but their rates stay.
//! It is how often bins were silent that counts, not how much came: one sweep over all ports must not make every later
//! silence look like an outage.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::rhythm::Rhythm;
use super::special::ln_gamma;
use super::{BINS_A_DAY, LONGEST_WINDOW, fade};

/// A silence rarer than this, in nats, is an outage: 10^-9.
const OUTAGE: f64 = -20.723_265_836_946_41;
/// Bins of experience that judge a silence at most: a day, since nights differ from days.
const MOST_EXPERIENCE: f64 = BINS_A_DAY as f64;

/// The past counts for this share of its bins at least, however much more is heard at once.
const LEAST_SHARE: f64 = 1e-3;

/// The state after some bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Exposed bins so far.
    pub(super) exposed: u64,
    /// Their discounted number.
    pub(super) baseline: f64,
    /// The same two sums with each bin as its hour of the day weighs.
    pub(super) weighed: f64,
    /// E.
    pub(super) weighed_baseline: f64,
}

/// The exposure so far, with the marks that the windows need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Exposure {
    /// Bins closed so far; stands still after 2^32 (81,000 years).
    now: u32,
    /// The marks after the last bins, newest last; never empty.
    marks: VecDeque<Mark>,
    /// Windows begin after this bin: before it nothing is known.
    known_from: u32,
    /// Discounted number of bins that held anything.
    heard: f64,
    pub(super) rhythm: Rhythm,
}

impl Exposure {
    pub(super) fn new() -> Self {
        Self {
            now: 0,
            known_from: 0,
            marks: VecDeque::from([Mark::default()]),
            heard: 0.0,
            rhythm: Rhythm::flat(),
        }
    }

    pub(super) const fn now(&self) -> u32 {
        self.now
    }

    /// The mark as it was `bins` ago; `None` before the beginning or past the longest window.
    pub(super) fn mark(&self, bins: u32) -> Option<Mark> {
        let back = self.marks.len().checked_sub(1 + bins as usize)?;
        self.marks.get(back).copied()
    }

    /// The mark after the last bin.
    pub(super) fn latest(&self) -> Mark {
        self.marks.back().copied().unwrap_or_default()
    }

    /// Takes a bin that holds something.
    pub(super) fn hear(&mut self) {
        self.step(true);
        self.heard = self.heard * fade::over_bins(1.0) + 1.0;
    }

    /// Takes `bins` silent ones.
    pub(super) fn pass(&mut self, bins: u32, exposed: bool) {
        let one_by_one = bins.min(LONGEST_WINDOW + 1);
        self.leap(bins - one_by_one, exposed);
        for _ in 0..one_by_one {
            self.step(exposed);
        }
        self.heard *= fade::over_bins(f64::from(bins));
    }

    /// From now on as much more can be heard in a bin as `share` (above 0, at most 1) is less than 1: 0.5 where a second sensor listens beside
    /// the first. The past counts for as many fewer bins, so that its rates are those of what listens now.
    pub(super) fn widen(&mut self, share: f64) {
        let share = share.clamp(LEAST_SHARE, 1.0);
        let end = self.latest().weighed;
        for mark in &mut self.marks {
            // Of sums since the beginning only differences are asked for.
            mark.weighed = end - (end - mark.weighed) * share;
            mark.weighed_baseline *= share;
            mark.baseline *= share;
        }
        self.heard *= share;
    }

    /// What was before is not known any more: the next bin is as the first of all.
    pub(super) fn begin_anew(&mut self) {
        self.widen(LEAST_SHARE);
        self.known_from = self.now;
    }

    /// Whether a window may begin with this bin.
    pub(super) const fn is_known(&self, bin: u32) -> bool {
        bin > self.known_from
    }

    /// Whether `bins` of silence from now on were the sensor's own and not its visitors'.
    pub(super) fn is_outage(&self, bins: u32) -> bool {
        let exposed = self.latest().baseline;
        let scale = if exposed > MOST_EXPERIENCE { MOST_EXPERIENCE / exposed } else { 1.0 };
        let silent = 0.5 + (exposed - self.heard).max(0.0) * scale;
        let all = 1.0 + exposed * scale;
        let gap = f64::from(bins);
        let log_chance =
            ln_gamma(silent + gap) - ln_gamma(silent) + ln_gamma(all) - ln_gamma(all + gap);
        log_chance < OUTAGE
    }

    /// What the next `bins` bins weigh if the sensor listens in all of them.
    pub(super) fn weight_of_next(&self, bins: u32) -> f64 {
        let one_by_one = bins.min(LONGEST_WINDOW + 1);
        let recent = (self.now.saturating_add(bins - one_by_one)..).take(one_by_one as usize);
        f64::from(bins - one_by_one) + recent.map(|bin| self.rhythm.weight(bin)).sum::<f64>()
    }

    fn step(&mut self, exposed: bool) {
        let last = self.latest();
        if self.marks.len() > LONGEST_WINDOW as usize {
            self.marks.pop_front();
        }
        let weight = if exposed { self.rhythm.weight(self.now) } else { 0.0 };
        let left = fade::over_bins(1.0);
        self.marks.push_back(Mark {
            exposed: last.exposed.saturating_add(u64::from(exposed)),
            baseline: last.baseline * left + f64::from(u8::from(exposed)),
            weighed: last.weighed + weight,
            weighed_baseline: last.weighed_baseline * left + weight,
        });
        self.now = self.now.saturating_add(1);
    }

    /// Many steps at once, whose marks no window will ask for.
    fn leap(&mut self, bins: u32, exposed: bool) {
        if bins == 0 {
            return;
        }
        let (last, left) = (self.latest(), fade::over_bins(f64::from(bins)));
        let (more, gained) = if exposed {
            (u64::from(bins), (1.0 - left) / (1.0 - fade::over_bins(1.0)))
        } else {
            (0, 0.0)
        };
        self.marks.clear();
        self.marks.push_back(Mark {
            exposed: last.exposed.saturating_add(more),
            baseline: last.baseline * left + gained,
            weighed: last.weighed + f64::from(u8::from(exposed)) * f64::from(bins),
            weighed_baseline: last.weighed_baseline * left + gained,
        });
        self.now = self.now.saturating_add(bins);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_second_sensor_listens_the_past_counts_for_half_its_bins_and_what_comes_for_whole_ones()
     {
        let mut exposure = Exposure::new();
        (0..300).for_each(|_| exposure.hear());
        let before = exposure.latest();
        exposure.widen(0.5);
        let after = exposure.latest();
        assert_eq!((after.exposed, after.weighed), (before.exposed, before.weighed));
        assert_eq!(after.weighed_baseline, before.weighed_baseline / 2.0);
        (0..10).for_each(|_| exposure.hear());
        let of_last = |bins| exposure.latest().weighed - exposure.mark(bins).unwrap().weighed;
        assert!((of_last(10) - 10.0).abs() < 1e-9, "{}", of_last(10));
        assert!((of_last(30) - 20.0).abs() < 1e-9, "{}", of_last(30));
        let alone = exposure.clone();
        exposure.widen(1.0);
        assert_eq!(exposure, alone);
    }

    #[test]
    fn a_busy_sensor_that_falls_silent_for_an_hour_was_cut_off_and_a_quiet_one_was_not() {
        let (mut busy, mut quiet, mut new) = (Exposure::new(), Exposure::new(), Exposure::new());
        for bin in 0..2_000 {
            busy.hear();
            if bin % 12 == 0 { quiet.hear() } else { quiet.pass(1, true) }
        }
        new.hear();
        new.hear();
        assert!(busy.is_outage(6) && !busy.is_outage(2));
        assert!(quiet.is_outage(600) && !quiet.is_outage(72));
        assert!(!new.is_outage(288), "two bins of experience judge nothing");
    }

    #[test]
    fn a_leap_equals_its_steps() {
        for exposed in [true, false] {
            let (mut leap, mut steps) = (Exposure::new(), Exposure::new());
            for exposure in [&mut leap, &mut steps] {
                (0..50).for_each(|_| exposure.hear());
            }
            leap.pass(5_000, exposed);
            (0..5_000).for_each(|_| steps.pass(1, exposed));
            assert_eq!(leap.now(), steps.now());
            let (leap, steps) = (leap.mark(288).unwrap(), steps.mark(288).unwrap());
            assert_eq!(leap.exposed, steps.exposed);
            assert!((leap.baseline - steps.baseline).abs() <= 1e-11 * steps.baseline);
        }
    }
}
