//! The traps that keep files and mail for people, over real sockets, asked by the programs that people and attackers use.
#![allow(clippy::print_stdout, reason = "a test says what it skips")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(dead_code, reason = "the house of the datagrams' tests can more than is needed here")]

#[path = "files/ftp.rs"]
mod ftp;
#[path = "datagrams/house.rs"]
mod house;
#[path = "files/mailboxes.rs"]
mod mailboxes;
