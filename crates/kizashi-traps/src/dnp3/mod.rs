//! `dnp3`: a recloser control SEL-651R-2 of Schweitzer Engineering Laboratories as a DNP3 outstation on port 20000 (IEEE 1815-2012, over TCP). Its address, points and
//! serial number are drawn. See `doc.md`.

mod link;
mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "dnp3",
    service: Service::known("dnp3"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(20_000)], unprivileged: &[Port::tcp(20_000)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
