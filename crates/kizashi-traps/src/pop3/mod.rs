//! `pop3`: Dovecot 2.3.19.1 of Debian 12 on 110 and inside TLS on 995 (RFC 1939, 2449, 2595, 5034). What it has in common with `imap` is in `mailbox`. See `doc.md`.

mod session;

#[cfg(test)]
mod tests;

use kizashi_event::{Port, Transport};

use crate::{DatagramReply, DefaultPorts, Trap, mailbox};

/// Inside TLS from the first byte on, also as the unprivileged house has it.
const WRAPPED: [u16; 2] = [995, 10_995];

pub(crate) const TRAP: Trap = Trap {
    name: "pop3",
    service: mailbox::POP3,
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(110), Port::tcp(995)],
        unprivileged: &[Port::tcp(10_110), Port::tcp(10_995)],
    },
    limits: mailbox::LIMITS,
    datagrams: DatagramReply::Never,
    actions: &["command", "login", "payload"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};
