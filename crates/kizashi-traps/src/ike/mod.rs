//! `ike`: the first packets of tunnels: IKEv1 and IKEv2 on UDP 500 and 4500 (RFC 2408, RFC 7296), as strongSwan answers them, and L2TP on 1701
//! (RFC 2661), as xl2tpd does. What a client offers is told; no tunnel comes of it. See `doc.md`.

mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "ike",
    service: Service::known("ike"),
    transports: &[Transport::Udp],
    ports: DefaultPorts {
        privileged: &[Port::udp(500), Port::udp(1701), Port::udp(4500)],
        unprivileged: &[Port::udp(1701), Port::udp(4500)],
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
    actions: &["client", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

pub(crate) use wire::fuzz;
