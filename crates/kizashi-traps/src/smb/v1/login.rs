//! Agreeing on a dialect and logging in (MS-SMB 2.2.4.5, 2.2.4.6), with NTLMSSP and without. nmap and MS17-010's worms do without.

use super::signing::{MUST_SIGN, Signing};
use super::{EXTENDED, HEAD, Head, LONGEST, Part, Reply, Request, Version1, chain, text, written};
use crate::Output;
use crate::ntlm::{Acceptor, Answered, Step, offer};
use crate::rpc::Rights;
use crate::smb::bytes::{Fields, u8_at, u16_at};
use crate::smb::server::Server;
use crate::smb::status::{self, Status};
use crate::smb::v2::{Version2, multi_protocol};
use crate::windows::{file_time, utf16};

/// Dialects named by one client.
const MOST_DIALECTS: usize = 32;
/// Each user has a password of his own, and it is sent as an answer to a challenge; signatures are not announced, as by default.
const SECURITY: u8 = 0x03;
/// What Windows Server 2008 R2 and later can do, without NTLMSSP and with it.
const CAPABILITIES: u32 = 0x0001_f3fc;
const EXTENDED_SECURITY: u32 = 0x8000_0000;
/// Agreed without a dialect.
const NONE: u16 = 0xffff;

impl Version1 {
    /// `SMB_COM_NEGOTIATE`; version 2 takes over where the client names it.
    pub(super) fn negotiate(
        &mut self,
        message: &[u8],
        head: Head,
        server: &mut Server,
        version2: &mut Version2,
        out: &mut Output,
    ) -> Vec<u8> {
        let length = usize::from(u16_at(message, HEAD + 1).unwrap_or(0));
        let list = message.get(HEAD + 3..).unwrap_or_default();
        let list = &list[..list.len().min(length)];
        let names: Vec<String> = list
            .split(|byte| *byte == 0)
            .filter_map(|name| name.strip_prefix(b"\x02"))
            .take(MOST_DIALECTS)
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        server.note("smb1 dialects", &names.join(", "), out);
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        if place("SMB 2.002").is_some() || place("SMB 2.???").is_some() {
            return multi_protocol(version2, place("SMB 2.???").is_some(), server);
        }
        let Some(place) = place("NT LM 0.12") else {
            let part = Part::new(head.command, Fields::default().u16(NONE), Vec::new());
            return written(&head, status::OK, &[part]);
        };
        self.challenge = server.randomness.bytes();
        let extended = head.flags2 & EXTENDED != 0;
        let windows = &server.windows;
        let capabilities = CAPABILITIES | if extended { EXTENDED_SECURITY } else { 0 };
        let words = Fields::default()
            .short_length(place)
            .u8(SECURITY)
            .u16(50)
            .u16(1)
            .u32(LONGEST)
            .u32(65_536)
            .u32(0)
            .u32(capabilities)
            .u64(file_time(server.now))
            .u16(0)
            .u8(if extended { 0 } else { 8 });
        let bytes = if extended {
            [&windows.guid[..], &offer()].concat()
        } else {
            let nul = [0, 0];
            [&self.challenge[..], &utf16(windows.workgroup), &nul, &utf16(&windows.computer), &nul]
                .concat()
        };
        written(&head, status::OK, &[Part::new(head.command, words, bytes)])
    }

    /// `SMB_COM_SESSION_SETUP_ANDX`; the head's user becomes the session's number.
    pub(super) fn session_setup(
        &mut self,
        request: &Request<'_>,
        head: &mut Head,
        server: &mut Server,
        out: &mut Output,
    ) -> Reply {
        let done = match request.words.len() / 2 {
            12 => self.extended(request, head, server, out),
            13 => self.plain(request, head, server, out),
            _ => Err(status::INVALID_PARAMETER),
        };
        match done {
            Ok((status, part)) => Reply::Parts(status, vec![part]),
            Err(status) => {
                server.log_off(u64::from(head.user), out);
                Reply::Parts(status, Vec::new())
            }
        }
    }

    /// A session's number: the head's, or a new one of those that Windows gives out.
    fn user(head: &mut Head, server: &mut Server) -> Result<u64, Status> {
        if server.session(u64::from(head.user)).is_some() {
            return Ok(u64::from(head.user));
        }
        head.user = 0x0800 | u16::try_from(server.number() & 0x7ff).unwrap_or(0);
        server.begin_session(u64::from(head.user)).ok_or(status::REQUEST_NOT_ACCEPTED)
    }

    fn extended(
        &mut self,
        request: &Request<'_>,
        head: &mut Head,
        server: &mut Server,
        out: &mut Output,
    ) -> Result<(Status, Part), Status> {
        let length = usize::from(request.u16(14)?);
        let token = request.bytes.get(..length).ok_or(status::INVALID_PARAMETER)?;
        tell_client(request, length, server, out);
        let id = Self::user(head, server)?;
        let (windows, now, challenge) =
            (server.windows.clone(), server.now, server.randomness.bytes());
        let session = server.session(id).ok_or(status::REQUEST_NOT_ACCEPTED)?;
        let acceptor = session.acceptor.get_or_insert_with(|| Acceptor::new(challenge));
        let (status, guest, token) = match acceptor.receive(token, &windows, now) {
            Step::Unread => return Err(status::INVALID_PARAMETER),
            Step::Continue(token) => (status::MORE_PROCESSING_REQUIRED, false, token),
            Step::Answered(answered) => {
                let token = acceptor.completed(&answered);
                let rights = enter(id, &answered, server, out)?;
                self.begin_signing(head, rights, &answered, &[]);
                (status::OK, rights == Rights::Guest, token)
            }
        };
        let words = chain().u16(u16::from(guest)).short_length(token.len());
        let mut bytes = token;
        // The token, then text of wide characters: where it stands depends on both.
        if head.unicode() && (HEAD + 1 + words.0.len() + 2 + bytes.len()) % 2 == 1 {
            bytes.push(0);
        }
        bytes.extend(text(head, windows.release.native_system()));
        bytes.extend(text(head, windows.release.lan_manager()));
        Ok((status, Part::new(request.command, words, bytes)))
    }

    fn plain(
        &mut self,
        request: &Request<'_>,
        head: &mut Head,
        server: &mut Server,
        out: &mut Output,
    ) -> Result<(Status, Part), Status> {
        let (lm, nt) = (usize::from(request.u16(14)?), usize::from(request.u16(16)?));
        let answers = request.bytes.get(..lm + nt).ok_or(status::INVALID_PARAMETER)?;
        let (lm, nt) = answers.split_at(lm);
        let (user, next) = request.text(answers.len());
        let (domain, _) = request.text(next);
        tell_client(request, next, server, out);
        let id = Self::user(head, server)?;
        let answered = Answered::without_messages(self.challenge, (lm, nt), (&user, &domain));
        let rights = enter(id, &answered, server, out)?;
        self.begin_signing(head, rights, &answered, nt);
        let windows = server.windows.clone();
        let mut bytes = text(head, windows.release.native_system());
        bytes.extend(text(head, windows.release.lan_manager()));
        bytes.extend(text(head, windows.workgroup));
        let words = chain().u16(u16::from(rights == Rights::Guest));
        let padded = head.unicode();
        Ok((status::OK, Part { padded, ..Part::new(request.command, words, bytes) }))
    }
}

impl Version1 {
    /// From the first login on that is no guest's, where the client must have it.
    fn begin_signing(&mut self, head: &Head, rights: Rights, answered: &Answered, response: &[u8]) {
        if head.flags2 & MUST_SIGN != 0 && rights == Rights::Administrator && self.signing.is_none()
        {
            self.signing = Signing::of(answered, response);
        }
    }
}

fn enter(
    id: u64,
    answered: &Answered,
    server: &mut Server,
    out: &mut Output,
) -> Result<Rights, Status> {
    let rights = server.admit(answered, out).ok_or(status::LOGON_FAILURE)?;
    if let Some(session) = server.session(id) {
        session.acceptor = None;
        (session.rights, session.ready) = (rights, true);
        session.user.clone_from(&answered.user);
    }
    Ok(rights)
}

/// What a client says its system is, behind whatever stands before it.
fn tell_client(request: &Request<'_>, from: usize, server: &mut Server, out: &mut Output) {
    let from = if request.words.len() == 26 { request.text(from).1 } else { from };
    let (system, next) = request.text(from);
    let (manager, _) = request.text(next);
    if u8_at(system.as_bytes(), 0).is_some() {
        server.note("smb1 client", &format!("{system} / {manager}"), out);
    }
}
