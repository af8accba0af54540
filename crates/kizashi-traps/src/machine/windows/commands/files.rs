//! Files and folders.

use super::{Call, disk};
use crate::machine::windows::disk::Entry;
use crate::machine::windows::{Printed, Shell};
use crate::machine::world::calendar;

const NOT_FOUND: &str = "The system cannot find the file specified.\r\n";
const NO_PATH: &str = "The system cannot find the path specified.\r\n";
const FREE: u64 = 42_839_179_264;

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Whether a name fits a pattern with `*` and `?`.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    if pattern == "*" || pattern == "*.*" {
        return true;
    }
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut last_open = !pattern.contains('*');
    for part in parts {
        last_open = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
        if last_open {
            return true;
        }
    }
    rest.is_empty() || last_open && rest.is_empty()
}

/// The folder that is meant, and the pattern of names in it.
fn wanted(shell: &Shell<'_>, path: &str) -> (String, String) {
    let whole = shell.path(path);
    if path.is_empty() || shell.kept.disk.is_folder(&whole, &shell.machine.facts) {
        let whole = if path.is_empty() { shell.machine.folder.clone() } else { whole };
        return (whole, "*".to_owned());
    }
    let (folder, name) = disk::split(&whole);
    (folder, name.to_owned())
}

fn entry_line(entry: &Entry) -> String {
    let time = calendar(entry.modified);
    let half = if time.hour < 12 { "AM" } else { "PM" };
    let hour = if time.hour % 12 == 0 { 12 } else { time.hour % 12 };
    let size = if entry.folder {
        "<DIR>         ".to_owned()
    } else {
        format!("{:>14}", grouped(entry.size))
    };
    let size = if entry.folder { format!("   {size} ") } else { format!("    {size} ") };
    let size = if entry.folder { size } else { size.trim_start_matches("   ").to_owned() };
    format!(
        "{:02}/{:02}/{}  {hour:02}:{:02} {half} {size:>18}{}\r\n",
        time.month, time.day, time.year, time.minute, entry.name
    )
}

pub(super) fn directory(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let path = call.operands().next().unwrap_or_default();
    let (folder, pattern) = wanted(shell, path);
    let brief = call.words.iter().any(|word| word.to_ascii_lowercase().contains("/b"));
    let facts = &shell.machine.facts;
    let serial = facts.windows.authority[2];
    let head = format!(
        " Volume in drive C has no label.\r\n Volume Serial Number is {:04X}-{:04X}\r\n\r\n",
        serial >> 16,
        serial & 0xffff
    );
    let Some(entries) = shell.kept.disk.list(&folder, facts) else {
        return Printed {
            out: if brief { String::new() } else { head },
            err: NO_PATH.to_owned(),
            status: 1,
        };
    };
    let shown: Vec<Entry> =
        entries.into_iter().filter(|entry| fits(&pattern, &entry.name)).collect();
    if shown.is_empty() && pattern != "*" {
        return Printed {
            out: if brief { String::new() } else { head },
            err: "File Not Found\r\n".to_owned(),
            status: 1,
        };
    }
    if brief {
        return Printed::ok(
            shown.iter().map(|entry| format!("{}\r\n", entry.name)).collect::<String>(),
        );
    }
    let dots = if folder.len() > 3 && pattern == "*" {
        let dot = |name: &str| {
            entry_line(&Entry {
                name: name.to_owned(),
                folder: true,
                size: 0,
                modified: facts.installed,
            })
        };
        dot(".") + &dot("..")
    } else {
        String::new()
    };
    let lines: String = shown.iter().map(entry_line).collect();
    let files = shown.iter().filter(|entry| !entry.folder).count();
    let bytes: u64 = shown.iter().map(|entry| entry.size).sum();
    let folders = shown.len() - files + if dots.is_empty() { 0 } else { 2 };
    Printed::ok(format!(
        "{head} Directory of {folder}\r\n\r\n{dots}{lines}{files:>16} File(s) {:>14} bytes\r\n{folders:>16} Dir(s)  {:>14} bytes free\r\n",
        grouped(bytes),
        grouped(FREE)
    ))
}

pub(super) fn tree(shell: &mut Shell<'_>, _: &Call<'_>) -> Printed {
    let folder = shell.machine.folder.clone();
    let entries = shell.kept.disk.list(&folder, &shell.machine.facts).unwrap_or_default();
    let names: String = entries
        .iter()
        .filter(|entry| entry.folder)
        .map(|entry| format!("+---{}\r\n", entry.name))
        .collect();
    Printed::ok(format!("Folder PATH listing\r\n{folder}\r\n{names}"))
}

pub(super) fn contents(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let mut all = Printed::default();
    for path in call.operands().take(8) {
        let path = shell.path(path);
        match shell.kept.disk.read(&path) {
            Some(content) => all.out.push_str(&String::from_utf8_lossy(&content)),
            None => {
                all.err.push_str(NOT_FOUND);
                all.status = 1;
            }
        }
    }
    if call.words.is_empty() {
        return Printed::failed(1, "The syntax of the command is incorrect.\r\n");
    }
    all
}

/// `find "x" file` and `findstr`; switches `/i`, `/v`, `/c` of both.
pub(super) fn find(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let switch = |name: char| {
        call.words.iter().any(|word| {
            word.len() == 2 && word.starts_with('/') && word.to_ascii_lowercase().ends_with(name)
        })
    };
    let (small, inverted) = (switch('i'), switch('v'));
    let literal = call
        .words
        .iter()
        .find_map(|word| word.strip_prefix("/C:").or_else(|| word.strip_prefix("/c:")));
    let mut operands = call.operands();
    let wanted = literal.or_else(|| operands.next()).unwrap_or_default().to_owned();
    let files: Vec<&str> = operands.take(4).collect();
    let text = match files.first() {
        Some(path) => {
            let path = shell.path(path);
            match shell.kept.disk.read(&path) {
                Some(content) => String::from_utf8_lossy(&content).into_owned(),
                None => {
                    return Printed::failed(1, format!("FINDSTR: Cannot open {}\r\n", files[0]));
                }
            }
        }
        None => call.input.to_owned(),
    };
    let fold = |text: &str| if small { text.to_lowercase() } else { text.to_owned() };
    let words: Vec<String> = if literal.is_some() || call.rest.contains("find ") {
        vec![fold(&wanted)]
    } else {
        wanted.split(' ').filter(|word| !word.is_empty()).map(fold).collect()
    };
    let out: String = text
        .lines()
        .filter(|line| words.iter().any(|word| fold(line).contains(word.as_str())) != inverted)
        .map(|line| format!("{line}\r\n"))
        .collect();
    let status = i32::from(out.is_empty());
    Printed { out, err: String::new(), status }
}

pub(super) fn find_program(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let name = call.operands().next().unwrap_or_default();
    let with = if name.contains('.') { name.to_owned() } else { format!("{name}.exe") };
    if super::command_named(name).is_some() {
        let folder = if name.eq_ignore_ascii_case("powershell") {
            "C:\\Windows\\System32\\WindowsPowerShell\\v1.0"
        } else {
            "C:\\Windows\\System32"
        };
        return Printed::ok(format!("{folder}\\{with}\r\n"));
    }
    let path = shell.path(&with);
    if shell.kept.disk.is_file(&path) {
        return Printed::ok(format!("{path}\r\n"));
    }
    Printed::failed(1, "INFO: Could not find files for the given pattern(s).\r\n")
}

pub(super) fn make_folder(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let Some(path) = call.operands().next() else {
        return Printed::failed(1, "The syntax of the command is incorrect.\r\n");
    };
    let whole = shell.path(path);
    let there = shell.kept.disk.is_folder(&whole, &shell.machine.facts);
    if there || !shell.kept.disk.make_folder(&whole, shell.now.seconds()) {
        return Printed::failed(1, format!("A subdirectory or file {path} already exists.\r\n"));
    }
    Printed::default()
}

pub(super) fn delete(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let mut all = Printed::default();
    shell.tell_written();
    let paths: Vec<String> = call.operands().take(8).map(str::to_owned).collect();
    for path in paths {
        let (folder, pattern) = wanted(shell, &path);
        let entries = shell.kept.disk.list(&folder, &shell.machine.facts).unwrap_or_default();
        let names: Vec<String> = entries
            .into_iter()
            .filter(|entry| !entry.folder && fits(&pattern, &entry.name))
            .map(|entry| disk::absolute(&folder, &entry.name))
            .collect();
        if names.is_empty() {
            all.err.push_str(&format!("Could Not Find {}\r\n", disk::absolute(&folder, &pattern)));
        }
        for name in names.iter().take(64) {
            shell.kept.disk.delete(name, &shell.machine.facts);
        }
    }
    all
}

pub(super) fn remove_folder(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    shell.tell_written();
    let path = call.operands().next().unwrap_or_default();
    let whole = shell.path(path);
    if !shell.kept.disk.delete(&whole, &shell.machine.facts) {
        return Printed::failed(2, NOT_FOUND);
    }
    Printed::default()
}

fn copied(shell: &mut Shell<'_>, call: &Call<'_>) -> Option<(String, String)> {
    shell.tell_written();
    let operands: Vec<String> = call.operands().map(str::to_owned).collect();
    let from = shell.path(operands.first()?);
    let mut to = match operands.get(1) {
        Some(to) => shell.path(to),
        None => shell.machine.folder.clone(),
    };
    let (folder, name) = disk::split(&from);
    // `ren path name` names it anew where it is.
    if operands.get(1).is_some_and(|to| !to.contains('\\')) && super::bare(call.rest).is_empty() {
        to = disk::absolute(&folder, operands.get(1)?);
    }
    if shell.kept.disk.is_folder(&to, &shell.machine.facts) {
        to = disk::absolute(&to, name);
    }
    let now = shell.now.seconds();
    shell.kept.disk.copy(&from, &to, now).then_some((from, to))
}

pub(super) fn copy(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    match copied(shell, call) {
        Some(_) => Printed::ok("        1 file(s) copied.\r\n"),
        None => Printed::failed(1, NOT_FOUND),
    }
}

pub(super) fn rename(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    match copied(shell, call) {
        Some((from, to)) => {
            if from != to {
                let facts = shell.machine.facts.clone();
                shell.kept.disk.delete(&from, &facts);
            }
            Printed::ok("        1 file(s) moved.\r\n")
        }
        None => Printed::failed(1, NOT_FOUND),
    }
}

pub(super) fn attributes(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let path = call.operands().find(|word| !word.starts_with(['+', '-'])).unwrap_or_default();
    let whole = shell.path(path);
    let (disk, facts) = (&shell.kept.disk, &shell.machine.facts);
    if disk.is_file(&whole) || disk.is_folder(&whole, facts) {
        return if call.words.iter().any(|word| word.starts_with(['+', '-'])) {
            Printed::default()
        } else {
            Printed::ok(format!("A                    {whole}\r\n"))
        };
    }
    Printed::refused(1, format!("File not found - {path}\r\n"))
}

pub(super) fn permissions(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let path = call.operands().next().unwrap_or_default().to_owned();
    let whole = shell.path(&path);
    let (disk, facts) = (&shell.kept.disk, &shell.machine.facts);
    if !disk.is_file(&whole) && !disk.is_folder(&whole, facts) {
        return Printed::failed(
            2,
            format!(
                "{path}: {NOT_FOUND}Successfully processed 0 files; Failed processing 1 files\r\n"
            ),
        );
    }
    if call.words.len() > 1 {
        return Printed::ok(format!(
            "processed file: {path}\r\nSuccessfully processed 1 files; Failed processing 0 files\r\n"
        ));
    }
    Printed::ok(format!(
        "{path} NT AUTHORITY\\SYSTEM:(F)\r\n{0:1$} BUILTIN\\Administrators:(F)\r\n{0:1$} BUILTIN\\Users:(RX)\r\n\r\nSuccessfully processed 1 files; Failed processing 0 files\r\n",
        "",
        path.len()
    ))
}
