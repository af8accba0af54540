//! The echo of attacks elsewhere, told as events: who is attacked, at which port, by how many answers to us. Answers of one machine,
//! port and kind within ten seconds are one event, for its victim sends thousands a second. Past a bound machines are not told
//! apart any more, and past another neither are their ports.
//!
//! A live capture has not seen what this machine began before it, nor what its conversations say. So that the end of a long one of our own
//! is no echo, a refusal counts only as one that nothing was open for (RFC 9293, 3.10.7.1: with ACK and sequence number 0), and
//! no ICMP error does that is about a port of ours which serves, or that only asks for smaller packets.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use kizashi_event::{
    Backscatter, BackscatterKind, Detail, Event, EventId, MOST_COUNTED, Port, Service, SessionId,
    Timestamp,
};

use super::{Observer, Seen, Sink, address_of, id_of};
use crate::dissect::Packet;

/// How long answers are gathered.
const GATHERS: i64 = 10 * Timestamp::SECOND;
/// Machines, ports and kinds that are told apart at once.
const MOST_APART: usize = 2_048;
/// Ports and kinds of all others.
const MOST_PORTS: usize = 1_024;

/// What is gathered: whose answer (nobody's where they are not told apart), at which port, of which kind.
type Place = (IpAddr, Port, BackscatterKind);

struct Gathered {
    id: EventId,
    time: Timestamp,
    destination: IpAddr,
    packets: u64,
}

/// Answers that wait to be told.
#[derive(Default)]
pub(super) struct Echoes {
    gathered: HashMap<Place, Gathered>,
    since: i64,
}

impl Echoes {
    fn add(&mut self, place: Place, first: &Gathered) {
        let nobody = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let (source, port, kind) = place;
        let room = |most: usize, place: &Place, gathered: &HashMap<Place, Gathered>| {
            gathered.len() < most || gathered.contains_key(place)
        };
        let most = MOST_APART + MOST_PORTS;
        let place = if room(MOST_APART, &place, &self.gathered) {
            (source, port, kind)
        } else if room(most, &(nobody, port, kind), &self.gathered) {
            (nobody, port, kind)
        } else {
            (nobody, Port { number: 0, ..port }, kind)
        };
        if self.gathered.is_empty() {
            self.since = first.time.micros();
        }
        let known = self.gathered.entry(place).or_insert(Gathered { packets: 0, ..*first });
        known.packets += 1;
    }
}

impl Observer {
    /// Counts an answer to what we never sent, by who was `attacked` where, and in a live capture gathers it to be told under `port`.
    pub(super) fn echo(
        &mut self,
        kind: BackscatterKind,
        port: Port,
        attacked: (IpAddr, Option<Port>),
        seen: &Seen,
        packet: &Packet<'_>,
    ) {
        self.counts.backscatter.add(attacked.0, attacked.1, kind);
        if let Some(live) = &mut self.live {
            let first = Gathered {
                id: id_of(seen.time, packet),
                time: seen.time,
                destination: address_of(seen.ours),
                packets: 0,
            };
            live.echoes.add((address_of(seen.visitor), port, kind), &first);
        }
    }

    /// Tells what was gathered for long enough.
    pub(super) fn tell_echoes(&mut self, now: i64, sink: Sink<'_>) {
        let Some(live) = &mut self.live else { return };
        if live.echoes.gathered.is_empty() || now.saturating_sub(live.echoes.since) < GATHERS {
            return;
        }
        for ((source, port, kind), first) in std::mem::take(&mut live.echoes.gathered) {
            let (mut left, mut part) = (first.packets, 0);
            while left > 0 {
                let packets = left.min(MOST_COUNTED);
                let event = Event {
                    time: first.time,
                    id: EventId::of_session(SessionId(first.id.0), part),
                    sensor: self.sensor.clone(),
                    session: None,
                    source,
                    source_port: port.number,
                    destination: Some(first.destination),
                    port,
                    service: Service::UNKNOWN,
                    detail: Detail::Backscatter(Backscatter { kind, packets }),
                };
                self.tell(event, sink);
                (left, part) = (left - packets, part + 1);
            }
        }
    }
}
