//! Who is served: a cap on sessions in all, per source and per network. A ticket gives its place back when it is dropped, however a
//! session ends. The tables hold one entry a source or network with open sessions, so the cap on sessions bounds them.
//!
//! A ticket also carries what its session holds in memory. A single session is bounded by its trap; a thousand that each hold all they
//! may are not: when all together are past the house's bound, those above an equal share are ended as soon as they do anything.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kizashi_event::{one_source, site_of};
use tokio::time::Instant;

use super::Caps;

#[derive(Default)]
struct Places {
    all: usize,
    by_source: HashMap<IpAddr, usize>,
    by_network: HashMap<IpAddr, usize>,
    /// Bytes that all sessions hold.
    held: usize,
    window: Option<Instant>,
    told: u32,
}

/// Gives out places under [`Caps`].
pub(super) struct Admission {
    caps: Caps,
    places: Arc<Mutex<Places>>,
}

/// A place in the house.
pub(super) struct Ticket {
    source: IpAddr,
    network: IpAddr,
    held: usize,
    memory: usize,
    places: Arc<Mutex<Places>>,
}

/// Why a visitor is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The house is full.
    Full,
    /// This source has all the sessions it may have.
    Source,
    /// The network of this source has.
    Network,
}

impl Refusal {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Full => "sessions in all",
            Self::Source => "sessions of one source",
            Self::Network => "sessions of one network",
        }
    }
}

impl Admission {
    pub(super) fn new(caps: Caps) -> Self {
        Self { caps, places: Arc::default() }
    }

    /// A place for a visitor from this address.
    pub(super) fn admit(&self, source: IpAddr) -> Result<Ticket, Refusal> {
        let (source, network) = (one_source(source), site_of(source));
        let mut places = lock(&self.places);
        if places.by_source.get(&source).is_some_and(|count| *count >= self.caps.per_source) {
            return Err(Refusal::Source);
        }
        if places.by_network.get(&network).is_some_and(|count| *count >= self.caps.per_network) {
            return Err(Refusal::Network);
        }
        if places.all >= self.caps.sessions {
            return Err(Refusal::Full);
        }
        places.all += 1;
        *places.by_source.entry(source).or_default() += 1;
        *places.by_network.entry(network).or_default() += 1;
        drop(places);
        let (memory, places) = (self.caps.memory, Arc::clone(&self.places));
        Ok(Ticket { source, network, held: 0, memory, places })
    }

    /// Whether one more refusal may be told in this second.
    pub(super) fn may_tell_refusal(&self) -> bool {
        let now = Instant::now();
        let mut places = lock(&self.places);
        if places.window.is_none_or(|start| now - start >= Duration::from_secs(1)) {
            (places.window, places.told) = (Some(now), 0);
        }
        places.told += 1;
        places.told <= self.caps.refusals_told
    }
}

fn lock(places: &Mutex<Places>) -> MutexGuard<'_, Places> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ticket {
    /// Tells how many bytes the session holds now; `false` where that is more than it may, since all hold too much together.
    pub(super) fn holds(&mut self, bytes: usize) -> bool {
        if bytes == self.held {
            return true;
        }
        let mut places = lock(&self.places);
        places.held = places.held.saturating_sub(self.held).saturating_add(bytes);
        self.held = bytes;
        places.held <= self.memory || bytes <= self.memory / places.all.max(1)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut places = lock(&self.places);
        places.all = places.all.saturating_sub(1);
        places.held = places.held.saturating_sub(self.held);
        give_back(&mut places.by_source, self.source);
        give_back(&mut places.by_network, self.network);
    }
}

fn give_back(counts: &mut HashMap<IpAddr, usize>, address: IpAddr) {
    if let Some(count) = counts.get_mut(&address) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(sessions: usize, per_source: usize) -> Admission {
        Admission::new(Caps { sessions, per_source, refusals_told: 2, ..Caps::default() })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_given_back_and_the_table_forgets_who_left() {
        let admission = admission(3, 2);
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let tickets = [admission.admit(one).ok(), admission.admit(one).ok()];
        assert_eq!(admission.admit(one).err(), Some(Refusal::Source));
        let third = admission.admit(other);
        assert_eq!(admission.admit(address("192.0.2.3")).err(), Some(Refusal::Full));
        drop((tickets, third));
        let places = admission.places.lock().unwrap();
        assert!(places.by_source.is_empty() && places.by_network.is_empty());
        drop(places);
        assert!(admission.admit(one).is_ok());
    }

    #[test]
    fn a_site_of_64_bits_is_one_source() {
        let admission = admission(9, 1);
        let ticket = admission.admit(address("2001:db8::1"));
        assert!(ticket.is_ok());
        assert_eq!(admission.admit(address("2001:db8::ffff:2")).err(), Some(Refusal::Source));
        assert!(admission.admit(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn a_network_has_its_share_however_many_addresses_it_comes_from() {
        let caps = Caps { sessions: 9, per_source: 2, per_network: 3, ..Caps::default() };
        let admission = Admission::new(caps);
        let mut tickets: Vec<Ticket> = (1..=3)
            .map(|host| admission.admit(address(&format!("192.0.2.{host}"))).ok().unwrap())
            .collect();
        assert_eq!(admission.admit(address("192.0.2.4")).err(), Some(Refusal::Network));
        assert!(admission.admit(address("192.0.3.4")).is_ok());
        tickets.pop();
        assert!(admission.admit(address("192.0.2.4")).is_ok());
    }

    #[test]
    fn when_all_hold_too_much_together_those_above_their_share_are_told_to_go() {
        let admission = Admission::new(Caps { memory: 1_000, ..Caps::default() });
        let mut tickets: Vec<Ticket> = (1..=4)
            .map(|host| admission.admit(address(&format!("192.0.2.{host}"))).ok().unwrap())
            .collect();
        assert!(tickets[0].holds(700), "alone it may have what there is");
        assert!(tickets[1].holds(200) && tickets[2].holds(100));
        assert!(!tickets[3].holds(260), "above its quarter");
        assert!(tickets[2].holds(250), "at its quarter");
        assert!(!tickets[0].holds(701));
        tickets.remove(0);
        assert!(tickets[2].holds(290));
        drop(tickets);
        assert_eq!(admission.places.lock().unwrap().held, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_refusals_a_second_are_told() {
        let admission = admission(0, 0);
        let told = |count: usize| (0..count).filter(|_| admission.may_tell_refusal()).count();
        assert_eq!(told(10), 2);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(told(10), 2);
    }
}
