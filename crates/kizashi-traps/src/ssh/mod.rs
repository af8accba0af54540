//! `ssh`: the server's own OpenSSH with a weak password. An SSH-2 server of our own, because a trap has no socket and no clock, is
//! replayed byte by byte, and must send what one named release sends: its lists in their order, its errors, its order of messages.
//! Libraries differ from OpenSSH in all of these, which is how honeypots are found. See `doc.md`.

mod cipher;
mod compression;
mod connection;
mod exchange;
mod hash;
mod hostkey;
mod identification;
mod kexinit;
mod mac;
mod packet;
mod persona;
mod program;
mod session;
mod signature;
mod transfer;
mod transport;
mod umac;
mod userauth;
mod wire;

#[cfg(test)]
mod client;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::{DatagramReply, DefaultPorts, Limits, Trap};
pub(crate) use hostkey::HostKeys;
pub use hostkey::{RsaHostKey, RsaKeyError};

pub(crate) const TRAP: Trap = Trap {
    name: "ssh",
    service: Service::known("ssh"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts {
        // Port 22 is the owner's own way in until he gives it away by name (`install/lockout.rs`).
        privileged: &[Port::tcp(2222)],
        unprivileged: &[Port::tcp(2222)],
    },
    limits: Limits {
        received: 64 * 1024 * 1024,
        duration: Duration::from_secs(3600),
        idle: Duration::from_secs(120),
        memory: 320 * 1024,
        details: 4096,
        reply: 256 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "login", "command", "payload", "note", "recording", "forward"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

fn machine_for_fuzzing(now: kizashi_event::Timestamp) -> crate::machine::Machine {
    use crate::machine::{Machine, Persona, Visitor};
    let identity = std::sync::Arc::new(crate::Identity::draw([7; 32]));
    let visitor = Visitor {
        user: b"root".to_vec(),
        source: std::net::Ipv4Addr::new(192, 0, 2, 7).into(),
        destination: None,
        service: "sshd",
    };
    Machine::new(&identity, Persona::Server, visitor, now)
}

/// See [`crate::fuzz::ssh_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut incoming = packet::Incoming::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        match incoming.next(&mut rest) {
            Ok(Some(payload)) => {
                let _ = kexinit::KexInit::read(&payload).map(|offer| offer.hassh());
            }
            Ok(None) => {}
            Err(_) => break,
        }
    }
    let _ = kexinit::KexInit::read(bytes).map(|offer| (offer.hassh(), offer.shown()));
    let mut identification = identification::Identification::default();
    for byte in bytes {
        let _ = identification.feed(*byte);
    }
    let _ = compression::Inflater::new().inflate(bytes);
    transfer::fuzz(bytes);
    let mut parts = wire::Reader::new(bytes);
    let mut part = || parts.string().unwrap_or_default();
    let [algorithm, key, signed] = [(); 3].map(|()| part());
    let _ = signature::fits(algorithm, key, true);
    let _ = signature::verifies(algorithm, key, signed, bytes);
    crate::login::keys::fuzz(bytes);
}
