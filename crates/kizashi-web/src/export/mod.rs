//! Any table of the API as a file: CSV for spreadsheets, JSON, Parquet for notebooks and databases.

mod csv;
mod table;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use kizashi_event::Timestamp;
use kizashi_store::columnar::ColumnarError;
use serde::Deserialize;

use crate::ReadError;
use crate::error::ApiError;
use crate::query::Parameters;
use crate::server::App;
use table::Table;

/// Rows of a file at most.
const MOST_ROWS: usize = 5_000;
/// Signs of a file at most.
const MOST_SIGNS: usize = 500;
const TABLES: &str = "top, series, signs, sessions and search";

/// What can stand after the question mark.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    table: String,
    format: String,
    kind: Option<String>,
    key: Option<String>,
    bin: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<String>,
    command: Option<String>,
    q: Option<String>,
}

/// A form of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    Parquet,
}

impl Format {
    fn of(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    fn write(self, table: &Table) -> Result<Vec<u8>, ColumnarError> {
        Ok(match self {
            Self::Csv => csv::write(table),
            Self::Json => table.to_json().to_string().into_bytes(),
            Self::Parquet => table.to_parquet()?,
        })
    }
}

/// `GET /api/v1/export?table=&format=&…`.
#[utoipa::path(get, path = "/api/v1/export", tag = "counts", summary = "Any table as a file",
    description = "In CSV texts of visitors are escaped, and a cell that a spreadsheet would take for a formula has an apostrophe before it. JSON and Parquet hold them raw.",
    params(("table" = String, Query, description = "top, series, signs, sessions or search, with the parameters that these take", example = "top"),
        ("format" = String, Query, description = "csv, json or parquet", example = "json"),
        ("kind" = Option<String>, Query, description = "Of top"), ("key" = Option<String>, Query, description = "Of series"),
        ("bin" = Option<String>, Query, description = "Of series"), ("q" = Option<String>, Query, description = "Of search"),
        ("command" = Option<String>, Query, description = "Of sessions"),
        ("since" = Option<String>, Query, description = "From this moment on (RFC 3339)"),
        ("until" = Option<String>, Query, description = "Before this moment"),
        ("limit" = Option<u32>, Query, description = "Rows at most, 1 to 5,000")),
    responses((status = 200, description = "The file", body = String, content_type = "text/csv"),
        (status = 400, description = "A parameter is wrong; the answer says which")))]
pub(crate) async fn export(
    State(app): State<Arc<App>>,
    read: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(asked) = read.map_err(|_| {
        ApiError::bad("these parameters cannot be read: allowed are table, format, kind, key, bin, since, until, limit, command and q, each once")
    })?;
    let format = Format::of(&asked.format)
        .ok_or_else(|| ApiError::bad("format is missing: allowed are csv, json and parquet"))?;
    let name = asked.table.clone();
    let table = table_of(&app, asked).await?;
    let ending = match format {
        Format::Csv => "csv",
        Format::Json => "json",
        Format::Parquet => "parquet",
    };
    let headers = [
        (CONTENT_TYPE, format.media_type().to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"kizashi-{name}.{ending}\"")),
    ];
    let file = format.write(&table).map_err(|error| ReadError::Failed(error.to_string()))?;
    Ok((headers, file).into_response())
}

async fn table_of(app: &App, asked: Asked) -> Result<Table, ApiError> {
    let parameters = Parameters {
        kind: asked.kind,
        key: asked.key,
        bin: asked.bin,
        since: asked.since,
        until: asked.until,
        limit: asked.limit,
        command: asked.command,
        ..Parameters::default()
    };
    let limit = parameters.limit(1_000, MOST_ROWS)?;
    match asked.table.as_str() {
        "top" => {
            let (kind, span) = (parameters.kind()?, parameters.span()?);
            let rows =
                app.ask(move |observatory| observatory.ranking(kind, None, span, 0, limit)).await?;
            Ok(table::of_rows(&rows))
        }
        "series" => {
            let (key, bin) = (parameters.key()?, parameters.bin()?);
            let span = parameters.span_of(bin)?;
            let series = app.ask(move |observatory| observatory.series(&key, bin, span)).await?;
            Ok(table::of_series(&series))
        }
        "signs" => {
            let signs =
                app.ask(move |observatory| observatory.signs(limit.min(MOST_SIGNS))).await?;
            Ok(table::of_signs(&signs))
        }
        "sessions" => {
            let (command, span) = (parameters.command()?, parameters.span()?);
            let limit = limit.min(crate::query::MOST_SESSIONS);
            let sessions = app
                .ask(move |observatory| observatory.sessions(command.as_deref(), span, limit))
                .await?;
            Ok(table::of_sessions(&sessions))
        }
        "search" => {
            let search = crate::search::parse(asked.q.as_deref().unwrap_or(""))
                .map_err(|error| ApiError::bad(error.to_string()))?;
            let limit = limit.min(crate::search::MOST_EVENTS);
            let found =
                app.ask(move |observatory| observatory.search(&search, None, limit)).await?;
            Ok(table::of_events(&found.events))
        }
        _ => Err(ApiError::bad(format!("there is no such table: allowed are {TABLES}"))),
    }
}

/// A moment as a table has it: microseconds, where the text is one.
fn micros(text: &str) -> Option<i64> {
    Timestamp::parse(text).ok().map(Timestamp::micros)
}
