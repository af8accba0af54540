//! `ftp`: vsftpd 3.0.3 of Debian 12, for whom the machine behind the logins is the disk (RFC 959, 2428, 3659). Texts and order are those of the real server, asked line by
//! line; its TLS (RFC 4217) is asked for by AUTH, or is there from the first byte on. Data comes and goes through the ports of the trap `ftpdata` (`channel.rs`); a visitor's own address is never connected to. See `doc.md`.

mod channel;
mod disk;
mod inside;
mod listing;
mod session;
mod transfer;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub(crate) use channel::{Channel, Channels};

use crate::{DatagramReply, DefaultPorts, Limits, Trap, framed};

/// Both connections are of one service.
pub(crate) const SERVICE: Service = Service::known("ftp");

/// Inside TLS from the first byte on, also as the unprivileged house has it.
const WRAPPED: [u16; 2] = [990, 10_990];

pub(crate) const TRAP: Trap = Trap {
    name: "ftp",
    service: SERVICE,
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(21), Port::tcp(990)],
        unprivileged: &[Port::tcp(2121), Port::tcp(10_990)],
    },
    limits: Limits {
        duration: Duration::from_secs(1_800),
        idle: Duration::from_secs(120),
        // The machine behind the login.
        memory: 320 * 1024,
        details: 4_096,
        // What is inside TLS comes with what it is wrapped in.
        reply: 176 * 1024,
        ..framed::LIMITS
    },
    datagrams: DatagramReply::Never,
    actions: &["command", "forward", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
