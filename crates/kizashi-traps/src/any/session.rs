//! One visit to the catch-all: bytes are collected until it is plain that they are HTTP, which the web server's session then
//! takes over, or that they are not. What they are is decided once, at the end, over all that is kept.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, PayloadOrigin, Service, Timestamp, Transport};

use super::recognise::{Http, http_so_far};
use super::{facts, recognise};
use crate::capture::Capture;
use crate::datagram::{Answer, Datagrams, Protocol};
use crate::http::{self, HttpSession};
use crate::http2::Http2Session;
use crate::https;
use crate::tls::{Product, TlsSession, Within, begins_like_tls};
use crate::{Identity, Output, Session, Visit};

/// How long a visitor may be silent: most clients that wait for a banner give up sooner.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    match visit.port.transport {
        Transport::Udp | Transport::Icmp => Datagrams::begin(identity, visit, Unknown),
        Transport::Tcp => Box::new(Stream {
            identity: Arc::clone(identity),
            visit,
            encrypted: false,
            state: State::Undecided(Capture::default()),
        }),
    }
}

const WITHIN: Within = Within { begin: begin_inside, service: &Service::UNKNOWN };

/// The same inside TLS.
fn begin_inside(identity: &Arc<Identity>, visit: Visit, agreed: Option<&str>) -> Box<dyn Session> {
    let state = match agreed {
        Some("h2") => State::Http(Box::new(Http2Session::new(identity, visit))),
        _ => State::Undecided(Capture::default()),
    };
    Box::new(Stream { identity: Arc::clone(identity), visit, encrypted: true, state })
}

/// Ports of routers, cameras and recorders, on which TLS is spoken as a device does.
const OF_DEVICES: [u16; 8] = [4567, 5555, 7547, 8291, 37_215, 49_152, 52_869, 60_001];

fn product(identity: &Identity, visit: Visit) -> Product {
    if OF_DEVICES.contains(&visit.port.number) {
        Product::Device
    } else {
        https::product(identity, visit.port.number)
    }
}

enum State {
    /// May still become HTTP.
    Undecided(Capture),
    /// Is something else.
    Silent(Capture),
    Http(Box<dyn Session>),
    Tls(Box<TlsSession>),
}

struct Stream {
    identity: Arc<Identity>,
    visit: Visit,
    /// Inside TLS already.
    encrypted: bool,
    state: State,
}

impl Session for Stream {
    fn open(&mut self, now: Timestamp, out: &mut Output) {
        out.patience(PATIENCE);
        if let State::Http(session) = &mut self.state {
            out.recognise(http::SERVICE);
            session.open(now, out);
        }
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        let collected = match &mut self.state {
            State::Http(session) => return session.receive(bytes, now, out),
            State::Tls(session) => return session.receive(bytes, now, out),
            State::Silent(collected) => return collected.feed(bytes),
            State::Undecided(collected) => collected,
        };
        let before = collected.content().len();
        collected.feed(bytes);
        let tls = if self.encrypted { Some(false) } else { begins_like_tls(collected.content()) };
        match tls {
            None => return,
            Some(true) => {
                let first = std::mem::take(collected);
                let product = product(&self.identity, self.visit);
                let mut session =
                    Box::new(TlsSession::new(&self.identity, self.visit, product, WITHIN));
                session.open(now, out);
                session.receive(&first.content()[..before], now, out);
                session.receive(bytes, now, out);
                self.state = State::Tls(session);
                return;
            }
            Some(false) => {}
        }
        match http_so_far(collected.content()) {
            Http::Perhaps => {}
            Http::No => self.state = State::Silent(std::mem::take(collected)),
            Http::Yes => {
                let first = std::mem::take(collected);
                let mut session = Box::new(HttpSession::new(&self.identity, self.visit));
                out.recognise(http::SERVICE);
                session.open(now, out);
                session.receive(&first.content()[..before], now, out);
                session.receive(bytes, now, out);
                self.state = State::Http(session);
            }
        }
    }

    fn idle(&mut self, now: Timestamp, out: &mut Output) {
        match &mut self.state {
            State::Http(session) => session.idle(now, out),
            State::Tls(session) => session.idle(now, out),
            State::Undecided(_) | State::Silent(_) => {}
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        let collected = match &mut self.state {
            State::Http(session) => return session.end(now, out),
            State::Tls(session) => return session.end(now, out),
            State::Undecided(collected) | State::Silent(collected) => std::mem::take(collected),
        };
        if collected.content().is_empty() {
            return;
        }
        let service = recognise::tcp(collected.content());
        let found = facts::of(&service, collected.content());
        out.recognise(service);
        out.tell(Detail::Payload(Box::new(collected.finish(PayloadOrigin::Sent))));
        found.into_iter().for_each(|detail| out.tell(detail));
    }

    fn memory(&self) -> usize {
        match &self.state {
            State::Http(session) => session.memory(),
            State::Tls(session) => session.memory(),
            State::Undecided(collected) | State::Silent(collected) => collected.content().len(),
        }
    }
}

/// Datagrams of any protocol: each is told by itself and none is answered.
struct Unknown;

impl Protocol for Unknown {
    fn datagram(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) -> Answer {
        let service = recognise::udp(bytes);
        let found = facts::of(&service, bytes);
        out.recognise(service);
        found.into_iter().for_each(|detail| out.tell(detail));
        Answer::unread()
    }
}
