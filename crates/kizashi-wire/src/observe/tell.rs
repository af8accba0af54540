//! Makes the events.

use kizashi_event::fingerprint::{
    Carrier, HelloReading, hassh, ja3, ja4, read_client_hello, read_ssh_hello,
};
use kizashi_event::{
    Attempt, Detail, Event, EventId, HostileText, Outcome, Port, Service, SessionId, recognise,
};

use super::datagrams::payload;
use super::scans::First;
use super::table::FlowKey;
use super::tcp::{Conversation, Opening, Told};
use super::{Observer, Sink, address_of};
use crate::passive::Scanner;

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
        key: &FlowKey,
        opening: &Opening,
        outcome: Outcome,
        sink: Sink<'_>,
    ) {
        let counts = &mut self.counts.tcp;
        *match outcome {
            Outcome::Unanswered => &mut counts.unanswered,
            Outcome::Refused => &mut counts.refused,
            Outcome::HalfOpen => &mut counts.half_open,
            Outcome::Completed => &mut counts.completed,
        } += 1;
        let source = address_of(key.visitor);
        let has_cookie = self.scans.has_cookie(source);
        let look = &opening.look;
        let scanner = opening.scanner.or(has_cookie.then_some(Scanner::Unicornscan));
        let fingerprints = self.looks.marks(look, opening.odd, scanner);
        let event = Event {
            time: opening.time,
            id: opening.id,
            sensor: self.sensor.clone(),
            session: opening.told(outcome).session(),
            source,
            source_port: key.ports.0,
            destination: Some(address_of(key.ours)),
            port: Port::tcp(key.ports.1),
            service: Service::UNKNOWN,
            detail: Detail::Attempt(Box::new(Attempt {
                outcome: Some(outcome),
                repeats: opening.repeats,
                signature: Some(look.signature.clone()),
                distance: Some(look.distance),
                fingerprints,
                mtu: look.mtu,
                uptime_minutes: opening.uptime_minutes,
                trapped: false,
            })),
        };
        self.tell(event, sink);
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
        let (time, mark) = first_said.unwrap_or((told.time, None));
        let event = |number: u64, detail: Detail| Event {
            time,
            id: mark
                .filter(|_| number == 1)
                .unwrap_or_else(|| EventId::of_session(session, number)),
            sensor: self.sensor.clone(),
            session: Some(session),
            source: address_of(key.visitor),
            source_port: key.ports.0,
            destination: Some(address_of(key.ours)),
            port: Port::tcp(key.ports.1),
            service: service.clone(),
            detail,
        };
        let hello = match about_hello(&content) {
            details if details.is_empty() => about_ssh(&content),
            details => details,
        };
        let told: Vec<Event> =
            hello.into_iter().zip(2..).map(|(detail, number)| event(number, detail)).collect();
        let payload = event(1, payload(content, size));
        for event in std::iter::once(payload).chain(told) {
            self.tell(event, sink);
        }
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

/// What an SSH client says of itself, in the words in which the trap tells it.
fn about_ssh(content: &[u8]) -> Vec<Detail> {
    let Some(hello) = read_ssh_hello(content) else { return Vec::new() };
    let version = Some(HostileText::from_bytes(hello.identification));
    let fingerprint = hello.lists.map(|lists| format!("hassh:{}", hassh(&lists)).into());
    let algorithms = hello.lists.map(|lists| HostileText::from_bytes(&lists.join(&b';')));
    vec![Detail::Client { version, fingerprint, algorithms }]
}

/// What the beginning of TLS gives away of the visitor's program, in the words in which the trap tells it.
fn about_hello(content: &[u8]) -> Vec<Detail> {
    let HelloReading::Whole(hello) = read_client_hello(content) else { return Vec::new() };
    let fingerprint = HostileText::from(format!("ja4:{}", ja4(&hello, Carrier::Tcp)));
    let mut details = vec![
        Detail::Client { version: None, fingerprint: Some(fingerprint), algorithms: None },
        Detail::Note { name: "ja3".into(), value: ja3(&hello).into() },
    ];
    if let Some(name) = hello.server_name() {
        let value = HostileText::from_bytes(name);
        details.push(Detail::Note { name: "tls server name".into(), value });
    }
    details
}
