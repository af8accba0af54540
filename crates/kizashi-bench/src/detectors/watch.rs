//! Kizashi's own detector as it runs live, bin by bin, over whole runs.

use kizashi_detect::gamma_poisson::{Alarm, SeriesId, Settings, SettingsError, Watch};

use crate::matrix::Scores;
use crate::traffic::Traffic;

/// A bin's counts as the watch takes them; ports without a count are not named.
fn named(traffic: &Traffic, bin: usize) -> Vec<(SeriesId, u32)> {
    let counts = (0_u32..).map(SeriesId).zip(traffic.bin(bin));
    counts.filter(|(_, count)| **count > 0).map(|(id, count)| (id, u32::from(*count))).collect()
}

/// log10 M over the series watched of every port with a count in a bin. M ≥ threshold is told of the watched series
/// together, so that the theory's own threshold is log10 of the bins a false alarm. The first `before` bins are learned and
/// not scored.
///
/// # Errors
/// When the promise is out of range.
pub fn watch(traffic: &Traffic, before: usize) -> Result<Scores, SettingsError> {
    let mut watch = Watch::new(Settings::default(), None)?;
    let rows = traffic.bins().saturating_sub(before);
    let mut values = vec![0.0; rows * traffic.ports];
    for bin in 0..traffic.bins() {
        let report = watch.close_bin(&named(traffic, bin));
        let Some(row) = bin.checked_sub(before) else { continue };
        let shared = f64::from(watch.watched().max(1)).log10();
        if row > 0 {
            // A score stands until its port is counted again, as the watch itself has it.
            for column in values.chunks_exact_mut(rows) {
                column[row] = column[row - 1];
            }
        }
        for (id, evidence) in report.evaluated {
            values[id.0 as usize * rows + row] = if evidence.sources >= 2 {
                evidence.log_m / std::f64::consts::LN_10 - shared
            } else {
                0.0
            };
        }
    }
    Ok(Scores { step: 1, rows, values })
}

/// What the watch itself tells of one run at its promise: each alarm with the bin in which it was told.
///
/// # Errors
/// When the promise is out of range.
pub fn promised_alarms(
    traffic: &Traffic,
    a_week: f64,
) -> Result<Vec<(usize, Alarm)>, SettingsError> {
    let mut watch = Watch::new(Settings { false_alarms_per_week: a_week }, None)?;
    let mut told = Vec::new();
    for bin in 0..traffic.bins() {
        let report = watch.close_bin(&named(traffic, bin));
        told.extend(report.alarms.into_iter().map(|alarm| (bin, alarm)));
    }
    Ok(told)
}
