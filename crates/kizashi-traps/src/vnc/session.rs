//! One connection: versions, security, a challenge, the desktop.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::desktop::{Desktop, SIZE};
use super::encoding::{Encoding, Streams, Update};
use super::password::{CHALLENGE, john, tried};
use super::wire::{Area, Message, PixelFormat, Reader};
use crate::capture::Capture;
use crate::draw::Draw;
use crate::screen::Input;
use crate::{Identity, Output, Session, Visit};

const VERSION: &[u8; 12] = b"RFB 003.008\n";
/// The user whose display it is.
const OWNER: &[u8] = b"root";

const NONE: u8 = 1;
const VNC: u8 = 2;
const TIGHT: u8 = 16;

/// `tightvncpasswd` takes no shorter password, so none opens the screen.
const SHORTEST: usize = 6;
/// Encodings as Debian 12's `tightvncserver` 1:1.3.10-7 lists them to clients of TightVNC's own kind of login. Cursors and empty ends it need not send.
const CAPABILITIES: [(i32, &[u8; 12]); 12] = [
    (1, b"STDVCOPYRECT"),
    (2, b"STDVRRE_____"),
    (4, b"STDVCORRE___"),
    (5, b"STDVHEXTILE_"),
    (6, b"TRDVZLIB____"),
    (7, b"TGHTTIGHT___"),
    (-256, b"TGHTCOMPRLVL"),
    (-32, b"TGHTJPEGQLVL"),
    (-240, b"TGHTX11CURSR"),
    (-239, b"TGHTRCHCURSR"),
    (-232, b"TGHTPOINTPOS"),
    (-224, b"TGHTLASTRECT"),
];
/// Encodings of a client that are told.
const TOLD: usize = 32;
/// Pieces of an update that one turn writes, and updates of one visit.
const PIECES: u32 = 6;
const UPDATES: u32 = 500;

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Box::new(VncSession::new(identity, visit))
}

/// Whether the owner set no password.
fn is_open(identity: &Identity) -> bool {
    Draw::new(identity.seed(), "vnc password").below(0, 4) == 0
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Version,
    Security,
    /// Of TightVNC's own: which kind of login.
    TightSecurity,
    Answer,
    Begin,
    Open,
    Over,
}

/// A visit to the `vnc` trap.
pub(super) struct VncSession {
    identity: Arc<Identity>,
    visit: Visit,
    reader: Reader,
    state: State,
    /// 3, 7 or 8.
    minor: u8,
    open: bool,
    tight: bool,
    challenge: [u8; CHALLENGE],
    desktop: Option<Desktop>,
    format: PixelFormat,
    encoding: Encoding,
    streams: Streams,
    shown: bool,
    named: bool,
    update: Option<Update>,
    updates: u32,
    input: Input,
    rest: Capture,
}

impl VncSession {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            reader: Reader::default(),
            state: State::Version,
            minor: 8,
            open: is_open(identity),
            tight: false,
            challenge: identity.randomness().bytes(),
            desktop: None,
            format: PixelFormat::default(),
            encoding: Encoding::default(),
            streams: Streams::default(),
            shown: false,
            named: false,
            update: None,
            updates: 0,
            input: Input::default(),
            rest: Capture::default(),
        }
    }

    /// As if the visitor had just come to the desktop.
    pub(super) fn admit(&mut self) {
        self.desktop = Some(Desktop::of(&self.identity, 0));
        self.state = State::Open;
    }

    fn hang_up(&mut self, out: &mut Output) {
        self.state = State::Over;
        out.close();
    }

    fn go_on(&mut self, out: &mut Output) {
        let mut pieces = 0;
        loop {
            if let (Some(update), Some(desktop)) = (&mut self.update, &self.desktop) {
                if out.is_full() || pieces == PIECES {
                    return out.take_turns();
                }
                pieces += 1;
                match update.piece(desktop, &mut self.streams) {
                    Some(piece) => out.reply(&piece),
                    None => self.update = None,
                }
                continue;
            }
            if !self.step(out) {
                return;
            }
        }
    }

    /// Takes what comes next; whether there was enough of it.
    fn step(&mut self, out: &mut Output) -> bool {
        match self.state {
            State::Version => match self.reader.cut(VERSION.len()) {
                Some(bytes) => self.version(&bytes, out),
                None => return false,
            },
            State::Security => match self.reader.cut(1) {
                Some(bytes) => self.security(bytes[0], out),
                None => return false,
            },
            State::TightSecurity => match self.reader.cut(4) {
                Some(bytes) if bytes == [0, 0, 0, VNC] => self.challenge(out),
                Some(_) => self.hang_up(out),
                None => return false,
            },
            State::Answer => match self.reader.cut(CHALLENGE) {
                Some(bytes) => self.answer(&bytes, out),
                None => return false,
            },
            State::Begin => match self.reader.cut(1) {
                Some(_) => self.begin(out),
                None => return false,
            },
            State::Open => match self.reader.next() {
                Some(message) => self.message(message, out),
                None => return false,
            },
            State::Over => {
                self.reader.drain_into(&mut self.rest);
                return false;
            }
        }
        true
    }

    fn version(&mut self, bytes: &[u8], out: &mut Output) {
        let number = |range: std::ops::Range<usize>| {
            std::str::from_utf8(&bytes[range]).ok().and_then(|text| text.parse::<u16>().ok())
        };
        let spelt = bytes.starts_with(b"RFB ") && bytes[7] == b'.' && bytes[11] == b'\n';
        let (Some(3), Some(minor), true) = (number(4..7), number(8..11), spelt) else {
            self.rest.feed(bytes);
            return self.hang_up(out);
        };
        let version = Some(HostileText::from_bytes(&bytes[..11]));
        out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        self.minor = match minor {
            0..7 => 3,
            7 => 7,
            _ => 8,
        };
        let kind = if self.open { NONE } else { VNC };
        if self.minor == 3 {
            out.reply(&u32::from(kind).to_be_bytes());
            if self.open { self.enter_openly(out) } else { self.challenge(out) }
        } else {
            out.reply(&[2, kind, TIGHT]);
            self.state = State::Security;
        }
    }

    fn security(&mut self, kind: u8, out: &mut Output) {
        match kind {
            NONE if self.open => {
                if self.minor >= 8 {
                    out.reply(&[0; 4]);
                }
                self.enter_openly(out);
            }
            VNC if !self.open => self.challenge(out),
            TIGHT => {
                self.tight = true;
                // No tunnels; one kind of login, or none.
                out.reply(&[0; 4]);
                if self.open {
                    out.reply(&[0; 4]);
                    if self.minor >= 8 {
                        out.reply(&[0; 4]);
                    }
                    return self.enter_openly(out);
                }
                out.reply(&[&[0, 0, 0, 1, 0, 0, 0, VNC][..], b"STDVVNCAUTH_"].concat());
                self.state = State::TightSecurity;
            }
            _ => self.hang_up(out),
        }
    }

    fn enter_openly(&mut self, out: &mut Output) {
        out.tell(Detail::Login {
            username: None,
            password: None,
            public_key: None,
            accepted: true,
        });
        self.state = State::Begin;
    }

    fn challenge(&mut self, out: &mut Output) {
        out.reply(&self.challenge);
        self.state = State::Answer;
    }

    fn answer(&mut self, bytes: &[u8], out: &mut Output) {
        let answer: [u8; CHALLENGE] = bytes.first_chunk().copied().unwrap_or_default();
        let password = tried(&self.challenge, &answer);
        let admits = |password: &str| {
            password.len() >= SHORTEST
                && self.identity.logins().admits(self.visit.source, OWNER, password.as_bytes())
        };
        let accepted = password.is_some_and(admits);
        if password.is_none() {
            let value = HostileText::from(john(&self.challenge, &answer));
            out.tell(Detail::Note { name: "vnc challenge and response".into(), value });
        }
        out.tell(Detail::Login {
            username: None,
            password: password.map(HostileText::from),
            public_key: None,
            accepted,
        });
        if accepted {
            out.reply(&[0; 4]);
            self.state = State::Begin;
            return;
        }
        out.reply(&[0, 0, 0, 1]);
        if self.minor >= 8 {
            const REASON: &[u8] = b"Authentication failed";
            out.reply(&u32::try_from(REASON.len()).unwrap_or(0).to_be_bytes());
            out.reply(REASON);
        }
        self.hang_up(out);
    }

    fn begin(&mut self, out: &mut Output) {
        let display = self.visit.port.number.saturating_sub(5_900);
        let desktop = Desktop::of(&self.identity, if display < 100 { display } else { 0 });
        let name = desktop.name.as_bytes();
        out.reply(&SIZE.0.to_be_bytes());
        out.reply(&SIZE.1.to_be_bytes());
        out.reply(&self.format.bytes());
        out.reply(&u32::try_from(name.len()).unwrap_or(0).to_be_bytes());
        out.reply(name);
        if self.tight {
            // No messages beyond the usual; encodings by their names.
            out.reply(&[0, 0, 0, 0, 0, 12, 0, 0]);
            for (encoding, name) in CAPABILITIES {
                out.reply(&encoding.to_be_bytes());
                out.reply(name);
            }
        }
        self.desktop = Some(desktop);
        self.state = State::Open;
    }

    fn message(&mut self, message: Message, out: &mut Output) {
        match message {
            Message::Format(format) => {
                self.format = format;
                if !format.true_colour {
                    out.reply(&colour_map());
                }
            }
            Message::Encodings(all) => {
                self.encoding = Encoding::of(&all);
                if !self.named {
                    self.named = true;
                    let each: Vec<String> = all.iter().take(TOLD).map(i32::to_string).collect();
                    let value = HostileText::from(each.join(" "));
                    out.tell(Detail::Note { name: "vnc encodings".into(), value });
                }
            }
            Message::Update { incremental, area } => {
                // Nothing ever changes, so who wants changes waits.
                if !(incremental && self.shown) && self.updates < UPDATES {
                    self.updates += 1;
                    self.shown = true;
                    self.update =
                        clamped(area).map(|area| Update::new(area, self.format, self.encoding));
                }
            }
            Message::Key { down: true, key } => {
                if let Some(line) = self.input.key(key) {
                    out.tell(Detail::Command { line: HostileText::from(line), known: None });
                }
            }
            Message::Pointer { buttons, x, y } => self.input.pointer(buttons, x, y),
            Message::Clipboard(text) => {
                let content = Capture::of(&text).finish(PayloadOrigin::Sent);
                out.tell(Detail::Note {
                    name: "vnc clipboard".into(),
                    value: HostileText::from_bytes(&text),
                });
                out.tell(Detail::Payload(Box::new(content)));
            }
            Message::Long(content) => out.tell(Detail::Payload(content)),
            Message::Key { .. } | Message::Ignored => {}
            Message::Broken => self.hang_up(out),
        }
    }
}

/// What of an area is on the screen.
fn clamped(area: Area) -> Option<Area> {
    let (x, y) = (area.x.min(SIZE.0), area.y.min(SIZE.1));
    let (width, height) = (area.width.min(SIZE.0 - x), area.height.min(SIZE.1 - y));
    (width > 0 && height > 0).then_some(Area { x, y, width, height })
}

/// SetColourMapEntries: two bits of blue, three of each other.
fn colour_map() -> Vec<u8> {
    let mut out = vec![1, 0, 0, 0, 1, 0];
    for place in 0..=255_u16 {
        let parts = [
            (place & 7) * (0xffff / 7),
            (place >> 3 & 7) * (0xffff / 7),
            (place >> 6) * (0xffff / 3),
        ];
        parts.iter().for_each(|part| out.extend(part.to_be_bytes()));
    }
    out
}

impl Session for VncSession {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.reply(VERSION);
    }

    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        self.reader.buffer.extend_from_slice(bytes);
        self.go_on(out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        if let Some(line) = self.input.rest() {
            out.tell(Detail::Command { line: HostileText::from(line), known: None });
        }
        if let Some(value) = self.input.told() {
            out.tell(Detail::Note { name: "vnc pointer".into(), value: HostileText::from(value) });
        }
        let mut rest = std::mem::take(&mut self.rest);
        self.reader.drain_into(&mut rest);
        if rest.size() > 0 {
            out.tell(Detail::Payload(Box::new(rest.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        self.reader.memory() + self.input.memory() + self.rest.content().len()
    }
}
