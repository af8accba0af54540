//! `vnc`: TightVNC 1.3.10 as Debian's `tightvncserver` packages it (RFB 3.3, 3.7, 3.8; RFC 6143), with a still desktop behind its login. Keys and
//! pointer are told, and move nothing. See `doc.md`.

mod desktop;
mod encoding;
#[cfg(test)]
mod encoding_tests;
mod pack;
mod password;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::fuzz::Stranger;
use crate::{DatagramReply, DefaultPorts, Identity, Limits, Trap};

const SERVICE: Service = Service::known("vnc");

pub(crate) const TRAP: Trap = Trap {
    name: "vnc",
    service: SERVICE,
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(5900), Port::tcp(5901)],
        unprivileged: &[Port::tcp(5900), Port::tcp(5901)],
    },
    limits: Limits {
        received: 8 * 1024 * 1024,
        duration: Duration::from_secs(1_800),
        idle: Duration::from_secs(120),
        memory: 144 * 1024,
        details: 2048,
        reply: 160 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::vnc`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let stranger = Stranger::at(&TRAP, Identity::draw([7; 32]));
    stranger.visits(&TRAP, bytes);
    let mut session = session::VncSession::new(&stranger.identity, stranger.visit);
    session.admit();
    stranger.says(&mut session, bytes);
}
