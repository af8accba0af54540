//! What visitors did as packets, for tools that read captures. The store keeps no packets: it keeps what was said and when. So every
//! frame is made anew (`kizashi-wire/src/frames.rs`), with right lengths and checksums, at the times of the events, and the file's own
//! comment says so. A packet's comment names the event that it stands for; read by `kizashi import` again it is that event and no other.
//!
//! A session is one TCP connection: opened by its first event, what the visitor sent as it was kept, requests written out of their
//! parts, what a recorded terminal showed as our answer. What was said without its bytes being kept is a comment on an empty segment.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use kizashi_event::{
    Attempt, Detail, Event, FrameKind, HostileText, Outcome, Payload, PayloadHash, PayloadOrigin,
    Request, SessionId, Timestamp, Transport, escape_for_people, frames,
};
use kizashi_store::{Reader, StoreError};
use kizashi_wire::{
    CaptureWriter, End, FirstSegment, Flow, bare_datagram, bare_message, first_segment,
};

/// Events of one export at most; each takes some 300 bytes while it is made.
const MOST_EVENTS: usize = 250_000;
/// Characters of a visitor's text in a comment.
const LONGEST_SAID: usize = 1_000;

const SECTION: &str = "Made by `kizashi export` of what a store holds. No packet here was seen on a wire: \
the store keeps what visitors sent and when, not packets. Addresses, ports, times and content are as they were recorded; sequence \
numbers, acknowledgements, our side of a handshake and everything else that was not kept are made up, with right lengths and checksums. \
A first segment is built from its stored signature where there is one. Where our own address was not recorded it is 192.0.2.1 or \
2001:db8::1, a visitor's unknown port is one from 49152 on. Content that is kept no more is missing, as lost packets are. SSH and \
terminal sessions are shown decrypted. The content is hostile: do not run it.";

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PcapError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
    #[error(
        "there are more than {MOST_EVENTS} events in this span: choose a shorter one by --since and --until"
    )]
    TooMany,
}

/// Events as they are gathered: sessions whole, in the order in which they began.
#[derive(Default)]
pub(crate) struct Gathered {
    groups: Vec<Vec<Event>>,
    sessions: HashMap<SessionId, usize>,
    events: usize,
}

impl Gathered {
    /// Whether there is nothing to make packets of.
    pub(crate) const fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Adds an event; they come in order of time.
    pub(crate) fn add(&mut self, event: Event) -> Result<(), PcapError> {
        // What many have in common stands for no packet of its own.
        if matches!(event.detail, Detail::Scan(_) | Detail::Counted { .. }) {
            return Ok(());
        }
        self.events += 1;
        if self.events > MOST_EVENTS {
            return Err(PcapError::TooMany);
        }
        let next = self.groups.len();
        let place = match event.session {
            Some(session) => *self.sessions.entry(session).or_insert(next),
            None => next,
        };
        match self.groups.get_mut(place) {
            Some(group) => group.push(event),
            None => self.groups.push(vec![event]),
        }
        Ok(())
    }
}

/// Writes all; gives how many packets it made.
pub(crate) fn write(
    gathered: Gathered,
    reader: &Reader,
    out: impl Write,
) -> Result<u64, PcapError> {
    let mut export = Export { reader, out: CaptureWriter::new(out, SECTION)? };
    for events in gathered.groups {
        export.group(&events)?;
    }
    let packets = export.out.packets();
    export.out.finish()?;
    Ok(packets)
}

struct Export<'a, W> {
    reader: &'a Reader,
    out: CaptureWriter<W>,
}

/// Who speaks, as far as it was recorded.
fn ends(event: &Event) -> (SocketAddr, SocketAddr) {
    let known = event.destination.filter(|address| address.is_ipv4() == event.source.is_ipv4());
    let unknown: IpAddr = match event.source {
        IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    // The same for all of a session, another for the next one.
    let seed = event.session.map_or(event.id.0, |session| session.0);
    let port = match event.source_port {
        0 => 49_152 + (seed % 16_384) as u16,
        port => port,
    };
    let ours = SocketAddr::new(known.unwrap_or(unknown), event.port.number);
    (SocketAddr::new(event.source, port), ours)
}

/// What is done at a moment of a connection.
enum Step {
    Said { content: Content, comment: String },
    Showed(Vec<u8>),
    Remark(String),
    Closed,
}

enum Content {
    Kept(Vec<u8>),
    /// So many bytes that are not there.
    Gone(u64),
}

impl<W: Write> Export<'_, W> {
    fn group(&mut self, events: &[Event]) -> Result<(), PcapError> {
        let Some(first) = events.first() else { return Ok(()) };
        match (first.session, first.port.transport) {
            (_, Transport::Udp) => events.iter().try_for_each(|event| self.datagram(event)),
            (_, Transport::Icmp) => events.iter().try_for_each(|event| self.message(event)),
            (Some(_), Transport::Tcp) => self.session(first, events),
            (None, Transport::Tcp) => events.iter().try_for_each(|event| self.attempt(event)),
        }
    }

    /// An attempt that nothing came of, or something said without a session.
    fn attempt(&mut self, event: &Event) -> Result<(), PcapError> {
        if !matches!(event.detail, Detail::Attempt(_) | Detail::Packet | Detail::Connect) {
            return self.session(event, std::slice::from_ref(event));
        }
        let (visitor, ours) = ends(event);
        let first = first_of(event, (visitor, ours));
        let end = match &event.detail {
            Detail::Attempt(attempt) => match attempt.outcome {
                Some(Outcome::Refused) => Some(End::Refused),
                Some(Outcome::HalfOpen) => Some(End::HalfOpen),
                _ => None,
            },
            _ => None,
        };
        let (flow, packets) = Flow::open(visitor, ours, &first, false);
        let answer = end.and_then(|end| flow.never_opened(end));
        self.put(event, packets, &about_attempt(event))?;
        match answer {
            Some(answer) => self.plain(event.time, &answer, ""),
            None => Ok(()),
        }
    }

    fn session(&mut self, first: &Event, events: &[Event]) -> Result<(), PcapError> {
        let (visitor, ours) = ends(first);
        let begins = matches!(first.detail, Detail::Attempt(_) | Detail::Connect | Detail::Packet);
        let segment = first_of(first, (visitor, ours));
        let (mut flow, packets) = Flow::open(visitor, ours, &segment, true);
        // What was said has its own packet; one id for two would lose the second.
        match first.detail.payload() {
            None => self.put(first, packets, &about_attempt(first))?,
            Some(_) => self.plain_all(first.time, &packets)?,
        }
        let mut steps = Vec::new();
        for event in events.iter().skip(usize::from(begins)) {
            self.steps_of(event, &mut steps)?;
        }
        // What a terminal showed is told later than it was shown.
        steps.sort_by_key(|(time, ..)| *time);
        let mut is_closed = false;
        let mut last = first.time;
        for (time, event, step) in steps {
            last = last.max(time);
            match step {
                Step::Said { content: Content::Gone(bytes), comment } => {
                    self.mark(time, &flow.nothing(), &comment, event)?;
                    flow.missed(bytes);
                }
                Step::Said { content: Content::Kept(content), comment } => {
                    let mut packets = flow.said(&content);
                    let rest = packets.split_off(1.min(packets.len()));
                    for packet in packets {
                        self.mark(time, &packet, &comment, event)?;
                    }
                    self.plain_all(time, &rest)?;
                }
                Step::Showed(content) => {
                    let packets = flow.answered(&content);
                    self.plain_all(time, &packets)?;
                }
                Step::Remark(comment) => self.plain(time, &flow.nothing(), &comment)?,
                Step::Closed => {
                    is_closed = true;
                    let packets = flow.close();
                    self.plain_all(time, &packets)?;
                }
            }
        }
        if !is_closed {
            let packets = flow.close();
            self.plain_all(last, &packets)?;
        }
        Ok(())
    }

    fn steps_of<'e>(
        &self,
        event: &'e Event,
        steps: &mut Vec<(Timestamp, Option<&'e Event>, Step)>,
    ) -> Result<(), PcapError> {
        let mut add = |step| steps.push((event.time, Some(event), step));
        match &event.detail {
            Detail::Payload(payload) if payload.origin == PayloadOrigin::Sent => {
                let comment = "what the visitor sent, as it was kept".to_owned();
                add(Step::Said { content: self.content(payload)?, comment });
            }
            Detail::Request { request, body } => {
                let mut content = if request.malformed { Vec::new() } else { head_of(request) };
                let mut comment = "a request written anew out of its parts".to_owned();
                if let Some(body) = body {
                    match self.content(body)? {
                        Content::Kept(body) => content.extend(body),
                        Content::Gone(_) => comment.push_str("; its body is not kept"),
                    }
                }
                add(Step::Said { content: Content::Kept(content), comment });
            }
            Detail::Recording { content, .. } => {
                for frame in frames(&self.reader.recording(content.sha256)?.unwrap_or_default()) {
                    let step = match frame.kind {
                        FrameKind::Output => Step::Showed(frame.bytes),
                        FrameKind::Input => Step::Said {
                            content: Content::Kept([&frame.bytes[..], b"\r\n"].concat()),
                            comment: "a line given to the terminal".to_owned(),
                        },
                        FrameKind::Size => continue,
                    };
                    steps.push((frame.time, None, step));
                }
            }
            Detail::Close { .. } => add(Step::Closed),
            other => add(Step::Remark(remark(other))),
        }
        Ok(())
    }

    fn content(&self, payload: &Payload) -> Result<Content, PcapError> {
        let size = payload.size.unwrap_or_default();
        Ok(match self.kept(payload.sha256)? {
            Some(content) => Content::Kept(content),
            None => Content::Gone(size),
        })
    }

    fn kept(&self, hash: PayloadHash) -> Result<Option<Vec<u8>>, PcapError> {
        Ok(self.reader.payload_content(hash)?.flatten())
    }

    fn datagram(&mut self, event: &Event) -> Result<(), PcapError> {
        let (visitor, ours) = ends(event);
        let (content, missing) = match event.detail.payload() {
            Some(payload) => match self.content(payload)? {
                Content::Kept(content) => (content, 0),
                Content::Gone(size) => (Vec::new(), u32::try_from(size).unwrap_or(u32::MAX)),
            },
            None => (Vec::new(), 0),
        };
        let packet = bare_datagram(visitor, ours, &content, missing);
        // A datagram cannot lack more than its longest.
        let missing = missing.min(65_507);
        let comment = remark(&event.detail);
        self.out.packet(event.time, &packet, missing, &comment, Some(event.id))?;
        Ok(())
    }

    fn message(&mut self, event: &Event) -> Result<(), PcapError> {
        let (visitor, ours) = ends(event);
        let kind = (event.port.number & 0xff) as u8;
        let packet = bare_message(visitor.ip(), ours.ip(), kind);
        self.mark(event.time, &packet, &remark(&event.detail), Some(event))
    }

    /// Packets of which the first stands for an event.
    fn put(&mut self, event: &Event, packets: Vec<Vec<u8>>, about: &str) -> Result<(), PcapError> {
        let mut comment = Some(about);
        for packet in packets {
            match comment.take() {
                Some(comment) => self.mark(event.time, &packet, comment, Some(event))?,
                None => self.plain(event.time, &packet, "")?,
            }
        }
        Ok(())
    }

    fn mark(
        &mut self,
        time: Timestamp,
        packet: &[u8],
        comment: &str,
        event: Option<&Event>,
    ) -> Result<(), PcapError> {
        Ok(self.out.packet(time, packet, 0, comment, event.map(|event| event.id))?)
    }

    fn plain(&mut self, time: Timestamp, packet: &[u8], comment: &str) -> Result<(), PcapError> {
        Ok(self.out.packet(time, packet, 0, comment, None)?)
    }

    fn plain_all(&mut self, time: Timestamp, packets: &[Vec<u8>]) -> Result<(), PcapError> {
        packets.iter().try_for_each(|packet| self.plain(time, packet, ""))
    }
}

fn first_of(event: &Event, ends: (SocketAddr, SocketAddr)) -> FirstSegment {
    let Detail::Attempt(attempt) = &event.detail else {
        return first_segment(None, &[], ends, event.id.0);
    };
    let marks: Vec<&str> = attempt.fingerprints.iter().map(HostileText::raw).collect();
    let signature = attempt.signature.as_ref().map(HostileText::raw);
    first_segment(signature, &marks, ends, event.id.0)
}

fn about_attempt(event: &Event) -> String {
    match &event.detail {
        Detail::Attempt(attempt) => {
            let Attempt { outcome, repeats, .. } = &**attempt;
            let outcome = outcome.map_or("", |outcome| outcome.name());
            let built = match attempt.signature {
                Some(_) => "built from its signature",
                None => "made up",
            };
            format!("attempt, {outcome}, sent again {repeats} times; {built}")
        }
        other => format!("{}; made up", other.action()),
    }
}

/// The head of a request: what stood between its fields is not kept.
fn head_of(request: &Request) -> Vec<u8> {
    let mut head = format!("{} {}", request.method.raw(), request.target.raw());
    if !request.version.raw().is_empty() {
        head.push(' ');
        head.push_str(request.version.raw());
    }
    head.push_str("\r\n");
    for (name, value) in &request.headers {
        head.push_str(&format!("{}: {}\r\n", name.raw(), value.raw()));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// What was done without its bytes being kept, in a few words.
fn remark(detail: &Detail) -> String {
    let said = match detail {
        Detail::Login { username, password, .. } => {
            let text =
                |text: &Option<HostileText>| text.as_ref().map_or("", |text| text.raw()).to_owned();
            format!("{} / {}", text(username), text(password))
        }
        Detail::Command { line, .. } => line.raw().to_owned(),
        Detail::Client { version, fingerprint, .. } => {
            version.iter().chain(fingerprint).map(HostileText::raw).collect::<Vec<_>>().join(", ")
        }
        Detail::Note { name, value } => format!("{}: {}", name.raw(), value.raw()),
        Detail::Payload(payload) => format!("SHA-256 {}", payload.sha256),
        Detail::Forward { host, port, .. } => format!("{}:{port}", host.raw()),
        _ => String::new(),
    };
    let said: String = said.chars().take(LONGEST_SAID).collect();
    format!("{} {}", detail.action(), escape_for_people(&said))
}
