//! TCP from the visitor's first segment to its outcome, and what he says once a connection is open.

use std::sync::Arc;

use kizashi_event::{BackscatterKind, EventId, Outcome, Timestamp};

use super::looks::Look;
use super::reassembly::Reassembly;
use super::scans::First;
use super::table::FlowKey;
use super::{Flow, MOST_HELD, Observer, Seen, Sink, address_of, list};
use crate::dissect::{Fault, Packet, Segment};
use crate::passive::{Scanner, Syn, scanner_of};

/// An attempt whose outcome is not known yet.
pub(super) struct Opening {
    pub(super) id: EventId,
    pub(super) time: Timestamp,
    pub(super) sequence: u32,
    /// How the segment looks, and the tool that it gives away.
    pub(super) look: Arc<Look>,
    pub(super) scanner: Option<Scanner>,
    pub(super) uptime_minutes: Option<u32>,
    /// Our sequence number, once we answered.
    pub(super) answer: Option<u32>,
    pub(super) repeats: u32,
    /// The probe's name where it is none that a system sends.
    pub(super) odd: Option<OddProbe>,
}

/// A segment that begins nothing and belongs to nothing: what scanners send to learn whether a port is filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OddProbe {
    Null,
    Fin,
    Xmas,
    SynOdd,
}

impl OddProbe {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Fin => "fin",
            Self::Xmas => "xmas",
            Self::SynOdd => "syn-odd",
        }
    }

    fn of(segment: &Segment<'_>) -> Option<Self> {
        match segment.header.flags.0 & 0x3f {
            0 => Some(Self::Null),
            1 => Some(Self::Fin),
            0x29 => Some(Self::Xmas),
            flags if flags & 0x16 == 2 && flags != 2 => Some(Self::SynOdd),
            _ => None,
        }
    }
}

impl Opening {
    /// What became of it if nothing more comes.
    pub(super) const fn outcome_so_far(&self) -> Outcome {
        if self.answer.is_some() { Outcome::HalfOpen } else { Outcome::Unanswered }
    }

    /// What is remembered of it with this outcome.
    pub(super) const fn told(&self, outcome: Outcome) -> Told {
        Told { id: self.id, time: self.time, sequence: self.sequence, answer: self.answer, outcome }
    }
}

/// What is remembered of an attempt that was told.
#[derive(Clone, Copy)]
pub(super) struct Told {
    pub(super) id: EventId,
    pub(super) time: Timestamp,
    pub(super) sequence: u32,
    pub(super) answer: Option<u32>,
    pub(super) outcome: Outcome,
}

/// An open connection.
pub(super) struct Conversation {
    pub(super) told: Told,
    pub(super) said: Reassembly,
    /// When the first content came, and the event that it was made of.
    pub(super) first_said: Option<(Timestamp, Option<EventId>)>,
}

const TCP: u8 = 6;

impl Observer {
    pub(super) fn segment_to_us(
        &mut self,
        seen: &Seen,
        packet: &Packet<'_>,
        segment: &Segment<'_>,
        sink: Sink<'_>,
    ) {
        let header = &segment.header;
        let key = seen.key((header.source_port, header.destination_port), TCP);
        let flags = header.flags;
        let is_first = flags.syn() && !flags.ack() && !flags.rst();
        self.counts.tcp.syn_segments += u64::from(is_first);
        let place = self.flows.find(&key);
        match place.and_then(|place| Some((place, self.flows.at(place)?))) {
            Some((place, Flow::Opening(opening))) => {
                if opening.odd.is_some() || (is_first && opening.sequence == header.sequence) {
                    opening.repeats = opening.repeats.saturating_add(1);
                    self.counts.tcp.repeats += u64::from(is_first);
                    return;
                }
                if !is_first {
                    self.answered_opening(place, &key, segment, seen, sink);
                    return;
                }
                self.end_flow(place, true, sink);
            }
            Some((place, Flow::Open(conversation))) => {
                if !is_first {
                    self.said(place, segment, seen, sink);
                    return;
                }
                if conversation.told.sequence == header.sequence {
                    self.counts.tcp.repeats += 1;
                    return;
                }
                self.end_flow(place, true, sink);
            }
            Some((place, Flow::Told(told))) => {
                let told = *told;
                if is_first && told.sequence == header.sequence {
                    self.counts.tcp.repeats += 1;
                    self.flows.touch(place, list::TOLD, self.now);
                    return;
                }
                if !is_first {
                    self.after_told(told, &key, segment, seen, sink);
                    return;
                }
            }
            Some((_, Flow::Ours)) if !is_first => return,
            _ => {}
        }
        self.begins(&key, seen, packet, segment, is_first, sink);
    }

    /// A segment that belongs to nothing that is known.
    fn begins(
        &mut self,
        key: &FlowKey,
        seen: &Seen,
        packet: &Packet<'_>,
        segment: &Segment<'_>,
        is_first: bool,
        sink: Sink<'_>,
    ) {
        let flags = segment.header.flags;
        let odd = OddProbe::of(segment);
        if !is_first && odd.is_none() {
            let (sequence, port) = (segment.header.sequence, segment.header.source_port);
            let port = kizashi_event::Port::tcp(port);
            let attacked = (address_of(seen.visitor), Some(port));
            match (flags.syn() && flags.ack(), flags.rst()) {
                (_, true) if self.may_be_echo(sequence, flags.ack()) => {
                    self.echo(BackscatterKind::Rst, port, attacked, seen, packet);
                }
                (true, false) => self.echo(BackscatterKind::SynAck, port, attacked, seen, packet),
                _ => self.counts.strays += 1,
            }
            return;
        }
        self.counts.tcp.odd_probes += u64::from(!is_first);
        let id = seen.id(packet);
        let syn = Syn::of(&packet.ip, segment);
        if syn.options.is_broken {
            self.counts.faults.add(Fault::TcpOptions);
        }
        let first = First {
            id,
            time: seen.time,
            source: packet.ip.source,
            destination: packet.ip.destination,
            port: kizashi_event::Port::tcp(segment.header.destination_port),
        };
        if let Some((first, detail)) = self.scans.attempt(first, Some(&syn)) {
            self.tell_scan(&first, detail, sink);
        }
        let look = self.looks.of(&syn);
        let scanner = scanner_of(&syn);
        let uptime_minutes = match look.tells_uptime && scanner.is_none() {
            true => self.scans.uptime(seen.time, &syn),
            false => None,
        };
        let opening = Opening {
            id,
            time: seen.time,
            sequence: syn.tcp.sequence,
            look,
            scanner,
            uptime_minutes,
            answer: None,
            repeats: 0,
            odd,
        };
        self.flows.put(*key, Flow::Opening(opening), list::OPENING, self.now);
        self.make_room(list::OPENING, sink);
    }

    /// The visitor says something after his first segment.
    fn answered_opening(
        &mut self,
        place: u32,
        key: &FlowKey,
        segment: &Segment<'_>,
        seen: &Seen,
        sink: Sink<'_>,
    ) {
        let flags = segment.header.flags;
        let Some(Flow::Opening(opening)) = self.flows.at(place) else { return };
        let outcome = if flags.rst() {
            opening.outcome_so_far()
        } else if opens(segment, opening.sequence, opening.answer, self.counts.outbound) {
            Outcome::Completed
        } else {
            self.counts.strays += 1;
            return;
        };
        if outcome == Outcome::Completed {
            let Some(told) = self.tell_and_remember(place, outcome, sink) else { return };
            self.open(told, key, segment, seen, sink);
        } else {
            self.tell_and_remember(place, outcome, sink);
        }
    }

    /// Tells the attempt at a place and leaves there what is remembered of it.
    pub(super) fn tell_and_remember(
        &mut self,
        place: u32,
        outcome: Outcome,
        sink: Sink<'_>,
    ) -> Option<Told> {
        let Some(Flow::Opening(opening)) = self.flows.at(place) else { return None };
        let told = opening.told(outcome);
        let key = self.flows.key(place)?;
        let before = self.flows.replace(place, Flow::Told(told), list::TOLD, self.now);
        if let Some(Flow::Opening(opening)) = before {
            self.tell_attempt(&key, &opening, outcome, sink);
        }
        self.make_room(list::TOLD, sink);
        Some(told)
    }

    /// What comes after an attempt was told: a late opening, or the rest of what is over.
    fn after_told(
        &mut self,
        told: Told,
        key: &FlowKey,
        segment: &Segment<'_>,
        seen: &Seen,
        sink: Sink<'_>,
    ) {
        let is_waiting = matches!(told.outcome, Outcome::Unanswered | Outcome::HalfOpen);
        let flags = segment.header.flags;
        if is_waiting
            && !flags.rst()
            && opens(segment, told.sequence, told.answer, self.counts.outbound)
        {
            self.open(told, key, segment, seen, sink);
        }
    }

    fn open(
        &mut self,
        told: Told,
        key: &FlowKey,
        segment: &Segment<'_>,
        seen: &Seen,
        sink: Sink<'_>,
    ) {
        let said = Reassembly::new(told.sequence.wrapping_add(1));
        let conversation = Conversation { told, said, first_said: None };
        let flow = Flow::Open(Box::new(conversation));
        let place = self.flows.put(*key, flow, list::OPEN, self.now);
        self.make_room(list::OPEN, sink);
        self.said(place, segment, seen, sink);
    }

    /// A segment of an open connection.
    fn said(&mut self, place: u32, segment: &Segment<'_>, seen: &Seen, sink: Sink<'_>) {
        let Some(Flow::Open(conversation)) = self.flows.at(place) else { return };
        let (header, flags) = (&segment.header, segment.header.flags);
        if !segment.payload.is_empty() && !flags.rst() {
            conversation.first_said.get_or_insert((seen.time, seen.mark));
            self.held += conversation.said.push(header.sequence, segment.payload);
        }
        if flags.fin() {
            conversation.said.finish(segment.end());
        }
        let is_over = flags.rst() || conversation.said.is_complete();
        self.flows.touch(place, list::OPEN, self.now);
        if is_over {
            self.close(place, sink);
        }
        while self.held > MOST_HELD
            && let Some(place) = self.flows.oldest(list::OPEN)
        {
            self.counts.displaced += 1;
            self.close(place, sink);
        }
    }

    /// Ends an open connection; what still comes of it belongs to it.
    fn close(&mut self, place: u32, sink: Sink<'_>) {
        let Some(key) = self.flows.key(place) else { return };
        let Some(Flow::Open(conversation)) = self.flows.at(place) else { return };
        let told = Flow::Told(conversation.told);
        let before = self.flows.replace(place, told, list::TOLD, self.now);
        if let Some(Flow::Open(conversation)) = before {
            self.tell_conversation(&key, *conversation, sink);
        }
        self.make_room(list::TOLD, sink);
    }

    pub(super) fn segment_from_us(&mut self, seen: &Seen, segment: &Segment<'_>, sink: Sink<'_>) {
        let header = &segment.header;
        let key = seen.key((header.destination_port, header.source_port), TCP);
        let flags = header.flags;
        let place = self.flows.find(&key);
        match place.and_then(|place| Some((place, self.flows.at(place)?))) {
            Some((place, Flow::Opening(opening))) => {
                if flags.rst() {
                    self.refused(place, sink);
                } else if flags.syn() && flags.ack() {
                    opening.answer = Some(header.sequence);
                }
            }
            Some((_, Flow::Told(told))) if flags.syn() && flags.ack() => {
                told.answer = Some(header.sequence);
            }
            Some((place, Flow::Open(_))) => {
                if flags.rst() {
                    self.close(place, sink);
                } else {
                    self.flows.touch(place, list::OPEN, self.now);
                }
            }
            Some((place, Flow::Ours)) => self.flows.touch(place, list::OURS, self.now),
            Some((_, Flow::Told(_) | Flow::Datagrams)) => {}
            None if flags.syn() && !flags.ack() => {
                self.counts.ours += 1;
                self.flows.put(key, Flow::Ours, list::OURS, self.now);
                self.make_room(list::OURS, sink);
            }
            None => {}
        }
    }

    fn refused(&mut self, place: u32, sink: Sink<'_>) {
        let Some(Flow::Opening(opening)) = self.flows.at(place) else { return };
        let outcome = if opening.answer.is_some() { Outcome::HalfOpen } else { Outcome::Refused };
        self.tell_and_remember(place, outcome, sink);
    }
}

/// Whether a segment completes the opening: it acknowledges our answer, or, where the capture holds nothing from us at all, follows
/// directly on what the visitor began with.
fn opens(segment: &Segment<'_>, sequence: u32, answer: Option<u32>, outbound: u64) -> bool {
    let header = &segment.header;
    if !header.flags.ack() || header.flags.syn() {
        return false;
    }
    match answer {
        Some(answer) => header.acknowledgement == answer.wrapping_add(1),
        None => outbound == 0 && header.sequence == sequence.wrapping_add(1),
    }
}
