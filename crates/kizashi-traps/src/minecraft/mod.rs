//! `minecraft`: a Java Edition server with a whitelist and without Mojang's logins, on port 25565, of which version and message are drawn (protocol 762 to 765, the wiki.vg
//! documentation). The first server to be attacked by Log4Shell. See `doc.md`.

mod session;
mod wire;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, framed};

pub(crate) const TRAP: Trap = Trap {
    name: "minecraft",
    service: Service::known("minecraft"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(25_565)], unprivileged: &[Port::tcp(25_565)] },
    limits: framed::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
