//! One visitor's stay: so many events on one port, told as sessions one after the other. A stay keeps a few words of state
//! and makes each event when its moment has come, so that millions of events need memory only for the visitors present.

use std::net::IpAddr;

use kizashi_event::{Detail, Event, EventId, SessionId, Timestamp, Transport};

use super::botnets::{Botnet, Plan};
use super::chance::{Chance, micros, real};

/// The shortest time between two events of one session, in microseconds.
const SHORTEST_GAP: f64 = 1_000.0;
/// Seconds between two events of one session, in the mean, where the stay is long enough.
const USUAL_GAP_SECONDS: f64 = 1.5;
/// The step from which a stay that ends is closed properly; a shorter session tells its content to the last.
const CLOSED_FROM_STEP: u32 = 3;

/// A visitor who is present.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    /// The visitor.
    pub(super) source: IpAddr,
    /// The place of the port in the list of ports.
    pub(super) port: usize,
    /// The place of the botnet in the list of botnets.
    pub(super) botnet: usize,
    /// Events still to come.
    pub(super) left: u32,
    /// When the stay should be over.
    pub(super) until: Timestamp,
    session: SessionId,
    source_port: u16,
    plan: Plan,
    step: u32,
    opened: Timestamp,
}

impl Visit {
    /// A stay of `events` events (at least one) until about `until`; its first session begins at the first event.
    pub(super) fn new(
        source: IpAddr,
        port: usize,
        botnet: usize,
        events: u32,
        until: Timestamp,
    ) -> Self {
        Self {
            source,
            port,
            botnet,
            left: events.max(1),
            until,
            session: SessionId(0),
            source_port: 0,
            plan: Plan::default(),
            step: 0,
            opened: until,
        }
    }

    /// Whether the next event begins a session, which [`Self::open`] must then prepare.
    pub(super) const fn is_between_sessions(&self) -> bool {
        self.step == 0
    }

    /// Prepares the next session.
    pub(super) fn open(
        &mut self,
        session: SessionId,
        now: Timestamp,
        botnet: &Botnet,
        chance: &mut Chance,
    ) {
        self.session = session;
        self.opened = now;
        self.plan = botnet.plan(chance);
        self.source_port = u16::try_from(1_024 + chance.below(64_512)).unwrap_or(u16::MAX);
    }

    /// Makes the event of this moment from `frame`, which holds where it is seen, and goes on by one step.
    pub(super) fn tell(
        &mut self,
        now: Timestamp,
        frame: Frame,
        botnet: &Botnet,
        chance: &mut Chance,
    ) -> Event {
        let step = self.step;
        let is_datagram = frame.port.transport != Transport::Tcp;
        let detail = if is_datagram {
            self.datagram(botnet, chance)
        } else {
            self.in_session(now, botnet, chance)
        };
        self.left -= 1;
        Event {
            time: now,
            id: EventId::of_session(self.session, u64::from(step)),
            sensor: frame.sensor,
            session: (!is_datagram).then_some(self.session),
            source: self.source,
            source_port: self.source_port,
            destination: Some(super::visitors::SENSOR_ADDRESS),
            port: frame.port,
            service: frame.service,
            detail,
        }
    }

    fn in_session(&mut self, now: Timestamp, botnet: &Botnet, chance: &mut Chance) -> Detail {
        let is_cut = self.left == 1 && self.step >= CLOSED_FROM_STEP;
        let told = if is_cut { None } else { botnet.step(&self.plan, self.step, chance) };
        if let Some(detail) = told {
            self.step += 1;
            return detail;
        }
        self.step = 0;
        let milliseconds = now.since(self.opened) / 1_000;
        Detail::Close { duration_ms: u64::try_from(milliseconds).ok(), received: None }
    }

    /// A packet, then what was in it: a datagram has no session.
    fn datagram(&mut self, botnet: &Botnet, chance: &mut Chance) -> Detail {
        if self.step == 0 {
            self.step = 1;
            return Detail::Packet;
        }
        self.step = 0;
        botnet.datagram(chance).unwrap_or(Detail::Packet)
    }

    /// When the next event comes; `None` when the stay is over.
    ///
    /// Inside a session events follow each other within seconds, faster where much is left to do in little time. Sessions
    /// begin at uniform moments of the stay: the next of n of those is the least of n uniform draws.
    pub(super) fn next_moment(&self, now: Timestamp, chance: &mut Chance) -> Option<Timestamp> {
        if self.left == 0 {
            return None;
        }
        let span = real(self.until.since(now).max(0));
        let left = f64::from(self.left);
        let wait = if self.is_between_sessions() {
            let sessions = (left / f64::from(self.plan.length())).ceil().max(1.0);
            span * (1.0 - chance.unit().powf(1.0 / sessions))
        } else {
            let usual = USUAL_GAP_SECONDS * real(Timestamp::SECOND) * chance.exponential();
            usual.min(2.0 * chance.unit() * span / left)
        };
        Some(now.plus(micros(wait.max(SHORTEST_GAP))))
    }
}

/// Where an event is seen.
pub(super) struct Frame {
    /// The sensor's name.
    pub(super) sensor: std::sync::Arc<str>,
    /// The port.
    pub(super) port: kizashi_event::Port,
    /// The service.
    pub(super) service: kizashi_event::Service,
}
