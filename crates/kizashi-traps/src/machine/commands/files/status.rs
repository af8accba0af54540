//! `stat` and `file`.

use super::{Call, Finish, letters, list};
use crate::machine::facts;
use crate::machine::files::{Body, Device, NodeId};
use crate::machine::program::Architecture;
use crate::machine::world::calendar;

fn kind(call: &Call<'_>, id: NodeId) -> &'static str {
    let node = call.kernel.files.node(id);
    match node.letter() {
        b'd' => "directory",
        b'l' => "symbolic link",
        b'c' => "character special file",
        b'b' => "block special file",
        _ if node.size() == 0 => "regular empty file",
        _ => "regular file",
    }
}

fn moment(seconds: i64, node: NodeId) -> String {
    let moment = calendar(seconds);
    let nanoseconds = (u64::from(node) * 48_271 + 7).wrapping_mul(0x9e37_79b9) % 1_000_000_000;
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{nanoseconds:09} +0000",
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second
    )
}

pub(super) fn stat(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "Lfc:t",
        &[
            ("format", b'c'),
            ("printf", b'c'),
            ("dereference", b'L'),
            ("file-system", b'f'),
            ("terse", b't'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.rest.is_empty() {
        return call.missing_operand("[OPTIONS] FILE...");
    }
    let mut status = 0;
    for path in &given.rest {
        let id = match call.find(path, given.has(b'L')) {
            Ok(id) => id,
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                if call.is_busybox() {
                    call.complain(&format!("can't stat '{shown}': {fault}"));
                } else {
                    call.complain(&format!("cannot statx '{shown}': {fault}"));
                }
                status = 1;
                continue;
            }
        };
        match given.text(b'c') {
            Some(format) => {
                let text = formatted(call, &format, path, id);
                call.line(&text);
            }
            None => whole(call, path, id),
        }
    }
    Finish::Status(status)
}

fn whole(call: &mut Call<'_>, path: &[u8], id: NodeId) {
    let node = call.kernel.files.node(id).clone();
    let shown = String::from_utf8_lossy(path).into_owned();
    let target = list::target(call, id)
        .map_or_else(String::new, |target| format!(" -> {}", String::from_utf8_lossy(&target)));
    let (user, group) = (call.kernel.user_name(node.uid), call.kernel.group_name(node.gid));
    let (user, group) =
        (String::from_utf8_lossy(&user).into_owned(), String::from_utf8_lossy(&group).into_owned());
    let size = node.size();
    let blocks = size.div_ceil(4_096) * 8;
    let device = match node.body {
        Body::Device(Device { major, minor, .. }) => format!("Device type: {major},{minor}"),
        _ => String::new(),
    };
    let name = kind(call, id);
    let links = list::links(&call.kernel.files, id);
    call.line(&format!("  File: {shown}{target}"));
    call.line(&format!("  Size: {size:<10}\tBlocks: {blocks:<10} IO Block: 4096   {name}"));
    let inode = list::inode(id);
    call.line(format!("Device: 254,1\tInode: {inode:<11} Links: {links:<5} {device}").trim_end());
    call.line(&format!(
        "Access: ({:04o}/{})  Uid: ({:5}/{user:>8})   Gid: ({:5}/{group:>8})",
        node.mode,
        letters(node.letter(), node.mode),
        node.uid,
        node.gid
    ));
    let time = moment(node.modified, id);
    for name in ["Access", "Modify", "Change"] {
        call.line(&format!("{name}: {time}"));
    }
    if !call.is_busybox() {
        call.line(&format!(" Birth: {time}"));
    }
}

fn formatted(call: &mut Call<'_>, format: &str, path: &[u8], id: NodeId) -> String {
    let node = call.kernel.files.node(id).clone();
    let mut text = String::new();
    let mut letters_left = format.chars();
    while let Some(letter) = letters_left.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let piece = match letters_left.next() {
            Some('n') => String::from_utf8_lossy(path).into_owned(),
            Some('N') => format!("'{}'", String::from_utf8_lossy(path)),
            Some('s') => node.size().to_string(),
            Some('a') => format!("{:o}", node.mode),
            Some('A') => letters(node.letter(), node.mode),
            Some('u') => node.uid.to_string(),
            Some('g') => node.gid.to_string(),
            Some('U') => String::from_utf8_lossy(&call.kernel.user_name(node.uid)).into_owned(),
            Some('G') => String::from_utf8_lossy(&call.kernel.group_name(node.gid)).into_owned(),
            Some('F') => kind(call, id).to_owned(),
            Some('i') => list::inode(id).to_string(),
            Some('h') => list::links(&call.kernel.files, id).to_string(),
            Some('b') => (node.size().div_ceil(4_096) * 8).to_string(),
            Some('B') => "512".to_owned(),
            Some('X' | 'Y' | 'Z' | 'W') => node.modified.to_string(),
            Some('x' | 'y' | 'z' | 'w') => moment(node.modified, id),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{other}"),
            None => "%".to_owned(),
        };
        text.push_str(&piece);
    }
    text
}

pub(super) fn file(call: &mut Call<'_>) -> Finish {
    let given =
        match call.options("bihLkz", &[("brief", b'b'), ("mime", b'i'), ("mime-type", b'i')], 1) {
            Ok(given) => given,
            Err(finish) => return finish,
        };
    if given.rest.is_empty() {
        call.err(b"Usage: file [-bcCdEhikLlNnprsSvzZ0] [--apple] [--extension] [--mime-encoding]\n            [--mime-type] [-e <testname>] [-F <separator>]  [-f <namefile>]\n            [-m <magicfiles>] [-P <parameter=value>] [--exclude-quiet]\n            <file> ...\n");
        return Finish::Status(1);
    }
    let width = given.rest.iter().map(Vec::len).max().unwrap_or(0);
    for path in &given.rest {
        let text = description(call, path, given.has(b'L'));
        let shown = String::from_utf8_lossy(path).into_owned();
        if given.has(b'b') {
            call.line(&text);
        } else {
            call.line(&format!("{:<1$} {text}", format!("{shown}:"), width + 1));
        }
    }
    Finish::Status(0)
}

fn description(call: &mut Call<'_>, path: &[u8], follow: bool) -> String {
    if path == b"-" {
        let bytes = call.input();
        return facts::describe(&bytes);
    }
    let id = match call.find(path, follow) {
        Ok(id) => id,
        Err(fault) => return format!("cannot open `{}' ({fault})", String::from_utf8_lossy(path)),
    };
    let node = call.kernel.files.node(id).clone();
    match &node.body {
        Body::Folder(_) if node.mode & 0o1000 != 0 => "sticky, directory".to_owned(),
        Body::Folder(_) => "directory".to_owned(),
        Body::Device(Device { kind, major, minor }) => format!("{} special ({major}/{minor})", if *kind == b'c' { "character" } else { "block" }),
        Body::Program { .. } if call.kernel.world.architecture == Architecture::X86_64 => {
            "ELF 64-bit LSB pie executable, x86-64, version 1 (SYSV), dynamically linked, interpreter /lib64/ld-linux-x86-64.so.2, for GNU/Linux 3.2.0, stripped".to_owned()
        }
        _ => match list::target(call, id) {
            Some(target) => format!("symbolic link to {}", String::from_utf8_lossy(&target)),
            None => call.kernel.read(id).map_or_else(|fault| fault.to_string(), |bytes| facts::describe(&bytes)),
        },
    }
}
