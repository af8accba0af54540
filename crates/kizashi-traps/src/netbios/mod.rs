//! `netbios`: the name service of a Windows machine (RFC 1002, 4.2) on UDP 137. Its table of names is longer than what asks for it; a name that
//! is not its own is denied where that fits. See `doc.md`.

mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "netbios",
    service: Service::known("netbios"),
    transports: &[Transport::Udp],
    ports: DefaultPorts {
        privileged: &[Port::udp(137), Port::udp(1137)],
        unprivileged: &[Port::udp(1137)],
    },
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
