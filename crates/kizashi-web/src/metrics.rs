//! `/metrics` in the text form of Prometheus (exposition format 0.0.4), for who already watches his machines with it. The token
//! guards it as everything else; a viewer's is enough (`authorization: {credentials: TOKEN}` in the scraper's settings).
//! Nothing of what attackers say becomes a label but names of our own traps.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use kizashi_event::KeyKind;
use kizashi_store::Span;
use serde_json::Value;

use crate::error::ApiError;
use crate::server::App;
use crate::{CaptureStatus, Condition, Status, TopRow, TrapStatus};

/// Traps that have a line of their own.
const MOST_TRAPS: usize = 200;
/// Signs looked through for open ones.
const MOST_SIGNS: usize = 500;
const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];

/// Everything that is told, read at one moment.
pub(crate) struct Reading {
    pub(crate) status: Status,
    pub(crate) condition: Condition,
    pub(crate) traps: Vec<TopRow>,
    pub(crate) signs: Vec<Value>,
    pub(crate) feed_dropped: u64,
}

/// `GET /metrics`.
#[utoipa::path(get, path = "/metrics", tag = "state", summary = "Counts and sizes for Prometheus",
    responses((status = 200, description = "The text form of Prometheus", body = String, content_type = "text/plain; version=0.0.4",
        example = "# HELP kizashi_events_total Events counted since the store began.\n# TYPE kizashi_events_total counter\nkizashi_events_total 4711\n")))]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let feed_dropped = app.feed.dropped();
    let reading = app
        .ask(move |observatory| {
            Ok(Reading {
                status: observatory.status()?,
                condition: observatory.condition()?,
                traps: observatory.top(KeyKind::Service, Span::default(), MOST_TRAPS)?,
                signs: observatory.signs(MOST_SIGNS)?,
                feed_dropped,
            })
        })
        .await?;
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, text_of(&reading)).into_response())
}

/// Lines in the making.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Into<f64>) {
        self.about(name, kind, help);
        let _ = writeln!(self.0, "{name} {}", value.into());
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.about(name, "counter", help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.about(name, "gauge", help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn labelled(&mut self, name: &str, label: &str, text: &str, value: u64) {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = writeln!(self.0, "{name}{{{label}=\"{text}\"}} {value}");
    }
}

/// What is told of a reading.
pub(crate) fn text_of(reading: &Reading) -> String {
    let mut lines = Lines::default();
    let Reading { status, condition, traps, signs, feed_dropped } = reading;
    lines.about("kizashi_build_info", "gauge", "The version that runs.");
    lines.labelled("kizashi_build_info", "version", &status.version, 1);
    lines.gauge("kizashi_uptime_seconds", "Seconds since the start.", status.uptime_seconds);
    of_store(&mut lines, status);
    of_traps(&mut lines, traps);
    of_signs(&mut lines, signs, status);
    lines.counter("kizashi_feed_skipped_total", "Events not shown on an open page.", *feed_dropped);
    if let Some(bytes) = condition.resident_bytes {
        lines.gauge("kizashi_process_resident_bytes", "Memory of the core's process.", bytes);
    }
    if let Some(bytes) = condition.disk_free_bytes {
        lines.gauge("kizashi_disk_free_bytes", "Bytes free where the data are.", bytes);
    }
    if let Some(traps) = &status.traps {
        of_processes(&mut lines, traps);
    }
    lines.0
}

fn of_store(lines: &mut Lines, status: &Status) {
    let store = &status.store;
    lines.counter("kizashi_events_total", "Events counted since the store began.", store.events);
    lines.gauge("kizashi_events_raw", "Events whose raw form is kept.", store.events_raw);
    lines.counter("kizashi_sessions_total", "Sessions opened by visitors.", store.sessions);
    lines.counter("kizashi_sources_total", "Distinct sources ever seen.", store.sources);
    lines.counter("kizashi_events_dropped_total", "Events lost before the store.", store.dropped);
    lines.counter(
        "kizashi_events_late_total",
        "Events after their ten minutes closed.",
        store.late,
    );
    lines.counter(
        "kizashi_events_out_of_time_total",
        "Events with a time that cannot be.",
        store.out_of_time,
    );
    lines.gauge("kizashi_database_bytes", "Size of the database with its log.", store.bytes);
    if let Some(last) = store.last {
        let seconds = last.micros() as f64 / 1e6;
        let help = "When the last event came, in seconds since 1970.";
        lines.one("kizashi_last_event_timestamp_seconds", "gauge", help, seconds);
    }
}

/// A number of a row.
type OfRow = fn(&TopRow) -> u64;

fn of_traps(lines: &mut Lines, traps: &[TopRow]) {
    let kinds: [(&str, &str, OfRow); 2] = [
        ("kizashi_trap_events_total", "Events by trap.", |row| row.events),
        ("kizashi_trap_sessions_total", "Sessions by trap.", |row| row.sessions),
    ];
    for (name, help, value) in kinds {
        lines.about(name, "counter", help);
        // What imported logs name is no trap of ours, and as free as a visitor's text.
        for row in
            traps.iter().filter(|row| kizashi_event::Service::named(&row.key).name() == row.key)
        {
            lines.labelled(name, "trap", &row.key, value(row));
        }
    }
}

fn of_signs(lines: &mut Lines, signs: &[Value], status: &Status) {
    let mut open: BTreeMap<&str, u64> = BTreeMap::new();
    for sign in signs.iter().filter(|sign| sign["open"] == true) {
        *open.entry(sign["severity"].as_str().unwrap_or_default()).or_default() += 1;
    }
    lines.about("kizashi_signs_open", "gauge", "Open signs by severity.");
    for severity in SEVERITIES {
        lines.labelled(
            "kizashi_signs_open",
            "severity",
            severity,
            open.get(severity).copied().unwrap_or(0),
        );
    }
    lines.gauge("kizashi_series_watched", "Series that detection watches.", status.series_watched);
    let help = "False alarms a week that the owner accepts.";
    lines.one("kizashi_false_alarms_per_week", "gauge", help, status.false_alarms_per_week);
}

fn of_processes(lines: &mut Lines, traps: &TrapStatus) {
    lines.counter(
        "kizashi_visitors_served_total",
        "Sessions served since the start.",
        traps.accepted,
    );
    lines.counter("kizashi_visitors_refused_total", "Visitors past a cap.", traps.refused);
    lines.counter(
        "kizashi_trap_events_lost_total",
        "Events lost between trap and core.",
        traps.lost,
    );
    lines.about("kizashi_process_restarts_total", "counter", "Processes replaced, by reason.");
    for (reason, count) in [
        ("renewed", traps.renewals),
        ("crashed", traps.crashes),
        ("misbehaved", traps.misbehaved),
        ("core", traps.core_restarts),
    ] {
        lines.labelled("kizashi_process_restarts_total", "reason", reason, count);
    }
    let enforced = u64::from(traps.not_enforced.is_none());
    lines.gauge("kizashi_sandbox_enforced", "1 where every protection is enforced.", enforced);
    if let Some(capture) = traps.capture.as_ref().filter(|capture| capture.off.is_none()) {
        of_capture(lines, capture);
    }
}

fn of_capture(lines: &mut Lines, capture: &CaptureStatus) {
    let counts = &capture.counts;
    lines.about(
        "kizashi_capture_packets_total",
        "counter",
        "Packets seen, by what became of them.",
    );
    for (name, count) in [("passed", counts.passed), ("dropped", counts.dropped)] {
        lines.labelled("kizashi_capture_packets_total", "outcome", name, count);
    }
    lines.about(
        "kizashi_capture_attempts_total",
        "counter",
        "Attempts to reach any port, by outcome.",
    );
    for (name, count) in [
        ("unanswered", counts.unanswered),
        ("refused", counts.refused),
        ("half-open", counts.half_open),
        ("completed", counts.completed),
    ] {
        lines.labelled("kizashi_capture_attempts_total", "outcome", name, count);
    }
    lines.counter(
        "kizashi_capture_backscatter_total",
        "Answers to what we never sent.",
        counts.backscatter,
    );
}

#[cfg(test)]
mod tests {
    use kizashi_event::{Key, Timestamp};
    use serde_json::json;

    use super::*;

    pub(crate) fn reading() -> Reading {
        let row = |name: &str| {
            TopRow::of_ranked(&kizashi_store::Ranked {
                key: Key::new(KeyKind::Service, name),
                events: 40,
                sessions: 4,
                sources: 2,
                first: Timestamp::from_seconds(0),
                last: Timestamp::from_seconds(1),
            })
        };
        let store = crate::StoreStatus {
            events: 4_711,
            last: Some(Timestamp::from_seconds(1_700_000_000)),
            ..crate::StoreStatus::default()
        };
        Reading {
            status: Status {
                version: "1\"\\\n".to_owned(),
                now: Timestamp::from_seconds(1_700_000_000),
                uptime_seconds: 5,
                demo: false,
                store,
                listeners: Vec::new(),
                series_watched: 3,
                false_alarms_per_week: 0.5,
                traps: Some(TrapStatus {
                    capture: Some(CaptureStatus::default()),
                    ..TrapStatus::default()
                }),
            },
            condition: Condition {
                resident_bytes: Some(1),
                disk_free_bytes: Some(2),
                ..Condition::default()
            },
            traps: vec![row("ssh"), row("x\"} 1\nevil 1")],
            signs: vec![
                json!({"open": true, "severity": "high"}),
                json!({"open": false, "severity": "high"}),
                json!({"open": true, "severity": "nonsense"}),
            ],
            feed_dropped: 0,
        }
    }

    #[test]
    fn every_line_is_one_that_prometheus_reads_and_no_stranger_can_add_one() {
        let text = text_of(&reading());
        let mut told = std::collections::BTreeSet::new();
        for line in text.lines() {
            if let Some(about) = line.strip_prefix("# TYPE ") {
                let name = about.split(' ').next().unwrap();
                assert!(told.insert(name.to_owned()), "{name} is told twice");
                assert!(about.ends_with(" counter") || about.ends_with(" gauge"), "{about}");
                continue;
            }
            if line.starts_with("# HELP ") {
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let name = name.split('{').next().unwrap();
            assert!(name.starts_with("kizashi_") && told.contains(name), "{line}");
        }
        assert!(text.contains("kizashi_build_info{version=\"1\\\"\\\\\\n\"} 1\n"));
        assert!(text.contains("kizashi_signs_open{severity=\"high\"} 1\n"));
        assert!(text.contains("kizashi_trap_events_total{trap=\"ssh\"} 40\n"));
        assert!(text.contains("kizashi_last_event_timestamp_seconds 1700000000\n"));
        assert!(!text.lines().any(|line| line.starts_with("evil")));
    }

    #[test]
    fn every_metric_that_the_grafana_dashboard_draws_exists() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../packaging/grafana/kizashi.json");
        let dashboard: Value =
            serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let text = text_of(&reading());
        let mut drawn = 0;
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expression = target["expr"].as_str().unwrap();
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                for name in
                    expression.split(|c| !is_name(c)).filter(|it| it.starts_with("kizashi_"))
                {
                    drawn += 1;
                    assert!(text.contains(&format!("# TYPE {name} ")), "{name} is no metric");
                }
            }
        }
        assert!(drawn > 10, "the dashboard's panels are not read");
    }
}
