//! `x11`: an X.Org server 21.1.7 of Debian 12 on port 6000, which on half of the installations lets everybody in (`xhost +`) and on the other half refuses (X Window System Protocol,
//! version 11). Who is in finds a screen of which nothing can be seen. See `doc.md`.

mod session;
mod setup;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "x11",
    service: Service::known("x11"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(6000)], unprivileged: &[Port::tcp(6000)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
