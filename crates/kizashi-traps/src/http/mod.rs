//! `http`: a web server fresh from its package, which has nothing but its default page and records every request whole. It
//! imitates nginx 1.22.1 (Debian 12), nginx 1.18.0 (Ubuntu 20.04), Apache httpd 2.4.62 (Debian 12) or 2.4.58 (Ubuntu 24.04), as the
//! identity says, down to the order of header fields and to what each refuses. It never opens a file, runs anything, fetches
//! anything or speaks for another host. See `doc.md`.

pub(crate) mod answer;
mod application;
mod basic;
pub(crate) mod body;
mod date;
mod dropped;
pub(crate) mod exchange;
mod form;
pub(crate) mod grammar;
mod kept;
mod path;
mod persona;
pub(crate) mod responder;
pub(crate) mod rules;
pub(crate) mod run;
mod script;
mod server;
mod session;
mod sites;
mod smuggling;
mod styled;
mod upgrade;
pub(crate) mod websocket;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub(crate) use application::{Account, Application, application_files};
pub(crate) use basic::decode_base64;
pub(crate) use date::http_date;
pub(crate) use grammar::Grammar;
pub(crate) use kept::KeptFiles;
pub(crate) use persona::Persona;
pub(crate) use rules::{MachineKind, base64, decode, find, fuzz as fuzz_rules};
pub use rules::{RuleProblem, WebRules};
pub(crate) use session::HttpSession;
pub use sites::{DEFAULT_SITE, WebSites, WebSitesError};
pub(crate) use sites::{Site, Trail, VisitorsContainers, fuzz_program};
pub(crate) use wire::is_lossy;

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

/// HTTP's service.
pub(crate) const SERVICE: Service = Service::known("http");

pub(crate) const TRAP: Trap = Trap {
    name: "http",
    service: SERVICE,
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: PRIVILEGED, unprivileged: UNPRIVILEGED },
    limits: LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["request", "login", "payload", "command", "note"],
    doc: include_str!("doc.md"),
    begin: |identity, visit| Box::new(HttpSession::new(identity, visit)),
};

/// Where web servers and the interfaces of products stand that botnets ask for; which of them answers at each is drawn (`sites`).
const PRIVILEGED: &[Port] = &[
    Port::tcp(80),
    Port::tcp(81),
    Port::tcp(2375),
    Port::tcp(3000),
    Port::tcp(5000),
    Port::tcp(5601),
    Port::tcp(5984),
    Port::tcp(7001),
    Port::tcp(7547),
    Port::tcp(8000),
    Port::tcp(8080),
    Port::tcp(8081),
    Port::tcp(8086),
    Port::tcp(8088),
    Port::tcp(8123),
    Port::tcp(8161),
    Port::tcp(8888),
    Port::tcp(8983),
    Port::tcp(9090),
    Port::tcp(11_434),
    Port::tcp(37_215),
    Port::tcp(52_869),
];

/// Those of them from 1024 on, which stand behind 80 and 81.
const UNPRIVILEGED: &[Port] = PRIVILEGED.split_at(2).1;

/// A head of 32 KiB and its fields, a body's kept 64 KiB, and what was read beyond; or the machine in which a command runs.
pub(crate) const LIMITS: Limits = Limits {
    received: 4 * 1024 * 1024,
    duration: Duration::from_secs(180),
    idle: Duration::from_secs(30),
    memory: 320 * 1024,
    details: 4096,
    reply: 96 * 1024,
};

/// See [`crate::fuzz::http_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    use body::BodyReader;
    use grammar::{Framing, Grammar};
    for grammar in [Grammar::Nginx, Grammar::Apache, Grammar::Netty] {
        let mut reader = wire::HeadReader::new(grammar);
        reader.push(bytes);
        while let wire::Progress::Head(head) = reader.advance() {
            let _ = path::normalise(grammar, &head.target);
        }
        let _ = reader.give_up();
    }
    for framing in [Framing::Chunked, Framing::Length(bytes.len() as u64 / 2)] {
        let mut reader = BodyReader::new(framing);
        let _ = reader.feed(bytes);
        let _ = reader.finish();
    }
    let _ = basic::login(&String::from_utf8_lossy(bytes));
}
