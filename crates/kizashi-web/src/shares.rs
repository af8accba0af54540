//! How many of the dashboard's connections one source may hold, so that nobody outside can keep the owner out by holding them all.
//! Loopback may hold all: every SSH tunnel comes from there.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use kizashi_event::one_source;

/// Connections at once of one source from elsewhere; a browser opens six.
const MOST_OF_ONE: usize = 32;

/// What each source holds; as long as there are connections there are sources, so the table needs no bound of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of a source; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    of: IpAddr,
    shares: Shares,
}

impl Shares {
    /// A connection more for this source; `None` when it holds enough.
    pub(crate) fn take(&self, source: IpAddr) -> Option<Share> {
        let of = one_source(source);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.entry(of).or_insert(0);
        if *own >= MOST_OF_ONE && !source.to_canonical().is_loopback() {
            return None;
        }
        *own += 1;
        Some(Share { of, shares: self.clone() })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = held.get_mut(&self.of) {
            *own -= 1;
            if *own == 0 {
                held.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_cannot_hold_all_connections_and_what_it_gives_back_is_free_again() {
        let shares = Shares::default();
        let (one, other) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let mut held: Vec<Share> = (0..MOST_OF_ONE).map(|_| shares.take(one).unwrap()).collect();
        assert!(shares.take(one).is_none() && shares.take(other).is_some());
        held.pop();
        held.push(shares.take(one).unwrap());
        drop(held);
        assert!(shares.0.lock().unwrap().is_empty(), "nothing is remembered of who is gone");
        let tunnels: Vec<_> = (0..100).map(|_| shares.take([127, 0, 0, 1].into())).collect();
        assert!(tunnels.iter().all(Option::is_some));
    }
}
