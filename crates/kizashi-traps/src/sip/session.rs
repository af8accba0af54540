//! One visitor's requests. A challenge holds for the session; who answers it with a password that opens his extension may register and is
//! told that no line is free when he calls. Calls without a challenge answered are recorded all the same: the number is what counts.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp, Transport};

use super::answer::{Answer, server};
use super::digest::Digest;
use super::wire::{Framed, Message, frame, number};
use super::{SERVICE, TLS_PORT};
use crate::capture::Capture;
use crate::datagram::{self, Datagrams, Protocol, note};
use crate::randomness::Randomness;
use crate::tls::{Product, TlsSession, Within};
use crate::{Identity, Output, Session, Visit};

/// Texts of one session that are told once: methods, user agents, numbers, hashes.
const TOLD: usize = 256;
/// Bytes of one of them by which it is known again.
const KNOWN: usize = 128;
/// Bytes of a stream that may wait to become a message: the longest head and body.
const WAITING: usize = 80 * 1024;

const WITHIN: Within = Within {
    begin: |identity, visit, _| Box::new(Stream::new(identity, visit)),
    service: &SERVICE,
};

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    match visit.port.transport {
        Transport::Udp | Transport::Icmp => {
            Datagrams::begin(identity, visit, Exchange::new(identity, visit))
        }
        Transport::Tcp if visit.port.number == TLS_PORT && !visit.encrypted => {
            let product = Product::Server(identity.web_server());
            Box::new(TlsSession::new(identity, visit, product, WITHIN))
        }
        Transport::Tcp => Box::new(Stream::new(identity, visit)),
    }
}

/// What the exchange knows of one visitor.
struct Exchange {
    identity: Arc<Identity>,
    visit: Visit,
    randomness: Randomness,
    nonce: String,
    tag: String,
    told: Vec<String>,
    /// Extensions that he answered for.
    admitted: Vec<String>,
    tries: u32,
}

impl Exchange {
    fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        let mut randomness = identity.randomness();
        let word = |randomness: &mut Randomness| format!("{:08x}", randomness.number() >> 32);
        Self {
            nonce: word(&mut randomness),
            tag: format!("as{}", word(&mut randomness)),
            identity: Arc::clone(identity),
            visit,
            randomness,
            told: Vec::new(),
            admitted: Vec::new(),
            tries: 0,
        }
    }

    fn is_new(&mut self, kind: &str, text: &str) -> bool {
        let known: String = format!("{kind} {text}").chars().take(KNOWN).collect();
        let new = self.told.len() < TOLD && !self.told.contains(&known);
        if new {
            self.told.push(known);
        }
        new
    }

    /// Reads a message; `room` is what an answer may be long at most.
    fn take(&mut self, bytes: &[u8], room: Option<usize>, out: &mut Output) -> Option<Vec<u8>> {
        let message = Message::read(bytes)?;
        out.recognise(SERVICE);
        self.tell(&message, bytes, out);
        let (status, own) = self.decide(&message, out)?;
        let received = self.visit.source.to_string();
        let server = server(&self.identity);
        let answer = Answer { status, own, tag: &self.tag, server, received: &received };
        answer.written(&message, room)
    }

    fn tell(&mut self, message: &Message<'_>, bytes: &[u8], out: &mut Output) {
        if let Some(agent) = message.header("user-agent").filter(|text| self.is_new("agent", text))
        {
            let version = Some(HostileText::from(agent));
            out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        }
        let line = format!("{} {}", message.method, message.target);
        if self.is_new("line", &line) {
            note(out, "sip", line);
        }
        if message.method == "INVITE" {
            let addressed = message.header("to").and_then(number);
            let dialled = number(message.target).or(addressed);
            if let Some(dialled) = dialled.filter(|number| self.is_new("dialled", number)) {
                note(out, "dialled", dialled);
            }
        }
        if self.is_new("method", message.method) {
            let payload = Capture::of(bytes).finish(PayloadOrigin::Sent);
            out.tell(Detail::Payload(Box::new(payload)));
        }
    }

    /// The status, and headers of this answer alone; `None` where none is given.
    fn decide(
        &mut self,
        message: &Message<'_>,
        out: &mut Output,
    ) -> Option<(&'static str, Vec<String>)> {
        match message.method {
            // RFC 3261, 17: what acknowledges is not answered.
            "ACK" => None,
            "OPTIONS" => Some(("200 OK", vec!["Accept: application/sdp".to_owned()])),
            "REGISTER" | "INVITE" | "SUBSCRIBE" | "MESSAGE" | "PUBLISH" | "REFER" => {
                Some(self.guarded(message, out))
            }
            "BYE" | "CANCEL" | "INFO" | "NOTIFY" | "UPDATE" | "PRACK" => {
                Some(("481 Call leg/transaction does not exist", Vec::new()))
            }
            _ => Some(("501 Method Not Implemented", Vec::new())),
        }
    }

    /// What only an extension with a password may do.
    fn guarded(&mut self, message: &Message<'_>, out: &mut Output) -> (&'static str, Vec<String>) {
        let header = message.header("authorization").or(message.header("proxy-authorization"));
        let digest = header.and_then(Digest::read);
        let Some(digest) = digest else {
            return ("401 Unauthorized", vec![self.challenge(false)]);
        };
        let admitted = self.tries_password(&digest, message.method, out);
        if digest.nonce() != self.nonce {
            return ("401 Unauthorized", vec![self.challenge(true)]);
        }
        if !admitted {
            self.nonce = format!("{:08x}", self.randomness.number() >> 32);
            return ("403 Forbidden", Vec::new());
        }
        if message.method == "REGISTER" {
            let contact = message.header("contact").unwrap_or_default();
            return (
                "200 OK",
                vec![format!("Contact: {contact};expires=120"), "Expires: 120".to_owned()],
            );
        }
        ("503 Service Unavailable", Vec::new())
    }

    fn challenge(&self, stale: bool) -> String {
        let stale = if stale { ", stale=true" } else { "" };
        let nonce = &self.nonce;
        format!(
            "WWW-Authenticate: Digest algorithm=MD5, realm=\"asterisk\", nonce=\"{nonce}\"{stale}"
        )
    }

    /// Tells what a digest was made with, or the hash to guess it by; whether it opens the extension.
    fn tries_password(&mut self, digest: &Digest<'_>, method: &str, out: &mut Output) -> bool {
        let [server, client] = [self.visit.destination, Some(self.visit.source)]
            .map(|address| address.map_or_else(String::new, |address| address.to_string()));
        let hash = digest.hashcat(method, &server, &client);
        if self.is_new("hash", hash.get(hash.len().saturating_sub(32)..).unwrap_or_default()) {
            note(out, "hashcat 11400", hash);
        }
        let password = digest.password(method);
        let name = digest.user;
        let accepted = password.is_some_and(|password| self.admits(name, password));
        out.tell(Detail::Login {
            username: Some(name.into()),
            password: password.map(HostileText::from),
            public_key: None,
            accepted,
        });
        accepted
    }

    /// An extension whose password is its own number opens at the second try, as everywhere a weak one does.
    fn admits(&mut self, name: &str, password: &str) -> bool {
        self.tries = self.tries.saturating_add(1);
        if self.admitted.iter().any(|known| known == name) {
            return true;
        }
        let extension = name.bytes().all(|byte| byte.is_ascii_digit()) && password == name;
        let logins = self.identity.logins();
        let admitted = extension && self.tries >= 2
            || logins.admits(self.visit.source, name.as_bytes(), password.as_bytes());
        if admitted && self.admitted.len() < 8 {
            self.admitted.push(name.chars().take(64).collect());
        }
        admitted
    }

    fn memory(&self) -> usize {
        self.told.iter().map(String::len).sum::<usize>()
    }
}

impl Protocol for Exchange {
    fn datagram(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) -> datagram::Answer {
        out.recognise(SERVICE);
        if frame(bytes, true) == Framed::Other {
            out.recognise(kizashi_event::recognise::udp(bytes));
            return datagram::Answer::unread();
        }
        let reply = self.take(bytes, Some(datagram::room(bytes)), out);
        datagram::Answer { reply, told: true }
    }

    fn memory(&self) -> usize {
        Self::memory(self)
    }
}

/// A connection.
struct Stream {
    exchange: Exchange,
    waiting: Vec<u8>,
    /// He speaks another protocol: what he says is kept.
    other: Option<Capture>,
}

impl Stream {
    fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self { exchange: Exchange::new(identity, visit), waiting: Vec::new(), other: None }
    }

    fn advance(&mut self, out: &mut Output) {
        loop {
            // Empty lines keep a connection open (RFC 5626, 3.5.1).
            let blank = self.waiting.iter().take_while(|byte| b"\r\n".contains(byte)).count();
            self.waiting.drain(..blank);
            if self.waiting.is_empty() {
                return;
            }
            if out.is_full() {
                return out.take_turns();
            }
            match frame(&self.waiting, false) {
                Framed::Message { length } => {
                    let message: Vec<u8> = self.waiting.drain(..length).collect();
                    if let Some(reply) = self.exchange.take(&message, None, out) {
                        out.reply(&reply);
                    }
                }
                Framed::Part if self.waiting.len() <= WAITING => return,
                Framed::Part | Framed::Other => {
                    let mut other = Capture::default();
                    other.feed(&std::mem::take(&mut self.waiting));
                    self.other = Some(other);
                    out.close();
                    return;
                }
            }
        }
    }
}

impl Session for Stream {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.recognise(SERVICE);
    }

    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        if let Some(other) = &mut self.other {
            return other.feed(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        self.advance(out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        let rest = Capture::of(&std::mem::take(&mut self.waiting));
        let rest = self.other.take().unwrap_or(rest);
        if rest.size() == 0 {
            return;
        }
        out.recognise(kizashi_event::recognise::tcp(rest.content()));
        out.tell(Detail::Payload(Box::new(rest.finish(PayloadOrigin::Sent))));
    }

    fn memory(&self) -> usize {
        let other = self.other.as_ref().map_or(0, |other| other.content().len());
        self.waiting.len() + other + self.exchange.memory()
    }
}
