//! From what a session tells to events: who, where, when, and an id that is the same whenever the same session is told again.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kizashi_event::{Detail, Event, EventId, Service, SessionId, Transport, Weight};
use tokio::time::Instant;

use super::Shared;
use super::admission::Refusal;
use super::meter::Place;
use crate::{Output, Trap, Visit};

/// Tells the events of one session.
pub(super) struct Report {
    shared: Arc<Shared>,
    session: SessionId,
    visit: Visit,
    source_port: u16,
    began: Instant,
    told: u64,
    received: u64,
}

impl Report {
    /// A session begins: its `Connect` is told.
    pub(super) fn begin(shared: &Arc<Shared>, trap: &Trap, visit: Visit, peer: SocketAddr) -> Self {
        let mut report = Self::silent(shared, visit, peer);
        shared.counters.add_accepted(1);
        report.tell(trap.service.clone(), Detail::Connect);
        report
    }

    fn silent(shared: &Arc<Shared>, visit: Visit, peer: SocketAddr) -> Self {
        Self {
            session: shared.next_session(),
            shared: Arc::clone(shared),
            visit,
            source_port: peer.port(),
            began: Instant::now(),
            told: 0,
            received: 0,
        }
    }

    /// A visitor past a cap: counted, and told while there is room. A datagram's source may be forged, so that past the cap on all it
    /// says nothing: a row for each would be a row a packet.
    pub(super) fn refuse(
        shared: &Arc<Shared>,
        trap: &Trap,
        visit: Visit,
        peer: SocketAddr,
        refusal: Refusal,
    ) {
        shared.counters.add_refused(1);
        let forged = visit.port.transport == Transport::Udp && refusal == Refusal::Full;
        if forged || !shared.admission.may_tell_refusal() {
            shared.counters.add_refused_untold(1);
            let source = if forged { Ipv4Addr::UNSPECIFIED.into() } else { visit.source };
            let place = Place { source, port: visit.port, service: trap.service.clone() };
            count(shared, place, Weight { events: 2, sessions: 1 });
            return;
        }
        let mut report = Self::silent(shared, visit, peer);
        report.tell(trap.service.clone(), Detail::Connect);
        let note = Detail::Note { name: "refused".into(), value: refusal.text().into() };
        report.tell(trap.service.clone(), note);
    }

    fn tell(&mut self, service: Service, detail: Detail) {
        let event = Event {
            time: self.shared.clock.now(),
            id: EventId::of_session(self.session, self.told),
            sensor: Arc::clone(&self.shared.setup.sensor),
            session: Some(self.session),
            source: self.visit.source,
            source_port: self.source_port,
            destination: self.visit.destination,
            port: self.visit.port,
            service,
            detail,
        };
        self.told += 1;
        if self.shared.meter.admits(event.source) {
            self.shared.counters.add_events(1);
            self.shared.sink.record(event);
        } else {
            let weight = event.weight();
            let place = Place { source: event.source, port: event.port, service: event.service };
            count(&self.shared, place, weight);
        }
    }

    /// The session is ended for what it holds while all sessions together hold too much.
    pub(super) fn note_crowding(&mut self, service: &Service) {
        let value = "memory of all sessions".into();
        self.tell(service.clone(), Detail::Note { name: "ended early".into(), value });
    }

    /// Counts bytes taken.
    pub(super) fn took(&mut self, bytes: usize) {
        self.received += bytes as u64;
        self.shared.counters.add_received(bytes as u64);
    }

    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    /// Events told so far, the `Connect` too.
    pub(super) const fn told(&self) -> u64 {
        self.told
    }

    /// Tells what the session told; past `limit` events, nothing.
    pub(super) fn pass_on(&mut self, out: &mut Output, limit: u32) {
        for seen in out.take_seen() {
            if self.told <= u64::from(limit) {
                self.tell(seen.service, seen.detail);
            }
        }
    }

    /// The session ends.
    pub(super) fn close(mut self, service: &Service) {
        let duration = Instant::now().duration_since(self.began).as_millis();
        let close = Detail::Close {
            duration_ms: u64::try_from(duration).ok(),
            received: Some(self.received),
        };
        self.tell(service.clone(), close);
    }
}

fn count(shared: &Shared, place: Place, weight: Weight) {
    if !shared.meter.count(place, weight) {
        shared.counters.add_uncounted(weight.events);
    }
}

/// Tells what was only counted since this was last done: an event a source, port and service, each in a session of its own.
pub(super) fn tell_counted(shared: &Shared) {
    for (place, detail) in shared.meter.take() {
        let session = shared.next_session();
        shared.counters.add_events(1);
        shared.sink.record(Event {
            time: shared.clock.now(),
            id: EventId::of_session(session, 0),
            sensor: Arc::clone(&shared.setup.sensor),
            session: Some(session),
            source: place.source,
            source_port: 0,
            destination: None,
            port: place.port,
            service: place.service,
            detail,
        });
    }
}

impl Shared {
    /// SplitMix64 over a counter: no two sessions of one seed share an id.
    fn next_session(&self) -> SessionId {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let mut z =
            self.setup.session_seed.wrapping_add((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        SessionId(z ^ (z >> 31))
    }
}
