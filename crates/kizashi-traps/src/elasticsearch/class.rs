//! What a request is for, in one word, for people and for detection. A ransom note is known by what those who wipe open clusters have
//! written since January 2017: an index called `warning`, `please_read` or `read_me`, a text that speaks of data, payment and a way back.

use super::json::Json;

/// The class of a request that has no script in it.
pub(super) fn of(method: &str, segments: &[String], body: &[u8]) -> &'static str {
    const READING: [&str; 10] = [
        "_search",
        "_msearch",
        "_count",
        "_mget",
        "_validate",
        "_field_caps",
        "_refresh",
        "_flush",
        "_analyze",
        "scroll",
    ];
    let last = segments
        .iter()
        .rev()
        .find(|segment| segment.starts_with('_') || *segment == "scroll")
        .map_or("", String::as_str);
    let deletes =
        |text: &[u8]| Json::read(text).ok().is_some_and(|json| json.get("delete").is_some());
    match method {
        "DELETE" if segments.iter().any(|segment| segment == "scroll") => "read",
        "DELETE" => "delete",
        _ if matches!(last, "_delete_by_query" | "_query") => "delete",
        "POST" if last == "_bulk" && deletes(body) => "delete",
        "GET" | "HEAD" | "POST" if READING.contains(&last) => "read",
        "PUT" | "POST" | "PATCH" => "write",
        "GET" if segments.len() > 2 && !segments[0].starts_with('_') => "read",
        _ => "recon",
    }
}

/// Whether something is written that asks for ransom.
pub(super) fn is_ransom_note(method: &str, segments: &[String], body: &[u8]) -> bool {
    const NAMES: [&str; 11] = [
        "read_me",
        "readme",
        "read-me",
        "please_read",
        "warning",
        "ransom",
        "how_to_restore",
        "how_to_recover",
        "pleaseread",
        "hacked",
        "-meow",
    ];
    const WORDS: [&str; 13] = [
        "bitcoin",
        "btc",
        "monero",
        "xmr",
        "wallet",
        "ransom",
        "backed up",
        "recover",
        "restore",
        "your data",
        "your database",
        "pay ",
        "leaked",
    ];
    if !matches!(method, "PUT" | "POST") {
        return false;
    }
    let name = segments.first().map(|name| name.to_lowercase()).unwrap_or_default();
    let text = String::from_utf8_lossy(&body[..body.len().min(16 * 1024)]).to_lowercase();
    let words = WORDS.iter().filter(|word| text.contains(**word)).count();
    let named = NAMES.iter().any(|own| {
        name.contains(own)
            || text.contains(&format!("\"_index\":\"{own}"))
            || text.contains(&format!("\"_index\": \"{own}"))
    });
    let speaks = words >= 3 && segments.last().is_none_or(|last| last != "_search");
    speaks || named && (words > 0 || !name.starts_with('_'))
}
