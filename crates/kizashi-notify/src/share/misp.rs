//! A MISP event (MISP core format, draft-13): a sign a tag and a comment, a source an attribute that detections may use. Distribution is "your
//! organisation only" until somebody there decides otherwise.

use kizashi_signs::Severity;
use serde_json::{Value, json};

use super::{Shared, uuid};

pub(super) fn misp(shared: &Shared) -> Value {
    let mut attributes: Vec<Value> = shared
        .sources
        .iter()
        .map(|source| {
            json!({
                "uuid": uuid(&format!("misp source {} {}", source.address, source.since.micros())),
                "type": "ip-src", "category": "Network activity", "to_ids": true, "distribution": "5", "disable_correlation": false,
                "value": source.address.to_string(), "timestamp": shared.now.seconds().to_string(),
                "comment": format!("{} events; signs: {}", source.events, source.signs.join(", ")),
                "first_seen": source.since.rfc3339(), "last_seen": source.until.min(shared.now).rfc3339(),
            })
        })
        .collect();
    attributes.extend(shared.notices.iter().map(|notice| {
        json!({
            "uuid": uuid(&format!("misp sign {}", notice.sign.id)), "type": "text", "category": "Other", "to_ids": false,
            "distribution": "5", "disable_correlation": true, "value": notice.en.title, "comment": notice.sign.id,
            "timestamp": notice.sign.detected.seconds().to_string(),
        })
    }));
    let gravest = shared.notices.iter().map(|notice| notice.sign.severity).max();
    let threat_level = match gravest {
        Some(Severity::Critical | Severity::High) => "1",
        Some(Severity::Medium) => "2",
        Some(Severity::Low) => "3",
        None => "4",
    };
    let day = shared.now.rfc3339();
    let day = day.get(..10).unwrap_or_default();
    json!({"Event": {
        "uuid": uuid(&format!("misp event {} {day}", shared.sensor)), "date": day, "timestamp": shared.now.seconds().to_string(),
        "info": format!("Kizashi {}: signs as of {day}", shared.sensor), "threat_level_id": threat_level, "analysis": "1",
        "distribution": "0", "published": false, "Tag": [{"name": "tlp:amber"}], "Attribute": attributes,
    }})
}
