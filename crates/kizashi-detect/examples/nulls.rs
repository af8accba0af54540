//! The promise on every null: traffic in which nothing begins, watched by many machines from their first hour on. Prints false
//! alarms promised and realised, in the first 72 hours and later, with the exact 95 % Poisson interval of the realised.
//!
//! `cargo run --release -p kizashi-detect --example nulls [--short] [FIRST]`: minutes; the same figures on every run. Machines are
//! numbered from FIRST (10,000 by default) on; the detector's constants were chosen on those from 0 to 160.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a measurement is printed")]

#[path = "../tests/support/nulls.rs"]
mod nulls;

use nulls::{NULLS, Outcome, interval, run};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let divisor = if arguments.iter().any(|word| word == "--short") { 8 } else { 1 };
    let first = arguments.iter().find_map(|word| word.parse().ok()).unwrap_or(10_000);
    println!("{:42} {:>8} {:>24} {:>24}  kept", "null", "machines", "first 72 h", "later");
    println!("{:42} {:>8} {:>24} {:>24}", "", "", "promised realised", "promised realised");
    let (mut all, mut promised) = ([0, 0], [0.0, 0.0]);
    for null in NULLS {
        let machines = (null.machines / divisor).max(1);
        let outcome = run(null, first, machines, 1.0);
        let mut cells = String::new();
        let mut verdict = true;
        for (at, (alarms, of)) in outcome.phases().into_iter().enumerate() {
            let (low, high) = interval(alarms);
            cells += &format!(" {of:7.1} {alarms:4} ({:4.2}-{:4.2})", low / of, high / of);
            verdict &= low <= of;
            all[at] += alarms;
            promised[at] += of;
        }
        let Outcome { wide, .. } = outcome;
        let kept = if verdict { "yes" } else { "NO" };
        println!("{:42} {machines:8}{cells}  {kept}, {wide} sensor-wide", null.name);
    }
    println!("in all: {all:?} of {promised:.1?}");
}
