//! Whole texts: scripts, arguments of `-c`, standard input of `sh`, and the shells inside shells that run them.

use super::super::parse::{Fault, Parser};
use super::super::variables::Variables;
use super::super::{Boxed, Flow, Handle, Kind, Origin, Shell, Unwind};
use crate::machine::commands::{self, Question};
use crate::machine::files::{Fault as Refusal, Who, base_name};
use crate::machine::signal;

/// Bytes of a script that are read.
const SCRIPT: usize = 64 * 1024;

impl Shell {
    /// Runs a text line by line: what stands before a fault has run.
    pub(crate) fn source<'a>(&'a mut self, text: &'a [u8]) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let text = &text[..text.len().min(SCRIPT)];
            let mut parser = Parser::new(text, self.is_bash());
            let mut status = 0;
            loop {
                self.step().await?;
                let line = parser.line;
                match parser.next_line() {
                    Ok(None) => return Ok(status),
                    Ok(Some(_)) if self.options.no_exec => {}
                    Ok(Some(list)) => match self.list(&list).await {
                        Ok(found) => status = found,
                        Err(Unwind::Abort(found)) => {
                            self.status = found;
                            status = found;
                            if self.kind != Kind::Bash {
                                return Err(Unwind::Exit(found));
                            }
                        }
                        Err(unwind) => return Err(unwind),
                    },
                    Err(fault) => {
                        let at = if matches!(fault, Fault::Incomplete(Some(_))) {
                            line
                        } else {
                            parser.line
                        };
                        status = self.syntax_error(&fault, at, text);
                        return Ok(self.set_status(status));
                    }
                }
            }
        })
    }

    /// A shell process's last act: its `EXIT` trap.
    pub(crate) async fn leave(&mut self, flow: Flow) -> Flow {
        let Some(command) = self.traps.remove(&b"EXIT"[..]) else { return flow };
        let status = match flow {
            Ok(status) | Err(Unwind::Exit(status)) => status,
            Err(Unwind::Died(signal) | Unwind::Signalled(signal)) if signal != signal::KILL => {
                128 + signal
            }
            other => return other,
        };
        self.status = status;
        match self.source(&command).await {
            Err(Unwind::Exit(status)) => Ok(status),
            Ok(_) if flow.is_err() => flow,
            Ok(_) => Ok(status),
            Err(unwind) => Err(unwind),
        }
    }

    /// A new shell process of this kind, with what a program inherits.
    pub(crate) fn spawn(&self, kind: Kind, label: &[u8], set: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let mut shell = self.child();
        shell.kind = kind;
        shell.label = label.to_vec();
        shell.origin = Origin::Script;
        shell.login = false;
        shell.variables = inherited(&self.variables, set);
        shell.functions = std::sync::Arc::default();
        shell.aliases = std::sync::Arc::default();
        shell.options = super::super::Options::default();
        shell.positional = Vec::new();
        shell.status = 0;
        shell.line = 1;
        shell.loops = 0;
        shell.conditions = 0;
        shell.calls = 0;
        shell.history = std::sync::Arc::default();
        shell.process = self.with(super::super::Kernel::new_process);
        shell.forks = 0;
        shell
    }

    /// The shell that scripts of `#!/bin/sh` and `sh` itself mean here.
    pub(crate) fn kind_named(&self, name: &[u8]) -> Kind {
        let device = self.with(|kernel| kernel.world.persona.is_device());
        match base_name(name) {
            _ if device => Kind::Ash,
            b"bash" | b"-bash" | b"rbash" => Kind::Bash,
            _ => Kind::Dash,
        }
    }

    /// A script of the visitor's that was made executable.
    pub(super) async fn run_script(
        &mut self,
        text: &[u8],
        words: Vec<Vec<u8>>,
        set: &[(Vec<u8>, Vec<u8>)],
    ) -> Flow {
        if !self.may_nest() {
            return Ok(126);
        }
        let name = words.first().cloned().unwrap_or_default();
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let mut kind = self.kind;
        if let Some(interpreter) = first.strip_prefix(b"#!") {
            let interpreter = interpreter.trim_ascii();
            let path = interpreter.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            if self.path_of(path).is_none_or(|path| {
                self.with(|kernel| kernel.files.find(&path, true, Who::ROOT)).is_err()
            }) {
                let bad = [b"bad interpreter: ".as_slice(), b"No such file or directory"].concat();
                let label = [&name[..], b": ", path].concat();
                if self.is_bash() {
                    self.complain(&[&label[..], b": ", &bad].concat());
                    return Ok(126);
                }
                return Ok(self.not_found(&name));
            }
            if !matches!(base_name(path), b"sh" | b"bash" | b"dash" | b"ash" | b"env") {
                // The interpreter is a program of the machine's; it is given the script as an argument.
                let mut next: Vec<Vec<u8>> =
                    interpreter.split(u8::is_ascii_whitespace).map(<[u8]>::to_vec).collect();
                next.extend(words);
                return Box::pin(self.external(next, set.to_vec())).await;
            }
            kind = self.kind_named(path);
        } else if text.contains(&0) {
            self.complain_of(&name, "cannot execute binary file: Exec format error");
            return Ok(126);
        }
        let mut shell = self.spawn(kind, &name, set);
        let called = words.clone();
        shell.positional = words.into_iter().skip(1).collect();
        let flow = shell.source(text).await;
        let flow = shell.leave(flow).await;
        self.with(|kernel| kernel.current_line = called);
        self.child_status(flow)
    }

    /// `sh`, `bash` and their kin as commands.
    #[expect(
        clippy::too_many_lines,
        reason = "one flat sequence of the tool's own options and texts"
    )]
    pub(super) async fn nested_shell(
        &mut self,
        words: &[Vec<u8>],
        set: &[(Vec<u8>, Vec<u8>)],
    ) -> Flow {
        if !self.may_nest() {
            return Ok(126);
        }
        let applet = words.first().is_some_and(|word| base_name(word) == b"busybox");
        let words = if applet { words.get(1..).unwrap_or_default() } else { words };
        let name = words.first().cloned().unwrap_or_default();
        let kind = if applet { Kind::Ash } else { self.kind_named(&name) };
        let mut shell = self.spawn(kind, &name, set);
        let mut command = None;
        let mut rest = words[1..].iter();
        let mut file = None;
        let mut standard_input = false;
        while let Some(word) = rest.next() {
            match &word[..] {
                b"-c" => command = rest.next().cloned(),
                b"--" => {
                    file = rest.next().cloned();
                    break;
                }
                b"-s" => standard_input = true,
                b"-i" | b"-l" | b"--login" | b"--noprofile" | b"--norc" | b"-" | b"-p"
                | b"--posix" => {}
                b"-o" | b"+o" | b"-O" | b"+O" => drop(rest.next()),
                b"--version" if shell.is_bash() => return self.bash_version(),
                b"--help" if shell.is_bash() => return Ok(0),
                _ if word.starts_with(b"--") && shell.is_bash() => {
                    self.write(2, &[b"bash: ", &word[..], b": invalid option\n"].concat())?;
                    return Ok(2);
                }
                _ if word.starts_with(b"--") && shell.kind == Kind::Dash => {
                    self.write(2, &[&name[..], b": 0: Illegal option --\n"].concat())?;
                    return Ok(2);
                }
                _ if word.first() == Some(&b'-') && word.len() > 1 => {
                    shell.set_letters(&word[1..], true);
                    if word.contains(&b'c') {
                        command = rest.next().cloned();
                    }
                    standard_input |= word.contains(&b's');
                }
                _ => {
                    file = Some(word.clone());
                    break;
                }
            }
            if command.is_some() {
                break;
            }
        }
        shell.positional = rest.cloned().collect();
        if standard_input && let Some(first) = file.take() {
            shell.positional.insert(0, first);
        }
        let flow = if let Some(command) = command {
            if command.is_empty() && words.iter().any(|word| word == b"-c") && words.len() == 2 {
                shell.complain(b"-c: option requires an argument");
                return Ok(2);
            }
            if let Some(zero) = (!shell.positional.is_empty()).then(|| shell.positional.remove(0)) {
                shell.label = zero;
            }
            shell.origin = Origin::Argument;
            shell.source(&command).await
        } else if let Some(file) = file.filter(|_| !standard_input) {
            shell.script_file(&file).await
        } else {
            shell.standard_input().await
        };
        let flow = shell.leave(flow).await;
        self.with(|kernel| kernel.current_line = words.to_vec());
        self.child_status(flow)
    }

    fn bash_version(&self) -> Flow {
        let version = self.with(|kernel| kernel.world.system.bash);
        self.say(format!("GNU bash, version {version} (x86_64-pc-linux-gnu)\nCopyright (C) 2022 Free Software Foundation, Inc.\nLicense GPLv3+: GNU GPL version 3 or later <http://gnu.org/licenses/gpl.html>\n\nThis is free software; you are free to change and redistribute it.\nThere is NO WARRANTY, to the extent permitted by law.\n").as_bytes())?;
        Ok(0)
    }

    async fn script_file(&mut self, path: &[u8]) -> Flow {
        let read = self.with(|kernel| kernel.read_path(&self.folder, path, self.who));
        match read {
            Ok(text) => {
                self.label = path.to_vec();
                if text.starts_with(b"\x7fELF") {
                    self.label = if self.is_bash() { path.to_vec() } else { self.label.clone() };
                    match self.kind {
                        Kind::Bash => {
                            let _ = self.write(
                                2,
                                &[path, b": ", path, b": cannot execute binary file\n"].concat(),
                            )?;
                        }
                        _ => self.complain(b"Syntax error: word unexpected (expecting \")\")"),
                    }
                    return Ok(126);
                }
                self.source(&text).await
            }
            Err(fault) => {
                let label = String::from_utf8_lossy(&self.label).into_owned();
                let path_text = String::from_utf8_lossy(path).into_owned();
                let text = match (self.kind, fault) {
                    (Kind::Bash, Refusal::IsAFolder) => {
                        format!("{path_text}: {path_text}: Is a directory\n")
                    }
                    (Kind::Bash, fault) => format!("{label}: {path_text}: {fault}\n"),
                    (Kind::Dash, Refusal::NotFound) => {
                        format!("{label}: 0: cannot open {path_text}: No such file\n")
                    }
                    (Kind::Dash, fault) => {
                        format!("{label}: 0: cannot open {path_text}: {fault}\n")
                    }
                    (Kind::Ash, Refusal::NotFound) => {
                        format!("{label}: can't open '{path_text}': No such file or directory\n")
                    }
                    (Kind::Ash, fault) => format!("{label}: can't open '{path_text}': {fault}\n"),
                };
                self.write(2, text.as_bytes())?;
                Ok(if self.kind == Kind::Dash || self.kind == Kind::Ash {
                    2
                } else if fault == Refusal::NotFound {
                    127
                } else {
                    126
                })
            }
        }
    }

    /// A shell without a script: what a pipe holds, or what is typed.
    async fn standard_input(&mut self) -> Flow {
        let source = match self.descriptors.get(0) {
            Some(Handle::Source(source)) => Some(source.clone()),
            Some(Handle::Console { .. }) => None,
            _ => return Ok(0),
        };
        match source {
            Some(source) => {
                let text = source.rest();
                self.source(&text).await
            }
            None => self.interactive().await,
        }
    }

    /// A question with hidden answers, as `passwd` and `su` ask.
    pub(super) async fn ask(&mut self, question: Question) -> Flow {
        let mut answers = Vec::new();
        for prompt in &question.prompts {
            self.write(2, prompt)?;
            self.console.lock().hidden = true;
            let line = self.read_line(0, b'\n').await;
            self.console.lock().hidden = false;
            let line = line?.unwrap_or_default();
            if self.is_terminal(0) {
                self.write(2, b"\n")?;
            }
            answers.push(line.strip_suffix(b"\n").unwrap_or(&line).to_vec());
        }
        let (text, status) = self.with(|kernel| (question.then)(kernel, &answers));
        self.write(2, &text)?;
        Ok(status)
    }

    /// `su`: a shell of another's.
    pub(super) async fn become_user(
        &mut self,
        who: commands::Account,
        command: Option<Vec<u8>>,
        login: bool,
    ) -> Flow {
        if !self.may_nest() {
            return Ok(126);
        }
        if base_name(&who.shell) == b"nologin" {
            self.say(b"This account is currently not available.\n")?;
            return Ok(1);
        }
        let kind = self.kind_named(if self.with(|kernel| kernel.world.persona.is_device()) {
            b"sh"
        } else {
            b"bash"
        });
        let label: &[u8] = if login { b"-bash" } else { b"bash" };
        let mut shell = self.spawn(kind, label, &[]);
        shell.who = Who { uid: who.uid, gid: who.gid };
        shell.variables.set_exported(b"HOME", &who.home);
        shell.variables.set_exported(b"USER", &who.name);
        shell.variables.set_exported(b"LOGNAME", &who.name);
        if login {
            shell.folder = who.home.clone();
        }
        let flow = match command {
            Some(command) => {
                shell.origin = Origin::Argument;
                shell.source(&command).await
            }
            None => shell.standard_input().await,
        };
        self.child_status(flow)
    }
}

fn inherited(variables: &Variables, set: &[(Vec<u8>, Vec<u8>)]) -> Variables {
    let mut new = variables.inherited();
    for (name, value) in set {
        new.set_exported(name, value);
    }
    new
}
