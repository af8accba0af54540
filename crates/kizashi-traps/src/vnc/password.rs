//! VNC authentication: a challenge of two blocks, each encrypted by DES under the password's first eight letters, whose bits are turned round
//! (`vncEncryptBytes`). It is one-way, so weak passwords are tried; what none of them is, is noted as John the Ripper wants it.

use std::sync::OnceLock;

use des::Des;
use des::cipher::{Block, BlockCipherEncrypt as _, KeyInit as _};

use crate::login::common_passwords;

/// Bytes of a challenge and of its answer.
pub(super) const CHALLENGE: usize = 16;
const BLOCK: usize = 8;

fn cipher(password: &[u8]) -> Option<Des> {
    let mut key = [0; BLOCK];
    key.iter_mut().zip(password).for_each(|(byte, letter)| *byte = letter.reverse_bits());
    Des::new_from_slice(&key).ok()
}

fn solve(cipher: &Des, challenge: &[u8; CHALLENGE]) -> [u8; CHALLENGE] {
    let mut answer = *challenge;
    for half in answer.chunks_exact_mut(BLOCK) {
        let mut block = Block::<Des>::default();
        block.copy_from_slice(half);
        cipher.encrypt_block(&mut block);
        half.copy_from_slice(&block);
    }
    answer
}

/// What a client answers who was given this password.
#[cfg(test)]
pub(super) fn answer(password: &[u8], challenge: &[u8; CHALLENGE]) -> [u8; CHALLENGE] {
    solve(&cipher(password).unwrap(), challenge)
}

/// The weak password whose answer this is; of those that begin alike the first.
pub(super) fn tried(challenge: &[u8; CHALLENGE], answer: &[u8; CHALLENGE]) -> Option<&'static str> {
    static PREPARED: OnceLock<Vec<(&str, Des)>> = OnceLock::new();
    let prepared = PREPARED.get_or_init(|| {
        let all = std::iter::once("").chain(common_passwords().iter().copied());
        all.filter_map(|password| Some((password, cipher(password.as_bytes())?))).collect()
    });
    let found = prepared.iter().find(|(_, cipher)| solve(cipher, challenge) == *answer);
    found.map(|(password, _)| *password)
}

pub(super) fn john(challenge: &[u8], answer: &[u8]) -> String {
    let hexadecimal =
        |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    format!("$vnc$*{}*{}", hexadecimal(challenge), hexadecimal(answer))
}
