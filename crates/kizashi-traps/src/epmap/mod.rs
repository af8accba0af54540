//! `epmap`: the endpoint mapper of Windows Server on TCP 135, with the resolver of DCOM's objects beside it (`rpc/` speaks for both). See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "epmap",
    service: Service::known("epmap"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(135)], unprivileged: &[Port::tcp(1135)] },
    limits: Limits {
        received: 4 * 1024 * 1024,
        duration: Duration::from_secs(600),
        idle: Duration::from_secs(60),
        memory: 160 * 1024,
        details: 512,
        reply: 128 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
