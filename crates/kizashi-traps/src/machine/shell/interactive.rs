//! A shell that reads what is typed: prompts, continued lines, end of file.

use kizashi_event::{Detail, HostileText};

use super::ast::{Command, Compound, Item, List, Part};
use super::parse::{Fault, Parser};
use super::{Flow, Kind, Origin, Shell, Unwind};
use crate::machine::console::{Console, Wait};
use crate::machine::earlier::Earlier;
use crate::machine::files::absolute;
use crate::machine::signal::{self, Signal};
use crate::machine::world::calendar;
use crate::terminal::{HISTORY, Manner};

/// Bytes of a command over all its lines.
const COMMAND: usize = 64 * 1024;
/// Bytes of a command that are remembered for `history`.
const HISTORY_LINE: usize = 256;
/// Terminals that `ncurses-base` of Debian and Ubuntu describes, without those that readline cannot edit on.
const KNOWN_TERMINALS: [&str; 17] = [
    "ansi",
    "cygwin",
    "Eterm",
    "linux",
    "pcansi",
    "rxvt",
    "screen",
    "screen.xterm",
    "sun",
    "tmux",
    "vt100",
    "vt102",
    "vt220",
    "vt52",
    "wsvt25",
    "xterm",
    "xterm.js",
];
/// Times that a line may be killed before the session goes with it.
const KILLS: u32 = 3;

impl Shell {
    /// Reads and runs lines until the end; the status that the shell leaves.
    pub(crate) async fn interactive(&mut self) -> Flow {
        let terminal = self.is_terminal(0);
        if terminal {
            self.origin = Origin::Interactive;
            let earlier = self.earlier();
            let mut console = self.console.lock();
            console.interactive |= self.leads;
            console.earlier = earlier;
        }
        let mut text = Vec::new();
        let mut kills = 0;
        loop {
            let waits = self.prompt(terminal, text.is_empty());
            if waits.is_err() {
                return Ok(1);
            }
            match self.line_at_prompt(terminal).await {
                Ok(Some(line)) => text.extend_from_slice(&line),
                Ok(None) => return self.end_of_input(terminal),
                Err(Unwind::Signalled(signal)) if terminal => {
                    text.clear();
                    self.status = 128 + signal;
                    let _ = self.write(2, b"\n");
                    continue;
                }
                Err(unwind) => return Err(unwind),
            }
            if text.len() > COMMAND {
                return Err(Unwind::Killed);
            }
            self.console.lock().refill();
            match self.typed(&mut text).await {
                Ok(_) => {}
                Err(Unwind::Exit(status)) => {
                    if terminal && self.is_bash() {
                        let _ = self.write(2, if self.login { b"logout\n" } else { b"exit\n" });
                    }
                    return Ok(status);
                }
                Err(Unwind::Signalled(signal)) if terminal && signal != signal::KILL => {
                    self.status = 128 + signal;
                    self.tell_of_job(signal)?;
                }
                Err(unwind @ (Unwind::Signalled(_) | Unwind::Died(_))) => return Err(unwind),
                // The login shell itself is gone, and the session with it.
                Err(Unwind::Crashed) => return Err(Unwind::Crashed),
                Err(Unwind::Killed) => {
                    kills += 1;
                    self.console.lock().refill();
                    self.status = 137;
                    if kills >= KILLS {
                        return Err(Unwind::Killed);
                    }
                    let _ = self.write(2, b"Killed\n");
                }
                Err(_) => {}
            }
        }
    }

    /// A line that is typed at the prompt; the window may have changed meanwhile.
    async fn line_at_prompt(&mut self, terminal: bool) -> Result<Option<Vec<u8>>, Unwind> {
        if terminal {
            self.know_window(true);
        }
        let edits = self.edits();
        {
            let mut console = self.console.lock();
            console.prompting = terminal && self.kind != Kind::Dash;
            console.edits = edits;
            console.folder.clone_from(&self.folder);
        }
        let mut line = self.line_or_resizing().await;
        self.console.lock().prompting = false;
        if let (Some(_), Ok(Some(line))) = (edits, &mut line) {
            // What was pasted in several lines is one text.
            line.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b'\n');
        }
        if terminal {
            self.know_window(true);
        }
        line
    }

    /// A line; each time that the window changes before it the trap for that runs.
    async fn line_or_resizing(&mut self) -> Result<Option<Vec<u8>>, Unwind> {
        loop {
            if std::mem::take(&mut self.console.lock().resized)
                && let Some(command) = self.trap_for(signal::WINDOW)
            {
                self.know_window(true);
                self.console.lock().refill();
                self.source(&command).await?;
            }
            if let Some(read) = self.try_console(Console::take_line)? {
                return Ok(read);
            }
            self.console.suspend(Wait::Input).await;
        }
    }

    /// The file in which bash keeps what was typed in earlier sessions.
    fn earlier(&self) -> Earlier {
        if !self.is_bash() {
            return Earlier::None;
        }
        let home = self.variables.value(b"HOME").unwrap_or(b"/root").to_vec();
        let path = absolute(&home, b".bash_history");
        let found = self.with(|kernel| {
            let id = kernel.files.find(&path, true, self.who).ok()?;
            kernel.files.node(id).permits(self.who, 4).then_some(id)
        });
        found.map_or(Earlier::None, Earlier::File)
    }

    /// What the shell says of a command that a typed signal ended.
    fn tell_of_job(&self, sent: Signal) -> Result<(), Unwind> {
        let text = match sent {
            signal::INTERRUPT => b"\n".to_vec(),
            signal::STOP_TYPED => {
                let words = self.with(|kernel| kernel.current_line.join(&b' '));
                [b"\n[1]+  Stopped                 ", &words[..], b"\n"].concat()
            }
            other => [signal::description(other).as_bytes(), b"\n"].concat(),
        };
        self.write(2, &text).map(|_| ())
    }

    fn end_of_input(&mut self, terminal: bool) -> Flow {
        let mut console = self.console.lock();
        if console.terminal.is_some() {
            console.ended = false;
        }
        drop(console);
        if terminal && self.is_bash() {
            self.write(2, if self.login { b"logout\n" } else { b"exit\n" })?;
        }
        Ok(self.status)
    }

    /// bash's `checkwinsize`: after each program, and before each prompt, it knows how large the terminal is.
    pub(crate) fn know_window(&mut self, at_prompt: bool) {
        let Some(size) = self.console.lock().terminal.map(|terminal| terminal.size) else { return };
        if !self.is_bash() {
            return;
        }
        for (name, found, usual) in [(&b"COLUMNS"[..], size.columns, 80), (b"LINES", size.rows, 24)]
        {
            let told = self.variables.value(name).map(<[u8]>::to_vec);
            let number = match found {
                0 if at_prompt && told.is_none() => usual,
                0 => continue,
                found => found,
            };
            let text = number.to_string().into_bytes();
            if told.as_ref() != Some(&text) {
                // Who made it unchangeable keeps it.
                let _ = self.variables.set(name, &text);
            }
        }
    }

    /// How readline speaks to the terminal: bash's does so, where it knows the terminal; with brackets around what is pasted since 5.1.
    fn edits(&self) -> Option<Manner> {
        let known = |kind: &[u8]| {
            KNOWN_TERMINALS.iter().any(|known| {
                kind.strip_prefix(known.as_bytes())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"-"))
            })
        };
        let knows = self.is_bash() && self.variables.value(b"TERM").is_some_and(known);
        let old = || self.with(|kernel| kernel.world.system.bash.starts_with("5.0"));
        knows.then(|| Manner { brackets: !old() })
    }

    fn prompt(&self, terminal: bool, first: bool) -> Result<(), Unwind> {
        if !terminal {
            return Ok(());
        }
        let text = if first {
            self.variables.value(b"PS1").map(<[u8]>::to_vec)
        } else {
            Some(self.variables.value(b"PS2").unwrap_or(b"> ").to_vec())
        };
        let text = text
            .unwrap_or_else(|| if self.who.is_root() { b"# ".to_vec() } else { b"$ ".to_vec() });
        let shown = if self.kind == Kind::Dash { text } else { self.prompt_text(&text) };
        if self.edits().is_some_and(|manner| manner.brackets) {
            self.write(2, b"\x1b[?2004h")?;
        }
        self.console.lock().prompt.clone_from(&shown);
        self.write(2, &shown).map(|_| ())
    }

    /// Runs what was typed, if it is a whole command; else leaves it for more lines.
    async fn typed(&mut self, text: &mut Vec<u8>) -> Flow {
        let parsed = Parser::of_terminal(text, self.is_bash()).next_line();
        if matches!(parsed, Err(Fault::Incomplete(_))) && !self.console.lock().ended {
            return Ok(self.status);
        }
        let text = std::mem::take(text);
        let line = text.trim_ascii_end();
        if line.trim_ascii().is_empty() {
            return Ok(self.status);
        }
        self.remember(line);
        let known = matches!(&parsed, Ok(Some(list)) if self.knows_list(list, 0));
        self.with(|kernel| {
            kernel
                .tell(Detail::Command { line: HostileText::from_bytes(line), known: Some(known) });
        });
        self.line = 1;
        let mut parser = Parser::of_terminal(&text, self.is_bash());
        let mut status = 0;
        loop {
            match parser.next_line() {
                Ok(None) => return Ok(status),
                Ok(Some(list)) => status = self.list(&list).await?,
                Err(fault) => {
                    status = self.syntax_error(&fault, 1, &text);
                    return Ok(self.set_status(status));
                }
            }
        }
    }

    fn remember(&mut self, line: &[u8]) {
        let history = std::sync::Arc::make_mut(&mut self.history);
        if history.len() >= HISTORY {
            history.remove(0);
        }
        let lines: Vec<&[u8]> = line.split(|byte| *byte == b'\n').collect();
        let joined = lines.join(&b"; "[..]);
        history.push(joined[..joined.len().min(HISTORY_LINE)].to_vec());
    }

    /// A command given whole, as `ssh host command` does.
    pub(crate) async fn argument(&mut self, command: &[u8]) -> Flow {
        let known = matches!(Parser::new(command, self.is_bash()).next_line(), Ok(Some(list)) if self.knows_list(&list, 0));
        self.with(|kernel| {
            kernel.tell(Detail::Command {
                line: HostileText::from_bytes(command),
                known: Some(known),
            });
        });
        self.origin = Origin::Argument;
        self.becomes = matches!(Parser::new(command, self.is_bash()).next_line(), Ok(Some(list)) if self.is_one_program(&list));
        let flow = self.source(command).await;
        self.leave(flow).await
    }

    /// Whether a list is one call of a program.
    fn is_one_program(&self, list: &List) -> bool {
        let [item] = &list.items[..] else { return false };
        let [Command::Simple(simple)] = &item.first.stages[..] else { return false };
        let name = simple.words.first().and_then(|word| super::ast::literal(&word.to_vec()));
        !item.background
            && item.rest.is_empty()
            && name
                .is_some_and(|name| !self.is_builtin(&name) && !self.functions.contains_key(&name))
    }

    /// Whether all commands of a list are there.
    fn knows_list(&self, list: &List, depth: u32) -> bool {
        depth > 8 || list.items.iter().all(|item| self.knows_item(item, depth))
    }

    fn knows_item(&self, item: &Item, depth: u32) -> bool {
        let pipelines =
            std::iter::once(&item.first).chain(item.rest.iter().map(|(_, pipeline)| pipeline));
        pipelines.flat_map(|pipeline| &pipeline.stages).all(|command| self.knows(command, depth))
    }

    fn knows(&self, command: &Command, depth: u32) -> bool {
        match command {
            Command::Simple(simple) => {
                let mut words = simple.words.iter();
                let Some(first) = words.next() else { return true };
                let plain = |word: &[Part]| super::ast::literal(&word.to_vec());
                let Some(mut name) = plain(first) else { return true };
                if super::super::files::base_name(&name) == b"busybox" {
                    match words.next().map(|word| plain(word)) {
                        Some(Some(applet)) => return crate::machine::commands::is_applet(&applet),
                        _ => name = b"busybox".to_vec(),
                    }
                }
                self.is_builtin(&name)
                    || self.functions.contains_key(&name)
                    || self.aliases.contains_key(&name)
                    || self.is_there(&name)
            }
            Command::Compound(compound, _) => match &**compound {
                Compound::Group(list)
                | Compound::Subshell(list)
                | Compound::For { body: list, .. }
                | Compound::Loop { body: list, .. } => self.knows_list(list, depth + 1),
                _ => true,
            },
            Command::Function(..) => true,
        }
    }

    fn is_there(&self, name: &[u8]) -> bool {
        self.path_of(name).is_some_and(|path| {
            self.with(|kernel| kernel.files.find(&path, true, self.who)).is_ok()
        })
    }

    /// `\u@\h:\w\$` and their kin (bash(1), PROMPTING).
    pub(crate) fn prompt_text(&self, text: &[u8]) -> Vec<u8> {
        let (host, seconds, version) = self
            .with(|kernel| (kernel.world.host.clone(), kernel.seconds(), kernel.world.system.bash));
        let now = calendar(seconds);
        let mut shown = Vec::new();
        let mut bytes = text.iter().copied();
        while let Some(byte) = bytes.next() {
            if byte != b'\\' {
                shown.push(byte);
                continue;
            }
            match bytes.next() {
                Some(b'u') => {
                    shown.extend_from_slice(self.variables.value(b"USER").unwrap_or(b"root"));
                }
                Some(b'h') => shown.extend(host.split('.').next().unwrap_or_default().bytes()),
                Some(b'H') => shown.extend(host.bytes()),
                Some(b'w') => shown.extend(self.short_folder()),
                Some(b'W') => {
                    let folder = self.short_folder();
                    let name = super::super::files::base_name(&folder);
                    shown.extend_from_slice(if name.is_empty() { b"/" } else { name });
                }
                Some(b'$') => shown.push(if self.who.is_root() { b'#' } else { b'$' }),
                Some(b'n') => shown.push(b'\n'),
                Some(b'r') => shown.push(b'\r'),
                Some(b't') => shown
                    .extend(format!("{:02}:{:02}:{:02}", now.hour, now.minute, now.second).bytes()),
                Some(b'A') => shown.extend(format!("{:02}:{:02}", now.hour, now.minute).bytes()),
                Some(b'd') => shown.extend(
                    format!("{} {} {:02}", now.short_day(), now.short_month(), now.day).bytes(),
                ),
                Some(b's') => shown.extend_from_slice(b"bash"),
                Some(b'v') => shown.extend(version.bytes().take(3)),
                Some(b'e') => shown.push(27),
                Some(b'a') => shown.push(7),
                Some(b'[' | b']') => {}
                Some(b'\\') => shown.push(b'\\'),
                Some(other) => shown.extend([b'\\', other]),
                None => shown.push(b'\\'),
            }
        }
        shown
    }

    fn short_folder(&self) -> Vec<u8> {
        match self.variables.value(b"HOME").filter(|home| home.len() > 1) {
            Some(home) if self.folder == home => b"~".to_vec(),
            Some(home)
                if self.folder.starts_with(home) && self.folder.get(home.len()) == Some(&b'/') =>
            {
                [b"~", &self.folder[home.len()..]].concat()
            }
            _ => self.folder.clone(),
        }
    }
}
