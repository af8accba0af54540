//! What the crate promises to its caller, through its public functions alone. One program, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests are tests"
)]

mod common;
mod follow;
mod hostile;
mod import;
mod shared_data;
