//! Logins: SCRAM-SHA-1 and SCRAM-SHA-256 in saslStart and saslContinue. The server hashes what SCRAM-SHA-1 is given as `user:mongo:password`
//! first (MD5); a few of the commonest passwords and those made of the user's name are tried.

use std::fmt::Write as _;
use std::sync::Arc;

use kizashi_event::{Detail, HostileText};
use md5::{Digest as _, Md5};

use super::bson::{Document, Value, document, field};
use super::commands::Failure;
use crate::draw::Draw;
use crate::randomness::Randomness;
use crate::scram::{Exchange, Hash, Searched, search};
use crate::{Identity, Output, Visit};

/// The commonest in lists of guesses for databases; each costs 10,000 or 15,000 rounds.
const PASSWORDS: &[&str] = &[
    "123456",
    "password",
    "admin",
    "root",
    "123456789",
    "12345678",
    "12345",
    "1234",
    "qwerty",
    "admin123",
    "mongo",
    "mongodb",
    "test",
    "P@ssw0rd",
    "123123",
    "111111",
    "changeme",
    "secret",
    "root123",
    "password123",
    "abc123",
    "1q2w3e4r",
    "pass",
    "example",
];

/// Rounds by default (`scramIterationCount`, `scramSHA256IterationCount`).
const ROUNDS_SHA1: u32 = 10_000;
const ROUNDS_SHA256: u32 = 15_000;

/// One try, as far as it has come.
#[derive(Default)]
pub(super) struct Login {
    exchange: Option<Exchange>,
    /// The place from which passwords are tried.
    searching: Option<usize>,
    /// A proof was right: an empty message ends the conversation.
    proved: bool,
}

pub(super) enum Outcome {
    Answer(Document),
    /// It goes on in the next turn.
    Further,
    Admitted(Vec<u8>, Document),
}

fn refused() -> Document {
    Failure::new(18, "AuthenticationFailed", "Authentication failed.").document()
}

fn step(payload: Vec<u8>, done: bool) -> Document {
    super::commands::fine(document([
        ("conversationId", Value::Int(1)),
        ("done", Value::Bool(done)),
        ("payload", Value::Binary(0, payload)),
    ]))
}

fn payload(command: &Document) -> Vec<u8> {
    match field(command, "payload") {
        Some(Value::Binary(_, content) | Value::Text(content)) => content.clone(),
        _ => Vec::new(),
    }
}

/// What the server hashes.
fn form(hash: Hash, user: &[u8], password: &[u8]) -> Vec<u8> {
    if hash == Hash::Sha256 {
        return password.to_vec();
    }
    let sum = Md5::digest([user, b":mongo:", password].concat());
    sum.iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
        .into_bytes()
}

impl Login {
    pub(super) const fn searches(&self) -> bool {
        self.searching.is_some()
    }

    /// saslStart.
    pub(super) fn start(
        &mut self,
        identity: &Identity,
        command: &Document,
        randomness: &mut Randomness,
    ) -> Outcome {
        *self = Self::default();
        let mechanism = field(command, "mechanism").and_then(Value::as_text).unwrap_or_default();
        let (hash, rounds, length) = match mechanism {
            b"SCRAM-SHA-1" => (Hash::Sha1, ROUNDS_SHA1, 16),
            b"SCRAM-SHA-256" => (Hash::Sha256, ROUNDS_SHA256, 28),
            other => {
                let shown = &other[..other.len().min(64)];
                let message =
                    [b"Received authentication for mechanism ", shown, b" which is not enabled"]
                        .concat();
                return Outcome::Answer(
                    Failure::new(334, "MechanismUnavailable", message).document(),
                );
            }
        };
        let draw = Draw::new(identity.seed(), "mongodb salt");
        let salt: Vec<u8> =
            (0..4).flat_map(|place| draw.number(place).to_be_bytes()).take(length).collect();
        let mut exchange = Exchange { hash, rounds, salt, ..Exchange::default() };
        let nonce: [u8; 24] = randomness.bytes();
        match exchange.answer_first(&payload(command), &nonce) {
            Some(answer) => {
                self.exchange = Some(exchange);
                Outcome::Answer(step(answer, false))
            }
            None => Outcome::Answer(refused()),
        }
    }

    /// saslContinue.
    pub(super) fn go_on(
        &mut self,
        identity: &Arc<Identity>,
        visit: Visit,
        command: &Document,
        out: &mut Output,
    ) -> Outcome {
        if std::mem::take(&mut self.proved) {
            return Outcome::Answer(step(Vec::new(), true));
        }
        let taken =
            self.exchange.as_mut().is_some_and(|exchange| exchange.take_last(&payload(command)));
        if !taken {
            return Outcome::Answer(refused());
        }
        self.searching = Some(0);
        self.search(identity, visit, out)
    }

    /// Tries some passwords.
    pub(super) fn search(
        &mut self,
        identity: &Arc<Identity>,
        visit: Visit,
        out: &mut Output,
    ) -> Outcome {
        let (Some(exchange), Some(from)) = (&self.exchange, self.searching.take()) else {
            return Outcome::Answer(refused());
        };
        let user = exchange.user().to_vec();
        let formed = |password: &[u8]| form(exchange.hash, &user, password);
        let own = [b"".as_slice(), b"123"].map(|end| [&user[..], end].concat());
        let own = if from == 0 { &own[..] } else { &[] };
        let found =
            own.iter().find(|password| exchange.proves(&exchange.key(&formed(password)))).cloned();
        let found = match found {
            Some(found) => Some(found),
            None => match search(exchange, PASSWORDS, |password| formed(password.as_bytes()), from)
            {
                Searched::Further(at) => {
                    self.searching = Some(at);
                    return Outcome::Further;
                }
                Searched::Found(password) => Some(password.as_bytes().to_vec()),
                Searched::Unknown => None,
            },
        };
        let admits = |password: &Vec<u8>| identity.logins().admits(visit.source, &user, password);
        let accepted = found.as_ref().is_some_and(admits);
        if found.is_none() {
            let value = HostileText::from(exchange.shown());
            out.tell(Detail::Note { name: "mongodb challenge and response".into(), value });
        }
        out.tell(Detail::Login {
            username: Some(HostileText::from_bytes(&user)),
            password: found.as_deref().map(HostileText::from_bytes),
            public_key: None,
            accepted,
        });
        match found.filter(|_| accepted) {
            Some(password) => {
                self.proved = true;
                let answer = exchange.answer_last(&exchange.key(&formed(&password)));
                Outcome::Admitted(user, step(answer, false))
            }
            None => Outcome::Answer(refused()),
        }
    }
}
