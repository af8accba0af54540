//! UMAC-64 and UMAC-128 (RFC 4418), which every OpenSSH offers first. Messages are packets, so the third level of its polynomial
//! hash, for more than 16 MiB, is left out.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};

/// Bytes hashed at once on the first level.
const CHUNK: usize = 1024;
/// 2^64 − 59, the prime of the second level.
const PRIME_64: u128 = 0xffff_ffff_ffff_ffc5;
/// 2^36 − 5, the prime of the third.
const PRIME_36: u64 = 0xf_ffff_fffb;
/// What words of the second level are masked with.
const MASK_64: u64 = 0x01ff_ffff_01ff_ffff;

/// One of the tag's words of four bytes.
struct Stream {
    /// Words of the first level's key.
    first: Vec<u32>,
    second: u64,
    third: [u64; 8],
    last: u32,
}

/// A key, ready for packets. Tags have 8 or 16 bytes.
pub(super) struct Umac {
    streams: Vec<Stream>,
    pad: Aes128,
    tag: usize,
}

fn block(cipher: &Aes128, input: [u8; 16]) -> [u8; 16] {
    let mut block = input.into();
    cipher.encrypt_block(&mut block);
    block.into()
}

/// KDF of RFC 4418, section 3.2.
fn derive(cipher: &Aes128, index: u8, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 16);
    for count in 1_u64.. {
        if bytes.len() >= length {
            break;
        }
        let mut input = [0; 16];
        input[7] = index;
        input[8..].copy_from_slice(&count.to_be_bytes());
        bytes.extend(block(cipher, input));
    }
    bytes.truncate(length);
    bytes
}

fn word_32(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |word, byte| (word << 8) | u32::from(*byte))
}

fn word_64(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

impl Umac {
    pub(super) fn new(key: &[u8; 16], tag: usize) -> Self {
        let cipher = Aes128::new(&(*key).into());
        let count = tag / 4;
        let first = derive(&cipher, 1, CHUNK + (count - 1) * 16);
        let second = derive(&cipher, 2, count * 24);
        let third = derive(&cipher, 3, count * 64);
        let last = derive(&cipher, 4, count * 4);
        let stream = |place: usize| Stream {
            first: first[place * 16..place * 16 + CHUNK].chunks(4).map(word_32).collect(),
            second: word_64(&second[place * 24..]) & MASK_64,
            third: std::array::from_fn(|n| word_64(&third[place * 64 + n * 8..]) % PRIME_36),
            last: word_32(&last[place * 4..]),
        };
        let streams = (0..count).map(stream).collect();
        let mut pad_key = [0; 16];
        pad_key.copy_from_slice(&derive(&cipher, 0, 16));
        Self { streams, pad: Aes128::new(&pad_key.into()), tag }
    }

    /// The tag of a message under a number that is never used twice.
    pub(super) fn tag(&self, number: u64, message: &[u8]) -> Vec<u8> {
        let mut tag: Vec<u8> =
            self.streams.iter().flat_map(|stream| stream.hash(message).to_be_bytes()).collect();
        let (nonce, half) =
            if self.tag == 8 { (number & !1, number & 1 == 1) } else { (number, false) };
        let mut input = [0; 16];
        input[..8].copy_from_slice(&nonce.to_be_bytes());
        let pad = block(&self.pad, input);
        let pad = if half { &pad[8..] } else { &pad[..] };
        tag.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
        tag
    }
}

impl Stream {
    fn hash(&self, message: &[u8]) -> u32 {
        let single = message.len() <= CHUNK;
        let mut poly: u128 = 1;
        let mut rest = message;
        let last = loop {
            let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
            let word = self.chunk(chunk);
            poly = step(self.second, poly, word);
            rest = after;
            if rest.is_empty() {
                break word;
            }
        };
        let value = if single { u128::from(last) } else { poly };
        self.finish(value)
    }

    /// NH of a chunk, with its length.
    fn chunk(&self, chunk: &[u8]) -> u64 {
        let bits = (chunk.len() as u64) * 8;
        let mut sum = bits;
        let groups = chunk.len().div_ceil(32).max(1);
        for group in 0..groups {
            let word = |place: usize| {
                let at = group * 32 + place * 4;
                (0..4).rev().fold(0_u32, |word, byte| {
                    (word << 8) | u32::from(chunk.get(at + byte).copied().unwrap_or(0))
                })
            };
            let key = |place: usize| self.first.get(group * 8 + place).copied().unwrap_or(0);
            for place in 0..4 {
                let left = word(place).wrapping_add(key(place));
                let right = word(place + 4).wrapping_add(key(place + 4));
                sum = sum.wrapping_add(u64::from(left) * u64::from(right));
            }
        }
        sum
    }

    fn finish(&self, value: u128) -> u32 {
        let bytes = value.to_be_bytes();
        let mut sum = 0;
        for (pair, key) in bytes.chunks(2).zip(&self.third) {
            let word = u64::from(u16::from_be_bytes([pair[0], pair[1]]));
            sum = (sum + word * key) % PRIME_36;
        }
        (sum as u32) ^ self.last
    }
}

/// One step of POLY (RFC 4418, section 5.3.1).
fn step(key: u64, sum: u128, word: u64) -> u128 {
    const RANGE: u64 = 0xffff_ffff_0000_0000;
    let times = |sum: u128, word: u64| (sum * u128::from(key) + u128::from(word)) % PRIME_64;
    if word >= RANGE {
        let marked = times(sum, 0xffff_ffff_ffff_ffc4);
        times(marked, word.wrapping_sub(59))
    } else {
        times(sum, word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4418, appendix: key "abcdefghijklmnop", nonce "bcdefghi", tags of 64 bits.
    #[test]
    fn tags_are_those_of_rfc_4418() {
        let umac = Umac::new(b"abcdefghijklmnop", 8);
        let number = u64::from_be_bytes(*b"bcdefghi");
        let cases: [(Vec<u8>, u64); 6] = [
            (Vec::new(), 0x6e15_5fad_2690_0be1),
            (b"aaa".to_vec(), 0x44b5_cb54_2f22_0104),
            (vec![b'a'; 1 << 10], 0x26bf_2f5d_6011_8bd9),
            (vec![b'a'; 1 << 15], 0x27f8_ef64_3b0d_118d),
            (b"abc".to_vec(), 0xd4d7_b9f6_bd4f_bfcf),
            (b"abc".repeat(500), 0xd4cf_26dd_efd5_c01a),
        ];
        for (message, tag) in cases {
            assert_eq!(umac.tag(number, &message), tag.to_be_bytes(), "{} bytes", message.len());
        }
    }
}
