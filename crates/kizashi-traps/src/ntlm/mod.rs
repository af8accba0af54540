//! NTLMSSP (MS-NLMP), bare or within SPNEGO: how a visitor to a Windows service proves who he is. An [`Acceptor`] makes one challenge and reads
//! one answer; [`Answered`] says who it was, the answer as hashcat takes it (modes 5500 and 5600), and the password where a list of common
//! ones has it. With the password the session's key is known, so that a service can go on signing and sealing ([`Seal`]).
//! What is not done: Kerberos, and the check of a message's MIC, which protects a server that we are not.

mod digest;
mod message;
mod password;
mod seal;
mod spnego;

#[cfg(test)]
pub(crate) mod client;
#[cfg(test)]
mod tests;

use kizashi_event::{Detail, HostileText, Timestamp};

pub(crate) use digest::{Key, Rc4, md5};
use message::{Authenticate, Negotiate, Version};
pub(crate) use password::Kind;
pub(crate) use seal::{SIGNATURE, Seal, Side};
pub(crate) use spnego::offer;
use spnego::{State, Token};

use crate::hexadecimal::hexadecimal;
use crate::windows::Windows;
use crate::{Identity, Output, Visit};

/// Bytes of a token taken.
pub(crate) const LONGEST_TOKEN: usize = message::LONGEST + 1024;
/// Bytes of an answer's rest that are written for hashcat: it takes no more, and with its names a line stays below a text's bound.
const LONGEST_REST: usize = 1024;
/// A name's characters in such a line.
const LONGEST_NAME: usize = 128;

/// One handshake: made when a visitor begins, dropped when he was answered.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    challenge: [u8; 8],
    granted: u32,
    begun: bool,
    wrapped: bool,
    mechanisms: Vec<u8>,
}

/// What comes of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send this token and wait for the next. The visitor may have said his names already.
    Continue(Vec<u8>),
    /// The visitor has answered; [`Acceptor::completed`] and [`Acceptor::rejected`] make the last token.
    Answered(Box<Answered>),
    /// No such token, or out of turn.
    Unread,
}

/// Who answered a challenge, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) user: String,
    pub(crate) domain: String,
    pub(crate) workstation: String,
    /// The client's own version of Windows, or what it says instead.
    pub(crate) version: Option<Version>,
    pub(crate) kind: Kind,
    /// The password, where a list has it.
    pub(crate) password: Option<String>,
    /// Challenge and answer for hashcat.
    pub(crate) hashcat: Option<HostileText>,
    /// The exported session key: known with the password, and zero for nobody.
    pub(crate) session_key: Option<Key>,
    /// Options of the answer.
    pub(crate) flags: u32,
    /// The visitor signed his list of mechanisms and expects the same.
    signs_mechanisms: bool,
}

impl Acceptor {
    /// A handshake with this challenge, which should be random.
    pub(crate) const fn new(challenge: [u8; 8]) -> Self {
        Self { challenge, granted: 0, begun: false, wrapped: false, mechanisms: Vec::new() }
    }

    /// Takes the visitor's token.
    pub(crate) fn receive(&mut self, token: &[u8], windows: &Windows, now: Timestamp) -> Step {
        let Some(token) = Token::read(token).filter(|_| token.len() <= LONGEST_TOKEN) else {
            return Step::Unread;
        };
        self.wrapped |= token.wrapped;
        if !token.mechanisms.is_empty() {
            self.mechanisms = token.mechanisms.to_vec();
        }
        let Some(message) = token.message else {
            // He hoped for Kerberos or NEGOEX, and is told what there is.
            let hopes = token.wrapped && !self.begun;
            let reply = || spnego::reply(State::Incomplete, &[], None);
            return if hopes { Step::Continue(reply()) } else { Step::Unread };
        };
        if let Some(negotiate) = Negotiate::read(message) {
            let (reply, granted) =
                message::challenge(windows, negotiate.flags, self.challenge, now);
            (self.granted, self.begun) = (granted, true);
            let wrapped = || spnego::reply(State::Incomplete, &reply, None);
            return Step::Continue(if self.wrapped { wrapped() } else { reply });
        }
        let answer = Authenticate::read(message, self.granted).filter(|_| self.begun);
        answer.map_or(Step::Unread, |answer| {
            self.begun = false;
            Step::Answered(Box::new(self.judge(answer, token.signature.is_some())))
        })
    }

    fn judge(&self, message: Authenticate, signs_mechanisms: bool) -> Answered {
        let kind = Kind::of(&message);
        let tried = password::tried(&message, &self.challenge);
        let session_key = match (&tried, kind) {
            (Some((_, hash)), _) => Some(password::session_key(hash, &message, &self.challenge)),
            (None, Kind::Anonymous) => Some(password::exchanged(Key::default(), &message)),
            _ => None,
        };
        Answered {
            kind,
            hashcat: hashcat(&message, kind, &self.challenge),
            password: tried.map(|(password, _)| password),
            session_key,
            flags: message.flags,
            version: message.version,
            user: message.user,
            domain: message.domain,
            workstation: message.workstation,
            signs_mechanisms,
        }
    }

    /// The last token for a visitor who is let in; empty where he speaks NTLMSSP bare.
    pub(crate) fn completed(&self, answered: &Answered) -> Vec<u8> {
        if !self.wrapped {
            return Vec::new();
        }
        let seal = answered
            .session_key
            .as_ref()
            .filter(|_| answered.signs_mechanisms)
            .and_then(|key| Seal::new(key, answered.flags, Side::Server));
        let signature = seal.map(|mut seal| seal.sign(&self.mechanisms));
        spnego::reply(State::Completed, &[], signature.as_ref().map(|bytes| &bytes[..]))
    }

    /// The last token for one who is not.
    #[allow(dead_code, reason = "for the services that refuse or seal in tokens")]
    pub(crate) fn rejected(&self) -> Vec<u8> {
        if self.wrapped { spnego::reply(State::Rejected, &[], None) } else { Vec::new() }
    }

    /// Bytes of the visitor's that are held.
    pub(crate) fn memory(&self) -> usize {
        self.mechanisms.len()
    }
}

impl Answered {
    /// An answer that came without NTLMSSP's messages, as in SMB1 without extended security: LM's and NT's part, and who it is.
    pub(crate) fn without_messages(
        challenge: [u8; 8],
        (lm, nt): (&[u8], &[u8]),
        (user, domain): (&str, &str),
    ) -> Self {
        let message = Authenticate {
            lm: lm.to_vec(),
            nt: nt.to_vec(),
            user: user.to_owned(),
            domain: domain.to_owned(),
            ..Authenticate::default()
        };
        Acceptor::new(challenge).judge(message, false)
    }

    /// Keys for what the visitor seals and for what he is sent, where the session's key is known. Where SPNEGO's list was signed, its streams of keys
    /// begin anew and its numbers go on ([MS-SPNG], 3.3.5.1).
    pub(crate) fn seals(&self) -> Option<(Seal, Seal)> {
        let key = self.session_key.as_ref()?;
        let seal = |side| Seal::new(key, self.flags, side);
        let (mut theirs, mut ours) = (seal(Side::Client)?, seal(Side::Server)?);
        if self.signs_mechanisms {
            theirs.skip();
            ours.skip();
        }
        Some((theirs, ours))
    }

    /// Whether the installation's policy lets this visitor in, which is told with all that his answer says. Nobody ([`Kind::Anonymous`]) is told
    /// as such and not let in by this; what nobody may do is each service's own.
    pub(crate) fn admit(&self, identity: &Identity, visit: Visit, out: &mut Output) -> bool {
        let mut note = |name: &str, value: HostileText| {
            out.tell(Detail::Note { name: name.into(), value });
        };
        for (name, value) in
            [("ntlm domain", &self.domain), ("ntlm workstation", &self.workstation)]
        {
            if !value.is_empty() {
                note(name, HostileText::from(value.as_str()));
            }
        }
        if let Some((major, minor, build)) = self.version {
            note("ntlm client version", HostileText::from(format!("{major}.{minor}.{build}")));
        }
        if self.kind == Kind::Anonymous {
            note("ntlm user", HostileText::from("anonymous"));
            return false;
        }
        if let Some(hashcat) = &self.hashcat {
            let name = if self.kind == Kind::Version2 { "netntlmv2" } else { "netntlmv1" };
            note(name, hashcat.clone());
        }
        // An answer that no list explains stands for a password of its own: it is a try, and gets in only where the owner takes any.
        let unknown = || self.hashcat.as_ref().map_or("", |line| line.raw());
        let password = self.password.as_deref().unwrap_or_else(unknown).as_bytes();
        // A name without an answer is what clients try before they come as nobody.
        let accepted = self.kind != Kind::Other
            && identity.logins().admits(visit.source, self.user.as_bytes(), password);
        out.tell(Detail::Login {
            username: Some(HostileText::from(self.user.as_str())),
            password: self.password.as_deref().map(HostileText::from),
            public_key: None,
            accepted,
        });
        accepted
    }
}

/// A line of hashcat's: mode 5500 for version 1, 5600 for version 2.
fn hashcat(message: &Authenticate, kind: Kind, challenge: &[u8; 8]) -> Option<HostileText> {
    let who = format!("{}::{}", in_line(&message.user), in_line(&message.domain));
    let challenge = hexadecimal(challenge);
    let line = match kind {
        Kind::Version1 | Kind::Version1Extended => {
            let lm = message.lm.get(..24).unwrap_or_default();
            format!("{who}:{}:{}:{challenge}", hexadecimal(lm), hexadecimal(&message.nt))
        }
        Kind::Version2 => {
            let (proof, rest) = message.nt.split_at(16);
            if rest.len() > LONGEST_REST {
                return None;
            }
            format!("{who}:{challenge}:{}:{}", hexadecimal(proof), hexadecimal(rest))
        }
        Kind::Anonymous | Kind::Other => return None,
    };
    Some(HostileText::from(line))
}

/// A name such that it cannot break a line of fields; hashcat has no way to write one that would.
fn in_line(name: &str) -> String {
    let harmless = |letter: char| {
        if letter == ':' || letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }
    };
    name.chars().take(LONGEST_NAME).map(harmless).collect()
}

/// See [`crate::fuzz::ntlm_token`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let windows = Identity::draw([1; 32]).windows();
    let mut acceptor = Acceptor::new([7; 8]);
    let first = bytes.first().map_or(0, |byte| usize::from(*byte));
    for token in bytes.get(1..).unwrap_or_default().chunks(first.max(16)) {
        let _ = acceptor.receive(token, &windows, Timestamp::from_seconds(0));
    }
    acceptor.begun = true;
    if let Step::Answered(answered) = acceptor.receive(bytes, &windows, Timestamp::from_seconds(0))
    {
        let _ = acceptor.completed(&answered);
    }
}
