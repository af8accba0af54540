//! `any`: the catch-all on a configurable list of ports. It lets the visitor speak, keeps the first 64 KiB, and says which
//! protocol it was by the bytes alone, whatever the port's number. HTTP is handed to the web server of this installation; to
//! everything else it stays silent and closes after a while. Over UDP it never answers, so it amplifies nothing. See `doc.md`.

mod facts;
mod session;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport, recognise};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "any",
    service: Service::UNKNOWN,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: DefaultPorts { privileged: PRIVILEGED, unprivileged: UNPRIVILEGED },
    limits: Limits {
        received: 4 * 1024 * 1024,
        duration: Duration::from_secs(180),
        idle: Duration::from_secs(30),
        memory: 320 * 1024,
        details: 4096,
        // What is inside TLS comes with what it is wrapped in.
        reply: 176 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["payload", "client", "login", "forward", "note", "request", "command"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// The ports that the worms and scanners of the last decade ask for first. Never 22: a trap there could keep the owner's own
/// SSH from starting.
const PRIVILEGED: &[Port] = &[
    Port::tcp(389),
    Port::tcp(1080),
    Port::udp(427),
    Port::udp(520),
    Port::udp(623),
    Port::udp(1434),
    Port::udp(3478),
    Port::udp(10_001),
    Port::udp(27_015),
    Port::udp(32_414),
];

/// Those of them from 1024 on.
const UNPRIVILEGED: &[Port] = &[
    Port::tcp(1080),
    Port::udp(1434),
    Port::udp(3478),
    Port::udp(10_001),
    Port::udp(27_015),
    Port::udp(32_414),
];

/// See [`crate::fuzz::recognise`].
pub(crate) fn fuzz(bytes: &[u8]) {
    for service in [recognise::tcp(bytes), recognise::udp(bytes)] {
        let _ = facts::of(&service, bytes);
    }
    let _ = recognise::http_so_far(bytes);
}
