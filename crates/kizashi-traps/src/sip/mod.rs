//! `sip`: a telephone exchange, Asterisk with `chan_sip`, over UDP, TCP and TLS (RFC 3261). It knows every number, challenges whoever
//! registers or calls (RFC 2617), says which password a digest was made with where it is a common one, and records who was to be
//! called. Over UDP its answers are cut to the length of the request. See `doc.md`.

mod answer;
pub(crate) mod digest;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

const SERVICE: Service = Service::known("sip");

/// Of TLS.
const TLS_PORT: u16 = 5061;

pub(crate) const TRAP: Trap = Trap {
    name: "sip",
    service: SERVICE,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(5060), Port::tcp(TLS_PORT), Port::udp(5060)],
        unprivileged: &[Port::tcp(TLS_PORT), Port::tcp(5060), Port::udp(5060)],
    },
    limits: Limits {
        received: 4 * 1024 * 1024,
        duration: Duration::from_secs(600),
        idle: Duration::from_secs(60),
        memory: 320 * 1024,
        details: 4096,
        // What is inside TLS comes with what it is wrapped in.
        reply: 176 * 1024,
    },
    datagrams: DatagramReply::NoLargerThanRequest,
    actions: &["client", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::datagrams`].
pub(crate) fn fuzz(bytes: &[u8]) {
    if let wire::Framed::Message { length, .. } = wire::frame(bytes, true)
        && let Some(message) = wire::Message::read(&bytes[..length])
    {
        let _ = message.header("authorization").and_then(digest::Digest::read);
        let _ = wire::number(message.target);
    }
}
