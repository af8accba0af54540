//! Messages (RFC 7252, 3): header, token, options by differences, payload.

use std::fmt::Write as _;

use crate::datagram::Reader;

/// Options of a request that are read.
const MOST_OPTIONS: usize = 32;

pub(super) const URI_PATH: u16 = 11;
const URI_QUERY: u16 = 15;
const CONTENT_FORMAT: u8 = 12;

pub(super) const CONTENT: u8 = 0x45;
pub(super) const CHANGED: u8 = 0x44;
pub(super) const NOT_FOUND: u8 = 0x84;
pub(super) const BAD_OPTION: u8 = 0x82;

/// A request, or a ping.
pub(super) struct Message<'a> {
    confirmable: bool,
    pub(super) code: u8,
    id: [u8; 2],
    token: &'a [u8],
    options: Vec<(u16, &'a [u8])>,
    pub(super) payload: &'a [u8],
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let first = reader.byte()?;
        let (version, kind, length) = (first >> 6, (first >> 4) & 3, usize::from(first & 15));
        let code = reader.byte()?;
        let id = reader.be16()?.to_be_bytes();
        if version != 1 || kind > 1 || length > 8 || code > 31 {
            return None;
        }
        let token = reader.take(length)?;
        let (mut options, mut number, mut payload) = (Vec::new(), 0_u16, &[][..]);
        while let Some(byte) = reader.byte() {
            if byte == 0xff {
                payload = reader.0;
                break;
            }
            number = number.checked_add(extended(byte >> 4, &mut reader)?)?;
            let length = extended(byte & 15, &mut reader)?;
            let value = reader.take(usize::from(length))?;
            if options.len() < MOST_OPTIONS {
                options.push((number, value));
            }
        }
        Some(Self { confirmable: kind == 0, code, id, token, options, payload })
    }

    /// `/a/b?c`.
    pub(super) fn path(&self) -> String {
        let mut text = String::new();
        for (number, value) in &self.options {
            let mark = match *number {
                URI_PATH => '/',
                URI_QUERY => '?',
                _ => continue,
            };
            let _ = write!(text, "{mark}{}", String::from_utf8_lossy(value));
        }
        if text.is_empty() { "/".to_owned() } else { text }
    }

    /// The answer with this code; in an acknowledgement, where one is due (RFC 7252, 5.2.1).
    pub(super) fn answer(&self, code: u8, format: Option<u8>, payload: &[u8]) -> Vec<u8> {
        let kind = if self.confirmable { 2 } else { 1 };
        let length = u8::try_from(self.token.len()).unwrap_or(0);
        let mut reply = vec![0x40 | (kind << 4) | length, code];
        reply.extend(self.id);
        reply.extend(self.token);
        match format {
            Some(0) => reply.push(CONTENT_FORMAT << 4),
            Some(format) => reply.extend([(CONTENT_FORMAT << 4) | 1, format]),
            None => {}
        }
        if !payload.is_empty() {
            reply.push(0xff);
            reply.extend(payload);
        }
        reply
    }

    /// The reset that answers a ping (RFC 7252, 4.3).
    pub(super) fn reset(&self) -> Vec<u8> {
        vec![0x70, 0, self.id[0], self.id[1]]
    }
}

/// A difference or a length in its longer forms.
fn extended(nibble: u8, reader: &mut Reader<'_>) -> Option<u16> {
    match nibble {
        0..=12 => Some(u16::from(nibble)),
        13 => Some(u16::from(reader.byte()?) + 13),
        14 => reader.be16()?.checked_add(269),
        _ => None,
    }
}

/// See [`crate::fuzz::datagrams`].
pub(crate) fn fuzz(bytes: &[u8]) {
    if let Some(message) = Message::read(bytes) {
        let _ = (message.path(), message.answer(CONTENT, Some(40), b"</t>"));
    }
}
