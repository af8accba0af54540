//! The HTTP API and the dashboard, in one binary with everything the page needs.
//!
//! What is shown comes from an [`Observatory`], which the command lays over the store, and from a [`FeedSender`], into
//! which it puts what happens now. [`router`] makes a service of both and [`serve`] puts it on a listener that the caller
//! bound (to loopback). The page is plain files, embedded as they are: compiling needs neither Node nor a build step.
//!
//! This room never binds, never writes to the store, never sends a byte to another origin, and never makes markup of text
//! that an attacker chose: texts leave it as JSON strings, and the page sets them as text.

mod access;
mod answers;
mod api;
mod assets;
mod error;
mod feed;
mod live;
mod observatory;
mod query;
mod server;

pub use access::{Token, TokenError};
pub use answers::{
    AdvisoryText, Listener, ScoredPoint, Series, SignMark, SignPage, Status, StoreStatus, TopRow,
    TrapStatus,
};
pub use feed::{FeedItem, FeedSender};
pub use kizashi_store::BinLength;
pub use observatory::{Observatory, ReadError};
pub use server::{router, serve};
