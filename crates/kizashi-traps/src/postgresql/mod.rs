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

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

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
    use std::sync::Arc;

    use kizashi_event::Timestamp;

    use crate::{Identity, LoginSettings, Output, Visit};

    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let identity = Arc::new(Identity::draw([7; 32]).with_logins(logins));
    let now = Timestamp::from_seconds(1_800_000_000);
    let visit = Visit {
        source: std::net::Ipv4Addr::LOCALHOST.into(),
        destination: None,
        port: Port::tcp(5432),
        encrypted: false,
    };
    let give = |given: &[u8], admitted: bool| {
        let mut out = Output::new(SERVICE);
        let mut session = session::PostgresqlSession::new(&identity, visit);
        if admitted {
            session.admit("postgres", "postgres");
        }
        for piece in given.chunks(8 * 1024) {
            crate::Session::receive(&mut session, piece, now, &mut out);
            for _ in 0..200 {
                let _ = (out.take_reply(), out.take_seen());
                if !out.wants_turn() {
                    break;
                }
                crate::Session::receive(&mut session, &[], now, &mut out);
            }
        }
        crate::Session::end(&mut session, now, &mut out);
    };
    give(bytes, false);
    give(bytes, true);
    let text = &bytes[..bytes.len().min(wire::LONGEST / 2)];
    let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
    let query = wire::message(b'Q', &[&text[..], b"\0"].concat());
    give(&query, true);
    let prepared = [
        wire::message(b'P', &[b"\0", &text[..], b"\0\0\0"].concat()),
        wire::message(b'B', b"\0\0\0\0\0\x01\0\0\0\x01x\0\0"),
        wire::message(b'D', b"P\0"),
        wire::message(b'E', b"\0\0\0\0\0"),
        wire::message(b'S', b""),
    ];
    give(&prepared.concat(), true);
}
