//! Documents: read, written, changed and deleted, one by one, by `_bulk` and by query.

use super::super::call::{Call, Content, Reply};
use super::super::copy::Document;
use super::super::json::{Json, object};
use super::super::query::matches;
use super::super::release::{Fault, Release};
use super::none;

/// Lines of one `_bulk` that are carried out.
const BULK: usize = 4_000;

/// A request for a document, or one that makes one where no id is given.
pub(super) fn one(
    call: &mut Call<'_>,
    index: &str,
    kind: &str,
    id: Option<&str>,
    how: &str,
) -> Result<Reply, Fault> {
    let create = how == "_create" || call.parameter("op_type") == Some("create");
    match (call.method, how, id) {
        ("GET" | "HEAD", _, Some(id)) => read(call, index, kind, id, how == "_source"),
        ("POST", "_update", Some(id)) => {
            let body = call.json()?.unwrap_or(object! {});
            update(call, index, kind, id, &body)
        }
        ("PUT" | "POST", "_doc" | "_create", _) => {
            if id.is_none() && call.method == "PUT" {
                return Err(none());
            }
            let source = call.json()?.ok_or_else(|| {
                Fault::new(
                    400,
                    "parse_exception",
                    "ElasticsearchParseException",
                    "request body is required".to_owned(),
                )
            })?;
            write(call, index, kind, id, &source, create)
        }
        ("DELETE", _, Some(id)) => delete(call, index, kind, id),
        _ => Err(none()),
    }
}

/// The fields by which every answer about a document begins.
pub(super) fn place(release: Release, index: &str, kind: &str, id: &str) -> Json {
    let kind = if release == Release::V7_17_9 { "_doc" } else { kind };
    object! { "_index" => index, "_type" => kind, "_id" => id }
}

fn read(
    call: &Call<'_>,
    name: &str,
    kind: &str,
    id: &str,
    source_only: bool,
) -> Result<Reply, Fault> {
    let found = call.indices(Some(name))?;
    let name = found.first().map_or(name, String::as_str);
    let document = call.index(name).and_then(|index| index.document(id));
    let Some(document) = document else {
        let mut answer = place(call.release, name, kind, id);
        answer.set("found", false.into());
        return Ok(Reply::json(404, answer));
    };
    if source_only {
        return Ok(Reply::ok(document.source));
    }
    Ok(Reply::ok(found_document(call.release, document)))
}

pub(super) fn found_document(release: Release, document: Document<'_>) -> Json {
    let mut answer = place(release, document.index, &document.kind, &document.id);
    answer.set("_version", document.version.into());
    if release >= Release::V6_8_23 {
        answer.set("_seq_no", document.sequence.into());
        answer.set("_primary_term", 1.into());
    }
    answer.set("found", true.into());
    answer.set("_source", document.source);
    answer
}

/// What a write answers.
fn written(
    call: &Call<'_>,
    mut answer: Json,
    (version, sequence): (u64, u64),
    result: &str,
) -> Json {
    answer.set("_version", version.into());
    if call.release.is_old() {
        match result {
            "deleted" => answer.set("found", true.into()),
            "not_found" => answer.set("found", false.into()),
            _ => answer.set("created", (result == "created").into()),
        }
        return answer;
    }
    answer.set("result", result.into());
    answer.set("_shards", call.shards_written());
    if call.release == Release::V5_6_16 {
        match result {
            "deleted" | "not_found" => answer.set("found", (result == "deleted").into()),
            _ => answer.set("created", (result == "created").into()),
        }
    } else {
        answer.set("_seq_no", sequence.into());
        answer.set("_primary_term", 1.into());
    }
    answer
}

fn write(
    call: &mut Call<'_>,
    index: &str,
    kind: &str,
    id: Option<&str>,
    source: &Json,
    create: bool,
) -> Result<Reply, Fault> {
    if !matches!(source, Json::Object(_)) {
        return Err(Fault::new(
            400,
            "mapper_parsing_exception",
            "MapperParsingException",
            "failed to parse".to_owned(),
        ));
    }
    if id.is_some_and(|id| id.len() > 512) {
        return Err(Fault::argument("id is too long, must be no longer than 512 bytes"));
    }
    call.index_to_write(index)?;
    let id = id.map_or_else(|| call.copy.new_id(call.now), str::to_owned);
    let before =
        call.index(index).and_then(|index| index.document(&id)).map(|document| document.version);
    if let (true, Some(version)) = (create, before) {
        let reason = format!(
            "[{id}]: version conflict, document already exists (current version [{version}])"
        );
        return Err(Fault::new(
            409,
            "version_conflict_engine_exception",
            "VersionConflictEngineException",
            reason,
        ));
    }
    let version = call.copy.write(call.cluster, index, &id, kind, source)?;
    let created = before.is_none();
    let answer = written(
        call,
        place(call.release, index, kind, &id),
        version,
        if created { "created" } else { "updated" },
    );
    Ok(Reply::json(if created { 201 } else { 200 }, answer))
}

fn delete(call: &mut Call<'_>, index: &str, kind: &str, id: &str) -> Result<Reply, Fault> {
    if call.index(index).is_none() {
        return Err(call.release.no_index(index));
    }
    let start = place(call.release, index, kind, id);
    Ok(match call.copy.remove(call.cluster, index, id) {
        Some(version) => Reply::ok(written(call, start, version, "deleted")),
        None => Reply::json(404, written(call, start, (1, 0), "not_found")),
    })
}

fn update(
    call: &mut Call<'_>,
    index: &str,
    kind: &str,
    id: &str,
    body: &Json,
) -> Result<Reply, Fault> {
    let before =
        call.index(index).and_then(|index| index.document(id)).map(|document| document.source);
    let part = body.get("doc").cloned().unwrap_or(object! {});
    let source = match (before, body.get("upsert")) {
        (Some(mut source), _) => {
            source.merge(part);
            source
        }
        (None, Some(upsert)) => upsert.clone(),
        (None, None) if body.get("doc_as_upsert") == Some(&Json::Bool(true)) => part,
        (None, None) => {
            let reason = format!("[{kind}][{id}]: document missing");
            return Err(Fault::new(
                404,
                "document_missing_exception",
                "DocumentMissingException",
                reason,
            )
            .with("index", index));
        }
    };
    write(call, index, kind, Some(id), &source, false)
}

/// `_bulk`: lines of actions and sources, each answered in its place.
pub(super) fn bulk(call: &mut Call<'_>, index: Option<&str>) -> Result<Reply, Fault> {
    let body = call.body;
    let mut lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .take(2 * BULK);
    let (mut items, mut errors) = (Vec::new(), false);
    while let Some(line) = lines.next() {
        let action = Json::read(line).ok().filter(|action| !action.fields().is_empty());
        let Some((name, wish)) = action.as_ref().and_then(|action| action.fields().first()) else {
            return Err(Fault::argument(
                "Malformed action/metadata line [1], expected START_OBJECT or END_OBJECT but found [VALUE_STRING]",
            ));
        };
        let word = |key: &str| wish.get(key).map(Json::term);
        let target = word("_index").or(index.map(str::to_owned)).unwrap_or_default();
        let kind = word("_type").unwrap_or_else(|| "_doc".to_owned());
        let id = word("_id");
        let mut source =
            || lines.next().and_then(|line| Json::read(line).ok()).unwrap_or(Json::Null);
        let done = match name.as_str() {
            "index" | "create" => {
                let source = source();
                write(call, &target, &kind, id.as_deref(), &source, name == "create")
            }
            "update" => {
                let source = source();
                update(call, &target, &kind, id.as_deref().unwrap_or_default(), &source)
            }
            "delete" => delete(call, &target, &kind, id.as_deref().unwrap_or_default()),
            other => {
                return Err(Fault::argument(&format!(
                    "Malformed action/metadata line [1], expected field [create], [delete], [index] or [update] but found [{other}]"
                )));
            }
        };
        let item = match done {
            Ok(Reply { status, content: Content::Json(mut answer) }) => {
                answer.set("status", u32::from(status).into());
                answer
            }
            Ok(_) => object! {},
            Err(fault) => {
                errors = true;
                let mut answer =
                    place(call.release, &target, &kind, id.as_deref().unwrap_or_default());
                answer.set("status", u32::from(fault.status).into());
                answer.set(
                    "error",
                    if call.release.is_old() { fault.kind().into() } else { fault.short() },
                );
                answer
            }
        };
        items.push(object! { name => item });
    }
    if items.is_empty() {
        return Err(Fault::parse("request body is required"));
    }
    Ok(Reply::ok(object! { "took" => 3 + items.len() / 10, "errors" => errors, "items" => items }))
}

/// `_delete_by_query`, and the `DELETE …/_query` of 1.x. What `_update_by_query` changes by a script stays as it is.
pub(super) fn by_query(call: &mut Call<'_>, index: &str) -> Result<Reply, Fault> {
    let body = call.json()?.unwrap_or(object! {});
    let query = body.get("query").cloned().unwrap_or(object! { "match_all" => object! {} });
    let update = call.segments.iter().any(|segment| segment == "_update_by_query");
    let names = call.indices(Some(index))?;
    let mut meter = std::mem::take(&mut call.meter);
    let mut found: Vec<(String, String)> = Vec::new();
    for name in &names {
        let Some(index) = call.index(name) else { continue };
        for document in index.documents() {
            if !meter.spend(20) {
                break;
            }
            if matches(&query, &document, &mut meter) {
                found.push((name.clone(), document.id));
            }
        }
    }
    if !update {
        for (name, id) in &found {
            call.copy.remove(call.cluster, name, id);
        }
    }
    let count = found.len();
    if call.release.is_old() {
        let shards = object! { "total" => 5, "successful" => 5, "failed" => 0 };
        let of_index = |name: &String| (name.clone(), object! { "_shards" => shards.clone() });
        return Ok(Reply::ok(
            object! { "_indices" => Json::Object(names.iter().map(of_index).collect()) },
        ));
    }
    let (updated, deleted) = if update { (count, 0) } else { (0, count) };
    Ok(Reply::ok(object! {
        "took" => 11 + count / 20, "timed_out" => false, "total" => count, "updated" => updated, "deleted" => deleted,
        "batches" => count.div_ceil(1_000), "version_conflicts" => 0, "noops" => 0,
        "retries" => object! { "bulk" => 0, "search" => 0 }, "throttled_millis" => 0, "requests_per_second" => -1.0,
        "throttled_until_millis" => 0, "failures" => Vec::<Json>::new(),
    }))
}
