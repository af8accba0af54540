//! `mongodb`: MongoDB 4.2.24 or 4.4.29 of the vendor's packages (wire protocol 8 and 9: the last that answer OP_QUERY, as scanners still send),
//! opened to the network; one installation of three asks for a login. What a visitor inserts and drops he finds so, in a copy of his own. See `doc.md`.

mod bson;
mod commands;
mod login;
mod matching;
mod release;
mod session;
mod store;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub(crate) use store::Installed;

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

const SERVICE: Service = Service::known("mongodb");

pub(crate) const TRAP: Trap = Trap {
    name: "mongodb",
    service: SERVICE,
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(27_017)], unprivileged: &[Port::tcp(27_017)] },
    limits: Limits {
        received: 16 * 1024 * 1024,
        duration: Duration::from_secs(1_800),
        idle: Duration::from_secs(120),
        memory: 288 * 1024,
        details: 4096,
        reply: 208 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::mongodb`].
pub(crate) fn fuzz(bytes: &[u8]) {
    use std::sync::Arc;

    use kizashi_event::Timestamp;

    use crate::{Identity, Output, Session as _, Visit};

    if let Some((document, _)) = bson::read(bytes) {
        // What was read is written as it was, or shorter where an old kind became another.
        let written = bson::write(&document);
        assert!(
            bson::read(&written)
                .is_some_and(|(again, rest)| again.len() == document.len() && rest.is_empty())
        );
        let _ = bson::show(&document);
    }
    let identity = Arc::new(Identity::draw([7; 32]));
    let now = Timestamp::from_seconds(1_800_000_000);
    let visit = Visit {
        source: std::net::Ipv4Addr::LOCALHOST.into(),
        destination: None,
        port: Port::tcp(27_017),
        encrypted: false,
    };
    let give = |given: &[u8]| {
        let mut out = crate::Output::new(SERVICE);
        let mut session = session::MongodbSession::admitted(&identity, visit);
        let settle = |session: &mut session::MongodbSession, out: &mut Output| {
            for _ in 0..200 {
                let _ = (out.take_reply(), out.take_seen());
                if !out.wants_turn() {
                    break;
                }
                session.receive(&[], now, out);
            }
        };
        for piece in given.chunks(8 * 1024) {
            session.receive(piece, now, &mut out);
            settle(&mut session, &mut out);
        }
        session.end(now, &mut out);
    };
    give(bytes);
    let framed = |kind: u32, content: &[u8]| {
        let length = u32::try_from(content.len() + 16).unwrap_or(0);
        [&[length, 1, 0, kind].map(u32::to_le_bytes).concat()[..], content].concat()
    };
    let content = &bytes[..bytes.len().min(wire::LONGEST / 2)];
    give(&framed(2_013, &[&[0; 5], content].concat()));
    give(&framed(2_004, &[&[0; 4], &b"test.$cmd\0\0\0\0\0\xff\xff\xff\xff"[..], content].concat()));
}
