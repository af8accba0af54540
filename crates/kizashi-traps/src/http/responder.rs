//! What one request gets, whatever it came by: a rule's answer, the web server's own, or a command that runs first. It knows nothing of
//! lines, frames or connections, so that HTTP/1 and HTTP/2 say the same; how an answer is written is the session's (`answer.rs`
//! for HTTP/1), and so is what was refused before it was a request.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, Request, Timestamp};

use super::answer::{Answer, Place};
use super::persona::Persona;
use super::rules::{Ran, Reaction, Rule, Run, Scene, Subject, WebRules};
use super::smuggling::is_smuggling;
use super::websocket;
use crate::{Identity, Output, Visit};

/// Decides for one visit.
pub(crate) struct Responder {
    pub(crate) persona: Persona,
    identity: Arc<Identity>,
    rules: Arc<WebRules>,
    visit: Visit,
}

/// What a request gets. Its class, rule and status are written into the request itself.
pub(crate) struct Response {
    pub(crate) outcome: Outcome,
    /// The login that a form carried.
    pub(crate) login: Option<Detail>,
}

/// An answer, or what must run before there is one.
pub(crate) enum Outcome {
    Answer(Answer),
    /// A command on the machine behind the login: to be given its turns by [`turn`].
    Run(Box<Run>),
    /// The connection goes on as a WebSocket: the answer with which it begins, and what each message is answered.
    Websocket(Answer, Vec<u8>),
}

/// What a turn came to.
pub(crate) enum Turn {
    /// To be given the next one after so long.
    Pauses(Box<Run>, Duration),
    Answer(Answer),
}

impl Responder {
    pub(crate) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            persona: Persona::of(identity),
            identity: Arc::clone(identity),
            rules: identity.web_rules(),
            visit,
        }
    }

    /// The port visited.
    pub(crate) const fn port(&self) -> u16 {
        self.visit.port.number
    }

    /// Answers a whole request as the rule that knows it says, or as the server itself would. `target` and `body` are the bytes as sent,
    /// of which the request's text may be a part.
    pub(crate) fn respond(
        &self,
        request: &mut Request,
        target: &[u8],
        body: &[u8],
        now: Timestamp,
    ) -> Response {
        let place = Place::of(request, target, self.port());
        let scene = Scene {
            identity: &self.identity,
            visit: &self.visit,
            persona: &self.persona,
            host: &place.host,
            now,
        };
        let subject = Subject::new(request, target, body);
        let rule = self.rules.find(&subject).cloned();
        let reaction = rule.as_ref().map_or(Reaction::Face, |rule| rule.react(&subject, &scene));
        let login = rule.as_ref().and_then(|rule| rule.login(&subject));
        let (status, outcome) = match reaction {
            Reaction::Run(run) => (run.status(), Outcome::Run(run)),
            Reaction::Answer(answer) => (answer.status, Outcome::Answer(Answer::of_rule(answer))),
            Reaction::Websocket(answer) => match websocket::accept(request) {
                Some(fields) => {
                    (101, Outcome::Websocket(Answer::switching(answer.fields, fields), answer.body))
                }
                None => (400, Outcome::Answer(Answer::of_rule(websocket::refusal()))),
            },
            Reaction::Face => {
                let answer = Answer::to(request, target, &self.persona);
                (answer.status, Outcome::Answer(answer))
            }
        };
        request.status = Some(status);
        label(request, target, rule.as_deref(), b"");
        Response { outcome, login }
    }

    /// Says what a request is whose head was whole and which is refused all the same.
    pub(crate) fn name_refused(&self, request: &mut Request, target: &[u8], body: &[u8]) {
        let rule = self.rules.find(&Subject::new(request, target, body)).cloned();
        label(request, target, rule.as_deref(), b"");
    }

    /// Says what a request is that is not answered by a rule because it never became whole or was refused.
    pub(crate) fn name(&self, request: &mut Request, target: &[u8], body: &[u8]) {
        let rule = self.rules.find(&Subject::new(request, target, body)).cloned();
        label(request, target, rule.as_deref(), body);
    }
}

/// Gives a running command its turn; what it did is told, its output becomes the answer.
pub(crate) fn turn(run: Box<Run>, now: Timestamp, out: &mut Output) -> Option<Turn> {
    let (run, ran, details) = run.go(now);
    details.into_iter().for_each(|detail| out.tell(detail));
    match (run, ran) {
        (Some(run), Ran::Pauses(pause)) => Some(Turn::Pauses(run, pause)),
        (_, Ran::Done(answer)) => Some(Turn::Answer(Answer::of_rule(answer))),
        (None, Ran::Pauses(_)) => None,
    }
}

/// What everybody asks for whom a rule does not know.
const ORDINARY: [&str; 6] =
    ["/", "/index.html", "/robots.txt", "/favicon.ico", "/sitemap.xml", "/index.nginx-debian.html"];

/// Says what the request is; `raw` is its head as sent where it was refused before it was taken apart.
fn label(request: &mut Request, target: &[u8], rule: Option<&Rule>, raw: &[u8]) {
    let ordinary = !request.malformed
        && matches!(request.method.raw(), "GET" | "HEAD")
        && ORDINARY.iter().any(|page| page.as_bytes() == target);
    let class = match rule {
        _ if is_smuggling(request, raw) => "request-smuggling",
        Some(rule) => rule.class.as_str(),
        None if ordinary => "ordinary",
        None => "unknown",
    };
    request.class = Some(class.into());
    request.rule = rule.map(|rule| rule.name.as_str().into());
}
