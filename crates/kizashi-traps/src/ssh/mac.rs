//! Message authentication codes of the packets (RFC 4253, section 6.4; RFC 6668; OpenSSH's PROTOCOL for `-etm` and UMAC).

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::umac::Umac;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MacKind {
    Umac64,
    Umac128,
    Sha256,
    Sha512,
    Sha1,
}

impl MacKind {
    /// The one of this name, and whether it is taken over the encrypted packet.
    pub(super) fn from_name(name: &[u8]) -> Option<(Self, bool)> {
        Some(match name {
            b"umac-64-etm@openssh.com" => (Self::Umac64, true),
            b"umac-128-etm@openssh.com" => (Self::Umac128, true),
            b"hmac-sha2-256-etm@openssh.com" => (Self::Sha256, true),
            b"hmac-sha2-512-etm@openssh.com" => (Self::Sha512, true),
            b"hmac-sha1-etm@openssh.com" => (Self::Sha1, true),
            b"umac-64@openssh.com" => (Self::Umac64, false),
            b"umac-128@openssh.com" => (Self::Umac128, false),
            b"hmac-sha2-256" => (Self::Sha256, false),
            b"hmac-sha2-512" => (Self::Sha512, false),
            b"hmac-sha1" => (Self::Sha1, false),
            _ => return None,
        })
    }

    pub(super) const fn key_length(self) -> usize {
        match self {
            Self::Umac64 | Self::Umac128 => 16,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            Self::Sha1 => 20,
        }
    }
}

/// A key, ready for packets.
pub(super) enum Mac {
    Umac(Box<Umac>, usize),
    Sha256(Box<Hmac<Sha256>>),
    Sha512(Box<Hmac<Sha512>>),
    Sha1(Box<Hmac<Sha1>>),
}

impl Mac {
    /// `key` has the length of its kind; another one makes none.
    pub(super) fn new(kind: MacKind, key: &[u8]) -> Option<Self> {
        Some(match kind {
            MacKind::Umac64 => Self::Umac(Box::new(Umac::new(key.try_into().ok()?, 8)), 8),
            MacKind::Umac128 => Self::Umac(Box::new(Umac::new(key.try_into().ok()?, 16)), 16),
            MacKind::Sha256 => Self::Sha256(Box::new(Hmac::new_from_slice(key).ok()?)),
            MacKind::Sha512 => Self::Sha512(Box::new(Hmac::new_from_slice(key).ok()?)),
            MacKind::Sha1 => Self::Sha1(Box::new(Hmac::new_from_slice(key).ok()?)),
        })
    }

    /// Bytes of a tag.
    pub(super) const fn length(&self) -> usize {
        match self {
            Self::Umac(_, length) => *length,
            Self::Sha256(_) => 32,
            Self::Sha512(_) => 64,
            Self::Sha1(_) => 20,
        }
    }

    /// The tag of a packet.
    pub(super) fn tag(&self, number: u32, packet: &[u8]) -> Vec<u8> {
        macro_rules! hmac {
            ($keyed:expr) => {{
                let mut keyed = (**$keyed).clone();
                keyed.update(&number.to_be_bytes());
                keyed.update(packet);
                keyed.finalize().into_bytes().to_vec()
            }};
        }
        match self {
            Self::Umac(umac, _) => umac.tag(u64::from(number), packet),
            Self::Sha256(keyed) => hmac!(keyed),
            Self::Sha512(keyed) => hmac!(keyed),
            Self::Sha1(keyed) => hmac!(keyed),
        }
    }
}
