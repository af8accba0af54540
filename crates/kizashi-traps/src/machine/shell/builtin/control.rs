//! Leaving loops, functions and shells; other scripts; traps and jobs.

use super::super::{Flow, Kind, Origin, Shell, Unwind};
use crate::machine::earlier::Earlier;
use crate::machine::signal;

fn number(word: Option<&Vec<u8>>) -> Option<Result<i64, ()>> {
    word.map(|word| {
        std::str::from_utf8(word).ok().and_then(|text| text.trim().parse().ok()).ok_or(())
    })
}

impl Shell {
    pub(super) fn leave_loop(&mut self, name: &[u8], words: &[Vec<u8>]) -> Flow {
        if self.loops == 0 {
            if self.is_bash() {
                self.complain_of(name, "only meaningful in a `for', `while', or `until' loop");
            }
            return Ok(0);
        }
        let levels = number(words.first()).and_then(Result::ok).unwrap_or(1).clamp(1, 64);
        let levels = u32::try_from(levels).unwrap_or(1);
        Err(if name == b"break" { Unwind::Break(levels) } else { Unwind::Continue(levels) })
    }

    pub(super) fn leave_shell(&mut self, name: &[u8], words: &[Vec<u8>]) -> Flow {
        let status = match number(words.first()) {
            None => self.status,
            Some(Ok(status)) => (status & 255) as u8,
            Some(Err(())) => {
                let word = words.first().cloned().unwrap_or_default();
                match self.kind {
                    Kind::Bash => self
                        .complain(&[name, b": ", &word, b": numeric argument required"].concat()),
                    Kind::Dash => self.complain(&[name, b": Illegal number: ", &word].concat()),
                    Kind::Ash => self.complain(&[b"Illegal number: ", &word[..]].concat()),
                }
                2
            }
        };
        if name == b"return" {
            if self.calls == 0 && self.is_bash() && self.origin != Origin::Script {
                self.complain(b"return: can only `return' from a function or sourced script");
                return Ok(if self.origin == Origin::Interactive { 1 } else { 2 });
            }
            return Err(Unwind::Return(status));
        }
        if name == b"logout" && !self.login {
            self.complain(b"logout: not login shell: use `exit'");
            return Ok(1);
        }
        Err(Unwind::Exit(status))
    }

    pub(super) async fn read_script(&mut self, name: &[u8], words: &[Vec<u8>]) -> Flow {
        let Some(path) = words.first() else {
            if self.is_bash() {
                self.complain_of(name, "filename argument required");
                self.write(2, &[name, b": usage: ", name, b" filename [arguments]\n"].concat())?;
            }
            return Ok(2);
        };
        let path = if path.contains(&b'/') {
            path.clone()
        } else {
            self.path_of(path).unwrap_or_else(|| path.clone())
        };
        let read = self.with(|kernel| kernel.read_path(&self.folder, &path, self.who));
        match read {
            Ok(text) => {
                if !self.may_nest() {
                    return Ok(254);
                }
                let given = words.len() > 1;
                let positional = if given {
                    std::mem::replace(&mut self.positional, words[1..].to_vec())
                } else {
                    Vec::new()
                };
                let flow = self.deeper(&text).await;
                if given {
                    self.positional = positional;
                }
                match flow {
                    Err(Unwind::Return(status)) => Ok(status),
                    flow => flow,
                }
            }
            Err(fault) => match self.kind {
                Kind::Bash => {
                    self.complain_of(words.first().map_or(b"", Vec::as_slice), &fault.to_string());
                    Ok(1)
                }
                Kind::Dash => {
                    let text = if words[0].contains(&b'/') { ": cannot open " } else { ": " };
                    let end: &[u8] =
                        if words[0].contains(&b'/') { b": No such file" } else { b": not found" };
                    self.complain(&[b".", text.as_bytes(), &words[0], end].concat());
                    Err(Unwind::Exit(2))
                }
                Kind::Ash => {
                    self.complain(
                        &[b"can't open '", &words[0][..], b"': ", fault.to_string().as_bytes()]
                            .concat(),
                    );
                    Ok(2)
                }
            },
        }
    }

    pub(super) fn trap(&mut self, words: &[Vec<u8>]) -> Flow {
        let words =
            if words.first().is_some_and(|word| word == b"--") { &words[1..] } else { words };
        if words.is_empty() || words[0] == b"-p" {
            let mut text = Vec::new();
            let mut traps: Vec<(&Vec<u8>, &Vec<u8>)> = self.traps.iter().collect();
            traps.sort_by_key(|(name, _)| signal::named(name).unwrap_or(0));
            for (name, command) in traps {
                let command = super::super::escape::quote_always(command);
                let prefix: &[u8] =
                    if self.is_bash() && signal::named(name).is_some() { b"SIG" } else { b"" };
                text.extend_from_slice(
                    &[b"trap -- ", &command[..], b" ", prefix, name, b"\n"].concat(),
                );
            }
            self.say(&text)?;
            return Ok(0);
        }
        if words[0] == b"-l" {
            return Ok(0);
        }
        let (command, signals) =
            if words.len() == 1 { (b"-".to_vec(), words) } else { (words[0].clone(), &words[1..]) };
        for signal in signals {
            let upper = signal.to_ascii_uppercase();
            let name = upper.strip_prefix(b"SIG").unwrap_or(&upper);
            let number = signal::named(name);
            let name = match number {
                Some(0) => b"EXIT".to_vec(),
                Some(number) => {
                    signal::name(number).map_or_else(|| name.to_vec(), String::into_bytes)
                }
                None => name.to_vec(),
            };
            if let Some(number @ 1..=63) = number.filter(|_| self.leads) {
                let mut console = self.console.lock();
                console.ignored &= !(1 << number);
                console.caught &= !(1 << number);
                match &command[..] {
                    b"-" => {}
                    b"" => console.ignored |= 1 << number,
                    _ => console.caught |= 1 << number,
                }
            }
            if command == b"-" {
                self.traps.remove(&name);
            } else if self.traps.len() < 32 {
                self.traps.insert(name, command.iter().copied().take(4_096).collect());
            }
        }
        Ok(0)
    }

    pub(super) fn job_control(&mut self, name: &[u8], words: &[Vec<u8>]) -> Flow {
        match name {
            b"jobs" => {
                let mut text = Vec::new();
                for (place, (_, command)) in self.jobs.iter().enumerate() {
                    text.extend_from_slice(
                        format!(
                            "[{}]   Done                    {}\n",
                            place + 1,
                            String::from_utf8_lossy(command)
                        )
                        .as_bytes(),
                    );
                }
                self.jobs.clear();
                self.say(&text)?;
                Ok(0)
            }
            b"wait" => {
                self.jobs.clear();
                Ok(0)
            }
            _ => {
                let which = words.first().map_or(&b"current"[..], Vec::as_slice);
                if self.is_bash() {
                    self.complain(&[name, b": ", which, b": no such job"].concat());
                } else {
                    self.complain(b"No current job");
                }
                Ok(if self.is_bash() { 1 } else { 2 })
            }
        }
    }

    pub(super) fn show_history(&mut self, words: &[Vec<u8>]) -> Flow {
        if words.iter().any(|word| word == b"-c") {
            self.history = std::sync::Arc::default();
            self.console.lock().earlier = Earlier::None;
            return Ok(0);
        }
        if words.iter().any(|word| word.first() == Some(&b'-')) {
            return Ok(0);
        }
        let count = number(words.first())
            .and_then(Result::ok)
            .and_then(|count| usize::try_from(count).ok());
        // The file's lines came before those of this session; a shell that nobody types into has read none.
        let mut lines = match self.origin {
            Origin::Interactive => {
                let mut earlier = std::mem::take(&mut self.console.lock().earlier);
                let lines = self.with(|kernel| earlier.lines(kernel));
                self.console.lock().earlier = earlier;
                lines
            }
            _ => Vec::new(),
        };
        lines.extend(self.history.iter().cloned());
        let skipped = lines.len().saturating_sub(count.unwrap_or(lines.len()));
        let mut text = Vec::new();
        for (place, line) in lines.iter().enumerate().skip(skipped) {
            text.extend_from_slice(format!("{:5}  ", place + 1).as_bytes());
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        self.say(&text)?;
        Ok(0)
    }
}
