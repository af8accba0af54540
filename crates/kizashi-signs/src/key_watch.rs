//! The watch over keys other than ports: services, user names, passwords, families of commands and paths, payloads, software and
//! the total. It stands beside that of the ports, hears the same bins, and has the other half of the promise, split over its
//! kinds in [`KINDS`]. The union bound over kinds holds whatever they have in common: false alarms of all together are at
//! most the sum of the shares.

use kizashi_detect::gamma_poisson::{
    self, Baseline, Evidence, HALF_LIFE, Kind, KindId, LARGEST_RATIO, LONGEST_EXACT_WINDOW,
    LONGEST_WINDOW, Merge, Partition, SeriesId,
};
use kizashi_event::{Key, KeyKind};
use serde::{Deserialize, Serialize};

use crate::Knowledge;
use crate::counts::SeriesCount;
use crate::key_series::{Introduced, KEYS_FROM, KINDS, KeySeries, SHARE_OF_PORTS, kind_index};
use crate::shares::{In, KeyRow, Of, Readable, Shares, Which};

/// A number that no key has: it tells the watch that the sensor was listening.
const LISTENING: SeriesId = SeriesId(u32::MAX);

/// Sources of the time before a key was watched from which they are its past: of one, nobody knows whether it was the first of a wave.
const LEAST_PAST: f64 = 1.5;

/// The watch over keys and which they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyWatch {
    watch: Merge,
    pub(crate) keys: KeySeries,
    /// Whether it begins anew with the first key that comes: at a fleet's hub keys may be counted by sensor from some day on, and what came
    /// before that nobody knows; it was not nothing.
    begins_with_first: bool,
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
    knowledge: &Knowledge,
) -> Result<Merge, gamma_poisson::SettingsError> {
    watch_of(settings, &[(KeyKind::Port, SHARE_OF_PORTS)], knowledge)
}

/// A watch over kinds with their shares of the promise, that begins with what is known of them.
fn watch_of(
    settings: gamma_poisson::Settings,
    kinds: &[(KeyKind, f64)],
    knowledge: &Knowledge,
) -> Result<Merge, gamma_poisson::SettingsError> {
    let begins: Vec<Kind> = kinds
        .iter()
        .map(|(kind, share)| Kind { share: *share, prior: knowledge.prior_of(*kind) })
        .collect();
    let mut watch = Merge::with_kinds(settings, &begins)?;
    for ((kind, _), number) in kinds.iter().zip(0_u8..) {
        if let Some(scatter) = knowledge.scatter_of(*kind) {
            watch.expect_scatter(KindId(number), scatter);
        }
    }
    Ok(watch)
}

impl KeyWatch {
    /// A watch that has seen nothing, within so many bytes, whose series so many parts hold.
    pub(crate) fn new(
        settings: gamma_poisson::Settings,
        (bytes, partitions): (usize, Partition),
        knowledge: &Knowledge,
    ) -> Result<Self, gamma_poisson::SettingsError> {
        let watch = watch_of(settings, &KINDS, knowledge)?;
        Ok(Self { watch, keys: KeySeries::new(bytes, partitions), begins_with_first: false })
    }

    /// Changes the promise from the next bin on.
    pub(crate) fn promise(
        &mut self,
        settings: gamma_poisson::Settings,
    ) -> Result<(), gamma_poisson::SettingsError> {
        self.watch.promise(settings)
    }

    /// Notes what was learned of each kind.
    pub(crate) fn tell(&self, knowledge: &mut Knowledge) {
        for ((kind, _), number) in KINDS.into_iter().zip(0_u8..) {
            let number = KindId(number);
            knowledge.add_kind(kind, self.watch.prior_of(number), self.watch.scatter_of(number));
        }
    }

    /// Counts what a bin held of keys, ordered by series.
    pub(crate) fn count(
        &mut self,
        shares: &mut impl Shares,
        bin: i64,
        keys: &[KeyRow<'_>],
    ) -> Vec<SeriesCount> {
        if self.begins_with_first && !keys.is_empty() {
            self.begins_with_first = false;
            if self.watch.bins() > 0 {
                self.watch.begin_anew(&mut Of(shares, Which::Keys));
            }
        }
        let counted = self.keys.count(shares, bin, keys);
        for Introduced { series, partition, kind, replaces, first, past } in counted.introduced {
            let (series, kind) = (SeriesId(series), KindId(u8::try_from(kind).unwrap_or(0)));
            match replaces {
                Some(old) => self.watch.replace(SeriesId(old), (series, partition), kind, None),
                None => self.watch.introduce((series, partition), kind, None),
            }
            match first {
                Some(first) => self.watch.count_earlier(series, bin.abs_diff(first), 1),
                None if past >= LEAST_PAST => self.count_past(series, past),
                None => {}
            }
        }
        counted.rows
    }

    /// Counts sources of the last two days of which nobody knows when they came: before all windows they are past and no rise,
    /// and as many as will not have faded further than two days by now.
    fn count_past(&mut self, series: SeriesId, past: f64) {
        let ago = (u64::from(LONGEST_WINDOW) + 1).min(self.watch.bins());
        let longer = ago.saturating_sub(u64::from(LONGEST_EXACT_WINDOW));
        let faded = (-(longer as f64) / f64::from(HALF_LIFE)).exp2();
        self.watch.count_earlier(series, ago, (past / faded).round() as u32);
    }

    /// Closes a bin in which something came.
    pub(crate) fn close_bin(
        &mut self,
        shares: &mut impl Shares,
        rows: &[SeriesCount],
    ) -> KeyReport {
        let counts: Vec<(SeriesId, u32)> = rows
            .iter()
            .map(|row| (SeriesId(row.series), row.fresh))
            .chain([(LISTENING, 0)])
            .collect();
        let report = self.watch.close_bin(&mut Of(shares, Which::Keys), &counts);
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

    /// It is to begin anew with the first key that comes.
    pub(crate) const fn begin_with_first(&mut self) {
        self.begins_with_first = true;
    }

    /// Closes `bins` in which nothing came at all.
    pub(crate) fn skip(&mut self, bins: u64) {
        self.watch.skip(bins);
    }

    /// The watch itself, for whoever asks for numbers.
    pub(crate) const fn watch(&self) -> &Merge {
        &self.watch
    }

    /// The evidence on a key's series now.
    pub(crate) fn score(&self, shares: &impl Readable, series: u32) -> Option<Evidence> {
        if series < KEYS_FROM {
            return None;
        }
        self.watch.scores(&In(shares, Which::Keys), [SeriesId(series)]).pop().flatten()
    }

    /// More is listened to than before.
    pub(crate) fn widen(&mut self, share: f64) {
        self.watch.widen(share);
    }

    /// So many such watches have the promise together.
    pub(crate) const fn promise_over(&mut self, watches: u32) {
        self.watch.promise_over(watches);
    }
}
