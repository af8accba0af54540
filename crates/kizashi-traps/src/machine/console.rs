//! What a running process has of the outside: keys that came, text that leaves, what it waits for, and how much it may still use. The
//! interpreter is written as `async` code and polled by hand without a waker: a future is a resumable interpreter that the compiler
//! writes, and nothing here ever touches an executor, a thread or a clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use super::earlier::Earlier;
use super::signal::{self, Signal};
use super::terminal::Terminal;
use crate::terminal::{Discipline, Manner};

/// Steps of the interpreter between two turns: well under 50 ms of processor time in a release build.
pub(crate) const SLICE: u32 = 2_000;
/// Slices of one line that follow each other at once, and the pause before each later one.
const EAGER: u32 = 5;
const BREATH: Duration = Duration::from_millis(10);
/// Steps for one line given; then the process is killed as the kernel kills what takes too much.
const STEPS: u32 = 120_000;
/// Bytes shown for one line given.
const SHOWN: usize = 1024 * 1024;
/// Bytes waiting to leave at which the interpreter pauses.
const FULL: usize = 16 * 1024;
/// Bytes given and not read.
const INPUT: usize = 64 * 1024;

/// What a process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// More input, or its end.
    Input,
    /// Time.
    Pause(Duration),
    /// Nothing: it lets others go first.
    Turn,
}

/// The state that a running process shares with whoever polls it.
#[derive(Debug)]
pub(crate) struct Console {
    pub(crate) input: Vec<u8>,
    /// No more input will come.
    pub(crate) ended: bool,
    /// A signal that has come for whatever runs.
    pub(crate) signal: Option<Signal>,
    /// One for the shell alone, which waits for what runs.
    pub(crate) deferred: Option<Signal>,
    /// Signals that the process at the console ignores, and those it has set a trap for, a bit each.
    pub(crate) ignored: u64,
    pub(crate) caught: u64,
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
    pub(crate) terminal: Option<Terminal>,
    /// A shell that edits its line itself shows its prompt.
    pub(crate) prompting: bool,
    /// How that shell speaks to the terminal, where it is readline and knows it.
    pub(crate) edits: Option<Manner>,
    /// What its prompt shows, and the folder that it is in.
    pub(crate) prompt: Vec<u8>,
    pub(crate) folder: Vec<u8>,
    /// Lines of earlier sessions of the shell at the prompt.
    pub(crate) earlier: Earlier,
    /// The terminal has another size, and the shell at its prompt was not given a turn since.
    pub(crate) resized: bool,
    /// A shell that people type to.
    pub(crate) interactive: bool,
    /// What is typed is not to be shown.
    pub(crate) hidden: bool,
    /// What reads takes keys without waiting for a line's end.
    pub(crate) unbuffered: bool,
    pub(crate) wait: Wait,
    slice: u32,
    /// Slices since the last line was given.
    slices: u32,
    steps: u32,
    shown: usize,
    /// Bytes held inside the running interpreter.
    pub(crate) held: usize,
}

/// Why a step may not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Signalled(Signal),
    Spent,
}

impl Console {
    pub(crate) fn new(terminal: Option<Terminal>) -> Self {
        Self {
            input: Vec::new(),
            ended: false,
            signal: None,
            deferred: None,
            ignored: 0,
            caught: 0,
            out: Vec::new(),
            err: Vec::new(),
            terminal,
            prompting: false,
            edits: None,
            resized: false,
            prompt: Vec::new(),
            earlier: Earlier::default(),
            folder: Vec::new(),
            interactive: false,
            hidden: false,
            unbuffered: false,
            wait: Wait::Turn,
            slice: SLICE,
            slices: 0,
            steps: STEPS,
            shown: 0,
            held: 0,
        }
    }

    pub(crate) fn give(&mut self, bytes: &[u8]) {
        let room = INPUT.saturating_sub(self.input.len());
        self.input.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// How many more bytes of input are taken.
    pub(crate) fn room(&self) -> usize {
        INPUT.saturating_sub(self.input.len())
    }

    /// Shows output or errors; on a terminal both are one. `false` when the line's share is used up.
    pub(crate) fn show(&mut self, bytes: &[u8], error: bool) -> bool {
        if self.shown >= SHOWN {
            return false;
        }
        self.shown += bytes.len();
        if error && self.terminal.is_none() {
            self.err.extend_from_slice(bytes);
        } else {
            self.out.extend_from_slice(bytes);
        }
        true
    }

    /// A new line was given: the bounds begin anew.
    pub(crate) fn refill(&mut self) {
        (self.steps, self.shown, self.slices) = (STEPS, 0, 0);
    }

    pub(crate) fn new_slice(&mut self) {
        self.slice = SLICE;
        self.slices = self.slices.saturating_add(1);
    }

    /// How a process that used up its slice waits: one that computes for long leaves half of the time to others.
    pub(crate) const fn breath(&self) -> Wait {
        if self.slices > EAGER { Wait::Pause(BREATH) } else { Wait::Turn }
    }

    fn is_full(&self) -> bool {
        self.out.len() + self.err.len() > FULL
    }

    /// Takes steps; whether another turn is due before the next.
    pub(crate) fn spend(&mut self, steps: u32) -> Result<bool, Refusal> {
        if let Some(signal) = self.signal.take() {
            return Err(Refusal::Signalled(signal));
        }
        if self.steps < steps {
            self.steps = 0;
            return Err(Refusal::Spent);
        }
        self.steps -= steps;
        self.slice = self.slice.saturating_sub(steps);
        Ok(self.slice == 0 || self.is_full())
    }

    /// How keys and output are treated now; `None` without a terminal.
    pub(crate) fn discipline(&self) -> Option<Discipline> {
        let mut discipline = self.terminal?.discipline();
        if self.prompting {
            // The shell edits the line itself, whatever the terminal is set to, and ends it on the screen.
            discipline.prompting = true;
            discipline.edits = self.edits;
            discipline.canonical = true;
            discipline.signals = true;
            discipline.maps_return = true;
            discipline.echoes_newline = true;
        }
        if self.unbuffered {
            discipline.canonical = false;
        }
        if self.hidden {
            (discipline.echoes, discipline.echoes_newline) = (false, false);
        }
        Some(discipline)
    }

    /// A signal that was sent to the process group of the shell at the console, as `killpg` does; whether that shell dies of it at once.
    pub(crate) fn kill(&mut self, sent: Signal) -> bool {
        let bit = 1_u64.checked_shl(sent.into()).unwrap_or(0);
        if sent != signal::KILL && self.ignored & bit != 0 || !signal::kills(sent) {
            return false;
        }
        match sent {
            signal::TERMINATE | signal::QUIT if self.interactive => {}
            signal::INTERRUPT if self.interactive && !self.prompting => self.deferred = Some(sent),
            _ if self.interactive && sent != signal::INTERRUPT => return self.caught & bit == 0,
            _ => self.signal = Some(sent),
        }
        false
    }

    /// One line with its end, or what is left when no more comes.
    pub(crate) fn take_line(&mut self) -> Option<Vec<u8>> {
        match self.input.iter().position(|byte| *byte == b'\n') {
            Some(end) => Some(self.input.drain(..=end).collect()),
            None if self.ended && !self.input.is_empty() => Some(std::mem::take(&mut self.input)),
            None => None,
        }
    }

    /// Whether [`Self::take_some`] would find something before the input's end.
    pub(crate) fn has_some(&self, end: u8, most: usize) -> bool {
        self.input.contains(&end) || self.input.len() >= most && most > 0
    }

    /// What comes up to this byte, at most so many; or what is left when no more comes.
    pub(crate) fn take_some(&mut self, end: u8, most: usize) -> Option<Vec<u8>> {
        let whole = self.input.iter().position(|byte| *byte == end).map(|place| place + 1);
        let count = match whole {
            Some(count) => count.min(most),
            None if self.input.len() >= most && most > 0 => most,
            None if self.ended && !self.input.is_empty() => self.input.len(),
            None => return None,
        };
        Some(self.input.drain(..count).collect())
    }

    pub(crate) fn memory(&self) -> usize {
        let prompt = self.prompt.len() + self.folder.len() + self.earlier.memory();
        self.input.capacity() + self.out.capacity() + self.err.capacity() + self.held + prompt
    }
}

/// A console that both sides reach; the lock is never held across a suspension.
#[derive(Clone, Debug)]
pub(crate) struct SharedConsole(Arc<Mutex<Console>>);

impl SharedConsole {
    pub(crate) fn new(terminal: Option<Terminal>) -> Self {
        Self(Arc::new(Mutex::new(Console::new(terminal))))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Console> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops here until the process is polled again.
    pub(crate) async fn suspend(&self, wait: Wait) {
        self.lock().wait = wait;
        Suspension(false).await;
    }
}

/// Pending once.
struct Suspension(bool);

impl Future for Suspension {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}
