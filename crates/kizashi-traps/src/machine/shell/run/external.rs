//! Programs: found by path or `PATH`, run as functions of this crate on the visitor's own view of the machine. A file of the visitor's is
//! never run: a script is read by this shell, and a program of the right architecture ends at once and says nothing.

use std::time::Duration;

use super::super::{Boxed, Flow, Handle, Kind, Shell, Unwind};
use crate::machine::commands::{self, Answers, Call, Finish, Further, Input, Moment, Replacement};
use crate::machine::console::Wait;
use crate::machine::files::{Body, Fault, Files, NodeId, absolute, base_name};

/// Bytes that one command shows on a terminal, and writes into a file or a pipe.
const SHOWN: usize = 48 * 1024;
const WRITTEN: usize = 256 * 1024;
/// The longest sleep that takes real time; the rest of it passes on the machine's clock alone.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// Programs that replace themselves by another, in a row.
const REPLACEMENTS: u32 = 12;

/// A program between two of its turns.
#[derive(Default)]
struct Run {
    /// Input that it waited for.
    given: Option<Vec<u8>>,
    /// How it goes on.
    further: Option<Further>,
    /// It used all that one call may.
    exhausted: bool,
    answers: Answers,
}

/// What a path leads to when it is to be run.
enum Runnable {
    Program(&'static str),
    Script(Vec<u8>),
    /// A program of the visitor's, for this machine or for another.
    Foreign {
        ours: bool,
    },
}

impl Shell {
    /// Runs a program.
    pub(super) fn external(
        &mut self,
        words: Vec<Vec<u8>>,
        set: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Boxed<'_, Flow> {
        Box::pin(self.external_steps(words, set))
    }

    async fn external_steps(
        &mut self,
        mut words: Vec<Vec<u8>>,
        mut set: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Flow {
        let who = self.who;
        for _ in 0..REPLACEMENTS {
            self.spend(4).await?;
            let Some(name) = words.first().cloned() else { return Ok(0) };
            let flow = match self.find_runnable(&name) {
                Err(Fault::NotFound) => return Ok(self.missing(&name)),
                Err(fault) => return Ok(self.not_run(&name, fault)),
                Ok(Runnable::Foreign { ours: true }) => Ok(0),
                Ok(Runnable::Foreign { ours: false }) => {
                    self.wrong_format(&name);
                    Ok(126)
                }
                Ok(Runnable::Script(text)) => self.run_script(&text, words, &set).await,
                Ok(Runnable::Program(program)) => {
                    match self.program(program, &words, &set).await? {
                        Finish::Replace(replacement) => {
                            let Replacement { words: next, set: more, who: other } = replacement;
                            set.extend(more);
                            words = next;
                            if let Some(other) = other {
                                self.who = other;
                            }
                            if self.is_builtin(&words.first().cloned().unwrap_or_default())
                                && words.first().is_some_and(|word| {
                                    matches!(&word[..], b"cd" | b"exit" | b"export")
                                })
                            {
                                return Ok(self.missing(&words[0].clone()));
                            }
                            continue;
                        }
                        finish => self.finish(finish, &words, &set).await,
                    }
                }
            };
            self.who = who;
            return flow;
        }
        self.who = who;
        Err(Unwind::Killed)
    }

    fn missing(&self, name: &[u8]) -> u8 {
        self.not_found(name)
    }

    fn wrong_format(&self, name: &[u8]) {
        match self.kind {
            Kind::Bash => self.complain_of(name, "cannot execute binary file: Exec format error"),
            Kind::Dash => self.complain_of(name, "Exec format error"),
            Kind::Ash => self.complain(
                &[name, b": line 1: syntax error: unexpected word (expecting \")\")"].concat(),
            ),
        }
    }

    /// The absolute path of a command, by `PATH` where it has no slash.
    pub(crate) fn path_of(&self, name: &[u8]) -> Option<Vec<u8>> {
        if name.contains(&b'/') {
            return Some(absolute(&self.folder, name));
        }
        let default: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let path = self.variables.value(b"PATH").unwrap_or(default).to_vec();
        let kernel = self.kernel.lock();
        path.split(|byte| *byte == b':')
            .take(40)
            .map(|folder| absolute(&self.folder, &[folder, b"/", name].concat()))
            .find(|path| {
                let found = kernel.files.find(path, true, self.who);
                found.is_ok_and(|id| {
                    kernel.files.node(id).is_regular() && kernel.files.node(id).permits(self.who, 1)
                })
            })
    }

    fn find_runnable(&self, name: &[u8]) -> Result<Runnable, Fault> {
        let path = self.path_of(name).filter(|_| !name.is_empty()).ok_or(Fault::NotFound)?;
        let mut kernel = self.kernel.lock();
        let id = kernel.files.find(&path, true, self.who)?;
        let node = kernel.files.node(id);
        if node.is_folder() {
            return Err(Fault::IsAFolder);
        }
        if !node.permits(self.who, 1) {
            return Err(Fault::Denied);
        }
        if let Body::Program { name, .. } = node.body {
            return Ok(match name {
                "" => Runnable::Foreign { ours: true },
                name => Runnable::Program(name),
            });
        }
        let architecture = kernel.world.architecture;
        let bytes = kernel.read(id)?;
        Ok(if bytes.starts_with(b"\x7fELF") {
            Runnable::Foreign { ours: commands::is_for(&bytes, architecture) }
        } else {
            Runnable::Script(bytes)
        })
    }

    /// Calls a program's function; its output goes where descriptors lead.
    async fn program(
        &mut self,
        program: &'static str,
        words: &[Vec<u8>],
        set: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<Finish, Unwind> {
        let mut run = Run::default();
        loop {
            let (finish, output, wants) = self.call_program(program, words, set, &mut run);
            if let Some(command) = run.answers.wanted.take() {
                // What it said so far it says again.
                self.spend(output.cost).await?;
                let output = self.output_of(&command).await?;
                run.answers.known.insert(command, output);
                run.given = run.answers.input.take();
                continue;
            }
            if wants {
                run.given = Some(self.input_all().await?);
                continue;
            }
            let failed = self.emit(&output.bytes, &output.marks, base_name(&words[0]))?;
            if run.exhausted {
                return Err(self.use_up().await);
            }
            self.spend(output.cost).await?;
            match finish {
                Finish::Further(further) => run.further = Some(further),
                Finish::Status(0) if failed => return Ok(Finish::Status(1)),
                finish => return Ok(finish),
            }
        }
    }

    /// What a command prints when `sh` runs it.
    async fn output_of(&mut self, command: &[u8]) -> Result<Vec<u8>, Unwind> {
        if !self.may_nest() {
            return Ok(Vec::new());
        }
        let sink = super::super::descriptors::Sink::default();
        let mut child = self.child();
        child.descriptors.set(1, Handle::Sink(sink.clone()));
        child.descriptors.set(0, Handle::Source(super::super::Source::shared(Vec::new())));
        let words = vec![b"sh".to_vec(), b"-c".to_vec(), command.to_vec()];
        let flow = child.external(words, Vec::new()).await;
        self.child_status(flow)?;
        Ok(sink.take())
    }

    fn call_program(
        &self,
        program: &'static str,
        words: &[Vec<u8>],
        set: &[(Vec<u8>, Vec<u8>)],
        run: &mut Run,
    ) -> (Finish, commands::Said, bool) {
        let input = match (run.given.take(), self.descriptors.get(0)) {
            (Some(bytes), _) => Input::Bytes(bytes),
            (None, Some(Handle::Source(source))) => Input::Source(source.clone()),
            (None, Some(Handle::Console { .. } | Handle::Inlet(_) | Handle::Coprocess(_))) => {
                Input::Console
            }
            _ => Input::Bytes(Vec::new()),
        };
        let own = commands::is_shells_own(&words[0], self.kind);
        let complaint = if own { self.complaint() } else { Vec::new() };
        let mut environment = self.variables.clone();
        for (name, value) in set {
            environment.set_exported(name, value);
        }
        let terminal = self.is_terminal(1);
        let at_terminal = (0..16).filter(|number| self.is_terminal(*number));
        let at_terminal = at_terminal.fold(0_u16, |all, number| all | 1 << number);
        let mut kernel = self.kernel.lock();
        // Every other program gets a number too, as on a machine on which something always runs.
        let number = kernel.new_process();
        kernel.at_terminal = at_terminal;
        kernel.current_name = base_name(&words[0]).to_vec();
        kernel.current_line = words.to_vec();
        kernel.files.processes.truncate(2);
        kernel.files.processes.push(number);
        let mut call = Call::new(&mut kernel, words, &self.folder, self.who, input);
        call.umask = self.umask;
        call.environment = &environment;
        call.terminal = terminal;
        call.shell = self.process + self.forks;
        call.tty = self.console.lock().terminal;
        call.typed = call.tty.is_some();
        call.limit = if matches!(self.descriptors.get(1), Some(Handle::Console { .. })) {
            SHOWN
        } else {
            WRITTEN
        };
        call.shells_own = own.then_some(self.kind);
        call.complaint = &complaint;
        call.answers = std::mem::take(&mut run.answers);
        call.kernel.meter.refill();
        let finish = match run.further.take() {
            Some(further) => further(&mut call),
            None => commands::run(program, &mut call),
        };
        let tty = call.tty;
        let (mut said, wants, answers) = call.into_said();
        self.console.lock().terminal = tty;
        run.answers = answers;
        said.cost = said.cost.saturating_add(kernel.meter.steps());
        run.exhausted = kernel.meter.is_empty();
        kernel.files.processes.truncate(2);
        (finish, said, wants)
    }

    /// Calls one of the shell's own commands that is a program elsewhere (`echo`, `test`).
    pub(crate) async fn own_command(&mut self, name: &[u8], arguments: &[Vec<u8>]) -> Flow {
        let mut words = vec![name.to_vec()];
        words.extend_from_slice(arguments);
        let Some(program) = commands::named(name) else { return Ok(127) };
        if let (b"printf", [option, variable, rest @ ..]) = (name, arguments)
            && option == b"-v"
            && self.is_bash()
        {
            let words = [&[name.to_vec()][..], rest].concat();
            let (_, said, _) = self.call_program(program, &words, &[], &mut Run::default());
            self.assign(variable, &said.bytes)?;
            return Ok(0);
        }
        match self.program(program, &words, &[]).await? {
            Finish::Status(status) => Ok(status),
            finish => self.finish(finish, &words, &[]).await,
        }
    }

    /// All that a program reads which wants to have it whole.
    async fn input_all(&mut self) -> Result<Vec<u8>, Unwind> {
        if !matches!(self.descriptors.get(0), Some(Handle::Inlet(_) | Handle::Coprocess(_))) {
            return self.console_all().await;
        }
        let mut all = Vec::new();
        while let Some(line) = self.read_some(0, b'\n', usize::MAX).await? {
            let room = WRITTEN.saturating_sub(all.len());
            all.extend_from_slice(&line[..line.len().min(room)]);
        }
        Ok(all)
    }

    /// Everything typed or sent until its end.
    pub(crate) async fn console_all(&mut self) -> Result<Vec<u8>, Unwind> {
        let mut all = Vec::new();
        while let Some(piece) = self.console_piece().await? {
            let room = WRITTEN.saturating_sub(all.len());
            all.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Ok(all)
    }

    /// Sends a command's output on its way; a full disk is told as the command would, and whether it was.
    pub(crate) fn emit(
        &self,
        bytes: &[u8],
        marks: &[(usize, bool)],
        name: &[u8],
    ) -> Result<bool, Unwind> {
        let mut start = 0;
        let mut told = false;
        for (end, error) in marks {
            let piece = bytes.get(start..*end).unwrap_or_default();
            start = *end;
            if let Some(fault) = self.write(if *error { 2 } else { 1 }, piece)?
                && !told
                && !*error
            {
                told = true;
                let text = format!(": write error: {fault}\n");
                let own = commands::is_shells_own(name, self.kind);
                let head = if own { self.complaint() } else { Vec::new() };
                let _ = self.write(2, &[&head[..], name, text.as_bytes()].concat())?;
            }
        }
        Ok(told)
    }

    /// What comes after a program's function has returned.
    async fn finish(
        &mut self,
        finish: Finish,
        words: &[Vec<u8>],
        set: &[(Vec<u8>, Vec<u8>)],
    ) -> Flow {
        match finish {
            Finish::Status(status) => Ok(status),
            Finish::Stream => self.stream().await,
            Finish::Sleep(time) => {
                self.sleep(time).await?;
                Ok(0)
            }
            Finish::Slow(moments, status) => self.slow(moments, status, base_name(&words[0])).await,
            Finish::Each(calls) => self.each(calls).await,
            Finish::Page(page) => self.page(*page).await,
            Finish::Shell => self.nested_shell(words, set).await,
            Finish::Ask(question) => self.ask(*question).await,
            Finish::Become { who, command, login } => self.become_user(who, command, login).await,
            Finish::Ends => Err(Unwind::Exit(0)),
            Finish::KillGroup(signal) => Err(Unwind::Signalled(signal)),
            Finish::KillShell(signal) => self.kill_self(signal).await,
            Finish::Replace(_) | Finish::Further(_) => Ok(126),
        }
    }

    /// What comes in goes out, until its end: `cat` alone.
    async fn stream(&mut self) -> Flow {
        loop {
            let piece = match self.descriptors.get(0) {
                Some(Handle::Source(source)) => Some(source.rest()).filter(|rest| !rest.is_empty()),
                Some(Handle::Console { .. }) => self.console_piece().await?,
                Some(Handle::Inlet(inlet)) => {
                    let inlet = std::sync::Arc::clone(inlet);
                    self.read_inlet(&inlet, None, usize::MAX).await?
                }
                Some(Handle::Coprocess(_)) => self.read_some(0, b'\n', usize::MAX).await?,
                _ => None,
            };
            let Some(piece) = piece else { return Ok(0) };
            self.emit(&piece, &[(piece.len(), false)], b"cat")?;
            self.spend(1).await?;
        }
    }

    /// Sleeps: in real time as far as anybody waits for it.
    pub(crate) async fn sleep(&mut self, time: Duration) -> Result<(), Unwind> {
        let waits = !self.detached;
        let real = if waits { time.min(LONGEST_SLEEP) } else { Duration::ZERO };
        let rest = i64::try_from((time - real).as_micros()).unwrap_or(i64::MAX);
        if !real.is_zero() {
            self.console.suspend(Wait::Pause(real)).await;
        }
        self.with(|kernel| kernel.skip(rest));
        self.spend(1).await
    }

    /// Output that comes piece by piece.
    async fn slow(&mut self, moments: Vec<Moment>, status: u8, name: &[u8]) -> Flow {
        for moment in moments {
            if !moment.after.is_zero() {
                self.sleep(moment.after).await?;
            }
            self.emit(&moment.text, &[(moment.text.len(), moment.error)], name)?;
            self.step().await?;
        }
        Ok(status)
    }

    /// Commands one after the other, as `xargs` and `find -exec` run them.
    async fn each(&mut self, calls: Vec<Vec<Vec<u8>>>) -> Flow {
        let mut status = 0;
        for words in calls {
            if !self.may_nest() {
                return Ok(126);
            }
            let mut child = self.child();
            child.descriptors.set(0, Handle::Source(super::super::Source::shared(Vec::new())));
            let found = child.path_of(words.first().map_or(b"", Vec::as_slice)).is_some();
            if !found {
                let name = words.first().cloned().unwrap_or_default();
                self.write(2, &[b"xargs: ", &name[..], b": No such file or directory\n"].concat())?;
                return Ok(127);
            }
            let flow = child.external(words, Vec::new()).await;
            match self.child_status(flow)? {
                0 => {}
                255 => return Ok(124),
                _ => status = 123,
            }
        }
        Ok(status)
    }
}

/// Whether a file may be executed at all, for `test -x` and `which`.
pub(crate) fn is_runnable(files: &Files, id: NodeId, who: crate::machine::files::Who) -> bool {
    files.node(id).is_regular() && files.node(id).permits(who, 1)
}
