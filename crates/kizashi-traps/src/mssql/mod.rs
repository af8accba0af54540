//! `mssql`: Microsoft SQL Server (2014, 2017 or 2019, by the Windows that it stands on) with an account `sa` that has a weak password. It leads
//! through what bots do after that: options switched on, xp_cmdshell, OLE objects, assemblies, jobs. Commands run on the pretended Windows
//! machine. Protocol: [MS-TDS]. See `doc.md`.

mod answer;
mod batch;
mod calls;
mod catalog;
mod language;
mod login;
mod objects;
mod procedures;
mod query;
mod session;
mod wire;
mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::fuzz::Stranger;
use crate::{DatagramReply, DefaultPorts, Identity, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "mssql",
    service: Service::known("mssql"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(1433)], unprivileged: &[Port::tcp(1433)] },
    limits: Limits {
        received: 32 * 1024 * 1024,
        duration: Duration::from_secs(1_800),
        idle: Duration::from_secs(120),
        memory: 320 * 1024,
        details: 4_096,
        reply: 400 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "forward", "login", "note", "payload"],
    doc: include_str!("doc.md"),
    begin: |identity, visit| Box::new(session::SqlServerSession::new(identity, visit)),
};

/// See [`crate::fuzz::mssql`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let stranger = Stranger::at(&TRAP, Identity::draw([7; 32]));
    stranger.visits(&TRAP, bytes);
    let login = [wire::packet(wire::LOGIN, bytes), wire::packet(wire::BATCH, bytes)].concat();
    stranger.visits(&TRAP, &login);
    let application = stranger.identity.application();
    let account = application.account();
    let text = String::from_utf8_lossy(bytes);
    for seen in [wire::BATCH, wire::RPC] {
        let mut dialogue = login::request(&account.name, account.password);
        let content = if seen == wire::BATCH { wire::headed(&text) } else { bytes.to_vec() };
        dialogue.extend(wire::packet(seen, &content));
        stranger.visits(&TRAP, &dialogue);
    }
}
