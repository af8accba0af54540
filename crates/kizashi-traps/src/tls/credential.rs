//! The keys by which this installation's TLS servers are known, and signing with them. A server's key is RSA with 2,048 bits, as
//! Debian's `ssl-cert` makes it, a device's with 1,024, as firmware of the last decade has it. Primes take a moment to find and are found
//! once, by whoever starts the traps; where nobody did, a key on P-256 comes from the installation's seed.
//!
//! `ring` signs with the longer key, three times as fast as the other library; it takes none under 2,048 bits and knows no signature
//! without a named hash, which TLS 1.0 and 1.1 want.

use std::fmt;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng as _;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use ring::signature;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{Pkcs1v15Encrypt, Pkcs1v15Sign, PrivateKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::hash::Hash;
use crate::draw::Draw;
use crate::randomness::Randomness;
use crate::{RsaHostKey, RsaKeyError};

/// Bits of the server's key, and of a device's.
const SERVER_BITS: usize = 2_048;
const DEVICE_BITS: usize = 1_024;

/// The RSA keys of one installation.
#[derive(Clone)]
pub struct TlsKeys {
    pub(super) server: RsaHostKey,
    pub(super) device: RsaHostKey,
}

impl TlsKeys {
    /// New keys from 32 random bytes. Takes about half a second.
    ///
    /// # Errors
    /// When no key can be made of these bytes, which is not to be expected.
    pub fn generate(seed: [u8; 32]) -> Result<Self, RsaKeyError> {
        let mut randomness = ChaCha20Rng::from_seed(seed);
        let mut made = |bits| RsaHostKey::of_bits(&mut randomness, bits);
        Ok(Self { server: made(SERVER_BITS)?, device: made(DEVICE_BITS)? })
    }

    /// Reads what [`Self::to_text`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_text(text: &str) -> Result<Self, RsaKeyError> {
        let (server, device) = text.trim().split_once('\n').ok_or(RsaKeyError)?;
        Ok(Self { server: RsaHostKey::from_text(server)?, device: RsaHostKey::from_text(device)? })
    }

    /// A line for each, for a file that only its owner reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}", self.server.to_text(), self.device.to_text())
    }
}

impl fmt::Debug for TlsKeys {
    /// Without the primes.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TlsKeys(…)")
    }
}

/// A way of signing, by the registry's number from TLS 1.2 on (RFC 8446, 4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// RSASSA-PSS with an ordinary RSA key.
    Pss(Hash),
    /// RSASSA-PKCS1-v1_5.
    Pkcs1(Hash),
    /// ECDSA over P-256 with SHA-256.
    Ecdsa,
    /// Before TLS 1.2: MD5 and SHA-1 in a row under RSA, no name for either.
    OldRsa,
    /// Before TLS 1.2: SHA-1 under ECDSA.
    OldEcdsa,
}

impl Scheme {
    /// The number, where it has one.
    pub(super) const fn code(self) -> Option<u16> {
        Some(match self {
            Self::Ecdsa => 0x0403,
            Self::Pss(Hash::Sha256) => 0x0804,
            Self::Pss(Hash::Sha384) => 0x0805,
            Self::Pss(_) => 0x0806,
            Self::Pkcs1(Hash::Sha256) => 0x0401,
            Self::Pkcs1(Hash::Sha384) => 0x0501,
            Self::Pkcs1(_) => 0x0601,
            Self::OldRsa | Self::OldEcdsa => return None,
        })
    }
}

/// What a server signs with.
pub(super) enum SigningKey {
    /// RSA; with `ring`'s form of it where it takes the length.
    Rsa(Box<PrivateKey>, Option<Box<KeyPair>>),
    Ecdsa(Box<p256::ecdsa::SigningKey>),
}

impl SigningKey {
    pub(super) fn of_rsa(key: &RsaHostKey) -> Self {
        let key = key.key();
        Self::Rsa(Box::new(key.clone()), fast(key).map(Box::new))
    }

    /// The key on P-256 that the seed gives for this label.
    pub(super) fn of_seed(seed: &[u8; 32], label: &str) -> Option<Self> {
        let drawn = |round: u64| {
            let mut bytes = [0; 32];
            for (place, chunk) in (round * 4..).zip(bytes.chunks_mut(8)) {
                chunk.copy_from_slice(&Draw::new(seed, label).number(place).to_be_bytes());
            }
            p256::ecdsa::SigningKey::from_slice(&bytes).ok()
        };
        (0..8).find_map(drawn).map(|key| Self::Ecdsa(Box::new(key)))
    }

    pub(super) const fn is_rsa(&self) -> bool {
        matches!(self, Self::Rsa(..))
    }

    /// The ways of signing that OpenSSL would take with this key, its favourite first.
    pub(super) const fn schemes(&self) -> &'static [Scheme] {
        use Scheme::{Pkcs1, Pss};
        match self {
            Self::Rsa(..) => &[
                Pss(Hash::Sha256),
                Pss(Hash::Sha384),
                Pss(Hash::Sha512),
                Pkcs1(Hash::Sha256),
                Pkcs1(Hash::Sha384),
                Pkcs1(Hash::Sha512),
            ],
            Self::Ecdsa(_) => &[Scheme::Ecdsa],
        }
    }

    /// Modulus and exponent, or the point.
    pub(super) fn public(&self) -> PublicKey {
        match self {
            Self::Rsa(key, _) => PublicKey::Rsa(key.n_bytes().into(), key.e_bytes().into()),
            Self::Ecdsa(key) => {
                PublicKey::P256(key.verifying_key().to_sec1_point(false).as_bytes().to_vec())
            }
        }
    }

    /// Signs; `None` where key and scheme do not belong together.
    pub(super) fn sign(
        &self,
        scheme: Scheme,
        message: &[u8],
        randomness: &mut Randomness,
    ) -> Option<Vec<u8>> {
        match (self, scheme) {
            (Self::Ecdsa(key), Scheme::Ecdsa) => {
                use p256::ecdsa::signature::Signer as _;
                let signature: p256::ecdsa::Signature = key.sign(message);
                Some(signature.to_der().as_bytes().to_vec())
            }
            (Self::Ecdsa(key), Scheme::OldEcdsa) => {
                use p256::ecdsa::signature::hazmat::PrehashSigner as _;
                let mut digest = [0; 32];
                // A digest that is shorter than the order is the same number with zeros before it (FIPS 186-5, 6.4).
                digest.get_mut(12..)?.copy_from_slice(&Hash::Sha1.of(message));
                let signature: p256::ecdsa::Signature = key.sign_prehash(&digest).ok()?;
                Some(signature.to_der().as_bytes().to_vec())
            }
            (Self::Rsa(key, _), Scheme::OldRsa) => {
                let digest = [Hash::Md5.of(message), Hash::Sha1.of(message)].concat();
                key.sign(Pkcs1v15Sign::new_unprefixed(), &digest).ok()
            }
            (Self::Rsa(key, None), scheme) => slow(key, scheme, message, randomness),
            (Self::Rsa(_, Some(key)), scheme) => {
                let padding: &'static dyn signature::RsaEncoding = match scheme {
                    Scheme::Pss(Hash::Sha256) => &signature::RSA_PSS_SHA256,
                    Scheme::Pss(Hash::Sha384) => &signature::RSA_PSS_SHA384,
                    Scheme::Pss(_) => &signature::RSA_PSS_SHA512,
                    Scheme::Pkcs1(Hash::Sha256) => &signature::RSA_PKCS1_SHA256,
                    Scheme::Pkcs1(Hash::Sha384) => &signature::RSA_PKCS1_SHA384,
                    Scheme::Pkcs1(_) => &signature::RSA_PKCS1_SHA512,
                    _ => return None,
                };
                let mut signed = vec![0; key.public().modulus_len()];
                key.sign(padding, &SystemRandom::new(), message, &mut signed).ok()?;
                Some(signed)
            }
            _ => None,
        }
    }

    /// What a client encrypted to this key; 48 bytes or nothing.
    pub(super) fn decrypt(&self, encrypted: &[u8]) -> Option<[u8; 48]> {
        let Self::Rsa(key, _) = self else { return None };
        key.decrypt(Pkcs1v15Encrypt, encrypted).ok()?.try_into().ok()
    }

    /// What a client encrypted to this key by OAEP with SHA-1, as MySQL's do with passwords.
    pub(super) fn decrypt_oaep(&self, encrypted: &[u8]) -> Option<Vec<u8>> {
        let Self::Rsa(key, _) = self else { return None };
        key.oaep_decrypt::<Sha1>(encrypted).ok()
    }
}

/// What a certificate says of a key.
pub(super) enum PublicKey {
    Rsa(Vec<u8>, Vec<u8>),
    P256(Vec<u8>),
}

/// The key as `ring` wants it.
fn fast(key: &PrivateKey) -> Option<KeyPair> {
    let [one, other] = key.primes() else { return None };
    let (p, q) = if one > other { (one, other) } else { (other, one) };
    let sorted =
        PrivateKey::from_primes(vec![p.as_ref().clone(), q.as_ref().clone()], key.e().clone());
    let key = sorted.ok()?;
    let bytes = |number: &rsa::BoxedUint| -> Vec<u8> {
        let bytes = number.to_be_bytes();
        bytes.iter().copied().skip_while(|byte| *byte == 0).collect()
    };
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n: key.n_bytes().to_vec(), e: key.e_bytes().to_vec() },
        d: bytes(key.d()),
        p: bytes(p.as_ref()),
        q: bytes(q.as_ref()),
        dP: bytes(key.dp()?),
        dQ: bytes(key.dq()?),
        qInv: bytes(&key.qinv()?.retrieve()),
    };
    KeyPair::from_components(&components).ok()
}

fn slow(
    key: &PrivateKey,
    scheme: Scheme,
    message: &[u8],
    randomness: &mut Randomness,
) -> Option<Vec<u8>> {
    let mut drawn = ChaCha20Rng::from_seed(randomness.bytes());
    macro_rules! pss {
        ($hash:ty) => {
            key.pss_sign_with_rng::<$hash, _>(&mut drawn, message).ok()
        };
    }
    match scheme {
        Scheme::Pkcs1(Hash::Sha256) => key.pkcs1v15_sign::<Sha256>(message).ok(),
        Scheme::Pkcs1(Hash::Sha384) => key.pkcs1v15_sign::<Sha384>(message).ok(),
        Scheme::Pkcs1(Hash::Sha512) => key.pkcs1v15_sign::<Sha512>(message).ok(),
        Scheme::Pss(Hash::Sha256) => pss!(Sha256),
        Scheme::Pss(Hash::Sha384) => pss!(Sha384),
        // A key of 1,024 bits has no room for this one with a salt as long as the hash.
        _ => None,
    }
}
