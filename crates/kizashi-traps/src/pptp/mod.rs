//! `pptp`: PoPToP's pptpd on Linux, on port 1723: the control connection of RFC 2637. The tunnel itself would be GRE, which nothing here speaks. See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "pptp",
    service: Service::known("pptp"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(1723)], unprivileged: &[Port::tcp(1723)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["client", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
