//! One connection: a request for TLS, startup, a password, then statements in order, one by one or prepared. One that sleeps or runs on the
//! machine keeps this connection waiting and nobody else.

mod dialogue;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::SERVICE;
use super::answer::Answer;
use super::error::PgError;
use super::login::{Login, Outcome};
use super::portals::Portals;
use super::release;
use super::statement::{Account, Scene, Target, Then, Transaction};
use super::wire::{Incoming, Reader, message};
use crate::capture::Capture;
use crate::machine::{Errand, Machine};
use crate::randomness::Randomness;
use crate::sql::STEPS;
use crate::tls::{Product, TlsSession, Within, begins_like_tls};
use crate::{Identity, Output, Session, Visit};

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

const WITHIN: Within = Within {
    begin: |identity, visit, _| Box::new(PostgresqlSession::new(identity, visit)),
    service: &SERVICE,
};

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Box::new(PostgresqlSession::new(identity, visit))
}

enum State {
    Startup,
    Login(Box<Login>),
    Ready,
    /// Rows of the client's are awaited.
    CopyIn(Target, Capture),
    /// The connection ends once what is pending has left.
    Ending,
    Over(Capture),
}

/// What is still to be carried out of one message.
#[derive(Default)]
struct Work {
    left: VecDeque<Vec<u8>>,
    /// Of a simple query, after which the server says that it is ready.
    simple: bool,
    waits: bool,
}

/// A line that runs on the machine.
struct Running {
    errand: Errand,
    line: Vec<u8>,
    then: Then,
}

/// A visit to the `postgresql` trap.
pub(super) struct PostgresqlSession {
    identity: Arc<Identity>,
    visit: Visit,
    randomness: Randomness,
    reader: Reader,
    state: State,
    tls: Option<Box<TlsSession>>,
    account: Account,
    portals: Portals,
    work: Work,
    /// After an error of the extended protocol all is skipped up to the next Sync.
    skipping: bool,
    /// The answer that comes when a pause is over.
    later: Option<Answer>,
    machine: Option<Machine>,
    running: Option<Box<Running>>,
    pending: Vec<u8>,
    /// Steps of the engine's since the turn began.
    spent: u32,
}

impl PostgresqlSession {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            randomness: identity.randomness(),
            reader: Reader::default(),
            state: State::Startup,
            tls: None,
            account: Account::default(),
            portals: Portals::default(),
            work: Work::default(),
            skipping: false,
            later: None,
            machine: None,
            running: None,
            pending: Vec::new(),
            spent: 0,
        }
    }

    /// As if this user had just been let in.
    pub(super) fn admit(&mut self, user: &str, database: &str) {
        self.account = Account {
            user: user.to_owned(),
            database: database.to_owned(),
            process: 4_711,
            ..Account::default()
        };
        self.reader.lettered = true;
        self.state = State::Ready;
    }

    /// Goes on until more bytes, a pause or room for answers is needed.
    fn go_on(&mut self, now: Timestamp, out: &mut Output) {
        loop {
            let count = self.pending.len().min(Output::FULL);
            let piece: Vec<u8> = self.pending.drain(..count).collect();
            out.reply(&piece);
            if !self.pending.is_empty() || out.is_full() && !out.is_closing() {
                return out.take_turns();
            }
            match &mut self.state {
                State::Ending => {
                    out.close();
                    let mut rest = Capture::default();
                    self.reader.drain_into(&mut rest);
                    self.state = State::Over(rest);
                    return;
                }
                State::Over(capture) => return self.reader.drain_into(capture),
                _ => {}
            }
            let pause = if let Some(answer) = self.later.take() {
                self.said(&answer);
                None
            } else if let Some(running) = self.running.take() {
                self.run(running, now, out)
            } else if !self.work.waits && !self.work.left.is_empty() {
                let statement = self.work.left.pop_front().unwrap_or_default();
                self.statement(&statement, now, out)
            } else {
                match self.message(now, out) {
                    Some(pause) => pause,
                    None => return,
                }
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

    /// Takes the next message; `None` where there is none.
    fn message(&mut self, now: Timestamp, out: &mut Output) -> Option<Option<Duration>> {
        if let State::Login(login) = &mut self.state
            && login.searches()
        {
            let outcome = login.take(0, b"", out);
            return Some(self.logged(outcome, now, out));
        }
        if self.tls.is_some() {
            return None;
        }
        match self.reader.next() {
            Incoming::More => return None,
            Incoming::Broken => {
                // A server that has not been spoken to properly says nothing.
                self.state = State::Ending;
            }
            Incoming::TooLong(content) => {
                out.tell(Detail::Payload(content));
                self.fatal(&PgError::new("54000", "invalid message length"));
            }
            Incoming::First(code, content) => self.first(code, &content, now, out),
            Incoming::Message(letter, content) => {
                if let State::Login(login) = &mut self.state {
                    let outcome = login.take(letter, &content, out);
                    return Some(self.logged(outcome, now, out));
                }
                self.lettered(letter, &content, now, out);
            }
        }
        Some(None)
    }

    fn fatal(&mut self, error: &PgError) {
        self.pending.extend(error.bytes("FATAL"));
        self.state = State::Ending;
    }

    fn first(&mut self, code: u32, content: &[u8], now: Timestamp, out: &mut Output) {
        match code {
            SSL_REQUEST if !self.visit.encrypted => {
                out.reply(b"S");
                let product = Product::Database(self.identity.web_server());
                let mut tls =
                    Box::new(TlsSession::new(&self.identity, self.visit, product, WITHIN));
                tls.open(now, out);
                let rest = self.reader.take_buffer();
                if !rest.is_empty() {
                    tls.receive(&rest, now, out);
                }
                self.tls = Some(tls);
            }
            SSL_REQUEST | GSS_REQUEST => self.pending.push(b'N'),
            CANCEL_REQUEST => self.state = State::Ending,
            0x3_0000..=0x3_ffff => self.startup(content, out),
            other => {
                out.tell(Detail::Payload(Box::new(
                    Capture::of(content).finish(PayloadOrigin::Sent),
                )));
                let text = format!(
                    "unsupported frontend protocol {}.{}: server supports 3.0 to 3.0",
                    other >> 16,
                    other & 0xffff
                );
                let line = release::of(self.identity.operating_system()).protocol_line;
                self.fatal(&PgError::new("0A000", text).at(
                    "postmaster.c",
                    line,
                    "ProcessStartupPacket",
                ));
            }
        }
    }

    fn startup(&mut self, content: &[u8], out: &mut Output) {
        match Login::read(&self.identity, self.visit, content, &mut self.randomness) {
            Ok(login) => {
                if !login.application.is_empty() {
                    let version = Some(HostileText::from_bytes(&login.application));
                    out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
                }
                self.reader.lettered = true;
                self.pending.extend(login.ask());
                self.state = State::Login(Box::new(login));
            }
            Err(error) => self.fatal(&error),
        }
    }

    fn logged(&mut self, outcome: Outcome, now: Timestamp, out: &mut Output) -> Option<Duration> {
        match outcome {
            Outcome::Say(bytes) => self.pending.extend(bytes),
            Outcome::Further => return Some(Duration::ZERO),
            Outcome::Refused(error) => self.fatal(&error),
            Outcome::Admitted(bytes) => {
                let State::Login(login) = std::mem::replace(&mut self.state, State::Ready) else {
                    return None;
                };
                self.pending.extend(bytes);
                let seconds = now.seconds().rem_euclid(80_000);
                let database = String::from_utf8_lossy(&login.database).into_owned();
                self.account = Account {
                    user: String::from_utf8_lossy(&login.user).into_owned(),
                    database,
                    process: 1_400 + u32::try_from(seconds).unwrap_or(0),
                    transaction: Transaction::Idle,
                };
                let known = self.with_scene(now, out, |scene| {
                    scene.copy.tables.tables(&login.database).is_some()
                });
                if !known {
                    let error =
                        PgError::about("3D000", "database \"{}\" does not exist", &login.database);
                    self.fatal(&error.at("postinit.c", "1037", "InitPostgres"));
                    return None;
                }
                self.welcome(&login.application);
            }
        }
        None
    }

    fn welcome(&mut self, application: &[u8]) {
        self.pending.extend(message(b'R', &0_u32.to_be_bytes()));
        let release = release::of(self.identity.operating_system());
        let recent = !matches!(release.major(), "12" | "13");
        let user = self.account.user.clone();
        let application = String::from_utf8_lossy(application).into_owned();
        let all: [(&str, &str); 13] = [
            ("application_name", &application),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO, MDY"),
            ("default_transaction_read_only", if recent { "off" } else { "" }),
            ("in_hot_standby", if recent { "off" } else { "" }),
            ("integer_datetimes", "on"),
            ("IntervalStyle", "postgres"),
            ("is_superuser", "on"),
            ("server_encoding", "UTF8"),
            ("server_version", &release.shown()),
            ("session_authorization", &user),
            ("standard_conforming_strings", "on"),
            ("TimeZone", "Etc/UTC"),
        ];
        for (name, value) in
            all.iter().filter(|(name, value)| *name == "application_name" || !value.is_empty())
        {
            self.pending
                .extend(message(b'S', &[name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat()));
        }
        let key: [u8; 4] = self.randomness.bytes();
        self.pending
            .extend(message(b'K', &[&self.account.process.to_be_bytes()[..], &key].concat()));
        self.ready();
    }

    fn ready(&mut self) {
        let state = match self.account.transaction {
            Transaction::Idle => b'I',
            Transaction::Open => b'T',
            Transaction::Failed => b'E',
        };
        self.pending.extend(message(b'Z', &[state]));
    }

    fn with_scene<T>(
        &mut self,
        now: Timestamp,
        out: &mut Output,
        act: impl FnOnce(&mut Scene<'_>) -> T,
    ) -> T {
        let (identity, visit, account) = (&self.identity, self.visit, &mut self.account);
        let spent = &mut self.spent;
        identity.postgresql().with(identity, visit.source, now, |copy| {
            let steps = Cell::new(STEPS);
            let mut scene = Scene { identity, visit, copy, account, now, out, steps };
            let said = act(&mut scene);
            *spent += STEPS - scene.steps.get();
            said
        })
    }
}

impl Session for PostgresqlSession {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        if let Some(tls) = &mut self.tls {
            return tls.receive(bytes, now, out);
        }
        self.reader.push(bytes);
        // TLS without being asked for is what PostgreSQL 17 takes; these say nothing.
        if matches!(self.state, State::Startup)
            && begins_like_tls(self.reader.buffered()) == Some(true)
        {
            self.state = State::Ending;
        }
        self.go_on(now, out);
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
        let mut rest = match std::mem::replace(&mut self.state, State::Ending) {
            State::Over(rest) | State::CopyIn(_, rest) => rest,
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
        let running = self.running.as_ref();
        let running = running.map_or(0, |running| running.errand.memory() + running.line.len());
        let work: usize = self.work.left.iter().map(Vec::len).sum();
        let held = match &self.state {
            State::Over(rest) | State::CopyIn(_, rest) => rest.content().len(),
            _ => 0,
        };
        self.reader.memory()
            + self.portals.memory()
            + self.pending.len()
            + self.tls.as_ref().map_or(0, |tls| tls.memory())
            + self.machine.as_ref().map_or(0, Machine::memory)
            + running
            + work
            + held
    }
}
