//! RDP's own security (5.3): a certificate with the server's key, keys of both randoms, RC4 with a checksum. Windows has it for clients that know no TLS;
//! scanners and old guessers know nothing else.

use sha1::{Digest as _, Sha1};

use super::key::{self, EXPONENT, Key};
use crate::ntlm::{Rc4, md5};

/// Methods of encryption (2.2.1.4.3), the strongest first.
const METHODS: [(u32, Strength); 3] =
    [(2, Strength::Bits128), (8, Strength::Bits56), (1, Strength::Bits40)];
/// As strong as the client can ("client compatible").
const LEVEL: u32 = 2;
/// Messages after which a key is made anew (5.3.7).
const LASTS: u32 = 4_096;

pub(super) const RANDOM: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    Bits40,
    Bits56,
    Bits128,
}

impl Strength {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bits40 => "rc4 40 bits",
            Self::Bits56 => "rc4 56 bits",
            Self::Bits128 => "rc4 128 bits",
        }
    }

    /// A key as strong as this.
    fn cut(self, key: &[u8; 16]) -> Vec<u8> {
        let salt: &[u8] = match self {
            Self::Bits128 => return key.to_vec(),
            Self::Bits56 => &[0xd1],
            Self::Bits40 => &[0xd1, 0x26, 0x9e],
        };
        [salt, &key[salt.len()..8]].concat()
    }
}

/// What is agreed on: what the client offers, or nothing that the server has.
pub(super) fn chosen(offered: u32) -> Option<(u32, Strength)> {
    METHODS.into_iter().find(|(method, _)| offered & method != 0)
}

/// The server's security data (2.2.1.4.3): method, level, random, certificate.
pub(super) fn data(method: u32, random: &[u8; RANDOM], key: &Key) -> Option<Vec<u8>> {
    let certificate = certificate(key)?;
    let mut bytes = method.to_le_bytes().to_vec();
    bytes.extend(LEVEL.to_le_bytes());
    bytes.extend(32_u32.to_le_bytes());
    bytes.extend(u32::try_from(certificate.len()).ok()?.to_le_bytes());
    bytes.extend(random);
    bytes.extend(certificate);
    Some(bytes)
}

/// A proprietary certificate (2.2.1.4.3.1.1).
fn certificate(key: &Key) -> Option<Vec<u8>> {
    let length = u32::try_from(key::LENGTH).ok()?;
    let mut public = b"RSA1".to_vec();
    for number in [length + 8, length * 8, length - 1, EXPONENT] {
        public.extend(number.to_le_bytes());
    }
    public.extend(&key.modulus);
    public.extend([0; 8]);
    // Version 1; signed by RSA, a key of RSA's.
    let mut bytes = Vec::new();
    for number in [1_u32, 1, 1] {
        bytes.extend(number.to_le_bytes());
    }
    let blob = |kind: u16, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap_or(0);
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), content].concat()
    };
    bytes.extend(blob(6, &public));
    let mut signature = key::signed(&md5(&[&bytes]))?;
    signature.extend([0; 8]);
    bytes.extend(blob(8, &signature));
    Some(bytes)
}

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut hasher = Sha1::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// One direction.
struct Stream {
    first: Vec<u8>,
    now: Vec<u8>,
    rc4: Rc4,
    used: u32,
}

/// Both directions of a connection.
pub(super) struct Security {
    strength: Strength,
    checksum: Vec<u8>,
    theirs: Stream,
    ours: Stream,
}

impl Stream {
    fn new(key: Vec<u8>) -> Self {
        Self { now: key.clone(), rc4: Rc4::new(&key), first: key, used: 0 }
    }

    fn apply(&mut self, bytes: &mut [u8], strength: Strength) {
        if self.used >= LASTS {
            let inner = sha1(&[&self.first, &[0x36; 40], &self.now]);
            let mixed = md5(&[&self.first, &[0x5c; 48], &inner]);
            let mut key = mixed[..self.first.len()].to_vec();
            let mut rc4 = Rc4::new(&key);
            rc4.apply(&mut key);
            match strength {
                Strength::Bits128 => {}
                Strength::Bits56 => key[0] = 0xd1,
                Strength::Bits40 => key[..3].copy_from_slice(&[0xd1, 0x26, 0x9e]),
            }
            (self.rc4, self.now, self.used) = (Rc4::new(&key), key, 0);
        }
        self.used += 1;
        self.rc4.apply(bytes);
    }
}

impl Security {
    /// The server's side of what both randoms come to (5.3.5).
    pub(super) fn new(strength: Strength, client: &[u8; RANDOM], server: &[u8; RANDOM]) -> Self {
        let salted =
            |secret: &[u8], label: &[u8]| md5(&[secret, &sha1(&[label, secret, client, server])]);
        let first = [&client[..24], &server[..24]].concat();
        let thrice =
            |secret: &[u8], labels: [&[u8]; 3]| labels.map(|label| salted(secret, label)).concat();
        let master = thrice(&first, [b"A", b"BB", b"CCC"]);
        let block = thrice(&master, [b"X", b"YY", b"ZZZ"]);
        let part = |at: usize| -> [u8; 16] { std::array::from_fn(|byte| block[at + byte]) };
        let last = |key: [u8; 16]| strength.cut(&md5(&[&key, client, server]));
        Self {
            strength,
            checksum: strength.cut(&part(0)),
            ours: Stream::new(last(part(16))),
            theirs: Stream::new(last(part(32))),
        }
    }

    /// Opens what the client sealed; whether its checksum is right is no matter to a server that has nothing to lose.
    pub(super) fn open(&mut self, content: &mut [u8]) {
        self.theirs.apply(content, self.strength);
    }

    /// Seals for the client; the checksum (5.3.6.1).
    pub(super) fn seal(&mut self, content: &mut [u8]) -> [u8; 8] {
        let length = u32::try_from(content.len()).unwrap_or(0).to_le_bytes();
        let inner = sha1(&[&self.checksum, &[0x36; 40], &length, content]);
        let digest = md5(&[&self.checksum, &[0x5c; 48], &inner]);
        self.ours.apply(content, self.strength);
        std::array::from_fn(|at| digest[at])
    }

    /// The client's side of the same, for tests.
    #[cfg(test)]
    pub(super) fn turned(mut self) -> Self {
        std::mem::swap(&mut self.theirs, &mut self.ours);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_understand_each_other_beyond_the_life_of_a_key() {
        for strength in [Strength::Bits40, Strength::Bits56, Strength::Bits128] {
            let new = || Security::new(strength, &[1; RANDOM], &[2; RANDOM]);
            let (mut server, mut client) = (new(), new().turned());
            for round in 0..2 * LASTS + 2 {
                let mut content = *b"a message";
                client.seal(&mut content);
                assert_ne!(&content, b"a message");
                server.open(&mut content);
                assert_eq!(&content, b"a message", "{strength:?} {round}");
            }
        }
    }

    #[test]
    fn the_strongest_is_chosen_of_what_a_client_offers() {
        let name = |offered| chosen(offered).map(|(_, strength)| strength.name());
        assert_eq!(name(0x1b), Some("rc4 128 bits"));
        assert_eq!(name(9), Some("rc4 56 bits"));
        assert_eq!((name(1), name(0x10)), (Some("rc4 40 bits"), None));
    }
}
