//! Which records of a sensor the hub has: what comes again adds nothing, what never came is counted. A window over the latest numbers, as
//! IPsec has one against replays (RFC 4303, appendix A2), and wider than what a sensor has on its way at once.

use serde::{Deserialize, Serialize};

use crate::record::Place;

/// Numbers behind the highest that are told apart.
const WINDOW: u64 = 1_024;
const WORDS: usize = (WINDOW / 64) as usize;

/// What is known of one sensor's records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    epoch: u64,
    /// The first number that came; before it nothing is missed.
    first: u64,
    highest: u64,
    /// A bit each of the latest numbers, by number modulo the window.
    came: [u64; WORDS],
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It was not here before; so many older ones will not come any more.
    New {
        /// Records that are missed from now on.
        missed: u64,
    },
    /// It was.
    Again,
}

impl Seen {
    /// Takes note of a record.
    pub fn note(&mut self, place: Place) -> Arrival {
        if self.first == 0 || place.epoch != self.epoch {
            *self = Self {
                epoch: place.epoch,
                first: place.number,
                highest: place.number,
                came: [0; WORDS],
            };
            self.mark(place.number);
            return Arrival::New { missed: 0 };
        }
        if place.number > self.highest {
            let missed = self.advance(place.number);
            self.mark(place.number);
            return Arrival::New { missed };
        }
        if self.highest - place.number >= WINDOW || self.has(place.number) {
            return Arrival::Again;
        }
        self.mark(place.number);
        Arrival::New { missed: 0 }
    }

    /// Moves the window up to `highest` and counts what leaves it and never came.
    fn advance(&mut self, highest: u64) -> u64 {
        let before = self.highest;
        let mut missed = 0;
        // Each place in the window is looked at once, however far it moves.
        for number in before + 1..=highest.min(before.saturating_add(WINDOW)) {
            if let Some(leaves) = number.checked_sub(WINDOW).filter(|it| *it >= self.first)
                && !self.has(leaves)
            {
                missed += 1;
            }
            let (word, bit) = at(number);
            self.came[word] &= !bit;
        }
        self.highest = highest;
        // What was jumped over whole.
        missed + (highest - before).saturating_sub(WINDOW)
    }

    fn has(&self, number: u64) -> bool {
        let (word, bit) = at(number);
        self.came[word] & bit != 0
    }

    fn mark(&mut self, number: u64) {
        let (word, bit) = at(number);
        self.came[word] |= bit;
    }
}

const fn at(number: u64) -> (usize, u64) {
    let place = number % WINDOW;
    ((place / 64) as usize, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn place(number: u64) -> Place {
        Place { epoch: 1, number }
    }

    #[test]
    fn what_comes_again_is_known_whatever_the_order() {
        let mut seen = Seen::default();
        for number in [5, 6, 8, 7] {
            assert_eq!(seen.note(place(number)), Arrival::New { missed: 0 }, "{number}");
        }
        for number in [5, 6, 7, 8] {
            assert_eq!(seen.note(place(number)), Arrival::Again, "{number}");
        }
        let again: Seen = serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
        assert_eq!(again, seen);
    }

    #[test]
    fn what_never_came_is_counted_once_when_it_can_come_no_more() {
        let mut seen = Seen::default();
        seen.note(place(1));
        let mut missed = 0;
        // 2 and 3 never come.
        for number in 4..=3 * WINDOW {
            let Arrival::New { missed: more } = seen.note(place(number)) else {
                panic!("{number}")
            };
            missed += more;
        }
        assert_eq!(missed, 2);
        let far = 10 * WINDOW;
        assert_eq!(seen.note(place(far)), Arrival::New { missed: 6 * WINDOW });
        assert_eq!(seen.note(place(far - WINDOW)), Arrival::Again, "older than is told apart");
        assert_eq!(seen.note(place(u64::MAX)), Arrival::New { missed: u64::MAX - far - 1 });
    }

    #[test]
    fn another_spool_begins_anew() {
        let mut seen = Seen::default();
        seen.note(place(1_000));
        assert_eq!(seen.note(Place { epoch: 2, number: 1 }), Arrival::New { missed: 0 });
        assert_eq!(seen.note(Place { epoch: 2, number: 1 }), Arrival::Again);
    }

    proptest! {
        #[test]
        fn no_record_counts_twice_and_none_within_the_window_is_turned_away(
            steps in prop::collection::vec((0_u64..200, any::<bool>()), 1..400),
        ) {
            let (mut seen, mut truth, mut highest) = (Seen::default(), HashSet::new(), 1_000);
            seen.note(place(highest));
            truth.insert(highest);
            for (step, forward) in steps {
                let number = if forward { highest + step } else { highest - step.min(highest - 1_000) };
                highest = highest.max(number);
                let is_new = matches!(seen.note(place(number)), Arrival::New { .. });
                prop_assert_eq!(is_new, truth.insert(number), "{}", number);
            }
        }
    }
}
