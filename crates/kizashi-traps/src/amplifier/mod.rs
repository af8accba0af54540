//! `amplifier`: the servers that reflected floods go through, on their own ports: DNS, NTP, CLDAP, memcached, character generator, quote of
//! the day, portmap, WS-Discovery, mDNS and Apple's remote management. What is tried in whose name is told; answered is only what costs a
//! victim nothing: a DNS server that refuses (RFC 1035, as BIND does whom it does not serve), and the time (RFC 5905). See `doc.md`.

mod dns;
mod ntp;
mod session;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "amplifier",
    service: Service::UNKNOWN,
    transports: &[Transport::Udp],
    ports: DefaultPorts {
        privileged: &[
            Port::udp(17),
            Port::udp(19),
            Port::udp(53),
            Port::udp(111),
            Port::udp(123),
            Port::udp(389),
            Port::udp(3283),
            Port::udp(3702),
            Port::udp(5353),
            Port::udp(11_211),
        ],
        unprivileged: &[Port::udp(3283), Port::udp(3702), Port::udp(5353), Port::udp(11_211)],
    },
    limits: Limits {
        received: 4 * 1024 * 1024,
        duration: Duration::from_secs(600),
        idle: Duration::from_secs(30),
        memory: 8 * 1024,
        details: 1024,
        reply: 2 * 1024,
    },
    datagrams: DatagramReply::NoLargerThanRequest,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::datagrams`].
pub(crate) fn fuzz(bytes: &[u8]) {
    dns::fuzz(bytes);
}
