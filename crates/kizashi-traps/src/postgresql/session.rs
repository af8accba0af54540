//! One connection: a request for TLS, startup, a password, then statements in order, one by one or prepared. One that sleeps or runs on the
//! machine keeps this connection waiting and nobody else.

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
use super::statement::{self, Account, Next, Scene, Target, Then, Transaction};
use super::wire::{Fields, Incoming, Reader, message};
use crate::capture::Capture;
use crate::machine::{Machine, Process, Progress, Said};
use crate::randomness::Randomness;
use crate::sql::{self, Dialect};
use crate::tls::{Product, TlsSession, Within, begins_like_tls};
use crate::{Identity, Output, Session, Visit};

/// Turns that one line may take on the machine, and bytes of what it prints that are held.
const TURNS: u32 = 2_000;
const PRINTED: usize = 48 * 1024;
/// Statements from this length on are told whole.
const LONG_STATEMENT: usize = 1_024;

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
    process: Process,
    said: Said,
    turns: u32,
    line: Vec<u8>,
    input: Vec<u8>,
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
                return out.take_turns_after(pause);
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
        identity.postgresql().with(identity, visit.source, now, |copy| {
            act(&mut Scene { identity, visit, copy, account, now, out })
        })
    }

    /// A message of one who was let in.
    fn lettered(&mut self, letter: u8, content: &[u8], now: Timestamp, out: &mut Output) {
        if matches!(self.state, State::CopyIn(..)) {
            return self.copy_in(letter, content, now, out);
        }
        if self.skipping && letter != b'S' && letter != b'X' {
            return;
        }
        let fields = &mut Fields(content);
        let outcome =
            match letter {
                b'Q' => {
                    self.query(fields.text().unwrap_or(content), out);
                    Ok(())
                }
                b'X' => {
                    self.state = State::Ending;
                    Ok(())
                }
                b'P' => self.portals.parse(content).map(|text| {
                    if !text.is_empty() {
                        tell(&text, out);
                    }
                    self.pending.extend(message(b'1', b""));
                }),
                b'B' => self.portals.bind(content).map(|_| self.pending.extend(message(b'2', b""))),
                b'D' => self.describe(content, now, out),
                b'E' => self.portals.portal(fields.text().unwrap_or_default()).map(|text| {
                    self.work.left.push_back(text);
                }),
                b'C' => {
                    let kind = fields.byte().unwrap_or(0);
                    self.portals.close(kind, fields.text().unwrap_or_default());
                    self.pending.extend(message(b'3', b""));
                    Ok(())
                }
                b'S' => {
                    self.skipping = false;
                    self.portals.end();
                    self.ready();
                    Ok(())
                }
                b'H' | b'd' | b'c' | b'f' => Ok(()),
                b'F' => Err(PgError::new("42883", "function with OID 0 does not exist")),
                other => {
                    self.fatal(
                        &PgError::new("08P01", format!("invalid frontend message type {other}"))
                            .at("postgres.c", "484", "SocketBackend"),
                    );
                    Ok(())
                }
            };
        if let Err(error) = outcome {
            self.failed(&error);
        }
    }

    /// An error of the extended protocol.
    fn failed(&mut self, error: &PgError) {
        self.pending.extend(error.bytes("ERROR"));
        self.skipping = true;
        self.fail_transaction();
    }

    fn fail_transaction(&mut self) {
        if self.account.transaction == Transaction::Open {
            self.account.transaction = Transaction::Failed;
        }
    }

    fn query(&mut self, text: &[u8], out: &mut Output) {
        tell(text, out);
        let all = sql::statements(Dialect::PostgreSql, text);
        let some = |text: &&[u8]| !sql::tokens(Dialect::PostgreSql, text).is_empty();
        let mut left: VecDeque<Vec<u8>> =
            all.into_iter().filter(some).map(<[u8]>::to_vec).collect();
        if left.is_empty() {
            left.push_back(Vec::new());
        }
        self.work = Work { left, simple: true, waits: false };
    }

    fn describe(
        &mut self,
        content: &[u8],
        now: Timestamp,
        out: &mut Output,
    ) -> Result<(), PgError> {
        let mut fields = Fields(content);
        let (kind, name) = (fields.byte().unwrap_or(0), fields.text().unwrap_or_default());
        let text = if kind == b'S' {
            let (text, types) = self.portals.statement(name)?;
            let mut parameters = u16::try_from(types.len()).unwrap_or(0).to_be_bytes().to_vec();
            types.iter().for_each(|kind| parameters.extend(kind.to_be_bytes()));
            self.pending.extend(message(b't', &parameters));
            text
        } else {
            self.portals.portal(name)?
        };
        let columns = self.with_scene(now, out, |scene| statement::columns(scene, &text))?;
        self.pending.extend(match columns {
            Some(rows) => Answer::description(&rows),
            None => message(b'n', b""),
        });
        Ok(())
    }

    fn copy_in(&mut self, letter: u8, content: &[u8], now: Timestamp, out: &mut Output) {
        let State::CopyIn(target, mut rows) = std::mem::replace(&mut self.state, State::Ready)
        else {
            return;
        };
        let answer = match letter {
            b'd' => {
                rows.feed(content);
                self.state = State::CopyIn(target, rows);
                return;
            }
            b'H' | b'S' => {
                self.state = State::CopyIn(target, rows);
                return;
            }
            b'c' => self.with_scene(now, out, |scene| statement::copied_in(scene, &target, rows)),
            _ => PgError::new("57014", "COPY from stdin failed").into(),
        };
        self.work.waits = false;
        self.said(&answer);
    }

    /// Carries out a statement; the pause after which its answer comes, where there is one.
    fn statement(&mut self, text: &[u8], now: Timestamp, out: &mut Output) -> Option<Duration> {
        match self.with_scene(now, out, |scene| statement::carry_out(scene, text)) {
            Next::Answer(answer, Duration::ZERO) => self.said(&answer),
            Next::Answer(answer, pause) => {
                self.later = Some(answer);
                return Some(pause);
            }
            Next::Run { line, input, then } => {
                let machine = self
                    .machine
                    .get_or_insert_with(|| statement::machine(&self.identity, self.visit, now));
                let process = machine.run(&line, false);
                let said = Said::default();
                self.running =
                    Some(Box::new(Running { process, said, turns: 0, line, input, then }));
            }
            Next::CopyIn(target, columns) => {
                self.pending.extend(message(b'G', &copy_head(columns)));
                self.work.waits = true;
                self.state = State::CopyIn(target, Capture::default());
            }
            Next::CopyOut { lines, columns, count } => {
                self.pending.extend(message(b'H', &copy_head(columns)));
                for line in lines.split_inclusive(|byte| *byte == b'\n') {
                    self.pending.extend(message(b'd', line));
                }
                self.pending.extend(message(b'c', b""));
                self.said(&Answer::Done(format!("COPY {count}")));
            }
        }
        None
    }

    /// Says what a statement came to; after an error the others of its query are not carried out.
    fn said(&mut self, answer: &Answer) {
        let failed = matches!(answer, Answer::Error(_));
        self.pending.extend(answer.bytes(!self.work.simple));
        if failed {
            self.fail_transaction();
            self.work.left.clear();
            self.skipping = !self.work.simple;
        }
        if self.work.simple && self.work.left.is_empty() {
            self.work = Work::default();
            self.ready();
        }
    }

    /// Lets the machine go on; the pause after which to go on, unless it is done.
    fn run(
        &mut self,
        mut running: Box<Running>,
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Duration> {
        let Running { process, said, turns, input, .. } = &mut *running;
        let progress =
            if *turns == 0 { process.start(now, said) } else { process.resume(now, said) };
        *turns += 1;
        said.output.truncate(PRINTED);
        said.errors.clear();
        said.details.drain(..).for_each(|detail| out.tell(detail));
        let (pause, status) = match progress {
            Progress::Again(pause) if *turns < TURNS => (Some(pause), 0),
            Progress::Waiting if *turns < TURNS => {
                // COPY TO PROGRAM's rows, then the end of them.
                let given = std::mem::take(input);
                if given.is_empty() {
                    process.end_input(now, said);
                } else {
                    process.input(&given, now, said);
                }
                (Some(Duration::ZERO), 0)
            }
            Progress::Ended(status) => (None, status),
            _ => (None, 137),
        };
        if let Some(pause) = pause {
            self.running = Some(running);
            return Some(pause);
        }
        said.details.drain(..).for_each(|detail| out.tell(detail));
        let printed = std::mem::take(&mut said.output);
        let (line, then) = (std::mem::take(&mut running.line), running.then.clone());
        let answer = self.with_scene(now, out, |scene| {
            statement::program_ended(scene, &line, &then, printed, status)
        });
        self.said(&answer);
        None
    }
}

fn copy_head(columns: usize) -> Vec<u8> {
    let mut head = vec![0];
    head.extend(u16::try_from(columns).unwrap_or(0).to_be_bytes());
    head.extend(std::iter::repeat_n(0, columns * 2));
    head
}

/// Tells a statement: as a command, and whole where it is long; a library in it as the file that it is.
fn tell(text: &[u8], out: &mut Output) {
    out.tell(Detail::Command { line: HostileText::from_bytes(text), known: None });
    if text.len() < LONG_STATEMENT {
        return;
    }
    let content = statement::literal(text).unwrap_or_else(|| text.to_vec());
    out.tell(Detail::Payload(Box::new(Capture::of(&content).finish(PayloadOrigin::Sent))));
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
        let running = self.running.as_ref().map_or(0, |running| {
            running.said.output.len()
                + running.process.memory()
                + running.line.len()
                + running.input.len()
        });
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
