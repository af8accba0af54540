//! One data connection: bytes from and to the control session's channel, at which it looks from time to time.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{PayloadOrigin, Timestamp};

use crate::capture::Capture;
use crate::ftp::Channel;
use crate::{Identity, Output, Session, Visit};

/// How often the channel is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    match identity.channels().meet(visit.source, visit.port.number) {
        Some(channel) => Box::new(Connection { channel, waiting: Vec::new() }),
        None => Box::new(Nobody(Capture::default())),
    }
}

struct Connection {
    channel: Arc<Channel>,
    /// What the channel has no room for yet.
    waiting: Vec<u8>,
}

impl Connection {
    fn go_on(&mut self, out: &mut Output) {
        let taken = self.channel.receive(&self.waiting);
        self.waiting.drain(..taken);
        // Asked first, so that nothing is missed that is sent in between.
        let finished = self.channel.is_finished();
        out.reply(&self.channel.take_outgoing());
        if finished {
            return out.close();
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

    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        if out.is_closing() {
            return;
        }
        self.waiting.extend_from_slice(bytes);
        self.go_on(out);
    }

    fn end(&mut self, _now: Timestamp, _out: &mut Output) {
        let _ = self.channel.receive(&self.waiting);
        self.channel.end();
    }

    fn memory(&self) -> usize {
        self.waiting.len() + self.channel.held()
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
