//! `postgresql`: the PostgreSQL that the pretended system's package brings (12.22 to 16.10; wire protocol 3.0, chapter 55 of its manual),
//! opened to the network. What a visitor writes he finds, in a copy of his own; programs that he has COPY run, and functions of libraries
//! that he wrote, run on the machine behind the logins. Measured on 15.18 of Debian 12. See `doc.md`.

mod answer;
mod auth;
mod catalog;
mod error;
mod functions;
mod login;
mod portals;
mod release;
mod session;
mod statement;
mod store;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub(crate) use store::Installed;

use crate::fuzz::Stranger;
use crate::{DatagramReply, DefaultPorts, Identity, Limits, LoginSettings, Trap};

const SERVICE: Service = Service::known("postgresql");

pub(crate) const TRAP: Trap = Trap {
    name: "postgresql",
    service: SERVICE,
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(5432)], unprivileged: &[Port::tcp(5432)] },
    limits: Limits {
        received: 16 * 1024 * 1024,
        duration: Duration::from_secs(1_800),
        idle: Duration::from_secs(120),
        memory: 320 * 1024,
        details: 4096,
        reply: 176 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::postgresql`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let stranger = Stranger::at(&TRAP, Identity::draw([7; 32]).with_logins(logins));
    stranger.visits(&TRAP, bytes);
    let says = |given: &[u8]| {
        let mut session = session::PostgresqlSession::new(&stranger.identity, stranger.visit);
        session.admit("postgres", "postgres");
        stranger.says(&mut session, given);
    };
    says(bytes);
    let text = &bytes[..bytes.len().min(wire::LONGEST / 2)];
    let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
    says(&wire::message(b'Q', &[&text[..], b"\0"].concat()));
    let prepared = [
        wire::message(b'P', &[b"\0", &text[..], b"\0\0\0"].concat()),
        wire::message(b'B', b"\0\0\0\0\0\x01\0\0\0\x01x\0\0"),
        wire::message(b'D', b"P\0"),
        wire::message(b'E', b"\0\0\0\0\0"),
        wire::message(b'S', b""),
    ];
    says(&prepared.concat());
}
