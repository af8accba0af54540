//! What is usual: the last 24 whole hours of everything and of the busiest ports, against the same hours of the four weeks before them.
//!
//! "Usual" is said of what was, not of a model: of the earlier days the middle eight of ten (from the 10th to the 90th of a hundred, by linear
//! interpolation) and their median, and of how many days that is. Of fewer than five nothing is said. A day is 24 hours back from the last whole
//! hour, so that a morning is held against mornings, whatever the time zone. Sources are distinct within an hour; over 24 hours their average is
//! given, for distinct sources of days that begin at any hour are not kept.

use kizashi_event::{Key, KeyKind, Timestamp};
use kizashi_store::{BinLength, SeriesPoint, Span};
use serde::Serialize;

use crate::answers::moment;
use crate::{Observatory, ReadError, TopRow};

/// Hours of a day.
const HOURS: usize = 24;
/// Earlier days that are looked at.
const MOST_DAYS: usize = 28;
/// Earlier days below which nothing is called usual.
const FEWEST_DAYS: usize = 5;
/// Ports that are told of at most.
pub(crate) const MOST_PORTS: usize = 24;

/// The last 24 hours against what is usual.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Day {
    /// The end of the last whole hour.
    #[serde(serialize_with = "moment")]
    pub(crate) until: Timestamp,
    /// Earlier days that "usual" is made of.
    pub(crate) days: usize,
    /// Every hour of the day, oldest first.
    pub(crate) hours: Vec<Hour>,
    /// Events of 24 hours.
    pub(crate) events: Against,
    /// Sessions of 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sessions: Option<Against>,
    /// Distinct sources an hour, on average; of one sensor neither is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sources: Option<Against>,
    /// The ports with the most events of the day.
    pub(crate) ports: Vec<PortDay>,
}

/// One hour of everything.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Hour {
    /// Its start.
    #[serde(serialize_with = "moment")]
    pub(crate) start: Timestamp,
    /// Events in it.
    #[serde(flatten)]
    pub(crate) events: Against,
    /// Distinct sources in it.
    pub(crate) sources: u64,
}

/// The day of one port.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct PortDay {
    /// `tcp/445`.
    pub(crate) key: String,
    /// What people know it as.
    pub(crate) label: String,
    /// Events of 24 hours.
    pub(crate) events: Against,
}

/// A number, and where it usually lies; that is left out where too little is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Against {
    /// The number.
    pub(crate) now: f64,
    /// The 10th of a hundred earlier ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) low: Option<f64>,
    /// Their median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) middle: Option<f64>,
    /// The 90th of a hundred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) high: Option<f64>,
}

impl Against {
    fn of(now: f64, mut earlier: Vec<f64>) -> Self {
        if earlier.len() < FEWEST_DAYS {
            return Self { now, low: None, middle: None, high: None };
        }
        earlier.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (earlier.len() - 1) as f64;
            let (below, above) = (place.floor() as usize, place.ceil() as usize);
            Some(earlier[below] + (earlier[above] - earlier[below]) * place.fract())
        };
        Self { now, low: at(0.1), middle: at(0.5), high: at(0.9) }
    }
}

/// Reads the day that ends with the last whole hour before `now`, with the `limit` busiest ports.
pub(crate) fn read(observatory: &dyn Observatory, limit: usize) -> Result<Day, ReadError> {
    let status = observatory.status()?;
    let (Some(first), Some(last)) = (status.store.first, status.store.last) else {
        return Ok(day_of(&[], status.now.floor_to(Timestamp::HOUR), Vec::new()));
    };
    // Imported logs may end years ago: their day is their last one.
    let now = if last < status.now { last } else { status.now };
    let until = now.floor_to(Timestamp::HOUR);
    let longest = until.plus(-Timestamp::DAY * (MOST_DAYS as i64 + 1));
    // An hour that was not observed from its start says nothing.
    let known = first.plus(Timestamp::HOUR - 1).floor_to(Timestamp::HOUR);
    let span = Span { since: Some(known.max(longest)), until: Some(until) };
    let counts = |key: &Key| match span.since {
        Some(since) if since < until => observatory.counts(key, BinLength::Hour, span),
        _ => Ok(Vec::new()),
    };
    let today = Span { since: Some(until.plus(-Timestamp::DAY)), until: Some(until) };
    let busiest = observatory.top(KeyKind::Port, today, limit)?;
    let ports = busiest.iter().map(|row| Ok((row, counts(&Key::new(KeyKind::Port, &row.key))?)));
    let ports: Vec<PortDay> = ports
        .map(|port| port.map(|(row, points)| port_day(row, &points)))
        .collect::<Result<_, ReadError>>()?;
    Ok(day_of(&counts(&Key::total())?, until, ports))
}

/// The same of one sensor, whose events alone are counted by the hour. Its ports are those of its latest single events.
pub(crate) fn read_of_sensor(
    observatory: &dyn Observatory,
    sensor: &str,
    limit: usize,
) -> Result<Day, ReadError> {
    let status = observatory.status()?;
    let now = status.store.last.map_or(status.now, |last| last.min(status.now));
    let until = now.floor_to(Timestamp::HOUR);
    let known = observatory.sensors()?.into_iter().find(|row| row.name == sensor);
    let first = known.and_then(|row| row.first);
    let first = first.map_or(until, |first| first.plus(Timestamp::HOUR - 1));
    let longest = until.plus(-Timestamp::DAY * (MOST_DAYS as i64 + 1));
    let start = first.floor_to(Timestamp::HOUR).max(longest);
    let hours = u16::try_from(until.since(start).max(0) / Timestamp::HOUR).unwrap_or(0);
    let counts = match hours {
        0 => Vec::new(),
        hours => observatory.sensor_hours(sensor, until.plus(-1), hours)?.hours,
    };
    let point = |(at, events): (usize, u64)| SeriesPoint {
        start: start.plus(at as i64 * Timestamp::HOUR),
        events,
        sessions: 0,
        sources: 0,
    };
    let points: Vec<SeriesPoint> = counts.into_iter().enumerate().map(point).collect();
    let today = Span { since: Some(until.plus(-Timestamp::DAY)), until: Some(until) };
    let busiest = observatory.sensor_ports(sensor, today, limit)?;
    let port = |row: &TopRow| PortDay {
        key: row.key.clone(),
        label: row.label.clone(),
        events: Against::of(row.events as f64, Vec::new()),
    };
    let day = day_of(&points, until, busiest.rows.iter().map(port).collect());
    Ok(Day { sessions: None, sources: None, ..day })
}

fn port_day(row: &TopRow, points: &[SeriesPoint]) -> PortDay {
    let events = sums(points, |point| point.events as f64);
    PortDay { key: row.key.clone(), label: row.label.clone(), events }
}

fn day_of(points: &[SeriesPoint], until: Timestamp, ports: Vec<PortDay>) -> Day {
    let hours = points.len().min(HOURS);
    let hour = |at: usize| {
        let point = points[at];
        let earlier = (1..=MOST_DAYS).map_while(|days| at.checked_sub(days * HOURS));
        let earlier = earlier.map(|earlier| points[earlier].events as f64).collect();
        Hour {
            start: point.start,
            events: Against::of(point.events as f64, earlier),
            sources: point.sources,
        }
    };
    let sources = |point: &SeriesPoint| point.sources as f64 / HOURS as f64;
    Day {
        until,
        days: (points.len() / HOURS).saturating_sub(1).min(MOST_DAYS),
        hours: (points.len() - hours..points.len()).map(hour).collect(),
        events: sums(points, |point| point.events as f64),
        sessions: Some(sums(points, |point| point.sessions as f64)),
        sources: Some(sums(points, sources)),
        ports,
    }
}

/// The sum over the last day against the sums over each whole day before.
fn sums(points: &[SeriesPoint], value: impl Fn(&SeriesPoint) -> f64) -> Against {
    let mut days = points.rchunks(HOURS).map(|day| day.iter().map(&value).sum::<f64>());
    let whole = points.len() / HOURS;
    let now = days.next().unwrap_or_default();
    Against::of(now, days.take(whole.saturating_sub(1).min(MOST_DAYS)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hours from the first on, with so many events each.
    fn hours(events: impl IntoIterator<Item = u64>) -> Vec<SeriesPoint> {
        let point = |(at, events): (usize, u64)| SeriesPoint {
            start: Timestamp::from_seconds(at as i64 * 3_600),
            events,
            sessions: events / 2,
            sources: events / 4,
        };
        events.into_iter().enumerate().map(point).collect()
    }

    fn day(points: &[SeriesPoint]) -> Day {
        day_of(points, Timestamp::from_seconds(points.len() as i64 * 3_600), Vec::new())
    }

    #[test]
    fn a_day_is_held_against_the_same_hours_of_earlier_days() {
        // Ten days with a busy noon, the last of them twice as busy.
        let events = (0..240).map(|hour| {
            let usual = if hour % 24 == 12 { 1_000 } else { 100 };
            if hour >= 216 { 2 * usual } else { usual }
        });
        let day = day(&hours(events));
        assert_eq!((day.days, day.hours.len()), (9, 24));
        assert_eq!(
            day.events,
            Against {
                now: 6_600.0,
                low: Some(3_300.0),
                middle: Some(3_300.0),
                high: Some(3_300.0)
            }
        );
        assert_eq!(day.sources.unwrap().now, 6_600.0 / 4.0 / 24.0);
        let noon = day.hours[12];
        assert_eq!((noon.events.now, noon.events.high), (2_000.0, Some(1_000.0)));
        assert_eq!(day.hours[13].events.high, Some(100.0), "the next hour is another");
    }

    #[test]
    fn one_strange_day_of_twelve_is_not_usual() {
        let events = (0..13 * 24).map(|hour| if hour / 24 == 4 { 9_999 } else { 10 });
        let day = day(&hours(events));
        assert_eq!((day.days, day.events.low), (12, Some(240.0)));
        assert_eq!((day.events.middle, day.events.high), (Some(240.0), Some(240.0)));
    }

    #[test]
    fn of_too_few_days_nothing_is_called_usual() {
        for (given, expected) in
            [(0, 0), (5, 0), (24, 0), (24 * 5, 4), (24 * 6 - 1, 4), (24 * 6, 5)]
        {
            let day = day(&hours((0..given).map(|_| 10)));
            assert_eq!(day.days, expected, "{given} hours");
            assert_eq!(day.events.middle.is_some(), expected >= FEWEST_DAYS, "{given} hours");
            assert_eq!(day.hours.len(), usize::try_from(given).unwrap().min(24));
        }
        assert!(day(&hours((0..100 * 24).map(|_| 10))).days == MOST_DAYS);
    }
}
