//! The first packets: ISAKMP (RFC 2408, 3.1; RFC 2409), IKEv2 (RFC 7296, 3.1) and L2TP (RFC 2661, 3.1), as far as they are in the clear.

use crate::datagram::Reader;

/// Payloads and pairs of one packet that are read.
const MOST_PARTS: usize = 48;
const HEADER: usize = 28;

/// The head of a message and its payloads by type.
pub(super) struct Message<'a> {
    pub(super) cookie: &'a [u8],
    pub(super) version: u8,
    pub(super) exchange: u8,
    message: &'a [u8],
    pub(super) payloads: Vec<(u8, &'a [u8])>,
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let cookie = reader.take(8)?;
        reader.take(8)?;
        let (mut next, version, exchange, flags) =
            (reader.byte()?, reader.byte()?, reader.byte()?, reader.byte()?);
        let message = reader.take(4)?;
        let length = usize::try_from(reader.be32()?).ok()?;
        if !matches!(version >> 4, 1 | 2) || length != bytes.len() || cookie == [0; 8] {
            return None;
        }
        let mut payloads = Vec::new();
        // What is encrypted begins with a payload that says so, or a flag (RFC 2408).
        let clear = version >> 4 == 2 || flags & 1 == 0;
        while clear && next != 0 && payloads.len() < MOST_PARTS {
            let kind = next;
            next = reader.byte()?;
            reader.byte()?;
            let length = usize::from(reader.be16()?).checked_sub(4)?;
            payloads.push((kind, reader.take(length)?));
        }
        Some(Self { cookie, version, exchange, message, payloads })
    }

    pub(super) fn payload(&self, kind: u8) -> Option<&'a [u8]> {
        self.payloads.iter().find(|(found, _)| *found == kind).map(|(_, content)| *content)
    }

    /// An answer with these payloads of type and content.
    pub(super) fn answer(
        &self,
        cookie: [u8; 8],
        exchange: u8,
        payloads: &[(u8, Vec<u8>)],
    ) -> Vec<u8> {
        let kind = |place: usize| payloads.get(place).map_or(0, |(kind, _)| *kind);
        let response = if self.version >> 4 == 2 { 0x20 } else { 0 };
        let mut reply = self.cookie.to_vec();
        reply.extend(cookie);
        reply.extend([kind(0), self.version & 0xf0, exchange, response]);
        reply.extend(self.message);
        let length: usize = payloads.iter().map(|(_, content)| content.len() + 4).sum();
        reply.extend(u32::try_from(HEADER + length).unwrap_or(0).to_be_bytes());
        for (place, (_, content)) in payloads.iter().enumerate() {
            reply.extend([kind(place + 1), 0]);
            reply.extend(u16::try_from(content.len() + 4).unwrap_or(0).to_be_bytes());
            reply.extend(content);
        }
        reply
    }
}

/// What a security association of version 1 offers.
pub(super) struct Offer<'a> {
    /// The first transform, whole.
    first: &'a [u8],
    number: u8,
    /// Attributes of each transform: type and value.
    pub(super) transforms: Vec<Vec<(u16, u16)>>,
}

impl<'a> Offer<'a> {
    /// Reads the content of the payload (RFC 2408, 3.4 to 3.6).
    pub(super) fn read(content: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(content);
        reader.take(8)?;
        reader.take(4)?;
        let (number, protocol, spi, count) =
            (reader.byte()?, reader.byte()?, reader.byte()?, reader.byte()?);
        reader.take(usize::from(spi))?;
        let (mut first, mut transforms) = (None, Vec::new());
        for _ in 0..usize::from(count).min(MOST_PARTS) {
            let whole = reader.0;
            reader.be16()?;
            let length = usize::from(reader.be16()?);
            let mut attributes = Reader(reader.take(length.checked_sub(4)?)?);
            attributes.be32()?;
            first = first.or(whole.get(..length));
            let mut read = Vec::new();
            while let (Some(kind), Some(value)) = (attributes.be16(), attributes.be16()) {
                if kind & 0x8000 == 0 {
                    attributes.take(usize::from(value))?;
                } else if read.len() < MOST_PARTS {
                    read.push((kind & 0x7fff, value));
                }
            }
            transforms.push(read);
        }
        (protocol == 1).then_some(Self { first: first?, number, transforms })
    }

    /// The association with the first transform alone.
    pub(super) fn chosen(&self) -> Vec<u8> {
        let mut transform = self.first.to_vec();
        transform[0] = 0;
        let length = u16::try_from(transform.len() + 8).unwrap_or(0).to_be_bytes();
        // The domain of interpretation of IPsec, identity only; one proposal of one transform.
        let head = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, length[0], length[1], self.number, 1, 0, 1];
        [&head[..], &transform].concat()
    }
}

/// A control message of L2TP: its type and its pairs of type and value.
pub(super) struct Control<'a> {
    pub(super) kind: u16,
    pub(super) pairs: Vec<(u16, &'a [u8])>,
}

impl<'a> Control<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let (flags, length) = (reader.be16()?, usize::from(reader.be16()?));
        // Control, with length and sequence, of version 2.
        if flags & 0xc80f != 0xc802 || length > bytes.len() {
            return None;
        }
        reader = Reader(bytes.get(12..length)?);
        let mut pairs = Vec::new();
        while let Some(head) = reader.be16() {
            let length = usize::from(head & 0x03ff).checked_sub(6)?;
            let (_vendor, kind) = (reader.be16()?, reader.be16()?);
            let value = reader.take(length)?;
            if pairs.len() < MOST_PARTS {
                pairs.push((kind, value));
            }
        }
        let kind = pairs.first().filter(|(kind, _)| *kind == 0)?.1;
        Some(Self { kind: u16::from_be_bytes(kind.try_into().ok()?), pairs })
    }

    pub(super) fn pair(&self, kind: u16) -> Option<&'a [u8]> {
        self.pairs.iter().find(|(found, _)| *found == kind).map(|(_, value)| *value)
    }
}

/// A control message with these pairs, to the tunnel of this number.
pub(super) fn control(tunnel: u16, received: u16, pairs: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in pairs {
        let length = u16::try_from(value.len() + 6).unwrap_or(0);
        body.extend((0x8000 | length).to_be_bytes());
        body.extend([0, 0]);
        body.extend(kind.to_be_bytes());
        body.extend(value);
    }
    let length = u16::try_from(body.len() + 12).unwrap_or(0);
    let mut message = vec![0xc8, 0x02];
    for number in [length, tunnel, 0, 0, received] {
        message.extend(number.to_be_bytes());
    }
    message.extend(body);
    message
}

/// See [`crate::fuzz::datagrams`].
pub(crate) fn fuzz(bytes: &[u8]) {
    if let Some(message) = Message::read(bytes)
        && let Some(offer) = message.payload(1).and_then(Offer::read)
    {
        let _ = message.answer([1; 8], 2, &[(1, offer.chosen())]);
    }
    let _ = Control::read(bytes).and_then(|control| control.pair(7));
}
