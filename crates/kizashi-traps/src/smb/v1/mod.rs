//! SMB1 (MS-CIFS, MS-SMB), dialect `NT LM 0.12`: what worms of MS17-010 speak, and scanners that look for it. A message's head, commands that are
//! chained to others, and what each is answered with.

mod exploit;
mod files;
mod login;
mod signing;
mod transaction;

use super::bytes::{Fields, u16_at, u32_at};
use super::server::Server;
use super::status::{self, Status};
use super::v2::Version2;
use crate::Output;
use crate::windows::{from_utf16, utf16};
use signing::Signing;

pub(super) const SIGNATURE: [u8; 4] = *b"\xffSMB";

const HEAD: usize = 32;
/// Commands in one message.
const MOST_CHAINED: usize = 8;
/// Bytes that a client may send in one message, as Windows says.
const LONGEST: u32 = 16_644;

/// Bits of a head's second flags.
const UNICODE: u16 = 0x8000;
const NT_STATUS: u16 = 0x4000;
const EXTENDED: u16 = 0x0800;

/// A message's head.
#[derive(Clone, Copy, Debug)]
struct Head {
    command: u8,
    flags: u8,
    flags2: u16,
    pid_high: u16,
    tree: u16,
    pid: u16,
    user: u16,
    multiplex: u16,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(&SIGNATURE) || bytes.len() < HEAD {
            return None;
        }
        Some(Self {
            command: bytes[4],
            flags: bytes[9],
            flags2: u16_at(bytes, 10)?,
            pid_high: u16_at(bytes, 12)?,
            tree: u16_at(bytes, 24)?,
            pid: u16_at(bytes, 26)?,
            user: u16_at(bytes, 28)?,
            multiplex: u16_at(bytes, 30)?,
        })
    }

    const fn unicode(&self) -> bool {
        self.flags2 & UNICODE != 0
    }
}

/// A command: its words and its bytes.
#[derive(Clone, Copy)]
struct Request<'a> {
    head: Head,
    /// From the head on, for offsets are counted from there.
    whole: &'a [u8],
    command: u8,
    words: &'a [u8],
    bytes: &'a [u8],
    /// Where `bytes` begin.
    at: usize,
}

impl<'a> Request<'a> {
    /// Words and bytes at this place.
    fn read(head: Head, command: u8, whole: &'a [u8], at: usize) -> Option<Self> {
        let count = usize::from(*whole.get(at)?);
        let words = whole.get(at + 1..)?.get(..count * 2)?;
        let start = at + 1 + count * 2;
        let length = usize::from(u16_at(whole, start).unwrap_or(0));
        let rest = whole.get(start + 2..).unwrap_or_default();
        // What says less than there is is believed as far as there is more: exploits lie here.
        let bytes = &rest[..rest.len().min(length)];
        Some(Self { head, whole, command, words, bytes, at: start + 2 })
    }

    fn u16(&self, at: usize) -> Result<u16, Status> {
        u16_at(self.words, at).ok_or(status::INVALID_PARAMETER)
    }

    fn u32(&self, at: usize) -> Result<u32, Status> {
        u32_at(self.words, at).ok_or(status::INVALID_PARAMETER)
    }

    fn u8(&self, at: usize) -> Result<u8, Status> {
        self.words.get(at).copied().ok_or(status::INVALID_PARAMETER)
    }

    /// Text that begins at this place of the bytes and ends with NUL or with them; where the next begins.
    fn text(&self, from: usize) -> (String, usize) {
        if !self.head.unicode() {
            let rest = self.bytes.get(from..).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
            return (String::from_utf8_lossy(&rest[..end]).into_owned(), from + end + 1);
        }
        // Wide characters are aligned, counted from the head.
        let from = from + (self.at + from) % 2;
        let rest = self.bytes.get(from..).unwrap_or_default();
        let pairs = rest.chunks_exact(2);
        let end = pairs.clone().position(|pair| pair == [0, 0]).unwrap_or(pairs.len()) * 2;
        (from_utf16(&rest[..end]), from + end + 2)
    }
}

/// What is answered to one command.
struct Part {
    command: u8,
    words: Vec<u8>,
    bytes: Vec<u8>,
    /// Bytes begin with text of wide characters, which is aligned by a byte before it.
    padded: bool,
}

impl Part {
    fn new(command: u8, words: Fields, bytes: Vec<u8>) -> Self {
        Self { command, words: words.0, bytes, padded: false }
    }
}

/// How one command went.
type Done = Result<(Status, Part), Status>;

/// What a whole message is answered with.
enum Reply {
    Parts(Status, Vec<Part>),
    /// A reply that was made whole.
    Whole(Vec<u8>),
    Nothing,
}

/// What a connection in this version remembers.
#[derive(Default)]
pub(super) struct Version1 {
    /// Of the first answer, where a client does without NTLMSSP.
    challenge: [u8; 8],
    exploit: exploit::Exploit,
    signing: Option<Signing>,
}

impl Version1 {
    pub(super) fn memory(&self) -> usize {
        self.exploit.memory() + self.signing.as_ref().map_or(0, Signing::memory)
    }

    pub(super) fn end(&mut self, out: &mut Output) {
        self.exploit.end(out);
    }

    /// Takes a message; what is answered, or `None` where it was none.
    pub(super) fn receive(
        &mut self,
        message: &[u8],
        server: &mut Server,
        version2: &mut Version2,
        out: &mut Output,
    ) -> Option<Vec<u8>> {
        let mut reply = self.answer(message, server, version2, out)?;
        if let Some(signing) = &mut self.signing {
            signing.sign(&mut reply);
        }
        Some(reply)
    }

    fn answer(
        &mut self,
        message: &[u8],
        server: &mut Server,
        version2: &mut Version2,
        out: &mut Output,
    ) -> Option<Vec<u8>> {
        let head = Head::read(message)?;
        let mut head = head;
        if head.command == 0x72 {
            return Some(self.negotiate(message, head, server, version2, out));
        }
        let mut parts = Vec::new();
        let (mut command, mut at) = (head.command, HEAD);
        let mut went = status::OK;
        for _ in 0..MOST_CHAINED {
            let Some(request) = Request::read(head, command, message, at) else {
                went = status::INVALID_PARAMETER;
                break;
            };
            match self.command(&request, &mut head, server, out) {
                Reply::Nothing => return Some(Vec::new()),
                Reply::Whole(bytes) => return Some(bytes),
                Reply::Parts(status, more) => {
                    went = status;
                    parts.extend(more);
                }
            }
            let chained = is_chained(command) && went == status::OK;
            let next = request.words.first().copied().unwrap_or(0xff);
            let place = u16_at(request.words, 2).map_or(0, usize::from);
            if !chained || next == 0xff || place <= at {
                break;
            }
            (command, at) = (next, place);
        }
        Some(written(&head, went, &parts))
    }

    fn command(
        &mut self,
        request: &Request<'_>,
        head: &mut Head,
        server: &mut Server,
        out: &mut Output,
    ) -> Reply {
        let done = match request.command {
            0x73 => return self.session_setup(request, head, server, out),
            0x74 => {
                server.log_off(u64::from(head.user), out);
                Ok((status::OK, Part::new(0x74, chain(), Vec::new())))
            }
            0x75 => files::tree_connect(request, head, server, out),
            0x2b => {
                let echo = Part::new(0x2b, Fields::default().u16(1), request.bytes.to_vec());
                Ok((status::OK, echo))
            }
            // DoublePulsar hides in this, whoever is logged in.
            0x32 if transaction::is_session_setup(request) => {
                return self.exploit.ping(request, server, out);
            }
            0x26 | 0x33 | 0xa1 => return self.exploit.secondary(request, server, out),
            0xa0 => return self.exploit.begins(request, server, out),
            _ => files::on_tree(request, head, server, out),
        };
        match done {
            Ok((status, part)) => Reply::Parts(status, vec![part]),
            Err(status) => Reply::Parts(status, Vec::new()),
        }
    }
}

/// Commands that others may be chained to.
const fn is_chained(command: u8) -> bool {
    matches!(command, 0x24 | 0x2d | 0x2e | 0x2f | 0x73 | 0x74 | 0x75 | 0xa2)
}

/// The first words of such a command's answer; where the next stands is written when it is known.
fn chain() -> Fields {
    Fields::default().u8(0xff).u8(0).u16(0)
}

/// Text as this client writes it, with its NUL.
fn text(head: &Head, text: &str) -> Vec<u8> {
    let mut bytes = if head.unicode() { utf16(text) } else { text.as_bytes().to_vec() };
    bytes.push(0);
    if head.unicode() {
        bytes.push(0);
    }
    bytes
}

/// A reply's head.
fn head_of(head: &Head, status: Status) -> Vec<u8> {
    Fields::default()
        .raw(&SIGNATURE)
        .u8(head.command)
        .u32(status)
        .u8(0x98 & (0x88 | head.flags))
        .u16((head.flags2 & (UNICODE | EXTENDED)) | NT_STATUS | 1 | (head.flags2 & 2))
        .u16(head.pid_high)
        .raw(&[0; 10])
        .u16(head.tree)
        .u16(head.pid)
        .u16(head.user)
        .u16(head.multiplex)
        .0
}

/// A reply of several parts, each telling where the next stands.
fn written(head: &Head, status: Status, parts: &[Part]) -> Vec<u8> {
    let mut bytes = head_of(head, status);
    if parts.is_empty() {
        bytes.extend([0, 0, 0]);
        return bytes;
    }
    let mut before: Option<usize> = None;
    for part in parts {
        let start = bytes.len();
        if let Some(before) = before {
            let place = u16::try_from(start).unwrap_or(0).to_le_bytes();
            bytes[before + 1] = part.command;
            bytes[before + 3..before + 5].copy_from_slice(&place);
        }
        bytes.push(u8::try_from(part.words.len() / 2).unwrap_or(0));
        bytes.extend(&part.words);
        let data = bytes.len() + 2;
        let pad = usize::from(part.padded && data % 2 == 1);
        let length = u16::try_from(part.bytes.len() + pad).unwrap_or(0);
        bytes.extend(length.to_le_bytes());
        bytes.resize(bytes.len() + pad, 0);
        bytes.extend(&part.bytes);
        before = is_chained(part.command).then_some(start);
    }
    bytes
}

#[cfg(test)]
pub(in crate::smb) use exploit::key as key_of;
