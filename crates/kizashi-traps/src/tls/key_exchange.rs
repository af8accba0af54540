//! Ephemeral keys on curves (RFC 8422; RFC 7748). Their secrets come from the session's own randomness, as everything does that is
//! drawn here. X448 and the finite-field groups, which OpenSSL has too, are left out.

use p256::elliptic_curve::sec1::ToSec1Point as _;
use x25519_dalek::{PublicKey, StaticSecret};

use crate::randomness::Randomness;

/// A group, by the registry's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    P256,
    P384,
    P521,
    X25519,
}

impl Group {
    pub(super) const fn code(self) -> u16 {
        match self {
            Self::P256 => 23,
            Self::P384 => 24,
            Self::P521 => 25,
            Self::X25519 => 29,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::X25519 => "X25519",
        }
    }
}

/// Our half of an exchange.
pub(super) enum Ephemeral {
    P256(p256::SecretKey),
    P384(Box<p384::SecretKey>),
    P521(Box<p521::SecretKey>),
    X25519(Box<StaticSecret>),
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
        })
    }

    /// What is sent.
    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key.public_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::P384(key) => key.public_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::P521(key) => key.public_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::X25519(key) => PublicKey::from(&**key).as_bytes().to_vec(),
        }
    }

    /// The secret shared with whoever sent this; `None` for what is no point of the curve, or gives no secret.
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
        })
    }
}
