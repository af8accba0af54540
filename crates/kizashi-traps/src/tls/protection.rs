//! How records of one direction are protected: not at all, by an authenticated cipher (RFC 5288, RFC 6209, RFC 6655, RFC 7905, RFC 8446,
//! 5.2), or by AES or Camellia in CBC mode with a MAC before or after it (RFC 2246, 6.2.3; RFC 4346 and 5246 with their explicit IV; RFC 7366).

use super::alert::Alert;
use super::cipher::{Authenticated, BLOCK, Blocks, NONCE};
use super::hash::Hash;
use super::record::{APPLICATION_DATA, TLS_1_0, TLS_1_2};
use super::suite::{Bulk, Suite};
use crate::randomness::Randomness;

/// One direction.
pub(super) enum Protection {
    Plain,
    Sealed(Box<Sealed>),
    Block(Box<Block>),
}

/// How the nonce of a record is made.
enum Nonces {
    /// Four bytes of key material, eight that the record carries: these count up from a random number.
    Carried([u8; 4], u64),
    /// The record's number, over twelve bytes of key material.
    Counted([u8; NONCE]),
}

/// An authenticated cipher.
pub(super) struct Sealed {
    key: Authenticated,
    nonces: Nonces,
    number: u64,
    /// TLS 1.3: the record's type is inside.
    modern: bool,
}

/// CBC and HMAC.
pub(super) struct Block {
    cipher: Blocks,
    hash: Hash,
    mac_key: Vec<u8>,
    /// TLS 1.0: the last block is the next record's IV.
    chain: [u8; BLOCK],
    number: u64,
    mac_last: bool,
}

/// What one direction's keys are cut from.
pub(super) struct Keys<'a> {
    pub(super) mac: &'a [u8],
    pub(super) key: &'a [u8],
    pub(super) iv: &'a [u8],
}

impl Protection {
    /// Bytes of key material that a suite's IV takes before TLS 1.3.
    pub(super) const fn iv_length(suite: &Suite, version: u16) -> usize {
        match suite.bulk {
            Bulk::Gcm | Bulk::AriaGcm | Bulk::Ccm | Bulk::ShortCcm => 4,
            Bulk::ChaCha20 => NONCE,
            Bulk::Cbc(_) | Bulk::CamelliaCbc(_) if version == TLS_1_0 => BLOCK,
            Bulk::Cbc(_) | Bulk::CamelliaCbc(_) => 0,
        }
    }

    pub(super) const fn mac_length(suite: &Suite) -> usize {
        match suite.bulk.mac() {
            Some(hash) => hash.length(),
            None => 0,
        }
    }

    /// For TLS 1.0 to 1.2. Keys of other lengths than the suite's make none.
    pub(super) fn legacy(
        suite: &Suite,
        keys: &Keys<'_>,
        mac_last: bool,
        randomness: &mut Randomness,
    ) -> Option<Self> {
        let Some(hash) = suite.bulk.mac() else {
            let nonces = match suite.bulk {
                Bulk::ChaCha20 => Nonces::Counted(keys.iv.try_into().ok()?),
                _ => Nonces::Carried(keys.iv.try_into().ok()?, randomness.number()),
            };
            let key = Authenticated::new(suite.bulk, keys.key)?;
            return Some(Self::Sealed(Box::new(Sealed { key, nonces, number: 0, modern: false })));
        };
        let cipher = Blocks::new(suite.bulk, keys.key)?;
        let chain = keys.iv.try_into().unwrap_or([0; BLOCK]);
        let mac_key = keys.mac.to_vec();
        Some(Self::Block(Box::new(Block { cipher, hash, mac_key, chain, number: 0, mac_last })))
    }

    /// For TLS 1.3, from a traffic secret (RFC 8446, 7.3).
    pub(super) fn modern(suite: &Suite, secret: &[u8]) -> Option<Self> {
        let length = u8::try_from(suite.key).ok()?;
        let key = suite.hash.expand(secret, "key", &[], length);
        let key = Authenticated::new(suite.bulk, &key)?;
        let iv = suite.hash.expand(secret, "iv", &[], NONCE as u8);
        let nonces = Nonces::Counted(iv.try_into().ok()?);
        Some(Self::Sealed(Box::new(Sealed { key, nonces, number: 0, modern: true })))
    }

    /// Protects one record of at most 16 KiB; gives its type and body.
    pub(super) fn seal(
        &mut self,
        kind: u8,
        version: u16,
        content: &[u8],
        randomness: &mut Randomness,
    ) -> Option<(u8, Vec<u8>)> {
        match self {
            Self::Plain => Some((kind, content.to_vec())),
            Self::Sealed(sealed) => sealed.seal(kind, version, content),
            Self::Block(block) => {
                let iv = if version == TLS_1_0 { block.chain } else { randomness.bytes() };
                Some((kind, block.seal(kind, version, content, iv)))
            }
        }
    }

    /// Takes the protection from one record; gives its true type and content.
    pub(super) fn open(
        &mut self,
        kind: u8,
        version: u16,
        body: Vec<u8>,
    ) -> Result<(u8, Vec<u8>), Alert> {
        match self {
            Self::Plain => Ok((kind, body)),
            Self::Sealed(sealed) => sealed.open(kind, version, body),
            Self::Block(block) => block.open(kind, version, body).map(|content| (kind, content)),
        }
    }
}

/// What is authenticated beside the content before TLS 1.3.
fn header(number: u64, kind: u8, version: u16, length: usize) -> [u8; 13] {
    let mut header = [0; 13];
    header[..8].copy_from_slice(&number.to_be_bytes());
    header[8] = kind;
    header[9..11].copy_from_slice(&version.to_be_bytes());
    header[11..].copy_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    header
}

/// The same in TLS 1.3: the record's own header.
fn modern_header(length: usize) -> [u8; 5] {
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let [major, minor] = TLS_1_2.to_be_bytes();
    [APPLICATION_DATA, major, minor, high, low]
}

impl Sealed {
    /// The nonce of the next record; `carried` is what the record itself brings.
    fn nonce(&self, carried: Option<[u8; 8]>) -> [u8; NONCE] {
        let mut nonce = [0; NONCE];
        match (&self.nonces, carried) {
            (Nonces::Carried(fixed, next), carried) => {
                nonce[..4].copy_from_slice(fixed);
                nonce[4..].copy_from_slice(&carried.unwrap_or(next.to_be_bytes()));
            }
            (Nonces::Counted(fixed), _) => {
                nonce.copy_from_slice(fixed);
                let number = self.number.to_be_bytes();
                nonce[4..].iter_mut().zip(number).for_each(|(byte, other)| *byte ^= other);
            }
        }
        nonce
    }

    fn seal(&mut self, kind: u8, version: u16, content: &[u8]) -> Option<(u8, Vec<u8>)> {
        let (nonce, tag) = (self.nonce(None), self.key.tag());
        let mut sealed = Vec::with_capacity(content.len() + 1 + tag);
        sealed.extend_from_slice(content);
        if self.modern {
            sealed.push(kind);
            self.key.seal(nonce, &modern_header(sealed.len() + tag), &mut sealed)?;
            self.number += 1;
            return Some((APPLICATION_DATA, sealed));
        }
        self.key.seal(nonce, &header(self.number, kind, version, content.len()), &mut sealed)?;
        self.number += 1;
        if let Nonces::Carried(_, next) = &mut self.nonces {
            let body = [&next.to_be_bytes()[..], &sealed].concat();
            *next = next.wrapping_add(1);
            return Some((kind, body));
        }
        Some((kind, sealed))
    }

    fn open(&mut self, kind: u8, version: u16, mut body: Vec<u8>) -> Result<(u8, Vec<u8>), Alert> {
        if self.modern && kind != APPLICATION_DATA {
            return Err(Alert::UnexpectedMessage);
        }
        let aad_of_modern = modern_header(body.len());
        let carried = match self.nonces {
            Nonces::Carried(..) => {
                let rest = body.get(8..).ok_or(Alert::BadRecordMac)?.to_vec();
                let carried = std::mem::replace(&mut body, rest);
                Some(carried.first_chunk().copied().ok_or(Alert::BadRecordMac)?)
            }
            Nonces::Counted(_) => None,
        };
        let length = body.len().checked_sub(self.key.tag()).ok_or(Alert::BadRecordMac)?;
        let nonce = self.nonce(carried);
        let opened = if self.modern {
            self.key.open(nonce, &aad_of_modern, &mut body)
        } else {
            self.key.open(nonce, &header(self.number, kind, version, length), &mut body)
        };
        opened.ok_or(Alert::BadRecordMac)?;
        self.number += 1;
        if !self.modern {
            return Ok((kind, body));
        }
        let end = body.iter().rposition(|byte| *byte != 0).ok_or(Alert::UnexpectedMessage)?;
        let kind = body[end];
        body.truncate(end);
        Ok((kind, body))
    }
}

impl Block {
    fn encrypt(&self, iv: [u8; BLOCK], bytes: &mut [u8]) -> [u8; BLOCK] {
        let mut last = iv;
        for block in bytes.as_chunks_mut::<BLOCK>().0 {
            block.iter_mut().zip(last).for_each(|(byte, other)| *byte ^= other);
            self.cipher.encrypt(block);
            last = *block;
        }
        last
    }

    fn decrypt(&self, iv: [u8; BLOCK], bytes: &mut [u8]) -> [u8; BLOCK] {
        let mut last = iv;
        for block in bytes.as_chunks_mut::<BLOCK>().0 {
            let given = *block;
            self.cipher.decrypt(block);
            block.iter_mut().zip(last).for_each(|(byte, other)| *byte ^= other);
            last = given;
        }
        last
    }

    fn mac(&self, kind: u8, version: u16, content: &[u8]) -> Vec<u8> {
        let header = header(self.number, kind, version, content.len());
        self.hash.keyed(&self.mac_key, &[&header, content])
    }

    fn seal(&mut self, kind: u8, version: u16, content: &[u8], iv: [u8; BLOCK]) -> Vec<u8> {
        let mut plain = content.to_vec();
        if !self.mac_last {
            plain.extend(self.mac(kind, version, content));
        }
        let padding = BLOCK - 1 - plain.len() % BLOCK;
        let filler = u8::try_from(padding).unwrap_or(0);
        plain.extend(std::iter::repeat_n(filler, padding + 1));
        self.chain = self.encrypt(iv, &mut plain);
        let mut body = if version == TLS_1_0 { Vec::new() } else { iv.to_vec() };
        body.extend(plain);
        if self.mac_last {
            let tag = self.mac(kind, version, &body);
            body.extend(tag);
        }
        self.number += 1;
        body
    }

    fn open(&mut self, kind: u8, version: u16, mut body: Vec<u8>) -> Result<Vec<u8>, Alert> {
        if self.mac_last {
            let end = body.len().checked_sub(self.hash.length()).ok_or(Alert::BadRecordMac)?;
            let tag = body.split_off(end);
            if self.mac(kind, version, &body) != tag {
                return Err(Alert::BadRecordMac);
            }
        }
        if !body.len().is_multiple_of(BLOCK) || body.is_empty() {
            return Err(Alert::BadRecordMac);
        }
        let iv = if version == TLS_1_0 {
            self.chain
        } else {
            let rest = body.split_off(BLOCK);
            let iv = std::mem::replace(&mut body, rest);
            iv.try_into().map_err(|_| Alert::BadRecordMac)?
        };
        self.chain = self.decrypt(iv, &mut body);
        let padding = usize::from(*body.last().ok_or(Alert::BadRecordMac)?) + 1;
        let end = body.len().checked_sub(padding).ok_or(Alert::BadRecordMac)?;
        let filled = body.split_off(end);
        // One alert for all that can be wrong, as after Vaudenay 2002.
        let even = filled.iter().all(|byte| usize::from(*byte) + 1 == padding);
        if !self.mac_last {
            let end = body.len().checked_sub(self.hash.length()).ok_or(Alert::BadRecordMac)?;
            let tag = body.split_off(end);
            if self.mac(kind, version, &body) != tag {
                return Err(Alert::BadRecordMac);
            }
        }
        self.number += 1;
        if even { Ok(body) } else { Err(Alert::BadRecordMac) }
    }
}
