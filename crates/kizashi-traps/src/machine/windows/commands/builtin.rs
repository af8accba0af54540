//! What cmd.exe does itself.

use super::{Call, run};
use crate::machine::windows::line::words;
use crate::machine::windows::{Printed, Shell};

/// Variables that may be set, and letters of one.
const MOST_VARIABLES: usize = 32;
const LONGEST_VALUE: usize = 512;

const BANNER_END: &str = "(c) Microsoft Corporation. All rights reserved.\r\n";

pub(super) fn echo(_: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let text = call.rest;
    // `echo.` prints an empty line; a blank after the name belongs to the name.
    let text = text.strip_prefix([' ', '\t', '.', ':', ',', ';', '=', '/', '(']).unwrap_or(text);
    match text.trim().to_ascii_lowercase().as_str() {
        "" if call.rest.trim().is_empty() => Printed::ok("ECHO is on.\r\n"),
        "on" | "off" => Printed::default(),
        _ => Printed::ok(format!("{text}\r\n")),
    }
}

pub(super) fn set(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let text = call.rest.trim();
    let text = text.strip_prefix("/a ").or_else(|| text.strip_prefix("/A ")).unwrap_or(text);
    let text = text.trim_matches('"');
    if let Some((name, value)) = text.split_once('=') {
        let variables = &mut shell.machine.variables;
        variables.retain(|(set, _)| !set.eq_ignore_ascii_case(name));
        if !value.is_empty() && variables.len() < MOST_VARIABLES {
            let short = |text: &str| text.chars().take(LONGEST_VALUE).collect::<String>();
            variables.push((short(name), short(value)));
        }
        return Printed::default();
    }
    const NAMES: &str = "ALLUSERSPROFILE APPDATA COMPUTERNAME ComSpec LOCALAPPDATA NUMBER_OF_PROCESSORS OS Path PATHEXT PROCESSOR_ARCHITECTURE ProgramData ProgramFiles ProgramFiles(x86) PUBLIC SystemDrive SystemRoot TEMP TMP USERDOMAIN USERNAME USERPROFILE windir";
    let own = NAMES.split(' ').filter_map(|name| Some((name.to_owned(), shell.variable(name)?)));
    let all: String = own
        .chain(shell.machine.variables.clone())
        .filter(|(name, _)| name.to_lowercase().starts_with(&text.to_lowercase()))
        .map(|(name, value)| format!("{name}={value}\r\n"))
        .collect();
    if all.is_empty() {
        return Printed::failed(1, format!("Environment variable {text} not defined\r\n"));
    }
    Printed::ok(all)
}

pub(super) fn change_folder(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let wanted = call.rest.trim();
    let wanted =
        wanted.strip_prefix("/d ").or_else(|| wanted.strip_prefix("/D ")).unwrap_or(wanted);
    if wanted.is_empty() {
        return Printed::ok(format!("{}\r\n", shell.machine.folder));
    }
    let path = shell.path(wanted);
    if !shell.kept.disk.is_folder(&path, &shell.machine.facts) {
        return Printed::failed(1, "The system cannot find the path specified.\r\n");
    }
    shell.machine.folder = path;
    Printed::default()
}

pub(super) fn exit(_: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let status = call.words.iter().find_map(|word| word.parse().ok()).unwrap_or(0);
    Printed { status, ..Printed::default() }
}

/// `cmd /c line`, and `cmd` with lines from a pipe.
pub(super) fn interpreter(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let lower = call.rest.to_ascii_lowercase();
    let place = ["/c", "/k", "/r"].iter().filter_map(|switch| lower.find(switch)).min();
    if let Some(place) = place {
        let line = call.rest.get(place + 2..).unwrap_or_default().trim();
        // Outer quotes go, as `cmd /?` tells.
        let inner = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line);
        let inner = if inner.matches('"').count() % 2 == 0 { inner } else { line };
        return shell.line(inner, call.input);
    }
    let version = shell.machine.facts.version();
    let mut all = Printed::ok(format!("Microsoft Windows [Version {version}]\r\n{BANNER_END}\r\n"));
    for line in call.input.lines().take(32) {
        let printed = shell.line(line, "");
        all.out.push_str(&printed.out);
        all.err.push_str(&printed.err);
    }
    all
}

pub(super) fn call(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    again(shell, call.rest, call.input)
}

/// `start /b "title" program …`.
pub(super) fn start(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let mut rest = call.rest.trim();
    loop {
        if let Some(after) = rest.strip_prefix('"') {
            let (_, after) = after.split_once('"').unwrap_or(("", ""));
            if after.trim().is_empty() {
                break;
            }
            rest = after.trim();
        } else if rest.starts_with('/') {
            rest = rest.split_once(char::is_whitespace).map_or("", |(_, after)| after.trim());
        } else {
            break;
        }
    }
    let printed = again(shell, rest, call.input);
    Printed { out: String::new(), ..printed }
}

/// Runs a command within one, without reading operators again.
fn again(shell: &mut Shell<'_>, text: &str, input: &str) -> Printed {
    if shell.steps == 0 || shell.depth >= super::super::DEPTH {
        return Printed::default();
    }
    shell.steps -= 1;
    shell.depth += 1;
    let printed = run(shell, text, input);
    shell.depth -= 1;
    printed
}

/// `if [not] exist path …`, `if [not] defined name …`, `if [/i] [not] a==b …`; what comes after `else` with it.
pub(super) fn condition(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let mut rest = call.rest.trim_start();
    let takes = |rest: &mut &str, word: &str| {
        let found = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            && rest.get(word.len()..).is_some_and(|after| after.starts_with(' '));
        if found {
            *rest = rest[word.len()..].trim_start();
        }
        found
    };
    takes(&mut rest, "/i");
    let negated = takes(&mut rest, "not");
    let exists = takes(&mut rest, "exist");
    let defined = !exists && takes(&mut rest, "defined");
    let end = quoted_word(rest);
    let (word, rest) = (rest.get(..end).unwrap_or(rest), rest.get(end..).unwrap_or_default());
    let holds = if exists {
        let path = shell.path(word);
        let (disk, facts) = (&shell.kept.disk, &shell.machine.facts);
        disk.is_file(&path) || disk.is_folder(&path, facts)
    } else if defined {
        shell.variable(word).is_some()
    } else {
        word.split_once("==").is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
    };
    let (then, otherwise) = match rest.to_ascii_lowercase().find(" else ") {
        Some(place) => (&rest[..place], &rest[place + 6..]),
        None => (rest, ""),
    };
    let chosen = if holds == negated { otherwise } else { then };
    again(shell, chosen.trim().trim_start_matches('(').trim_end_matches(')'), call.input)
}

/// Where the first word ends, its quotes counted.
fn quoted_word(text: &str) -> usize {
    let mut quoted = false;
    text.char_indices()
        .find(|(_, letter)| {
            quoted ^= *letter == '"';
            letter.is_whitespace() && !quoted
        })
        .map_or(text.len(), |(at, _)| at)
}

/// `for %i in (a b) do command`, over words; over files and output it does nothing.
pub(super) fn for_loop(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let mut all = Printed::default();
    let Some((head, command)) = call.rest.split_once(" do ") else {
        return Printed::failed(1, "The syntax of the command is incorrect.\r\n");
    };
    let Some((name, list)) = head.split_once('(') else { return all };
    let name = name.trim().split(' ').next().unwrap_or_default().trim_start_matches('%');
    if name.is_empty() || name.starts_with('/') {
        return all;
    }
    let list = list.trim_end().trim_end_matches(')');
    for word in words(&list.replace(',', " ")).iter().take(32) {
        let line = command.replace(&format!("%%{name}"), word).replace(&format!("%{name}"), word);
        let line = line.chars().take(super::super::LONGEST).collect::<String>();
        let printed = again(shell, &line, "");
        all.out.push_str(&printed.out);
        all.err.push_str(&printed.err);
        all.status = printed.status;
    }
    all
}
