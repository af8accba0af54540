//! `elasticsearch`: one node of a search cluster that somebody left open, of one release, with a few indices of a small company. It
//! imitates 1.4.2, 5.6.16, 6.8.23 or 7.17.9, as the identity says. What a visitor writes and deletes he finds written and deleted, in a copy
//! of his own; what his scripts start runs on the machine behind the logins, which runs nothing. See `doc.md`.

mod answer;
mod call;
mod class;
mod cluster;
mod copy;
mod json;
mod query;
mod release;
pub(crate) mod script;
mod session;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub(crate) use copy::Installed;
pub use release::Release as ElasticsearchRelease;

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "elasticsearch",
    service: Service::known("elasticsearch"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(9200), Port::tcp(9201)],
        unprivileged: &[Port::tcp(9200), Port::tcp(9201)],
    },
    limits: Limits {
        received: 16 * 1024 * 1024,
        duration: Duration::from_secs(600),
        idle: Duration::from_secs(60),
        memory: 320 * 1024,
        details: 4096,
        reply: 160 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["request", "login", "command", "payload", "note"],
    doc: include_str!("doc.md"),
    begin: |identity, visit| Box::new(session::ElasticsearchSession::new(identity, visit)),
};

/// See [`crate::fuzz::elasticsearch`].
pub(crate) fn fuzz(bytes: &[u8]) {
    use std::sync::Arc;

    use kizashi_event::Timestamp;

    use crate::{Identity, Output, Visit};

    let release = ElasticsearchRelease::ALL
        [usize::from(bytes.first().copied().unwrap_or(0)) % ElasticsearchRelease::ALL.len()];
    let identity = Arc::new(Identity::draw([7; 32]).with_elasticsearch_release(release));
    let now = Timestamp::from_seconds(1_800_000_000);
    let visit = Visit {
        source: std::net::Ipv4Addr::LOCALHOST.into(),
        destination: None,
        port: Port::tcp(9200),
        encrypted: false,
    };
    // Lines by turns: a target with its method, then a body, so that what is changed is a query and not the frame around it.
    let mut lines = bytes.splitn(12, |byte| *byte == 0);
    let mut session = (TRAP.begin)(&identity, visit);
    let mut out = Output::new(TRAP.service);
    while let (Some(line), Some(body)) = (lines.next(), lines.next()) {
        let mut request = line.to_vec();
        request.extend(
            format!(
                " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )
            .into_bytes(),
        );
        request.extend_from_slice(body);
        session.receive(&request, now, &mut out);
        for _ in 0..200 {
            let _ = (out.take_reply(), out.take_seen());
            if !out.wants_turn() {
                break;
            }
            session.receive(&[], now, &mut out);
        }
    }
    session.end(now, &mut out);
    let _ = script::wish(&String::from_utf8_lossy(bytes));
}
