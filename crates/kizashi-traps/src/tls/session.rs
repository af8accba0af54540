//! A session inside TLS: what the visitor sends is opened and given to the session within, what that answers is sealed and sent. The
//! hello is told with its fingerprints whether or not a handshake comes of it.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::fingerprint::{Carrier, ClientHello, ja3, ja4};
use kizashi_event::{Detail, HostileText, PayloadOrigin, Service, Timestamp};

use super::alert::name_of;
use super::connection::{Connection, Progress};
use super::profile::Product;
use super::record::version_name;
use super::store;
use crate::capture::Capture;
use crate::trap::PIECE;
use crate::{Identity, Output, Session, Visit};

const SERVICE: Service = Service::known("tls");
/// What the web inside TLS is called.
const WEB: (&str, Service) = ("http", Service::known("https"));
/// How long a handshake may take in all: nginx's `client_header_timeout`.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// Names and versions of an offer that are told.
const MOST_OFFERED: usize = 16;

/// Makes the session within, for the protocol that was agreed on, if one was (ALPN).
type Begin = fn(&Arc<Identity>, Visit, Option<&str>) -> Box<dyn Session>;

/// What is inside: how its session is made, and its service until that recognises something better.
#[derive(Clone, Copy)]
pub(crate) struct Within {
    pub(crate) begin: Begin,
    pub(crate) service: &'static Service,
}

/// A visit to a TLS server.
pub(crate) struct TlsSession {
    connection: Option<Box<Connection>>,
    inside: Inside,
    within: Within,
    identity: Arc<Identity>,
    visit: Visit,
    opened: Option<Timestamp>,
    /// What came before there was a hello.
    first: Option<Box<Capture>>,
}

/// The session within and what is on its way to it.
struct Inside {
    session: Option<Box<dyn Session>>,
    out: Output,
    /// Opened and not given yet.
    waiting: Vec<u8>,
    given: usize,
    /// It asked to be called again; `true` where it goes on listening.
    turn: Option<bool>,
}

/// Whether the first bytes begin TLS; `None` where more are needed.
pub(crate) fn begins_like_tls(bytes: &[u8]) -> Option<bool> {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    match bytes {
        [HANDSHAKE, 3, 0..=4, _, _, message, ..] => Some(*message == CLIENT_HELLO),
        [] | [HANDSHAKE] | [HANDSHAKE, 3] | [HANDSHAKE, 3, 0..=4, ..] => None,
        _ => Some(false),
    }
}

impl TlsSession {
    pub(crate) fn new(
        identity: &Arc<Identity>,
        visit: Visit,
        product: Product,
        within: Within,
    ) -> Self {
        let shown = store::shown(product, identity, visit.port.number);
        let connection = shown.map(|(profile, credential)| {
            Box::new(Connection::new(profile, credential, identity.randomness()))
        });
        Self {
            connection,
            inside: Inside {
                session: None,
                out: Output::new(within.service.clone()),
                waiting: Vec::new(),
                given: 0,
                turn: None,
            },
            within,
            identity: Arc::clone(identity),
            visit,
            opened: None,
            first: Some(Box::default()),
        }
    }

    /// Goes on until bytes are needed, or somebody has to wait.
    fn run(&mut self, now: Timestamp, out: &mut Output) {
        loop {
            if self.inside.turn == Some(false) {
                break;
            }
            if out.is_full() && !out.is_closing() {
                out.take_turns();
                break;
            }
            let mut more = true;
            if self.inside.has_waiting() {
                self.inside.feed(now);
            } else {
                more = self.take(now, out);
            }
            self.pass(out);
            if !more {
                break;
            }
        }
    }

    /// Takes the next of the connection; `false` when it has no more.
    fn take(&mut self, now: Timestamp, out: &mut Output) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        match connection.advance() {
            Progress::More => return false,
            Progress::Hello(hello) => {
                self.first = None;
                out.recognise(SERVICE);
                tell_hello(&hello, out);
            }
            Progress::Established(what, protocol) => {
                note(out, "tls", &what);
                let visit = Visit { encrypted: true, ..self.visit };
                let mut session = (self.within.begin)(&self.identity, visit, protocol);
                session.open(now, &mut self.inside.out);
                self.inside.session = Some(session);
            }
            Progress::Data(content) => self.inside.give(content),
            Progress::Note(name, value) => {
                out.recognise(SERVICE);
                note(out, name, &value);
                if connection.is_over() {
                    self.over(out);
                }
            }
            Progress::Closed => {
                connection.close();
                self.over(out);
            }
            Progress::Failed(alert) => {
                if let Some(code) = alert {
                    out.recognise(SERVICE);
                    note(out, "tls alert sent", name_of(code));
                }
                self.over(out);
            }
            Progress::Refused(code) => {
                note(out, "tls alert received", name_of(code));
                out.close();
            }
        }
        true
    }

    /// The connection is over by our doing: what is to be said leaves, then it is closed.
    fn over(&mut self, out: &mut Output) {
        if let Some(connection) = &mut self.connection {
            out.reply(&connection.take_bytes());
        }
        out.close();
    }

    /// Passes on what both the connection and the session within have to say.
    fn pass(&mut self, out: &mut Output) {
        let Some(connection) = &mut self.connection else { return };
        let inside = &mut self.inside.out;
        let reply = inside.take_reply();
        if !reply.is_empty() {
            connection.send(&reply);
        }
        for seen in inside.take_seen() {
            let service = if seen.service.name() == WEB.0 { WEB.1 } else { seen.service };
            out.recognise(if service == Service::UNKNOWN { SERVICE } else { service });
            out.tell(seen.detail);
        }
        if let Some(patience) = inside.patience_asked() {
            out.patience(patience);
        }
        if let Some(turn) = inside.turn() {
            // What has already come goes before a pause in which the session would listen.
            let more = self.inside.has_waiting();
            if turn.listens && !more {
                out.take_turns_listening(turn.pause);
                self.inside.turn = Some(true);
            } else if !turn.listens {
                out.take_turns_after(turn.pause);
                self.inside.turn = Some(false);
            }
        }
        let closing = self.inside.out.is_closing() && !out.is_closing();
        if closing && connection.is_open() {
            connection.close();
        }
        out.reply(&connection.take_bytes());
        if closing {
            out.close();
        }
    }
}

impl Inside {
    fn has_waiting(&self) -> bool {
        self.given < self.waiting.len() && self.session.is_some()
    }

    fn give(&mut self, content: Vec<u8>) {
        (self.waiting, self.given) = (content, 0);
    }

    fn feed(&mut self, now: Timestamp) {
        let end = self.waiting.len().min(self.given + PIECE);
        let piece = self.waiting.get(self.given..end).unwrap_or_default();
        if let Some(session) = &mut self.session {
            session.receive(piece, now, &mut self.out);
        }
        self.given = end;
        if self.given == self.waiting.len() {
            self.give(Vec::new());
        }
    }
}

impl Session for TlsSession {
    fn open(&mut self, now: Timestamp, out: &mut Output) {
        self.opened = Some(now);
        out.patience(HANDSHAKE);
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        let opened = *self.opened.get_or_insert(now);
        if let Some(first) = &mut self.first {
            first.feed(bytes);
        }
        let Some(connection) = &mut self.connection else { return out.close() };
        connection.push(bytes, now);
        let late = now.since(opened) > i64::try_from(HANDSHAKE.as_micros()).unwrap_or(i64::MAX);
        if late && self.inside.session.is_none() {
            return out.close();
        }
        let due = self.inside.turn.take();
        if let Some(session) = self.inside.session.as_mut().filter(|_| due.is_some())
            && (bytes.is_empty() || due == Some(false))
        {
            session.receive(&[], now, &mut self.inside.out);
            self.pass(out);
        }
        self.run(now, out);
    }

    fn idle(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(session) = &mut self.inside.session {
            session.idle(now, &mut self.inside.out);
            self.pass(out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(session) = &mut self.inside.session {
            session.end(now, &mut self.inside.out);
            self.pass(out);
        }
        if let Some(first) = self.first.take().filter(|first| first.size() > 0) {
            out.tell(Detail::Payload(Box::new(first.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        let connection = self.connection.as_ref().map_or(0, |connection| connection.memory());
        let first = self.first.as_ref().map_or(0, |first| first.content().len());
        let session = self.inside.session.as_ref().map_or(0, |session| session.memory());
        connection + first + session + self.inside.waiting.capacity() + self.inside.out.held()
    }
}

pub(super) fn note(out: &mut Output, name: &str, value: &str) {
    out.tell(Detail::Note { name: name.into(), value: value.into() });
}

/// JA4 is the client's fingerprint, and a key for detection. JA3 changes with each connection of a browser, so it is only noted.
pub(super) fn tell_hello(hello: &ClientHello, out: &mut Output) {
    let fingerprint = format!("ja4:{}", ja4(hello, Carrier::Tcp));
    out.tell(Detail::Client {
        version: None,
        fingerprint: Some(fingerprint.as_str().into()),
        algorithms: None,
    });
    note(out, "ja3", &ja3(hello));
    if let Some(name) = hello.server_name() {
        let value = HostileText::from_bytes(name);
        out.tell(Detail::Note { name: "tls server name".into(), value });
    }
    let versions = hello.versions().into_iter().take(MOST_OFFERED).map(version_name);
    let protocols = hello.protocols().into_iter().take(MOST_OFFERED);
    let protocols = protocols.map(|name| String::from_utf8_lossy(name).into_owned());
    let offered: Vec<String> = versions.chain(protocols).collect();
    note(out, "tls offer", &offered.join(" "));
}
