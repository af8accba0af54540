//! What runs in a channel: a shell or a command of the machine behind the login, or a file transfer. Input is given as it comes; a
//! program takes it when it is run.

use std::collections::VecDeque;
use std::time::Duration;

use kizashi_event::{Detail, Timestamp};

use crate::machine::{Machine, Opening, Process, Progress, Said, Signal};
use crate::terminal::{Completions, Discipline, Size};

/// Bytes of input that wait for the machine to take them.
const INPUT: usize = 64 * 1024;
/// Signals that wait to be given.
const SIGNALS: usize = 8;

/// Something that runs for a visitor in a channel.
pub(super) trait Program: Send {
    /// Input: with a terminal whole lines with their LF, without one bytes as they come.
    fn give(&mut self, bytes: &[u8]);

    /// No more input will come.
    fn end_of_input(&mut self);

    /// A signal that was typed, by its number.
    fn typed_signal(&mut self, _signal: Signal) {}

    /// A signal that the client sends to its process group; whether there is one to be sent to.
    fn signal(&mut self, _signal: Signal) -> bool {
        false
    }

    /// The window has another size.
    fn resize(&mut self, _size: Size) {}

    /// Whether a shell at its prompt has been told of another size, and shows its prompt again.
    fn was_resized(&self) -> bool {
        false
    }

    /// How its terminal treats keys and output; `None` where it has none.
    fn discipline(&self) -> Option<Discipline> {
        None
    }

    /// How the word before the cursor could go on, and the prompt as the screen gets it.
    fn completions(&self, _before: &[u8]) -> Completions {
        Completions::default()
    }

    /// The prompt, as the screen gets it.
    fn prompt(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The lines of earlier sessions that the shell at the prompt remembers.
    fn remembered(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// The signal that it died of.
    fn killed_by(&self) -> Option<Signal> {
        None
    }

    /// Runs until it waits, pauses or ends. To be called once at first, after each of the above, and after a pause.
    fn run(&mut self, now: Timestamp, said: &mut Said) -> Progress;

    /// The channel is over: what is known of the program and was not told yet.
    fn leave(&mut self) -> Vec<Detail> {
        Vec::new()
    }

    /// Bytes of the visitor's that are held.
    fn memory(&self) -> usize;
}

/// A process of the machine.
pub(super) struct Command {
    process: Process,
    /// What is shown before it begins.
    greeting: Option<String>,
    input: Vec<u8>,
    ended: bool,
    /// Signals that came and were not given yet: whether each was typed.
    signals: VecDeque<(Signal, bool)>,
}

impl Command {
    /// A login shell, with the message of the day on a terminal; or one command.
    pub(super) fn of(machine: &Machine, opening: &Opening) -> Self {
        let greets = opening.command.is_none() && opening.terminal.is_some();
        Self {
            process: machine.open(opening),
            greeting: Some(if greets { machine.message_of_the_day() } else { String::new() }),
            input: Vec::new(),
            ended: false,
            signals: VecDeque::new(),
        }
    }

    /// Gives the machine as much of the input as it takes.
    fn feed(&mut self, now: Timestamp, said: &mut Said) -> Progress {
        let count = self.input.len().min(self.process.room());
        if count == 0 {
            return self.process.resume(now, said);
        }
        let piece: Vec<u8> = self.input.drain(..count).collect();
        self.process.input(&piece, now, said)
    }
}

impl Program for Command {
    fn give(&mut self, bytes: &[u8]) {
        let room = INPUT.saturating_sub(self.input.len());
        self.input.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_of_input(&mut self) {
        self.ended = true;
    }

    fn typed_signal(&mut self, signal: Signal) {
        if self.signals.len() < SIGNALS {
            self.signals.push_back((signal, true));
        }
    }

    fn signal(&mut self, signal: Signal) -> bool {
        if self.signals.len() < SIGNALS {
            self.signals.push_back((signal, false));
        }
        true
    }

    fn resize(&mut self, size: Size) {
        self.process.resize(size.columns, size.rows);
    }

    fn was_resized(&self) -> bool {
        self.process.was_resized()
    }

    fn discipline(&self) -> Option<Discipline> {
        self.process.discipline()
    }

    fn completions(&self, before: &[u8]) -> Completions {
        self.process.completions(before)
    }

    fn prompt(&self) -> Vec<u8> {
        self.process.prompt()
    }

    fn remembered(&self) -> Vec<Vec<u8>> {
        self.process.remembered()
    }

    fn killed_by(&self) -> Option<Signal> {
        self.process.killed_by()
    }

    fn run(&mut self, now: Timestamp, said: &mut Said) -> Progress {
        let progress = match self.greeting.take() {
            Some(greeting) => {
                said.output.extend(greeting.into_bytes());
                self.process.start(now, said)
            }
            None if !self.signals.is_empty() => match self.signals.pop_front() {
                Some((signal, true)) => {
                    self.input.clear();
                    self.process.typed_signal(signal, now, said)
                }
                Some((signal, false)) => self.process.signal(signal, now, said),
                None => self.process.resume(now, said),
            },
            None if !self.input.is_empty() => self.feed(now, said),
            None if std::mem::take(&mut self.ended) => self.process.end_input(now, said),
            None => self.process.resume(now, said),
        };
        let more = !self.signals.is_empty() || self.ended || !self.input.is_empty();
        match progress {
            Progress::Waiting if more => Progress::Again(Duration::ZERO),
            other => other,
        }
    }

    fn memory(&self) -> usize {
        self.process.memory() + self.input.len()
    }
}
