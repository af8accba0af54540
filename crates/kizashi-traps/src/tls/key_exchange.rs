//! Ephemeral keys on curves (RFC 8422; RFC 7748) and in prime fields (RFC 3526 for httpd's TLS 1.2, RFC 7919 for TLS 1.3). Their secrets
//! come from the session's own randomness, as everything does that is drawn here.

use p256::elliptic_curve::sec1::ToSec1Point as _;
use x25519_dalek::{PublicKey, StaticSecret};

use super::x448;
use crate::finite_field::Field;
use crate::randomness::Randomness;

/// A group, by the registry's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    P256,
    P384,
    P521,
    X25519,
    X448,
    Finite(Prime),
}

/// A prime field, in the order of `primes.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prime {
    /// The 2,048 bits of RFC 3526, which OpenSSL takes beside a certificate of that strength; it has no number.
    Modp2048,
    Ffdhe2048,
    Ffdhe3072,
    Ffdhe4096,
    Ffdhe6144,
    Ffdhe8192,
}

/// The primes in hexadecimal, one a line. All have the generator 2.
const PRIMES: &str = include_str!("primes.txt");
pub(super) const GENERATOR: u8 = 2;

impl Prime {
    /// The prime's bytes.
    pub(super) fn bytes(self) -> Vec<u8> {
        let line = PRIMES.lines().nth(self as usize).unwrap_or_default();
        let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0) as u8;
        let pairs = line.as_bytes().chunks(2);
        pairs.map(|pair| pair.iter().fold(0, |byte, half| byte << 4 | digit(half))).collect()
    }

    /// Bytes of an exponent: at least as many as OpenSSL draws (RFC 7919, appendix A).
    const fn exponent(self) -> usize {
        match self {
            Self::Modp2048 | Self::Ffdhe2048 => 29,
            Self::Ffdhe3072 => 35,
            Self::Ffdhe4096 => 41,
            Self::Ffdhe6144 => 47,
            Self::Ffdhe8192 => 50,
        }
    }
}

impl Group {
    pub(super) const fn code(self) -> u16 {
        match self {
            Self::P256 => 23,
            Self::P384 => 24,
            Self::P521 => 25,
            Self::X25519 => 29,
            Self::X448 => 30,
            Self::Finite(Prime::Modp2048) => 0,
            Self::Finite(Prime::Ffdhe2048) => 256,
            Self::Finite(Prime::Ffdhe3072) => 257,
            Self::Finite(Prime::Ffdhe4096) => 258,
            Self::Finite(Prime::Ffdhe6144) => 259,
            Self::Finite(Prime::Ffdhe8192) => 260,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::X25519 => "X25519",
            Self::X448 => "X448",
            Self::Finite(Prime::Modp2048) => "DH-2048",
            Self::Finite(Prime::Ffdhe2048) => "ffdhe2048",
            Self::Finite(Prime::Ffdhe3072) => "ffdhe3072",
            Self::Finite(Prime::Ffdhe4096) => "ffdhe4096",
            Self::Finite(Prime::Ffdhe6144) => "ffdhe6144",
            Self::Finite(Prime::Ffdhe8192) => "ffdhe8192",
        }
    }
}

/// Our half of an exchange.
pub(super) enum Ephemeral {
    P256(p256::SecretKey),
    P384(Box<p384::SecretKey>),
    P521(Box<p521::SecretKey>),
    X25519(Box<StaticSecret>),
    X448([u8; x448::LENGTH]),
    /// The prime and our exponent.
    Finite(Vec<u8>, Vec<u8>),
}

/// Draws until a number is a key, which the first almost always is.
fn drawn<const N: usize, K>(
    randomness: &mut Randomness,
    key: impl Fn([u8; N]) -> Option<K>,
) -> Option<K> {
    (0..64).find_map(|_| key(randomness.bytes()))
}

impl Ephemeral {
    pub(super) fn new(group: Group, randomness: &mut Randomness) -> Option<Self> {
        Some(match group {
            Group::P256 => Self::P256(drawn(randomness, |bytes: [u8; 32]| {
                p256::SecretKey::from_slice(&bytes).ok()
            })?),
            Group::P384 => Self::P384(Box::new(drawn(randomness, |bytes: [u8; 48]| {
                p384::SecretKey::from_slice(&bytes).ok()
            })?)),
            Group::P521 => Self::P521(Box::new(drawn(randomness, |mut bytes: [u8; 66]| {
                bytes[0] &= 1;
                p521::SecretKey::from_slice(&bytes).ok()
            })?)),
            Group::X25519 => Self::X25519(Box::new(StaticSecret::from(randomness.bytes::<32>()))),
            Group::X448 => Self::X448(randomness.bytes()),
            Group::Finite(prime) => {
                let mut exponent = vec![0; prime.exponent()];
                randomness.fill(&mut exponent);
                Self::Finite(prime.bytes(), exponent)
            }
        })
    }

    /// What is sent.
    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key.public_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::P384(key) => key.public_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::P521(key) => key.public_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::X25519(key) => PublicKey::from(&**key).as_bytes().to_vec(),
            Self::X448(secret) => x448::multiply(secret, &x448::BASE).to_vec(),
            Self::Finite(prime, exponent) => {
                let power = Field::of(prime).and_then(|field| field.power(&[GENERATOR], exponent));
                power.unwrap_or_default()
            }
        }
    }

    /// The secret shared with whoever sent this; `None` for what is no public value of the group, or gives no secret.
    pub(super) fn agree(&self, theirs: &[u8]) -> Option<Vec<u8>> {
        let uncompressed = |length| (theirs.len() == length && theirs[0] == 4).then_some(theirs);
        Some(match self {
            Self::P256(key) => {
                let theirs = p256::PublicKey::from_sec1_bytes(uncompressed(65)?).ok()?;
                key.diffie_hellman(&theirs).raw_secret_bytes().to_vec()
            }
            Self::P384(key) => {
                let theirs = p384::PublicKey::from_sec1_bytes(uncompressed(97)?).ok()?;
                key.diffie_hellman(&theirs).raw_secret_bytes().to_vec()
            }
            Self::P521(key) => {
                let theirs = p521::PublicKey::from_sec1_bytes(uncompressed(133)?).ok()?;
                key.diffie_hellman(&theirs).raw_secret_bytes().to_vec()
            }
            Self::X25519(key) => {
                let theirs: [u8; 32] = theirs.try_into().ok()?;
                let shared = key.diffie_hellman(&PublicKey::from(theirs));
                shared.was_contributory().then(|| shared.as_bytes().to_vec())?
            }
            Self::X448(secret) => {
                let shared = x448::multiply(secret, theirs.try_into().ok()?);
                shared.iter().any(|byte| *byte != 0).then(|| shared.to_vec())?
            }
            Self::Finite(prime, exponent) => {
                let field = Field::of(prime).filter(|field| field.holds(theirs))?;
                field.power(theirs, exponent)?
            }
        })
    }
}
