//! `mysql`: the MariaDB that the pretended system's package brings (10.3.39 to 10.11.14), opened to the network with accounts of weak passwords,
//! with the application's database in it, of which the web trap's pages are made. What a visitor writes and deletes he finds so, in a copy of
//! his own; functions of libraries that he wrote run on the machine behind the logins. See `doc.md`.

mod answer;
mod handshake;
mod password;
mod prepared;
mod query;
mod session;
mod store;
mod tokens;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub(crate) use store::Installed;

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "mysql",
    service: Service::known("mysql"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(3306)], unprivileged: &[Port::tcp(3306)] },
    limits: Limits {
        received: 16 * 1024 * 1024,
        duration: Duration::from_secs(1_800),
        idle: Duration::from_secs(120),
        memory: 320 * 1024,
        details: 4096,
        reply: 160 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: |identity, visit| Box::new(session::MysqlSession::new(identity, visit)),
};

/// See [`crate::fuzz::mysql`].
pub(crate) fn fuzz(bytes: &[u8]) {
    use std::sync::Arc;

    use kizashi_event::Timestamp;

    use crate::{Identity, Output, Visit};

    let identity = Arc::new(Identity::draw([7; 32]));
    let now = Timestamp::from_seconds(1_800_000_000);
    let visit = Visit {
        source: std::net::Ipv4Addr::LOCALHOST.into(),
        destination: None,
        port: Port::tcp(3306),
        encrypted: false,
    };
    let mut out = Output::new(TRAP.service);
    let mut give = |bytes: &[u8]| {
        let mut session = (TRAP.begin)(&identity, visit);
        session.open(now, &mut out);
        for piece in bytes.chunks(8 * 1024) {
            session.receive(piece, now, &mut out);
            for _ in 0..200 {
                let _ = (out.take_reply(), out.take_seen());
                if !out.wants_turn() {
                    break;
                }
                session.receive(&[], now, &mut out);
            }
        }
        session.end(now, &mut out);
    };
    give(bytes);
    let mut packets = wire::Packets::after(0);
    let application = identity.application();
    let account = application.account();
    packets.put(&handshake::clear_response(&account));
    let statement = &bytes[..bytes.len().min(wire::LONGEST - 1)];
    for command in [3, 0x16] {
        packets.put(&[&[command][..], statement].concat());
    }
    packets.put(&[&[0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0][..], statement].concat());
    give(&packets.bytes);
}
