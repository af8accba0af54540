//! `hl7`: a Mirth Connect 3.12 with a listener for HL7 version 2 over MLLP on port 2575, which acknowledges whatever message it is sent. See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "hl7",
    service: Service::known("hl7"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(2575)], unprivileged: &[Port::tcp(2575)] },
    limits: Limits { received: 4 * 1024 * 1024, ..framed::LIMITS },
    datagrams: DatagramReply::Never,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
