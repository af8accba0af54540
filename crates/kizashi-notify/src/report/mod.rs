//! The report of a day, a week or a month: what was quiet, what came, what changed against the period before, and each port's course as the talk
//! drew it (12-hour counts, ChangeFinder's score). Gathered once from the store's rollups, written as a page, as Markdown or as JSON.

mod html;
mod markdown;
mod schedule;
mod svg;
mod words;

use kizashi_event::{Key, KeyKind, Timestamp, escape_for_people};
use kizashi_signs::ports::port_info;
use kizashi_signs::{Settings, Sign, SignKind, scored_series};
use kizashi_store::{BinLength, Reader, Span, StoreError, country_name};
use serde::{Deserialize, Serialize};

pub use schedule::{Due, Every, ReportSettings};

use crate::{Background, Document, Language, Notice, Story};

/// Rows of a table.
const MOST_ROWS: usize = 10;
/// Ports that are drawn.
const MOST_DRAWN: usize = 9;
/// Signs that are told.
const MOST_SIGNS: usize = 50;
/// Signs that are looked through.
const SIGNS_SEARCHED: usize = 2_000;
/// Ports of the period before that are looked at for those that fell silent.
const MOST_BEFORE: usize = 40;
/// A port counts as silent that had at least so many events before.
const LEAST_BEFORE: u64 = 10;
/// How far back a score looks: it depends on the past.
const PAST: i64 = 200 * Timestamp::DAY;

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// 24 hours.
    Day,
    /// Seven days.
    Week,
    /// Thirty days.
    Month,
}

impl Period {
    /// Its length in microseconds.
    #[must_use]
    pub const fn micros(self) -> i64 {
        match self {
            Self::Day => Timestamp::DAY,
            Self::Week => 7 * Timestamp::DAY,
            Self::Month => 30 * Timestamp::DAY,
        }
    }
}

/// What came in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Events.
    pub events: u64,
    /// Sessions.
    pub sessions: u64,
    /// Distinct sources.
    pub sources: u64,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The key, escaped.
    pub key: String,
    /// What people know it as, where that is more.
    pub label: String,
    /// Events in the period.
    pub events: u64,
    /// Distinct sources in it.
    pub sources: u64,
    /// Events in the period before.
    pub before: u64,
}

/// A ranking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ranking {
    /// What is ranked: `port`.
    pub kind: &'static str,
    /// The rows, most events first.
    pub rows: Vec<Row>,
}

/// One bin of a port's course.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The start of the bin.
    #[serde(serialize_with = "moment")]
    pub start: Timestamp,
    /// Events.
    pub events: u64,
    /// ChangeFinder's change-point score, in nats.
    pub score: Option<f64>,
}

/// A port's course over the period, in bins of twelve hours (of one hour for a day).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Course {
    /// The port.
    pub key: String,
    /// What it is used for.
    pub label: String,
    /// The bins.
    pub points: Vec<Point>,
}

/// A sign of the period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// The sign.
    pub sign: Sign,
    /// Its story in English.
    pub en: Story,
    /// Its story in Japanese.
    pub ja: Story,
}

/// Everything of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The sensor's name.
    pub sensor: String,
    /// How long the period is.
    pub period: Period,
    /// Its start.
    #[serde(serialize_with = "moment")]
    pub from: Timestamp,
    /// Its end.
    #[serde(serialize_with = "moment")]
    pub until: Timestamp,
    /// What came.
    pub totals: Totals,
    /// What came in the period before.
    pub before: Totals,
    /// Signs raised in the period, the gravest first.
    pub signs: Vec<Told>,
    /// Ports to which nothing came any more.
    pub silent: Vec<Row>,
    /// Rankings.
    pub rankings: Vec<Ranking>,
    /// The courses of the ports that most came to.
    pub courses: Vec<Course>,
    /// What others warned of that fits to signs here, in sentences: English, Japanese.
    pub outside: Vec<(String, String)>,
}

/// What is ranked, in this order.
const RANKED: [KeyKind; 8] = [
    KeyKind::Port,
    KeyKind::Source,
    KeyKind::Country,
    KeyKind::User,
    KeyKind::Password,
    KeyKind::Command,
    KeyKind::Path,
    KeyKind::Signature,
];

impl Report {
    /// Gathers a report of the period that ends at `until` (its hour's start), its signs told by this background.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn gather(
        reader: &Reader,
        (sensor, period, until): (&str, Period, Timestamp),
        settings: Settings,
        background: &Background<'_>,
    ) -> Result<Self, StoreError> {
        let until = until.floor_to(Timestamp::HOUR);
        let from = until.plus(-period.micros());
        let span = Span { since: Some(from), until: Some(until) };
        let earlier = Span { since: Some(from.plus(-period.micros())), until: Some(from) };
        let mut report = Self {
            sensor: sensor.to_owned(),
            period,
            from,
            until,
            totals: totals(reader, span)?,
            before: totals(reader, earlier)?,
            signs: told(reader, span, background)?,
            silent: Vec::new(),
            rankings: Vec::new(),
            courses: Vec::new(),
            outside: Vec::new(),
        };
        for kind in RANKED {
            let rows = rows(reader, kind, span, earlier)?;
            if !rows.is_empty() {
                report.rankings.push(Ranking { kind: kind.name(), rows });
            }
        }
        report.silent = silent(reader, span, earlier)?;
        let ports: Vec<String> =
            report.ports().iter().take(MOST_DRAWN).map(|row| row.key.clone()).collect();
        for key in ports.iter().filter_map(|key| key.parse::<Key>().ok()) {
            report.courses.push(course(reader, &key, period, span, settings)?);
        }
        Ok(report)
    }

    fn ports(&self) -> &[Row] {
        self.rankings
            .iter()
            .find(|ranking| ranking.kind == "port")
            .map_or(&[], |ranking| &ranking.rows)
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self, language: Language) -> String {
        markdown::markdown(self, language)
    }

    /// As a page that needs nothing else.
    #[must_use]
    pub fn html(&self, language: Language) -> String {
        html::html(self, language)
    }

    /// As it is sent to a channel.
    #[must_use]
    pub fn document(&self, language: Language) -> Document {
        Document {
            title: words::title(self, language),
            text: self.markdown(language),
            html: Some(self.html(language)),
        }
    }
}

fn totals(reader: &Reader, span: Span) -> Result<Totals, StoreError> {
    let ranked = reader.top(KeyKind::Total, span, 1)?;
    Ok(ranked.first().map_or_else(Totals::default, |total| Totals {
        events: total.events,
        sessions: total.sessions,
        sources: total.sources,
    }))
}

fn told(reader: &Reader, span: Span, background: &Background<'_>) -> Result<Vec<Told>, StoreError> {
    let is_inside = |time: Timestamp| {
        span.since.is_none_or(|since| time >= since) && span.until.is_none_or(|until| time < until)
    };
    let mut told: Vec<Told> = Vec::new();
    for stored in reader.signs(SIGNS_SEARCHED)? {
        let Some((sign, evidence)) = Sign::of_stored(&stored) else { continue };
        if !is_inside(sign.detected) {
            continue;
        }
        let Notice { sign, en, ja, .. } = Notice::told(&sign, &evidence, background);
        told.push(Told { sign, en, ja });
    }
    told.sort_by_key(|told| (std::cmp::Reverse(told.sign.severity), told.sign.detected));
    told.truncate(MOST_SIGNS);
    Ok(told)
}

fn rows(reader: &Reader, kind: KeyKind, span: Span, earlier: Span) -> Result<Vec<Row>, StoreError> {
    let ranked = reader.top(kind, span, MOST_ROWS)?;
    ranked
        .into_iter()
        .filter(|ranked| ranked.events > 0)
        .map(|ranked| {
            Ok(Row {
                label: label(&ranked.key),
                key: shown(&ranked.key),
                events: ranked.events,
                sources: ranked.sources,
                before: events(reader, &ranked.key, earlier)?,
            })
        })
        .collect()
}

fn events(reader: &Reader, key: &Key, span: Span) -> Result<u64, StoreError> {
    let points = reader.series(key, BinLength::Hour, span)?;
    Ok(points.iter().map(|point| point.events).sum())
}

/// Ports that had visitors in the period before and have none.
fn silent(reader: &Reader, span: Span, earlier: Span) -> Result<Vec<Row>, StoreError> {
    let mut silent = Vec::new();
    for before in reader.top(KeyKind::Port, earlier, MOST_BEFORE)? {
        if before.events >= LEAST_BEFORE && events(reader, &before.key, span)? == 0 {
            silent.push(Row {
                label: label(&before.key),
                key: shown(&before.key),
                events: 0,
                sources: 0,
                before: before.events,
            });
        }
    }
    silent.truncate(MOST_ROWS);
    Ok(silent)
}

fn course(
    reader: &Reader,
    key: &Key,
    period: Period,
    span: Span,
    settings: Settings,
) -> Result<Course, StoreError> {
    let length = if period == Period::Day { BinLength::Hour } else { BinLength::HalfDay };
    let until = span.until.unwrap_or_default();
    let first = reader.overview()?.first.unwrap_or(until);
    let past = if period == Period::Day { 30 * Timestamp::DAY } else { PAST };
    // Zeros from before the first event would make the first one a change like no other.
    let since = until.plus(-past).max(first);
    let points = reader.series(key, length, Span { since: Some(since), until: Some(until) })?;
    let complete = until.floor_to(length.micros()) == until;
    // Settings that were checked at the start cannot be out of their range here.
    let scores = scored_series(settings.changefinder, &points, complete).unwrap_or_default();
    let scores = scores.into_iter().map(|score| score.change).chain(std::iter::repeat(None));
    let inside =
        |start: Timestamp| span.since.is_none_or(|since| start.plus(length.micros()) > since);
    let points = points
        .into_iter()
        .zip(scores)
        .filter(|(point, _)| inside(point.start))
        .map(|(point, score)| Point { start: point.start, events: point.events, score })
        .collect();
    Ok(Course { key: key.to_string(), label: label(key), points })
}

fn label(key: &Key) -> String {
    match key.kind {
        KeyKind::Port => key.as_port().map(|port| port_info(port).title.into_owned()),
        KeyKind::Country => country_name(&key.text).map(str::to_owned),
        _ => None,
    }
    .unwrap_or_default()
}

/// A key's text as people see it; of a port with its transport.
fn shown(key: &Key) -> String {
    match key.kind {
        KeyKind::Port => key.to_string(),
        _ => crate::notice::cut(&escape_for_people(&key.text), 80),
    }
}

/// Whether a sign tells that something stopped, or of the house itself.
fn is_of_silence(sign: &Sign) -> bool {
    matches!(sign.kind, SignKind::PortSilent | SignKind::SensorSilent)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn moment<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    time.rfc3339().serialize(serializer)
}

#[cfg(test)]
mod tests;
