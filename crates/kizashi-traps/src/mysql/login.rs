//! A login: the client's response, another kind of answer where its own is not the server's, and what `caching_sha2_password` asks for beyond.
//! That plugin knows a password again whose hash it has (the fast path); it is sent any other in full, in the clear inside TLS and encrypted
//! to the server's key elsewhere (`sql/auth/sha2_password.cc`; the manual of MySQL 8.4, 8.4.1.1), so that the password is known.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText};

use super::handshake::{CLEAR, NATIVE, Response, SHA2, default_plugin};
use super::password::{self, SCRAMBLE};
use crate::randomness::Randomness;
use crate::tls::Product;
use crate::{Identity, Output, Visit};

/// What is said about a password that was known again, and about one that is wanted in full.
const KNOWN_AGAIN: &[u8] = &[1, 3];
const IN_FULL: &[u8] = &[1, 4];
/// What a client asks the key by.
const KEY_WANTED: &[u8] = &[2];

/// What comes of a packet.
pub(super) enum Outcome {
    /// This is said, and another packet is awaited.
    Say(Vec<u8>),
    Refused,
    /// With what is said before that.
    Admitted(Option<Vec<u8>>),
}

/// A packet's kind that is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The answer to the scramble by the server's own plugin.
    Answer,
    Full,
}

/// One login.
pub(super) struct Login {
    pub(super) response: Response,
    scramble: [u8; SCRAMBLE],
    awaited: Awaited,
    /// Nothing was told of it yet.
    untold: bool,
}

/// A scramble in the product's own manner: any of 127 characters but `$`, or what can be printed.
pub(super) fn scramble(identity: &Identity, randomness: &mut Randomness) -> [u8; SCRAMBLE] {
    let drawn: [u8; SCRAMBLE] = randomness.bytes();
    if identity.mysql_release().is_mariadb() {
        return drawn.map(|byte| b'!' + byte % 94);
    }
    drawn.map(|byte| match byte & 0x7f {
        unfit @ (0 | b'$') => unfit + 1,
        fit => fit,
    })
}

impl Login {
    pub(super) const fn new(response: Response, scramble: [u8; SCRAMBLE]) -> Self {
        Self { response, scramble, awaited: Awaited::Answer, untold: true }
    }

    /// Looks at the response itself.
    pub(super) fn begin(
        &mut self,
        identity: &Arc<Identity>,
        visit: Visit,
        randomness: &mut Randomness,
        out: &mut Output,
    ) -> Outcome {
        let release = identity.mysql_release();
        let own = default_plugin(release);
        if self.response.plugin == CLEAR {
            let answer = &self.response.answer;
            let plain = answer.strip_suffix(b"\0").unwrap_or(answer).to_vec();
            return self.judge(identity, visit, Some(plain), None, out);
        }
        let plugin = &self.response.plugin;
        if plugin == own || plugin.is_empty() && own == NATIVE {
            return self.answered(identity, visit, out);
        }
        if plugin == NATIVE && !self.response.answer.is_empty() {
            // The answer is to the scramble that was sent, whoever asked for it.
            self.note(out);
        }
        if !release.is_mariadb() {
            self.scramble = scramble(identity, randomness);
        }
        self.response.plugin = own.to_vec();
        Outcome::Say([&[0xfe], own, &[0], &self.scramble[..], &[0]].concat())
    }

    /// Takes what came after that.
    pub(super) fn take(
        &mut self,
        identity: &Arc<Identity>,
        visit: Visit,
        content: &[u8],
        out: &mut Output,
    ) -> Outcome {
        if self.awaited == Awaited::Answer {
            self.response.answer = content.to_vec();
            return self.answered(identity, visit, out);
        }
        let product = Product::MySql(identity.mysql_release());
        if visit.encrypted {
            let plain = content.strip_suffix(b"\0").unwrap_or(content).to_vec();
            return self.judge(identity, visit, Some(plain), None, out);
        }
        if content == KEY_WANTED {
            return match identity.tls().public_key(product, identity) {
                Some(key) => Outcome::Say([&[1], key.as_bytes()].concat()),
                None => self.judge(identity, visit, None, None, out),
            };
        }
        let opened = identity.tls().decrypt(product, identity, content);
        let plain = opened.map(|masked| {
            let text = password::masked(&self.scramble, &masked);
            text.strip_suffix(b"\0").unwrap_or(&text).to_vec()
        });
        self.judge(identity, visit, plain, None, out)
    }

    /// The answer to the scramble is there, by the server's own plugin.
    fn answered(&mut self, identity: &Arc<Identity>, visit: Visit, out: &mut Output) -> Outcome {
        if self.response.answer.is_empty() {
            return self.judge(identity, visit, Some(Vec::new()), None, out);
        }
        if self.response.plugin != SHA2 {
            let plain = self.guessed(identity);
            return self.judge(identity, visit, plain, None, out);
        }
        let known = identity.mysql().passwords(identity, &self.response.user);
        let again = known.into_iter().find(|known| {
            password::answer_2(&self.scramble, known)[..] == self.response.answer[..]
        });
        if again.is_some() {
            return self.judge(identity, visit, again, Some(KNOWN_AGAIN.to_vec()), out);
        }
        self.awaited = Awaited::Full;
        Outcome::Say(IN_FULL.to_vec())
    }

    /// The password that the answer was made of: the application's own, or a weak one.
    fn guessed(&self, identity: &Identity) -> Option<Vec<u8>> {
        let application = identity.application();
        let account = application.account();
        let (scramble, answer) = (&self.scramble, &self.response.answer[..]);
        let newer = self.response.plugin == SHA2;
        let own = account.password.as_bytes();
        let is_own = if newer {
            password::answer_2(scramble, own)[..] == *answer
        } else {
            password::answer(scramble, own)[..] == *answer
        };
        if self.response.user == account.name.as_bytes() && is_own {
            return Some(own.to_vec());
        }
        let weak = if newer {
            password::tried_2(scramble, answer)
        } else {
            password::tried(scramble, answer)
        };
        weak.map(|weak| weak.as_bytes().to_vec())
    }

    fn note(&self, out: &mut Output) {
        out.tell(Detail::Note {
            name: "mysql challenge and response".into(),
            value: HostileText::from(password::hashcat(&self.scramble, &self.response.answer)),
        });
    }

    /// Tells the try, and whether it is let in.
    fn judge(
        &mut self,
        identity: &Arc<Identity>,
        visit: Visit,
        password: Option<Vec<u8>>,
        before: Option<Vec<u8>>,
        out: &mut Output,
    ) -> Outcome {
        let application = identity.application();
        let account = application.account();
        let user = &self.response.user;
        let owner = user == account.name.as_bytes();
        let right = owner && password.as_deref() == Some(account.password.as_bytes());
        let admits = |password: &Vec<u8>| identity.logins().admits(visit.source, user, password);
        let accepted = right || password.as_ref().is_some_and(admits);
        if password.is_none() {
            self.note(out);
        }
        self.tell(password.as_deref(), accepted, out);
        if !accepted {
            return Outcome::Refused;
        }
        if let Some(password) = password.filter(|_| self.response.plugin == SHA2) {
            identity.mysql().remember(&self.response.user, &password);
        }
        Outcome::Admitted(before)
    }

    fn tell(&mut self, password: Option<&[u8]>, accepted: bool, out: &mut Output) {
        self.untold = false;
        out.tell(Detail::Login {
            username: Some(HostileText::from_bytes(&self.response.user)),
            password: password.map(HostileText::from_bytes),
            public_key: None,
            accepted,
        });
    }

    /// The visitor has gone before it was decided: what is known of the password is told.
    pub(super) fn abandoned(&mut self, identity: &Identity, out: &mut Output) {
        if !self.untold || self.awaited != Awaited::Full {
            return;
        }
        let plain = self.guessed(identity);
        if plain.is_none() {
            self.note(out);
        }
        self.tell(plain.as_deref(), false, out);
    }

    pub(super) fn memory(&self) -> usize {
        let Response { user, answer, database, plugin, attributes, .. } = &self.response;
        let attributes: usize = attributes.iter().map(|(a, b)| a.len() + b.len()).sum();
        user.len() + answer.len() + database.len() + plugin.len() + attributes
    }
}
