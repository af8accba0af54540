//! Key exchange methods, the server's side: a client's public value becomes the server's and a secret. RFC 8731 (Curve25519), RFC 5656
//! (NIST's curves), RFC 4253, 4419 and 8268 (Diffie-Hellman), draft-ietf-sshm-ntruprime-ssh (sntrup761 with Curve25519).

mod groups;
mod sntrup761;

use p256::elliptic_curve::sec1::ToSec1Point as _;
use x25519_dalek::{PublicKey, StaticSecret};

use super::hash::Hash;
use super::wire::{Reader, Write as _};
use crate::randomness::Randomness;
pub(super) use groups::Group;

/// Which method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Sntrup761,
    Curve25519,
    Nist256,
    Nist384,
    Nist521,
    /// A group of this many bits that everybody has.
    Fixed(u32, Hash),
    /// A group that the client asks for.
    Chosen(Hash),
}

impl Method {
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"sntrup761x25519-sha512@openssh.com" | b"sntrup761x25519-sha512" => Self::Sntrup761,
            b"curve25519-sha256" | b"curve25519-sha256@libssh.org" => Self::Curve25519,
            b"ecdh-sha2-nistp256" => Self::Nist256,
            b"ecdh-sha2-nistp384" => Self::Nist384,
            b"ecdh-sha2-nistp521" => Self::Nist521,
            b"diffie-hellman-group14-sha1" => Self::Fixed(2_048, Hash::Sha1),
            b"diffie-hellman-group14-sha256" => Self::Fixed(2_048, Hash::Sha256),
            b"diffie-hellman-group16-sha512" => Self::Fixed(4_096, Hash::Sha512),
            b"diffie-hellman-group18-sha512" => Self::Fixed(8_192, Hash::Sha512),
            b"diffie-hellman-group-exchange-sha1" => Self::Chosen(Hash::Sha1),
            b"diffie-hellman-group-exchange-sha256" => Self::Chosen(Hash::Sha256),
            _ => return None,
        })
    }

    pub(super) const fn hash(self) -> Hash {
        match self {
            Self::Sntrup761 => Hash::Sha512,
            Self::Curve25519 | Self::Nist256 => Hash::Sha256,
            Self::Nist384 => Hash::Sha384,
            Self::Nist521 => Hash::Sha512,
            Self::Fixed(_, hash) | Self::Chosen(hash) => hash,
        }
    }
}

/// What came of an exchange.
pub(super) struct Agreement {
    /// The server's public value, as the reply has it.
    pub(super) public: Vec<u8>,
    /// Both public values, as the exchange hash has them.
    pub(super) hashed: Vec<u8>,
    /// The secret, as hashes have it.
    pub(super) secret: Vec<u8>,
}

/// The server's part; `message` is what follows the client's message number. `None` for a value that no client may send.
pub(super) fn agree(
    method: Method,
    message: &[u8],
    randomness: &mut Randomness,
) -> Option<Agreement> {
    let mut reader = Reader::new(message);
    if let Method::Fixed(size, _) = method {
        return in_group(&groups::fixed(size)?, message, randomness);
    }
    let theirs = reader.string().filter(|_| reader.is_empty())?;
    let (ours, secret) = match method {
        Method::Sntrup761 => hybrid(theirs, randomness)?,
        Method::Curve25519 => {
            let (ours, secret) = curve25519(theirs, randomness)?;
            (ours.to_vec(), number(&secret))
        }
        Method::Nist256 => {
            let ours =
                drawn(randomness, |bytes: [u8; 32]| p256::SecretKey::from_slice(&bytes).ok())?;
            let theirs = p256::PublicKey::from_sec1_bytes(uncompressed(theirs, 65)?).ok()?;
            let secret = ours.diffie_hellman(&theirs);
            let public = ours.public_key().to_sec1_point(false).as_bytes().to_vec();
            (public, number(secret.raw_secret_bytes()))
        }
        Method::Nist384 => {
            let ours =
                drawn(randomness, |bytes: [u8; 48]| p384::SecretKey::from_slice(&bytes).ok())?;
            let theirs = p384::PublicKey::from_sec1_bytes(uncompressed(theirs, 97)?).ok()?;
            let secret = ours.diffie_hellman(&theirs);
            let public = ours.public_key().to_sec1_point(false).as_bytes().to_vec();
            (public, number(secret.raw_secret_bytes()))
        }
        Method::Nist521 => {
            let ours = drawn(randomness, |mut bytes: [u8; 66]| {
                bytes[0] &= 1;
                p521::SecretKey::from_slice(&bytes).ok()
            })?;
            let theirs = p521::PublicKey::from_sec1_bytes(uncompressed(theirs, 133)?).ok()?;
            let secret = ours.diffie_hellman(&theirs);
            let public = ours.public_key().to_sec1_point(false).as_bytes().to_vec();
            (public, number(secret.raw_secret_bytes()))
        }
        Method::Fixed(..) | Method::Chosen(_) => return None,
    };
    let (mut public, mut hashed) = (Vec::new(), Vec::new());
    public.put_string(&ours);
    hashed.put_string(theirs);
    hashed.put_string(&ours);
    Some(Agreement { public, hashed, secret })
}

/// The same in a group; the sizes that the client asked for are the caller's to hash.
pub(super) fn in_group(
    group: &Group,
    message: &[u8],
    randomness: &mut Randomness,
) -> Option<Agreement> {
    let mut reader = Reader::new(message);
    let theirs = reader.mpint().filter(|_| reader.is_empty())?;
    let (ours, secret) = group.agree(theirs, randomness)?;
    let (mut public, mut hashed) = (Vec::new(), Vec::new());
    public.put_mpint(&ours);
    hashed.put_mpint(theirs);
    hashed.put_mpint(&ours);
    Some(Agreement { public, hashed, secret: number(&secret) })
}

/// A group for a client that wants these sizes, as OpenSSH's server chooses it (kexgexs.c).
pub(super) fn group_for(
    (least, wanted, most): (u32, u32, u32),
    randomness: &mut Randomness,
) -> Option<Group> {
    let (smallest, largest) = (2_048, 8_192);
    let fits = |least: u32, wanted: u32, most: u32| {
        most >= least && wanted >= least && most >= wanted && most >= smallest
    };
    if !fits(least, wanted, most) {
        return None;
    }
    let (least, most) = (least.max(smallest), most.min(largest));
    let wanted = wanted.clamp(smallest, largest);
    if !fits(least, wanted, most) {
        return None;
    }
    groups::chosen(least, wanted, most, randomness)
}

fn number(magnitude: &[u8]) -> Vec<u8> {
    let mut secret = Vec::with_capacity(magnitude.len() + 5);
    secret.put_mpint(magnitude);
    secret
}

fn uncompressed(point: &[u8], length: usize) -> Option<&[u8]> {
    (point.len() == length && point[0] == 4).then_some(point)
}

/// A key of random bytes; a few draws are out of range with a chance of 2^-32 or less.
fn drawn<const N: usize, K>(
    randomness: &mut Randomness,
    key: impl Fn([u8; N]) -> Option<K>,
) -> Option<K> {
    (0..8).find_map(|_| key(randomness.bytes()))
}

fn curve25519(theirs: &[u8], randomness: &mut Randomness) -> Option<([u8; 32], [u8; 32])> {
    let theirs: [u8; 32] = theirs.try_into().ok()?;
    let ours = StaticSecret::from(randomness.bytes::<32>());
    let secret = ours.diffie_hellman(&PublicKey::from(theirs));
    // All zeros: a point of small order, which RFC 8731 tells to refuse.
    secret.was_contributory().then(|| (PublicKey::from(&ours).to_bytes(), secret.to_bytes()))
}

/// Both secrets under one hash; a string, not a number.
fn hybrid(theirs: &[u8], randomness: &mut Randomness) -> Option<(Vec<u8>, Vec<u8>)> {
    let (quantum, classic) = theirs.split_at_checked(sntrup761::PUBLIC)?;
    let (mut ours, quantum) = sntrup761::encapsulate(quantum.try_into().ok()?, randomness);
    let (public, classic) = curve25519(classic, randomness)?;
    ours.extend(public);
    let mut secret = Vec::new();
    secret.put_string(Hash::Sha512.of(&[&quantum, &classic]));
    Some((ours, secret))
}
