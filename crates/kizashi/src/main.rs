//! Decoy services that say by themselves when an attack wave begins.

#[allow(dead_code)]
mod demo;

fn main() {}
