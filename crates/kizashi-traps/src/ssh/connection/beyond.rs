//! The SSH server that a visitor reaches through a forward, as with `ssh -J` or a guesser behind a proxy: another session of our own,
//! which is given what came through the channel. At this machine's own addresses it is this machine, and lets in whom it lets in. Any
//! other host is one with other keys, drawn for its name so that it stays itself, and it refuses everybody: who gets into it would be in
//! a machine that this installation would have to keep. What was tried there is told. From within, nothing further is reached.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Port, Service, Timestamp};
use sha2::{Digest as _, Sha256};

use super::super::session::begin_beyond;
use crate::login::{KeyRule, LoginSettings};
use crate::machine::Progress;
use crate::output::Turn;
use crate::trap::PIECE;
use crate::{Identity, Output, Session, Visit};

/// Turns that the inner session takes in one of the channel's.
const TURNS: usize = 16;

/// The inner session, and what waits for it.
pub(super) struct Beyond {
    session: Box<dyn Session>,
    out: Output,
    /// Where logins there are told as such: `host:port`. `None` on this machine, of which everything is told.
    place: Option<String>,
    /// Bytes of the visitor's that it has not taken; what a channel may hold bounds them.
    held: Vec<u8>,
    /// The pause that it sleeps, in which it may listen.
    asleep: Option<Turn>,
}

impl Beyond {
    /// Connects to this host, named as the visitor named it.
    pub(super) fn begin(
        identity: &Arc<Identity>,
        visit: Visit,
        (host, port): (&[u8], u16),
        now: Timestamp,
    ) -> Self {
        let is_own = is_own(identity, visit, host);
        let (identity, place) = if is_own {
            (Arc::clone(identity), None)
        } else {
            let place = format!("{}:{port}", String::from_utf8_lossy(host));
            (Arc::new(another(identity, &place)), Some(place))
        };
        let visit = Visit { port: Port::tcp(port), ..visit };
        let mut session = begin_beyond(&identity, visit);
        let mut out = Output::new(Service::known("ssh"));
        session.open(now, &mut out);
        Self { session, out, place, held: Vec::new(), asleep: None }
    }

    /// Takes bytes of the visitor's; whether there is something to be done with them now.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        self.held.extend_from_slice(bytes);
        self.is_given()
    }

    /// Whether something came that it would take now.
    pub(super) fn is_given(&self) -> bool {
        !self.held.is_empty() && self.asleep.is_none_or(|turn| turn.listens)
    }

    /// Goes on after a pause, or with what came: until the session waits, pauses, ends, or has something to send.
    pub(super) fn go_on(
        &mut self,
        now: Timestamp,
        answer: &mut Vec<u8>,
        told: &mut Vec<Detail>,
    ) -> Progress {
        if let Some(turn) = self.asleep.take() {
            // What came while it listened ends the pause; else the pause is over.
            let woken = turn.listens && !self.held.is_empty();
            self.give(if woken { PIECE } else { 0 }, now);
        }
        for _ in 0..TURNS {
            answer.extend(self.out.take_reply());
            self.tell(told);
            match self.out.turn() {
                Some(turn) if turn.pause.is_zero() => {
                    if !answer.is_empty() {
                        self.asleep = Some(Turn { listens: false, ..turn });
                        return Progress::Again(Duration::ZERO);
                    }
                    self.give(0, now);
                }
                Some(turn) => {
                    self.asleep = Some(turn);
                    return Progress::Again(turn.pause);
                }
                None if self.out.is_closing() => return Progress::Ended(0),
                None if self.held.is_empty() => return Progress::Waiting,
                None => self.give(PIECE, now),
            }
        }
        Progress::Again(Duration::ZERO)
    }

    fn give(&mut self, most: usize, now: Timestamp) {
        let piece: Vec<u8> = self.held.drain(..most.min(self.held.len())).collect();
        self.session.receive(&piece, now, &mut self.out);
    }

    /// On this machine everything is told; of another host what was tried there, which is no login here.
    fn tell(&mut self, told: &mut Vec<Detail>) {
        for seen in self.out.take_seen() {
            match (&self.place, seen.detail) {
                (None, detail) => told.push(detail),
                (Some(place), Detail::Login { username, password: Some(password), .. }) => {
                    let user = username.unwrap_or_default();
                    let value = format!("{place} {}/{}", user.raw(), password.raw());
                    let value = HostileText::from(value);
                    told.push(Detail::Note { name: "login beyond".into(), value });
                }
                _ => {}
            }
        }
    }

    /// The connection there is over.
    pub(super) fn end(&mut self, now: Timestamp) -> Vec<Detail> {
        let mut told = Vec::new();
        self.session.end(now, &mut self.out);
        self.tell(&mut told);
        told
    }

    pub(super) fn memory(&self) -> usize {
        self.session.memory() + self.held.len()
    }
}

/// Whether a host is this machine, by its name or an address of its own.
fn is_own(identity: &Identity, visit: Visit, host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let host = host.trim_matches(['[', ']']);
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => {
            address.is_loopback() || address.is_unspecified() || Some(address) == visit.destination
        }
        Err(_) => host.eq_ignore_ascii_case("localhost") || host == identity.host_name(),
    }
}

/// A host of its own for each place, which lets nobody in.
fn another(identity: &Identity, place: &str) -> Identity {
    let mut hasher = Sha256::new();
    hasher.update(identity.seed());
    hasher.update(b"a host beyond");
    hasher.update(place.as_bytes());
    let nobody = LoginSettings { weak: false, keys: KeyRule::Never, ..LoginSettings::default() };
    Identity::draw(hasher.finalize().into())
        .with_logins(nobody)
        .with_randomness(identity.randomness().bytes())
}
