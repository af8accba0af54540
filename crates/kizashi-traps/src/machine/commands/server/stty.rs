//! `stty` as coreutils 9.1 has it: what it shows, what it changes, and how it lays that out over the terminal's columns. Changes stay with
//! the session's terminal, so that what is typed after `stty -echo` is not shown.

use super::super::{Call, Finish};
use crate::machine::terminal::{CHARACTERS, FLAGS, Flag, Group, MIN, SHOWN, Sane, TIME, Terminal};
use crate::terminal::Size;

/// Speeds that the kernel knows by name (`termbits.h`).
const SPEEDS: [&str; 14] = [
    "0", "300", "600", "1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200",
    "230400", "460800", "921600",
];
/// Columns where neither terminal nor environment says.
const COLUMNS: usize = 80;

pub(super) fn stty(call: &mut Call<'_>) -> Finish {
    let (mut words, mut device, mut all, mut save) = (Vec::new(), None, false, false);
    let mut rest = call.arguments().iter();
    while let Some(word) = rest.next() {
        let text = String::from_utf8_lossy(word).into_owned();
        match text.as_str() {
            "-a" | "--all" => all = true,
            "-g" | "--save" => save = true,
            "-F" => device = rest.next().cloned(),
            _ => match text.strip_prefix("--file=").or_else(|| text.strip_prefix("-F")) {
                Some(path) => device = Some(path.as_bytes().to_vec()),
                None => words.push(text),
            },
        }
    }
    // Its words are judged before the terminal is looked at.
    let mut tried =
        call.tty.unwrap_or(Terminal::new(0, &crate::machine::TerminalRequest::default()));
    let asks = words.iter().all(|word| matches!(word.as_str(), "size" | "speed"));
    let shown = match apply(&words, &mut tried) {
        Ok(shown) => shown,
        Err(text) => {
            call.complain(&text);
            call.err(b"Try 'stty --help' for more information.\n");
            return Finish::Status(1);
        }
    };
    if let Some(fault) = unreachable(call, device.as_deref()) {
        return call.fail(&fault, 1);
    }
    if save {
        let saved = saved(&tried);
        call.line(&saved);
    } else if words.is_empty() {
        let text = if all { everything(call, &tried) } else { changed(&tried, columns(call)) };
        call.out(text.as_bytes());
    }
    call.out(shown.as_bytes());
    if !asks {
        call.tty = Some(tried);
    }
    Finish::Status(0)
}

/// Why there is no terminal to be asked, in `stty`'s words.
fn unreachable(call: &mut Call<'_>, device: Option<&[u8]>) -> Option<String> {
    const NONE: &str = "Inappropriate ioctl for device";
    let Some(path) = device else {
        return (!call.reads_terminal()).then(|| format!("'standard input': {NONE}"));
    };
    let shown = String::from_utf8_lossy(path).into_owned();
    let own = call.tty.map(|tty| tty.path());
    let is_own = own.as_deref() == Some(shown.as_str());
    match (&shown[..], call.tty.is_some()) {
        ("/dev/tty", true) => None,
        ("/dev/tty", false) => Some("/dev/tty: No such device or address".to_owned()),
        _ if is_own => None,
        _ => {
            let found = call.kernel.files.find(&call.path(path), true, call.who);
            Some(match found {
                Ok(_) => format!("{shown}: {NONE}"),
                Err(fault) => format!("{shown}: {fault}"),
            })
        }
    }
}

/// Changes the terminal by these words; what they ask to be shown, or what is wrong with them.
fn apply(words: &[String], terminal: &mut Terminal) -> Result<String, String> {
    let mut shown = String::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut number = || {
            let value = rest.next().ok_or_else(|| format!("missing argument to '{word}'"))?;
            value.parse::<u32>().map_err(|_| format!("invalid integer argument: '{value}'"))
        };
        let narrow = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        match word.as_str() {
            "size" => {
                shown.push_str(&format!("{} {}\n", terminal.size.rows, terminal.size.columns));
            }
            "speed" => shown.push_str("38400\n"),
            "rows" => terminal.size.rows = narrow(number()?),
            "cols" | "columns" => terminal.size.columns = narrow(number()?),
            "min" => terminal.characters[MIN] = number()? as u8,
            "time" => terminal.characters[TIME] = number()? as u8,
            "line" | "ispeed" | "ospeed" => drop(number()?),
            speed if SPEEDS.contains(&speed) => {}
            name if CHARACTERS.iter().any(|known| known.0 == name) => {
                let value = rest.next().ok_or_else(|| format!("missing argument to '{word}'"))?;
                set_character(name, value, terminal)?;
            }
            name if combined(name, terminal) => {}
            name => match name.split(':').map(|part| u32::from_str_radix(part, 16)).collect() {
                Ok::<Vec<u32>, _>(parts) if parts.len() > 4 => restore(&parts, terminal),
                _ => switch(name, terminal)?,
            },
        }
    }
    Ok(shown)
}

/// One flag on or off by its name.
fn switch(word: &str, terminal: &mut Terminal) -> Result<(), String> {
    let (name, on) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
    let silent = ["cs5", "cs6", "cs7", "cs8", "nl0", "cr0", "tab0", "tabs", "bs0", "vt0", "ff0"];
    if silent.contains(&name) && on || name == "tabs" || name == "drain" {
        return Ok(());
    }
    let flag = FLAGS.iter().find(|flag| flag.name == name || name == "hup" && flag.name == "hupcl");
    let flag = flag.ok_or_else(|| format!("invalid argument '{word}'"))?;
    terminal.set(flag, on);
    Ok(())
}

/// A special character: a letter, `^X`, `^-` or `undef`, or a number.
fn set_character(name: &str, value: &str, terminal: &mut Terminal) -> Result<(), String> {
    let byte = match value.as_bytes() {
        b"^-" | b"undef" => 0,
        b"^?" => 127,
        [b'^', letter] => letter.to_ascii_uppercase() & 31,
        [byte] => *byte,
        _ => value.parse().map_err(|_| format!("invalid integer argument: '{value}'"))?,
    };
    if let Some((_, place, ..)) = CHARACTERS.iter().find(|known| known.0 == name) {
        terminal.characters[*place] = byte;
    }
    Ok(())
}

/// Words that stand for several settings; whether this is one.
fn combined(word: &str, terminal: &mut Terminal) -> bool {
    let flags = |names: &[&str], on: bool, terminal: &mut Terminal| {
        for flag in FLAGS.iter().filter(|flag| names.contains(&flag.name)) {
            terminal.set(flag, on);
        }
    };
    match word {
        "sane" => {
            for flag in FLAGS.iter().filter(|flag| flag.sane != Sane::Free) {
                terminal.set(flag, flag.sane == Sane::Set);
            }
            usual_characters(terminal);
        }
        "raw" | "-cooked" => {
            terminal.put_word(Group::Input, 0);
            flags(&["opost", "isig", "icanon", "xcase"], false, terminal);
            (terminal.characters[MIN], terminal.characters[TIME]) = (1, 0);
        }
        "-raw" | "cooked" => {
            flags(&["brkint", "ignpar", "istrip", "icrnl", "ixon", "opost"], true, terminal);
            flags(&["isig", "icanon"], true, terminal);
        }
        "cbreak" | "-cbreak" => flags(&["icanon"], word == "-cbreak", terminal),
        "nl" => flags(&["icrnl", "onlcr"], false, terminal),
        "-nl" => {
            flags(&["icrnl", "onlcr"], true, terminal);
            flags(&["inlcr", "igncr", "ocrnl", "onlret"], false, terminal);
        }
        "ek" => {
            for (name, place, usual, _) in CHARACTERS {
                if matches!(name, "erase" | "kill") {
                    terminal.characters[place] = usual;
                }
            }
        }
        "crt" | "dec" => flags(&["echoe", "echoctl", "echoke"], true, terminal),
        "evenp" | "parity" | "oddp" | "-evenp" | "-parity" | "-oddp" | "pass8" | "-pass8"
        | "litout" | "-litout" | "decctlq" | "-decctlq" | "lcase" | "-lcase" => {}
        _ => return false,
    }
    true
}

fn usual_characters(terminal: &mut Terminal) {
    for (_, place, usual, _) in CHARACTERS {
        terminal.characters[place] = usual;
    }
}

/// `stty -g`: the four words and the characters in hexadecimal.
fn saved(terminal: &Terminal) -> String {
    let words = [Group::Input, Group::Output, Group::Control, Group::Local]
        .map(|group| format!("{:x}", terminal.word(group)));
    let mut characters = terminal.characters.map(|byte| format!("{byte:x}")).to_vec();
    // The C library keeps room for more characters than there are.
    characters.resize(32, "0".to_owned());
    [words.to_vec(), characters].concat().join(":")
}

fn restore(parts: &[u32], terminal: &mut Terminal) {
    for (group, word) in
        [Group::Input, Group::Output, Group::Control, Group::Local].iter().zip(parts)
    {
        terminal.put_word(*group, *word);
    }
    for (character, value) in terminal.characters.iter_mut().zip(&parts[4..]) {
        *character = (value & 255) as u8;
    }
}

fn columns(call: &Call<'_>) -> usize {
    let sized = call.tty.filter(|_| call.terminal).map(|tty| usize::from(tty.size.columns));
    let named = || call.exported(b"COLUMNS").and_then(|text| text.parse().ok());
    sized.filter(|columns| *columns > 0).or_else(named).unwrap_or(COLUMNS)
}

/// Words laid out over lines of so many columns.
struct Lines {
    text: String,
    columns: usize,
    at: usize,
}

impl Lines {
    fn add(&mut self, word: &str) {
        if self.at > 0 && self.columns.saturating_sub(self.at) < word.len() + 1 {
            self.end();
        }
        if self.at > 0 {
            self.text.push(' ');
            self.at += 1;
        }
        self.text.push_str(word);
        self.at += word.len();
    }

    fn end(&mut self) {
        self.text.push('\n');
        self.at = 0;
    }
}

fn shown_flags() -> impl Iterator<Item = &'static Flag> {
    FLAGS.iter().take(SHOWN)
}

fn character(byte: u8) -> String {
    match byte {
        0 => "<undef>".to_owned(),
        127 => "^?".to_owned(),
        1..=31 => format!("^{}", char::from(byte + 64)),
        32..=126 => char::from(byte).to_string(),
        _ => format!("M-{}", char::from(byte & 127)),
    }
}

/// What `stty` alone shows: what is not as `sane` would have it.
fn changed(terminal: &Terminal, columns: usize) -> String {
    let mut lines = Lines { text: String::new(), columns, at: 0 };
    lines.add("speed 38400 baud;");
    lines.add("line = 0;");
    lines.end();
    for (name, place, usual, _) in CHARACTERS {
        let found = terminal.characters[place];
        if found != usual {
            lines.add(&format!("{name} = {};", character(found)));
        }
    }
    if FLAGS.iter().any(|flag| flag.name == "icanon" && !terminal.has(flag)) {
        lines.add(&format!("min = {};", terminal.characters[MIN]));
        lines.add(&format!("time = {};", terminal.characters[TIME]));
    }
    if lines.at > 0 {
        lines.end();
    }
    let mut group = Group::Control;
    for flag in shown_flags() {
        if flag.group != group && lines.at > 0 {
            lines.end();
        }
        group = flag.group;
        match (flag.sane, terminal.has(flag)) {
            (Sane::Set, false) => lines.add(&format!("-{}", flag.name)),
            (Sane::Clear, true) => lines.add(flag.name),
            _ => {}
        }
    }
    if lines.at > 0 {
        lines.end();
    }
    lines.text
}

/// `stty -a`.
fn everything(call: &Call<'_>, terminal: &Terminal) -> String {
    let mut lines = Lines { text: String::new(), columns: columns(call), at: 0 };
    let Size { columns, rows } = terminal.size;
    for word in ["speed 38400 baud;", &format!("rows {rows};"), &format!("columns {columns};")] {
        lines.add(word);
    }
    lines.add("line = 0;");
    lines.end();
    for (name, place, ..) in CHARACTERS {
        lines.add(&format!("{name} = {};", character(terminal.characters[place])));
    }
    lines.add(&format!("min = {};", terminal.characters[MIN]));
    lines.add(&format!("time = {};", terminal.characters[TIME]));
    lines.end();
    let mut group = Group::Control;
    for flag in shown_flags() {
        if flag.group != group {
            if group == Group::Output {
                delays(&mut lines);
            }
            lines.end();
            group = flag.group;
        }
        let sign = if terminal.has(flag) { "" } else { "-" };
        lines.add(&format!("{sign}{}", flag.name));
        if flag.name == "cmspar" {
            lines.add("cs8");
        }
    }
    lines.end();
    lines.text
}

fn delays(lines: &mut Lines) {
    ["nl0", "cr0", "tab0", "bs0", "vt0", "ff0"].iter().for_each(|word| lines.add(word));
}
