//! What the owner sets and tries on the page (`/api/v1/settings`, `/api/v1/channels`): how many false alarms a week he accepts, how long things are
//! kept, which traps are on, and whether those whom signs are told to can be reached. What is set here stands over the configuration file, which
//! root alone writes, and can be given back to it. Requests that change something are guarded as marks are (`marks.rs`). On which ports a trap
//! stands is no setting here: that is the file's to say.

use std::collections::BTreeMap;
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
    /// How long and how much is kept; nothing where that cannot be set.
    pub retention: Option<RetentionSettings>,
    /// Which traps are on; nothing where that cannot be set.
    pub traps: Option<TrapSwitches>,
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

/// How long and how much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct RetentionSettings {
    /// Days that single events are kept.
    pub raw_days: Setting,
    /// Megabytes (2^20 bytes) that the database may take.
    pub most_megabytes: Setting,
    /// Megabytes that captured content may take.
    pub payload_megabytes: Setting,
}

/// Every trap with its switch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TrapSwitches {
    /// By name.
    pub traps: Vec<TrapSwitch>,
    /// Whether a change is being made: ask again.
    pub waiting: bool,
    /// Why the last change was not made, in a sentence.
    pub failed: Option<String>,
}

/// One trap's switch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TrapSwitch {
    /// Its name: `ssh`.
    pub name: String,
    /// Whether it is to be on.
    pub on: bool,
    /// What the page chose; nothing where the configuration file's word holds.
    pub on_page: Option<bool>,
    /// Where it listens now.
    pub ports: Vec<String>,
    /// Why it does not stand everywhere: `restart` (the port takes rights that were given up: it stands there after the next start), `taken` (somebody else
    /// has the port), `nowhere` (the configuration file has to name its ports), `refused` (the system says no).
    pub trouble: Option<String>,
    /// The ports of that.
    pub trouble_ports: Vec<String>,
}

/// What is to change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsChange {
    /// The number that shall hold from the next ten minutes that are closed.
    pub false_alarms_per_week: Option<f64>,
    /// That the file's number of false alarms shall hold again.
    pub as_in_file: bool,
    /// How long and how much shall be kept, from now on.
    pub retention: Option<RetentionChange>,
    /// By a trap's name whether it shall be on; null gives it back to the file.
    pub traps: Option<BTreeMap<String, Option<bool>>>,
}

/// What of retention is to change; what is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionChange {
    /// Days that single events are kept.
    pub raw_days: Option<u64>,
    /// Megabytes that the database may take.
    pub most_megabytes: Option<u64>,
    /// Megabytes that captured content may take.
    pub payload_megabytes: Option<u64>,
    /// That all of it shall be as the file says.
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

/// What a change that cannot be read is answered with.
const CHANGES: &str = "allowed are false_alarms_per_week (a number) and as_in_file, retention (raw_days, most_megabytes, payload_megabytes: whole numbers) and traps (true, false or null by name)";

/// `GET /api/v1/settings`.
#[utoipa::path(get, path = "/api/v1/settings", tag = "state", summary = "What can be set on the page, and what the file says",
    responses((status = 200, description = "Settings", body = OwnSettings, example = json!({
        "false_alarms_per_week": {"value": 0.5, "in_file": 1.0, "on_page": true, "least": 0.01, "most": 100.0},
        "retention": {"raw_days": {"value": 30.0, "in_file": 90.0, "on_page": true, "least": 1.0, "most": 3650.0},
            "most_megabytes": {"value": 4096.0, "in_file": 4096.0, "on_page": false, "least": 64.0, "most": 16_777_216.0},
            "payload_megabytes": {"value": 256.0, "in_file": 256.0, "on_page": false, "least": 1.0, "most": 1_048_576.0}},
        "traps": {"traps": [{"name": "ssh", "on": false, "on_page": false, "ports": [], "trouble": null, "trouble_ports": []}], "waiting": false, "failed": null},
        "file": "/etc/kizashi/kizashi.toml"}))))]
pub(crate) async fn settings(State(app): State<Arc<App>>) -> Result<Json<OwnSettings>, ApiError> {
    app.ask(|observatory| observatory.settings()).await.map(Json)
}

/// `POST /api/v1/settings`.
#[utoipa::path(post, path = "/api/v1/settings", tag = "state", summary = "Set something: the owner alone",
    description = "Each part is looked at before any is made. Traps are turned on and off by the process that holds the ports: ask `/api/v1/settings` until `traps.waiting` is false.",
    request_body(content = SettingsChange, example = json!({"false_alarms_per_week": 0.5, "retention": {"raw_days": 30}, "traps": {"ssh": false}})),
    responses((status = 200, description = "What holds now", body = OwnSettings, example = json!({
        "false_alarms_per_week": {"value": 0.5, "in_file": 1.0, "on_page": true, "least": 0.01, "most": 100.0},
        "retention": {"raw_days": {"value": 30.0, "in_file": 90.0, "on_page": true, "least": 1.0, "most": 3650.0},
            "most_megabytes": {"value": 4096.0, "in_file": 4096.0, "on_page": false, "least": 64.0, "most": 16_777_216.0},
            "payload_megabytes": {"value": 256.0, "in_file": 256.0, "on_page": false, "least": 1.0, "most": 1_048_576.0}},
        "traps": {"traps": [{"name": "ssh", "on": false, "on_page": false, "ports": [], "trouble": null, "trouble_ports": []}], "waiting": true, "failed": null},
        "file": null})),
        (status = 400, description = "The change cannot be; the answer says why"),
        (status = 403, description = "Not the owner, or another page")))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<OwnSettings>, ApiError> {
    let change: SettingsChange = as_json(&headers, &body, CHANGES)?;
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
