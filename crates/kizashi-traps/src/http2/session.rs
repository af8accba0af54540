//! One visit over HTTP/2: each request is answered as over HTTP/1.1, by the same [`Responder`], and told with the fingerprint of the connection.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{HostileText, PayloadOrigin, Timestamp};

use super::connection::{Connection, Incoming};
use super::dialect::Dialect;
use super::frame;
use super::message::{Form, Message};
use crate::http::answer::{Answer, Manner};
use crate::http::exchange::tell_request;
use crate::http::responder::{Outcome, Responder, Turn, turn};
use crate::http::run::Run;
use crate::http::websocket;
use crate::{Identity, Output, Session, Visit};

/// A visit whose first bytes, TLS handshake (ALPN `h2`) or upgrade said that it is HTTP/2.
pub(crate) struct Http2Session {
    responder: Responder,
    connection: Connection,
    /// A command that a request carried runs on the machine behind the login; the requests after it wait.
    running: Option<Box<Running>>,
}

struct Running {
    stream: u32,
    manner: Manner,
    run: Box<Run>,
}

impl Http2Session {
    /// Begins with the preface, whatever was underneath.
    pub(crate) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        let responder = Responder::new(identity, visit);
        let connection = Connection::new(Dialect::of(responder.persona.grammar));
        Self { responder, connection, running: None }
    }

    /// The last HTTP/1.1 request, answered as `manner` and `outcome` say, was an upgrade with these settings (RFC 7540, 3.2).
    pub(crate) fn upgraded(
        identity: &Arc<Identity>,
        visit: Visit,
        settings: &[u8],
        (manner, outcome): (Manner, Outcome),
        now: Timestamp,
        out: &mut Output,
    ) -> Self {
        let mut session = Self::new(identity, visit);
        session.connection.open(out);
        session.connection.upgraded(frame::settings(settings));
        session.begin(1, manner, outcome, now, out);
        session
    }

    fn go_on(&mut self, now: Timestamp, out: &mut Output) {
        loop {
            if let Some(running) = self.running.take()
                && !self.run(*running, now, out)
            {
                return;
            }
            match self.connection.next(out) {
                Incoming::More => return,
                Incoming::Full => return out.take_turns(),
                Incoming::Request(stream, message) => self.react(stream, message, now, out),
                Incoming::Unanswered(message) => self.tell_unanswered(message, out),
            }
        }
    }

    fn react(&mut self, stream: u32, message: Message, now: Timestamp, out: &mut Output) {
        let (form, target) = (message.form, message.target());
        let (mut request, raw, body) = message.record();
        let content = body.as_ref().map_or(&[][..], |body| &body.content);
        let manner = Manner::of_http2(&request, &target, self.responder.port());
        if let Form::Page(status) = form {
            self.responder.name(&mut request, &target, content);
            request.status = Some(status);
            tell_request(request, raw, body, out);
            let outcome = Outcome::Answer(Answer::refusal(status));
            return self.begin(stream, manner, outcome, now, out);
        }
        let response = self.responder.respond(&mut request, &target, content, now);
        tell_request(request, raw, body, out);
        response.details.into_iter().for_each(|detail| out.tell(detail));
        self.begin(stream, manner, response.outcome, now, out);
    }

    fn begin(
        &mut self,
        stream: u32,
        manner: Manner,
        outcome: Outcome,
        now: Timestamp,
        out: &mut Output,
    ) {
        match outcome {
            Outcome::Answer(answer) => self.send(stream, &manner, &answer, now, out),
            // No request over HTTP/2 asks for one in HTTP/1.1's way, and neither server offers RFC 8441.
            Outcome::Websocket(..) => {
                let answer = Answer::of_rule(websocket::refusal());
                self.send(stream, &manner, &answer, now, out);
            }
            Outcome::Run(run) => self.running = Some(Box::new(Running { stream, manner, run })),
        }
    }

    /// Gives the command its turn; whether there is something else to do meanwhile.
    fn run(&mut self, running: Running, now: Timestamp, out: &mut Output) -> bool {
        let Running { stream, manner, run } = running;
        match turn(run, now, out) {
            Some(Turn::Pauses(run, pause)) => {
                out.take_turns_after(pause);
                self.running = Some(Box::new(Running { stream, manner, run }));
                return false;
            }
            Some(Turn::Answer(answer)) => self.send(stream, &manner, &answer, now, out),
            None => {}
        }
        true
    }

    fn send(
        &mut self,
        stream: u32,
        manner: &Manner,
        answer: &Answer,
        now: Timestamp,
        out: &mut Output,
    ) {
        let (fields, body) = answer.fields_and_body(&self.responder.persona, manner, now);
        self.connection.respond(stream, &fields, body, out);
    }

    fn tell_unanswered(&self, message: Message, out: &mut Output) {
        let target = message.target();
        let (mut request, raw, body) = message.record();
        let content = body.as_ref().map_or(&[][..], |body| &body.content);
        self.responder.name(&mut request, &target, content);
        tell_request(request, raw, body, out);
    }
}

impl Session for Http2Session {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.patience(Duration::from_secs(60));
        self.connection.open(out);
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.connection.push(bytes);
        self.go_on(now, out);
    }

    fn idle(&mut self, _now: Timestamp, out: &mut Output) {
        if self.running.is_none() {
            self.connection.idle(out);
        }
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        if let Some(running) = self.running.take() {
            running.run.abandon().into_iter().for_each(|detail| out.tell(detail));
        }
        let (messages, rest) = self.connection.finish_all();
        for message in messages {
            self.tell_unanswered(message, out);
        }
        if rest.size() > 0 {
            let mut payload = rest.finish(PayloadOrigin::Sent);
            payload.name = Some(HostileText::from("http2 frames"));
            out.tell(kizashi_event::Detail::Payload(Box::new(payload)));
        }
    }

    fn memory(&self) -> usize {
        self.connection.memory() + self.running.as_ref().map_or(0, |running| running.run.memory())
    }
}
