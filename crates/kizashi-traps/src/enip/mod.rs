//! `enip`: an Allen-Bradley MicroLogix 1400 (1766-L32BXB) with its EtherNet/IP port 44818, over TCP alone: what a controller says of itself is longer than what asks
//! for it, so nothing is answered over UDP. Messages are those of the CIP Networks Library, volumes 1 and 2, as nmap's `enip-info` and Wireshark read them. See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "enip",
    service: Service::known("ethernet-ip"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(44_818)], unprivileged: &[Port::tcp(44_818)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
