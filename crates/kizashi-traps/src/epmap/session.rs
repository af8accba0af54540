//! One visit: packets of DCE-RPC, and whatever else is said to port 135.

use std::sync::Arc;

use kizashi_event::{Detail, PayloadOrigin, Timestamp};

use crate::capture::Capture;
use crate::rpc::{Caller, Connection, Rights, Way};
use crate::windows::Windows;
use crate::{Identity, Output, Session, Visit};

/// Bytes taken in one turn, so that what is answered to them stays bounded.
const TURN: usize = 2 * 1024;

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let random = identity.randomness().bytes();
    Box::new(Visitor {
        windows: identity.windows(),
        identity: Arc::clone(identity),
        visit,
        connection: Connection::new("135", random),
        foreign: None,
        waiting: Vec::new(),
    })
}

struct Visitor {
    identity: Arc<Identity>,
    windows: Windows,
    visit: Visit,
    connection: Connection,
    /// What is no packet, from there on.
    foreign: Option<Capture>,
    /// Bytes not looked at yet, because replies wait.
    waiting: Vec<u8>,
}

impl Visitor {
    fn take(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        if let Some(foreign) = &mut self.foreign {
            return foreign.feed(bytes);
        }
        let caller = Caller {
            identity: &self.identity,
            windows: &self.windows,
            shares: &[],
            visit: self.visit,
            now,
            rights: Rights::Nobody,
            user: "",
            way: Way::Tcp,
        };
        match self.connection.receive(bytes, &caller, out) {
            Ok(reply) => out.reply(&reply),
            Err(foreign) => {
                out.reply(&foreign.reply);
                self.foreign = Some(Capture::of(&foreign.bytes));
                out.close();
            }
        }
    }
}

impl Session for Visitor {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.waiting.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.waiting);
        for (at, piece) in bytes.chunks(TURN).enumerate() {
            if out.is_full() {
                self.waiting = bytes[at * TURN..].to_vec();
                return out.take_turns();
            }
            self.take(piece, now, out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        let waiting = std::mem::take(&mut self.waiting);
        self.take(&waiting, now, out);
        self.connection.end(out);
        let foreign = self.foreign.take().filter(|foreign| foreign.size() > 0);
        if let Some(foreign) = foreign {
            out.tell(Detail::Payload(Box::new(foreign.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        let foreign = self.foreign.as_ref().map_or(0, |foreign| foreign.content().len());
        self.connection.memory() + self.waiting.len() + foreign
    }
}
