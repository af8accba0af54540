//! When a trap process is replaced: daily at a set hour by the local clock, and after a crash at once, then ever later while crashes go
//! on.

use std::time::{Duration, Instant};

use jiff::ZonedDateTime;
use jiff::civil::{Date, Time};

/// The pause before the second of several crashes; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A process that lived for so long makes the crashes before it forgotten.
const LIVED_WELL: Duration = Duration::from_secs(60);

/// Pauses between restarts.
#[derive(Debug, Default)]
pub(super) struct BackOff {
    in_a_row: u32,
}

impl BackOff {
    /// When to start again after a process that lived for `lived` ended at `now`.
    pub(super) fn next(&mut self, lived: Duration, now: Instant) -> Instant {
        if lived >= LIVED_WELL {
            self.in_a_row = 0;
        }
        let pause = match self.in_a_row {
            0 => Duration::ZERO,
            more => FIRST_PAUSE.saturating_mul(1 << (more - 1).min(10)).min(LONGEST_PAUSE),
        };
        self.in_a_row = self.in_a_row.saturating_add(1);
        now + pause
    }
}

/// The hour of the day at which the trap is renewed.
#[derive(Debug)]
pub(super) struct Daily {
    at: Time,
    done: Date,
}

impl Daily {
    /// The first time is the next time that the clock shows `at`.
    pub(super) fn new(at: Time, now: &ZonedDateTime) -> Self {
        let (today, time) = (now.date(), now.time());
        let done = if time >= at { today } else { today.yesterday().unwrap_or(today) };
        Self { at, done }
    }

    /// Whether it is time; says so once a day, also where the clock jumps over the hour.
    pub(super) fn is_due(&mut self, now: &ZonedDateTime) -> bool {
        let due = now.date() > self.done && now.time() >= self.at;
        if due {
            self.done = now.date();
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_crash_costs_no_pause_and_many_cost_ten_seconds_each() {
        let (mut pauses, now) = (BackOff::default(), Instant::now());
        let mut next = |lived| (pauses.next(Duration::from_secs(lived), now) - now).as_secs();
        assert_eq!([next(1), next(1), next(1), next(1)], [0, 1, 2, 4]);
        for _ in 0..100 {
            next(1);
        }
        assert_eq!(next(1), 10);
        assert_eq!(next(60), 0, "a long life is a fresh start");
    }

    #[test]
    fn renewal_comes_once_a_day_and_not_at_a_start_after_the_hour() {
        let at = |text: &str| text.parse::<ZonedDateTime>().unwrap();
        let four = Time::constant(4, 0, 0, 0);
        let mut daily = Daily::new(four, &at("2025-03-01T05:00:00+00:00[+00:00]"));
        assert!(!daily.is_due(&at("2025-03-01T23:59:00+00:00[+00:00]")));
        assert!(!daily.is_due(&at("2025-03-02T03:59:59+00:00[+00:00]")));
        assert!(daily.is_due(&at("2025-03-02T04:00:10+00:00[+00:00]")));
        assert!(!daily.is_due(&at("2025-03-02T04:01:00+00:00[+00:00]")));
        let mut early = Daily::new(four, &at("2025-03-01T03:00:00+00:00[+00:00]"));
        assert!(early.is_due(&at("2025-03-01T04:00:00+00:00[+00:00]")));
        // The clock goes from 01:59 to 03:00 on this night.
        let two = Time::constant(2, 30, 0, 0);
        let mut night = Daily::new(two, &at("2025-03-29T12:00:00+01:00[+01:00]"));
        assert!(night.is_due(&at("2025-03-30T03:00:00+02:00[+02:00]")));
    }
}
