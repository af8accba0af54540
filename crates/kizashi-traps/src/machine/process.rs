//! A running shell: given input and time, it answers and says what it waits for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kizashi_event::{Detail, Timestamp};

use super::console::{SharedConsole, Wait};
use super::files::Who;
use super::kernel::SharedKernel;
use super::shell::{Descriptors, Flow, Kind, Origin, Shell, Unwind, Variables};
use super::signal::{self, Signal};
use super::terminal::{Terminal, TerminalRequest};
use super::{Machine, Persona};
use crate::terminal::{Completions, Discipline, Size, as_given, on_screen};

/// Bytes handed out in one call.
const PIECE: usize = 24 * 1024;

/// What a process said and what the visitor did.
#[derive(Debug, Default)]
pub struct Said {
    /// Standard output; on a terminal, all that is shown.
    pub output: Vec<u8>,
    /// Standard error, where there is no terminal.
    pub errors: Vec<u8>,
    /// Details, in their order.
    pub details: Vec<Detail>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It waits for input.
    Waiting,
    /// [`Process::resume`] is to be called after this time, zero where it only lets others go first.
    Again(Duration),
    /// It is over, with this exit status.
    Ended(u8),
}

type Running = Pin<Box<dyn Future<Output = Flow> + Send>>;

/// What a visitor asks a process for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// One command; without it, a login shell.
    pub command: Option<Vec<u8>>,
    /// The terminal that he asked for.
    pub terminal: Option<TerminalRequest>,
    /// Variables that he sent.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A shell that runs.
pub struct Process {
    kernel: SharedKernel,
    console: SharedConsole,
    running: Option<Running>,
    status: u8,
    killed_by: Option<Signal>,
    /// The terminal's number, and the command that was given.
    place: Place,
}

/// Where a process runs: what `ps` and `who` tell of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) terminal: Option<u32>,
    pub(crate) given: Option<Arc<[u8]>>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Process")
            .field("runs", &self.running.is_some())
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(number) = self.place.terminal {
            self.kernel.lock().close_terminal(number);
        }
    }
}

impl Process {
    pub(super) fn open(machine: &Machine, opening: &Opening) -> Self {
        let (terminal, place) = {
            let mut kernel = machine.kernel.lock();
            let owner = kernel
                .account(&machine.user)
                .map_or(Who::ROOT, |account| Who { uid: account.uid, gid: account.gid });
            let terminal = opening
                .terminal
                .as_ref()
                .map(|wanted| Terminal::new(kernel.open_terminal(owner), wanted));
            let place = Place {
                terminal: terminal.map(|terminal| terminal.number),
                given: opening.command.clone().map(Arc::from),
            };
            kernel.place = place.clone();
            (terminal, place)
        };
        let console = SharedConsole::new(terminal);
        let mut shell = login_shell(machine, &console, opening);
        let running: Running = match opening.command.clone() {
            None => Box::pin(async move {
                let flow = shell.interactive().await;
                shell.leave(flow).await
            }),
            Some(command) => Box::pin(async move { shell.argument(&command).await }),
        };
        Self {
            kernel: machine.kernel.clone(),
            console,
            running: Some(running),
            status: 0,
            killed_by: None,
            place,
        }
    }

    /// All that will ever come on standard input, as from a file.
    pub(super) fn give_all(&mut self, input: &[u8]) {
        let mut console = self.console.lock();
        console.give(input);
        console.ended = true;
    }

    /// Begins: a login shell shows its prompt, a command runs.
    pub fn start(&mut self, now: Timestamp, said: &mut Said) -> Progress {
        self.poll(now, said)
    }

    /// A line was typed; its end is added.
    pub fn line(&mut self, line: &[u8], now: Timestamp, said: &mut Said) -> Progress {
        {
            let mut console = self.console.lock();
            console.give(&as_given(line));
            console.give(b"\n");
        }
        self.poll(now, said)
    }

    /// Bytes came on standard input, as they are; see [`Self::room`].
    pub fn input(&mut self, bytes: &[u8], now: Timestamp, said: &mut Said) -> Progress {
        self.console.lock().give(bytes);
        self.poll(now, said)
    }

    /// How many more bytes of input are taken at once; what is past it is lost.
    #[must_use]
    pub fn room(&self) -> usize {
        self.console.lock().room()
    }

    /// How its terminal treats keys and output now; `None` where it has none.
    #[must_use]
    pub(crate) fn discipline(&self) -> Option<Discipline> {
        self.console.lock().discipline()
    }

    /// How the word before the cursor could go on, where the shell at the prompt completes words.
    pub(crate) fn completions(&self, before: &[u8]) -> Completions {
        let (folder, prompt) = {
            let console = self.console.lock();
            (console.folder.clone(), on_screen(&console.prompt))
        };
        let found = self.kernel.lock().completions(&folder, before);
        Completions { prompt, ..found }
    }

    /// The prompt, as the screen gets it.
    pub(crate) fn prompt(&self) -> Vec<u8> {
        on_screen(&self.console.lock().prompt)
    }

    /// The lines of earlier sessions that bash has in its file.
    pub(crate) fn remembered(&self) -> Vec<Vec<u8>> {
        let mut earlier = std::mem::take(&mut self.console.lock().earlier);
        let lines = earlier.lines(&mut self.kernel.lock());
        self.console.lock().earlier = earlier;
        lines
    }

    /// The visitor's window has another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let mut console = self.console.lock();
        let size = Size { columns, rows };
        if let Some(terminal) = &mut console.terminal
            && std::mem::replace(&mut terminal.size, size) != size
        {
            // SIGWINCH goes to whoever has the terminal: a shell at its prompt, or what it runs.
            console.resized = console.prompting;
        }
    }

    /// Whether a shell at its prompt has been told of another size, and wants a turn.
    pub(crate) fn was_resized(&self) -> bool {
        self.console.lock().resized
    }

    /// The signal that it died of, where it did.
    #[must_use]
    pub fn killed_by(&self) -> Option<u8> {
        self.killed_by
    }

    /// A signal to its process group, by number, as `killpg` sends it.
    pub fn signal(&mut self, signal: u8, now: Timestamp, said: &mut Said) -> Progress {
        let (dies, mode) = {
            let mut console = self.console.lock();
            let mode = console.discipline().filter(|mode| mode.prompting && mode.echoes);
            (console.kill(signal), mode)
        };
        if let (signal::INTERRUPT, Some(mode)) = (signal, mode) {
            // readline shows it as if it had been typed.
            said.output.extend_from_slice(crate::terminal::interrupted(mode));
        }
        if dies && self.running.take().is_some() {
            self.die(signal);
            self.console.lock().prompting = false;
        }
        self.poll(now, said)
    }

    fn die(&mut self, signal: Signal) {
        self.killed_by = Some(signal);
        self.status = 128_u8.saturating_add(signal);
    }

    /// Input is over: Control-D on an empty line, or the sender's end of file.
    pub fn end_input(&mut self, now: Timestamp, said: &mut Said) -> Progress {
        self.console.lock().ended = true;
        self.poll(now, said)
    }

    /// Control-C.
    pub fn interrupt(&mut self, now: Timestamp, said: &mut Said) -> Progress {
        self.typed_signal(signal::INTERRUPT, now, said)
    }

    /// A signal that was typed, for what runs in the foreground.
    pub(crate) fn typed_signal(
        &mut self,
        signal: Signal,
        now: Timestamp,
        said: &mut Said,
    ) -> Progress {
        {
            let mut console = self.console.lock();
            console.input.clear();
            let ignores = console.ignored & (1 << signal) != 0;
            // A shell at its prompt knows Control-C alone.
            let is_idle = console.prompting && signal != signal::INTERRUPT;
            if !ignores && !is_idle {
                console.signal = Some(signal);
            }
        }
        self.poll(now, said)
    }

    /// The pause that was asked for is over.
    pub fn resume(&mut self, now: Timestamp, said: &mut Said) -> Progress {
        self.poll(now, said)
    }

    /// Bytes that are held for the running shell.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.console.lock().memory()
    }

    fn poll(&mut self, now: Timestamp, said: &mut Said) -> Progress {
        {
            let mut kernel = self.kernel.lock();
            kernel.set_now(now);
            kernel.place.clone_from(&self.place);
            kernel.files.terminal = self.place.terminal;
        }
        self.console.lock().new_slice();
        // What waits to leave goes first; the shell goes on when it has.
        if self.hand_out(said) {
            return Progress::Again(Duration::ZERO);
        }
        let Some(running) = &mut self.running else { return Progress::Ended(self.status) };
        let outcome = running.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(flow) = outcome {
            self.running = None;
            match flow {
                Ok(status)
                | Err(Unwind::Exit(status) | Unwind::Return(status) | Unwind::Abort(status)) => {
                    self.status = status;
                }
                Err(Unwind::Signalled(signal) | Unwind::Died(signal)) => self.die(signal),
                Err(Unwind::BrokenPipe) => self.die(signal::PIPE),
                Err(Unwind::Crashed) => self.die(signal::SEGMENTATION),
                Err(_) => self.die(signal::KILL),
            }
        }
        let more = self.hand_out(said);
        said.details.extend(self.kernel.lock().take_details());
        match (&self.running, self.console.lock().wait) {
            _ if more => Progress::Again(Duration::ZERO),
            (None, _) => Progress::Ended(self.status),
            (Some(_), Wait::Input) => Progress::Waiting,
            (Some(_), Wait::Pause(pause)) => Progress::Again(pause),
            (Some(_), Wait::Turn) => Progress::Again(Duration::ZERO),
        }
    }

    /// Gives a piece of what was said; whether more waits.
    fn hand_out(&self, said: &mut Said) -> bool {
        let mut console = self.console.lock();
        let count = console.out.len().min(PIECE);
        said.output.extend(console.out.drain(..count));
        let count = console.err.len().min(PIECE);
        said.errors.extend(console.err.drain(..count));
        if console.out.is_empty() && console.out.capacity() > 1_024 {
            console.out = Vec::new();
        }
        !console.out.is_empty() || !console.err.is_empty()
    }
}

/// The shell that an account has.
#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn login_shell(machine: &Machine, console: &SharedConsole, opening: &Opening) -> Shell {
    let interactive = opening.command.is_none();
    let terminal = opening.terminal.as_ref();
    let device = machine.persona.is_device();
    let mut kernel = machine.kernel.lock();
    let account = kernel.account(&machine.user);
    let (who, home) = match &account {
        Some(account) => (Who { uid: account.uid, gid: account.gid }, account.home.clone()),
        // A name that the machine does not have got in: it is given what it asked for.
        None if device => (Who::ROOT, b"/root".to_vec()),
        None => (Who { uid: 1001, gid: 1001 }, b"/".to_vec()),
    };
    let folder = kernel
        .begins_in
        .iter()
        .chain([&home])
        .find(|folder| kernel.files.find(folder, true, who).is_ok())
        .cloned()
        .unwrap_or_else(|| b"/".to_vec());
    let process = kernel.files.processes.get(1).copied().unwrap_or(700);
    let mut variables = Variables::default();
    let user = if device && account.is_none() { b"root".to_vec() } else { machine.user.clone() };
    let android = machine.persona == Persona::Android;
    let path: &[u8] = match (device, who.is_root()) {
        _ if android => b"/sbin:/vendor/bin:/system/sbin:/system/bin:/system/xbin",
        (true, _) => b"/sbin:/usr/sbin:/bin:/usr/bin",
        (false, true) => b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        (false, false) => b"/usr/local/bin:/usr/bin:/bin:/usr/games",
    };
    for (name, value) in [
        (&b"HOME"[..], &home[..]),
        (b"USER", &user),
        (b"LOGNAME", &user),
        (b"PATH", path),
        (b"PWD", &folder),
    ] {
        variables.set_exported(name, value);
    }
    let shell: &[u8] = match (android, device) {
        (true, _) => b"/system/bin/sh",
        (false, true) => b"/bin/sh",
        (false, false) => b"/bin/bash",
    };
    variables.set_exported(b"SHELL", shell);
    if let Some(terminal) = terminal {
        variables.set_exported(b"TERM", &terminal.kind);
    }
    if interactive {
        let prompt: &[u8] = match (android, device) {
            (true, _) => b"root@\\h:\\w # ",
            (false, true) => b"# ",
            (false, false) => b"\\u@\\h:\\w\\$ ",
        };
        let _ = variables.set(b"PS1", prompt);
    }
    if !device {
        let _ = variables.set(b"BASH_VERSION", kernel.world.system.bash.as_bytes());
        if terminal.is_none() {
            // bash names itself a terminal where nobody did.
            let _ = variables.set(b"TERM", b"dumb");
        }
        variables.set_exported(b"LANG", b"C.UTF-8");
        variables.set_exported(b"SHLVL", if interactive { b"1" } else { b"0" });
        if kernel.visitor.service == "sshd" {
            let from = kernel.visitor.source.to_string();
            if kernel.client_port == 0 {
                kernel.client_port = 32_768 + u16::try_from(kernel.random() % 28_000).unwrap_or(0);
            }
            let port = kernel.client_port;
            let here = kernel.address().to_string();
            variables.set_exported(b"SSH_CLIENT", format!("{from} {port} 22").as_bytes());
            variables
                .set_exported(b"SSH_CONNECTION", format!("{from} {port} {here} 22").as_bytes());
            if let Some(number) = kernel.place.terminal {
                variables.set_exported(b"SSH_TTY", format!("/dev/pts/{number}").as_bytes());
            }
        }
        for (name, value) in &opening.environment {
            variables.set_exported(name, value);
        }
    }
    drop(kernel);
    let kind = if machine.persona == Persona::Server { Kind::Bash } else { Kind::Ash };
    let label: &[u8] = match (kind, interactive) {
        (Kind::Bash, true) => b"-bash",
        (Kind::Bash, false) => b"bash",
        (_, true) => b"-sh",
        (_, false) => b"sh",
    };
    Shell::new(machine.kernel.clone(), console.clone(), kind, label, interactive)
        .with_home(variables, folder, who, process)
}

impl Shell {
    fn new(
        kernel: SharedKernel,
        console: SharedConsole,
        kind: Kind,
        label: &[u8],
        login: bool,
    ) -> Self {
        Self::blank(
            kernel,
            console,
            kind,
            label.to_vec(),
            if login { Origin::Interactive } else { Origin::Argument },
            login,
        )
    }

    fn with_home(mut self, variables: Variables, folder: Vec<u8>, who: Who, process: u32) -> Self {
        self.variables = variables;
        self.leads = true;
        self.folder = folder;
        self.who = who;
        self.process = process;
        self.descriptors = Descriptors::of_console();
        self
    }
}
