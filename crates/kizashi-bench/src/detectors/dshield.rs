//! The trend of DShield's port reports: sources of the last 24 hours, S, against the average day of the up to 30 days before, s, as
//! (S − s) / √s (<https://isc.sans.edu/trends.html>, its term of sources, with its sign so that a fall is no rise). An average below
//! one source a day counts as one, and what is shorter than a day is the average of nothing yet.

use super::gpe::running_sum;
use crate::matrix::Scores;
use crate::traffic::{BINS_AN_HOUR, Traffic};

/// Hours of the past at most.
const PAST: usize = 30 * 24;
/// Hours before the first score.
const FIRST: usize = 24;

/// The trend of each hour; until there is a day and a quarter, none.
#[must_use]
pub fn dshield_trend(traffic: &Traffic) -> Scores {
    Scores::by_port(traffic, BINS_AN_HOUR, |port| {
        let counted = running_sum(&traffic.series(port, BINS_AN_HOUR));
        (1..counted.len()).map(|now| trend(&counted, now)).collect()
    })
}

#[allow(clippy::cast_precision_loss, reason = "at most 30 days of hours")]
fn trend(counted: &[f64], now: usize) -> f64 {
    let Some(day) = now.checked_sub(24).filter(|day| *day >= FIRST / 4) else { return 0.0 };
    let start = day.saturating_sub(PAST);
    let average = ((counted[day] - counted[start]) * 24.0 / (day - start) as f64).max(1.0);
    (counted[now] - counted[day] - average) / average.sqrt()
}
