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
use super::rules::{Ran, Reaction, Rule, Run, Scene, Subject, WebRules};
use super::wire::{Head, HeadReader, Progress, guess};
use crate::capture::Capture;
use crate::{Identity, Output, Session, Visit};

enum State {
    Head,
    Body(Box<(Head, BodyReader)>),
    /// A command that the request carried runs on the machine behind the login.
    Running(Box<(Manner, Box<Run>)>),
    /// The answer is given; what still comes is kept. With a request, it was refused and is told at the end.
    Ending(Box<(Option<Request>, Capture)>),
}

/// A visit to the `http` trap, or to `any` once the visitor spoke HTTP.
pub(crate) struct HttpSession {
    persona: Persona,
    identity: Arc<Identity>,
    rules: Arc<WebRules>,
    visit: Visit,
    port: u16,
    reader: HeadReader,
    state: State,
    served: u32,
}

impl HttpSession {
    pub(crate) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        let persona = Persona::of(identity);
        let reader = HeadReader::new(persona.grammar);
        Self {
            persona,
            identity: Arc::clone(identity),
            rules: identity.web_rules(),
            visit,
            port: visit.port.number,
            reader,
            state: State::Head,
            served: 0,
        }
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
            State::Running(parts) => self.run(*parts, now, out),
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
        if progress == BodyProgress::Broken {
            head.request.malformed = true;
            name(&self.rules, &mut head.request, &head.target, body.content());
            self.answer(&Answer::fault(Fault::BadRequest), head, body, now, out);
            return true;
        }
        let manner = Manner::of(&head, &self.persona, self.port, self.served);
        let scene = Scene {
            identity: &self.identity,
            visit: &self.visit,
            persona: &self.persona,
            host: &manner.host,
            now,
        };
        let subject = Subject::new(&head.request, &head.target, body.content());
        let rule = self.rules.find(&subject).cloned();
        let reaction = rule.as_ref().map_or(Reaction::Face, |rule| rule.react(&subject, &scene));
        let login = rule.as_ref().and_then(|rule| rule.login(&subject));
        label(&mut head.request, &head.target, rule.as_deref());
        match reaction {
            Reaction::Face => {
                self.answer(&Answer::to(&head, &self.persona), head, body, now, out);
            }
            Reaction::Answer(answer) => {
                self.answer(&Answer::of_rule(answer), head, body, now, out);
            }
            Reaction::Run(run) => {
                head.request.status = Some(run.status());
                tell(head, body, out);
                self.state = State::Running(Box::new((manner, run)));
            }
        }
        login.into_iter().for_each(|login| out.tell(login));
        true
    }

    /// Gives the command its turn; its output is the answer.
    fn run(&mut self, (manner, run): (Manner, Box<Run>), now: Timestamp, out: &mut Output) -> bool {
        let (run, ran, details) = run.go(now);
        details.into_iter().for_each(|detail| out.tell(detail));
        match (run, ran) {
            (Some(run), Ran::Pauses(pause)) => {
                out.take_turns_after(pause);
                self.state = State::Running(Box::new((manner, run)));
                false
            }
            (_, Ran::Done(answer)) => {
                self.send(&Answer::of_rule(answer), &manner, now, out);
                true
            }
            (None, Ran::Pauses(_)) => true,
        }
    }

    fn send(&mut self, answer: &Answer, manner: &Manner, now: Timestamp, out: &mut Output) {
        out.reply(&answer.write(&self.persona, manner, now));
        self.served += 1;
        if answer.closes(manner) {
            out.close();
            self.state = State::Ending(Box::default());
        }
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
        head.request.status = Some(answer.status);
        tell(head, body, out);
        self.send(answer, &manner, now, out);
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
                tell_refused(&self.rules, request, Capture::of(&raw), out);
            }
            State::Body(parts) => {
                let (mut head, body) = *parts;
                head.request.malformed = true;
                name(&self.rules, &mut head.request, &head.target, body.content());
                tell(head, body, out);
            }
            State::Running(parts) => {
                parts.1.abandon().into_iter().for_each(|detail| out.tell(detail));
            }
            State::Ending(parts) => match *parts {
                (Some(request), raw) => tell_refused(&self.rules, request, raw, out),
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
                State::Running(parts) => parts.1.memory(),
                State::Ending(parts) => parts.1.content().len(),
            }
    }
}

/// What everybody asks for whom a rule does not know.
const ORDINARY: [&str; 6] =
    ["/", "/index.html", "/robots.txt", "/favicon.ico", "/sitemap.xml", "/index.nginx-debian.html"];

/// Says what the request is.
fn label(request: &mut Request, target: &[u8], rule: Option<&Rule>) {
    let ordinary = !request.malformed
        && matches!(request.method.raw(), "GET" | "HEAD")
        && ORDINARY.iter().any(|page| page.as_bytes() == target);
    let class = match rule {
        Some(rule) => rule.class.as_str(),
        None if ordinary => "ordinary",
        None => "unknown",
    };
    request.class = Some(class.into());
    request.rule = rule.map(|rule| rule.name.as_str().into());
}

/// The same for what is not answered by a rule.
fn name(rules: &WebRules, request: &mut Request, target: &[u8], body: &[u8]) {
    let rule = rules.find(&Subject::new(request, target, body)).cloned();
    label(request, target, rule.as_deref());
}

fn tell_refused(rules: &WebRules, mut request: Request, raw: Capture, out: &mut Output) {
    if request.method.raw().is_empty() {
        guess(&mut request, raw.content());
    }
    let target = request.target.raw().as_bytes().to_vec();
    name(rules, &mut request, &target, raw.content());
    let body = Some(Box::new(raw.finish(PayloadOrigin::Sent)));
    out.tell(Detail::Request { request: Box::new(request), body });
}
