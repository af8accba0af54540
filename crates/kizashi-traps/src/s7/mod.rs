//! `s7`: a Siemens SIMATIC S7-300 with CPU 315-2 PN/DP (6ES7 315-2EH14-0AB0, firmware 3.2.6) on port 102: ISO transport (RFC 1006 and 905) and S7 communication as
//! nmap's `s7-info`, snap7 and Wireshark's dissector know it; there is no public specification. See `doc.md`.

mod session;
mod szl;
mod wire;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "s7",
    service: Service::known("s7"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(102)], unprivileged: &[Port::tcp(10_102)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
