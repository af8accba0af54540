//! The traps of mail over real sockets, asked by the programs that people and attackers use.
#![allow(clippy::print_stdout, reason = "a test says what it skips")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "the house of the datagrams' tests can more than is needed here")]

#[path = "datagrams/house.rs"]
mod house;
#[path = "mail/smtp.rs"]
mod smtp;
