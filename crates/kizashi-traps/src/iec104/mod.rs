//! `iec104`: a Siemens SICAM A8000 (CP-8050) substation controller as a controlled station of IEC 60870-5-104 edition 2 on port 2404, whose points and common address
//! are drawn. The protocol has no words in which a station names itself. See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "iec104",
    service: Service::known("iec-104"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(2404)], unprivileged: &[Port::tcp(2404)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
