//! `ftpdata`: the ports to which passive data connections of the trap `ftp` come. A connection that no transfer expects is nobody's: it is kept and not answered. See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap, framed, ftp};

/// As many as one visitor may have transfers under way, as an owner would set `pasv_min_port` and `pasv_max_port`.
const PORTS: &[Port] = &[
    Port::tcp(50_000),
    Port::tcp(50_001),
    Port::tcp(50_002),
    Port::tcp(50_003),
    Port::tcp(50_004),
    Port::tcp(50_005),
    Port::tcp(50_006),
    Port::tcp(50_007),
];

pub(crate) const TRAP: Trap = Trap {
    name: "ftpdata",
    service: ftp::SERVICE,
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: PORTS, unprivileged: PORTS },
    limits: Limits {
        received: 32 * 1024 * 1024,
        duration: Duration::from_secs(900),
        memory: 224 * 1024,
        ..framed::LIMITS
    },
    datagrams: DatagramReply::Never,
    actions: &["payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
