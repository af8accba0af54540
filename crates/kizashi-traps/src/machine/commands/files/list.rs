//! `ls`.

use super::super::Given;
use super::{Call, Finish, human, letters};
use crate::machine::files::{Body, Device, Fault, Files, Live, NodeId, ProcessFile};
use crate::machine::world::calendar;

/// Folders that `-R` descends into.
const FOLDERS: usize = 200;
/// Seconds after which a date shows its year instead of its time.
const HALF_YEAR: i64 = 15_778_476;

struct Entry {
    name: Vec<u8>,
    id: NodeId,
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn ls(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("all", b'a'),
        ("almost-all", b'A'),
        ("human-readable", b'h'),
        ("recursive", b'R'),
        ("reverse", b'r'),
        ("directory", b'd'),
        ("inode", b'i'),
        ("color", b'G'),
        ("size", b's'),
        ("classify", b'F'),
        ("full-time", b'E'),
        ("time-style", b'T'),
        ("group-directories-first", b'M'),
        ("sort", b'W'),
    ];
    let given = match call.options("aAlhRrdi1tSsFnoguckXUCGxLHpqQfBmbNvZD", &longs, 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let paths = if given.rest.is_empty() { vec![b".".to_vec()] } else { given.rest.clone() };
    let (mut files, mut folders, mut status) = (Vec::new(), Vec::new(), 0);
    let long = is_long(&given, call);
    for path in &paths {
        let followed = call.find(path, !long && !given.has(b'd') || path.ends_with(b"/"));
        // A link that leads nowhere is shown itself.
        match followed.or_else(|fault| call.find(path, false).map_err(|_| fault)) {
            Ok(id) if call.kernel.files.node(id).is_folder() && !given.has(b'd') => {
                folders.push(Entry { name: path.clone(), id });
            }
            Ok(id) => files.push(Entry { name: path.clone(), id }),
            Err(fault) => {
                status = if call.is_busybox() { 1 } else { 2 };
                let shown = String::from_utf8_lossy(path).into_owned();
                if call.is_busybox() {
                    call.complain(&format!("{shown}: {fault}"));
                } else {
                    call.complain(&format!("cannot access '{shown}': {fault}"));
                }
            }
        }
    }
    sort(call, &given, &mut files);
    sort(call, &given, &mut folders);
    let shown_files = !files.is_empty();
    show(call, &given, &files, false);
    let several = paths.len() > 1 || given.has(b'R');
    let mut first = !shown_files;
    let mut queue: Vec<Entry> = folders.into_iter().rev().collect();
    let mut count = 0;
    while let Some(folder) = queue.pop() {
        count += 1;
        if count > FOLDERS || call.is_full() {
            break;
        }
        if several {
            let name = &folder.name;
            call.out(&[if first { &b""[..] } else { b"\n" }, name, b":\n"].concat());
        }
        first = false;
        status = status.max(list_folder(call, &given, &folder, &mut queue));
    }
    Finish::Status(status)
}

fn is_long(given: &Given, _call: &Call<'_>) -> bool {
    ["l", "n", "o", "g"].iter().any(|letter| given.has(letter.as_bytes()[0]))
}

fn list_folder(call: &mut Call<'_>, given: &Given, folder: &Entry, queue: &mut Vec<Entry>) -> u8 {
    if !call.kernel.files.node(folder.id).permits(call.who, 4) {
        let shown = String::from_utf8_lossy(&folder.name).into_owned();
        if call.is_busybox() {
            call.complain(&format!("can't open '{shown}': {}", Fault::Denied));
        } else {
            call.complain(&format!("cannot open directory '{shown}': {}", Fault::Denied));
        }
        return 2;
    }
    let all = given.has(b'a') || given.has(b'f');
    let mut entries: Vec<Entry> = call
        .kernel
        .files
        .list(folder.id)
        .into_iter()
        .filter(|(name, _)| all || given.has(b'A') || name.first() != Some(&b'.'))
        .map(|(name, id)| Entry { name, id })
        .collect();
    call.cost(entries.len() / 8);
    if all {
        let parent = call.find(&[&folder.name[..], b"/.."].concat(), true).unwrap_or(folder.id);
        entries.push(Entry { name: b".".to_vec(), id: folder.id });
        entries.push(Entry { name: b"..".to_vec(), id: parent });
    }
    sort(call, given, &mut entries);
    show(call, given, &entries, true);
    if given.has(b'R') {
        let inner = entries.iter().filter(|entry| {
            entry.name != b"."
                && entry.name != b".."
                && call.kernel.files.node(entry.id).is_folder()
        });
        let slash: &[u8] = if folder.name.ends_with(b"/") { b"" } else { b"/" };
        let mut next: Vec<Entry> = inner
            .map(|entry| Entry {
                name: [&folder.name[..], slash, &entry.name].concat(),
                id: entry.id,
            })
            .collect();
        next.reverse();
        queue.extend(next.into_iter().take(FOLDERS));
    }
    0
}

fn sort(call: &Call<'_>, given: &Given, entries: &mut [Entry]) {
    let files = &call.kernel.files;
    if given.has(b'U') || given.has(b'f') {
        return;
    }
    entries.sort_by(|left, right| {
        let by_name = if call.is_busybox() {
            left.name.cmp(&right.name)
        } else {
            collated(&left.name).cmp(collated(&right.name)).then(left.name.cmp(&right.name))
        };
        let order = match given.last_of(b"tS") {
            Some(b't') => {
                files.node(right.id).modified.cmp(&files.node(left.id).modified).then(by_name)
            }
            Some(b'S') => {
                files.node(right.id).size().cmp(&files.node(left.id).size()).then(by_name)
            }
            _ => by_name,
        };
        if given.has(b'r') { order.reverse() } else { order }
    });
}

/// A session without a locale sorts by bytes (`LANG=C`).
fn collated(name: &[u8]) -> &[u8] {
    name
}

/// The blocks of 1 KiB that a node takes.
fn blocks(files: &Files, id: NodeId) -> u64 {
    let node = files.node(id);
    match node.body {
        Body::Link(_) | Body::Device(_) | Body::Live(_) => 0,
        _ => node.size().div_ceil(4_096) * 4,
    }
}

fn show(call: &mut Call<'_>, given: &Given, entries: &[Entry], in_folder: bool) {
    if is_long(given, call) {
        if in_folder {
            let total: u64 = entries.iter().map(|entry| blocks(&call.kernel.files, entry.id)).sum();
            let total = if given.has(b'h') {
                if total == 0 { "0".to_owned() } else { human(total * 1_024) }
            } else {
                total.to_string()
            };
            call.line(&format!("total {total}"));
        }
        return long(call, given, entries);
    }
    let mut names: Vec<Vec<u8>> = Vec::new();
    for entry in entries {
        let mut name = Vec::new();
        if given.has(b'i') {
            name.extend(format!("{} ", inode(entry.id)).bytes());
        }
        if given.has(b's') {
            name.extend(format!("{} ", blocks(&call.kernel.files, entry.id)).bytes());
        }
        name.extend_from_slice(&entry.name);
        if given.has(b'F') || given.has(b'p') {
            name.extend(mark(call, entry.id, given.has(b'F')));
        }
        names.push(name);
    }
    if given.has(b'm') && !names.is_empty() {
        call.out(&names.join(&b", "[..]));
        call.out(b"\n");
        return;
    }
    let columns = call.terminal && !given.has(b'1') || given.has(b'C');
    if columns {
        columns_of(call, &names);
    } else {
        names.iter().for_each(|name| call.out(&[name, &b"\n"[..]].concat()));
    }
}

fn mark(call: &Call<'_>, id: NodeId, all: bool) -> Option<u8> {
    let node = call.kernel.files.node(id);
    match node.letter() {
        b'd' => Some(b'/'),
        b'l' if all => Some(b'@'),
        b'-' if all && node.mode & 0o111 != 0 => Some(b'*'),
        _ => None,
    }
}

/// Names in columns, down first: as coreutils lays them out, in as few lines as the screen is wide enough for, and with tabs.
fn columns_of(call: &mut Call<'_>, names: &[Vec<u8>]) {
    if names.is_empty() {
        return;
    }
    let screen = call.screen_columns().unwrap_or(80);
    if call.is_busybox() {
        return even_columns(call, names, screen);
    }
    let widths = |rows: usize| -> Vec<usize> {
        let longest = |column: &[Vec<u8>]| column.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths: Vec<usize> = names.chunks(rows).map(|column| longest(column) + 2).collect();
        if let Some(last) = widths.last_mut() {
            *last -= 2;
        }
        widths
    };
    // No column is narrower than three characters.
    let least = names.len().div_ceil((screen / 3).max(1)).max(1);
    let fits = |rows: &usize| widths(*rows).iter().sum::<usize>() < screen;
    let rows = (least..names.len()).find(fits).unwrap_or(names.len());
    let widths = widths(rows);
    for row in 0..rows {
        let (mut line, mut at) = (Vec::new(), 0);
        for (column, width) in widths.iter().enumerate() {
            let Some(name) = names.get(column * rows + row) else { break };
            line.extend_from_slice(name);
            if names.get((column + 1) * rows + row).is_some() {
                indent(at + name.len(), at + width, &mut line);
            }
            at += width;
        }
        line.push(b'\n');
        call.out(&line);
    }
}

/// Tabs where they reach, then blanks.
fn indent(mut from: usize, to: usize, line: &mut Vec<u8>) {
    const TAB: usize = 8;
    while from < to {
        if to / TAB > (from + 1) / TAB {
            line.push(b'\t');
            from += TAB - from % TAB;
        } else {
            line.push(b' ');
            from += 1;
        }
    }
}

/// BusyBox's columns, each as wide as the longest name.
fn even_columns(call: &mut Call<'_>, names: &[Vec<u8>], screen: usize) {
    let width = names.iter().map(Vec::len).max().unwrap_or(0) + 2;
    let columns = (screen / width).max(1);
    let rows = names.len().div_ceil(columns);
    for row in 0..rows {
        let mut line = Vec::new();
        for (column, name) in names.iter().skip(row).step_by(rows).enumerate() {
            line.resize(column * width, b' ');
            line.extend_from_slice(name);
        }
        line.push(b'\n');
        call.out(&line);
    }
}

/// A node's number as `ls -i` and `stat` show it.
pub(super) fn inode(id: NodeId) -> u64 {
    131_073 + u64::from(id) * 7
}

/// Names that lead to a node.
pub(in crate::machine) fn links(files: &Files, id: NodeId) -> usize {
    if !files.node(id).is_folder() {
        return 1;
    }
    2 + files.list(id).iter().filter(|(_, id)| files.node(*id).is_folder()).count()
}

/// Digits of the longest major and minor numbers among the devices.
fn device_digits(call: &Call<'_>, entries: &[Entry]) -> (usize, usize) {
    let digits = |number: u32| number.to_string().len();
    let devices = entries.iter().filter_map(|entry| match call.kernel.files.node(entry.id).body {
        Body::Device(Device { major, minor, .. }) => Some((digits(major), digits(minor))),
        _ => None,
    });
    devices.fold((0, 0), |(major, minor), (one, other)| (major.max(one), minor.max(other)))
}

fn long(call: &mut Call<'_>, given: &Given, entries: &[Entry]) {
    let (majors, minors) = if call.is_busybox() { (3, 3) } else { device_digits(call, entries) };
    let mut rows: Vec<[Vec<u8>; 7]> = Vec::new();
    for entry in entries {
        let node = call.kernel.files.node(entry.id).clone();
        let size = match node.body {
            Body::Device(Device { major, minor, .. }) => {
                format!("{major:majors$}, {minor:minors$}")
            }
            _ if given.has(b'h') => human(node.size()),
            _ => node.size().to_string(),
        };
        let (user, group) = if given.has(b'n') {
            (node.uid.to_string().into_bytes(), node.gid.to_string().into_bytes())
        } else {
            (call.kernel.user_name(node.uid), call.kernel.group_name(node.gid))
        };
        let modified =
            if matches!(node.body, Body::Live(_)) { call.kernel.seconds() } else { node.modified };
        let mut name = entry.name.clone();
        if given.has(b'F') || given.has(b'p') {
            name.extend(mark(call, entry.id, given.has(b'F')));
        }
        if let Some(target) = target(call, entry.id) {
            name.extend_from_slice(b" -> ");
            name.extend(target);
        }
        let head = if given.has(b'i') { format!("{} ", inode(entry.id)) } else { String::new() };
        let head = if given.has(b's') {
            format!("{head}{} ", blocks(&call.kernel.files, entry.id))
        } else {
            head
        };
        rows.push([
            format!("{head}{}", letters(node.letter(), node.mode)).into_bytes(),
            links(&call.kernel.files, entry.id).to_string().into_bytes(),
            user,
            group,
            size.into_bytes(),
            date(modified, call.kernel.seconds(), given).into_bytes(),
            name,
        ]);
    }
    let width = |place: usize| rows.iter().map(|row| row[place].len()).max().unwrap_or(0);
    // BusyBox has columns of a fixed width.
    let widths = if call.is_busybox() {
        [10, 5, 8, 8, 9]
    } else {
        [width(0), width(1), width(2), width(3), width(4)]
    };
    for row in &rows {
        let text = |place: usize| String::from_utf8_lossy(&row[place]).into_owned();
        let mut line = format!("{} {:>2$}", text(0), text(1), widths[1]);
        if !given.has(b'g') {
            line.push_str(&format!(" {:<1$}", text(2), widths[2]));
        }
        if !given.has(b'o') {
            line.push_str(&format!(" {:<1$}", text(3), widths[3]));
        }
        line.push_str(&format!(" {:>2$} {} ", text(4), text(5), widths[4]));
        call.out(&[line.as_bytes(), &row[6], b"\n"].concat());
    }
}

/// What a link names.
pub(super) fn target(call: &mut Call<'_>, id: NodeId) -> Option<Vec<u8>> {
    match &call.kernel.files.node(id).body {
        Body::Link(target) => Some(target.to_vec()),
        Body::Live(Live::SelfLink) => {
            call.kernel.files.processes.last().map(|number| number.to_string().into_bytes())
        }
        Body::Live(Live::Own(ProcessFile::Program)) => {
            let name = String::from_utf8_lossy(call.base_name()).into_owned();
            Some(call.kernel.program_of(&name).into_bytes())
        }
        Body::Live(Live::Own(ProcessFile::Folder)) => Some(call.folder.to_vec()),
        Body::Live(Live::Own(ProcessFile::Descriptor(number))) => {
            let at_terminal = call.kernel.at_terminal & (1 << number) != 0;
            let pipe = call.kernel.login.micros().unsigned_abs() % 90_000 + 20_000;
            Some(match call.tty.filter(|_| at_terminal) {
                Some(tty) => tty.path().into_bytes(),
                None => format!("pipe:[{}]", pipe + u64::from(*number)).into_bytes(),
            })
        }
        Body::Live(Live::Daemon(number, ProcessFile::Program)) => {
            let number = *number;
            let name =
                call.kernel.processes().into_iter().find(|process| process.number == number)?.name;
            Some(call.kernel.program_of(&name).into_bytes())
        }
        Body::Live(Live::Daemon(_, ProcessFile::Folder)) => Some(b"/".to_vec()),
        _ => None,
    }
}

/// `Nov 28 12:34`, or the year where it is long ago.
fn date(time: i64, now: i64, given: &Given) -> String {
    let moment = calendar(time);
    if given.has(b'E') {
        return format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.000000000 +0000",
            moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second
        );
    }
    let recent = time <= now && now - time < HALF_YEAR;
    if recent {
        format!("{} {:2} {:02}:{:02}", moment.short_month(), moment.day, moment.hour, moment.minute)
    } else {
        format!("{} {:2}  {}", moment.short_month(), moment.day, moment.year)
    }
}
