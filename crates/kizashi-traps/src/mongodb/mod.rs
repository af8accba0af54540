//! `mongodb`: MongoDB 4.2.24, 4.4.29, 6.0.15 or 7.0.14 of the vendor's packages (wire protocols 8, 9, 17, 21: the first two are the last that answer
//! OP_QUERY, as scanners still send), opened to the network; one installation of three asks for a login, half of which take TLS. What a visitor inserts and drops he finds so, in a copy of his own. See `doc.md`.

mod awaited;
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

use crate::fuzz::Stranger;
use crate::{DatagramReply, DefaultPorts, Identity, Limits, Trap};

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
        memory: 320 * 1024,
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
    if let Some((document, _)) = bson::read(bytes) {
        // What was read is written as it was, or shorter where an old kind became another.
        let written = bson::write(&document);
        assert!(
            bson::read(&written)
                .is_some_and(|(again, rest)| again.len() == document.len() && rest.is_empty())
        );
        let _ = bson::show(&document);
    }
    // Installations of an older release and of a newer one.
    let seed = if bytes.first().is_some_and(|byte| byte & 1 == 0) { 7 } else { 1 };
    let stranger = Stranger::at(&TRAP, Identity::draw([seed; 32]));
    let says = |given: &[u8]| {
        let mut session = session::MongodbSession::admitted(&stranger.identity, stranger.visit);
        stranger.says(&mut session, given);
    };
    says(bytes);
    let framed = |kind: u32, content: &[u8]| {
        let length = u32::try_from(content.len() + 16).unwrap_or(0);
        [&[length, 1, 0, kind].map(u32::to_le_bytes).concat()[..], content].concat()
    };
    let content = &bytes[..bytes.len().min(wire::LONGEST / 2)];
    says(&framed(2_013, &[&[0; 5], content].concat()));
    says(&framed(2_004, &[&[0; 4], &b"test.$cmd\0\0\0\0\0\xff\xff\xff\xff"[..], content].concat()));
}
