//! `tftp`: a TFTP server that takes what is written to it (RFC 1350; options of RFC 2347 to 2349) and has no file that is asked for, as
//! tftpd-hpa answers with `--create` and an empty folder. A block is acknowledged with four bytes. See `doc.md`.

mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "tftp",
    service: Service::known("tftp"),
    transports: &[Transport::Udp],
    ports: DefaultPorts {
        privileged: &[Port::udp(69), Port::udp(1069)],
        unprivileged: &[Port::udp(1069)],
    },
    limits: Limits {
        received: 16 * 1024 * 1024,
        // Five blocks a minute, for that is how many are acknowledged.
        duration: Duration::from_secs(3600),
        idle: Duration::from_secs(30),
        memory: 72 * 1024,
        details: 512,
        reply: 2 * 1024,
    },
    datagrams: DatagramReply::NoLargerThanRequest,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::datagrams`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = wire::Packet::read(bytes);
}
