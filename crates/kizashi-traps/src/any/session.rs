//! One visit to the catch-all: bytes are collected until it is plain that they are HTTP, which the web server's session then
//! takes over, or that they are not. What they are is decided once, at the end, over all that is kept.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, PayloadOrigin, Timestamp, Transport};

use super::recognise::{Http, http_so_far};
use super::{facts, recognise};
use crate::capture::Capture;
use crate::http::{self, HttpSession};
use crate::{Identity, Output, Session, Visit};

/// How long a visitor may be silent: most clients that wait for a banner give up sooner.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    match visit.port.transport {
        Transport::Udp | Transport::Icmp => Box::new(Datagrams),
        Transport::Tcp => Box::new(Stream {
            identity: Arc::clone(identity),
            visit,
            state: State::Undecided(Capture::default()),
        }),
    }
}

enum State {
    /// May still become HTTP.
    Undecided(Capture),
    /// Is something else.
    Silent(Capture),
    Http(Box<HttpSession>),
}

struct Stream {
    identity: Arc<Identity>,
    visit: Visit,
    state: State,
}

impl Session for Stream {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        out.patience(PATIENCE);
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        let collected = match &mut self.state {
            State::Http(session) => return session.receive(bytes, now, out),
            State::Silent(collected) => return collected.feed(bytes),
            State::Undecided(collected) => collected,
        };
        let before = collected.content().len();
        collected.feed(bytes);
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
        if let State::Http(session) = &mut self.state {
            session.idle(now, out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        let collected = match &mut self.state {
            State::Http(session) => return session.end(now, out),
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
            State::Undecided(collected) | State::Silent(collected) => collected.content().len(),
        }
    }
}

/// Each call of `receive` is one datagram; each is told by itself and none is answered.
struct Datagrams;

impl Session for Datagrams {
    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        let service = recognise::udp(bytes);
        let found = facts::of(&service, bytes);
        out.recognise(service);
        let payload = Capture::of(bytes).finish(PayloadOrigin::Sent);
        out.tell(Detail::Payload(Box::new(payload)));
        found.into_iter().for_each(|detail| out.tell(detail));
    }

    fn end(&mut self, _now: Timestamp, _out: &mut Output) {}

    fn memory(&self) -> usize {
        0
    }
}
