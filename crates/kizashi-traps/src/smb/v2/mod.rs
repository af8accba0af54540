//! SMB 2.0.2 to 3.1.1 (MS-SMB2): a message's head, several messages in one, signatures. Which of them is spoken follows from the release of Windows:
//! 2008 R2 knows up to 2.1, 2012 R2 up to 3.0.2, 2016 up to 3.1.1. No share asks for encryption: who encrypts is answered so (`encryption.rs`).

mod access;
mod files;
mod negotiate;

use super::bytes::{Fields, slice, u16_at, u32_at, u64_at};
use super::encryption::{self, Cipher, Encryption};
use super::server::Server;
use super::signing::Signer;
use super::status::{self, Status};
use crate::Output;
use crate::windows::WindowsRelease;

pub(super) use negotiate::multi_protocol;

/// What each message begins with, and an encrypted and a compressed one.
pub(super) const SIGNATURE: [u8; 4] = *b"\xfeSMB";
pub(super) const ENCRYPTED: [u8; 4] = *b"\xfdSMB";
pub(super) const COMPRESSED: [u8; 4] = *b"\xfcSMB";

const HEAD: usize = 64;
/// Messages in one, at most.
const MOST_CHAINED: usize = 16;
/// Bytes that are read or written at once.
pub(super) const LONGEST: u32 = 0x1_0000;
/// Requests that wait for their answer, and bytes of one: a read has a body of 49.
const MOST_DEFERRED: usize = 16;
const LONGEST_DEFERRED: usize = 256;
/// Requests that a client may have under way.
const MOST_CREDITS: u16 = 64;

const FROM_SERVER: u32 = 1;
const LATER: u32 = 2;
const RELATED: u32 = 4;
const SIGNED: u32 = 8;

/// The newest version that a release knows.
const fn newest(release: WindowsRelease) -> u16 {
    match release {
        WindowsRelease::Server2008R2 => 0x0210,
        WindowsRelease::Server2012R2 => 0x0302,
        WindowsRelease::Server2016 => 0x0311,
    }
}

/// A message's head.
#[derive(Clone, Copy, Debug)]
struct Head {
    charge: u16,
    command: u16,
    credits: u16,
    flags: u32,
    next: usize,
    message: u64,
    /// The number of a request that is answered later, in the place of what follows.
    later: u64,
    tree: u32,
    session: u64,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(&SIGNATURE) || u16_at(bytes, 4)? != 64 || bytes.len() < HEAD {
            return None;
        }
        Some(Self {
            charge: u16_at(bytes, 6)?,
            command: u16_at(bytes, 12)?,
            credits: u16_at(bytes, 14)?,
            flags: u32_at(bytes, 16)?,
            next: usize::try_from(u32_at(bytes, 20)?).ok()?,
            message: u64_at(bytes, 24)?,
            later: u64_at(bytes, 32)?,
            tree: u32_at(bytes, 36)?,
            session: u64_at(bytes, 40)?,
        })
    }
}

/// A request: its head, and what follows.
struct Request<'a> {
    head: Head,
    /// From the head on, for a body's offsets are counted from there.
    whole: &'a [u8],
    body: &'a [u8],
}

impl Request<'_> {
    /// What stands at an offset from the head on.
    fn at(&self, offset: usize, length: usize) -> Result<&[u8], Status> {
        slice(self.whole, offset, length).ok_or(status::INVALID_PARAMETER)
    }

    fn u8(&self, at: usize) -> Result<u8, Status> {
        self.body.get(at).copied().ok_or(status::INVALID_PARAMETER)
    }

    fn u16(&self, at: usize) -> Result<u16, Status> {
        u16_at(self.body, at).ok_or(status::INVALID_PARAMETER)
    }

    fn u32(&self, at: usize) -> Result<u32, Status> {
        u32_at(self.body, at).ok_or(status::INVALID_PARAMETER)
    }

    fn u64(&self, at: usize) -> Result<u64, Status> {
        u64_at(self.body, at).ok_or(status::INVALID_PARAMETER)
    }

    fn length(&self, at: usize) -> Result<usize, Status> {
        usize::try_from(self.u32(at)?).map_err(|_| status::INVALID_PARAMETER)
    }
}

/// What is answered to one request.
struct Answer {
    status: Status,
    body: Vec<u8>,
}

type Answered = Result<Answer, Status>;

fn answer(body: Fields) -> Answered {
    Ok(Answer { status: status::OK, body: body.0 })
}

/// A refusal's body.
fn refusal(status: Status) -> Answer {
    Answer { status, body: Fields::default().u16(9).u16(0).u32(0).u8(0).0 }
}

/// A request that is answered later.
struct Deferred {
    head: Head,
    whole: Vec<u8>,
    /// It came encrypted.
    hidden: bool,
}

/// Keys of one session.
struct Keys {
    session: u64,
    signer: Signer,
    /// From 3.0 on, where the client can.
    encryption: Option<Encryption>,
}

/// Makes a reply one of a request that is answered later (3.3.4.2, 3.3.4.3), or the first word of that, which is not signed; both name it by a number, here its
/// message's.
fn later(mut reply: Vec<u8>, number: u64, first: bool) -> Vec<u8> {
    let flags = u32_at(&reply, 16).unwrap_or(0) | LATER;
    let flags = if first { flags & !SIGNED } else { flags };
    if let Some(field) = reply.get_mut(16..20) {
        field.copy_from_slice(&flags.to_le_bytes());
    }
    if let Some(field) = reply.get_mut(32..40) {
        field.copy_from_slice(&number.to_le_bytes());
    }
    if let Some(credits) = reply.get_mut(14..16).filter(|_| !first) {
        credits.fill(0);
    }
    reply
}

/// A connection in this version.
#[derive(Default)]
pub(super) struct Version2 {
    /// Agreed on; 0 before that.
    dialect: u16,
    /// The first answer was one to SMB1's question, and the client asks again.
    asked_again: bool,
    /// SHA-512 over what was said before there was a session (3.1.1).
    said: Vec<u8>,
    /// What a chained request may mean by "the same": session, tree, file.
    same: (u64, u32, u64),
    /// Of sessions that have any.
    keys: Vec<Keys>,
    /// Agreed on with the version.
    cipher: Option<Cipher>,
    /// The message in hand came encrypted: what is answered is not signed besides.
    hidden: bool,
    /// Reads of pipes in which there was nothing yet.
    deferred: Vec<Deferred>,
    /// What the client said of itself, for 3.0's proof that nobody changed it.
    client_guid: [u8; 16],
    client_capabilities: u32,
    client_security: u16,
}

impl Version2 {
    /// Takes a message; what is answered, or `None` where it was none.
    pub(super) fn receive(
        &mut self,
        message: &[u8],
        server: &mut Server,
        out: &mut Output,
    ) -> Option<Vec<u8>> {
        let mut rest = message;
        let mut replies: Vec<Vec<u8>> = Vec::new();
        for _ in 0..MOST_CHAINED {
            let head = Head::read(rest)?;
            let length = if head.next == 0 { rest.len() } else { head.next };
            let whole = rest.get(..length).filter(|whole| whole.len() >= HEAD)?;
            if let Some(reply) = self.request(head, whole, server, out) {
                replies.push(reply);
            }
            if head.next == 0 {
                break;
            }
            rest = &rest[length..];
        }
        Some(self.chained(replies))
    }

    /// Takes an encrypted message; what is answered is encrypted too.
    pub(super) fn receive_encrypted(
        &mut self,
        message: &[u8],
        server: &mut Server,
        out: &mut Output,
    ) -> Option<Vec<u8>> {
        let session = encryption::session_of(message)?;
        let opened = self.encryption(session)?.open(message)?;
        server.note("smb2", "encrypted", out);
        self.hidden = true;
        let reply = self.receive(&opened, server, out);
        self.hidden = false;
        reply.and_then(|reply| self.hide(session, reply))
    }

    /// Whether a reader waits.
    pub(super) const fn waits(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// Tries again what was deferred; the replies that can be made now, each a message.
    pub(super) fn deferred(&mut self, server: &mut Server, out: &mut Output) -> Vec<Vec<u8>> {
        let mut replies = Vec::new();
        for deferred in std::mem::take(&mut self.deferred) {
            self.hidden = deferred.hidden;
            let waiting = self.deferred.len();
            let mut reply = self.request(deferred.head, &deferred.whole, server, out);
            // It waits again, which was said already.
            reply = reply.filter(|_| self.deferred.len() == waiting);
            let reply = reply.map(|reply| later(reply, deferred.head.message, false));
            let whole = self.chained(reply.into_iter().collect());
            self.hidden = false;
            let session = deferred.head.session;
            let whole = if deferred.hidden { self.hide(session, whole) } else { Some(whole) };
            replies.extend(whole.filter(|whole| !whole.is_empty()));
        }
        replies
    }

    fn encryption(&mut self, session: u64) -> Option<&mut Encryption> {
        let keys = self.keys.iter_mut().find(|keys| keys.session == session)?;
        keys.encryption.as_mut()
    }

    /// A reply in the form of an encrypted message; nothing is said where nothing was to be.
    fn hide(&mut self, session: u64, reply: Vec<u8>) -> Option<Vec<u8>> {
        if reply.is_empty() {
            return Some(reply);
        }
        self.encryption(session)?.seal(session, reply)
    }

    /// One message of several: each but the last padded, and telling where the next begins; signed after that.
    fn chained(&self, replies: Vec<Vec<u8>>) -> Vec<u8> {
        let last = replies.len().saturating_sub(1);
        let mut bytes = Vec::new();
        for (at, mut reply) in replies.into_iter().enumerate() {
            if at < last {
                reply.resize(reply.len().next_multiple_of(8), 0);
                let next = u32::try_from(reply.len()).unwrap_or(0).to_le_bytes();
                reply[20..24].copy_from_slice(&next);
            }
            let signed = u32_at(&reply, 16).is_some_and(|flags| flags & SIGNED != 0);
            let session = u64_at(&reply, 40).unwrap_or(0);
            let keys = self.keys.iter().find(|keys| keys.session == session);
            if let Some(keys) = keys.filter(|_| signed) {
                let signature = keys.signer.sign(&reply);
                reply[48..64].copy_from_slice(&signature);
            }
            bytes.extend(reply);
        }
        bytes
    }

    fn request(
        &mut self,
        mut head: Head,
        whole: &[u8],
        server: &mut Server,
        out: &mut Output,
    ) -> Option<Vec<u8>> {
        if head.flags & RELATED != 0 {
            (head.session, head.tree) = (self.same.0, self.same.1);
        } else {
            self.same = (head.session, head.tree, u64::MAX);
        }
        let request = Request { head, whole, body: &whole[HEAD..] };
        let answered = match head.command {
            0 => self.negotiate(&request, server, out),
            // Before anything else is agreed on, nothing else is heard.
            _ if self.dialect == 0 => Err(status::INVALID_PARAMETER),
            1 => return Some(self.session_setup(&request, server, out)),
            2 => {
                server.log_off(head.session, out);
                answer(Fields::default().u16(4).u16(0))
            }
            3 => return Some(self.tree_connect(&request, server, out)),
            4 => {
                server.disconnect(head.tree, out);
                answer(Fields::default().u16(4).u16(0))
            }
            12 => return self.cancel(head),
            13 => answer(Fields::default().u16(4).u16(0)),
            command => self.on_tree(command, &request, server, out),
        };
        if matches!(answered, Err(status::PENDING)) {
            let alone = head.flags & RELATED == 0 && head.next == 0;
            let room = whole.len() <= LONGEST_DEFERRED && self.deferred.len() < MOST_DEFERRED;
            if alone && room {
                let (whole, hidden) = (whole.to_vec(), self.hidden);
                self.deferred.push(Deferred { head, whole, hidden });
                let waits = refusal(status::PENDING);
                let reply = self.reply(&request, &waits, head.session, head.tree);
                return Some(later(reply, head.message, true));
            }
            let empty = refusal(status::PIPE_EMPTY);
            return Some(self.reply(&request, &empty, head.session, head.tree));
        }
        Some(self.reply(&request, &answered.unwrap_or_else(refusal), head.session, head.tree))
    }

    /// Takes a deferred request back; others were answered already.
    fn cancel(&mut self, head: Head) -> Option<Vec<u8>> {
        let number = if head.flags & LATER == 0 { head.message } else { head.later };
        let same = |deferred: &Deferred| deferred.head.message == number;
        let found = self.deferred.iter().position(same)?;
        let Deferred { head, whole, .. } = self.deferred.remove(found);
        let request = Request { head, whole: &whole, body: &whole[HEAD..] };
        let cancelled = refusal(status::CANCELLED);
        let reply = self.reply(&request, &cancelled, head.session, head.tree);
        Some(later(reply, head.message, false))
    }

    fn on_tree(
        &mut self,
        command: u16,
        request: &Request<'_>,
        server: &mut Server,
        out: &mut Output,
    ) -> Answered {
        let session = request.head.session;
        if !server.session(session).is_some_and(|found| found.ready) {
            return Err(status::USER_SESSION_DELETED);
        }
        match command {
            5 => self.create(request, server, out),
            6 => self.close(request, server, out),
            7 => {
                self.opened(request, 8, server)?;
                answer(Fields::default().u16(4).u16(0))
            }
            8 => self.read(request, server),
            9 => self.write(request, server, out),
            10 => answer(Fields::default().u16(4).u16(0)),
            11 => self.control(request, server, out),
            14 => self.query_directory(request, server),
            15 => Err(status::NOT_IMPLEMENTED),
            16 => self.query_info(request, server),
            17 => self.set_info(request, server, out),
            _ => Err(status::INVALID_PARAMETER),
        }
    }

    /// A reply; its signature is still to come where the request had one.
    fn reply(&self, request: &Request<'_>, answer: &Answer, session: u64, tree: u32) -> Vec<u8> {
        let head = request.head;
        let known = !self.hidden && self.keys.iter().any(|keys| keys.session == session);
        let signed = if known { head.flags & SIGNED } else { 0 };
        let credits = head.credits.clamp(1, MOST_CREDITS);
        Fields::default()
            .raw(&SIGNATURE)
            .u16(64)
            .u16(head.charge)
            .u32(answer.status)
            .u16(head.command)
            .u16(credits)
            .u32(FROM_SERVER | signed | (head.flags & RELATED))
            .u32(0)
            .u64(head.message)
            .u32(0xfeff)
            .u32(tree)
            .u64(session)
            .raw(&[0; 16])
            .raw(&answer.body)
            .0
    }
}

impl Version2 {
    /// As it is when the newest version was agreed on, for a fuzzer.
    pub(super) fn agreed() -> Self {
        Self { dialect: 0x0210, ..Self::default() }
    }
}
