//! One TLS connection from the server's side: bytes in, what came of them and bytes out. It owns the order of things; what is said in
//! each handshake is `legacy.rs`'s and `modern.rs`'s. Everything that a client can make grow has a bound here.

use std::sync::Arc;

use kizashi_event::Timestamp;
use kizashi_event::fingerprint::ClientHello;

use super::alert::{Alert, CLOSE_NOTIFY, FATAL, NO_RENEGOTIATION, WARNING};
use super::heartbeat;
use super::legacy::{self, Legacy};
use super::modern::{self, Answer, KEY_UPDATE, Modern, Retry};
use super::negotiation;
use super::old_hello::OldHello;
use super::profile::Profile;
use super::protection::Protection;
use super::record::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Cut, HANDSHAKE, HEARTBEAT, Incoming, Outgoing,
    SSL_3, TLS_1_2, TLS_1_3, message,
};
use super::store::{Credential, Server};
use crate::randomness::Randomness;

const CLIENT_HELLO: u8 = 1;
/// Bytes of a handshake message at most: a hello with every post-quantum key share there is has a fifth of it.
const LONGEST_MESSAGE: usize = 32 * 1024;
/// Content of a record at most (RFC 5246, 6.2.1).
const LONGEST_CONTENT: usize = 16 * 1024;
/// Records in a row that bring nothing: empty ones (which old clients send before each that does, against BEAST), warnings, changes of
/// cipher that mean nothing, hellos of a second handshake, new keys. As many as OpenSSL takes (`MAX_EMPTY_RECORDS`).
const MOST_IDLE: u32 = 32;
/// Bytes of data before our answer that are let pass, where a client announced them.
const MOST_EARLY: usize = 16 * 1024;

/// What the bytes so far amount to.
pub(super) enum Progress {
    /// More are needed.
    More,
    /// A client's first message; the next call answers it.
    Hello(Box<ClientHello>),
    /// Both sides have finished the handshake: what they agreed on in words, and the protocol inside.
    Established(String, Option<&'static str>),
    /// What the client sent inside.
    Data(Vec<u8>),
    /// Something worth telling.
    Note(&'static str, String),
    /// The client will send nothing more.
    Closed,
    /// It is over; with the alert that was sent, if one was.
    Failed(Option<u8>),
    /// It is over by this alert of the client's.
    Refused(u8),
}

enum State {
    /// A hello is awaited, the first or after a retry.
    Hello(Option<Retry>),
    Answering(Box<(ClientHello, Vec<u8>)>, Option<Retry>),
    Legacy(Box<Legacy>),
    Modern(Box<Modern>),
    OpenLegacy,
    OpenModern(Box<Modern>),
    Over,
}

/// A connection.
pub(super) struct Connection {
    profile: Profile,
    credential: Arc<Credential>,
    state: State,
    incoming: Incoming,
    out: Outgoing,
    read: Protection,
    /// Handshake messages that are not whole yet.
    messages: Vec<u8>,
    idle: u32,
    early: usize,
    /// When bytes last came.
    now: Timestamp,
}

impl Connection {
    pub(super) fn new(
        profile: Profile,
        credential: Arc<Credential>,
        randomness: Randomness,
    ) -> Self {
        Self {
            profile,
            credential,
            state: State::Hello(None),
            incoming: Incoming::default(),
            out: Outgoing::new(randomness),
            read: Protection::Plain,
            messages: Vec::new(),
            idle: 0,
            early: 0,
            now: Timestamp::from_seconds(0),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], now: Timestamp) {
        self.now = now;
        if !matches!(self.state, State::Over) {
            self.incoming.push(bytes);
        }
    }

    /// The next thing to know. To be called until it says [`Progress::More`].
    pub(super) fn advance(&mut self) -> Progress {
        loop {
            match self.step() {
                Ok(Some(progress)) => return progress,
                Ok(None) => {}
                Err(alert) => return self.fail(alert),
            }
        }
    }

    /// Takes a message or a record; nothing where that led to nothing.
    fn step(&mut self) -> Result<Option<Progress>, Alert> {
        match &self.state {
            State::Over => return Ok(Some(Progress::More)),
            State::Answering(..) => return self.answer().map(|()| None),
            _ => {}
        }
        if let Some((kind, body)) = self.next_message()? {
            return self.take_message(kind, &body);
        }
        if let State::Hello(None) = self.state
            && self.messages.is_empty()
        {
            match OldHello::cut(&mut self.incoming) {
                OldHello::Other => {}
                OldHello::More => return Ok(Some(Progress::More)),
                OldHello::Refused => {
                    let _ = self.fail(Alert::ProtocolVersion);
                    return Ok(Some(Progress::Note("sslv2 hello", "SSLv2".to_owned())));
                }
                OldHello::Hello(hello, raw) => {
                    let told = Progress::Hello(Box::new(hello.clone()));
                    self.state = State::Answering(Box::new((hello, raw)), None);
                    return Ok(Some(told));
                }
            }
        }
        match self.incoming.cut() {
            Cut::More => Ok(Some(Progress::More)),
            Cut::Foreign => {
                self.state = State::Over;
                Ok(Some(Progress::Failed(None)))
            }
            Cut::Fault(alert) => Err(alert),
            Cut::Record(kind, version, body) => self.take_record(kind, version, body),
        }
    }

    fn next_message(&mut self) -> Result<Option<(u8, Vec<u8>)>, Alert> {
        let [kind, a, b, c] = *match self.messages.first_chunk::<4>() {
            Some(head) => head,
            None => return Ok(None),
        };
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        if matches!(self.state, State::Hello(_)) && kind != CLIENT_HELLO {
            return Err(Alert::UnexpectedMessage);
        }
        if length > LONGEST_MESSAGE {
            return Err(Alert::IllegalParameter);
        }
        if self.messages.len() < 4 + length {
            return Ok(None);
        }
        let rest = self.messages.split_off(4 + length);
        let whole = std::mem::replace(&mut self.messages, rest);
        Ok(Some((kind, whole.get(4..).unwrap_or_default().to_vec())))
    }

    fn take_record(
        &mut self,
        kind: u8,
        version: u16,
        body: Vec<u8>,
    ) -> Result<Option<Progress>, Alert> {
        let retried = matches!(self.state, State::Hello(Some(_)));
        let first = matches!(self.state, State::Hello(None)) && self.messages.is_empty();
        if first && kind != HANDSHAKE {
            // Nothing is agreed on: the answer has the client's version.
            self.out.version = version;
        }
        let agreeing = retried || matches!(self.state, State::Modern(_));
        if agreeing && kind == CHANGE_CIPHER_SPEC && body == [1] {
            return self.idled().map(|()| None);
        }
        // Whoever looks for Heartbleed has no keys yet, and who could not make any says so without.
        let plain = agreeing && (kind == HEARTBEAT || kind == ALERT && body.len() == 2);
        let length = body.len();
        let opened =
            if plain { Ok((kind, body)) } else { self.read.open(kind, self.out.version, body) };
        let (kind, content) = match opened {
            Err(Alert::BadRecordMac) if agreeing && self.early >= length => {
                self.early -= length;
                return Ok(None);
            }
            opened => opened?,
        };
        if content.len() > LONGEST_CONTENT {
            return Err(Alert::RecordOverflow);
        }
        if content.is_empty() {
            self.idled()?;
        }
        match (kind, &mut self.state) {
            (HANDSHAKE, _) => {
                self.messages.extend(content);
                Ok(None)
            }
            (CHANGE_CIPHER_SPEC, State::Legacy(handshake)) if content == [1] => {
                self.read = handshake.change()?;
                Ok(None)
            }
            (ALERT, _) if !first => self.take_alert(&content),
            (APPLICATION_DATA, State::OpenLegacy | State::OpenModern(_)) => {
                if !content.is_empty() {
                    self.idle = 0;
                }
                Ok(Some(Progress::Data(content)))
            }
            (HEARTBEAT, _) => {
                let told = heartbeat::describe(&content);
                let _ = self.fail(Alert::UnexpectedMessage);
                Ok(Some(Progress::Note("tls heartbeat", told)))
            }
            _ => Err(Alert::UnexpectedMessage),
        }
    }

    fn idled(&mut self) -> Result<(), Alert> {
        self.idle += 1;
        if self.idle > MOST_IDLE { Err(Alert::UnexpectedMessage) } else { Ok(()) }
    }

    fn take_alert(&mut self, content: &[u8]) -> Result<Option<Progress>, Alert> {
        let [level, code] = *content else { return Err(Alert::DecodeError) };
        if code == CLOSE_NOTIFY {
            self.state = State::Over;
            return Ok(Some(Progress::Closed));
        }
        let modern = matches!(self.state, State::Modern(_) | State::OpenModern(_));
        if level == FATAL || modern {
            self.state = State::Over;
            return Ok(Some(Progress::Refused(code)));
        }
        self.idled().map(|()| None)
    }

    fn take_message(&mut self, kind: u8, body: &[u8]) -> Result<Option<Progress>, Alert> {
        let server = Server { profile: &self.profile, credential: &self.credential, now: self.now };
        match &mut self.state {
            State::Hello(before) => {
                let before = before.take();
                let first = before.is_none();
                let hello = ClientHello::parse(body).map_err(|_| Alert::DecodeError)?;
                let told = Progress::Hello(Box::new(hello.clone()));
                self.state = State::Answering(Box::new((hello, message(kind, body))), before);
                Ok(first.then_some(told))
            }
            State::Legacy(handshake) => {
                if !handshake.take((kind, body), &server, &mut self.out)? {
                    return Ok(None);
                }
                let told = legacy::shown(handshake.agreement());
                let protocol = handshake.agreement().protocol;
                self.state = State::OpenLegacy;
                self.messages = Vec::new();
                Ok(Some(Progress::Established(told, protocol)))
            }
            State::Modern(handshake) => {
                self.read = handshake.take((kind, body), &server, &mut self.out)?;
                let told = legacy::shown(handshake.agreement());
                let protocol = handshake.agreement().protocol;
                if let State::Modern(handshake) = std::mem::replace(&mut self.state, State::Over) {
                    self.state = State::OpenModern(handshake);
                }
                self.messages = Vec::new();
                Ok(Some(Progress::Established(told, protocol)))
            }
            State::OpenModern(handshake) if kind == KEY_UPDATE => {
                self.read = handshake.update(body, &mut self.out)?;
                self.idled().map(|()| None)
            }
            State::OpenLegacy if kind == CLIENT_HELLO => {
                self.idled()?;
                self.out.send(ALERT, &[WARNING, NO_RENEGOTIATION]);
                Ok(Some(Progress::Note("tls renegotiation", "declined".to_owned())))
            }
            _ => Err(Alert::UnexpectedMessage),
        }
    }

    fn answer(&mut self) -> Result<(), Alert> {
        let State::Answering(parts, before) = std::mem::replace(&mut self.state, State::Over)
        else {
            return Ok(());
        };
        let (hello, raw) = *parts;
        self.out.version = hello.version.clamp(SSL_3, TLS_1_2);
        let version = negotiation::version(&hello, &self.profile)?;
        let credential = Arc::clone(&self.credential);
        let agreement = negotiation::agree(&hello, version, &self.profile, &credential.key)?;
        let server = Server { profile: &self.profile, credential: &credential, now: self.now };
        if version < TLS_1_3 {
            let begun = Legacy::begin(&hello, &raw, agreement, &server, &mut self.out)?;
            self.state = State::Legacy(Box::new(begun));
            return Ok(());
        }
        if modern::sends_early(&hello) {
            self.early = MOST_EARLY;
        }
        match Modern::answer(&hello, &raw, agreement, before, &server, &mut self.out)? {
            Answer::Retry(retry) => self.state = State::Hello(Some(retry)),
            Answer::Begun(begun, read) => {
                self.read = read;
                self.state = State::Modern(begun);
            }
        }
        Ok(())
    }

    fn fail(&mut self, alert: Alert) -> Progress {
        self.out.send(ALERT, &[FATAL, alert.code()]);
        self.state = State::Over;
        self.incoming = Incoming::default();
        self.messages = Vec::new();
        Progress::Failed(Some(alert.code()))
    }

    /// Whether the handshake is done and nothing has ended it.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::OpenLegacy | State::OpenModern(_))
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Sends what is inside.
    pub(super) fn send(&mut self, content: &[u8]) {
        self.out.send(APPLICATION_DATA, content);
    }

    /// Says that nothing more will be sent.
    pub(super) fn close(&mut self) {
        self.out.send(ALERT, &[WARNING, CLOSE_NOTIFY]);
    }

    /// What is to be sent.
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out.bytes)
    }

    pub(super) fn memory(&self) -> usize {
        let handshake = match &self.state {
            State::Legacy(handshake) => handshake.memory(),
            State::Modern(handshake) => handshake.memory(),
            State::Answering(parts, _) => parts.1.len(),
            _ => 0,
        };
        self.incoming.memory() + self.messages.capacity() + handshake
    }
}
