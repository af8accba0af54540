//! What may be asked about why: the numbers behind a sign that was just raised, or behind any key's evidence now.

use kizashi_detect::gamma_poisson::{self, SeriesId};
use kizashi_event::{Key, KeyKind};

use super::Merge;
use crate::key_series::KEYS_FROM;
use crate::shares::{In, Readable, Which};
use crate::{Explanation, Numbers, SignKind};

impl Merge {
    /// The numbers behind a sign that is open, as they are now: asked right after the sign was raised, they are those that raised it.
    /// `None` of a sign that is not open, or of the whole sensor's shift, which is made of many.
    #[must_use]
    pub fn explain(&self, shares: &impl Readable, id: &str) -> Option<Explanation> {
        let open = self.open.iter().find(|open| open.sign.id == id)?;
        let key = Key::from_shown(&open.sign.key).ok();
        let numbers = match (open.sign.kind, open.silence) {
            (SignKind::Rise, _) => self.rise_of(shares, open.one_series()?, open.fresh_from)?,
            (_, Some(silence)) => Numbers::Silence(silence),
            _ => return None,
        };
        let series = match open.sign.kind {
            SignKind::SensorSilent => key.and_then(|key| self.known_series(&key)),
            _ => open.series.first().copied(),
        };
        Some(self.explanation(shares, open.sign.key.clone(), series, numbers))
    }

    /// The numbers of the evidence on a key now, whether it is a sign or not: of its silence where it is silent beyond what is
    /// usual, else of its rise. `None` where it is not watched.
    #[must_use]
    pub fn explain_key(&self, shares: &impl Readable, key: &Key) -> Option<Explanation> {
        let series = self.known_series(key)?;
        let rise = self.rise_of(shares, series, None)?;
        Some(self.explanation(shares, key.to_string(), Some(series), rise))
    }

    /// How long a port (or, as the total, the sensor) has been silent now, where that is watched and not told.
    #[must_use]
    pub fn explain_silence(&self, shares: &impl Readable, key: &Key) -> Option<Explanation> {
        let port = match key.as_port() {
            Some(port) => Some(self.series.find(port)?),
            None if key.kind == KeyKind::Total => None,
            None => return None,
        };
        let silence = Numbers::Silence(self.falls.silence(port)?);
        Some(self.explanation(shares, key.to_string(), self.known_series(key), silence))
    }

    fn explanation(
        &self,
        shares: &impl Readable,
        key: String,
        series: Option<u32>,
        numbers: Numbers,
    ) -> Explanation {
        let usual = |series: u32| {
            let (watch, which) = self.watch_of(series);
            watch.rate(&In(shares, which), SeriesId(series))
        };
        Explanation {
            key,
            at: self.next.unwrap_or_default(),
            origin: self.origin,
            counts: series.map(|series| self.recent_of(shares, series)).unwrap_or_default(),
            usual: series.and_then(usual).unwrap_or(0.0),
            numbers,
        }
    }

    /// New sources of a key in the last two days by bin, where there were any; bins are counted from the first ever closed.
    #[must_use]
    pub fn recent(&self, shares: &impl Readable, key: &Key) -> Vec<(u64, u32)> {
        let series = self.known_series(key);
        series.map(|series| self.recent_of(shares, series)).unwrap_or_default()
    }

    fn recent_of(&self, shares: &impl Readable, series: u32) -> Vec<(u64, u32)> {
        let (watch, which) = self.watch_of(series);
        watch.recent(&In(shares, which), SeriesId(series))
    }

    fn rise_of(
        &self,
        shares: &impl Readable,
        series: u32,
        fresh_from: Option<u64>,
    ) -> Option<Numbers> {
        let (watch, which) = self.watch_of(series);
        let numbers = watch.explain(&In(shares, which), SeriesId(series), fresh_from)?;
        Some(Numbers::Rise(Box::new(numbers)))
    }

    /// The watch that a series is of.
    pub(super) const fn watch_of(&self, series: u32) -> (&gamma_poisson::Merge, Which) {
        if series >= KEYS_FROM {
            (self.keys.watch(), Which::Keys)
        } else {
            (&self.watch, Which::Ports)
        }
    }

    pub(super) fn known_series(&self, key: &Key) -> Option<u32> {
        match key.as_port() {
            Some(port) => self.series.find(port),
            None => self.keys.keys.find(key),
        }
    }
}
