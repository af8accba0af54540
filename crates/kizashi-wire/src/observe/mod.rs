//! From packets to events. An [`Observer`] is given frames in the order in which they were captured, by a file's reader or by a ring
//! of the kernel alike, and tells its sink what visitors did: each attempt to reach a port once, however often it is sent again;
//! what a visitor said over TCP, put together; datagrams; scans. What answers something that we never sent is backscatter of an
//! attack elsewhere, counted and no attempt.
//!
//! Time is what the frames say: there is no clock. An attempt is told when its outcome is known, 20 seconds after its first packet
//! at the latest. What is remembered of strangers is bounded everywhere (`table`, `reassembly`, `scans`); the oldest go first.

mod backscatter;
mod counts;
mod datagrams;
mod live;
mod local;
mod looks;
mod reassembly;
mod scans;
mod secret;
mod table;
mod tcp;
mod tell;
mod victims;

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use kizashi_event::{Event, EventId, Timestamp};

pub use counts::{Counts, TcpCounts};
pub use live::{Ports, ServiceCounts};
pub use local::{ParsePrefixError, Prefix};
pub use victims::{Answers, Attacked, Backscatter};

use crate::dissect::{
    Body, Checksum, Dissected, Fault, Faults, Fragment, Frame, LinkType, Packet, dissect,
};
use local::{Ours, Search, bits_of};
use looks::Looks;
use scans::{ScanBounds, Scans};
use table::{FlowKey, ListBounds, Table};
use tcp::{Conversation, Opening, Told};

/// Where events go; breaking ends the observation.
pub type Sink<'s> = &'s mut dyn FnMut(Event) -> ControlFlow<()>;

/// How to observe.
#[derive(Clone, Debug)]
pub struct Options {
    /// The sensor's name.
    pub sensor: Arc<str>,
    /// Our addresses; empty finds them (see [`Counts`] and `local.rs`).
    pub local: Vec<Prefix>,
}

/// What is remembered of a flow.
enum Flow {
    /// A visitor's attempt whose outcome is not known.
    Opening(Opening),
    /// A conversation.
    Open(Box<Conversation>),
    /// An attempt that was told; what comes after belongs to it.
    Told(Told),
    /// We began it.
    Ours,
    /// Datagrams that a visitor began.
    Datagrams,
}

/// The lists of flows.
mod list {
    pub(super) const OPENING: usize = 0;
    pub(super) const OPEN: usize = 1;
    pub(super) const TOLD: usize = 2;
    pub(super) const OURS: usize = 3;
    pub(super) const DATAGRAMS: usize = 4;
}

const fn bounds(most: u32, seconds: i64) -> ListBounds {
    ListBounds { most, idle: seconds * Timestamp::SECOND }
}

/// An attempt waits 20 s for its outcome, which is five repeats of most systems; a told one is remembered for longer than the longest
/// pause between repeats (Linux: 64 s). Together at most 30 MB with all that they hold, [`MOST_HELD`] apart.
const LISTS: [ListBounds; 5] = [
    bounds(32_768, 20),
    bounds(8_192, 300),
    bounds(32_768, 120),
    bounds(16_384, 900),
    bounds(32_768, 120),
];

/// Bytes of content that all open conversations hold together.
const MOST_HELD: usize = 16 << 20;
/// How far time may step back before everything that waited is taken for over: another capture begins.
const LONGEST_STEP_BACK: i64 = Timestamp::HOUR;
/// Times beyond this are taken for it, so that waiting for them ends: the year 73,000.
const LATEST: i64 = 1 << 61;
/// Frames and bytes that are held until our own address is known.
const MOST_FRAMES_HELD: usize = 8_192;
const MOST_BYTES_HELD: usize = 4 << 20;

/// A frame that waits: its time, link and length on the wire, where its bytes are, and its mark.
type Held = (Timestamp, LinkType, u32, std::ops::Range<usize>, Option<EventId>);

/// Frames that wait for our own address to be known.
#[derive(Default)]
struct Waiting {
    search: Search,
    frames: Vec<Held>,
    bytes: Vec<u8>,
}

/// Turns frames into events.
pub struct Observer {
    sensor: Arc<str>,
    ours: Ours,
    waiting: Option<Box<Waiting>>,
    now: i64,
    next_look: i64,
    flows: Table<Flow, 5>,
    held: usize,
    scans: Scans,
    looks: Looks,
    counts: Counts,
    stopped: bool,
    /// What a live capture knows beside the packets.
    live: Option<Box<live::Live>>,
}

impl Observer {
    /// Begins.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self::with_bounds(options, LISTS, ScanBounds::default())
    }

    fn with_bounds(options: &Options, lists: [ListBounds; 5], scans: ScanBounds) -> Self {
        Self {
            sensor: Arc::clone(&options.sensor),
            ours: Ours::new(options.local.clone()),
            waiting: options.local.is_empty().then(Box::default),
            now: i64::MIN,
            next_look: i64::MIN,
            flows: Table::new(lists),
            held: 0,
            scans: Scans::new(scans),
            looks: Looks::default(),
            counts: Counts::default(),
            stopped: false,
            live: None,
        }
    }

    /// Takes the next frame.
    pub fn frame(&mut self, frame: &Frame<'_>, sink: Sink<'_>) {
        self.next(frame, None, sink);
    }

    /// Takes a frame that was made of an event: what it begins has that event's id, so that it is no new one where it came from.
    pub fn marked_frame(&mut self, frame: &Frame<'_>, mark: EventId, sink: Sink<'_>) {
        self.next(frame, Some(mark), sink);
    }

    fn next(&mut self, frame: &Frame<'_>, mark: Option<EventId>, sink: Sink<'_>) {
        match &mut self.waiting {
            None => self.take(frame, mark, sink),
            Some(waiting) => {
                if waiting.hold(frame, mark) {
                    self.settle(sink);
                }
            }
        }
    }

    /// Decides by what came so far which addresses are ours, where nobody told; without anything to decide by it goes on waiting.
    pub fn settle(&mut self, sink: Sink<'_>) {
        let found = match &self.waiting {
            Some(waiting) => waiting.search.found(),
            None => return,
        };
        if found.is_empty() && self.waiting.as_ref().is_some_and(|waiting| !waiting.is_full()) {
            return;
        }
        self.ours = Ours::new(found);
        self.replay(sink);
    }

    fn replay(&mut self, sink: Sink<'_>) {
        let Some(waiting) = self.waiting.take() else { return };
        for (time, link, original_length, place, mark) in waiting.frames {
            let bytes = waiting.bytes.get(place).unwrap_or_default();
            self.take(&Frame { time, link, bytes, original_length }, mark, sink);
        }
    }

    /// There is no more: tells everything that still waits.
    pub fn finish(&mut self, sink: Sink<'_>) {
        self.settle(sink);
        self.replay(sink);
        self.end_all(sink);
    }

    /// What was seen.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The addresses that are taken for ours.
    #[must_use]
    pub fn local(&self) -> &[Prefix] {
        self.ours.prefixes()
    }

    /// Whether the sink broke off.
    #[must_use]
    pub const fn stopped(&self) -> bool {
        self.stopped
    }

    fn take(&mut self, frame: &Frame<'_>, mark: Option<EventId>, sink: Sink<'_>) {
        let time = frame.time.micros().clamp(-LATEST, LATEST);
        let frame = &Frame { time: Timestamp::from_micros(time), ..*frame };
        let counts = &mut self.counts;
        counts.frames += 1;
        counts.bytes += frame.bytes.len() as u64;
        counts.cut += u64::from((frame.bytes.len() as u64) < u64::from(frame.original_length));
        if !frame.link.is_known() {
            counts.unknown_link += 1;
            return;
        }
        match dissect(frame, &mut counts.faults) {
            Dissected::NotIp => counts.not_ip += 1,
            Dissected::Broken => counts.broken += 1,
            Dissected::Packet(packet) => {
                self.advance(frame.time, sink);
                self.packet((frame.time, mark), &packet, sink);
            }
        }
    }

    /// Time goes on to this moment: tells what waited for it.
    pub fn advance(&mut self, time: Timestamp, sink: Sink<'_>) {
        let time = time.micros();
        if time < self.now.saturating_sub(LONGEST_STEP_BACK) {
            self.end_all(sink);
            self.now = time;
            self.next_look = time;
        }
        self.now = self.now.max(time);
        if self.now < self.next_look {
            return;
        }
        self.next_look = self.now.saturating_add(Timestamp::SECOND);
        self.let_go(self.now, sink);
    }

    /// Time goes on by so many microseconds while nothing comes.
    pub fn pass(&mut self, micros: i64, sink: Sink<'_>) {
        if self.now > i64::MIN {
            self.advance(Timestamp::from_micros(self.now.saturating_add(micros)), sink);
        }
    }

    fn end_all(&mut self, sink: Sink<'_>) {
        self.let_go(i64::MAX, sink);
    }

    /// Tells and forgets what waited too long at this moment.
    fn let_go(&mut self, now: i64, sink: Sink<'_>) {
        while let Some(place) = self.flows.overdue(now) {
            self.end_flow(place, now == i64::MAX, sink);
        }
        while let Some((first, detail)) = self.scans.over(now) {
            self.tell_scan(&first, detail, sink);
        }
        self.tell_echoes(now, sink);
    }

    /// Makes room in a list that was added to.
    fn make_room(&mut self, list: usize, sink: Sink<'_>) {
        while let Some(place) = self.flows.surplus(list) {
            self.counts.displaced += 1;
            self.end_flow(place, true, sink);
        }
    }

    /// Ends the flow at a place; an attempt that is told now is remembered, unless there is no time or room for that.
    fn end_flow(&mut self, place: u32, forget: bool, sink: Sink<'_>) {
        if !forget && let Some(Flow::Opening(opening)) = self.flows.at(place) {
            let outcome = opening.outcome_so_far();
            self.tell_and_remember(place, outcome, sink);
            return;
        }
        match self.flows.remove(place) {
            Some((key, Flow::Opening(opening))) => {
                self.tell_attempt(&key, &opening, opening.outcome_so_far(), sink);
            }
            Some((key, Flow::Open(conversation))) => {
                self.tell_conversation(&key, *conversation, sink);
            }
            _ => {}
        }
    }

    fn packet(
        &mut self,
        (time, mark): (Timestamp, Option<EventId>),
        packet: &Packet<'_>,
        sink: Sink<'_>,
    ) {
        let (source, destination) = (bits_of(packet.ip.source), bits_of(packet.ip.destination));
        let is_inbound = match (self.ours.has(source), self.ours.has(destination)) {
            (false, true) => true,
            (true, false) => false,
            _ => {
                self.counts.elsewhere += 1;
                return;
            }
        };
        let (visitor, ours) =
            if is_inbound { (source, destination) } else { (destination, source) };
        let seen = Seen { time, visitor, ours, mark };
        *if is_inbound { &mut self.counts.inbound } else { &mut self.counts.outbound } += 1;
        match (self.is_served(packet, is_inbound), is_inbound) {
            (true, _) => {}
            (false, true) => self.inbound(&seen, packet, sink),
            (false, false) => self.outbound(&seen, packet, sink),
        }
    }

    fn inbound(&mut self, seen: &Seen, packet: &Packet<'_>, sink: Sink<'_>) {
        // What a machine would not take is no attempt.
        if packet.checksum() == Checksum::Wrong {
            self.counts.faults.add(Fault::Checksum);
            return;
        }
        match &packet.body {
            Body::Tcp(segment) => self.segment_to_us(seen, packet, segment, sink),
            Body::Udp(datagram) => self.datagram_to_us(seen, packet, datagram, sink),
            Body::Icmp(message) => self.icmp_to_us(seen, packet, message, sink),
            Body::Fragment => self.counts.fragments += 1,
            Body::Other => self.counts.other_transports += 1,
        }
    }

    fn outbound(&mut self, seen: &Seen, packet: &Packet<'_>, sink: Sink<'_>) {
        match &packet.body {
            Body::Tcp(segment) => self.segment_from_us(seen, segment, sink),
            Body::Udp(datagram) => {
                let ports = (datagram.destination_port, datagram.source_port);
                self.datagram_from_us(&seen.key(ports, packet.ip.protocol), sink);
            }
            Body::Icmp(message) if matches!(message.kind, 8 | 128) => {
                let key = seen.key((message.identifier, 0), packet.ip.protocol);
                self.datagram_from_us(&key, sink);
            }
            Body::Icmp(_) | Body::Fragment | Body::Other => {}
        }
    }
}

impl Waiting {
    /// Holds a frame; whether it is time to decide.
    fn hold(&mut self, frame: &Frame<'_>, mark: Option<EventId>) -> bool {
        if let Dissected::Packet(packet) = dissect(frame, &mut Faults::default()) {
            self.search.look_at(&packet);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(frame.bytes);
        let place = start..self.bytes.len();
        self.frames.push((frame.time, frame.link, frame.original_length, place, mark));
        self.is_full()
    }

    fn is_full(&self) -> bool {
        self.frames.len() >= MOST_FRAMES_HELD || self.bytes.len() >= MOST_BYTES_HELD
    }
}

/// When a packet came, and between whom.
struct Seen {
    time: Timestamp,
    visitor: u128,
    ours: u128,
    /// The event that the packet was made of.
    mark: Option<EventId>,
}

impl Seen {
    /// The id of what the packet begins.
    fn id(&self, packet: &Packet<'_>) -> EventId {
        self.mark.unwrap_or_else(|| id_of(self.time, packet))
    }

    const fn key(&self, ports: (u16, u16), transport: u8) -> FlowKey {
        FlowKey { visitor: self.visitor, ours: self.ours, ports, transport }
    }
}

/// The id of what a packet alone begins: the same packet in another file, or in another link's clothes, gives the same.
fn id_of(time: Timestamp, packet: &Packet<'_>) -> EventId {
    let mut bytes = [0; 64];
    let mut at = 0;
    let mut put = |part: &[u8]| {
        if let Some(place) = bytes.get_mut(at..at + part.len()) {
            place.copy_from_slice(part);
        }
        at += part.len();
    };
    put(&time.micros().to_le_bytes());
    put(&bits_of(packet.ip.source).to_le_bytes());
    put(&bits_of(packet.ip.destination).to_le_bytes());
    put(&packet.ip.identification.unwrap_or_default().to_le_bytes());
    let transport = packet.transport();
    put(transport.get(..transport.len().min(20)).unwrap_or_default());
    EventId::of_line(&bytes, 0, u32::from(packet.ip.fragment == Fragment::First))
}

/// The address of a number.
fn address_of(bits: u128) -> IpAddr {
    kizashi_event::canonical_ip(IpAddr::V6(bits.into()))
}
