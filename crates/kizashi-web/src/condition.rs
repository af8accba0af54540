//! How the machine and its settings stand, beside what the store holds: for the page of settings and health, and for `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::error::{ApiError, Json};
use crate::server::App;

/// What the process knows of itself; each field is left empty where nobody can tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Condition {
    /// Memory of the process that answers, in bytes.
    pub resident_bytes: Option<u64>,
    /// Bytes free on the disk of the data.
    pub disk_free_bytes: Option<u64>,
    /// How long and how much is kept.
    pub retention: Option<Retention>,
    /// How the disk will fill.
    pub forecast: Option<Forecast>,
    /// Every trap that there is, on or off.
    pub traps: Vec<TrapSetting>,
    /// Whether known scanners count in the series that signs are raised from.
    pub scanners_in_signs: Option<bool>,
    /// The folder of the data.
    pub folder: Option<String>,
}

/// What is kept, and how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Retention {
    /// Days that single events are kept.
    pub raw_days: u32,
    /// Days that counts by the hour are kept.
    pub hourly_days: u32,
    /// Days that counts by the day are kept.
    pub daily_days: u32,
    /// Bytes that the database may take.
    pub most_bytes: u64,
    /// Bytes that captured content may take.
    pub most_payload_bytes: u64,
    /// Bytes of disk that are left free.
    pub least_free_bytes: u64,
}

/// How the disk will fill if visitors go on coming as in the last week.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Forecast {
    /// Bytes that a day adds.
    pub bytes_a_day: f64,
    /// The size at which as much goes as comes.
    pub settles_at_bytes: f64,
    /// Days until the oldest events go because room is short and not because they are old; left empty where that does not happen.
    pub full_in_days: Option<f64>,
}

impl Forecast {
    /// From what a day adds, what there is, and what may be.
    #[must_use]
    pub fn of(bytes: u64, bytes_a_day: f64, kept: &Retention, free: Option<u64>) -> Self {
        let settles_at_bytes = bytes_a_day * f64::from(kept.raw_days);
        let by_disk =
            free.map(|free| bytes.saturating_add(free.saturating_sub(kept.least_free_bytes)));
        let most = by_disk.map_or(kept.most_bytes, |by_disk| by_disk.min(kept.most_bytes));
        let room = most.saturating_sub(bytes) as f64;
        let is_reached = settles_at_bytes > most as f64 && bytes_a_day > 0.0;
        Self {
            bytes_a_day,
            settles_at_bytes: settles_at_bytes.min(most as f64),
            full_in_days: is_reached.then(|| room / bytes_a_day),
        }
    }
}

/// A trap, on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TrapSetting {
    /// Its name: `ssh`.
    pub name: String,
    /// Where it listens: `tcp/22`; empty while it is off.
    pub ports: Vec<String>,
    /// The lines of the configuration file that turn it off.
    pub lines_off: String,
    /// The lines of the configuration file that put it on its usual ports.
    pub lines_on: String,
}

/// `GET /api/v1/health`.
#[utoipa::path(get, path = "/api/v1/health", tag = "state",
    summary = "How the machine and its settings stand",
    responses((status = 200, description = "What the process knows of itself", body = Condition,
        example = json!({"resident_bytes": 12_582_912, "disk_free_bytes": 20_000_000_000_u64,
            "retention": {"raw_days": 90, "hourly_days": 400, "daily_days": 3650, "most_bytes": 10_000_000_000_u64,
                "most_payload_bytes": 1_000_000_000, "least_free_bytes": 1_000_000_000},
            "forecast": {"bytes_a_day": 18_000_000.0, "settles_at_bytes": 1_620_000_000.0, "full_in_days": null},
            "traps": [{"name": "ssh", "ports": ["tcp/22"], "lines_off": "[traps]\nssh = \"\"", "lines_on": "[traps]\nssh = \"22\""}],
            "scanners_in_signs": true, "folder": "/var/lib/kizashi"}))))]
pub(crate) async fn health(State(app): State<Arc<App>>) -> Result<Json<Condition>, ApiError> {
    app.ask(|observatory| observatory.condition()).await.map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Retention = Retention {
        raw_days: 90,
        hourly_days: 400,
        daily_days: 3_650,
        most_bytes: 1_000,
        most_payload_bytes: 100,
        least_free_bytes: 200,
    };

    #[test]
    fn a_disk_that_fills_is_told_with_the_day_and_one_that_does_not_is_not() {
        let calm = Forecast::of(100, 5.0, &KEPT, Some(10_000));
        assert_eq!((calm.settles_at_bytes, calm.full_in_days), (450.0, None));
        let full = Forecast::of(100, 100.0, &KEPT, Some(10_000));
        assert_eq!((full.settles_at_bytes, full.full_in_days), (1_000.0, Some(9.0)));
        let small_disk = Forecast::of(100, 100.0, &KEPT, Some(500));
        assert_eq!(small_disk.full_in_days, Some(3.0), "least_free_bytes are left alone");
        assert_eq!(Forecast::of(0, 0.0, &KEPT, None).full_in_days, None);
    }
}
