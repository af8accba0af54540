//! Logins by SCRAM (RFC 5802, RFC 7677) as PostgreSQL and MongoDB have them. A proof is one-way, so passwords are tried; each costs thousands of
//! rounds: they are taken a few in a turn, and what they came to under an installation's salts is kept.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::pbkdf2;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::http::base64;

/// Passwords that are tried in one turn.
const IN_A_TURN: usize = 4;
/// Lists under salts for which results are kept: an installation has a few.
const LISTS: usize = 8;
/// Results that are remembered beside them.
const REMEMBERED: usize = 16;

/// Which hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    #[default]
    Sha256,
}

impl Hash {
    fn sum(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Hmac::<Sha1>::new_from_slice(key).map(|mut mac| {
                mac.update(text);
                mac.finalize().into_bytes().to_vec()
            }),
            Self::Sha256 => Hmac::<Sha256>::new_from_slice(key).map(|mut mac| {
                mac.update(text);
                mac.finalize().into_bytes().to_vec()
            }),
        }
        .unwrap_or_default()
    }

    fn digest(self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
        }
    }

    fn derive(self, password: &[u8], salt: &[u8], rounds: u32) -> Vec<u8> {
        let (algorithm, length) = match self {
            Self::Sha1 => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        };
        let mut key = vec![0; length];
        let rounds = NonZeroU32::new(rounds).unwrap_or(NonZeroU32::MIN);
        pbkdf2::derive(algorithm, rounds, salt, password, &mut key);
        key
    }
}

/// One login, as far as it has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) hash: Hash,
    pub(crate) rounds: u32,
    pub(crate) salt: Vec<u8>,
    pub(crate) client_first: Vec<u8>,
    pub(crate) server_first: Vec<u8>,
    pub(crate) without_proof: Vec<u8>,
    pub(crate) proof: Vec<u8>,
}

impl Exchange {
    /// What is said to a client's first message; `None` of what is none.
    pub(crate) fn answer_first(&mut self, message: &[u8], nonce: &[u8]) -> Option<Vec<u8>> {
        // gs2-header: flag, authorization identity; what follows is signed.
        let bare = message.splitn(3, |byte| *byte == b',').nth(2)?;
        let theirs = attribute(bare, b'r').filter(|nonce| !nonce.is_empty())?;
        self.client_first = bare.to_vec();
        let rounds = format!(",i={}", self.rounds);
        self.server_first =
            [b"r=", theirs, &base64(nonce), b",s=", &base64(&self.salt), rounds.as_bytes()]
                .concat();
        Some(self.server_first.clone())
    }

    /// The user's name in the client's first message.
    pub(crate) fn user(&self) -> &[u8] {
        attribute(&self.client_first, b'n').unwrap_or_default()
    }

    /// Reads the client's last message; whether it is one of this exchange.
    pub(crate) fn take_last(&mut self, message: &[u8]) -> bool {
        const PROOF: &[u8] = b",p=";
        let at = message.windows(PROOF.len()).rposition(|window| window == PROOF);
        let Some((before, proof)) = at.map(|at| message.split_at(at)) else { return false };
        self.without_proof = before.to_vec();
        self.proof = crate::http::decode_base64(&proof[PROOF.len()..]).unwrap_or_default();
        attribute(before, b'r') == attribute(&self.server_first, b'r')
    }

    fn message(&self) -> Vec<u8> {
        [&self.client_first[..], &self.server_first, &self.without_proof].join(&b',')
    }

    /// The proof of who has the password of which this is the key.
    pub(crate) fn proof_of(&self, key: &[u8]) -> Vec<u8> {
        let client = self.hash.sum(key, b"Client Key");
        let signature = self.hash.sum(&self.hash.digest(&client), &self.message());
        client.iter().zip(signature).map(|(one, other)| one ^ other).collect()
    }

    pub(crate) fn proves(&self, key: &[u8]) -> bool {
        !self.proof.is_empty() && self.proof_of(key) == self.proof
    }

    /// The server's own proof, as its last message.
    pub(crate) fn answer_last(&self, key: &[u8]) -> Vec<u8> {
        let sum = self.hash.sum(&self.hash.sum(key, b"Server Key"), &self.message());
        [b"v=", &base64(&sum)[..]].concat()
    }

    /// A password's key under this salt; those asked for last are remembered, as guessers bring the same again and again.
    pub(crate) fn key(&self, password: &[u8]) -> Vec<u8> {
        static LAST: Mutex<VecDeque<(Vec<u8>, Vec<u8>)>> = Mutex::new(VecDeque::new());
        let place =
            self.hash.digest(&[&self.salt[..], &self.rounds.to_be_bytes(), password].concat());
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = last.iter().find(|(known, _)| *known == place) {
            return key.clone();
        }
        let key = self.hash.derive(password, &self.salt, self.rounds);
        last.truncate(REMEMBERED - 1);
        last.push_front((place, key.clone()));
        key
    }

    /// All that who wants to find the password needs.
    pub(crate) fn shown(&self) -> String {
        let texts = [&self.client_first, &self.server_first, &self.without_proof];
        let texts: Vec<_> = texts.iter().map(|text| String::from_utf8_lossy(text)).collect();
        format!("{},p={}", texts.join(","), String::from_utf8_lossy(&base64(&self.proof)))
    }
}

/// What a turn's search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Searched {
    Found(&'static str),
    /// It goes on at this place of the list.
    Further(usize),
    Unknown,
}

/// Lists by their salts: what each password of the list came to.
static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// A salt with what belongs to it, and keys in the list's order.
type Known = (Vec<u8>, Vec<Vec<u8>>);

/// Which password of this list, from this place on, was proved. `form` is what the product makes of a password before it is hashed.
pub(crate) fn search(
    exchange: &Exchange,
    list: &'static [&'static str],
    form: impl Fn(&str) -> Vec<u8>,
    from: usize,
) -> Searched {
    // A product that hashes the user's name in has a list for each user.
    let place = [&exchange.salt[..], &form("")].concat();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let at = known.iter().position(|(salt, _)| *salt == place).unwrap_or_else(|| {
        known.truncate(LISTS - 1);
        known.insert(0, (place, Vec::new()));
        0
    });
    let keys = &mut known[at].1;
    let mut made = 0;
    for (at, password) in list.iter().enumerate().skip(from) {
        if at >= keys.len() {
            if made == IN_A_TURN {
                return Searched::Further(at);
            }
            made += 1;
            keys.push(exchange.hash.derive(&form(password), &exchange.salt, exchange.rounds));
        }
        if keys.get(at).is_some_and(|key| exchange.proves(key)) {
            return Searched::Found(password);
        }
    }
    Searched::Unknown
}

/// The value of `r=…` in a list of them.
fn attribute(text: &[u8], letter: u8) -> Option<&[u8]> {
    text.split(|byte| *byte == b',').find_map(|part| part.strip_prefix(&[letter, b'=']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::decode_base64;
    use crate::login::common_passwords;

    fn exchange(hash: Hash, salt: &[u8], nonce: &str, proof: &[u8], rounds: u32) -> Exchange {
        let client = nonce.get(..if hash == Hash::Sha1 { 24 } else { 20 }).unwrap();
        let salted = String::from_utf8(salt.to_vec()).unwrap();
        Exchange {
            hash,
            rounds,
            salt: decode_base64(salt).unwrap(),
            client_first: format!("n=user,r={client}").into_bytes(),
            server_first: format!("r={nonce},s={salted},i={rounds}").into_bytes(),
            without_proof: format!("c=biws,r={nonce}").into_bytes(),
            proof: decode_base64(proof).unwrap(),
        }
    }

    /// RFC 5802, section 5, and RFC 7677, section 3.
    #[test]
    fn proofs_are_those_of_the_rfcs_and_another_password_proves_nothing() {
        let nonce = "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
        let one = exchange(
            Hash::Sha1,
            b"QSXCR+Q6sek8bf92",
            nonce,
            b"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            4_096,
        );
        assert!(one.proves(&one.key(b"pencil")) && !one.proves(&one.key(b"pencils")));
        assert_eq!(one.answer_last(&one.key(b"pencil")), b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let proof = b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let other = exchange(Hash::Sha256, b"W22ZaJ0SNY7soEsUEjb6gQ==", nonce, proof, 4_096);
        assert!(other.proves(&other.key(b"pencil")) && !other.proves(&other.key(b"pencils")));
        let answer = other.answer_last(&other.key(b"pencil"));
        assert_eq!(answer, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_search_ends_in_turns_and_finds_what_is_on_the_list_alone() {
        let plain = |password: &str| password.as_bytes().to_vec();
        let run = |exchange: &Exchange| {
            let mut place = 0;
            loop {
                match search(exchange, common_passwords(), plain, place) {
                    Searched::Further(at) => {
                        assert!(at > place && at - place <= IN_A_TURN + common_passwords().len());
                        place = at;
                    }
                    found => return found,
                }
            }
        };
        let mut exchange = Exchange {
            rounds: 64,
            salt: b"salt".to_vec(),
            server_first: b"r=ab".to_vec(),
            ..Exchange::default()
        };
        exchange.proof = exchange.proof_of(&exchange.key(b"qwerty"));
        assert_eq!(run(&exchange), Searched::Found("qwerty"));
        exchange.proof = exchange.proof_of(&exchange.key(b"no list has this"));
        assert_eq!(run(&exchange), Searched::Unknown);
    }
}
