//! One visit: a greeting, then an answer to each line.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::wire::{Lines, Request};
use crate::{Identity, Output, Session, Visit};

pub(super) fn begin(_identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    Box::new(Visitor::default())
}

#[derive(Default)]
struct Visitor {
    lines: Lines,
    /// The name given last, for the password that follows it.
    username: Vec<u8>,
    /// Bytes not looked at yet, because replies wait.
    waiting: Vec<u8>,
}

impl Visitor {
    fn answer(&mut self, line: &[u8], out: &mut Output) {
        match Request::of(line) {
            Request::User(name) => {
                self.username = name.to_vec();
                out.reply(b"+OK password\r\n");
            }
            Request::Pass(password) => {
                out.tell(Detail::Login {
                    username: Some(HostileText::from_bytes(&self.username)),
                    password: Some(HostileText::from_bytes(password)),
                    public_key: None,
                    accepted: false,
                });
                out.reply(b"-ERR login failed\r\n");
            }
            Request::Quit => {
                out.reply(b"+OK bye\r\n");
                out.close();
            }
            Request::Unknown => {
                tell_command(line, out);
                out.reply(b"-ERR unknown command\r\n");
            }
        }
    }
}

fn tell_command(line: &[u8], out: &mut Output) {
    out.tell(Detail::Command { line: HostileText::from_bytes(line), known: Some(false) });
}

impl Session for Visitor {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.reply(b"+OK ready\r\n");
    }

    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        self.waiting.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.waiting);
        for (at, byte) in bytes.iter().enumerate() {
            if out.is_closing() {
                return;
            }
            if out.is_full() {
                // A visitor who asks faster than he reads is answered when he has read.
                self.waiting = bytes[at..].to_vec();
                return out.take_turns();
            }
            if let Some(line) = self.lines.feed(*byte) {
                self.answer(&line, out);
            }
        }
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        for byte in std::mem::take(&mut self.waiting) {
            if let Some(line) = self.lines.feed(byte) {
                self.answer(&line, out);
            }
        }
        let rest = self.lines.rest();
        if !rest.is_empty() {
            tell_command(&rest, out);
        }
    }

    fn memory(&self) -> usize {
        self.lines.held() + self.username.len() + self.waiting.len()
    }
}
