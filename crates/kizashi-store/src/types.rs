//! What the store gives out: plain values, free of SQL.

use std::net::IpAddr;

use kizashi_event::{Key, Port, Service, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// A span of time, from `since` (inclusive) to `until` (exclusive); an end that is `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first moment inside.
    pub since: Option<Timestamp>,
    /// The first moment outside.
    pub until: Option<Timestamp>,
}

/// What came to one port in ten minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortBin {
    /// The port.
    pub port: Port,
    /// Events.
    pub events: u64,
    /// The distinct sources, by their number in this store, ascending.
    pub sources: Vec<u32>,
}

/// What came under one key that is no port in ten minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBin {
    /// The key. The text of most kinds is chosen by attackers.
    pub key: Key,
    /// Events.
    pub events: u64,
    /// The distinct sources, by their number in this store, ascending.
    pub sources: Vec<u32>,
    /// Of content that was sent its first bytes, at most 64; of another key nothing.
    pub head: Vec<u8>,
}

/// Ten minutes that are over: what came later than its closing is counted in the store and is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedBin {
    /// The start of the bin.
    pub start: Timestamp,
    /// Every port that anything came to, ordered by port.
    pub ports: Vec<PortBin>,
    /// Keys of other kinds, ordered by kind and number in this store: of each kind the 4,096 with the most distinct sources.
    pub keys: Vec<KeyBin>,
}

/// One bin of one key's series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesPoint {
    /// The start of the bin.
    pub start: Timestamp,
    /// Events in it.
    pub events: u64,
    /// Sessions opened in it.
    pub sessions: u64,
    /// Distinct sources: exact within an hour; over more, the sum of the hours (a source that comes back counts again).
    pub sources: u64,
}

/// One row of a ranking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// What is counted. The text of most kinds is chosen by attackers.
    pub key: Key,
    /// Events in the span.
    pub events: u64,
    /// Sessions opened in the span.
    pub sessions: u64,
    /// Distinct sources in the span: exact up to 256 a day, then within about 3 %.
    pub sources: u64,
    /// The first event ever.
    pub first: Timestamp,
    /// The last event ever.
    pub last: Timestamp,
}

/// What visitors of one port did in a span: most frequent first, at most ten each. All texts are attackers' own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Addresses and their events.
    pub sources: Vec<(String, u64)>,
    /// User names.
    pub users: Vec<(String, u64)>,
    /// Passwords.
    pub passwords: Vec<(String, u64)>,
    /// Lines given to shells.
    pub commands: Vec<(String, u64)>,
    /// Targets of HTTP requests.
    pub paths: Vec<(String, u64)>,
    /// What their software says of itself.
    pub clients: Vec<(String, u64)>,
    /// The first 32 bytes of what they sent: printable ASCII as it is, every other byte as `\x00`.
    pub payloads: Vec<(String, u64)>,
    /// The countries that they come from, by two letters, with how many sources of each.
    pub countries: Vec<(String, u64)>,
    /// The scanners that some of them are known as, with how many sources of each.
    pub scanners: Vec<(String, u64)>,
    /// Events looked at; fewer than all when there were very many.
    pub events_read: u64,
}

/// The store at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Events counted, also those whose raw form is gone by retention.
    pub events: u64,
    /// Events whose raw form is kept.
    pub events_raw: u64,
    /// Sessions opened.
    pub sessions: u64,
    /// Distinct sources ever seen.
    pub sources: u64,
    /// The first moment of all events that are not flagged.
    pub first: Option<Timestamp>,
    /// The last moment of all events that are not flagged.
    pub last: Option<Timestamp>,
    /// Events that came after their bin was closed: counted, not seen by detection.
    pub late: u64,
    /// Events with a time before 1990 or in the future: kept and flagged, not counted in series, not seen by detection.
    pub out_of_time: u64,
    /// Events lost on the way to the store because it could not keep up.
    pub dropped: u64,
    /// Size of the database with its log, in bytes.
    pub bytes: u64,
}

/// A sign as the store keeps it: what it means is known to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSign {
    /// Its id, unique.
    pub id: String,
    /// When it was raised.
    pub detected: Timestamp,
    /// The sign itself, as JSON.
    pub json: String,
    /// What the visitors did, as JSON; `None` leaves what is stored.
    pub evidence: Option<String>,
}

/// A session in which something happened that a person may want to see again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// Its id.
    pub id: SessionId,
    /// The first event that made it so.
    pub first: Timestamp,
    /// The last such event.
    pub last: Timestamp,
    /// Who.
    pub source: IpAddr,
    /// Where.
    pub port: Port,
    /// The protocol.
    pub service: Service,
    /// Accepted logins.
    pub logins: u64,
    /// Lines given.
    pub commands: u64,
    /// Files left.
    pub files: u64,
    /// Parts of its recording.
    pub recordings: u64,
}

/// A captured payload, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPayload {
    /// The hash that it is known and exported by.
    pub sha256: kizashi_event::PayloadHash,
    /// Bytes received, also of those past the bound of what is kept.
    pub size: u64,
    /// Its first bytes, at most 64.
    pub head: Vec<u8>,
    /// Whether its content is still kept.
    pub has_content: bool,
    /// Events that carried it.
    pub events: u64,
    /// When it first came; `None` where no event in time carried it.
    pub first: Option<Timestamp>,
    /// When it last came.
    pub last: Option<Timestamp>,
}
