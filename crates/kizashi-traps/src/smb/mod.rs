//! `smb`: file sharing of Windows Server on TCP 445 and 139, from SMB1 to 3.1.1 as the drawn release has it, with the interfaces behind its pipes
//! (`rpc/`). Worms of MS17-010 are led to their payload, guessers of passwords to shares and services. See `doc.md`.

mod bytes;
mod disk;
mod encryption;
mod frame;
mod info;
mod opening;
mod remote;
mod server;
mod session;
mod signing;
mod status;
mod v1;
mod v2;

#[cfg(test)]
mod client;
#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub(crate) use disk::Installed;

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

const SERVICE: Service = Service::known("smb");

pub(crate) const TRAP: Trap = Trap {
    name: "smb",
    service: SERVICE,
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(445), Port::tcp(139)],
        unprivileged: &[Port::tcp(1445), Port::tcp(1139)],
    },
    limits: Limits {
        received: 32 * 1024 * 1024,
        duration: Duration::from_secs(1_800),
        idle: Duration::from_secs(120),
        memory: 320 * 1024,
        details: 2_048,
        reply: 160 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["command", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

pub(crate) use session::fuzz;
