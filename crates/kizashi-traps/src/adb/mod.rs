//! `adb`: the debugging daemon of a television box with Android 4.4 to 8.1 (AOSP's `adb/protocol.txt` and `SYNC.TXT`, version 0x01000000), open to the
//! network and running as root, as its maker left it; one model asks for a key. Commands run on a machine of that kind behind it; what is pushed is kept. See `doc.md`.

mod key;
mod session;
mod shell;
mod stream;
mod sync;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kizashi_event::{Port, Service, Transport};

use crate::fuzz::Stranger;
use crate::{DatagramReply, DefaultPorts, Identity, Limits, Trap};

const SERVICE: Service = Service::known("adb");

pub(crate) const TRAP: Trap = Trap {
    name: "adb",
    service: SERVICE,
    transports: &[Transport::Tcp],
    ports: DefaultPorts { privileged: &[Port::tcp(5555)], unprivileged: &[Port::tcp(5555)] },
    limits: Limits {
        received: 64 * 1024 * 1024,
        duration: Duration::from_secs(1_800),
        idle: Duration::from_secs(120),
        // A message of 256 KiB and little that waits beside it.
        memory: 320 * 1024,
        details: 4096,
        reply: 144 * 1024,
    },
    datagrams: DatagramReply::Never,
    actions: &["client", "command", "forward", "login", "note", "payload", "request"],
    doc: include_str!("doc.md"),
    begin: session::begin,
};

/// See [`crate::fuzz::adb`].
pub(crate) fn fuzz(bytes: &[u8]) {
    // The last byte chooses the box, and so whether it wants a key.
    let seed = bytes.last().copied().unwrap_or(7);
    let stranger = Stranger::at(&TRAP, Identity::draw([seed; 32]));
    stranger.visits(&TRAP, bytes);
    // The same bytes as requests of a stream of files.
    let begin = wire::message(wire::CONNECT, 0x0100_0000, 4_096, b"host::\0");
    let open = wire::message(wire::OPEN, 7, 0, b"sync:\0");
    let content = &bytes[..bytes.len().min(wire::LONGEST)];
    let request = [begin, open, wire::message(wire::WRITE, 7, 1, content)].concat();
    stranger.visits(&TRAP, &request);
}
