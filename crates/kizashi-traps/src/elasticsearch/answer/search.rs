//! `_search` with all that belongs to it: scrolls, `_msearch`, `_count`, `_mget`, script fields.

use super::super::call::{Call, Reply};
use super::super::cluster::{letters, mix};
use super::super::copy::Document;
use super::super::json::{Json, object};
use super::super::query::{aggregate, is_known, matches, sort, sort_values};
use super::super::release::{Fault, Release};
use super::super::script;
use super::documents::{found_document, place};
use super::none;

/// Bytes of hits in one answer; a search that finds more says that it timed out.
const BYTES: usize = 128 * 1024;
/// `index.max_result_window`.
const WINDOW: usize = 10_000;
/// Searches of one `_msearch`.
const SEARCHES: usize = 50;
/// Scrolls that a visitor may have open, and bytes of what each looks for.
const SCROLLS: usize = 16;
const SCROLL_BYTES: usize = 2_048;

pub(super) fn answer(
    call: &mut Call<'_>,
    names: Option<&str>,
    rest: &[&str],
) -> Result<Reply, Fault> {
    match (rest, call.method) {
        (["_search", "scroll", ..], "DELETE") => {
            call.copy.forget(|key| key.starts_with("scroll/"));
            Ok(Reply::ok(object! { "succeeded" => true, "num_freed" => 1 }))
        }
        (["_search", "scroll", id @ ..], _) => scroll_on(call, id.first().copied()),
        (["_search"], _) => {
            let body = call.json()?.unwrap_or(object! {});
            search(call, names, &body).map(Reply::ok)
        }
        (["_count"], _) => {
            let body = call.json()?.unwrap_or(object! {});
            let found = find(call, names, &body)?.len();
            Ok(Reply::ok(object! { "count" => found, "_shards" => shards(call, names)? }))
        }
        (["_msearch"], _) => many(call, names),
        (["_mget"], _) => get_many(call, names),
        (["_validate", "query"], _) => Ok(Reply::ok(
            object! { "valid" => true, "_shards" => object! { "total" => 1, "successful" => 1, "failed" => 0 } },
        )),
        (["_field_caps"], _) if !call.release.is_old() => {
            Ok(Reply::ok(object! { "indices" => call.indices(names)?, "fields" => object! {} }))
        }
        _ => Err(none()),
    }
}

fn shards(call: &Call<'_>, names: Option<&str>) -> Result<Json, Fault> {
    let total: u32 = call
        .indices(names)?
        .iter()
        .filter_map(|name| call.index(name))
        .map(|index| index.shards(call.cluster).0)
        .sum();
    let mut shards = object! { "total" => total, "successful" => total };
    if call.release >= Release::V6_8_23 {
        shards.set("skipped", 0.into());
    }
    shards.set("failed", 0.into());
    Ok(shards)
}

/// Everything that a body and the parameter `q` mean.
fn find<'a>(
    call: &'a mut Call<'_>,
    names: Option<&str>,
    body: &Json,
) -> Result<Vec<Document<'a>>, Fault> {
    let names = call.indices(names)?;
    let query = match (body.get("query"), call.parameter("q")) {
        (_, Some(text)) => object! { "query_string" => object! { "query" => text } },
        (Some(query), None) => query.clone(),
        (None, None) => object! { "match_all" => object! {} },
    };
    if let Some((name, _)) = query.fields().first().filter(|(name, _)| !is_known(name)) {
        let reason = match call.release {
            Release::V7_17_9 => format!("unknown query [{name}]"),
            Release::V1_4_2 => format!(
                "[{}] No query registered for [{name}]",
                names.first().map_or("", String::as_str)
            ),
            _ => format!("no [query] registered for [{name}]"),
        };
        return Err(Fault::parse(&reason));
    }
    let mut meter = std::mem::take(&mut call.meter);
    let mut found = Vec::new();
    let left = {
        'all: for name in &names {
            let Some(index) = call.copy.index(call.cluster, name) else { continue };
            for document in index.documents() {
                if !meter.spend(20) {
                    break 'all;
                }
                if matches(&query, &document, &mut meter) {
                    found.push(document);
                }
            }
        }
        meter
    };
    // Every search of one request draws from the same meter.
    call.meter = left;
    Ok(found)
}

/// What a release refuses of a search: too large a window, scripts.
fn check(release: Release, body: &Json, window: usize) -> Result<(), Fault> {
    if window > WINDOW && !release.is_old() {
        let reason = format!(
            "Result window is too large, from + size must be less than or equal to: [{WINDOW}] but was [{window}]. See the scroll api for a more \
             efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting."
        );
        return Err(Fault::argument(&reason));
    }
    let scripts = body.get("script_fields").map(script::scripts).unwrap_or_default();
    if !scripts.is_empty() && !release.runs_scripts() {
        let lang = body.get("script_fields").and_then(|fields| {
            fields
                .fields()
                .iter()
                .find_map(|(_, field)| field.path("script.lang").or(field.get("lang"))?.text())
        });
        let lang = lang.unwrap_or("painless");
        let reason = if lang == "painless" {
            "compile error".to_owned()
        } else {
            format!("script_lang not supported [{lang}]")
        };
        return Err(Fault::argument(&reason));
    }
    Ok(())
}

fn search(call: &mut Call<'_>, names: Option<&str>, body: &Json) -> Result<Json, Fault> {
    let number = |call: &Call<'_>, key: &str, otherwise: usize| {
        let parameter = call.parameter(key).and_then(|text| text.parse::<usize>().ok());
        parameter.or(body.get(key).and_then(Json::count)).unwrap_or(otherwise)
    };
    let (from, size) = (number(call, "from", 0), number(call, "size", 10));
    check(call.release, body, from.saturating_add(size))?;
    let shards = shards(call, names)?;
    let release = call.release;
    let scripted = call.scripted.clone();
    let scroll =
        call.wants("scroll").then(|| begin_scroll(call, names, body, from + size)).transpose()?;
    let by = call
        .parameter("sort")
        .map(|text| Json::List(text.split(',').map(Json::from).collect()))
        .or_else(|| body.get("sort").cloned());
    let mut found = find(call, names, body)?;
    let total = found.len();
    if let Some(by) = &by {
        sort(&mut found, by);
    }
    let wanted = body.get("aggs").or_else(|| body.get("aggregations"));
    let aggregations =
        wanted.map(|wanted| aggregate(wanted, &found, release, &mut Default::default()));
    let (mut hits, mut bytes, mut cut) = (Vec::new(), 0, false);
    for document in found.into_iter().skip(from).take(size) {
        let hit = hit(release, document, by.as_ref(), body.get("_source"), &scripted);
        bytes += hit.line().len();
        if bytes > BYTES {
            cut = true;
            break;
        }
        hits.push(hit);
    }
    let mut answer = object! {};
    if let Some(scroll) = scroll {
        answer.set("_scroll_id", scroll.into());
    }
    answer.set("took", (1 + total / 400).into());
    answer.set("timed_out", cut.into());
    answer.set("_shards", shards);
    let count = if release == Release::V7_17_9 {
        object! { "value" => total, "relation" => "eq" }
    } else {
        total.into()
    };
    let most = if total == 0 || by.is_some() { Json::Null } else { 1.0.into() };
    answer.set("hits", object! { "total" => count, "max_score" => most, "hits" => hits });
    if let Some(aggregations) = aggregations {
        answer.set("aggregations", aggregations);
    }
    Ok(answer)
}

fn hit(
    release: Release,
    document: Document<'_>,
    by: Option<&Json>,
    source: Option<&Json>,
    scripted: &[(String, Json)],
) -> Json {
    let mut hit = place(release, document.index, &document.kind, &document.id);
    hit.set("_score", if by.is_some() { Json::Null } else { 1.0.into() });
    let sorted = by.map(|by| sort_values(&document, by));
    if !scripted.is_empty() {
        let field =
            |(name, value): &(String, Json)| (name.clone(), Json::List(vec![value.clone()]));
        hit.set("fields", Json::Object(scripted.iter().map(field).collect()));
        return hit;
    }
    match source {
        Some(Json::Bool(false)) => {}
        Some(Json::Text(_) | Json::List(_)) => {
            let wanted: Vec<&str> =
                source.map(Json::items).unwrap_or_default().iter().filter_map(Json::text).collect();
            let fields = document
                .source
                .fields()
                .iter()
                .filter(|(name, _)| wanted.contains(&name.as_str()))
                .cloned();
            hit.set("_source", Json::Object(fields.collect()));
        }
        _ => hit.set("_source", document.source),
    }
    if let Some(sorted) = sorted {
        hit.set("sort", sorted);
    }
    hit
}

/// A scroll is kept as what it looks for and how far it is; it outlives the connection with the visitor's copy.
fn begin_scroll(
    call: &mut Call<'_>,
    names: Option<&str>,
    body: &Json,
    next: usize,
) -> Result<String, Fault> {
    let mut body = body.clone();
    if let (None, Some(text)) = (body.get("query"), call.parameter("q")) {
        body.set("query", object! { "query_string" => object! { "query" => text } });
    }
    if let Some(size) = call.parameter("size").and_then(|text| text.parse::<u32>().ok()) {
        body.set("size", size.into());
    }
    body.set("from", next.into());
    let state = object! { "names" => names.unwrap_or("_all"), "body" => body }.line();
    let open: Vec<String> =
        call.copy.kept.keys().filter(|key| key.starts_with("scroll/")).cloned().collect();
    if let Some(first) = open.first().filter(|_| open.len() >= SCROLLS) {
        call.copy.forget(|key| key == first);
    }
    if state.len() > SCROLL_BYTES {
        let reason =
            "Trying to create too many scroll contexts. Must be less than or equal to: [500].";
        return Err(Fault::new(
            429,
            "too_many_scroll_contexts_exception",
            "EsRejectedExecutionException",
            reason.to_owned(),
        ));
    }
    call.copy.writes += 1;
    let id = format!(
        "DXF1ZXJ5QW5kRmV0Y2gBAAAAAAAAA{}==",
        letters(mix(call.copy.writes) ^ call.now.micros().unsigned_abs(), 28)
    );
    call.copy.keep(format!("scroll/{id}"), state)?;
    Ok(id)
}

fn scroll_on(call: &mut Call<'_>, id: Option<&str>) -> Result<Reply, Fault> {
    let text = String::from_utf8_lossy(call.body).trim().to_owned();
    let body = Json::read(call.body).ok();
    let named = body
        .as_ref()
        .and_then(|body| body.get("scroll_id"))
        .and_then(|id| id.items().first()?.text());
    let id = id.or(named).or(call.parameter("scroll_id")).unwrap_or(&text).to_owned();
    let key = format!("scroll/{id}");
    let Some(state) = call.copy.kept.get(&key).and_then(|state| Json::read(state.as_bytes()).ok())
    else {
        return Err(Fault::new(
            404,
            "search_context_missing_exception",
            "SearchContextMissingException",
            "No search context found for id [1]".to_owned(),
        ));
    };
    let names = state.get("names").and_then(Json::text).unwrap_or("_all").to_owned();
    let mut body = state.get("body").cloned().unwrap_or(object! {});
    call.parameters.retain(|(name, _)| !matches!(name.as_str(), "scroll" | "size" | "from" | "q"));
    let count = |key: &str| body.get(key).and_then(Json::count);
    let (from, size) = (count("from").unwrap_or(0), count("size").unwrap_or(10));
    if from.saturating_add(size) > WINDOW {
        body.set("size", 0.into());
        body.set("from", 0.into());
    }
    let mut answer = object! { "_scroll_id" => id.as_str() };
    answer.merge(search(call, Some(&names), &body)?);
    body.set("from", (from + size).into());
    call.copy.kept.insert(key, object! { "names" => names, "body" => body }.line());
    Ok(Reply::ok(answer))
}

fn many(call: &mut Call<'_>, names: Option<&str>) -> Result<Reply, Fault> {
    let body = call.body;
    let mut lines = body.split(|byte| *byte == b'\n');
    let (mut answers, mut bytes) = (Vec::new(), 0);
    while let (Some(head), Some(line)) = (lines.next(), lines.next()) {
        if answers.len() >= SEARCHES || bytes > BYTES {
            break;
        }
        let head = Json::read(head).unwrap_or(object! {});
        let target = head
            .get("index")
            .map(|index| index.items().iter().map(Json::term).collect::<Vec<_>>().join(","));
        let done = Json::read(line)
            .map_err(|_| Fault::parse("Failed to parse request body"))
            .and_then(|body| search(call, target.as_deref().or(names), &body));
        let answer = match done {
            Ok(mut answer) => {
                if call.release >= Release::V6_8_23 {
                    answer.set("status", 200.into());
                }
                answer
            }
            Err(fault) => call.release.error(&fault),
        };
        bytes += answer.line().len();
        answers.push(answer);
    }
    let mut answer = object! {};
    if call.release >= Release::V7_17_9 {
        answer.set("took", answers.len().into());
    }
    answer.set("responses", answers.into());
    Ok(Reply::ok(answer))
}

fn get_many(call: &mut Call<'_>, names: Option<&str>) -> Result<Reply, Fault> {
    let body = call.json()?.unwrap_or(object! {});
    let mut documents = Vec::new();
    let wishes = body.get("docs").or_else(|| body.get("ids")).map(Json::items).unwrap_or_default();
    for wish in wishes.iter().take(500) {
        let name = wish.get("_index").and_then(Json::text).or(names).unwrap_or_default();
        let id = wish.get("_id").map_or_else(|| wish.term(), Json::term);
        let found = call.index(name).and_then(|index| index.document(&id));
        documents.push(match found {
            Some(document) => found_document(call.release, document),
            None => {
                let mut missing = place(call.release, name, "_doc", &id);
                missing.set("found", false.into());
                missing
            }
        });
    }
    Ok(Reply::ok(object! { "docs" => documents }))
}
