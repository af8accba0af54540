//! `kill`, as a program and as each shell's own command.

use super::{Call, Finish};
use crate::machine::signal::{self, Signal};

pub(super) fn kill(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    if words.first().is_some_and(|word| matches!(&word[..], b"-l" | b"-L")) {
        return list(call, words.get(1));
    }
    let (sent, targets) = match asked(words) {
        Ok(asked) => asked,
        Err(word) => {
            let shown = String::from_utf8_lossy(&word).into_owned();
            let text = if call.is_busybox() {
                format!("bad signal name '{shown}'")
            } else {
                format!("{shown}: invalid signal specification")
            };
            return call.fail(&text, 1);
        }
    };
    if targets.is_empty() {
        return usage(call);
    }
    // The login shell, or what was given to run, leads all that runs at the console.
    let leader = call.kernel.files.processes.get(1).copied();
    let mut status = 0;
    let mut last = None;
    for target in targets {
        let Ok(number) = target.trim_start_matches('%').parse::<i64>() else {
            let text = if call.is_busybox() {
                format!("invalid number '{target}'")
            } else {
                format!("{target}: arguments must be process or job IDs")
            };
            call.complain(&text);
            status = 1;
            continue;
        };
        let process = u32::try_from(number.unsigned_abs()).unwrap_or(u32::MAX);
        if number == 0 || number == -1 || number < 0 && Some(process) == leader {
            last = Some(Finish::KillGroup(sent));
        } else if process == call.shell && !target.starts_with('%') {
            last = Some(Finish::KillShell(sent));
        } else if Some(process) == leader {
            last = Some(Finish::KillGroup(sent));
        } else {
            status |= reach(call, process);
        }
    }
    match last {
        Some(finish) if signal::kills(sent) && status == 0 => finish,
        _ => Finish::Status(status),
    }
}

/// Whether a process that is no shell of the visitor's can be sent a signal; nothing becomes of it.
fn reach(call: &mut Call<'_>, number: u32) -> u8 {
    let all = call.kernel.processes();
    let text = match all.iter().find(|process| process.number == number) {
        Some(process) if !call.who.is_root() && process.user == "root" => {
            format!("({number}) - Operation not permitted")
        }
        Some(_) => return 0,
        None if call.is_busybox() => format!("can't kill pid {number}: No such process"),
        None => format!("({number}) - No such process"),
    };
    call.complain(&text);
    1
}

/// The signal, and to whom; the word that names none where it is wrong.
fn asked(words: &[Vec<u8>]) -> Result<(Signal, Vec<String>), Vec<u8>> {
    let mut sent = signal::TERMINATE;
    let mut rest = words.iter();
    let mut targets = Vec::new();
    let mut options = true;
    while let Some(word) = rest.next() {
        match word.strip_prefix(b"-").filter(|letters| !letters.is_empty() && options) {
            Some(b"-") => options = false,
            Some(b"s" | b"n") => {
                let name = rest.next().cloned().unwrap_or_default();
                sent = signal::named(&name).ok_or(name)?;
            }
            Some(name) => {
                let name = name
                    .strip_prefix(b"s")
                    .filter(|rest| signal::named(rest).is_some())
                    .unwrap_or(name);
                sent = signal::named(name).ok_or_else(|| name.to_vec())?;
                options = false;
            }
            None => {
                options = false;
                targets.push(String::from_utf8_lossy(word).into_owned());
            }
        }
    }
    Ok((sent, targets))
}

fn usage(call: &mut Call<'_>) -> Finish {
    if call.is_busybox() {
        return call.usage("[-l] [-SIG] PID...");
    }
    if call.shells_own.is_none() {
        call.err(b"\nUsage:\n kill [options] <pid> [...]\n\nOptions:\n <pid> [...]            send signal to every <pid> listed\n -<signal>, -s, --signal <signal>\n                        specify the <signal> to be sent\n -q, --queue <value>    integer value to be sent with the signal\n -l, --list=[<signal>]  list all signal names, or convert one to a name\n -L, --table            list all signal names in a nice table\n\n -h, --help     display this help and exit\n -V, --version  output version information and exit\n\nFor more details see kill(1).\n");
        return Finish::Status(1);
    }
    call.err(b"kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n");
    Finish::Status(2)
}

/// `kill -l`: all of them, or one by its number, its exit status or its name.
fn list(call: &mut Call<'_>, wanted: Option<&Vec<u8>>) -> Finish {
    if let Some(wanted) = wanted {
        let text = String::from_utf8_lossy(wanted).into_owned();
        let shown = match text.parse::<u32>() {
            Ok(number) => {
                u8::try_from(number & 127).ok().filter(|number| *number > 0).and_then(signal::name)
            }
            Err(_) => signal::named(wanted).map(|number| number.to_string()),
        };
        return match shown {
            Some(shown) => {
                call.line(&shown);
                Finish::Status(0)
            }
            None => call.fail(&format!("{text}: invalid signal specification"), 1),
        };
    }
    let prefix = if call.is_busybox() { "" } else { "SIG" };
    let cells: Vec<String> =
        signal::all().map(|(number, name)| format!("{number:2}) {prefix}{name}")).collect();
    // Of GNU's five in a row, each at its place.
    let in_row = if call.is_busybox() { 1 } else { 5 };
    for row in cells.chunks(in_row) {
        call.line(&row.join("\t"));
    }
    Finish::Status(0)
}
