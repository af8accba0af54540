//! One visit of a partner in replication, or of somebody who says that he is one.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::wire::{Message, Messages, REPLICATION, Read, START, START_ANSWER, STOP, message};
use crate::capture::Capture;
use crate::randomness::Randomness;
use crate::{Identity, Output, Session, Visit};

/// A replication's requests: which owners there are, and their records.
const OWNERS: u32 = 0;
const OWNERS_ANSWER: u32 = 1;
/// Notes of one visit.
const TOLD: usize = 32;
/// Bytes taken in one turn, so that what is answered to them stays bounded.
const TURN: usize = 4 * 1024;

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Box::new(Visitor {
        randomness: identity.randomness(),
        visit,
        messages: Messages::default(),
        association: None,
        foreign: None,
        waiting: Vec::new(),
        told: Vec::new(),
    })
}

struct Visitor {
    randomness: Randomness,
    visit: Visit,
    messages: Messages,
    /// Our number for the association, once there is one.
    association: Option<u32>,
    /// What is no message, from there on.
    foreign: Option<Capture>,
    /// Bytes not looked at yet, because replies wait.
    waiting: Vec<u8>,
    told: Vec<String>,
}

impl Visitor {
    fn note(&mut self, value: String, out: &mut Output) {
        if self.told.len() < TOLD && !self.told.contains(&value) {
            let text = HostileText::from(value.as_str());
            out.tell(Detail::Note { name: "wins".into(), value: text });
            self.told.push(value);
        }
    }

    fn keep(message: &Message, name: &str, out: &mut Output) {
        let mut payload = Capture::of(&message.body).finish(PayloadOrigin::Sent);
        payload.name = Some(HostileText::from(name));
        out.tell(Detail::Payload(Box::new(payload)));
    }

    fn answer(&mut self, asked: &Message, out: &mut Output) {
        let theirs = |at: usize| {
            asked
                .body
                .get(at..)
                .and_then(|rest| rest.first_chunk())
                .map(|four| u32::from_be_bytes(*four))
        };
        match asked.kind {
            START => {
                let ours = u32::from_be_bytes(self.randomness.bytes());
                let number = *self.association.get_or_insert(ours);
                let version = asked.body.get(4..8).unwrap_or_default();
                let version: String = version.iter().map(|byte| format!("{byte:02x}")).collect();
                self.note(format!("association, version {version}"), out);
                // Our number, version 2.5, and what nobody reads.
                let body = [&number.to_be_bytes()[..], &[0, 2, 0, 5], &[0; 21]].concat();
                out.reply(&message(theirs(0).unwrap_or(0), START_ANSWER, &body));
            }
            STOP => {
                self.note("association stopped".to_owned(), out);
                out.close();
            }
            // A pointer of the server's own is taken from the message: what is no number that it gave out is the attack.
            _ if self.association != Some(asked.association) => {
                self.note("CVE-2004-1080".to_owned(), out);
                Self::keep(asked, "CVE-2004-1080", out);
            }
            REPLICATION => {
                let what = theirs(0).unwrap_or(u32::MAX);
                self.note(format!("replication {what}"), out);
                if what == OWNERS {
                    out.reply(&message(self.association.unwrap_or(0), REPLICATION, &self.owners()));
                } else if !asked.body.is_empty() {
                    Self::keep(asked, "wins replication", out);
                }
            }
            kind => {
                self.note(format!("message {kind}"), out);
                Self::keep(asked, "wins message", out);
            }
        }
    }

    /// One owner of records: this server, which has changed none since it was set up.
    fn owners(&self) -> Vec<u8> {
        let address = match self.visit.destination {
            Some(std::net::IpAddr::V4(address)) => address.octets(),
            _ => [0; 4],
        };
        // Their number; address, newest and oldest version of its records, kind.
        let numbers = [OWNERS_ANSWER, 1].map(u32::to_be_bytes).concat();
        [&numbers[..], &address, &[0; 8], &[0; 8], &1_u32.to_be_bytes(), &[0; 4]].concat()
    }

    fn take(&mut self, bytes: &[u8], out: &mut Output) {
        if let Some(foreign) = &mut self.foreign {
            return foreign.feed(bytes);
        }
        self.messages.push(bytes);
        loop {
            match self.messages.next() {
                Read::More => return,
                Read::Message(asked) => self.answer(&asked, out),
                Read::Foreign(bytes) => {
                    self.foreign = Some(Capture::of(&bytes));
                    return out.close();
                }
            }
        }
    }
}

impl Session for Visitor {
    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        self.waiting.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.waiting);
        for (at, piece) in bytes.chunks(TURN).enumerate() {
            if out.is_full() {
                self.waiting = bytes[at * TURN..].to_vec();
                return out.take_turns();
            }
            self.take(piece, out);
        }
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        let waiting = std::mem::take(&mut self.waiting);
        self.take(&waiting, out);
        let rest = self.messages.rest();
        if !rest.is_empty() {
            self.foreign.get_or_insert_default().feed(&rest);
        }
        let foreign = self.foreign.take().filter(|foreign| foreign.size() > 0);
        if let Some(foreign) = foreign {
            out.tell(Detail::Payload(Box::new(foreign.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        let foreign = self.foreign.as_ref().map_or(0, |foreign| foreign.content().len());
        let told: usize = self.told.iter().map(String::len).sum();
        self.messages.held() + self.waiting.len() + foreign + told
    }
}
