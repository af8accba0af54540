//! One connection: the first byte says which of the two protocols it speaks; commands in, answers out.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::binary::{self, HEAD, Head};
use super::release::Release;
use super::store::LONGEST_VALUE;
use super::text::{self, LONGEST_ANSWER, Scene, Step, Storing};
use crate::capture::Capture;
use crate::{Identity, Output, Session, Visit};

/// The longest line that is waited for, and of one that fetches.
const LINE: usize = 2_048;
const FETCHING_LINE: usize = 8 * 1024;
/// Values from this length on are told whole.
const LONG_VALUE: usize = 1_024;
/// The longest request of the binary protocol that is read to its end.
const LONGEST_BODY: usize = 1 << 20;

/// A visit to the `memcached` trap.
pub(super) struct MemcachedSession {
    identity: Arc<Identity>,
    visit: Visit,
    release: Release,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were searched for an end of line.
    searched: usize,
    state: State,
    pending: Vec<u8>,
}

enum State {
    Begin,
    Line,
    Block(Block),
    /// So many bytes are not wanted, and this is said after them.
    Refused {
        left: usize,
        answer: &'static [u8],
        content: Capture,
    },
    Head,
    Body {
        head: Head,
        body: Vec<u8>,
    },
    LongBody {
        head: Head,
        left: usize,
        content: Capture,
    },
    Ending,
    Over(Capture),
}

/// A block of data that is being collected.
struct Block {
    storing: Storing,
    /// So many bytes are to come, the end of line with them.
    left: usize,
    value: Vec<u8>,
    /// What stands where the end of line is to be.
    last: Vec<u8>,
    /// In place of `value`, of one that is too long to be held.
    long: Option<Capture>,
}

impl MemcachedSession {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            release: Release::of(identity.operating_system()),
            buffer: Vec::new(),
            searched: 0,
            state: State::Begin,
            pending: Vec::new(),
        }
    }

    fn with_scene<T>(&self, now: Timestamp, act: impl FnOnce(&mut Scene<'_>) -> T) -> T {
        let (identity, release, port) = (&self.identity, self.release, self.visit.port.number);
        identity.memcached().with(identity, self.visit.source, now, |copy| {
            act(&mut Scene { copy, identity, release, now, port })
        })
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(count.min(self.buffer.len()));
        self.searched = 0;
        std::mem::replace(&mut self.buffer, rest)
    }

    /// Goes on until more bytes or room for answers is needed.
    fn go_on(&mut self, now: Timestamp, out: &mut Output) {
        loop {
            if !self.pending.is_empty() {
                let count = self.pending.len().min(Output::FULL);
                let piece: Vec<u8> = self.pending.drain(..count).collect();
                out.reply(&piece);
            }
            if !self.pending.is_empty() || out.is_full() && !out.is_closing() {
                return out.take_turns();
            }
            let more = match std::mem::replace(&mut self.state, State::Line) {
                State::Begin => self.begin(),
                State::Line => self.line(now, out),
                State::Block(block) => self.block(block, now, out),
                State::Refused { left, answer, content } => {
                    self.refused(left, answer, content, out)
                }
                State::Head => self.head(),
                State::Body { head, body } => self.body(head, body, now, out),
                State::LongBody { head, left, content } => self.long_body(head, left, content, out),
                State::Ending => {
                    out.close();
                    self.state = State::Over(Capture::default());
                    true
                }
                State::Over(mut content) => {
                    content.feed(&self.take(usize::MAX));
                    self.state = State::Over(content);
                    false
                }
            };
            if !more {
                return;
            }
        }
    }

    fn begin(&mut self) -> bool {
        self.state = match self.buffer.first() {
            None => State::Begin,
            Some(0x80) => State::Head,
            Some(_) => State::Line,
        };
        !self.buffer.is_empty()
    }

    fn line(&mut self, now: Timestamp, out: &mut Output) -> bool {
        let found = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
        let end = found.map(|place| place + self.searched);
        let fetches =
            [&b"get "[..], b"gets ", b"gat "].iter().any(|name| self.buffer.starts_with(name));
        let longest = if fetches { FETCHING_LINE } else { LINE };
        if end.unwrap_or(self.buffer.len()) > longest {
            class(out, "malformed");
            self.state = State::Ending;
            return true;
        }
        let Some(end) = end else {
            self.searched = self.buffer.len();
            return false;
        };
        let mut line = self.take(end + 1);
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        // An empty line is no command that anybody gave.
        if !line.is_empty() {
            let known = text::is_known(&line);
            out.tell(Detail::Command { line: HostileText::from_bytes(&line), known: Some(known) });
        }
        classify(&line, out);
        match self.with_scene(now, |scene| text::line(scene, &line)) {
            Step::Answer(answer) => self.pending.extend(answer),
            Step::Store(storing) => {
                let left = storing.length + 2;
                let long = (storing.length > LONGEST_VALUE).then(Capture::default);
                let (value, last) = (Vec::new(), Vec::new());
                self.state = State::Block(Block { storing, left, value, last, long });
            }
            Step::Refuse(left, answer) => {
                self.state = State::Refused { left, answer, content: Capture::default() };
            }
            Step::Close => self.state = State::Ending,
        }
        true
    }

    fn block(&mut self, mut block: Block, now: Timestamp, out: &mut Output) -> bool {
        let piece = self.take(block.left);
        let (content, last) = piece.split_at(piece.len().min(block.left.saturating_sub(2)));
        match &mut block.long {
            Some(capture) => capture.feed(content),
            None => block.value.extend_from_slice(content),
        }
        block.last.extend_from_slice(last);
        block.left -= piece.len();
        if block.left > 0 {
            self.state = State::Block(block);
            return false;
        }
        if block.last != b"\r\n" {
            self.pending.extend_from_slice(b"CLIENT_ERROR bad data chunk\r\n");
        } else if let Some(capture) = block.long {
            out.tell(Detail::Payload(Box::new(capture.finish(PayloadOrigin::Sent))));
            self.pending.extend_from_slice(b"SERVER_ERROR out of memory storing object\r\n");
        } else {
            tell_value(&block.value, out);
            let answer =
                self.with_scene(now, |scene| text::store(scene, &block.storing, block.value));
            self.pending.extend(answer);
        }
        true
    }

    fn refused(
        &mut self,
        left: usize,
        answer: &'static [u8],
        mut content: Capture,
        out: &mut Output,
    ) -> bool {
        let piece = self.take(left);
        content.feed(&piece);
        let left = left - piece.len();
        if left > 0 {
            self.state = State::Refused { left, answer, content };
            return false;
        }
        out.tell(Detail::Payload(Box::new(content.finish(PayloadOrigin::Sent))));
        self.pending.extend_from_slice(answer);
        true
    }

    fn head(&mut self) -> bool {
        let Some(bytes) = self.buffer.first_chunk::<HEAD>() else {
            self.state = State::Head;
            return false;
        };
        self.state = match Head::read(bytes) {
            None => State::Ending,
            Some(head) => {
                drop(self.take(HEAD));
                if head.body <= LONGEST_ANSWER {
                    State::Body { head, body: Vec::new() }
                } else if head.body <= LONGEST_BODY {
                    State::LongBody { head, left: head.body, content: Capture::default() }
                } else {
                    State::Ending
                }
            }
        };
        true
    }

    fn body(&mut self, head: Head, mut body: Vec<u8>, now: Timestamp, out: &mut Output) -> bool {
        body.extend(self.take(head.body - body.len()));
        if body.len() < head.body {
            self.state = State::Body { head, body };
            return false;
        }
        tell_binary(head, &body, out);
        self.state = State::Head;
        let too_long = head.parts(&body).is_some_and(|(_, _, value)| value.len() > LONGEST_VALUE);
        if too_long {
            self.pending.extend(head.error(0x82));
            return true;
        }
        let (answer, ends) = self.with_scene(now, |scene| binary::request(scene, head, &body));
        self.pending.extend(answer);
        if ends {
            self.state = State::Ending;
        }
        true
    }

    fn long_body(
        &mut self,
        head: Head,
        left: usize,
        mut content: Capture,
        out: &mut Output,
    ) -> bool {
        let piece = self.take(left);
        content.feed(&piece);
        let left = left - piece.len();
        if left > 0 {
            self.state = State::LongBody { head, left, content };
            return false;
        }
        tell_binary(head, &[], out);
        out.tell(Detail::Payload(Box::new(content.finish(PayloadOrigin::Sent))));
        self.pending.extend(head.error(0x82));
        self.state = State::Head;
        true
    }
}

fn class(out: &mut Output, class: &str) {
    let (name, value) = (HostileText::from("memcached class"), HostileText::from(class));
    out.tell(Detail::Note { name, value });
}

/// What a line is after.
fn classify(line: &[u8], out: &mut Output) {
    if line.starts_with(b"flush_all") {
        class(out, "deletion");
    } else if [&b"stats cachedump"[..], b"lru_crawler metadump"]
        .iter()
        .any(|name| line.starts_with(name))
    {
        class(out, "dump");
    }
}

/// Long values are kept as payloads; a note that asks for money is one.
fn tell_value(value: &[u8], out: &mut Output) {
    let ransom = crate::redis::is_ransom(value);
    if value.len() >= LONG_VALUE || ransom {
        let payload = Capture::of(value).finish(PayloadOrigin::Sent);
        out.tell(Detail::Payload(Box::new(payload)));
    }
    if ransom {
        class(out, "ransom note");
    }
}

fn tell_binary(head: Head, body: &[u8], out: &mut Output) {
    let (_, key, value) = head.parts(body).unwrap_or_default();
    // SASL (opcode 0x21): NUL, user, NUL, password.
    if head.opcode == 0x21 && key == b"PLAIN" {
        let mut words = value.split(|byte| *byte == 0).skip(1);
        out.tell(Detail::Login {
            username: words.next().map(HostileText::from_bytes),
            password: words.next().map(HostileText::from_bytes),
            public_key: None,
            accepted: false,
        });
        return;
    }
    let name = head
        .name()
        .map_or_else(|| format!("opcode {:#04x}", head.opcode), |(name, _)| name.to_owned());
    let line =
        if key.is_empty() { name.into_bytes() } else { [name.as_bytes(), b" ", key].concat() };
    out.tell(Detail::Command {
        line: HostileText::from_bytes(&line),
        known: Some(head.name().is_some()),
    });
    if head.name().is_some_and(|(name, _)| name == "flush") {
        class(out, "deletion");
    }
    tell_value(value, out);
}

impl Session for MemcachedSession {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.buffer.extend_from_slice(bytes);
        self.go_on(now, out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        let rest = std::mem::take(&mut self.buffer);
        let mut held = match std::mem::replace(&mut self.state, State::Ending) {
            State::Block(Block { value, last, long, .. }) => {
                let mut held = long.unwrap_or_else(|| Capture::of(&value));
                held.feed(&last);
                held
            }
            State::Refused { content, .. }
            | State::LongBody { content, .. }
            | State::Over(content) => content,
            State::Body { body, .. } => Capture::of(&body),
            State::Begin | State::Line | State::Head | State::Ending => Capture::default(),
        };
        held.feed(&rest);
        if held.size() > 0 {
            out.tell(Detail::Payload(Box::new(held.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        let held = match &self.state {
            State::Block(Block { value, long, storing, .. }) => {
                value.len()
                    + storing.key.len()
                    + long.as_ref().map_or(0, |long| long.content().len())
            }
            State::Refused { content, .. }
            | State::LongBody { content, .. }
            | State::Over(content) => content.content().len(),
            State::Body { body, .. } => body.len(),
            State::Begin | State::Line | State::Head | State::Ending => 0,
        };
        self.buffer.len() + self.pending.len() + held
    }
}
