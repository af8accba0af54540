//! Signs as a JSON Feed (version 1.1, jsonfeed.org): plain text alone.

use serde_json::{Value, json};

use super::{Shared, text_of};

pub(super) fn json_feed(shared: &Shared) -> Value {
    let items: Vec<Value> = shared
        .notices
        .iter()
        .map(|notice| {
            let sign = &notice.sign;
            json!({
                "id": sign.id, "title": notice.en.title, "content_text": text_of(notice),
                "date_published": sign.detected.rfc3339(), "date_modified": sign.until.max(sign.detected).rfc3339(),
                "tags": [sign.severity.name()], "_kizashi": sign,
            })
        })
        .collect();
    json!({
        "version": "https://jsonfeed.org/version/1.1", "title": format!("Kizashi: {}", shared.sensor),
        "description": "Signs of one sensor", "items": items,
    })
}
