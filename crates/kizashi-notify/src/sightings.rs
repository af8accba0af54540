//! Who came to the traps in a few hours, for those who gather such sightings of many sensors (AbuseIPDB, DShield; their channels are
//! `channel/abuseipdb.rs` and `channel/dshield.rs`). What is wrong here harms a stranger or the owner, so little counts: a connection over TCP that a trap of
//! this sensor took itself (nothing imported, nothing that a capture saw, no datagram, no lone SYN: their senders may be forged), of
//! an address that is on no list of [`Allowed`] and no known research scanner. Of what was said there only counts go on, never a word.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use kizashi_event::{Detail, Event, Timestamp, Transport};
use kizashi_store::{Places, Reader, Span, StoreError};
use serde::{Deserialize, Serialize};

use crate::share::Allowed;

/// How long the hours are that one report tells of: AbuseIPDB takes five files a day of a free account.
pub const PERIOD: i64 = 6 * Timestamp::HOUR;
/// Sources told at most; those with the most connections stay.
const MOST_SOURCES: usize = 2_000;
/// Sources counted at most while they are gathered.
const MOST_GATHERED: usize = 20_000;
/// Ports told of one source.
const MOST_PORTS: usize = 16;
/// Ports told of all sources.
const MOST_ROWS: usize = 8_000;
/// Events looked at.
const MOST_EVENTS: usize = 200_000;
/// Characters of a service's name.
const LONGEST_NAME: usize = 24;

/// Who came in one period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings {
    /// What tells it from others: `sightings-20261129T0600Z`.
    pub key: String,
    /// The sources, those with the most connections first: at most 2,000.
    pub sources: Vec<Sighting>,
    /// Sources beyond those.
    pub left_out: usize,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Its address.
    pub address: IpAddr,
    /// When it first came.
    pub first: Timestamp,
    /// What it did on which port, in the order of ports: 1 to 16.
    pub ports: Vec<Visited>,
}

/// What one source did on one port (TCP).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visited {
    /// The port.
    pub port: u16,
    /// The protocol that was spoken: letters, digits and `-` alone.
    pub service: String,
    /// When it first came to it.
    pub first: Timestamp,
    /// The port that it came from then.
    pub source_port: u16,
    /// Connections.
    pub connections: u64,
    /// Login tries.
    pub logins: u64,
    /// Commands.
    pub commands: u64,
    /// Requests and notes that a rule knows as an attack.
    pub attacks: u64,
    /// Files that it brought.
    pub files: u64,
}

/// Why no further event is read.
enum Stopped {
    Store(StoreError),
    Enough,
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Sightings {
    /// The end of the last period that is over at `now` and whose events are stored by then.
    #[must_use]
    pub fn last_end(now: Timestamp) -> Timestamp {
        const STORED_WITHIN: i64 = 10 * 60 * Timestamp::SECOND;
        now.plus(-STORED_WITHIN).floor_to(PERIOD)
    }

    /// Gathers who came in the period that ended at `until` to the traps of `sensor`; known scanners too where that is wanted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn gather(
        reader: &Reader,
        (sensor, until): (&str, Timestamp),
        allowed: &Allowed,
        (places, scanners): (&Places, bool),
    ) -> Result<Self, StoreError> {
        let since = until.plus(-PERIOD);
        let span = Span { since: Some(since), until: Some(until) };
        let mut gathering = Gathering::default();
        let mut looked_at = 0;
        let read = reader.raw_events(span, |event| {
            looked_at += 1;
            if looked_at > MOST_EVENTS {
                return Err(Stopped::Enough);
            }
            if *event.sensor == *sensor {
                gathering.add(&event);
            }
            Ok(())
        });
        match read {
            Ok(()) | Err(Stopped::Enough) => {}
            Err(Stopped::Store(error)) => return Err(error),
        }
        let may_be_told = |address: IpAddr| {
            !allowed.holds(address) && (scanners || places.scanner(address).is_none())
        };
        Ok(gathering.told(since, may_be_told))
    }
}

#[derive(Default)]
struct Gathering(HashMap<IpAddr, Sighting>);

impl Gathering {
    fn add(&mut self, event: &Event) {
        // What a trap took is of a session, and no sight of a capture's.
        let taken = event.session.is_some() && !matches!(event.detail, Detail::Attempt(_));
        if !taken || event.port.transport != Transport::Tcp || !event.detail.proves_a_connection() {
            return;
        }
        let is_full = self.0.len() >= MOST_GATHERED;
        let sighting = match self.0.entry(event.source.to_canonical()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(_) if is_full => return,
            Entry::Vacant(entry) => entry.insert(Sighting {
                address: event.source.to_canonical(),
                first: event.time,
                ports: Vec::new(),
            }),
        };
        if let Some(visited) = sighting.on(event) {
            visited.add(&event.detail);
        }
    }

    fn told(self, since: Timestamp, may_be_told: impl Fn(IpAddr) -> bool) -> Sightings {
        let mut sources: Vec<Sighting> =
            self.0.into_values().filter(|sighting| may_be_told(sighting.address)).collect();
        sources.sort_by_key(|source| (std::cmp::Reverse(source.connections()), source.address));
        let all = sources.len();
        sources.truncate(MOST_SOURCES);
        let mut rows = 0;
        for source in &mut sources {
            source.ports.sort_by_key(|visited| visited.port);
            source.ports.truncate(MOST_ROWS.saturating_sub(rows).max(1));
            rows += source.ports.len();
        }
        let time: String =
            since.rfc3339().chars().take(16).filter(|c| !matches!(c, '-' | ':')).collect();
        Sightings { key: format!("sightings-{time}Z"), left_out: all - sources.len(), sources }
    }
}

impl Sighting {
    /// Its connections to all ports.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.ports.iter().map(|visited| visited.connections).sum()
    }

    fn on(&mut self, event: &Event) -> Option<&mut Visited> {
        let port = event.port.number;
        if let Some(at) = self.ports.iter().position(|visited| visited.port == port) {
            return self.ports.get_mut(at);
        }
        if self.ports.len() >= MOST_PORTS {
            return None;
        }
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
        self.ports.push(Visited {
            port,
            service: event.service.name().chars().filter(is_plain).take(LONGEST_NAME).collect(),
            first: event.time,
            source_port: event.source_port,
            connections: 0,
            logins: 0,
            commands: 0,
            attacks: 0,
            files: 0,
        });
        self.ports.last_mut()
    }
}

impl Visited {
    fn add(&mut self, detail: &Detail) {
        match detail {
            Detail::Connect => self.connections += 1,
            Detail::Login { .. } => self.logins += 1,
            Detail::Command { .. } => self.commands += 1,
            Detail::Payload(_) => self.files += 1,
            Detail::Request { request, .. } => self.attacks += u64::from(request.rule.is_some()),
            Detail::Note { name, .. } if is_attack(name.raw()) => self.attacks += 1,
            _ => {}
        }
    }
}

/// Notes by which traps say that a hole was tried.
fn is_attack(name: &str) -> bool {
    name.ends_with(" exploit") || name == "doublepulsar"
}

#[cfg(test)]
mod tests;
