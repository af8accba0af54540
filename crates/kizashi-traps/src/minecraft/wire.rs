//! Packets: a length and a number, each written in seven bits a byte, and fields.

use crate::datagram::Reader;
use crate::framed::Frame;

/// Bytes of a number.
const LONGEST_NUMBER: usize = 5;

/// A number in seven bits a byte, the lowest first; `None` where it does not end.
pub(super) fn number(reader: &mut Reader<'_>) -> Option<u32> {
    let mut number = 0_u32;
    for place in 0..LONGEST_NUMBER {
        let byte = reader.byte()?;
        number |= u32::from(byte & 0x7f).checked_shl(7 * u32::try_from(place).ok()?)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

pub(super) fn text<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = usize::try_from(number(reader)?).ok()?;
    reader.take(length)
}

/// Where the packet ends that begins here, or the older ping.
pub(super) fn frame(held: &[u8]) -> Frame {
    if held[0] == 0xfe {
        return match held.get(1) {
            Some(1) => Frame::Whole(2),
            Some(_) => Frame::Foreign,
            None => Frame::More,
        };
    }
    let mut reader = Reader(held);
    match number(&mut reader) {
        Some(0) => Frame::Foreign,
        Some(length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            Frame::Whole((held.len() - reader.0.len()).saturating_add(length))
        }
        None if held.len() < LONGEST_NUMBER => Frame::More,
        None => Frame::Foreign,
    }
}

fn put(number: usize) -> Vec<u8> {
    let mut rest = number;
    let mut bytes = Vec::new();
    while rest > 0x7f {
        bytes.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

/// A packet of this kind with a text.
pub(super) fn with_text(kind: u8, text: &str) -> Vec<u8> {
    packet(kind, &[put(text.len()), text.as_bytes().to_vec()].concat())
}

pub(super) fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    [put(body.len() + 1), vec![kind], body.to_vec()].concat()
}
