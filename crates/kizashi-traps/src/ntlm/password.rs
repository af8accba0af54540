//! Which password an answer was made with. It is one-way, so a list is tried: the passwords of every list, those that are tried on Windows, and what
//! people put after a user's name. Hashes of the list are prepared once; one try is then two HMAC-MD5.

use std::sync::OnceLock;

use super::digest::{
    Key, begins_version_1, hmac_md5, md5, nt_hash, version_1_response, version_2_key,
    version_2_name,
};
use super::message::{Authenticate, flags};
use crate::login::common_passwords;

/// What guessers try most, so that most answers are explained at once.
const FIRST: &[&str] = &[
    "123456",
    "admin",
    "P@ssw0rd",
    "password",
    "12345678",
    "123456789",
    "admin123",
    "12345",
    "1234",
    "Password1",
    "test",
    "root",
];

/// What guessers of Windows accounts try beside the passwords of every list.
const WINDOWS: &[&str] = &[
    "",
    "!QAZ2wsx",
    "!QAZxsw2",
    "1",
    "12",
    "123!@#qwe",
    "123456a",
    "123456a@",
    "123@abc",
    "1qaz!QAZ",
    "1qaz2wsx3edc",
    "1qaz@WSX3edc",
    "a1b2c3d4",
    "abc@123",
    "abcd@1234",
    "Aa123456",
    "Aa123456.",
    "Aa@123456",
    "Abc123",
    "Abc@123",
    "Abcd1234",
    "Admin",
    "Admin1",
    "Admin@1234",
    "Admin@2023",
    "Admin@2024",
    "Admin@2025",
    "Administrator1",
    "Administrator123",
    "Administrator@123",
    "asd123",
    "asdf1234",
    "Change.me",
    "Changeme123",
    "Company123",
    "database",
    "dragon",
    "football",
    "iloveyou1",
    "Letmein1",
    "login",
    "monkey",
    "P@$$w0rd",
    "P@55w0rd",
    "p@ssw0rd",
    "P@ssw0rd!",
    "P@ssw0rd1",
    "P@ssw0rd12",
    "P@ssw0rd123",
    "P@ssw0rd1234",
    "P@ssw0rd2023",
    "P@ssw0rd2024",
    "P@ssword",
    "P@ssword1",
    "P@ssword123",
    "Pa$$w0rd",
    "Pass@123",
    "Pass@word1",
    "Passw0rd!",
    "Passw0rd1",
    "Password!",
    "Password01",
    "Password1!",
    "Password12",
    "Password123",
    "Password123!",
    "Password2023",
    "Password@123",
    "q1w2e3",
    "Q1w2e3r4",
    "qaz123",
    "qazwsx123",
    "qwe!@#123",
    "qweasd",
    "qweasdzxc",
    "Qwer1234",
    "Qwerty1",
    "Qwerty123",
    "Qwerty12345",
    "remote",
    "sa",
    "sa123",
    "Secret1",
    "Server123",
    "Server2008",
    "Server2012",
    "Server2016",
    "Sqlserver123",
    "Summer2024",
    "sunshine",
    "Temp1234",
    "temp",
    "Test1234",
    "Test123",
    "Test@123",
    "user1",
    "vagrant",
    "Welcome1",
    "Welcome123",
    "Welcome@123",
    "Winter2024",
    "windows",
    "xp",
    "zaq12wsx",
    "Zaq12wsx",
    "zxcvbnm",
];

/// What people put after their user's name.
const ENDINGS: &[&str] = &[
    "", "1", "12", "123", "1234", "12345", "123456", "@123", "@1234", "!", "!@#", "01", "2020",
    "2021", "2022", "2023", "2024", "2025", "2026", "123!",
];

/// How a challenge was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not at all: nobody.
    Anonymous,
    /// NTLM of 1993: DES under the password's hash.
    Version1,
    /// The same with a challenge of the client's.
    Version1Extended,
    /// HMAC-MD5.
    Version2,
    /// None that is known.
    Other,
}

/// Bytes of an answer of version 1, and of the proof and the least of the rest in one of version 2.
const VERSION_1: usize = 24;
const PROOF: usize = 16;
const LEAST_VERSION_2: usize = PROOF + 28;

impl Kind {
    pub(crate) fn of(message: &Authenticate) -> Self {
        match message.nt.len() {
            0 if message.user.is_empty() && message.lm.len() <= 1 => Self::Anonymous,
            VERSION_1 if message.flags & flags::EXTENDED_SECURITY != 0 => Self::Version1Extended,
            VERSION_1 => Self::Version1,
            LEAST_VERSION_2.. => Self::Version2,
            _ => Self::Other,
        }
    }
}

/// The challenge that DES is applied to in version 1.
fn version_1_challenge(message: &Authenticate, challenge: &[u8; 8]) -> [u8; 8] {
    let ours =
        message.lm.first_chunk::<8>().filter(|_| Kind::of(message) == Kind::Version1Extended);
    let Some(theirs) = ours else { return *challenge };
    let digest = md5(&[challenge, theirs]);
    std::array::from_fn(|at| digest[at])
}

/// An answer, made ready to be held against many hashes.
enum Tried<'a> {
    Version1 { challenge: [u8; 8], response: &'a [u8] },
    Version2 { who: Vec<u8>, challenge: &'a [u8; 8], proof: &'a [u8], rest: &'a [u8] },
}

impl<'a> Tried<'a> {
    fn of(message: &'a Authenticate, challenge: &'a [u8; 8]) -> Option<Self> {
        match Kind::of(message) {
            Kind::Version1 | Kind::Version1Extended => {
                let challenge = version_1_challenge(message, challenge);
                Some(Self::Version1 { challenge, response: &message.nt })
            }
            Kind::Version2 => {
                let (proof, rest) = message.nt.split_at(PROOF);
                let who = version_2_name(&message.user, &message.domain);
                Some(Self::Version2 { who, challenge, proof, rest })
            }
            Kind::Anonymous | Kind::Other => None,
        }
    }

    /// Whether this hash gives that answer.
    fn fits(&self, hash: &Key) -> bool {
        match self {
            Self::Version1 { challenge, response } => {
                begins_version_1(hash, challenge, response)
                    && version_1_response(hash, challenge)[..] == **response
            }
            Self::Version2 { who, challenge, proof, rest } => {
                hmac_md5(&hmac_md5(hash, &[who]), &[*challenge, rest]) == **proof
            }
        }
    }
}

/// The password of an answer, where a list has it, and its hash.
pub(crate) fn tried(message: &Authenticate, challenge: &[u8; 8]) -> Option<(String, Key)> {
    static PREPARED: OnceLock<Vec<(&str, Key)>> = OnceLock::new();
    let answer = Tried::of(message, challenge)?;
    let prepared = PREPARED.get_or_init(|| {
        let all = FIRST.iter().chain(WINDOWS).chain(common_passwords());
        all.map(|password| (*password, nt_hash(password))).collect()
    });
    if let Some((password, hash)) = prepared.iter().find(|(_, hash)| answer.fits(hash)) {
        return Some(((*password).to_owned(), *hash));
    }
    let own = ENDINGS.iter().map(|ending| format!("{}{ending}", message.user));
    own.map(|password| (nt_hash(&password), password))
        .find(|(hash, _)| answer.fits(hash))
        .map(|(hash, password)| (password, hash))
}

/// The session's key that follows from a password's hash (MS-NLMP 3.1.5.1.2, 3.4.5.1).
pub(crate) fn session_key(hash: &Key, message: &Authenticate, challenge: &[u8; 8]) -> Key {
    let base = match Kind::of(message) {
        Kind::Version2 => {
            let key = version_2_key(hash, &message.user, &message.domain);
            hmac_md5(&key, &[&message.nt[..PROOF]])
        }
        Kind::Version1Extended => {
            let theirs = message.lm.get(..8).unwrap_or_default();
            hmac_md5(&super::digest::md4(hash), &[challenge, theirs])
        }
        _ => super::digest::md4(hash),
    };
    exchanged(base, message)
}

/// The key that the client chose and sent under this one, where that was agreed on.
pub(crate) fn exchanged(key: Key, message: &Authenticate) -> Key {
    let sent = <Key>::try_from(message.session_key.as_slice());
    match sent {
        Ok(mut sent) if message.flags & flags::KEY_EXCHANGE != 0 => {
            super::digest::Rc4::new(&key).apply(&mut sent);
            sent
        }
        _ => key,
    }
}
