//! The form in which a sensor's events travel: one record a message. The hub takes every sender for hostile: each length is bounded before a
//! byte is allocated for it, the sum is checked before anything is unpacked, and unpacking stops at the length that was announced.
//!
//! A record is 40 bytes of head (`KZF`, version, kind, three zeros, the spool's epoch, the record's number in it, how many events, bytes once
//! unpacked, XXH3 of the head before it and of the body) and a body that zstd packed. A body of events holds each as a length, one byte that
//! says where its content is, where that is elsewhere the content's SHA-256, and the payload of
//! [`kizashi_event::stream::event_payload`]. A body of content holds its SHA-256 and the content. Numbers are little-endian.
//!
//! Another version of this form is refused by name, so that a mixed fleet says which sensor to upgrade. Fields that a later version adds to
//! an event's JSON are passed over; so sensors may be newer than the hub by that much, and no more.

use kizashi_event::Event;
use kizashi_event::stream::{event_of, event_payload};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use xxhash_rust::xxh3::Xxh3;

/// Bytes of a record at most: below what the servers' configuration lets through.
pub const MOST_PACKED: usize = 1_600 << 10;
/// Bytes of a record's body once unpacked, at most.
pub const MOST_UNPACKED: usize = 4 << 20;
/// Events of a record at most.
pub const MOST_EVENTS: usize = 8_192;
/// Bytes of captured content that travel within their event; longer content travels once, by its hash.
pub const MOST_INLINE: usize = 512;
/// Bytes of a record's head.
pub const HEAD: usize = 40;
/// The version of this form.
pub const VERSION: u8 = 1;

const MAGIC: [u8; 3] = *b"KZF";
/// zstd's level: the fastest of the usual ones, for a sensor is a small machine.
const LEVEL: i32 = 1;

const EVENTS: u8 = 1;
const CONTENT: u8 = 2;
const HEARTBEAT: u8 = 3;

const INLINE: u8 = 0;
const ELSEWHERE: u8 = 1;

/// SHA-256 of content as it is kept.
pub type ContentHash = [u8; 32];

/// Which record: a spool has an epoch of its own, drawn when it is made, and counts its records from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The spool's epoch.
    pub epoch: u64,
    /// The record's number in it; 0 of what no spool held.
    pub number: u64,
}

/// An event on its way, and where its content is if that travels apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Travelling {
    /// The event, its content taken out where `content` says so.
    pub event: Event,
    /// The hash of the content that was taken out.
    pub content: Option<ContentHash>,
}

/// How a sensor fares, as it says itself. A hostile one may say what it likes: nothing but what people are shown is made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The version of its Kizashi.
    pub version: String,
    /// Bytes that wait in its spool.
    pub waiting_bytes: u64,
    /// Records that wait in its spool.
    pub waiting_records: u64,
    /// Records that its spool let go because it was full, since the sensor started.
    pub dropped_records: u64,
    /// Events in them.
    pub dropped_events: u64,
    /// Events that its traps and its capture lost before the spool, since the sensor started.
    pub lost_events: u64,
    /// Times that one of its traps did what no trap does, since the sensor started.
    pub misbehaved: u64,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Events, in the order in which the sensor kept them.
    Events(Vec<Travelling>),
    /// Captured content and its hash, which is right.
    Content(ContentHash, Vec<u8>),
    /// The sensor lives.
    Heartbeat(Status),
}

/// A whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which one.
    pub place: Place,
    /// What it says.
    pub body: Body,
}

/// Why a record is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It does not begin as a record does.
    #[error("what came is no record")]
    Magic,
    /// Of another version.
    #[error(
        "a record of version {0} came, and version {VERSION} is spoken here; upgrade the hub first, then the sensors"
    )]
    Version(u8),
    /// Longer than any, packed or once unpacked.
    #[error("a record came that is longer than any")]
    Long,
    /// Cut short.
    #[error("a record came that was cut short")]
    Short,
    /// The sum is wrong.
    #[error("a record came with a wrong sum")]
    Sum,
    /// A kind that does not exist.
    #[error("a record of the unknown kind {0} came")]
    Kind(u8),
    /// The body is none.
    #[error("a record came whose content cannot be read")]
    Body,
}

/// Content with its hash.
pub type Content = (ContentHash, Vec<u8>);

/// An event made ready to travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    payload: Vec<u8>,
    content: Option<ContentHash>,
}

/// Makes an event ready, and takes content out of it that is to travel apart, with its hash; `None` for an event larger than any.
#[must_use]
pub fn entry_of(mut event: Event) -> Option<(Entry, Option<Content>)> {
    let long = event.detail.payload_mut().filter(|it| it.content.len() > MOST_INLINE);
    let taken = long.map(|payload| {
        let content = std::mem::take(&mut payload.content);
        (ContentHash::from(Sha256::digest(&content)), content)
    });
    let content = taken.as_ref().map(|(hash, _)| *hash);
    Some((Entry { payload: event_payload(event)?, content }, taken))
}

/// Gathers events into the body of one record.
#[derive(Debug, Default)]
pub struct Gatherer {
    body: Vec<u8>,
    events: usize,
}

impl Gatherer {
    /// Whether the record has room for this one; an empty one always has.
    #[must_use]
    pub fn has_room(&self, entry: &Entry) -> bool {
        let more = 4 + 1 + 32 + entry.payload.len();
        self.events == 0 || self.events < MOST_EVENTS && self.body.len() + more <= GATHERED
    }

    /// Adds an event.
    pub fn add(&mut self, entry: &Entry) {
        let length = u32::try_from(entry.payload.len()).unwrap_or(u32::MAX);
        self.body.extend_from_slice(&length.to_le_bytes());
        match &entry.content {
            None => self.body.push(INLINE),
            Some(hash) => {
                self.body.push(ELSEWHERE);
                self.body.extend_from_slice(hash);
            }
        }
        self.body.extend_from_slice(&entry.payload);
        self.events += 1;
    }

    /// The record of what was gathered; `None` where nothing was. The gatherer is empty then.
    pub fn take(&mut self, place: Place) -> Option<Vec<u8>> {
        let (body, events) = (std::mem::take(&mut self.body), std::mem::take(&mut self.events));
        (events > 0).then(|| sealed(EVENTS, place, events, &body))
    }
}

/// Bytes of events that are gathered in one record: so that the packed record stays below [`MOST_PACKED`] whatever it holds.
const GATHERED: usize = 512 << 10;

/// The record of captured content.
#[must_use]
pub fn content_record(place: Place, hash: &ContentHash, content: &[u8]) -> Vec<u8> {
    let mut body = hash.to_vec();
    body.extend_from_slice(content);
    sealed(CONTENT, place, 0, &body)
}

/// The record by which a sensor says that it lives.
#[must_use]
pub fn heartbeat_record(epoch: u64, status: &Status) -> Vec<u8> {
    let body = serde_json::to_vec(status).unwrap_or_default();
    sealed(HEARTBEAT, Place { epoch, number: 0 }, 0, &body)
}

fn sealed(kind: u8, place: Place, events: usize, body: &[u8]) -> Vec<u8> {
    let packed = zstd::bulk::compress(body, LEVEL).unwrap_or_default();
    let mut record = Vec::with_capacity(HEAD + packed.len());
    record.extend_from_slice(&MAGIC);
    record.extend_from_slice(&[VERSION, kind, 0, 0, 0]);
    record.extend_from_slice(&place.epoch.to_le_bytes());
    record.extend_from_slice(&place.number.to_le_bytes());
    for count in [events, body.len()] {
        record.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }
    let sum = sum_of(&record, &packed);
    record.extend_from_slice(&sum.to_le_bytes());
    record.extend_from_slice(&packed);
    record
}

fn sum_of(head: &[u8], body: &[u8]) -> u64 {
    let mut sum = Xxh3::new();
    sum.update(head);
    sum.update(body);
    sum.digest()
}

/// A record's head, its bounds and its sum checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which record.
    pub place: Place,
    /// Events in it.
    pub events: u32,
    kind: u8,
    unpacked: usize,
}

impl Head {
    /// Whether it holds captured content.
    #[must_use]
    pub const fn is_content(&self) -> bool {
        self.kind == CONTENT
    }
}

/// Looks at a record without unpacking it.
///
/// # Errors
/// What is wrong with it.
pub fn head_of(record: &[u8]) -> Result<Head, RecordError> {
    if !record.starts_with(&MAGIC) {
        return Err(RecordError::Magic);
    }
    let (head, body) = record.split_first_chunk::<HEAD>().ok_or(RecordError::Short)?;
    let [_, _, _, version, kind, zeros @ ..] = head;
    if *version != VERSION {
        return Err(RecordError::Version(*version));
    }
    if record.len() > MOST_PACKED {
        return Err(RecordError::Long);
    }
    let (words, _) = head.as_chunks::<8>();
    let [_, epoch, number, counts, sum] = words else { return Err(RecordError::Short) };
    if sum_of(&head[..HEAD - 8], body) != u64::from_le_bytes(*sum) {
        return Err(RecordError::Sum);
    }
    let [e0, e1, e2, e3, u0, u1, u2, u3] = *counts;
    let events = u32::from_le_bytes([e0, e1, e2, e3]);
    let unpacked = u32::from_le_bytes([u0, u1, u2, u3]) as usize;
    if unpacked > MOST_UNPACKED || events as usize > MOST_EVENTS {
        return Err(RecordError::Long);
    }
    if zeros[..3] != [0; 3] {
        return Err(RecordError::Body);
    }
    let place = Place { epoch: u64::from_le_bytes(*epoch), number: u64::from_le_bytes(*number) };
    Ok(Head { place, events, kind: *kind, unpacked })
}

/// Reads a whole record.
///
/// # Errors
/// What is wrong with it; nothing of it is believed then.
pub fn read(record: &[u8]) -> Result<Record, RecordError> {
    let head = head_of(record)?;
    let body =
        zstd::bulk::decompress(&record[HEAD..], head.unpacked).map_err(|_| RecordError::Body)?;
    if body.len() != head.unpacked {
        return Err(RecordError::Body);
    }
    let body = match head.kind {
        EVENTS if head.place.number != 0 => events_of(&body, head.events as usize),
        CONTENT if head.place.number != 0 => content_of(&body),
        HEARTBEAT if head.place.number == 0 => status_of(&body),
        EVENTS | CONTENT | HEARTBEAT => None,
        other => return Err(RecordError::Kind(other)),
    };
    Ok(Record { place: head.place, body: body.ok_or(RecordError::Body)? })
}

fn events_of(mut body: &[u8], announced: usize) -> Option<Body> {
    // No more is made room for than the body can hold.
    let mut events = Vec::with_capacity(announced.min(body.len() / 64));
    while !body.is_empty() {
        let (length, rest) = body.split_first_chunk::<4>()?;
        let (flag, rest) = rest.split_first()?;
        let (content, rest) = match *flag {
            INLINE => (None, rest),
            ELSEWHERE => rest.split_first_chunk::<32>().map(|(hash, rest)| (Some(*hash), rest))?,
            _ => return None,
        };
        let (payload, rest) =
            rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let event = event_of(payload)?;
        if content.is_some() && event.detail.carried().is_none_or(|it| !it.content.is_empty()) {
            return None;
        }
        events.push(Travelling { event, content });
        body = rest;
    }
    (!events.is_empty() && events.len() == announced).then_some(Body::Events(events))
}

fn content_of(body: &[u8]) -> Option<Body> {
    let (hash, content) = body.split_first_chunk::<32>()?;
    let is_right = !content.is_empty() && ContentHash::from(Sha256::digest(content)) == *hash;
    is_right.then(|| Body::Content(*hash, content.to_vec()))
}

/// Characters of a version that people are shown.
const LONGEST_VERSION: usize = 32;

fn status_of(body: &[u8]) -> Option<Body> {
    let status: Status = serde_json::from_slice(body).ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
    let is_version = status.version.len() <= LONGEST_VERSION && status.version.chars().all(plain);
    is_version.then_some(Body::Heartbeat(status))
}

/// Reads bytes as a record, and as the body of one with a right sum, as a fuzzer wants it: any input, no panic.
pub fn fuzz(bytes: &[u8]) {
    let _ = read(bytes);
    let place = Place { epoch: 1, number: 1 };
    for (kind, number) in [(EVENTS, 1), (CONTENT, 1), (HEARTBEAT, 0)] {
        let events = usize::from(kind == EVENTS);
        let _ = read(&sealed(kind, Place { number, ..place }, events, bytes));
    }
}

#[cfg(test)]
mod tests;
