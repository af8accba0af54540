//! A line that runs on the machine because a server of another protocol was made to run it (a database's function, a script): it goes on in
//! turns, nobody types, and what it prints is the answer.

use std::time::Duration;

use kizashi_event::Timestamp;

use super::{Machine, Process, Progress, Said};
use crate::Output;

/// Turns that one line may take, and bytes of what it prints that are held.
const TURNS: u32 = 2_000;
const PRINTED: usize = 48 * 1024;
/// The status of what was ended because it took too long.
const KILLED: u8 = 137;

/// One such line on its way.
pub(crate) struct Errand {
    process: Process,
    said: Said,
    turns: u32,
    input: Vec<u8>,
}

/// How far it is.
pub(crate) enum Ran {
    /// It goes on after this pause.
    Again(Duration),
    Ended {
        printed: Vec<u8>,
        status: u8,
    },
}

impl Errand {
    /// The line, and what it is given to read; then the end of that.
    pub(crate) fn new(machine: &Machine, line: &[u8], input: Vec<u8>) -> Self {
        Self { process: machine.run(line, false), said: Said::default(), turns: 0, input }
    }

    /// Lets the machine go on.
    pub(crate) fn go_on(&mut self, now: Timestamp, out: &mut Output) -> Ran {
        let said = &mut self.said;
        let progress = if self.turns == 0 {
            self.process.start(now, said)
        } else {
            self.process.resume(now, said)
        };
        self.turns += 1;
        let ran = match progress {
            Progress::Again(pause) if self.turns < TURNS => Ran::Again(pause),
            Progress::Waiting if self.turns < TURNS => {
                let given = std::mem::take(&mut self.input);
                if given.is_empty() {
                    self.process.end_input(now, said);
                } else {
                    self.process.input(&given, now, said);
                }
                Ran::Again(Duration::ZERO)
            }
            Progress::Ended(status) => Ran::Ended { printed: Vec::new(), status },
            _ => Ran::Ended { printed: Vec::new(), status: KILLED },
        };
        said.output.truncate(PRINTED);
        said.errors.clear();
        said.details.drain(..).for_each(|detail| out.tell(detail));
        match ran {
            Ran::Ended { status, .. } => {
                Ran::Ended { printed: std::mem::take(&mut said.output), status }
            }
            again => again,
        }
    }

    pub(crate) fn memory(&self) -> usize {
        self.said.output.len() + self.process.memory() + self.input.len()
    }
}
