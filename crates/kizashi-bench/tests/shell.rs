//! The machine behind the login against what a real Debian said to the same lines (`kizashi-bench shell --bless`).

use std::fs;

use kizashi_bench::shell::corpus::corpus;
use kizashi_bench::shell::expectation::{self, Expectation};
use kizashi_bench::shell::shape::Shape;
use kizashi_bench::shell::trap::Trap;

/// Lines in a hundred that must agree
const REACHED: f64 = 98.1;

#[test]
#[allow(clippy::cast_precision_loss, reason = "hundreds of lines")]
fn the_shell_stays_as_true_as_it_was() {
    let lines = corpus().unwrap();
    let expectation = Expectation::read(&fs::read_to_string(expectation::FILE).unwrap());
    let trap = Trap::default();
    let identity = trap.identity();
    let (mut judged, mut differing) = (0, Vec::new());
    for line in &lines {
        let shape = Shape::new(&trap.answer(&line.text), line.compare, &identity);
        let Some(agrees) = expectation.agrees(line, &shape) else { continue };
        judged += 1;
        if !agrees {
            differing.push(&line.text);
        }
    }
    assert!(judged >= 600, "{judged} lines are judged: run kizashi-bench shell --bless");
    let share = 100.0 * (judged - differing.len()) as f64 / judged as f64;
    assert!(share >= REACHED, "{share:.2} of {judged} lines agree; not {differing:#?}");
}
