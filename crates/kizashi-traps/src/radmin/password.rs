//! Which weak password answers a challenge. The answer is one-way, so the list is tried: each password's cipher is prepared once for the process
//! (a Twofish key schedule is what costs), after which a try is three blocks a password.

use std::sync::OnceLock;

use md5::{Digest as _, Md5};
use twofish::Twofish;
use twofish::cipher::{Block, BlockCipherEncrypt as _, KeyInit as _};

use crate::login::common_passwords;

/// Bytes of a challenge and of its answer.
pub(super) const CHALLENGE: usize = 32;

const BLOCK: usize = 16;

/// The first block's partner: a constant of the product's.
const INITIAL: [u8; BLOCK] = [
    0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 0xa3, 0x9d, 0x4a, 0x18, 0xf8, 0x5b, 0x4a, 0x52,
];

/// The password's field, which is hashed whole.
const FIELD: usize = 100;

/// The weak password whose answer this is.
pub(super) fn tried(challenge: &[u8; CHALLENGE], answer: &[u8]) -> Option<&'static str> {
    static PREPARED: OnceLock<Vec<(&str, Twofish)>> = OnceLock::new();
    let prepared = PREPARED.get_or_init(|| {
        let all = std::iter::once("").chain(common_passwords().iter().copied());
        all.filter_map(|password| Some((password, cipher(password)?))).collect()
    });
    let found = prepared.iter().find(|(_, cipher)| solve(cipher, challenge) == answer);
    found.map(|(password, _)| *password)
}

fn cipher(password: &str) -> Option<Twofish> {
    let mut field = [0; FIELD];
    field.get_mut(..password.len())?.copy_from_slice(password.as_bytes());
    Twofish::new_from_slice(&Md5::digest(field)).ok()
}

/// The answer to a challenge: both blocks in CBC, added byte by byte, then zeros.
fn solve(cipher: &Twofish, challenge: &[u8; CHALLENGE]) -> [u8; CHALLENGE] {
    let mut before = INITIAL;
    let mut answer = [0_u8; CHALLENGE];
    for block in challenge.chunks_exact(BLOCK) {
        let mut mixed = Block::<Twofish>::default();
        for (mixed, (byte, before)) in mixed.iter_mut().zip(block.iter().zip(before)) {
            *mixed = byte ^ before;
        }
        cipher.encrypt_block(&mut mixed);
        before.copy_from_slice(&mixed);
        for (sum, byte) in answer.iter_mut().zip(mixed) {
            *sum = sum.wrapping_add(byte);
        }
    }
    answer
}

/// What a client answers who was given this password.
#[cfg(test)]
pub(super) fn answer(challenge: &[u8; CHALLENGE], password: &str) -> [u8; CHALLENGE] {
    solve(&cipher(password).unwrap(), challenge)
}
