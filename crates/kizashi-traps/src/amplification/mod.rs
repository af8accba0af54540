//! Reflected floods: small requests in the name of a victim, to servers whose answers are large. Which one a datagram tries, what a real
//! server would send for it, and how much one victim was meant to get, over all ports of this installation. Nothing here answers.
//!
//! Shared by every trap that stands on datagrams. The factors are published ones (`vectors.rs`); the victim is the datagram's source,
//! because that is where the answers would go.

mod vectors;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use kizashi_event::{AMPLIFICATION, Detail, Timestamp, one_source};

use crate::login::memory::Memory;
use crate::{Identity, Output, Visit};
pub(crate) use vectors::Vector;

/// Victims remembered in one generation; two are kept.
const VICTIMS: usize = 2_048;
/// Kinds of attempts remembered of one session, and of one victim; there are not many more.
const KINDS: usize = 16;

/// What was tried in the name of each victim.
pub(crate) struct Victims(Mutex<Memory<IpAddr, Tally>>);

#[derive(Clone, Default)]
struct Tally {
    since: Option<Timestamp>,
    requests: u64,
    bytes: u64,
    /// What real servers would have sent, where a factor is published.
    low: u64,
    high: u64,
    kinds: Vec<&'static str>,
}

impl Default for Victims {
    fn default() -> Self {
        Self(Mutex::new(Memory::new(VICTIMS)))
    }
}

impl Tally {
    fn add(&mut self, vector: &Vector, bytes: u64, now: Timestamp) {
        self.since.get_or_insert(now);
        self.requests = self.requests.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        if let Some(published) = &vector.published {
            let (low, high) = published.answer_to(bytes);
            self.low = self.low.saturating_add(low);
            self.high = self.high.saturating_add(high);
        }
        if self.kinds.len() < KINDS && !self.kinds.contains(&vector.name) {
            self.kinds.push(vector.name);
        }
    }

    fn text(&self, victim: IpAddr) -> String {
        let since = self.since.map_or_else(String::new, |since| since.rfc3339());
        let (requests, bytes) = (self.requests, self.bytes);
        let mut text = format!("{victim}: {requests} requests of {bytes} bytes since {since}");
        if self.high > 0 {
            let _ = write!(text, ", answers of {} bytes", span(self.low, self.high));
        }
        let _ = write!(text, ": {}", self.kinds.join(", "));
        text
    }
}

/// `5` or `5 to 9`.
fn span(low: u64, high: u64) -> String {
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}

/// Looks at the datagrams of one session.
pub(crate) struct Watch {
    identity: Arc<Identity>,
    victim: IpAddr,
    port: u16,
    kinds: Vec<&'static str>,
}

impl Watch {
    pub(crate) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            identity: Arc::clone(identity),
            victim: visit.source,
            port: visit.port.number,
            kinds: Vec::new(),
        }
    }

    /// Tells what this datagram tries, the first time in its session; counts it each time. `true` where it is a repetition, of which
    /// there is nothing new to tell.
    pub(crate) fn sees(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) -> bool {
        let Some(vector) = Vector::of(bytes, self.port) else { return false };
        let length = bytes.len() as u64;
        let victims = self.identity.victims();
        let mut tallies = victims.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.of(one_source(self.victim)).add(vector, length, now);
        drop(tallies);
        if self.kinds.contains(&vector.name) {
            return true;
        }
        if self.kinds.len() < KINDS {
            self.kinds.push(vector.name);
        }
        note(out, AMPLIFICATION, vector.name.to_owned());
        if let Some(published) = &vector.published {
            let (low, high) = published.answer_to(length);
            let answer = format!(
                "{} bytes for {length}, by the factor {} of {}",
                span(low, high),
                published.factor(),
                published.source
            );
            note(out, "amplification answer", answer);
        }
        false
    }

    /// The session ends: the sum of what was tried in this victim's name, in all sessions so far.
    pub(crate) fn end(&self, out: &mut Output) {
        if self.kinds.is_empty() {
            return;
        }
        let victims = self.identity.victims();
        let mut tallies = victims.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.of(one_source(self.victim)).clone();
        drop(tallies);
        note(out, "amplification victim", tally.text(self.victim));
    }
}

fn note(out: &mut Output, name: &str, value: String) {
    out.tell(Detail::Note { name: name.into(), value: value.into() });
}

/// See [`crate::fuzz::datagrams`].
pub(crate) fn fuzz(bytes: &[u8]) {
    for port in [17, 19, 53, 111, 123, 3283, 5683] {
        let _ = Vector::of(bytes, port);
    }
}

#[cfg(test)]
mod tests;
