//! Which options are spoken of, and when (RFC 855, 857, 858, 1073, 1091, 1408). BusyBox says what it wants and listens to the
//! window's size alone. inetutils waits for five answers, asks who said yes, then offers the rest in two steps; a visitor who
//! sends data instead of answers is taken for one who will not negotiate. Each option is answered once, so that no two
//! programs can talk to each other for ever.

use kizashi_event::{Detail, HostileText};

use super::persona::TelnetFace;
use super::wire::{DO, DONT, IAC, SB, SE, WILL, WONT};
use crate::Output;
use crate::machine::TerminalRequest;
use crate::terminal::Size;

/// Facts told of one visitor: size, type, variables.
const FACTS: u8 = 24;
/// Bytes of a terminal's kind.
const LONGEST_KIND: usize = 64;

/// How far the server has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asked,
    Offered,
    Done,
}

pub(super) struct Negotiation {
    face: TelnetFace,
    stage: Stage,
    /// Bit by place in `awaited`: the answer has come.
    answered: u8,
    /// Subnegotiations that were asked for and have not come.
    questions: u8,
    /// Options that were refused already, a bit each.
    refused: [u64; 4],
    facts: u8,
    /// The visitor's window and the kind of his terminal, as he last told.
    pub(super) size: Option<Size>,
    kind: Option<Vec<u8>>,
}

impl Negotiation {
    pub(super) fn begin(face: TelnetFace, out: &mut Output) -> Self {
        out.reply(face.first_options());
        let stage = if face.is_busybox() { Stage::Done } else { Stage::Asked };
        Self {
            face,
            stage,
            answered: 0,
            questions: 0,
            refused: [0; 4],
            facts: 0,
            size: None,
            kind: None,
        }
    }

    /// The terminal that the server opens for him: BusyBox hands on what init set, inetutils the visitor's own kind.
    pub(super) fn terminal(&self) -> TerminalRequest {
        let size = self.size.unwrap_or(Size { columns: 0, rows: 0 });
        let unknown: &[u8] = if self.face.is_busybox() { b"vt102" } else { b"network" };
        TerminalRequest {
            kind: self.kind.clone().unwrap_or_else(|| unknown.to_vec()),
            columns: size.columns,
            rows: size.rows,
            modes: Vec::new(),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// The visitor sends data: no more is waited for.
    pub(super) fn give_up_waiting(&mut self, out: &mut Output) {
        if self.stage == Stage::Asked {
            self.offer(out);
        }
        if self.stage == Stage::Offered {
            self.finish(out);
        }
    }

    pub(super) fn option(&mut self, verb: u8, option: u8, out: &mut Output) {
        if self.face.is_busybox() {
            return;
        }
        let place = self.face.awaited().iter().position(|awaited| *awaited == option);
        match (verb, place) {
            (WILL | WONT, Some(place)) if self.answered & (1 << place) == 0 => {
                self.answered |= 1 << place;
                // X display, new and old environment, speed and type: each is asked for once.
                if verb == WILL {
                    self.questions += 1;
                    out.reply(&[IAC, SB, option, 1, IAC, SE]);
                }
            }
            (WILL, None) if option == 31 || option == 33 || option == 34 => {}
            (WILL, None) if option != 1 => self.refuse(DONT, option, out),
            (DO, None) if ![1, 3, 5, 37, 38].contains(&option) => self.refuse(WONT, option, out),
            _ => {}
        }
        if self.stage == Stage::Offered && option == 1 && (verb == WILL || verb == WONT) {
            self.finish(out);
        }
        self.advance(out);
    }

    fn refuse(&mut self, verb: u8, option: u8, out: &mut Output) {
        let (word, bit) = (usize::from(option / 64), 1_u64 << (option % 64));
        if self.refused[word] & bit == 0 {
            self.refused[word] |= bit;
            out.reply(&[IAC, verb, option]);
        }
    }

    fn advance(&mut self, out: &mut Output) {
        let all = (1_u8 << self.face.awaited().len()) - 1;
        if self.stage == Stage::Asked && self.answered == all && self.questions == 0 {
            self.offer(out);
        }
    }

    fn offer(&mut self, out: &mut Output) {
        self.stage = Stage::Offered;
        out.reply(&[IAC, WILL, 3, IAC, DO, 1, IAC, DO, 34, IAC, DO, 31, IAC, WILL, 5, IAC, DO, 33]);
    }

    fn finish(&mut self, out: &mut Output) {
        self.stage = Stage::Done;
        out.reply(&[IAC, WILL, 1, IAC, DO, 6, IAC, DO, 0]);
    }

    /// A subnegotiation: what the visitor tells of its terminal is recorded.
    pub(super) fn sub(&mut self, content: &[u8], out: &mut Output) {
        match content {
            [31, w1, w0, h1, h0] => {
                let columns = u16::from_be_bytes([*w1, *w0]);
                self.size = Some(Size { columns, rows: u16::from_be_bytes([*h1, *h0]) });
            }
            [24, 0, kind @ ..] if !self.face.is_busybox() => {
                self.kind =
                    Some(kind.iter().take(LONGEST_KIND).map(u8::to_ascii_lowercase).collect());
            }
            _ => {}
        }
        if let Some(detail) = fact(content)
            && self.facts < FACTS
        {
            self.facts += 1;
            out.tell(detail);
        }
        if !self.face.is_busybox()
            && content.first().is_some_and(|option| self.face.awaited().contains(option))
        {
            self.questions = self.questions.saturating_sub(1);
            self.advance(out);
        }
    }
}

fn fact(content: &[u8]) -> Option<Detail> {
    let note = |name: &str, value: HostileText| Detail::Note { name: name.into(), value };
    match content {
        [31, w1, w0, h1, h0] => {
            let (width, height) = (u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0]));
            Some(note("terminal size", format!("{width}x{height}").into()))
        }
        [24, 0, kind @ ..] => Some(note("terminal type", HostileText::from_bytes(kind))),
        [32, 0, speed @ ..] => Some(note("terminal speed", HostileText::from_bytes(speed))),
        [35, 0, display @ ..] => Some(note("display", HostileText::from_bytes(display))),
        [36 | 39, 0 | 2, variables @ ..] if !variables.is_empty() => {
            Some(note("environment", HostileText::from_bytes(&readable(variables))))
        }
        _ => None,
    }
}

/// RFC 1572: 0 and 3 begin a variable, 1 its value.
fn readable(variables: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(variables.len());
    for byte in variables {
        match byte {
            0 | 3 if text.is_empty() => {}
            0 | 3 => text.push(b' '),
            1 => text.push(b'='),
            other => text.push(*other),
        }
    }
    text
}
