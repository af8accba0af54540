//! `rsync`: rsync 3.2.3 as a daemon, as a disk station or Debian 11 has it, on port 873 (protocol 31, "rsyncd" of its sources). Modules are drawn; some ask for a password.
//! See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "rsync",
    service: Service::known("rsync"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(873)], unprivileged: &[Port::tcp(10_873)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
