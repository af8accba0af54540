//! Running what was parsed. Each function is a coroutine of the interpreter: between two steps it may stop until its next turn.

mod compound;
mod external;
mod pager;
mod redirect;
mod script;
mod select;
mod signals;
mod simple;
mod test;

pub(crate) use external::is_runnable;
pub(crate) use test::{Wrong as WrongTest, evaluate as evaluate_test};

use std::sync::Arc;

use super::ast::{Command, Compound, Item, Join, List, Pipeline};
use super::descriptors::Sink;
use super::{Boxed, Flow, Handle, LEVELS, Shell, Source, Unwind};
use crate::machine::signal;

impl Shell {
    pub(crate) fn list<'a>(&'a mut self, list: &'a List) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let mut status = 0;
            for item in &list.items {
                status = if item.background {
                    self.background(item).await?
                } else {
                    self.item(item).await?
                };
            }
            Ok(status)
        })
    }

    async fn item(&mut self, item: &Item) -> Flow {
        let guarded = !item.rest.is_empty();
        self.conditions += u32::from(guarded);
        let first = self.pipeline(&item.first).await;
        self.conditions -= u32::from(guarded);
        let mut status = first?;
        for (place, (join, pipeline)) in item.rest.iter().enumerate() {
            let runs = match join {
                Join::And => status == 0,
                Join::Or => status != 0,
            };
            if !runs {
                continue;
            }
            let last = place + 1 == item.rest.len();
            self.conditions += u32::from(!last);
            let flow = self.pipeline(pipeline).await;
            self.conditions -= u32::from(!last);
            status = flow?;
        }
        Ok(status)
    }

    /// `list &`: runs at once in a copy of the shell, in which sleeping takes no time of the visitor's.
    async fn background(&mut self, item: &Item) -> Flow {
        if !self.may_nest() {
            return Ok(self.set_status(254));
        }
        let mut child = self.child();
        child.detached = true;
        child.descriptors.set(0, Handle::Source(Source::shared(Vec::new())));
        let number = self.with(super::Kernel::new_process);
        self.background = number;
        let place = self.jobs.len() + 1;
        if self.jobs.len() < 64 {
            self.jobs.push((number, b"job".to_vec()));
        }
        if self.origin == super::Origin::Interactive && self.is_terminal(1) {
            self.say(format!("[{place}] {number}\n").as_bytes())?;
        }
        let flow = child.item(item).await;
        let _ = self.child_status(flow)?;
        Ok(self.set_status(0))
    }

    /// `coproc`: what it prints is read from the first descriptor of its array, and it reads what is written to the second.
    pub(super) fn coprocess(&mut self, name: &[u8], command: &Arc<Command>) -> Flow {
        if !self.may_nest() {
            return Ok(self.set_status(254));
        }
        let mut child = self.child();
        child.detached = true;
        let number = self.with(super::Kernel::new_process);
        self.background = number;
        if self.origin == super::Origin::Interactive && self.is_terminal(1) {
            self.say(format!("[{}] {number}\n", self.jobs.len() + 1).as_bytes())?;
        }
        let (reads, writes) = (63, 60);
        // One of the same name before it ends with its descriptors.
        self.descriptors.close(reads);
        self.descriptors.close(writes);
        let command = Arc::clone(command);
        let (printed, written) = Self::begin_coprocess(child, |mut child| {
            Box::pin(async move { child.command(&command).await })
        });
        self.descriptors.set(reads, printed);
        self.descriptors.set(writes, written);
        let members = [reads, writes].map(|number| number.to_string().into_bytes());
        let members = (0_u64..).zip(members).collect();
        // What does not fit is left out, as any variable.
        let _ = self.variables.put(name, super::variables::Content::Many(members));
        let _ = self.variables.set(&[name, b"_PID"].concat(), number.to_string().as_bytes());
        Ok(self.set_status(0))
    }

    pub(crate) fn set_status(&mut self, status: u8) -> u8 {
        self.status = status;
        status
    }

    /// The status that a subshell leaves; what ends the whole line goes on.
    pub(crate) fn child_status(&self, flow: Flow) -> Flow {
        match flow {
            Ok(status)
            | Err(Unwind::Exit(status) | Unwind::Abort(status) | Unwind::Return(status)) => {
                Ok(status)
            }
            Err(Unwind::Break(_) | Unwind::Continue(_)) => Ok(0),
            Err(Unwind::BrokenPipe) => Ok(141),
            Err(unwind @ (Unwind::Signalled(_) | Unwind::Killed)) => Err(unwind),
            // A subshell dies alone, and its parent says so.
            Err(Unwind::Crashed) => self.child_died(signal::SEGMENTATION),
            Err(Unwind::Died(signal)) => self.child_died(signal),
        }
    }

    async fn pipeline(&mut self, pipeline: &Pipeline) -> Flow {
        let negated = pipeline.negated;
        self.conditions += u32::from(negated);
        let flow = match &pipeline.stages[..] {
            [single] => self.command(single).await,
            stages => self.stages(stages).await,
        };
        self.conditions -= u32::from(negated);
        let flow = if self.leads { self.after_signals(flow).await } else { flow };
        let mut status = flow?;
        if pipeline.timed {
            let text: &[u8] = if pipeline.portable {
                b"real 0.00\nuser 0.00\nsys 0.00\n"
            } else {
                b"\nreal\t0m0.004s\nuser\t0m0.001s\nsys\t0m0.003s\n"
            };
            let _ = self.write(2, text)?;
        }
        if self.is_bash() && pipeline.stages.len() == 1 {
            self.set_stages(&[status]);
        }
        if negated {
            status = u8::from(status == 0);
        }
        self.set_status(status);
        if status != 0 && self.options.exit_on_error && self.conditions == 0 && !negated {
            return Err(Unwind::Exit(status));
        }
        Ok(status)
    }

    /// A pipeline's stages, one after the other, each with what the one before printed; a stage that prints more than a pipe holds ends
    /// as if its reader had gone.
    async fn stages(&mut self, stages: &[Command]) -> Flow {
        let mut input: Option<Vec<u8>> = None;
        let (mut status, mut failed) = (0, 0);
        let mut all = Vec::with_capacity(stages.len());
        for (place, stage) in stages.iter().enumerate() {
            if !self.may_nest() {
                return Ok(254);
            }
            let mut child = self.child();
            if let Some(bytes) = input.take() {
                child.descriptors.set(0, Handle::Source(Source::shared(bytes)));
            }
            let sink = (place + 1 < stages.len()).then(Sink::default);
            if let Some(sink) = &sink {
                child.descriptors.set(1, Handle::Sink(sink.clone()));
            }
            let flow = child.command(stage).await;
            status = self.child_status(flow)?;
            all.push(status);
            if status != 0 {
                failed = status;
            }
            input = sink.map(|sink| sink.take());
            self.console.lock().held = input.as_ref().map_or(0, Vec::len);
        }
        self.console.lock().held = 0;
        if self.is_bash() {
            self.set_stages(&all);
        }
        Ok(if self.options.pipe_fail { failed } else { status })
    }

    /// `PIPESTATUS`.
    fn set_stages(&mut self, all: &[u8]) {
        let members = all
            .iter()
            .enumerate()
            .map(|(place, status)| (place as u64, status.to_string().into_bytes()));
        // What does not fit is left out, as any variable.
        let _ =
            self.variables.put(b"PIPESTATUS", super::variables::Content::Many(members.collect()));
    }

    fn command<'a>(&'a mut self, command: &'a Command) -> Boxed<'a, Flow> {
        Box::pin(async move {
            self.step().await?;
            if self.levels >= LEVELS {
                // A real shell's stack ends too, and the shell with it.
                return Err(Unwind::Crashed);
            }
            self.levels += 1;
            let flow = self.command_inside(command).await;
            self.levels -= 1;
            flow
        })
    }

    async fn command_inside(&mut self, command: &Command) -> Flow {
        match command {
            Command::Simple(simple) => self.simple(simple).await,
            // Its descriptors stay open.
            Command::Compound(compound, _) if matches!(**compound, Compound::Coprocess { .. }) => {
                self.compound(compound).await
            }
            Command::Compound(compound, redirections) if redirections.is_empty() => {
                self.compound(compound).await
            }
            Command::Compound(compound, redirections) => {
                let saved = self.descriptors.clone();
                let flow = match self.redirect(redirections).await {
                    Ok(true) => self.compound(compound).await,
                    Ok(false) => Ok(1),
                    Err(unwind) => Err(unwind),
                };
                self.descriptors = saved;
                flow
            }
            Command::Function(name, body) => {
                if self.functions.len() < 256 {
                    std::sync::Arc::make_mut(&mut self.functions)
                        .insert(name.clone(), std::sync::Arc::clone(body));
                }
                Ok(0)
            }
        }
    }
}
