//! A question to a DNS server (RFC 1035, 4.1), and its refusal: the header with REFUSED and the question, never longer than what was asked.
//! An open resolver would answer; one that is told to serve only its own refuses in these words, as BIND 9 does by default.

use std::fmt::Write as _;

use crate::datagram::Reader;

/// Bytes of a name as shown: 255 on the wire, four for each that is not printable.
const LONGEST_NAME: usize = 255;
const HEADER: usize = 12;

pub(super) struct Question<'a> {
    /// Header and question as sent.
    bytes: &'a [u8],
    name: String,
    kind: u16,
    class: u16,
    /// What the client says it can take (RFC 6891).
    room: Option<u16>,
}

impl<'a> Question<'a> {
    /// Reads a query with a question; answers and other operations are none.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (flags, questions) =
            (*bytes.get(2)?, u16::from_be_bytes([*bytes.get(4)?, *bytes.get(5)?]));
        if flags & 0xf8 != 0 || questions != 1 {
            return None;
        }
        let mut reader = Reader(bytes.get(HEADER..)?);
        let mut name = String::new();
        loop {
            let length = reader.byte()?;
            match length {
                0 => break,
                1..=63 => {}
                _ => return None,
            }
            if !name.is_empty() {
                name.push('.');
            }
            for byte in reader.take(usize::from(length))? {
                match byte {
                    b'!'..=b'~' if *byte != b'.' && *byte != b'\\' => name.push(char::from(*byte)),
                    other => write!(name, "\\{other:03}").ok()?,
                }
            }
            if name.len() > 4 * LONGEST_NAME {
                return None;
            }
        }
        let (kind, class) = (reader.be16()?, reader.be16()?);
        let length = bytes.len() - reader.0.len();
        Some(Self { bytes: &bytes[..length], name, kind, class, room: room(reader.0, bytes) })
    }

    /// `ANY example.com, 4096 bytes`.
    pub(super) fn text(&self) -> String {
        let name = if self.name.is_empty() { "." } else { &self.name };
        let class = match self.class {
            1 => "",
            3 => "CH ",
            255 => "any class ",
            _ => "other class ",
        };
        let mut text = format!("{class}{} {name}", kind(self.kind));
        if let Some(room) = self.room {
            let _ = write!(text, ", {room} bytes");
        }
        text
    }

    /// The refusal.
    pub(super) fn refusal(&self) -> Vec<u8> {
        let mut reply = self.bytes.to_vec();
        // An answer that keeps RD; recursion is not available; REFUSED.
        reply[2] = 0x80 | (reply[2] & 0x01);
        reply[3] = 5;
        reply[6..HEADER].fill(0);
        reply
    }
}

/// The size in an OPT record that follows the question.
fn room(rest: &[u8], bytes: &[u8]) -> Option<u16> {
    let additional = u16::from_be_bytes([bytes[10], bytes[11]]);
    match rest {
        [0, 0, 41, high, low, ..] if additional > 0 => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

/// The type's name (RFC 1035, 3.2.2, and after).
fn kind(number: u16) -> String {
    let name = match number {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        46 => "RRSIG",
        48 => "DNSKEY",
        65 => "HTTPS",
        252 => "AXFR",
        255 => "ANY",
        other => return format!("TYPE{other}"),
    };
    name.to_owned()
}

/// See [`crate::fuzz::datagrams`].
pub(super) fn fuzz(bytes: &[u8]) {
    if let Some(question) = Question::read(bytes) {
        assert!(question.refusal().len() <= bytes.len());
        let _ = question.text();
    }
}
