//! What a trap is: a name, the ports it stands on, limits, and a constructor of sessions. A session is protocol logic alone:
//! it is given bytes and the time and answers into an [`Output`]. It never sees a socket, a clock, a file or another
//! session, which is why a dialogue can be replayed byte by byte and fuzzed without a network.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Port, Service, Timestamp, Transport};

use crate::{Identity, Output};

/// Bytes given to a session in one call, at most.
pub(crate) const PIECE: usize = 8 * 1024;

/// One visit, from its first byte to its last, as the protocol sees it.
///
/// The caller promises: `open` once and first; then `receive` and at most one `idle`; `end` once and last. After
/// [`Output::close`] it may still call `receive` with what the visitor sends while the connection lingers. When
/// [`Output::wants_turn`] it calls `receive` again with no bytes after the replies have left.
pub trait Session: Send {
    /// The connection is made; a protocol in which the server speaks first greets here.
    fn open(&mut self, _now: Timestamp, _out: &mut Output) {}

    /// The visitor sent these bytes, 8 KiB at most at once; for a datagram trap they are one datagram, up to 64 KiB. The same bytes cut differently must give the same replies and details.
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output);

    /// The visitor was silent for too long; the connection is closed after this.
    fn idle(&mut self, _now: Timestamp, _out: &mut Output) {}

    /// Nothing more will come: the visitor closed, a limit was reached, or the house stops. What was half received is told now.
    fn end(&mut self, now: Timestamp, out: &mut Output);

    /// Bytes of the visitor's that are held at this moment, for the bound in [`Limits::memory`].
    fn memory(&self) -> usize;
}

/// Who comes and to where, as far as a protocol may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The visitor's address.
    pub source: IpAddr,
    /// The address visited, where known.
    pub destination: Option<IpAddr>,
    /// The port visited.
    pub port: Port,
    /// He speaks inside TLS.
    pub encrypted: bool,
}

/// What one session may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes taken from the visitor; the session ends when they are used up.
    pub received: u64,
    /// Length of the session.
    pub duration: Duration,
    /// Silence of the visitor, and the time for a reply to leave. A session may ask for less ([`Output::patience`]).
    pub idle: Duration,
    /// Bytes of the visitor's held at once.
    pub memory: usize,
    /// Details told; the session ends when there are more.
    pub details: u32,
    /// Bytes of reply waiting to leave at once.
    pub reply: usize,
}

/// Where a trap stands when the owner names no ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultPorts {
    /// When ports below 1024 may be bound.
    pub privileged: &'static [Port],
    /// When they may not.
    pub unprivileged: &'static [Port],
}

/// Whether datagrams are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramReply {
    /// Never: the house drops whatever the session replies.
    Never,
    /// By the house's rule (`serve/replies.rs`): with at most as many bytes as the datagram had, and a few times a minute, so that a
    /// forged source address gains nothing. Other replies are dropped.
    NoLargerThanRequest,
}

/// A decoy service.
#[derive(Clone, Debug)]
pub struct Trap {
    /// Its name in the configuration, and the name of its folder.
    pub name: &'static str,
    /// What its events are called until the session recognises something better.
    pub service: Service,
    /// What it can stand on.
    pub transports: &'static [Transport],
    /// Where it stands by default.
    pub ports: DefaultPorts,
    /// What one session may cost.
    pub limits: Limits,
    /// Whether datagrams are answered.
    pub datagrams: DatagramReply,
    /// The actions ([`kizashi_event::Detail::action`]) that its sessions may tell, besides connect and close.
    pub actions: &'static [&'static str],
    /// Its page of documentation.
    pub doc: &'static str,
    /// Begins a session.
    pub begin: fn(&Arc<Identity>, Visit) -> Box<dyn Session>,
}
