//! Encrypted messages of SMB 3 (MS-SMB2 2.2.41, 3.1.4.3): a head of 52 bytes, and behind it what a key of the session hides. Windows Server 2012 R2 has
//! AES-128-CCM, 2016 AES-128-GCM too; AES-256 came with Server 2022, so that nothing here offers it. Who came as a guest or as nobody has no key.

use aes::Aes128;
use aes_gcm::aead::consts::{U11, U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit as _};
use aes_gcm::{AesGcm, aead::Tag};
use ccm::Ccm;

use super::bytes::{Fields, slice, u16_at, u32_at, u64_at};
use super::signing::derived;
use super::v2::ENCRYPTED;
use crate::ntlm::Key;

/// Bytes of the head, of which all behind the tag is under it too.
const HEAD: usize = 52;
const TAG: usize = 16;
const UNDER_TAG: usize = 4 + TAG;
/// The flag that says that what follows is encrypted, which 3.0 calls the number of the only cipher.
const IS_ENCRYPTED: u16 = 1;

/// A cipher by its number in 3.1.1's negotiation (2.2.3.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Ccm = 1,
    Gcm = 2,
}

impl Cipher {
    /// The first of a client's that is known.
    pub(super) fn first_known(wanted: impl IntoIterator<Item = u16>) -> Option<Self> {
        wanted.into_iter().find_map(|number| match number {
            1 => Some(Self::Ccm),
            2 => Some(Self::Gcm),
            _ => None,
        })
    }

    /// Bytes of a nonce, of the sixteen that there is room for.
    const fn nonce(self) -> usize {
        match self {
            Self::Ccm => 11,
            Self::Gcm => 12,
        }
    }
}

/// What a session's messages are hidden with.
pub(super) struct Encryption {
    cipher: Cipher,
    from_client: Key,
    from_server: Key,
    /// Messages that were hidden, over a beginning of this session's own: no nonce comes twice.
    sent: u64,
}

/// What is known of a message before it is opened.
pub(super) fn session_of(message: &[u8]) -> Option<u64> {
    (message.len() > HEAD && message.starts_with(&ENCRYPTED)).then(|| u64_at(message, 44))?
}

impl Encryption {
    /// The keys of 3.0 and 3.0.2; with what was said until then, of 3.1.1.
    pub(super) fn new(cipher: Cipher, key: &Key, said: Option<&[u8]>, begin: u64) -> Self {
        let (from_client, from_server) = match said {
            None => (
                derived(key, b"SMB2AESCCM\0", b"ServerIn \0"),
                derived(key, b"SMB2AESCCM\0", b"ServerOut\0"),
            ),
            Some(said) => {
                (derived(key, b"SMBC2SCipherKey\0", said), derived(key, b"SMBS2CCipherKey\0", said))
            }
        };
        Self { cipher, from_client, from_server, sent: begin }
    }

    /// The message within; `None` where it was not hidden with this key.
    pub(super) fn open(&self, message: &[u8]) -> Option<Vec<u8>> {
        let length = usize::try_from(u32_at(message, 36)?).ok()?;
        if u16_at(message, 42)? != IS_ENCRYPTED || message.len() != HEAD + length {
            return None;
        }
        let (tag, nonce) = (slice(message, 4, TAG)?, slice(message, 20, self.cipher.nonce())?);
        let under = slice(message, UNDER_TAG, HEAD - UNDER_TAG)?;
        let mut text = message[HEAD..].to_vec();
        match self.cipher {
            Cipher::Ccm => open(&Self::ccm(&self.from_client), nonce, under, &mut text, tag)?,
            Cipher::Gcm => open(&Self::gcm(&self.from_client), nonce, under, &mut text, tag)?,
        }
        Some(text)
    }

    /// Hides a message of ours.
    pub(super) fn seal(&mut self, session: u64, mut text: Vec<u8>) -> Option<Vec<u8>> {
        self.sent = self.sent.wrapping_add(1);
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.sent.to_le_bytes());
        let under = Fields::default().raw(&nonce).length(text.len()).u16(0).u16(IS_ENCRYPTED);
        let under = under.u64(session).0;
        let nonce = &nonce[..self.cipher.nonce()];
        let tag = match self.cipher {
            Cipher::Ccm => seal(&Self::ccm(&self.from_server), nonce, &under, &mut text)?,
            Cipher::Gcm => seal(&Self::gcm(&self.from_server), nonce, &under, &mut text)?,
        };
        Some([&ENCRYPTED[..], &tag, &under, &text].concat())
    }

    fn ccm(key: &Key) -> Ccm<Aes128, U16, U11> {
        Ccm::new(key.into())
    }

    fn gcm(key: &Key) -> AesGcm<Aes128, U12> {
        AesGcm::new(key.into())
    }
}

fn open<C: AeadInOut>(
    cipher: &C,
    nonce: &[u8],
    under: &[u8],
    text: &mut [u8],
    tag: &[u8],
) -> Option<()> {
    let (nonce, tag) = (nonce.try_into().ok()?, tag.try_into().ok()?);
    cipher.decrypt_inout_detached(nonce, under, text.into(), tag).ok()
}

fn seal<C: AeadInOut>(cipher: &C, nonce: &[u8], under: &[u8], text: &mut [u8]) -> Option<Tag<C>> {
    cipher.encrypt_inout_detached(nonce.try_into().ok()?, under, text.into()).ok()
}

/// The bytes as an encrypted message.
pub(super) fn fuzz(bytes: &[u8]) {
    for cipher in [Cipher::Ccm, Cipher::Gcm] {
        let _ = Encryption::new(cipher, &[7; 16], None, 0).open(bytes);
    }
    let _ = session_of(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client hides, as the server's own side turned round.
    fn client(cipher: Cipher) -> Encryption {
        let server = Encryption::new(cipher, &[7; 16], None, 1);
        Encryption { from_client: server.from_server, from_server: server.from_client, ..server }
    }

    #[test]
    fn what_is_hidden_is_opened_by_the_other_side_alone_and_not_when_a_bit_differs() {
        for cipher in [Cipher::Ccm, Cipher::Gcm] {
            let sealed = client(cipher).seal(9, b"\xfeSMB a message".to_vec()).unwrap();
            assert_eq!(session_of(&sealed), Some(9));
            let server = Encryption::new(cipher, &[7; 16], None, 1);
            assert_eq!(server.open(&sealed).as_deref(), Some(&b"\xfeSMB a message"[..]));
            for at in [4, 20, 36, 42, 44, 52, sealed.len() - 1] {
                let mut other = sealed.clone();
                other[at] ^= 1;
                assert_eq!(server.open(&other), None, "{at}");
            }
            assert_eq!(Encryption::new(cipher, &[8; 16], None, 1).open(&sealed), None);
            for end in 0..sealed.len() {
                assert_eq!(server.open(&sealed[..end]), None);
            }
        }
    }

    #[test]
    fn no_nonce_comes_twice() {
        let mut one = client(Cipher::Gcm);
        let nonces = [0, 1, 2].map(|_| one.seal(9, vec![1]).unwrap()[20..32].to_vec());
        assert!(nonces[0] != nonces[1] && nonces[1] != nonces[2]);
    }
}
