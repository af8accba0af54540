//! Which events are told one by one. A source has a rate, and so has the house; what exceeds them is counted by source, port and
//! service, and told once a second as one event that stands for many ([`Detail::Counted`]): the counts stay true whatever somebody
//! sends, and what he sends costs the store a bounded number of rows.
//!
//! Rates are token buckets that hold ten seconds' worth, so that a loader's burst of three hundred shell lines is kept whole.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kizashi_event::{Detail, MOST_COUNTED, Port, Service, Weight, one_source};
use tokio::time::Instant;

/// How often what was counted is told.
pub(super) const TELL_EVERY: Duration = Duration::from_secs(1);
/// Seconds that a bucket holds.
const BURST: f64 = 10.0;
/// Sources whose rates are known at once; more are held to the house's rate alone until the next sweep.
const MOST_SOURCES: usize = 16_384;
/// Sources told apart in a second of what is only counted; more of them are counted as "many".
const MOST_PLACES: usize = 1_024;
/// Ports and services told apart of those.
const MOST_PLACES_OF_MANY: usize = 4_096;
/// What stands for many sources.
const MANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Events a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    pub(super) source: u32,
    pub(super) all: u32,
}

/// Where something was done that is only counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) source: IpAddr,
    pub(super) port: Port,
    pub(super) service: Service,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

#[derive(Default)]
struct State {
    all: Option<Bucket>,
    sources: HashMap<IpAddr, Bucket>,
    untold: HashMap<Place, Weight>,
    of_many: HashMap<Place, Weight>,
}

/// Decides, and counts what is not told.
pub(super) struct Meter {
    rates: Rates,
    state: Mutex<State>,
}

impl Bucket {
    const fn full(rate: u32, now: Instant) -> Self {
        Self { tokens: rate as f64 * BURST, at: now }
    }

    fn refill(&mut self, rate: u32, now: Instant) {
        let rate = f64::from(rate);
        let since = now.duration_since(self.at).as_secs_f64();
        self.tokens = since.mul_add(rate, self.tokens).min(rate * BURST);
        self.at = now;
    }

    fn take(&mut self, rate: u32, now: Instant) -> bool {
        self.refill(rate, now);
        let there = self.tokens >= 1.0;
        if there {
            self.tokens -= 1.0;
        }
        there
    }
}

impl Meter {
    pub(super) fn new(rates: Rates) -> Self {
        Self { rates, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more event of this source is told now.
    pub(super) fn admits(&self, source: IpAddr) -> bool {
        let (source, now) = (one_source(source), Instant::now());
        let Rates { source: of_source, all: of_all } = self.rates;
        let mut state = self.lock();
        let State { all, sources, .. } = &mut *state;
        if sources.len() < MOST_SOURCES || sources.contains_key(&source) {
            let bucket = sources.entry(source).or_insert_with(|| Bucket::full(of_source, now));
            if !bucket.take(of_source, now) {
                return false;
            }
        }
        all.get_or_insert_with(|| Bucket::full(of_all, now)).take(of_all, now)
    }

    /// Counts what is not told; `false` where even that found no room.
    pub(super) fn count(&self, place: Place, weight: Weight) -> bool {
        let mut state = self.lock();
        let room = state.untold.len() < MOST_PLACES;
        if !place.source.is_unspecified() && (room || state.untold.contains_key(&place)) {
            add(&mut state.untold, place, weight);
            return true;
        }
        let place = Place { source: MANY, ..place };
        let room = state.of_many.len() < MOST_PLACES_OF_MANY;
        let counted = room || state.of_many.contains_key(&place);
        if counted {
            add(&mut state.of_many, place, weight);
        }
        counted
    }

    /// Takes what was counted since this was last asked, each small enough for one event, and forgets the rates of sources that have
    /// been quiet for long enough to be new again.
    pub(super) fn take(&self) -> Vec<(Place, Detail)> {
        let now = Instant::now();
        let mut state = self.lock();
        let rate = self.rates.source;
        state.sources.retain(|_, bucket| {
            bucket.refill(rate, now);
            bucket.tokens < f64::from(rate) * BURST
        });
        let State { untold, of_many, .. } = &mut *state;
        let counted: Vec<(Place, Weight)> = untold.drain().chain(of_many.drain()).collect();
        // The room of a flood goes back.
        untold.shrink_to(64);
        of_many.shrink_to(64);
        state.sources.shrink_to(1_024);
        drop(state);
        let mut told = Vec::with_capacity(counted.len());
        for (place, mut left) in counted {
            while left.events > 0 {
                let events = left.events.min(MOST_COUNTED);
                let sessions = left.sessions.min(events);
                told.push((place.clone(), Detail::Counted { events, sessions }));
                left.events -= events;
                left.sessions -= sessions;
            }
        }
        told
    }
}

fn add(counts: &mut HashMap<Place, Weight>, place: Place, weight: Weight) {
    let sum = counts.entry(place).or_insert(Weight { events: 0, sessions: 0 });
    sum.events = sum.events.saturating_add(weight.events);
    sum.sessions = sum.sessions.saturating_add(weight.sessions);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
    }

    fn place(source: IpAddr) -> Place {
        Place { source, port: Port::tcp(23), service: Service::UNKNOWN }
    }

    const ONE: Weight = Weight { events: 1, sessions: 0 };

    #[tokio::test(start_paused = true)]
    async fn a_source_past_its_rate_is_counted_and_others_are_not_touched() {
        let meter = Meter::new(Rates { source: 2, all: 1_000 });
        let told = |source| (0..100).filter(|_| meter.admits(source)).count();
        assert_eq!((told(address(1)), told(address(2))), (20, 20), "ten seconds' worth at once");
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(told(address(1)), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn many_sources_together_are_held_to_the_rate_of_the_house() {
        let meter = Meter::new(Rates { source: 100, all: 10 });
        let told = (0..5_000).filter(|number| meter.admits(address(*number))).count();
        assert_eq!(told, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_counted_is_all_told_once() {
        let meter = Meter::new(Rates { source: 1, all: 1 });
        assert!((0..2_500_000).all(|_| meter.count(place(address(1)), ONE)));
        assert!(meter.count(place(address(2)), Weight { events: 2, sessions: 1 }));
        let told = meter.take();
        let events = |of| {
            let of = told.iter().filter(|(place, _)| place.source == of);
            of.map(|(_, detail)| match detail {
                Detail::Counted { events, .. } => *events,
                other => panic!("{other:?}"),
            })
            .collect::<Vec<u64>>()
        };
        assert_eq!(events(address(1)), [MOST_COUNTED, MOST_COUNTED, 500_000]);
        assert_eq!(events(address(2)), [2]);
        assert!(meter.take().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_sources_flood_the_tables_stay_bounded_and_the_sum_true() {
        let meter = Meter::new(Rates { source: 1, all: 1 });
        for number in 0..50_000 {
            let _ = meter.admits(address(number));
            assert!(meter.count(place(address(number)), ONE));
        }
        {
            let state = meter.lock();
            assert_eq!((state.sources.len(), state.untold.len()), (MOST_SOURCES, MOST_PLACES));
            assert_eq!(state.of_many.len(), 1);
        }
        let told = meter.take();
        assert_eq!(told.len(), MOST_PLACES + 1);
        let sum: u64 = told
            .iter()
            .map(|(_, detail)| match detail {
                Detail::Counted { events, .. } => *events,
                _ => 0,
            })
            .sum();
        assert_eq!(sum, 50_000);
        tokio::time::advance(Duration::from_secs(60)).await;
        let _ = meter.take();
        assert!(meter.lock().sources.is_empty(), "who was quiet is forgotten");
    }
}
