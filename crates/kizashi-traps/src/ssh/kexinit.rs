//! KEXINIT (RFC 4253, section 7.1): the client's lists, what is chosen from them as OpenSSH chooses (kex.c, `kex_choose_conf`), and the
//! fingerprint of the lists (HASSH).

use super::cipher::CipherKind;
use super::exchange::Method;
use super::hostkey::HostKeyAlgorithm;
use super::mac::MacKind;
use super::persona::{
    CIPHERS, COMPRESSIONS, MACS, Persona, STRICT_CLIENT, STRICT_SERVER, WANTS_EXTENSIONS,
};
use super::wire::{Reader, Write as _, message, names};
use crate::randomness::Randomness;

/// The lists of a KEXINIT in their order.
const LISTS: usize = 10;
const EXCHANGES: usize = 0;
const HOST_KEYS: usize = 1;
const CIPHERS_IN: usize = 2;
const CIPHERS_OUT: usize = 3;
const MACS_IN: usize = 4;
const MACS_OUT: usize = 5;
const COMPRESSIONS_IN: usize = 6;
const COMPRESSIONS_OUT: usize = 7;

/// A KEXINIT as read.
pub(super) struct KexInit<'a> {
    lists: [&'a [u8]; LISTS],
    /// The client's next packet is a guess at the method.
    pub(super) guesses: bool,
}

/// What one direction is protected with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) cipher: CipherKind,
    pub(super) mac: Option<(MacKind, bool)>,
    pub(super) compressed: bool,
}

/// What both sides agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) method: Method,
    pub(super) host_key: HostKeyAlgorithm,
    pub(super) incoming: Suite,
    pub(super) outgoing: Suite,
    /// The client guessed, and wrongly: its next packet is not to be read.
    pub(super) skips_guess: bool,
}

impl<'a> KexInit<'a> {
    /// Reads a payload, its number included; `None` where OpenSSH would end the connection.
    pub(super) fn read(payload: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        reader.bytes(1 + 16)?;
        let mut lists = [&b""[..]; LISTS];
        for list in &mut lists {
            // A list with a zero in it is no text to OpenSSH.
            *list = reader.string().filter(|list| !list.contains(&0))?;
        }
        let guesses = reader.bool()?;
        reader.u32()?;
        reader.is_empty().then_some(Self { lists, guesses })
    }

    fn has_exchange(&self, name: &[u8]) -> bool {
        names(self.lists[EXCHANGES]).any(|own| own == name)
    }

    pub(super) fn wants_extensions(&self) -> bool {
        self.has_exchange(WANTS_EXTENSIONS)
    }

    pub(super) fn is_strict(&self) -> bool {
        self.has_exchange(STRICT_CLIENT)
    }

    /// The client's lists in one text, as they came.
    pub(super) fn shown(&self) -> Vec<u8> {
        self.lists.join(&b';')
    }

    /// HASSH of the client.
    pub(super) fn hassh(&self) -> String {
        kizashi_event::fingerprint::hassh(&self.lists)
    }

    /// What is chosen; `None` where nothing fits, at which OpenSSH says nothing and ends the connection.
    pub(super) fn choose(&self, persona: &Persona, has_rsa: bool) -> Option<Choice> {
        let host_keys = persona.host_key_names(has_rsa);
        let name =
            |place: usize, ours: &'static str| first_common(self.lists[place], ours.as_bytes());
        let exchange = name(EXCHANGES, persona.exchanges)?;
        let host_key = first_common(self.lists[HOST_KEYS], host_keys.as_bytes())?;
        let suite = |cipher: usize, mac: usize, compression: usize| {
            let cipher = CipherKind::from_name(name(cipher, CIPHERS)?)?;
            let mac = match cipher.is_authenticated() {
                true => None,
                false => Some(MacKind::from_name(name(mac, MACS)?)?),
            };
            let compressed = name(compression, COMPRESSIONS)? != b"none";
            Some(Suite { cipher, mac, compressed })
        };
        let incoming = suite(CIPHERS_IN, MACS_IN, COMPRESSIONS_IN)?;
        let outgoing = suite(CIPHERS_OUT, MACS_OUT, COMPRESSIONS_OUT)?;
        let first = |list: &'a [u8]| list.split(|byte| *byte == b',').next().unwrap_or_default();
        let guessed_right = first(self.lists[EXCHANGES])
            == persona.exchanges.split(',').next().unwrap_or_default().as_bytes()
            && first(self.lists[HOST_KEYS])
                == host_keys.split(',').next().unwrap_or_default().as_bytes();
        Some(Choice {
            method: Method::from_name(exchange)?,
            host_key: HostKeyAlgorithm::from_name(host_key)?,
            incoming,
            outgoing,
            skips_guess: self.guesses && !guessed_right,
        })
    }
}

/// The first of the client's names that the server has too; the markers among a server's exchanges are no algorithms.
fn first_common<'a>(theirs: &'a [u8], ours: &[u8]) -> Option<&'a [u8]> {
    names(theirs).find(|name| {
        *name != STRICT_SERVER && *name != b"ext-info-s" && names(ours).any(|own| own == *name)
    })
}

/// The server's KEXINIT.
pub(super) fn offer(persona: &Persona, has_rsa: bool, randomness: &mut Randomness) -> Vec<u8> {
    let mut payload = vec![message::KEXINIT];
    payload.extend(randomness.bytes::<16>());
    payload.put_string(persona.exchanges);
    payload.put_string(persona.host_key_names(has_rsa));
    for list in [CIPHERS, CIPHERS, MACS, MACS, COMPRESSIONS, COMPRESSIONS, "", ""] {
        payload.put_string(list);
    }
    payload.put_bool(false);
    payload.put_u32(0);
    payload
}
