//! One connection to the web server: heads and bodies in, answers out, each request told once it is whole. What was refused is
//! told at the end, with every byte that came, because an exploit for another protocol on this port is worth as much.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Request, Timestamp};

use super::answer::{Answer, Manner};
use super::basic;
use super::body::{BodyProgress, BodyReader};
use super::grammar::{Fault, Framing, Grammar, Version, values};
use super::persona::{Persona, status_of};
use super::wire::{Head, HeadReader, Progress, guess};
use crate::capture::Capture;
use crate::{Identity, Output, Session, Visit};

enum State {
    Head,
    Body(Box<(Head, BodyReader)>),
    /// The answer is given; what still comes is kept. With a request, it was refused and is told at the end.
    Ending(Box<(Option<Request>, Capture)>),
}

/// A visit to the `http` trap, or to `any` once the visitor spoke HTTP.
pub(crate) struct HttpSession {
    persona: Persona,
    port: u16,
    reader: HeadReader,
    state: State,
    served: u32,
}

impl HttpSession {
    pub(crate) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        let persona = Persona::of(identity);
        let reader = HeadReader::new(persona.grammar);
        Self { persona, port: visit.port.number, reader, state: State::Head, served: 0 }
    }

    /// Does one thing; `false` when more bytes are needed.
    fn step(&mut self, now: Timestamp, out: &mut Output) -> bool {
        match std::mem::replace(&mut self.state, State::Head) {
            State::Head => match self.reader.advance() {
                Progress::More => false,
                Progress::Head(head) => {
                    self.begin_body(*head, out);
                    true
                }
                Progress::Refused(fault) => {
                    self.refuse(fault, now, out);
                    true
                }
            },
            State::Body(parts) => self.take_body(parts, now, out),
            State::Ending(mut parts) => {
                parts.1.feed(self.reader.rest());
                self.reader.consume(usize::MAX);
                self.state = State::Ending(parts);
                false
            }
        }
    }

    fn begin_body(&mut self, head: Head, out: &mut Output) {
        let expects = values(&head.request.headers, "expect")
            .any(|value| value.trim().eq_ignore_ascii_case("100-continue"));
        if expects && head.framing != Framing::None && head.version >= Version::ONE_ONE {
            out.reply(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let body = BodyReader::new(head.framing);
        self.state = State::Body(Box::new((head, body)));
    }

    fn take_body(
        &mut self,
        mut parts: Box<(Head, BodyReader)>,
        now: Timestamp,
        out: &mut Output,
    ) -> bool {
        let (used, progress) = parts.1.feed(self.reader.rest());
        self.reader.consume(used);
        let (mut head, body) = match progress {
            BodyProgress::More => {
                self.state = State::Body(parts);
                return false;
            }
            BodyProgress::Whole | BodyProgress::Broken => *parts,
        };
        let answer = if progress == BodyProgress::Broken {
            head.request.malformed = true;
            Answer::fault(Fault::BadRequest)
        } else {
            Answer::to(&head, &self.persona)
        };
        self.answer(&answer, head, body, now, out);
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
            self.state = State::Ending(Box::default());
        }
    }

    fn refuse(&mut self, fault: Fault, now: Timestamp, out: &mut Output) {
        let (raw, mut request) = self.reader.give_up();
        request.status = Some(status_of(fault));
        request.malformed = matches!(fault, Fault::BadRequest | Fault::Timeout);
        let manner = Manner::unknown(self.port, self.served);
        out.reply(&Answer::fault(fault).write(&self.persona, &manner, now));
        out.close();
        self.state = State::Ending(Box::new((Some(request), Capture::of(&raw))));
    }

    /// How long the server would wait from here on.
    fn patience(&self) -> Duration {
        let between =
            self.served > 0 && self.reader.is_empty() && matches!(self.state, State::Head);
        match self.persona.grammar {
            Grammar::Apache if between => Duration::from_secs(5),
            Grammar::Apache => Duration::from_secs(20),
            Grammar::Nginx => Duration::from_secs(60),
        }
    }
}

/// The request, and beside it a login that it carried and the head's own bytes where its fields do not hold them whole.
fn tell(head: Head, body: BodyReader, out: &mut Output) {
    let login = values(&head.request.headers, "authorization").find_map(basic::login);
    let body = body.finish().map(Box::new);
    out.tell(Detail::Request { request: Box::new(head.request), body });
    if let Some(login) = login {
        out.tell(login);
    }
    if let Some(raw) = head.raw {
        let mut payload = Capture::of(&raw).finish(PayloadOrigin::Sent);
        payload.name = Some(HostileText::from("request head"));
        out.tell(Detail::Payload(Box::new(payload)));
    }
}

impl Session for HttpSession {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.patience(self.patience());
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.reader.push(bytes);
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
        let inside = matches!(self.state, State::Head) && self.reader.is_inside_head();
        if inside && self.persona.grammar == Grammar::Apache {
            self.refuse(Fault::Timeout, now, out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        let head = matches!(self.state, State::Head);
        if head && self.reader.is_inside_head() && self.persona.grammar == Grammar::Apache {
            // httpd answers a half request whose sender has stopped sending; nginx does not.
            self.refuse(Fault::BadRequest, now, out);
        }
        match std::mem::replace(&mut self.state, State::Ending(Box::default())) {
            State::Head if self.reader.is_empty() => {}
            State::Head => {
                let (raw, request) = self.reader.give_up();
                tell_refused(request, Capture::of(&raw), out);
            }
            State::Body(parts) => {
                let (mut head, body) = *parts;
                head.request.malformed = true;
                tell(head, body, out);
            }
            State::Ending(parts) => match *parts {
                (Some(request), raw) => tell_refused(request, raw, out),
                (None, surplus) if !surplus.content().is_empty() => {
                    out.tell(Detail::Payload(Box::new(surplus.finish(PayloadOrigin::Sent))));
                }
                (None, _) => {}
            },
        }
    }

    fn memory(&self) -> usize {
        self.reader.memory()
            + match &self.state {
                State::Head => 0,
                State::Body(parts) => parts.1.memory() + parts.0.raw.as_ref().map_or(0, Vec::len),
                State::Ending(parts) => parts.1.content().len(),
            }
    }
}

fn tell_refused(mut request: Request, raw: Capture, out: &mut Output) {
    if request.method.raw().is_empty() {
        guess(&mut request, raw.content());
    }
    let body = Some(Box::new(raw.finish(PayloadOrigin::Sent)));
    out.tell(Detail::Request { request: Box::new(request), body });
}
