//! `rdp`: Remote Desktop of the pretended Windows Server, as it is set up by default but for one thing: who speaks TLS without network level
//! authentication is let as far as his password, so that guessers of both kinds tell what they try. Sources: [MS-RDPBCGR], [MS-CSSP], T.123 to
//! T.125. See `doc.md`.

mod credssp;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "rdp",
    service: Service::known("rdp"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(3389)], unprivileged: &[Port::tcp(3389)] },
    limits: Limits {
        received: 1024 * 1024,
        duration: Duration::from_secs(300),
        idle: Duration::from_secs(60),
        memory: 160 * 1024,
        details: 256,
        reply: 96 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::rdp_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut reader = wire::Reader::default();
    for piece in bytes.chunks(7) {
        reader.push(piece);
        while let wire::Incoming::Message(message) = reader.next(true) {
            wire::fuzz(&message);
        }
    }
    wire::fuzz(bytes);
    let _ = credssp::Request::read(bytes);
}
