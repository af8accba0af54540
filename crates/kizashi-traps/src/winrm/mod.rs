//! `winrm`: Windows Remote Management on the pretended Windows machine, over HTTP and over TLS: who he is by NTLM or, as many switch on for Ansible, by
//! Basic; then shells of cmd.exe and of PowerShell, sealed by NTLM's keys where the client seals. Sources: [MS-WSMV], [MS-PSRP], DSP0226. See `doc.md`.

mod http;
mod psrp;
mod sealed;
mod session;
mod shell;
mod soap;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "winrm",
    service: Service::known("wsman"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(5985), Port::tcp(5986)],
        unprivileged: &[Port::tcp(5985), Port::tcp(5986)],
    },
    limits: Limits {
        received: 16 * 1024 * 1024,
        duration: Duration::from_secs(1_800),
        idle: Duration::from_secs(120),
        // An envelope, a message of PowerShell's, and what two commands printed.
        memory: 320 * 1024,
        details: 2_048,
        reply: 192 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "login", "note", "payload", "request"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::winrm_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut reader = http::Reader::default();
    for piece in bytes.chunks(11) {
        reader.push(piece);
        while let http::Incoming::Request(request) = reader.next(true) {
            let _ = sealed::opened(&request.body);
        }
    }
    let _ = sealed::opened(bytes);
    let message = soap::Message::read(&String::from_utf8_lossy(bytes));
    let _ = message.whole_line();
    for message in psrp::Fragments::default().push(bytes) {
        let _ = (message.script(), message.input(), message.waits_for_input());
    }
}
