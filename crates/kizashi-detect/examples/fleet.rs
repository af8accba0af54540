//! The promise over a fleet of sensors, of which single ones, groups and all together are watched, and which of these tells of a
//! wave that all share.
//!
//! `cargo run --release -p kizashi-detect --example fleet [short]`: minutes; `short` is an eighth of the fleets: a look, no proof.

#![allow(clippy::print_stdout, reason = "an example prints")]

#[path = "../tests/support/fleet.rs"]
mod fleet;
#[path = "../tests/support/nulls.rs"]
mod nulls;

fn main() {
    let is_short = std::env::args().any(|word| word == "short");
    print!("{}", fleet::table(10_000, if is_short { 8 } else { 1 }));
}
