//! A client's messages, for tests of what stands on NTLMSSP.

use super::digest::{Rc4, hmac_md5, nt_hash, version_2_key};
use super::message::{Authenticate, SIGNATURE};
use crate::windows::utf16;

/// What the client asks for where nothing else is said.
pub(crate) const FLAGS: u32 = 0xe20a_8233;
const CHOSEN: super::Key = [0x55; 16];
/// The client's part of an answer of version 2 in MS-NLMP 4.2.4.1.3.
pub(crate) const REST: &str = "01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000\
    02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000";

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// NEGOTIATE, where `kind` is 1.
pub(crate) fn client(kind: u32, options: u32) -> Vec<u8> {
    let mut message = SIGNATURE.to_vec();
    message.extend(kind.to_le_bytes());
    message.extend(options.to_le_bytes());
    message.extend([0; 16]);
    message.extend([6, 1, 0xb1, 0x1d, 0, 0, 0, 15]);
    message
}

/// AUTHENTICATE as a client writes it.
pub(crate) fn authenticate(answer: &Authenticate) -> Vec<u8> {
    let parts = [
        answer.lm.clone(),
        answer.nt.clone(),
        utf16(&answer.domain),
        utf16(&answer.user),
        utf16(&answer.workstation),
        answer.session_key.clone(),
    ];
    let mut message = SIGNATURE.to_vec();
    message.extend(3_u32.to_le_bytes());
    let mut offset = 72;
    for part in &parts {
        message.extend((part.len() as u16).to_le_bytes());
        message.extend((part.len() as u16).to_le_bytes());
        message.extend((offset as u32).to_le_bytes());
        offset += part.len();
    }
    message.extend(answer.flags.to_le_bytes());
    message.extend([6, 1, 0xb1, 0x1d, 0, 0, 0, 15]);
    parts.iter().for_each(|part| message.extend(part));
    message
}

/// Proves who he is with this password, whatever the challenge.
pub(crate) fn prove(challenge: &[u8; 8], user: &str, password: &str) -> Authenticate {
    let key = version_2_key(&nt_hash(password), user, "Domain");
    let rest = hex(REST);
    let proof = hmac_md5(&key, &[challenge, &rest]);
    let base = hmac_md5(&key, &[&proof]);
    let mut chosen = CHOSEN;
    Rc4::new(&base).apply(&mut chosen);
    Authenticate {
        flags: FLAGS,
        nt: [&proof[..], &rest].concat(),
        user: user.into(),
        domain: "Domain".into(),
        session_key: chosen.to_vec(),
        ..Authenticate::default()
    }
}

/// The session's key that [`prove`] comes to.
pub(crate) fn session() -> super::Key {
    CHOSEN
}

/// AUTHENTICATE for a CHALLENGE.
pub(crate) fn answer_to(challenge: &[u8], user: &str, password: &str) -> Vec<u8> {
    let challenge: [u8; 8] = challenge[24..32].try_into().unwrap();
    authenticate(&prove(&challenge, user, password))
}
