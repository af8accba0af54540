//! `ipp`: CUPS of the installation's system with a printer that is shared (RFC 8010 and 8011; CUPS 2.4.2 of Debian 12, measured), on TCP 631, and the port of
//! cups-browsed, UDP 631, on which CVE-2024-47176 is tried. Jobs are kept and never printed, nothing is fetched. See `doc.md`.

mod browse;
mod operations;
mod pages;
mod queue;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use kizashi_event::{Port, Service, Transport};

use crate::datagram::Datagrams;
use crate::{DatagramReply, DefaultPorts, Identity, Limits, Session, Trap, Visit, http};

const SERVICE: Service = Service::known("ipp");

pub(crate) const TRAP: Trap = Trap {
    name: "ipp",
    service: SERVICE,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(631), Port::udp(631)],
        unprivileged: &[Port::tcp(10_631), Port::udp(10_631)],
    },
    limits: Limits { received: 16 * 1024 * 1024, memory: 192 * 1024, ..http::LIMITS },
    datagrams: DatagramReply::Never,
    actions: &["forward", "login", "note", "payload", "request"],
    doc: include_str!("doc.md"),
    begin,
};

fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    match visit.port.transport {
        Transport::Tcp => Box::new(session::IppSession::new(identity)),
        Transport::Udp | Transport::Icmp => Datagrams::begin(identity, visit, browse::Browse),
    }
}
