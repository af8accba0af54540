//! One connection: what its bytes are (commands, a login's lines, a message's content, a chunk, TLS), and pauses. What is answered is in
//! `answers.rs`.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::answers::Answers;
use super::wire::Lines;
use super::{SERVICE, WRAPPED};
use crate::tls::{Product, TlsSession, Within};
use crate::{Identity, Output, Session, Visit};

/// From so many errors on each answer waits (`smtpd_soft_error_limit`), and how long (`smtpd_error_sleep_time`).
const PATIENT_WITH: u32 = 10;
const SLEEP: Duration = Duration::from_secs(1);

/// Inside TLS from the first byte on, and after STARTTLS, where nobody is greeted again.
const GREETED: Within = Within {
    begin: |identity, visit, _| Box::new(Visitor::new(identity, visit, true)),
    service: &SERVICE,
};
const UPGRADED: Within = Within {
    begin: |identity, visit, _| Box::new(Visitor::new(identity, visit, false)),
    service: &SERVICE,
};

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    if WRAPPED.contains(&visit.port.number) && !visit.encrypted {
        let product = Product::Mail(identity.web_server());
        return Box::new(TlsSession::new(identity, visit, product, GREETED));
    }
    Box::new(Visitor::new(identity, visit, true))
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Lines,
    Content,
    /// So many bytes of a chunk are to come.
    Chunk(u64),
    Tls,
}

struct Visitor {
    identity: Arc<Identity>,
    visit: Visit,
    greets: bool,
    answers: Answers,
    lines: Lines,
    reading: Reading,
    tls: Option<Box<TlsSession>>,
    /// The pause before the next answer is over.
    rested: bool,
    /// Bytes not looked at yet, because replies wait or the server sleeps.
    waiting: Vec<u8>,
}

impl Visitor {
    fn new(identity: &Arc<Identity>, visit: Visit, greets: bool) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            greets,
            answers: Answers::new(identity, visit),
            lines: Lines::default(),
            reading: Reading::Lines,
            tls: None,
            rested: false,
            waiting: Vec::new(),
        }
    }

    /// Looks at bytes until they are used up, or one has to wait; `hurried` where nobody waits any more.
    fn work(&mut self, bytes: &[u8], now: Timestamp, hurried: bool, out: &mut Output) {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if out.is_closing() {
                return;
            }
            if let Some(tls) = &mut self.tls {
                return tls.receive(rest, now, out);
            }
            if out.is_full() && !hurried {
                self.waiting = rest.to_vec();
                return out.take_turns();
            }
            let sleeps = self.reading == Reading::Lines && self.answers.errors() >= PATIENT_WITH;
            if sleeps && !self.rested && !hurried {
                self.rested = true;
                self.waiting = rest.to_vec();
                return out.take_turns_after(SLEEP);
            }
            at += self.take(rest, now, out);
        }
    }

    /// Takes some of these bytes; how many.
    fn take(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) -> usize {
        match self.reading {
            Reading::Lines => {
                for (place, byte) in bytes.iter().enumerate() {
                    if let Some(line) = self.lines.feed(*byte) {
                        self.rested = false;
                        self.reading = self.answers.line(&line, now, out);
                        self.begin_tls(now, out);
                        return place + 1;
                    }
                }
                bytes.len()
            }
            Reading::Content => {
                for (place, byte) in bytes.iter().enumerate() {
                    if self.answers.content(*byte, out) {
                        self.reading = Reading::Lines;
                        return place + 1;
                    }
                }
                bytes.len()
            }
            Reading::Chunk(left) => {
                let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                let left = left.saturating_sub(taken as u64);
                self.answers.chunk(&bytes[..taken], left == 0, out);
                self.reading = if left == 0 { Reading::Lines } else { Reading::Chunk(left) };
                taken
            }
            Reading::Tls => bytes.len(),
        }
    }

    fn begin_tls(&mut self, now: Timestamp, out: &mut Output) {
        if self.reading == Reading::Tls {
            let product = Product::Mail(self.identity.web_server());
            let mut tls = Box::new(TlsSession::new(&self.identity, self.visit, product, UPGRADED));
            tls.open(now, out);
            self.tls = Some(tls);
        }
    }
}

impl Session for Visitor {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.recognise(SERVICE);
        if self.greets {
            self.answers.greet(out);
        }
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        if let Some(tls) = &mut self.tls {
            return tls.receive(bytes, now, out);
        }
        self.waiting.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.waiting);
        self.work(&bytes, now, false, out);
    }

    fn idle(&mut self, now: Timestamp, out: &mut Output) {
        match &mut self.tls {
            Some(tls) => tls.idle(now, out),
            None => self.answers.timed_out(out),
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        let bytes = std::mem::take(&mut self.waiting);
        self.work(&bytes, now, true, out);
        if let Some(tls) = &mut self.tls {
            tls.end(now, out);
        }
        self.answers.end(out);
        let rest = self.lines.rest();
        if !rest.is_empty() {
            let line = HostileText::from_bytes(&rest);
            out.tell(Detail::Command { line, known: Some(false) });
        }
    }

    fn memory(&self) -> usize {
        let tls = self.tls.as_ref().map_or(0, |tls| tls.memory());
        self.lines.held() + self.waiting.len() + self.answers.held() + tls
    }
}
