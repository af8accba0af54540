//! Encryption of packets in one direction: none, chacha20-poly1305@openssh.com (OpenSSH's PROTOCOL.chacha20poly1305), AES-GCM (RFC 5647 as
//! OpenSSH has it), and AES-CTR (RFC 4344) with a MAC over the plain or the encrypted packet.

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit as _};
use chacha20::ChaCha20Legacy;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _};
use poly1305::Poly1305;

use super::mac::{Mac, MacKind};

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CipherKind {
    ChaCha20,
    Aes128Ctr,
    Aes192Ctr,
    Aes256Ctr,
    Aes128Gcm,
    Aes256Gcm,
}

impl CipherKind {
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"chacha20-poly1305@openssh.com" => Self::ChaCha20,
            b"aes128-ctr" => Self::Aes128Ctr,
            b"aes192-ctr" => Self::Aes192Ctr,
            b"aes256-ctr" => Self::Aes256Ctr,
            b"aes128-gcm@openssh.com" => Self::Aes128Gcm,
            b"aes256-gcm@openssh.com" => Self::Aes256Gcm,
            _ => return None,
        })
    }

    pub(super) const fn key_length(self) -> usize {
        match self {
            Self::ChaCha20 => 64,
            Self::Aes128Ctr | Self::Aes128Gcm => 16,
            Self::Aes192Ctr => 24,
            Self::Aes256Ctr | Self::Aes256Gcm => 32,
        }
    }

    pub(super) const fn iv_length(self) -> usize {
        match self {
            Self::ChaCha20 => 0,
            Self::Aes128Gcm | Self::Aes256Gcm => 12,
            Self::Aes128Ctr | Self::Aes192Ctr | Self::Aes256Ctr => 16,
        }
    }

    /// Whether it authenticates too, so that the MAC agreed on is not used.
    pub(super) const fn is_authenticated(self) -> bool {
        matches!(self, Self::ChaCha20 | Self::Aes128Gcm | Self::Aes256Gcm)
    }
}

/// AES in counter mode.
pub(super) enum Counter {
    Aes128(Ctr128BE<Aes128>),
    Aes192(Ctr128BE<Aes192>),
    Aes256(Ctr128BE<Aes256>),
}

impl Counter {
    fn apply(&mut self, bytes: &mut [u8]) {
        match self {
            Self::Aes128(cipher) => cipher.apply_keystream(bytes),
            Self::Aes192(cipher) => cipher.apply_keystream(bytes),
            Self::Aes256(cipher) => cipher.apply_keystream(bytes),
        }
    }
}

/// AES-GCM.
pub(super) enum Galois {
    Aes128(Aes128Gcm),
    Aes256(Aes256Gcm),
}

/// What a packet is protected with.
pub(super) enum Protection {
    Plain,
    ChaCha20 { body: [u8; 32], length: [u8; 32] },
    Galois { cipher: Box<Galois>, nonce: [u8; 12] },
    Counter { cipher: Box<Counter>, mac: Mac, encrypt_then_mac: bool },
}

/// Bytes of the tag of an authenticated cipher.
const TAG: usize = 16;

impl Protection {
    /// Keys of the lengths that their kinds ask for; others make none.
    pub(super) fn new(
        kind: CipherKind,
        (key, iv): (&[u8], &[u8]),
        mac: Option<((MacKind, bool), &[u8])>,
    ) -> Option<Self> {
        if kind == CipherKind::ChaCha20 {
            let (body, length) = key.split_at_checked(32)?;
            return Some(Self::ChaCha20 {
                body: body.try_into().ok()?,
                length: length.try_into().ok()?,
            });
        }
        if kind.is_authenticated() {
            let cipher = match kind {
                CipherKind::Aes128Gcm => Galois::Aes128(Aes128Gcm::new_from_slice(key).ok()?),
                _ => Galois::Aes256(Aes256Gcm::new_from_slice(key).ok()?),
            };
            return Some(Self::Galois { cipher: Box::new(cipher), nonce: iv.try_into().ok()? });
        }
        let cipher = match kind {
            CipherKind::Aes128Ctr => Counter::Aes128(Ctr128BE::new_from_slices(key, iv).ok()?),
            CipherKind::Aes192Ctr => Counter::Aes192(Ctr128BE::new_from_slices(key, iv).ok()?),
            _ => Counter::Aes256(Ctr128BE::new_from_slices(key, iv).ok()?),
        };
        let ((mac, encrypt_then_mac), mac_key) = mac?;
        let mac = Mac::new(mac, mac_key)?;
        Some(Self::Counter { cipher: Box::new(cipher), mac, encrypt_then_mac })
    }

    /// What the length of a packet is a multiple of.
    pub(super) const fn block(&self) -> usize {
        match self {
            Self::Plain | Self::ChaCha20 { .. } => 8,
            Self::Galois { .. } | Self::Counter { .. } => 16,
        }
    }

    /// Whether the length field is not part of what is padded to whole blocks.
    pub(super) const fn length_stands_apart(&self) -> bool {
        match self {
            Self::Plain => false,
            Self::ChaCha20 { .. } | Self::Galois { .. } => true,
            Self::Counter { encrypt_then_mac, .. } => *encrypt_then_mac,
        }
    }

    /// Bytes of the tag behind a packet.
    pub(super) const fn tag_length(&self) -> usize {
        match self {
            Self::Plain => 0,
            Self::ChaCha20 { .. } | Self::Galois { .. } => TAG,
            Self::Counter { mac, .. } => mac.length(),
        }
    }

    pub(super) const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// Encrypts a whole packet (length, padding length, payload, padding) where it is, and adds its tag.
    pub(super) fn seal(&mut self, number: u32, packet: &mut Vec<u8>) {
        match self {
            Self::Plain => {}
            Self::ChaCha20 { body, length } => {
                let (head, rest) = packet.split_at_mut(4);
                stream(length, number).apply_keystream(head);
                let (mut stream, tagger) = body_stream(body, number);
                stream.apply_keystream(rest);
                let tag = tagger.compute_unpadded(packet);
                packet.extend_from_slice(&tag);
            }
            Self::Galois { cipher, nonce } => {
                let (head, rest) = packet.split_at_mut(4);
                let tag = cipher.seal(nonce, head, rest);
                count_up(nonce);
                packet.extend(tag);
            }
            Self::Counter { cipher, mac, encrypt_then_mac } => {
                if *encrypt_then_mac {
                    cipher.apply(&mut packet[4..]);
                    packet.extend(mac.tag(number, packet));
                } else {
                    let tag = mac.tag(number, packet);
                    cipher.apply(packet);
                    packet.extend(tag);
                }
            }
        }
    }

    /// Decrypts the beginning of a packet so that its length can be read; to be called once a packet. `bytes` are as many as
    /// [`Self::head`] says.
    pub(super) fn open_head(&mut self, number: u32, bytes: &mut [u8]) -> u32 {
        let mut length = [0; 4];
        match self {
            // The length stays encrypted where it is, for the tag is over that.
            Self::ChaCha20 { length: key, .. } => {
                length.copy_from_slice(&bytes[..4]);
                stream(key, number).apply_keystream(&mut length);
                return u32::from_be_bytes(length);
            }
            Self::Counter { cipher, encrypt_then_mac: false, .. } => cipher.apply(bytes),
            Self::Plain | Self::Galois { .. } | Self::Counter { .. } => {}
        }
        length.copy_from_slice(&bytes[..4]);
        u32::from_be_bytes(length)
    }

    /// Bytes that must be there before the length can be read.
    pub(super) const fn head(&self) -> usize {
        if self.length_stands_apart() { 4 } else { self.block() }
    }

    /// Decrypts what is behind the head and checks the tag, which is the end of `packet`; whether it is right. The length field may
    /// stay encrypted.
    pub(super) fn open(&mut self, number: u32, packet: &mut [u8]) -> bool {
        let head = self.head();
        let Some(end) = packet.len().checked_sub(self.tag_length()) else { return false };
        let (content, tag) = packet.split_at_mut(end);
        match self {
            Self::Plain => true,
            Self::ChaCha20 { body, .. } => {
                let (mut stream, tagger) = body_stream(body, number);
                if tagger.compute_unpadded(content).as_slice() != tag {
                    return false;
                }
                stream.apply_keystream(&mut content[4..]);
                true
            }
            Self::Galois { cipher, nonce } => {
                let (length, rest) = content.split_at_mut(4);
                let right = cipher.open(nonce, length, rest, tag);
                count_up(nonce);
                right
            }
            Self::Counter { cipher, mac, encrypt_then_mac: true } => {
                let right = mac.tag(number, content) == tag;
                cipher.apply(&mut content[4..]);
                right
            }
            Self::Counter { cipher, mac, encrypt_then_mac: false } => {
                cipher.apply(&mut content[head..]);
                mac.tag(number, content) == tag
            }
        }
    }
}

impl Galois {
    fn seal(&self, nonce: &[u8; 12], head: &[u8], body: &mut [u8]) -> Vec<u8> {
        let nonce = (*nonce).into();
        let tag = match self {
            Self::Aes128(cipher) => cipher.encrypt_inout_detached(&nonce, head, body.into()),
            Self::Aes256(cipher) => cipher.encrypt_inout_detached(&nonce, head, body.into()),
        };
        // It fails for 64 GiB and more only.
        tag.map(|tag| tag.to_vec()).unwrap_or_default()
    }

    fn open(&self, nonce: &[u8; 12], head: &[u8], body: &mut [u8], tag: &[u8]) -> bool {
        let Ok(tag) = <[u8; TAG]>::try_from(tag) else { return false };
        let (nonce, tag) = ((*nonce).into(), tag.into());
        match self {
            Self::Aes128(cipher) => cipher.decrypt_inout_detached(&nonce, head, body.into(), &tag),
            Self::Aes256(cipher) => cipher.decrypt_inout_detached(&nonce, head, body.into(), &tag),
        }
        .is_ok()
    }
}

fn stream(key: &[u8; 32], number: u32) -> ChaCha20Legacy {
    ChaCha20Legacy::new(&(*key).into(), &u64::from(number).to_be_bytes().into())
}

/// The stream for the body, which begins with the second block, and what makes the tag, whose key is the first.
fn body_stream(key: &[u8; 32], number: u32) -> (ChaCha20Legacy, Poly1305) {
    let mut stream = stream(key, number);
    let mut tag_key = [0; 32];
    stream.apply_keystream(&mut tag_key);
    stream.seek(64_u32);
    (stream, Poly1305::new(&tag_key.into()))
}

/// The invocation counter of RFC 5647.
fn count_up(nonce: &mut [u8; 12]) {
    for byte in nonce[4..].iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
}
