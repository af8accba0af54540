//! `cp`, `install`, `dd`, `split`.

use super::super::{Given, Moment};
use super::change::{destination, make_folder, operands};
use super::{Call, Finish};
use crate::machine::files::{Body, Device, Fault, NodeId};

/// Nodes that one recursive copy makes, and bytes that `dd` moves.
const NODES: usize = 200;
const MOVED: usize = 8 * 1024 * 1024;

pub(super) fn cp(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "rRafpinuvdTLPlst:x",
        &[
            ("recursive", b'r'),
            ("archive", b'a'),
            ("force", b'f'),
            ("verbose", b'v'),
            ("preserve", b'p'),
            ("no-clobber", b'n'),
            ("target-directory", b't'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (from, to) = match operands(call, &given, "[OPTIONS] SOURCE... DEST") {
        Ok(operands) => operands,
        Err(finish) => return finish,
    };
    let mut status = 0;
    for path in from {
        let target = destination(call, &path, &to);
        let mut left = NODES;
        status |= copy(call, &given, &path, &target, &mut left);
    }
    Finish::Status(status)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn copy(call: &mut Call<'_>, given: &Given, from: &[u8], to: &[u8], left: &mut usize) -> u8 {
    let recursive = given.has(b'r') || given.has(b'R') || given.has(b'a');
    let id = match call.find(from, !given.has(b'a') && !given.has(b'd')) {
        Ok(id) => id,
        Err(fault) => {
            call.cannot("stat", from, fault);
            return 1;
        }
    };
    if *left == 0 {
        return 1;
    }
    *left -= 1;
    let node = call.kernel.files.node(id);
    if node.is_folder() {
        let shown = String::from_utf8_lossy(from).into_owned();
        if !recursive {
            if call.is_busybox() {
                call.complain(&format!("omitting directory '{shown}'"));
            } else {
                call.complain(&format!("-r not specified; omitting directory '{shown}'"));
            }
            return 1;
        }
        let (mode, members) = (node.mode, call.kernel.files.list(id));
        let _ = make_folder(call, to, mode, false);
        let mut status = 0;
        for (name, _) in members {
            status |=
                copy(call, given, &[from, b"/", &name].concat(), &[to, b"/", &name].concat(), left);
        }
        return status;
    }
    if call.path(from) == call.path(to) {
        let shown = String::from_utf8_lossy(from).into_owned();
        call.complain(&format!("'{shown}' and '{shown}' are the same file"));
        return 1;
    }
    match copy_file(call, id, to) {
        Ok(()) => {
            if given.has(b'v') {
                let (from, to) = (
                    String::from_utf8_lossy(from).into_owned(),
                    String::from_utf8_lossy(to).into_owned(),
                );
                call.line(&format!("'{from}' -> '{to}'"));
            }
            0
        }
        Err((fault, reading)) => {
            let shown = String::from_utf8_lossy(if reading { from } else { to }).into_owned();
            let text = match (call.is_busybox(), reading) {
                (true, true) => format!("can't open '{shown}': {fault}"),
                (true, false) => format!("can't create '{shown}': {fault}"),
                (false, true) => format!("cannot open '{shown}' for reading: {fault}"),
                (false, false) if fault == Fault::NoSpace => {
                    format!("error writing '{shown}': {fault}")
                }
                (false, false) => format!("cannot create regular file '{shown}': {fault}"),
            };
            call.complain(&text);
            1
        }
    }
}

/// Copies a file; the machine's own programs and files stay its own, which is why they are no payload.
pub(super) fn copy_file(call: &mut Call<'_>, id: NodeId, to: &[u8]) -> Result<(), (Fault, bool)> {
    let node = call.kernel.files.node(id).clone();
    if !node.permits(call.who, 4) {
        return Err((Fault::Denied, true));
    }
    let (now, who) = (call.kernel.seconds(), call.who);
    let mode = node.mode & 0o777 & !call.umask;
    if let Body::Program { .. } | Body::Bytes(_) | Body::Link(_) = node.body {
        let size = node.size();
        if size > call.kernel.files.room {
            return Err((Fault::NoSpace, false));
        }
        let whole = call.path(to);
        let place = call.kernel.files.place(&whole, true, who).map_err(|fault| (fault, false))?;
        match place.node {
            None => {
                call.kernel
                    .files
                    .create(&place, node.body, mode, who, now)
                    .map_err(|fault| (fault, false))?;
            }
            Some(there) => {
                call.kernel.files.may_write(there, false, who).map_err(|fault| (fault, false))?;
                if matches!(call.kernel.files.node(there).body, Body::Device(_)) {
                    return Ok(());
                }
                call.kernel.files.truncate(there, &whole, now).map_err(|fault| (fault, false))?;
                call.kernel.files.change(there).map_err(|fault| (fault, false))?.body = node.body;
            }
        }
        call.kernel.files.room -= size;
        return Ok(());
    }
    let visitors = matches!(&node.body, Body::Written(written) if written.visitors);
    let mut bytes = call.kernel.read(id).map_err(|fault| (fault, true))?;
    bytes.truncate(MOVED);
    call.cost(bytes.len() / 1_024);
    let (there, path) = call
        .kernel
        .open_for_writing(call.folder, to, false, mode, who)
        .map_err(|fault| (fault, false))?;
    call.kernel
        .write_as(there, 0, &bytes, &path, visitors, false)
        .map_err(|fault| (fault, false))?;
    Ok(())
}

pub(super) fn install(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "dDm:o:g:vcpst:",
        &[("directory", b'd'), ("mode", b'm'), ("owner", b'o'), ("group", b'g')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let mode = given
        .text(b'm')
        .and_then(|text| super::attributes::changed_mode(&text, 0, false, 0))
        .unwrap_or(0o755);
    if given.has(b'd') {
        for path in &given.rest {
            let _ = make_folder(call, path, mode, true);
        }
        return Finish::Status(0);
    }
    let (from, to) =
        match operands(call, &given, "[-cdDsp] [-o USER] [-g GRP] [-m MODE] [SOURCE]... DEST") {
            Ok(operands) => operands,
            Err(finish) => return finish,
        };
    let mut status = 0;
    for path in from {
        let target = destination(call, &path, &to);
        status |= copy(call, &given, &path, &target, &mut 1);
        if let Ok(node) = call.find(&target, true).and_then(|id| call.kernel.files.change(id)) {
            node.mode = mode;
        }
    }
    Finish::Status(status)
}

/// `512`, `4k`, `1M`, `2x1k` in bytes.
fn size(text: &str) -> Option<usize> {
    text.split('x').try_fold(1_usize, |product, part| {
        let digits = part.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let factor = match &part[digits.len()..] {
            "" | "c" => 1,
            "w" => 2,
            "b" => 512,
            "kB" | "KB" => 1_000,
            "k" | "K" | "KiB" => 1_024,
            "MB" => 1_000_000,
            "M" | "MiB" => 1_048_576,
            "G" | "GB" | "GiB" => 1_073_741_824,
            _ => return None,
        };
        Some(product.saturating_mul(digits.parse::<usize>().ok()?.saturating_mul(factor)))
    })
}

pub(super) fn dd(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    let option = |name: &str| {
        words
            .iter()
            .rev()
            .find_map(|word| {
                word.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
            })
            .map(<[u8]>::to_vec)
    };
    let known = [
        "if", "of", "bs", "ibs", "obs", "count", "skip", "seek", "conv", "status", "iflag", "oflag",
    ];
    for word in call.arguments() {
        let name = word.split(|byte| *byte == b'=').next().unwrap_or_default();
        if !known.iter().any(|known| known.as_bytes() == name) || !word.contains(&b'=') {
            if word == b"--help" || word == b"--version" {
                return Finish::Status(0);
            }
            let shown = String::from_utf8_lossy(word).into_owned();
            if call.is_busybox() {
                return call.usage(
                    "[if=FILE] [of=FILE] [ibs=N] [obs=N] [bs=N] [count=N] [skip=N]\n\t[seek=N]",
                );
            }
            call.complain(&format!("unrecognized operand ‘{shown}’"));
            return call.usage("");
        }
    }
    let mut numbers = [512, usize::MAX, 0, 0];
    for (place, name) in ["bs", "count", "skip", "seek"].iter().enumerate() {
        let Some(text) = option(name).or_else(|| option("ibs").filter(|_| place == 0)) else {
            continue;
        };
        let shown = String::from_utf8_lossy(&text).into_owned();
        match size(&shown) {
            Some(0) if place == 0 => return call.fail(&format!("invalid number: ‘{shown}’"), 1),
            Some(number) => numbers[place] = number,
            None => return call.fail(&format!("invalid number: ‘{shown}’"), 1),
        }
    }
    let [block, count, skip, seek] = numbers;
    let from = option("if").unwrap_or_else(|| b"-".to_vec());
    let bytes = match call.read(&from) {
        Ok(bytes) => bytes,
        Err(fault) => {
            let shown = String::from_utf8_lossy(&from).into_owned();
            return if call.is_busybox() {
                call.fail(&format!("can't open '{shown}': {fault}"), 1)
            } else {
                call.fail(&format!("failed to open '{shown}': {fault}"), 1)
            };
        }
    };
    move_bytes(call, &bytes, (block, count, skip, seek), option("of").as_deref(), &option)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn move_bytes(
    call: &mut Call<'_>,
    bytes: &[u8],
    (block, count, skip, seek): (usize, usize, usize, usize),
    to: Option<&[u8]>,
    option: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Finish {
    let start = skip.saturating_mul(block).min(bytes.len());
    let wanted = block.saturating_mul(count);
    let taken = &bytes[start..start + wanted.min(bytes.len() - start)];
    let conversion = option("conv").unwrap_or_default();
    let converted = if conversion.windows(5).any(|word| word == b"ucase") {
        taken.to_ascii_uppercase()
    } else if conversion.windows(5).any(|word| word == b"lcase") {
        taken.to_ascii_lowercase()
    } else {
        taken.to_vec()
    };
    let taken = &converted[..];
    // A device gives as much as is asked for: more than is moved counts, and is zeros or noise.
    let endless = bytes.len() == crate::machine::kernel::READABLE;
    let mut size = match (endless, to) {
        (false, _) => taken.len(),
        (true, None) => wanted.min(MOVED * 64),
        (true, Some(_)) => wanted,
    };
    let sinks = to.is_some_and(|path| {
        call.find(path, true).is_ok_and(|id| {
            matches!(call.kernel.files.node(id).body, Body::Device(Device { minor: 3 | 5, .. }))
        })
    });
    if sinks && size == usize::MAX {
        // From one device into another without an end.
        call.kernel.meter.exhaust();
    }
    let mut status = 0;
    let mut unwritten = 0;
    match to {
        None => call.out(taken),
        Some(path) => {
            let keep = option("conv")
                .is_some_and(|conv| conv.windows(7).any(|window| window == b"notrunc"))
                || seek > 0;
            let written = call
                .kernel
                .open_for_writing(call.folder, path, keep, 0o666 & !call.umask, call.who)
                .and_then(|(node, path)| {
                    if sinks {
                        return Ok(());
                    }
                    let room = usize::try_from(call.kernel.files.room).unwrap_or(usize::MAX);
                    let taken = &taken[..taken.len().min(room)];
                    let fits = size.min(room);
                    unwritten = usize::from(fits < size);
                    size = fits;
                    let offset = seek.saturating_mul(block) as u64;
                    call.kernel.write_as(node, offset, taken, &path, !endless, false)?;
                    let hole = if endless { size.saturating_sub(taken.len()) } else { 0 };
                    call.kernel.files.stretch(node, hole as u64)?;
                    if unwritten > 0 { Err(Fault::NoSpace) } else { Ok(()) }
                });
            if let Err(fault) = written {
                let shown = String::from_utf8_lossy(path).into_owned();
                let text = match (fault, call.is_busybox()) {
                    (Fault::NoSpace, _) => format!("error writing '{shown}': {fault}"),
                    (_, true) => format!("can't open '{shown}': {fault}"),
                    _ => format!("failed to open '{shown}': {fault}"),
                };
                call.complain(&text);
                status = 1;
                if fault != Fault::NoSpace {
                    return Finish::Status(1);
                }
            }
        }
    }
    call.cost(taken.len() / 512);
    let level = option("status");
    if level.as_deref() == Some(b"none") {
        return Finish::Status(status);
    }
    let part = u8::from(size % block != 0 && unwritten == 0);
    let whole = size / block;
    call.err(
        format!("{}+{part} records in\n{whole}+{part} records out\n", whole + unwritten).as_bytes(),
    );
    if level.as_deref() != Some(b"noxfer") && !(call.is_busybox() && size == 0) {
        let text = speed(call, size);
        call.err(text.as_bytes());
    }
    if size > MOVED * 64 {
        // It takes the time that it says, as far as anybody waits.
        let after = std::time::Duration::from_micros(size as u64 / 900);
        let text = call.unsay();
        return Finish::Slow(vec![Moment { after, text, error: true }], status);
    }
    Finish::Status(status)
}

fn speed(call: &mut Call<'_>, size: usize) -> String {
    let micros = 90 + call.kernel.random() % 400 + size as u64 / 900;
    let seconds = micros as f64 / 1_000_000.0;
    let rate = size as f64 / seconds;
    if call.is_busybox() {
        return format!(
            "{size} bytes ({}B) copied, {seconds:.6} seconds, {}B/s\n",
            scaled(size as f64, 1_024.0, ["", "K", "M", "G"], ""),
            scaled(rate, 1_024.0, ["", "K", "M", "G"], "")
        );
    }
    let mut sizes = format!("{size} bytes");
    if size == 1 {
        sizes = "1 byte".to_owned();
    }
    if size >= 1_000 {
        sizes.push_str(&format!(" ({}B", scaled(size as f64, 1_000.0, ["", "k", "M", "G"], " ")));
        if size >= 1_024 {
            sizes.push_str(&format!(
                ", {}B",
                scaled(size as f64, 1_024.0, ["", "Ki", "Mi", "Gi"], " ")
            ));
        }
        sizes.push(')');
    }
    format!(
        "{sizes} copied, {} s, {}B/s\n",
        shortest(seconds),
        scaled(rate, 1_000.0, ["", "k", "M", "G"], " ")
    )
}

/// Six significant digits, as printf's `%g`.
fn shortest(value: f64) -> String {
    if value < 0.0001 {
        let text = format!("{value:.5e}");
        let (mantissa, exponent) = text.split_once("e-").unwrap_or((&text, "5"));
        return format!("{}e-{exponent:0>2}", mantissa.trim_end_matches('0').trim_end_matches('.'));
    }
    let places = 5_i32 - (value.log10().floor() as i32);
    let text = format!("{value:.0$}", usize::try_from(places.clamp(0, 12)).unwrap_or(6));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn scaled(value: f64, base: f64, units: [&str; 4], between: &str) -> String {
    let mut value = value;
    for unit in &units[..3] {
        if value < base {
            return if value < 10.0 && !unit.is_empty() {
                format!("{value:.1}{between}{unit}")
            } else {
                format!("{value:.0}{between}{unit}")
            };
        }
        value /= base;
    }
    if value < 10.0 {
        format!("{value:.1}{between}{}", units[3])
    } else {
        format!("{value:.0}{between}{}", units[3])
    }
}

pub(super) fn split(call: &mut Call<'_>) -> Finish {
    let given = match call.options("b:l:d", &[("bytes", b'b'), ("lines", b'l')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (files, status) = call.read_all(given.rest.get(..1).unwrap_or_default());
    let Some((_, bytes)) = files.into_iter().next() else { return Finish::Status(status) };
    let prefix = given.rest.get(1).cloned().unwrap_or_else(|| b"x".to_vec());
    let pieces: Vec<Vec<u8>> = match given.text(b'b').and_then(|text| size(&text)) {
        Some(size) if size > 0 => bytes.chunks(size).map(<[u8]>::to_vec).collect(),
        _ => {
            let count = given
                .number(b'l')
                .and_then(|count| usize::try_from(count).ok())
                .unwrap_or(1_000)
                .max(1);
            let lines: Vec<&[u8]> = super::super::text::lines(&bytes).collect();
            lines.chunks(count).map(<[&[u8]]>::concat).collect()
        }
    };
    for (place, piece) in pieces.iter().enumerate().take(NODES) {
        let name =
            [&prefix[..], &[b'a' + (place / 26 % 26) as u8, b'a' + (place % 26) as u8]].concat();
        let written = call
            .kernel
            .open_for_writing(call.folder, &name, false, 0o666 & !call.umask, call.who)
            .and_then(|(node, path)| call.kernel.write(node, 0, piece, &path));
        if let Err(fault) = written {
            call.complain_of(&name, fault);
            return Finish::Status(1);
        }
    }
    Finish::Status(0)
}
