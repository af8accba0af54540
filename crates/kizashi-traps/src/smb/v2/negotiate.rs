//! Agreeing on a version and logging in (MS-SMB2 2.2.3 to 2.2.6).

use sha2::{Digest as _, Sha512};

use super::{Answer, Answered, Keys, LONGEST, Request, Version2, newest, refusal};
use crate::Output;
use crate::ntlm::{Acceptor, Key, Step, offer};
use crate::rpc::Rights;
use crate::smb::bytes::{Fields, u16_at, u32_at};
use crate::smb::encryption::{Cipher, Encryption};
use crate::smb::server::Server;
use crate::smb::signing::Signer;
use crate::smb::status::{self, Status};
use crate::windows::file_time;

/// Versions that there are.
const DIALECTS: [u16; 5] = [0x0202, 0x0210, 0x0300, 0x0302, 0x0311];
/// "Any of 2": what a question of SMB1's is answered with.
const WILDCARD: u16 = 0x02ff;
/// Signatures are made where they are wanted.
const SIGNING: u16 = 1;
const SIGNING_REQUIRED: u8 = 2;
/// A distributed file system; and that 3.0 and 3.0.2 can encrypt.
const CAPABILITIES: u32 = 0x01;
const ENCRYPTS: u32 = 0x40;
/// Of the head's flags.
const SIGNED_BYTE: u8 = 8;
/// Sessions whose keys are kept.
const MOST_KEYS: usize = 16;
/// Ciphers of a client that are looked at.
const MOST_CIPHERS: usize = 16;
const GUEST: u16 = 1;
const NULL: u16 = 2;

/// The answer to SMB1's question, where that names version 2 too.
pub(in crate::smb) fn multi_protocol(
    version: &mut Version2,
    any: bool,
    server: &Server,
) -> Vec<u8> {
    let dialect = if any { WILDCARD } else { 0x0202 };
    version.asked_again = any;
    version.dialect = if any { 0 } else { dialect };
    let body = version.offered(dialect, &(0, Vec::new()), server);
    Fields::default()
        .raw(&super::SIGNATURE)
        .u16(64)
        .raw(&[0; 6])
        .u16(0)
        .u16(1)
        .u32(super::FROM_SERVER)
        .raw(&[0; 44])
        .raw(&body)
        .0
}

/// SHA-512 over what was said before and this.
fn said(before: &[u8], message: &[u8]) -> Vec<u8> {
    let zeros = [0; 64];
    let before = if before.is_empty() { &zeros[..] } else { before };
    Sha512::digest([before, message].concat()).to_vec()
}

impl Version2 {
    /// What the server can do in the version agreed on; 3.1.1 tells its cipher in a context.
    const fn capabilities(&self) -> u32 {
        match (self.dialect, self.cipher) {
            (0x0300 | 0x0302, Some(_)) => CAPABILITIES | ENCRYPTS,
            _ => CAPABILITIES,
        }
    }

    /// What the server says of itself.
    fn offered(
        &self,
        dialect: u16,
        (count, contexts): &(u16, Vec<u8>),
        server: &Server,
    ) -> Vec<u8> {
        let token = offer();
        let windows = &server.windows;
        let offset = if contexts.is_empty() { 0 } else { (128 + token.len()).next_multiple_of(8) };
        let mut fields = Fields::default()
            .u16(65)
            .u16(SIGNING)
            .u16(dialect)
            .u16(*count)
            .raw(&windows.guid)
            .u32(self.capabilities())
            .u32(LONGEST)
            .u32(LONGEST)
            .u32(LONGEST)
            .u64(file_time(server.now))
            .u64(file_time(windows.started(server.now)))
            .u16(128)
            .short_length(token.len())
            .length(offset)
            .raw(&token);
        if offset > 0 {
            fields.0.resize(offset - 64, 0);
            fields = fields.raw(contexts);
        }
        fields.0
    }

    pub(super) fn negotiate(
        &mut self,
        request: &Request<'_>,
        server: &mut Server,
        out: &mut Output,
    ) -> Answered {
        if self.dialect != 0 && !self.asked_again {
            return Err(status::INVALID_PARAMETER);
        }
        let count = usize::from(request.u16(2)?).min(64);
        let asked: Vec<u16> = (0..count).filter_map(|at| request.u16(36 + at * 2).ok()).collect();
        let shown: Vec<String> = asked.iter().map(|dialect| format!("{dialect:04x}")).collect();
        server.note("smb2 dialects", &shown.join(" "), out);
        let contexts = contexts(request, &asked);
        if let Some(contexts) = &contexts {
            server.note("smb2 contexts", &contexts.kinds, out);
        }
        let newest = newest(server.windows.release);
        let known = |dialect: &u16| *dialect <= newest && asked.contains(dialect);
        let Some(dialect) = DIALECTS.into_iter().rev().find(known) else {
            return Err(status::NOT_SUPPORTED);
        };
        (self.dialect, self.asked_again) = (dialect, false);
        self.client_security = request.u16(4)?;
        self.client_capabilities = request.u32(8)?;
        if let Some(guid) = request.body.get(12..28) {
            self.client_guid.copy_from_slice(guid);
        }
        self.cipher = match dialect {
            0x0300 | 0x0302 if self.client_capabilities & ENCRYPTS != 0 => Some(Cipher::Ccm),
            0x0311 => contexts.and_then(|contexts| Cipher::first_known(contexts.ciphers)),
            _ => None,
        };
        let contexts = if dialect == 0x0311 { self.contexts(server) } else { (0, Vec::new()) };
        let body = self.offered(dialect, &contexts, server);
        let answered = Answer { status: status::OK, body };
        if dialect == 0x0311 {
            let asked = said(&[], request.whole);
            let reply = self.reply(request, &answered, request.head.session, request.head.tree);
            self.said = said(&asked, &reply);
        }
        Ok(answered)
    }

    /// What 3.1.1 says besides, and how many of it there are.
    fn contexts(&self, server: &mut Server) -> (u16, Vec<u8>) {
        let salt: [u8; 32] = server.randomness.bytes();
        // Integrity before there is a key: SHA-512.
        let mut fields = Fields::default().u16(1).u16(38).u32(0).u16(1).u16(32).u16(1).raw(&salt);
        let Some(cipher) = self.cipher else { return (1, fields.0) };
        fields.0.resize(fields.0.len().next_multiple_of(8), 0);
        (2, fields.u16(2).u16(4).u32(0).u16(1).u16(cipher as u16).0)
    }

    /// Answers with its own session's number, whatever the request had.
    pub(super) fn session_setup(
        &mut self,
        request: &Request<'_>,
        server: &mut Server,
        out: &mut Output,
    ) -> Vec<u8> {
        let mut id = request.head.session;
        if id == 0 {
            // As Windows numbers them: 2008 R2 and later begin high, and go on by four.
            let number = server.number();
            id = server.begin_session(0x0000_0400_0000_0001 + number * 4).unwrap_or(0);
        }
        let answered = self.logs_in(id, request, server, out);
        let (answer, signs) = match answered {
            Ok(answered) => answered,
            Err(status) => {
                server.log_off(id, out);
                (refusal(status), false)
            }
        };
        let goes_on = answer.status == status::MORE_PROCESSING_REQUIRED;
        let mut reply = self.reply(request, &answer, id, 0);
        if signs {
            reply[16] |= SIGNED_BYTE;
        }
        if goes_on && let Some(session) = server.session(id) {
            session.said = said(&session.said, &reply);
        }
        reply
    }

    /// What is answered, and whether it is signed.
    fn logs_in(
        &mut self,
        id: u64,
        request: &Request<'_>,
        server: &mut Server,
        out: &mut Output,
    ) -> Result<(Answer, bool), Status> {
        let (offset, length) = (usize::from(request.u16(12)?), usize::from(request.u16(14)?));
        let token = request.at(offset, length)?.to_vec();
        let (windows, now, challenge) =
            (server.windows.clone(), server.now, server.randomness.bytes());
        let before = self.said.clone();
        let begin = self.cipher.map_or(0, |_| u64::from_le_bytes(server.randomness.bytes()));
        let Some(session) = server.session(id) else {
            return Err(if id == 0 {
                status::REQUEST_NOT_ACCEPTED
            } else {
                status::USER_SESSION_DELETED
            });
        };
        if session.said.is_empty() {
            session.said = before;
        }
        session.said = said(&session.said, request.whole);
        let acceptor = session.acceptor.get_or_insert_with(|| Acceptor::new(challenge));
        match acceptor.receive(&token, &windows, now) {
            Step::Unread => Err(status::INVALID_PARAMETER),
            Step::Continue(token) => {
                let body = setup(0, &token).0;
                Ok((Answer { status: status::MORE_PROCESSING_REQUIRED, body }, false))
            }
            Step::Answered(answered) => {
                let token = acceptor.completed(&answered);
                let rights = server.admit(&answered, out).ok_or(status::LOGON_FAILURE)?;
                let dialect = self.dialect;
                let Some(session) = server.session(id) else {
                    return Err(status::USER_SESSION_DELETED);
                };
                session.acceptor = None;
                (session.rights, session.ready) = (rights, true);
                session.user.clone_from(&answered.user);
                // Without a key nothing can be signed, and a guest is told that he is one.
                let flags = match (rights, answered.session_key) {
                    (Rights::Nobody, _) => NULL,
                    (Rights::Guest, _) | (_, None) => GUEST,
                    _ => 0,
                };
                if let Some(key) = answered.session_key.filter(|_| flags == 0) {
                    let said = (dialect == 0x0311).then(|| session.said.clone());
                    self.keep_keys(id, &key, said.as_deref(), begin);
                }
                let wanted = request.u8(3)? & SIGNING_REQUIRED != 0 || dialect >= 0x0300;
                let signs = wanted && self.keys.iter().any(|keys| keys.session == id);
                Ok((Answer { status: status::OK, body: setup(flags, &token).0 }, signs))
            }
        }
    }

    /// Makes what follows from a session's key.
    fn keep_keys(&mut self, session: u64, key: &Key, said: Option<&[u8]>, begin: u64) {
        let signer = if self.dialect < 0x0300 {
            Signer::version_2(*key)
        } else {
            Signer::version_3(key, said)
        };
        let encryption = self.cipher.map(|cipher| Encryption::new(cipher, key, said, begin));
        self.keys.retain(|keys| keys.session != session);
        self.keys.push(Keys { session, signer, encryption });
        // Of sessions that ended long ago nothing is signed any more.
        if self.keys.len() > MOST_KEYS {
            self.keys.remove(0);
        }
    }

    /// What 3.0 asks again under a signature, to know that nobody between changed it.
    pub(super) fn validated(&self, server: &Server) -> Vec<u8> {
        Fields::default()
            .u32(self.capabilities())
            .raw(&server.windows.guid)
            .u16(SIGNING)
            .u16(self.dialect)
            .0
    }
}

fn setup(flags: u16, token: &[u8]) -> Fields {
    Fields::default().u16(9).u16(flags).u16(72).short_length(token.len()).raw(token)
}

/// What a client says in 3.1.1 besides.
struct Contexts {
    /// What there is: what looks for CVE-2020-0796 asks for compression here.
    kinds: String,
    /// The client's, what it likes best first.
    ciphers: Vec<u16>,
}

/// The contexts that come with 3.1.1.
fn contexts(request: &Request<'_>, asked: &[u16]) -> Option<Contexts> {
    asked.contains(&0x0311).then_some(())?;
    let mut at = usize::try_from(request.u32(28).ok()?).ok()?;
    let count = request.u16(32).ok()?.min(16);
    let (mut kinds, mut ciphers) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let kind = u16_at(request.whole, at)?;
        let length = usize::from(u16_at(request.whole, at + 2)?);
        u32_at(request.whole, at + 4)?;
        kinds.push(match kind {
            1 => "integrity".to_owned(),
            2 => {
                let named = request.whole.get(at + 10..at + 8 + length).unwrap_or_default();
                let pairs = named.chunks_exact(2).take(MOST_CIPHERS);
                ciphers.extend(pairs.map(|pair| u16::from_le_bytes([pair[0], pair[1]])));
                "encryption".to_owned()
            }
            3 => "compression".to_owned(),
            5 => "name".to_owned(),
            8 => "signing".to_owned(),
            other => other.to_string(),
        });
        at = (at + 8 + length).next_multiple_of(8);
    }
    Some(Contexts { kinds: kinds.join(" "), ciphers })
}
