//! Discounting in closed form: what a series that was not touched for n bins has forgotten is a power, not n steps.

use std::sync::LazyLock;

use super::LONGEST_WINDOW;

/// Bins in which a count loses half its weight: 5 days.
const HALF_LIFE_BINS: f64 = 720.0;
/// Hours in which a residual loses half its weight: the same 5 days.
const HALF_LIFE_HOURS: f64 = 120.0;

/// γ to the power of ages 0 to [`LONGEST_WINDOW`].
pub(super) static RECENT: LazyLock<Vec<f64>> =
    LazyLock::new(|| (0..=LONGEST_WINDOW).map(|age| over_bins(f64::from(age))).collect());

/// The weight left after so many bins; above 1 where the number is negative.
pub(super) fn over_bins(bins: f64) -> f64 {
    (-bins / HALF_LIFE_BINS).exp2()
}

/// The weight left after so many hours.
pub(super) fn over_hours(hours: u32) -> f64 {
    if hours == 0 { 1.0 } else { (-f64::from(hours) / HALF_LIFE_HOURS).exp2() }
}
