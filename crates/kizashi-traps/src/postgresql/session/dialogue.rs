//! What one who was let in says: statements one by one or prepared, rows to copy, and how each is answered.

use std::collections::VecDeque;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::{PostgresqlSession, Running, State, Work};
use crate::Output;
use crate::capture::Capture;
use crate::machine::{Errand, Ran};
use crate::postgresql::answer::Answer;
use crate::postgresql::error::PgError;
use crate::postgresql::statement::{self, Next, Transaction};
use crate::postgresql::wire::{Fields, message};
use crate::sql::{self, Dialect};

/// Statements from this length on are told whole.
const LONG_STATEMENT: usize = 1_024;

impl PostgresqlSession {
    /// A message of one who was let in.
    pub(super) fn lettered(
        &mut self,
        letter: u8,
        content: &[u8],
        now: Timestamp,
        out: &mut Output,
    ) {
        if matches!(self.state, State::CopyIn(..)) {
            return self.copy_in(letter, content, now, out);
        }
        if self.skipping && letter != b'S' && letter != b'X' {
            return;
        }
        let fields = &mut Fields(content);
        let outcome =
            match letter {
                b'Q' => {
                    self.query(fields.text().unwrap_or(content), out);
                    Ok(())
                }
                b'X' => {
                    self.state = State::Ending;
                    Ok(())
                }
                b'P' => self.portals.parse(content).map(|text| {
                    if !text.is_empty() {
                        tell(&text, out);
                    }
                    self.pending.extend(message(b'1', b""));
                }),
                b'B' => self.portals.bind(content).map(|_| self.pending.extend(message(b'2', b""))),
                b'D' => self.describe(content, now, out),
                b'E' => self.portals.portal(fields.text().unwrap_or_default()).map(|text| {
                    self.work.left.push_back(text);
                }),
                b'C' => {
                    let kind = fields.byte().unwrap_or(0);
                    self.portals.close(kind, fields.text().unwrap_or_default());
                    self.pending.extend(message(b'3', b""));
                    Ok(())
                }
                b'S' => {
                    self.skipping = false;
                    self.portals.end();
                    self.ready();
                    Ok(())
                }
                b'H' | b'd' | b'c' | b'f' => Ok(()),
                b'F' => Err(PgError::new("42883", "function with OID 0 does not exist")),
                other => {
                    self.fatal(
                        &PgError::new("08P01", format!("invalid frontend message type {other}"))
                            .at("postgres.c", "484", "SocketBackend"),
                    );
                    Ok(())
                }
            };
        if let Err(error) = outcome {
            self.failed(&error);
        }
    }

    /// An error of the extended protocol.
    fn failed(&mut self, error: &PgError) {
        self.pending.extend(error.bytes("ERROR"));
        self.skipping = true;
        self.fail_transaction();
    }

    fn fail_transaction(&mut self) {
        if self.account.transaction == Transaction::Open {
            self.account.transaction = Transaction::Failed;
        }
    }

    fn query(&mut self, text: &[u8], out: &mut Output) {
        tell(text, out);
        let all = sql::statements(Dialect::PostgreSql, text);
        let some = |text: &&[u8]| !sql::tokens(Dialect::PostgreSql, text).is_empty();
        let mut left: VecDeque<Vec<u8>> =
            all.into_iter().filter(some).map(<[u8]>::to_vec).collect();
        if left.is_empty() {
            left.push_back(Vec::new());
        }
        self.work = Work { left, simple: true, waits: false };
    }

    fn describe(
        &mut self,
        content: &[u8],
        now: Timestamp,
        out: &mut Output,
    ) -> Result<(), PgError> {
        let mut fields = Fields(content);
        let (kind, name) = (fields.byte().unwrap_or(0), fields.text().unwrap_or_default());
        let text = if kind == b'S' {
            let (text, types) = self.portals.statement(name)?;
            let mut parameters = u16::try_from(types.len()).unwrap_or(0).to_be_bytes().to_vec();
            types.iter().for_each(|kind| parameters.extend(kind.to_be_bytes()));
            self.pending.extend(message(b't', &parameters));
            text
        } else {
            self.portals.portal(name)?
        };
        let columns = self.with_scene(now, out, |scene| statement::columns(scene, &text))?;
        self.pending.extend(match columns {
            Some(rows) => Answer::description(&rows),
            None => message(b'n', b""),
        });
        Ok(())
    }

    fn copy_in(&mut self, letter: u8, content: &[u8], now: Timestamp, out: &mut Output) {
        let State::CopyIn(target, mut rows) = std::mem::replace(&mut self.state, State::Ready)
        else {
            return;
        };
        let answer = match letter {
            b'd' => {
                rows.feed(content);
                self.state = State::CopyIn(target, rows);
                return;
            }
            b'H' | b'S' => {
                self.state = State::CopyIn(target, rows);
                return;
            }
            b'c' => self.with_scene(now, out, |scene| statement::copied_in(scene, &target, rows)),
            _ => PgError::new("57014", "COPY from stdin failed").into(),
        };
        self.work.waits = false;
        self.said(&answer);
    }

    /// Carries out a statement; the pause after which its answer comes, where there is one.
    pub(super) fn statement(
        &mut self,
        text: &[u8],
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Duration> {
        match self.with_scene(now, out, |scene| statement::carry_out(scene, text)) {
            Next::Answer(answer, Duration::ZERO) => self.said(&answer),
            Next::Answer(answer, pause) => {
                self.later = Some(answer);
                return Some(pause);
            }
            Next::Run { line, input, then } => {
                let machine = self
                    .machine
                    .get_or_insert_with(|| statement::machine(&self.identity, self.visit, now));
                // COPY TO PROGRAM's rows are what it reads.
                let errand = Errand::new(machine, &line, input);
                self.running = Some(Box::new(Running { errand, line, then }));
            }
            Next::CopyIn(target, columns) => {
                self.pending.extend(message(b'G', &copy_head(columns)));
                self.work.waits = true;
                self.state = State::CopyIn(target, Capture::default());
            }
            Next::CopyOut { lines, columns, count } => {
                self.pending.extend(message(b'H', &copy_head(columns)));
                for line in lines.split_inclusive(|byte| *byte == b'\n') {
                    self.pending.extend(message(b'd', line));
                }
                self.pending.extend(message(b'c', b""));
                self.said(&Answer::Done(format!("COPY {count}")));
            }
        }
        None
    }

    /// Says what a statement came to; after an error the others of its query are not carried out.
    pub(super) fn said(&mut self, answer: &Answer) {
        let failed = matches!(answer, Answer::Error(_));
        self.pending.extend(answer.bytes(!self.work.simple));
        if failed {
            self.fail_transaction();
            self.work.left.clear();
            self.skipping = !self.work.simple;
        }
        if self.work.simple && self.work.left.is_empty() {
            self.work = Work::default();
            self.ready();
        }
    }

    /// Lets the machine go on; the pause after which to go on, unless it is done.
    pub(super) fn run(
        &mut self,
        mut running: Box<Running>,
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Duration> {
        match running.errand.go_on(now, out) {
            Ran::Again(pause) => {
                self.running = Some(running);
                Some(pause)
            }
            Ran::Ended { printed, status } => {
                let Running { line, then, .. } = &*running;
                let answer = self.with_scene(now, out, |scene| {
                    statement::program_ended(scene, line, then, printed, status)
                });
                self.said(&answer);
                None
            }
        }
    }
}

fn copy_head(columns: usize) -> Vec<u8> {
    let mut head = vec![0];
    head.extend(u16::try_from(columns).unwrap_or(0).to_be_bytes());
    head.extend(std::iter::repeat_n(0, columns * 2));
    head
}

/// Tells a statement: as a command, and whole where it is long; a library in it as the file that it is.
fn tell(text: &[u8], out: &mut Output) {
    out.tell(Detail::Command { line: HostileText::from_bytes(text), known: None });
    if text.len() < LONG_STATEMENT {
        return;
    }
    let content = statement::literal(text).unwrap_or_else(|| text.to_vec());
    out.tell(Detail::Payload(Box::new(Capture::of(&content).finish(PayloadOrigin::Sent))));
}
