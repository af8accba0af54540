//! `df` and `du`.

use super::{Call, Finish, human, human_with};
use crate::machine::files::{Body, Files, NodeId};
use crate::machine::live::Mount;

/// Folders that `du` sums.
const FOLDERS: usize = 2_000;

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn df(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "hHkmTalPit:x:B:",
        &[
            ("human-readable", b'h'),
            ("print-type", b'T'),
            ("all", b'a'),
            ("portability", b'P'),
            ("inodes", b'i'),
            ("total", b'l'),
            ("type", b't'),
            ("si", b'H'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let mut mounts: Vec<Mount> = call
        .kernel
        .mounts()
        .into_iter()
        .filter(|mount| mount.blocks > 0 || given.has(b'a'))
        .collect();
    let mut status = 0;
    if !given.rest.is_empty() {
        let mut chosen = Vec::new();
        for path in &given.rest {
            match call.find(path, true) {
                Ok(_) => {
                    let whole = call.path(path);
                    let best = mounts
                        .iter()
                        .filter(|mount| whole.starts_with(mount.folder.as_bytes()))
                        .max_by_key(|mount| mount.folder.len());
                    chosen.extend(best.map(|mount| mount.folder));
                }
                Err(fault) => {
                    call.complain_of(path, fault);
                    status = 1;
                }
            }
        }
        mounts.retain(|mount| chosen.contains(&mount.folder));
    } else if !call.is_busybox() {
        // Sorted as in /proc/self/mountinfo, without what has no size.
        mounts.retain(|mount| mount.kind != "cgroup2");
    }
    if mounts.is_empty() {
        return Finish::Status(1);
    }
    let scaled = given.has(b'h') || given.has(b'H');
    let value = |kb: u64| {
        if scaled {
            if kb == 0 { "0".to_owned() } else { human(kb * 1_024) }
        } else if given.has(b'm') {
            kb.div_ceil(1_024).to_string()
        } else {
            kb.to_string()
        }
    };
    let mut rows = vec![head(&given, call.is_busybox(), scaled)];
    for mount in &mounts {
        let reserved = if mount.kind == "ext4" { mount.blocks / 20 } else { 0 };
        let free = mount.blocks.saturating_sub(mount.used + reserved);
        let percent =
            if mount.used + free == 0 { 0 } else { (mount.used * 100).div_ceil(mount.used + free) };
        let mut row = vec![mount.device.clone()];
        if given.has(b'T') {
            row.push(mount.kind.to_owned());
        }
        if given.has(b'i') {
            let all = mount.blocks / 16;
            let used = all * percent / 400 + 2;
            row.extend([
                all.to_string(),
                used.to_string(),
                all.saturating_sub(used).to_string(),
                format!("{}%", percent / 4 + 1),
            ]);
        } else {
            row.extend([
                value(mount.blocks),
                value(mount.used),
                value(free),
                format!("{percent}%"),
            ]);
        }
        row.push(mount.folder.to_owned());
        rows.push(row);
    }
    table(call, &rows, given.has(b'T'));
    Finish::Status(status)
}

fn head(given: &super::super::Given, busybox: bool, scaled: bool) -> Vec<String> {
    let size = if scaled {
        "Size"
    } else if given.has(b'm') {
        "1M-blocks"
    } else if given.has(b'P') {
        "1024-blocks"
    } else {
        "1K-blocks"
    };
    let free = if scaled && !busybox { "Avail" } else { "Available" };
    let percent = if given.has(b'P') { "Capacity" } else { "Use%" };
    let names: Vec<&str> = if given.has(b'i') {
        vec!["Inodes", "IUsed", "IFree", "IUse%"]
    } else {
        vec![size, "Used", free, percent]
    };
    let mut row = vec!["Filesystem".to_owned()];
    if given.has(b'T') {
        row.push("Type".to_owned());
    }
    row.extend(names.into_iter().map(str::to_owned));
    row.push("Mounted on".to_owned());
    row
}

fn table(call: &mut Call<'_>, rows: &[Vec<String>], typed: bool) {
    let columns = rows.first().map_or(0, Vec::len);
    let least = |place: usize| match (call.is_busybox(), place) {
        (true, 0) => 20,
        (true, 1..=3) => 9,
        (false, 0) => 14,
        (false, place) if place + 2 < columns => 5,
        _ => 4,
    };
    let width =
        |place: usize| rows.iter().map(|row| row[place].len()).max().unwrap_or(0).max(least(place));
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (place, text) in row.iter().enumerate() {
            let left = place == 0 || typed && place == 1;
            if place + 1 == columns {
                line.push_str(&format!(" {text}"));
            } else if left {
                line.push_str(&format!(
                    "{}{text:<width$}",
                    if place > 0 { " " } else { "" },
                    width = widths[place]
                ));
            } else {
                line.push_str(&format!(" {text:>width$}", width = widths[place]));
            }
        }
        call.line(&line);
    }
}

pub(super) fn du(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "ashckmxbd:SLl",
        &[
            ("summarize", b's'),
            ("human-readable", b'h'),
            ("total", b'c'),
            ("max-depth", b'd'),
            ("all", b'a'),
            ("apparent-size", b'b'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let paths = if given.rest.is_empty() { vec![b".".to_vec()] } else { given.rest.clone() };
    let deepest = if given.has(b's') { 0 } else { given.number(b'd').unwrap_or(u64::MAX) };
    let shown = |kb: u64| {
        if given.has(b'h') {
            if kb == 0 { "0".to_owned() } else { human_with(kb * 1_024, "KMGTPE", "") }
        } else if given.has(b'm') {
            kb.div_ceil(1_024).to_string()
        } else if given.has(b'b') {
            (kb * 1_024).to_string()
        } else {
            kb.to_string()
        }
    };
    let (mut status, mut total) = (0, 0);
    for path in paths {
        match call.find(&path, false) {
            Ok(id) => {
                let mut rows = Vec::new();
                let mut count = 0;
                let sum =
                    sum(&call.kernel.files, id, &path, 0, &mut rows, &mut count, given.has(b'a'));
                total += sum;
                call.cost(count);
                for (depth, kb, path) in rows {
                    if depth <= deepest {
                        call.out(&[shown(kb).as_bytes(), b"\t", &path, b"\n"].concat());
                    }
                }
            }
            Err(fault) => {
                let shown = String::from_utf8_lossy(&path).into_owned();
                if call.is_busybox() {
                    call.complain(&format!("{shown}: {fault}"));
                } else {
                    call.complain(&format!("cannot access '{shown}': {fault}"));
                }
                status = 1;
            }
        }
    }
    if given.has(b'c') {
        call.line(&format!("{}\ttotal", shown(total)));
    }
    Finish::Status(status)
}

fn sum(
    files: &Files,
    id: NodeId,
    path: &[u8],
    depth: u64,
    rows: &mut Vec<(u64, u64, Vec<u8>)>,
    count: &mut usize,
    all: bool,
) -> u64 {
    let node = files.node(id);
    let own = if matches!(node.body, Body::Link(_) | Body::Device(_) | Body::Live(_)) {
        0
    } else {
        node.size().div_ceil(4_096) * 4
    };
    *count += 1;
    if !node.is_folder() {
        if all || depth == 0 {
            rows.push((depth, own, path.to_vec()));
        }
        return own;
    }
    let mut total = own;
    if depth < 24 && *count < FOLDERS {
        for (name, inner) in files.list(id) {
            let slash: &[u8] = if path.ends_with(b"/") { b"" } else { b"/" };
            total += sum(files, inner, &[path, slash, &name].concat(), depth + 1, rows, count, all);
        }
    }
    rows.push((depth, total, path.to_vec()));
    total
}
