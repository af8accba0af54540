//! What an observer knows beside the packets where it looks at this machine's own traffic as it happens: whose ports are, and that it
//! must be small, for it runs all the time.

use kizashi_event::{Port, Transport};

use super::backscatter::Echoes;
use super::local::Ours;
use super::scans::ScanBounds;
use super::{ListBounds, Observer, Options, Prefix, bounds};
use crate::dissect::{Body, Packet};
use crate::live::Owners;

/// Bounds of the lists of flows: with scans and all texts at most 14 MB.
const LISTS: [ListBounds; 5] = [
    bounds(16_384, 20),
    bounds(1_024, 60),
    bounds(16_384, 120),
    bounds(8_192, 900),
    bounds(8_192, 120),
];

/// Sources watched for scans, and those of them with a map of ports.
const SCANS: ScanBounds = ScanBounds { sources: 8_192, maps: 64 };

/// Whose ports are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Of TCP.
    pub tcp: Owners,
    /// Of UDP.
    pub udp: Owners,
}

/// Segments and datagrams to real services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceCounts {
    /// First segments.
    pub segments: u64,
    /// Datagrams.
    pub datagrams: u64,
}

#[derive(Default)]
pub(super) struct Live {
    ports: Ports,
    services: ServiceCounts,
    pub(super) echoes: Echoes,
}

impl Ports {
    fn is_service(&self, port: Port) -> bool {
        match port.transport {
            Transport::Tcp => self.tcp.services.has(port.number) && !self.is_trapped(port),
            Transport::Udp => self.udp.services.has(port.number) && !self.is_trapped(port),
            Transport::Icmp => false,
        }
    }

    /// Whether a trap stands there.
    #[must_use]
    pub fn is_trapped(&self, port: Port) -> bool {
        match port.transport {
            Transport::Tcp => self.tcp.trapped.has(port.number),
            Transport::Udp => self.udp.trapped.has(port.number),
            Transport::Icmp => false,
        }
    }
}

impl Observer {
    /// Begins to look at this machine's own traffic; our addresses are told and may change.
    #[must_use]
    pub fn live(options: &Options, ports: Ports) -> Self {
        let mut observer = Self::with_bounds(options, LISTS, SCANS);
        observer.waiting = None;
        observer.live = Some(Box::new(Live { ports, ..Live::default() }));
        observer
    }

    /// Addresses and ports have changed.
    pub fn move_to(&mut self, local: Vec<Prefix>, ports: Ports) {
        self.ours = Ours::new(local);
        if let Some(live) = &mut self.live {
            live.ports = ports;
        }
    }

    /// What came to real services.
    #[must_use]
    pub fn services(&self) -> ServiceCounts {
        self.live.as_ref().map(|live| live.services).unwrap_or_default()
    }

    /// Whether a packet is a real service's, which is counted and not looked at further, or a trap's, which tells it itself. What this
    /// machine begins from such a port is its own, and an answer to what it never began is an echo as everywhere.
    pub(super) fn is_served(&mut self, packet: &Packet<'_>, is_inbound: bool) -> bool {
        let Some(live) = &mut self.live else { return false };
        let of = |source: u16, destination: u16| if is_inbound { destination } else { source };
        match &packet.body {
            Body::Tcp(segment) => {
                let flags = segment.header.flags;
                let own = of(segment.header.source_port, segment.header.destination_port);
                if !live.ports.is_service(Port::tcp(own)) {
                    return false;
                }
                let is_first = flags.syn() && !flags.ack();
                live.services.segments += u64::from(is_inbound && is_first);
                if is_inbound { !(flags.syn() && flags.ack()) } else { !is_first }
            }
            Body::Udp(datagram) => {
                let own = Port::udp(of(datagram.source_port, datagram.destination_port));
                let is_service = live.ports.is_service(own);
                live.services.datagrams += u64::from(is_inbound && is_service);
                is_service || live.ports.is_trapped(own)
            }
            Body::Icmp(_) | Body::Fragment | Body::Other => false,
        }
    }

    /// Whether a live capture may take a refusal for an echo (see `backscatter`).
    pub(super) fn may_be_echo(&self, sequence: u32, acknowledges: bool) -> bool {
        self.live.is_none() || (sequence == 0 && acknowledges)
    }

    /// The same of an error about a packet from this port of ours.
    pub(super) fn may_be_echo_about(&self, port: Port, wants_smaller: bool) -> bool {
        self.live.as_ref().is_none_or(|live| {
            !wants_smaller && !live.ports.is_service(port) && !live.ports.is_trapped(port)
        })
    }
}
