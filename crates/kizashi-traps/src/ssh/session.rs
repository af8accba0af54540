//! One visit: the client's line, then packets, then a login, then channels. Each layer takes what the one below gives it; what a fault
//! says to the visitor is decided here, once.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::connection::Connection;
use super::identification::{Identification, Outcome};
use super::persona::Persona;
use super::transport::{Event, Failure, Taken, Transport};
use super::userauth::{Login, Verdict};
use crate::{Identity, Output, Session, Visit};

/// How long a visitor may take to get in (sshd_config, `LoginGraceTime`).
const GRACE: i64 = 120 * Timestamp::SECOND;
/// How long a visitor who is in may be silent.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    begin_at(identity, visit, false)
}

/// A session within another's forward; its own forwards reach no further server.
pub(super) fn begin_beyond(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    begin_at(identity, visit, true)
}

fn begin_at(identity: &Arc<Identity>, visit: Visit, beyond: bool) -> Box<dyn Session> {
    let transport = identity
        .host_keys()
        .map(|keys| Transport::new(Persona::of(identity), keys, identity.randomness()));
    Box::new(Ssh {
        identity: Arc::clone(identity),
        visit,
        beyond,
        opened: Timestamp::from_seconds(0),
        transport,
        phase: Phase::Identification(Identification::default()),
        waiting: Vec::new(),
        pausing: false,
        refusing: false,
    })
}

enum Phase {
    Identification(Identification),
    Login(Box<Login>),
    Connection(Box<Connection>),
    Over,
}

struct Ssh {
    identity: Arc<Identity>,
    visit: Visit,
    /// It is reached through a forward.
    beyond: bool,
    opened: Timestamp,
    /// There is none for one seed of 2^256 for which there are no keys.
    transport: Option<Transport>,
    phase: Phase,
    /// What came while the server paused or replies waited: one piece at most.
    waiting: Vec<u8>,
    pausing: bool,
    /// The pause is that of a refusal.
    refusing: bool,
}

impl Session for Ssh {
    fn open(&mut self, now: Timestamp, out: &mut Output) {
        self.opened = now;
        match &self.transport {
            Some(transport) => {
                out.reply(transport.persona.identification.as_bytes());
                out.reply(b"\r\n");
            }
            None => out.close(),
        }
        self.be_patient(now, out);
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        let mut held = std::mem::take(&mut self.waiting);
        held.extend_from_slice(bytes);
        let full = std::mem::take(&mut self.pausing);
        if full || bytes.is_empty() {
            let outcome = self.go_on(!full, now, out);
            self.settle(outcome, out);
        }
        let mut rest = held.as_slice();
        while !rest.is_empty() && !out.is_closing() {
            if self.pausing || out.is_full() {
                if !self.pausing {
                    self.pausing = true;
                    out.take_turns();
                }
                self.waiting = rest.to_vec();
                break;
            }
            let outcome = self.step(&mut rest, now, out);
            self.settle(outcome, out);
        }
        out.told().for_each(|detail| self.identity.logins().learn(detail));
        self.be_patient(now, out);
    }

    fn idle(&mut self, _now: Timestamp, out: &mut Output) {
        out.close();
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Identification(mut identification) => name(&identification.take(), out),
            Phase::Connection(mut connection) => connection.end(now, out),
            Phase::Login(_) | Phase::Over => {}
        }
        out.told().for_each(|detail| self.identity.logins().learn(detail));
    }

    fn memory(&self) -> usize {
        let phase = match &self.phase {
            Phase::Identification(identification) => identification.memory(),
            Phase::Login(login) => login.memory(),
            Phase::Connection(connection) => connection.memory(),
            Phase::Over => 0,
        };
        phase + self.waiting.len() + self.transport.as_ref().map_or(0, Transport::memory)
    }
}

impl Ssh {
    fn be_patient(&self, now: Timestamp, out: &mut Output) {
        out.patience(if matches!(self.phase, Phase::Connection(_)) {
            PATIENCE
        } else {
            let left = (GRACE - (now.micros() - self.opened.micros())).clamp(1, GRACE);
            Duration::from_micros(left.unsigned_abs())
        });
    }

    /// Takes some of the bytes: a byte of the line, or what a packet needs.
    fn step(&mut self, rest: &mut &[u8], now: Timestamp, out: &mut Output) -> Taken<()> {
        let Some(transport) = &mut self.transport else { return Err(Failure::Silent) };
        if let Phase::Identification(identification) = &mut self.phase {
            let Some((byte, after)) = rest.split_first() else { return Ok(()) };
            *rest = after;
            match identification.feed(*byte) {
                Outcome::More => {}
                Outcome::Named(line) => {
                    name(&line, out);
                    let login = Login::new(Arc::clone(&self.identity), self.visit.source);
                    self.phase = Phase::Login(Box::new(login));
                    transport.begin(line, out);
                }
                Outcome::Refused(text, line) => {
                    name(&line, out);
                    out.reply(text.as_bytes());
                    return Err(Failure::Silent);
                }
                Outcome::Unwelcome(line) => {
                    name(&line, out);
                    return Err(Failure::Silent);
                }
            }
            return Ok(());
        }
        let Some(payload) = transport.next(rest)? else { return Ok(()) };
        match transport.take(payload, out)? {
            Event::Own => {
                // New keys may be there for what had to wait for them.
                if let Phase::Connection(connection) = &mut self.phase {
                    connection.flush(transport, out);
                }
                Ok(())
            }
            Event::Offer { lists, hassh } => {
                out.tell(Detail::Client {
                    version: None,
                    fingerprint: Some(HostileText::from(format!("hassh:{hassh}"))),
                    algorithms: Some(HostileText::from_bytes(&lists)),
                });
                if out.is_closing() { Err(Failure::Silent) } else { Ok(()) }
            }
            Event::Left => Err(Failure::Silent),
            Event::Message(payload) => self.message(&payload, now, out),
        }
    }

    fn message(&mut self, payload: &[u8], now: Timestamp, out: &mut Output) -> Taken<()> {
        let Some(transport) = &mut self.transport else { return Err(Failure::Silent) };
        match &mut self.phase {
            Phase::Login(login) => match login.take(payload, transport, out)? {
                Verdict::Answered => Ok(()),
                Verdict::Refused(pause) if pause.is_zero() => login.refuse(transport, out),
                Verdict::Refused(pause) => {
                    (self.pausing, self.refusing) = (true, true);
                    out.take_turns_after(pause);
                    Ok(())
                }
                Verdict::Accepted(user) => {
                    transport.send(vec![super::wire::message::USERAUTH_SUCCESS], out);
                    transport.log_in();
                    Connection::greet(transport, out);
                    let identity = Arc::clone(&self.identity);
                    let chance = transport.randomness.number();
                    let connection =
                        Connection::new(identity, (self.visit, self.beyond), user, chance, now);
                    self.phase = Phase::Connection(Box::new(connection));
                    Ok(())
                }
            },
            Phase::Connection(connection) => {
                connection.wake(now);
                connection.take(payload, now, transport, out)?;
                self.pause(now, out);
                Ok(())
            }
            Phase::Identification(_) | Phase::Over => Ok(()),
        }
    }

    /// A pause is over, or replies have left, which may be sooner.
    fn go_on(&mut self, over: bool, now: Timestamp, out: &mut Output) -> Taken<()> {
        let Some(transport) = &mut self.transport else { return Err(Failure::Silent) };
        match &mut self.phase {
            Phase::Login(login) if std::mem::take(&mut self.refusing) => {
                login.refuse(transport, out)
            }
            Phase::Connection(connection) => {
                connection.go_on(over, now, transport, out);
                self.pause(now, out);
                Ok(())
            }
            Phase::Identification(_) | Phase::Login(_) | Phase::Over => Ok(()),
        }
    }

    /// Asks for another turn where a program wants one. The visitor is listened to meanwhile, for he may have other channels, or want the
    /// program to stop.
    fn pause(&mut self, now: Timestamp, out: &mut Output) {
        if let Phase::Connection(connection) = &mut self.phase
            && let Some(pause) = connection.pause(now, out)
        {
            out.take_turns_listening(pause);
        }
    }

    fn settle(&mut self, outcome: Taken<()>, out: &mut Output) {
        match outcome {
            Ok(()) => return,
            Err(Failure::Told(text)) => {
                if let Some(transport) = &mut self.transport {
                    transport.disconnect(&text, out);
                }
            }
            Err(Failure::Silent) => out.close(),
        }
        // A connection that was cut still has something to tell at its end.
        if !matches!(self.phase, Phase::Connection(_)) {
            self.phase = Phase::Over;
        }
        self.waiting = Vec::new();
        self.pausing = false;
    }
}

/// What the client calls itself.
fn name(line: &[u8], out: &mut Output) {
    if !line.is_empty() {
        out.tell(Detail::Client {
            version: Some(HostileText::from_bytes(line)),
            fingerprint: None,
            algorithms: None,
        });
    }
}
