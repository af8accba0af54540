//! What runs in a channel: a shell or a command of the machine behind the login, or a file transfer. Input is given as it comes; a
//! program takes it when it is run.

use std::time::Duration;

use kizashi_event::{Detail, Timestamp};

use crate::machine::{Machine, Process, Progress, Said};

/// Bytes of input that wait for the machine to take them.
const INPUT: usize = 64 * 1024;

/// Something that runs for a visitor in a channel.
pub(super) trait Program: Send {
    /// Input: with a terminal whole lines with their LF, without one bytes as they come.
    fn give(&mut self, bytes: &[u8]);

    /// No more input will come.
    fn end_of_input(&mut self);

    /// Control-C.
    fn interrupt(&mut self) {}

    /// Whether what is typed now is not to be shown.
    fn hides_input(&self) -> bool {
        false
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
    interrupted: bool,
}

impl Command {
    /// A login shell, with the message of the day on a terminal; or one command.
    pub(super) fn of(machine: &Machine, command: Option<&[u8]>, terminal: bool) -> Self {
        let (process, greeting) = match command {
            Some(command) => (machine.run(command, terminal), String::new()),
            None if terminal => (machine.log_in(), machine.message_of_the_day()),
            None => (machine.log_in_without_terminal(), String::new()),
        };
        Self {
            process,
            greeting: Some(greeting),
            input: Vec::new(),
            ended: false,
            interrupted: false,
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

    fn interrupt(&mut self) {
        self.interrupted = true;
    }

    fn hides_input(&self) -> bool {
        self.process.hides_input()
    }

    fn run(&mut self, now: Timestamp, said: &mut Said) -> Progress {
        let progress = match self.greeting.take() {
            Some(greeting) => {
                said.output.extend(greeting.into_bytes());
                self.process.start(now, said)
            }
            None if std::mem::take(&mut self.interrupted) => {
                self.input.clear();
                self.process.interrupt(now, said)
            }
            None if !self.input.is_empty() => self.feed(now, said),
            None if std::mem::take(&mut self.ended) => self.process.end_input(now, said),
            None => self.process.resume(now, said),
        };
        let more = self.interrupted || self.ended || !self.input.is_empty();
        match progress {
            Progress::Waiting if more => Progress::Again(Duration::ZERO),
            other => other,
        }
    }

    fn memory(&self) -> usize {
        self.process.memory() + self.input.len()
    }
}
