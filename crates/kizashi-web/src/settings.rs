//! What the owner sets and tries on the page (`/api/v1/settings`, `/api/v1/channels`): how many false alarms a week he accepts, and whether
//! those whom signs are told to can be reached. Requests that change something are guarded as marks are (`marks.rs`). What only root's
//! configuration file can say is no setting here: the page says which lines to put there.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, Json};
use crate::marks::as_json;
use crate::server::App;

/// What can be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct OwnSettings {
    /// False alarms a week that are accepted, over everything watched.
    pub false_alarms_per_week: Setting,
    /// The configuration file that was read at the start; nothing where there was none.
    pub file: Option<String>,
}

/// One number that can be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Setting {
    /// What holds.
    pub value: f64,
    /// What the configuration file says, or would if it said anything.
    pub in_file: f64,
    /// Whether the page set it, over the file.
    pub on_page: bool,
    /// The least that the page sets.
    pub least: f64,
    /// The most that the page sets.
    pub most: f64,
}

/// What is to change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsChange {
    /// The number that shall hold from the next ten minutes that are closed.
    pub false_alarms_per_week: Option<f64>,
    /// That the file's number shall hold again.
    pub as_in_file: bool,
}

/// Whom signs are told to, and the last test of that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Channels {
    /// The names of the channels that are on.
    pub channels: Vec<String>,
    /// The last test that was asked for here.
    pub test: Option<ChannelTest>,
}

/// A test of all channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ChannelTest {
    /// When it was asked for, RFC 3339.
    pub asked: String,
    /// What became of it.
    pub results: Vec<ChannelResult>,
}

/// What one channel's receiver said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ChannelResult {
    /// The channel's name.
    pub channel: String,
    /// `waiting`, `sent`, `failed`, or `unanswered` where the process that tells took no notice.
    pub state: String,
    /// Why it failed, in the receiver's or the system's words, raw.
    pub why: Option<String>,
}

/// `GET /api/v1/settings`.
#[utoipa::path(get, path = "/api/v1/settings", tag = "state", summary = "What can be set on the page, and what the file says",
    responses((status = 200, description = "Settings", body = OwnSettings, example = json!({
        "false_alarms_per_week": {"value": 0.5, "in_file": 1.0, "on_page": true, "least": 0.01, "most": 100.0}, "file": "/etc/kizashi/kizashi.toml"}))))]
pub(crate) async fn settings(State(app): State<Arc<App>>) -> Result<Json<OwnSettings>, ApiError> {
    app.ask(|observatory| observatory.settings()).await.map(Json)
}

/// `POST /api/v1/settings`.
#[utoipa::path(post, path = "/api/v1/settings", tag = "state", summary = "Set something: the owner alone",
    request_body(content = SettingsChange, example = json!({"false_alarms_per_week": 0.5})),
    responses((status = 200, description = "What holds now", body = OwnSettings, example = json!({
        "false_alarms_per_week": {"value": 0.5, "in_file": 1.0, "on_page": true, "least": 0.01, "most": 100.0}, "file": null})),
        (status = 400, description = "The change cannot be; the answer says why"),
        (status = 403, description = "Not the owner, or another page")))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<OwnSettings>, ApiError> {
    let change: SettingsChange =
        as_json(&headers, &body, "allowed are false_alarms_per_week and as_in_file")?;
    let settings = app.ask(move |observatory| observatory.set(&change)).await?;
    app.forget_status().await;
    Ok(Json(settings))
}

/// `GET /api/v1/channels`.
#[utoipa::path(get, path = "/api/v1/channels", tag = "state", summary = "Whom signs are told to, and the last test of that",
    responses((status = 200, description = "Channels", body = Channels, example = json!({
        "channels": ["phone"], "test": {"asked": "2026-11-20T15:20:00Z", "results": [{"channel": "phone", "state": "sent", "why": null}]}}))))]
pub(crate) async fn channels(State(app): State<Arc<App>>) -> Result<Json<Channels>, ApiError> {
    app.ask(|observatory| observatory.channels()).await.map(Json)
}

/// What is sent to ask for a test: nothing, as an object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// `POST /api/v1/channels/test`.
#[utoipa::path(post, path = "/api/v1/channels/test", tag = "state", summary = "Send a test to every channel: the owner alone",
    description = "The test is carried by the process that may connect out. Ask `/api/v1/channels` until no result is `waiting`.",
    request_body(content = Object, example = json!({})),
    responses((status = 200, description = "What is known of it now", body = Channels, example = json!({
        "channels": ["phone"], "test": {"asked": "2026-11-20T15:20:00Z", "results": [{"channel": "phone", "state": "waiting", "why": null}]}})),
        (status = 400, description = "No channel is set, or a test was asked for just now"),
        (status = 403, description = "Not the owner, or another page")))]
pub(crate) async fn test(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Channels>, ApiError> {
    let Nothing {} = as_json(&headers, &body, "send {}")?;
    app.ask(|observatory| observatory.test_channels()).await.map(Json)
}
