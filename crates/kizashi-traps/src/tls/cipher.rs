//! The ciphers of records: those with authentication, and blocks in CBC mode. `ring` has what everybody uses; CCM, ARIA and Camellia, which
//! OpenSSL's `HIGH` has too and scanners list, are RustCrypto's.

use aes::{Aes128, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::consts::{U8, U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit, Tag};
use aria::{Aria128, Aria256};
use camellia::{Camellia128, Camellia256};
use ccm::Ccm;
use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};

use super::suite::Bulk;

/// Bytes of a block, of all of them.
pub(super) const BLOCK: usize = 16;
/// Bytes of a nonce, of all of them.
pub(super) const NONCE: usize = 12;
/// Bytes of the longest tag.
const LONG_TAG: usize = 16;

/// An authenticated cipher with its key.
pub(super) enum Authenticated {
    Ring(Box<LessSafeKey>),
    Aria128(Box<AesGcm<Aria128, U12>>),
    Aria256(Box<AesGcm<Aria256, U12>>),
    Ccm128(Box<Ccm<Aes128, U16, U12>>),
    Ccm256(Box<Ccm<Aes256, U16, U12>>),
    ShortCcm128(Box<Ccm<Aes128, U8, U12>>),
    ShortCcm256(Box<Ccm<Aes256, U8, U12>>),
}

fn made<C: KeyInit>(key: &[u8]) -> Option<Box<C>> {
    C::new_from_slice(key).ok().map(Box::new)
}

fn ringed(algorithm: &'static aead::Algorithm, key: &[u8]) -> Option<Authenticated> {
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    Some(Authenticated::Ring(Box::new(key)))
}

/// Seals in place and appends the tag.
fn seal<C: AeadInOut>(
    cipher: &C,
    nonce: [u8; NONCE],
    extra: &[u8],
    text: &mut Vec<u8>,
) -> Option<()> {
    let nonce = nonce.as_slice().try_into().ok()?;
    let tag = cipher.encrypt_inout_detached(nonce, extra, text.as_mut_slice().into()).ok()?;
    text.extend_from_slice(&tag);
    Some(())
}

/// Opens in place and cuts the tag off.
fn open<C: AeadInOut>(
    cipher: &C,
    nonce: [u8; NONCE],
    extra: &[u8],
    text: &mut Vec<u8>,
) -> Option<()> {
    let tag = text.split_off(text.len().checked_sub(size_of::<Tag<C>>())?);
    let (nonce, tag) = (nonce.as_slice().try_into().ok()?, tag.as_slice().try_into().ok()?);
    cipher.decrypt_inout_detached(nonce, extra, text.as_mut_slice().into(), tag).ok()
}

macro_rules! each {
    ($cipher:expr, $ring:ident => $ringed:expr, $other:ident => $body:expr) => {
        match $cipher {
            Authenticated::Ring($ring) => $ringed,
            Authenticated::Aria128($other) => $body,
            Authenticated::Aria256($other) => $body,
            Authenticated::Ccm128($other) => $body,
            Authenticated::Ccm256($other) => $body,
            Authenticated::ShortCcm128($other) => $body,
            Authenticated::ShortCcm256($other) => $body,
        }
    };
}

impl Authenticated {
    /// `None` where the suite has none, or for a key of another length.
    pub(super) fn new(bulk: Bulk, key: &[u8]) -> Option<Self> {
        let short = key.len() == 16;
        match bulk {
            Bulk::ChaCha20 => ringed(&aead::CHACHA20_POLY1305, key),
            Bulk::Gcm if short => ringed(&aead::AES_128_GCM, key),
            Bulk::Gcm => ringed(&aead::AES_256_GCM, key),
            Bulk::AriaGcm if short => made(key).map(Self::Aria128),
            Bulk::AriaGcm => made(key).map(Self::Aria256),
            Bulk::Ccm if short => made(key).map(Self::Ccm128),
            Bulk::Ccm => made(key).map(Self::Ccm256),
            Bulk::ShortCcm if short => made(key).map(Self::ShortCcm128),
            Bulk::ShortCcm => made(key).map(Self::ShortCcm256),
            Bulk::Cbc(_) | Bulk::CamelliaCbc(_) => None,
        }
    }

    /// Bytes of its tag.
    pub(super) const fn tag(&self) -> usize {
        match self {
            Self::ShortCcm128(_) | Self::ShortCcm256(_) => 8,
            _ => LONG_TAG,
        }
    }

    /// Seals in place and appends the tag.
    pub(super) fn seal(&self, nonce: [u8; NONCE], extra: &[u8], text: &mut Vec<u8>) -> Option<()> {
        each!(self, key => {
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.seal_in_place_append_tag(nonce, Aad::from(extra), text).ok()
        }, cipher => seal(&**cipher, nonce, extra, text))
    }

    /// Opens in place and cuts the tag off; `None` for what was not sealed so.
    pub(super) fn open(&self, nonce: [u8; NONCE], extra: &[u8], text: &mut Vec<u8>) -> Option<()> {
        each!(self, key => {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let length = key.open_in_place(nonce, Aad::from(extra), text).ok()?.len();
            text.truncate(length);
            Some(())
        }, cipher => open(&**cipher, nonce, extra, text))
    }
}

/// A block cipher with its key.
pub(super) enum Blocks {
    Aes128(Box<Aes128>),
    Aes256(Box<Aes256>),
    Camellia128(Box<Camellia128>),
    Camellia256(Box<Camellia256>),
}

macro_rules! each_block {
    ($cipher:expr, $inner:ident => $body:expr) => {
        match $cipher {
            Blocks::Aes128($inner) => $body,
            Blocks::Aes256($inner) => $body,
            Blocks::Camellia128($inner) => $body,
            Blocks::Camellia256($inner) => $body,
        }
    };
}

impl Blocks {
    /// `None` where the suite has none, or for a key of another length.
    pub(super) fn new(bulk: Bulk, key: &[u8]) -> Option<Self> {
        let short = key.len() == 16;
        match bulk {
            Bulk::Cbc(_) if short => made(key).map(Self::Aes128),
            Bulk::Cbc(_) => made(key).map(Self::Aes256),
            Bulk::CamelliaCbc(_) if short => made(key).map(Self::Camellia128),
            Bulk::CamelliaCbc(_) => made(key).map(Self::Camellia256),
            _ => None,
        }
    }

    pub(super) fn encrypt(&self, block: &mut [u8; BLOCK]) {
        use aes::cipher::BlockCipherEncrypt as _;
        let mut worked = aes::Block::from(*block);
        each_block!(self, cipher => cipher.encrypt_block(&mut worked));
        *block = worked.into();
    }

    pub(super) fn decrypt(&self, block: &mut [u8; BLOCK]) {
        use aes::cipher::BlockCipherDecrypt as _;
        let mut worked = aes::Block::from(*block);
        each_block!(self, cipher => cipher.decrypt_block(&mut worked));
        *block = worked.into();
    }
}
