//! Questions of one visitor to a Windows machine in a workgroup.

use std::sync::Arc;

use kizashi_event::Timestamp;

use super::wire::{NAME, Question, STATUS, table};
use crate::datagram::{Answer, Datagrams, Protocol, note};
use crate::{Identity, Output, Session, Visit};

/// Questions of one session that are told.
const TOLD: usize = 32;
/// The code of a name that does not exist (RFC 1002, 4.2.14).
const NO_SUCH_NAME: u8 = 3;

struct Names {
    host: String,
    hardware: [u8; 6],
    told: Vec<String>,
}

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let windows = identity.windows();
    let (host, hardware) = (windows.computer, windows.hardware);
    Datagrams::begin(identity, visit, Names { host, hardware, told: Vec::new() })
}

impl Protocol for Names {
    fn datagram(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) -> Answer {
        let Some(question) = Question::read(bytes) else { return Answer::unread() };
        let verb = match (question.operation, question.kind) {
            (0, STATUS) => "status",
            (0, NAME) => "query",
            (5, _) => "registration",
            (6, _) => "release",
            _ => "other",
        };
        let line = format!("{verb} {}<{:02x}>", question.name, question.suffix);
        if self.told.len() < TOLD && !self.told.contains(&line) {
            note(out, "netbios", line.as_str());
            self.told.push(line);
        }
        match verb {
            "status" => {
                let host = self.host.as_str();
                let names = [(host, 0, false), ("WORKGROUP", 0, true), (host, 0x20, false)];
                Answer::with(question.answer(0, &table(&names, self.hardware)))
            }
            "query" if question.name != self.host => {
                Answer::with(question.answer(NO_SUCH_NAME, &[]))
            }
            _ => Answer::silent().keeping(),
        }
    }

    fn memory(&self) -> usize {
        self.told.iter().map(String::len).sum()
    }
}
