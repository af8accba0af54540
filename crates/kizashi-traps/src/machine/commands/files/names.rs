//! Names and where they lead: `which`, `readlink`, `realpath`, `basename`, `dirname`.

use super::{Call, Finish, list};
use crate::machine::files::{absolute, base_name, normal};

/// The first runnable file of this name in `PATH`.
fn search(call: &Call<'_>, name: &[u8], all: bool) -> Vec<Vec<u8>> {
    let path = call
        .variable(b"PATH")
        .unwrap_or(b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .to_vec();
    let candidates: Vec<Vec<u8>> = if name.contains(&b'/') {
        vec![name.to_vec()]
    } else {
        path.split(|byte| *byte == b':').map(|folder| [folder, b"/", name].concat()).collect()
    };
    let runnable = |path: &Vec<u8>| {
        call.find(path, true).is_ok_and(|id| {
            call.kernel.files.node(id).is_regular()
                && call.kernel.files.node(id).permits(call.who, 1)
        })
    };
    candidates.into_iter().filter(runnable).take(if all { 20 } else { 1 }).collect()
}

pub(super) fn which(call: &mut Call<'_>) -> Finish {
    let mut status = 0;
    let all = call.arguments().iter().any(|word| word == b"-a");
    for name in call.arguments().iter().filter(|word| word.first() != Some(&b'-')) {
        let found = search(call, name, all);
        if found.is_empty() {
            status = 1;
        }
        for path in found {
            call.out(&[&path[..], b"\n"].concat());
        }
    }
    Finish::Status(if call.arguments().is_empty() { 1 } else { status })
}

pub(super) fn whereis(call: &mut Call<'_>) -> Finish {
    for name in call.arguments().iter().filter(|word| word.first() != Some(&b'-')) {
        let name = base_name(name);
        let mut line = [name, b":"].concat();
        for folder in [&b"/usr/bin"[..], b"/usr/sbin", b"/etc", b"/usr/lib", b"/usr/games"] {
            let path = [folder, b"/", name].concat();
            if call.find(&path, true).is_ok() {
                line.push(b' ');
                line.extend(path);
            }
        }
        line.push(b'\n');
        call.out(&line);
    }
    Finish::Status(0)
}

pub(super) fn readlink(call: &mut Call<'_>) -> Finish {
    let given = match call.options("femnqsvz", &[("canonicalize", b'f'), ("no-newline", b'n')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.rest.is_empty() {
        return call.missing_operand("[-fnv] FILE");
    }
    let mut status = 0;
    for path in &given.rest {
        let found = if given.has(b'f') || given.has(b'e') || given.has(b'm') {
            real(call, path)
        } else {
            call.find(path, false).ok().and_then(|id| list::target(call, id))
        };
        match found {
            Some(text) => {
                call.out(&[&text[..], if given.has(b'n') { b"" } else { b"\n" }].concat());
            }
            None => status = 1,
        }
    }
    Finish::Status(status)
}

/// The path without links.
fn real(call: &mut Call<'_>, path: &[u8]) -> Option<Vec<u8>> {
    let mut todo: Vec<Vec<u8>> = call
        .path(path)
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
        .rev()
        .map(<[u8]>::to_vec)
        .collect();
    let mut whole: Vec<u8> = b"/".to_vec();
    for _ in 0..200 {
        let Some(name) = todo.pop() else { return Some(whole) };
        if name == b".." || name == b"." {
            whole = normal(&absolute(&whole, &name));
            continue;
        }
        let next = absolute(&whole, &name);
        let target = call.find(&next, false).ok().and_then(|id| list::target(call, id));
        match target {
            Some(target) => {
                if target.first() == Some(&b'/') {
                    whole = b"/".to_vec();
                }
                todo.extend(
                    target
                        .split(|byte| *byte == b'/')
                        .filter(|name| !name.is_empty())
                        .rev()
                        .map(<[u8]>::to_vec),
                );
            }
            None if call.find(&next, false).is_err() && !todo.is_empty() => return None,
            None => whole = next,
        }
    }
    None
}

pub(super) fn realpath(call: &mut Call<'_>) -> Finish {
    let paths: Vec<Vec<u8>> =
        call.arguments().iter().filter(|word| word.first() != Some(&b'-')).cloned().collect();
    if paths.is_empty() {
        return call.missing_operand("FILE...");
    }
    let mut status = 0;
    for path in paths {
        match real(call, &path) {
            Some(text) => call.out(&[&text[..], b"\n"].concat()),
            None => {
                let shown = String::from_utf8_lossy(&path).into_owned();
                call.complain(&format!("{shown}: No such file or directory"));
                status = 1;
            }
        }
    }
    Finish::Status(status)
}

pub(super) fn basename(call: &mut Call<'_>) -> Finish {
    let words: Vec<&Vec<u8>> =
        call.arguments().iter().filter(|word| !matches!(&word[..], b"-a" | b"--")).collect();
    let Some(path) = words.first() else { return call.missing_operand("FILE [SUFFIX]") };
    let mut path = &path[..];
    while path.len() > 1 && path.ends_with(b"/") {
        path = &path[..path.len() - 1];
    }
    let name = if path == b"/" { path } else { base_name(path) };
    let name = words
        .get(1)
        .and_then(|suffix| name.strip_suffix(&suffix[..]))
        .filter(|name| !name.is_empty())
        .unwrap_or(name);
    call.out(&[name, b"\n"].concat());
    Finish::Status(0)
}

pub(super) fn dirname(call: &mut Call<'_>) -> Finish {
    if call.arguments().is_empty() {
        return call.missing_operand("FILENAME");
    }
    for path in call.arguments() {
        let mut path = &path[..];
        while path.len() > 1 && path.ends_with(b"/") {
            path = &path[..path.len() - 1];
        }
        let folder = match path.iter().rposition(|byte| *byte == b'/') {
            None => &b"."[..],
            Some(0) => b"/",
            Some(end) => &path[..end],
        };
        call.out(&[folder, b"\n"].concat());
    }
    Finish::Status(0)
}
