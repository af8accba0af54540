//! The HTTP API and the dashboard, in one binary with everything the page needs.
//!
//! What is shown comes from an [`Observatory`], which the command lays over the store, and from a [`FeedSender`], into
//! which it puts what happens now. [`router`] makes a service of both and [`serve`] puts it on a listener that the caller
//! bound, over TLS where it is told with what. The page is plain files, embedded as they are: compiling needs neither Node nor a build step.
//!
//! This room never binds, never writes to the store, never sends a byte to another origin, and never makes markup of text
//! that an attacker chose: texts leave it as JSON strings, and the page sets them as text.

mod access;
mod answers;
mod api;
mod assets;
mod encryption;
mod error;
mod feed;
pub mod fuzz;
mod live;
mod observatory;
mod query;
mod roles;
mod server;
mod sessions;
mod shared;
mod shares;
mod throttle;

pub use access::{Token, TokenError};
pub use answers::{
    AdvisoryText, CaptureStatus, Listener, ScoredPoint, Series, SignMark, SignPage, Status,
    StoreStatus, TopRow, TrapStatus,
};
pub use encryption::{CertifiedKey, Encryption, EncryptionError};
pub use feed::{FeedItem, FeedSender};
pub use kizashi_store::BinLength;
pub use observatory::{Observatory, ReadError, SharedDocument};
pub use roles::{Access, Role, Tokens};
pub use server::{router, serve};
pub use sessions::{SessionPage, SessionRow};
