//! One box over everything: `/api/v1/search`, and what could be typed next, `/api/v1/complete`.

mod language;

use std::sync::Arc;

use axum::extract::State;
use kizashi_event::{KeyKind, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use language::parse;
pub use language::{Moment, Search, SearchError, SearchTerm};

use crate::error::{ApiError, Json};
use crate::query::{Read, parameters};
use crate::server::App;
use crate::{FeedItem, SessionRow, TopRow};
use language::{Field, fields_beginning, unfinished, written};

/// Events that one search gives at most.
pub(crate) const MOST_EVENTS: usize = 200;
/// Suggestions at most.
const MOST_SUGGESTIONS: usize = 12;
/// Lengths of time that are suggested.
const LENGTHS: [&str; 5] = ["1h", "24h", "7d", "30d", "365d"];

/// What a search found.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct SearchPage {
    /// Keys that are named or look like a word of the search, each with its totals.
    pub keys: Vec<TopRow>,
    /// Signs on these keys, in the JSON form of the contract.
    #[schema(value_type = Vec<Object>)]
    pub signs: Vec<Value>,
    /// Sessions of the events found that are worth seeing again.
    pub sessions: Vec<SessionRow>,
    /// Events that fit every term, the latest first.
    pub events: Vec<FeedItem>,
    /// Single events that were looked at.
    pub looked_at: u64,
    /// Where the next look begins (`before`); nothing when everything was looked through.
    #[serde(serialize_with = "crate::answers::maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub reached: Option<Timestamp>,
}

/// One thing that could be typed next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Suggestion {
    /// The whole search with it.
    query: String,
    /// What is new in it, raw.
    text: String,
    /// What people know it as, escaped; empty where that says nothing more.
    label: String,
    /// Events that carry it; left out of what is no key.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
}

/// Suggestions.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form of an answer, for its description alone")]
pub(crate) struct Suggestions {
    options: Vec<Suggestion>,
}

/// `GET /api/v1/search?q=&before=&limit=`.
#[utoipa::path(get, path = "/api/v1/search", tag = "search", summary = "Everything that fits a search",
    description = "Terms are `port:445 source:203.0.113.7 country:jp user:root password:… pair:… command:\"…\" path:… hash:… service:… network:… client:… fingerprint:… signature:… scanner:… sensor:… since:7d until:2026-11-20`, or words. What was done may have been done by another event of the same session. One search looks at a bounded number of events: `reached` says where to go on.",
    params(("q" = String, Query, description = "The search", example = "port:445"),
        ("before" = Option<String>, Query, description = "Go on before this moment (RFC 3339)"),
        ("limit" = Option<u32>, Query, description = "Events at most, 1 to 200")),
    responses((status = 200, description = "What fits", body = SearchPage, example = json!({
        "keys": [{"kind": "port", "key": "tcp/445", "label": "SMB file sharing", "events": 812, "sessions": 96, "sources": 17,
            "first": "2026-11-01T00:00:00Z", "last": "2026-11-20T15:19:58Z"}],
        "signs": [], "sessions": [], "events": [], "looked_at": 20_000, "reached": "2026-11-19T08:00:00Z"})),
        (status = 400, description = "The search cannot be read; the answer says why")))]
pub(crate) async fn search(
    State(app): State<Arc<App>>,
    read: Read,
) -> Result<Json<SearchPage>, ApiError> {
    let asked = parameters(read)?;
    let search = parse(asked.q()).map_err(|error| ApiError::bad(error.to_string()))?;
    let (before, limit) = (asked.before()?, asked.limit(100, MOST_EVENTS)?);
    app.ask(move |observatory| observatory.search(&search, before, limit)).await.map(Json)
}

/// `GET /api/v1/complete?q=`.
#[utoipa::path(get, path = "/api/v1/complete", tag = "search", summary = "What could be typed next",
    params(("q" = String, Query, description = "The search so far", example = "port:445 us")),
    responses((status = 200, description = "Suggestions", body = Suggestions, example = json!({
        "options": [{"query": "port:445 user:", "text": "user:", "label": ""}]}))))]
pub(crate) async fn complete(
    State(app): State<Arc<App>>,
    read: Read,
) -> Result<Json<Value>, ApiError> {
    let asked = parameters(read)?;
    let text = asked.q().to_owned();
    let typed = unfinished(&text);
    let suggest = |written: String, label: String, events: Option<u64>, end: &str| Suggestion {
        query: format!("{}{written}{end}", typed.before),
        text: written,
        label,
        events,
    };
    let options: Vec<Suggestion> = match typed.field {
        None => fields_beginning(&typed.value)
            .into_iter()
            .take(MOST_SUGGESTIONS)
            .map(|name| suggest(format!("{name}:"), String::new(), None, ""))
            .collect(),
        Some((Field::Since | Field::Until, name)) => LENGTHS
            .into_iter()
            .filter(|length| length.starts_with(&typed.value))
            .map(|length| suggest(written(name, length), String::new(), None, " "))
            .collect(),
        Some((Field::Sensor, name)) => {
            let sensors = app.ask(|observatory| observatory.sensors()).await?;
            let begins = |sensor: &crate::SensorRow| {
                sensor.name.to_lowercase().starts_with(&typed.value.to_lowercase())
            };
            let of = |sensor: crate::SensorRow| {
                suggest(written(name, &sensor.name), String::new(), Some(sensor.events), " ")
            };
            sensors.into_iter().filter(begins).take(MOST_SUGGESTIONS).map(of).collect()
        }
        Some((field, name)) => {
            let kind = match field {
                Field::Kind(kind) => kind,
                _ => KeyKind::Payload,
            };
            let value = typed.value.clone();
            let rows = app
                .ask(move |observatory| observatory.keys_like(kind, &value, MOST_SUGGESTIONS))
                .await?;
            let of = |row: TopRow| {
                let label = if row.label == row.key { String::new() } else { row.label };
                suggest(written(name, &row.key), label, Some(row.events), " ")
            };
            rows.into_iter().map(of).collect()
        }
    };
    Ok(Json(json!({ "options": options })))
}
