//! NKeys: Ed25519 keys as NATS writes them (docs.nats.io, "NKeys"; nats-io/nkeys, `strkey.go`): base32 (RFC 4648) of a prefix, the key and
//! a CRC-16 (XMODEM). A seed begins with `SU`, a user's public key with `U`.
//!
//! This stands in the place of the crate `nkeys` 0.4.5, which `async-nats` asks for and which would bring fourteen libraries a second time in
//! older versions (ed25519-dalek 2, curve25519-dalek 4, sha2 0.10, rand 0.8 …). Only what `async-nats` calls and `kizashi fleet` needs is
//! here, for users alone; the signature is ring's.

use ring::signature::{Ed25519KeyPair, KeyPair as _};

const PREFIX_SEED: u8 = 18 << 3;
const PREFIX_USER: u8 = 20 << 3;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters of a seed: 36 bytes.
const SEED_LENGTH: usize = 58;
/// Characters of a public key: 35 bytes.
const PUBLIC_LENGTH: usize = 56;

/// What is wrong with a text that should be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no NKey seed of a user: one has 58 letters and digits and begins with SU")]
pub struct Error;

/// A user's key.
pub struct KeyPair {
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "KeyPair({})", self.public_key())
    }
}

impl KeyPair {
    /// The user's key of these 32 random bytes.
    ///
    /// # Errors
    /// When no key can be made of them, which is so for none that are known.
    pub fn of_user(seed: [u8; 32]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| Error)?;
        Ok(Self { seed, pair })
    }

    /// Reads a seed.
    ///
    /// # Errors
    /// When it is none of a user.
    pub fn from_seed(text: &str) -> Result<Self, Error> {
        if text.len() != SEED_LENGTH {
            return Err(Error);
        }
        let bytes = checked(text)?;
        let [first, second, seed @ ..] = bytes.as_slice() else { return Err(Error) };
        let kind = ((first & 7) << 5) | (second >> 3);
        if first & 0xf8 != PREFIX_SEED || kind != PREFIX_USER {
            return Err(Error);
        }
        Self::of_user(seed.try_into().map_err(|_| Error)?)
    }

    /// The seed, by which whoever has it is this user.
    #[must_use]
    pub fn seed(&self) -> String {
        let mut bytes = vec![PREFIX_SEED | (PREFIX_USER >> 5), (PREFIX_USER & 31) << 3];
        bytes.extend_from_slice(&self.seed);
        sealed(bytes)
    }

    /// The key by which others know this user.
    #[must_use]
    pub fn public_key(&self) -> String {
        let mut bytes = vec![PREFIX_USER];
        bytes.extend_from_slice(self.pair.public_key().as_ref());
        sealed(bytes)
    }

    /// The signature of `input`.
    ///
    /// # Errors
    /// None; the signature is that of the crate in whose place this stands.
    pub fn sign(&self, input: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.pair.sign(input).as_ref().to_vec())
    }
}

/// Whether a text is a user's public key.
#[must_use]
pub fn is_user_public_key(text: &str) -> bool {
    text.len() == PUBLIC_LENGTH
        && checked(text).is_ok_and(|bytes| bytes.first() == Some(&PREFIX_USER))
}

/// The bytes of a text whose sum is right, without the sum.
fn checked(text: &str) -> Result<Vec<u8>, Error> {
    let bytes = from_base32(text).ok_or(Error)?;
    let (body, sum) = bytes.split_last_chunk::<2>().ok_or(Error)?;
    if crc16(body).to_le_bytes() == *sum { Ok(body.to_vec()) } else { Err(Error) }
}

fn sealed(mut bytes: Vec<u8>) -> String {
    bytes.extend_from_slice(&crc16(&bytes).to_le_bytes());
    base32(&bytes)
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(letter(held << (5 - bits)));
    }
    text
}

fn letter(five: u32) -> char {
    char::from(ALPHABET[(five & 31) as usize])
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        held = (held << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    // What is left over is filling, and zero.
    (held == 0).then_some(bytes)
}

/// CRC-16/XMODEM: polynomial 0x1021, from 0.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |mut sum, byte| {
        sum ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 };
        }
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_published_one() {
        // "The check value": CRC RevEng's catalogue, CRC-16/XMODEM.
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (plain, coded) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(plain.as_bytes()), coded);
            assert_eq!(from_base32(coded).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(from_base32("mzxq"), None);
        assert_eq!(from_base32("MZ"), None, "filling that is not zero");
    }

    #[test]
    fn a_key_that_nats_documents_is_read_and_written_again() {
        // The example of async-nats' documentation of credentials.
        let seed = "SUAIO3FHUX5PNV2LQIIP7TZ3N4L7TX3W53MQGEIVYFIGA635OZCKEYHFLM";
        let key = KeyPair::from_seed(seed).unwrap();
        assert_eq!(key.seed(), seed);
        assert!(is_user_public_key(&key.public_key()), "{key:?}");
        let public = ring::signature::UnparsedPublicKey::new(
            &ring::signature::ED25519,
            key.pair.public_key().as_ref().to_vec(),
        );
        assert!(public.verify(b"nonce", &key.sign(b"nonce").unwrap()).is_ok());
    }

    #[test]
    fn a_seed_with_one_letter_wrong_is_none() {
        let seed = KeyPair::of_user([7; 32]).unwrap().seed();
        assert!(seed.starts_with("SU"));
        for at in 0..seed.len() {
            let mut wrong = seed.clone().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(KeyPair::from_seed(&wrong).is_err(), "{wrong}");
        }
        assert!(KeyPair::from_seed("").is_err() && KeyPair::from_seed(&seed[1..]).is_err());
        assert!(!is_user_public_key(&seed));
    }
}
