//! The keys by which a server is known: RSA, ECDSA over P-256 and Ed25519, as `ssh-keygen -A` makes them. The two on curves come from
//! the installation's seed; RSA's primes take a second to find and are found once, by whoever starts the traps.

use std::fmt;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng as _;
use crypto_bigint::BoxedUint;
use ed25519_dalek::Signer as _;
use rsa::PrivateKey;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::wire::Write as _;
use crate::draw::Draw;

/// Bits of an RSA key, as `ssh-keygen` makes them since 8.0.
const RSA_BITS: usize = 3_072;
/// Characters of a written RSA key, at most.
const LONGEST_TEXT: usize = 4 * 1024;

/// An RSA key that could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no RSA key: it is written as its two primes in hexadecimal, with a space between them")]
pub struct RsaKeyError;

/// An RSA host key.
#[derive(Clone)]
pub struct RsaHostKey(PrivateKey);

impl RsaHostKey {
    /// A new key from 32 random bytes. Takes about a second.
    ///
    /// # Errors
    /// When no key can be made of these bytes, which is not to be expected.
    pub fn generate(seed: [u8; 32]) -> Result<Self, RsaKeyError> {
        Self::of_bits(&mut ChaCha20Rng::from_seed(seed), RSA_BITS)
    }

    pub(crate) fn of_bits(randomness: &mut ChaCha20Rng, bits: usize) -> Result<Self, RsaKeyError> {
        PrivateKey::new(randomness, bits).map(Self).map_err(|_| RsaKeyError)
    }

    pub(crate) const fn key(&self) -> &PrivateKey {
        &self.0
    }

    /// Reads what [`Self::to_text`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_text(text: &str) -> Result<Self, RsaKeyError> {
        if text.len() > LONGEST_TEXT {
            return Err(RsaKeyError);
        }
        let prime = |word: &str| {
            let bits = u32::try_from(word.len()).ok()? * 4;
            BoxedUint::from_str_radix_with_precision_vartime(word, 16, bits.div_ceil(64) * 64).ok()
        };
        let primes: Option<Vec<BoxedUint>> = text.split_whitespace().map(prime).collect();
        let primes = primes.filter(|primes| primes.len() == 2).ok_or(RsaKeyError)?;
        let exponent = BoxedUint::from(65_537_u64);
        PrivateKey::from_primes(primes, exponent).map(Self).map_err(|_| RsaKeyError)
    }

    /// The two primes in hexadecimal, for a file that only its owner reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        let primes = self.0.primes().iter().map(|prime| prime.to_string_radix_vartime(16));
        primes.collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for RsaHostKey {
    /// Without the primes.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RsaHostKey(…)")
    }
}

/// What a client and a server agree to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostKeyAlgorithm {
    Rsa512,
    Rsa256,
    Rsa1,
    Ecdsa,
    Ed25519,
}

impl HostKeyAlgorithm {
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"rsa-sha2-512" => Self::Rsa512,
            b"rsa-sha2-256" => Self::Rsa256,
            b"ssh-rsa" => Self::Rsa1,
            b"ecdsa-sha2-nistp256" => Self::Ecdsa,
            b"ssh-ed25519" => Self::Ed25519,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rsa512 => "rsa-sha2-512",
            Self::Rsa256 => "rsa-sha2-256",
            Self::Rsa1 => "ssh-rsa",
            Self::Ecdsa => "ecdsa-sha2-nistp256",
            Self::Ed25519 => "ssh-ed25519",
        }
    }
}

/// All keys of one server.
pub(crate) struct HostKeys {
    ed25519: ed25519_dalek::SigningKey,
    ecdsa: p256::ecdsa::SigningKey,
    rsa: Option<RsaHostKey>,
}

impl HostKeys {
    /// The keys of this installation; without one of RSA it offers none.
    pub(crate) fn of(seed: &[u8; 32], rsa: Option<RsaHostKey>) -> Option<Self> {
        let drawn = |label: &str, round: u64| {
            let mut bytes = [0; 32];
            for (place, chunk) in (round * 4..).zip(bytes.chunks_mut(8)) {
                chunk.copy_from_slice(&Draw::new(seed, label).number(place).to_be_bytes());
            }
            bytes
        };
        let ecdsa = (0..8).find_map(|round| {
            p256::ecdsa::SigningKey::from_slice(&drawn("ssh host key ecdsa", round)).ok()
        })?;
        let ed25519 = ed25519_dalek::SigningKey::from_bytes(&drawn("ssh host key ed25519", 0));
        Some(Self { ed25519, ecdsa, rsa })
    }

    pub(super) const fn has_rsa(&self) -> bool {
        self.rsa.is_some()
    }

    /// The public key that belongs to an algorithm, as the protocol writes it.
    pub(super) fn public(&self, algorithm: HostKeyAlgorithm) -> Option<Vec<u8>> {
        let mut blob = Vec::new();
        match algorithm {
            HostKeyAlgorithm::Ed25519 => {
                blob.put_string("ssh-ed25519");
                blob.put_string(self.ed25519.verifying_key().as_bytes());
            }
            HostKeyAlgorithm::Ecdsa => {
                blob.put_string("ecdsa-sha2-nistp256");
                blob.put_string("nistp256");
                blob.put_string(self.ecdsa.verifying_key().to_sec1_point(false).as_bytes());
            }
            _ => {
                let RsaHostKey(key) = self.rsa.as_ref()?;
                blob.put_string("ssh-rsa");
                blob.put_mpint(&key.e().to_be_bytes());
                blob.put_mpint(&key.n().to_be_bytes());
            }
        }
        Some(blob)
    }

    /// The public keys in the order in which sshd has its files: RSA, ECDSA, Ed25519.
    pub(super) fn all_public(&self) -> Vec<Vec<u8>> {
        use HostKeyAlgorithm::{Ecdsa, Ed25519, Rsa512};
        [Rsa512, Ecdsa, Ed25519].into_iter().filter_map(|kind| self.public(kind)).collect()
    }

    /// A signature, as the protocol writes it.
    pub(super) fn sign(&self, algorithm: HostKeyAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        let mut blob = Vec::new();
        blob.put_string(algorithm.name());
        let rsa = self.rsa.as_ref().map(|RsaHostKey(key)| key);
        match algorithm {
            HostKeyAlgorithm::Ed25519 => blob.put_string(self.ed25519.sign(message).to_bytes()),
            HostKeyAlgorithm::Ecdsa => {
                let signature: p256::ecdsa::Signature = self.ecdsa.sign(message);
                let (r, s) = signature.split_bytes();
                let mut numbers = Vec::new();
                numbers.put_mpint(&r);
                numbers.put_mpint(&s);
                blob.put_string(&numbers);
            }
            HostKeyAlgorithm::Rsa512 => {
                blob.put_string(rsa?.pkcs1v15_sign::<Sha512>(message).ok()?);
            }
            HostKeyAlgorithm::Rsa256 => {
                blob.put_string(rsa?.pkcs1v15_sign::<Sha256>(message).ok()?);
            }
            HostKeyAlgorithm::Rsa1 => {
                blob.put_string(rsa?.pkcs1v15_sign::<Sha1>(message).ok()?);
            }
        }
        Some(blob)
    }
}
