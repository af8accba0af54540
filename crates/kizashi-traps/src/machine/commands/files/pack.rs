//! Packed forms: gzip (RFC 1952) by `flate2`; xz around LZMA2 chunks that are stored (the .xz format 1.1.0, sections 2 and 5.3.1), which any
//! `xz` unpacks; and under bzip2's first bytes gzip's own, which only this machine unpacks. What comes from outside is unpacked within a
//! bound, so that no packed nothing becomes a full disk.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// Bytes that are packed or unpacked.
const MOST: usize = 512 * 1024;

/// How bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Gzip,
    Bzip2,
    Xz,
}

const BZIP2: &[u8] = b"BZh91AY&SY";
const XZ: &[u8] = b"\xfd7zXZ\0";

impl Method {
    /// The program's name.
    pub(super) const fn tool(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }

    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Bzip2 => ".bz2",
            Self::Xz => ".xz",
        }
    }

    /// The one whose first bytes these are.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', ..] => Some(Self::Bzip2),
            _ if bytes.starts_with(XZ) => Some(Self::Xz),
            _ => None,
        }
    }

    pub(super) fn pack(self, plain: &[u8]) -> Vec<u8> {
        let plain = &plain[..plain.len().min(MOST)];
        match self {
            Self::Gzip => packed(plain),
            Self::Bzip2 => [BZIP2, &packed(plain)].concat(),
            Self::Xz => packed_xz(plain),
        }
    }

    /// What was packed; nothing where it is not whole.
    pub(super) fn unpack(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Gzip => unpacked(bytes),
            Self::Bzip2 => unpacked(bytes.strip_prefix(BZIP2)?),
            Self::Xz => unpacked_xz(bytes),
        }
    }
}

/// A text as `gzip` packs it from its input, without name and time.
pub(in crate::machine::commands) fn packed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // A vector takes whatever comes.
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let bound = u64::try_from(MOST).unwrap_or(u64::MAX);
    MultiGzDecoder::new(bytes).take(bound).read_to_end(&mut plain).ok()?;
    Some(plain)
}

/// The checksum of RFC 1952 and the .xz format.
fn crc(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// A number in seven bits a byte, the low ones first.
fn put_number(mut number: usize, made: &mut Vec<u8>) {
    while number >= 0x80 {
        made.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    made.push(u8::try_from(number).unwrap_or(0));
}

fn packed_xz(plain: &[u8]) -> Vec<u8> {
    // Flags: the check is CRC32.
    let flags = [0, 1];
    let mut made = [XZ, &flags, &crc(&flags).to_le_bytes()].concat();
    let mut records = Vec::new();
    if !plain.is_empty() {
        // A block's header: its size in fours less one, one filter, LZMA2 (0x21) with a dictionary of 8 MiB.
        let head = [2, 0, 0x21, 1, 0x16, 0, 0, 0];
        let begin = made.len();
        made.extend(head);
        made.extend(crc(&head).to_le_bytes());
        for (number, piece) in plain.chunks(0x1_0000).enumerate() {
            let size = u16::try_from(piece.len() - 1).unwrap_or(u16::MAX);
            // Stored: the first one sets the dictionary anew.
            made.push(if number == 0 { 1 } else { 2 });
            made.extend(size.to_be_bytes());
            made.extend_from_slice(piece);
        }
        made.push(0);
        let unpadded = made.len() - begin + 4;
        made.resize(made.len().next_multiple_of(4), 0);
        made.extend(crc(plain).to_le_bytes());
        put_number(unpadded, &mut records);
        put_number(plain.len(), &mut records);
    }
    let mut index = vec![0, u8::from(!plain.is_empty())];
    index.extend(records);
    index.resize(index.len().next_multiple_of(4), 0);
    let sum = crc(&index).to_le_bytes();
    index.extend(sum);
    let size = u32::try_from(index.len() / 4 - 1).unwrap_or(0);
    made.extend(index);
    let tail = [&size.to_le_bytes()[..], &flags].concat();
    made.extend(crc(&tail).to_le_bytes());
    made.extend(tail);
    made.extend(b"YZ");
    made
}

/// Stored chunks of one block alone.
fn unpacked_xz(bytes: &[u8]) -> Option<Vec<u8>> {
    let rest = bytes.strip_prefix(XZ)?.get(6..)?;
    if rest.first() == Some(&0) {
        return Some(Vec::new());
    }
    let mut rest = rest.get((usize::from(*rest.first()?) + 1) * 4..)?;
    let mut plain = Vec::new();
    while let [1 | 2, high, low, after @ ..] = rest {
        let size = usize::from(u16::from_be_bytes([*high, *low])) + 1;
        plain.extend_from_slice(after.get(..size)?);
        if plain.len() > MOST {
            return None;
        }
        rest = &after[size..];
    }
    (rest.first() == Some(&0)).then_some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_and_nothing_else() {
        for method in [Method::Gzip, Method::Bzip2, Method::Xz] {
            for size in [0, 1, 3, 0xffff, 0x1_0001, 200_000] {
                let plain: Vec<u8> = (0..size).map(|place| (place % 251) as u8).collect();
                let packed = method.pack(&plain);
                assert_eq!(Method::of(&packed), Some(method));
                assert_eq!(method.unpack(&packed), Some(plain), "{method:?} {size}");
            }
            assert_eq!(method.unpack(b""), None);
            assert_eq!(method.unpack(&method.pack(b"hello")[..18]), None, "{method:?}");
        }
    }

    #[test]
    fn a_packed_nothing_does_not_become_a_full_disk() {
        let bomb = packed(&vec![0; 20 << 20]);
        assert_eq!(unpacked(&bomb).map(|plain| plain.len()), Some(MOST));
    }

    proptest! {
        #[test]
        fn nothing_that_is_unpacked_does_harm(method in prop::sample::select(vec![Method::Gzip, Method::Bzip2, Method::Xz]), cut in 0_usize..80, tail in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = method.pack(b"some plain text");
            bytes.truncate(cut);
            bytes.extend(tail);
            let _ = method.unpack(&bytes);
        }
    }
}
