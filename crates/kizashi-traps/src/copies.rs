//! What each visitor changed in a store: a copy for his address (64 bits of IPv6) over his connections, until a day after he was last there.
//! Copies are bounded in number; what one may hold is its store's to bound.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use kizashi_event::{Timestamp, one_source};

use crate::login::Memory;

/// Copies in each of two generations: 6 MB of 96 KiB each at most.
const COPIES: usize = 32;
/// How long a copy is kept after its visitor was last there, in seconds.
const KEPT: i64 = 24 * 3_600;

/// Visitors' copies of one store.
pub(crate) struct Copies<T> {
    kept: Mutex<Memory<IpAddr, Kept<T>>>,
}

struct Kept<T> {
    copy: Option<T>,
    touched: i64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { copy: None, touched: 0 }
    }
}

impl<T> Default for Copies<T> {
    fn default() -> Self {
        Self { kept: Mutex::new(Memory::new(COPIES)) }
    }
}

impl<T> Copies<T> {
    /// Lets `act` see and change this visitor's copy; `make` makes it where he has none.
    pub(crate) fn with<R>(
        &self,
        source: IpAddr,
        now: Timestamp,
        make: impl FnOnce() -> T,
        act: impl FnOnce(&mut T) -> R,
    ) -> R {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.of(one_source(source));
        if now.seconds().saturating_sub(kept.touched) > KEPT {
            kept.copy = None;
        }
        kept.touched = now.seconds();
        act(kept.copy.get_or_insert_with(make))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(copies: &Copies<u32>, source: [u8; 4], seconds: i64) -> u32 {
        let now = Timestamp::from_seconds(1_800_000_000 + seconds);
        copies.with(
            IpAddr::from(source),
            now,
            || 0,
            |copy| {
                *copy += 1;
                *copy
            },
        )
    }

    #[test]
    fn a_visitor_finds_what_he_left_within_a_day_and_nobody_elses() {
        let copies = Copies::default();
        let here = [192, 0, 2, 1];
        assert_eq!(count(&copies, here, 0), 1);
        assert_eq!(count(&copies, here, KEPT), 2);
        assert_eq!(count(&copies, [192, 0, 2, 2], KEPT), 1);
        assert_eq!(count(&copies, here, 3 * KEPT), 1);
    }

    #[test]
    fn a_million_visitors_do_not_grow_it() {
        let copies = Copies::default();
        for number in 0..10_000_u32 {
            count(&copies, number.to_be_bytes(), 0);
        }
        assert!(copies.kept.lock().unwrap().len() <= 2 * COPIES);
    }
}
