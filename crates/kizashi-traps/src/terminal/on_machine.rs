//! A process of the machine behind the logins as a [`Program`]: input waits here until the process asks for it.

use kizashi_event::{Detail, HostileText, Timestamp};

use super::{Printed, Program, Progress};
use crate::machine::{self, Machine, Process, Said};

/// Bytes that wait to be asked for; what is past it is lost, as a full pipe's would be after a time.
const INPUT: usize = 16 * 1024;
/// Bytes printed before the visitor is given a turn to take them.
const ANSWER: usize = 48 * 1024;

pub(super) struct OnMachine {
    machine: Machine,
    process: Process,
    on_terminal: bool,
    /// Shown before all else.
    greeting: String,
    begun: bool,
    pausing: bool,
    interrupted: bool,
    ended: bool,
    input: Vec<u8>,
}

impl OnMachine {
    pub(super) fn new(machine: &Machine, on_terminal: bool, command: Option<&[u8]>) -> Self {
        let is_login = command.is_none() && on_terminal;
        let process = match command {
            Some(command) => machine.run(command, on_terminal),
            None if on_terminal => machine.log_in(),
            None => machine.log_in_without_terminal(),
        };
        Self {
            machine: machine.clone(),
            process,
            on_terminal,
            greeting: if is_login { machine.message_of_the_day() } else { String::new() },
            begun: false,
            pausing: false,
            interrupted: false,
            ended: false,
            input: Vec::new(),
        }
    }

    /// What the process is given at once: a whole line, or without a terminal as much as it takes.
    fn next_input(&mut self) -> Option<Vec<u8>> {
        if self.input.is_empty() {
            return None;
        }
        if !self.on_terminal {
            let count = self.input.len().min(self.process.room());
            return (count > 0).then(|| self.input.drain(..count).collect());
        }
        let end = self.input.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.input.drain(..=end).collect();
        line.pop();
        Some(line)
    }

    fn turn(&mut self, now: Timestamp, said: &mut Said) -> machine::Progress {
        if !std::mem::replace(&mut self.begun, true) {
            return self.process.start(now, said);
        }
        if std::mem::take(&mut self.interrupted) {
            self.pausing = false;
            return self.process.interrupt(now, said);
        }
        if std::mem::take(&mut self.pausing) {
            return self.process.resume(now, said);
        }
        machine::Progress::Waiting
    }
}

impl Program for OnMachine {
    fn give(&mut self, bytes: &[u8]) {
        let room = INPUT.saturating_sub(self.input.len());
        self.input.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_of_input(&mut self) {
        self.ended = true;
    }

    fn interrupt(&mut self) {
        self.interrupted = true;
        self.input.clear();
    }

    fn run(&mut self, now: Timestamp, printed: &mut Printed) -> Progress {
        let mut said = Said::default();
        let greeting = std::mem::take(&mut self.greeting);
        printed.out.extend(greeting.into_bytes());
        let mut progress = self.turn(now, &mut said);
        while progress == machine::Progress::Waiting && said.output.len() < ANSWER {
            progress = if let Some(input) = self.next_input() {
                if self.on_terminal {
                    self.process.line(&input, now, &mut said)
                } else {
                    self.process.input(&input, now, &mut said)
                }
            } else if self.input.is_empty() && std::mem::take(&mut self.ended) {
                self.process.end_input(now, &mut said)
            } else {
                break;
            };
        }
        let is_more = said.output.len() >= ANSWER;
        printed.out.extend(said.output);
        printed.err.extend(said.errors);
        printed.told.extend(said.details);
        match progress {
            machine::Progress::Ended(status) => Progress::Ended(status),
            machine::Progress::Again(pause) => {
                self.pausing = true;
                Progress::Again(pause)
            }
            machine::Progress::Waiting if is_more => Progress::Again(std::time::Duration::ZERO),
            machine::Progress::Waiting => Progress::Waits,
        }
    }

    fn leave(&mut self, unfinished: &[u8], _now: Timestamp, told: &mut Vec<Detail>) {
        if !unfinished.is_empty() {
            let line = HostileText::from_bytes(unfinished);
            told.push(Detail::Command { line, known: Some(false) });
        }
        told.extend(self.machine.finish());
    }

    fn hides_input(&self) -> bool {
        self.process.hides_input()
    }

    /// Without the machine's files, which all programs of a connection share.
    fn memory(&self) -> usize {
        self.process.memory() + self.input.len()
    }
}
