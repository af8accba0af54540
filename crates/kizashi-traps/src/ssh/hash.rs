//! The hashes that key exchanges are made with.

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The hash of these parts in a row.
    pub(super) fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        macro_rules! hash {
            ($hash:ty) => {{
                let mut hasher = <$hash>::new();
                parts.iter().for_each(|part| hasher.update(part));
                hasher.finalize().to_vec()
            }};
        }
        match self {
            Self::Sha1 => hash!(Sha1),
            Self::Sha256 => hash!(Sha256),
            Self::Sha384 => hash!(Sha384),
            Self::Sha512 => hash!(Sha512),
        }
    }

    /// Key material of any length (RFC 4253, section 7.2).
    pub(super) fn derive(
        self,
        (secret, exchange, session): (&[u8], &[u8], &[u8]),
        letter: u8,
        length: usize,
    ) -> Vec<u8> {
        let mut key = self.of(&[secret, exchange, &[letter], session]);
        while key.len() < length {
            let more = self.of(&[secret, exchange, &key]);
            key.extend(more);
        }
        key.truncate(length);
        key
    }
}
