//! `rdp`: Remote Desktop of the pretended Windows Server that takes what the client has: network level authentication, TLS, or RDP's own encryption, so
//! that guessers of all kinds tell what they try. Behind it stand a logon screen and, for who is let in, a desktop; both are pictures.
//! Sources: [MS-RDPBCGR], [MS-CSSP], T.123 to T.125. See `doc.md`.

mod bitmap;
mod channels;
mod credssp;
mod desktop;
mod input;
mod key;
mod screen;
mod security;
mod session;
mod share;
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
        duration: Duration::from_secs(600),
        idle: Duration::from_secs(60),
        memory: 160 * 1024,
        details: 256,
        reply: 96 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::rdp_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut reader = wire::Reader::default();
    for piece in bytes.chunks(7) {
        reader.push(piece);
        while let wire::Incoming::Message(message) = reader.next(wire::Beside::Sequences) {
            wire::fuzz(&message);
        }
    }
    let mut keyboard = input::Keyboard::default();
    let _ = (keyboard.slow(bytes), keyboard.fast(usize::from(u8::MAX), bytes));
    wire::fuzz(bytes);
    let _ = credssp::Request::read(bytes);
}
