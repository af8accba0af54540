//! TAXII 2.1 (OASIS, June 2021), read alone: one API root with one collection, the objects of which are those of the STIX export. Pages are cut
//! by number (`limit`, `next`), and `added_after` and `match[type]`, `match[id]` are known; what is not known is refused as the specification says.

use serde_json::{Value, json};

use super::{Shared, stix, uuid};

/// Objects in a page at most.
const MOST: usize = 1_000;
/// What is answered with.
const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct TaxiiAnswer {
    /// The status.
    pub status: u16,
    /// The kind of content.
    pub content_type: &'static str,
    /// The content.
    pub body: Value,
    /// When the first and the last object of a page were added.
    pub added: Option<(String, String)>,
}

impl TaxiiAnswer {
    fn of(status: u16, body: Value) -> Self {
        Self { status, content_type: MEDIA_TYPE, body, added: None }
    }

    fn error(status: u16, title: &str) -> Self {
        Self::of(status, json!({"title": title, "http_status": status.to_string()}))
    }
}

/// What is answered to a path below `/taxii2/`, with the pairs of its query. `shared` is gathered where it is needed.
pub fn taxii<E>(
    path: &str,
    query: &[(String, String)],
    shared: impl FnOnce() -> Result<Shared, E>,
) -> Result<TaxiiAnswer, E> {
    let collection = uuid("the collection of signs");
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let about = || {
        json!({
            "id": collection, "title": "Signs", "description": "Signs and their sources", "can_read": true, "can_write": false,
            "media_types": ["application/stix+json;version=2.1"],
        })
    };
    Ok(match parts.as_slice() {
        [] => TaxiiAnswer::of(
            200,
            json!({"title": "Kizashi", "description": "Signs of one sensor", "default": "/share/taxii2/api/", "api_roots": ["/share/taxii2/api/"]}),
        ),
        ["api"] => TaxiiAnswer::of(
            200,
            json!({"title": "Signs", "versions": [MEDIA_TYPE], "max_content_length": 1}),
        ),
        ["api", "collections"] => TaxiiAnswer::of(200, json!({"collections": [about()]})),
        ["api", "collections", id, ..] if *id != collection => {
            TaxiiAnswer::error(404, "there is no such collection")
        }
        ["api", "collections", _] => TaxiiAnswer::of(200, about()),
        ["api", "collections", _, "objects"] => page(&shared()?, query, None, false),
        ["api", "collections", _, "manifest"] => page(&shared()?, query, None, true),
        ["api", "collections", _, "objects", id] => page(&shared()?, query, Some(id), false),
        _ => TaxiiAnswer::error(404, "there is nothing at this address"),
    })
}

fn page(
    shared: &Shared,
    query: &[(String, String)],
    only: Option<&str>,
    manifest: bool,
) -> TaxiiAnswer {
    let asked =
        |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if query.iter().any(|(name, _)| {
        ![
            "limit",
            "next",
            "added_after",
            "match[type]",
            "match[id]",
            "match[version]",
            "match[spec_version]",
        ]
        .contains(&name.as_str())
    }) {
        return TaxiiAnswer::error(400, "a filter of the query is not known");
    }
    let number =
        |name: &str, usual: usize| asked(name).map_or(Some(usual), |text| text.parse().ok());
    let (Some(limit), Some(from)) = (number("limit", MOST), number("next", 0)) else {
        return TaxiiAnswer::error(400, "limit and next are numbers");
    };
    let limit = limit.clamp(1, MOST);
    let is_among = |name: &str, value: &str| {
        asked(name).is_none_or(|list| list.split(',').any(|one| one == value))
    };
    let mut objects: Vec<Value> = stix::objects(shared);
    objects.sort_by(|a, b| (added(a), text(a, "id")).cmp(&(added(b), text(b, "id"))));
    objects.retain(|object| {
        is_among("match[type]", text(object, "type"))
            && is_among("match[id]", text(object, "id"))
            && only.is_none_or(|only| only == text(object, "id"))
            && asked("added_after").is_none_or(|after| added(object) > after)
    });
    if only.is_some() && objects.is_empty() {
        return TaxiiAnswer::error(404, "there is no such object");
    }
    let all = objects.len();
    let page: Vec<Value> = objects.into_iter().skip(from).take(limit).collect();
    let ends = page
        .first()
        .zip(page.last())
        .map(|(first, last)| (added(first).to_owned(), added(last).to_owned()));
    let end = from.saturating_add(page.len());
    let page = if manifest { page.iter().map(entry).collect() } else { page };
    let mut body = json!({"objects": page});
    if end < all {
        body["more"] = true.into();
        body["next"] = end.to_string().into();
    }
    TaxiiAnswer { added: ends, ..TaxiiAnswer::of(200, body) }
}

fn entry(object: &Value) -> Value {
    json!({
        "id": object["id"], "date_added": added(object), "version": object["modified"],
        "media_type": "application/stix+json;version=2.1",
    })
}

/// A sign is added, and added again, when it changes.
fn added(object: &Value) -> &str {
    text(object, "modified")
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}
