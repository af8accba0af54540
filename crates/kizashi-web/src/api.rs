//! The API's requests, one function each: read the parameters, ask the observatory, answer in JSON.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::FeedItem;
use crate::error::{ApiError, Json};
use crate::query::{MOST_EVENTS, MOST_ROWS, MOST_SIGNS, Read, parameters};
use crate::server::App;

type Answer<T> = Result<Json<T>, ApiError>;

/// The longest id of a sign that is looked up, in bytes.
const LONGEST_ID: usize = 128;

/// `GET /api/v1/status`.
pub(crate) async fn status(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let json = app.recent_status().await?;
    let kind = [(axum::http::header::CONTENT_TYPE, "application/json; charset=utf-8")];
    Ok((kind, json.to_string()).into_response())
}

/// `GET /api/v1/top?kind=&since=&until=&limit=`.
pub(crate) async fn top(State(app): State<Arc<App>>, read: Read) -> Answer<serde_json::Value> {
    let asked = parameters(read)?;
    let (kind, span, limit) = (asked.kind()?, asked.span()?, asked.limit(20, MOST_ROWS)?);
    let rows = app.ask(move |observatory| observatory.top(kind, span, limit)).await?;
    Ok(Json(json!({ "rows": rows })))
}

/// `GET /api/v1/series?key=&bin=&since=&until=`.
pub(crate) async fn series(State(app): State<Arc<App>>, read: Read) -> Answer<crate::Series> {
    let asked = parameters(read)?;
    let (key, bin) = (asked.key()?, asked.bin()?);
    let span = asked.span_of(bin)?;
    app.ask(move |observatory| observatory.series(&key, bin, span)).await.map(Json)
}

/// `GET /api/v1/signs?limit=`.
pub(crate) async fn signs(State(app): State<Arc<App>>, read: Read) -> Answer<serde_json::Value> {
    let limit = parameters(read)?.limit(50, MOST_SIGNS)?;
    let signs = app.ask(move |observatory| observatory.signs(limit)).await?;
    Ok(Json(json!({ "signs": signs })))
}

/// `GET /api/v1/signs/{id}?lang=`.
pub(crate) async fn sign(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    read: Read,
) -> Answer<crate::SignPage> {
    let language = parameters(read)?.language()?;
    let nothing = || ApiError::new(StatusCode::NOT_FOUND, "there is no sign with this id");
    if id.len() > LONGEST_ID {
        return Err(nothing());
    }
    app.ask(move |observatory| observatory.sign(&id, language)).await?.map(Json).ok_or_else(nothing)
}

/// `GET /api/v1/events?limit=`.
pub(crate) async fn events(State(app): State<Arc<App>>, read: Read) -> Answer<serde_json::Value> {
    let limit = parameters(read)?.limit(50, MOST_EVENTS)?;
    let events = app.ask(move |observatory| observatory.recent(limit)).await?;
    let items: Vec<FeedItem> = events.iter().map(|event| app.feed.item(event)).collect();
    Ok(Json(json!({ "events": items })))
}
