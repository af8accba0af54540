//! One connection to the web server: heads and bodies in, answers out, each request told once it is whole. What was refused is
//! told at the end, with every byte that came, because an exploit for another protocol on this port is worth as much.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::Timestamp;

use super::answer::{Answer, Manner};
use super::body::{BodyProgress, BodyReader};
use super::exchange::{Exchange, Incoming, tell};
use super::grammar::{Fault, Grammar};
use super::persona::{Persona, status_of};
use super::wire::Head;
use crate::{Identity, Output, Session, Visit};

/// A visit to the `http` trap, or to `any` once the visitor spoke HTTP.
pub(crate) struct HttpSession {
    persona: Persona,
    port: u16,
    exchange: Exchange,
    served: u32,
}

impl HttpSession {
    pub(crate) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        let persona = Persona::of(identity);
        let exchange = Exchange::new(persona.grammar);
        Self { persona, port: visit.port.number, exchange, served: 0 }
    }

    /// Does one thing; `false` when more bytes are needed.
    fn step(&mut self, now: Timestamp, out: &mut Output) -> bool {
        match self.exchange.next(out) {
            Incoming::More => return false,
            Incoming::Refused(fault) => self.refuse(fault, now, out),
            Incoming::Request(parts, progress) => {
                let (head, body) = *parts;
                let answer = if progress == BodyProgress::Broken {
                    Answer::fault(Fault::BadRequest)
                } else {
                    Answer::to(&head, &self.persona)
                };
                self.answer(&answer, head, body, now, out);
            }
        }
        true
    }

    fn answer(
        &mut self,
        answer: &Answer,
        mut head: Head,
        body: BodyReader,
        now: Timestamp,
        out: &mut Output,
    ) {
        let manner = Manner::of(&head, &self.persona, self.port, self.served);
        out.reply(&answer.write(&self.persona, &manner, now));
        self.served += 1;
        head.request.status = Some(answer.status);
        tell(head, body, out);
        if answer.closes(&manner) {
            out.close();
            self.exchange.close();
        }
    }

    fn refuse(&mut self, fault: Fault, now: Timestamp, out: &mut Output) {
        let manner = Manner::unknown(self.port, self.served);
        out.reply(&Answer::fault(fault).write(&self.persona, &manner, now));
        out.close();
        self.exchange.refuse(fault, status_of(fault));
    }

    /// How long the server would wait from here on.
    fn patience(&self) -> Duration {
        let between = self.served > 0 && self.exchange.is_between();
        match self.persona.grammar {
            Grammar::Apache if between => Duration::from_secs(5),
            Grammar::Apache => Duration::from_secs(20),
            Grammar::Nginx | Grammar::Netty => Duration::from_secs(60),
        }
    }
}

impl Session for HttpSession {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.patience(self.patience());
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.exchange.push(bytes);
        loop {
            if out.is_full() && !out.is_closing() {
                out.take_turns();
                break;
            }
            if !self.step(now, out) {
                break;
            }
        }
        out.patience(self.patience());
    }

    fn idle(&mut self, now: Timestamp, out: &mut Output) {
        if self.exchange.is_inside_head() && self.persona.grammar == Grammar::Apache {
            self.refuse(Fault::Timeout, now, out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        if self.exchange.is_inside_head() && self.persona.grammar == Grammar::Apache {
            // httpd answers a half request whose sender has stopped sending; nginx does not.
            self.refuse(Fault::BadRequest, now, out);
        }
        self.exchange.end(out);
    }

    fn memory(&self) -> usize {
        self.exchange.memory()
    }
}
