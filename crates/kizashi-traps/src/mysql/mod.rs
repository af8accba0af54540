//! `mysql`: the MariaDB that the pretended system's package brings (10.3.39 to 10.11.14), or MySQL 5.7.42 or 8.4.6 of its vendor's, by
//! installation; opened to the network with accounts of weak passwords, with the application's database in it, of which the web trap's pages are made. What a visitor writes and deletes he finds so, in a copy of
//! his own; functions of libraries that he wrote run on the machine behind the logins. See `doc.md`.

mod answer;
mod handshake;
mod login;
mod old;
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

use crate::fuzz::Stranger;
use crate::sql::MysqlRelease;
use crate::{DatagramReply, DefaultPorts, Identity, Limits, Trap};

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
    let release = MysqlRelease::ALL[usize::from(bytes.first().copied().unwrap_or(0)) % 3];
    let identity = Identity::draw([7; 32]).with_mysql_release(release);
    let stranger = Stranger::at(&TRAP, identity);
    stranger.visits(&TRAP, bytes);
    let mut packets = wire::Packets::after(0);
    let application = stranger.identity.application();
    packets.put(&handshake::clear_response(&application.account()));
    let statement = &bytes[..bytes.len().min(wire::LONGEST - 1)];
    for command in [3, 0x16] {
        packets.put(&[&[command][..], statement].concat());
    }
    packets.put(&[&[0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0][..], statement].concat());
    stranger.visits(&TRAP, &packets.bytes);
    let _ = prepared::without_attributes(bytes);
}
