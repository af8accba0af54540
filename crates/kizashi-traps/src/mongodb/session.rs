//! One connection: requests in order, each answered before the next is looked at.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::SERVICE;
use super::awaited::Awaited;
use super::bson::{Document, show};
use super::commands::{BEFORE_LOGIN, Connection, Failure, Scene, carry_out, client_of, refusal};
use super::login::{Login, Outcome};
use super::release::{Release, asks, has_tls};
use super::wire::{Incoming, Manner, Reader, Request, reply};
use crate::capture::Capture;
use crate::randomness::Randomness;
use crate::tls::{Product, TlsSession, Within, begins_like_tls};
use crate::{Identity, Output, Session, Visit};

/// What is said to a browser.
const HTTP: &[u8] = b"HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 85\r\n\r\nIt looks like you are trying to access MongoDB over HTTP on the native driver port.\r\n";

/// Commands that drivers send of themselves, and nobody wants to read.
const QUIET: [&[u8]; 7] =
    [b"hello", b"isMaster", b"ismaster", b"ping", b"endSessions", b"saslStart", b"saslContinue"];

const WITHIN: Within = Within {
    begin: |identity, visit, _| Box::new(MongodbSession::new(identity, visit)),
    service: &SERVICE,
};

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Box::new(MongodbSession::new(identity, visit))
}

/// A visit to the `mongodb` trap.
pub(super) struct MongodbSession {
    identity: Arc<Identity>,
    visit: Visit,
    randomness: Randomness,
    reader: Reader,
    /// What came first may be TLS.
    undecided: bool,
    tls: Option<Box<TlsSession>>,
    connection: Connection,
    login: Login,
    /// A greeting that is answered later.
    awaited: Option<Awaited>,
    /// The request whose password is being looked for.
    waiting: Option<(Manner, u32)>,
    open: bool,
    named: bool,
    answers: u32,
    over: Option<Capture>,
    pending: Vec<u8>,
}

impl MongodbSession {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            randomness: identity.randomness(),
            reader: Reader::default(),
            undecided: !visit.encrypted && has_tls(identity),
            tls: None,
            connection: Connection::default(),
            login: Login::default(),
            awaited: None,
            waiting: None,
            open: !asks(identity),
            named: false,
            answers: 0,
            over: None,
            pending: Vec::new(),
        }
    }

    /// As if nobody asked for a login.
    pub(super) fn admitted(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self { open: true, ..Self::new(identity, visit) }
    }

    /// Whether the first bytes are neither too few to say nor TLS, which is then begun.
    fn decided(&mut self, now: Timestamp, out: &mut Output) -> bool {
        match begins_like_tls(self.reader.buffered()) {
            None => return false,
            Some(begins) => self.undecided = begins,
        }
        if self.undecided {
            let product = Product::Documents(self.identity.web_server());
            let mut tls = Box::new(TlsSession::new(&self.identity, self.visit, product, WITHIN));
            tls.open(now, out);
            tls.receive(&self.reader.take_buffer(), now, out);
            self.tls = Some(tls);
        }
        self.tls.is_none()
    }

    fn go_on(&mut self, now: Timestamp, out: &mut Output) {
        loop {
            let count = self.pending.len().min(Output::FULL);
            let piece: Vec<u8> = self.pending.drain(..count).collect();
            out.reply(&piece);
            if !self.pending.is_empty() || out.is_full() && !out.is_closing() {
                return out.take_turns();
            }
            if let Some(over) = &mut self.over {
                out.close();
                return self.reader.drain_into(over);
            }
            if self.login.searches() {
                let outcome = self.login.search(&self.identity, self.visit, out);
                if self.logged(outcome) {
                    return out.take_turns_after(Duration::ZERO);
                }
                continue;
            }
            match self.reader.next() {
                Incoming::More => {
                    if let Some(awaited) = &self.awaited {
                        out.take_turns_listening(awaited.left(now));
                    }
                    return;
                }
                Incoming::Http => {
                    self.pending.extend(HTTP);
                    self.over = Some(Capture::default());
                }
                Incoming::TooLong(content) => {
                    out.tell(Detail::Payload(content));
                    self.over = Some(Capture::default());
                }
                Incoming::Broken(bytes) => self.over = Some(Capture::of(&bytes)),
                Incoming::Request(request) => self.request(&request, now, out),
            }
        }
    }

    fn say(&mut self, manner: Manner, number: u32, answer: &Document) {
        self.answers = self.answers.wrapping_add(1);
        self.pending.extend(reply(manner, number, self.answers, answer));
    }

    /// Says what came of a step of a login; whether it goes on in the next turn.
    fn logged(&mut self, outcome: Outcome) -> bool {
        let Some((manner, number)) = self.waiting else { return false };
        match outcome {
            Outcome::Further => return true,
            Outcome::Answer(answer) => self.say(manner, number, &answer),
            Outcome::Admitted(user, answer) => {
                self.open = true;
                self.connection.user = Some(user);
                self.say(manner, number, &answer);
            }
        }
        self.waiting = None;
        false
    }

    /// Whether it is a message that newer releases no longer take; what they say of it is said.
    fn is_too_old(&mut self, request: &Request, verb: &[u8]) -> bool {
        let refused = refusal(request.manner, verb);
        if let Some(answer) = &refused {
            self.say(Manner::Reply, request.number, answer);
        }
        refused.is_some() || request.manner == Manner::OldSilent
    }

    fn request(&mut self, request: &Request, now: Timestamp, out: &mut Output) {
        let verb = request.command.first().map(|(name, _)| name.clone()).unwrap_or_default();
        if let Some(client) = client_of(&request.command).filter(|_| !self.named) {
            self.named = true;
            let version = Some(HostileText::from(client));
            out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        }
        if !QUIET.contains(&verb.as_slice()) {
            let shown = format!(
                "{} {}",
                String::from_utf8_lossy(&request.database),
                show(&request.command)
            );
            out.tell(Detail::Command { line: HostileText::from(shown), known: None });
        }
        if Release::of(&self.identity).is_newer() && self.is_too_old(request, &verb) {
            return;
        }
        match verb.as_slice() {
            b"saslStart" => {
                self.waiting = Some((request.manner, request.number));
                let outcome =
                    self.login.start(&self.identity, &request.command, &mut self.randomness);
                self.logged(outcome);
            }
            b"saslContinue" => {
                self.waiting = Some((request.manner, request.number));
                let outcome = self.login.go_on(&self.identity, self.visit, &request.command, out);
                self.logged(outcome);
            }
            verb if !self.open && !BEFORE_LOGIN.contains(&verb) => {
                let shown = String::from_utf8_lossy(&verb[..verb.len().min(128)]).into_owned();
                let newer = Release::of(&self.identity).is_newer();
                let word = if newer { "Command" } else { "command" };
                let message = format!("{word} {shown} requires authentication");
                let answer = Failure::new(13, "Unauthorized", message).document();
                self.say(request.manner, request.number, &answer);
            }
            verb => {
                if let Some(awaited) = Awaited::of(request, &Release::of(&self.identity), now) {
                    self.awaited = Some(awaited);
                    return;
                }
                let answer = self.carried_out(request, verb, now, out);
                self.say(request.manner, request.number, &answer);
            }
        }
    }

    fn carried_out(
        &mut self,
        request: &Request,
        verb: &[u8],
        now: Timestamp,
        out: &mut Output,
    ) -> Document {
        let (identity, visit, connection) = (&self.identity, self.visit, &mut self.connection);
        identity.mongodb().with(identity, visit.source, now, |copy| {
            let (database, command) = (&request.database[..], &request.command);
            let mut scene =
                Scene { identity, visit, copy, connection, now, out, database, command };
            carry_out(&mut scene, verb)
        })
    }

    /// Answers the greeting whose time has come.
    fn answer_awaited(&mut self, now: Timestamp, out: &mut Output) {
        let Some(awaited) = self.awaited.take_if(|awaited| awaited.is_due(now)) else { return };
        let answer = self.carried_out(&awaited.request, b"hello", now, out);
        let (manner, goes_on) = awaited.manner();
        self.say(manner, awaited.request.number, &answer);
        if goes_on {
            self.awaited = Some(awaited.next(self.answers, now));
        }
    }
}

impl Session for MongodbSession {
    fn open(&mut self, now: Timestamp, _out: &mut Output) {
        self.connection.number = 40 + i32::try_from(now.seconds().rem_euclid(80_000)).unwrap_or(0);
        self.connection.last_cursor = now.micros();
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        if let Some(tls) = &mut self.tls {
            return tls.receive(bytes, now, out);
        }
        self.reader.push(bytes);
        self.answer_awaited(now, out);
        if !self.undecided || self.decided(now, out) {
            self.go_on(now, out);
        }
    }

    fn idle(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(tls) = &mut self.tls {
            tls.idle(now, out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(tls) = &mut self.tls {
            tls.end(now, out);
        }
        let mut rest = self.over.take().unwrap_or_default();
        self.reader.drain_into(&mut rest);
        if rest.size() > 0 {
            out.tell(Detail::Payload(Box::new(rest.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        let cursors: usize =
            self.connection.cursors.iter().map(|cursor| cursor.bytes + cursor.name.len()).sum();
        let over = self.over.as_ref().map_or(0, |over| over.content().len());
        let tls = self.tls.as_ref().map_or(0, |tls| tls.memory());
        self.reader.memory() + self.pending.len() + cursors + over + tls
    }
}
