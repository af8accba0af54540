//! One visit: a message, an answer. After a password that was right everything is kept as it comes.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::password::{self, CHALLENGE};
use super::wire::{Read, Reader, message};
use crate::capture::Capture;
use crate::hexadecimal::hexadecimal;
use crate::randomness::Randomness;
use crate::{Identity, Output, Session, Visit};

const HELLO: u8 = 0x08;
const CHALLENGE_WANTED: u8 = 0x1b;
const ANSWER: u8 = 0x09;
const ADMITTED: u8 = 0x0a;
const REFUSED: u8 = 0x0b;

/// Version 2, Radmin's own security; the rest of the 37 bytes is zero.
const VERSION: [u8; 5] = [0x08, 0x01, 0x00, 0x0a, 0x08];
const VERSION_LENGTH: usize = 37;

/// There is no user name; the policy is asked as for the owner of a Windows machine.
const OWNER: &[u8] = b"administrator";

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Box::new(Visitor {
        identity: Arc::clone(identity),
        randomness: identity.randomness(),
        visit,
        reader: Reader::default(),
        challenge: None,
        foreign: None,
        waiting: Vec::new(),
    })
}

struct Visitor {
    identity: Arc<Identity>,
    randomness: Randomness,
    visit: Visit,
    reader: Reader,
    challenge: Option<[u8; CHALLENGE]>,
    /// What is no message, or comes after the password was right.
    foreign: Option<Capture>,
    /// Bytes not looked at yet, because replies wait.
    waiting: Vec<u8>,
}

impl Visitor {
    fn answer(&mut self, body: &[u8], out: &mut Output) {
        match (body[0], &body[1..]) {
            (HELLO, _) => {
                let mut version = [0; VERSION_LENGTH];
                version[..VERSION.len()].copy_from_slice(&VERSION);
                out.reply(&message(&version));
            }
            (CHALLENGE_WANTED, _) => {
                let challenge = self.randomness.bytes();
                self.challenge = Some(challenge);
                out.reply(&message(&[&[CHALLENGE_WANTED][..], &challenge].concat()));
            }
            (ANSWER, answer) => self.judge(answer, out),
            _ => out.tell(Detail::Note {
                name: "radmin message".into(),
                value: HostileText::from(hexadecimal(body)),
            }),
        }
    }

    /// A challenge is good for one answer.
    fn judge(&mut self, answer: &[u8], out: &mut Output) {
        let tried = self.challenge.take().map(|challenge| {
            let pair = format!("{}:{}", hexadecimal(&challenge), hexadecimal(answer));
            out.tell(Detail::Note {
                name: "radmin challenge and response".into(),
                value: HostileText::from(pair),
            });
            password::tried(&challenge, answer)
        });
        let password = tried.flatten();
        let accepted = password.is_some_and(|password| {
            self.identity.logins().admits(self.visit.source, OWNER, password.as_bytes())
        });
        out.tell(Detail::Login {
            username: None,
            password: password.map(HostileText::from),
            public_key: None,
            accepted,
        });
        out.reply(&message(&[if accepted { ADMITTED } else { REFUSED }]));
        if accepted {
            self.foreign = Some(Capture::default());
        }
    }

    fn take(&mut self, byte: u8, out: &mut Output) {
        if let Some(foreign) = &mut self.foreign {
            return foreign.feed(&[byte]);
        }
        match self.reader.feed(byte) {
            Read::More => {}
            Read::Message(body) => self.answer(&body, out),
            Read::Foreign(bytes) => {
                self.foreign = Some(Capture::of(&bytes));
                out.close();
            }
        }
    }
}

impl Session for Visitor {
    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        if self.waiting.is_empty()
            && let Some(foreign) = &mut self.foreign
        {
            return foreign.feed(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.waiting);
        for (at, byte) in bytes.iter().enumerate() {
            if out.is_full() {
                self.waiting = bytes[at..].to_vec();
                return out.take_turns();
            }
            self.take(*byte, out);
        }
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        for byte in std::mem::take(&mut self.waiting) {
            self.take(byte, out);
        }
        let rest = self.reader.rest();
        let kept = match self.foreign.take() {
            Some(kept) => kept,
            None => Capture::of(&rest),
        };
        if kept.size() > 0 {
            out.tell(Detail::Payload(Box::new(kept.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        let foreign = self.foreign.as_ref().map_or(0, |foreign| foreign.content().len());
        self.reader.held() + self.waiting.len() + foreign
    }
}
