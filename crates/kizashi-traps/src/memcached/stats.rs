//! `stats`: the lines of a real server (`data/memcached`) with this installation's and this visitor's numbers.

use kizashi_event::Timestamp;

use super::release::Release;
use super::store::OwnCopy;
use crate::Identity;
use crate::draw::Draw;
use crate::machine::Persona;

/// Names and values of all usual numbers.
pub(super) fn usual(
    copy: &OwnCopy,
    identity: &Identity,
    release: Release,
    now: Timestamp,
) -> Vec<(String, String)> {
    let text = include_str!("../../data/memcached/stats.tsv");
    lines(text, release, |name| value(copy, identity, release, now, name))
}

/// Names and values of all settings.
pub(super) fn settings(release: Release, port: u16) -> Vec<(String, String)> {
    let text = include_str!("../../data/memcached/settings.tsv");
    lines(text, release, |_| port.to_string())
}

fn lines(text: &str, release: Release, fill: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let (since, name, value) = (fields.next()?, fields.next()?, fields.next()?);
        let named = value.strip_prefix('{').and_then(|value| value.strip_suffix('}'));
        let value = named.map_or_else(|| value.to_owned(), &fill);
        release.has(since).then(|| (name.to_owned(), value))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
}

fn value(
    copy: &OwnCopy,
    identity: &Identity,
    release: Release,
    now: Timestamp,
    name: &str,
) -> String {
    let world = identity.world(Persona::Server);
    let uptime = (now.seconds() - world.boot(now) - 8).max(1).unsigned_abs();
    let draw = Draw::new(identity.seed(), "memcached numbers");
    let counters = copy.counters;
    // What the application does all day.
    let (gets, sets) = (uptime / 3 + draw.below(0, 500), uptime / 19 + draw.below(1, 90));
    let hits = gets * 9 / 10;
    let clients = 3 + draw.below(2, 7);
    let cpu = |share: u64| {
        let micros = uptime * (90 + draw.below(share, 60));
        format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    };
    let number = match name {
        "version" => return release.number.to_owned(),
        "libevent" => return release.libevent.to_owned(),
        "time" => return now.seconds().to_string(),
        "rusage_user" => return cpu(3),
        "rusage_system" => return cpu(4),
        "pid" => 540 + draw.below(5, 500),
        "uptime" => uptime,
        "curr_connections" => clients,
        "structures" => clients + 2,
        "total_connections" => uptime / 40 + clients,
        "cmd_get" => gets + counters.gets,
        "get_hits" => hits + counters.get_hits,
        "get_misses" => gets - hits + counters.gets - counters.get_hits,
        "cmd_set" => sets + counters.sets,
        "cmd_flush" => counters.flushes,
        "cmd_touch" => counters.touches,
        "touch_hits" => counters.touch_hits,
        "touch_misses" => counters.touches - counters.touch_hits,
        "cmd_meta" => counters.metas,
        "delete_hits" => sets / 11 + counters.delete_hits,
        "delete_misses" => counters.deletes - counters.delete_hits,
        "incr_hits" => counters.increment_hits,
        "incr_misses" => counters.increments - counters.increment_hits,
        "bytes_read" => gets * 41 + sets * 190,
        "bytes_written" => hits * 160 + 3_000,
        "bytes" => copy.bytes() as u64,
        "curr_items" => copy.items().count() as u64,
        "total_items" => sets + counters.sets,
        "evictions" => counters.evictions,
        "crawls" => uptime / 61 + 1,
        "juggles" => uptime * 2 + 7,
        _ => 0,
    };
    number.to_string()
}

/// The slab class in which an item of this length is held (factor 1.25 from 96 bytes on).
fn class_of(length: usize) -> (u32, usize) {
    let (mut class, mut size) = (1, 96);
    while size < length && class < 39 {
        size = (size * 5 / 4).div_ceil(8) * 8;
        class += 1;
    }
    (class, size)
}

/// The class of an item with its key.
pub(super) fn class(key: &[u8], value: &[u8]) -> u32 {
    class_of(key.len() + value.len() + 60).0
}

/// `stats items`: how many there are in each class.
pub(super) fn items(copy: &OwnCopy) -> Vec<(String, String)> {
    let mut classes: std::collections::BTreeMap<u32, (u64, u64)> =
        std::collections::BTreeMap::new();
    for (key, item) in copy.items() {
        let found = classes.entry(class(key, &item.value)).or_default();
        found.0 += 1;
        found.1 += (key.len() + item.value.len() + 60) as u64;
    }
    let mut lines = Vec::new();
    for (class, (count, bytes)) in classes {
        let rest = [
            ("number_hot", 0),
            ("number_warm", 0),
            ("number_cold", count),
            ("age_hot", 0),
            ("age_warm", 0),
            ("age", 220),
            ("mem_requested", bytes),
            ("evicted", 0),
            ("evicted_nonzero", 0),
            ("evicted_time", 0),
            ("outofmemory", 0),
            ("tailrepairs", 0),
            ("reclaimed", 0),
            ("expired_unfetched", 0),
            ("evicted_unfetched", 0),
            ("evicted_active", 0),
            ("crawler_reclaimed", 0),
            ("crawler_items_checked", count * 3),
            ("lrutail_reflocked", 0),
            ("moves_to_cold", count),
            ("moves_to_warm", 0),
            ("moves_within_lru", 0),
            ("direct_reclaims", 0),
            ("hits_to_hot", 0),
            ("hits_to_warm", 0),
            ("hits_to_cold", 0),
            ("hits_to_temp", 0),
        ];
        lines.push((format!("items:{class}:number"), count.to_string()));
        lines.extend(
            rest.map(|(name, number)| (format!("items:{class}:{name}"), number.to_string())),
        );
    }
    lines
}

/// `stats slabs`, its few lines that tools read.
pub(super) fn slabs(copy: &OwnCopy) -> Vec<(String, String)> {
    let mut classes: std::collections::BTreeMap<u32, (usize, u64)> =
        std::collections::BTreeMap::new();
    for (key, item) in copy.items() {
        let (class, size) = class_of(key.len() + item.value.len() + 60);
        classes.entry(class).or_insert((size, 0)).1 += 1;
    }
    let mut lines = Vec::new();
    for (class, (size, used)) in &classes {
        let chunks = 1_048_576 / size;
        for (name, number) in [
            ("chunk_size", *size as u64),
            ("chunks_per_page", chunks as u64),
            ("total_pages", 1),
            ("total_chunks", chunks as u64),
            ("used_chunks", *used),
            ("free_chunks", (chunks as u64).saturating_sub(*used)),
        ] {
            lines.push((format!("{class}:{name}"), number.to_string()));
        }
    }
    lines.push(("active_slabs".to_owned(), classes.len().to_string()));
    lines.push(("total_malloced".to_owned(), (classes.len() * 1_048_576).to_string()));
    lines
}
