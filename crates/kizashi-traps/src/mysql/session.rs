//! One connection: the greeting, TLS where it is offered and asked for, a login, then commands in order. A statement that sleeps or runs on
//! the machine keeps this connection waiting and nobody else.

mod commands;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::answer::{self, Answer, Manner};
use super::handshake::{Response, asks_for_tls, greeting, offered};
use super::login::{self, Login, Outcome};
use super::old::OldResponse;
use super::password::SCRAMBLE;
use super::prepared::Prepared;
use super::query::{self, Account, Scene};
use super::wire::{Incoming, Packets, Reader};
use crate::capture::Capture;
use crate::machine::{Errand, Machine};
use crate::randomness::Randomness;
use crate::sql::STEPS;
use crate::tls::{Piped, Product, TlsPipe};
use crate::{Identity, Output, Session, Visit};

/// A visit to the `mysql` trap.
pub(super) struct MysqlSession {
    identity: Arc<Identity>,
    visit: Visit,
    randomness: Randomness,
    reader: Reader,
    /// From the request for it on, all goes through it.
    tls: Option<Box<TlsPipe>>,
    state: State,
    scramble: [u8; SCRAMBLE],
    capabilities: u64,
    account: Account,
    prepared: Prepared,
    work: Option<Work>,
    /// The answer that comes when a pause is over.
    later: Option<Answer>,
    machine: Option<Machine>,
    running: Option<Box<Running>>,
    pending: Vec<u8>,
    /// Steps of the engine's since the turn began.
    spent: u32,
}

enum State {
    /// The client's first packet is awaited, in TLS or not.
    Response,
    /// Something more is wanted of it.
    Login(Box<Login>),
    Commands,
    /// The connection ends once what is pending has left.
    Ending,
    Over(Capture),
}

/// Statements of one command, and what was answered.
struct Work {
    packets: Packets,
    binary: bool,
    left: VecDeque<Vec<u8>>,
}

/// A line that runs on the machine, and the column that its output becomes.
struct Running {
    errand: Errand,
    column: Vec<u8>,
    output: bool,
}

impl MysqlSession {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        let mut randomness = identity.randomness();
        Self {
            identity: Arc::clone(identity),
            visit,
            scramble: login::scramble(identity, &mut randomness),
            randomness,
            reader: Reader::expecting(1),
            tls: None,
            state: State::Response,
            capabilities: 0,
            account: Account::default(),
            prepared: Prepared::default(),
            work: None,
            later: None,
            machine: None,
            running: None,
            pending: Vec::new(),
            spent: 0,
        }
    }

    const fn manner(&self) -> Manner {
        Manner { capabilities: self.capabilities, binary: false, more: false }
    }

    /// Sends what is pending, as far as there is room.
    fn send(&mut self, out: &mut Output) {
        let count = self.pending.len().min(Output::FULL);
        let piece: Vec<u8> = self.pending.drain(..count).collect();
        match &mut self.tls {
            Some(tls) => {
                tls.send(&piece);
                out.reply(&tls.take_bytes());
            }
            None => out.reply(&piece),
        }
    }

    /// Goes on until more bytes, a pause or room for answers is needed.
    fn go_on(&mut self, now: Timestamp, out: &mut Output) {
        loop {
            self.send(out);
            if !self.pending.is_empty() || out.is_full() && !out.is_closing() {
                return out.take_turns();
            }
            match &mut self.state {
                State::Ending => {
                    if let Some(tls) = &mut self.tls {
                        tls.close();
                        out.reply(&tls.take_bytes());
                    }
                    out.close();
                    self.state = State::Over(self.reader.rest());
                    return;
                }
                State::Over(capture) => {
                    return self.reader.drain_into(capture);
                }
                _ => {}
            }
            let pause = if let Some(answer) = self.later.take() {
                self.said(&answer);
                None
            } else if let Some(running) = self.running.take() {
                self.run(running, now, out)
            } else if let Some(statement) =
                self.work.as_mut().and_then(|work| work.left.pop_front())
            {
                self.statement(&statement, now, out)
            } else {
                match self.reader.next() {
                    Incoming::More if self.opened(out) => {}
                    Incoming::More => return,
                    Incoming::Packet(number, content) => self.packet(number, &content, now, out),
                    Incoming::OutOfOrder => self.refuse(0, 1156, b"Got packets out of order"),
                    Incoming::TooLong(number, content) => {
                        out.tell(Detail::Payload(content));
                        let message = b"Got a packet bigger than 'max_allowed_packet' bytes";
                        self.refuse(number, 1153, message);
                    }
                }
                None
            };
            if let Some(pause) = pause {
                self.spent = 0;
                return out.take_turns_after(pause);
            }
            // Others have their turn before the next statement.
            if self.spent >= STEPS / 3 {
                self.spent = 0;
                return out.take_turns();
            }
        }
    }

    /// Gives the reader what TLS opens next; `false` where there is nothing.
    fn opened(&mut self, out: &mut Output) -> bool {
        let Some(tls) = &mut self.tls else { return false };
        let more = match tls.advance(out) {
            Piped::More => false,
            Piped::Established => {
                self.visit.encrypted = true;
                true
            }
            Piped::Data(content) => {
                self.reader.push(&content);
                true
            }
            Piped::Over => {
                self.state = State::Ending;
                true
            }
        };
        out.reply(&tls.take_bytes());
        more
    }

    /// An error after which the connection ends.
    fn refuse(&mut self, number: u8, error: u16, message: &[u8]) {
        let mut packets = Packets::after(number);
        answer::error(&mut packets, error, message);
        self.pending.extend(packets.bytes);
        self.state = State::Ending;
    }

    fn packet(&mut self, number: u8, content: &[u8], now: Timestamp, out: &mut Output) {
        self.reader.expected = None;
        match std::mem::replace(&mut self.state, State::Commands) {
            State::Response if !self.visit.encrypted && asks_for_tls(&self.identity, content) => {
                self.begin_tls(number, now);
            }
            State::Response => self.response(number, content, now, out),
            State::Login(mut login) => {
                let outcome = login.take(&self.identity, self.visit, content, out);
                self.logged(number, login, outcome, now, out);
            }
            _ => self.command(number, content, now, out),
        }
    }

    fn begin_tls(&mut self, number: u8, now: Timestamp) {
        let product = Product::MySql(self.identity.mysql_release());
        self.tls = TlsPipe::new(&self.identity, product, self.visit.port.number).map(Box::new);
        self.state = State::Response;
        match &mut self.tls {
            Some(tls) => tls.push(&self.reader.take_buffer(), now),
            None => self.state = State::Ending,
        }
        self.reader.expected = Some(number.wrapping_add(1));
    }

    fn response(&mut self, number: u8, content: &[u8], now: Timestamp, out: &mut Output) {
        if let Some(response) = OldResponse::read(content) {
            return self.old_response(&response, out);
        }
        let Some(response) = Response::read(offered(&self.identity), content) else {
            out.tell(Detail::Payload(Box::new(Capture::of(content).finish(PayloadOrigin::Sent))));
            return self.refuse(number, 1043, b"Bad handshake");
        };
        let client = response.client();
        if !client.is_empty() {
            let version = Some(HostileText::from_bytes(&client));
            out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        }
        self.capabilities = response.capabilities;
        let mut login = Box::new(Login::new(response, self.scramble));
        let outcome = login.begin(&self.identity, self.visit, &mut self.randomness, out);
        self.logged(number, login, outcome, now, out);
    }

    /// Who speaks protocol 4.0 or older is told, and refused.
    fn old_response(&mut self, response: &OldResponse, out: &mut Output) {
        let password = response.password(&self.scramble);
        if password.is_none() {
            out.tell(Detail::Note {
                name: "mysql challenge and response".into(),
                value: HostileText::from(response.noted(&self.scramble)),
            });
        }
        out.tell(Detail::Login {
            username: Some(HostileText::from_bytes(&response.user)),
            password: password.map(HostileText::from),
            public_key: None,
            accepted: false,
        });
        let refusal = response.refusal(self.identity.mysql_release(), self.visit.source);
        self.pending.extend(refusal.bytes);
        self.state = State::Ending;
    }

    fn logged(
        &mut self,
        number: u8,
        login: Box<Login>,
        outcome: Outcome,
        now: Timestamp,
        out: &mut Output,
    ) {
        let mut packets = Packets::after(number);
        let before = match outcome {
            Outcome::Say(content) => {
                packets.put(&content);
                self.pending.extend(packets.bytes);
                self.state = State::Login(login);
                return;
            }
            Outcome::Refused => {
                let with = if login.response.answer.is_empty() { "NO" } else { "YES" };
                let end = format!("'@'{}' (using password: {with})", self.visit.source);
                let start = &b"Access denied for user '"[..];
                let message = [start, &login.response.user, end.as_bytes()].concat();
                return self.refuse(number, 1045, &message);
            }
            Outcome::Admitted(before) => before,
        };
        let Response { user, database, .. } = login.response;
        self.account.user = String::from_utf8_lossy(&user).into_owned();
        if !database.is_empty() {
            let found =
                self.with_scene(now, out, |scene| query::use_database(scene, Some(&database)));
            if let Answer::Error(error, message) = found {
                return self.refuse(number, error, &message);
            }
        }
        before.into_iter().for_each(|content| packets.put(&content));
        answer::done(&mut packets, self.manner(), 0);
        self.pending.extend(packets.bytes);
        self.state = State::Commands;
    }

    fn with_scene<T>(
        &mut self,
        now: Timestamp,
        out: &mut Output,
        act: impl FnOnce(&mut Scene<'_>) -> T,
    ) -> T {
        let (identity, visit, account) = (&self.identity, self.visit, &mut self.account);
        let spent = &mut self.spent;
        identity.mysql().with(identity, visit.source, now, |copy| {
            let steps = Cell::new(STEPS);
            let mut scene = Scene { identity, visit, copy, account, now, out, steps };
            let said = act(&mut scene);
            *spent += STEPS - scene.steps.get();
            said
        })
    }
}

impl Session for MysqlSession {
    fn open(&mut self, now: Timestamp, out: &mut Output) {
        let seconds = now.seconds().rem_euclid(80_000);
        self.account.connection = 100 + u32::try_from(seconds).unwrap_or(0);
        let mut packets = Packets::default();
        packets.put(&greeting(&self.identity, self.account.connection, &self.scramble));
        out.reply(&packets.bytes);
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        match &mut self.tls {
            Some(tls) => tls.push(bytes, now),
            None => self.reader.push(bytes),
        }
        self.go_on(now, out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        let mut rest = match std::mem::replace(&mut self.state, State::Ending) {
            State::Over(rest) => rest,
            State::Login(mut login) => {
                login.abandoned(&self.identity, out);
                Capture::default()
            }
            _ => Capture::default(),
        };
        self.reader.drain_into(&mut rest);
        if rest.size() > 0 {
            out.tell(Detail::Payload(Box::new(rest.finish(PayloadOrigin::Sent))));
        }
        if let Some(machine) = &self.machine {
            machine.finish().into_iter().for_each(|detail| out.tell(detail));
        }
    }

    fn memory(&self) -> usize {
        let running = self.running.as_ref().map_or(0, |running| running.errand.memory());
        let work = self.work.as_ref().map_or(0, |work| work.left.iter().map(Vec::len).sum());
        let over = match &self.state {
            State::Over(rest) => rest.content().len(),
            State::Login(login) => login.memory(),
            _ => 0,
        };
        self.reader.memory()
            + self.prepared.memory()
            + self.pending.len()
            + self.tls.as_ref().map_or(0, |tls| tls.memory())
            + running
            + work
            + over
            + self.machine.as_ref().map_or(0, Machine::memory)
    }
}
