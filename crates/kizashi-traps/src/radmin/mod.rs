//! `radmin`: Famatech Radmin Server 2.x with its own password, on Windows. Port 4899 was the second busiest of the talk's sensor. The messages are
//! those that nmap's service probe and THC hydra's `radmin2` exchange with real servers. See `doc.md`.

mod password;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "radmin",
    service: Service::known("radmin"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(4899)], unprivileged: &[Port::tcp(4899)] },
    limits: Limits {
        received: 1024 * 1024,
        duration: Duration::from_secs(600),
        idle: Duration::from_secs(60),
        memory: 80 * 1024,
        details: 1024,
        reply: 72 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::radmin_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut reader = wire::Reader::default();
    for byte in bytes {
        if matches!(reader.feed(*byte), wire::Read::Foreign(_)) {
            return;
        }
    }
}
