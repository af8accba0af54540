//! The hello of SSL 2, in which old clients offered TLS too (RFC 5246, appendix E.2). OpenSSL still reads it: who offers SSL 2 alone is
//! refused, who means a later version is answered in it.

use kizashi_event::fingerprint::ClientHello;

use super::record::{Incoming, SSL_3};

const CLIENT_HELLO: u8 = 1;
/// Bytes of it at most: a hundred suites, a session, a challenge.
const LONGEST: usize = 1_024;

/// What the first bytes are.
pub(super) enum OldHello {
    Other,
    More,
    /// Of SSL 2 and nothing else, or broken.
    Refused,
    /// What it offers, and the bytes that count for the transcript.
    Hello(ClientHello, Vec<u8>),
}

impl OldHello {
    /// Takes one from the front, if one is there.
    pub(super) fn cut(incoming: &mut Incoming) -> Self {
        let bytes = incoming.rest();
        let Some(first) = bytes.first() else { return Self::Other };
        if first & 0x80 == 0 {
            return Self::Other;
        }
        let (Some(second), Some(kind)) = (bytes.get(1), bytes.get(2)) else { return Self::More };
        let length = usize::from(u16::from_be_bytes([first & 0x7f, *second]));
        if *kind != CLIENT_HELLO || !(9..=LONGEST).contains(&length) {
            return Self::Other;
        }
        if bytes.len() < 2 + length {
            return Self::More;
        }
        let raw = incoming.take(2 + length).split_off(2);
        read(&raw).map_or(Self::Refused, |hello| Self::Hello(hello, raw))
    }
}

fn read(raw: &[u8]) -> Option<ClientHello> {
    let number = |at: usize| Some(u16::from_be_bytes([*raw.get(at)?, *raw.get(at + 1)?]));
    let version = number(1).filter(|version| *version >= SSL_3)?;
    let (suites, session, challenge) = (number(3)?, number(5)?, number(7)?);
    let fields = raw.get(9..)?;
    let (suites, rest) = fields.split_at_checked(usize::from(suites))?;
    let (session, rest) = rest.split_at_checked(usize::from(session))?;
    let challenge = rest.get(..usize::from(challenge)).filter(|found| found.len() == rest.len())?;
    if suites.len() % 3 != 0 || !(16..=32).contains(&challenge.len()) || session.len() > 32 {
        return None;
    }
    // Suites of SSL 2 itself have another first byte than nought.
    let later = suites.chunks_exact(3).filter(|suite| suite[0] == 0);
    let cipher_suites = later.map(|suite| u16::from_be_bytes([suite[1], suite[2]])).collect();
    let mut random = vec![0; 32 - challenge.len()];
    random.extend_from_slice(challenge);
    let compressions = vec![0];
    Some(ClientHello { version, random, cipher_suites, compressions, ..ClientHello::default() })
}
