//! Signing and sealing under a session's key (MS-NLMP 3.4), with extended session security alone: what CredSSP wraps its public key in, what WinRM
//! encrypts its messages with, and what signs SPNEGO's list of mechanisms.

use std::fmt;
use std::ops::Range;

use super::digest::{Key, Rc4, hmac_md5, md5};
use super::message::flags;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    const fn magic(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Client => (
                b"session key to client-to-server signing key magic constant\0",
                b"session key to client-to-server sealing key magic constant\0",
            ),
            Self::Server => (
                b"session key to server-to-client signing key magic constant\0",
                b"session key to server-to-client sealing key magic constant\0",
            ),
        }
    }
}

/// One direction of a session.
#[derive(Clone)]
pub(crate) struct Seal {
    sign: Key,
    stream: Rc4,
    sequence: u32,
    /// Signatures are encrypted too.
    exchanged: bool,
}

impl fmt::Debug for Seal {
    /// Without its keys.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Seal({})", self.sequence)
    }
}

/// Bytes of a signature.
pub(crate) const SIGNATURE: usize = 16;

impl Seal {
    /// `options` are those of AUTHENTICATE; `None` without extended session security.
    pub(crate) fn new(session_key: &Key, options: u32, side: Side) -> Option<Self> {
        if options & flags::EXTENDED_SECURITY == 0 {
            return None;
        }
        let (signing, sealing) = side.magic();
        let strength = match options {
            options if options & flags::KEY_128 != 0 => 16,
            options if options & flags::KEY_56 != 0 => 7,
            _ => 5,
        };
        Some(Self {
            sign: md5(&[session_key, signing]),
            stream: Rc4::new(&md5(&[&session_key[..strength], sealing])),
            sequence: 0,
            exchanged: options & flags::KEY_EXCHANGE != 0,
        })
    }

    /// A message was signed by another stream of the same keys.
    pub(super) const fn skip(&mut self) {
        self.sequence += 1;
    }

    /// The signature of a message that is sent in the clear.
    pub(crate) fn sign(&mut self, message: &[u8]) -> [u8; SIGNATURE] {
        let sequence = self.sequence.to_le_bytes();
        let digest = hmac_md5(&self.sign, &[&sequence, message]);
        let mut signature = [0; SIGNATURE];
        signature[0] = 1;
        signature[4..12].copy_from_slice(&digest[..8]);
        if self.exchanged {
            self.stream.apply(&mut signature[4..12]);
        }
        signature[12..].copy_from_slice(&sequence);
        self.sequence = self.sequence.wrapping_add(1);
        signature
    }

    /// Encrypts a message; its signature.
    pub(crate) fn seal(&mut self, message: &mut [u8]) -> [u8; SIGNATURE] {
        let mut stream = self.stream.clone();
        let plain = message.to_vec();
        stream.apply(message);
        self.stream = stream;
        self.sign(&plain)
    }

    /// Encrypts a part of a message, all of which is signed as it was before: RPC's packets (MS-RPCE 3.3.1.5.2.2).
    pub(crate) fn seal_within(
        &mut self,
        message: &mut [u8],
        part: Range<usize>,
    ) -> [u8; SIGNATURE] {
        let plain = message.to_vec();
        if let Some(part) = message.get_mut(part) {
            self.stream.apply(part);
        }
        self.sign(&plain)
    }

    /// Decrypts a part of a message; whether all of it is what was signed.
    pub(crate) fn unseal_within(
        &mut self,
        message: &mut [u8],
        part: Range<usize>,
        signature: &[u8],
    ) -> bool {
        if let Some(part) = message.get_mut(part) {
            self.stream.apply(part);
        }
        self.sign(message) == signature
    }

    /// Decrypts a message; whether it is what was signed.
    pub(crate) fn unseal(&mut self, message: &mut [u8], signature: &[u8]) -> bool {
        self.stream.apply(message);
        self.sign(message) == signature
    }
}
