//! Packets (OASIS MQTT 3.1.1 and 5.0, chapter 2), and topics and filters.

use crate::datagram::Reader;
use crate::framed::Frame;

/// A length in seven bits a byte, four bytes at most.
pub(super) fn length(reader: &mut Reader<'_>) -> Option<usize> {
    let mut length = 0;
    for place in 0..4 {
        let byte = reader.byte()?;
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

pub(super) fn frame(held: &[u8]) -> Frame {
    let mut reader = Reader(&held[1..]);
    match length(&mut reader) {
        Some(length) => Frame::Whole(held.len() - reader.0.len() + length),
        None if held.len() < 5 => Frame::More,
        None => Frame::Foreign,
    }
}

/// A string or binary data.
pub(super) fn string<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = reader.be16()?;
    reader.take(usize::from(length))
}

/// Properties, which only version 5 has; what they say is not needed.
pub(super) fn properties(reader: &mut Reader<'_>, version: u8) -> Option<()> {
    if version >= 5 {
        let length = length(reader)?;
        reader.take(length)?;
    }
    Some(())
}

pub(super) fn packet(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut packet = vec![kind];
    let mut rest = body.len();
    loop {
        let byte = (rest & 0x7f) as u8;
        rest >>= 7;
        packet.push(if rest > 0 { byte | 0x80 } else { byte });
        if rest == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

/// A message of the broker's, with quality of service 0.
pub(super) fn message(topic: &[u8], content: &[u8], retained: bool, version: u8) -> Vec<u8> {
    let length = u16::try_from(topic.len()).unwrap_or(0).to_be_bytes();
    let properties: &[u8] = if version >= 5 { &[0] } else { &[] };
    packet(0x30 | u8::from(retained), &[&length, topic, properties, content])
}

/// Whether a filter means a topic (4.7).
pub(super) fn means(filter: &[u8], topic: &[u8]) -> bool {
    // Wildcards at the beginning do not mean what is the broker's own.
    if topic.starts_with(b"$") && !filter.starts_with(b"$") {
        return false;
    }
    let mut levels = topic.split(|byte| *byte == b'/');
    for part in filter.split(|byte| *byte == b'/') {
        if part == b"#" {
            return true;
        }
        match levels.next() {
            Some(level) if part == b"+" || part == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}
