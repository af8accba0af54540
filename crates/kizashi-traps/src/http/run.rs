//! What must run before there is an answer: a command on the machine behind the logins, a script in PHP and the commands that it gives, or
//! time that a database would have slept. It goes in turns, under one bound of time, and what was written on the machine is kept for the visitor.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, Timestamp};

use super::kept::FOLDERS;
use super::rules::RuleAnswer;
use super::script::Script;
use crate::Identity;
use crate::machine::{Machine, Process, Progress, Said};
use crate::php::Printed;

/// Bytes of a file or of output that an answer holds.
pub(super) const OUTPUT: usize = 40 * 1024;
/// How long all may take, where nobody says otherwise; what was said by then is the answer.
const PATIENCE: i64 = 20 * Timestamp::SECOND;

/// Makes the answer of what was printed.
type Finish = Box<dyn FnOnce(Printed) -> RuleAnswer + Send>;

/// Whose files are kept.
pub(super) struct Keeper {
    pub(super) identity: Arc<Identity>,
    pub(super) source: IpAddr,
}

/// Something that runs.
pub(crate) struct Run {
    machine: Option<Machine>,
    keeper: Option<Keeper>,
    script: Option<Box<Script>>,
    process: Option<Process>,
    started: bool,
    wait: Option<Duration>,
    output: Vec<u8>,
    since: Timestamp,
    patience: i64,
    exit: Option<u8>,
    fields: Vec<(String, String)>,
    status: u16,
    finish: Finish,
}

/// What a running command came to.
pub(crate) enum Ran {
    Pauses(Duration),
    Done(RuleAnswer),
}

impl Run {
    fn new(since: Timestamp, status: u16, finish: Finish) -> Self {
        Self {
            machine: None,
            keeper: None,
            script: None,
            process: None,
            started: false,
            wait: None,
            output: Vec::new(),
            since,
            patience: PATIENCE,
            exit: None,
            fields: Vec::new(),
            status,
            finish,
        }
    }

    /// A command, whose output and errors are the answer's.
    pub(super) fn command(
        machine: (Machine, Keeper),
        command: &[u8],
        since: Timestamp,
        status: u16,
        finish: impl FnOnce(Printed) -> RuleAnswer + Send + 'static,
    ) -> Box<Self> {
        let process = Some(machine.0.run(command, false));
        let run = Self::new(since, status, Box::new(finish));
        Box::new(Self { machine: Some(machine.0), keeper: Some(machine.1), process, ..run })
    }

    /// A script.
    pub(super) fn script(
        machine: (Machine, Keeper),
        script: Script,
        since: Timestamp,
        finish: impl FnOnce(Printed) -> RuleAnswer + Send + 'static,
    ) -> Box<Self> {
        let run = Self::new(since, 200, Box::new(finish));
        let script = Some(Box::new(script));
        Box::new(Self { machine: Some(machine.0), keeper: Some(machine.1), script, ..run })
    }

    /// The same for no longer than this: what goes on then is left behind, as a container is that was started.
    pub(super) fn within(mut self: Box<Self>, patience: Duration) -> Box<Self> {
        self.patience = i64::try_from(patience.as_micros()).unwrap_or(PATIENCE).min(PATIENCE);
        self
    }

    /// With these fields before those of its answer.
    pub(super) fn with_fields(mut self: Box<Self>, fields: Vec<(String, String)>) -> Box<Self> {
        self.fields = fields;
        self
    }

    /// An answer that is ready, and what was written on the machine for it.
    pub(super) fn written(
        machine: (Machine, Keeper),
        since: Timestamp,
        answer: RuleAnswer,
    ) -> Box<Self> {
        let run = Self::new(since, answer.status, Box::new(|_| answer));
        Box::new(Self { machine: Some(machine.0), keeper: Some(machine.1), ..run })
    }

    /// An answer that is ready after this time.
    pub(super) fn after(wait: Duration, since: Timestamp, answer: RuleAnswer) -> Box<Self> {
        let run = Self::new(since, answer.status, Box::new(|_| answer));
        Box::new(Self { wait: Some(wait), ..run })
    }

    /// An answer that is made after this time, of what has become known by then.
    pub(super) fn later(
        wait: Duration,
        since: Timestamp,
        status: u16,
        finish: impl FnOnce() -> RuleAnswer + Send + 'static,
    ) -> Box<Self> {
        let run = Self::new(since, status, Box::new(move |_| finish()));
        Box::new(Self { wait: Some(wait), ..run })
    }

    /// Runs on until the command pauses or all is over.
    pub(crate) fn go(mut self: Box<Self>, now: Timestamp) -> (Option<Box<Self>>, Ran, Vec<Detail>) {
        if let Some(wait) = self.wait.take() {
            return (Some(self), Ran::Pauses(wait), Vec::new());
        }
        let mut details = Vec::new();
        let left = self.patience.saturating_sub(now.since(self.since));
        let mut printed = Printed::default();
        loop {
            // Whoever paused until time was up is not woken again.
            if let Some(process) = self.process.take().filter(|_| !self.started || left > 0) {
                let (process, pause, said) = self.turn(process, now);
                details.extend(said);
                if let Some(pause) = pause.filter(|_| left > 0 && self.output.len() < OUTPUT) {
                    self.process = Some(process);
                    let left = Duration::from_micros(left.unsigned_abs());
                    return (Some(self), Ran::Pauses(pause.min(left)), details);
                }
            }
            let (Some(script), Some(machine)) = (&mut self.script, &self.machine) else {
                printed.output = std::mem::take(&mut self.output);
                printed.exit = self.exit;
                break;
            };
            if self.started {
                script.answered(std::mem::take(&mut self.output));
            }
            match script.go(machine) {
                Ok(ended) => {
                    printed = ended;
                    break;
                }
                Err(command) => {
                    self.started = false;
                    self.process = Some(machine.run(&command, false));
                }
            }
        }
        details.extend(self.close(now));
        printed.output.truncate(2 * OUTPUT);
        (None, Ran::Done((self.finish)(printed).with(self.fields)), details)
    }

    fn turn(
        &mut self,
        mut process: Process,
        now: Timestamp,
    ) -> (Process, Option<Duration>, Vec<Detail>) {
        let mut said = Said::default();
        let mut progress = if self.started {
            process.resume(now, &mut said)
        } else {
            self.started = true;
            process.start(now, &mut said)
        };
        if progress == Progress::Waiting {
            progress = process.end_input(now, &mut said);
        }
        // Whoever has a command run by a web application sees both; a script's errors go into the server's log.
        let errors = if self.script.is_some() { &[][..] } else { &said.errors };
        for bytes in [&said.output[..], errors] {
            let room = OUTPUT.saturating_sub(self.output.len());
            self.output.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        let pause = match progress {
            Progress::Again(pause) => Some(pause),
            Progress::Waiting => None,
            Progress::Ended(status) => {
                self.exit = Some(status);
                None
            }
        };
        (process, pause, said.details)
    }

    /// Keeps what was written; what there is to tell of it.
    fn close(&self, now: Timestamp) -> Vec<Detail> {
        let Some(machine) = &self.machine else { return Vec::new() };
        if let Some(keeper) = &self.keeper {
            let files = machine.written_below(&FOLDERS);
            keeper.identity.kept_files().keep(keeper.source, files, now);
        }
        machine.finish()
    }

    /// The status of the answer to come.
    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    /// The visitor has gone: what was done so far.
    pub(crate) fn abandon(&self) -> Vec<Detail> {
        self.close(self.since)
    }

    pub(crate) fn memory(&self) -> usize {
        self.machine.as_ref().map_or(0, Machine::memory)
            + self.process.as_ref().map_or(0, Process::memory)
            + self.script.as_ref().map_or(0, |script| script.memory())
            + self.output.len()
    }
}
