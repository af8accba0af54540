//! Datagrams for servers that amplify. Which protocol a datagram speaks is told by its bytes; which it is answered in, too.

use std::sync::Arc;

use kizashi_event::{Port, Service, Timestamp, recognise};

use super::{dns, ntp};
use crate::datagram::{Answer, Datagrams, Protocol, note};
use crate::{Identity, Output, Session, Visit};

/// Questions of one session that are told; a flood asks one again and again.
const QUESTIONS: usize = 32;

/// What a port is for, where the bytes do not tell.
const BY_PORT: [(u16, Service); 3] = [
    (17, Service::known("qotd")),
    (19, Service::known("chargen")),
    (3283, Service::known("apple-remote-desktop")),
];

struct Amplifier {
    port: Port,
    /// The installation as a time server: its upstream, and how well it keeps time.
    clock: ntp::Clock,
    /// Hashes would be shorter; these are few.
    asked: Vec<String>,
}

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let clock = ntp::Clock::of(identity);
    let protocol = Amplifier { port: visit.port, clock, asked: Vec::new() };
    Datagrams::begin(identity, visit, protocol)
}

impl Amplifier {
    fn recognise(&self, bytes: &[u8]) -> Service {
        let by_port = BY_PORT.into_iter().find(|(port, _)| *port == self.port.number);
        by_port.map_or_else(|| recognise::udp(bytes), |(_, service)| service)
    }

    /// Tells a question once.
    fn asks(&mut self, name: &str, question: String, out: &mut Output) {
        if self.asked.len() < QUESTIONS && !self.asked.contains(&question) {
            note(out, name, question.as_str());
            self.asked.push(question);
        }
    }
}

impl Protocol for Amplifier {
    fn datagram(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) -> Answer {
        let service = self.recognise(bytes);
        out.recognise(service.clone());
        match service.name() {
            "dns" => {
                let Some(question) = dns::Question::read(bytes) else { return Answer::unread() };
                self.asks("question", question.text(), out);
                Answer::with(question.refusal())
            }
            "ntp" => match self.clock.answer(bytes, now) {
                Some(reply) => Answer::with(reply).keeping(),
                None => Answer::unread(),
            },
            _ => Answer::unread(),
        }
    }

    fn memory(&self) -> usize {
        self.asked.iter().map(String::len).sum()
    }
}
