//! `wins`: the replication of Windows Server's name service on TCP 42 (MS-WINSRA). Who comes sends an association and then CVE-2004-1080's overflow,
//! which is kept. See `doc.md`.

mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "wins",
    service: Service::known("wins"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(42)], unprivileged: &[Port::tcp(1042)] },
    limits: Limits {
        received: 1024 * 1024,
        duration: Duration::from_secs(600),
        idle: Duration::from_secs(60),
        memory: 160 * 1024,
        details: 256,
        reply: 72 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

pub(crate) use wire::fuzz;
