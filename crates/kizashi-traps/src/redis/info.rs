//! `INFO`: the lines of a real server (`data/redis/info.tsv`) with this installation's numbers, which agree with its memory, its uptime
//! and what the visitor sees in it.

use std::collections::HashMap;

use kizashi_event::Timestamp;

use super::config;
use super::release::Release;
use super::store::OwnCopy;
use crate::Identity;
use crate::draw::Draw;
use crate::machine::Persona;

/// Seconds between the machine's start and the server's.
const STARTS_AFTER: i64 = 9;

/// Seconds that the server has been running.
pub(super) fn uptime(identity: &Identity, now: Timestamp) -> i64 {
    let world = identity.world(Persona::Server);
    (now.seconds() - world.boot(now) - STARTS_AFTER).max(1)
}

/// Forty letters that are others at each start of the server.
fn hexadecimal(identity: &Identity, label: &str, now: Timestamp) -> String {
    let start = identity.world(Persona::Server).boot(now).unsigned_abs();
    let draw = Draw::new(identity.seed(), label);
    let numbers =
        (0..3).map(|place| format!("{:016x}", draw.number(start.wrapping_mul(4) + place)));
    numbers.collect::<String>()[..40].to_owned()
}

/// The identifier of the replication's history.
pub(super) fn replication_id(identity: &Identity, now: Timestamp) -> String {
    hexadecimal(identity, "redis replication", now)
}

/// Seconds at which the dump was last written.
pub(super) fn last_save(copy: &OwnCopy, identity: &Identity, now: Timestamp) -> i64 {
    copy.saved.unwrap_or_else(|| {
        let every = 3_600;
        now.seconds() - uptime(identity, now).min(now.seconds().rem_euclid(every) + 60)
    })
}

/// Bytes as `bytesToHuman` writes them.
fn human(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two places are shown")]
    let number = bytes as f64;
    match bytes {
        0..1_024 => format!("{bytes}B"),
        1_024..0x0010_0000 => format!("{:.2}K", number / 1_024.0),
        0x0010_0000..0x4000_0000 => format!("{:.2}M", number / 1_048_576.0),
        _ => format!("{:.2}G", number / 1_073_741_824.0),
    }
}

/// The sections that these words ask for; all usual ones without any.
pub(super) fn text(
    copy: &OwnCopy,
    identity: &Identity,
    release: Release,
    now: Timestamp,
    port: u16,
    wanted: &[String],
) -> String {
    let values = values(copy, identity, release, now, port);
    let everything = |word: &String| matches!(word.as_str(), "all" | "everything" | "default");
    let all = wanted.is_empty() || wanted.iter().any(everything);
    let mut text = String::new();
    let mut shown = false;
    for line in include_str!("../../data/redis/info.tsv").lines() {
        let Some((since, line)) = line.split_once('\t') else { continue };
        if !release.has(since) {
            continue;
        }
        if let Some(section) = line.strip_prefix("# ") {
            shown = all || wanted.contains(&section.to_ascii_lowercase());
            if shown && !text.is_empty() {
                text += "\r\n";
            }
        }
        if shown {
            let line = fill(line, &values);
            if !line.is_empty() {
                text += &line;
                text += "\r\n";
            }
        }
    }
    text
}

fn fill(line: &str, values: &HashMap<&'static str, String>) -> String {
    let Some((before, rest)) = line.split_once('{') else { return line.to_owned() };
    let Some((name, after)) = rest.split_once('}') else { return line.to_owned() };
    format!("{before}{}{after}", values.get(name).map_or("0", String::as_str))
}

fn keyspace(copy: &OwnCopy, now: i64) -> String {
    let line = |(number, database): (usize, &super::store::Database)| {
        let times: Vec<i64> = database.values().filter_map(|entry| entry.expires).collect();
        let sum: i64 = times.iter().map(|time| (time - now).max(0)).fold(0, i64::saturating_add);
        let average = sum.checked_div(i64::try_from(times.len()).unwrap_or(1)).unwrap_or(0);
        (!database.is_empty()).then(|| {
            format!("db{number}:keys={},expires={},avg_ttl={average}", database.len(), times.len())
        })
    };
    let lines: Vec<String> = copy.databases.iter().enumerate().filter_map(line).collect();
    lines.join("\r\n")
}

fn replication(copy: &OwnCopy, release: Release, now: Timestamp) -> String {
    let Some(master) = &copy.master else { return "role:master".to_owned() };
    let mut lines = vec![
        "role:slave".to_owned(),
        format!("master_host:{}", master.host),
        format!("master_port:{}", master.port),
        "master_link_status:down".to_owned(),
        "master_last_io_seconds_ago:-1".to_owned(),
        "master_sync_in_progress:0".to_owned(),
    ];
    if release.major() >= 7 {
        lines.push("slave_read_repl_offset:0".to_owned());
    }
    lines.push("slave_repl_offset:0".to_owned());
    lines.push(format!("master_link_down_since_seconds:{}", (now.seconds() - master.since).max(1)));
    lines.push("slave_priority:100".to_owned());
    lines.push("slave_read_only:1".to_owned());
    if release.has("6.2.0") {
        lines.push("replica_announced:1".to_owned());
    }
    lines.join("\r\n")
}

/// What is held, in figures that add up.
fn memory(
    copy: &OwnCopy,
    identity: &Identity,
    release: Release,
    put: &mut impl FnMut(&'static str, String),
) {
    let draw = Draw::new(identity.seed(), "redis numbers");
    let world = identity.world(Persona::Server);
    let startup = 803_000 + draw.below(2, 40_000);
    let used = startup + 62_000 + copy.bytes() as u64;
    let (peak, resident) = (used + 120_000 + draw.below(3, 200_000), used + 6_300_000);
    let system = world.hardware.memory_kb * 1_024;
    let maxmemory: u64 = config::value(copy, "maxmemory").parse().unwrap_or(0);
    for (name, human_name, bytes) in [
        ("used", "used_human", used),
        ("rss", "rss_human", resident),
        ("peak", "peak_human", peak),
        ("system", "system_human", system),
        ("maxmemory", "maxmemory_human", maxmemory),
    ] {
        put(name, bytes.to_string());
        put(human_name, human(bytes));
    }
    let dataset = used - startup - 20_512;
    put("startup", startup.to_string());
    put("overhead", (startup + 20_512).to_string());
    put("dataset", dataset.to_string());
    #[expect(clippy::cast_precision_loss, reason = "two places are shown")]
    let share = |part: u64, whole: u64| format!("{:.2}", 100.0 * part as f64 / whole as f64);
    put("peak_share", share(used, peak));
    put("dataset_share", format!("{}%", share(dataset, used - startup)));
    put("allocated", (used + 120_384).to_string());
    put("active", (used + 467_272).to_string());
    put("frag_bytes", "346888".to_owned());
    put("resident", (used + 3_313_992).to_string());
    put("allocator_rss", "2846720".to_owned());
    put("rss_overhead", (resident - used - 3_313_992).to_string());
    #[expect(clippy::cast_precision_loss, reason = "two places are shown")]
    put("fragmentation", format!("{:.2}", resident as f64 / used as f64));
    put("fragmentation_bytes", (resident - used).to_string());
    let allocator = if release.major() >= 7 { "jemalloc-5.3.0" } else { "jemalloc-5.2.1" };
    put("allocator", allocator.to_owned());
}

fn values(
    copy: &OwnCopy,
    identity: &Identity,
    release: Release,
    now: Timestamp,
    port: u16,
) -> HashMap<&'static str, String> {
    let world = identity.world(Persona::Server);
    let draw = Draw::new(identity.seed(), "redis numbers");
    let (compiler, build) = release.build(identity.operating_system());
    let uptime = uptime(identity, now);
    let since = uptime.unsigned_abs();
    let mut values: HashMap<&'static str, String> = HashMap::new();
    let mut put = |name, value: String| drop(values.insert(name, value));
    put("version", release.number().to_owned());
    put("build", build.to_owned());
    put("kernel", world.system.kernel.to_owned());
    put("gcc", compiler.to_owned());
    put("pid", (560 + draw.below(0, 500)).to_string());
    put("run_id", hexadecimal(identity, "redis run", now));
    put("port", port.to_string());
    put("micros", now.micros().to_string());
    put("uptime", uptime.to_string());
    put("days", (uptime / 86_400).to_string());
    put("lru", (now.seconds() & 0x00ff_ffff).to_string());
    put("clients", (2 + draw.below(1, 5)).to_string());
    memory(copy, identity, release, &mut put);
    put("scripts", copy.scripts.len().to_string());
    put("dirty", copy.dirty.to_string());
    put("saved", last_save(copy, identity, now).to_string());
    let saves = since / 3_600 + u64::from(copy.saved.is_some());
    put("saves", saves.to_string());
    let commands = since / 2 + draw.below(4, 9_000) + copy.commands;
    put("commands", commands.to_string());
    put("connections", (commands / 41 + 1).to_string());
    put("ops", (draw.below(5 + now.seconds().unsigned_abs() / 7, 4)).to_string());
    put("net_in", (commands * 87 + 14).to_string());
    put("net_out", (commands * 211 + 9_870).to_string());
    put("hits", (commands / 3).to_string());
    put("misses", (commands / 90).to_string());
    put("fork", (190 + draw.below(6, 700)).to_string());
    put("errors", (since / 90_000).to_string());
    put("expire_cpu", (since / 50).to_string());
    let cpu = |place: u64, share: u64| {
        let micros = since * (700 + draw.below(place, 500)) / share;
        format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    };
    put("cpu_sys", cpu(7, 1));
    put("cpu_user", cpu(8, 1));
    put("cpu_sys_children", cpu(9, 300));
    put("cpu_user_children", cpu(10, 300));
    put("replid", replication_id(identity, now));
    put("replication", replication(copy, release, now));
    put("keyspace", keyspace(copy, now.micros() / 1_000));
    values
}
