//! One visitor's requests. What he asks for is told once in a session, a community each time it is another.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::ber::identifier;
use super::message::{BULK, GET, NEXT, Request, SET, Secured, pair};
use super::mib::Agent;
use crate::datagram::{Answer, Datagrams, Protocol, note, room};
use crate::{Identity, Output, Session, Visit};

/// Requests of one session that are told, and communities.
const TOLD: usize = 128;
/// Bytes of one of them that are kept to know it again.
const KNOWN: usize = 256;
/// Objects of one response.
const OBJECTS: usize = 128;
/// Who may read, and who may write as well.
const READERS: [&[u8]; 2] = [b"public", b"private"];
const WRITERS: [&[u8]; 1] = [b"private"];

const TOO_BIG: i64 = 1;
const NO_SUCH_NAME: i64 = 2;
const NO_ACCESS: i64 = 6;
const NO_SUCH_OBJECT: [u8; 2] = [0x80, 0];
const END_OF_VIEW: [u8; 2] = [0x82, 0];

struct Snmp {
    agent: Agent,
    told: Vec<String>,
    discoveries: i64,
}

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let protocol = Snmp { agent: Agent::of(identity), told: Vec::new(), discoveries: 0 };
    Datagrams::begin(identity, visit, protocol)
}

impl Snmp {
    /// Whether this is new in the session; remembers it.
    fn is_new(&mut self, text: &str) -> bool {
        let text: String = text.chars().take(KNOWN / 4).collect();
        let new = self.told.len() < TOLD && !self.told.contains(&text);
        if new {
            self.told.push(text);
        }
        new
    }

    fn by_community(
        &mut self,
        request: &Request<'_>,
        room: usize,
        now: Timestamp,
        out: &mut Output,
    ) -> Answer {
        let may_read = READERS.contains(&request.community);
        let community = HostileText::from_bytes(request.community);
        if self.is_new(&format!("community {}", community.raw())) {
            out.tell(Detail::Login {
                username: None,
                password: Some(community),
                public_key: None,
                accepted: may_read,
            });
        }
        let text = request.text();
        if self.is_new(&text) {
            note(out, if request.version == 0 { "snmp 1" } else { "snmp 2c" }, text);
        }
        // An agent says nothing to whom it does not know (RFC 3584, 5.2.1).
        if may_read { Answer::with(self.response(request, room, now)) } else { Answer::silent() }
    }

    fn response(&self, request: &Request<'_>, room: usize, now: Timestamp) -> Vec<u8> {
        let whole = match request.kind {
            SET if WRITERS.contains(&request.community) => request.error(0, 0),
            SET => request.error(if request.version == 0 { NO_SUCH_NAME } else { NO_ACCESS }, 1),
            BULK => return self.bulk(request, room, now),
            kind => self.one_each(request, kind, now),
        };
        if whole.len() <= room {
            return whole;
        }
        too_big(request)
    }

    fn one_each(&self, request: &Request<'_>, kind: u8, now: Timestamp) -> Vec<u8> {
        let mut list = Vec::new();
        for (place, (name, _)) in request.objects.iter().enumerate() {
            let found = self.look_up(name, kind, now);
            match found {
                Some(found) => list.extend(found),
                None if request.version == 0 => return request.error(NO_SUCH_NAME, place + 1),
                None => {
                    let missing = if kind == GET { NO_SUCH_OBJECT } else { END_OF_VIEW };
                    list.extend(pair(&identifier(name), &missing));
                }
            }
        }
        request.response(0, 0, &list)
    }

    fn look_up(&self, name: &[u32], kind: u8, now: Timestamp) -> Option<Vec<u8>> {
        if kind == NEXT {
            let (name, value) = self.agent.next(name, now)?;
            return Some(pair(&identifier(&name), &value));
        }
        Some(pair(&identifier(name), &self.agent.get(name, now)?))
    }

    /// As many objects as fit (RFC 3416, 4.2.3).
    fn bulk(&self, request: &Request<'_>, room: usize, now: Timestamp) -> Vec<u8> {
        let single = usize::try_from(request.second).unwrap_or(0);
        let times = usize::try_from(request.third).unwrap_or(0).min(OBJECTS);
        let mut list = Vec::new();
        let mut best = None;
        let mut names: Vec<Vec<u32>> =
            request.objects.iter().map(|(name, _)| name.clone()).collect();
        for turn in 0..times.max(1) {
            let from = if turn == 0 { 0 } else { single.min(names.len()) };
            for name in &mut names[from..] {
                let (next, value) = match self.agent.next(name, now) {
                    Some(found) => found,
                    None => (name.clone(), END_OF_VIEW.to_vec()),
                };
                list.extend(pair(&identifier(&next), &value));
                *name = next;
                let response = request.response(0, 0, &list);
                if response.len() > room {
                    return best.unwrap_or_else(|| too_big(request));
                }
                best = Some(response);
            }
        }
        best.unwrap_or_else(|| request.response(0, 0, &[]))
    }

    fn secured(
        &mut self,
        message: &Secured<'_>,
        bytes: &[u8],
        now: Timestamp,
        out: &mut Output,
    ) -> Answer {
        let user = HostileText::from_bytes(message.user);
        if !message.user.is_empty() && self.is_new(&format!("user {}", user.raw())) {
            let username = Some(user);
            let (password, public_key) = (None, None);
            out.tell(Detail::Login { username, password, public_key, accepted: false });
        }
        if let Some(hash) = message.hashcat(bytes).filter(|hash| self.is_new(hash)) {
            note(out, "hashcat 25000", hash);
        }
        if message.engine == self.agent.engine() {
            return Answer::silent();
        }
        if self.is_new("discovery") {
            note(out, "snmp 3", "discovery");
        }
        self.discoveries += 1;
        let boots = self.agent.boots(now);
        Answer::with(message.report(&self.agent.engine(), boots, self.discoveries))
    }
}

/// Says that the response would be longer than is allowed.
fn too_big(request: &Request<'_>) -> Vec<u8> {
    if request.version == 0 { request.error(TOO_BIG, 0) } else { request.response(TOO_BIG, 0, &[]) }
}

impl Protocol for Snmp {
    fn datagram(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) -> Answer {
        if let Some(request) = Request::read(bytes) {
            return self.by_community(&request, room(bytes), now, out);
        }
        match Secured::read(bytes) {
            Some(message) => self.secured(&message, bytes, now, out),
            None => Answer::unread(),
        }
    }

    fn memory(&self) -> usize {
        self.told.iter().map(String::len).sum()
    }
}

/// See [`crate::fuzz::datagrams`].
pub(super) fn fuzz(bytes: &[u8]) {
    let _ = Request::read(bytes).map(|request| request.text());
    let _ = Secured::read(bytes).and_then(|message| message.hashcat(bytes));
}
