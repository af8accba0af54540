//! The traps on datagrams over real sockets: what leaves is never more than what came, whatever floods them; and the real clients.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where its ground gives way, and says what it skips"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "datagrams/clients.rs"]
mod clients;
#[path = "datagrams/floods.rs"]
mod floods;
#[path = "datagrams/house.rs"]
mod house;
