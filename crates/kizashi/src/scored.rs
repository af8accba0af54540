//! A key's series with its scores: ChangeFinder's, worked out over the whole past (its scores depend on it), and how sure
//! detection was at the time, which was noted then.

use std::collections::HashMap;

use kizashi_detect::changefinder::{self, Rank};
use kizashi_event::{Key, Timestamp};
use kizashi_signs::{EvidenceDay, scored_series};
use kizashi_store::{BinLength, MOST_POINTS, Reader, SeriesPoint, Span};

use crate::failure::Failure;

/// One bin with its scores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scored {
    /// The counts.
    pub(crate) point: SeriesPoint,
    /// ChangeFinder's outlier score, in nats.
    pub(crate) outlier: Option<f64>,
    /// ChangeFinder's change-point score, in nats.
    pub(crate) change: Option<f64>,
    /// The share of the series' own past change scores that lie below that one, 0 to 1.
    pub(crate) rank: Option<f64>,
    /// By chance at most once in so many days, as it was known then; only where it was worth noting.
    pub(crate) days: Option<f64>,
}

/// A series cut to a span.
#[derive(Clone, Debug)]
pub(crate) struct ScoredSeries {
    /// One point a bin, oldest first.
    pub(crate) points: Vec<Scored>,
    /// Whether the last bin is over.
    pub(crate) complete: bool,
}

/// Reads the series of `key` in `span` and scores it.
pub(crate) fn read(
    reader: &Reader,
    key: &Key,
    length: BinLength,
    span: Span,
    settings: changefinder::Settings,
) -> Result<ScoredSeries, Failure> {
    let overview = reader.overview()?;
    let (Some(first), Some(last)) = (overview.first, overview.last) else {
        return Ok(ScoredSeries { points: Vec::new(), complete: true });
    };
    let until = span.until.unwrap_or_else(|| last.plus(1));
    let longest = until.plus(-length.micros().saturating_mul(MOST_POINTS - 1));
    let past = Span { since: Some(first.max(longest)), until: Some(until) };
    let points = reader.series(key, length, past)?;
    let complete = points.last().is_none_or(|point| point.start.plus(length.micros()) <= last);
    let scores = scored_series(settings, &points, complete)
        .map_err(|error| Failure::Asked(error.to_string()))?;
    let mut noted = Noted { reader, key, days: HashMap::new() };
    let mut past = Rank::new();
    let ranks: Vec<Option<f64>> =
        scores.iter().map(|score| score.change.and_then(|change| past.step(change))).collect();
    let since = span.since.map(|since| since.floor_to(length.micros()));
    let scored = points
        .into_iter()
        .zip(scores.into_iter().zip(ranks))
        .filter(|(point, _)| since.is_none_or(|since| point.start >= since))
        .map(|(point, (score, rank))| {
            let days = noted.most(point.start, length.micros())?;
            Ok(Scored { point, outlier: score.outlier, change: score.change, rank, days })
        })
        .collect::<Result<_, Failure>>()?;
    Ok(ScoredSeries { points: scored, complete })
}

/// What detection noted, read a day at a time.
struct Noted<'a> {
    reader: &'a Reader,
    key: &'a Key,
    days: HashMap<String, EvidenceDay>,
}

impl Noted<'_> {
    /// The most days noted in the bin at `start`.
    fn most(&mut self, start: Timestamp, length: i64) -> Result<Option<f64>, Failure> {
        let Some(port) = self.key.as_port() else { return Ok(None) };
        let mut most: Option<f64> = None;
        let mut hour = start;
        while hour < start.plus(length) {
            let name = EvidenceDay::name(hour);
            if !self.days.contains_key(&name) {
                let bytes = self.reader.blob(&name)?;
                let day = bytes.map(|bytes| EvidenceDay::read(&bytes)).unwrap_or_default();
                self.days.insert(name.clone(), day);
            }
            let noted = self.days.get(&name).and_then(|day| day.days(hour, port));
            most = most.into_iter().chain(noted).reduce(f64::max);
            hour = hour.plus(Timestamp::HOUR);
        }
        Ok(most)
    }
}
