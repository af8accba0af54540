//! Sensors side by side (`/api/v1/sensors`), the ports of one (`/api/v1/sensors/ports`), and what came to it most of any kind (`/api/v1/sensors/ranking`). An event carries its sensor's name; what else is known
//! of a sensor is the observatory's matter: of its own machine it knows processes, of others what they tell.

use std::sync::Arc;

use axum::extract::State;
use kizashi_event::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::TopRow;
use crate::answers::{maybe_moment, moment};
use crate::error::{ApiError, Json};
use crate::query::{Read, parameters};
use crate::server::App;

/// Ports of one sensor at most.
const MOST_PORTS: usize = 500;

/// One sensor.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SensorRow {
    /// Its name in its events, raw.
    pub name: String,
    /// Whether it is this machine's own.
    pub own: bool,
    /// Whether it is heard: its own machine's processes serve, or another was heard not long ago by its own measure.
    pub alive: bool,
    /// Its first event.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String)]
    pub first: Timestamp,
    /// Its last event.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String)]
    pub last: Timestamp,
    /// All its events.
    pub events: u64,
    /// Events of the last 24 hours.
    pub day: u64,
    /// Events of each of the last 168 hours, the oldest first, the running one last.
    pub hours: Vec<u64>,
    /// Its version, where that is known.
    pub version: Option<String>,
    /// Events that it lost, as far as it counts them.
    pub lost: Option<u64>,
    /// Seconds that its events take to come here, where that is known.
    pub lag_seconds: Option<f64>,
}

/// The ports of one sensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SensorPorts {
    /// The ports, most events first.
    pub rows: Vec<TopRow>,
    /// Single events that were looked at.
    pub looked_at: u64,
    /// Where the look ended; nothing where the whole span was looked through.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub reached: Option<Timestamp>,
}

/// Sensors.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form of an answer, for its description alone")]
pub(crate) struct SensorList {
    sensors: Vec<SensorRow>,
}

/// `GET /api/v1/sensors`.
#[utoipa::path(get, path = "/api/v1/sensors", tag = "state", summary = "Sensors side by side, the latest heard first",
    responses((status = 200, description = "Sensors", body = SensorList, example = json!({"sensors": [{
        "name": "web-1", "own": true, "alive": true, "first": "2026-11-01T00:00:00Z", "last": "2026-11-20T15:19:58Z", "events": 4_711, "day": 812,
        "hours": [31, 40], "version": "0.1.0", "lost": 0, "lag_seconds": null}]}))))]
pub(crate) async fn sensors(State(app): State<Arc<App>>) -> Result<Json<Value>, ApiError> {
    let sensors = app.ask(|observatory| observatory.sensors()).await?;
    Ok(Json(json!({ "sensors": sensors })))
}

/// `GET /api/v1/sensors/ports?sensor=&since=&until=&limit=`.
#[utoipa::path(get, path = "/api/v1/sensors/ports", tag = "counts", summary = "The ports of one sensor, by its latest single events",
    description = "There are no counts of a port by sensor: single events are looked at, 50,000 at most, the latest first; `reached` says where the look ended.",
    params(("sensor" = String, Query, description = "The sensor's name", example = "web-1"),
        ("since" = Option<String>, Query, description = "From this moment on (RFC 3339)"),
        ("until" = Option<String>, Query, description = "Before this moment"),
        ("limit" = Option<u32>, Query, description = "Rows at most, 1 to 500")),
    responses((status = 200, description = "A ranking", body = SensorPorts, example = json!({"rows": [], "looked_at": 0, "reached": null})),
        (status = 400, description = "A parameter is wrong; the answer says which")))]
pub(crate) async fn ports(
    State(app): State<Arc<App>>,
    read: Read,
) -> Result<Json<SensorPorts>, ApiError> {
    let asked = parameters(read)?;
    let (sensor, span, limit) =
        (asked.sensor()?, asked.span()?, asked.limit(MOST_PORTS, MOST_PORTS)?);
    app.ask(move |observatory| observatory.sensor_ports(&sensor, span, limit)).await.map(Json)
}

/// `GET /api/v1/sensors/ranking?sensor=&kind=&of=&since=&until=&limit=`.
#[utoipa::path(get, path = "/api/v1/sensors/ranking", tag = "counts", summary = "What came to one sensor most, by its latest single events",
    description = "No count knows both a key and a sensor: single events are looked at, 20,000 or a tenth of a second at most, the latest first; `reached` says where the look ended. Clusters of payloads are not told.",
    params(("sensor" = String, Query, description = "The sensor's name", example = "web-1"),
        ("kind" = Option<String>, Query, description = "As of /api/v1/top, but for payload-clusters", example = "users"),
        ("of" = Option<String>, Query, description = "Of fingerprints which: os, scanner, ja4, hassh …"),
        ("since" = Option<String>, Query, description = "From this moment on (RFC 3339)"),
        ("until" = Option<String>, Query, description = "Before this moment"),
        ("limit" = Option<u32>, Query, description = "Rows at most, 1 to 500")),
    responses((status = 200, description = "A ranking", body = SensorPorts, example = json!({"rows": [], "looked_at": 0, "reached": null})),
        (status = 400, description = "A parameter is wrong; the answer says which")))]
pub(crate) async fn ranking(
    State(app): State<Arc<App>>,
    read: Read,
) -> Result<Json<SensorPorts>, ApiError> {
    let asked = parameters(read)?;
    let (sensor, kind, of) = (asked.sensor()?, asked.kind()?, asked.of()?);
    let (span, limit) = (asked.span()?, asked.limit(20, MOST_PORTS)?);
    app.ask(move |observatory| {
        observatory.sensor_ranking(&sensor, kind, of.as_deref(), span, limit)
    })
    .await
    .map(Json)
}
