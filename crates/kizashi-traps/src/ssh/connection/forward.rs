//! A connection that a visitor asks to be made onward (`direct-tcpip`): said to be open, told, and answered by a plausible other side:
//! our own web server for HTTP, a mail server for SMTP, an alert for TLS, another session of ours at SSH's ports (`beyond.rs`). It is
//! never made. Where too many servers are reached already, or one from within another, an OpenSSH names itself, takes the client's name
//! and lists, which are told, and hangs up as one does whose `MaxStartups` are reached: else anybody could nest them.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Port, Service, Timestamp};

use super::super::persona::Persona;
use super::beyond::Beyond;
use super::mail::Mail;
use crate::machine::{Progress, Said};
use crate::trap::PIECE;
use crate::{Identity, Output, Session, Visit, http};

/// First bytes that are told.
const TOLD: usize = 4 * 1024;
/// Bytes of an SSH server's that a channel is given at once, so that it loses none.
const AT_ONCE: usize = 32 * 1024;
/// Ports at which the server speaks first, as mail servers do.
const MAIL_PORTS: [u16; 4] = [25, 26, 587, 2525];
/// Ports at which SSH servers are, which speak first, too.
const SSH_PORTS: [u16; 2] = [22, 2222];
/// Alert, fatal, handshake failure (RFC 5246, section 7.2).
const TLS_ALERT: [u8; 7] = [0x15, 3, 1, 0, 2, 2, 40];

enum OtherSide {
    /// What it is shows in the first bytes.
    Unknown,
    Web(Box<dyn Session>, Output),
    Mail(Mail),
    /// An SSH server.
    Ssh(Box<Beyond>),
    /// One that has named itself, and hangs up at the client's lists.
    FullSsh,
    /// It only takes.
    Silent,
    /// It has closed.
    Gone,
}

pub(super) struct Forward {
    identity: Arc<Identity>,
    visit: Visit,
    host: Vec<u8>,
    port: u16,
    first: Vec<u8>,
    side: OtherSide,
    answer: Vec<u8>,
    /// What the SSH server wants when its answer has left.
    progress: Progress,
    ended: bool,
}

/// Whether a client has sent its name and the beginning of its lists, or more than is told.
fn has_lists(first: &[u8]) -> bool {
    let end = first.iter().position(|byte| *byte == b'\n');
    end.is_some_and(|end| first.len() > end + 64) || first.len() >= TOLD
}

impl Forward {
    pub(super) fn new(
        identity: &Arc<Identity>,
        visit: Visit,
        (host, port): (&[u8], u16),
        reaches: bool,
        now: Timestamp,
    ) -> Self {
        let mut answer = Vec::new();
        let side = if MAIL_PORTS.contains(&port) {
            OtherSide::Mail(Mail::begin(host, now, &mut answer))
        } else if SSH_PORTS.contains(&port) && reaches {
            OtherSide::Ssh(Box::new(Beyond::begin(identity, visit, (host, port), now)))
        } else if SSH_PORTS.contains(&port) {
            answer.extend_from_slice(Persona::of(identity).identification.as_bytes());
            answer.extend_from_slice(b"\r\n");
            OtherSide::FullSsh
        } else {
            OtherSide::Unknown
        };
        let host = host[..host.len().min(TOLD)].to_vec();
        Self {
            identity: Arc::clone(identity),
            visit,
            host,
            port,
            first: Vec::new(),
            side,
            answer,
            progress: Progress::Waiting,
            ended: false,
        }
    }

    pub(super) const fn is_beyond(&self) -> bool {
        matches!(self.side, OtherSide::Ssh(_))
    }

    /// Takes bytes of the visitor's; whether a pause is over by them.
    pub(super) fn give(&mut self, bytes: &[u8], now: Timestamp) -> bool {
        let room = TOLD - self.first.len();
        self.first.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if matches!(self.side, OtherSide::Unknown) {
            self.recognise(now);
        }
        if let OtherSide::Ssh(beyond) = &mut self.side {
            return beyond.take(bytes);
        }
        for piece in bytes.chunks(PIECE) {
            match &mut self.side {
                OtherSide::Web(session, inner) => {
                    session.receive(piece, now, inner);
                    self.collect(now);
                }
                OtherSide::Mail(mail) => {
                    if !mail.take(piece, &mut self.answer) {
                        self.side = OtherSide::Gone;
                    }
                }
                OtherSide::FullSsh if has_lists(&self.first) => self.side = OtherSide::Gone,
                OtherSide::Ssh(_)
                | OtherSide::FullSsh
                | OtherSide::Unknown
                | OtherSide::Silent
                | OtherSide::Gone => {}
            }
        }
        false
    }

    fn recognise(&mut self, now: Timestamp) {
        let first = self.first.as_slice();
        if first.starts_with(&[0x16, 3]) {
            self.answer.extend(TLS_ALERT);
            self.side = OtherSide::Gone;
            return;
        }
        let is_http = first.iter().position(|byte| *byte == b' ').is_some_and(|end| {
            (3..=8).contains(&end) && first[..end].iter().all(u8::is_ascii_uppercase)
        });
        if is_http {
            let visit = Visit {
                source: self.visit.source,
                destination: None,
                port: Port::tcp(self.port),
                encrypted: false,
            };
            let mut session = (http::TRAP.begin)(&self.identity, visit);
            let mut inner = Output::new(Service::known("http"));
            session.open(now, &mut inner);
            self.side = OtherSide::Web(session, inner);
        } else if first.len() >= 16 {
            self.side = OtherSide::Silent;
        }
    }

    /// Takes what the web server answers; what it tells is about a host that is not this one, and is not told.
    fn collect(&mut self, now: Timestamp) {
        let OtherSide::Web(session, inner) = &mut self.side else { return };
        for _ in 0..16 {
            self.answer.extend(inner.take_reply());
            inner.take_seen();
            if !inner.wants_turn() {
                break;
            }
            session.receive(&[], now, inner);
        }
        if inner.is_closing() {
            self.side = OtherSide::Gone;
        }
    }

    pub(super) fn end_of_input(&mut self) {
        self.ended = true;
    }

    pub(super) fn run(&mut self, now: Timestamp, said: &mut Said) -> Progress {
        if let (OtherSide::Ssh(beyond), false) = (&mut self.side, self.ended) {
            if self.answer.is_empty() {
                self.progress = beyond.go_on(now, &mut self.answer, &mut said.details);
            }
            said.output.extend(self.answer.drain(..self.answer.len().min(AT_ONCE)));
            let more = !self.answer.is_empty() || beyond.is_given();
            return if more { Progress::Again(Duration::ZERO) } else { self.progress };
        }
        said.output.append(&mut self.answer);
        let over = self.ended || matches!(self.side, OtherSide::Gone);
        if over { Progress::Ended(0) } else { Progress::Waiting }
    }

    pub(super) fn leave(&mut self, now: Timestamp, out: &mut Output) {
        match &mut self.side {
            OtherSide::Web(session, inner) => session.end(now, inner),
            OtherSide::Ssh(beyond) => {
                beyond.end(now).into_iter().for_each(|detail| out.tell(detail));
            }
            _ => {}
        }
        out.tell(Detail::Forward {
            host: HostileText::from_bytes(&self.host),
            port: self.port,
            data: (!self.first.is_empty()).then(|| HostileText::from_bytes(&self.first)),
        });
    }

    pub(super) fn memory(&self) -> usize {
        let side = match &self.side {
            OtherSide::Web(session, _) => session.memory(),
            OtherSide::Mail(mail) => mail.memory(),
            OtherSide::Ssh(beyond) => beyond.memory() + self.answer.len(),
            _ => 0,
        };
        self.host.len() + self.first.len() + side
    }
}
