//! Packets of TDS ([MS-TDS], 2.2.3) put together to messages. What of a message is longer than the bound is not kept; a long hexadecimal literal in
//! it is decoded as it passes, for that is how programs are brought.

use kizashi_event::{Payload, PayloadOrigin};

use crate::capture::Capture;
use crate::windows::utf16;

pub(super) const BATCH: u8 = 1;
pub(super) const OLD_LOGIN: u8 = 2;
pub(super) const RPC: u8 = 3;
pub(super) const RESPONSE: u8 = 4;
pub(super) const ATTENTION: u8 = 6;
pub(super) const BULK: u8 = 7;
pub(super) const TRANSACTION: u8 = 14;
pub(super) const LOGIN: u8 = 16;
pub(super) const SSPI: u8 = 17;
pub(super) const PRELOGIN: u8 = 18;

/// Bytes of a header.
pub(super) const HEADER: usize = 8;
/// The longest packet that a client may ask for ([MS-TDS], 2.2.6.4).
const LONGEST_PACKET: usize = 32_767;
/// Bytes of a message that are kept.
pub(super) const KEPT: usize = 64 * 1024;
/// Bytes of a packet that the server sends, headers included, where none were agreed on.
const PACKET: usize = 4_096;
/// Bytes from which on a literal is told as content, and literals of one message.
const LITERAL: u64 = 64;
const MOST_LITERALS: usize = 4;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    More,
    Message(Box<Message>),
    /// No packet of TDS.
    Foreign,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    /// Its beginning, and how long it was.
    pub(super) content: Vec<u8>,
    pub(super) size: u64,
    /// Hexadecimal literals in it, decoded.
    pub(super) literals: Vec<Payload>,
}

/// Puts packets together.
#[derive(Default)]
pub(super) struct Reader {
    held: Vec<u8>,
    kind: Option<u8>,
    content: Vec<u8>,
    size: u64,
    scanner: Scanner,
}

impl Reader {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Incoming {
        loop {
            let Some(kind) = self.held.first().copied() else { return Incoming::More };
            let known = matches!(
                kind,
                BATCH | OLD_LOGIN | RPC | ATTENTION | BULK | TRANSACTION | LOGIN | SSPI | PRELOGIN
            );
            if !known || self.kind.is_some_and(|begun| begun != kind && kind != ATTENTION) {
                return Incoming::Foreign;
            }
            let Some(header) = self.held.first_chunk::<HEADER>() else { return Incoming::More };
            let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
            let last = header[1] & 1 != 0;
            if !(HEADER..=LONGEST_PACKET).contains(&length) {
                return Incoming::Foreign;
            }
            if self.held.len() < length {
                return Incoming::More;
            }
            let packet: Vec<u8> = self.held.drain(..length).skip(HEADER).collect();
            self.kind = Some(kind);
            self.size += packet.len() as u64;
            if matches!(kind, BATCH | RPC) {
                self.scanner.feed(&packet);
            }
            let room = KEPT - self.content.len();
            self.content.extend_from_slice(&packet[..packet.len().min(room)]);
            if last {
                self.kind = None;
                return Incoming::Message(Box::new(Message {
                    kind,
                    content: std::mem::take(&mut self.content),
                    size: std::mem::take(&mut self.size),
                    literals: self.scanner.take(),
                }));
            }
        }
    }

    /// What is left of bytes that make no message.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.content);
        rest.append(&mut self.held);
        rest
    }

    /// What is held of a packet that is not whole.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    pub(super) fn memory(&self) -> usize {
        self.held.capacity() + self.content.len() + self.scanner.memory()
    }
}

/// Finds `0x…` in text of one or two bytes a letter, wherever it begins.
#[derive(Default)]
struct Scanner {
    /// The letters before: whether one may begin here, and whether its `0` was there.
    inside_word: bool,
    zero: bool,
    half: Option<u8>,
    literal: Option<Capture>,
    found: Vec<Payload>,
}

impl Scanner {
    fn feed(&mut self, bytes: &[u8]) {
        let mut decoded = Vec::new();
        for byte in bytes.iter().copied().filter(|byte| *byte != 0) {
            if self.literal.is_some() {
                if let Some(digit) = char::from(byte).to_digit(16) {
                    let digit = u8::try_from(digit).unwrap_or(0);
                    match self.half.take() {
                        Some(high) => decoded.push(high << 4 | digit),
                        None => self.half = Some(digit),
                    }
                    continue;
                }
                self.end(&mut decoded);
            }
            let begins = self.zero && matches!(byte, b'x' | b'X');
            self.zero = byte == b'0' && !self.inside_word;
            self.inside_word = byte.is_ascii_alphanumeric();
            if begins {
                self.literal = Some(Capture::default());
            }
        }
        let room = self.room();
        if let Some(literal) = &mut self.literal {
            literal.feed_within(&decoded, room);
        }
    }

    /// Bytes of literals' content that may still be kept, all together.
    fn room(&self) -> usize {
        let found: usize = self.found.iter().map(|payload| payload.content.len()).sum();
        Capture::KEPT.saturating_sub(found)
    }

    fn end(&mut self, decoded: &mut Vec<u8>) {
        self.half = None;
        if let Some(mut literal) = self.literal.take() {
            literal.feed_within(decoded, self.room());
            decoded.clear();
            if literal.size() >= LITERAL && self.found.len() < MOST_LITERALS {
                self.found.push(literal.finish(PayloadOrigin::Sent));
            }
        }
    }

    fn take(&mut self) -> Vec<Payload> {
        self.end(&mut Vec::new());
        (self.zero, self.inside_word) = (false, false);
        std::mem::take(&mut self.found)
    }

    fn memory(&self) -> usize {
        let found: usize = self.found.iter().map(|payload| payload.content.len()).sum();
        found + self.literal.as_ref().map_or(0, |literal| literal.content().len())
    }
}

/// A message of the server's in packets of so many bytes.
pub(super) fn packets(kind: u8, content: &[u8], size: usize, process: u16) -> Vec<u8> {
    let size = size.clamp(512, LONGEST_PACKET) - HEADER;
    let mut bytes = Vec::with_capacity(content.len() + HEADER);
    let count = content.len().div_ceil(size).max(1);
    for number in 0..count {
        let piece = &content[number * size..content.len().min((number + 1) * size)];
        let length = u16::try_from(piece.len() + HEADER).unwrap_or(u16::MAX);
        bytes.extend([kind, u8::from(number + 1 == count)]);
        bytes.extend(length.to_be_bytes());
        bytes.extend(process.to_be_bytes());
        bytes.extend([u8::try_from((number + 1) % 256).unwrap_or(0), 0]);
        bytes.extend_from_slice(piece);
    }
    bytes
}

/// A message of a client's.
pub(super) fn packet(kind: u8, content: &[u8]) -> Vec<u8> {
    packets(kind, content, PACKET, 0)
}

/// Text with the headers that a batch has since TDS 7.2.
pub(super) fn headed(text: &str) -> Vec<u8> {
    let headers = b"\x16\0\0\0\x12\0\0\0\x02\0\0\0\0\0\0\0\0\0\x01\0\0\0";
    [&headers[..], &utf16(text)].concat()
}

/// Numbers and texts one after the other; what is not there is nothing.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A number of so many bytes, the lowest first.
    pub(super) fn number(&mut self, count: usize) -> Option<u64> {
        let bytes = self.take(count)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn length(&mut self, count: usize) -> Option<usize> {
        usize::try_from(self.number(count)?).ok()
    }
}
