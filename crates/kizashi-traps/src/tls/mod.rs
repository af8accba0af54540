//! TLS as one named server speaks it, without a socket and a clock: [`TlsSession`] is a [`Session`] that has another inside. It is our
//! own, as SSH is, for what a trap needs no library gives. A library's randomness is its own, so no dialogue could be seen again; it shows
//! itself by the order of its extensions and records and by its alerts (scanners' JARM is a hash of these); it keeps some 20 KB of buffers a
//! session; and none speaks TLS 1.0 and 1.1 any more, which old devices do and bots try. `rustls` is the other side in tests.
//!
//! - `connection.rs`: the order of things. `record.rs`, `protection.rs`: the record layer. `old_hello.rs`: SSL 2's hello.
//! - `profile.rs`, `negotiation.rs`, `suite.rs`: what a product takes, and what both sides then do. `alert.rs`, `heartbeat.rs`.
//! - `legacy.rs` (TLS 1.0 to 1.2), `modern.rs` (1.3), `hash.rs`, `key_exchange.rs`, `x448.rs`, `cipher.rs`: the handshakes and their arithmetic.
//! - `resumption.rs`: sessions that are gone on with.
//! - `credential.rs`, `certificate.rs`, `der.rs`, `store.rs`: keys and certificates of this installation.
//! - `session.rs`: the session around another. `pipe.rs`: TLS that a protocol carries itself.
//!
//! Nothing here guards a secret that is worth one: keys are of this trap alone. What is guarded is the process, by bounds.

mod alert;
mod certificate;
mod cipher;
mod connection;
mod credential;
mod der;
mod hash;
mod heartbeat;
mod key_exchange;
mod legacy;
mod modern;
mod negotiation;
mod old_hello;
mod pipe;
mod profile;
mod protection;
mod record;
mod resumption;
mod session;
mod store;
mod suite;
mod x448;

#[cfg(test)]
pub(crate) mod client;
#[cfg(test)]
mod tests;

pub use credential::TlsKeys;
pub(crate) use pipe::{Piped, TlsPipe};
pub(crate) use profile::Product;
pub(crate) use session::{TlsSession, Within, begins_like_tls};
pub(crate) use store::Store;
