//! One connection: requests in, answers out, and what a script starts runs on the machine behind the logins in between, in turns, so that
//! a command that sleeps keeps its request waiting and nobody else.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::answer;
use super::call::{Call, Content, Reply, take_apart};
use super::class;
use super::json::{Json, LONGEST, object};
use super::query::Meter;
use super::release::{Fault, Release};
use super::script::{Wish, scripts, wish};
use crate::http::body::{BodyProgress, BodyReader};
use crate::http::exchange::{Exchange, Incoming, tell};
use crate::http::grammar::{Grammar, Version, values};
use crate::http::wire::Head;
use crate::machine::{Machine, Persona, Process, Progress, Said, Visitor};
use crate::{Identity, Output, Session, Visit};

/// Turns that one script may take, and bytes of what it prints that are answered.
const TURNS: u32 = 2_000;
const PRINTED: usize = 48 * 1024;

/// A visit to the `elasticsearch` trap.
pub(super) struct ElasticsearchSession {
    identity: Arc<Identity>,
    visit: Visit,
    exchange: Exchange,
    machine: Option<Machine>,
    running: Option<Box<Running>>,
    /// What has not left yet.
    pending: Vec<u8>,
    /// The connection ends once that has left.
    ending: bool,
}

/// A request whose scripts are being carried out.
struct Running {
    head: Head,
    body: BodyReader,
    wishes: Vec<(String, Wish)>,
    process: Option<Process>,
    said: Said,
    done: Vec<(String, Json)>,
    turns: u32,
}

impl ElasticsearchSession {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            exchange: Exchange::new(Grammar::Netty),
            machine: None,
            running: None,
            pending: Vec::new(),
            ending: false,
        }
    }

    fn release(&self) -> Release {
        self.identity.elasticsearch_release()
    }

    /// Goes on until more bytes, a pause or room for the answer is needed.
    fn go_on(&mut self, now: Timestamp, out: &mut Output) {
        loop {
            if !self.pending.is_empty() {
                let count = self.pending.len().min(Output::FULL);
                let piece: Vec<u8> = self.pending.drain(..count).collect();
                out.reply(&piece);
            }
            if !self.pending.is_empty() {
                return out.take_turns();
            }
            if std::mem::take(&mut self.ending) {
                out.close();
                self.exchange.close();
            }
            if let Some(running) = self.running.take() {
                if let Some(pause) = self.run(running, now, out) {
                    return out.take_turns_after(pause);
                }
                continue;
            }
            if out.is_full() && !out.is_closing() {
                return out.take_turns();
            }
            match self.exchange.next(out) {
                Incoming::More => return,
                Incoming::Refused(fault) => {
                    let body =
                        Release::error(self.release(), &Fault::argument("invalid version format"));
                    let text = body.line();
                    let head = self.release().head(
                        Version::ONE_ONE,
                        400,
                        "application/json; charset=UTF-8",
                    );
                    out.reply(format!("{head}{}\r\n\r\n{text}", text.len()).as_bytes());
                    out.close();
                    self.exchange.refuse(fault, 400);
                }
                Incoming::Request(parts, progress) => self.begin(*parts, progress, now, out),
            }
        }
    }

    fn begin(
        &mut self,
        (head, body): (Head, BodyReader),
        progress: BodyProgress,
        now: Timestamp,
        out: &mut Output,
    ) {
        let (content, whole) = body.content_and_whole();
        if progress == BodyProgress::Broken {
            self.ending = true;
            return self.finish(head, body, &Reply::text(400, ""), &["malformed"], out);
        }
        if !whole {
            let reply = Reply::json(429, self.release().error(&Fault::full()));
            return self.finish(head, body, &reply, &["write"], out);
        }
        if let Some(path) = traversal(&head.target).filter(|_| self.release().is_old()) {
            let reply = self.plugin(&path, now);
            return self.finish(
                head,
                body,
                &reply,
                &[if path.contains("..") { "traversal" } else { "recon" }],
                out,
            );
        }
        let json = Json::read(content).unwrap_or(Json::Null);
        let mut found = scripts(&json);
        if let Some(source) = take_apart(&head.target).1.iter().find(|(name, _)| name == "source") {
            found.extend(
                Json::read(source.1.as_bytes()).map(|json| scripts(&json)).unwrap_or_default(),
            );
        }
        let wishes: Vec<(String, Wish)> =
            found.into_iter().map(|(name, script)| (name, wish(&script))).collect();
        if !self.release().runs_scripts() {
            for (_, wish) in &wishes {
                if let Wish::Command(line, _) = wish {
                    out.tell(Detail::Command {
                        line: HostileText::from(line.as_str()),
                        known: Some(false),
                    });
                }
            }
        } else if !wishes.is_empty() {
            let done = Vec::new();
            let running = Running {
                head,
                body,
                wishes,
                process: None,
                said: Said::default(),
                done,
                turns: 0,
            };
            self.running = Some(Box::new(running));
            return;
        }
        let scripted = !wishes.is_empty();
        self.answer(head, body, Vec::new(), scripted, now, out);
    }

    /// Carries out what scripts want, one after the other; the pause after which to go on, unless all is answered.
    fn run(
        &mut self,
        mut running: Box<Running>,
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Duration> {
        loop {
            if let Some(mut process) = running.process.take() {
                let progress = if running.turns == 0 {
                    process.start(now, &mut running.said)
                } else {
                    process.resume(now, &mut running.said)
                };
                running.turns += 1;
                running.said.output.truncate(PRINTED);
                running.said.details.drain(..).for_each(|detail| out.tell(detail));
                let pause = match progress {
                    Progress::Again(pause) if running.turns < TURNS => pause,
                    // What waits for input gets the end of it: nobody types.
                    Progress::Waiting if running.turns < TURNS => {
                        process.end_input(now, &mut running.said);
                        Duration::ZERO
                    }
                    _ => {
                        let (name, wish) = running.wishes.remove(0);
                        let printed = String::from_utf8_lossy(&running.said.output).into_owned();
                        let reads = matches!(wish, Wish::Command(_, true));
                        let value = if reads {
                            printed
                        } else {
                            "java.lang.UNIXProcess@5b1f0e36".to_owned()
                        };
                        running.done.push((name, value.into()));
                        continue;
                    }
                };
                running.process = Some(process);
                self.running = Some(running);
                return Some(pause);
            }
            let Some((_, wish)) = running.wishes.first().cloned() else { break };
            let value = match wish {
                Wish::Command(line, _) => {
                    (running.said, running.turns) = (Said::default(), 0);
                    running.process = Some(self.machine(now).run(line.as_bytes(), false));
                    continue;
                }
                Wish::File(path) => self.file(&path, now).map_or(Json::Null, |bytes| {
                    String::from_utf8_lossy(&bytes).into_owned().into()
                }),
                Wish::Value(value) => value,
                Wish::Unknown => Json::Null,
            };
            let (name, _) = running.wishes.remove(0);
            running.done.push((name, value));
        }
        let Running { head, body, done, .. } = *running;
        self.answer(head, body, done, true, now, out);
        None
    }

    /// The machine behind the logins, as the account under which 1.x ran on many servers.
    fn machine(&mut self, now: Timestamp) -> &Machine {
        let visitor = Visitor {
            user: b"root".to_vec(),
            source: self.visit.source,
            destination: self.visit.destination,
            service: "java",
        };
        self.machine
            .get_or_insert_with(|| Machine::new(&self.identity, Persona::Server, visitor, now))
    }

    fn file(&mut self, path: &str, now: Timestamp) -> Option<Vec<u8>> {
        self.machine(now).files().read(path.as_bytes(), 0, PRINTED).ok()
    }

    /// Files of a site plugin, and all others through the hole of CVE-2015-3337.
    fn plugin(&mut self, path: &str, now: Timestamp) -> Reply {
        const PAGE: &str = "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"UTF-8\">\n<title>elasticsearch-head</title>\n<link rel=\"stylesheet\" \
                            href=\"dist/base.css\">\n<script src=\"dist/app.js\"></script>\n</head>\n<body></body>\n</html>\n";
        if matches!(path, "head" | "head/" | "head/index.html") {
            return Reply {
                status: 200,
                content: Content::Raw("text/html", PAGE.as_bytes().to_vec()),
            };
        }
        let inside = format!("/usr/share/elasticsearch/plugins/{path}").replacen(
            "/head/",
            "/head/_site/",
            1,
        );
        let outside = path
            .rsplit("../")
            .next()
            .filter(|_| path.contains("../"))
            .map(|rest| format!("/{rest}"));
        let found =
            self.file(&inside, now).or_else(|| outside.and_then(|path| self.file(&path, now)));
        found.map_or_else(
            || Reply::text(404, ""),
            |bytes| Reply { status: 200, content: Content::Raw("", bytes) },
        )
    }

    fn answer(
        &mut self,
        head: Head,
        body: BodyReader,
        scripted: Vec<(String, Json)>,
        has_script: bool,
        now: Timestamp,
        out: &mut Output,
    ) {
        let release = self.release();
        let (segments, parameters) = take_apart(&head.target);
        let method = head.request.method.raw().to_ascii_uppercase();
        let identity = Arc::clone(&self.identity);
        let content = body.content_and_whole().0;
        let reply = match unsupported(&head, content, release) {
            Some(reply) => reply,
            None => identity.elasticsearch().with(self.visit.source, now, |copy| {
                let mut call = Call {
                    cluster: identity.elasticsearch().cluster(&identity),
                    copy,
                    release,
                    method: &method,
                    target: head.request.target.raw().to_owned(),
                    segments: segments.clone(),
                    parameters,
                    body: content,
                    now,
                    meter: Meter::default(),
                    scripted,
                };
                answer::answer(&mut call)
            }),
        };
        let class = if has_script { "script" } else { class::of(&method, &segments, content) };
        let note = class::is_ransom_note(&method, &segments, content).then_some("ransom note");
        let classes: Vec<&str> = std::iter::once(class).chain(note).collect();
        self.finish(head, body, &reply, &classes, out);
    }

    /// Writes the answer and tells the request.
    fn finish(
        &mut self,
        mut head: Head,
        body: BodyReader,
        reply: &Reply,
        classes: &[&str],
        out: &mut Output,
    ) {
        let release = self.release();
        let headers = &head.request.headers;
        let named = |token: &str| {
            values(headers, "connection").any(|value| value.to_ascii_lowercase().contains(token))
        };
        let keep =
            if head.version >= Version::ONE_ONE { !named("close") } else { named("keep-alive") };
        let (segments, parameters) = take_apart(&head.target);
        let pretty = segments.is_empty()
            || parameters.iter().any(|(name, value)| name == "pretty" && value != "false");
        let mut status = reply.status;
        let (kind, content) = match &reply.content {
            Content::Json(body) => {
                let mut text = if pretty { body.pretty(release.is_old()) } else { body.line() };
                if text.len() > LONGEST {
                    status = 429;
                    text = release.error(&Fault::full()).line();
                }
                let compatible = release == Release::V7_17_9
                    && values(headers, "accept")
                        .any(|value| value.contains("vnd.elasticsearch+json"));
                let kind = if compatible {
                    "application/vnd.elasticsearch+json;compatible-with=7"
                } else {
                    "application/json; charset=UTF-8"
                };
                (kind, text.into_bytes())
            }
            Content::Text(text) => ("text/plain; charset=UTF-8", text.clone().into_bytes()),
            Content::Raw(kind, bytes) => (*kind, bytes.clone()),
        };
        self.pending.extend(release.head(head.version, status, kind).into_bytes());
        self.pending.extend(format!("{}\r\n\r\n", content.len()).into_bytes());
        if head.request.method.raw() != "HEAD" {
            self.pending.extend(content);
        }
        self.ending |= !keep;
        head.request.status = Some(status);
        tell(head, body, out);
        for class in classes {
            out.tell(Detail::Note {
                name: HostileText::from("elasticsearch class"),
                value: HostileText::from(*class),
            });
        }
    }
}

/// What stands behind `/_plugin/`, decoded, with its dots.
fn traversal(target: &[u8]) -> Option<String> {
    let (segments, _) = take_apart(target);
    let (first, rest) = segments.split_first()?;
    let slash = if target.ends_with(b"/") { "/" } else { "" };
    (first == "_plugin").then(|| rest.join("/") + slash)
}

/// From version 6 on a body needs a content type that is known.
fn unsupported(head: &Head, content: &[u8], release: Release) -> Option<Reply> {
    if content.is_empty() || release < Release::V6_8_23 {
        return None;
    }
    let kind = values(&head.request.headers, "content-type").next().unwrap_or_default();
    let known = [
        "application/json",
        "application/x-ndjson",
        "application/vnd.elasticsearch",
        "application/yaml",
        "application/smile",
        "application/cbor",
    ];
    if known.iter().any(|known| kind.to_ascii_lowercase().starts_with(known)) {
        return None;
    }
    let error = if kind.is_empty() {
        "Content-Type header is missing".to_owned()
    } else {
        format!("Content-Type header [{kind}] is not supported")
    };
    Some(Reply::json(406, object! { "error" => error, "status" => 406 }))
}

impl Session for ElasticsearchSession {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.exchange.push(bytes);
        self.go_on(now, out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        if let Some(running) = self.running.take() {
            tell(running.head, running.body, out);
        }
        self.exchange.end(out, |_, _, _| {});
        if let Some(machine) = &self.machine {
            machine.finish().into_iter().for_each(|detail| out.tell(detail));
        }
    }

    fn memory(&self) -> usize {
        let running = self.running.as_ref().map_or(0, |running| {
            let printed: usize =
                running.done.iter().filter_map(|(_, value)| value.text()).map(str::len).sum();
            running.body.content_and_whole().0.len()
                + running.said.output.len()
                + printed
                + running.process.as_ref().map_or(0, Process::memory)
        });
        self.exchange.memory()
            + self.pending.len()
            + running
            + self.machine.as_ref().map_or(0, Machine::memory)
    }
}
