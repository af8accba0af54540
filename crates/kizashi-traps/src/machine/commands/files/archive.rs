//! `tar`, `gzip` and their kin. Archives of the machine's own files are made as real ustar; what a visitor brings packed is named in its
//! errors, never unpacked: unpacking hostile archives is no work for a trap.

use super::super::Given;
use super::{Call, Finish};
use crate::machine::files::NodeId;

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
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn create(call: &mut Call<'_>, given: &Given) -> Finish {
    if given.rest.is_empty() {
        return call.fail("Cowardly refusing to create an empty archive\nTry 'tar --help' or 'tar --usage' for more information.", 2);
    }
    let mut archive = Vec::new();
    let mut status = 0;
    let folder = given.value(b'C').map(<[u8]>::to_vec);
    for path in &given.rest {
        let there = folder
            .as_ref()
            .map_or_else(|| path.clone(), |folder| [&folder[..], b"/", path].concat());
        let mut todo: Vec<(Vec<u8>, NodeId)> = match call.find(&there, true) {
            Ok(id) => vec![(path.clone(), id)],
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
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
                call.out(&[&path[..], b"\n"].concat());
            }
            if node.is_folder() {
                archive.extend(header(
                    &[&name[..], b"/"].concat(),
                    node.mode,
                    0,
                    node.modified,
                    b'5',
                ));
                todo.extend(
                    call.kernel
                        .files
                        .list(id)
                        .into_iter()
                        .rev()
                        .map(|(name, id)| ([&path[..], b"/", &name].concat(), id)),
                );
            } else if let Ok(bytes) = call.kernel.read(id) {
                let bytes = &bytes[..bytes.len().min(64 * 1024)];
                archive.extend(header(&name, node.mode, bytes.len(), node.modified, b'0'));
                archive.extend_from_slice(bytes);
                archive.resize(archive.len().div_ceil(512) * 512, 0);
            }
        }
    }
    archive.resize((archive.len() + 1_024).div_ceil(10_240) * 10_240, 0);
    if status > 0 {
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
    if bytes.get(257..262) == Some(b"ustar") {
        return unpack(call, given, &bytes);
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

/// A plain ustar archive, whose every field is checked against what is there.
fn unpack(call: &mut Call<'_>, given: &Given, bytes: &[u8]) -> Finish {
    let folder = given.value(b'C').map(<[u8]>::to_vec);
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
        if given.has(b't') || given.has(b'v') {
            call.out(&[&name[..], b"\n"].concat());
        }
        if given.has(b't') {
            continue;
        }
        let target = match &folder {
            Some(folder) => [&folder[..], b"/", &name].concat(),
            None => name.clone(),
        };
        let outcome = if block[156] == b'5' {
            super::change::make_folder(call, &target, 0o755, true)
        } else {
            let mode = u16::try_from(mode & 0o777).unwrap_or(0o644);
            call.kernel
                .open_for_writing(call.folder, &target, false, mode, call.who)
                .and_then(|(node, path)| call.kernel.write(node, 0, &content, &path))
                .map(|_| ())
        };
        if let Err(fault) = outcome {
            let shown = String::from_utf8_lossy(&target).into_owned();
            call.complain(&format!("{shown}: Cannot open: {fault}"));
            status = 2;
        }
    }
    Finish::Status(status)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn gzip(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "cdfklnrtv123456789",
        &[("decompress", b'd'), ("stdout", b'c'), ("force", b'f'), ("keep", b'k')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let name = String::from_utf8_lossy(call.base_name()).into_owned();
    let unpacks = given.has(b'd') || matches!(&name[..], "gunzip" | "bunzip2" | "zcat" | "unxz");
    // gunzip and zcat are scripts that call gzip.
    let tool = if name.starts_with("bun") || name == "bzip2" {
        "bzip2"
    } else if name == "xz" || name == "unxz" {
        "xz"
    } else {
        "gzip"
    };
    if given.has(b'l') && !given.rest.is_empty() {
        call.line("         compressed        uncompressed  ratio uncompressed_name");
        for path in &given.rest {
            let size = call.read(path).map_or(0, |bytes| bytes.len());
            let shown = String::from_utf8_lossy(path).trim_end_matches(".gz").to_owned();
            call.line(&format!("{size:>19} {size:>19}  -0.0% {shown}"));
        }
        return Finish::Status(0);
    }
    if given.rest.is_empty() || given.has(b'c') {
        let (files, status) = call.read_all(&given.rest);
        for (_, bytes) in files {
            if !unpacks {
                let packed = super::pack::packed(&bytes);
                call.out(&packed);
            } else if let Some(plain) = super::pack::unpacked(&bytes) {
                call.out(&plain);
            } else if bytes.is_empty() {
                call.err(format!("\n{tool}: stdin: unexpected end of file\n").as_bytes());
                return Finish::Status(1);
            } else {
                let what = if tool == "xz" {
                    "xz: (stdin): File format not recognized\n".to_owned()
                } else if tool == "bzip2" {
                    "bzip2: (stdin) is not a bzip2 file.\n".to_owned()
                } else {
                    format!(
                        "\n{tool}: stdin: {}\n",
                        if bytes.starts_with(b"\x1f\x8b") {
                            "unexpected end of file"
                        } else {
                            "not in gzip format"
                        }
                    )
                };
                call.err(what.as_bytes());
                return Finish::Status(1);
            }
        }
        return Finish::Status(status);
    }
    let mut status = 0;
    for path in &given.rest {
        let shown = String::from_utf8_lossy(path).into_owned();
        match call.read(path) {
            Err(fault) => {
                if call.is_busybox() {
                    call.complain(&format!("can't open '{shown}': {fault}"));
                } else {
                    call.err(format!("{tool}: {shown}: {fault}\n").as_bytes());
                }
                status = 1;
            }
            Ok(bytes) if given.has(b'd') || name.starts_with("gun") || name.starts_with("bun") => {
                let known = bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"BZh");
                call.err(
                    format!(
                        "\n{name}: {shown}: {}\n",
                        if known { "unexpected end of file" } else { "not in gzip format" }
                    )
                    .as_bytes(),
                );
                status = 1;
            }
            Ok(_) => {
                let (now, who) = (call.kernel.seconds(), call.who);
                let (from, target) = (call.path(path), call.path(&[&path[..], b".gz"].concat()));
                let files = &mut call.kernel.files;
                let moved = files.place(&from, true, who).and_then(|from| {
                    files
                        .place(&target, true, who)
                        .and_then(|to| files.rename(&from, &to, &target, who, now))
                });
                status |= u8::from(moved.is_err());
            }
        }
    }
    Finish::Status(status)
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

/// `zcat`: unpacks to the output.
pub(super) fn zcat(call: &mut Call<'_>) -> Finish {
    let (mut status, mut inputs) = (0, Vec::new());
    if call.arguments().is_empty() {
        inputs.push(call.input());
    }
    for path in call.arguments() {
        match call.read(path) {
            Ok(bytes) => inputs.push(bytes),
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                call.err(format!("gzip: {shown}: {fault}\n").as_bytes());
                status = 1;
            }
        }
    }
    for bytes in inputs {
        match super::pack::unpacked(&bytes) {
            Some(plain) => call.out(&plain),
            None => {
                call.err(b"\ngzip: stdin: not in gzip format\n");
                status = 1;
            }
        }
    }
    Finish::Status(status)
}
