//! Where a control connection and the data connection of a transfer meet. The one expects a connection from its visitor's address at a port of `ftpdata`; the other, once it
//! has come, carries bytes. Both look here from time to time: neither may wake the other. Every table and queue has a bound.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Connections that are expected at once, of all visitors; the oldest is forgotten.
const MOST_EXPECTED: usize = 1_024;
/// Ports that are offered.
const MOST_PORTS: usize = 1_024;
/// Bytes that wait, in each direction.
pub(crate) const ROOM: usize = 64 * 1024;

#[derive(Debug, Default)]
struct State {
    connected: bool,
    /// The visitor sends, and his end of it is the transfer's.
    uploads: bool,
    /// It is inside TLS (PROT P).
    sealed: bool,
    /// What leaves for the visitor.
    outgoing: Vec<u8>,
    /// Nothing more leaves.
    finished: bool,
    /// What came from him.
    incoming: Vec<u8>,
    /// Nothing more comes.
    ended: bool,
}

/// One data connection.
#[derive(Debug, Default)]
pub(crate) struct Channel(Mutex<State>);

impl Channel {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn arrive(&self) {
        self.lock().connected = true;
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.lock().connected
    }

    pub(crate) fn begin_upload(&self) {
        self.lock().uploads = true;
    }

    pub(crate) fn uploads(&self) -> bool {
        self.lock().uploads
    }

    pub(crate) fn seal(&self) {
        self.lock().sealed = true;
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.lock().sealed
    }

    /// Takes bytes for the visitor; how many of them.
    pub(crate) fn send(&self, bytes: &[u8]) -> usize {
        let mut state = self.lock();
        let taken = bytes.len().min(ROOM - state.outgoing.len());
        state.outgoing.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Nothing more is sent or wanted.
    pub(crate) fn finish(&self) {
        self.lock().finished = true;
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.lock().finished
    }

    /// What waits to leave.
    pub(crate) fn take_outgoing(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock().outgoing)
    }

    pub(crate) fn is_sent(&self) -> bool {
        let state = self.lock();
        state.outgoing.is_empty() || state.ended
    }

    /// Takes what came from the visitor; how much of it.
    pub(crate) fn receive(&self, bytes: &[u8]) -> usize {
        let mut state = self.lock();
        if state.finished {
            return bytes.len();
        }
        let taken = bytes.len().min(ROOM - state.incoming.len());
        state.incoming.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// The visitor has gone.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.lock().ended
    }

    /// What has come since this was last asked.
    pub(crate) fn take_incoming(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock().incoming)
    }

    pub(crate) fn held(&self) -> usize {
        let state = self.lock();
        state.outgoing.len() + state.incoming.len()
    }
}

#[derive(Debug, Default)]
struct Table {
    ports: Vec<u16>,
    expected: Vec<(IpAddr, u16, Weak<Channel>)>,
}

/// Which data connections are expected.
#[derive(Debug, Default)]
pub(crate) struct Channels(Mutex<Table>);

impl Channels {
    fn lock(&self) -> MutexGuard<'_, Table> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.expected.retain(|(_, _, channel)| channel.strong_count() > 0);
        table
    }

    /// Data connections may come to this port.
    pub(crate) fn offer(&self, port: u16) {
        let mut table = self.lock();
        if table.ports.len() < MOST_PORTS && !table.ports.contains(&port) {
            table.ports.push(port);
        }
    }

    /// Expects a connection from here, at a port for which `chosen` draws a number; `None` where there is none to be had.
    pub(crate) fn expect(&self, source: IpAddr, chosen: u64) -> Option<(u16, Arc<Channel>)> {
        let mut table = self.lock();
        let taken =
            |port: &u16| table.expected.iter().any(|(from, at, _)| (*from, *at) == (source, *port));
        let free: Vec<u16> = table.ports.iter().copied().filter(|port| !taken(port)).collect();
        let place = chosen.checked_rem(free.len() as u64)?;
        let port = *free.get(usize::try_from(place).ok()?)?;
        if table.expected.len() >= MOST_EXPECTED {
            table.expected.remove(0);
        }
        let channel = Arc::new(Channel::default());
        table.expected.push((source, port, Arc::downgrade(&channel)));
        Some((port, channel))
    }

    /// The channel of a connection that has come from here to this port; it is good for one.
    pub(crate) fn meet(&self, source: IpAddr, port: u16) -> Option<Arc<Channel>> {
        let mut table = self.lock();
        let at = table.expected.iter().position(|(from, at, _)| (*from, *at) == (source, port))?;
        table.expected.remove(at).2.upgrade()
    }
}
