//! Signs as documents of the Elastic Common Schema 8, one JSON object a line: for Elastic and OpenSearch (Filebeat), Splunk (a monitored file) and
//! Wazuh (`log_format json`).

use std::fmt::Write as _;

use kizashi_signs::Severity;
use serde_json::json;

use super::Shared;

pub(super) fn ecs(shared: &Shared) -> String {
    let mut lines = String::new();
    for notice in &shared.notices {
        let sign = &notice.sign;
        let related: Vec<&str> = notice.sources.iter().map(|(source, _)| source.as_str()).collect();
        let mut document = json!({
            "@timestamp": sign.detected.rfc3339(),
            "ecs": {"version": "8.11.0"},
            "event": {
                "kind": "alert", "category": ["intrusion_detection"], "type": ["info"], "module": "kizashi",
                "dataset": "kizashi.sign", "id": sign.id, "start": sign.since.rfc3339(), "severity": out_of_hundred(sign.severity),
            },
            "observer": {"name": shared.sensor, "type": "honeypot", "product": "kizashi"},
            "message": notice.en.title,
            "related": {"ip": related},
            "kizashi": {"sign": sign},
        });
        if let Some(port) = sign.port() {
            document["destination"] = json!({"port": port.number});
            document["network"] = json!({"transport": port.transport.name()});
        }
        if let Some(name) = &sign.name {
            document["rule"] = json!({"name": name});
        }
        let _ = writeln!(lines, "{document}");
    }
    lines
}

/// As Elastic's own rules count: low 21, medium 47, high 73, critical 99.
const fn out_of_hundred(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 21,
        Severity::Medium => 47,
        Severity::High => 73,
        Severity::Critical => 99,
    }
}
