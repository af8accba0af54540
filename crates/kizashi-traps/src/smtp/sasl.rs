//! Logins as Cyrus SASL has them under Postfix: PLAIN (RFC 4616), LOGIN and CRAM-MD5 (RFC 2195). An answer to a challenge cannot be undone,
//! but the weak passwords are tried, and the pair is told in hashcat's form (mode 10200).

use hmac::{Hmac, KeyInit as _, Mac as _};
use kizashi_event::Timestamp;
use md5::Md5;

use crate::http::{base64, decode_base64};
use crate::login::common_passwords;
use crate::randomness::Randomness;

/// A login half done.
#[derive(Debug)]
pub(super) enum Exchange {
    Plain,
    LoginName,
    LoginPassword(Vec<u8>),
    Cram(Vec<u8>),
}

/// Where a line leads.
#[derive(Debug)]
pub(super) enum Step {
    /// This is said, and another line is waited for.
    Ask(Exchange, Vec<u8>),
    /// A name and a password, which is `None` where it is not known; and the pair to guess it by.
    Tried { user: Vec<u8>, password: Option<Vec<u8>>, hashcat: Option<String> },
    /// It fails for this reason.
    Failed(&'static str),
}

const CANCEL: &str = "bad protocol / cancel";
const ANOTHER: &str = "another step is needed in authentication";

/// Begins a mechanism; `None` where there is none of this name.
pub(super) fn begin(
    mechanism: &[u8],
    host: &str,
    now: Timestamp,
    randomness: &mut Randomness,
) -> Option<(Exchange, Vec<u8>)> {
    match mechanism.to_ascii_uppercase().as_slice() {
        b"PLAIN" => Some((Exchange::Plain, Vec::new())),
        b"LOGIN" => Some((Exchange::LoginName, b"Username:".to_vec())),
        b"CRAM-MD5" => {
            let number = randomness.below(1 << 32);
            let challenge = format!("<{number}.{}@{host}>", now.seconds() & 0xf_ffff).into_bytes();
            Some((Exchange::Cram(challenge.clone()), challenge))
        }
        _ => None,
    }
}

/// Base64 as a line brings it.
pub(super) fn decoded(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let text = if text == b"=" { b"" } else { text };
    if text.len() % 4 != 0 && !text.contains(&b' ') {
        return Err(ANOTHER);
    }
    decode_base64(text).ok_or(CANCEL)
}

impl Exchange {
    /// Takes a line of the client's.
    pub(super) fn take(self, line: &[u8]) -> Step {
        let said = match decoded(line) {
            Ok(said) => said,
            Err(reason) => return Step::Failed(reason),
        };
        match self {
            Self::Plain => {
                // On whose behalf, who, password.
                let mut parts = said.splitn(3, |byte| *byte == 0);
                let (Some(_), Some(user), Some(password)) =
                    (parts.next(), parts.next(), parts.next())
                else {
                    return Step::Failed(CANCEL);
                };
                tried(user, password)
            }
            Self::LoginName => Step::Ask(Self::LoginPassword(said), b"Password:".to_vec()),
            Self::LoginPassword(user) => tried(&user, &said),
            Self::Cram(challenge) => cram(&challenge, &said),
        }
    }

    pub(super) fn held(&self) -> usize {
        match self {
            Self::Plain | Self::LoginName => 0,
            Self::LoginPassword(kept) | Self::Cram(kept) => kept.len(),
        }
    }
}

fn tried(user: &[u8], password: &[u8]) -> Step {
    Step::Tried { user: user.to_vec(), password: Some(password.to_vec()), hashcat: None }
}

fn cram(challenge: &[u8], said: &[u8]) -> Step {
    let Some(blank) = said.iter().rposition(|byte| *byte == b' ') else {
        return Step::Failed(CANCEL);
    };
    let (user, digest) = (&said[..blank], said[blank + 1..].to_ascii_lowercase());
    let fits = |password: &&&str| answer(challenge, password.as_bytes()).as_bytes() == digest;
    let password = common_passwords().iter().find(fits).map(|found| found.as_bytes().to_vec());
    let [challenge, said] =
        [challenge, said].map(|bytes| String::from_utf8_lossy(&base64(bytes)).into_owned());
    let hashcat = Some(format!("$cram_md5${challenge}${said}"));
    Step::Tried { user: user.to_vec(), password, hashcat }
}

/// What a client with this password answers.
pub(super) fn answer(challenge: &[u8], password: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(password) else { return String::new() };
    mac.update(challenge);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
