//! One data connection: bytes from and to the control session's channel, at which it looks from time to time; inside TLS where the visitor
//! asked for it.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{PayloadOrigin, Timestamp};

use crate::capture::Capture;
use crate::ftp::Channel;
use crate::tls::{Piped, Product, TlsPipe};
use crate::{Identity, Output, Session, Visit};

/// How often the channel is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let Some(channel) = identity.channels().meet(visit.source, visit.port.number) else {
        return Box::new(Nobody(Capture::default()));
    };
    let product = Product::Files(identity.web_server());
    let tls = match channel.is_sealed() {
        true => TlsPipe::new(identity, product, visit.port.number).map(Box::new),
        false => None,
    };
    let state = if tls.is_some() { Way::Handshake } else { Way::Open };
    Box::new(Connection { channel, waiting: Vec::new(), tls, state })
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Nothing can be sent before TLS is agreed on.
    Handshake,
    Open,
    /// The visitor has ended TLS.
    Over,
}

struct Connection {
    channel: Arc<Channel>,
    /// What the channel has no room for yet.
    waiting: Vec<u8>,
    tls: Option<Box<TlsPipe>>,
    state: Way,
}

impl Connection {
    /// Opens what came inside TLS.
    fn unseal(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        let Some(tls) = &mut self.tls else { return self.waiting.extend_from_slice(bytes) };
        tls.push(bytes, now);
        loop {
            match tls.advance(out) {
                Piped::More => break,
                Piped::Established => self.state = Way::Open,
                Piped::Data(content) => self.waiting.extend_from_slice(&content),
                Piped::Over => {
                    self.state = Way::Over;
                    break;
                }
            }
        }
        out.reply(&tls.take_bytes());
    }

    fn go_on(&mut self, out: &mut Output) {
        let taken = self.channel.receive(&self.waiting);
        self.waiting.drain(..taken);
        if self.state == Way::Over && self.waiting.is_empty() {
            self.channel.end();
            return out.close();
        }
        if self.state == Way::Open {
            // Asked first, so that nothing is missed that is sent in between.
            let finished = self.channel.is_finished();
            let bytes = self.channel.take_outgoing();
            match &mut self.tls {
                Some(tls) => {
                    tls.send(&bytes);
                    if finished {
                        tls.close();
                    }
                    out.reply(&tls.take_bytes());
                }
                None => out.reply(&bytes),
            }
            if finished {
                return out.close();
            }
        }
        if !self.waiting.is_empty() {
            out.take_turns_after(LOOK);
        } else if !self.channel.uploads() {
            // Not during an upload: a session that takes turns is not told that its visitor has closed.
            out.take_turns_listening(LOOK);
        }
    }
}

impl Session for Connection {
    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        self.channel.arrive();
        out.take_turns_listening(LOOK);
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        if out.is_closing() {
            return;
        }
        self.unseal(bytes, now, out);
        self.go_on(out);
    }

    fn end(&mut self, _now: Timestamp, _out: &mut Output) {
        let _ = self.channel.receive(&self.waiting);
        self.channel.end();
    }

    fn memory(&self) -> usize {
        let tls = self.tls.as_ref().map_or(0, |tls| tls.memory());
        self.waiting.len() + self.channel.held() + tls
    }
}

/// A connection that nobody expects.
struct Nobody(Capture);

impl Session for Nobody {
    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        self.0.feed(bytes);
        out.close();
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        let content = std::mem::take(&mut self.0);
        if content.size() > 0 {
            let payload = content.finish(PayloadOrigin::Sent);
            out.tell(kizashi_event::Detail::Payload(Box::new(payload)));
        }
    }

    fn memory(&self) -> usize {
        self.0.content().len()
    }
}
