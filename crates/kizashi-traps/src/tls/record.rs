//! Records (RFC 8446, 5): cut out of the visitor's bytes one at a time, and written. A record is looked at only when it is whole, so
//! that it makes no difference how the bytes came.

use super::alert::Alert;
use super::protection::Protection;
use crate::randomness::Randomness;

pub(super) const SSL_3: u16 = 0x0300;
pub(super) const TLS_1_0: u16 = 0x0301;
pub(super) const TLS_1_1: u16 = 0x0302;
pub(super) const TLS_1_2: u16 = 0x0303;
pub(super) const TLS_1_3: u16 = 0x0304;

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
pub(super) const HEARTBEAT: u8 = 24;

/// Bytes of content in a record.
const CONTENT: usize = 16 * 1024;
/// Bytes of a record that is protected (RFC 5246, 6.2.3).
const LONGEST: usize = CONTENT + 2_048;
/// Bytes of room that are kept between records.
const SHORT: usize = 256;
/// Bytes of a record's head.
pub(super) const HEAD: usize = 5;

/// A version by its name, as OpenSSL writes it.
pub(super) fn version_name(version: u16) -> String {
    match version {
        0x0002 => "SSLv2".to_owned(),
        SSL_3 => "SSLv3".to_owned(),
        TLS_1_0 => "TLSv1".to_owned(),
        TLS_1_1 => "TLSv1.1".to_owned(),
        TLS_1_2 => "TLSv1.2".to_owned(),
        TLS_1_3 => "TLSv1.3".to_owned(),
        other => format!("{other:04x}"),
    }
}

/// What came in, as far as it is not a whole record yet.
#[derive(Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
    used: usize,
}

/// What is next.
pub(super) enum Cut {
    More,
    /// No record of any version of SSL 3 or TLS.
    Foreign,
    Fault(Alert),
    /// Type, version and body.
    Record(u8, u16, Vec<u8>),
}

impl Incoming {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.used);
        self.used = 0;
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    /// Takes so many bytes.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let taken = self.rest().get(..count).unwrap_or_default().to_vec();
        self.used += taken.len();
        if self.used == self.bytes.len() {
            self.used = 0;
            // The room of a long record goes back once it is read: a silent visitor holds none.
            if self.bytes.capacity() > SHORT { self.bytes = Vec::new() } else { self.bytes.clear() }
        }
        taken
    }

    pub(super) const fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// The next record.
    pub(super) fn cut(&mut self) -> Cut {
        let [kind, major, minor, high, low] = *match self.rest().first_chunk::<HEAD>() {
            Some(head) => head,
            None => return Cut::More,
        };
        if major != 3 {
            return Cut::Foreign;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > LONGEST {
            return Cut::Fault(Alert::RecordOverflow);
        }
        if self.rest().len() < HEAD + length {
            return Cut::More;
        }
        let body = self.take(HEAD + length).split_off(HEAD);
        Cut::Record(kind, u16::from_be_bytes([major, minor]), body)
    }
}

/// What goes out.
pub(super) struct Outgoing {
    /// Written and not taken yet.
    pub(super) bytes: Vec<u8>,
    /// The version in records' heads, and in what is authenticated of them.
    pub(super) version: u16,
    pub(super) protection: Protection,
    pub(super) randomness: Randomness,
    /// Bytes of content in a record at most.
    longest: usize,
}

impl Outgoing {
    pub(super) fn new(randomness: Randomness) -> Self {
        let (bytes, protection) = (Vec::new(), Protection::Plain);
        Self { bytes, version: TLS_1_2, protection, randomness, longest: CONTENT }
    }

    /// Keeps records to what a client asked for (RFC 6066, 4): 512 bytes for 1 to 4,096 for 4.
    pub(super) fn limit(&mut self, fragment: Option<u8>) {
        self.longest = match fragment {
            Some(mode @ 1..=4) => 256 << mode,
            _ => CONTENT,
        };
    }

    /// Sends content as one record or more.
    pub(super) fn send(&mut self, kind: u8, content: &[u8]) {
        for part in content.chunks(self.longest) {
            let sealed = self.protection.seal(kind, self.version, part, &mut self.randomness);
            let Some((kind, body)) = sealed else { return };
            self.bytes.push(kind);
            self.bytes.extend(self.version.to_be_bytes());
            self.bytes.extend(u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes());
            self.bytes.extend(body);
        }
    }

    /// Sends one handshake message, and adds it to the transcript.
    pub(super) fn message(&mut self, kind: u8, body: &[u8], transcript: &mut Vec<u8>) {
        let message = message(kind, body);
        self.send(HANDSHAKE, &message);
        transcript.extend(message);
    }
}

/// A handshake message with its head of four bytes.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

/// Lengths before fields.
pub(super) trait Put {
    fn put_u8_field(&mut self, field: &[u8]);
    fn put_u16_field(&mut self, field: &[u8]);
    fn put_u24_field(&mut self, field: &[u8]);
    fn put_u16(&mut self, value: u16);
}

impl Put for Vec<u8> {
    fn put_u8_field(&mut self, field: &[u8]) {
        self.push(u8::try_from(field.len()).unwrap_or(0));
        self.extend_from_slice(field);
    }

    fn put_u16_field(&mut self, field: &[u8]) {
        self.put_u16(u16::try_from(field.len()).unwrap_or(0));
        self.extend_from_slice(field);
    }

    fn put_u24_field(&mut self, field: &[u8]) {
        let length = u32::try_from(field.len()).unwrap_or(0).to_be_bytes();
        self.extend_from_slice(&length[1..]);
        self.extend_from_slice(field);
    }

    fn put_u16(&mut self, value: u16) {
        self.extend(value.to_be_bytes());
    }
}
