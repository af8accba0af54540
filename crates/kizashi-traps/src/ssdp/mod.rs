//! `ssdp`: a router that tells who asks what it is (UPnP Device Architecture 1.1, 1.3): MiniUPnPd, which most of them run. Its answer is longer
//! than most searches, and then none is given. SOAP exploits come over TCP, to the web trap. See `doc.md`.

mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "ssdp",
    service: Service::known("upnp"),
    transports: &[Transport::Udp],
    ports: DefaultPorts { privileged: &[Port::udp(1900)], unprivileged: &[Port::udp(1900)] },
    limits: Limits {
        received: 1024 * 1024,
        duration: Duration::from_secs(600),
        idle: Duration::from_secs(30),
        memory: 32 * 1024,
        details: 512,
        reply: 2 * 1024,
    },
    datagrams: DatagramReply::NoLargerThanRequest,
    actions: &["client", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

pub(crate) use wire::fuzz;
