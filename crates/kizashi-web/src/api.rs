//! The API's requests, one function each: read the parameters, ask the observatory, answer in JSON.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::{ApiError, Json};
use crate::query::{MOST_EVENTS, MOST_ROWS, MOST_SIGNS, Read, parameters};
use crate::server::App;
use crate::{FeedItem, usual};

type Answer<T> = Result<Json<T>, ApiError>;

/// The longest id of a sign that is looked up, in bytes.
const LONGEST_ID: usize = 128;

/// A ranking.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form of an answer, for its description alone")]
pub(crate) struct Ranking {
    rows: Vec<crate::TopRow>,
}

/// Signs, each in the JSON form of the contract.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form of an answer, for its description alone")]
pub(crate) struct SignList {
    #[schema(value_type = Vec<Object>)]
    signs: Vec<serde_json::Value>,
}

/// Events as the feed shows them.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form of an answer, for its description alone")]
pub(crate) struct EventList {
    events: Vec<FeedItem>,
}

/// `GET /api/v1/status`.
#[utoipa::path(get, path = "/api/v1/status", tag = "state", summary = "How things stand",
    responses((status = 200, description = "The store and the processes at a glance", body = crate::Status, example = json!({
        "version": "0.1.0", "now": "2026-11-20T15:20:00.000000Z", "uptime_seconds": 5, "demo": false, "feed_dropped": 0,
        "store": {"events": 4_711, "events_raw": 4_711, "sessions": 812, "sources": 96, "first": null, "last": null, "late": 0,
            "out_of_time": 0, "dropped": 0, "bytes": 1_048_576},
        "listeners": [{"service": "ssh", "address": "0.0.0.0:22"}], "series_watched": 512, "false_alarms_per_week": 1.0}))))]
pub(crate) async fn status(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let json = app.recent_status().await?;
    let kind = [(axum::http::header::CONTENT_TYPE, "application/json; charset=utf-8")];
    Ok((kind, json.to_string()).into_response())
}

/// `GET /api/v1/top?kind=&since=&until=&limit=`.
#[utoipa::path(get, path = "/api/v1/top", tag = "counts", summary = "What came most",
    params(("kind" = Option<String>, Query, description = "ports, services, sources, users, passwords, pairs, commands, paths, payloads, clients, fingerprints, networks, countries …", example = "ports"),
        ("since" = Option<String>, Query, description = "From this moment on (RFC 3339)", example = "2026-11-20T00:00:00Z"),
        ("until" = Option<String>, Query, description = "Before this moment"),
        ("limit" = Option<u32>, Query, description = "Rows at most, 1 to 1,000")),
    responses((status = 200, description = "A ranking, most events first", body = Ranking, example = json!({"rows": [{
        "kind": "port", "key": "tcp/445", "label": "SMB file sharing", "events": 812, "sessions": 96, "sources": 17,
        "first": "2026-11-01T00:00:00Z", "last": "2026-11-20T15:19:58Z"}]})),
        (status = 400, description = "A parameter is wrong; the answer says which")))]
pub(crate) async fn top(State(app): State<Arc<App>>, read: Read) -> Answer<serde_json::Value> {
    let asked = parameters(read)?;
    let (kind, span, limit) = (asked.kind()?, asked.span()?, asked.limit(20, MOST_ROWS)?);
    let rows = app.ask(move |observatory| observatory.top(kind, span, limit)).await?;
    Ok(Json(json!({ "rows": rows })))
}

/// `GET /api/v1/series?key=&bin=&since=&until=`.
#[utoipa::path(get, path = "/api/v1/series", tag = "counts", summary = "One key's counts over time, with its scores",
    params(("key" = String, Query, description = "A port as it is, any other kind with its name in front", example = "user:root"),
        ("bin" = Option<String>, Query, description = "10m (ports alone), 1h, 12h or 1d", example = "1h"),
        ("since" = Option<String>, Query, description = "From this moment on (RFC 3339)", example = "2026-11-20T00:00:00Z"),
        ("until" = Option<String>, Query, description = "Before this moment")),
    responses((status = 200, description = "One point a bin, oldest first", body = crate::Series, example = json!({
        "key": "tcp/445", "label": "SMB file sharing", "bin_seconds": 3600, "complete": false, "signs": [],
        "points": [{"start": "2026-11-20T15:00:00Z", "events": 12, "sources": 9, "outlier": 1.2, "changefinder": 0.4, "rank": 0.6, "days": null}]})),
        (status = 400, description = "A parameter is wrong; the answer says which")))]
pub(crate) async fn series(State(app): State<Arc<App>>, read: Read) -> Answer<crate::Series> {
    let asked = parameters(read)?;
    let (key, bin) = (asked.key()?, asked.bin()?);
    let span = asked.span_of(bin)?;
    app.ask(move |observatory| observatory.series(&key, bin, span)).await.map(Json)
}

/// `GET /api/v1/day?limit=`: the last 24 hours against what is usual, with so many ports.
#[utoipa::path(get, path = "/api/v1/day", tag = "series", summary = "The last 24 hours against the same hours of up to four weeks before",
    description = "Of one sensor (`sensor`) events alone are counted by the hour: sessions and sources are left out, and ports come from its latest single events, without what is usual.",
    params(("limit" = Option<u32>, Query, description = "Ports at most, 1 to 24"),
        ("sensor" = Option<String>, Query, description = "Of this sensor alone", example = "web-1")),
    responses((status = 200, description = "Numbers (`now`) and where they usually lie (`low`, `middle`, `high`: the 10th, 50th and 90th of a hundred; left out of fewer than five days)", body = Object, example = json!({
        "until": "2026-11-20T15:00:00Z", "days": 28, "hours": [{"start": "2026-11-19T15:00:00Z", "now": 812.0, "low": 640.0, "middle": 790.0, "high": 960.0, "sources": 118}],
        "events": {"now": 32_512.0, "low": 14_720.0, "middle": 18_400.0, "high": 22_080.0}, "sessions": {"now": 6_120.0, "low": 4_880.0, "middle": 6_100.0, "high": 7_320.0},
        "sources": {"now": 122.0, "low": 95.0, "middle": 118.0, "high": 143.0},
        "ports": [{"key": "tcp/5900", "label": "VNC remote desktop", "events": {"now": 15_461.0, "low": 1_504.0, "middle": 1_880.0, "high": 2_256.0}}]}))))]
pub(crate) async fn day(State(app): State<Arc<App>>, read: Read) -> Answer<usual::Day> {
    let asked = parameters(read)?;
    let limit = asked.limit(8, usual::MOST_PORTS)?;
    let sensor = asked.maybe_sensor()?;
    app.ask(move |observatory| match sensor {
        Some(sensor) => usual::read_of_sensor(observatory, &sensor, limit),
        None => usual::read(observatory, limit),
    })
    .await
    .map(Json)
}

/// `GET /api/v1/signs?limit=`.
#[utoipa::path(get, path = "/api/v1/signs", tag = "signs", summary = "Signs, the latest first",
    params(("limit" = Option<u32>, Query, description = "Signs at most, 1 to 500")),
    responses((status = 200, description = "A list", body = SignList, example = json!({"signs": [{"id": "20261120T0950Z-tcp-5900", "kind": "rise", "key": "tcp/5900", "label": "VNC remote desktop", "since": "2026-11-20T08:40:00Z", "detected": "2026-11-20T09:50:00Z", "days": 10_000.0, "ratio": 8.2, "ratio_low": 6.9, "ratio_high": 9.7, "events": 4_820, "sources": 812, "expected_sources": 96.0, "severity": "high", "name": null, "open": true, "until": "2026-11-20T15:20:00Z", "before": 157.0, "after": 1_289.0, "ports": [], "also": [], "rising": 1}]}))))]
pub(crate) async fn signs(State(app): State<Arc<App>>, read: Read) -> Answer<serde_json::Value> {
    let limit = parameters(read)?.limit(50, MOST_SIGNS)?;
    let signs = app.ask(move |observatory| observatory.signs(limit)).await?;
    Ok(Json(json!({ "signs": signs })))
}

/// `GET /api/v1/signs/{id}?lang=`.
#[utoipa::path(get, path = "/api/v1/signs/{id}", tag = "signs", summary = "One sign with its advisory and what its visitors did",
    params(("id" = String, Path, description = "Its id", example = "20261120T0950Z-in-asia-tcp-5900"), ("lang" = Option<String>, Query, description = "The language of the advisory: `en` or `ja`", example = "ja")),
    responses((status = 200, description = "The sign; texts of visitors are raw in `evidence`", body = crate::SignPage, example = json!({
        "sign": {"id": "20261120T0950Z-in-asia-tcp-5900", "kind": "rise", "key": "tcp/5900", "label": "VNC remote desktop", "since": "2026-11-20T08:40:00Z", "detected": "2026-11-20T09:50:00Z", "days": 10_000.0, "ratio": 8.2, "ratio_low": 6.9, "ratio_high": 9.7, "events": 4_820, "sources": 812, "expected_sources": 96.0, "severity": "high", "name": null, "open": true, "until": "2026-11-20T15:20:00Z", "before": 157.0, "after": 1_289.0, "ports": [], "also": [], "rising": 1, "scope": {"group": "asia"}, "seen_at": {"sensors": {"count": 2, "of": 3, "named": [{"name": "tokyo", "sources": 501, "expected": 41.2}, {"name": "osaka", "sources": 317, "expected": 38.0}]}, "groups": {"count": 0, "of": 0, "named": []}}},
        "advisory": {"what": "812 sources came where 96 were expected.", "since": "It began at 08:40.", "who": "Most active: 203.0.113.7.", "what_to_do": "Let only those reach it who need it."},
        "evidence": {"sources": [["203.0.113.7", 900]], "users": [], "passwords": [], "commands": [], "paths": [], "clients": [], "payloads": [], "countries": [["JP", 12]], "scanners": [], "events_read": 4_820}})),
        (status = 404, description = "There is no such sign")))]
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
#[utoipa::path(get, path = "/api/v1/events", tag = "visitors", summary = "The latest events",
    params(("limit" = Option<u32>, Query, description = "Events at most, 1 to 200")),
    responses((status = 200, description = "A list, newest first; texts of visitors are raw", body = EventList, example = json!({"events": [{
        "time": "2026-11-20T15:19:58.104000Z", "source": "203.0.113.7", "sensor": "web-1", "port": "tcp/22", "service": "ssh", "action": "login", "text": "root / 123456"}]}))))]
pub(crate) async fn events(State(app): State<Arc<App>>, read: Read) -> Answer<serde_json::Value> {
    let limit = parameters(read)?.limit(50, MOST_EVENTS)?;
    let events = app.ask(move |observatory| observatory.recent(limit)).await?;
    let items: Vec<FeedItem> = events.iter().map(|event| app.feed.item(event)).collect();
    Ok(Json(json!({ "events": items })))
}
