//! PostgreSQL, MongoDB, VNC and ADB before those who look for them: their own clients, drivers of Python, nmap and hydra; and guessers of passwords
//! over every protocol that they know.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "stores/adb.rs"]
mod adb;
#[path = "stores/guessers.rs"]
mod guessers;
#[path = "support/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;
#[path = "stores/mongodb.rs"]
mod mongodb;
#[path = "stores/postgresql.rs"]
mod postgresql;
#[path = "stores/vnc.rs"]
mod vnc;
