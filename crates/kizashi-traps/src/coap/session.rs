//! Requests of one visitor to a sensor of temperature with a lamp. Its names are short, so that its list fits into an answer.

use std::sync::Arc;

use kizashi_event::{Detail, PayloadOrigin, Timestamp};

use super::wire::{BAD_OPTION, CHANGED, CONTENT, Message, NOT_FOUND};
use crate::capture::Capture;
use crate::datagram::{Answer, Datagrams, Protocol, note};
use crate::draw::Draw;
use crate::{Identity, Output, Session, Visit};

/// Requests of one session that are told.
const TOLD: usize = 64;
const LIST: &[u8] = b"</t>,</led>";
const LINK_FORMAT: u8 = 40;
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

struct Coap {
    /// Tenths of a degree.
    temperature: u64,
    told: Vec<String>,
}

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let temperature = 180 + Draw::new(identity.seed(), "temperature").below(0, 80);
    Datagrams::begin(identity, visit, Coap { temperature, told: Vec::new() })
}

impl Coap {
    fn answer(&self, message: &Message<'_>, path: &str, now: Timestamp) -> Vec<u8> {
        match (message.code, path) {
            (0, _) => message.reset(),
            (1, "/.well-known/core") => message.answer(CONTENT, Some(LINK_FORMAT), LIST),
            (1, "/t") => {
                // It wanders within half a degree in a quarter of an hour.
                let wandered = now.seconds().div_euclid(900).rem_euclid(6).unsigned_abs();
                let tenths = self.temperature + wandered;
                let text = format!("{}.{}", tenths / 10, tenths % 10);
                message.answer(CONTENT, Some(0), text.as_bytes())
            }
            (1, "/led") => message.answer(CONTENT, Some(0), b"0"),
            (2 | 3, "/led") => message.answer(CHANGED, None, &[]),
            (1..=4, _) => message.answer(NOT_FOUND, None, &[]),
            _ => message.answer(BAD_OPTION, None, &[]),
        }
    }
}

impl Protocol for Coap {
    fn datagram(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) -> Answer {
        let Some(message) = Message::read(bytes) else { return Answer::unread() };
        let path = message.path();
        let method = usize::from(message.code).checked_sub(1).and_then(|at| METHODS.get(at));
        let line = match (method, message.code) {
            (Some(method), _) => format!("{method} {path}"),
            (None, 0) => "ping".to_owned(),
            (None, code) => format!("method {code} {path}"),
        };
        let line: String = line.chars().take(128).collect();
        if self.told.len() < TOLD && !self.told.contains(&line) {
            note(out, "coap", line.as_str());
            self.told.push(line);
            if !message.payload.is_empty() {
                let payload = Capture::of(message.payload).finish(PayloadOrigin::Sent);
                out.tell(Detail::Payload(Box::new(payload)));
            }
        }
        Answer::with(self.answer(&message, &path, now))
    }

    fn memory(&self) -> usize {
        self.told.iter().map(String::len).sum()
    }
}
