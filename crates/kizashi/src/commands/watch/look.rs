//! One look at the store: everything that the screen shows, as plain values.

use kizashi_event::{Key, KeyKind, Timestamp, escape_for_people};
use kizashi_signs::ports::port_info;
use kizashi_signs::{Severity, Sign, SignKind, advisory};
use kizashi_store::{BinLength, Overview, Reader, Span};
use kizashi_web::FeedItem;

use crate::failure::Failure;
use crate::observatory::marks_in;
use crate::scored;

/// Signs looked at.
const MOST_SIGNS: usize = 60;
/// Ports shown, and of these those with a score.
const MOST_PORTS: usize = 200;
const SCORED: usize = 40;
/// Events of the feed.
const MOST_EVENTS: usize = 100;
/// Hours of the strip.
const HOURS: i64 = 24;
/// Days that say what is usual.
const USUAL_DAYS: i64 = 14;
/// Half days of a port's line.
const HALF_DAYS: i64 = 28;

/// Microseconds for which home tells first what a trap did: it was over when it was known, and somebody may have been in the machine.
const RECENT: i64 = 24 * Timestamp::HOUR;

/// A sign with its advisory; all texts are escaped.
#[derive(Clone, Debug)]
pub(super) struct SignRow {
    pub(super) id: String,
    pub(super) severity: Severity,
    pub(super) open: bool,
    pub(super) muted: bool,
    /// Whether it tells that a trap did what no trap does.
    pub(super) is_misbehaviour: bool,
    pub(super) title: String,
    pub(super) detected: Timestamp,
    pub(super) paragraphs: Vec<String>,
}

impl SignRow {
    /// Whether home has to tell of it before all else: a trap misbehaved not long before `now`, and its owner has not silenced that.
    pub(super) fn is_breach(&self, now: Timestamp) -> bool {
        self.is_misbehaviour && !self.muted && now.since(self.detected) < RECENT
    }
}

/// A port.
#[derive(Clone, Debug)]
pub(super) struct PortRow {
    pub(super) port: String,
    pub(super) title: String,
    pub(super) events: u64,
    pub(super) sources: u64,
    pub(super) line: Vec<u64>,
    pub(super) score: Option<f64>,
    pub(super) last: Timestamp,
}

/// What is new every few seconds.
#[derive(Clone, Debug)]
pub(super) struct New {
    pub(super) now: Timestamp,
    pub(super) overview: Overview,
    pub(super) signs: Vec<SignRow>,
    /// Events by the hour, the running one last.
    pub(super) hours: Vec<u64>,
    /// Events of a usual day; `None` before there was one.
    pub(super) usual_day: Option<f64>,
    pub(super) feed: Vec<FeedItem>,
}

/// Everything.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) new: New,
    pub(super) ports: Vec<PortRow>,
}

impl Look {
    /// Looks at everything.
    pub(super) fn at(reader: &Reader, now: Timestamp) -> Result<Self, Failure> {
        Ok(Self { new: Self::at_what_is_new(reader, now)?, ports: ports(reader)? })
    }

    /// Looks at what changes fast.
    pub(super) fn at_what_is_new(reader: &Reader, now: Timestamp) -> Result<New, Failure> {
        let overview = reader.overview()?;
        // An imported log may have ended years ago: the strip is its last day.
        let end = overview.last.map_or(now, |last| last.min(now));
        let hours = by_hour(reader, end.plus(-(HOURS - 1) * Timestamp::HOUR), end)?;
        let before = by_hour(
            reader,
            end.plus(-(USUAL_DAYS + 1) * Timestamp::DAY),
            end.plus(-HOURS * Timestamp::HOUR),
        )?;
        let known = overview.first.map_or(0.0, |first| {
            (end.since(first) as f64 / Timestamp::DAY as f64 - 1.0).min(USUAL_DAYS as f64)
        });
        let events: u64 = before.iter().sum();
        let usual_day = (known >= 1.0).then(|| events as f64 / known);
        let marks = marks_in(reader);
        let signs = reader.signs(MOST_SIGNS)?;
        let signs = signs.iter().filter_map(Sign::of_stored).map(|(sign, evidence)| {
            let muted = marks.get(&sign.id).is_some_and(|mark| mark.is_muted(now));
            let text = advisory(&sign, &evidence);
            row_of(&sign, muted, [text.what, text.since, text.who, text.what_to_do])
        });
        let mut signs: Vec<SignRow> = signs.collect();
        signs.sort_by_key(|sign| {
            (!sign.is_breach(now), !sign.open, sign.muted, std::cmp::Reverse(sign.severity))
        });
        let feed = reader.recent(MOST_EVENTS)?.iter().map(FeedItem::of).collect();
        Ok(New { now, overview, signs, hours, usual_day, feed })
    }
}

fn row_of(sign: &Sign, muted: bool, paragraphs: [String; 4]) -> SignRow {
    let name = sign.name.clone().unwrap_or_else(|| sign.label.clone());
    let name = match sign.place() {
        Some(place) => format!("{name}, at {place}"),
        None => name,
    };
    SignRow {
        id: sign.id.clone(),
        severity: sign.severity,
        open: sign.open,
        muted,
        is_misbehaviour: sign.kind == SignKind::Misbehaviour,
        // Both were escaped when the sign was made; escaping again would be shown.
        title: if sign.key == "total" { name } else { format!("{}  {name}", sign.key) },
        detected: sign.detected,
        paragraphs: paragraphs.into_iter().filter(|text| !text.is_empty()).collect(),
    }
}

fn by_hour(reader: &Reader, since: Timestamp, until: Timestamp) -> Result<Vec<u64>, Failure> {
    let span = Span { since: Some(since), until: Some(until.plus(1)) };
    let points = reader.series(&Key::total(), BinLength::Hour, span)?;
    Ok(points.iter().map(|point| point.events).collect())
}

fn ports(reader: &Reader) -> Result<Vec<PortRow>, Failure> {
    let ranking = reader.top(KeyKind::Port, Span::default(), MOST_PORTS)?;
    let settings = kizashi_signs::Settings::default().changefinder;
    let length = BinLength::HalfDay;
    let since = reader.overview()?.last.map(|last| last.plus(-HALF_DAYS * length.micros()));
    let mut rows = Vec::new();
    for (at, ranked) in ranking.iter().enumerate() {
        let title = ranked.key.as_port().map(|port| port_info(port).title.to_string());
        let mut row = PortRow {
            port: escape_for_people(&ranked.key.text),
            title: title.unwrap_or_default(),
            events: ranked.events,
            sources: ranked.sources,
            line: Vec::new(),
            score: None,
            last: ranked.last,
        };
        if at < SCORED {
            let span = Span { since, until: None };
            let series = scored::read(reader, &ranked.key, length, span, settings)?;
            row.line = series.points.iter().map(|scored| scored.point.events).collect();
            let over = if series.complete { 0 } else { 1 };
            row.score = series.points.iter().rev().nth(over).and_then(|scored| scored.change);
        }
        rows.push(row);
    }
    Ok(rows)
}
