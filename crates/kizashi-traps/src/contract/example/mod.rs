//! `example`: NAME THE PRODUCT, ITS VERSION AND THE SOURCE (RFC, CVE, measured server). Who comes and what the next stage of each
//! known attack wants to hear is in `doc.md`.

mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "example",
    service: Service::known("example"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(4999)], unprivileged: &[Port::tcp(4999)] },
    limits: Limits {
        received: 1024 * 1024,
        duration: Duration::from_secs(300),
        idle: Duration::from_secs(60),
        memory: 16 * 1024,
        details: 1024,
        reply: 72 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["command", "login"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut lines = wire::Lines::default();
    for byte in bytes {
        if let Some(line) = lines.feed(*byte) {
            let _ = wire::Request::of(&line);
        }
    }
}
