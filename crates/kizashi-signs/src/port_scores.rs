//! ChangeFinder over each port's event counts, live, as the talk did by hand: on 12-hour counts and on hourly counts.
//!
//! A port is scored from its second hour with events on, as if it had been watched since the first hour of all (or for 60 days,
//! where that is shorter), zeros included; a sweep over all ports that happens once therefore costs next to nothing. Scores
//! are for the eye: it is the e-detector that raises signs.

use std::collections::{BTreeMap, VecDeque};

use kizashi_detect::changefinder::{self, ChangeFinder, Rank, Score};
use kizashi_event::Timestamp;
use kizashi_store::SeriesPoint;
use serde::{Deserialize, Serialize};

use crate::counts::SeriesCount;

/// Hours in the talk's bin.
const HALF_DAY: i64 = 12;
/// 12-hour counts kept for the sparkline: 60 days.
const SPARK: usize = 120;
/// Ports scored at most, about 3 KB each. When all places are taken, the quietest quarter makes room at the end of a half-day.
const MOST_TRACKED: usize = 8_192;
/// Hours of silence of the whole sensor after which scoring begins anew instead of learning a year of zeros.
const LONGEST_SILENCE: i64 = 24 * 60;

/// What is known of one port's scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortScore {
    /// The last closed 12-hour bin: its change-point score in nats, once there is one.
    pub half_daily: Option<f64>,
    /// The share of the port's own past 12-hour scores that lie below that one, 0 to 1: "higher than 99 % of its past".
    pub rank: Option<f64>,
    /// The last closed hour's change-point score in nats, once there is one.
    pub hourly: Option<f64>,
    /// Events of the last closed 12-hour bins, oldest first, at most 120.
    pub spark: VecDeque<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tracked {
    hourly: ChangeFinder,
    half_daily: ChangeFinder,
    /// The past of the 12-hour scores: at most 1 KB.
    rank: Rank,
    half_day: u64,
    score: PortScore,
}

/// The scores of every port that came in at least two different hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PortScores {
    settings: changefinder::Settings,
    /// The first hour scored, the last with any event, and the running one, in hours since the epoch.
    origin: i64,
    heard: i64,
    hour: Option<i64>,
    running: BTreeMap<u32, u64>,
    /// Seen in one hour only: that hour and its events.
    waiting: BTreeMap<u32, (i64, u64)>,
    tracked: BTreeMap<u32, Tracked>,
}

impl PortScores {
    /// Nothing seen yet.
    pub(crate) fn new(settings: changefinder::Settings) -> Self {
        Self {
            settings,
            origin: 0,
            heard: 0,
            hour: None,
            running: BTreeMap::new(),
            waiting: BTreeMap::new(),
            tracked: BTreeMap::new(),
        }
    }

    /// Takes the events of a ten-minute bin that starts at `start`; closes every hour that ended before it.
    pub(crate) fn add(&mut self, start: Timestamp, rows: &[SeriesCount]) {
        self.advance(start);
        let hour = hour_of(start);
        if self.hour.is_none() {
            self.origin = hour;
            self.hour = Some(hour);
        }
        self.heard = hour;
        for row in rows {
            let events = self.running.entry(row.series).or_default();
            *events = events.saturating_add(row.events);
        }
    }

    /// Closes every hour that ended at or before `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        let Some(first) = self.hour else { return };
        for hour in first..hour_of(now) {
            if hour - self.heard > LONGEST_SILENCE {
                *self = Self::new(self.settings);
                return;
            }
            self.close_hour(hour);
            self.hour = Some(hour + 1);
        }
    }

    fn close_hour(&mut self, hour: i64) {
        let counts = std::mem::take(&mut self.running);
        for (&series, tracked) in &mut self.tracked {
            tracked.close_hour(hour, counts.get(&series).copied().unwrap_or(0));
        }
        for (series, events) in counts {
            if self.tracked.contains_key(&series) {
                continue;
            }
            match self.waiting.remove(&series) {
                None => {
                    self.waiting.insert(series, (hour, events));
                }
                Some(first) if self.tracked.len() < MOST_TRACKED => {
                    if let Some(tracked) = self.catch_up(first, (hour, events)) {
                        self.tracked.insert(series, tracked);
                    }
                }
                Some(first) => {
                    self.waiting.insert(series, first);
                }
            }
        }
        if (hour + 1).rem_euclid(HALF_DAY) == 0 && self.tracked.len() >= MOST_TRACKED {
            self.make_room();
        }
    }

    /// Lets go of the quarter with the fewest events.
    fn make_room(&mut self) {
        let events = |tracked: &Tracked| tracked.score.spark.iter().sum::<u64>();
        let mut quietest: Vec<(u64, u32)> =
            self.tracked.iter().map(|(series, tracked)| (events(tracked), *series)).collect();
        quietest.sort_unstable();
        for (_, series) in quietest.iter().take(MOST_TRACKED / 4) {
            self.tracked.remove(series);
        }
    }

    /// The series scored, in order.
    pub(crate) fn scored(&self) -> impl Iterator<Item = (u32, &PortScore)> {
        self.tracked.iter().map(|(series, tracked)| (*series, &tracked.score))
    }

    /// The state of a port that had events in two hours, `first` and `last`, and none between or before.
    fn catch_up(&self, first: (i64, u64), last: (i64, u64)) -> Option<Tracked> {
        let mut tracked = Tracked {
            hourly: ChangeFinder::new(self.settings).ok()?,
            half_daily: ChangeFinder::new(self.settings).ok()?,
            rank: Rank::new(),
            half_day: 0,
            score: PortScore { half_daily: None, rank: None, hourly: None, spark: VecDeque::new() },
        };
        for hour in self.origin.max(last.0 - LONGEST_SILENCE)..=last.0 {
            let events = [first, last].iter().find(|(at, _)| *at == hour).map_or(0, |(_, n)| *n);
            tracked.close_hour(hour, events);
        }
        Some(tracked)
    }

    /// The scores of a series, when it has been seen in two hours.
    pub(crate) fn of(&self, series: u32) -> Option<&PortScore> {
        self.tracked.get(&series).map(|tracked| &tracked.score)
    }
}

fn hour_of(time: Timestamp) -> i64 {
    time.micros().div_euclid(Timestamp::HOUR)
}

impl Tracked {
    #[allow(clippy::cast_precision_loss, reason = "counts past 2^53 do not come from one machine")]
    fn close_hour(&mut self, hour: i64, events: u64) {
        self.score.hourly = self.hourly.step(events as f64).change;
        self.half_day = self.half_day.saturating_add(events);
        if (hour + 1).rem_euclid(HALF_DAY) != 0 {
            return;
        }
        self.score.half_daily = self.half_daily.step(self.half_day as f64).change;
        self.score.rank = self.score.half_daily.and_then(|score| self.rank.step(score));
        if self.score.spark.len() == SPARK {
            self.score.spark.pop_front();
        }
        self.score.spark.push_back(self.half_day);
        self.half_day = 0;
    }
}

/// The scores of a dense series of counts, one a point. The running bin (the last one, when `complete` is false) has none:
/// half a bin looks like a fall.
///
/// # Errors
/// When a parameter is outside its range.
pub fn scored_series(
    settings: changefinder::Settings,
    points: &[SeriesPoint],
    complete: bool,
) -> Result<Vec<Score>, changefinder::SettingsError> {
    let mut finder = ChangeFinder::new(settings)?;
    let closed = if complete { points.len() } else { points.len().saturating_sub(1) };
    #[allow(clippy::cast_precision_loss, reason = "counts past 2^53 do not come from one machine")]
    let score = |(at, point): (usize, &SeriesPoint)| {
        if at < closed { finder.step(point.events as f64) } else { Score::default() }
    };
    Ok(points.iter().enumerate().map(score).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(series: u32, events: u64) -> SeriesCount {
        SeriesCount { series, events, fresh: 0 }
    }

    fn at_hour(hour: i64) -> Timestamp {
        Timestamp::from_micros(hour * Timestamp::HOUR)
    }

    #[test]
    fn live_scores_equal_those_of_the_whole_series() {
        let settings = changefinder::Settings::default();
        let mut scores = PortScores::new(settings);
        let hours = 24 * 40;
        let events =
            |hour: i64| if hour % 5 == 3 { 20 + (hour.unsigned_abs() * 7) % 13 } else { 0 };
        for hour in 0..hours {
            let rows = [row(4, events(hour)), row(5, 1)];
            scores.add(at_hour(hour), if events(hour) > 0 { &rows } else { &rows[1..] });
        }
        scores.advance(at_hour(hours));
        for bin in [1, HALF_DAY] {
            let points: Vec<SeriesPoint> = (0..hours / bin)
                .map(|at| SeriesPoint {
                    start: at_hour(at * bin),
                    events: (at * bin..(at + 1) * bin).map(events).sum(),
                    sessions: 0,
                    sources: 0,
                })
                .collect();
            let whole = scored_series(settings, &points, true).unwrap();
            let live = scores.of(4).unwrap();
            let live = if bin == 1 { live.hourly } else { live.half_daily };
            assert!(live.is_some());
            assert_eq!(live, whole.last().unwrap().change);
        }
        assert_eq!(scores.of(4).unwrap().spark.len(), 80);
    }

    #[test]
    fn a_sweep_that_happens_once_is_only_waited_for() {
        let mut scores = PortScores::new(changefinder::Settings::default());
        let sweep: Vec<SeriesCount> = (0..131_072).map(|series| row(series, 1)).collect();
        scores.add(Timestamp::from_seconds(0), &sweep);
        scores.advance(Timestamp::from_seconds(86_400));
        assert_eq!((scores.tracked.len(), scores.waiting.len()), (0, 131_072));
    }

    #[test]
    fn places_taken_by_sweeps_are_given_to_ports_that_live() {
        let mut scores = PortScores::new(changefinder::Settings::default());
        let sweep: Vec<SeriesCount> = (0..20_000).map(|series| row(series, 1)).collect();
        scores.add(at_hour(0), &sweep);
        scores.add(at_hour(1), &sweep);
        for hour in 2..30 {
            scores.add(at_hour(hour), &[row(30_000, 50)]);
        }
        assert!(scores.of(30_000).is_some());
        assert!(scores.tracked.len() <= MOST_TRACKED);
    }

    #[test]
    fn long_silence_ends_alike_whether_waited_out_or_leapt_over() {
        let mut waited = PortScores::new(changefinder::Settings::default());
        let mut leapt = waited.clone();
        let long = 24 * 200;
        for scores in [&mut waited, &mut leapt] {
            scores.add(at_hour(0), &[row(1, 5)]);
            scores.add(at_hour(9), &[row(1, 5)]);
        }
        (10..long).for_each(|hour| waited.advance(at_hour(hour)));
        for scores in [&mut waited, &mut leapt] {
            scores.add(at_hour(long), &[row(1, 5)]);
        }
        assert_eq!(waited, leapt);
        assert_eq!(waited.origin, long);
    }
}
