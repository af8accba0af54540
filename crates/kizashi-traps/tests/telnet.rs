//! Telnet before the clients that really come: loaders of our own that say what Mirai's, Gafgyt's and Hajime's say (public
//! analyses), with harmless bytes to drop, against every face over a socket; and the real `telnet`, BusyBox, nmap and hydra.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where its ground gives way, and says what it skips"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "telnet/clients.rs"]
mod clients;
#[path = "telnet/house.rs"]
mod house;
#[path = "telnet/loader.rs"]
mod loader;
#[path = "telnet/loaders.rs"]
mod loaders;
#[path = "support/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;
