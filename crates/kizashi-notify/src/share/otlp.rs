//! Signs as logs of OpenTelemetry (OTLP 1.x in its JSON form): severity numbers of the data model's table, times in nanoseconds as text, as
//! 64-bit numbers are written there.

use kizashi_event::Timestamp;
use kizashi_signs::Severity;
use serde_json::{Value, json};

use super::uuid;
use crate::Notice;

/// `about` tells one telling of a sign from another: records that are told again have the same `log.record.uid`, by which a receiver may drop them.
pub(crate) fn otlp(notices: &[Notice], (sensor, about): (&str, &str), now: Timestamp) -> Value {
    let nanos = |time: Timestamp| (i128::from(time.micros()) * 1_000).to_string();
    let text = |name: &str, value: &str| json!({"key": name, "value": {"stringValue": value}});
    let number =
        |name: &str, value: u64| json!({"key": name, "value": {"intValue": value.to_string()}});
    let records: Vec<Value> = notices
        .iter()
        .map(|notice| {
            let sign = &notice.sign;
            let (severity, word) = match sign.severity {
                Severity::Low => (9, "INFO"),
                Severity::Medium => (13, "WARN"),
                Severity::High => (17, "ERROR"),
                Severity::Critical => (21, "FATAL"),
            };
            json!({
                "timeUnixNano": nanos(sign.detected),
                "observedTimeUnixNano": nanos(now),
                "severityNumber": severity,
                "severityText": word,
                "body": {"stringValue": notice.en.title},
                "attributes": [
                    text("log.record.uid", &uuid(&format!("record\0{about}\0{}", sign.id))),
                    text("kizashi.sign.id", &sign.id),
                    text("kizashi.sign.key", &sign.key),
                    text("kizashi.sign.since", &sign.since.rfc3339()),
                    number("kizashi.sign.sources", sign.sources),
                    number("kizashi.sign.events", sign.events),
                ],
            })
        })
        .collect();
    json!({"resourceLogs": [{
        "resource": {"attributes": [text("service.name", "kizashi"), text("host.name", sensor)]},
        "scopeLogs": [{"scope": {"name": "kizashi", "version": env!("CARGO_PKG_VERSION")}, "logRecords": records}],
    }]})
}
