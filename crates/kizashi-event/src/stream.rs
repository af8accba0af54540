//! The form in which events cross from the process that speaks to attackers into the one that keeps what they did. The reader
//! takes the writer for hostile: every frame is bounded, versioned and checked before a byte of it is believed, and a fault ends
//! the stream, for what is broken once cannot be trusted after.
//!
//! A frame is 24 bytes of head (`KZ`, version, kind, length, sequence number, XXH3 of the head before it and of the payload)
//! and the payload. An event's payload is its JSON without captured content, preceded by the JSON's length and followed by
//! the content as it came. The sum finds accidents; it is no proof of who wrote.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::Event;

/// Bytes of a frame's payload at most.
pub const LONGEST_PAYLOAD: usize = 1 << 20;
/// Bytes of a frame's head.
pub const HEAD: usize = 24;
/// The version of this form; both processes are one program, so another is a fault.
const VERSION: u8 = 1;
const MAGIC: [u8; 2] = *b"KZ";

/// What a trap counted since its process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrapCounts {
    /// Sessions served, or being served.
    pub accepted: u64,
    /// Visitors past a cap.
    pub refused: u64,
    /// Those of them that were not told as events.
    pub refused_untold: u64,
    /// Failures to accept.
    pub accept_errors: u64,
    /// Bytes taken from visitors.
    pub received: u64,
    /// Events told.
    pub events: u64,
    /// Events lost because nobody took them for too long.
    pub lost: u64,
    /// Events told without the content that they carried, because there was no room for it.
    pub left_out: u64,
}

/// What a capture counted since its process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptureCounts {
    /// Packets that passed the kernel's filter.
    pub passed: u64,
    /// Those of them that the kernel dropped because they were not read in time, by its own figure.
    pub dropped: u64,
    /// Attempts to open a TCP connection to a port of no real service.
    pub attempts: u64,
    /// Those of them that nothing answered.
    pub unanswered: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Those that were answered and left.
    pub half_open: u64,
    /// Those that were opened.
    pub completed: u64,
    /// Flows of datagrams that visitors began.
    pub udp_flows: u64,
    /// Requests by ICMP.
    pub icmp_requests: u64,
    /// Answers to what we never sent.
    pub backscatter: u64,
    /// First segments to ports of real services; nothing else of them is looked at.
    pub service_segments: u64,
    /// Datagrams to ports of real services.
    pub service_datagrams: u64,
    /// Broken, cut and lying packets.
    pub broken: u64,
    /// Attempts, flows and requests that were counted without being told one by one.
    pub sampled: u64,
    /// Events told.
    pub events: u64,
    /// Events lost because nobody took them for too long.
    pub lost: u64,
}

impl CaptureCounts {
    const FIELDS: usize = 16;

    const fn fields(&self) -> [u64; Self::FIELDS] {
        [
            self.passed,
            self.dropped,
            self.attempts,
            self.unanswered,
            self.refused,
            self.half_open,
            self.completed,
            self.udp_flows,
            self.icmp_requests,
            self.backscatter,
            self.service_segments,
            self.service_datagrams,
            self.broken,
            self.sampled,
            self.events,
            self.lost,
        ]
    }

    const fn of_fields(fields: [u64; Self::FIELDS]) -> Self {
        let [
            passed,
            dropped,
            attempts,
            unanswered,
            refused,
            half_open,
            completed,
            udp_flows,
            icmp_requests,
            backscatter,
            service_segments,
            service_datagrams,
            broken,
            sampled,
            events,
            lost,
        ] = fields;
        Self {
            passed,
            dropped,
            attempts,
            unanswered,
            refused,
            half_open,
            completed,
            udp_flows,
            icmp_requests,
            backscatter,
            service_segments,
            service_datagrams,
            broken,
            sampled,
            events,
            lost,
        }
    }

    /// Both together; a hostile process may count what it likes.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let (mut sum, more) = (self.fields(), other.fields());
        sum.iter_mut().zip(more).for_each(|(one, more)| *one = one.saturating_add(more));
        Self::of_fields(sum)
    }
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Something was seen.
    Event(Box<Event>),
    /// How much was done.
    Counts(TrapCounts),
    /// How much a capture saw.
    Captured(CaptureCounts),
    /// Everything up to this sequence number is kept for good.
    Acknowledged,
}

/// One message with its place in the stream. Of [`Message::Acknowledged`] the number is the last that is kept; of counts it is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Counts events from 1, one by one.
    pub sequence: u64,
    /// What is said.
    pub message: Message,
}

/// Why a stream is no longer believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It does not begin as a frame does.
    #[error("what came is no frame")]
    Magic,
    /// Of another version.
    #[error("a frame of version {0} came")]
    Version(u8),
    /// A kind that does not exist.
    #[error("a frame of the unknown kind {0} came")]
    Kind(u8),
    /// Longer than any frame.
    #[error("a frame of {0} bytes came")]
    Long(u32),
    /// The sum is wrong.
    #[error("a frame came with a wrong sum")]
    Sum,
    /// The payload is none.
    #[error("a frame came whose payload cannot be read")]
    Payload,
}

const EVENT: u8 = 1;
const COUNTS: u8 = 2;
const ACKNOWLEDGED: u8 = 3;
const CAPTURED: u8 = 4;

/// The payload of an event's frame; `None` for an event larger than any that a trap may tell.
#[must_use]
pub fn event_payload(mut event: Event) -> Option<Vec<u8>> {
    let content = event
        .detail
        .payload_mut()
        .map(|payload| std::mem::take(&mut payload.content))
        .unwrap_or_default();
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, &event).ok()?;
    let json = u32::try_from(bytes.len() - 4).ok()?;
    bytes[..4].copy_from_slice(&json.to_le_bytes());
    bytes.extend_from_slice(&content);
    (bytes.len() <= LONGEST_PAYLOAD).then_some(bytes)
}

/// The event of such a payload; `None` where it is none. What it says is not checked ([`crate::belief`]).
#[must_use]
pub fn event_of(payload: &[u8]) -> Option<Event> {
    let (length, rest) = payload.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (json, content) = rest.split_at_checked(length)?;
    let mut event: Event = serde_json::from_slice(json).ok()?;
    match event.detail.payload_mut() {
        Some(payload) if payload.content.is_empty() => payload.content = content.to_vec(),
        None if content.is_empty() => {}
        _ => return None,
    }
    Some(event)
}

fn put(kind: u8, sequence: u64, payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut head = [0; HEAD];
    head[..2].copy_from_slice(&MAGIC);
    head[2] = VERSION;
    head[3] = kind;
    head[4..8].copy_from_slice(&length.to_le_bytes());
    head[8..16].copy_from_slice(&sequence.to_le_bytes());
    let sum = sum_of(&head[..16], payload);
    head[16..].copy_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
}

fn sum_of(head: &[u8], payload: &[u8]) -> u64 {
    let mut sum = Xxh3::new();
    sum.update(head);
    sum.update(payload);
    sum.digest()
}

/// Writes the frame of an event whose payload was made by [`event_payload`].
pub fn put_event(sequence: u64, payload: &[u8], out: &mut Vec<u8>) {
    put(EVENT, sequence, payload, out);
}

/// Writes a frame with counts.
pub fn put_counts(counts: &TrapCounts, out: &mut Vec<u8>) {
    let fields = [
        counts.accepted,
        counts.refused,
        counts.refused_untold,
        counts.accept_errors,
        counts.received,
        counts.events,
        counts.lost,
        counts.left_out,
    ];
    let payload: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
    put(COUNTS, 0, &payload, out);
}

/// Writes a frame with a capture's counts.
pub fn put_captured(counts: &CaptureCounts, out: &mut Vec<u8>) {
    let payload: Vec<u8> = counts.fields().iter().flat_map(|field| field.to_le_bytes()).collect();
    put(CAPTURED, 0, &payload, out);
}

/// Writes the frame that says that everything up to `sequence` is kept.
pub fn put_acknowledged(sequence: u64, out: &mut Vec<u8>) {
    put(ACKNOWLEDGED, sequence, &[], out);
}

fn counts_of(payload: &[u8]) -> Option<TrapCounts> {
    let (fields, rest) = payload.as_chunks::<8>();
    let [accepted, refused, refused_untold, accept_errors, received, events, lost, left_out] =
        fields
    else {
        return None;
    };
    let read = |field: &[u8; 8]| u64::from_le_bytes(*field);
    rest.is_empty().then(|| TrapCounts {
        accepted: read(accepted),
        refused: read(refused),
        refused_untold: read(refused_untold),
        accept_errors: read(accept_errors),
        received: read(received),
        events: read(events),
        lost: read(lost),
        left_out: read(left_out),
    })
}

fn captured_of(payload: &[u8]) -> Option<CaptureCounts> {
    let (fields, rest) = payload.as_chunks::<8>();
    let fields: &[[u8; 8]; CaptureCounts::FIELDS] = fields.try_into().ok()?;
    rest.is_empty().then(|| CaptureCounts::of_fields(fields.map(u64::from_le_bytes)))
}

/// Puts frames together from bytes as they come. Holds one unfinished frame and what came with it, no more.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    read: usize,
    fault: Option<FrameError>,
}

impl Decoder {
    /// Takes bytes; call [`Self::next_frame`] until it has none before giving more.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.fault.is_none() {
            self.bytes.drain(..self.read);
            self.read = 0;
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The next whole frame; `None` until more bytes come.
    ///
    /// # Errors
    /// On the first fault, and ever after.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.decode().inspect_err(|fault| {
            self.fault = Some(*fault);
            self.bytes = Vec::new();
            self.read = 0;
        })
    }

    fn decode(&mut self) -> Result<Option<Frame>, FrameError> {
        let waiting = self.bytes.get(self.read..).unwrap_or_default();
        let Some((head, rest)) = waiting.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let [m0, m1, version, kind, l0, l1, l2, l3, sequence @ ..] = *head;
        let (sequence, sum) = sequence.split_at(8);
        if [m0, m1] != MAGIC {
            return Err(FrameError::Magic);
        }
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        if size > LONGEST_PAYLOAD {
            return Err(FrameError::Long(length));
        }
        let Some(payload) = rest.get(..size) else {
            return Ok(None);
        };
        if sum_of(&head[..16], payload).to_le_bytes() != sum {
            return Err(FrameError::Sum);
        }
        let message = match kind {
            EVENT => event_of(payload).map(|event| Message::Event(Box::new(event))),
            COUNTS => counts_of(payload).map(Message::Counts),
            CAPTURED => captured_of(payload).map(Message::Captured),
            ACKNOWLEDGED => payload.is_empty().then_some(Message::Acknowledged),
            other => return Err(FrameError::Kind(other)),
        }
        .ok_or(FrameError::Payload)?;
        let sequence =
            sequence.try_into().map(u64::from_le_bytes).map_err(|_| FrameError::Payload)?;
        self.read += HEAD + size;
        Ok(Some(Frame { sequence, message }))
    }
}

/// Feeds bytes to the decoder in two pieces, as a fuzzer wants it: any input, no panic, and what is decoded is encoded to the same
/// message again.
pub fn fuzz(bytes: &[u8]) {
    let mut decoder = Decoder::default();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for piece in [first, second] {
        decoder.push(piece);
        while let Ok(Some(frame)) = decoder.next_frame() {
            let mut again = Vec::new();
            match &frame.message {
                Message::Event(event) => {
                    if let Some(payload) = event_payload(Event::clone(event)) {
                        put_event(frame.sequence, &payload, &mut again);
                    }
                }
                Message::Counts(counts) => put_counts(counts, &mut again),
                Message::Captured(counts) => put_captured(counts, &mut again),
                Message::Acknowledged => put_acknowledged(frame.sequence, &mut again),
            }
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
