//! Keys of the debugging bridge: a number to sign, a signature, and a public key that is offered with the name of its machine (AOSP's
//! `adb/protocol.txt`, AUTH). No signature is known, so each visitor offers his key; somebody at the box is thought to be asked.

use kizashi_event::{Detail, HostileText};

use crate::http::decode_base64;
use crate::login::keys::fingerprint;
use crate::{Identity, Visit};

pub(super) const TOKEN: u32 = 1;
pub(super) const SIGNATURE: u32 = 2;
pub(super) const PUBLIC_KEY: u32 = 3;
/// Bytes to sign: those of SHA-1.
pub(super) const TOKEN_LENGTH: usize = 20;
/// Keys and signatures of one connection; then it hears nothing more.
pub(super) const MOST: u32 = 32;
/// Bytes of a key as offered: RSA 2,048 takes 700.
const LONGEST: usize = 4_096;

/// A key that is offered: `base64 user@machine`. The login, and whether it got in.
pub(super) fn offered(data: &[u8], identity: &Identity, visit: Visit) -> (Detail, bool) {
    let data = &data[..data.len().min(LONGEST)];
    let text = data.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut words = text.splitn(2, |byte| *byte == b' ');
    let (coded, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let key = decode_base64(coded).filter(|key| !key.is_empty());
    let accepted = key
        .as_ref()
        .is_some_and(|key| identity.logins().admits_key_asked(visit.source, b"adb", key));
    let login = Detail::Login {
        username: Some(HostileText::from_bytes(name)),
        password: None,
        public_key: Some(
            key.map_or_else(|| HostileText::from_bytes(coded), |key| fingerprint(&key).into()),
        ),
        accepted,
    };
    (login, accepted)
}
