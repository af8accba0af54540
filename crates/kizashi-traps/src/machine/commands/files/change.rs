//! Making, removing and moving.

use super::super::Given;
use super::{Call, Finish};
use crate::machine::files::{Body, Device, Fault, NodeId, base_name};

/// Nodes that one recursive removal takes away.
const NODES: usize = 2_000;

pub(super) fn mkdir(call: &mut Call<'_>) -> Finish {
    let given =
        match call.options("pm:v", &[("parents", b'p'), ("mode", b'm'), ("verbose", b'v')], 1) {
            Ok(given) => given,
            Err(finish) => return finish,
        };
    if given.rest.is_empty() {
        return call.missing_operand("[OPTIONS] DIRECTORY...");
    }
    let mode = given
        .text(b'm')
        .and_then(|text| super::attributes::changed_mode(&text, 0o777, true, 0))
        .unwrap_or(0o777 & !call.umask);
    let mut status = 0;
    for path in &given.rest {
        if let Err(fault) = make_folder(call, path, mode, given.has(b'p')) {
            let shown = String::from_utf8_lossy(path).into_owned();
            if call.is_busybox() {
                call.complain(&format!("can't create directory '{shown}': {fault}"));
            } else {
                call.complain(&format!("cannot create directory ‘{shown}’: {fault}"));
            }
            status = 1;
        } else if given.has(b'v') {
            let shown = String::from_utf8_lossy(path).into_owned();
            call.line(&format!("mkdir: created directory '{shown}'"));
        }
    }
    Finish::Status(status)
}

pub(super) fn make_folder(
    call: &mut Call<'_>,
    path: &[u8],
    mode: u16,
    parents: bool,
) -> Result<(), Fault> {
    let (now, who) = (call.kernel.seconds(), call.who);
    let whole = call.path(path);
    let whole =
        if whole.len() > 1 { whole.strip_suffix(b"/").unwrap_or(&whole).to_vec() } else { whole };
    if !parents {
        let place = call.kernel.files.place(&whole, true, who)?;
        return call.kernel.files.create_folder(&place, mode, who, now).map(|_| ());
    }
    let ends: Vec<usize> = whole
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, byte)| **byte == b'/')
        .map(|(place, _)| place)
        .chain([whole.len()])
        .collect();
    for end in ends {
        let place = call.kernel.files.place(&whole[..end], true, who)?;
        match place.node {
            Some(id) if call.kernel.files.node(id).is_folder() => {}
            Some(_) => {
                return Err(if end == whole.len() { Fault::Exists } else { Fault::NotAFolder });
            }
            None => call.kernel.files.create_folder(&place, mode, who, now).map(|_| ())?,
        }
    }
    Ok(())
}

pub(super) fn rmdir(call: &mut Call<'_>) -> Finish {
    let given =
        match call.options("pv", &[("parents", b'p'), ("ignore-fail-on-non-empty", b'v')], 1) {
            Ok(given) => given,
            Err(finish) => return finish,
        };
    if given.rest.is_empty() {
        return call.missing_operand("[OPTIONS] DIRECTORY...");
    }
    let mut status = 0;
    for path in &given.rest {
        let (now, who) = (call.kernel.seconds(), call.who);
        let whole = call.path(path);
        let whole = whole.strip_suffix(b"/").unwrap_or(&whole);
        let outcome = call.kernel.files.place(whole, false, who).and_then(|place| {
            let id = place.node.ok_or(Fault::NotFound)?;
            if !call.kernel.files.node(id).is_folder() {
                return Err(Fault::NotAFolder);
            }
            if !call.kernel.files.list(id).is_empty() {
                return Err(Fault::NotEmpty);
            }
            call.kernel.files.remove(&place, who, now)
        });
        if let Err(fault) = outcome {
            let shown = String::from_utf8_lossy(path).into_owned();
            if call.is_busybox() {
                call.complain(&format!("'{shown}': {fault}"));
            } else {
                call.complain(&format!("failed to remove '{shown}': {fault}"));
            }
            status = 1;
        }
    }
    Finish::Status(status)
}

pub(super) fn rm(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "rRfivId",
        &[
            ("recursive", b'r'),
            ("force", b'f'),
            ("verbose", b'v'),
            ("dir", b'd'),
            ("no-preserve-root", b'n'),
            ("interactive", b'i'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let recursive = given.has(b'r') || given.has(b'R');
    if given.rest.is_empty() {
        return if given.has(b'f') {
            Finish::Status(0)
        } else {
            call.missing_operand("[-irf] FILE...")
        };
    }
    let mut status = 0;
    for path in &given.rest {
        if recursive
            && call.path(path).iter().all(|byte| *byte == b'/')
            && !given.has(b'n')
            && !call.is_busybox()
        {
            call.err(b"rm: it is dangerous to operate recursively on '/'\nrm: use --no-preserve-root to override this failsafe\n");
            status = 1;
            continue;
        }
        if matches!(base_name(path.strip_suffix(b"/").unwrap_or(path)), b"." | b"..") {
            let shown = String::from_utf8_lossy(path).into_owned();
            call.complain(&format!("refusing to remove '.' or '..' directory: skipping '{shown}'"));
            status = 1;
            continue;
        }
        let mut left = NODES;
        status |= remove(call, &given, path, recursive, &mut left);
    }
    Finish::Status(status)
}

fn remove(
    call: &mut Call<'_>,
    given: &Given,
    path: &[u8],
    recursive: bool,
    left: &mut usize,
) -> u8 {
    let (now, who) = (call.kernel.seconds(), call.who);
    let whole = call.path(path);
    let whole =
        if whole.len() > 1 { whole.strip_suffix(b"/").unwrap_or(&whole).to_vec() } else { whole };
    let place = match call.kernel.files.place(&whole, false, who) {
        Ok(place) => place,
        Err(Fault::NotFound) if given.has(b'f') => return 0,
        Err(fault) => return told(call, path, fault),
    };
    let Some(id) = place.node else {
        return if given.has(b'f') { 0 } else { told(call, path, Fault::NotFound) };
    };
    if call.kernel.files.node(id).is_folder() {
        if !recursive {
            let shown = String::from_utf8_lossy(path).into_owned();
            if call.is_busybox() {
                call.complain(&format!("'{shown}' is a directory"));
            } else {
                call.complain(&format!("cannot remove '{shown}': {}", Fault::IsAFolder));
            }
            return 1;
        }
        let mut status = 0;
        // What the image holds of a folder goes with the folder, where all of it may go.
        let simple = who.is_root() && !has_protected(call, id, 0);
        if !simple || call.kernel.files.is_changed(id) {
            for (name, _) in call.kernel.files.list(id) {
                if *left == 0 {
                    break;
                }
                *left -= 1;
                status |= remove(call, given, &[path, b"/", &name].concat(), true, left);
            }
        }
        if status != 0 {
            return status;
        }
    }
    match call.kernel.files.remove(&place, who, now) {
        Ok(()) => {
            if given.has(b'v') {
                let shown = String::from_utf8_lossy(path).into_owned();
                call.line(&format!("removed '{shown}'"));
            }
            0
        }
        Err(fault) => told(call, path, fault),
    }
}

/// Whether anything under a folder cannot be removed, such as `/proc`.
fn has_protected(call: &Call<'_>, id: NodeId, depth: u32) -> bool {
    depth > 12
        || call.kernel.files.list(id).iter().any(|(_, inner)| {
            let node = call.kernel.files.node(*inner);
            node.flags != 0
                || matches!(node.body, Body::Live(_))
                || call.kernel.files.is_changed(*inner)
                || node.is_folder() && has_protected(call, *inner, depth + 1)
        })
}

fn told(call: &mut Call<'_>, path: &[u8], fault: Fault) -> u8 {
    call.cannot("remove", path, fault);
    1
}

/// Where a file goes: into the folder `to`, or under its name.
pub(super) fn destination(call: &Call<'_>, from: &[u8], to: &[u8]) -> Vec<u8> {
    if call.is_folder(to) {
        let slash: &[u8] = if to.ends_with(b"/") { b"" } else { b"/" };
        return [to, slash, base_name(from.strip_suffix(b"/").unwrap_or(from))].concat();
    }
    to.to_vec()
}

pub(super) fn mv(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "finuvTt:",
        &[("force", b'f'), ("no-clobber", b'n'), ("verbose", b'v'), ("target-directory", b't')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (from, to) = match operands(call, &given, "[-fin] SOURCE... DEST") {
        Ok(operands) => operands,
        Err(finish) => return finish,
    };
    let mut status = 0;
    for path in from {
        let target = destination(call, &path, &to);
        let (now, who) = (call.kernel.seconds(), call.who);
        let whole = call.path(&path);
        let (whole, there) =
            (whole.strip_suffix(b"/").unwrap_or(&whole).to_vec(), call.path(&target));
        let source = call.kernel.files.place(&whole, false, who);
        let outcome = source.and_then(|from| {
            from.node.ok_or(Fault::NotFound)?;
            let to = call.kernel.files.place(&there, false, who)?;
            if to.node.is_some() && given.has(b'n') {
                return Ok(());
            }
            if let (Some(from), Some(to)) = (from.node, to.node) {
                let files = &call.kernel.files;
                if files.node(to).is_folder() && !files.node(from).is_folder() {
                    return Err(Fault::IsAFolder);
                }
            }
            call.kernel.files.rename(&from, &to, &there, who, now)
        });
        if outcome.is_ok() && given.has(b'v') {
            let (from, to) = (
                String::from_utf8_lossy(&path).into_owned(),
                String::from_utf8_lossy(&target).into_owned(),
            );
            call.line(&format!("renamed '{from}' -> '{to}'"));
        }
        if let Err(fault) = outcome {
            let missing = call.find(&path, false).is_err();
            if call.is_busybox() {
                call.cannot("rename", &path, fault);
            } else if missing {
                call.cannot("stat", &path, Fault::NotFound);
            } else {
                let (from, to) = (
                    String::from_utf8_lossy(&path).into_owned(),
                    String::from_utf8_lossy(&target).into_owned(),
                );
                call.complain(&format!("cannot move '{from}' to '{to}': {fault}"));
            }
            status = 1;
        }
    }
    Finish::Status(status)
}

/// Sources and destination of `cp` and `mv`.
pub(super) fn operands(
    call: &mut Call<'_>,
    given: &Given,
    usage: &str,
) -> Result<(Vec<Vec<u8>>, Vec<u8>), Finish> {
    if let Some(folder) = given.value(b't') {
        return Ok((given.rest.clone(), folder.to_vec()));
    }
    match given.rest.split_last() {
        None if call.is_busybox() => Err(call.usage(usage)),
        None => {
            call.complain("missing file operand");
            Err(call.usage(""))
        }
        Some((only, [])) => {
            if call.is_busybox() {
                return Err(call.usage(usage));
            }
            let shown = String::from_utf8_lossy(only).into_owned();
            call.complain(&format!("missing destination file operand after '{shown}'"));
            Err(call.usage(""))
        }
        Some((to, from)) => {
            if from.len() > 1 && !call.is_folder(to) {
                let shown = String::from_utf8_lossy(to).into_owned();
                return Err(call.fail(&format!("target '{shown}': No such file or directory"), 1));
            }
            Ok((from.to_vec(), to.clone()))
        }
    }
}

pub(super) fn ln(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "sfnivTbr",
        &[("symbolic", b's'), ("force", b'f'), ("no-dereference", b'n')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(from) = given.rest.first() else {
        if call.is_busybox() {
            return call.usage("[OPTIONS] TARGET... LINK|DIR");
        }
        call.complain("missing file operand");
        return call.usage("");
    };
    let to = given.rest.get(1).cloned().unwrap_or_else(|| base_name(from).to_vec());
    let target = destination(call, from, &to);
    let (now, who) = (call.kernel.seconds(), call.who);
    let there = call.path(&target);
    let source = call.find(from, false);
    let outcome = call.kernel.files.place(&there, false, who).and_then(|mut place| {
        if place.node.is_some() {
            if !given.has(b'f') {
                return Err(Fault::Exists);
            }
            call.kernel.files.remove(&place, who, now)?;
            place.node = None;
        }
        if given.has(b's') {
            return call
                .kernel
                .files
                .create(&place, Body::Link(from.clone().into()), 0o777, who, now)
                .map(|_| ());
        }
        let id = source?;
        if call.kernel.files.node(id).is_folder() {
            return Err(Fault::NotPermitted);
        }
        call.kernel.files.attach(&place, id, now)
    });
    match outcome {
        Ok(()) => Finish::Status(0),
        Err(fault) => {
            let kind = if given.has(b's') { "symbolic" } else { "hard" };
            let (from, shown) = (
                String::from_utf8_lossy(from).into_owned(),
                String::from_utf8_lossy(&target).into_owned(),
            );
            let text = match (call.is_busybox(), fault) {
                (true, _) => format!("{shown}: {fault}"),
                (_, Fault::NotFound) if kind == "hard" => {
                    format!("failed to access '{from}': {fault}")
                }
                _ => format!("failed to create {kind} link '{shown}': {fault}"),
            };
            call.fail(&text, 1)
        }
    }
}

pub(super) fn touch(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "acmhr:t:d:",
        &[("no-create", b'c'), ("date", b'd'), ("reference", b'r')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.rest.is_empty() {
        if call.is_busybox() {
            return call.usage("[-c] [-d DATE] [-t DATE] [-r FILE] FILE...");
        }
        call.complain("missing file operand");
        return call.usage("");
    }
    let reference = given
        .value(b'r')
        .map(<[u8]>::to_vec)
        .and_then(|path| call.find(&path, true).ok())
        .map(|id| call.kernel.files.node(id).modified);
    let named = given
        .text(b'd')
        .and_then(|text| super::super::system::date_of(&text, call.kernel.seconds()));
    let stamped = given.text(b't').and_then(|text| stamp(&text));
    let time = reference.or(named).or(stamped).unwrap_or_else(|| call.kernel.seconds());
    let mut status = 0;
    for path in &given.rest {
        let exists = call.find(path, true);
        let outcome = match exists {
            Ok(id) if call.kernel.files.node(id).uid != call.who.uid && !call.who.is_root() => {
                Err(Fault::Denied)
            }
            Ok(id) => call.kernel.files.change(id).map(|node| node.modified = time),
            Err(Fault::NotFound) if given.has(b'c') => Ok(()),
            Err(Fault::NotFound) => call
                .kernel
                .open_for_writing(call.folder, path, true, 0o666 & !call.umask, call.who)
                .and_then(|(id, _)| call.kernel.files.change(id).map(|node| node.modified = time)),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = outcome {
            let shown = String::from_utf8_lossy(path).into_owned();
            if call.is_busybox() {
                call.complain(&format!("{shown}: {fault}"));
            } else {
                call.complain(&format!("cannot touch '{shown}': {fault}"));
            }
            status = 1;
        }
    }
    Finish::Status(status)
}

/// `[[CC]YY]MMDDhhmm[.ss]`, as `touch -t` has it.
fn stamp(text: &str) -> Option<i64> {
    let (digits, seconds) = text.split_once('.').unwrap_or((text, "0"));
    if digits.len() != 12 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| digits[range].parse::<i64>().ok();
    Some(crate::machine::world::seconds_of(
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(8..10)?,
        part(10..12)?,
        seconds.parse().ok()?,
    ))
}

pub(super) fn mktemp(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "duqtp:",
        &[("directory", b'd'), ("tmpdir", b'p'), ("dry-run", b'u')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let template = given.rest.first().cloned();
    let in_tmp = template.is_none() || given.has(b't') || given.has(b'p');
    let template = template.unwrap_or_else(|| b"tmp.XXXXXXXXXX".to_vec());
    let marks = template.iter().rev().take_while(|byte| **byte == b'X').count();
    if marks < 3 {
        let shown = String::from_utf8_lossy(&template).into_owned();
        return call.fail(&format!("too few X's in template ‘{shown}’"), 1);
    }
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut name = template[..template.len() - marks].to_vec();
    name.extend(
        call.kernel
            .random_bytes(marks)
            .into_iter()
            .map(|byte| LETTERS[usize::from(byte) % LETTERS.len()]),
    );
    let folder = given.value(b'p').filter(|folder| !folder.is_empty()).unwrap_or(b"/tmp");
    let path = if in_tmp { [folder, b"/", &name].concat() } else { name };
    let outcome = if given.has(b'u') {
        Ok(())
    } else if given.has(b'd') {
        make_folder(call, &path, 0o700, false)
    } else {
        call.kernel.open_for_writing(call.folder, &path, false, 0o600, call.who).map(|_| ())
    };
    match outcome {
        Ok(()) => {
            call.out(&[&path[..], b"\n"].concat());
            Finish::Status(0)
        }
        Err(fault) => {
            let shown = String::from_utf8_lossy(&template).into_owned();
            call.fail(&format!("failed to create file via template ‘{shown}’: {fault}"), 1)
        }
    }
}

pub(super) fn truncate(call: &mut Call<'_>) -> Finish {
    let given = match call.options("s:cor:", &[("size", b's'), ("no-create", b'c')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.rest.is_empty() {
        return call.missing_operand("-s SIZE FILE...");
    }
    for path in &given.rest {
        let before = call.read(path).unwrap_or_default();
        let opened =
            call.kernel.open_for_writing(call.folder, path, false, 0o666 & !call.umask, call.who);
        let (node, whole) = match opened {
            Ok(opened) => opened,
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                return call.fail(&format!("cannot open '{shown}' for writing: {fault}"), 1);
            }
        };
        // As much of the new length as is kept of any file.
        let mut bytes = before;
        bytes.resize(new_size(given.text(b's').as_deref(), bytes.len()).min(256 * 1024), 0);
        let _ = call.kernel.write_as(node, 0, &bytes, &whole, false, false);
    }
    Finish::Status(0)
}

/// `10`, `4k`, `+2M`, `-1`.
fn new_size(text: Option<&str>, before: usize) -> usize {
    let Some(text) = text else { return before };
    let number = text.trim_start_matches(['+', '-', '<', '>']);
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    let unit = match number[digits.len()..].chars().next().map(|unit| unit.to_ascii_uppercase()) {
        Some('K') => 1_024,
        Some('M') => 1_048_576,
        Some('G') => 1_073_741_824,
        _ => 1,
    };
    let size = digits.parse::<usize>().unwrap_or(0).saturating_mul(unit);
    match text.as_bytes().first() {
        Some(b'+') => before.saturating_add(size),
        Some(b'-') => before.saturating_sub(size),
        _ => size,
    }
}

pub(super) fn shred(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "fn:uvzx",
        &[("remove", b'u'), ("iterations", b'n'), ("zero", b'z'), ("force", b'f')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let mut status = 0;
    for path in &given.rest {
        match call.find(path, true) {
            Ok(_) if given.has(b'u') => status |= remove(call, &given, path, false, &mut 1),
            Ok(_) => {}
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                call.complain(&format!("{shown}: failed to open for writing: {fault}"));
                status = 1;
            }
        }
    }
    Finish::Status(status)
}

pub(super) fn mknod(call: &mut Call<'_>) -> Finish {
    let given = match call.options("m:", &[("mode", b'm')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(path) = given.rest.first() else {
        return call.missing_operand("[-m MODE] NAME TYPE MAJOR MINOR");
    };
    let number = |place: usize| {
        given
            .rest
            .get(place)
            .and_then(|text| String::from_utf8_lossy(text).parse().ok())
            .unwrap_or(0)
    };
    let kind = given.rest.get(1).and_then(|kind| kind.first()).copied().unwrap_or(b'p');
    let device =
        Device { kind: if kind == b'u' { b'c' } else { kind }, major: number(2), minor: number(3) };
    let (now, who) = (call.kernel.seconds(), call.who);
    let outcome = call.kernel.files.place(&call.path(path), false, who).and_then(|place| {
        if place.node.is_some() {
            return Err(Fault::Exists);
        }
        call.kernel.files.create(&place, Body::Device(device), 0o644, who, now)
    });
    match outcome {
        Ok(_) => Finish::Status(0),
        Err(fault) => {
            call.complain_of(path, fault);
            Finish::Status(1)
        }
    }
}
