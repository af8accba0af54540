//! From alarms to signs: which are signs of their own, and which belong to one that is open already.

use kizashi_detect::gamma_poisson::{Alarm, SensorWideShift};
use kizashi_event::{Key, KeyKind, Port, Timestamp};

use super::{BIN, Closed, Merge};
use crate::dossier::Dossier;
use crate::key_watch::KeyAlarm;
use crate::open_sign::{Expected, OpenSign};
use crate::ports::port_info;
use crate::shares::{Look, Looked, Readable, Seen};
use crate::sign::label_of_key;
use crate::{Severity, Sign, SignKind};

/// Ports that a sensor-wide sign names at most.
pub(super) const MOST_NAMED: usize = 64;
/// Keys of one sign that are named as rising with it.
const MOST_ALSO: usize = 16;

impl Merge {
    pub(super) fn raise(
        &mut self,
        shares: &impl Readable,
        start: Timestamp,
        alarms: &[Alarm],
        sensor_wide: Option<&SensorWideShift>,
        closed: &mut Closed,
    ) {
        let index = self.index_of(start);
        alarms.iter().for_each(|alarm| self.falls.note_rise(alarm.series.0, index));
        let rises = alarms.iter().filter_map(|alarm| self.rise(shares, alarm, start));
        let wide = sensor_wide.map(|shift| self.sensor_wide(shift, start));
        let raised: Vec<OpenSign> =
            rises.chain(wide).filter(|new| !self.is_open(&new.sign.key)).collect();
        for new in raised {
            match self.sign_that_has(shares, &new) {
                Some(at) => self.join_sign(shares, at, &new, closed),
                None => self.open_sign(new, closed),
            }
        }
    }

    /// Whether a sign that something rises is open on a key.
    fn is_open(&self, key: &str) -> bool {
        self.open.iter().any(|open| open.sign.key == key && !open.sign.is_silence())
    }

    fn rise(&self, shares: &impl Readable, alarm: &Alarm, start: Timestamp) -> Option<OpenSign> {
        let port = self.series.port(alarm.series.0)?;
        let since_bin = i64::try_from(alarm.since_bin).ok()?;
        let mut sign = Sign::begun(SignKind::Rise, &Key::port(port), start.plus(BIN));
        sign.label = port_info(port).title.into_owned();
        sign.since = self.origin.plus(BIN.saturating_mul(since_bin));
        sign.days = alarm.days;
        sign.events = self.recent.events_since(alarm.series.0, since_bin);
        sign.sources = alarm.sources;
        let mut open = OpenSign {
            sign,
            series: vec![alarm.series.0],
            expected: Expected::Series(alarm.baseline),
            exposed_before: self.watch.exposed() - alarm.exposed,
            fresh_from: Some(alarm.fresh_from),
            silence: None,
            joined: Vec::new(),
            dossier: Dossier::default(),
        };
        open.measure(start.plus(BIN), self.watch.exposed(), Some(alarm.days));
        self.begin_dossier(shares, &mut open);
        Some(open)
    }

    /// Keys that rise with the sources of a sign that is open already belong to it; the others are signs of their own.
    pub(super) fn raise_keys(
        &mut self,
        shares: &impl Readable,
        start: Timestamp,
        alarms: &[KeyAlarm],
        closed: &mut Closed,
    ) {
        for alarm in alarms {
            let key = alarm.key.to_string();
            if self.is_open(&key) {
                continue;
            }
            let since = i64::try_from(alarm.evidence.since_bin).unwrap_or(i64::MAX);
            let sources = self.keys.keys.sources_since(shares, alarm.series, since);
            let is_sum = matches!(
                alarm.key.kind,
                KeyKind::Network | KeyKind::Country | KeyKind::Service | KeyKind::Total
            );
            if is_sum && self.one_port_has_half(shares, &sources, since) {
                // What rises at one port only is that port's to tell.
                continue;
            }
            let Some(at) = self.open.iter().position(|open| self.coincides(shares, open, &sources))
            else {
                let open = self.key_rise(shares, alarm, start);
                match self.sign_that_has(shares, &open) {
                    Some(at) => self.join_sign(shares, at, &open, closed),
                    None => self.open_sign(open, closed),
                }
                continue;
            };
            // Whoever else comes with root or from there is not of the sign for it.
            let series = [alarm.series];
            let tells = super::grouping::tells_who(alarm.key.kind);
            self.join(at, key, if tells { &series } else { &[] }, closed);
        }
    }

    /// Whether half of `sources` were counted at one and the same port since a bin.
    fn one_port_has_half(&self, shares: &impl Readable, sources: &[u32], since: i64) -> bool {
        let since = since.max(self.visits.first_kept());
        let look = Look(Looked::HalfAtOnePort { sources: sources.to_vec(), since });
        let all = (0..self.partitions).map(|partition| (partition, look.clone()));
        shares.look(all.collect()).into_iter().any(|found| found.0 == Seen::Is(true))
    }

    /// Notes at an open sign that a key rises with it.
    pub(super) fn join(&mut self, at: usize, key: String, series: &[u32], closed: &mut Closed) {
        let Some(open) = self.open.get_mut(at) else { return };
        if open.sign.also.len() >= MOST_ALSO || open.sign.also.contains(&key) {
            return;
        }
        open.sign.also.push(key);
        let is_new = |series: &&u32| !open.series.contains(series) && !open.joined.contains(series);
        let fresh: Vec<u32> = series.iter().filter(is_new).copied().collect();
        open.joined.extend(fresh);
        closed.now_is(&open.sign);
    }

    /// Whether at least half of `sources` are among the new sources of an open sign.
    pub(super) fn coincides(
        &self,
        shares: &impl Readable,
        open: &OpenSign,
        sources: &[u32],
    ) -> bool {
        if open.one_series().is_none() {
            return false;
        }
        let since = self.index_of(open.sign.since);
        let mut of_sign: Vec<u32> =
            open.all_series().flat_map(|series| self.sources_of(shares, series, since)).collect();
        of_sign.sort_unstable();
        let shared = sources.iter().filter(|source| of_sign.binary_search(source).is_ok()).count();
        !sources.is_empty() && 2 * shared >= sources.len()
    }

    fn key_rise(&self, shares: &impl Readable, alarm: &KeyAlarm, start: Timestamp) -> OpenSign {
        let since_bin = i64::try_from(alarm.evidence.since_bin).unwrap_or(0);
        let mut sign = Sign::begun(SignKind::Rise, &alarm.key, start.plus(BIN));
        sign.label = label_of_key(&alarm.key);
        sign.since = self.origin.plus(BIN.saturating_mul(since_bin));
        sign.days = alarm.evidence.days;
        sign.events = self.recent.events_since(alarm.series, since_bin);
        sign.sources = alarm.evidence.sources;
        let mut open = OpenSign {
            sign,
            series: vec![alarm.series],
            expected: Expected::Series(alarm.baseline),
            exposed_before: self.watch.exposed() - alarm.exposed,
            fresh_from: alarm.fresh_from,
            silence: None,
            joined: Vec::new(),
            dossier: Dossier::default(),
        };
        open.measure(start.plus(BIN), self.watch.exposed(), Some(alarm.evidence.days));
        self.begin_dossier(shares, &mut open);
        open
    }

    fn sensor_wide(&self, shift: &SensorWideShift, start: Timestamp) -> OpenSign {
        let mut sign = Sign::begun(SignKind::SensorWide, &Key::total(), start.plus(BIN));
        let mut series: Vec<u32> = shift.series.iter().map(|series| series.0).collect();
        series.sort_unstable();
        let mut ports: Vec<Port> =
            series.iter().filter_map(|series| self.series.port(*series)).collect();
        ports.sort_unstable();
        sign.label = "the whole sensor".to_owned();
        sign.since = start;
        sign.days = shift.days;
        sign.sources = shift.sources;
        sign.rising = ports.len();
        sign.ports = ports.iter().take(MOST_NAMED).map(Port::to_string).collect();
        let index = self.index_of(start);
        sign.events = series.iter().map(|series| self.recent.events_since(*series, index)).sum();
        sign.severity = Severity::Low;
        let exposed = self.watch.exposed();
        let mut open = OpenSign {
            sign,
            series,
            expected: Expected::Together(shift.expected),
            exposed_before: exposed - 1.0,
            fresh_from: None,
            silence: None,
            joined: Vec::new(),
            dossier: Dossier::default(),
        };
        open.measure(start.plus(BIN), exposed, None);
        open
    }
}
