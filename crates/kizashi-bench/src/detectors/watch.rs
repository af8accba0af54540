//! Kizashi's own detector as it runs live, bin by bin: what it tells at a promise, cold or with what an earlier run learned.

use kizashi_detect::gamma_poisson::{
    Alarm, Kind, KindId, Prior, Scatter, SeriesId, Settings, SettingsError, Watch,
};

use crate::traffic::Traffic;

/// A bin's counts as the watch takes them; ports without a count are not named.
fn named(traffic: &Traffic, bin: usize) -> Vec<(SeriesId, u32)> {
    let counts = (0_u32..).map(SeriesId).zip(traffic.bin(bin));
    counts.filter(|(_, count)| **count > 0).map(|(id, count)| (id, u32::from(*count))).collect()
}

/// What a watch learned that another run can begin with.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    prior: Option<Prior>,
    scatter: Option<Scatter>,
    rhythm: Option<[f64; 24]>,
    series: Vec<(SeriesId, Prior)>,
}

/// Learns from the first `bins` bins.
///
/// # Errors
/// Never with the settings used here.
pub fn learn(traffic: &Traffic, bins: usize) -> Result<Learned, SettingsError> {
    let mut watch = Watch::new(Settings::default(), None)?;
    for bin in 0..bins {
        watch.close_bin(&named(traffic, bin));
    }
    let known = |port: u32| Some((SeriesId(port), watch.learned(SeriesId(port))?));
    Ok(Learned {
        prior: Some(watch.prior()),
        rhythm: Some(watch.rhythm()),
        scatter: watch.scatter_of(KindId::default()),
        series: (0_u32..).take(traffic.ports).filter_map(known).collect(),
    })
}

/// What the watch told of one run.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Each alarm with the bin in which it was told.
    pub alarms: Vec<(usize, Alarm)>,
    /// Each sensor-wide shift: the bin in which it was told, and the first of its series.
    pub shifts: Vec<(usize, SeriesId)>,
}

/// What the watch tells of one run when it promises so many false alarms a week.
///
/// # Errors
/// When the promise is out of range.
pub fn told(traffic: &Traffic, learned: &Learned, a_week: f64) -> Result<Told, SettingsError> {
    let kind = Kind { share: 1.0, prior: learned.prior };
    let mut watch = Watch::with_kinds(Settings { false_alarms_per_week: a_week }, &[kind])?;
    if let Some(scatter) = learned.scatter {
        watch.expect_scatter(KindId::default(), scatter);
    }
    if let Some(rhythm) = learned.rhythm {
        watch.expect_rhythm(rhythm);
    }
    for (series, prior) in &learned.series {
        watch.introduce(*series, KindId::default(), Some(*prior));
    }
    let mut told = Told::default();
    for bin in 0..traffic.bins() {
        let report = watch.close_bin(&named(traffic, bin));
        told.alarms.extend(report.alarms.into_iter().map(|alarm| (bin, alarm)));
        let first = report.sensor_wide.and_then(|shift| shift.series.first().copied());
        told.shifts.extend(first.map(|series| (bin, series)));
    }
    Ok(told)
}
