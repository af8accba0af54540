//! UDP and ICMP: the first packet of a flow is the attempt, with what it carries; the rest of the flow repeats it.

use std::net::IpAddr;

use kizashi_event::{
    Attempt, BackscatterKind, Detail, Event, Payload, PayloadHash, PayloadOrigin, Port, Service,
    Transport, recognise,
};
use sha2::{Digest as _, Sha256};

use super::local::bits_of;
use super::scans::First;
use super::table::FlowKey;
use super::{Flow, Observer, Seen, Sink, address_of, list};
use crate::dissect::{Datagram, IcmpMessage, Packet, quoted};

impl Observer {
    /// Whether the packet begins a flow of a visitor, which is noted; `false` where it belongs to one that is known.
    fn begins_flow(&mut self, key: &FlowKey, sink: Sink<'_>) -> bool {
        if let Some(place) = self.flows.find(key) {
            let list = match self.flows.at(place) {
                Some(Flow::Ours) => list::OURS,
                _ => list::DATAGRAMS,
            };
            self.flows.touch(place, list, self.now);
            return false;
        }
        self.flows.put(*key, Flow::Datagrams, list::DATAGRAMS, self.now);
        self.make_room(list::DATAGRAMS, sink);
        true
    }

    pub(super) fn datagram_from_us(&mut self, key: &FlowKey, sink: Sink<'_>) {
        if let Some(place) = self.flows.find(key) {
            let list = match self.flows.at(place) {
                Some(Flow::Ours) => list::OURS,
                _ => list::DATAGRAMS,
            };
            self.flows.touch(place, list, self.now);
            return;
        }
        self.counts.ours += 1;
        self.flows.put(*key, Flow::Ours, list::OURS, self.now);
        self.make_room(list::OURS, sink);
    }

    pub(super) fn datagram_to_us(
        &mut self,
        seen: &Seen,
        packet: &Packet<'_>,
        datagram: &Datagram<'_>,
        sink: Sink<'_>,
    ) {
        self.counts.udp_datagrams += 1;
        let ports = (datagram.source_port, datagram.destination_port);
        if !self.begins_flow(&seen.key(ports, packet.ip.protocol), sink) {
            return;
        }
        self.counts.udp_flows += 1;
        let port = Port::udp(datagram.destination_port);
        let (service, detail) = if datagram.payload.is_empty() {
            (Service::UNKNOWN, Detail::Attempt(Box::default()))
        } else {
            let content = datagram.payload.to_vec();
            let size = u64::from(datagram.payload_length).max(content.len() as u64);
            (recognise::udp(&content), payload(content, size))
        };
        self.tell_datagram(seen, packet, (datagram.source_port, port), (service, detail), sink);
    }

    fn tell_datagram(
        &mut self,
        seen: &Seen,
        packet: &Packet<'_>,
        (source_port, port): (u16, Port),
        (service, detail): (Service, Detail),
        sink: Sink<'_>,
    ) {
        let first = First {
            id: seen.id(packet),
            time: seen.time,
            source: address_of(seen.visitor),
            destination: address_of(seen.ours),
            port,
        };
        if port.transport == Transport::Udp
            && let Some((scan, detail)) = self.scans.attempt(first, None)
        {
            self.tell_scan(&scan, detail, sink);
        }
        let event = Event {
            time: seen.time,
            id: first.id,
            sensor: self.sensor.clone(),
            session: None,
            source: first.source,
            source_port,
            destination: Some(first.destination),
            port,
            service,
            detail,
        };
        self.tell(event, sink);
    }

    pub(super) fn icmp_to_us(
        &mut self,
        seen: &Seen,
        packet: &Packet<'_>,
        message: &IcmpMessage<'_>,
        sink: Sink<'_>,
    ) {
        let is_four = packet.ip.identification.is_some();
        match (is_four, message.kind) {
            // Echo, timestamp, information, address mask; of IPv6 echo and node information.
            (true, 8 | 13 | 15 | 17) | (false, 128 | 139) => {
                let key =
                    seen.key((message.identifier, u16::from(message.kind)), packet.ip.protocol);
                if self.begins_flow(&key, sink) {
                    self.counts.icmp_requests += 1;
                    let port = Port { transport: Transport::Icmp, number: u16::from(message.kind) };
                    let detail = Detail::Attempt(Box::<Attempt>::default());
                    self.tell_datagram(seen, packet, (0, port), (Service::UNKNOWN, detail), sink);
                }
            }
            (true, 0) | (false, 129) => {
                let key = seen.key((message.identifier, 0), packet.ip.protocol);
                if self.flows.find(&key).is_none() {
                    let attacked = (address_of(seen.visitor), None);
                    self.echo(BackscatterKind::Icmp, kind_of(message), attacked, seen, packet);
                }
            }
            (true, 3 | 4 | 11 | 12) | (false, 1..=4) => {
                if !self.is_about_known(message, is_four) {
                    let attacked = attacked(message, seen);
                    self.echo(BackscatterKind::Icmp, kind_of(message), attacked, seen, packet);
                }
            }
            _ => self.counts.other_transports += 1,
        }
    }

    /// Whether an error is about a packet of a flow that is known, or one that a live capture need not know.
    fn is_about_known(&self, message: &IcmpMessage<'_>, is_four: bool) -> bool {
        let Some((ip, source_port, destination_port)) = quoted(message.body) else { return false };
        let (ports, own) = match ip.protocol {
            6 => ((destination_port, source_port), Port::tcp(source_port)),
            17 => ((destination_port, source_port), Port::udp(source_port)),
            _ => ((source_port, 0), kind_of(message)),
        };
        let wants_smaller =
            (is_four && (message.kind, message.code) == (3, 4)) || (!is_four && message.kind == 2);
        if !self.may_be_echo_about(own, wants_smaller) {
            return true;
        }
        let (visitor, ours) = (bits_of(ip.destination), bits_of(ip.source));
        self.flows.find(&FlowKey { visitor, ours, ports, transport: ip.protocol }).is_some()
    }
}

/// To whom went what an error is about; a router on the way may be who tells it.
fn attacked(message: &IcmpMessage<'_>, seen: &Seen) -> (IpAddr, Option<Port>) {
    match quoted(message.body) {
        Some((ip, _, port)) => {
            let port = match ip.protocol {
                6 => Some(Port::tcp(port)),
                17 => Some(Port::udp(port)),
                _ => None,
            };
            (kizashi_event::canonical_ip(ip.destination), port)
        }
        None => (address_of(seen.visitor), None),
    }
}

/// An ICMP message's type, as ports are counted.
fn kind_of(message: &IcmpMessage<'_>) -> Port {
    Port { transport: Transport::Icmp, number: u16::from(message.kind) }
}

/// What a visitor sent, of which `size` bytes are known to exist.
pub(super) fn payload(content: Vec<u8>, size: u64) -> Detail {
    Detail::Payload(Box::new(Payload {
        sha256: PayloadHash(Sha256::digest(&content).into()),
        size: Some(size),
        content,
        origin: PayloadOrigin::Sent,
        name: None,
        url: None,
        left_out: false,
    }))
}
