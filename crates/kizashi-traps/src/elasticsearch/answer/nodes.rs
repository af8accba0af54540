//! `_cluster`, `_nodes`, `_stats` and what else tells of the machine. What changes with time is computed from the time alone.

use super::super::call::{Call, Reply};
use super::super::cluster::mix;
use super::super::json::{Json, object};
use super::super::release::{Fault, Release};
use super::none;

/// Shards that are active, and replicas that have no second node to go to.
pub(super) fn shards(call: &Call<'_>) -> (u32, u32) {
    let each = call.copy.indices(call.cluster).into_iter().map(|index| index.shards(call.cluster));
    each.fold((0, 0), |(active, waiting), (primaries, replicas)| {
        (active + primaries, waiting + primaries * replicas)
    })
}

/// Heap and memory used in percent, load in hundredths, at this moment.
pub(super) fn moment(call: &Call<'_>) -> [u32; 3] {
    let minute = mix(call.now.seconds().unsigned_abs() / 60);
    [28 + (minute % 30) as u32, 88 + (minute >> 8) as u32 % 9, (minute >> 16) as u32 % 60]
}

pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result<Reply, Fault> {
    match (path, call.method) {
        (["_cluster", "health", ..], "GET" | "HEAD") => Ok(Reply::ok(health(call))),
        (["_cluster", "state", ..], "GET") => Ok(Reply::ok(state(call))),
        (["_cluster", "stats", ..], "GET") => Ok(Reply::ok(cluster_stats(call))),
        (["_cluster", "settings"], "GET") => {
            let read = |call: &Call<'_>, key: &str| {
                call.copy
                    .kept
                    .get(key)
                    .and_then(|text| Json::read(text.as_bytes()).ok())
                    .unwrap_or(object! {})
            };
            Ok(Reply::ok(
                object! { "persistent" => read(call, "cluster/persistent"), "transient" => read(call, "cluster/transient") },
            ))
        }
        (["_cluster", "settings"], "PUT") => {
            let body = call.json()?.unwrap_or(object! {});
            let mut answer = object! { "acknowledged" => true };
            for key in ["persistent", "transient"] {
                let value = body.get(key).cloned().unwrap_or(object! {});
                if !value.fields().is_empty() {
                    call.copy.keep(format!("cluster/{key}"), value.line())?;
                }
                answer.set(key, value);
            }
            Ok(Reply::ok(answer))
        }
        (["_cluster", "pending_tasks"], "GET") => {
            Ok(Reply::ok(object! { "tasks" => Vec::<Json>::new() }))
        }
        (["_nodes", rest @ ..] | ["_cluster", "nodes", rest @ ..], "GET") => {
            Ok(Reply::ok(nodes(call, rest)))
        }
        (["_stats", ..], "GET") => stats(call, None).map(Reply::ok),
        (["_tasks", ..], "GET") if !call.release.is_old() => {
            Ok(Reply::ok(object! { "nodes" => object! {} }))
        }
        (["_remote", "info"], "GET") if !call.release.is_old() => Ok(Reply::ok(object! {})),
        (["_license"] | ["_xpack", "license"], "GET") if call.release >= Release::V6_8_23 => {
            Ok(Reply::ok(license(call)))
        }
        (["_xpack"], "GET") if call.release >= Release::V6_8_23 => Ok(Reply::ok(xpack(call))),
        _ => Err(none()),
    }
}

fn health(call: &Call<'_>) -> Json {
    let (active, waiting) = shards(call);
    let mut health = object! {
        "cluster_name" => call.cluster.name,
        "status" => if waiting > 0 { "yellow" } else { "green" },
        "timed_out" => false,
        "number_of_nodes" => 1,
        "number_of_data_nodes" => 1,
        "active_primary_shards" => active,
        "active_shards" => active,
        "relocating_shards" => 0,
        "initializing_shards" => 0,
        "unassigned_shards" => waiting,
    };
    if !call.release.is_old() {
        for name in [
            "delayed_unassigned_shards",
            "number_of_pending_tasks",
            "number_of_in_flight_fetch",
            "task_max_waiting_in_queue_millis",
        ] {
            health.set(name, 0.into());
        }
        health.set(
            "active_shards_percent_as_number",
            (f64::from(active) * 100.0 / f64::from((active + waiting).max(1))).into(),
        );
    }
    health
}

fn state(call: &Call<'_>) -> Json {
    let cluster = call.cluster;
    let mut state = object! { "cluster_name" => cluster.name };
    if !call.release.is_old() {
        state.set("cluster_uuid", cluster.uuid.as_str().into());
    }
    state.set("version", (41 + call.copy.writes).into());
    state.set("master_node", cluster.node_id.as_str().into());
    state.set("blocks", object! {});
    let mut node = object! { "name" => cluster.node.as_str() };
    if !call.release.is_old() {
        node.set("ephemeral_id", cluster.ephemeral_id.as_str().into());
    }
    node.set("transport_address", cluster.transport().into());
    node.set("attributes", object! {});
    state.set("nodes", object! { cluster.node_id => node });
    let mut indices = object! {};
    for index in call.copy.indices(cluster) {
        let mappings = super::indices::mapping(call, index.name);
        let settings = super::indices::settings(call, index.name);
        indices.set(index.name, object! { "state" => "open", "settings" => settings, "mappings" => mappings, "aliases" => Vec::<Json>::new() });
    }
    state.set("metadata", object! { "templates" => object! {}, "indices" => indices });
    state
}

fn total(call: &Call<'_>) -> (usize, usize, usize) {
    let all = call.copy.indices(call.cluster);
    (
        all.len(),
        all.iter().map(|index| index.count()).sum(),
        all.iter().map(|index| index.size()).sum(),
    )
}

fn cluster_stats(call: &Call<'_>) -> Json {
    let (count, documents, bytes) = total(call);
    let (active, waiting) = shards(call);
    let roles = match call.release {
        Release::V1_4_2 => {
            object! { "total" => 1, "master_only" => 0, "data_only" => 0, "master_data" => 1, "client" => 0 }
        }
        Release::V7_17_9 => {
            object! { "total" => 1, "data" => 1, "ingest" => 1, "master" => 1, "ml" => 1, "remote_cluster_client" => 1, "transform" => 1 }
        }
        _ => {
            object! { "total" => 1, "data" => 1, "coordinating_only" => 0, "master" => 1, "ingest" => 1 }
        }
    };
    let mut stats = object! {};
    if !call.release.is_old() {
        stats.set("_nodes", object! { "total" => 1, "successful" => 1, "failed" => 0 });
    }
    stats.merge(object! {
        "timestamp" => call.now.micros() / 1_000,
        "cluster_name" => call.cluster.name,
        "status" => if waiting > 0 { "yellow" } else { "green" },
        "indices" => object! {
            "count" => count,
            "shards" => object! { "total" => active, "primaries" => active, "replication" => 0.0 },
            "docs" => object! { "count" => documents, "deleted" => 0 },
            "store" => object! { "size_in_bytes" => bytes },
        },
        "nodes" => object! { "count" => roles, "versions" => vec![call.release.number()] },
    });
    stats
}

fn nodes(call: &Call<'_>, rest: &[&str]) -> Json {
    let cluster = call.cluster;
    let mut answer = object! {};
    if !call.release.is_old() {
        answer.set("_nodes", object! { "total" => 1, "successful" => 1, "failed" => 0 });
    }
    answer.set("cluster_name", cluster.name.into());
    let node = if rest.contains(&"stats") { node_stats(call) } else { node_info(call) };
    answer.set("nodes", object! { cluster.node_id => node });
    answer
}

fn node_info(call: &Call<'_>) -> Json {
    let cluster = call.cluster;
    let old = call.release.is_old();
    let http = if old {
        format!("inet[/{}:9200]", cluster.address)
    } else {
        format!("{}:9200", cluster.address)
    };
    let mut node = object! { "name" => cluster.node.as_str(), "transport_address" => cluster.transport(), "host" => cluster.host.as_str(), "ip" => cluster.address.as_str(), "version" => call.release.number() };
    if old {
        node.set("build", "927caff".into());
        node.set("http_address", http.as_str().into());
    } else {
        if call.release >= Release::V6_8_23 {
            node.set("build_flavor", "default".into());
            node.set("build_type", "deb".into());
        }
        node.set("build_hash", call.release.build_hash().into());
        let roles = if call.release == Release::V7_17_9 {
            vec!["data", "ingest", "master", "ml", "remote_cluster_client", "transform"]
        } else {
            vec!["master", "data", "ingest"]
        };
        node.set("roles", roles.into());
    }
    node.set("settings", object! {
        "cluster" => object! { "name" => cluster.name },
        "node" => object! { "name" => cluster.node.as_str() },
        "path" => object! { "logs" => "/var/log/elasticsearch", "home" => "/usr/share/elasticsearch" },
        "network" => object! { "host" => "0.0.0.0" },
    });
    node.set("os", object! { "refresh_interval_in_millis" => 1_000, "name" => "Linux", "arch" => "amd64", "available_processors" => 2, "allocated_processors" => 2 });
    node.set(
        "process",
        object! { "refresh_interval_in_millis" => 1_000, "id" => 1_187, "mlockall" => false },
    );
    node.set("jvm", object! {
        "pid" => 1_187,
        "version" => call.release.java(),
        "vm_name" => "OpenJDK 64-Bit Server VM",
        "start_time_in_millis" => cluster.started.micros() / 1_000,
        "mem" => object! { "heap_init_in_bytes" => 1_073_741_824, "heap_max_in_bytes" => 1_073_741_824 },
    });
    node.set(
        "transport",
        object! { "bound_address" => vec!["[::]:9300"], "publish_address" => cluster.transport() },
    );
    node.set("http", object! { "bound_address" => vec!["[::]:9200"], "publish_address" => http, "max_content_length_in_bytes" => 104_857_600 });
    let plugins = if old {
        vec![
            object! { "name" => "head", "version" => "NA", "description" => "No description found.", "url" => "/_plugin/head/", "jvm" => false, "site" => true },
        ]
    } else {
        Vec::new()
    };
    node.set("plugins", plugins.into());
    node
}

fn node_stats(call: &Call<'_>) -> Json {
    let cluster = call.cluster;
    let (_, documents, bytes) = total(call);
    let [heap, ram, load] = moment(call);
    object! {
        "timestamp" => call.now.micros() / 1_000,
        "name" => cluster.node.as_str(),
        "transport_address" => cluster.transport(),
        "host" => cluster.host.as_str(),
        "ip" => cluster.address.as_str(),
        "indices" => object! { "docs" => object! { "count" => documents, "deleted" => 0 }, "store" => object! { "size_in_bytes" => bytes } },
        "os" => object! { "timestamp" => call.now.micros() / 1_000, "cpu" => object! { "percent" => heap % 7, "load_average" => object! { "1m" => f64::from(load) / 100.0 } }, "mem" => object! { "total_in_bytes" => 4_136_124_416_u64, "used_percent" => ram } },
        "jvm" => object! { "uptime_in_millis" => (call.now.micros() - cluster.started.micros()) / 1_000, "mem" => object! { "heap_used_percent" => heap, "heap_used_in_bytes" => u64::from(heap) * 10_737_418, "heap_max_in_bytes" => 1_073_741_824 } },
        "fs" => object! { "total" => object! { "total_in_bytes" => 41_555_521_536_u64, "free_in_bytes" => 31_236_063_232_u64 } },
    }
}

/// `_stats` of all indices or of those named.
pub(super) fn stats(call: &Call<'_>, names: Option<&str>) -> Result<Json, Fault> {
    let one = |count: usize, deleted: u64, bytes: usize| {
        let part = object! { "docs" => object! { "count" => count, "deleted" => deleted }, "store" => object! { "size_in_bytes" => bytes } };
        object! { "primaries" => part.clone(), "total" => part }
    };
    let (mut indices, mut count, mut deleted, mut bytes, mut primaries, mut replicas) =
        (object! {}, 0, 0, 0, 0, 0);
    for name in call.indices(names)? {
        let Some(index) = call.index(&name) else { continue };
        let shards = index.shards(call.cluster);
        (primaries, replicas) = (primaries + shards.0, replicas + shards.0 * shards.1);
        (count, deleted, bytes) =
            (count + index.count(), deleted + index.deleted(), bytes + index.size());
        let mut entry = object! {};
        if call.release >= Release::V6_8_23 {
            entry.set("uuid", index.uuid().into());
        }
        entry.merge(one(index.count(), index.deleted(), index.size()));
        indices.set(&name, entry);
    }
    let shards =
        object! { "total" => primaries + replicas, "successful" => primaries, "failed" => 0 };
    Ok(object! { "_shards" => shards, "_all" => one(count, deleted, bytes), "indices" => indices })
}

fn license(call: &Call<'_>) -> Json {
    let issued = call.cluster.started;
    object! { "license" => object! {
        "status" => "active", "uid" => call.cluster.ephemeral_id.as_str(), "type" => "basic",
        "issue_date" => issued.rfc3339(), "issue_date_in_millis" => issued.micros() / 1_000,
        "max_nodes" => 1_000, "issued_to" => call.cluster.name, "issuer" => "elasticsearch", "start_date_in_millis" => -1,
    } }
}

fn xpack(call: &Call<'_>) -> Json {
    let features =
        ["graph", "ilm", "logstash", "ml", "monitoring", "rollup", "security", "sql", "watcher"];
    let feature = |name: &str| {
        (
            name.to_owned(),
            object! { "available" => matches!(name, "ilm" | "monitoring" | "rollup" | "security" | "sql"), "enabled" => name != "security" },
        )
    };
    object! {
        "build" => object! { "hash" => call.release.build_hash(), "date" => call.release.version().get("build_date").cloned().unwrap_or(Json::Null) },
        "license" => object! { "uid" => call.cluster.ephemeral_id.as_str(), "type" => "basic", "mode" => "basic", "status" => "active" },
        "features" => Json::Object(features.map(feature).to_vec()),
        "tagline" => "You know, for X",
    }
}
