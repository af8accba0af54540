//! From packets of this machine to metered events: an [`Observer`] that knows whose ports are, and the meter behind it. An attempt that
//! a trap answered is marked, for the trap tells the session: the attempt gives the visitor's fingerprints and counts nothing else.

use std::ops::ControlFlow;
use std::sync::Arc;

use kizashi_event::{
    Detail, Event, EventId, Outcome, Service, SessionId, Timestamp, stream::CaptureCounts,
};

use super::meter::{Meter, Rates};
use crate::dissect::Frame;
use crate::observe::{Observer, Options, Ports, Prefix};

/// How to watch.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// The sensor's name.
    pub sensor: Arc<str>,
    /// Our addresses.
    pub local: Vec<Prefix>,
    /// Whose ports are.
    pub ports: Ports,
    /// Events that are told one by one.
    pub rates: Rates,
    /// What makes the ids of events that stand for many different from those of another start.
    pub seed: u64,
}

/// Looks at packets and tells what visitors did.
pub struct Watch {
    observer: Observer,
    told: Told,
    kernel: (u64, u64),
    next_second: i64,
}

/// What stands between the observer and whoever takes the events.
struct Told {
    sensor: Arc<str>,
    ports: Ports,
    meter: Meter,
    seed: SessionId,
    numbered: u64,
    events: u64,
    sampled: u64,
}

impl Watch {
    /// Begins at this time.
    #[must_use]
    pub fn new(options: &WatchOptions, now: Timestamp) -> Self {
        let WatchOptions { sensor, local, ports, rates, seed } = options;
        let observing = Options { sensor: Arc::clone(sensor), local: local.clone() };
        Self {
            observer: Observer::live(&observing, ports.clone()),
            told: Told {
                sensor: Arc::clone(sensor),
                ports: ports.clone(),
                meter: Meter::new(*rates, now),
                seed: SessionId(*seed),
                numbered: 0,
                events: 0,
                sampled: 0,
            },
            kernel: (0, 0),
            next_second: now.micros().saturating_add(Timestamp::SECOND),
        }
    }

    /// Addresses and ports have changed.
    pub fn move_to(&mut self, local: Vec<Prefix>, ports: Ports) {
        self.told.ports = ports.clone();
        self.observer.move_to(local, ports);
    }

    /// Takes the next packet.
    pub fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn FnMut(Event)) {
        let Self { observer, told, .. } = self;
        observer.frame(frame, &mut |event| told.take(event, frame.time, sink));
    }

    /// Time goes on: tells what waited for it. Whether a second is over.
    pub fn pass(&mut self, now: Timestamp, sink: &mut dyn FnMut(Event)) -> bool {
        // A clock that was set back must not make this wait for hours.
        if (1..=Timestamp::SECOND).contains(&self.next_second.saturating_sub(now.micros())) {
            return false;
        }
        self.next_second = now.micros().saturating_add(Timestamp::SECOND);
        let Self { observer, told, .. } = self;
        observer.advance(now, &mut |event| told.take(event, now, sink));
        told.tell_counted(now, sink);
        true
    }

    /// Ends: tells everything that still waits.
    pub fn finish(&mut self, now: Timestamp, sink: &mut dyn FnMut(Event)) {
        let Self { observer, told, .. } = self;
        observer.finish(&mut |event| told.take(event, now, sink));
        told.tell_counted(now, sink);
    }

    /// The kernel's own figures: packets that passed its filter, and those of them that it had no room for.
    pub const fn note_kernel(&mut self, passed: u64, dropped: u64) {
        self.kernel = (passed, dropped);
    }

    /// What was seen so far.
    #[must_use]
    pub fn counts(&self) -> CaptureCounts {
        let (seen, services) = (self.observer.counts(), self.observer.services());
        let tcp = &seen.tcp;
        CaptureCounts {
            passed: self.kernel.0,
            dropped: self.kernel.1,
            attempts: tcp.unanswered + tcp.refused + tcp.half_open + tcp.completed,
            unanswered: tcp.unanswered,
            refused: tcp.refused,
            half_open: tcp.half_open,
            completed: tcp.completed,
            udp_flows: seen.udp_flows,
            icmp_requests: seen.icmp_requests,
            backscatter: seen.backscatter.total(),
            service_segments: services.segments,
            service_datagrams: services.datagrams,
            broken: seen.broken,
            sampled: self.told.sampled,
            events: self.told.events,
            lost: 0,
        }
    }
}

impl Told {
    fn take(
        &mut self,
        mut event: Event,
        now: Timestamp,
        sink: &mut dyn FnMut(Event),
    ) -> ControlFlow<()> {
        if let Detail::Attempt(attempt) = &mut event.detail {
            attempt.trapped =
                attempt.outcome == Some(Outcome::Completed) && self.ports.is_trapped(event.port);
        }
        // Echoes are gathered and bounded where they are seen.
        if event.is_backscatter() || self.meter.admits(event.source, now) {
            self.events += 1;
            sink(event);
        } else {
            let weight = event.weight();
            if weight.events > 0 {
                self.sampled += weight.events;
                self.meter.count(event.source, event.port, (weight.events, weight.sessions));
            }
        }
        ControlFlow::Continue(())
    }

    fn tell_counted(&mut self, now: Timestamp, sink: &mut dyn FnMut(Event)) {
        for (source, port, detail) in self.meter.take(now) {
            self.numbered += 1;
            self.events += 1;
            sink(Event {
                time: now,
                id: EventId::of_session(self.seed, self.numbered),
                sensor: Arc::clone(&self.sensor),
                session: None,
                source,
                source_port: 0,
                destination: None,
                port,
                service: Service::UNKNOWN,
                detail,
            });
        }
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
