//! One connection: the greeting, a password, then commands in order. A statement that sleeps or runs on the machine keeps this connection
//! waiting and nobody else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::answer::{self, Answer, Manner};
use super::handshake::{DEPRECATE_EOF, MULTI_STATEMENTS, NATIVE, Response, greeting};
use super::password::{self, SCRAMBLE};
use super::prepared::Prepared;
use super::query::{self, Account, Next, Scene};
use super::tokens::{statements, tokens};
use super::wire::{Fields, Incoming, Packets, Reader};
use crate::capture::Capture;
use crate::machine::{Machine, Process, Progress, Said};
use crate::sql::{Rows, Value};
use crate::{Identity, Output, Session, Visit};

/// Turns that one line may take on the machine, and bytes of what it prints that are answered.
const TURNS: u32 = 2_000;
const PRINTED: usize = 48 * 1024;
/// Statements from this length on are told whole.
const LONG_STATEMENT: usize = 1_024;

/// A visit to the `mysql` trap.
pub(super) struct MysqlSession {
    identity: Arc<Identity>,
    visit: Visit,
    reader: Reader,
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
}

enum State {
    /// The client's first packet is awaited.
    Response,
    /// The client was asked for another kind of answer.
    Switched(Box<Response>),
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

/// A line that runs on the machine.
struct Running {
    process: Process,
    said: Said,
    turns: u32,
    column: Vec<u8>,
    output: bool,
}

impl MysqlSession {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        let drawn: [u8; SCRAMBLE] = identity.randomness().bytes();
        Self {
            identity: Arc::clone(identity),
            visit,
            reader: Reader::expecting(1),
            state: State::Response,
            // Printable, as the server's own.
            scramble: drawn.map(|byte| b'!' + byte % 94),
            capabilities: 0,
            account: Account::default(),
            prepared: Prepared::default(),
            work: None,
            later: None,
            machine: None,
            running: None,
            pending: Vec::new(),
        }
    }

    const fn manner(&self) -> Manner {
        Manner { capabilities: self.capabilities, binary: false, more: false }
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
                return out.take_turns_after(pause);
            }
        }
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
            State::Response => self.response(number, content, now, out),
            State::Switched(response) => {
                self.judge(number, Response { answer: content.to_vec(), ..*response }, now, out);
            }
            _ => self.command(number, content, now, out),
        }
    }

    fn response(&mut self, number: u8, content: &[u8], now: Timestamp, out: &mut Output) {
        let Some(response) = Response::read(self.identity.operating_system(), content) else {
            out.tell(Detail::Payload(Box::new(Capture::of(content).finish(PayloadOrigin::Sent))));
            return self.refuse(number, 1043, b"Bad handshake");
        };
        let client = response.client();
        if !client.is_empty() {
            let version = Some(HostileText::from_bytes(&client));
            out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        }
        self.capabilities = response.capabilities;
        if response.plugin.is_empty()
            || response.plugin == NATIVE
            || response.plugin == b"mysql_clear_password"
        {
            return self.judge(number, response, now, out);
        }
        let mut packets = Packets::after(number);
        packets.put(&[&[0xfe], NATIVE, &[0], &self.scramble[..], &[0]].concat());
        self.pending.extend(packets.bytes);
        self.state = State::Switched(Box::new(response));
    }

    /// The password that was meant, as far as it can be known, and whether it is the application's own.
    fn password(&self, response: &Response, out: &mut Output) -> (Option<Vec<u8>>, bool) {
        let application = self.identity.application();
        let account = application.account();
        let owner = response.user == account.name.as_bytes();
        if response.plugin == b"mysql_clear_password" {
            let plain = response.answer.strip_suffix(b"\0").unwrap_or(&response.answer).to_vec();
            let right = owner && plain == account.password.as_bytes();
            return (Some(plain), right);
        }
        if response.answer.is_empty() {
            return (Some(Vec::new()), false);
        }
        if owner
            && password::answer(&self.scramble, account.password.as_bytes())[..]
                == response.answer[..]
        {
            return (Some(account.password.as_bytes().to_vec()), true);
        }
        if let Some(weak) = password::tried(&self.scramble, &response.answer) {
            return (Some(weak.as_bytes().to_vec()), false);
        }
        out.tell(Detail::Note {
            name: "mysql challenge and response".into(),
            value: HostileText::from(password::hashcat(&self.scramble, &response.answer)),
        });
        (None, false)
    }

    fn judge(&mut self, number: u8, response: Response, now: Timestamp, out: &mut Output) {
        let (password, right) = self.password(&response, out);
        let (source, user) = (self.visit.source, &response.user);
        let admits = |password: &Vec<u8>| self.identity.logins().admits(source, user, password);
        let accepted = right || password.as_ref().is_some_and(admits);
        out.tell(Detail::Login {
            username: Some(HostileText::from_bytes(user)),
            password: password.as_deref().map(HostileText::from_bytes),
            public_key: None,
            accepted,
        });
        if !accepted {
            let with = if response.answer.is_empty() { "NO" } else { "YES" };
            let end = format!("'@'{source}' (using password: {with})");
            let message = [b"Access denied for user '", &user[..], end.as_bytes()].concat();
            return self.refuse(number, 1045, &message);
        }
        self.account.user = String::from_utf8_lossy(user).into_owned();
        let mut packets = Packets::after(number);
        if !response.database.is_empty() {
            let database = response.database;
            let found =
                self.with_scene(now, out, |scene| query::use_database(scene, Some(&database)));
            if let Answer::Error(error, message) = found {
                return self.refuse(number, error, &message);
            }
        }
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
        identity.mysql().with(identity, visit.source, now, |copy| {
            act(&mut Scene { identity, visit, copy, account, now, out })
        })
    }

    fn command(&mut self, number: u8, content: &[u8], now: Timestamp, out: &mut Output) {
        let mut packets = Packets::after(number);
        let (command, rest) = content.split_first().unwrap_or((&0xff, b""));
        match command {
            1 => self.state = State::Ending,
            2 => {
                tell(&[b"USE ", rest].concat(), out);
                let said = self.with_scene(now, out, |scene| query::use_database(scene, Some(rest)));
                answer::say(&mut packets, self.manner(), &said);
            }
            3 => return self.query(packets, rest, out),
            4 => answer::end_of_rows(&mut packets, Manner { capabilities: self.capabilities & !DEPRECATE_EOF, ..self.manner() }),
            9 => packets.put(b"Uptime: 81345  Threads: 3  Questions: 5214  Slow queries: 0  Opens: 47  Open tables: 40  Queries per second avg: 0.064"),
            // Ping, and the connection set back.
            0x0e | 0x1f => answer::done(&mut packets, self.manner(), 0),
            0x1b => answer::end_of_rows(&mut packets, self.manner()),
            0x16 => self.prepare(&mut packets, rest, now, out),
            0x17 => return self.execute(packets, rest, out),
            // Long data and the closing of a statement are not answered.
            0x18 => out.tell(Detail::Payload(Box::new(Capture::of(rest).finish(PayloadOrigin::Sent)))),
            0x19 => self.prepared.close(Fields(rest).number(4).unwrap_or(0)),
            0x1a => answer::done(&mut packets, self.manner(), 0),
            _ => {
                tell(&[format!("command {command:#04x} ").as_bytes(), rest].concat(), out);
                answer::error(&mut packets, 1047, b"Unknown command");
            }
        }
        self.pending.extend(packets.bytes);
    }

    fn query(&mut self, packets: Packets, text: &[u8], out: &mut Output) {
        tell(text, out);
        let several = self.capabilities & MULTI_STATEMENTS != 0;
        let all = if several { statements(text) } else { vec![text] };
        let left = all.into_iter().map(<[u8]>::to_vec).collect();
        self.work = Some(Work { packets, binary: false, left });
    }

    fn prepare(&mut self, packets: &mut Packets, text: &[u8], now: Timestamp, out: &mut Output) {
        tell(text, out);
        let Some((number, parameters)) = self.prepared.keep(text) else {
            let message =
                b"Can't create more than max_prepared_stmt_count statements (current value: 16382)";
            return answer::error(packets, 1461, message);
        };
        let empty = self.prepared.filled(number, &mut Fields(b"")).unwrap_or_default();
        let names = self.with_scene(now, out, |scene| query::columns(scene, &empty));
        match names {
            Ok(names) => answer::prepared(packets, self.manner(), number, &names, parameters),
            Err(error) => {
                self.prepared.close(number.into());
                answer::error(packets, error.number, &error.message);
            }
        }
    }

    fn execute(&mut self, mut packets: Packets, content: &[u8], out: &mut Output) {
        let mut fields = Fields(content);
        let number = fields.number(4).and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        fields.take(5);
        match self.prepared.filled(number, &mut fields) {
            Some(text) => {
                tell(&text, out);
                self.work = Some(Work { packets, binary: true, left: [text].into() });
            }
            None => {
                let message = format!(
                    "Unknown prepared statement handler ({number}) given to mysqld_stmt_execute"
                );
                answer::error(&mut packets, 1243, message.as_bytes());
                self.pending.extend(packets.bytes);
            }
        }
    }

    /// Carries out a statement; the pause after which its answer comes, where there is one.
    fn statement(&mut self, text: &[u8], now: Timestamp, out: &mut Output) -> Option<Duration> {
        match self.with_scene(now, out, |scene| query::carry_out(scene, text)) {
            Next::Answer(answer, Duration::ZERO) => self.said(&answer),
            Next::Answer(answer, pause) => {
                self.later = Some(answer);
                return Some(pause);
            }
            Next::Run { column, line, output } => {
                let machine = self
                    .machine
                    .get_or_insert_with(|| query::machine(&self.identity, self.visit, now));
                let process = machine.run(&line, false);
                let said = Said::default();
                self.running = Some(Box::new(Running { process, said, turns: 0, column, output }));
            }
        }
        None
    }

    /// Says what a statement came to; after an error the others of its command are not carried out.
    fn said(&mut self, answer: &Answer) {
        let capabilities = self.capabilities;
        let Some(work) = &mut self.work else { return };
        let ends = work.left.is_empty() || matches!(answer, Answer::Error(..));
        let manner = Manner { capabilities, binary: work.binary, more: !ends };
        answer::say(&mut work.packets, manner, answer);
        self.pending.append(&mut work.packets.bytes);
        if ends {
            self.work = None;
        }
    }

    /// Lets the machine go on; the pause after which to go on, unless it is done.
    fn run(
        &mut self,
        mut running: Box<Running>,
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Duration> {
        let Running { process, said, turns, .. } = &mut *running;
        let progress =
            if *turns == 0 { process.start(now, said) } else { process.resume(now, said) };
        *turns += 1;
        said.output.truncate(PRINTED);
        said.errors.clear();
        said.details.drain(..).for_each(|detail| out.tell(detail));
        let pause = match progress {
            Progress::Again(pause) if *turns < TURNS => pause,
            // What waits for input gets the end of it: nobody types.
            Progress::Waiting if *turns < TURNS => {
                process.end_input(now, said);
                Duration::ZERO
            }
            _ => {
                let printed = std::mem::take(&mut said.output);
                let value = if running.output { Value::Text(printed) } else { Value::Integer(0) };
                let names = vec![std::mem::take(&mut running.column)];
                self.said(&Answer::Rows(Rows {
                    names,
                    rows: vec![vec![value]],
                    ..Rows::default()
                }));
                return None;
            }
        };
        self.running = Some(running);
        Some(pause)
    }
}

/// Tells a statement: as a command, and whole where it is long; a library in hexadecimal as the file that it is.
fn tell(text: &[u8], out: &mut Output) {
    let line = HostileText::from_bytes(text);
    out.tell(Detail::Command { line, known: None });
    if text.len() < LONG_STATEMENT {
        return;
    }
    let content = query::literal(&tokens(text)).unwrap_or_else(|| text.to_vec());
    out.tell(Detail::Payload(Box::new(Capture::of(&content).finish(PayloadOrigin::Sent))));
}

impl Session for MysqlSession {
    fn open(&mut self, now: Timestamp, out: &mut Output) {
        let seconds = now.seconds().rem_euclid(80_000);
        self.account.connection = 100 + u32::try_from(seconds).unwrap_or(0);
        let (version, _) = crate::http::database_release(self.identity.web_server());
        let system = self.identity.operating_system();
        let mut packets = Packets::default();
        packets.put(&greeting(system, version, self.account.connection, &self.scramble));
        out.reply(&packets.bytes);
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.reader.push(bytes);
        self.go_on(now, out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        let mut rest = match std::mem::replace(&mut self.state, State::Ending) {
            State::Over(rest) => rest,
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
        let running = self
            .running
            .as_ref()
            .map_or(0, |running| running.said.output.len() + running.process.memory());
        let work = self.work.as_ref().map_or(0, |work| work.left.iter().map(Vec::len).sum());
        let over = if let State::Over(rest) = &self.state { rest.content().len() } else { 0 };
        self.reader.memory()
            + self.prepared.memory()
            + self.pending.len()
            + running
            + work
            + over
            + self.machine.as_ref().map_or(0, Machine::memory)
    }
}
