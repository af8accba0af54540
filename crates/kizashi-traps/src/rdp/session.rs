//! One connection: a request, TLS or RDP's own security, CredSSP with NTLM inside where that is chosen, then the connection of T.125 with the client's
//! own words on who he is. Who is not let in by CredSSP goes no further; who comes without it sees a logon screen, or his desktop (`desktop.rs`).

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::credssp;
use super::desktop::Desktop;
use super::security::{RANDOM, Security, Strength};
use super::wire::{self, Beside, HYBRID, HYBRID_EXTENDED, Incoming, Reader, Request, TLS};
use crate::capture::Capture;
use crate::ntlm::{Acceptor, Answered, Seal, Step};
use crate::tls::{Piped, Product, TlsPipe};
use crate::{Identity, Output, Session, Visit};

/// Why a connection is refused (2.2.1.2.2).
const TLS_REQUIRED: u32 = 1;
/// The newest version of CredSSP that the server has.
const VERSION: u8 = 6;
/// Bytes of a TLS record's head, and of its content at most.
const RECORD: usize = 5;
const LONGEST_RECORD: usize = 18 * 1024;

pub(super) enum Phase {
    Request,
    /// Network level authentication.
    Proof(Acceptor),
    /// The same, of who is in: his credentials come.
    Credentials(Box<Seal>),
    /// The connection of T.125.
    Connection,
    Channels,
    Over(Capture),
}

/// RDP's own security.
pub(super) enum Own {
    /// TLS has its place.
    Absent,
    Chosen,
    /// The server's random was sent; the client's comes.
    Offered(Strength, [u8; RANDOM]),
    Agreed(Box<Security>),
}

pub(super) struct Visitor {
    pub(super) identity: Arc<Identity>,
    pub(super) visit: Visit,
    pub(super) raw: Vec<u8>,
    pub(super) reader: Reader,
    pub(super) pipe: Option<Box<TlsPipe>>,
    pub(super) phase: Phase,
    pub(super) protocols: u32,
    pub(super) own: Own,
    /// CredSSP has let him in.
    pub(super) admitted: bool,
    pub(super) screen: (u16, u16),
    pub(super) channels: Vec<String>,
    pub(super) kept: u32,
    pub(super) desktop: Option<Box<Desktop>>,
}

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Box::new(Visitor {
        identity: Arc::clone(identity),
        visit,
        raw: Vec::new(),
        reader: Reader::default(),
        pipe: None,
        phase: Phase::Request,
        protocols: 0,
        own: Own::Absent,
        admitted: false,
        screen: (0, 0),
        channels: Vec::new(),
        kept: 0,
        desktop: None,
    })
}

/// A login that the policy would let in whatever the password is cannot be answered without the password's key: it was not let in.
fn refused(detail: Detail) -> Detail {
    match detail {
        Detail::Login { username, password, public_key, .. } => {
            Detail::Login { username, password, public_key, accepted: false }
        }
        other => other,
    }
}

pub(super) fn note(out: &mut Output, name: &str, value: &str) {
    if !value.is_empty() {
        out.tell(Detail::Note { name: name.into(), value: HostileText::from(value) });
    }
}

impl Visitor {
    pub(super) fn send(&mut self, bytes: &[u8], out: &mut Output) {
        match &mut self.pipe {
            Some(pipe) => {
                pipe.send(bytes);
                out.reply(&pipe.take_bytes());
            }
            None => out.reply(bytes),
        }
    }

    /// Ends the connection; what comes after is kept.
    pub(super) fn over(&mut self, out: &mut Output) {
        if let Some(mut desktop) = self.desktop.take() {
            desktop.end(out);
        }
        if let Some(pipe) = &mut self.pipe {
            pipe.close();
            out.reply(&pipe.take_bytes());
        }
        out.close();
        self.phase = Phase::Over(Capture::of(&self.reader.rest()));
    }

    fn go_on(&mut self, now: Timestamp, out: &mut Output) {
        loop {
            if let Phase::Over(rest) = &mut self.phase {
                let raw = std::mem::take(&mut self.raw);
                // What comes sealed after the end can no longer be read.
                if self.pipe.is_none() {
                    rest.feed(&raw);
                }
                return;
            }
            if out.is_full() {
                return out.take_turns();
            }
            let beside = match self.phase {
                Phase::Proof(..) | Phase::Credentials(..) => Beside::Sequences,
                _ if self.desktop.is_some() => Beside::Input,
                _ => Beside::Nothing,
            };
            match self.reader.next(beside) {
                Incoming::Message(message) => self.message(&message, now, out),
                Incoming::Fast(flags, count, content) => self.fast(flags, count, content, out),
                Incoming::Foreign => self.over(out),
                Incoming::More if !self.take(now, out) => return,
                Incoming::More => {}
            }
        }
    }

    /// Gives the reader the next of what came; `false` where there is nothing.
    fn take(&mut self, now: Timestamp, out: &mut Output) -> bool {
        let Some(pipe) = &mut self.pipe else {
            let count = self.reader.wanted(&self.raw);
            let taken: Vec<u8> = self.raw.drain(..count).collect();
            self.reader.push(&taken);
            return count > 0;
        };
        let Some(head) = self.raw.first_chunk::<RECORD>() else { return false };
        let length =
            RECORD + usize::from(u16::from_be_bytes([head[3], head[4]])).min(LONGEST_RECORD);
        if self.raw.len() < length {
            return false;
        }
        let record: Vec<u8> = self.raw.drain(..length).collect();
        pipe.push(&record, now);
        let mut ended = false;
        loop {
            match pipe.advance(out) {
                Piped::More => break,
                Piped::Established => {}
                Piped::Data(content) => self.reader.push(&content),
                Piped::Over => {
                    ended = true;
                    break;
                }
            }
        }
        out.reply(&pipe.take_bytes());
        if ended {
            self.over(out);
        }
        true
    }

    fn message(&mut self, message: &[u8], now: Timestamp, out: &mut Output) {
        match std::mem::replace(&mut self.phase, Phase::Channels) {
            Phase::Request => self.request(message, out),
            Phase::Proof(acceptor) => self.proof(acceptor, message, now, out),
            Phase::Credentials(seal) => self.credentials(*seal, message, out),
            Phase::Connection => self.connection(message, out),
            Phase::Channels => self.channels(message, out),
            over @ Phase::Over(_) => self.phase = over,
        }
    }

    pub(super) fn foreign(&mut self, message: &[u8], out: &mut Output) {
        out.tell(Detail::Payload(Box::new(Capture::of(message).finish(PayloadOrigin::Sent))));
        self.over(out);
    }

    fn request(&mut self, message: &[u8], out: &mut Output) {
        let Some(request) = Request::read(message) else { return self.foreign(message, out) };
        note(out, "rdp cookie", request.cookie.as_deref().unwrap_or_default());
        let asked = request.protocols.unwrap_or(0);
        let names = [
            (TLS, "tls"),
            (HYBRID, "credssp"),
            (4, "rdstls"),
            (HYBRID_EXTENDED, "credssp early"),
            (16, "aad"),
        ];
        let names: Vec<&str> =
            names.into_iter().filter(|(bit, _)| asked & bit != 0).map(|(_, name)| name).collect();
        let shown = if names.is_empty() { "rdp".to_owned() } else { names.join(" ") };
        note(out, "rdp security", &shown);
        let chosen = if asked & HYBRID != 0 {
            HYBRID
        } else if asked & TLS != 0 {
            TLS
        } else if asked == 0 {
            // Its own security, for those who know no other: the usual setting is to negotiate.
            let confirmed = match request.protocols {
                Some(_) => wire::confirm(Ok(0)),
                None => wire::confirm_old(),
            };
            out.reply(&confirmed);
            (self.own, self.phase) = (Own::Chosen, Phase::Connection);
            return;
        } else {
            out.reply(&wire::confirm(Err(TLS_REQUIRED)));
            return self.over(out);
        };
        self.protocols = asked;
        out.reply(&wire::confirm(Ok(chosen)));
        self.pipe = TlsPipe::new(&self.identity, Product::RemoteDesktop, self.visit.port.number)
            .map(Box::new);
        self.phase = if chosen == HYBRID {
            Phase::Proof(Acceptor::new(self.identity.randomness().bytes()))
        } else {
            Phase::Connection
        };
    }

    fn proof(&mut self, mut acceptor: Acceptor, message: &[u8], now: Timestamp, out: &mut Output) {
        let Some(request) =
            credssp::Request::read(message).filter(|request| !request.token.is_empty())
        else {
            return self.foreign(message, out);
        };
        let version = request.version.clamp(2, VERSION);
        match acceptor.receive(&request.token, &self.identity.windows(), now) {
            Step::Continue(token) => {
                self.send(&credssp::reply(version, &token), out);
                self.phase = Phase::Proof(acceptor);
            }
            Step::Answered(answered) => self.answered(&acceptor, &answered, &request, out),
            Step::Unread => self.foreign(&request.token, out),
        }
    }

    /// A challenge was answered: the certificate is proved to who is in, others are refused.
    fn answered(
        &mut self,
        acceptor: &Acceptor,
        answered: &Answered,
        request: &credssp::Request,
        out: &mut Output,
    ) {
        let version = request.version.clamp(2, VERSION);
        let mut told = Output::new(out.service().clone());
        let admitted = answered.admit(&self.identity, self.visit, &mut told);
        let seals = answered.seals().filter(|_| admitted && !request.proof.is_empty());
        let Some((mut theirs, mut ours)) = seals else {
            told.take_seen().into_iter().for_each(|seen| out.tell(refused(seen.detail)));
            if version >= 3 {
                self.send(&credssp::refusal(version), out);
            }
            return self.over(out);
        };
        told.take_seen().into_iter().for_each(|seen| out.tell(seen.detail));
        // His own proof is taken as it is: it moves the keys on, and there is nobody between to be found.
        let _ = opened(&mut theirs, &request.proof);
        let key = self.pipe.as_ref().map_or(&[][..], |pipe| pipe.public_key());
        let mut proof = credssp::proves(version, &request.nonce, key);
        let signature = ours.seal(&mut proof);
        let proof = [&signature[..], &proof].concat();
        self.send(&credssp::accepted(version, &acceptor.completed(answered), &proof), out);
        self.admitted = true;
        self.phase = Phase::Credentials(Box::new(theirs));
    }

    fn credentials(&mut self, mut seal: Seal, message: &[u8], out: &mut Output) {
        let request = credssp::Request::read(message);
        let Some(request) = request.filter(|request| !request.credentials.is_empty()) else {
            return self.foreign(message, out);
        };
        if opened(&mut seal, &request.credentials).is_none() {
            return self.foreign(message, out);
        }
        self.phase = Phase::Connection;
    }
}

/// What stands behind a signature, opened.
fn opened(seal: &mut Seal, sealed: &[u8]) -> Option<Vec<u8>> {
    let (signature, content) = sealed.split_at_checked(16)?;
    let mut content = content.to_vec();
    seal.unseal(&mut content, signature).then_some(content)
}

impl Session for Visitor {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.raw.extend_from_slice(bytes);
        self.go_on(now, out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        if let Some(mut desktop) = self.desktop.take() {
            desktop.end(out);
        }
        let mut rest = match std::mem::replace(&mut self.phase, Phase::Request) {
            Phase::Over(rest) => rest,
            _ => Capture::of(&self.reader.rest()),
        };
        if self.pipe.is_none() {
            rest.feed(&std::mem::take(&mut self.raw));
        }
        if rest.size() > 0 {
            out.tell(Detail::Payload(Box::new(rest.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        let over = if let Phase::Over(rest) = &self.phase { rest.content().len() } else { 0 };
        let proof = if let Phase::Proof(acceptor) = &self.phase { acceptor.memory() } else { 0 };
        self.raw.len()
            + self.reader.memory()
            + self.pipe.as_ref().map_or(0, |pipe| pipe.memory())
            + over
            + proof
            + self.channels.iter().map(String::len).sum::<usize>()
            + self.desktop.as_ref().map_or(0, |desktop| desktop.memory())
    }
}
