//! The web trap before real servers and real clients: shapes of requests are sent to it and to a real nginx and Apache httpd on loopback, and
//! curl, nghttp, h2load, httpx and websockets speak to it.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where its ground gives way, and says what it skips"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod clients;
#[path = "../support/house.rs"]
#[allow(dead_code, reason = "what other traps' tests ask for")]
mod house;
mod limits;
mod products;
mod reference;
mod shapes;
