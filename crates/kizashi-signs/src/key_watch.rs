//! The watch over keys other than ports: services, user names, passwords, families of commands and paths, payloads, software and
//! the total. It stands beside that of the ports, hears the same bins, and has the other half of the promise, split over its
//! kinds in [`KINDS`]. The union bound over kinds holds whatever they have in common: false alarms of all together are at
//! most the sum of the shares.

use kizashi_detect::gamma_poisson::{
    self, Baseline, Evidence, Kind, KindId, LARGEST_RATIO, SeriesId, Watch,
};
use kizashi_event::Key;
use kizashi_store::KeyBin;
use serde::{Deserialize, Serialize};

use crate::counts::SeriesCount;
use crate::key_series::{KEYS_FROM, KINDS, KeySeries, SHARE_OF_PORTS, kind_index};

/// A number that no key has: it tells the watch that the sensor was listening.
const LISTENING: SeriesId = SeriesId(u32::MAX);

/// The watch over keys and which they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyWatch {
    watch: Watch,
    pub(crate) keys: KeySeries,
}

/// A key that rises.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyAlarm {
    pub(crate) key: Key,
    pub(crate) series: u32,
    pub(crate) evidence: Evidence,
    pub(crate) exposed: f64,
    pub(crate) baseline: Baseline,
    pub(crate) fresh_from: Option<u64>,
}

/// What closing a bin told of keys.
#[derive(Debug, Default)]
pub(crate) struct KeyReport {
    /// The most telling kinds first.
    pub(crate) alarms: Vec<KeyAlarm>,
    /// Ordered by series.
    pub(crate) evaluated: Vec<(SeriesId, Evidence)>,
}

/// The watch over ports, with its share of the promise.
pub(crate) fn watch_of_ports(
    settings: gamma_poisson::Settings,
) -> Result<Watch, gamma_poisson::SettingsError> {
    Watch::with_kinds(settings, &[Kind { share: SHARE_OF_PORTS, prior: None }])
}

impl KeyWatch {
    /// A watch that has seen nothing, within so many bytes.
    pub(crate) fn new(
        settings: gamma_poisson::Settings,
        bytes: usize,
    ) -> Result<Self, gamma_poisson::SettingsError> {
        let kinds = KINDS.map(|(_, share)| Kind { share, prior: None });
        Ok(Self { watch: Watch::with_kinds(settings, &kinds)?, keys: KeySeries::new(bytes) })
    }

    /// Counts what a bin held of keys, ordered by series.
    pub(crate) fn count(&mut self, bin: i64, keys: &[KeyBin]) -> Vec<SeriesCount> {
        let counted = self.keys.count(bin, keys);
        for (series, kind) in counted.introduced {
            let kind = KindId(u8::try_from(kind).unwrap_or(0));
            self.watch.introduce(SeriesId(series), kind, None);
        }
        counted.rows
    }

    /// Closes a bin in which something came.
    pub(crate) fn close_bin(&mut self, rows: &[SeriesCount]) -> KeyReport {
        let counts: Vec<(SeriesId, u32)> = rows
            .iter()
            .map(|row| (SeriesId(row.series), row.fresh))
            .chain([(LISTENING, 0)])
            .collect();
        let report = self.watch.close_bin(&counts);
        let mut alarms: Vec<KeyAlarm> = report
            .alarms
            .iter()
            .filter_map(|alarm| {
                let evidence =
                    report.evaluated.iter().find(|(series, _)| *series == alarm.series)?.1;
                let known = Some((alarm.exposed, alarm.baseline));
                let mut told = self.alarm(alarm.series, evidence, known)?;
                told.fresh_from = Some(alarm.fresh_from);
                Some(told)
            })
            .collect();
        // One campaign shows under many kinds at once, and there may be few keys in all: what the watch takes for a shift of the
        // whole sensor is that only when the ports say so too, which is not judged here.
        for series in report.sensor_wide.iter().flat_map(|shift| &shift.series) {
            let found = report.evaluated.iter().find(|(at, _)| at == series);
            alarms.extend(found.and_then(|(_, evidence)| self.alarm(*series, *evidence, None)));
        }
        alarms.sort_by_key(|alarm| (kind_index(alarm.key.kind), alarm.series));
        KeyReport { alarms, evaluated: report.evaluated }
    }

    fn alarm(
        &self,
        series: SeriesId,
        evidence: Evidence,
        known: Option<(f64, Baseline)>,
    ) -> Option<KeyAlarm> {
        let key = self.keys.key(series.0)?.clone();
        let (exposed, baseline) = known.unwrap_or_else(|| {
            #[allow(clippy::cast_precision_loss, reason = "at most 288")]
            let exposed = self.watch.bins().saturating_sub(evidence.since_bin).max(1) as f64;
            let beta = exposed / evidence.expected.max(1.0 / LARGEST_RATIO);
            (exposed, Baseline { alpha: 1.0, beta, phi: 1.0 })
        });
        Some(KeyAlarm { key, series: series.0, evidence, exposed, baseline, fresh_from: None })
    }

    /// Closes `bins` in which nothing came at all.
    pub(crate) fn skip(&mut self, bins: u64) {
        self.watch.skip(bins);
    }

    /// The watch itself, for whoever asks for numbers.
    pub(crate) const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The evidence on a key's series now.
    pub(crate) fn score(&self, series: u32) -> Option<Evidence> {
        if series < KEYS_FROM { None } else { self.watch.score(SeriesId(series)) }
    }
}
