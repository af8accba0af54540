//! The shell behind every login: its own parser and interpreter of the POSIX shell language with bash's additions that attackers use.
//!
//! Why not `brush-parser`, `yash-syntax` or another that exists: a shell here must be cut at any moment (an interpreter that takes
//! steps from a budget and can stop between any two), must bound what hostile text makes it hold, must speak with the voice of three
//! shells (bash, dash, BusyBox ash) down to their error texts, and must never touch a file or a process. Those parsers are made for
//! friendly scripts, bring async runtimes or large dependency trees, and recurse as deep as their input does.
//!
//! Nothing is ever executed: commands are functions of this crate that read and write the visitor's own view of the files.

mod arrays;
pub(crate) mod ast;
mod builtin;
mod coprocess;
pub(crate) mod descriptors;
pub(crate) mod escape;
mod expand;
mod interactive;
mod parse;
pub(crate) mod run;
mod speech;
mod variables;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub(crate) use builtin::names as builtin_names;
pub(crate) use descriptors::{Descriptors, Handle, Source};
pub(crate) use expand::pattern;
pub(crate) use parse::Fault as SyntaxFault;
pub(crate) use variables::Variables;

use super::console::SharedConsole;
use super::files::Who;
use super::kernel::{Kernel, SharedKernel};
use super::signal::Signal;

/// Functions, subshells and substitutions inside one another.
const NESTING: u32 = 24;
/// Commands inside one another, whatever puts them there: what bounds the stack.
const LEVELS: u32 = 110;
/// Bytes of a word after expansion, of all words of a command, and of a captured output.
const WORDS: usize = 128 * 1024;

/// A future that can be nested, as an interpreter of a recursive language must.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Which shell speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bash,
    Dash,
    Ash,
}

/// Where commands come from, which decides how errors are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Interactive,
    Argument,
    Script,
}

/// Why control leaves a command otherwise than by its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwind {
    Break(u32),
    Continue(u32),
    Return(u8),
    Exit(u8),
    /// The rest of the line is given up.
    Abort(u8),
    /// A signal came for whatever runs at the console.
    Signalled(Signal),
    /// This shell process died of a signal.
    Died(Signal),
    /// More was used than a line may use.
    Killed,
    /// The shell's stack ended: it dies of SIGSEGV.
    Crashed,
    BrokenPipe,
}

/// A status, or why there is none.
pub(crate) type Flow = Result<u8, Unwind>;

/// What `set` and `shopt` change.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) exit_on_error: bool,
    pub(crate) trace: bool,
    pub(crate) no_unset: bool,
    pub(crate) no_glob: bool,
    pub(crate) no_exec: bool,
    pub(crate) pipe_fail: bool,
    pub(crate) null_glob: bool,
    pub(crate) no_clobber: bool,
}

/// One shell process, or a copy of one in a subshell.
#[derive(Clone)]
pub(crate) struct Shell {
    pub(crate) kernel: SharedKernel,
    pub(crate) console: SharedConsole,
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
    pub(crate) login: bool,
    /// It is the process at the console itself, to which signals are sent.
    pub(crate) leads: bool,
    /// The one command that it was given is a program, which it becomes.
    pub(crate) becomes: bool,
    /// `$0`, and how errors begin.
    pub(crate) label: Vec<u8>,
    pub(crate) variables: Variables,
    pub(crate) functions: Arc<BTreeMap<Vec<u8>, Arc<ast::Command>>>,
    pub(crate) aliases: Arc<BTreeMap<Vec<u8>, Vec<u8>>>,
    pub(crate) traps: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) positional: Vec<Vec<u8>>,
    pub(crate) status: u8,
    pub(crate) folder: Vec<u8>,
    pub(crate) descriptors: Descriptors,
    /// What `exec` with redirections alone leaves open.
    pub(crate) kept_descriptors: Option<Descriptors>,
    pub(crate) options: Options,
    pub(crate) umask: u16,
    /// Limits that `ulimit` set, by its letters.
    pub(crate) limits_set: Vec<(u8, Vec<u8>)>,
    pub(crate) who: Who,
    pub(crate) process: u32,
    pub(crate) background: u32,
    pub(crate) jobs: Vec<(u32, Vec<u8>)>,
    /// It runs in the background, where nobody waits for its sleeping.
    pub(crate) detached: bool,
    pub(crate) line: u32,
    depth: u32,
    /// Subshells around it, each a process of its own.
    forks: u32,
    /// Commands around it.
    levels: u32,
    /// Process substitutions so far, by which their files are told apart.
    substitutions: u8,
    /// Loops around the command that runs.
    loops: u32,
    /// Conditions around it, in which failures do not end the shell.
    conditions: u32,
    /// Functions around it.
    calls: u32,
    /// What was typed, for `history`.
    pub(crate) history: Arc<Vec<Vec<u8>>>,
}

impl Shell {
    /// A shell that has nothing yet.
    pub(crate) fn blank(
        kernel: SharedKernel,
        console: SharedConsole,
        kind: Kind,
        label: Vec<u8>,
        origin: Origin,
        login: bool,
    ) -> Self {
        Self {
            kernel,
            console,
            kind,
            origin,
            login,
            leads: false,
            becomes: false,
            label,
            variables: Variables::default(),
            functions: Arc::default(),
            aliases: Arc::default(),
            traps: BTreeMap::new(),
            positional: Vec::new(),
            status: 0,
            folder: b"/".to_vec(),
            descriptors: Descriptors::of_console(),
            kept_descriptors: None,
            options: Options::default(),
            umask: 0o022,
            limits_set: Vec::new(),
            who: Who::ROOT,
            process: 0,
            background: 0,
            jobs: Vec::new(),
            detached: false,
            line: 1,
            depth: 0,
            forks: 0,
            levels: 0,
            substitutions: 0,
            loops: 0,
            conditions: 0,
            calls: 0,
            history: Arc::default(),
        }
    }

    pub(crate) fn is_bash(&self) -> bool {
        self.kind == Kind::Bash
    }

    /// Works with the kernel; never across a suspension.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Kernel) -> T) -> T {
        work(&mut self.kernel.lock())
    }

    /// One step of the interpreter: gives others their turn now and then, and ends what takes too much.
    pub(crate) async fn step(&mut self) -> Result<(), Unwind> {
        self.spend(1).await
    }

    pub(crate) async fn spend(&mut self, steps: u32) -> Result<(), Unwind> {
        use super::console::Refusal;
        let due = self.console.lock().spend(steps);
        match due {
            Ok(false) => Ok(()),
            Ok(true) => {
                let wait = self.console.lock().breath();
                self.console.suspend(wait).await;
                Ok(())
            }
            Err(Refusal::Signalled(signal)) => Err(Unwind::Signalled(signal)),
            Err(Refusal::Spent) => Err(Unwind::Killed),
        }
    }

    /// Computes until the line's share is used up, as what never ends does; then the kernel kills it.
    pub(crate) async fn use_up(&mut self) -> Unwind {
        loop {
            if let Err(unwind) = self.spend(super::console::SLICE).await {
                return unwind;
            }
        }
    }

    /// A copy for a subshell.
    pub(crate) fn child(&self) -> Self {
        let mut child = self.clone();
        child.depth += 1;
        child.forks += 1;
        child.traps.clear();
        child.leads = false;
        child.becomes = false;
        child.jobs.clear();
        child
    }

    /// Whether one more level is allowed; if not, says what a full process table says.
    pub(crate) fn may_nest(&mut self) -> bool {
        if self.depth < NESTING {
            return true;
        }
        match self.kind {
            Kind::Bash => self.complain(b"fork: retry: Resource temporarily unavailable"),
            Kind::Dash => self.complain(b"Cannot fork"),
            Kind::Ash => self.complain(b"can't fork"),
        }
        false
    }
}

/// How many bytes of a variable's name the text begins with.
pub(crate) fn name_length(text: &[u8]) -> usize {
    match text.first() {
        Some(first) if first.is_ascii_alphabetic() || *first == b'_' => {
            text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
        }
        _ => 0,
    }
}

/// Whether the text is a variable's name.
pub(crate) fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && name_length(text) == text.len()
}
