//! `kizashi series`: one key's counts with their scores, as a table with a sparkline, as CSV or as JSON.

use kizashi_store::Reader;
use serde::Serialize;

use crate::cli;
use crate::config::Config;
use crate::failure::Failure;
use crate::observatory::label_of;
use crate::scored::{self, Scored};
use crate::screen::{Cell, Column, Table, Tone, sparkline, thousands};
use crate::terminal::Terminal;

/// Characters of the sparkline where the terminal does not say.
const SPARKLINE: usize = 100;

/// A bin as the contract has it.
#[derive(Serialize)]
struct Row {
    start: String,
    events: u64,
    sources: u64,
    outlier: Option<f64>,
    changefinder: Option<f64>,
    rank: Option<f64>,
    days: Option<f64>,
}

impl From<&Scored> for Row {
    fn from(scored: &Scored) -> Self {
        Self {
            start: scored.point.start.rfc3339(),
            events: scored.point.events,
            sources: scored.point.sources,
            outlier: scored.outlier,
            changefinder: scored.change,
            rank: scored.rank,
            days: scored.days,
        }
    }
}

/// Prints a series.
pub(crate) fn run(call: &cli::SeriesCall, terminal: &mut Terminal) -> Result<(), Failure> {
    let settings = Config::load(call.config.as_deref())?.detection().changefinder;
    let reader = Reader::open(&call.data.data)?;
    let series = scored::read(&reader, &call.key, call.bin, call.span.span(), settings)?;
    let points = &series.points;
    if call.json {
        return points.iter().try_for_each(|scored| terminal.json(&Row::from(scored)));
    }
    if call.csv {
        terminal.line("start,events,sources,outlier,changefinder,rank,days")?;
        return points.iter().try_for_each(|scored| terminal.line(&csv(scored)));
    }
    if points.is_empty() {
        return terminal.line("nothing is stored");
    }
    let events: Vec<u64> = points.iter().map(|scored| scored.point.events).collect();
    terminal.line(&format!(
        "{}  {}  {} events in bins of {}",
        call.key,
        label_of(&call.key),
        thousands(events.iter().sum()),
        call.bin.name()
    ))?;
    terminal.line(&sparkline(&events, terminal.columns.unwrap_or(SPARKLINE)))?;
    let titles = ["events", "sources", "outlier", "change", "days"].map(Column::number);
    let mut table = Table::new(&[&[Column::text("start")], titles.as_slice()].concat());
    for scored in points {
        let score = |score: Option<f64>| Cell::text(&decimals(score));
        let days = scored.days.map(|days| format!("{days:.1}")).unwrap_or_default();
        table.row([
            Cell::text(&terminal.minute(scored.point.start)),
            Cell::number(scored.point.events),
            Cell::number(scored.point.sources),
            score(scored.outlier),
            score(scored.change),
            Cell::text(&days).tone(if scored.days >= Some(7.0) {
                Tone::Alarm
            } else {
                Tone::Plain
            }),
        ]);
    }
    terminal.table(&table, "")
}

fn csv(scored: &Scored) -> String {
    let number = |score: Option<f64>| score.map(|score| score.to_string()).unwrap_or_default();
    format!(
        "{},{},{},{},{},{}",
        scored.point.start.rfc3339(),
        scored.point.events,
        scored.point.sources,
        number(scored.outlier),
        number(scored.change),
        number(scored.days)
    )
}

fn decimals(score: Option<f64>) -> String {
    score.map_or_else(String::new, |score| {
        if score.abs() >= 1e6 { format!("{score:.1e}") } else { format!("{score:.2}") }
    })
}
