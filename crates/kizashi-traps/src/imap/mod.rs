//! `imap`: Dovecot 2.3.19.1 of Debian 12 on 143 and inside TLS on 993 (RFC 3501, 4959, 2177). What it has in common with `pop3` is in `mailbox`. See `doc.md`.

mod fetch;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, mailbox};

/// Inside TLS from the first byte on, also as the unprivileged house has it.
const WRAPPED: [u16; 2] = [993, 10_993];

pub(crate) const TRAP: Trap = Trap {
    name: "imap",
    service: mailbox::IMAP,
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(143), Port::tcp(993)],
        unprivileged: &[Port::tcp(10_143), Port::tcp(10_993)],
    },
    limits: mailbox::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["command", "login", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
