//! One connection to a port of TLS: the first bytes say whether it is TLS. nginx decides on the first one, and answers anything else as
//! HTTP; Apache httpd leaves that to OpenSSL, which knows the beginnings of four requests and hangs up on the rest.

use std::sync::Arc;

use kizashi_event::Timestamp;

use crate::http::{self, HttpSession, MachineKind};
use crate::http2::Http2Session;
use crate::identity::WebServer;
use crate::tls::{Product, TlsSession, Within};
use crate::{Identity, Output, Session, Visit};

/// Whose TLS is spoken at this port: a device's where a device's site is shown, or else the web server's.
pub(crate) fn product(identity: &Identity, port: u16) -> Product {
    match identity.web_site(port) {
        Some(site) if site.machine == MachineKind::Device => Product::Device,
        _ => Product::Server(identity.web_server()),
    }
}

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let state = State::Undecided(Vec::new());
    Box::new(HttpsSession { identity: Arc::clone(identity), visit, state })
}

const WITHIN: Within = Within { begin: begin_inside, service: &http::SERVICE };

/// The session inside, for a protocol agreed on.
fn begin_inside(identity: &Arc<Identity>, visit: Visit, agreed: Option<&str>) -> Box<dyn Session> {
    match agreed {
        Some("h2") => Box::new(Http2Session::new(identity, visit)),
        _ => Box::new(HttpSession::new(identity, visit)),
    }
}

enum State {
    Undecided(Vec<u8>),
    Tls(Box<TlsSession>),
    /// HTTP without TLS.
    Plain(Box<HttpSession>),
}

struct HttpsSession {
    identity: Arc<Identity>,
    visit: Visit,
    state: State,
}

/// Whether these first bytes are given to TLS; `None` where more are needed.
fn is_for_tls(server: WebServer, bytes: &[u8]) -> Option<bool> {
    const HANDSHAKE: u8 = 22;
    const REQUESTS: [&[u8]; 4] = [b"GET ", b"POST ", b"HEAD ", b"PUT "];
    let first = bytes.first()?;
    match server {
        WebServer::ApacheDebian12 | WebServer::ApacheUbuntu24 => {
            if REQUESTS.iter().any(|request| bytes.starts_with(request)) {
                return Some(false);
            }
            let perhaps = REQUESTS.iter().any(|request| request.starts_with(bytes));
            (!perhaps).then_some(true)
        }
        _ => Some(first & 0x80 != 0 || *first == HANDSHAKE),
    }
}

impl HttpsSession {
    fn decide(&mut self, now: Timestamp, out: &mut Output) -> Option<&mut dyn Session> {
        if let State::Undecided(bytes) = &self.state {
            let server = self.identity.web_server();
            self.state = if is_for_tls(server, bytes)? {
                let product = product(&self.identity, self.visit.port.number);
                let mut session =
                    Box::new(TlsSession::new(&self.identity, self.visit, product, WITHIN));
                session.open(now, out);
                State::Tls(session)
            } else {
                out.recognise(http::SERVICE);
                let mut session = Box::new(HttpSession::unencrypted(&self.identity, self.visit));
                session.open(now, out);
                State::Plain(session)
            };
        }
        self.session()
    }

    fn session(&mut self) -> Option<&mut dyn Session> {
        match &mut self.state {
            State::Undecided(_) => None,
            State::Tls(session) => Some(&mut **session),
            State::Plain(session) => Some(&mut **session),
        }
    }
}

impl Session for HttpsSession {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        let mut joined = Vec::new();
        let mut given = bytes;
        if let State::Undecided(before) = &mut self.state {
            before.extend_from_slice(bytes);
            joined.clone_from(before);
            given = &joined;
        }
        if let Some(session) = self.decide(now, out) {
            session.receive(given, now, out);
        }
    }

    fn idle(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(session) = self.session() {
            session.idle(now, out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        if let State::Undecided(bytes) = &mut self.state
            && !bytes.is_empty()
        {
            // Too little to be anything; it is kept as any bytes are that are not TLS.
            let product = product(&self.identity, self.visit.port.number);
            let bytes = std::mem::take(bytes);
            let mut session = TlsSession::new(&self.identity, self.visit, product, WITHIN);
            session.receive(&bytes, now, out);
            self.state = State::Tls(Box::new(session));
        }
        if let Some(session) = self.session() {
            session.end(now, out);
        }
    }

    fn memory(&self) -> usize {
        match &self.state {
            State::Undecided(bytes) => bytes.len(),
            State::Tls(session) => session.memory(),
            State::Plain(session) => session.memory(),
        }
    }
}
