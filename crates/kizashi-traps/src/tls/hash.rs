//! Hashes, HMAC, and the ways in which each version of TLS makes keys of them: the pseudo-random function of 1.0 to 1.2 (RFC 2246, 5;
//! RFC 5246, 5) and HKDF with labels of 1.3 (RFC 8446, 7.1).

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

macro_rules! each_hash {
    ($which:expr, $body:ident) => {
        match $which {
            Hash::Md5 => $body!(Md5),
            Hash::Sha1 => $body!(Sha1),
            Hash::Sha256 => $body!(Sha256),
            Hash::Sha384 => $body!(Sha384),
            Hash::Sha512 => $body!(Sha512),
        }
    };
}

impl Hash {
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    pub(super) fn of(self, bytes: &[u8]) -> Vec<u8> {
        macro_rules! hash {
            ($hash:ty) => {
                <$hash>::digest(bytes).to_vec()
            };
        }
        each_hash!(self, hash)
    }

    /// HMAC (RFC 2104) over these parts in a row.
    pub(super) fn keyed(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        macro_rules! keyed {
            ($hash:ty) => {{
                // A key of any length makes one; the empty answer stands for what cannot be.
                let Ok(mut keyed) = Hmac::<$hash>::new_from_slice(key) else { return Vec::new() };
                parts.iter().for_each(|part| keyed.update(part));
                keyed.finalize().into_bytes().to_vec()
            }};
        }
        each_hash!(self, keyed)
    }

    /// `P_hash` (RFC 5246, 5).
    fn stretched(self, secret: &[u8], seed: &[&[u8]], length: usize) -> Vec<u8> {
        let mut stretched = Vec::with_capacity(length + self.length());
        let mut link = self.keyed(secret, seed);
        while stretched.len() < length {
            let parts: Vec<&[u8]> =
                std::iter::once(link.as_slice()).chain(seed.iter().copied()).collect();
            stretched.extend(self.keyed(secret, &parts));
            link = self.keyed(secret, &[&link]);
        }
        stretched.truncate(length);
        stretched
    }

    /// HKDF-Extract (RFC 5869, 2.2).
    pub(super) fn extract(self, salt: &[u8], secret: &[u8]) -> Vec<u8> {
        self.keyed(salt, &[secret])
    }

    /// HKDF-Expand-Label; what TLS 1.3 asks for is never longer than two hashes.
    pub(super) fn expand(self, secret: &[u8], label: &str, context: &[u8], length: u8) -> Vec<u8> {
        let label = [b"tls13 ", label.as_bytes()].concat();
        let sizes = [label.len(), context.len()].map(|size| u8::try_from(size).unwrap_or(u8::MAX));
        let info = [&[0, length, sizes[0]], &label[..], &[sizes[1]], context].concat();
        let mut expanded: Vec<u8> = Vec::new();
        let mut block = Vec::new();
        for number in 1..=u8::MAX {
            block = self.keyed(secret, &[&block, &info, &[number]]);
            expanded.extend(&block);
            if expanded.len() >= usize::from(length) {
                break;
            }
        }
        expanded.truncate(usize::from(length));
        expanded
    }
}

/// The pseudo-random function of a version and suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expansion {
    /// MD5 and SHA-1 together: TLS 1.0 and 1.1.
    Both,
    /// One hash: TLS 1.2.
    One(Hash),
}

impl Expansion {
    pub(super) fn make(self, secret: &[u8], label: &str, seed: &[&[u8]], length: usize) -> Vec<u8> {
        let seed: Vec<&[u8]> =
            std::iter::once(label.as_bytes()).chain(seed.iter().copied()).collect();
        match self {
            Self::One(hash) => hash.stretched(secret, &seed, length),
            Self::Both => {
                let half = secret.len().div_ceil(2);
                let (first, second) = (&secret[..half], &secret[secret.len() - half..]);
                let mut made = Hash::Md5.stretched(first, &seed, length);
                let other = Hash::Sha1.stretched(second, &seed, length);
                made.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
                made
            }
        }
    }

    /// The hash of a transcript that Finished and the extended master secret are made of.
    pub(super) fn transcript(self, messages: &[u8]) -> Vec<u8> {
        match self {
            Self::One(hash) => hash.of(messages),
            Self::Both => [Hash::Md5.of(messages), Hash::Sha1.of(messages)].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
    }

    /// The vector for SHA-256 that the TLS working group's list has (mailarchive, 2008) and everybody tests with.
    #[test]
    fn the_function_of_tls_1_2_gives_the_known_bytes() {
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let made = Expansion::One(Hash::Sha256).make(&secret, "test label", &[&seed], 32);
        assert_eq!(made, hex("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"));
    }

    /// RFC 8448, section 3: the early secret, and what is derived of it.
    #[test]
    fn the_schedule_of_tls_1_3_gives_the_bytes_of_rfc_8448() {
        let early = Hash::Sha256.extract(&[], &[0; 32]);
        assert_eq!(early, hex("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"));
        let derived = Hash::Sha256.expand(&early, "derived", &Hash::Sha256.of(b""), 32);
        assert_eq!(
            derived,
            hex("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba")
        );
    }
}
