//! A login from the startup message on: which user and database, how the password is asked for, what came of it.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText};

use super::auth;
use super::error::PgError;
use super::release::{self, Method};
use super::wire::{Fields, message};
use crate::draw::Draw;
use crate::login::common_passwords;
use crate::randomness::Randomness;
use crate::scram::{self, Exchange, Searched};
use crate::{Identity, Output, Visit};

/// `SCRAM_SHA_256_DEFAULT_ITERATIONS`.
const ROUNDS: u32 = 4_096;
/// Parameters of a startup message that are looked at.
const PARAMETERS: usize = 32;
const PLAIN: &[u8] = b"SCRAM-SHA-256";
const PLUS: &[u8] = b"SCRAM-SHA-256-PLUS";

/// Where a login is.
#[derive(Debug, Default)]
pub(super) enum Stage {
    #[default]
    Asked,
    /// The server's first message of SCRAM is out.
    Challenged,
    /// Passwords are tried from this place on.
    Searching(usize),
}

/// What comes next.
pub(super) enum Outcome {
    /// These bytes are sent and more is awaited.
    Say(Vec<u8>),
    /// It goes on in the next turn.
    Further,
    /// In; these bytes are sent before the rest.
    Admitted(Vec<u8>),
    Refused(PgError),
}

pub(super) struct Login {
    identity: Arc<Identity>,
    visit: Visit,
    pub(super) user: Vec<u8>,
    pub(super) database: Vec<u8>,
    pub(super) application: Vec<u8>,
    method: Method,
    stage: Stage,
    exchange: Exchange,
    salt: [u8; 4],
    nonce: [u8; 18],
}

impl Login {
    /// Reads the parameters of a startup message.
    pub(super) fn read(
        identity: &Arc<Identity>,
        visit: Visit,
        content: &[u8],
        randomness: &mut Randomness,
    ) -> Result<Self, PgError> {
        let mut fields = Fields(content);
        let mut login = Self {
            identity: Arc::clone(identity),
            visit,
            user: Vec::new(),
            database: Vec::new(),
            application: Vec::new(),
            method: release::method(identity),
            stage: Stage::Asked,
            exchange: Exchange::default(),
            salt: randomness.bytes(),
            nonce: randomness.bytes(),
        };
        for _ in 0..PARAMETERS {
            let Some(name) = fields.text().filter(|name| !name.is_empty()) else { break };
            let Some(value) = fields.text() else { break };
            match name {
                b"user" => login.user = value.to_vec(),
                b"database" => login.database = value.to_vec(),
                b"application_name" => login.application = value.to_vec(),
                _ => {}
            }
        }
        if content.last() != Some(&0) || !fields.0.is_empty() {
            let text = "invalid startup packet layout: expected terminator as last byte";
            return Err(PgError::new("08P01", text).at(
                "postmaster.c",
                "2334",
                "ProcessStartupPacket",
            ));
        }
        if login.user.is_empty() {
            let text = "no PostgreSQL user name specified in startup packet";
            return Err(PgError::new("28000", text).at(
                "postmaster.c",
                "2351",
                "ProcessStartupPacket",
            ));
        }
        if login.database.is_empty() {
            login.database.clone_from(&login.user);
        }
        Ok(login)
    }

    /// Whether passwords are still being tried.
    pub(super) const fn searches(&self) -> bool {
        matches!(self.stage, Stage::Searching(_))
    }

    /// Asks for the password.
    pub(super) fn ask(&self) -> Vec<u8> {
        let request = match self.method {
            Method::Password => 3_u32.to_be_bytes().to_vec(),
            Method::Md5 => [&5_u32.to_be_bytes()[..], &self.salt].concat(),
            Method::Scram => {
                let plus: &[u8] = if self.visit.encrypted { b"SCRAM-SHA-256-PLUS\0" } else { b"" };
                [&10_u32.to_be_bytes()[..], plus, PLAIN, b"\0\0"].concat()
            }
        };
        message(b'R', &request)
    }

    /// A message from the client, or another turn.
    pub(super) fn take(&mut self, letter: u8, content: &[u8], out: &mut Output) -> Outcome {
        if let Stage::Searching(from) = self.stage {
            return self.search(from, out);
        }
        if letter != b'p' {
            let kind = if self.method == Method::Scram { "SASL" } else { "password" };
            let text = format!("expected {kind} response, got message type {letter}");
            return Outcome::Refused(PgError::new("08P01", text).at(
                "auth-sasl.c",
                "95",
                "CheckSASLAuth",
            ));
        }
        match self.method {
            Method::Password => self.password(content, out),
            Method::Md5 => self.md5(content, out),
            Method::Scram => match self.stage {
                Stage::Asked => self.client_first(content),
                _ => self.client_final(content, out),
            },
        }
    }

    fn password(&mut self, content: &[u8], out: &mut Output) -> Outcome {
        let given = content.strip_suffix(b"\0").unwrap_or(content).to_vec();
        if given.is_empty() {
            self.tell(Some(b""), false, out);
            return Outcome::Refused(PgError::new("28P01", "empty password returned by client"));
        }
        self.judge(Some(&given), Vec::new(), out)
    }

    fn md5(&mut self, content: &[u8], out: &mut Output) -> Outcome {
        let answer = content.strip_suffix(b"\0").unwrap_or(content);
        let own = self.owner().filter(|password| {
            auth::md5_answer(&self.user, password, self.salt).as_bytes() == answer
        });
        let found = own.or_else(|| auth::md5_tried(&self.user, self.salt, answer));
        if found.is_none() {
            note(
                "postgresql challenge and response",
                &auth::md5_hashcat(&self.user, self.salt, answer),
                out,
            );
        }
        self.judge(found.as_deref(), Vec::new(), out)
    }

    /// The application's password, where its account comes.
    fn owner(&self) -> Option<Vec<u8>> {
        let application = self.identity.application();
        let account = application.account();
        (account.name.as_bytes() == self.user).then(|| account.password.as_bytes().to_vec())
    }

    fn client_first(&mut self, content: &[u8]) -> Outcome {
        let mut fields = Fields(content);
        let mechanism = fields.text().unwrap_or_default();
        if mechanism != PLAIN && !(mechanism == PLUS && self.visit.encrypted) {
            let text = "client selected an invalid SASL authentication mechanism";
            return Outcome::Refused(PgError::new("08P01", text).at(
                "auth-scram.c",
                "256",
                "scram_init",
            ));
        }
        let first = fields.value().flatten().unwrap_or_default();
        let known = if self.user == b"postgres" { "postgres" } else { "others" };
        let label = format!("postgresql salt {known}");
        let draw = Draw::new(self.identity.seed(), &label);
        let salt = [draw.number(0).to_be_bytes(), draw.number(1).to_be_bytes()].concat();
        self.exchange = Exchange { salt, rounds: ROUNDS, ..Exchange::default() };
        let Some(answer) = self.exchange.answer_first(first, &self.nonce) else {
            let error = PgError::new("08P01", "malformed SCRAM message");
            let detail = b"The message is empty.".to_vec();
            let error = error.at("auth-scram.c", "360", "scram_exchange");
            return Outcome::Refused(PgError { detail, ..error });
        };
        self.stage = Stage::Challenged;
        Outcome::Say(message(b'R', &[&11_u32.to_be_bytes()[..], &answer].concat()))
    }

    fn client_final(&mut self, content: &[u8], out: &mut Output) -> Outcome {
        if !self.exchange.take_last(content) {
            let error = PgError::new("08P01", "invalid SCRAM response");
            return Outcome::Refused(PgError {
                detail: b"Nonce does not match.".to_vec(),
                ..error
            });
        }
        let own = self.owner().into_iter().chain(auth::own(&self.user));
        for password in own {
            if self.exchange.proves(&self.exchange.key(&password)) {
                return self.proved(&password, out);
            }
        }
        self.search(0, out)
    }

    /// The password is known: the server's own proof, and whether it opens.
    fn proved(&self, password: &[u8], out: &mut Output) -> Outcome {
        let proof = self.exchange.answer_last(&self.exchange.key(password));
        let answer = message(b'R', &[&12_u32.to_be_bytes()[..], &proof].concat());
        self.judge(Some(password), answer, out)
    }

    fn search(&mut self, from: usize, out: &mut Output) -> Outcome {
        let plain = |password: &str| password.as_bytes().to_vec();
        match scram::search(&self.exchange, common_passwords(), plain, from) {
            Searched::Further(at) => {
                self.stage = Stage::Searching(at);
                Outcome::Further
            }
            Searched::Found(password) => self.proved(password.as_bytes(), out),
            Searched::Unknown => {
                note("postgresql challenge and response", &self.exchange.shown(), out);
                self.judge(None, Vec::new(), out)
            }
        }
    }

    fn tell(&self, password: Option<&[u8]>, accepted: bool, out: &mut Output) {
        out.tell(Detail::Login {
            username: Some(HostileText::from_bytes(&self.user)),
            password: password.map(HostileText::from_bytes),
            public_key: None,
            accepted,
        });
    }

    fn judge(&self, password: Option<&[u8]>, answer: Vec<u8>, out: &mut Output) -> Outcome {
        let right = password.is_some() && password == self.owner().as_deref();
        let admits = |password: &[u8]| {
            self.identity.logins().admits(self.visit.source, &self.user, password)
        };
        let accepted = right || password.is_some_and(admits);
        self.tell(password, accepted, out);
        if !accepted {
            let error = PgError::about(
                "28P01",
                "password authentication failed for user \"{}\"",
                &self.user,
            );
            return Outcome::Refused(error.at("auth.c", "335", "auth_failed"));
        }
        Outcome::Admitted(answer)
    }
}

fn note(name: &str, value: &str, out: &mut Output) {
    out.tell(Detail::Note { name: name.into(), value: value.into() });
}
