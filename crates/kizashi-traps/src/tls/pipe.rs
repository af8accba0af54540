//! TLS without a session inside, for a protocol that carries TLS its own way: SQL Server's in packets of its own until the handshake is done, a
//! remote desktop's from the middle of a connection on. What comes of the bytes is asked for, what is to be sent is taken.

use kizashi_event::Timestamp;

use super::alert::name_of;
use super::certificate;
use super::connection::{Connection, Progress};
use super::profile::Product;
use super::session::{note, tell_hello};
use super::store;
use crate::{Identity, Output};

/// One connection's TLS.
pub(crate) struct TlsPipe {
    connection: Box<Connection>,
    established: bool,
    public_key: Vec<u8>,
}

/// What the bytes so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piped {
    /// More are needed.
    More,
    /// The handshake is done.
    Established,
    /// What was sent inside.
    Data(Vec<u8>),
    /// It is over; what is still to be sent says so.
    Over,
}

impl TlsPipe {
    /// A server's side that shows what this product shows at this port.
    pub(crate) fn new(identity: &Identity, product: Product, port: u16) -> Option<Self> {
        let (profile, credential) = store::shown(product, identity, port)?;
        let public_key = certificate::key_bits(&credential.key.public());
        let connection = Connection::new(profile, credential, identity.randomness());
        Some(Self { connection: Box::new(connection), established: false, public_key })
    }

    /// The server's public key, as it stands in its certificate.
    pub(crate) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Takes bytes of the visitor's.
    pub(crate) fn push(&mut self, bytes: &[u8], now: Timestamp) {
        self.connection.push(bytes, now);
    }

    /// The next that came of them; fingerprints and alerts are told.
    pub(crate) fn advance(&mut self, out: &mut Output) -> Piped {
        loop {
            match self.connection.advance() {
                Progress::More => return Piped::More,
                Progress::Hello(hello) => tell_hello(&hello, out),
                Progress::Established(what, _) => {
                    note(out, "tls", &what);
                    self.established = true;
                    return Piped::Established;
                }
                Progress::Data(content) => return Piped::Data(content),
                Progress::Note(name, value) => {
                    note(out, name, &value);
                    if self.connection.is_over() {
                        return Piped::Over;
                    }
                }
                Progress::Closed => {
                    self.connection.close();
                    return Piped::Over;
                }
                Progress::Failed(alert) => {
                    if let Some(code) = alert {
                        note(out, "tls alert sent", name_of(code));
                    }
                    return Piped::Over;
                }
                Progress::Refused(code) => {
                    note(out, "tls alert received", name_of(code));
                    return Piped::Over;
                }
            }
        }
    }

    /// Seals what is to be sent.
    pub(crate) fn send(&mut self, content: &[u8]) {
        if self.established && !content.is_empty() {
            self.connection.send(content);
        }
    }

    /// Ends it as TLS does.
    pub(crate) fn close(&mut self) {
        if self.connection.is_open() {
            self.connection.close();
        }
    }

    /// What is to leave.
    pub(crate) fn take_bytes(&mut self) -> Vec<u8> {
        self.connection.take_bytes()
    }

    pub(crate) fn memory(&self) -> usize {
        self.connection.memory()
    }
}
