//! SPNEGO (RFC 4178, MS-SPNG) around NTLMSSP: as much DER as its two tokens need. A visitor may also send NTLMSSP bare; he is answered in kind.

use super::message::SIGNATURE;

/// `1.3.6.1.5.5.2`, with tag and length.
const SPNEGO: &[u8] = &[0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
/// `1.3.6.1.4.1.311.2.2.10`: NTLMSSP.
const NTLMSSP: &[u8] = &[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a];
/// `1.3.6.1.4.1.311.2.2.30`: NEGOEX, which a Windows of 2008 R2 and later offers first.
const NEGOEX: &[u8] = &[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x1e];
/// Bytes of a visitor's list of mechanisms that are kept; a list of all that Windows knows has 60.
const MECHANISMS: usize = 256;

/// Where a handshake stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Completed = 0,
    Incomplete = 1,
    #[allow(dead_code, reason = "for the services that refuse or seal in tokens")]
    Rejected = 2,
}

/// What a visitor's token holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// It is SPNEGO, and not NTLMSSP alone.
    pub(crate) wrapped: bool,
    /// NTLMSSP's message, where there is one.
    pub(crate) message: Option<&'a [u8]>,
    /// The list of mechanisms as it was sent, which is what gets signed.
    pub(crate) mechanisms: &'a [u8],
    /// A signature of that list.
    pub(crate) signature: Option<&'a [u8]>,
}

/// One element: its tag, its content, what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// The content of one element that must have this tag.
fn inside(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    element(bytes).filter(|(found, ..)| *found == tag).map(|(_, content, _)| content)
}

impl<'a> Token<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.starts_with(SIGNATURE) {
            return Some(Self { message: Some(bytes), ..Self::default() });
        }
        let bytes = match inside(bytes, 0x60) {
            Some(content) => content.strip_prefix(SPNEGO)?,
            None => bytes,
        };
        let (tag, content, _) = element(bytes)?;
        let mut fields = inside(content, 0x30)?;
        let mut token = Self { wrapped: true, ..Self::default() };
        while let Some((field, content, rest)) = element(fields) {
            fields = rest;
            match (tag, field) {
                (0xa0, 0xa0) if content.len() <= MECHANISMS => token.mechanisms = content,
                (0xa0 | 0xa1, 0xa2) => {
                    let message = inside(content, 0x04)?;
                    token.message = Some(message).filter(|found| found.starts_with(SIGNATURE));
                }
                (0xa0 | 0xa1, 0xa3) => token.signature = inside(content, 0x04),
                (0xa0 | 0xa1, _) => {}
                _ => return None,
            }
        }
        Some(token)
    }
}

/// An element.
fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length @ 0..=0x7f) => bytes.push(length),
        Ok(length) => bytes.extend([0x81, length]),
        Err(_) => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(content.len()).unwrap_or(0).to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

/// The first word, of a server that speaks first (SMB): which mechanisms it knows.
pub(crate) fn offer() -> Vec<u8> {
    let list = wrap(0x30, &[NEGOEX, NTLMSSP].concat());
    let token = wrap(0xa0, &wrap(0x30, &wrap(0xa0, &list)));
    wrap(0x60, &[SPNEGO, &token].concat())
}

/// A server's token.
pub(crate) fn reply(state: State, message: &[u8], signature: Option<&[u8]>) -> Vec<u8> {
    let mut fields = wrap(0xa0, &[0x0a, 0x01, state as u8]);
    if state == State::Incomplete {
        fields.extend(wrap(0xa1, NTLMSSP));
    }
    if !message.is_empty() {
        fields.extend(wrap(0xa2, &wrap(0x04, message)));
    }
    if let Some(signature) = signature {
        fields.extend(wrap(0xa3, &wrap(0x04, signature)));
    }
    wrap(0xa1, &wrap(0x30, &fields))
}
