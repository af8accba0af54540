//! A made-up sign for tests of this room.

use kizashi_event::Timestamp;
use kizashi_signs::{Severity, Sign};

/// A sign that rises on `key`.
pub(crate) fn sign(key: &str) -> Sign {
    let start = Timestamp::parse("2025-02-18T11:00:00Z").unwrap();
    let detected = start.plus(Timestamp::HOUR);
    let json = serde_json::json!({
        "id": format!("20250218T1200Z-{}", key.replace('/', "-")), "kind": "rise", "key": key, "label": "VNC screen sharing",
        "since": start.rfc3339(), "detected": detected.rfc3339(), "days": 1_045.3, "ratio": 8.4, "ratio_low": 4.1,
        "ratio_high": 17.9, "events": 1234, "sources": 21, "expected_sources": 2.5, "severity": "high", "name": null,
        "open": true, "until": detected.rfc3339(), "before": 60.0, "after": 504.0, "ports": ["tcp/22", "tcp/23"],
        "also": [], "rising": 40,
    });
    serde_json::from_value(json).unwrap()
}

/// The same of another severity and moment.
pub(crate) fn sign_at(key: &str, severity: Severity, detected: &str) -> Sign {
    let detected = Timestamp::parse(detected).unwrap();
    let id =
        format!("{}-{}", detected.rfc3339().replace([':', '-', '.'], ""), key.replace('/', "-"));
    Sign { severity, detected, id, ..sign(key) }
}
