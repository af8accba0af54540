//! `smtp`: Postfix as Debian and Ubuntu package it (3.4 to 3.8), with Cyrus SASL for logins, on the ports of mail between servers, of
//! submission and of submission inside TLS (RFC 5321, 3207, 4954, 3030, 8314). Answers are those of a Postfix 3.7.11 of Debian 12. Mail is
//! taken, kept by its hash and never sent on. See `doc.md`.

mod address;
mod answers;
mod content;
mod envelope;
mod sasl;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

const SERVICE: Service = Service::known("smtp");

/// Of submission, in the clear at first and inside TLS; each as the unprivileged house has it too.
const SUBMISSION: [u16; 2] = [587, 10_587];
const WRAPPED: [u16; 2] = [465, 10_465];

pub(crate) const TRAP: Trap = Trap {
    name: "smtp",
    service: SERVICE,
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(25), Port::tcp(26), Port::tcp(465), Port::tcp(587)],
        unprivileged: &[Port::tcp(2525), Port::tcp(10_465), Port::tcp(10_587)],
    },
    limits: Limits {
        // Two messages of the longest that the server says it takes.
        received: 24 * 1024 * 1024,
        duration: Duration::from_secs(900),
        idle: Duration::from_secs(120),
        memory: 320 * 1024,
        details: 4096,
        // What is inside TLS comes with what it is wrapped in.
        reply: 176 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut lines = wire::Lines::default();
    let mut content = content::Content::default();
    for byte in bytes {
        if let Some(line) = lines.feed(*byte) {
            let (_, rest) = wire::verb(&line);
            let _ = address::Path::read(rest, b"FROM:");
            let _ = sasl::decoded(rest);
        }
        let _ = content.feed(*byte);
    }
}
