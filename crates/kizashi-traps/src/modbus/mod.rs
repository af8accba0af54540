//! `modbus`: a Schneider Electric Modicon M221 controller (TM221CE) with its Modbus TCP server, of which one model and firmware are drawn. Messages are
//! those of the Modbus Application Protocol 1.1b3 and of Messaging on TCP/IP 1.0b. See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "modbus",
    service: Service::known("modbus"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(502)], unprivileged: &[Port::tcp(10_502)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
