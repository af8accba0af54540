//! Makes the events.

use kizashi_event::{
    Attempt, Detail, Event, EventId, HostileText, Outcome, Port, Service, SessionId, recognise,
};

use super::datagrams::payload;
use super::scans::First;
use super::table::FlowKey;
use super::tcp::{Conversation, Opening, Told};
use super::{Observer, Sink, address_of};
use crate::passive::{Scanner, Syn, distance, ja4t, scanner_of, signature, system_of};

impl Observer {
    pub(super) fn tell(&mut self, event: Event, sink: Sink<'_>) {
        if !self.stopped {
            self.counts.events += 1;
            self.stopped = sink(event).is_break();
        }
    }

    /// Tells an attempt with its outcome.
    pub(super) fn tell_attempt(
        &mut self,
        opening: &Opening,
        outcome: Outcome,
        sink: Sink<'_>,
    ) -> Told {
        let counts = &mut self.counts.tcp;
        *match outcome {
            Outcome::Unanswered => &mut counts.unanswered,
            Outcome::Refused => &mut counts.refused,
            Outcome::HalfOpen => &mut counts.half_open,
            Outcome::Completed => &mut counts.completed,
        } += 1;
        let syn = &opening.syn;
        let told = Told {
            id: opening.id,
            time: opening.time,
            sequence: syn.tcp.sequence,
            answer: opening.answer,
            outcome,
        };
        let has_cookie = self.scans.has_cookie(syn.ip.source);
        let event = Event {
            time: opening.time,
            id: opening.id,
            sensor: self.sensor.clone(),
            session: told.session(),
            source: kizashi_event::canonical_ip(syn.ip.source),
            source_port: syn.tcp.source_port,
            destination: Some(kizashi_event::canonical_ip(syn.ip.destination)),
            port: Port::tcp(syn.tcp.destination_port),
            service: Service::UNKNOWN,
            detail: Detail::Attempt(Box::new(Attempt {
                outcome: Some(outcome),
                repeats: opening.repeats,
                signature: Some(signature(syn).into()),
                distance: Some(distance(syn.ip.time_to_live)),
                fingerprints: fingerprints(syn, opening.odd, has_cookie),
            })),
        };
        self.tell(event, sink);
        told
    }

    /// Tells what a visitor said in a conversation that is over.
    pub(super) fn tell_conversation(
        &mut self,
        key: &FlowKey,
        conversation: Conversation,
        sink: Sink<'_>,
    ) {
        let Conversation { told, said, first_said } = conversation;
        self.held = self.held.saturating_sub(said.held());
        let size = said.seen();
        let content = said.into_content();
        if content.is_empty() {
            return;
        }
        self.counts.conversations += 1;
        self.counts.kept_bytes += content.len() as u64;
        let session = SessionId(told.id.0);
        let service = recognise::tcp(&content);
        let event = |number: u64, detail: Detail| Event {
            time: first_said.unwrap_or(told.time),
            id: EventId::of_session(session, number),
            sensor: self.sensor.clone(),
            session: Some(session),
            source: address_of(key.visitor),
            source_port: key.ports.0,
            destination: Some(address_of(key.ours)),
            port: Port::tcp(key.ports.1),
            service: service.clone(),
            detail,
        };
        let payload = event(1, payload(content, size));
        self.tell(payload, sink);
    }

    pub(super) fn tell_scan(&mut self, first: &First, detail: Detail, sink: Sink<'_>) {
        self.counts.scans += 1;
        let event = Event {
            time: first.time,
            id: first.summary_id(),
            sensor: self.sensor.clone(),
            session: None,
            source: kizashi_event::canonical_ip(first.source),
            source_port: 0,
            destination: Some(kizashi_event::canonical_ip(first.destination)),
            port: first.port,
            service: Service::UNKNOWN,
            detail,
        };
        self.tell(event, sink);
    }
}

impl Told {
    /// The session, where there was one.
    fn session(&self) -> Option<SessionId> {
        (self.outcome == Outcome::Completed).then_some(SessionId(self.id.0))
    }
}

/// What the first segment is known as, each with its kind in front.
fn fingerprints(syn: &Syn, odd: Option<&'static str>, has_cookie: bool) -> Vec<HostileText> {
    if let Some(odd) = odd {
        return vec![format!("probe:{odd}").into()];
    }
    let scanner = scanner_of(syn).or(has_cookie.then_some(Scanner::Unicornscan));
    // A scanner's packets are its own and no system's.
    let system = if scanner.is_some() { None } else { system_of(syn) };
    let marks = [
        system.map(|system| format!("os:{system}")),
        scanner.map(|scanner| format!("scanner:{}", scanner.name())),
        Some(format!("ja4t:{}", ja4t(syn))),
    ];
    marks.into_iter().flatten().map(HostileText::from).collect()
}
