//! `dicom`: an Orthanc 1.10.1 of Debian 12 (DCMTK 3.6.7) that takes associations from anybody, on 104 and 11112: PS3.8 for the upper layer, PS3.7 for the messages of echo,
//! find, store, move and get. It has no patient. See `doc.md`.

mod message;
mod session;
mod upper;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "dicom",
    service: Service::known("dicom"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(104), Port::tcp(11_112)],
        unprivileged: &[Port::tcp(11_112)],
    },
    limits: Limits { received: 32 * 1024 * 1024, ..framed::LIMITS },
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "forward", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
