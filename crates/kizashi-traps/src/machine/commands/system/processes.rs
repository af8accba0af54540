//! Processes: `ps`, `top`, `kill` and their kin, from one table.

use super::super::regex::Regex;
use super::{Call, Finish};
use crate::machine::live::Process;
use crate::machine::signal;
use crate::machine::world::calendar;

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn ps(call: &mut Call<'_>) -> Finish {
    if call.is_busybox() {
        return busybox_ps(call);
    }
    if let Some(text) = ps_fault(call) {
        call.err(format!("error: {text}\n\nUsage:\n ps [options]\n\n Try 'ps --help <simple|list|output|threads|misc|all>'\n  or 'ps --help <s|l|o|t|m|a>'\n for additional help text.\n\nFor more details see ps(1).\n").as_bytes());
        return Finish::Status(1);
    }
    if let Some(name) = argument_of(call, b"-C") {
        let name = String::from_utf8_lossy(&name).into_owned();
        let all = call.kernel.processes();
        let chosen: Vec<&Process> = all.iter().filter(|process| process.name == name).collect();
        for line in short(&chosen, false) {
            call.line(&line);
        }
        return Finish::Status(u8::from(chosen.is_empty()));
    }
    let words = call.arguments();
    let letters: Vec<u8> = words
        .iter()
        .filter(|word| !word.starts_with(b"--"))
        .flat_map(|word| word.iter().copied())
        .collect();
    let has = |letter: u8| letters.contains(&letter);
    let bsd = words.iter().any(|word| {
        word.first() != Some(&b'-')
            && (word.contains(&b'a') || word.contains(&b'u') || word.contains(&b'x'))
    });
    let columns = words
        .iter()
        .position(|word| {
            word == b"-o" || word == b"-eo" || word == b"-axo" || word == b"axo" || word == b"-Ao"
        })
        .and_then(|place| words.get(place + 1))
        .cloned();
    let single = words
        .iter()
        .position(|word| word == b"-p" || word == b"--pid")
        .and_then(|place| words.get(place + 1))
        .cloned();
    let all = call.kernel.processes();
    let own = call.kernel.own_terminal();
    let user = String::from_utf8_lossy(&call.kernel.user_name(call.who.uid)).into_owned();
    let every = has(b'e')
        || has(b'A')
        || bsd && has(b'x')
        || words.iter().any(|word| {
            matches!(&word[..], b"-ax" | b"-aux" | b"ax" | b"aux" | b"auxf" | b"auxw" | b"auxww")
        });
    let chosen: Vec<&Process> = all
        .iter()
        .filter(|process| match &single {
            Some(list) => String::from_utf8_lossy(list)
                .split(',')
                .any(|number| number.parse() == Ok(process.number)),
            None => {
                every
                    || process.terminal == own
                        && (own != "?" || process.user == user && !process.command.is_empty())
            }
        })
        .collect();
    call.cost(chosen.len() / 4);
    let lines = match columns {
        Some(columns) => by_columns(call, &String::from_utf8_lossy(&columns), &chosen),
        None if bsd && has(b'u') || has(b'u') && has(b'a') => long_bsd(call, &chosen),
        None if has(b'f') => full(call, &chosen),
        None => short(&chosen, bsd),
    };
    // On a terminal lines end where it ends, unless they are wanted wide.
    let wide = letters.iter().filter(|letter| **letter == b'w').count();
    let width = match (call.screen_columns(), wide) {
        (Some(columns), 0) => columns,
        (Some(columns), 1) => columns.max(132),
        _ => usize::MAX,
    };
    for line in lines {
        let end = line.char_indices().nth(width).map_or(line.len(), |(end, _)| end);
        call.out(&line.as_bytes()[..end]);
        call.out(b"\n");
    }
    Finish::Status(u8::from(chosen.is_empty()))
}

/// The word behind an option.
fn argument_of(call: &Call<'_>, option: &[u8]) -> Option<Vec<u8>> {
    let words = call.arguments();
    let place = words.iter().position(|word| word == option)?;
    words.get(place + 1).cloned()
}

/// What is wrong with the words, as procps says it.
fn ps_fault(call: &mut Call<'_>) -> Option<String> {
    const COLUMNS: [&str; 38] = [
        "pid", "ppid", "user", "uname", "euser", "comm", "ucmd", "cmd", "args", "command", "stat",
        "state", "s", "tty", "tt", "rss", "vsz", "time", "cputime", "%mem", "pmem", "%cpu", "pcpu",
        "uid", "lstart", "start", "stime", "etime", "nice", "ni", "pri", "pgid", "sid", "group",
        "gid", "ruser", "lwp", "nlwp",
    ];
    let long = call.arguments().iter().filter_map(|word| word.strip_prefix(b"--")).any(|word| {
        ![
            &b"sort"[..],
            b"pid",
            b"ppid",
            b"user",
            b"forest",
            b"no-headers",
            b"help",
            b"version",
            b"tty",
            b"cols",
            b"width",
        ]
        .iter()
        .any(|known| word.starts_with(known))
    });
    if long {
        return Some("unknown gnu long option".to_owned());
    }
    if let Some(columns) = argument_of(call, b"-o") {
        let columns = String::from_utf8_lossy(&columns).into_owned();
        let unknown = columns
            .split(',')
            .map(|column| {
                column
                    .split('=')
                    .next()
                    .unwrap_or_default()
                    .split(':')
                    .next()
                    .unwrap_or_default()
                    .trim()
            })
            .find(|name| !COLUMNS.contains(name));
        if let Some(name) = unknown {
            return Some(format!("unknown user-defined format specifier \"{name}\""));
        }
    }
    let user = argument_of(call, b"-u").or_else(|| argument_of(call, b"-U"))?;
    let known = user.iter().all(u8::is_ascii_digit) || call.kernel.account(&user).is_some();
    (!known).then(|| "user name does not exist".to_owned())
}

fn busybox_ps(call: &mut Call<'_>) -> Finish {
    if !call.kernel.world.persona.is_device() {
        // Debian's BusyBox shows fewer columns.
        call.line("PID   USER     COMMAND");
        for process in call.kernel.processes() {
            let line = format!(
                "{:5} {:<8} {}",
                process.number,
                process.user.chars().take(8).collect::<String>(),
                command(&process)
            );
            call.line(&line);
        }
        return Finish::Status(0);
    }
    call.line("  PID USER       VSZ STAT COMMAND");
    for process in call.kernel.processes() {
        let command = if process.command.is_empty() {
            format!("[{}]", process.name)
        } else {
            process.command.clone()
        };
        let line = format!(
            "{:5} {:<8} {:5} {:<4} {command}",
            process.number, process.user, process.virtual_kb, process.state
        );
        let width = call.screen_columns().map_or(400, |columns| columns - 1);
        call.line(&line.chars().take(width).collect::<String>());
    }
    Finish::Status(0)
}

fn command(process: &Process) -> String {
    if process.command.is_empty() { format!("[{}]", process.name) } else { process.command.clone() }
}

fn user(process: &Process) -> String {
    if process.user.len() > 8 { format!("{}+", &process.user[..7]) } else { process.user.clone() }
}

fn computed(process: &Process) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        process.computed / 3_600,
        process.computed / 60 % 60,
        process.computed % 60
    )
}

fn started(process: &Process, now: i64) -> String {
    let start = calendar(process.start);
    if now - process.start < 86_400 {
        format!("{:02}:{:02}", start.hour, start.minute)
    } else {
        format!("{}{:02}", start.short_month(), start.day)
    }
}

fn short(chosen: &[&Process], bsd: bool) -> Vec<String> {
    let mut lines = vec![if bsd {
        "    PID TTY      STAT   TIME COMMAND".to_owned()
    } else {
        "    PID TTY          TIME CMD".to_owned()
    }];
    for process in chosen {
        lines.push(if bsd {
            format!(
                "{:7} {:<8} {:<4} {:>3}:{:02} {}",
                process.number,
                process.terminal,
                process.state,
                process.computed / 60,
                process.computed % 60,
                command(process)
            )
        } else {
            format!(
                "{:7} {:<8} {} {}",
                process.number,
                process.terminal,
                computed(process),
                process.name
            )
        });
    }
    lines
}

fn full(call: &Call<'_>, chosen: &[&Process]) -> Vec<String> {
    let mut lines = vec!["UID          PID    PPID  C STIME TTY          TIME CMD".to_owned()];
    for process in chosen {
        lines.push(format!(
            "{:<8} {:7} {:7}  0 {:>5} {:<8} {} {}",
            user(process),
            process.number,
            process.parent,
            started(process, call.kernel.seconds()),
            process.terminal,
            computed(process),
            command(process)
        ));
    }
    lines
}

fn long_bsd(call: &Call<'_>, chosen: &[&Process]) -> Vec<String> {
    let total = call.kernel.world.hardware.memory_kb;
    let mut lines = vec![
        "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND".to_owned(),
    ];
    for process in chosen {
        let memory = u64::from(process.resident_kb) * 1_000 / total;
        let age = (call.kernel.seconds() - process.start).max(1);
        let share = process.computed * 1_000 / age;
        lines.push(format!(
            "{:<8} {:7} {:2}.{} {:2}.{} {:6} {:5} {:<8} {:<4} {:>5} {:>3}:{:02} {}",
            user(process),
            process.number,
            share / 10,
            share % 10,
            memory / 10,
            memory % 10,
            process.virtual_kb,
            process.resident_kb,
            process.terminal,
            process.state,
            started(process, call.kernel.seconds()),
            process.computed / 60,
            process.computed % 60,
            command(process)
        ));
    }
    lines
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn by_columns(call: &Call<'_>, columns: &str, chosen: &[&Process]) -> Vec<String> {
    let names: Vec<(String, bool)> = columns
        .split(',')
        .map(|column| {
            column
                .split_once('=')
                .map_or((column.trim().to_owned(), true), |(name, _)| (name.to_owned(), false))
        })
        .collect();
    let total = call.kernel.world.hardware.memory_kb;
    let value = |process: &Process, name: &str| match name {
        "pid" => process.number.to_string(),
        "ppid" => process.parent.to_string(),
        "user" | "uname" | "euser" => user(process),
        "comm" | "ucmd" => process.name.clone(),
        "cmd" | "args" | "command" => command(process),
        "stat" | "state" | "s" => process.state.clone(),
        "tty" | "tt" => process.terminal.clone(),
        "rss" => process.resident_kb.to_string(),
        "vsz" => process.virtual_kb.to_string(),
        "time" | "cputime" => computed(process),
        "%mem" | "pmem" => {
            format!("{:.1}", u64::from(process.resident_kb) as f64 * 100.0 / total as f64)
        }
        "%cpu" | "pcpu" => "0.0".to_owned(),
        "uid" => "0".to_owned(),
        "lstart" | "start" | "stime" => started(process, call.kernel.seconds()),
        _ => "-".to_owned(),
    };
    let number = |name: &str| {
        matches!(name, "pid" | "ppid" | "rss" | "vsz" | "%mem" | "%cpu" | "pmem" | "pcpu" | "uid")
    };
    let title = |name: &str| match name {
        "comm" | "cmd" | "args" | "command" => {
            if name == "cmd" { "CMD" } else { "COMMAND" }.to_owned()
        }
        "tty" | "tt" => "TT".to_owned(),
        "pmem" => "%MEM".to_owned(),
        "pcpu" => "%CPU".to_owned(),
        name => name.to_uppercase(),
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    if names.iter().any(|(_, titled)| *titled) {
        rows.push(
            names
                .iter()
                .map(|(name, titled)| if *titled { title(name) } else { String::new() })
                .collect(),
        );
    }
    rows.extend(
        chosen.iter().map(|process| names.iter().map(|(name, _)| value(process, name)).collect()),
    );
    let least = |name: &str| match name {
        "pid" | "ppid" => 7,
        "user" => 8,
        "tty" | "tt" => 8,
        "%mem" | "%cpu" | "stat" => 4,
        _ => 1,
    };
    let width = |place: usize| {
        rows.iter().map(|row| row[place].len()).max().unwrap_or(0).max(least(&names[place].0))
    };
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .enumerate()
                .map(|(place, text)| {
                    if number(&names[place].0) {
                        format!("{text:>width$}", width = widths[place])
                    } else if place + 1 == row.len() {
                        text.clone()
                    } else {
                        format!("{text:<width$}", width = widths[place])
                    }
                })
                .collect();
            cells.join(" ")
        })
        .collect()
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn top(call: &mut Call<'_>) -> Finish {
    let letters: Vec<u8> = call
        .arguments()
        .iter()
        .filter(|word| word.first() == Some(&b'-'))
        .flat_map(|word| word[1..].iter().copied())
        .collect();
    if !call.is_busybox() {
        if let Some(letter) =
            letters.iter().find(|letter| !b"bcdEeHhiknoOpSsUuwv0123456789".contains(letter))
        {
            let letter = char::from(*letter);
            call.err(format!("top: invalid option -- '{letter}'\n").as_bytes());
            return Finish::Status(0);
        }
        // Without a terminal it has nowhere to draw, and says nothing of it.
        if !letters.contains(&b'b') && !call.typed {
            return Finish::Status(1);
        }
    }
    let uptime = super::times::uptime_line(call);
    let memory = call.kernel.memory();
    let mut all = call.kernel.processes();
    all.sort_by_key(|process| (std::cmp::Reverse(process.computed), process.number));
    let count = all.len();
    if call.is_busybox() {
        call.line(&format!(
            "Mem: {}K used, {}K free, {}K shrd, {}K buff, {}K cached",
            memory.total - memory.free,
            memory.free,
            memory.shared,
            memory.buffers,
            memory.cached
        ));
        call.line("CPU:   2% usr   3% sys   0% nic  94% idle   0% io   0% irq   0% sirq");
        let [one, five, fifteen] =
            call.kernel.load().map(|load| format!("{}.{:02}", load / 100, load % 100));
        call.line(&format!(
            "Load average: {one} {five} {fifteen} 1/{count} {}",
            call.kernel.last_process()
        ));
        call.line("  PID  PPID USER     STAT   VSZ %VSZ %CPU COMMAND");
        for process in
            all.iter().take(call.screen_rows().map_or(400, |rows| rows.saturating_sub(4)))
        {
            let share = u64::from(process.virtual_kb) * 100 / memory.total;
            call.line(&format!(
                "{:5} {:5} {:<8} {:<4} {:5} {share:3}%   0% {}",
                process.number,
                process.parent,
                process.user,
                process.state,
                process.virtual_kb,
                command(process)
            ));
        }
        return Finish::Status(0);
    }
    let megabytes = |kb: u64| kb as f64 / 1_024.0;
    let sleeping = count - 1;
    call.line(&format!("top -{}", uptime.strip_prefix("").unwrap_or(&uptime)));
    call.line(&format!(
        "Tasks: {count:3} total,   1 running, {sleeping:3} sleeping,   0 stopped,   0 zombie"
    ));
    call.line("%Cpu(s):  0.0 us,  1.6 sy,  0.0 ni, 98.4 id,  0.0 wa,  0.0 hi,  0.0 si,  0.0 st ");
    let cache = memory.buffers + memory.cached + memory.reclaimable;
    call.line(&format!(
        "MiB Mem : {:8.1} total, {:8.1} free, {:8.1} used, {:8.1} buff/cache     ",
        megabytes(memory.total),
        megabytes(memory.free),
        megabytes(memory.total - memory.available),
        megabytes(cache)
    ));
    call.line(&format!(
        "MiB Swap: {:8.1} total, {:8.1} free, {:8.1} used. {:8.1} avail Mem ",
        megabytes(memory.swap),
        megabytes(memory.swap),
        0.0,
        megabytes(memory.available)
    ));
    call.line("");
    call.line("    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND");
    // Of a screen it fills all lines, and none past their end; in batches it shows all.
    let (rows, columns) = match (call.screen_rows(), call.screen_columns()) {
        (Some(rows), Some(columns)) if !letters.contains(&b'b') => {
            (rows.saturating_sub(7), columns)
        }
        _ => (400, 512),
    };
    for process in all.iter().take(rows) {
        let share = u64::from(process.resident_kb) as f64 * 100.0 / memory.total as f64;
        let state = process.state.chars().next().unwrap_or('S');
        let real_time = if process.state.contains('<') { "  0 -20" } else { " 20   0" };
        let line = format!(
            "{:7} {:<8} {real_time} {:7} {:6} {:6} {state}   0.0 {share:5.1} {:3}:{:02}.{:02} {}",
            process.number,
            user(process),
            process.virtual_kb,
            process.resident_kb,
            process.resident_kb * 2 / 3,
            process.computed / 60,
            process.computed % 60,
            process.number % 100,
            process.name
        );
        call.line(&line);
    }
    // No line of a screen goes past its end.
    let text = String::from_utf8_lossy(&call.unsay()).into_owned();
    for line in text.lines() {
        call.line(&line.chars().take(columns).collect::<String>());
    }
    Finish::Status(0)
}

/// The arguments that are no options, as text.
fn operands(call: &Call<'_>) -> Vec<String> {
    call.arguments()
        .iter()
        .filter(|word| word.first() != Some(&b'-'))
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

pub(super) fn killall(call: &mut Call<'_>) -> Finish {
    let names = operands(call);
    let quiet = call.arguments().iter().any(|word| word == b"-q");
    if names.is_empty() {
        if call.is_busybox() {
            return call.usage("[-l] [-q] [-SIG] NAME...");
        }
        call.err(b"Usage: killall [OPTION]... [--] NAME...\n       killall -l, --list\n       killall -V, --version\n");
        return Finish::Status(1);
    }
    let all = call.kernel.processes();
    let mut status = 0;
    for name in names {
        if !all.iter().any(|process| process.name == name && !process.command.is_empty()) {
            if !quiet {
                let text = if call.is_busybox() {
                    format!("killall: {name}: no process killed\n")
                } else {
                    format!("{name}: no process found\n")
                };
                call.err(text.as_bytes());
            }
            status = 1;
        }
    }
    Finish::Status(status)
}

pub(super) fn pidof(call: &mut Call<'_>) -> Finish {
    let names = operands(call);
    let mut found: Vec<String> = call
        .kernel
        .processes()
        .into_iter()
        .filter(|process| names.contains(&process.name))
        .map(|process| process.number.to_string())
        .collect();
    found.reverse();
    if found.is_empty() {
        return Finish::Status(1);
    }
    call.line(&found.join(" "));
    Finish::Status(0)
}

pub(super) fn pgrep(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "flavxnocu:P:s:t:9e",
        &[("full", b'f'), ("list-name", b'l'), ("exact", b'x'), ("signal", b's')],
        2,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(text) = given.rest.first() else {
        if given.has(b'u') {
            return Finish::Status(0);
        }
        let name = String::from_utf8_lossy(call.name()).into_owned();
        call.complain("no matching criteria specified");
        call.err(format!("Try `{name} --help' for more information.\n").as_bytes());
        return Finish::Status(2);
    };
    let whole = if given.has(b'x') { [b"^(?:", &text[..], b")$"].concat() } else { text.clone() };
    let Ok(regex) = Regex::new(&whole, true, false) else { return Finish::Status(2) };
    let own = call.kernel.files.processes.get(2).copied();
    let found: Vec<Process> = call
        .kernel
        .processes()
        .into_iter()
        .filter(|process| Some(process.number) != own)
        .filter(|process| {
            regex.is_match(
                if given.has(b'f') { command(process) } else { process.name.clone() }.as_bytes(),
            ) != given.has(b'v')
        })
        .collect();
    if call.base_name() == b"pgrep" {
        for process in &found {
            let text = if given.has(b'a') {
                format!("{} {}", process.number, command(process))
            } else if given.has(b'l') {
                format!("{} {}", process.number, process.name)
            } else {
                process.number.to_string()
            };
            call.line(&text);
        }
    }
    // A pattern that the shell's own command line holds kills that shell, as long as it did not become this program.
    let shell = call.kernel.files.processes.get(1).copied();
    let given = call.kernel.place.given.clone().unwrap_or_default();
    let became = given.trim_ascii() == call.words.join(&b' ');
    if call.base_name() == b"pkill"
        && given.len() > 1
        && !became
        && found.iter().any(|process| Some(process.number) == shell)
    {
        let hard = given.windows(2).any(|pair| pair == b"-9")
            || given.windows(5).any(|word| word == b"-KILL");
        return Finish::KillGroup(if hard { signal::KILL } else { signal::TERMINATE });
    }
    Finish::Status(u8::from(found.is_empty()))
}
