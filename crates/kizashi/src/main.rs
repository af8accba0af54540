//! Decoy services that say by themselves when an attack wave begins.

#[allow(dead_code)]
mod demo;
#[allow(dead_code, unused_imports)]
mod screen;

fn main() {}
