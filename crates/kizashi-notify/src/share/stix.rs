//! STIX 2.1 (OASIS, June 2021): the sensor as an identity, each source as an indicator with an end, each sign as a report of its sources.
//! Identifiers are made of what they stand for, so that the same thing is the same object in every bundle.

use kizashi_event::Timestamp;
use serde_json::{Value, json};

use super::{Shared, Source, text_of, uuid};

/// A bundle of everything.
pub(super) fn bundle(shared: &Shared) -> Value {
    let id =
        format!("bundle--{}", uuid(&format!("bundle {} {}", shared.sensor, shared.now.micros())));
    json!({"type": "bundle", "id": id, "objects": objects(shared)})
}

/// The objects, in an order that only grows at its end where signs and sources do.
pub(super) fn objects(shared: &Shared) -> Vec<Value> {
    let identity = format!("identity--{}", uuid(&format!("sensor {}", shared.sensor)));
    let began = shared.notices.iter().map(|notice| notice.sign.since).min().unwrap_or(shared.now);
    let mut objects = vec![json!({
        "type": "identity", "spec_version": "2.1", "id": identity, "created": time(began), "modified": time(began),
        "name": shared.sensor, "identity_class": "system", "description": "A sensor that runs Kizashi",
    })];
    objects.extend(shared.sources.iter().map(|source| indicator(source, &identity)));
    for notice in &shared.notices {
        let sign = &notice.sign;
        let mut refs: Vec<String> = shared
            .sources
            .iter()
            .filter(|source| source.signs.contains(&sign.id))
            .map(indicator_id)
            .collect();
        if refs.is_empty() {
            refs.push(identity.clone());
        }
        objects.push(json!({
            "type": "report", "spec_version": "2.1", "id": format!("report--{}", uuid(&format!("sign {}", sign.id))),
            "created_by_ref": identity, "created": time(sign.detected), "modified": time(sign.until.max(sign.detected)),
            "published": time(sign.detected), "name": notice.en.title, "description": text_of(notice),
            "report_types": ["threat-report"], "labels": [sign.severity.name()], "object_refs": refs,
        }));
    }
    objects
}

fn indicator_id(source: &Source) -> String {
    format!("indicator--{}", uuid(&format!("source {} {}", source.address, source.since.micros())))
}

fn indicator(source: &Source, identity: &str) -> Value {
    let kind = if source.address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
    json!({
        "type": "indicator", "spec_version": "2.1", "id": indicator_id(source), "created_by_ref": identity,
        "created": time(source.since), "modified": time(source.since), "name": source.address.to_string(),
        "description": format!("{} events; signs: {}", source.events, source.signs.join(", ")),
        "indicator_types": ["malicious-activity"], "pattern": format!("[{kind}:value = '{}']", source.address),
        "pattern_type": "stix", "valid_from": time(source.since), "valid_until": time(source.until),
    })
}

/// Milliseconds, as the specification wants them at least.
pub(super) fn time(time: Timestamp) -> String {
    let text = time.floor_to(1_000).rfc3339();
    text.get(..23).map_or(text.clone(), |text| format!("{text}Z"))
}
