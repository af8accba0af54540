//! How often a wrong token may be tried: by address, and by all together. What is counted are failures, each of which comes back
//! after a while; who is in already is never held up. A token has 192 bits, so this keeps noise down rather than secrets safe.
//! An IPv6 network of 2^64 addresses counts as one, for that is what one customer gets (RFC 6177).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kizashi_event::one_source;
use tokio::time::Instant;

/// Wrong tokens that one address may try at once.
const TRIES_OF_ONE: u32 = 10;
/// The time after which one address has one try more.
const ONE_MORE_FOR_ONE: Duration = Duration::from_secs(6);
/// Wrong tokens that all together may try at once.
const TRIES_OF_ALL: u32 = 200;
/// The time after which all together have one try more.
const ONE_MORE_FOR_ALL: Duration = Duration::from_millis(200);
/// Addresses that are remembered; past them those that have waited longest are forgotten.
const MOST_ADDRESSES: usize = 1_024;

/// Failures that have not been forgiven yet, as the moment at which the last of them will be (the generic cell rate algorithm,
/// ITU-T I.371).
#[derive(Clone, Copy, Debug)]
struct Debt {
    clear_at: Instant,
}

impl Debt {
    /// How long to wait until one more failure may come.
    fn wait(self, now: Instant, tries: u32, one_more: Duration) -> Option<Duration> {
        let owed = self.clear_at.saturating_duration_since(now) + one_more;
        let most = one_more * tries;
        owed.checked_sub(most).filter(|wait| !wait.is_zero())
    }

    fn add(&mut self, now: Instant, one_more: Duration) {
        self.clear_at = self.clear_at.max(now) + one_more;
    }
}

#[derive(Debug)]
struct Failures {
    all: Debt,
    by_source: HashMap<IpAddr, Debt>,
}

/// The failures of everyone.
#[derive(Debug)]
pub(crate) struct Throttle(Mutex<Failures>);

impl Default for Throttle {
    fn default() -> Self {
        let all = Debt { clear_at: Instant::now() };
        Self(Mutex::new(Failures { all, by_source: HashMap::new() }))
    }
}

impl Throttle {
    /// How long this source has to wait before it may try; `None` when it may now.
    pub(crate) fn wait(&self, source: IpAddr) -> Option<Duration> {
        let now = Instant::now();
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = failures.by_source.get(&one_source(source));
        let own = own.and_then(|debt| debt.wait(now, TRIES_OF_ONE, ONE_MORE_FOR_ONE));
        own.max(failures.all.wait(now, TRIES_OF_ALL, ONE_MORE_FOR_ALL))
    }

    /// Counts a wrong token of this source.
    pub(crate) fn count_failure(&self, source: IpAddr) {
        let now = Instant::now();
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.all.add(now, ONE_MORE_FOR_ALL);
        if failures.by_source.len() >= MOST_ADDRESSES {
            failures.by_source.retain(|_, debt| debt.clear_at > now);
        }
        if failures.by_source.len() >= MOST_ADDRESSES {
            let first = failures.by_source.iter().min_by_key(|(_, debt)| debt.clear_at);
            if let Some(first) = first.map(|(source, _)| *source) {
                failures.by_source.remove(&first);
            }
        }
        let fresh = Debt { clear_at: now };
        let own = failures.by_source.entry(one_source(source)).or_insert(fresh);
        own.add(now, ONE_MORE_FOR_ONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn one_source_is_slowed_down_others_are_not_and_time_forgives() {
        let throttle = Throttle::default();
        let (guesser, owner) = (address("2001:db8::1"), address("2001:db8:0:1::1"));
        for _ in 0..TRIES_OF_ONE {
            assert_eq!(throttle.wait(guesser), None);
            throttle.count_failure(guesser);
        }
        assert!(throttle.wait(guesser).is_some_and(|wait| wait <= ONE_MORE_FOR_ONE));
        assert!(throttle.wait(address("2001:db8::2")).is_some(), "the same network");
        assert_eq!(throttle.wait(owner), None);
        tokio::time::advance(ONE_MORE_FOR_ONE).await;
        assert_eq!(throttle.wait(guesser), None);
        throttle.count_failure(guesser);
        assert!(throttle.wait(guesser).is_some(), "one more, not ten");
    }

    #[tokio::test(start_paused = true)]
    async fn a_million_sources_share_one_allowance_and_a_bounded_table() {
        let throttle = Throttle::default();
        for number in 0..5_000_u32 {
            throttle.count_failure(IpAddr::from(number.to_be_bytes()));
        }
        assert!(throttle.0.lock().unwrap().by_source.len() <= MOST_ADDRESSES);
        assert!(throttle.wait(address("203.0.113.9")).is_some());
        tokio::time::advance(ONE_MORE_FOR_ALL * 5_000).await;
        assert_eq!(throttle.wait(address("203.0.113.9")), None);
    }
}
