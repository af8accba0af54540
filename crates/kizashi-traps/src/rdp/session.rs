//! One connection: a request, TLS, then either CredSSP with NTLM inside, or the connection of T.125 up to the client's own words on who he is.
//! Either ends as a server ends it that does not like the password, for there is no desktop behind it.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::credssp;
use super::wire::{self, Client, HYBRID, HYBRID_EXTENDED, Incoming, Info, Reader, Request, TLS};
use crate::capture::Capture;
use crate::ntlm::{Acceptor, Step};
use crate::tls::{Piped, Product, TlsPipe};
use crate::{Identity, Output, Session, Visit};

/// Why a connection is refused (2.2.1.2.2).
const TLS_REQUIRED: u32 = 1;
/// The newest version of CredSSP that the server has.
const VERSION: u8 = 6;
/// Bytes of a TLS record's head, and of its content at most.
const RECORD: usize = 5;
const LONGEST_RECORD: usize = 18 * 1024;

enum Phase {
    Request,
    /// Network level authentication.
    Proof(Acceptor),
    /// The connection of T.125.
    Connection,
    Channels,
    Over(Capture),
}

struct Visitor {
    identity: Arc<Identity>,
    visit: Visit,
    raw: Vec<u8>,
    reader: Reader,
    pipe: Option<Box<TlsPipe>>,
    phase: Phase,
    protocols: u32,
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
    })
}

/// A login that the policy of all ports would let in finds no desktop here: it was not let in.
fn refused(detail: Detail) -> Detail {
    match detail {
        Detail::Login { username, password, public_key, .. } => {
            Detail::Login { username, password, public_key, accepted: false }
        }
        other => other,
    }
}

fn note(out: &mut Output, name: &str, value: &str) {
    if !value.is_empty() {
        out.tell(Detail::Note { name: name.into(), value: HostileText::from(value) });
    }
}

impl Visitor {
    fn send(&mut self, bytes: &[u8], out: &mut Output) {
        match &mut self.pipe {
            Some(pipe) => {
                pipe.send(bytes);
                out.reply(&pipe.take_bytes());
            }
            None => out.reply(bytes),
        }
    }

    /// Ends the connection; what comes after is kept.
    fn over(&mut self, out: &mut Output) {
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
            match self.reader.next(matches!(self.phase, Phase::Proof(..))) {
                Incoming::Message(message) => self.message(&message, now, out),
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
            Phase::Connection => self.connection(message, out),
            Phase::Channels => self.channels(message, out),
            over @ Phase::Over(_) => self.phase = over,
        }
    }

    fn foreign(&mut self, message: &[u8], out: &mut Output) {
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
        } else {
            // Its own encryption is switched off, as Windows advises.
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
            Step::Answered(answered) => {
                let mut told = Output::new(out.service().clone());
                answered.admit(&self.identity, self.visit, &mut told);
                told.take_seen().into_iter().for_each(|seen| out.tell(refused(seen.detail)));
                if version >= 3 {
                    self.send(&credssp::refusal(version), out);
                }
                self.over(out);
            }
            Step::Unread => self.foreign(&request.token, out),
        }
    }

    fn connection(&mut self, message: &[u8], out: &mut Output) {
        let Some(client) = Client::read(message) else { return self.foreign(message, out) };
        let version = format!("Remote Desktop client build {}", client.build);
        out.tell(Detail::Client {
            version: Some(HostileText::from(version)),
            fingerprint: None,
            algorithms: None,
        });
        note(out, "rdp client name", &client.name);
        note(
            out,
            "rdp client screen",
            &format!("{}x{} keyboard {:#06x}", client.width, client.height, client.keyboard),
        );
        note(out, "rdp channels", &client.channels.join(" "));
        self.send(&wire::connect_response(client.channels.len(), self.protocols), out);
        self.phase = Phase::Channels;
    }

    fn channels(&mut self, message: &[u8], out: &mut Output) {
        let Some([choice, rest @ ..]) = message.get(3..) else { return self.foreign(message, out) };
        match choice >> 2 {
            wire::ERECT_DOMAIN => {}
            wire::ATTACH_USER => self.send(&wire::attach_confirm(), out),
            wire::JOIN => {
                let channel = rest
                    .get(2..4)
                    .and_then(|two| two.first_chunk())
                    .map_or(wire::USER, |two| u16::from_be_bytes(*two));
                self.send(&wire::join_confirm(channel), out);
            }
            wire::SEND_DATA => match Info::read(&message[3..]) {
                Some(info) => self.judge(&info, out),
                None => self.foreign(message, out),
            },
            wire::DISCONNECT => self.over(out),
            _ => self.foreign(message, out),
        }
    }

    fn judge(&mut self, info: &Info, out: &mut Output) {
        note(out, "rdp domain", &info.domain);
        note(out, "rdp shell", &info.shell);
        note(out, "rdp client address", &info.address);
        if !info.user.is_empty() || !info.password.is_empty() {
            // The policy counts it as a try, for the other ports; here nobody is let in.
            let (user, password) = (info.user.as_bytes(), info.password.as_bytes());
            let _ = self.identity.logins().admits(self.visit.source, user, password);
            out.tell(Detail::Login {
                username: Some(HostileText::from(info.user.as_str())),
                password: Some(HostileText::from(info.password.as_str())),
                public_key: None,
                accepted: false,
            });
        }
        self.send(&wire::disconnect(), out);
        self.over(out);
    }
}

impl Session for Visitor {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.raw.extend_from_slice(bytes);
        self.go_on(now, out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
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
    }
}
