//! `memcached`: a cache that somebody left open to the network, of the release that the pretended system's package brings (1.5.22 to 1.6.24),
//! with sessions and fragments of pages in it, over TCP in the text and the binary protocol. What a visitor writes and deletes he finds so,
//! in a copy of his own. See `doc.md`.

mod binary;
mod release;
mod session;
mod stats;
mod store;
mod text;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub(crate) use store::Installed;

use crate::fuzz::Stranger;
use crate::{DatagramReply, DefaultPorts, Identity, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "memcached",
    service: Service::known("memcached"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(11_211)], unprivileged: &[Port::tcp(11_211)] },
    limits: Limits {
        received: 16 * 1024 * 1024,
        duration: Duration::from_secs(900),
        idle: Duration::from_secs(120),
        memory: 320 * 1024,
        details: 4096,
        reply: 160 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["command", "login", "payload", "note"],
    doc: include_str!("doc.md"),
    begin: |identity, visit| Box::new(session::MemcachedSession::new(identity, visit)),
};

/// See [`crate::fuzz::memcached`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let stranger = Stranger::at(&TRAP, Identity::draw([7; 32]));
    stranger.visits(&TRAP, bytes);
    // Opcode, lengths of extras and key, then what is to be a body, with lengths that fit.
    let mut requests = Vec::new();
    for request in bytes.chunks(24).filter(|request| request.len() > 3) {
        let body = u8::try_from(request.len() - 3).unwrap_or(0);
        let mut head = [0; 24];
        (head[0], head[1], head[3]) = (0x80, request[0] % 0x24, request[1] % 12);
        (head[4], head[11]) = (request[2] % 21, body);
        requests.extend(head);
        requests.extend_from_slice(&request[3..]);
    }
    stranger.visits(&TRAP, &requests);
}
