//! What one request gets, whatever it came by: a rule's answer, the web server's own, or a command that runs first. It knows nothing of
//! lines, frames or connections, so that HTTP/1 and HTTP/2 say the same; how an answer is written is the session's (`answer.rs`
//! for HTTP/1), and so is what was refused before it was a request.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Request, Timestamp};

use super::answer::{Answer, File, Place};
use super::application::{self, Said};
use super::dropped;
use super::path::normalise;
use super::persona::Persona;
use super::rules::{MachineKind, Reaction, Rule, Scene, Subject, WebRules};
use super::run::{Ran, Run};
use super::sites::{Says, SiteRequest};
use super::smuggling::is_smuggling;
use super::styled;
use super::websocket;
use crate::{Identity, Output, Visit};

/// Decides for one visit.
pub(crate) struct Responder {
    pub(crate) persona: Persona,
    pub(super) identity: Arc<Identity>,
    rules: Arc<WebRules>,
    pub(super) visit: Visit,
}

/// What a request gets. Its class, rule and status are written into the request itself.
pub(crate) struct Response {
    pub(crate) outcome: Outcome,
    /// What else the request was: the login of a form, the query of an injection.
    pub(crate) details: Vec<Detail>,
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
            persona: Persona::at(identity, visit.port.number),
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
            port: place.port,
            now,
        };
        let (decided, rule) = {
            let subject = Subject::new(request, target, body);
            let rule = self.rules.find(&subject).cloned();
            let own = self.own(request, target, body, &scene, rule.as_deref());
            let decided = own
                .unwrap_or_else(|| self.shown(request, target, &subject, &scene, rule.as_deref()));
            (decided, rule)
        };
        request.status = Some(decided.status);
        name(request, decided.class, rule.as_deref());
        Response { outcome: decided.outcome, details: decided.details }
    }

    /// What a rule, a site or the server shows.
    fn shown(
        &self,
        request: &Request,
        target: &[u8],
        subject: &Subject<'_>,
        scene: &Scene<'_>,
        rule: Option<&Rule>,
    ) -> Decided {
        let method = subject.method;
        let shown = self.react(rule, &SiteRequest { method, target, subject, scene });
        let (status, outcome) = match shown.reaction {
            Reaction::Run(run) => (run.status(), Outcome::Run(run)),
            Reaction::Answer(answer) => (answer.status, Outcome::Answer(Answer::of_rule(answer))),
            Reaction::Websocket(answer) => match websocket::accept(request) {
                Some(fields) => {
                    (101, Outcome::Websocket(Answer::switching(answer.fields, fields), answer.body))
                }
                None => (400, Outcome::Answer(Answer::of_rule(websocket::refusal()))),
            },
            Reaction::Face => {
                let answer = match shown.file {
                    Some(file) => Answer::file(request, &self.persona, file),
                    None => self.of_server(request, target, subject),
                };
                (answer.status, Outcome::Answer(answer))
            }
        };
        let class = class_of(request, target, rule, shown.class, b"").into();
        Decided { status, class, outcome, details: shown.details }
    }

    /// What the server itself says.
    fn of_server(&self, request: &Request, target: &[u8], subject: &Subject<'_>) -> Answer {
        match self.persona.site.filter(|_| self.persona.style.is_some()) {
            Some(site) => styled::to(request, target, &self.persona, &site.methods(subject)),
            None => Answer::to(request, target, &self.persona),
        }
    }

    /// What goes before rules: a file that this visitor dropped, and the application where no rule names a product.
    fn own(
        &self,
        request: &Request,
        target: &[u8],
        body: &[u8],
        scene: &Scene<'_>,
        rule: Option<&Rule>,
    ) -> Option<Decided> {
        if matches!(request.method.raw(), "GET" | "HEAD" | "POST")
            && let Some(run) = dropped::respond(scene, request, target, body)
        {
            return Some(Decided {
                status: run.status(),
                class: "webshell".into(),
                outcome: Outcome::Run(run),
                details: Vec::new(),
            });
        }
        let path = normalise(self.persona.grammar, target)?;
        if !matches!(request.method.raw(), "GET" | "HEAD" | "POST")
            || !rule.is_none_or(Rule::is_general)
            || self.persona.site.is_some()
        {
            return None;
        }
        let page = application::page_of(&self.identity, &path)?;
        if !self.identity.shows(self.visit.source, MachineKind::Server) {
            return None;
        }
        let reply = application::respond(scene, request, target, body, page);
        let (status, outcome) = match reply.outcome {
            Said::Answer(answer) => (answer.status, Outcome::Answer(Answer::of_rule(answer))),
            Said::Run(run) => (run.status(), Outcome::Run(run)),
        };
        let class = match (reply.class, rule) {
            ("ordinary" | "unknown", Some(rule)) => rule.class.as_str(),
            (class, _) => class,
        };
        Some(Decided { status, class: class.into(), outcome, details: reply.details })
    }

    /// Which face answers (docs/web-rules.md, "Which face a scanner sees"): the owner's own rules, exploits of the site's product and
    /// those that run beside it, the site's pages, other rules about what runs beside it, the site's word for what is not there.
    fn react(&self, rule: Option<&Rule>, request: &SiteRequest<'_>) -> Shown {
        let (subject, scene) = (request.subject, request.scene);
        let Some(site) = self.persona.site else {
            let mut reaction = rule.map_or(Reaction::Face, |rule| rule.react(subject, scene));
            if matches!(reaction, Reaction::Answer(_)) {
                let path = rule.and_then(Rule::signpost);
                path.into_iter().for_each(|path| self.identity.trail().follow(&path));
            }
            if matches!(reaction, Reaction::Face) {
                let page = self.identity.trail().page(request.target, scene);
                reaction = page.filter(|_| rule.is_none()).map_or(reaction, Reaction::Answer);
            }
            return Shown {
                details: rule.and_then(|rule| rule.login(subject)).into_iter().collect(),
                ..Shown::of(reaction)
            };
        };
        let admitted = rule.filter(|rule| rule.is_own() || site.admits(rule));
        let login = || -> Vec<Detail> {
            admitted.and_then(|rule| rule.login(subject)).into_iter().collect()
        };
        let answered = |rule: &Rule| match rule.react(subject, scene) {
            Reaction::Face => None,
            reaction => Some(Shown {
                details: rule.login(subject).into_iter().collect(),
                ..Shown::of(reaction)
            }),
        };
        let first = admitted.filter(|rule| rule.is_own() || rule.computes() || site.is_about(rule));
        if let Some(shown) = first.and_then(answered) {
            return shown;
        }
        if let Some(answer) = site.answer(request) {
            let (reaction, file) = match answer.says {
                Says::Reacts(reaction) => (reaction, None),
                Says::File { kind, bytes } => (Reaction::Face, Some(File { kind, bytes })),
            };
            return Shown {
                reaction,
                file,
                details: if answer.details.is_empty() { login() } else { answer.details },
                class: Some(answer.class),
            };
        }
        if let Some(shown) = admitted.and_then(answered) {
            return shown;
        }
        if styled::claims(self.persona.grammar, site.router, request) {
            return Shown { details: login(), ..Shown::of(Reaction::Face) };
        }
        let missing = site.missing(request).map_or(Reaction::Face, Reaction::Answer);
        Shown { details: login(), ..Shown::of(missing) }
    }

    /// Says what a request is that is not answered by a rule because it never became whole or was refused.
    pub(crate) fn name(&self, request: &mut Request, target: &[u8], body: &[u8]) {
        self.rules.name(request, target, body, body);
    }
}

impl WebRules {
    /// Says what a request is that another honeypot recorded, as the web trap would; one that says so itself is left as it is.
    pub fn recognise(&self, request: &mut Request, body: &[u8]) {
        if request.class.is_none() {
            let target = request.target.raw().as_bytes().to_vec();
            self.name(request, &target, body, b"");
        }
    }

    /// Says what a request is by itself, whatever it is answered; `raw` as in [`class_of`].
    fn name(&self, request: &mut Request, target: &[u8], body: &[u8], raw: &[u8]) {
        let rule = self.find(&Subject::new(request, target, body)).cloned();
        let class = class_of(request, target, rule.as_deref(), None, raw).into();
        name(request, class, rule.as_deref());
    }
}

/// What is decided about a request.
struct Decided {
    status: u16,
    class: HostileText,
    outcome: Outcome,
    details: Vec<Detail>,
}

/// What is shown to a request.
struct Shown {
    reaction: Reaction,
    /// The file of the site that the web server sends, where the reaction is the server's own.
    file: Option<File>,
    details: Vec<Detail>,
    /// What the request is where no rule knows it.
    class: Option<&'static str>,
}

impl Shown {
    const fn of(reaction: Reaction) -> Self {
        Self { reaction, file: None, details: Vec::new(), class: None }
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

/// What the request is, `page` what it is on the site shown; `raw` is its head as sent where it was refused before it was taken apart.
fn class_of<'a>(
    request: &Request,
    target: &[u8],
    rule: Option<&'a Rule>,
    page: Option<&'static str>,
    raw: &[u8],
) -> &'a str {
    let ordinary = !request.malformed
        && matches!(request.method.raw(), "GET" | "HEAD")
        && ORDINARY.iter().any(|page| page.as_bytes() == target);
    match rule {
        _ if is_smuggling(request, raw) => "request-smuggling",
        Some(rule) => rule.class.as_str(),
        None if page.is_some() && !request.malformed => page.unwrap_or("ordinary"),
        None if ordinary => "ordinary",
        None => "unknown",
    }
}

/// Writes into the request what it is and which rule knows it.
fn name(request: &mut Request, class: HostileText, rule: Option<&Rule>) {
    request.class = Some(class);
    request.rule = rule.map(|rule| rule.name.as_str().into());
}
