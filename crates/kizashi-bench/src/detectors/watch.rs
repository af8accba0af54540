//! Kizashi's own detector as it runs live, bin by bin, over whole runs.

use kizashi_detect::gamma_poisson::{Alarm, SeriesId, Settings, SettingsError, Watch};

use crate::matrix::Scores;
use crate::traffic::Traffic;

/// A bin's counts as the watch takes them; ports without a count are not named.
fn named(traffic: &Traffic, bin: usize) -> Vec<(SeriesId, u32)> {
    let counts = (0_u32..).map(SeriesId).zip(traffic.bin(bin));
    counts.filter(|(_, count)| **count > 0).map(|(id, count)| (id, u32::from(*count))).collect()
}

/// log10 of the days of every port with a count in a bin: chance alone shows as much at most once in so many days, so that the
/// theory's own threshold is the days a false alarm. The first `before` bins are learned and not scored.
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
        if row > 0 {
            // A score stands until its port is counted again, as the watch itself has it.
            for column in values.chunks_exact_mut(rows) {
                column[row] = column[row - 1];
            }
        }
        for (id, evidence) in report.evaluated {
            values[id.0 as usize * rows + row] = evidence.days.max(f64::MIN_POSITIVE).log10();
        }
    }
    Ok(Scores { step: 1, rows, values })
}

/// What the watch itself told of one run.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Each alarm with the bin in which it was told.
    pub alarms: Vec<(usize, Alarm)>,
    /// Each sensor-wide shift: the bin in which it was told, and the first of its series.
    pub shifts: Vec<(usize, SeriesId)>,
}

/// What the watch itself tells of one run at its promise.
///
/// # Errors
/// When the promise is out of range.
pub fn promised_alarms(traffic: &Traffic, a_week: f64) -> Result<Told, SettingsError> {
    let mut watch = Watch::new(Settings { false_alarms_per_week: a_week }, None)?;
    let mut told = Told::default();
    for bin in 0..traffic.bins() {
        let report = watch.close_bin(&named(traffic, bin));
        told.alarms.extend(report.alarms.into_iter().map(|alarm| (bin, alarm)));
        let first = report.sensor_wide.and_then(|shift| shift.series.first().copied());
        told.shifts.extend(first.map(|series| (bin, series)));
    }
    Ok(told)
}
