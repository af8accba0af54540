//! Signatures of SMB2's messages (MS-SMB2 3.1.4.1): HMAC-SHA256 until 2.1, AES-CMAC (RFC 4493) from 3.0 on, and the keys that are derived for it
//! (SP 800-108 in counter mode).

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::ntlm::Key;

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn half(digest: &[u8; 32]) -> Key {
    std::array::from_fn(|at| digest[at])
}

/// A key of 128 bits that follows from the session's (3.1.4.2).
pub(super) fn derived(key: &Key, label: &[u8], context: &[u8]) -> Key {
    half(&hmac_sha256(key, &[&[0, 0, 0, 1], label, &[0], context, &[0, 0, 0, 128]]))
}

/// What a session's messages are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signer {
    Hmac(Key),
    Cmac(Key),
}

impl Signer {
    /// Until 2.1.
    pub(super) const fn version_2(key: Key) -> Self {
        Self::Hmac(key)
    }

    /// 3.0 and 3.0.2; with what was said until then, 3.1.1.
    pub(super) fn version_3(key: &Key, said: Option<&[u8]>) -> Self {
        let (label, context): (&[u8], &[u8]) = match said {
            None => (b"SMB2AESCMAC\0", b"SmbSign\0"),
            Some(said) => (b"SMBSigningKey\0", said),
        };
        Self::Cmac(derived(key, label, context))
    }

    /// The signature of a message whose field for it is zero.
    pub(super) fn sign(&self, message: &[u8]) -> Key {
        match self {
            Self::Hmac(key) => half(&hmac_sha256(key, &[message])),
            Self::Cmac(key) => cmac(key, message),
        }
    }
}

/// One more bit, by the field's polynomial.
fn doubled(block: Key) -> Key {
    let number = u128::from_be_bytes(block);
    let carried = if number >> 127 == 1 { 0x87 } else { 0 };
    ((number << 1) ^ carried).to_be_bytes()
}

fn cmac(key: &Key, message: &[u8]) -> Key {
    let cipher = Aes128::new(&Array::from(*key));
    let encrypt = |block: Key| -> Key {
        let mut block = Array::from(block);
        cipher.encrypt_block(&mut block);
        block.into()
    };
    let first = doubled(encrypt(Key::default()));
    let second = doubled(first);
    let mut state = Key::default();
    let count = message.len().div_ceil(16).max(1);
    for (at, piece) in (0..count).map(|at| (at, message.get(at * 16..).unwrap_or_default())) {
        let mut block = Key::default();
        let piece = &piece[..piece.len().min(16)];
        block[..piece.len()].copy_from_slice(piece);
        if at + 1 == count {
            let mask = if piece.len() == 16 { first } else { second };
            if piece.len() < 16 {
                block[piece.len()] = 0x80;
            }
            block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        }
        state.iter_mut().zip(block).for_each(|(byte, other)| *byte ^= other);
        state = encrypt(state);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
    }

    /// RFC 4493, 4.
    #[test]
    fn cmac_gives_the_sums_of_its_rfc() {
        let key: Key = hex("2b7e151628aed2a6abf7158809cf4f3c").try_into().unwrap();
        let message =
            hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411");
        for (length, sum) in [
            (0, "bb1d6929e95937287fa37d129b756746"),
            (16, "070a16b46b4d4144f79bdd9dd04a287c"),
            (40, "dfa66747de9ae63030ca32611497c827"),
        ] {
            assert_eq!(cmac(&key, &message[..length])[..], hex(sum), "{length}");
        }
    }
}
