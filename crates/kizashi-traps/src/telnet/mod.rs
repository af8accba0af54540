//! `telnet`: a router, a camera or a server with Telnet open and a weak password. It negotiates as its server does, asks for
//! name and password as its `login` does, and behind them stands the machine (`crate::machine`), on which the loaders of Mirai,
//! Gafgyt and their kin come to their last stage, so that what they drop is kept. See `doc.md`.

mod negotiation;
mod persona;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};

pub use persona::TelnetFace;

pub(crate) const TRAP: Trap = Trap {
    name: "telnet",
    service: Service::known("telnet"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        privileged: &[Port::tcp(23), Port::tcp(2223), Port::tcp(2323)],
        unprivileged: &[Port::tcp(2223), Port::tcp(2323)],
    },
    limits: Limits {
        received: 16 * 1024 * 1024,
        duration: Duration::from_secs(1800),
        idle: Duration::from_secs(120),
        memory: 320 * 1024,
        details: 4096,
        reply: 160 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["login", "command", "payload", "note", "recording"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::telnet_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut parser = wire::Parser::default();
    let [mut keyboard, mut edited] = [(); 2].map(|()| crate::terminal::Keyboard::default());
    for byte in bytes {
        if let Some(wire::Token::Data(byte)) = parser.feed(*byte) {
            let mode = crate::terminal::Discipline::default();
            let _ = keyboard.press(byte, mode, &mut Vec::new());
            let edits = Some(crate::terminal::Manner { brackets: true });
            let mode = crate::terminal::Discipline { prompting: true, edits, ..mode };
            let _ = edited.press(byte, mode, &mut Vec::new());
        }
    }
}
