//! One connection: PRELOGIN, TLS in packets of its own where it is asked for, a login, then batches and calls in order. A pause keeps this
//! connection waiting and nobody else.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::answer::{Answer, Fault};
use super::batch::{Scene, State};
use super::calls::{self, Call};
use super::catalog::{self, Release};
use super::login::{Encryption, Login, Prelogin};
use super::wire::{self, Fields, Incoming, Message, Reader, packets};
use crate::capture::Capture;
use crate::machine::WindowsMachine;
use crate::ntlm::{Acceptor, Step};
use crate::tls::{Piped, Product, TlsPipe};
use crate::windows::from_utf16;
use crate::{Identity, Output, Session, Visit};

/// The number of the server's own process for this connection.
pub(super) const PROCESS: u16 = 52;
/// Statements that a client may have prepared, and letters of one.
const MOST_PREPARED: usize = 4;
const LONGEST_PREPARED: usize = 4 * 1024;
/// Texts from this length on are told whole.
const LONG_TEXT: usize = 1_024;
/// Bytes of a TLS record's head, and of its content at most.
const RECORD: usize = 5;
const LONGEST_RECORD: usize = 18 * 1024;
/// The number of packets' bytes until a client asks for another.
const PACKET: usize = 4_096;

enum Phase {
    /// PRELOGIN or a login is awaited.
    Login,
    /// A challenge of NTLM's waits for its answer.
    Challenged(Box<(Acceptor, Login)>),
    Batches,
    /// The connection ends once what is pending has left.
    Ending,
    Over(Capture),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    /// TLS' handshake, in packets.
    Handshake,
    /// TLS around the packets.
    Sealed,
}

/// A visit to the `mssql` trap.
pub(super) struct SqlServerSession {
    identity: Arc<Identity>,
    visit: Visit,
    raw: Vec<u8>,
    reader: Reader,
    pipe: Option<Box<TlsPipe>>,
    mode: Mode,
    encryption: Encryption,
    phase: Phase,
    state: State,
    prepared: Vec<String>,
    machine: WindowsMachine,
    version: u8,
    packet: usize,
    pending: Vec<u8>,
    /// What leaves when a pause is over.
    later: Option<Vec<u8>>,
}

impl SqlServerSession {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            raw: Vec::new(),
            reader: Reader::default(),
            pipe: None,
            mode: Mode::Plain,
            encryption: Encryption::None,
            phase: Phase::Login,
            state: State::default(),
            prepared: Vec::new(),
            machine: WindowsMachine::new(
                identity,
                visit,
                "nt authority\\system",
                "C:\\Windows\\system32",
            ),
            version: 0x74,
            packet: PACKET,
            pending: Vec::new(),
            later: None,
        }
    }

    fn answer(&self) -> Answer {
        Answer::new(self.version, self.machine.facts().host().to_owned())
    }

    /// Sends a message, sealed where the connection is.
    fn send(&mut self, content: &[u8]) {
        let bytes = packets(wire::RESPONSE, content, self.packet, PROCESS);
        self.send_bytes(&bytes);
    }

    fn send_bytes(&mut self, bytes: &[u8]) {
        match (&mut self.pipe, self.mode) {
            (Some(pipe), Mode::Sealed) => {
                pipe.send(bytes);
                self.pending.extend(pipe.take_bytes());
            }
            _ => self.pending.extend_from_slice(bytes),
        }
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
            match &mut self.phase {
                Phase::Ending => {
                    out.close();
                    self.phase = Phase::Over(Capture::of(&self.reader.rest()));
                    continue;
                }
                Phase::Over(rest) => {
                    rest.feed(&self.raw);
                    self.raw.clear();
                    return;
                }
                _ => {}
            }
            if let Some(later) = self.later.take() {
                self.send(&later);
                continue;
            }
            match self.reader.next() {
                Incoming::Message(message) => {
                    let pause = self.message(&message, now, out);
                    if !pause.is_zero() {
                        return out.take_turns_after(pause);
                    }
                }
                Incoming::Foreign => self.phase = Phase::Ending,
                Incoming::More if !self.take(now, out) => return,
                Incoming::More => {}
            }
        }
    }

    /// Gives the reader the next of what came; `false` where there is nothing.
    fn take(&mut self, now: Timestamp, out: &mut Output) -> bool {
        if self.mode != Mode::Sealed {
            let some = !self.raw.is_empty();
            // Packet by packet, for what comes after one may be of another mode.
            let count = packet_rest(self.reader.held(), &self.raw);
            let taken: Vec<u8> = self.raw.drain(..count).collect();
            self.reader.push(&taken);
            return some;
        }
        let Some(head) = self.raw.first_chunk::<RECORD>() else { return false };
        let length =
            RECORD + usize::from(u16::from_be_bytes([head[3], head[4]])).min(LONGEST_RECORD);
        if self.raw.len() < length {
            return false;
        }
        let record: Vec<u8> = self.raw.drain(..length).collect();
        let Some(pipe) = &mut self.pipe else { return false };
        pipe.push(&record, now);
        loop {
            match pipe.advance(out) {
                Piped::More => break,
                Piped::Established => {}
                Piped::Data(content) => self.reader.push(&content),
                Piped::Over => {
                    self.phase = Phase::Ending;
                    break;
                }
            }
        }
        let bytes = pipe.take_bytes();
        self.pending.extend(bytes);
        true
    }

    fn message(&mut self, message: &Message, now: Timestamp, out: &mut Output) -> Duration {
        let content = &message.content;
        match (message.kind, std::mem::replace(&mut self.phase, Phase::Login)) {
            (wire::PRELOGIN, Phase::Login) if self.mode == Mode::Handshake => {
                self.handshake(content, now, out);
            }
            (wire::PRELOGIN, Phase::Login) => self.prelogin(content, out),
            (wire::LOGIN, Phase::Login) => self.login(Login::read(content), content, now, out),
            (wire::OLD_LOGIN, Phase::Login) => {
                self.login(Login::read_old(content), content, now, out);
            }
            (wire::SSPI, Phase::Challenged(begun)) => {
                let (acceptor, login) = *begun;
                self.prove(acceptor, login, content, now, out);
            }
            (_, Phase::Batches) => {
                self.phase = Phase::Batches;
                return self.request(message, now, out);
            }
            _ => {
                out.tell(Detail::Payload(Box::new(
                    Capture::of(content).finish(PayloadOrigin::Sent),
                )));
                self.phase = Phase::Ending;
            }
        }
        Duration::ZERO
    }

    fn prelogin(&mut self, content: &[u8], out: &mut Output) {
        let Some(asked) = Prelogin::read(content) else {
            out.tell(Detail::Payload(Box::new(Capture::of(content).finish(PayloadOrigin::Sent))));
            self.phase = Phase::Ending;
            return;
        };
        let answer = asked.answer(Release::of(&self.identity).bytes());
        self.pending.extend(packets(wire::RESPONSE, &answer, PACKET, 0));
        self.encryption = asked.encryption;
        if asked.encryption != Encryption::None {
            self.pipe = TlsPipe::new(&self.identity, Product::SqlServer, self.visit.port.number)
                .map(Box::new);
            self.mode = Mode::Handshake;
        }
    }

    fn handshake(&mut self, content: &[u8], now: Timestamp, out: &mut Output) {
        let Some(pipe) = &mut self.pipe else { return };
        pipe.push(content, now);
        match pipe.advance(out) {
            Piped::More | Piped::Data(_) => {}
            Piped::Established => self.mode = Mode::Sealed,
            Piped::Over => self.phase = Phase::Ending,
        }
        let bytes = pipe.take_bytes();
        if !bytes.is_empty() {
            self.pending.extend(packets(wire::PRELOGIN, &bytes, PACKET, 0));
        }
    }

    fn login(&mut self, login: Option<Login>, content: &[u8], now: Timestamp, out: &mut Output) {
        let Some(login) = login else {
            out.tell(Detail::Payload(Box::new(Capture::of(content).finish(PayloadOrigin::Sent))));
            self.phase = Phase::Ending;
            return;
        };
        if self.encryption == Encryption::Login && self.mode != Mode::Plain {
            self.mode = Mode::Plain;
            self.pipe = None;
        }
        self.version = login.version;
        let named = [&login.application, &login.library].map(String::as_str);
        let named: Vec<&str> = named.into_iter().filter(|name| !name.is_empty()).collect();
        if !named.is_empty() {
            let version = Some(HostileText::from(named.join(" / ")));
            out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        }
        if !login.host.is_empty() {
            note(out, "mssql client host", &login.host);
        }
        if let Some(token) = login.sspi.clone() {
            let acceptor = Acceptor::new(self.identity.randomness().bytes());
            return self.prove(acceptor, login, &token, now, out);
        }
        // The application's own account, whose password stands in its sources.
        let application = self.identity.application();
        let account = application.account();
        let right = login.user == account.name && login.password == account.password;
        let (user, password) = (login.user.as_bytes(), login.password.as_bytes());
        let accepted = right || self.identity.logins().admits(self.visit.source, user, password);
        out.tell(Detail::Login {
            username: Some(HostileText::from(login.user.as_str())),
            password: Some(HostileText::from(login.password.as_str())),
            public_key: None,
            accepted,
        });
        let user = login.user.clone();
        self.judged(login, &user, accepted);
    }

    fn prove(
        &mut self,
        mut acceptor: Acceptor,
        login: Login,
        token: &[u8],
        now: Timestamp,
        out: &mut Output,
    ) {
        match acceptor.receive(token, &self.identity.windows(), now) {
            Step::Continue(reply) => {
                let mut answer = self.answer();
                answer.sspi(&reply);
                self.send(&answer.bytes);
                self.phase = Phase::Challenged(Box::new((acceptor, login)));
            }
            Step::Answered(answered) => {
                let accepted = answered.admit(&self.identity, self.visit, out);
                let user = format!("{}\\{}", answered.domain, answered.user);
                self.judged(login, &user, accepted);
            }
            Step::Unread => {
                out.tell(Detail::Payload(Box::new(Capture::of(token).finish(PayloadOrigin::Sent))));
                let mut answer = self.answer();
                answer.error(&Fault { class: 14, ..Fault::new(18_452, "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.") });
                self.refuse(answer);
            }
        }
    }

    fn refuse(&mut self, answer: Answer) {
        self.send(&answer.finish());
        self.phase = Phase::Ending;
    }

    fn judged(&mut self, login: Login, user: &str, accepted: bool) {
        let mut answer = self.answer();
        if !accepted {
            answer.error(&Fault {
                class: 14,
                ..Fault::new(18_456, format!("Login failed for user '{user}'."))
            });
            return self.refuse(answer);
        }
        let databases = catalog::databases(&self.identity);
        let wanted = if login.database.is_empty() { "master" } else { &login.database };
        let Some(database) = databases.into_iter().find(|known| known.eq_ignore_ascii_case(wanted))
        else {
            answer.error(&Fault { class: 11, ..Fault::new(4_060, format!("Cannot open database \"{wanted}\" requested by the login. The login failed.")) });
            return self.refuse(answer);
        };
        answer.change(1, &database, "master");
        answer.info(5_701, format!("Changed database context to '{database}'."));
        if self.version > 0x70 {
            answer.collation();
        }
        answer.change(2, "us_english", "");
        answer.info(5_703, "Changed language setting to us_english.");
        answer.acknowledge(Release::of(&self.identity).bytes());
        let size = if (512..=32_767).contains(&login.packet) { login.packet } else { PACKET };
        answer.change(4, &size.to_string(), &PACKET.to_string());
        answer.done(None);
        self.send(&answer.finish());
        self.packet = size;
        self.state.user = user.to_owned();
        self.state.host = login.host;
        self.state.application = login.application;
        self.state.database = database;
        self.phase = Phase::Batches;
    }

    /// A batch, a call, or what else a client who is in may send.
    fn request(&mut self, message: &Message, now: Timestamp, out: &mut Output) -> Duration {
        let content = without_headers(&message.content, self.version, message.kind);
        match message.kind {
            wire::BATCH => {
                let text = from_utf16(content);
                tell(&text, message, out);
                self.with_scene(message, now, out, |scene| scene.batch(&text))
            }
            wire::RPC => {
                let Some(call) = Call::read(content, self.version) else {
                    out.tell(Detail::Payload(Box::new(
                        Capture::of(content).finish(PayloadOrigin::Sent),
                    )));
                    let mut answer = self.answer();
                    answer.error(&Fault::new(8_009, "The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect."));
                    self.send(&answer.finish());
                    return Duration::ZERO;
                };
                self.call(&call, message, now, out)
            }
            wire::ATTENTION => {
                let answer = self.answer().attention();
                self.send(&answer);
                Duration::ZERO
            }
            wire::TRANSACTION => {
                let mut answer = self.answer();
                calls::transaction(content, &mut answer);
                self.send(&answer.finish());
                Duration::ZERO
            }
            _ => {
                out.tell(Detail::Payload(Box::new(
                    Capture::of(content).finish(PayloadOrigin::Upload),
                )));
                let mut answer = self.answer();
                answer.done(Some(0));
                self.send(&answer.finish());
                Duration::ZERO
            }
        }
    }

    fn call(
        &mut self,
        call: &Call,
        message: &Message,
        now: Timestamp,
        out: &mut Output,
    ) -> Duration {
        let (text, handle) = match call.name.as_str() {
            "sp_executesql" => (call.text(0), None),
            "sp_prepexec" | "sp_prepare" => {
                let text = call.text(2);
                if self.prepared.len() < MOST_PREPARED {
                    self.prepared.push(text.chars().take(LONGEST_PREPARED).collect());
                }
                (text, Some(self.prepared.len()))
            }
            "sp_execute" => {
                let place = call.text(0).parse::<usize>().unwrap_or(0).wrapping_sub(1);
                (self.prepared.get(place).cloned().unwrap_or_default(), None)
            }
            _ => (String::new(), None),
        };
        let is_statement = !text.is_empty();
        tell(if is_statement { &text } else { &call.name }, message, out);
        let (is_prepared_only, version) = (call.name == "sp_prepare", self.version);
        self.with_scene(message, now, out, |scene| {
            scene.answer.in_procedure = true;
            if is_statement {
                for parameter in &call.parameters {
                    if let Some(name) = &parameter.name {
                        scene.assign(name, parameter.value.clone());
                    }
                }
                if !is_prepared_only {
                    scene.batch(&text);
                }
            } else if let Err(fault) = scene.call(&call.name, &call.parameters) {
                scene.answer.error(&fault);
            }
            if let Some(handle) = handle {
                calls::returned(handle, version, &mut scene.answer);
            }
            scene.answer.done_procedure(0);
        })
    }

    fn with_scene(
        &mut self,
        message: &Message,
        now: Timestamp,
        out: &mut Output,
        act: impl FnOnce(&mut Scene<'_>),
    ) -> Duration {
        let answer = self.answer();
        let mut scene = Scene {
            identity: &self.identity,
            machine: &mut self.machine,
            state: &mut self.state,
            out,
            answer,
            literals: &message.literals,
            now,
            pause: Duration::ZERO,
            steps: Scene::budget(),
            engine: crate::sql::STEPS,
            depth: 0,
        };
        act(&mut scene);
        let pause = scene.pause;
        let content = scene.answer.finish();
        if pause.is_zero() {
            self.send(&content);
        } else {
            self.later = Some(content);
        }
        pause
    }
}

/// How many of these bytes belong to the packet that was begun.
fn packet_rest(held: &[u8], raw: &[u8]) -> usize {
    let head: Vec<u8> = held.iter().chain(raw).copied().take(wire::HEADER).collect();
    let Some(head) = head.first_chunk::<{ wire::HEADER }>() else { return raw.len() };
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    length.saturating_sub(held.len()).clamp(1, raw.len().max(1)).min(raw.len())
}

/// What stands before a batch since 7.2 ([MS-TDS], 2.2.5.3).
fn without_headers(content: &[u8], version: u8, kind: u8) -> &[u8] {
    if version < 0x72 || !matches!(kind, wire::BATCH | wire::RPC | wire::TRANSACTION) {
        return content;
    }
    let length = Fields(content).length(4).unwrap_or(0);
    if (4..=content.len()).contains(&length) { &content[length..] } else { content }
}

fn note(out: &mut Output, name: &str, value: &str) {
    out.tell(Detail::Note { name: name.into(), value: HostileText::from(value) });
}

/// Tells a text: as a command, and whole where it is long; programs in hexadecimal as the files that they are.
fn tell(text: &str, message: &Message, out: &mut Output) {
    out.tell(Detail::Command { line: HostileText::from(text), known: None });
    for literal in &message.literals {
        out.tell(Detail::Payload(Box::new(literal.clone())));
    }
    if message.literals.is_empty() && text.len() >= LONG_TEXT {
        out.tell(Detail::Payload(Box::new(
            Capture::of(text.as_bytes()).finish(PayloadOrigin::Sent),
        )));
    }
    if message.size > wire::KEPT as u64 {
        note(out, "mssql message", &format!("{} bytes", message.size));
    }
}

impl Session for SqlServerSession {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.raw.extend_from_slice(bytes);
        self.go_on(now, out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        let mut rest = match std::mem::replace(&mut self.phase, Phase::Ending) {
            Phase::Over(rest) => rest,
            _ => Capture::default(),
        };
        rest.feed(&self.reader.rest());
        rest.feed(&std::mem::take(&mut self.raw));
        if rest.size() > 0 {
            out.tell(Detail::Payload(Box::new(rest.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        let over = if let Phase::Over(rest) = &self.phase { rest.content().len() } else { 0 };
        let pipe = self.pipe.as_ref().map_or(0, |pipe| pipe.memory());
        let prepared: usize = self.prepared.iter().map(String::len).sum();
        self.raw.len()
            + self.reader.memory()
            + self.state.memory()
            + self.machine.memory()
            + pipe
            + prepared
            + over
    }
}
