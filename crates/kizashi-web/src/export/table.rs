//! A table as all forms of file write it: columns of one type each, every cell of which may be empty.

use kizashi_event::Timestamp;
use kizashi_store::columnar::{Cells, ColumnarError, ColumnarWriter};
use serde_json::{Map, Value, json};

use super::micros;
use crate::{FeedItem, Series, SessionRow, TopRow};

/// A cell as JSON has it.
pub(super) fn json_cell(cells: &Cells, row: usize) -> Value {
    match cells {
        Cells::Text(cells) => json!(cells.get(row).cloned().flatten()),
        Cells::Integer(cells) => json!(cells.get(row).copied().flatten()),
        Cells::Real(cells) => json!(cells.get(row).copied().flatten()),
        Cells::Truth(cells) => json!(cells.get(row).copied().flatten()),
        Cells::Time(cells) => {
            let moment = cells.get(row).copied().flatten().map(Timestamp::from_micros);
            json!(moment.map(Timestamp::rfc3339))
        }
    }
}

/// Columns of the same length, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) columns: Vec<(&'static str, Cells)>,
}

impl Table {
    pub(super) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, cells)| cells.len())
    }

    pub(super) fn to_parquet(&self) -> Result<Vec<u8>, ColumnarError> {
        let names = self.columns.iter().map(|(name, cells)| (*name, cells.cell_type()));
        let mut file = ColumnarWriter::new(Vec::new(), names)?;
        if self.rows() > 0 {
            file.add(self.columns.iter().map(|(_, cells)| cells))?;
        }
        file.finish()
    }

    pub(super) fn to_json(&self) -> Value {
        let row = |row| {
            let cells = self
                .columns
                .iter()
                .map(|(name, cells)| ((*name).to_owned(), json_cell(cells, row)));
            Value::Object(cells.collect::<Map<_, _>>())
        };
        Value::Array((0..self.rows()).map(row).collect())
    }
}

fn text<T>(rows: &[T], of: impl Fn(&T) -> String) -> Cells {
    Cells::Text(rows.iter().map(|row| Some(of(row))).collect())
}

fn count<T>(rows: &[T], of: impl Fn(&T) -> u64) -> Cells {
    Cells::Integer(rows.iter().map(|row| i64::try_from(of(row)).ok()).collect())
}

fn real<T>(rows: &[T], of: impl Fn(&T) -> Option<f64>) -> Cells {
    Cells::Real(rows.iter().map(|row| of(row).filter(|value| value.is_finite())).collect())
}

fn time<T>(rows: &[T], of: impl Fn(&T) -> Option<i64>) -> Cells {
    Cells::Time(rows.iter().map(of).collect())
}

pub(super) fn of_rows(rows: &[TopRow]) -> Table {
    Table {
        columns: vec![
            ("kind", text(rows, |row| row.kind.name().to_owned())),
            ("key", text(rows, |row| row.key.clone())),
            ("label", text(rows, |row| row.label.clone())),
            ("events", count(rows, |row| row.events)),
            ("sessions", count(rows, |row| row.sessions)),
            ("sources", count(rows, |row| row.sources)),
            ("first", time(rows, |row| Some(row.first.micros()))),
            ("last", time(rows, |row| Some(row.last.micros()))),
            ("changefinder", real(rows, |row| row.half_daily)),
        ],
    }
}

pub(super) fn of_series(series: &Series) -> Table {
    let rows = &series.points;
    let key = series.key.to_string();
    Table {
        columns: vec![
            ("key", text(rows, |_| key.clone())),
            ("start", time(rows, |row| Some(row.start.micros()))),
            ("events", count(rows, |row| row.events)),
            ("sources", count(rows, |row| row.sources)),
            ("outlier", real(rows, |row| row.outlier)),
            ("changefinder", real(rows, |row| row.changefinder)),
            ("rank", real(rows, |row| row.rank)),
            ("days", real(rows, |row| row.days)),
        ],
    }
}

pub(super) fn of_signs(rows: &[Value]) -> Table {
    let named =
        |name: &'static str| text(rows, move |row| row[name].as_str().unwrap_or("").to_owned());
    let number = |name: &'static str| real(rows, move |row| row[name].as_f64());
    let moment = |name: &'static str| time(rows, move |row| row[name].as_str().and_then(micros));
    Table {
        columns: vec![
            ("id", named("id")),
            ("kind", named("kind")),
            ("key", named("key")),
            ("label", named("label")),
            ("name", named("name")),
            ("severity", named("severity")),
            ("open", Cells::Truth(rows.iter().map(|row| row["open"].as_bool()).collect())),
            ("since", moment("since")),
            ("detected", moment("detected")),
            ("until", moment("until")),
            ("days", number("days")),
            ("ratio", number("ratio")),
            ("events", number("events")),
            ("sources", number("sources")),
            ("expected_sources", number("expected_sources")),
        ],
    }
}

pub(super) fn of_sessions(rows: &[SessionRow]) -> Table {
    Table {
        columns: vec![
            ("session", text(rows, |row| row.session.clone())),
            ("first", time(rows, |row| micros(&row.first))),
            ("last", time(rows, |row| micros(&row.last))),
            ("source", text(rows, |row| row.source.clone())),
            ("port", text(rows, |row| row.port.clone())),
            ("service", text(rows, |row| row.service.clone())),
            ("commands", count(rows, |row| row.commands)),
            ("files", count(rows, |row| row.files)),
            ("recorded", Cells::Truth(rows.iter().map(|row| Some(row.recorded)).collect())),
        ],
    }
}

pub(super) fn of_events(rows: &[FeedItem]) -> Table {
    Table {
        columns: vec![
            ("time", time(rows, |row| Some(row.time.micros()))),
            ("source", text(rows, |row| row.source.clone())),
            ("port", text(rows, |row| row.port.clone())),
            ("service", text(rows, |row| row.service.clone())),
            ("action", text(rows, |row| row.action.to_owned())),
            ("text", text(rows, |row| row.text.clone())),
        ],
    }
}
