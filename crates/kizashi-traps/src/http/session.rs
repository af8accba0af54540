//! One connection to the web server: heads and bodies in, answers out, each request told once it is whole. What was refused is
//! told at the end, with every byte that came, because an exploit for another protocol on this port is worth as much.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Request, Timestamp};

use super::answer::{Answer, Manner};
use super::body::{BodyProgress, BodyReader};
use super::exchange::{Exchange, Incoming, tell};
use super::grammar::{Fault, Grammar};
use super::persona::{Persona, status_of};
use super::rules::{Ran, Reaction, Rule, Run, Scene, Subject, WebRules};
use super::wire::Head;
use crate::{Identity, Output, Session, Visit};

/// A visit to the `http` trap, or to `any` once the visitor spoke HTTP.
pub(crate) struct HttpSession {
    persona: Persona,
    identity: Arc<Identity>,
    rules: Arc<WebRules>,
    visit: Visit,
    port: u16,
    exchange: Exchange,
    /// A command that the last request carried runs on the machine behind the login.
    running: Option<Box<(Manner, Box<Run>)>>,
    served: u32,
    /// The port is one of TLS, and what came is not.
    unencrypted: bool,
}

impl HttpSession {
    pub(crate) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        let persona = Persona::of(identity);
        let exchange = Exchange::new(persona.grammar);
        Self {
            persona,
            identity: Arc::clone(identity),
            rules: identity.web_rules(),
            visit,
            port: visit.port.number,
            exchange,
            running: None,
            served: 0,
            unencrypted: false,
        }
    }

    /// For whoever speaks HTTP on a port where TLS is spoken: each request is told, and refused.
    pub(crate) fn unencrypted(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self { unencrypted: true, ..Self::new(identity, visit) }
    }

    /// Does one thing; `false` when more bytes are needed.
    fn step(&mut self, now: Timestamp, out: &mut Output) -> bool {
        if let Some(parts) = self.running.take() {
            return self.run(*parts, now, out);
        }
        match self.exchange.next(out) {
            Incoming::More => return false,
            Incoming::Refused(fault) => self.refuse(fault, now, out),
            Incoming::Request(parts, BodyProgress::Broken) => {
                let (mut head, body) = *parts;
                name(&self.rules, &mut head.request, &head.target, body.content());
                self.answer(&Answer::fault(Fault::BadRequest), head, body, now, out);
            }
            Incoming::Request(parts, _) if self.unencrypted => {
                let (mut head, body) = *parts;
                name(&self.rules, &mut head.request, &head.target, body.content());
                self.answer(&Answer::fault(Fault::Unencrypted), head, body, now, out);
            }
            Incoming::Request(parts, _) => self.react(*parts, now, out),
        }
        true
    }

    /// Answers a whole request as the rule that knows it says, or as the server itself would.
    fn react(&mut self, (mut head, body): (Head, BodyReader), now: Timestamp, out: &mut Output) {
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
                self.running = Some(Box::new((manner, run)));
            }
        }
        login.into_iter().for_each(|login| out.tell(login));
    }

    /// Gives the command its turn; its output is the answer.
    fn run(&mut self, (manner, run): (Manner, Box<Run>), now: Timestamp, out: &mut Output) -> bool {
        let (run, ran, details) = run.go(now);
        details.into_iter().for_each(|detail| out.tell(detail));
        match (run, ran) {
            (Some(run), Ran::Pauses(pause)) => {
                out.take_turns_after(pause);
                self.running = Some(Box::new((manner, run)));
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
            self.exchange.close();
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
        let manner = Manner::unknown(self.port, self.served);
        out.reply(&Answer::fault(fault).write(&self.persona, &manner, now));
        out.close();
        self.exchange.refuse(fault, status_of(fault));
    }

    /// Whether the head of a request has begun and not ended, and nothing else is being done.
    fn is_inside_head(&self) -> bool {
        self.running.is_none() && self.exchange.is_inside_head()
    }

    /// How long the server would wait from here on.
    fn patience(&self) -> Duration {
        let between = self.served > 0 && self.running.is_none() && self.exchange.is_between();
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
        if self.is_inside_head() && self.persona.grammar == Grammar::Apache {
            self.refuse(Fault::Timeout, now, out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        if self.is_inside_head() && self.persona.grammar == Grammar::Apache {
            // httpd answers a half request whose sender has stopped sending; nginx does not.
            self.refuse(Fault::BadRequest, now, out);
        }
        if let Some(parts) = self.running.take() {
            parts.1.abandon().into_iter().for_each(|detail| out.tell(detail));
        }
        let rules = &self.rules;
        self.exchange.end(out, |request, target, body| name(rules, request, target, body));
    }

    fn memory(&self) -> usize {
        self.exchange.memory() + self.running.as_ref().map_or(0, |running| running.1.memory())
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
