//! Name service packets (RFC 1002, 4.2): a question with a name in 32 letters (RFC 1001, 14.1), and the answer with the table of names.

use crate::datagram::Reader;

pub(super) const STATUS: u16 = 0x21;
pub(super) const NAME: u16 = 0x20;

/// A question.
pub(super) struct Question<'a> {
    id: [u8; 2],
    pub(super) operation: u8,
    /// The name as sent.
    encoded: &'a [u8],
    /// Fifteen characters, and the kind of the name.
    pub(super) name: String,
    pub(super) suffix: u8,
    pub(super) kind: u16,
    class: u16,
}

impl<'a> Question<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let id = reader.be16()?.to_be_bytes();
        let flags = reader.be16()?;
        let questions = reader.be16()?;
        reader.take(6)?;
        if flags & 0x8000 != 0 || questions != 1 {
            return None;
        }
        let encoded = reader.take(34)?;
        let letters = encoded.get(1..33).filter(|_| encoded[0] == 32 && encoded[33] == 0)?;
        letters.iter().all(|letter| (b'A'..=b'P').contains(letter)).then_some(())?;
        let decoded: Vec<u8> = letters
            .chunks_exact(2)
            .map(|pair| ((pair[0] - b'A') << 4) | (pair[1] - b'A'))
            .collect();
        let (suffix, name) = decoded.split_last()?;
        let name = String::from_utf8_lossy(name).trim_end_matches([' ', '\0']).to_owned();
        let (kind, class) = (reader.be16()?, reader.be16()?);
        let operation = u8::try_from((flags >> 11) & 15).unwrap_or(0);
        Some(Self { id, operation, encoded, name, suffix: *suffix, kind, class })
    }

    /// The answer with this content (RFC 1002, 4.2.18).
    pub(super) fn answer(&self, code: u8, content: &[u8]) -> Vec<u8> {
        let mut reply = self.id.to_vec();
        reply.extend([0x84, code, 0, 0, 0, 1, 0, 0, 0, 0]);
        reply.extend(self.encoded);
        reply.extend(self.kind.to_be_bytes());
        reply.extend(self.class.to_be_bytes());
        reply.extend([0; 4]);
        reply.extend(u16::try_from(content.len()).unwrap_or(0).to_be_bytes());
        reply.extend(content);
        reply
    }
}

/// A table of names: each with its kind and whether it is a group's; then the hardware's address and no statistics.
pub(super) fn table(names: &[(&str, u8, bool)], hardware: [u8; 6]) -> Vec<u8> {
    let mut content = vec![u8::try_from(names.len()).unwrap_or(0)];
    for (name, suffix, group) in names {
        content.extend(format!("{name:<15.15}").bytes());
        content.extend([*suffix, if *group { 0x84 } else { 0x04 }, 0]);
    }
    content.extend(hardware);
    content.extend([0; 40]);
    content
}

/// See [`crate::fuzz::datagrams`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = Question::read(bytes).map(|question| question.answer(3, &[]));
}
