//! `redis`: a server of Redis that somebody left open to the network, of the release that the pretended system's package brings (5.0.7,
//! 6.0.16 or 7.0.15), with an application's sessions and counters in it. What a visitor writes and deletes he finds written and deleted, in a
//! copy of his own; files that he would have saved are kept, and commands of modules and scripts run on the machine behind the logins,
//! which runs nothing. See `doc.md`.

mod commands;
mod config;
mod connection;
mod dump;
mod info;
mod lua;
mod release;
mod replication;
mod reply;
mod script;
mod scripting;
mod server;
mod session;
mod store;
mod table;
mod value;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

pub use release::Release as RedisRelease;
pub(crate) use store::{Installed, is_ransom};

use crate::fuzz::Stranger;
use crate::{DatagramReply, DefaultPorts, Identity, Limits, Trap};

pub(crate) const TRAP: Trap = Trap {
    name: "redis",
    service: Service::known("redis"),
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(6379)], unprivileged: &[Port::tcp(6379)] },
    limits: Limits {
        received: 16 * 1024 * 1024,
        duration: Duration::from_secs(900),
        idle: Duration::from_secs(120),
        memory: 320 * 1024,
        details: 4096,
        reply: 160 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["command", "login", "payload", "forward", "note"],
    doc: include_str!("doc.md"),
    begin: |identity, visit| Box::new(session::RedisSession::new(identity, visit)),
};

/// See [`crate::fuzz::redis`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let choice = usize::from(bytes.first().copied().unwrap_or(0));
    let release = RedisRelease::ALL[choice % RedisRelease::ALL.len()];
    let identity = Identity::draw([7; 32]).with_redis_release(release);
    // Each line is a command, its words between spaces or in quotes, sent as an array: what is changed is a command and not its frame.
    let mut requests = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').take(40) {
        let Some(words) = wire::split_words(line) else { continue };
        requests.extend(format!("*{}\r\n", words.len()).into_bytes());
        for word in &words {
            requests.extend(format!("${}\r\n", word.len()).into_bytes());
            requests.extend_from_slice(word);
            requests.extend_from_slice(b"\r\n");
        }
    }
    Stranger::at(&TRAP, identity).visits(&TRAP, &requests);
    let _ = lua::run(bytes, &[], &[], &mut |_| reply::Reply::Nil);
    let _ = (lua::shell_command(bytes, &[], &[]), lua::missing_global(bytes));
}
