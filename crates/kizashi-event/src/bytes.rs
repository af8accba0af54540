//! Numbers at a place in bytes that may be too few: what recognition of a protocol and the dissection of packets both read.

/// The big-endian number of two bytes at this place; `None` where the bytes end before.
#[must_use]
pub fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// The big-endian number of four bytes at this place; `None` where the bytes end before.
#[must_use]
pub fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some((u32::from(be16(bytes, at)?) << 16) | u32::from(be16(bytes, at + 2)?))
}

/// The little-endian number of four bytes at this place; `None` where the bytes end before.
#[must_use]
pub fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    be32(bytes, at).map(u32::swap_bytes)
}
