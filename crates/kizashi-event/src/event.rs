//! One thing seen, with who, where and when.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Detail, KeyKind, Outcome, Port, Service, Timestamp, network_of, network_text};

/// What makes an event itself, beside its time: two events with the same time and the same id are one event, told twice.
///
/// A trap makes it from the session and the event's place in it; intake from the line it was read from. The store keeps
/// each (time, id) once, so that nothing that is imported, retried or replayed counts twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

impl EventId {
    /// The id of an event read from `line`, the `occurrence`th (from 0) of the same line at the same time, and the
    /// `part`th (from 0) event made of it.
    #[must_use]
    pub fn of_line(line: &[u8], occurrence: u32, part: u32) -> Self {
        Self(mix(xxh3_64(line), (u64::from(occurrence) << 32) | u64::from(part)))
    }

    /// The id of the `number`th event of a session.
    #[must_use]
    pub fn of_session(session: SessionId, number: u64) -> Self {
        Self(mix(session.0, number))
    }
}

/// One session: from connecting to closing. Unique within a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub u64);

impl SessionId {
    /// Reads the sixteen hexadecimal digits that people are shown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }

    /// The session that a foreign log names: its sensor and its session text.
    #[must_use]
    pub fn of_foreign(sensor: &str, session: &str) -> Self {
        Self(mix(xxh3_64(session.as_bytes()), xxh3_64(sensor.as_bytes())))
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// SplitMix64's finaliser over both (Steele, Lea, Flood, OOPSLA 2014).
const fn mix(a: u64, b: u64) -> u64 {
    let mut z = a ^ b.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One thing that one visitor did at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the clock of the sensor that saw it.
    pub time: Timestamp,
    /// What makes it itself beside its time.
    pub id: EventId,
    /// The name of the sensor.
    pub sensor: Arc<str>,
    /// The session it belongs to; `None` for packets and for logs without sessions.
    pub session: Option<SessionId>,
    /// The visitor's address, never IPv4 in IPv6 clothes.
    pub source: IpAddr,
    /// The visitor's port; 0 where unknown.
    pub source_port: u16,
    /// The address that was visited, where known.
    pub destination: Option<IpAddr>,
    /// The port that was visited.
    pub port: Port,
    /// The protocol spoken, as far as known by then.
    pub service: Service,
    /// What was done.
    pub detail: Detail,
}

impl Event {
    /// Calls `count` with each key under which this event is counted: total, port and service always, source and network but
    /// where it is of many, the rest where the event has them; clusters of payloads, countries and autonomous systems are not told by
    /// one event alone.
    pub fn each_key(&self, mut count: impl FnMut(KeyKind, &str)) {
        if self.is_backscatter() {
            return count(KeyKind::Backscatter, &self.port.to_string());
        }
        count(KeyKind::Total, "");
        count(KeyKind::Port, &self.port.to_string());
        count(KeyKind::Service, self.service.name());
        if !self.is_of_many() {
            count(KeyKind::Source, &self.source.to_string());
            count(KeyKind::Network, &network_text(network_of(self.source)));
        }
        self.detail.each_key(count);
    }

    /// How much this event adds to the counts.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        match self.detail {
            Detail::Connect => Weight { events: 1, sessions: 1 },
            Detail::Counted { events, sessions } => Weight { events, sessions },
            Detail::Attempt(ref attempt) if attempt.trapped => Weight { events: 0, sessions: 0 },
            Detail::Attempt(ref attempt) => Weight {
                events: 1,
                sessions: matches!(attempt.outcome, Some(Outcome::Completed)) as u64,
            },
            Detail::Scan(_) => Weight { events: 0, sessions: 0 },
            Detail::Backscatter(backscatter) => Weight { events: backscatter.packets, sessions: 0 },
            _ => Weight { events: 1, sessions: 0 },
        }
    }

    /// The same under keys of one kind: what a trap tells too is counted once, and its fingerprints are known of the capture alone.
    #[must_use]
    pub const fn weight_under(&self, kind: KeyKind) -> Weight {
        match (&self.detail, kind) {
            (Detail::Attempt(attempt), KeyKind::Fingerprint) if attempt.trapped => {
                Weight { events: 1, sessions: 0 }
            }
            _ => self.weight(),
        }
    }

    /// Whether it stands for visitors of more addresses than were told apart: it counts, and under no source.
    #[must_use]
    pub const fn is_of_many(&self) -> bool {
        matches!(self.detail, Detail::Counted { .. } | Detail::Backscatter(_))
            && self.source.is_unspecified()
    }

    /// Whether it is the echo of an attack elsewhere: nobody's visit, and counted apart from all.
    #[must_use]
    pub const fn is_backscatter(&self) -> bool {
        matches!(self.detail, Detail::Backscatter(_))
    }
}

/// What is counted of an event: itself, or those that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Events.
    pub events: u64,
    /// Those of them that open a session, which is what "sessions" counts.
    pub sessions: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_line_twice_is_two_events_and_read_again_is_the_same_two() {
        let line = b"2013-03-03 21:53:59,groucho-oregon,1032051418,TCP,,6000,1433";
        assert_ne!(EventId::of_line(line, 0, 0), EventId::of_line(line, 1, 0));
        assert_ne!(EventId::of_line(line, 0, 1), EventId::of_line(line, 1, 0));
        assert_eq!(EventId::of_line(line, 1, 0), EventId::of_line(line, 1, 0));
    }
}
