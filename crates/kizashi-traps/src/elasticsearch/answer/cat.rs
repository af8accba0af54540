//! `_cat`: tables in aligned columns, with the columns of each release, `?v` for their names, `?h=` for a choice of them.

use super::super::call::{Call, Reply};
use super::super::json::Json;
use super::super::release::{Fault, Release};
use super::none;

/// Lines of one table, at most.
const LINES: usize = 500;

/// A table; numbers stand right.
struct Table {
    names: Vec<&'static str>,
    lines: Vec<Vec<String>>,
}

const RIGHT: [&str; 30] = [
    "pri",
    "rep",
    "docs.count",
    "docs.deleted",
    "store.size",
    "pri.store.size",
    "shards",
    "node.total",
    "node.data",
    "relo",
    "init",
    "unassign",
    "pending_tasks",
    "active_shards_percent",
    "heap.percent",
    "ram.percent",
    "cpu",
    "load_1m",
    "load_5m",
    "load_15m",
    "docs",
    "store",
    "count",
    "active",
    "queue",
    "rejected",
    "disk.indices",
    "disk.used",
    "disk.avail",
    "disk.total",
];

pub(super) fn answer(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Fault> {
    let table = match rest {
        [] => return Ok(Reply::text(200, help(call.release))),
        ["indices"] => indices(call, None)?,
        ["indices", names] => indices(call, Some(names))?,
        ["health"] => health(call),
        ["nodes"] => nodes(call),
        ["master"] => master(call),
        ["count"] => count(call, None)?,
        ["count", names] => count(call, Some(names))?,
        ["shards"] => shards(call, None)?,
        ["shards", names] => shards(call, Some(names))?,
        ["aliases", ..] => aliases(call),
        ["allocation", ..] => allocation(call),
        [
            "templates" | "pending_tasks" | "recovery" | "segments" | "fielddata" | "snapshots"
            | "repositories" | "nodeattrs" | "tasks" | "thread_pool",
            ..,
        ] => Table { names: vec!["name"], lines: Vec::new() },
        ["plugins"] => Table { names: vec!["name", "component", "version"], lines: plugins(call) },
        _ => return Err(none()),
    };
    Ok(table.write(call))
}

fn plugins(call: &Call<'_>) -> Vec<Vec<String>> {
    let row = |plugin: &str, version: &str| {
        vec![call.cluster.node.clone(), plugin.to_owned(), version.to_owned()]
    };
    // 1.x: the plugin that nearly all had, and by which CVE-2015-3337 is tried.
    if call.release.is_old() { vec![row("head", "NA")] } else { Vec::new() }
}

impl Table {
    fn write(self, call: &Call<'_>) -> Reply {
        let chosen: Vec<usize> = match call.parameter("h") {
            Some(wish) => wish
                .split(',')
                .filter_map(|name| {
                    self.names.iter().position(|own| *own == name || short(own) == name)
                })
                .collect(),
            None => (0..self.names.len()).collect(),
        };
        let cell = |line: &[String], column: usize| line.get(column).cloned().unwrap_or_default();
        if call.parameter("format") == Some("json") {
            let object = |line: &Vec<String>| {
                Json::Object(
                    chosen
                        .iter()
                        .map(|at| (self.names[*at].to_owned(), cell(line, *at).into()))
                        .collect(),
                )
            };
            return Reply::ok(Json::List(self.lines.iter().map(object).collect()));
        }
        let mut lines: Vec<Vec<String>> = Vec::new();
        if call.wants("v") {
            lines.push(chosen.iter().map(|at| self.names[*at].to_owned()).collect());
        }
        lines.extend(
            self.lines.iter().map(|line| chosen.iter().map(|at| cell(line, *at)).collect()),
        );
        let widths: Vec<usize> = (0..chosen.len())
            .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for line in &lines {
            for (column, cell) in line.iter().enumerate() {
                let width = widths[column];
                let last = column + 1 == line.len();
                if RIGHT.contains(&self.names[chosen[column]]) {
                    text.push_str(&format!("{cell:>width$}"));
                } else {
                    text.push_str(&format!("{cell:<width$}"));
                }
                // 1.x ends each cell, the last too, with a space.
                text.push_str(if last && !call.release.is_old() { "" } else { " " });
            }
            text.push('\n');
        }
        Reply::text(200, text)
    }
}

fn short(name: &str) -> &str {
    match name {
        "index" => "i",
        "health" => "h",
        "status" => "s",
        "docs.count" => "dc",
        "store.size" => "ss",
        other => other,
    }
}

fn help(release: Release) -> String {
    const PATHS: [&str; 19] = [
        "/_cat/allocation",
        "/_cat/shards",
        "/_cat/shards/{index}",
        "/_cat/master",
        "/_cat/nodes",
        "/_cat/indices",
        "/_cat/indices/{index}",
        "/_cat/segments",
        "/_cat/segments/{index}",
        "/_cat/count",
        "/_cat/count/{index}",
        "/_cat/recovery",
        "/_cat/recovery/{index}",
        "/_cat/health",
        "/_cat/pending_tasks",
        "/_cat/aliases",
        "/_cat/aliases/{alias}",
        "/_cat/thread_pool",
        "/_cat/plugins",
    ];
    let more = [
        "/_cat/nodeattrs",
        "/_cat/repositories",
        "/_cat/snapshots/{repository}",
        "/_cat/templates",
    ];
    let more = more.iter().filter(|_| !release.is_old());
    PATHS.iter().chain(more).fold("=^.^=\n".to_owned(), |text, path| text + path + "\n")
}

/// A size as `_cat` writes it: `5.1kb`.
pub(super) fn size(bytes: usize) -> String {
    let (mut value, mut unit) = (bytes as f64, "b");
    for larger in ["kb", "mb", "gb"] {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, larger);
    }
    if unit == "b" || value.fract() < 0.05 {
        format!("{value:.0}{unit}")
    } else {
        format!("{value:.1}{unit}")
    }
}

fn indices(call: &Call<'_>, names: Option<&str>) -> Result<Table, Fault> {
    let old = call.release.is_old();
    let mut columns = vec![
        "health",
        "status",
        "index",
        "uuid",
        "pri",
        "rep",
        "docs.count",
        "docs.deleted",
        "store.size",
        "pri.store.size",
    ];
    if old {
        columns.retain(|name| *name != "uuid");
    }
    let mut lines = Vec::new();
    for name in call.indices(names)?.iter().take(LINES) {
        let Some(index) = call.index(name) else { continue };
        let (primaries, replicas) = index.shards(call.cluster);
        let health = if replicas > 0 { "yellow" } else { "green" };
        let mut line: Vec<String> = [health, "open", name].map(str::to_owned).to_vec();
        if !old {
            line.push(index.uuid().to_owned());
        }
        line.extend([
            primaries.to_string(),
            replicas.to_string(),
            index.count().to_string(),
            index.deleted().to_string(),
        ]);
        line.extend([size(index.size()), size(index.size())]);
        lines.push(line);
    }
    Ok(Table { names: columns, lines })
}

fn clock(call: &Call<'_>) -> [String; 2] {
    let time = call.now.rfc3339();
    [call.now.seconds().to_string(), time.get(11..19).unwrap_or("00:00:00").to_owned()]
}

fn health(call: &Call<'_>) -> Table {
    let (active, waiting) = super::nodes::shards(call);
    let mut names = vec![
        "epoch",
        "timestamp",
        "cluster",
        "status",
        "node.total",
        "node.data",
        "shards",
        "pri",
        "relo",
        "init",
        "unassign",
    ];
    let mut line = clock(call).to_vec();
    let status = if waiting > 0 { "yellow" } else { "green" };
    line.extend([call.cluster.name, status, "1", "1"].map(str::to_owned));
    line.extend([active, active, 0, 0, waiting].map(|number| number.to_string()));
    if !call.release.is_old() {
        names.extend(["pending_tasks", "max_task_wait_time", "active_shards_percent"]);
        let percent = f64::from(active) * 100.0 / f64::from((active + waiting).max(1));
        line.extend(["0".to_owned(), "-".to_owned(), format!("{percent:.1}%")]);
    }
    Table { names, lines: vec![line] }
}

fn nodes(call: &Call<'_>) -> Table {
    let cluster = call.cluster;
    let [heap, ram, load] = super::nodes::moment(call);
    let load = format!("{:.2}", f64::from(load) / 100.0);
    let (names, line) = if call.release.is_old() {
        let names = vec![
            "host",
            "ip",
            "heap.percent",
            "ram.percent",
            "load",
            "node.role",
            "master",
            "name",
        ];
        (
            names,
            vec![
                cluster.host.clone(),
                cluster.address.clone(),
                heap.to_string(),
                ram.to_string(),
                load,
                "d".to_owned(),
                "*".to_owned(),
                cluster.node.clone(),
            ],
        )
    } else {
        let names = vec![
            "ip",
            "heap.percent",
            "ram.percent",
            "cpu",
            "load_1m",
            "load_5m",
            "load_15m",
            "node.role",
            "master",
            "name",
        ];
        let role = match call.release {
            Release::V7_17_9 => "cdfhilmrstw",
            _ => "mdi",
        };
        let cells = [
            heap.to_string(),
            ram.to_string(),
            (heap % 7).to_string(),
            load,
            "0.12".to_owned(),
            "0.09".to_owned(),
            role.to_owned(),
            "*".to_owned(),
        ];
        (
            names,
            [vec![cluster.address.clone()], cells.to_vec(), vec![cluster.node.clone()]].concat(),
        )
    };
    Table { names, lines: vec![line] }
}

fn master(call: &Call<'_>) -> Table {
    let cluster = call.cluster;
    let line = vec![
        cluster.node_id.clone(),
        cluster.host.clone(),
        cluster.address.clone(),
        cluster.node.clone(),
    ];
    Table { names: vec!["id", "host", "ip", "node"], lines: vec![line] }
}

fn count(call: &Call<'_>, names: Option<&str>) -> Result<Table, Fault> {
    let sum: usize = call
        .indices(names)?
        .iter()
        .filter_map(|name| call.index(name))
        .map(|index| index.count())
        .sum();
    let line = [clock(call).to_vec(), vec![sum.to_string()]].concat();
    Ok(Table { names: vec!["epoch", "timestamp", "count"], lines: vec![line] })
}

fn shards(call: &Call<'_>, names: Option<&str>) -> Result<Table, Fault> {
    let mut lines = Vec::new();
    for name in call.indices(names)? {
        let Some(index) = call.index(&name) else { continue };
        let (primaries, replicas) = index.shards(call.cluster);
        for shard in 0..primaries.min(20) {
            let share = |whole: usize| {
                whole / primaries.max(1) as usize
                    + usize::from((shard as usize) < whole % primaries.max(1) as usize)
            };
            let cells = [
                name.clone(),
                shard.to_string(),
                "p".to_owned(),
                "STARTED".to_owned(),
                share(index.count()).to_string(),
                size(share(index.size())),
            ];
            lines.push(
                [cells.to_vec(), vec![call.cluster.address.clone(), call.cluster.node.clone()]]
                    .concat(),
            );
            if replicas > 0 {
                lines.push(
                    [name.as_str(), &shard.to_string(), "r", "UNASSIGNED", "", "", "", ""]
                        .map(str::to_owned)
                        .to_vec(),
                );
            }
        }
        if lines.len() > LINES {
            break;
        }
    }
    Ok(Table {
        names: vec!["index", "shard", "prirep", "state", "docs", "store", "ip", "node"],
        lines,
    })
}

fn aliases(call: &Call<'_>) -> Table {
    let names = if call.release == Release::V7_17_9 {
        vec!["alias", "index", "filter", "routing.index", "routing.search", "is_write_index"]
    } else {
        vec!["alias", "index", "filter", "routing.index", "routing.search"]
    };
    let own = call.copy.kept.keys().filter_map(|key| key.strip_prefix("alias/")?.split_once('/'));
    let kibana = call.index(".kibana_1").map(|_| (".kibana_1", ".kibana"));
    let line = |(index, alias): (&str, &str)| {
        [alias, index, "-", "-", "-", "-"].map(str::to_owned).to_vec()
    };
    Table { names, lines: kibana.into_iter().chain(own).take(LINES).map(line).collect() }
}

fn allocation(call: &Call<'_>) -> Table {
    let (active, waiting) = super::nodes::shards(call);
    let size = size(call.copy.indices(call.cluster).iter().map(|index| index.size()).sum());
    let mut names = vec![
        "shards",
        "disk.indices",
        "disk.used",
        "disk.avail",
        "disk.total",
        "disk.percent",
        "host",
        "ip",
        "node",
    ];
    let mut line = vec![
        active.to_string(),
        size,
        "9.6gb".to_owned(),
        "29.1gb".to_owned(),
        "38.7gb".to_owned(),
        "24".to_owned(),
    ];
    line.extend([
        call.cluster.host.clone(),
        call.cluster.address.clone(),
        call.cluster.node.clone(),
    ]);
    if call.release.is_old() {
        names.remove(1);
        line.remove(1);
    }
    let mut lines = vec![line];
    if waiting > 0 {
        let mut rest = vec![String::new(); names.len()];
        rest[0] = waiting.to_string();
        rest[names.len() - 1] = "UNASSIGNED".to_owned();
        lines.push(rest);
    }
    Table { names, lines }
}
