//! The router: which handler a path has in a release, and what the rest are told.

mod cat;
mod documents;
mod indices;
mod nodes;
mod search;

use super::call::{Call, Reply};
use super::json::{Json, object};
use super::release::{Fault, Release};

/// The answer to a request.
pub(super) fn answer(call: &mut Call<'_>) -> Reply {
    route(call).unwrap_or_else(|fault| Reply::json(fault.status, call.release.error(&fault)))
}

fn route(call: &mut Call<'_>) -> Result<Reply, Fault> {
    let segments = call.segments.clone();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = call.method;
    match (path.as_slice(), method) {
        (_, "OPTIONS") => Ok(Reply::text(200, "")),
        ([], "GET" | "HEAD") => Ok(Reply::ok(front(call))),
        (["favicon.ico"], _) if !call.release.is_old() => Ok(Reply::text(200, "")),
        (["_cat", rest @ ..], "GET" | "HEAD") => cat::answer(call, rest),
        (
            [
                "_cluster" | "_nodes" | "_stats" | "_tasks" | "_xpack" | "_license" | "_remote"
                | "_ingest" | "_ssl",
                ..,
            ],
            _,
        ) => nodes::answer(call, &path),
        (
            [
                "_template"
                | "_index_template"
                | "_component_template"
                | "_snapshot"
                | "_scripts"
                | "_ilm",
                rest @ ..,
            ],
            _,
        ) => indices::stored(call, &path, rest),
        (
            ["_search" | "_msearch" | "_count" | "_mget" | "_field_caps" | "_validate", ..],
            "GET" | "POST" | "DELETE",
        ) => search::answer(call, None, &path),
        (["_bulk"], "POST" | "PUT") => documents::bulk(call, None),
        (["_all" | "*"], "DELETE") => indices::answer(call, path[0], &[]),
        ([name], _) if name.starts_with('_') => indices::answer(call, "_all", &path),
        (["_aliases" | "_alias" | "_mapping" | "_mappings" | "_settings" | "_cache", ..], _) => {
            indices::answer(call, "_all", &path)
        }
        ([index], _) => indices::answer(call, index, &[]),
        ([index, rest @ ..], _) => of_index(call, index, rest),
        _ => Err(wrong_method(call)),
    }
    .or_else(|fault| if fault.status == 0 { Ok(unknown(call)) } else { Err(fault) })
}

fn of_index(call: &mut Call<'_>, index: &str, rest: &[&str]) -> Result<Reply, Fault> {
    let types = call.release.has_types();
    match (rest, call.method) {
        (["_search" | "_msearch" | "_count" | "_mget" | "_field_caps" | "_validate", ..], _) => {
            search::answer(call, Some(index), rest)
        }
        ([_, last @ ("_search" | "_msearch" | "_count" | "_mget")], _) if types => {
            search::answer(call, Some(index), &[last])
        }
        (["_bulk"] | [_, "_bulk"], "POST" | "PUT") => documents::bulk(call, Some(index)),
        (["_delete_by_query" | "_update_by_query" | "_query"], _)
        | ([_, "_query" | "_delete_by_query"], _) => documents::by_query(call, index),
        (["_doc" | "_create", id], _) if !call.release.is_old() => {
            documents::one(call, index, "_doc", Some(id), rest[0])
        }
        (["_update", id], "POST") if call.release >= Release::V6_8_23 => {
            documents::one(call, index, "_doc", Some(id), "_update")
        }
        (["_source", id], "GET" | "HEAD") => {
            documents::one(call, index, "_doc", Some(id), "_source")
        }
        (["_doc"], "POST") => documents::one(call, index, "_doc", None, "_doc"),
        ([kind], "POST") if !kind.starts_with('_') => {
            documents::one(call, index, kind, None, "_doc")
        }
        ([kind, id], _) if !kind.starts_with('_') => {
            documents::one(call, index, kind, Some(id), "_doc")
        }
        ([kind, id, last @ ("_update" | "_create" | "_source")], _)
            if !kind.starts_with('_') || *kind == "_doc" =>
        {
            documents::one(call, index, kind, Some(id), last)
        }
        _ => indices::answer(call, index, rest),
    }
}

fn front(call: &Call<'_>) -> Json {
    let cluster = call.cluster;
    let mut front = object! {};
    if call.release.is_old() {
        front.set("status", 200.into());
    }
    front.set("name", cluster.node.as_str().into());
    front.set("cluster_name", cluster.name.into());
    if !call.release.is_old() {
        front.set("cluster_uuid", cluster.uuid.as_str().into());
    }
    front.set("version", call.release.version());
    front.set("tagline", "You Know, for Search".into());
    front
}

/// For what has no handler.
pub(super) fn unknown(call: &Call<'_>) -> Reply {
    let place = format!("uri [{}] and method [{}]", call.target, call.method);
    if call.release >= Release::V6_8_23 {
        Reply::json(400, object! { "error" => format!("no handler found for {place}") })
    } else {
        Reply::text(400, format!("No handler found for {place}"))
    }
}

/// The mark that a handler gives where it has no answer either.
pub(super) fn none() -> Fault {
    Fault::new(0, "", "", String::new())
}

fn wrong_method(call: &Call<'_>) -> Fault {
    if !call.release.is_old() && ["GET", "HEAD", "POST", "PUT", "DELETE"].contains(&call.method) {
        let reason = format!(
            "Incorrect HTTP method for uri [{}] and method [{}], allowed: [GET, HEAD]",
            call.target, call.method
        );
        return Fault::new(405, "method_not_allowed_exception", "", reason);
    }
    none()
}
