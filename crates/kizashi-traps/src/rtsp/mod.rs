//! `rtsp`: a video recorder of Hikvision on port 554, as nmap knows its answers, which asks for a digest or a password before it describes a stream (RFC 2326, 2617). See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "rtsp",
    service: Service::known("rtsp"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(554), Port::tcp(8554)],
        unprivileged: &[Port::tcp(8554)],
    },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["client", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
