//! Indices: made, deleted, looked at; their mappings, settings and aliases; and what is stored beside them (templates, repositories).

use super::super::call::{Call, Reply};
use super::super::copy::infer;
use super::super::json::{Json, object};
use super::super::release::{Fault, Release};
use super::{documents, nodes, none};

pub(super) fn answer(call: &mut Call<'_>, names: &str, rest: &[&str]) -> Result<Reply, Fault> {
    match (rest, call.method) {
        ([], "HEAD") => {
            let found = call.indices(Some(names)).is_ok_and(|found| !found.is_empty());
            Ok(Reply::text(if found { 200 } else { 404 }, ""))
        }
        ([], "GET") => {
            if names.starts_with('_') && names != "_all" {
                call.check_name(names)?;
            }
            Ok(Reply::ok(each(call, names, |call, name| {
                object! { "aliases" => aliases_of(call, name), "mappings" => mapping(call, name), "settings" => settings(call, name) }
            })?))
        }
        ([], "PUT" | "POST") => make(call, names),
        ([], "DELETE") => delete(call, names),
        (["_mapping" | "_mappings", ..] | [_, "_mapping"], "GET") => Ok(Reply::ok(each(
            call,
            names,
            |call, name| object! { "mappings" => mapping(call, name) },
        )?)),
        _ => change(call, names, rest),
    }
}

/// What is asked of indices beside making, deleting and looking at them.
fn change(call: &mut Call<'_>, names: &str, rest: &[&str]) -> Result<Reply, Fault> {
    match (rest, call.method) {
        (["_mapping" | "_mappings", ..] | [_, "_mapping"], "PUT" | "POST") => {
            let body = call.json()?.unwrap_or(object! {});
            for name in call.indices(Some(names))? {
                add_mapping(call, &name, &body);
            }
            Ok(Reply::ok(object! { "acknowledged" => true }))
        }
        (["_settings", ..], "GET") => Ok(Reply::ok(each(
            call,
            names,
            |call, name| object! { "settings" => settings(call, name) },
        )?)),
        (["_settings", ..], "PUT") => {
            call.json()?;
            call.indices(Some(names))?;
            Ok(Reply::ok(object! { "acknowledged" => true }))
        }
        (["_alias" | "_aliases", ..], "GET" | "HEAD") => Ok(Reply::ok(each(
            call,
            names,
            |call, name| object! { "aliases" => aliases_of(call, name) },
        )?)),
        (["_aliases"], "POST") => change_aliases(call),
        (["_alias" | "_aliases", alias], "PUT" | "POST") => {
            for name in call.indices(Some(names))? {
                call.copy.keep(format!("alias/{name}/{alias}"), String::new())?;
            }
            Ok(Reply::ok(object! { "acknowledged" => true }))
        }
        (["_stats", ..], "GET") => nodes::stats(call, Some(names)).map(Reply::ok),
        (["_refresh" | "_flush" | "_forcemerge" | "_optimize" | "_cache", ..], "GET" | "POST") => {
            let found = call.indices(Some(names))?;
            let primaries: u32 = found
                .iter()
                .filter_map(|name| call.index(name))
                .map(|index| index.shards(call.cluster).0)
                .sum();
            Ok(Reply::ok(
                object! { "_shards" => object! { "total" => primaries * 2, "successful" => primaries, "failed" => 0 } },
            ))
        }
        (["_open" | "_close"], "POST") => {
            call.indices(Some(names))?;
            Ok(Reply::ok(object! { "acknowledged" => true, "shards_acknowledged" => true }))
        }
        (["_delete_by_query", ..], _) => documents::by_query(call, names),
        _ => Err(none()),
    }
}

/// What `tell` says of each index, under its name.
fn each(
    call: &Call<'_>,
    names: &str,
    tell: impl Fn(&Call<'_>, &str) -> Json,
) -> Result<Json, Fault> {
    Ok(Json::Object(
        call.indices(Some(names))?
            .into_iter()
            .map(|name| {
                let told = tell(call, &name);
                (name, told)
            })
            .collect(),
    ))
}

fn make(call: &mut Call<'_>, name: &str) -> Result<Reply, Fault> {
    call.check_name(name)?;
    if let Some(index) = call.index(name) {
        return Err(call.release.index_exists(name, index.uuid()));
    }
    let body = call.json()?.unwrap_or(object! {});
    let number = |key: &str| {
        let settings = body.get("settings")?;
        let value = settings.path(&format!("index.{key}")).or_else(|| settings.get(key))?;
        value.count().and_then(|count| u32::try_from(count).ok())
    };
    let shards = number("number_of_shards").unwrap_or(call.release.shards()).clamp(1, 1024);
    let replicas = number("number_of_replicas").unwrap_or(1).min(10);
    call.copy.make(name, shards, replicas, call.now)?;
    if let Some(mappings) = body.get("mappings") {
        add_mapping(call, name, mappings);
    }
    let mut answer = object! { "acknowledged" => true };
    if !call.release.is_old() {
        answer.set("shards_acknowledged", true.into());
        answer.set("index", name.into());
    }
    Ok(Reply::ok(answer))
}

fn delete(call: &mut Call<'_>, names: &str) -> Result<Reply, Fault> {
    for name in call.indices(Some(names))? {
        call.copy.remove_index(call.cluster, &name);
    }
    Ok(Reply::ok(object! { "acknowledged" => true }))
}

/// Fields named in a mapping, of whatever type it calls them.
fn add_mapping(call: &mut Call<'_>, name: &str, mappings: &Json) {
    let inner = mappings
        .fields()
        .iter()
        .find(|(_, inner)| inner.get("properties").is_some())
        .map(|(_, inner)| inner);
    let properties = mappings.get("properties").or_else(|| inner?.get("properties"));
    let sample = properties.map(sample).unwrap_or(Json::Null);
    call.copy.map(name, |mapping, budget| infer("", &sample, mapping, budget));
}

/// A document that would have this mapping.
fn sample(properties: &Json) -> Json {
    let field = |(name, wish): &(String, Json)| {
        let value = match wish.get("type").and_then(Json::text) {
            _ if wish.get("properties").is_some() => {
                wish.get("properties").map_or(Json::Null, sample)
            }
            Some("date") => "2020-01-01".into(),
            Some("long" | "integer" | "short" | "byte") => 1.into(),
            Some("float" | "double") => 1.5.into(),
            Some("boolean") => true.into(),
            _ => "x".into(),
        };
        (name.clone(), value)
    };
    Json::Object(properties.fields().iter().map(field).collect())
}

/// The mapping of an index, under its type where the release has types.
pub(super) fn mapping(call: &Call<'_>, name: &str) -> Json {
    let Some(index) = call.index(name) else { return object! {} };
    let mut fields = std::collections::BTreeMap::new();
    let mut budget = 8 * 1024;
    if let Some(base) = index.base {
        infer("", &base.document(0), &mut fields, &mut budget);
    }
    if let Some(changes) = index.changes {
        fields.extend(changes.mapping.iter().map(|(path, kind)| (path.clone(), *kind)));
    }
    let mut properties = object! {};
    for (path, kind) in &fields {
        let leaf = match (*kind, call.release) {
            ("text", Release::V1_4_2) => object! { "type" => "string" },
            ("date", Release::V1_4_2) => {
                object! { "type" => "date", "format" => "dateOptionalTime" }
            }
            ("float", Release::V1_4_2) => object! { "type" => "double" },
            ("text", _) => {
                object! { "type" => "text", "fields" => object! { "keyword" => object! { "type" => "keyword", "ignore_above" => 256 } } }
            }
            (kind, _) => object! { "type" => kind },
        };
        let nested = path.rsplit('.').fold(Json::Null, |inner, part| {
            if inner == Json::Null {
                object! { part => leaf.clone() }
            } else {
                object! { part => object! { "properties" => inner } }
            }
        });
        properties.merge(nested);
    }
    if properties.fields().is_empty() {
        return object! {};
    }
    let mapping = object! { "properties" => properties };
    if call.release.has_types() {
        object! { index.kind() => mapping }
    } else {
        mapping
    }
}

pub(super) fn settings(call: &Call<'_>, name: &str) -> Json {
    let Some(index) = call.index(name) else { return object! {} };
    let (shards, replicas) = index.shards(call.cluster);
    let mut settings = object! {};
    if call.release == Release::V7_17_9 {
        let tier = object! { "include" => object! { "_tier_preference" => "data_content" } };
        settings.set("routing", object! { "allocation" => tier });
    }
    settings.set("creation_date", (index.created().micros() / 1_000).to_string().into());
    settings.set("number_of_shards", shards.to_string().into());
    settings.set("number_of_replicas", replicas.to_string().into());
    settings.set("uuid", index.uuid().into());
    let created = match call.release {
        Release::V1_4_2 => "1040299",
        Release::V5_6_16 => "5061699",
        Release::V6_8_23 => "6082399",
        Release::V7_17_9 => "7170999",
    };
    settings.set("version", object! { "created" => created });
    if !call.release.is_old() {
        settings.set("provided_name", name.into());
    }
    object! { "index" => settings }
}

fn aliases_of(call: &Call<'_>, name: &str) -> Json {
    let prefix = format!("alias/{name}/");
    let own = call
        .copy
        .kept
        .keys()
        .filter_map(|key| key.strip_prefix(&prefix))
        .map(|alias| (alias.to_owned(), object! {}));
    let kibana = (name == ".kibana_1").then(|| (".kibana".to_owned(), object! {}));
    Json::Object(kibana.into_iter().chain(own).collect())
}

fn change_aliases(call: &mut Call<'_>) -> Result<Reply, Fault> {
    let body = call.json()?.unwrap_or(object! {});
    for action in body.get("actions").map(Json::items).unwrap_or_default().iter().take(100) {
        for (what, wish) in action.fields() {
            let word =
                |key: &str| wish.get(key).and_then(Json::text).unwrap_or_default().to_owned();
            for name in call.indices(Some(&word("index")))? {
                let key = format!("alias/{name}/{}", word("alias"));
                if what == "add" {
                    call.copy.keep(key, String::new())?;
                } else {
                    call.copy.forget(|own| own == key);
                }
            }
        }
    }
    Ok(Reply::ok(object! { "acknowledged" => true }))
}

/// What is put under a path and read there again: templates, repositories of snapshots, stored scripts.
pub(super) fn stored(call: &mut Call<'_>, path: &[&str], rest: &[&str]) -> Result<Reply, Fault> {
    let (root, name) =
        (path[0], rest.first().copied().filter(|name| !matches!(*name, "_all" | "*")));
    let key = format!("{}/{}", root, rest.join("/"));
    match (call.method, name) {
        ("PUT" | "POST", Some(_)) => {
            let body = call.json()?.unwrap_or(object! {});
            call.copy.keep(key, body.line())?;
            Ok(Reply::ok(object! { "acknowledged" => true }))
        }
        ("DELETE", Some(name)) => match call.copy.forget(|own| own == key) {
            0 => Err(missing(root, name)),
            _ => Ok(Reply::ok(object! { "acknowledged" => true })),
        },
        ("GET" | "HEAD", None) => {
            let prefix = format!("{root}/");
            let own = call.copy.kept.iter().filter_map(|(key, body)| {
                Some((
                    key.strip_prefix(&prefix)?.to_owned(),
                    Json::read(body.as_bytes()).unwrap_or(Json::Null),
                ))
            });
            Ok(Reply::ok(Json::Object(own.collect())))
        }
        ("GET" | "HEAD", Some(name)) => match call.copy.kept.get(&key) {
            Some(body) => {
                Ok(Reply::ok(object! { name => Json::read(body.as_bytes()).unwrap_or(Json::Null) }))
            }
            None if root == "_snapshot" => Err(missing(root, name)),
            None => Ok(Reply::json(404, object! {})),
        },
        _ => Err(none()),
    }
}

fn missing(root: &str, name: &str) -> Fault {
    if root == "_snapshot" {
        return Fault::new(
            404,
            "repository_missing_exception",
            "RepositoryMissingException",
            format!("[{name}] missing"),
        );
    }
    Fault::new(
        404,
        "index_template_missing_exception",
        "IndexTemplateMissingException",
        format!("index_template [{name}] missing"),
    )
}
