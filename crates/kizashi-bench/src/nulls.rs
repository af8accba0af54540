//! The promise on every null: traffic in which nothing begins and nothing falls silent, watched by many machines from their first hour
//! on. The suite is that of `kizashi-detect`'s own tests, which run a few machines of it.

use std::fmt::Write as _;

use kizashi_detect::silence;

use crate::parallel;

#[path = "../../kizashi-detect/tests/support/nulls.rs"]
mod rises;
#[path = "../../kizashi-detect/tests/support/silence_nulls.rs"]
mod silences;
// The second asks its parent for the first by the name that it has in those tests.
use rises as nulls;

/// The promise of every machine, in false alarms a week.
const A_WEEK: f64 = 1.0;

/// The table: machines are numbered from `first` on, and one in `divisor` is watched, of the nulls whose name contains `only`.
#[must_use]
pub fn table(first: u32, divisor: u32, only: &str) -> String {
    let mut table = format!(
        "False alarms at {A_WEEK} a week promised, and the exact 95 % interval of realised over promised\n\n\
         {:42} {:>8} {:^29} {:^29}\n{:42} {:>8} {:^29} {:^29}  kept\n",
        "rises",
        "machines",
        "first 72 hours",
        "later",
        "",
        "",
        "promised, realised",
        "promised, realised"
    );
    let (mut told, mut promised) = ([0; 2], [0.0; 2]);
    for null in rises::NULLS.iter().filter(|null| null.name.contains(only)) {
        let machines = (null.machines / divisor).max(1);
        let outcomes = parallel::map(machines as usize, |at| {
            rises::run(null, first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX)), 1, A_WEEK)
        });
        let mut phases = [(0, 0.0); 2];
        for outcome in &outcomes {
            for (sum, (alarms, of)) in phases.iter_mut().zip(outcome.phases()) {
                sum.0 += alarms;
                sum.1 += of;
            }
        }
        for (at, (alarms, of)) in phases.into_iter().enumerate() {
            told[at] += alarms;
            promised[at] += of;
        }
        let wide: u32 = outcomes.iter().map(|outcome| outcome.wide).sum();
        let _ = write!(table, "{}", row(null.name, machines, &phases));
        let _ = writeln!(
            table,
            "{}",
            if wide > 0 { format!(", {wide} sensor-wide") } else { String::new() }
        );
    }
    let _ = writeln!(table, "in all: {told:?} of {promised:.1?}\n");
    add_silences(&mut table, first, divisor, only);
    table
}

fn add_silences(table: &mut String, first: u32, divisor: u32, only: &str) {
    let _ = writeln!(
        table,
        "{:42} {:>8} {:^29} {:^29}  kept",
        "silences, 28 days each", "machines", "ports", "the whole sensor"
    );
    for null in silences::NULLS.iter().filter(|null| null.name.contains(only)) {
        let machines = (null.machines / divisor).max(1);
        let told = |settings: silence::Settings| {
            let outcomes = parallel::map(machines as usize, |at| {
                let machine = first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
                silences::run(null, settings, machine, 1)
            });
            outcomes.iter().fold((0, 0.0), |sum, one| (sum.0 + one.told, sum.1 + one.promised))
        };
        let both = [told(silences::PORTS), told(silences::SENSOR)];
        let _ = writeln!(table, "{}", row(null.name, machines, &both));
    }
}

/// A row up to its verdict: promised, realised, the interval of their ratio, twice.
fn row(name: &str, machines: u32, halves: &[(u32, f64); 2]) -> String {
    let mut row = format!("{name:42} {machines:8}");
    let mut kept = true;
    for (alarms, of) in halves {
        if *of <= 0.0 {
            let _ = write!(row, " {:^29}", "is silent");
            continue;
        }
        let (low, high) = rises::interval(*alarms);
        let _ = write!(row, " {of:8.1} {alarms:5} ({:5.3}-{:5.3})", low / of, high / of);
        kept &= low <= *of;
    }
    row + if kept { "  yes" } else { "  NO" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_the_promise_was_kept() {
        assert!(row("a", 8, &[(3, 3.0), (0, 8.0)]).ends_with("  yes"));
        assert!(row("a", 8, &[(3, 3.0), (40, 8.0)]).ends_with("  NO"));
    }

    #[test]
    fn the_suite_is_run_machine_by_machine() {
        let table = table(10_000, 80, "stationary, 1");
        assert_eq!(
            table.lines().filter(|line| line.starts_with("stationary, 1")).count(),
            1,
            "{table}"
        );
    }
}
