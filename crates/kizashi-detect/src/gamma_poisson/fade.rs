//! Discounting in closed form: what a series that was not touched for n bins has forgotten is a power, not n steps.

use std::sync::LazyLock;

use super::{HALF_LIFE, LONGEST_WINDOW};

/// Bins in which a count loses half its weight.
const HALF_LIFE_BINS: f64 = HALF_LIFE as f64;
/// Hours in which a residual loses half its weight: the same 5 days.
const HALF_LIFE_HOURS: f64 = 120.0;

/// γ to the power of ages 0 to [`LONGEST_WINDOW`].
static RECENT: LazyLock<Vec<f64>> =
    LazyLock::new(|| (0..=LONGEST_WINDOW).map(|age| over_bins(f64::from(age))).collect());
/// The weight left of a residual after 0 to so many hours.
static RECENT_HOURS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    (0..=LONGEST_WINDOW / 6).map(|hours| (-f64::from(hours) / HALF_LIFE_HOURS).exp2()).collect()
});

/// The weight left after so many whole bins.
pub(super) fn over(bins: u32) -> f64 {
    RECENT.get(bins as usize).copied().unwrap_or_else(|| over_bins(f64::from(bins)))
}

/// The weight left after so many bins; above 1 where the number is negative.
pub(super) fn over_bins(bins: f64) -> f64 {
    (-bins / HALF_LIFE_BINS).exp2()
}

/// The weight left after so many hours.
pub(super) fn over_hours(hours: u32) -> f64 {
    let known = RECENT_HOURS.get(hours as usize).copied();
    known.unwrap_or_else(|| (-f64::from(hours) / HALF_LIFE_HOURS).exp2())
}
