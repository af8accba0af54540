//! One connection: requests in, replies out, in order. A command that waits or runs on the machine behind the logins keeps this connection
//! waiting and nobody else.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::connection::{Connection, is_known};
use super::release::Release;
use super::reply::Reply;
use super::server::{Next, Scene, carry_out};
use super::table::Spec;
use super::wire::{Incoming, Reader, Request, as_line};
use crate::capture::Capture;
use crate::machine::{Errand, Machine, Persona, Ran, Visitor};
use crate::{Identity, Output, Session, Visit};

/// Folders that attackers save to and that a machine of theirs would have, whatever ours has.
const FOLDERS: [&str; 8] = [
    "/root/.ssh",
    "/var/spool/cron",
    "/var/spool/cron/crontabs",
    "/etc/cron.d",
    "/var/lib/redis",
    "/var/www/html",
    "/tmp",
    "/etc",
];

/// A visit to the `redis` trap.
pub(super) struct RedisSession {
    identity: Arc<Identity>,
    visit: Visit,
    release: Release,
    reader: Reader,
    connection: Connection,
    machine: Option<Machine>,
    running: Option<Box<Errand>>,
    /// The reply that comes when a pause is over.
    later: Option<Reply>,
    /// What has not left yet.
    pending: Vec<u8>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Open,
    /// Waits for what never comes.
    Blocked,
    /// The connection ends once what is pending has left.
    Ending,
    Over,
}

impl RedisSession {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            release: identity.redis_release(),
            reader: Reader::default(),
            connection: Connection::new(identity.redis().admit(identity)),
            machine: None,
            running: None,
            later: None,
            pending: Vec::new(),
            state: State::Open,
        }
    }

    fn write(&mut self, reply: &Reply) {
        reply.write(self.connection.resp3, &mut self.pending);
    }

    /// Goes on until more bytes, a pause or room for replies is needed.
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
            match self.state {
                State::Ending => {
                    out.close();
                    self.state = State::Over;
                    return;
                }
                State::Over | State::Blocked => return,
                State::Open => {}
            }
            if let Some(reply) = self.later.take() {
                self.write(&reply);
                continue;
            }
            if let Some(running) = self.running.take() {
                if let Some(pause) = self.run(running, now, out) {
                    return out.take_turns_after(pause);
                }
                continue;
            }
            if out.is_full() {
                return out.take_turns();
            }
            let known = self.is_known(now, out);
            let pause = match self.reader.next(known) {
                Incoming::More => return,
                Incoming::Request(request) => self.request(request, now, out),
                Incoming::Broken(reason) => {
                    class(out, "malformed");
                    self.write(&Reply::Error(format!("ERR Protocol error: {reason}")));
                    self.state = State::Ending;
                    None
                }
                Incoming::CrossProtocol => {
                    class(out, "cross-protocol");
                    let words = self.reader.cross_words();
                    tell(&words, false, out);
                    self.state = State::Ending;
                    None
                }
            };
            if let Some(pause) = pause {
                return out.take_turns_after(pause);
            }
        }
    }

    /// Lets `act` see the visitor's copy.
    fn with_scene<T>(
        &mut self,
        folder_is_there: bool,
        now: Timestamp,
        out: &mut Output,
        act: impl FnOnce(&mut Scene<'_>) -> T,
    ) -> T {
        let (identity, visit, release) = (&self.identity, self.visit, self.release);
        let connection = &mut self.connection;
        identity.redis().with(identity, visit.source, now, |copy| {
            act(&mut Scene {
                identity,
                release,
                now,
                source: visit.source,
                destination: visit.destination,
                port: visit.port.number,
                copy,
                connection,
                folder_is_there,
                out,
            })
        })
    }

    /// Whether the visitor may send long requests: before a password, from 6.2 on, he may not.
    fn is_known(&mut self, now: Timestamp, out: &mut Output) -> bool {
        !self.release.has("6.2.0") || self.with_scene(false, now, out, |scene| is_known(scene))
    }

    /// Carries out a request; the pause after which its reply comes, where there is one.
    fn request(&mut self, request: Request, now: Timestamp, out: &mut Output) -> Option<Duration> {
        let words = request.words;
        let first = words.first()?;
        let spec = Spec::find(first, self.release);
        let module = first.to_ascii_lowercase().starts_with(b"system.");
        let is_login = |word: &Vec<u8>| word.eq_ignore_ascii_case(b"auth");
        let login =
            is_login(first) || first.eq_ignore_ascii_case(b"hello") && words.iter().any(is_login);
        if !login {
            tell(&words, spec.is_some() || module, out);
        }
        if let Some(content) = request.left_out {
            out.tell(Detail::Payload(content));
            self.write(&Reply::full());
            return None;
        }
        if self.connection.replica {
            return None;
        }
        let folder_is_there = self.names_folder(&words, now);
        let next = self.with_scene(folder_is_there, now, out, |scene| {
            // Who begins with a password finds a server that wants one.
            scene.copy.guarded.get_or_insert(login);
            carry_out(scene, &words)
        });
        match next {
            Next::Reply(reply) => self.write(&reply),
            Next::Later(pause, reply) => {
                self.later = Some(reply);
                return Some(pause);
            }
            Next::Blocked => self.state = State::Blocked,
            Next::Run(line) => {
                let errand = Errand::new(self.machine(now), &line, Vec::new());
                self.running = Some(Box::new(errand));
            }
            Next::Close(reply) => {
                if let Some(reply) = reply {
                    self.write(&reply);
                }
                self.state = State::Ending;
            }
        }
        None
    }

    /// Whether the folder that `CONFIG SET dir` names is there.
    fn names_folder(&mut self, words: &[Vec<u8>], now: Timestamp) -> bool {
        let sets = words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"config"));
        let mut pairs = words.get(2..).unwrap_or_default().chunks(2);
        let folder =
            pairs.find(|pair| pair[0].eq_ignore_ascii_case(b"dir")).and_then(|pair| pair.get(1));
        let (true, Some(folder)) = (sets, folder) else { return false };
        let text = String::from_utf8_lossy(folder).into_owned();
        let plain = text.trim_end_matches('/');
        if FOLDERS.contains(&plain) || text == "/" {
            return true;
        }
        let stat = self.machine(now).files().stat(folder, true);
        stat.is_ok_and(|stat| stat.mode & 0o170_000 == 0o040_000)
    }

    /// Lets the machine go on; the pause after which to go on, unless it is done.
    fn run(
        &mut self,
        mut errand: Box<Errand>,
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Duration> {
        match errand.go_on(now, out) {
            Ran::Again(pause) => {
                self.running = Some(errand);
                Some(pause)
            }
            Ran::Ended { printed, .. } => {
                self.write(&Reply::Bulk(printed));
                None
            }
        }
    }

    /// The machine behind the logins, as the account under which careless owners start it.
    fn machine(&mut self, now: Timestamp) -> &Machine {
        let visitor = Visitor {
            user: b"root".to_vec(),
            source: self.visit.source,
            destination: self.visit.destination,
            service: "redis-server",
        };
        self.machine
            .get_or_insert_with(|| Machine::new(&self.identity, Persona::Server, visitor, now))
    }
}

fn class(out: &mut Output, class: &str) {
    out.tell(Detail::Note {
        name: HostileText::from("redis class"),
        value: HostileText::from(class),
    });
}

fn tell(words: &[Vec<u8>], known: bool, out: &mut Output) {
    out.tell(Detail::Command {
        line: HostileText::from_bytes(&as_line(words)),
        known: Some(known),
    });
}

impl Session for RedisSession {
    fn open(&mut self, now: Timestamp, _out: &mut Output) {
        self.connection.opened = now;
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.reader.push(bytes);
        self.go_on(now, out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        let rest = self.reader.rest();
        if !rest.is_empty() {
            let payload = Capture::of(&rest).finish(PayloadOrigin::Sent);
            out.tell(Detail::Payload(Box::new(payload)));
        }
        if let Some(machine) = &self.machine {
            machine.finish().into_iter().for_each(|detail| out.tell(detail));
        }
    }

    fn memory(&self) -> usize {
        let running = self.running.as_ref().map_or(0, |errand| errand.memory());
        self.reader.memory()
            + self.connection.memory()
            + self.pending.len()
            + running
            + self.machine.as_ref().map_or(0, Machine::memory)
    }
}
