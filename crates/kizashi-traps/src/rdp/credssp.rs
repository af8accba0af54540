//! CredSSP's TSRequest ([MS-CSSP], 2.2.1): a version, tokens of SPNEGO or NTLM, and for who is let in the proof that both mean the same certificate
//! (3.1.5) and his password, all of it sealed by NTLM's keys.

use sha2::{Digest as _, Sha256};

/// Bytes of a token that is taken.
const LONGEST: usize = 8 * 1024;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) version: u8,
    pub(super) token: Vec<u8>,
    /// The client's proof of the certificate, sealed; and of versions from 5 on what it is made with.
    pub(super) proof: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    /// Who he is, sealed.
    pub(super) credentials: Vec<u8>,
}

/// A value's tag, content, and what stands behind it.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, first, rest @ ..] = bytes else { return None };
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, behind) = rest.split_at_checked(length)?;
    Some((*tag, content, behind))
}

fn written(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![u8::try_from(length).unwrap_or(0)],
        _ => [&[0x82], &u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()[..]].concat(),
    };
    [&[tag], &head[..], content].concat()
}

impl Request {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (0x30, mut fields, _) = value(bytes)? else { return None };
        let mut request = Self::default();
        while !fields.is_empty() {
            let (tag, content, behind) = value(fields)?;
            fields = behind;
            match tag {
                0xa0 => request.version = value(content)?.1.last().copied()?,
                0xa1 => {
                    // A sequence of sequences with one token each.
                    let (_, list, _) = value(content)?;
                    let (_, item, _) = value(list)?;
                    let (_, token, _) = value(item)?;
                    let (_, token, _) = value(token)?;
                    request.token = token.get(..token.len().min(LONGEST))?.to_vec();
                }
                0xa2 | 0xa3 | 0xa5 => {
                    let (_, given, _) = value(content)?;
                    let given = given.get(..given.len().min(LONGEST))?.to_vec();
                    match tag {
                        0xa2 => request.credentials = given,
                        0xa3 => request.proof = given,
                        _ => request.nonce = given,
                    }
                }
                _ => {}
            }
        }
        Some(request)
    }
}

/// The server's side: a token.
pub(super) fn reply(version: u8, token: &[u8]) -> Vec<u8> {
    let token = written(0xa0, &written(0x04, token));
    let tokens = written(0x30, &written(0x30, &token));
    let content = [written(0xa0, &written(0x02, &[version])), written(0xa1, &tokens)].concat();
    written(0x30, &content)
}

/// What a client is to find in the server's proof: a hash of what both know, before version 5 the key with one added.
pub(super) fn proves(version: u8, nonce: &[u8], public_key: &[u8]) -> Vec<u8> {
    if version >= 5 {
        let mut hasher = Sha256::new();
        hasher.update(b"CredSSP Server-To-Client Binding Hash\0");
        hasher.update(nonce);
        hasher.update(public_key);
        return hasher.finalize().to_vec();
    }
    let mut key = public_key.to_vec();
    if let Some(first) = key.first_mut() {
        *first = first.wrapping_add(1);
    }
    key
}

/// The server's side: the client is in, with a last token where there is one, and the proof, sealed.
pub(super) fn accepted(version: u8, token: &[u8], proof: &[u8]) -> Vec<u8> {
    let mut content = written(0xa0, &written(0x02, &[version]));
    if !token.is_empty() {
        let token = written(0xa0, &written(0x04, token));
        content.extend(written(0xa1, &written(0x30, &written(0x30, &token))));
    }
    content.extend(written(0xa3, &written(0x04, proof)));
    written(0x30, &content)
}

/// The server's side: the logon failed (STATUS_LOGON_FAILURE), which is told since version 3.
pub(super) fn refusal(version: u8) -> Vec<u8> {
    let code = written(0xa4, &written(0x02, &0xc000_006d_u32.to_be_bytes()));
    written(0x30, &[written(0xa0, &written(0x02, &[version])), code].concat())
}

/// A client's side, for tests.
#[cfg(test)]
impl Request {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut content = written(0xa0, &written(0x02, &[self.version]));
        if !self.token.is_empty() {
            let token = written(0xa0, &written(0x04, &self.token));
            content.extend(written(0xa1, &written(0x30, &written(0x30, &token))));
        }
        for (tag, part) in [(0xa2, &self.credentials), (0xa3, &self.proof), (0xa5, &self.nonce)] {
            if !part.is_empty() {
                content.extend(written(tag, &written(0x04, part)));
            }
        }
        written(0x30, &content)
    }
}
