//! A stream within a connection: a shell, files, or a text that is said at once. One message of it is out at a time; the next waits for OKAY.

use kizashi_event::Timestamp;

use super::shell::{Form, Given, Packets};
use super::sync::Sync;
use crate::machine::{Process, Progress, Said};

/// Bytes of output that wait; a program that prints more loses it.
const WAITING: usize = 160 * 1024;
/// Bytes of a line that is typed.
const LINE: usize = 4_096;

pub(super) enum Kind {
    /// A line that was given, or a shell that is typed into.
    Shell {
        process: Process,
        line: Option<Vec<u8>>,
        begun: bool,
        form: Form,
        packets: Packets,
    },
    Files(Sync),
    Text,
}

pub(super) struct Stream {
    pub(super) own: u32,
    pub(super) theirs: u32,
    pub(super) kind: Kind,
    waiting: Vec<u8>,
    /// A message of it is out and not yet confirmed.
    pub(super) unconfirmed: bool,
    pub(super) over: bool,
}

impl Stream {
    pub(super) const fn new(own: u32, theirs: u32, kind: Kind) -> Self {
        Self { own, theirs, kind, waiting: Vec::new(), unconfirmed: false, over: false }
    }

    pub(super) fn say(&mut self, bytes: &[u8]) {
        let room = WAITING.saturating_sub(self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Gives a shell what was sent into it; `None` where it is none.
    pub(super) fn give(
        &mut self,
        given: &Given,
        now: Timestamp,
        said: &mut Said,
    ) -> Option<Progress> {
        let Kind::Shell { process, line, .. } = &mut self.kind else { return None };
        Some(match (given, line) {
            (Given::Input(bytes), Some(_)) => self.typed(bytes, now, said),
            (Given::Input(bytes), None) => process.input(bytes, now, said),
            (Given::End, _) => process.end_input(now, said),
        })
    }

    /// The next piece, where one may be sent.
    pub(super) fn piece(&mut self, most: usize) -> Option<Vec<u8>> {
        if self.unconfirmed || self.waiting.is_empty() {
            return None;
        }
        self.unconfirmed = true;
        let count = self.waiting.len().min(most);
        Some(self.waiting.drain(..count).collect())
    }

    /// All was said and nothing more will be.
    pub(super) fn is_done(&self) -> bool {
        self.over && self.waiting.is_empty() && !self.unconfirmed
    }

    /// What was typed, split into keys: the terminal shows it and gives lines to the shell.
    pub(super) fn typed(&mut self, bytes: &[u8], now: Timestamp, said: &mut Said) -> Progress {
        let mut progress = Progress::Waiting;
        for byte in bytes {
            let Kind::Shell { process, line: Some(line), .. } = &mut self.kind else {
                return progress;
            };
            let mut echo = Vec::new();
            match byte {
                b'\r' | b'\n' => {
                    echo.extend(b"\r\n");
                    let whole = std::mem::take(line);
                    said.output.extend(echo);
                    progress = process.line(&whole, now, said);
                    if !matches!(progress, Progress::Waiting) {
                        return progress;
                    }
                    continue;
                }
                3 => {
                    line.clear();
                    said.output.extend(b"^C");
                    progress = process.interrupt(now, said);
                    continue;
                }
                4 if line.is_empty() => {
                    progress = process.end_input(now, said);
                    continue;
                }
                8 | 127 if line.pop().is_some() => echo.extend(b"\x08 \x08"),
                b' '..=b'~' | 128.. if line.len() < LINE => {
                    line.push(*byte);
                    echo.push(*byte);
                }
                _ => {}
            }
            said.output.extend(echo);
        }
        progress
    }

    pub(super) fn memory(&self) -> usize {
        let kind = match &self.kind {
            Kind::Shell { process, line, packets, .. } => {
                process.memory() + line.as_ref().map_or(0, Vec::len) + packets.memory()
            }
            Kind::Files(sync) => sync.memory(),
            Kind::Text => 0,
        };
        self.waiting.len() + kind
    }
}
