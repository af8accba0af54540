//! A visitor's signature with the key he logs in by (RFC 4252, section 7). It is checked although it opens nothing real: a server that
//! takes a wrong one is none.

use crypto_bigint::BoxedUint;
use p256::ecdsa::signature::Verifier as _;

use super::wire::Reader;

/// Bits of an RSA key that are still worth the time of checking: OpenSSH takes 16,384.
const MOST_RSA_BYTES: usize = 512;
/// Bytes of an RSA key's exponent.
const MOST_EXPONENT_BYTES: usize = 4;

/// Whether an algorithm is one for keys of this kind, and one that sshd takes by default.
pub(super) fn fits(algorithm: &[u8], key: &[u8], takes_sha1: bool) -> bool {
    let kind = Reader::new(key).string().unwrap_or_default();
    match algorithm {
        b"ssh-ed25519"
        | b"ecdsa-sha2-nistp256"
        | b"ecdsa-sha2-nistp384"
        | b"ecdsa-sha2-nistp521" => kind == algorithm,
        b"rsa-sha2-256" | b"rsa-sha2-512" => kind == b"ssh-rsa",
        b"ssh-rsa" => takes_sha1 && kind == b"ssh-rsa",
        _ => false,
    }
}

/// Whether this key signed this message by this algorithm.
pub(super) fn verifies(algorithm: &[u8], key: &[u8], signature: &[u8], message: &[u8]) -> bool {
    verified(algorithm, key, signature, message).is_some()
}

fn verified(algorithm: &[u8], key: &[u8], signature: &[u8], message: &[u8]) -> Option<()> {
    let (mut key, mut signature) = (Reader::new(key), Reader::new(signature));
    key.string()?;
    let name = signature.string()?;
    let blob = signature.string().filter(|_| signature.is_empty() && name == algorithm)?;
    match algorithm {
        b"ssh-ed25519" => {
            let bytes: [u8; 32] = key.string()?.try_into().ok()?;
            let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok()?;
            let signature = ed25519_dalek::Signature::from_slice(blob).ok()?;
            key.verify(message, &signature).ok()
        }
        b"ecdsa-sha2-nistp256" => {
            let (point, r, s) = on_curve::<32>(&mut key, blob)?;
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
            let signature = p256::ecdsa::Signature::from_scalars(r, s).ok()?;
            key.verify(message, &signature).ok()
        }
        b"ecdsa-sha2-nistp384" => {
            let (point, r, s) = on_curve::<48>(&mut key, blob)?;
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
            let signature = p384::ecdsa::Signature::from_scalars(r, s).ok()?;
            key.verify(message, &signature).ok()
        }
        b"ecdsa-sha2-nistp521" => {
            let (point, r, s) = on_curve::<66>(&mut key, blob)?;
            let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
            let signature = p521::ecdsa::Signature::from_scalars(r, s).ok()?;
            key.verify(message, &signature).ok()
        }
        _ => {
            let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
            let exponent = key.mpint().filter(|bytes| bytes.len() <= MOST_EXPONENT_BYTES)?;
            let modulus = key.mpint().filter(|bytes| bytes.len() <= MOST_RSA_BYTES)?;
            let key = rsa::PublicKey::new(number(modulus), number(exponent)).ok()?;
            let right = match algorithm {
                b"rsa-sha2-512" => key.pkcs1v15_verify::<sha2::Sha512>(message, blob),
                b"rsa-sha2-256" => key.pkcs1v15_verify::<sha2::Sha256>(message, blob),
                _ => key.pkcs1v15_verify::<sha1::Sha1>(message, blob),
            };
            right.ok()
        }
    }
}

/// The point of a key on a curve, and the two numbers of a signature, of a curve's length.
fn on_curve<'a, const N: usize>(
    key: &mut Reader<'a>,
    blob: &[u8],
) -> Option<(&'a [u8], [u8; N], [u8; N])> {
    key.string()?;
    let point = key.string()?;
    let mut numbers = Reader::new(blob);
    let mut number = || {
        let magnitude = numbers.mpint().filter(|bytes| bytes.len() <= N)?;
        let mut bytes = [0; N];
        bytes[N - magnitude.len()..].copy_from_slice(magnitude);
        Some(bytes)
    };
    let (r, s) = (number()?, number()?);
    Some((point, r, s))
}
