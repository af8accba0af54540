//! SSH before the clients that really come: OpenSSH, PuTTY, paramiko, dropbear, nmap and hydra over a socket, and a real sshd beside the
//! trap, for which both must be the same to whoever breaks the protocol.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where its ground gives way, and says what it skips"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "ssh/clients.rs"]
mod clients;
#[path = "ssh/difference.rs"]
mod difference;
#[path = "ssh/house.rs"]
mod house;
#[path = "ssh/jump.rs"]
mod jump;
#[path = "ssh/keys.rs"]
mod keys;
#[path = "ssh/probes.rs"]
mod probes;
#[path = "ssh/pypi.rs"]
mod pypi;
#[path = "support/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;
#[path = "ssh/transfers.rs"]
mod transfers;
