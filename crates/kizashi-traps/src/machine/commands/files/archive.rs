//! `tar` and `unzip`. Archives are made as real ustar, packed where that is asked for ([`super::pack`]); what a visitor brings is unpacked into
//! his own view of the files, every field checked against what is there, within the bounds of files and bytes.

use super::super::Given;
use super::pack::Method;
use super::{Call, Finish};
use crate::machine::files::{Body, Fault, NodeId};
use crate::machine::world::calendar;

/// Usage of Debian's BusyBox 1.35.
const TAR: &str = "c|x|t [-ZzJjahmvokO] [-f TARFILE] [-C DIR] [FILE]...\n\nCreate, extract, or list files from a tar file\n\n\tc\tCreate\n\tx\tExtract\n\tt\tList\n\t-f FILE\tName of TARFILE ('-' for stdin/out)\n\t-C DIR\tChange to DIR before operation\n\t-v\tVerbose\n\t-O\tExtract to stdout\n\t-m\tDon't restore mtime\n\t-o\tDon't restore user:group\n\t-k\tDon't replace existing files\n\t-Z\t(De)compress using compress\n\t-z\t(De)compress using gzip\n\t-J\t(De)compress using xz\n\t-j\t(De)compress using bzip2\n\t--lzma\t(De)compress using lzma\n\t-a\t(De)compress based on extension\n\t-h\tFollow symlinks\n\t--overwrite\t\tReplace existing files\n\t--strip-components NUM\tNUM of leading components to strip\n\t--no-recursion\t\tDon't descend in directories\n\t--numeric-owner\t\tUse numeric user:group\n\t--no-same-permissions\tDon't restore access permissions\n\t--to-command COMMAND\tPipe files to COMMAND";

/// Files in one archive.
const FILES: usize = 100;

pub(super) fn tar(call: &mut Call<'_>) -> Finish {
    // The old form without a dash: `tar xzf file`.
    let words: Vec<Vec<u8>> = call
        .words
        .iter()
        .enumerate()
        .map(|(place, word)| {
            if place == 1 && word.first() != Some(&b'-') {
                [b"-", &word[..]].concat()
            } else {
                word.clone()
            }
        })
        .collect();
    let given = call.options_among(
        words.get(1..).unwrap_or_default(),
        "cxtzjJvf:C:pkmOhaT:X:P",
        &[
            ("create", b'c'),
            ("extract", b'x'),
            ("list", b't'),
            ("gzip", b'z'),
            ("file", b'f'),
            ("directory", b'C'),
            ("verbose", b'v'),
            ("exclude", b'X'),
            ("overwrite", b'k'),
            ("strip-components", b'T'),
            ("no-same-owner", b'm'),
        ],
        64,
    );
    let given = match given {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    match given.last_of(b"cxt") {
        Some(b'c') => create(call, &given),
        Some(_) => extract(call, &given),
        None if call.is_busybox() => call.usage(if !call.kernel.world.persona.is_device() {
            TAR
        } else {
            "-[cxtzjahmvO] [-X FILE] [-T FILE] [-f TARFILE] [-C DIR] [FILE]..."
        }),
        None => {
            call.err(b"tar: You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\nTry 'tar --help' or 'tar --usage' for more information.\n");
            Finish::Status(2)
        }
    }
}

/// A header of the ustar form (POSIX.1, pax).
fn header(name: &[u8], mode: u16, size: usize, time: i64, kind: u8) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, &name[..name.len().min(100)]);
    put(100, format!("{mode:07o}").as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{size:011o}").as_bytes());
    put(136, format!("{time:011o}").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar  \0");
    put(265, b"root");
    put(297, b"root");
    add_sum(&mut block);
    block
}

fn add_sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn link_to(block: &mut [u8], target: &[u8]) {
    let length = target.len().min(100);
    block[157..157 + length].copy_from_slice(&target[..length]);
    add_sum(block);
}

/// How an archive is to be packed: as a letter says, or with `-a` as its name does.
fn asked(given: &Given, path: &[u8]) -> Option<Method> {
    match given.last_of(b"zjJ") {
        Some(b'z') => Some(Method::Gzip),
        Some(b'j') => Some(Method::Bzip2),
        Some(_) => Some(Method::Xz),
        None if given.has(b'a') => [Method::Gzip, Method::Bzip2, Method::Xz]
            .into_iter()
            .find(|method| path.ends_with(method.suffix().as_bytes()))
            .or_else(|| path.ends_with(b".tgz").then_some(Method::Gzip)),
        None => None,
    }
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn create(call: &mut Call<'_>, given: &Given) -> Finish {
    if given.rest.is_empty() {
        return call.fail("Cowardly refusing to create an empty archive\nTry 'tar --help' or 'tar --usage' for more information.", 2);
    }
    let mut archive = Vec::new();
    let mut status = 0;
    let method = asked(given, given.value(b'f').unwrap_or_default());
    if given.rest.iter().any(|path| path.starts_with(b"/")) {
        let text = if call.is_busybox() {
            "removing leading '/' from member names"
        } else {
            "Removing leading `/' from member names"
        };
        call.complain(text);
    }
    let folder = given.value(b'C').map(<[u8]>::to_vec);
    for path in &given.rest {
        let there = folder
            .as_ref()
            .map_or_else(|| path.clone(), |folder| [&folder[..], b"/", path].concat());
        let mut todo: Vec<(Vec<u8>, NodeId)> = match call.find(&there, false) {
            Ok(id) => vec![(path.clone(), id)],
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                if call.is_busybox() {
                    call.complain(&format!("{shown}: {fault}"));
                    status = 1;
                    continue;
                }
                call.complain(&format!("{shown}: Cannot stat: {fault}"));
                status = 2;
                continue;
            }
        };
        let mut count = 0;
        while let Some((path, id)) = todo.pop() {
            count += 1;
            if count > FILES {
                break;
            }
            let node = call.kernel.files.node(id).clone();
            let name = path.strip_prefix(b"/").unwrap_or(&path).to_vec();
            if given.has(b'v') {
                let mark: &[u8] =
                    if node.is_folder() && !path.ends_with(b"/") { b"/" } else { b"" };
                let line = [&path[..], mark, b"\n"].concat();
                // The list gives way to an archive on the output.
                if given.value(b'f').is_none_or(|path| path == b"-") {
                    call.err(&line);
                } else {
                    call.out(&line);
                }
            }
            if node.is_folder() {
                archive.extend(header(
                    &[name.strip_suffix(b"/").unwrap_or(&name), b"/"].concat(),
                    node.mode,
                    0,
                    node.modified,
                    b'5',
                ));
                todo.extend(call.kernel.files.list(id).into_iter().rev().map(|(name, id)| {
                    ([path.strip_suffix(b"/").unwrap_or(&path), b"/", &name].concat(), id)
                }));
            } else if let Body::Link(target) = &node.body {
                let mut block = header(&name, 0o777, 0, node.modified, b'2');
                link_to(&mut block, target);
                archive.extend(block);
            } else if let Ok(bytes) = call.kernel.read(id) {
                let bytes = &bytes[..bytes.len().min(64 * 1024)];
                archive.extend(header(&name, node.mode, bytes.len(), node.modified, b'0'));
                archive.extend_from_slice(bytes);
                archive.resize(archive.len().div_ceil(512) * 512, 0);
            }
        }
    }
    archive.resize((archive.len() + 1_024).div_ceil(10_240) * 10_240, 0);
    if let Some(method) = method {
        call.work(archive.len() * 2);
        archive = method.pack(&archive);
    }
    if status > 0 && !call.is_busybox() {
        call.complain("Exiting with failure status due to previous errors");
    }
    match given.value(b'f').filter(|path| *path != b"-").map(<[u8]>::to_vec) {
        None => call.out(&archive),
        Some(path) => {
            let written = call
                .kernel
                .open_for_writing(call.folder, &path, false, 0o666 & !call.umask, call.who)
                .and_then(|(node, path)| {
                    call.kernel.write_as(node, 0, &archive, &path, false, false)
                });
            if let Err(fault) = written {
                let shown = String::from_utf8_lossy(&path).into_owned();
                call.complain(&format!(
                    "{shown}: Cannot open: {fault}\ntar: Error is not recoverable: exiting now"
                ));
                return Finish::Status(2);
            }
        }
    }
    Finish::Status(status)
}

fn extract(call: &mut Call<'_>, given: &Given) -> Finish {
    let path = given.value(b'f').filter(|path| *path != b"-").map(<[u8]>::to_vec);
    let visitors = path.as_ref().is_none_or(|path| brought(call, path));
    let bytes = match &path {
        None => call.input(),
        Some(path) => match call.read(path) {
            Ok(bytes) => bytes,
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                if call.is_busybox() {
                    return call.fail(&format!("can't open '{shown}': {fault}"), 1);
                }
                if given.has(b'z') || given.has(b'j') || given.has(b'J') {
                    call.err(format!("tar (child): {shown}: Cannot open: {fault}\ntar (child): Error is not recoverable: exiting now\ntar: Child returned status 2\n").as_bytes());
                } else {
                    call.complain(&format!("{shown}: Cannot open: {fault}"));
                }
                call.complain("Error is not recoverable: exiting now");
                return Finish::Status(2);
            }
        },
    };
    call.work(bytes.len());
    // GNU's tar looks at the bytes, not at the letters; BusyBox's needs the letters of old.
    if let Some(method) = Method::of(&bytes)
        && let Some(plain) = method.unpack(&bytes)
        && plain.get(257..262) == Some(b"ustar")
    {
        call.work(plain.len());
        return unpack(call, given, &plain, visitors);
    }
    if bytes.get(257..262) == Some(b"ustar") && (call.is_busybox() || !given.has(b'z')) {
        return unpack(call, given, &bytes, visitors);
    }
    if call.is_busybox() {
        return call.fail(if given.has(b'z') { "invalid magic" } else { "invalid tar magic" }, 1);
    }
    if bytes.starts_with(b"\x1f\x8b") || given.has(b'z') {
        call.err(if bytes.starts_with(b"\x1f\x8b") {
            b"\ngzip: stdin: unexpected end of file\n"
        } else {
            b"\ngzip: stdin: not in gzip format\n"
        });
        call.complain("Child returned status 1");
    } else {
        call.complain("This does not look like a tar archive");
    }
    call.complain("Error is not recoverable: exiting now");
    Finish::Status(2)
}

/// Whether the visitor brought the file, or made it of what he brought.
pub(super) fn brought(call: &Call<'_>, path: &[u8]) -> bool {
    call.find(path, true).is_ok_and(|id| match &call.kernel.files.node(id).body {
        Body::Written(written) => written.visitors,
        _ => false,
    })
}

/// A plain ustar archive, whose every field is checked against what is there.
#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn unpack(call: &mut Call<'_>, given: &Given, bytes: &[u8], visitors: bool) -> Finish {
    let folder = given.value(b'C').map(<[u8]>::to_vec);
    let strip = given.number(b'T').and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    let (mut at, mut count, mut status) = (0, 0, 0);
    while let Some(block) = bytes.get(at..at + 512).filter(|block| block[0] != 0) {
        count += 1;
        if count > FILES {
            break;
        }
        let text = |range: std::ops::Range<usize>| {
            block[range].split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
        };
        let number = |range: std::ops::Range<usize>| {
            usize::from_str_radix(
                String::from_utf8_lossy(&block[range]).trim_matches(['\0', ' ']),
                8,
            )
            .unwrap_or(0)
        };
        let (name, size, mode) = (text(0..100), number(124..136), number(100..108));
        at += 512;
        let content = bytes.get(at..at.saturating_add(size)).unwrap_or_default().to_vec();
        at = at.saturating_add(size.div_ceil(512).saturating_mul(512));
        let wanted = |wanted: &Vec<u8>| {
            let wanted = wanted.strip_suffix(b"/").unwrap_or(wanted);
            name.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        };
        if !given.rest.is_empty() && !given.rest.iter().any(wanted) {
            continue;
        }
        let kind = block[156];
        let link = text(157..257);
        let modified = i64::try_from(number(136..148)).unwrap_or(0);
        if given.has(b't') && given.has(b'v') {
            long(call, (&name, &link), kind, mode, size, modified);
        } else if given.has(b't') || given.has(b'v') {
            call.out(&[&name[..], b"\n"].concat());
        }
        if given.has(b't') {
            continue;
        }
        if given.has(b'O') {
            call.out(&content);
            continue;
        }
        let parts: Vec<&[u8]> =
            name.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).skip(strip).collect();
        let name = parts.join(&b'/');
        if name.is_empty() || parts.contains(&&b".."[..]) {
            continue;
        }
        let target = match &folder {
            Some(folder) => [&folder[..], b"/", &name].concat(),
            None => name.clone(),
        };
        let outcome = if kind == b'5' {
            super::change::make_folder(call, &target, 0o755, true)
        } else if kind == b'2' {
            make_link(call, &target, &link)
        } else {
            let mode = u16::try_from(mode & 0o777).unwrap_or(0o644);
            call.kernel.open_for_writing(call.folder, &target, false, mode, call.who).and_then(
                |(node, path)| {
                    call.kernel.write_as(node, 0, &content, &path, visitors, false)?;
                    if !given.has(b'm') {
                        call.kernel.files.change(node)?.modified = modified;
                    }
                    Ok(())
                },
            )
        };
        if let Err(fault) = outcome {
            let shown = String::from_utf8_lossy(&target).into_owned();
            call.complain(&format!("{shown}: Cannot open: {fault}"));
            status = 2;
        }
    }
    Finish::Status(status)
}

fn make_link(call: &mut Call<'_>, path: &[u8], target: &[u8]) -> Result<(), Fault> {
    let place = call.kernel.files.place(&call.path(path), false, call.who)?;
    if place.node.is_some() {
        return Ok(());
    }
    let now = call.kernel.seconds();
    call.kernel.files.create(&place, Body::Link(target.into()), 0o777, call.who, now).map(drop)
}

/// A line of `tar tv`.
fn long(
    call: &mut Call<'_>,
    (name, link): (&[u8], &[u8]),
    kind: u8,
    mode: usize,
    size: usize,
    modified: i64,
) {
    let letter = match kind {
        b'5' => b'd',
        b'2' => b'l',
        _ => b'-',
    };
    let time = calendar(modified);
    let mode = u16::try_from(mode & 0o7777).unwrap_or(0);
    let rights = super::letters(letter, mode);
    let width = 19_usize.saturating_sub("root/root".len() + 1);
    let head = format!(
        "{rights} root/root {size:>width$} {:04}-{:02}-{:02} {:02}:{:02} ",
        time.year, time.month, time.day, time.hour, time.minute
    );
    let arrow: &[u8] = if kind == b'2' { b" -> " } else { b"" };
    call.out(&[head.as_bytes(), name, arrow, link, b"\n"].concat());
}

pub(super) fn unzip(call: &mut Call<'_>) -> Finish {
    let Some(path) = call.arguments().iter().find(|word| word.first() != Some(&b'-')).cloned()
    else {
        if !call.is_busybox() {
            call.line("UnZip 6.00 of 20 April 2009, by Debian. Original by Info-ZIP.");
        }
        return Finish::Status(0);
    };
    let shown = String::from_utf8_lossy(&path).into_owned();
    match call.read(&path) {
        Ok(_) => {
            call.err(format!("Archive:  {shown}\n  End-of-central-directory signature not found.  Either this file is not\n  a zipfile, or it constitutes one disk of a multi-part archive.\nunzip:  cannot find zipfile directory in one of {shown} or\n        {shown}.zip, and cannot find {shown}.ZIP, period.\n").as_bytes());
        }
        Err(_) => call.err(
            format!("unzip:  cannot find or open {shown}, {shown}.zip or {shown}.ZIP.\n")
                .as_bytes(),
        ),
    }
    Finish::Status(9)
}
