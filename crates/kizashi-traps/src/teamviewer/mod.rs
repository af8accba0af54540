//! `teamviewer`: the port 5938 of TeamViewer, as nmap knows the first packet of one that waits for connections from the local network. There is no public specification: after
//! its greeting the trap listens. See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "teamviewer",
    service: Service::known("teamviewer"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(5938)], unprivileged: &[Port::tcp(5938)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
