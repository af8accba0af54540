//! Sensors side by side (`/api/v1/sensors`), the ports of one (`/api/v1/sensors/ports`), its hours (`/api/v1/sensors/hours`), and what
//! came to it most of any kind (`/api/v1/sensors/ranking`). An event carries its sensor's name; what else is known of a sensor is the
//! observatory's matter: of its own machine it knows processes, of a fleet's sensors what they tell the hub, of others nothing.

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
/// Hours of one sensor at most: 90 days.
const MOST_HOURS: usize = 2_160;
/// Hours that are told where nobody says how many: 31 days.
const USUAL_HOURS: usize = 744;

/// One sensor.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SensorRow {
    /// Its name in its events, raw.
    pub name: String,
    /// Whether it is this machine's own.
    pub own: bool,
    /// Whether it is heard: its own machine's processes serve, or another was heard not long ago by its own measure.
    pub alive: bool,
    /// Its first event; nothing of a fleet's sensor to which nobody came yet.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub first: Option<Timestamp>,
    /// Its last event.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub last: Option<Timestamp>,
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
    /// How it fares as one of a fleet, at the fleet's hub.
    pub fleet: Option<SensorInFleet>,
}

/// How a fleet's sensor fares, as its hub knows it: `kizashi fleet status` tells the same. All counts are as large as a sensor makes them that lies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SensorInFleet {
    /// Its group, where the hub's owner put it in one.
    pub group: Option<String>,
    /// When anything came from it last, by the hub's clock; a heartbeat is something.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub heard: Option<Timestamp>,
    /// Since when it is silent, where it is told as silent.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub silent_since: Option<Timestamp>,
    /// Events in the last whole minute.
    pub per_minute: u64,
    /// Seconds by which its clock is behind the servers' (negative: ahead).
    pub clock_seconds: f64,
    /// Records that wait in its spool.
    pub waiting_records: u64,
    /// Bytes that wait in its spool.
    pub waiting_bytes: u64,
    /// Events that its spool let go for want of room.
    pub dropped_events: u64,
    /// Events that were lost before the spool.
    pub lost_events: u64,
    /// Records that were sent and never came.
    pub missed_records: u64,
    /// Records that came again and counted once.
    pub again_records: u64,
    /// Events whose content never came.
    pub without_content: u64,
    /// Records that were not believed.
    pub refused_records: u64,
    /// Why the last of these was not.
    pub refusal: Option<String>,
    /// Times that one of its traps did what no trap does.
    pub misbehaved: u64,
}

/// The hours of one sensor.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SensorHours {
    /// The start of the first hour.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String)]
    pub start: Timestamp,
    /// Events of each hour from then on, the running one last.
    pub hours: Vec<u64>,
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

/// A detector of a fleet's hub, as its hub knows it: `kizashi fleet status` tells the same.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DetectorRow {
    /// Its name.
    pub name: String,
    /// The version that it says; nothing of one that is gone.
    pub version: Option<String>,
    /// Whether it lives.
    pub alive: bool,
    /// Whether it is the hub's release, so that it is asked.
    pub asked: bool,
    /// Parts of detection that it holds.
    pub parts: u64,
    /// Since when it has lived without a break, by the hub's clock.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub since: Option<Timestamp>,
    /// Times that it was taken for gone or wrong while it held anything, since the hub started.
    pub losses: u64,
    /// Why it was the last time.
    pub lost_because: Option<String>,
}

/// Sensors.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form of an answer, for its description alone")]
pub(crate) struct SensorList {
    sensors: Vec<SensorRow>,
    /// The detectors of a hub that gives them parts of detection; none elsewhere.
    detectors: Vec<DetectorRow>,
}

/// `GET /api/v1/sensors`.
#[utoipa::path(get, path = "/api/v1/sensors", tag = "state", summary = "Sensors side by side, the latest heard first; at a fleet's hub the silent ones before all others",
    description = "A thousand at most.",
    responses((status = 200, description = "Sensors", body = SensorList, example = json!({"sensors": [{
        "name": "web-1", "own": true, "alive": true, "first": "2026-11-01T00:00:00Z", "last": "2026-11-20T15:19:58Z", "events": 4_711, "day": 812,
        "hours": [31, 40], "version": "0.1.0", "lost": 0, "lag_seconds": 0.2, "fleet": {"group": "asia", "heard": "2026-11-20T15:20:01Z", "silent_since": null,
        "per_minute": 14, "clock_seconds": 0.1, "waiting_records": 0, "waiting_bytes": 0, "dropped_events": 0, "lost_events": 0, "missed_records": 0,
        "again_records": 0, "without_content": 0, "refused_records": 0, "refusal": null, "misbehaved": 0}}],
        "detectors": [{"name": "d1", "version": "0.1.0", "alive": true, "asked": true, "parts": 32, "since": "2026-11-20T09:00:00Z", "losses": 0,
        "lost_because": null}]}))))]
pub(crate) async fn sensors(State(app): State<Arc<App>>) -> Result<Json<Value>, ApiError> {
    let (sensors, detectors) =
        app.ask(|observatory| Ok((observatory.sensors()?, observatory.detectors()?))).await?;
    Ok(Json(json!({ "sensors": sensors, "detectors": detectors })))
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

/// `GET /api/v1/sensors/hours?sensor=&limit=`.
#[utoipa::path(get, path = "/api/v1/sensors/hours", tag = "counts", summary = "The events of one sensor by hour",
    params(("sensor" = String, Query, description = "The sensor's name", example = "web-1"),
        ("limit" = Option<u32>, Query, description = "Hours up to now, 1 to 2160; 744 where it is left out")),
    responses((status = 200, description = "Hours; of a sensor that never told anything all are 0", body = SensorHours,
            example = json!({"start": "2026-11-20T14:00:00Z", "hours": [31, 40]})),
        (status = 400, description = "A parameter is wrong; the answer says which")))]
pub(crate) async fn hours(
    State(app): State<Arc<App>>,
    read: Read,
) -> Result<Json<SensorHours>, ApiError> {
    let asked = parameters(read)?;
    let (sensor, hours) = (asked.sensor()?, asked.limit(USUAL_HOURS, MOST_HOURS)?);
    let hours = u16::try_from(hours).unwrap_or(u16::MAX);
    app.ask(move |observatory| {
        let now = observatory.status()?.now;
        observatory.sensor_hours(&sensor, now, hours)
    })
    .await
    .map(Json)
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
