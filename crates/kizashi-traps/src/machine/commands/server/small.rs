//! Programs that are asked now and then: who holds a file or a port, the tree of processes, priorities, small tools for numbers and lines.

use super::super::{Call, Finish, Replacement};
use crate::machine::live::Process;

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

pub(super) fn lsof(call: &mut Call<'_>) -> Finish {
    let mut quiet = false;
    let mut port = None;
    let mut words = call.arguments().iter();
    let mut files = Vec::new();
    while let Some(word) = words.next() {
        match &word[..] {
            b"-i" => port = Some(words.next().map(|word| text(word)).unwrap_or_default()),
            b"-t" => quiet = true,
            b"-p" | b"-u" | b"-c" => drop(words.next()),
            [b'-', b'i', rest @ ..] => port = Some(text(rest)),
            [b'-', ..] => {}
            _ => files.push(text(word)),
        }
    }
    if let Some(file) = files
        .iter()
        .find(|file| call.kernel.files.find(&call.path(file.as_bytes()), true, call.who).is_err())
    {
        return call.fail(&format!("status error on {file}: No such file or directory"), 1);
    }
    let number: Option<u16> = port.as_ref().and_then(|port| port.rsplit(':').next()?.parse().ok());
    let rows: Vec<_> = call
        .kernel
        .listeners()
        .into_iter()
        .filter(|(own, ..)| port.is_some() && number.is_none_or(|wanted| wanted == *own))
        .collect();
    if rows.is_empty() {
        return Finish::Status(1);
    }
    if !quiet {
        call.line("COMMAND    PID     USER   FD   TYPE DEVICE SIZE/OFF NODE NAME");
    }
    for (own, process, name) in rows {
        if quiet {
            call.line(&process.to_string());
        } else {
            call.line(&format!(
                "{name:<9} {process:>4}     root    3u  IPv4  {}      0t0  TCP *:{own} (LISTEN)",
                12_000 + process
            ));
        }
    }
    Finish::Status(0)
}

pub(super) fn fuser(call: &mut Call<'_>) -> Finish {
    let Some(what) =
        call.arguments().iter().rfind(|word| word.first() != Some(&b'-')).map(|word| text(word))
    else {
        call.err(b"No process specification given\n");
        return Finish::Status(1);
    };
    let port: Option<u16> = what.split('/').next().and_then(|port| port.parse().ok());
    let owner = call.kernel.listeners().into_iter().find(|(own, ..)| Some(*own) == port);
    match owner {
        Some((own, process, _)) => {
            call.err(format!("{own}/tcp:            ").as_bytes());
            call.out(format!("{process:>6}").as_bytes());
            call.err(b"\n");
            Finish::Status(0)
        }
        None => Finish::Status(1),
    }
}

pub(super) fn pstree(call: &mut Call<'_>) -> Finish {
    if let Some(user) =
        call.arguments().iter().find(|word| word.first() != Some(&b'-')).map(|word| text(word))
        && user.parse::<u32>().is_err()
        && call.kernel.account(user.as_bytes()).is_none()
    {
        call.err(format!("No such user name: {user}\n").as_bytes());
        return Finish::Status(1);
    }
    let all: Vec<Process> = call
        .kernel
        .processes()
        .into_iter()
        .filter(|process| process.number == 1 || !process.command.is_empty())
        .collect();
    let mut shown = String::new();
    branch(&all, 1, "", &mut shown, 0);
    call.out(shown.as_bytes());
    Finish::Status(0)
}

/// One process and those below it: the first child stands on the same line.
fn branch(all: &[Process], number: u32, before: &str, shown: &mut String, depth: u32) {
    let Some(own) = all.iter().find(|process| process.number == number) else { return };
    shown.push_str(&own.name);
    let children: Vec<u32> = all
        .iter()
        .filter(|process| process.parent == number && process.number != number)
        .map(|process| process.number)
        .collect();
    if children.is_empty() || depth > 20 {
        shown.push('\n');
        return;
    }
    let indent = format!("{before}{}", " ".repeat(own.name.chars().count()));
    for (place, child) in children.iter().enumerate() {
        let last = place + 1 == children.len();
        let joint = match (place, last) {
            (0, true) => "───",
            (0, false) => "─┬─",
            (_, true) => " └─",
            _ => " ├─",
        };
        if place > 0 {
            shown.push_str(&indent);
        }
        shown.push_str(joint);
        let below = format!("{indent}{}", if last { "   " } else { " │ " });
        branch(all, *child, &below, shown, depth + 1);
    }
}

pub(super) fn renice(call: &mut Call<'_>) -> Finish {
    let Some(number) = call.arguments().last().map(|word| text(word)) else {
        return call.fail("not enough arguments\nTry 'renice --help' for more information.", 1);
    };
    let known = number
        .parse::<u32>()
        .is_ok_and(|number| call.kernel.processes().iter().any(|process| process.number == number));
    if known {
        call.line(&format!("{number} (process ID) old priority 0, new priority 0"));
        return Finish::Status(0);
    }
    call.fail(&format!("failed to get priority for {number} (process ID): No such process"), 1)
}

/// `ionice -c 3 COMMAND`, `taskset -c 0 COMMAND`: the command, for what it runs with does not show.
pub(super) fn prefix(call: &mut Call<'_>) -> Finish {
    let letters = if call.base_name() == b"ionice" { "c:n:p:t" } else { "acp" };
    let given = match call.leading_options(
        letters,
        &[("class", b'c'), ("cpu-list", b'c'), ("pid", b'p')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let skipped = usize::from(call.base_name() == b"taskset");
    let words: Vec<Vec<u8>> = given.rest.iter().skip(skipped).cloned().collect();
    if words.is_empty() || given.has(b'p') {
        return Finish::Status(0);
    }
    Finish::Replace(Replacement { words, set: Vec::new(), who: None })
}

pub(super) fn chroot(call: &mut Call<'_>) -> Finish {
    let Some(folder) = call.arguments().first().map(|word| text(word)) else {
        return call.missing_operand("NEWROOT [PROG ARGS]");
    };
    if let Err(fault) = call.kernel.files.find(&call.path(folder.as_bytes()), true, call.who) {
        return call.fail(&format!("cannot change root directory to '{folder}': {fault}"), 125);
    }
    let words: Vec<Vec<u8>> = call.arguments().get(1..).unwrap_or_default().to_vec();
    let words = if words.is_empty() { vec![b"/bin/bash".to_vec()] } else { words };
    Finish::Replace(Replacement { words, set: Vec::new(), who: None })
}

pub(super) fn shuf(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "en:i:rz",
        &[("echo", b'e'), ("head-count", b'n'), ("input-range", b'i')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let mut lines: Vec<Vec<u8>> = if given.has(b'e') {
        given.rest.clone()
    } else if let Some((low, high)) = given.text(b'i').and_then(|range| {
        range
            .split_once('-')
            .and_then(|(low, high)| Some((low.parse::<u64>().ok()?, high.parse::<u64>().ok()?)))
    }) {
        (low..=high.min(low + 10_000)).map(|number| number.to_string().into_bytes()).collect()
    } else {
        let (files, _) = call.read_all(&given.rest);
        files
            .iter()
            .flat_map(|(_, bytes)| bytes.split(|byte| *byte == b'\n'))
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    };
    for place in (1..lines.len()).rev() {
        let other = usize::try_from(call.kernel.random() % (place as u64 + 1)).unwrap_or(0);
        lines.swap(place, other);
    }
    let count =
        given.number(b'n').and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    for line in lines.iter().take(count) {
        call.out(&[&line[..], b"\n"].concat());
    }
    Finish::Status(0)
}

pub(super) fn join(call: &mut Call<'_>) -> Finish {
    let given = match call.options("t:1:2:j:a:v:o:e:i", &[], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.rest.len() < 2 {
        return call.missing_operand("");
    }
    let (files, status) = call.read_all(&given.rest[..2]);
    let [(_, one), (_, two)] = &files[..] else { return Finish::Status(status) };
    let rows = |bytes: &[u8]| -> Vec<Vec<String>> {
        text(bytes)
            .lines()
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .collect()
    };
    let (one, two) = (rows(one), rows(two));
    for left in one.iter().take(1_000) {
        for right in two.iter().take(1_000).filter(|right| right.first() == left.first()) {
            let rest = right.get(1..).unwrap_or_default();
            call.line(&[&left[..], rest].concat().join(" "));
        }
    }
    Finish::Status(0)
}

/// `expand` and `unexpand`.
pub(super) fn expand(call: &mut Call<'_>) -> Finish {
    let given = match call.options("t:ia", &[("tabs", b't')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let width =
        given.number(b't').and_then(|width| usize::try_from(width).ok()).unwrap_or(8).clamp(1, 80);
    let back = call.base_name() == b"unexpand";
    let (files, status) = call.read_all(&given.rest);
    for (_, bytes) in files {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut shown = Vec::with_capacity(line.len());
            if back {
                let spaces = line.iter().take_while(|byte| **byte == b' ').count();
                shown.extend(std::iter::repeat_n(b'\t', spaces / width));
                shown.extend_from_slice(&line[spaces - spaces % width..]);
            } else {
                for byte in line {
                    let missing = width - shown.len() % width;
                    if *byte == b'\t' {
                        shown.extend(std::iter::repeat_n(b' ', missing));
                    } else {
                        shown.push(*byte);
                    }
                }
            }
            call.out(&shown);
        }
    }
    Finish::Status(status)
}

pub(super) fn factor(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = if call.arguments().is_empty() {
        text(&call.input()).split_whitespace().map(str::to_owned).collect()
    } else {
        call.arguments().iter().map(|word| text(word)).collect()
    };
    let mut status = 0;
    for word in words.iter().take(100) {
        let Ok(number) = word.parse::<u64>() else {
            call.complain(&format!("‘{word}’ is not a valid positive integer"));
            status = 1;
            continue;
        };
        let (mut rest, mut divisor, mut shown) = (number, 2_u64, format!("{number}:"));
        while divisor * divisor <= rest && divisor < 2_000_000 {
            while rest % divisor == 0 {
                shown.push_str(&format!(" {divisor}"));
                rest /= divisor;
            }
            divisor += 1;
        }
        call.cost(usize::try_from(divisor / 64).unwrap_or(0));
        if rest > 1 {
            shown.push_str(&format!(" {rest}"));
        }
        call.line(&shown);
    }
    Finish::Status(status)
}

pub(super) fn numfmt(call: &mut Call<'_>) -> Finish {
    let longs =
        [("to", b't'), ("from", b'f'), ("suffix", b's'), ("padding", b'p'), ("format", b'm')];
    let given = match call.options("t:f:s:p:m:d:z", &longs, 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let words: Vec<String> = if given.rest.is_empty() {
        text(&call.input()).split_whitespace().map(str::to_owned).collect()
    } else {
        given.rest.iter().map(|word| text(word)).collect()
    };
    let base = if given.value(b't') == Some(b"si") { 1_000.0 } else { 1_024.0 };
    for word in words.iter().take(1_000) {
        let Ok(mut value) = word.parse::<f64>() else {
            return call.fail(&format!("invalid number: ‘{word}’"), 2);
        };
        if given.value(b't').is_none() {
            call.line(word);
            continue;
        }
        let mut unit = "";
        for next in ["K", "M", "G", "T", "P"] {
            if value < base {
                break;
            }
            value /= base;
            unit = next;
        }
        let tenths = (value * 10.0).ceil() / 10.0;
        call.line(&if unit.is_empty() || tenths >= 10.0 {
            format!("{:.0}{unit}", value.ceil())
        } else {
            format!("{tenths:.1}{unit}")
        });
    }
    Finish::Status(0)
}

pub(super) fn namei(call: &mut Call<'_>) -> Finish {
    for path in call
        .arguments()
        .iter()
        .filter(|word| word.first() != Some(&b'-'))
        .take(10)
        .cloned()
        .collect::<Vec<_>>()
    {
        let shown = text(&path);
        call.line(&format!("f: {shown}"));
        let mut so_far = if shown.starts_with('/') { "/".to_owned() } else { String::new() };
        if !so_far.is_empty() {
            call.line(" d /");
        }
        for name in shown.split('/').filter(|name| !name.is_empty()) {
            so_far = format!("{}/{name}", so_far.trim_end_matches('/'));
            let found = call.kernel.files.find(&call.path(so_far.as_bytes()), false, call.who);
            let kind = match &found {
                Ok(node) if call.kernel.files.node(*node).is_folder() => 'd',
                Ok(node)
                    if matches!(
                        call.kernel.files.node(*node).body,
                        crate::machine::files::Body::Link(_)
                    ) =>
                {
                    'l'
                }
                Ok(_) => '-',
                Err(fault) => {
                    call.line(&format!(" {name} - {fault}"));
                    return Finish::Status(1);
                }
            };
            call.line(&format!(" {kind} {name}"));
        }
    }
    Finish::Status(0)
}

pub(super) fn fallocate(call: &mut Call<'_>) -> Finish {
    let given = match call.options("l:o:ndpczx", &[("length", b'l'), ("offset", b'o')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (Some(length), Some(path)) = (given.text(b'l'), given.rest.first().cloned()) else {
        return call.fail("no length argument specified", 1);
    };
    let words = [b"truncate".to_vec(), b"-s".to_vec(), length.to_uppercase().into_bytes(), path];
    Finish::Replace(Replacement { words: words.to_vec(), set: Vec::new(), who: None })
}

pub(super) fn ldd(call: &mut Call<'_>) -> Finish {
    let Some(path) = call.arguments().first().map(|word| text(word)) else {
        call.err(b"ldd: missing file arguments\nTry `ldd --help' for more information.\n");
        return Finish::Status(1);
    };
    match call.read(path.as_bytes()) {
        Err(fault) => call.fail(&format!("{path}: {fault}"), 1),
        Ok(bytes) if !bytes.starts_with(b"\x7fELF") => {
            call.line("\tnot a dynamic executable");
            Finish::Status(1)
        }
        Ok(_) => {
            call.line("\tlinux-vdso.so.1 (0x00007ffd5c3f2000)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1b6d21e000)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f1b6d412000)");
            Finish::Status(0)
        }
    }
}

pub(super) fn cpio(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "idouvtmpH:F:0ca",
        &[("extract", b'i'), ("create", b'o'), ("list", b't')],
        2,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if !b"iotp".iter().any(|letter| given.has(*letter)) {
        return call.fail("You must specify one of -oipt options.\nTry 'cpio --help' or 'cpio --usage' for more information.", 2);
    }
    call.err(b"0 blocks\n");
    Finish::Status(0)
}
