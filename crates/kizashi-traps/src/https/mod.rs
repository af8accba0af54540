//! `https`: the web server of this installation behind TLS. Which versions, suites and alerts it shows is the named product's
//! (`src/tls/profile.rs`); what is inside is the `http` trap's. See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub(crate) use session::product;

use crate::{DatagramReply, DefaultPorts, Limits, Trap, http};

pub(crate) const TRAP: Trap = Trap {
    name: "https",
    service: Service::known("tls"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[
            Port::tcp(443),
            Port::tcp(6443),
            Port::tcp(8443),
            Port::tcp(10_250),
            Port::tcp(10_443),
        ],
        unprivileged: &[
            Port::tcp(4443),
            Port::tcp(6443),
            Port::tcp(8443),
            Port::tcp(10_250),
            Port::tcp(10_443),
        ],
    },
    limits: Limits {
        idle: Duration::from_secs(60),
        // What the web server has to say at once, and as much again that waits sealed.
        reply: 176 * 1024,
        ..http::LIMITS
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "note", "request", "login", "payload", "command"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
