//! Which events of a capture are told one by one. A source has a rate, and so have all together; what is more is counted by source and
//! port, past a bound by port alone, and told once a second as one event that stands for many ([`Detail::Counted`]): 200,000 attempts a
//! second cost the store some hundred rows, and the counts stay true. The traps' meter does the same for them; this one has no clock.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use kizashi_event::{Detail, MOST_COUNTED, Port, Timestamp, one_source};

/// Seconds' worth that may be told at once.
const BURST: f64 = 10.0;
/// Sources whose rates are known at once; more are held to the common rate alone until the next sweep.
const MOST_SOURCES: usize = 4_096;
/// Sources and ports told apart in a second of what is only counted; more sources are counted as "many".
const MOST_APART: usize = 1_024;
/// Ports of those told apart; more are counted as port 0, which nobody visits.
const MOST_PORTS: usize = 1_024;
/// What stands for many sources.
const MANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Events a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Of one source.
    pub source: u32,
    /// Of all.
    pub all: u32,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: i64,
}

impl Bucket {
    fn full(rate: u32, now: i64) -> Self {
        Self { tokens: f64::from(rate) * BURST, at: now }
    }

    fn refill(&mut self, rate: u32, now: i64) {
        let rate = f64::from(rate);
        let since = now.saturating_sub(self.at).max(0) as f64 / Timestamp::SECOND as f64;
        self.tokens = since.mul_add(rate, self.tokens).min(rate * BURST);
        self.at = self.at.max(now);
    }

    fn take(&mut self) -> bool {
        let is_there = self.tokens >= 1.0;
        if is_there {
            self.tokens -= 1.0;
        }
        is_there
    }
}

/// Decides, and counts what is not told.
#[derive(Debug)]
pub(super) struct Meter {
    rates: Rates,
    all: Bucket,
    sources: HashMap<IpAddr, Bucket>,
    untold: HashMap<(IpAddr, Port), (u64, u64)>,
}

impl Meter {
    pub(super) fn new(rates: Rates, now: Timestamp) -> Self {
        let all = Bucket::full(rates.all, now.micros());
        Self { rates, all, sources: HashMap::new(), untold: HashMap::new() }
    }

    /// Whether one more event of this source is told now.
    pub(super) fn admits(&mut self, source: IpAddr, now: Timestamp) -> bool {
        let now = now.micros();
        self.all.refill(self.rates.all, now);
        // In a flood of forged sources none of them is looked up.
        if self.all.tokens < 1.0 {
            return false;
        }
        let source = one_source(source);
        if self.sources.len() < MOST_SOURCES || self.sources.contains_key(&source) {
            let rate = self.rates.source;
            let bucket = self.sources.entry(source).or_insert_with(|| Bucket::full(rate, now));
            bucket.refill(rate, now);
            if !bucket.take() {
                return false;
            }
        }
        self.all.take()
    }

    /// Counts what is not told.
    pub(super) fn count(&mut self, source: IpAddr, port: Port, (events, sessions): (u64, u64)) {
        let has_room = |most: usize, key: &(IpAddr, Port), untold: &HashMap<_, _>| {
            untold.len() < most || untold.contains_key(key)
        };
        let key = if has_room(MOST_APART, &(source, port), &self.untold) {
            (source, port)
        } else if has_room(MOST_APART + MOST_PORTS, &(MANY, port), &self.untold) {
            (MANY, port)
        } else {
            (MANY, Port { number: 0, ..port })
        };
        let sum = self.untold.entry(key).or_default();
        *sum = (sum.0.saturating_add(events), sum.1.saturating_add(sessions));
    }

    /// Takes what was counted, each small enough for one event, and forgets the rates of sources that are new again.
    pub(super) fn take(&mut self, now: Timestamp) -> Vec<(IpAddr, Port, Detail)> {
        let rate = self.rates.source;
        self.sources.retain(|_, bucket| {
            bucket.refill(rate, now.micros());
            bucket.tokens < f64::from(rate) * BURST
        });
        let mut told = Vec::with_capacity(self.untold.len());
        for ((source, port), (mut events, mut sessions)) in std::mem::take(&mut self.untold) {
            while events > 0 {
                let part = events.min(MOST_COUNTED);
                let opened = sessions.min(part);
                let detail = Detail::Counted { events: part, sessions: opened };
                told.push((source, port, detail));
                (events, sessions) = (events - part, sessions - opened);
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
    }

    fn second(number: i64) -> Timestamp {
        Timestamp::from_seconds(1_740_000_000 + number)
    }

    fn events(told: &[(IpAddr, Port, Detail)]) -> u64 {
        let of = |(_, _, detail): &(IpAddr, Port, Detail)| match detail {
            Detail::Counted { events, .. } => *events,
            other => panic!("{other:?}"),
        };
        told.iter().map(of).sum()
    }

    #[test]
    fn a_source_past_its_rate_is_counted_and_others_are_not_touched() {
        let mut meter = Meter::new(Rates { source: 2, all: 1_000 }, second(0));
        let mut told = |source, now| (0..100).filter(|_| meter.admits(source, second(now))).count();
        assert_eq!((told(address(1), 0), told(address(2), 0)), (20, 20));
        assert_eq!(told(address(1), 3), 6);
    }

    #[test]
    fn a_flood_from_everywhere_is_held_to_the_common_rate_and_its_sum_is_true() {
        let mut meter = Meter::new(Rates { source: 5, all: 100 }, second(0));
        let mut admitted = 0;
        for number in 0..200_000 {
            if meter.admits(address(number), second(0)) {
                admitted += 1;
            } else {
                let port = Port::tcp(u16::try_from(number % 5_000).unwrap());
                meter.count(address(number), port, (1, 0));
            }
        }
        assert_eq!(admitted, 1_000);
        assert!(meter.untold.len() <= MOST_APART + MOST_PORTS + 3);
        assert!(meter.sources.len() <= MOST_SOURCES);
        let told = meter.take(second(1));
        assert_eq!(events(&told), 199_000);
        assert!(meter.take(second(1)).is_empty());
        meter.take(second(60));
        assert!(meter.sources.is_empty(), "who was quiet is forgotten");
    }

    #[test]
    fn a_count_larger_than_one_event_may_stand_for_is_told_in_parts() {
        let mut meter = Meter::new(Rates { source: 1, all: 1 }, second(0));
        meter.count(address(1), Port::tcp(23), (MOST_COUNTED + 5, 7));
        let told = meter.take(second(1));
        assert_eq!((told.len(), events(&told)), (2, MOST_COUNTED + 5));
    }
}
