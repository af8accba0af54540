//! Who is served: a cap on sessions in all and per source. A ticket gives its place back when it is dropped, however a session
//! ends. The table holds one entry a source with open sessions, so the cap on sessions bounds it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kizashi_event::one_source;
use tokio::time::Instant;

use super::Caps;

#[derive(Default)]
struct Places {
    all: usize,
    by_source: HashMap<IpAddr, usize>,
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
    places: Arc<Mutex<Places>>,
}

/// Why a visitor is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The house is full.
    Full,
    /// This source has all the sessions it may have.
    Source,
}

impl Refusal {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Full => "sessions in all",
            Self::Source => "sessions of one source",
        }
    }
}

impl Admission {
    pub(super) fn new(caps: Caps) -> Self {
        Self { caps, places: Arc::default() }
    }

    /// A place for a visitor from this address.
    pub(super) fn admit(&self, source: IpAddr) -> Result<Ticket, Refusal> {
        let source = one_source(source);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.by_source.get(&source).is_some_and(|count| *count >= self.caps.per_source) {
            return Err(Refusal::Source);
        }
        if places.all >= self.caps.sessions {
            return Err(Refusal::Full);
        }
        places.all += 1;
        *places.by_source.entry(source).or_default() += 1;
        Ok(Ticket { source, places: Arc::clone(&self.places) })
    }

    /// Whether one more refusal may be told in this second.
    pub(super) fn may_tell_refusal(&self) -> bool {
        let now = Instant::now();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.window.is_none_or(|start| now - start >= Duration::from_secs(1)) {
            (places.window, places.told) = (Some(now), 0);
        }
        places.told += 1;
        places.told <= self.caps.refusals_told
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.all = places.all.saturating_sub(1);
        if let Some(count) = places.by_source.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                places.by_source.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(sessions: usize, per_source: usize) -> Admission {
        Admission::new(Caps { sessions, per_source, refusals_told: 2 })
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
        assert!(admission.places.lock().unwrap().by_source.is_empty());
        assert!(admission.admit(one).is_ok());
    }

    #[test]
    fn a_network_of_64_bits_is_one_source() {
        let admission = admission(9, 1);
        let ticket = admission.admit(address("2001:db8::1"));
        assert!(ticket.is_ok());
        assert_eq!(admission.admit(address("2001:db8::ffff:2")).err(), Some(Refusal::Source));
        assert!(admission.admit(address("2001:db8:0:1::1")).is_ok());
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
