//! One connection to the web server: heads and bodies in, answers out, each request told once it is whole. What was refused is
//! told at the end, with every byte that came, because an exploit for another protocol on this port is worth as much.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::Timestamp;

use super::answer::{Answer, Manner};
use super::body::{BodyProgress, BodyReader};
use super::exchange::{Exchange, Incoming, tell};
use super::grammar::{Fault, Grammar};
use super::persona::status_of;
use super::responder::{Outcome, Responder, Turn, turn};
use super::run::Run;
use super::upgrade;
use super::websocket::WebSocket;
use super::wire::Head;
use crate::http2::{Http2Session, PREFACE};
use crate::{Identity, Output, Session, Visit};

/// How long after its head an application's stream begins.
const STREAM_BEGINS: Duration = Duration::from_millis(40);

/// A visit to the `http` trap, or to `any` once the visitor spoke HTTP.
pub(crate) struct HttpSession {
    responder: Responder,
    exchange: Exchange,
    /// A command that the last request carried runs on the machine behind the login.
    running: Option<Box<(Manner, Box<Run>)>>,
    served: u32,
    /// What comes after the head of an application's own stream: clients read both from the socket, and lose what comes with the head.
    stream: Option<Vec<u8>>,
    /// The port is one of TLS, and what came is not.
    unencrypted: bool,
    /// The connection goes on in another protocol.
    switched: Option<Box<dyn Session>>,
}

impl HttpSession {
    pub(crate) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        let responder = Responder::new(identity, visit);
        let exchange = Exchange::new(responder.persona.grammar);
        Self {
            responder,
            exchange,
            running: None,
            stream: None,
            served: 0,
            unencrypted: false,
            switched: None,
        }
    }

    /// For whoever speaks HTTP on a port where TLS is spoken: each request is told, and refused.
    pub(crate) fn unencrypted(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self { unencrypted: true, ..Self::new(identity, visit) }
    }

    /// Does one thing; `false` when more bytes are needed.
    fn step(&mut self, now: Timestamp, out: &mut Output) -> bool {
        if let Some(rest) = self.stream.take() {
            out.reply(&rest);
            out.close();
            self.exchange.close();
            return false;
        }
        if let Some(parts) = self.running.take() {
            return self.run(*parts, now, out);
        }
        match self.preface() {
            Some(true) => {
                let session =
                    Box::new(Http2Session::new(&self.responder.identity, self.responder.visit));
                self.switch(session, now, out);
                return false;
            }
            Some(false) => return false,
            None => {}
        }
        match self.exchange.next(out) {
            Incoming::More => return false,
            Incoming::Refused(fault) => self.refuse(fault, now, out),
            Incoming::Request(parts, BodyProgress::Broken) => {
                let answer = Answer::broken(&parts.0, &parts.1, &self.responder.persona);
                self.refuse_whole(*parts, &answer, now, out);
            }
            Incoming::Request(parts, _) if self.unencrypted => {
                let grammar = self.responder.persona.grammar;
                self.refuse_whole(*parts, &Answer::fault(Fault::Unencrypted, grammar), now, out);
            }
            Incoming::Request(parts, _) => self.react(*parts, now, out),
        }
        self.stream.is_none()
    }

    /// Whether the connection begins as HTTP/2 does, where the server would know it; `Some(false)` while that is open.
    fn preface(&self) -> Option<bool> {
        let begins = self.responder.persona.h2c && self.served == 0 && self.exchange.is_first();
        let rest = self.exchange.rest();
        let count = rest.len().min(PREFACE.len());
        (begins && count > 0 && rest[..count] == PREFACE[..count]).then_some(count == PREFACE.len())
    }

    fn switch(&mut self, mut session: Box<dyn Session>, now: Timestamp, out: &mut Output) {
        session.open(now, out);
        self.go_on_as(session, now, out);
    }

    /// The bytes that came with the last request are the other protocol's.
    fn go_on_as(&mut self, mut session: Box<dyn Session>, now: Timestamp, out: &mut Output) {
        let rest = self.exchange.hand_over();
        session.receive(&rest, now, out);
        self.switched = Some(session);
    }

    fn react(&mut self, (mut head, body): (Head, BodyReader), now: Timestamp, out: &mut Output) {
        let response = self.responder.respond(&mut head.request, &head.target, body.content(), now);
        let manner = self.manner(&head);
        let settings = if self.responder.persona.h2c { upgrade::h2c(&head) } else { None };
        tell(head, body, out);
        response.details.into_iter().for_each(|detail| out.tell(detail));
        if let Some(settings) = settings {
            out.reply(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            );
            let (identity, visit) = (&self.responder.identity, self.responder.visit);
            let answer = (manner, response.outcome);
            let session = Http2Session::upgraded(identity, visit, &settings, answer, now, out);
            return self.go_on_as(Box::new(session), now, out);
        }
        match response.outcome {
            Outcome::Answer(answer) => self.send(&answer, &manner, now, out),
            Outcome::Run(run) => self.running = Some(Box::new((manner, run))),
            Outcome::Websocket(answer, reply) => {
                out.reply(&answer.write(&self.responder.persona, &manner, now));
                self.go_on_as(Box::new(WebSocket::new(reply)), now, out);
            }
        }
    }

    fn manner(&self, head: &Head) -> Manner {
        Manner::of(head, &self.responder.persona, self.responder.port(), self.served)
    }

    /// Gives the command its turn; its output is the answer.
    fn run(&mut self, (manner, run): (Manner, Box<Run>), now: Timestamp, out: &mut Output) -> bool {
        match turn(run, now, out) {
            Some(Turn::Pauses(run, pause)) => {
                out.take_turns_after(pause);
                self.running = Some(Box::new((manner, run)));
                return false;
            }
            Some(Turn::Answer(answer)) => self.send(&answer, &manner, now, out),
            None => {}
        }
        self.stream.is_none()
    }

    fn send(&mut self, answer: &Answer, manner: &Manner, now: Timestamp, out: &mut Output) {
        let mut bytes = answer.write(&self.responder.persona, manner, now);
        self.served += 1;
        if answer.is_stream() {
            let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            self.stream = Some(bytes.split_off(head.map_or(0, |at| at + 4)));
            out.reply(&bytes);
            out.take_turns_after(STREAM_BEGINS);
            return;
        }
        out.reply(&bytes);
        if answer.closes(manner) {
            out.close();
            self.exchange.close();
        }
    }

    /// Refuses a request that has come whole, or whose body broke off.
    fn refuse_whole(
        &mut self,
        (mut head, body): (Head, BodyReader),
        answer: &Answer,
        now: Timestamp,
        out: &mut Output,
    ) {
        self.responder.name(&mut head.request, &head.target, body.content());
        head.request.status = Some(answer.status);
        let manner = self.manner(&head);
        tell(head, body, out);
        self.send(answer, &manner, now, out);
    }

    fn refuse(&mut self, fault: Fault, now: Timestamp, out: &mut Output) {
        let manner = Manner::unknown(self.responder.port(), self.served);
        let grammar = self.responder.persona.grammar;
        out.reply(&Answer::fault(fault, grammar).write(&self.responder.persona, &manner, now));
        out.close();
        self.exchange.refuse(fault, status_of(fault, grammar));
    }

    /// Whether the head of a request has begun and not ended, and nothing else is being done.
    fn is_inside_head(&self) -> bool {
        self.running.is_none() && self.exchange.is_inside_head()
    }

    /// How long the server would wait from here on.
    fn patience(&self) -> Duration {
        let between = self.served > 0 && self.running.is_none() && self.exchange.is_between();
        match self.responder.persona.grammar {
            Grammar::Apache if between => Duration::from_secs(5),
            Grammar::Apache => Duration::from_secs(20),
            Grammar::Nginx | Grammar::Netty | Grammar::Application(_) => {
                Duration::from_secs(self.responder.persona.style.map_or(60, |style| style.patience))
            }
        }
    }
}

impl Session for HttpSession {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.patience(self.patience());
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        if let Some(session) = &mut self.switched {
            return session.receive(bytes, now, out);
        }
        self.exchange.push(bytes);
        loop {
            if out.is_full() && !out.is_closing() {
                out.take_turns();
                break;
            }
            if !self.step(now, out) || self.switched.is_some() {
                break;
            }
        }
        if self.switched.is_none() {
            out.patience(self.patience());
        }
    }

    fn idle(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(session) = &mut self.switched {
            return session.idle(now, out);
        }
        if self.is_inside_head() && self.responder.persona.grammar == Grammar::Apache {
            self.refuse(Fault::Timeout, now, out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(session) = &mut self.switched {
            return session.end(now, out);
        }
        if self.is_inside_head() && self.responder.persona.grammar == Grammar::Apache {
            // httpd answers a half request whose sender has stopped sending; nginx does not.
            self.refuse(Fault::BadRequest, now, out);
        }
        if let Some(parts) = self.running.take() {
            parts.1.abandon().into_iter().for_each(|detail| out.tell(detail));
        }
        let responder = &self.responder;
        self.exchange.end(out, |request, target, body| responder.name(request, target, body));
    }

    fn memory(&self) -> usize {
        if let Some(session) = &self.switched {
            return session.memory();
        }
        self.exchange.memory()
            + self.stream.as_ref().map_or(0, Vec::len)
            + self.running.as_ref().map_or(0, |running| running.1.memory())
    }
}
