//! `snmp`: the agent of the installation's server (Net-SNMP with Debian's view for `public`), versions 1 to 3. Communities, users and
//! signatures are told, answers are as true as fits: a value makes a response longer than its request, which the house lets nobody have, so
//! that most are `tooBig` (RFC 3416, 4.2.1), an answer that agents give. See `doc.md`.

mod ber;
mod message;
mod mib;
mod session;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub(crate) use message::message_kind;

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "snmp",
    service: Service::known("snmp"),
    transports: &[Transport::Udp],
    ports: DefaultPorts {
        privileged: &[Port::udp(161), Port::udp(1161)],
        unprivileged: &[Port::udp(1161)],
    },
    limits: Limits {
        received: 1024 * 1024,
        duration: Duration::from_secs(600),
        idle: Duration::from_secs(30),
        memory: 96 * 1024,
        details: 1024,
        reply: 2 * 1024,
    },
    datagrams: DatagramReply::NoLargerThanRequest,
    actions: &["login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::datagrams`].
pub(crate) fn fuzz(bytes: &[u8]) {
    session::fuzz(bytes);
}
