//! One promise over all scopes of a fleet, and what scopes are for: a few fleets of the example `fleet`.

#[path = "support/fleet.rs"]
mod fleet;
#[path = "support/nulls.rs"]
mod nulls;

use fleet::{NULLS, Null, Told, run};
use kizashi_detect::gamma_poisson::Breadth;

#[test]
fn scopes_have_the_promise_together_and_no_more() {
    let shares: f64 = Breadth::ALL.iter().map(|breadth| breadth.share()).sum();
    assert!((shares - 1.0).abs() < 1e-12);
}

#[test]
fn a_wave_that_no_sensor_sees_is_told_over_all() {
    let null = Null { rates: (0.3, 3.0), ..NULLS[1] };
    let told: Vec<Told> = (0..4).map(|seed| run(null, 5_000 + seed, 5.0)).collect();
    assert!(told.iter().all(|one| one.wave[0]), "{told:?}");
    assert!(told.iter().any(|one| !one.wave[2]), "{told:?}");
}

#[test]
fn a_fleet_in_which_nothing_begins_tells_no_more_than_is_promised() {
    let told = (0..6).map(|seed| run(NULLS[1], 6_000 + seed, 0.0));
    let told: u32 = told.map(|one| one.early + one.later).sum();
    // Twelve weeks: of a promise of one a week more than 24 has a chance below 1 in 1,000.
    assert!(told <= 24, "{told}");
}
