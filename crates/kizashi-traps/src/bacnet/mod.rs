//! `bacnet`: a controller of a building (ASHRAE 135, Annex J) on UDP 47808: one named device. A value is longer than what asks for it, so that
//! reading ends in an abort that a device gives whose answer does not fit; writing is granted. See `doc.md`.

mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "bacnet",
    service: Service::known("bacnet"),
    transports: &[Transport::Udp],
    ports: DefaultPorts { privileged: &[Port::udp(47_808)], unprivileged: &[Port::udp(47_808)] },
    limits: Limits {
        received: 1024 * 1024,
        duration: Duration::from_secs(600),
        idle: Duration::from_secs(30),
        memory: 32 * 1024,
        details: 512,
        reply: 2 * 1024,
    },
    datagrams: DatagramReply::NoLargerThanRequest,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

pub(crate) use wire::fuzz;
