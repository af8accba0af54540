//! What a channel is for: a program with or without a terminal, a file transfer, or a connection that is never made.

use kizashi_event::{Detail, FrameKind, HostileText, Timestamp};

use super::super::program::Program;
use super::forward::Forward;
use crate::Output;
use crate::machine::{Progress, Said, Signal, TerminalRequest, signal};
use crate::recorder::Recorder;
use crate::terminal::{Key, Keyboard, Size, as_given, on_screen};

/// Keys that wait for a program to take what was typed before them.
const AHEAD: usize = 64 * 1024;

/// What was asked for before anything begins in a session.
#[derive(Default)]
pub(super) struct Larva {
    pub(super) terminal: Option<TerminalRequest>,
    /// Variables that are told.
    pub(super) told: u8,
    /// Variables that are taken.
    pub(super) environment: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) agent: bool,
}

impl Larva {
    fn memory(&self) -> usize {
        let variables: usize =
            self.environment.iter().map(|(name, value)| name.len() + value.len()).sum();
        let terminal = self.terminal.as_ref();
        variables + terminal.map_or(0, |terminal| terminal.kind.len() + terminal.modes.len() * 8)
    }
}

/// A program and the terminal in front of it.
pub(super) struct Running {
    program: Box<dyn Program>,
    keyboard: Option<Keyboard>,
    /// What the terminal showed; also of a command without one.
    recorder: Recorder,
    pending: Vec<u8>,
    /// Keys behind the end of a line that the program has not taken yet.
    ahead: Vec<u8>,
    /// The program waits for them.
    goes_on: bool,
    size: Size,
}

pub(super) enum Service {
    /// A session for which nothing was asked yet.
    Larval(Larva),
    Program(Box<Running>),
    /// SFTP and SCP: programs whose bytes no terminal shows.
    Transfer(Box<dyn Program>),
    Forward(Box<Forward>),
}

impl Running {
    pub(super) fn new(
        program: Box<dyn Program>,
        screen: Option<Size>,
        now: Timestamp,
        out: &mut Output,
    ) -> Self {
        let mut recorder = Recorder::default();
        if let Some(size) = screen {
            recorder.add(now, FrameKind::Size, &size.frame(), out);
        }
        let keyboard = screen.map(|_| Keyboard::of_terminal());
        Self {
            program,
            keyboard,
            recorder,
            pending: Vec::new(),
            ahead: Vec::new(),
            goes_on: false,
            size: screen.unwrap_or(Size { columns: 80, rows: 24 }),
        }
    }

    pub(super) fn is_on_terminal(&self) -> bool {
        self.keyboard.is_some()
    }

    /// Whether the program is interrupted by it.
    fn give(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) -> bool {
        if self.keyboard.is_some() {
            let room = AHEAD.saturating_sub(self.ahead.len());
            self.ahead.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return self.type_ahead(now, out);
        }
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.recorder.add(now, FrameKind::Input, line.trim_ascii_end(), out);
        }
        self.program.give(bytes);
        false
    }

    /// Presses keys up to the end of a line: what comes behind it waits for the program to take that, as it waits in a terminal that a
    /// shell reads line by line. A key that is a signal waits for nobody.
    fn type_ahead(&mut self, now: Timestamp, out: &mut Output) -> bool {
        let Some(keyboard) = &mut self.keyboard else { return false };
        let mode = self.program.discipline().unwrap_or_default();
        if let Some(place) = self.ahead.iter().rposition(|byte| *byte == 3)
            && mode.signals
        {
            self.ahead.drain(..place);
        }
        let mut count = 0;
        let mut interrupted = false;
        for byte in &self.ahead {
            count += 1;
            let signal = match keyboard.press(*byte, mode, &mut self.pending) {
                Key::Typed => continue,
                Key::Line(line) => {
                    self.recorder.add(now, FrameKind::Input, &line, out);
                    self.program.give(&as_given(&line));
                    self.program.give(b"\n");
                    break;
                }
                Key::Byte(byte) => {
                    self.program.give(&[byte]);
                    continue;
                }
                Key::EndOfFile => {
                    self.program.end_of_input();
                    break;
                }
                Key::Complete => {
                    let found = self.program.completions(keyboard.before());
                    keyboard.complete(found, self.size, &mut self.pending);
                    continue;
                }
                Key::Redraw => {
                    keyboard.paint(&self.program.prompt(), &mut self.pending);
                    continue;
                }
                Key::Recollect => {
                    let (lines, prompt) = (self.program.remembered(), self.program.prompt());
                    keyboard.recollect(lines, prompt, &mut self.pending);
                    continue;
                }
                Key::Interrupt => signal::INTERRUPT,
                Key::Quit => signal::QUIT,
                Key::Stop => signal::STOP_TYPED,
            };
            self.program.typed_signal(signal);
            interrupted = true;
            break;
        }
        self.ahead.drain(..count);
        interrupted
    }

    fn take_echo(&mut self, now: Timestamp, out: &mut Output) -> Vec<u8> {
        let shown = std::mem::take(&mut self.pending);
        if !shown.is_empty() {
            self.recorder.add(now, FrameKind::Output, &shown, out);
        }
        shown
    }

    fn run(&mut self, now: Timestamp, said: &mut Said, out: &mut Output) -> Progress {
        if std::mem::take(&mut self.goes_on) {
            self.type_ahead(now, out);
        }
        let mut progress = self.program.run(now, said);
        if progress == Progress::Waiting && !self.ahead.is_empty() {
            // It waits for more, and has shown what it had to.
            progress = Progress::Again(std::time::Duration::ZERO);
            self.goes_on = true;
        }
        let mut shown = std::mem::take(&mut self.pending);
        if self.keyboard.is_some() {
            let mode = self.program.discipline().unwrap_or_default();
            shown.extend(mode.on_screen(&said.output));
            shown.extend(mode.on_screen(&std::mem::take(&mut said.errors)));
            self.recorder.add(now, FrameKind::Output, &shown, out);
            said.output = shown;
        } else {
            for text in [&said.output, &said.errors] {
                self.recorder.add(now, FrameKind::Output, &on_screen(text), out);
            }
        }
        progress
    }

    fn leave(&mut self, out: &mut Output) {
        let unfinished = self.keyboard.as_mut().map(Keyboard::take_rest).unwrap_or_default();
        if !unfinished.is_empty() {
            let line = HostileText::from_bytes(&unfinished);
            out.tell(Detail::Command { line, known: Some(false) });
        }
        self.program.leave().into_iter().for_each(|detail| out.tell(detail));
        std::mem::take(&mut self.recorder).finish(out);
    }
}

impl Service {
    /// Bytes of the visitor's; whether they interrupt a program.
    pub(super) fn give(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) -> bool {
        match self {
            Self::Larval(_) => {}
            Self::Program(running) => return running.give(bytes, now, out),
            Self::Transfer(program) => program.give(bytes),
            Self::Forward(forward) => return forward.give(bytes, now),
        }
        false
    }

    /// Whether an SSH server is reached through it.
    pub(super) const fn is_beyond(&self) -> bool {
        matches!(self, Self::Forward(forward) if forward.is_beyond())
    }

    /// What a terminal shows of what was typed, without waiting for the program.
    pub(super) fn take_echo(&mut self, now: Timestamp, out: &mut Output) -> Vec<u8> {
        match self {
            Self::Program(running) => running.take_echo(now, out),
            _ => Vec::new(),
        }
    }

    pub(super) fn end_of_input(&mut self) {
        match self {
            Self::Larval(_) => {}
            // A terminal has no end: the client's only says that nobody types any more.
            Self::Program(running) if running.is_on_terminal() => {}
            Self::Program(running) => running.program.end_of_input(),
            Self::Transfer(program) => program.end_of_input(),
            Self::Forward(forward) => forward.end_of_input(),
        }
    }

    /// A signal to the process group of what was begun; whether it was sent.
    pub(super) fn signal(&mut self, signal: Signal) -> bool {
        match self {
            Self::Program(running) => running.program.signal(signal),
            _ => false,
        }
    }

    /// The signal that the program died of.
    pub(super) fn killed_by(&self) -> Option<Signal> {
        match self {
            Self::Program(running) => running.program.killed_by(),
            _ => None,
        }
    }

    pub(super) fn is_on_terminal(&self) -> bool {
        matches!(self, Self::Program(running) if running.is_on_terminal())
    }

    pub(super) fn resize(&mut self, size: Size, now: Timestamp, out: &mut Output) {
        if let Self::Program(running) = self {
            running.recorder.add(now, FrameKind::Size, &size.frame(), out);
            running.program.resize(size);
            running.size = size;
            if let Some(keyboard) =
                running.keyboard.as_ref().filter(|_| running.program.was_resized())
            {
                keyboard.repaint(&running.program.prompt(), &mut running.pending);
            }
        }
    }

    pub(super) fn run(&mut self, now: Timestamp, said: &mut Said, out: &mut Output) -> Progress {
        match self {
            Self::Larval(_) => Progress::Waiting,
            Self::Program(running) => running.run(now, said, out),
            Self::Transfer(program) => program.run(now, said),
            Self::Forward(forward) => forward.run(now, said),
        }
    }

    /// The channel ends: what is known of it is told.
    pub(super) fn leave(&mut self, now: Timestamp, out: &mut Output) {
        match self {
            Self::Larval(_) => {}
            Self::Program(running) => running.leave(out),
            Self::Transfer(program) => {
                program.leave().into_iter().for_each(|detail| out.tell(detail));
            }
            Self::Forward(forward) => forward.leave(now, out),
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Larval(larva) => larva.memory(),
            Self::Program(running) => {
                let keyboard = running.keyboard.as_ref().map_or(0, Keyboard::memory);
                running.program.memory()
                    + keyboard
                    + running.recorder.memory()
                    + running.pending.len()
                    + running.ahead.len()
            }
            Self::Transfer(program) => program.memory(),
            Self::Forward(forward) => forward.memory(),
        }
    }
}
