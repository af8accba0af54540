//! `coap`: a sensor with the resources of a libcoap server (RFC 7252), on UDP 5683. Its list of resources is short enough for any request
//! that asks for it. See `doc.md`.

mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "coap",
    service: Service::known("coap"),
    transports: &[Transport::Udp],
    ports: DefaultPorts { privileged: &[Port::udp(5683)], unprivileged: &[Port::udp(5683)] },
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
