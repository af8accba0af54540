//! `printer`: an HP LaserJet with its raw port 9100, on which print jobs and lines of PJL arrive (HP's "Printer Job Language Technical Reference Manual", 2003). The model
//! is drawn. See `doc.md`.

mod files;
mod pjl;
mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Identity, Limits, Trap, framed};

/// The printer that this installation has.
pub(crate) fn model(identity: &Identity) -> &'static str {
    session::model(identity)
}

pub(crate) const TRAP: Trap = Trap {
    name: "printer",
    service: Service::known("printer"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(9100)], unprivileged: &[Port::tcp(9100)] },
    limits: Limits { received: 16 * 1024 * 1024, ..framed::LIMITS },
    datagrams: DatagramReply::Never,
    actions: &["command", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
