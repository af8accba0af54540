//! One visit: bytes to tokens, tokens to keys, keys to lines, lines to `login` and, once in, to the shell. `login` is told as a
//! state of its own so that what a loader says to a shell (`enable`, `system`, `shell`, `sh`, `/bin/busybox …`) is never recorded as a
//! user's name or password, whenever it comes: Mirai's loader does not wait, and goes on after a refusal.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, FrameKind, HostileText, Timestamp};

use super::negotiation::Negotiation;
use super::persona::Persona;
use super::wire::{AYT, IAC, IP, Parser, Token};
use crate::machine::{Machine, Opening, Process, Progress, Said, Signal, Visitor, signal};
use crate::recorder::Recorder;
use crate::terminal::{Discipline, Key, Keyboard, Size, on_screen};
use crate::{Identity, Output, Session, Visit};

/// How long `login` waits for a pair, in all (login.c, `TIMEOUT`; login.defs, `LOGIN_TIMEOUT`).
const LOGIN_TIME: i64 = 60 * Timestamp::SECOND;
/// How long a shell waits for a line.
const SHELL_PATIENCE: Duration = Duration::from_secs(120);
/// Bytes typed ahead of a program that sleeps (the kernel's `N_TTY_BUF_SIZE`).
const MOST_TYPED: usize = 4_096;
/// Empty user names before BusyBox hangs up (login.c, `EMPTY_USERNAME_COUNT`).
const EMPTY_NAMES: u8 = 10;

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Box::new(Telnet {
        identity: Arc::clone(identity),
        persona: Persona::of(identity),
        visit,
        opened: Timestamp::from_seconds(0),
        parser: Parser::default(),
        keyboard: Keyboard::default(),
        negotiation: None,
        state: State::Options,
        failures: 0,
        empty_names: 0,
        waiting: Vec::new(),
        pausing: false,
        sleeping: None,
        recorder: None,
    })
}

enum State {
    /// The server's options are not answered yet, nothing has been shown.
    Options,
    User,
    /// The name was a command of a loader's, or a name.
    Password {
        user: Vec<u8>,
        command: bool,
    },
    /// A wrong pair is being slept over.
    Refused,
    Shell(Box<Seat>),
    Over,
}

/// A visitor's machine, and the login shell on it.
struct Seat {
    machine: Machine,
    process: Process,
}

struct Telnet {
    identity: Arc<Identity>,
    persona: Persona,
    visit: Visit,
    opened: Timestamp,
    parser: Parser,
    keyboard: Keyboard,
    negotiation: Option<Negotiation>,
    state: State,
    failures: u8,
    empty_names: u8,
    /// What came while the server slept or replies waited: one piece at most.
    waiting: Vec<u8>,
    pausing: bool,
    /// A program sleeps for so long, since then.
    sleeping: Option<(Duration, Timestamp)>,
    recorder: Option<Recorder>,
}

impl Session for Telnet {
    fn open(&mut self, now: Timestamp, out: &mut Output) {
        self.opened = now;
        let negotiation = Negotiation::begin(self.persona.face, out);
        let ready = negotiation.is_done();
        self.negotiation = Some(negotiation);
        if ready {
            self.greet(out);
        }
        self.be_patient(now, out);
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        let mut held = std::mem::take(&mut self.waiting);
        held.extend_from_slice(bytes);
        if let Some(sleep) = self.sleeping.take() {
            let Some(left) = self.wake(sleep, bytes.is_empty(), held, now, out) else { return };
            held = left;
            self.record_shown(now, out);
        } else if std::mem::take(&mut self.pausing) {
            if matches!(self.state, State::Refused) {
                self.refuse(out);
            }
            self.record_shown(now, out);
        }
        for (place, byte) in held.iter().enumerate() {
            let sleeps = self.pausing || self.sleeping.is_some();
            if sleeps || out.is_full() || out.is_closing() {
                if out.is_closing() {
                    break;
                }
                if !sleeps {
                    out.take_turns();
                }
                self.waiting = held[place..].to_vec();
                break;
            }
            if !matches!(self.state, State::Over) && self.login_has_lasted(now) >= LOGIN_TIME {
                self.time_out(out);
            }
            if let Some(token) = self.parser.feed(*byte) {
                self.take(token, now, out);
                self.record_shown(now, out);
            }
        }
        self.be_patient(now, out);
    }

    fn idle(&mut self, _now: Timestamp, out: &mut Output) {
        if matches!(self.state, State::User | State::Password { .. }) {
            self.time_out(out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        let rest = self.keyboard.take_rest();
        match std::mem::replace(&mut self.state, State::Over) {
            State::Shell(seat) => {
                if !rest.is_empty() {
                    out.tell(Detail::Command {
                        line: HostileText::from_bytes(&rest),
                        known: Some(false),
                    });
                }
                seat.machine.finish().into_iter().for_each(|detail| out.tell(detail));
            }
            State::Password { user, command } => told(user, None, command, false, out),
            State::User if !rest.is_empty() => {
                let command = is_loaders(&rest);
                told(rest, None, command, false, out);
            }
            _ => {}
        }
        self.record_shown(now, out);
        if let Some(recorder) = self.recorder.take() {
            recorder.finish(out);
        }
        out.told().for_each(|detail| self.identity.logins().learn(detail));
    }

    fn memory(&self) -> usize {
        let state = match &self.state {
            State::Password { user, .. } => user.len(),
            State::Shell(seat) => seat.machine.memory() + seat.process.memory(),
            _ => 0,
        };
        let recorder = self.recorder.as_ref().map_or(0, Recorder::memory);
        self.parser.memory() + self.keyboard.memory() + self.waiting.len() + state + recorder
    }
}

impl Telnet {
    /// Microseconds since the visitor came, while he is not in.
    fn login_has_lasted(&self, now: Timestamp) -> i64 {
        if matches!(self.state, State::Shell(_)) { 0 } else { now.micros() - self.opened.micros() }
    }

    fn be_patient(&self, now: Timestamp, out: &mut Output) {
        out.patience(if matches!(self.state, State::Shell(_)) {
            SHELL_PATIENCE
        } else {
            let left = (LOGIN_TIME - self.login_has_lasted(now)).clamp(1, LOGIN_TIME);
            Duration::from_micros(left.unsigned_abs())
        });
    }

    /// What was shown goes into the recording, where there is one: from the login on.
    fn record_shown(&mut self, now: Timestamp, out: &mut Output) {
        let shown = out.take_shown();
        if let Some(recorder) = &mut self.recorder {
            recorder.add(now, FrameKind::Output, &shown, out);
        }
    }

    fn greet(&mut self, out: &mut Output) {
        self.state = State::User;
        say(self.persona.banner(&self.visit.source.to_string()).as_bytes(), out);
        say(self.persona.login_prompt().as_bytes(), out);
    }

    fn take(&mut self, token: Token, now: Timestamp, out: &mut Output) {
        let Some(negotiation) = &mut self.negotiation else { return };
        match token {
            Token::Data(byte) => {
                if matches!(self.state, State::Options) {
                    negotiation.give_up_waiting(out);
                    self.greet(out);
                }
                self.press(byte, now, out);
                return;
            }
            Token::Option(verb, option) => negotiation.option(verb, option, out),
            Token::Sub(content) => {
                let before = negotiation.size;
                negotiation.sub(&content, out);
                if let Some(size) = negotiation.size.filter(|size| Some(*size) != before) {
                    self.resize(size, now, out);
                }
            }
            Token::Command(AYT) if !self.persona.face.is_busybox() => say(b"\r\n[Yes]\r\n", out),
            Token::Command(IP) if !self.persona.face.is_busybox() => {
                return self.press(3, now, out);
            }
            Token::Command(_) => {}
        }
        let is_done = self.negotiation.as_ref().is_some_and(Negotiation::is_done);
        if matches!(self.state, State::Options) && is_done {
            self.greet(out);
        }
    }

    /// The visitor's window has another size.
    fn resize(&mut self, size: Size, now: Timestamp, out: &mut Output) {
        if let State::Shell(seat) = &mut self.state {
            seat.process.resize(size.columns, size.rows);
            if seat.process.was_resized() {
                self.assist(out, |seat, keyboard, _, shown| {
                    keyboard.repaint(&seat.process.prompt(), shown);
                });
                self.shell(now, out, |process, said| process.resume(now, said));
            }
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.add(now, FrameKind::Size, &size.frame(), out);
        }
    }

    /// How keys and output are treated now.
    fn mode(&self) -> Discipline {
        match &self.state {
            State::Password { .. } => Discipline::hidden(),
            State::Shell(seat) => seat.process.discipline().unwrap_or_default(),
            _ => Discipline::default(),
        }
    }

    fn press(&mut self, byte: u8, now: Timestamp, out: &mut Output) {
        let mode = self.mode();
        let mut echo = Vec::new();
        let key = self.keyboard.press(byte, mode, &mut echo);
        say(&echo, out);
        match key {
            Key::Typed => {}
            Key::Line(line) => self.line(line, now, out),
            Key::Byte(byte) => {
                self.shell(now, out, |process, said| process.input(&[byte], now, said));
            }
            Key::Interrupt => self.signal(signal::INTERRUPT, now, out),
            Key::Quit => self.signal(signal::QUIT, now, out),
            Key::Stop => self.signal(signal::STOP_TYPED, now, out),
            Key::Complete => self.assist(out, |seat, keyboard, size, shown| {
                let found = seat.process.completions(keyboard.before());
                keyboard.complete(found, size, shown);
            }),
            Key::Redraw => self.assist(out, |seat, keyboard, _, shown| {
                keyboard.paint(&seat.process.prompt(), shown);
            }),
            Key::Recollect => self.assist(out, |seat, keyboard, _, shown| {
                keyboard.recollect(seat.process.remembered(), seat.process.prompt(), shown);
            }),
            Key::EndOfFile => match self.state {
                State::Shell(_) => {
                    self.shell(now, out, |process, said| process.end_input(now, said));
                }
                _ => self.hang_up(out),
            },
        }
    }

    /// Shows what the shell's line editor wants of the machine.
    fn assist(
        &mut self,
        out: &mut Output,
        help: impl FnOnce(&Seat, &mut Keyboard, Size, &mut Vec<u8>),
    ) {
        let State::Shell(seat) = &self.state else { return };
        let size = self.negotiation.as_ref().and_then(|negotiation| negotiation.size);
        let mut shown = Vec::new();
        help(seat, &mut self.keyboard, size.unwrap_or(Size { columns: 80, rows: 24 }), &mut shown);
        say(&shown, out);
    }

    /// A signal that was typed: what runs gets it; `login` ends.
    fn signal(&mut self, signal: Signal, now: Timestamp, out: &mut Output) {
        match self.state {
            State::Shell(_) => {
                self.shell(now, out, |process, said| process.typed_signal(signal, now, said));
            }
            _ if signal == signal::STOP_TYPED => {}
            _ => self.hang_up(out),
        }
    }

    /// The pause of a program is over, or something came before that: Control-C ends it, all else waits. Gives what is left to be taken;
    /// nothing where the program sleeps on.
    fn wake(
        &mut self,
        (pause, since): (Duration, Timestamp),
        over: bool,
        mut held: Vec<u8>,
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Vec<u8>> {
        let slept = u64::try_from(now.micros().saturating_sub(since.micros())).unwrap_or(0);
        let left = pause.saturating_sub(Duration::from_micros(slept));
        if over || left.is_zero() {
            self.shell(now, out, |process, said| process.resume(now, said));
            return Some(held);
        }
        let typed = if self.mode().signals { interruption(&held) } else { None };
        if let Some((place, signal)) = typed {
            held.drain(..=place);
            let shown = match signal {
                signal::QUIT => b"^\\",
                signal::STOP_TYPED => b"^Z",
                _ => b"^C",
            };
            say(shown, out);
            self.shell(now, out, |process, said| process.typed_signal(signal, now, said));
            return Some(held);
        }
        held.truncate(MOST_TYPED);
        self.waiting = held;
        self.sleeping = Some((left, now));
        out.take_turns_listening(left);
        None
    }

    /// Gives the shell its turn, and passes on what it says and what it asks for.
    fn shell(
        &mut self,
        now: Timestamp,
        out: &mut Output,
        turn: impl FnOnce(&mut Process, &mut Said) -> Progress,
    ) {
        let State::Shell(seat) = &mut self.state else { return };
        let mut said = Said::default();
        let progress = turn(&mut seat.process, &mut said);
        said.details.into_iter().for_each(|detail| out.tell(detail));
        let mode = seat.process.discipline().unwrap_or_default();
        say(&mode.on_screen(&said.output), out);
        match progress {
            Progress::Waiting => {}
            Progress::Again(pause) => {
                self.sleeping = Some((pause, now));
                out.take_turns_listening(pause);
            }
            Progress::Ended(_) => {
                seat.machine.finish().into_iter().for_each(|detail| out.tell(detail));
                self.record_shown(now, out);
                self.hang_up(out);
            }
        }
    }

    fn line(&mut self, line: Vec<u8>, now: Timestamp, out: &mut Output) {
        if matches!(self.state, State::Shell(_)) {
            self.record_shown(now, out);
            if let Some(recorder) = &mut self.recorder {
                recorder.add(now, FrameKind::Input, &line, out);
            }
            return self.shell(now, out, |process, said| process.line(&line, now, said));
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::User => self.name(line, out),
            State::Password { user, command } => self.password(user, command, line, now, out),
            other => self.state = other,
        }
    }

    fn name(&mut self, line: Vec<u8>, out: &mut Output) {
        if line.iter().all(u8::is_ascii_whitespace) {
            self.empty_names += 1;
            if self.empty_names >= EMPTY_NAMES {
                return self.hang_up(out);
            }
            self.state = State::User;
            say(self.persona.login_prompt().as_bytes(), out);
            return;
        }
        let command = is_loaders(&line);
        self.state = State::Password { user: line, command };
        say(b"Password: ", out);
    }

    fn password(
        &mut self,
        user: Vec<u8>,
        command: bool,
        line: Vec<u8>,
        now: Timestamp,
        out: &mut Output,
    ) {
        // A loader that was refused goes on with its next command; a name that is no command may still have one for an answer.
        let strayed = command || is_loaders(&line);
        if !strayed && self.identity.logins().admits(self.visit.source, &user, &line) {
            told(user.clone(), Some(line), false, true, out);
            let terminal = self.negotiation.as_ref().map(Negotiation::terminal).unwrap_or_default();
            let mut recorder = Recorder::default();
            if let Some(size) = self.negotiation.as_ref().and_then(|negotiation| negotiation.size) {
                recorder.add(now, FrameKind::Size, &size.frame(), out);
            }
            self.recorder = Some(recorder);
            let visitor = Visitor {
                user,
                source: self.visit.source,
                destination: self.visit.destination,
                service: "telnetd",
            };
            let machine = Machine::new(&self.identity, self.persona.face.machine(), visitor, now);
            let greeting = on_screen(machine.message_of_the_day().as_bytes());
            say(self.persona.welcome().as_bytes(), out);
            say(&greeting, out);
            let process = machine.open(&Opening { terminal: Some(terminal), ..Opening::default() });
            self.state = State::Shell(Box::new(Seat { machine, process }));
            self.shell(now, out, |process, said| process.start(now, said));
            return;
        }
        if strayed && !command {
            told(user, None, false, false, out);
            told(line, None, true, false, out);
        } else {
            told(user, Some(line), command, false, out);
        }
        self.state = State::Refused;
        self.pausing = true;
        out.take_turns_after(self.persona.face.delay(now.micros().unsigned_abs()));
    }

    /// The pause after a wrong pair is over.
    fn refuse(&mut self, out: &mut Output) {
        let face = self.persona.face;
        if !face.is_busybox() {
            say(b"\r\n", out);
        }
        say(b"Login incorrect\r\n", out);
        self.failures += 1;
        if self.failures >= face.tries() {
            say(face.farewell(), out);
            return self.hang_up(out);
        }
        self.state = State::User;
        say(self.persona.login_prompt().as_bytes(), out);
    }

    fn time_out(&mut self, out: &mut Output) {
        say(self.persona.face.timed_out(), out);
        self.hang_up(out);
    }

    fn hang_up(&mut self, out: &mut Output) {
        self.state = State::Over;
        out.close();
    }
}

/// Where a key is typed that is a signal, and which, outside of Telnet's own commands of three bytes.
fn interruption(bytes: &[u8]) -> Option<(usize, Signal)> {
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        match *byte {
            3 => return Some((place, signal::INTERRUPT)),
            26 => return Some((place, signal::STOP_TYPED)),
            28 => return Some((place, signal::QUIT)),
            IAC => place += 3,
            _ => place += 1,
        }
    }
    None
}

/// Sends a terminal's data, its IACs doubled.
pub(super) fn say(data: &[u8], out: &mut Output) {
    if !data.contains(&IAC) {
        return out.show(data, data);
    }
    let doubled = |byte: &u8| std::iter::repeat_n(*byte, if *byte == IAC { 2 } else { 1 });
    out.show(data, &data.iter().flat_map(doubled).collect::<Vec<u8>>());
}

/// Whether a line at `login` is one that loaders say to a shell: Mirai's four words, and paths to run or redirect.
fn is_loaders(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] = [
        b"enable",
        b"system",
        b"shell",
        b"sh",
        b"linuxshell",
        b"bash",
        b"ping ; sh",
        b"start-shell",
    ];
    let line = line.trim_ascii();
    WORDS.contains(&line)
        || [
            &b"/bin/"[..],
            b">/",
            b"cat /",
            b"cd /",
            b"echo -",
            b"busybox ",
            b"rm -",
            b"wget ",
            b"tftp ",
        ]
        .iter()
        .any(|start| line.starts_with(start))
}

fn told(name: Vec<u8>, password: Option<Vec<u8>>, command: bool, accepted: bool, out: &mut Output) {
    if command {
        for line in std::iter::once(name).chain(password) {
            out.tell(Detail::Command { line: HostileText::from_bytes(&line), known: Some(false) });
        }
        return;
    }
    out.tell(Detail::Login {
        username: Some(HostileText::from_bytes(&name)),
        password: password.as_deref().map(HostileText::from_bytes),
        public_key: None,
        accepted,
    });
}
