//! What is done about a request that a rule knows: the rule's text, a file or a command's output from the machine behind the login, or
//! the web server's own answer. A command runs as the machine runs every other, in slices and under its bounds.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::evaluate::{self, Php};
use super::format::{Answerer, Face, MachineKind};
use super::reply::{Values, fill};
use super::subject::Subject;
use super::{Rule, pattern};
use crate::http::grammar::Grammar;
use crate::http::persona::Persona;
use crate::machine::{self, Machine, Process, Progress, Said, Visitor};
use crate::{Identity, Visit};

/// Bytes of a file or of output that an answer holds.
const OUTPUT: usize = 40 * 1024;
/// How long a command may take; what it said by then is the answer.
const PATIENCE: i64 = 20 * Timestamp::SECOND;

/// An answer of a rule's.
#[derive(Clone, Debug)]
pub(crate) struct RuleAnswer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The same before its output is known.
struct Prepared {
    answer: RuleAnswer,
    pieces: Vec<Vec<u8>>,
}

impl Prepared {
    fn with(self, output: &[u8]) -> RuleAnswer {
        RuleAnswer { body: self.pieces.join(output), ..self.answer }
    }
}

/// What is done about a request.
pub(crate) enum Reaction {
    /// The web server answers as if there were no rule.
    Face,
    Answer(RuleAnswer),
    Run(Box<Run>),
    /// A WebSocket is opened, or refused as the libraries refuse a request that asks for none.
    Websocket(RuleAnswer),
}

/// A command that runs.
pub(crate) struct Run {
    machine: Machine,
    process: Process,
    command: Vec<u8>,
    output: Vec<u8>,
    started: bool,
    since: Timestamp,
    prepared: Prepared,
}

/// What a running command came to.
pub(crate) enum Ran {
    Pauses(Duration),
    Done(RuleAnswer),
}

/// Who asks whom.
pub(crate) struct Scene<'a> {
    pub(crate) identity: &'a Arc<Identity>,
    pub(crate) visit: &'a Visit,
    pub(crate) persona: &'a Persona,
    pub(crate) host: &'a str,
    pub(crate) now: Timestamp,
}

impl Rule {
    /// The login that the request carries, where the rule is about a form.
    pub(crate) fn login(&self, subject: &Subject<'_>) -> Option<Detail> {
        let (user, password) = self.login.as_ref()?;
        let read = |name: &str| subject.parameter(name).map(|v| HostileText::from_bytes(&v));
        let (username, password) = (read(user), read(password));
        (username.is_some() || password.is_some()).then_some(Detail::Login {
            username,
            password,
            public_key: None,
            accepted: false,
        })
    }

    /// What is done about a request that this rule is for.
    pub(crate) fn react(&self, subject: &Subject<'_>, scene: &Scene<'_>) -> Reaction {
        let fits_face = match self.face {
            None => true,
            Some(Face::Nginx) => scene.persona.grammar == Grammar::Nginx,
            Some(Face::Apache) => scene.persona.grammar == Grammar::Apache,
        };
        if self.answer == Answerer::Face
            || !fits_face
            || !scene.identity.shows(scene.visit.source, self.machine)
        {
            return Reaction::Face;
        }
        let prepared = self.prepare(subject, scene);
        let taken = self.taken(subject);
        match self.answer {
            Answerer::Text => Reaction::Answer(prepared.with(b"")),
            Answerer::Face => Reaction::Face,
            Answerer::Websocket => Reaction::Websocket(prepared.with(b"")),
            Answerer::File => match self.file(&taken, scene) {
                Some(content) => Reaction::Answer(prepared.with(&content)),
                None => Reaction::Face,
            },
            Answerer::Command if taken.is_empty() => Reaction::Answer(prepared.with(b"")),
            Answerer::Command => self.run(taken, prepared, scene),
            Answerer::Php => match evaluate::php(&taken) {
                Php::Prints(text) => Reaction::Answer(prepared.with(&text)),
                Php::Runs(command) => self.run(command, prepared, scene),
                Php::Nothing => Reaction::Answer(prepared.with(b"")),
            },
            Answerer::Calculate => {
                let result = evaluate::calculate(&taken).unwrap_or_default();
                Reaction::Answer(prepared.with(&result))
            }
            Answerer::SqlError => Reaction::Answer(prepared.with(&evaluate::sql_error(&taken))),
        }
    }

    fn prepare(&self, subject: &Subject<'_>, scene: &Scene<'_>) -> Prepared {
        let values = Values {
            identity: scene.identity,
            server: scene.persona.server,
            host: scene.host,
            rule: &self.name,
            now: scene.now,
            subject,
        };
        let line = |text: &str| {
            String::from_utf8_lossy(&fill(text, &values).concat()).replace(['\r', '\n'], " ")
        };
        let fields = self.fields.iter().map(|(name, value)| (name.clone(), line(value))).collect();
        let answer =
            RuleAnswer { status: self.status, kind: self.kind.clone(), fields, body: Vec::new() };
        Prepared { answer, pieces: fill(&self.text, &values) }
    }

    /// The path, command, code or value in the request.
    fn taken(&self, subject: &Subject<'_>) -> Vec<u8> {
        let found = self.take.iter().find_map(|take| {
            let part = subject.part(&take.from)?;
            let part = evaluate::between(&part, take.after.as_bytes(), take.until.as_bytes())?;
            (!part.is_empty()).then(|| part[..part.len().min(evaluate::LONGEST)].to_vec())
        });
        found.unwrap_or_default()
    }

    fn machine(&self, scene: &Scene<'_>) -> Machine {
        let device = self.machine == MachineKind::Device;
        let face = scene.identity.telnet_face().machine();
        let persona = match device {
            true if face.is_device() => face,
            true => machine::Persona::Router,
            false => machine::Persona::Server,
        };
        let service = match (device, scene.persona.grammar) {
            (true, _) => "httpd",
            (_, Grammar::Nginx) => "nginx",
            (_, Grammar::Netty) => "java",
            (_, Grammar::Apache) => "apache2",
        };
        let visitor = Visitor {
            user: if device { b"root".to_vec() } else { b"www-data".to_vec() },
            source: scene.visit.source,
            destination: scene.visit.destination,
            service,
        };
        Machine::new(scene.identity, persona, visitor, scene.now)
    }

    fn file(&self, value: &[u8], scene: &Scene<'_>) -> Option<Vec<u8>> {
        let (path, encoded) = evaluate::included(value);
        let content = self.machine(scene).files().read(&path, 0, OUTPUT).ok()?;
        Some(if encoded { evaluate::base64(&content) } else { content })
    }

    fn run(&self, command: Vec<u8>, prepared: Prepared, scene: &Scene<'_>) -> Reaction {
        let machine = self.machine(scene);
        let process = machine.run(&command, false);
        Reaction::Run(Box::new(Run {
            machine,
            process,
            command,
            output: Vec::new(),
            started: false,
            since: scene.now,
            prepared,
        }))
    }
}

impl Run {
    /// Runs on until the command pauses or is over.
    pub(crate) fn go(mut self: Box<Self>, now: Timestamp) -> (Option<Box<Self>>, Ran, Vec<Detail>) {
        let mut said = Said::default();
        let mut progress = if self.started {
            self.process.resume(now, &mut said)
        } else {
            self.started = true;
            self.process.start(now, &mut said)
        };
        if progress == Progress::Waiting {
            progress = self.process.end_input(now, &mut said);
        }
        // Whoever has a command run by a web application sees both.
        for bytes in [&said.output, &said.errors] {
            let room = OUTPUT.saturating_sub(self.output.len());
            self.output.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        let late = now.since(self.since) > PATIENCE || self.output.len() >= OUTPUT;
        match progress {
            Progress::Again(pause) if !late => (Some(self), Ran::Pauses(pause), said.details),
            Progress::Again(_) | Progress::Waiting | Progress::Ended(_) => {
                let mut details = said.details;
                details.extend(self.machine.finish());
                let output = if pattern::find(&self.command, b"echo").is_some() {
                    evaluate::without_cgi_fields(&self.output)
                } else {
                    &self.output
                };
                (None, Ran::Done(self.prepared.with(output)), details)
            }
        }
    }

    /// The status of the answer to come.
    pub(crate) const fn status(&self) -> u16 {
        self.prepared.answer.status
    }

    /// The visitor has gone: what the command did so far.
    pub(crate) fn abandon(self: Box<Self>) -> Vec<Detail> {
        self.machine.finish()
    }

    pub(crate) fn memory(&self) -> usize {
        self.machine.memory() + self.process.memory() + self.output.len() + self.command.len()
    }
}
