//! A robust z-score of the last 24 hours against the same 24 hours of up to 28 days before: the smaller of the distance from the
//! median over the quartiles' and that from the mean over the deviation.

use super::gpe::running_sum;
use crate::matrix::Scores;
use crate::traffic::{BINS_AN_HOUR, Traffic};

/// Days looked back at most.
const DAYS: usize = 28;
/// Hours without a score.
const FIRST: usize = 72;

/// The z-score of each hour.
#[must_use]
pub fn robust_z(traffic: &Traffic) -> Scores {
    Scores::by_port(traffic, BINS_AN_HOUR, |port| {
        let counted = running_sum(&traffic.series(port, BINS_AN_HOUR));
        let days: Vec<f64> = (1..counted.len())
            .map(|hour| if hour < 24 { 0.0 } else { counted[hour] - counted[hour - 24] })
            .collect();
        (0..days.len()).map(|hour| if hour < FIRST { 0.0 } else { z(&days, hour) }).collect()
    })
}

#[allow(clippy::cast_precision_loss, reason = "at most 28")]
fn z(days: &[f64], hour: usize) -> f64 {
    let mut past: Vec<f64> =
        (1..=DAYS).map_while(|day| days.get(hour.checked_sub(day * 24)?).copied()).collect();
    // The oldest is a day that was not whole.
    past.pop();
    if past.len() < 2 {
        return 0.0;
    }
    let count = past.len() as f64;
    let mean = past.iter().sum::<f64>() / count;
    let deviation = (past.iter().map(|day| (day - mean).powi(2)).sum::<f64>() / count).sqrt();
    past.sort_unstable_by(f64::total_cmp);
    let quartiles = quantile(&past, 0.75) - quantile(&past, 0.25);
    let from_median = (days[hour] - quantile(&past, 0.5)) / quartiles.max(1.0);
    from_median.min((days[hour] - mean) / deviation.max(1.0))
}

/// Between the neighbours by line, of values in order.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most 28"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place as usize;
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    sorted[below] + (above - sorted[below]) * place.fract()
}
