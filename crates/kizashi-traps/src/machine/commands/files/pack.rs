//! gzip's own form (RFC 1952) around stored blocks (RFC 1951, 3.2.4): what a visitor packs here he can unpack here. Compressed blocks,
//! which others make, are not unpacked.

/// Bytes that are packed or unpacked.
const MOST: usize = 256 * 1024;

/// The checksum of RFC 1952.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 }
        })
    })
}

/// A text as `gzip` would pack it, without making it smaller.
pub(super) fn packed(plain: &[u8]) -> Vec<u8> {
    let plain = &plain[..plain.len().min(MOST)];
    let mut made = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let mut pieces = plain.chunks(0xffff).peekable();
    if pieces.peek().is_none() {
        made.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(piece) = pieces.next() {
        let length = u16::try_from(piece.len()).unwrap_or(0);
        made.push(u8::from(pieces.peek().is_none()));
        made.extend(length.to_le_bytes());
        made.extend((!length).to_le_bytes());
        made.extend_from_slice(piece);
    }
    made.extend(crc(plain).to_le_bytes());
    made.extend(u32::try_from(plain.len()).unwrap_or(0).to_le_bytes());
    made
}

/// What [`packed`] made; nothing where it is anything else.
pub(super) fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(&[0x1f, 0x8b, 8, 0])?.get(6..)?;
    let mut plain = Vec::new();
    loop {
        let (head, after) = rest.split_at_checked(5)?;
        let length = usize::from(u16::from_le_bytes([head[1], head[2]]));
        if head[0] > 1 || plain.len() > MOST {
            return None;
        }
        plain.extend_from_slice(after.get(..length)?);
        rest = after.get(length..)?;
        if head[0] == 1 {
            return (rest.get(..4) == Some(&crc(&plain).to_le_bytes()[..])).then_some(plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_and_nothing_else() {
        for size in [0, 1, 0xffff, 0x1_0000, 200_000] {
            let plain: Vec<u8> = (0..size).map(|place| (place % 251) as u8).collect();
            assert_eq!(unpacked(&packed(&plain)), Some(plain));
        }
        let mut broken = packed(b"hello");
        broken[17] ^= 1;
        assert_eq!(
            [unpacked(&broken), unpacked(b""), unpacked(&packed(b"hello")[..14])],
            [None, None, None]
        );
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    }
}
