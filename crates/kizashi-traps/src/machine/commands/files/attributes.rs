//! `chmod`, `chown`, `chgrp`, `chattr`, `lsattr`.

use super::super::Given;
use super::{Call, Finish};
use crate::machine::files::{Fault, NodeId, flags};

/// Nodes that one recursive change touches.
const NODES: usize = 300;

/// The node, and with `-R` all under it.
fn chosen(
    call: &mut Call<'_>,
    given: &Given,
    path: &[u8],
) -> Result<Vec<(Vec<u8>, NodeId)>, Fault> {
    let first = call.find(path, true)?;
    let mut all = vec![(path.to_vec(), first)];
    let mut at = 0;
    while given.has(b'R') && at < all.len() && all.len() < NODES {
        let (path, id) = all[at].clone();
        if call.kernel.files.node(id).is_folder() {
            all.extend(
                call.kernel
                    .files
                    .list(id)
                    .into_iter()
                    .map(|(name, id)| ([&path[..], b"/", &name].concat(), id)),
            );
        }
        at += 1;
    }
    all.truncate(NODES);
    Ok(all)
}

/// `755`, `u+x`, `go=`, `a-w,u+s`.
pub(super) fn changed_mode(text: &str, mode: u16, folder: bool, umask: u16) -> Option<u16> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return u16::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    let mut mode = mode;
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, rest) = clause.split_at(at);
        let mut classes = 0_u16;
        for letter in who.chars() {
            classes |= match letter {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            };
        }
        let masked = who.is_empty();
        if masked {
            classes = 0o7777;
        }
        let mut rest = rest;
        while let Some(operator) = rest.chars().next() {
            let letters: String =
                rest[1..].chars().take_while(|letter| !"+-=".contains(*letter)).collect();
            rest = &rest[1 + letters.len()..];
            let mut bits = 0;
            for letter in letters.chars() {
                bits |= match letter {
                    'r' => 0o444,
                    'w' => 0o222,
                    'x' => 0o111,
                    'X' if folder || mode & 0o111 != 0 => 0o111,
                    'X' => 0,
                    's' => 0o6000,
                    't' => 0o1000,
                    'u' => (mode >> 6 & 7) * 0o111,
                    'g' => (mode >> 3 & 7) * 0o111,
                    'o' => (mode & 7) * 0o111,
                    _ => return None,
                };
            }
            bits &= classes;
            if masked {
                bits &= !umask;
            }
            mode = match operator {
                '+' => mode | bits,
                '-' => mode & !bits,
                _ => mode & !(classes & 0o777) | bits,
            };
        }
    }
    Some(mode)
}

pub(super) fn chmod(call: &mut Call<'_>) -> Finish {
    // A mode may begin with a minus: `chmod -x file`.
    let words: Vec<Vec<u8>> = call
        .words
        .iter()
        .enumerate()
        .map(|(place, word)| {
            if place > 0
                && word.len() > 1
                && word[0] == b'-'
                && word[1..].iter().all(|byte| b"rwxXst,".contains(byte))
            {
                [b"a", &word[..]].concat()
            } else {
                word.clone()
            }
        })
        .collect();
    let given = call.options_among(
        words.get(1..).unwrap_or_default(),
        "Rfvch",
        &[
            ("recursive", b'R'),
            ("silent", b'f'),
            ("quiet", b'f'),
            ("verbose", b'v'),
            ("changes", b'c'),
        ],
        1,
    );
    let given = match given {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some((mode, paths)) = given.rest.split_first() else {
        return call.missing_operand("[-Rcvf] MODE[,MODE]... FILE...");
    };
    let text = String::from_utf8_lossy(mode).into_owned();
    if paths.is_empty() {
        if call.is_busybox() {
            return call.usage("[-Rcvf] MODE[,MODE]... FILE...");
        }
        call.complain(&format!("missing operand after ‘{text}’"));
        return call.usage("");
    }
    if changed_mode(&text, 0, false, 0).is_none() {
        if call.is_busybox() {
            return call.fail(&format!("invalid mode '{text}'"), 1);
        }
        call.complain(&format!("invalid mode: ‘{text}’"));
        return call.usage("");
    }
    let umask = call.umask;
    each(call, &given, paths, "access", "changing permissions of", &|node, folder| {
        node.mode = changed_mode(&text, node.mode, folder, umask).unwrap_or(node.mode);
    })
}

/// Changes each node, and tells what cannot be changed.
#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn each(
    call: &mut Call<'_>,
    given: &Given,
    paths: &[Vec<u8>],
    verb: &str,
    doing: &str,
    change: &dyn Fn(&mut crate::machine::files::Node, bool),
) -> Finish {
    let mut status = 0;
    for path in paths {
        let all = match chosen(call, given, path) {
            Ok(all) => all,
            Err(fault) => {
                if !given.has(b'f') {
                    let shown = String::from_utf8_lossy(path).into_owned();
                    if call.is_busybox() {
                        call.complain(&format!("{shown}: {fault}"));
                    } else {
                        call.cannot(verb, path, fault);
                    }
                }
                status = 1;
                continue;
            }
        };
        for (path, id) in all {
            let node = call.kernel.files.node(id);
            let folder = node.is_folder();
            let refused = !call.who.is_root() && call.who.uid != node.uid
                || node.flags & flags::IMMUTABLE != 0;
            let before = node.mode;
            let outcome = if refused {
                Err(Fault::NotPermitted)
            } else {
                call.kernel.files.change(id).map(|node| change(node, folder))
            };
            let after = call.kernel.files.node(id).mode;
            if outcome.is_ok()
                && given.has(b'v')
                && verb == "access"
                && call.base_name() == b"chmod"
            {
                let shown = String::from_utf8_lossy(&path).into_owned();
                let words = |mode: u16| super::letters(0, mode).trim_start_matches('\0').to_owned();
                if before == after {
                    call.line(&format!(
                        "mode of '{shown}' retained as {after:04o} ({})",
                        words(after)
                    ));
                } else {
                    call.line(&format!(
                        "mode of '{shown}' changed from {before:04o} ({}) to {after:04o} ({})",
                        words(before),
                        words(after)
                    ));
                }
            }
            if let Err(fault) = outcome {
                let shown = String::from_utf8_lossy(&path).into_owned();
                if call.is_busybox() {
                    call.complain(&format!("{shown}: {fault}"));
                } else {
                    call.complain(&format!("{doing} '{shown}': {fault}"));
                }
                status = 1;
            }
        }
    }
    Finish::Status(status)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn chown(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "RfvchLPHr:",
        &[("recursive", b'R'), ("reference", b'r'), ("silent", b'f'), ("no-dereference", b'h')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let group_only = call.base_name() == b"chgrp";
    let Some((owner, paths)) = given.rest.split_first().filter(|(_, paths)| !paths.is_empty())
    else {
        if let (Some(first), false) = (given.rest.first(), call.is_busybox()) {
            let shown = String::from_utf8_lossy(first).into_owned();
            call.complain(&format!("missing operand after ‘{shown}’"));
            return call.usage("");
        }
        return call.missing_operand("[-Rhv]... OWNER[:[GROUP]] FILE...");
    };
    let text = String::from_utf8_lossy(owner).into_owned();
    let (user, group) = if group_only {
        ("", &text[..])
    } else {
        text.split_once([':', '.']).unwrap_or((&text, ""))
    };
    let uid = if user.is_empty() {
        None
    } else {
        Some(
            call.kernel
                .account(user.as_bytes())
                .map(|account| account.uid)
                .or_else(|| user.parse().ok()),
        )
    };
    let groups = call.kernel.groups();
    let gid = if group.is_empty() {
        None
    } else {
        Some(
            groups
                .iter()
                .find(|(name, ..)| name == group.as_bytes())
                .map(|(_, gid, _)| *gid)
                .or_else(|| group.parse().ok()),
        )
    };
    if uid == Some(None) || gid == Some(None) {
        let what = match (call.is_busybox(), uid == Some(None)) {
            (true, true) => format!("unknown user {user}"),
            (true, false) => format!("unknown group {group}"),
            (false, true) => format!("invalid user: ‘{text}’"),
            (false, false) => format!("invalid group: ‘{text}’"),
        };
        return call.fail(&what, 1);
    }
    if !call.who.is_root() {
        let shown = String::from_utf8_lossy(&paths[0]).into_owned();
        return call.fail(&format!("changing ownership of '{shown}': Operation not permitted"), 1);
    }
    each(call, &given, paths, "access", "changing ownership of", &|node, _| {
        node.uid = uid.flatten().unwrap_or(node.uid);
        node.gid = gid.flatten().unwrap_or(node.gid);
    })
}

pub(super) fn chattr(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    let (mut add, mut remove, mut paths, mut recursive) = (0, 0, Vec::new(), false);
    let bits = |letters: &[u8]| {
        (u8::from(letters.contains(&b'i')) * flags::IMMUTABLE)
            | (u8::from(letters.contains(&b'a')) * flags::APPEND_ONLY)
    };
    let mut modes = 0;
    for word in words {
        match word.first() {
            Some(b'+' | b'=') => {
                add |= bits(&word[1..]);
                modes += 1;
            }
            Some(b'-') if word == b"-R" || word == b"-f" || word == b"-V" => {
                recursive |= word == b"-R";
            }
            Some(b'-') => {
                remove |= bits(&word[1..]);
                recursive |= word.contains(&b'R');
                modes += 1;
            }
            _ => paths.push(word.clone()),
        }
    }
    if modes == 0 || paths.is_empty() {
        if modes == 0 && !paths.is_empty() {
            call.err(b"Must use '-v', =, - or +\n");
            return Finish::Status(1);
        }
        call.err(b"Usage: chattr [-pRVf] [-+=aAcCdDeijPsStTuFx] [-v version] files...\n");
        return Finish::Status(1);
    }
    let mut status = 0;
    for path in paths {
        let outcome = call.find(&path, true).and_then(|id| {
            if !call.who.is_root() && call.kernel.files.node(id).uid != call.who.uid {
                return Err(Fault::Denied);
            }
            let inner = if recursive { call.kernel.files.list(id) } else { Vec::new() };
            for id in inner.into_iter().take(NODES).map(|(_, id)| id).chain([id]) {
                let node = call.kernel.files.change(id)?;
                node.flags = (node.flags | add) & !remove;
            }
            Ok(())
        });
        if let Err(fault) = outcome {
            let shown = String::from_utf8_lossy(&path).into_owned();
            let text = match (fault, call.is_busybox()) {
                (_, true) => format!("stat '{shown}' failed: {fault}"),
                (Fault::Denied, _) => {
                    format!("Operation not permitted while setting flags on {shown}")
                }
                _ => format!("{fault} while trying to stat {shown}"),
            };
            call.complain(&text);
            status = 1;
        }
    }
    Finish::Status(status)
}

pub(super) fn lsattr(call: &mut Call<'_>) -> Finish {
    let given = match call.options("RVadlpv", &[], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let paths = if given.rest.is_empty() { vec![b".".to_vec()] } else { given.rest.clone() };
    let mut status = 0;
    for path in paths {
        let Ok(id) = call.find(&path, true) else {
            let shown = String::from_utf8_lossy(&path).into_owned();
            call.complain(&format!("No such file or directory while trying to stat {shown}"));
            status = 1;
            continue;
        };
        let listed = call.kernel.files.node(id).is_folder() && !given.has(b'd');
        let all = if listed {
            call.kernel
                .files
                .list(id)
                .into_iter()
                .filter(|(name, _)| given.has(b'a') || name.first() != Some(&b'.'))
                .map(|(name, id)| ([&path[..], b"/", &name].concat(), id))
                .collect()
        } else {
            vec![(path.clone(), id)]
        };
        for (path, id) in all {
            let flags = call.kernel.files.node(id).flags;
            let mark = |bit: u8, letter: char| if flags & bit != 0 { letter } else { '-' };
            let text = format!(
                "----{}{}--------e------- ",
                mark(flags::IMMUTABLE, 'i'),
                mark(flags::APPEND_ONLY, 'a')
            );
            call.out(&[text.as_bytes(), &path, b"\n"].concat());
        }
    }
    Finish::Status(status)
}
