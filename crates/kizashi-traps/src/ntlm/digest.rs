//! What NTLM computes: MD4 (RFC 1320), DES of a response (MS-NLMP 6), HMAC-MD5, RC4. All of it is broken and is here because visitors answer
//! challenges with it. MD4 and RC4 are a few lines each, and no crate that is kept up brings them as lightly.

use des::Des;
use des::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};
use hmac::{Hmac, Mac as _};
use md5::{Digest as _, Md5};

use crate::windows::utf16;

/// A digest, a hash of a password, a key.
pub(crate) type Key = [u8; 16];

/// MD5 over these parts.
pub(crate) fn md5(parts: &[&[u8]]) -> Key {
    let mut hasher = Md5::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// HMAC-MD5 over these parts.
pub(crate) fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> Key {
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(key) else { return Key::default() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// MD4 (RFC 1320).
pub(crate) fn md4(message: &[u8]) -> Key {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64).wrapping_mul(8).to_le_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks_exact(64) {
        let mut words = [0_u32; 16];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let mixed = rounds(state, &words);
        for (sum, word) in state.iter_mut().zip(mixed) {
            *sum = sum.wrapping_add(word);
        }
    }
    let mut digest = Key::default();
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

fn rounds(state: [u32; 4], words: &[u32; 16]) -> [u32; 4] {
    const SHIFTS: [[u32; 4]; 3] = [[3, 7, 11, 19], [3, 5, 9, 13], [3, 9, 11, 15]];
    const ORDERS: [[usize; 16]; 3] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
        [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    ];
    const ADDED: [u32; 3] = [0, 0x5a82_7999, 0x6ed9_eba1];
    let [mut a, mut b, mut c, mut d] = state;
    for round in 0..3 {
        for (step, place) in ORDERS[round].into_iter().enumerate() {
            let mixed = match round {
                0 => (b & c) | (!b & d),
                1 => (b & c) | (b & d) | (c & d),
                _ => b ^ c ^ d,
            };
            let sum = a.wrapping_add(mixed).wrapping_add(words[place]).wrapping_add(ADDED[round]);
            (a, b, c, d) = (d, sum.rotate_left(SHIFTS[round][step % 4]), b, c);
        }
    }
    [a, b, c, d]
}

/// A password's hash (`NTOWFv1`).
pub(crate) fn nt_hash(password: &str) -> Key {
    md4(&utf16(password))
}

/// The key of version 2 (`NTOWFv2`) for a password's hash.
pub(crate) fn version_2_key(hash: &Key, user: &str, domain: &str) -> Key {
    hmac_md5(hash, &[&version_2_name(user, domain)])
}

/// Whose key it is, as it goes into it.
pub(crate) fn version_2_name(user: &str, domain: &str) -> Vec<u8> {
    [utf16(&upper(user)), utf16(domain)].concat()
}

/// Upper case a character by a character, as Windows' table has it.
fn upper(text: &str) -> String {
    let one = |letter: char| {
        let mut upper = letter.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(one), None) => one,
            _ => letter,
        }
    };
    text.chars().map(one).collect()
}

/// One of the three blocks of a response of version 1: the challenge under seven bytes of the hash.
fn block(key: &[u8], challenge: &[u8; 8]) -> [u8; 8] {
    let mut seven = [0_u8; 8];
    seven[1..].iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let bits = u64::from_be_bytes(seven);
    // Seven bits a byte, its lowest being a parity that nobody reads.
    let spread: [u8; 8] = std::array::from_fn(|at| {
        let shifted = bits >> (49 - 7 * at);
        u8::try_from((shifted & 0x7f) << 1).unwrap_or(0)
    });
    let mut result = Array::from(*challenge);
    Des::new(&Array::from(spread)).encrypt_block(&mut result);
    result.into()
}

/// A response of version 1 (`DESL`).
pub(crate) fn version_1_response(hash: &Key, challenge: &[u8; 8]) -> [u8; 24] {
    let mut response = [0; 24];
    for (part, key) in response.chunks_exact_mut(8).zip(hash.chunks(7)) {
        part.copy_from_slice(&block(key, challenge));
    }
    response
}

/// Whether such a response can be of this hash: a third of the work, for going through a list.
pub(crate) fn begins_version_1(hash: &Key, challenge: &[u8; 8], response: &[u8]) -> bool {
    response.starts_with(&block(&hash[..7], challenge))
}

/// RC4's stream.
#[derive(Clone)]
pub(crate) struct Rc4 {
    table: [u8; 256],
    at: u8,
    other: u8,
}

impl Rc4 {
    /// A key has at least a byte.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut table: [u8; 256] = std::array::from_fn(|at| u8::try_from(at).unwrap_or(0));
        let mut other = 0_u8;
        for at in 0..256 {
            let byte = key.get(at % key.len().max(1)).copied().unwrap_or(0);
            other = other.wrapping_add(table[at]).wrapping_add(byte);
            table.swap(at, usize::from(other));
        }
        Self { table, at: 0, other: 0 }
    }

    /// Encrypts or decrypts in place.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.at = self.at.wrapping_add(1);
            let here = self.table[usize::from(self.at)];
            self.other = self.other.wrapping_add(here);
            let there = self.table[usize::from(self.other)];
            self.table.swap(usize::from(self.at), usize::from(self.other));
            *byte ^= self.table[usize::from(here.wrapping_add(there))];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hexadecimal(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn md4_gives_the_digests_of_its_rfc() {
        for (text, digest) in [
            ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
            ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "e33b4ddc9c38f2199c3e7b164fcc0536",
            ),
        ] {
            assert_eq!(hexadecimal(&md4(text.as_bytes())), digest);
        }
    }

    /// RFC 6229, 2: the 128-bit key 01 02 … 10.
    #[test]
    fn rc4_gives_its_published_stream() {
        let key: [u8; 16] = std::array::from_fn(|at| at as u8 + 1);
        let mut stream = [0; 16];
        Rc4::new(&key).apply(&mut stream);
        assert_eq!(hexadecimal(&stream), "9ac7cc9a609d1ef7b2932899cde41b97");
    }
}
