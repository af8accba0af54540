//! The commands, by theme. A command is given its words and its text as typed, and what came through a pipe.

mod accounts;
mod builtin;
mod download;
mod files;
mod network;
pub(super) mod powershell;
mod services;
mod system;

use super::disk;
use super::line::words;
use super::{Facts, LONGEST, Printed, Shell, Started};

/// Addresses of one command that are told.
const MOST_ADDRESSES: usize = 8;

/// One command as it was typed.
struct Call<'a> {
    /// Everything after the name.
    rest: &'a str,
    words: Vec<String>,
    input: &'a str,
}

impl Call<'_> {
    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.word(at).eq_ignore_ascii_case(word)
    }

    /// Whether `/switch` or `-switch` is among the words.
    fn has(&self, switch: &str) -> bool {
        self.words.iter().any(|word| is_switch(word, switch))
    }

    /// The word after a switch.
    fn after(&self, switch: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| is_switch(word, switch))?;
        self.words.get(at + 1).map(String::as_str)
    }

    /// Words that are no switches.
    fn operands(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str).filter(|word| !word.starts_with('/'))
    }
}

fn is_switch(word: &str, switch: &str) -> bool {
    word.strip_prefix(['/', '-']).is_some_and(|word| word.eq_ignore_ascii_case(switch))
}

type Run = fn(&mut Shell<'_>, &Call<'_>) -> Printed;

/// Names and what they do.
const COMMANDS: &[(&str, Run)] = &[
    ("assoc", |_, _| {
        Printed::ok(
            ".bat=batfile\r\n.cmd=cmdfile\r\n.exe=exefile\r\n.txt=txtfile\r\n.vbs=VBSFile\r\n",
        )
    }),
    ("arp", network::arp),
    ("at", |_, _| {
        Printed::ok(
            "The AT command has been deprecated. Please use schtasks.exe instead.\r\n\r\nThe request is not supported.\r\n",
        )
    }),
    ("attrib", files::attributes),
    ("bitsadmin", download::bitsadmin),
    ("cacls", files::permissions),
    ("call", builtin::call),
    ("cd", builtin::change_folder),
    ("certutil", download::certutil),
    ("chcp", |_, _| Printed::ok("Active code page: 437\r\n")),
    ("chdir", builtin::change_folder),
    ("cls", |_, _| Printed::ok("\u{c}")),
    ("cmd", builtin::interpreter),
    ("copy", files::copy),
    ("cscript", download::script_host),
    ("curl", download::curl),
    ("del", files::delete),
    ("dir", files::directory),
    ("driverquery", |_, _| Printed::default()),
    ("echo", builtin::echo),
    ("erase", files::delete),
    ("exit", builtin::exit),
    ("find", files::find),
    ("findstr", files::find),
    ("for", builtin::for_loop),
    ("ftp", download::ftp),
    ("getmac", network::hardware),
    ("hostname", system::hostname),
    ("icacls", files::permissions),
    ("if", builtin::condition),
    ("ipconfig", network::interfaces),
    ("md", files::make_folder),
    ("mkdir", files::make_folder),
    ("more", |_, call| Printed::ok(call.input)),
    ("move", files::rename),
    ("mshta", download::started),
    ("msiexec", download::started),
    ("nbtstat", network::names),
    ("net", accounts::net),
    ("net1", accounts::net),
    ("netsh", network::netsh),
    ("netstat", network::connections),
    ("nltest", |_, _| {
        Printed::refused(
            1355,
            "I_NetGetDCList failed: Status = 1355 0x54b ERROR_NO_SUCH_DOMAIN\r\n",
        )
    }),
    ("nslookup", network::lookup),
    ("pause", |_, _| Printed::ok("Press any key to continue . . . \r\n")),
    ("ping", network::ping),
    ("powershell", powershell::command),
    ("pwsh", powershell::command),
    ("qprocess", system::tasks),
    ("query", system::sessions),
    ("quser", system::sessions),
    ("qwinsta", system::sessions),
    ("rd", files::remove_folder),
    ("reg", services::registry),
    ("regsvr32", download::started),
    ("rem", |_, _| Printed::default()),
    ("ren", files::rename),
    ("rename", files::rename),
    ("rmdir", files::remove_folder),
    ("route", network::routes),
    ("rundll32", download::started),
    ("sc", services::control),
    ("schtasks", services::tasks),
    ("set", builtin::set),
    ("setlocal", |_, _| Printed::default()),
    ("shutdown", |_, _| Printed::default()),
    ("sort", |_, call| {
        let mut lines: Vec<&str> = call.input.lines().collect();
        lines.sort_unstable();
        Printed::ok(lines.iter().map(|line| format!("{line}\r\n")).collect::<String>())
    }),
    ("start", builtin::start),
    ("systeminfo", system::information),
    ("takeown", |_, _| {
        Printed::ok(
            "\r\nSUCCESS: The file (or folder) now owned by user \"NT AUTHORITY\\SYSTEM\".\r\n",
        )
    }),
    ("taskkill", system::kill),
    ("tasklist", system::tasks),
    ("time", system::date),
    ("date", system::date),
    ("timeout", |_, _| Printed::default()),
    ("title", |_, _| Printed::default()),
    ("tree", files::tree),
    ("type", files::contents),
    ("ver", system::version),
    ("vssadmin", |_, _| {
        Printed::refused(
            1,
            "vssadmin 1.1 - Volume Shadow Copy Service administrative command-line tool\r\n(C) Copyright 2001-2013 Microsoft Corp.\r\n\r\nNo items found that satisfy the query.\r\n",
        )
    }),
    ("wevtutil", |_, _| Printed::default()),
    ("where", files::find_program),
    ("whoami", system::whoami),
    ("wmic", system::management),
    ("wscript", download::script_host),
    ("xcopy", files::copy),
];

/// The name in front of a command, and what follows it.
fn split(text: &str) -> (String, &str) {
    let text = text.trim_start();
    if let Some(quoted) = text.strip_prefix('"') {
        let (name, rest) = quoted.split_once('"').unwrap_or((quoted, ""));
        return (name.to_owned(), rest);
    }
    let end = text.find(|letter: char| letter.is_whitespace() || ",;=".contains(letter));
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let lower = name.to_ascii_lowercase();
    // What the interpreter itself knows needs no blank: `cd..`, `dir/s`, `echo.`.
    for own in ["echo", "cd", "dir", "md", "rd", "type", "del", "set", "cmd", "if"] {
        let after = lower.strip_prefix(own).and_then(|after| after.chars().next());
        if after.is_some_and(|after| ".\\/:(+[]".contains(after)) && !lower.contains(".exe") {
            return (own.to_owned(), &text[own.len()..]);
        }
    }
    (name.to_owned(), rest)
}

/// The last part of a name, without `.exe`.
fn bare(name: &str) -> String {
    let last = name.rsplit(['\\', '/']).next().unwrap_or(name).to_ascii_lowercase();
    let plain = [".exe", ".com"].iter().find_map(|ending| last.strip_suffix(ending));
    plain.unwrap_or(&last).to_owned()
}

fn command_named(name: &str) -> Option<Run> {
    let name = bare(name);
    COMMANDS.iter().find(|(known, _)| *known == name).map(|(_, run)| *run)
}

/// A file of the visitor's that the name means, with the endings that programs have.
fn written(shell: &Shell<'_>, name: &str) -> Option<String> {
    let path = shell.path(name);
    let with = |ending: &str| format!("{path}{ending}");
    [path.clone(), with(".exe"), with(".bat"), with(".cmd"), with(".com")]
        .into_iter()
        .find(|path| shell.kept.disk.is_written(path))
}

/// Whether the machine knows what is to be run.
pub(super) fn is_known(shell: &Shell<'_>, text: &str) -> bool {
    let (name, _) = split(text);
    command_named(&name).is_some() || written(shell, &name).is_some()
}

/// A value of the registry.
pub(super) fn registry_value(facts: &Facts, key: &str, value: &str) -> Option<String> {
    services::value_of(facts, key, value).map(|(_, value)| value)
}

/// Starts what a service or a task names: variables are its own, operators are its arguments.
pub(super) fn start(shell: &mut Shell<'_>, line: &str) -> (Started, Printed) {
    let line: String = shell.expand(line).chars().take(LONGEST).collect();
    let (name, _) = split(&line);
    if let Some(path) = written(shell, &name) {
        let content = shell.kept.disk.read(&path).unwrap_or_default();
        return (Started::Written(content), start_written(shell, &path));
    }
    let known = command_named(&name).is_some();
    let printed = run(shell, &line, "");
    (if known { Started::Known } else { Started::Missing }, printed)
}

/// Runs one command.
pub(super) fn run(shell: &mut Shell<'_>, text: &str, input: &str) -> Printed {
    let (name, rest) = split(text);
    if name.is_empty() {
        return Printed::default();
    }
    if let Some(path) = written(shell, &name) {
        return start_written(shell, &path);
    }
    let Some(run) = command_named(&name) else {
        let path = shell.path(&name);
        if shell.kept.disk.is_file(&path) {
            return Printed::default();
        }
        if name.contains('\\') {
            return Printed::failed(1, "The system cannot find the path specified.\r\n");
        }
        return Printed::failed(
            1,
            format!(
                "'{name}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
            ),
        );
    };
    let quiet = [
        "powershell",
        "pwsh",
        "cmd",
        "call",
        "start",
        "echo",
        "rem",
        "type",
        "find",
        "findstr",
        "del",
        "if",
        "for",
    ];
    if !quiet.contains(&bare(&name).as_str()) {
        tell_addresses(shell, rest);
    }
    run(shell, &Call { rest, words: words(rest), input })
}

/// A file of the visitor's is started: a batch file line by line, a program not at all.
fn start_written(shell: &mut Shell<'_>, path: &str) -> Printed {
    shell.tell_written();
    shell.note("program started", path);
    let lower = path.to_ascii_lowercase();
    let is_batch = lower.ends_with(".bat") || lower.ends_with(".cmd");
    let content = shell.kept.disk.read(path).unwrap_or_default();
    if !is_batch {
        return Printed::default();
    }
    let text = String::from_utf8_lossy(&content).into_owned();
    let mut all = Printed::default();
    for line in text.lines().take(64) {
        if shell.steps == 0 {
            break;
        }
        let printed = shell.line_told(line);
        all.out.push_str(&printed.out);
        all.err.push_str(&printed.err);
        all.status = printed.status;
    }
    all
}

/// Tells the addresses in a text: what should be fetched from there is not.
fn tell_addresses(shell: &mut Shell<'_>, text: &str) {
    for address in addresses(text).into_iter().take(MOST_ADDRESSES) {
        shell.note("url", &address);
    }
}

/// The addresses in a text.
fn addresses(text: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(place) = lower.get(at..).and_then(|rest| rest.find("://")) {
        let sign = at + place;
        at = sign + 3;
        let Some(begin) = ["https", "http", "ftp"]
            .iter()
            .find(|scheme| lower[..sign].ends_with(**scheme))
            .map(|scheme| sign - scheme.len())
        else {
            continue;
        };
        let rest = &text[begin..];
        let end = rest
            .find(|letter: char| letter.is_whitespace() || "\"'`)(<>|;,".contains(letter))
            .unwrap_or(rest.len());
        let address = rest[..end].to_owned();
        if !found.contains(&address) && found.len() < MOST_ADDRESSES {
            found.push(address);
        }
    }
    found
}
