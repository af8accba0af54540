//! `mqtt`: mosquitto 2.0.11 of Debian 12 on port 1883 (MQTT 3.1, 3.1.1 and 5), which lets everybody in on half of the installations and asks for a password on the other half.
//! Answers are those of the real broker. See `doc.md`.

mod session;
mod wire;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "mqtt",
    service: Service::known("mqtt"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(1883)], unprivileged: &[Port::tcp(1883)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["client", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
