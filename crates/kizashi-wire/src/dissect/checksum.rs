//! The Internet checksum (RFC 1071), and how a sum that a network card is yet to make is told from a wrong one.

use std::net::IpAddr;

use super::ip::IpHeader;

/// The ones' complement sum of the bytes taken two by two, added to `start`; 0xffff where a right sum is among them.
pub(crate) fn sum(bytes: &[u8], start: u32) -> u16 {
    let mut total = u64::from(start);
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        total += u64::from(u32::from_be_bytes(*word));
    }
    let mut last = [0; 4];
    if let Some(place) = last.get_mut(..rest.len()) {
        place.copy_from_slice(rest);
    }
    total += u64::from(u32::from_be_bytes(last));
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    u16::try_from(total).unwrap_or(u16::MAX)
}

/// The sum of what the transport's sum covers beside its own bytes.
fn pseudo_header(ip: &IpHeader, protocol: u8, length: usize) -> u32 {
    let addresses = match (ip.source, ip.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            u32::from(sum(&source.octets(), 0)) + u32::from(sum(&destination.octets(), 0))
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            u32::from(sum(&source.octets(), 0)) + u32::from(sum(&destination.octets(), 0))
        }
        _ => 0,
    };
    addresses + u32::from(protocol) + u32::try_from(length).unwrap_or(u32::MAX >> 1)
}

/// Whether a transport's sum can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It is right, or the transport has none.
    Right,
    /// It is wrong.
    Wrong,
    /// It covers the addresses alone: the capture was made before the sender's card finished it.
    Unfinished,
    /// Not all of the bytes came.
    Unknown,
}

/// Checks the sum that stands at `place` of the transport's bytes.
pub(super) fn check(
    ip: &IpHeader,
    transport: &[u8],
    place: usize,
    covers_addresses: bool,
) -> Checksum {
    let Some(&[high, low]) = transport.get(place..place + 2) else { return Checksum::Unknown };
    let start = if covers_addresses { pseudo_header(ip, ip.protocol, transport.len()) } else { 0 };
    if sum(transport, start) == 0xffff {
        return Checksum::Right;
    }
    let folded = sum(&[], start);
    if covers_addresses && u16::from_be_bytes([high, low]) == folded {
        return Checksum::Unfinished;
    }
    Checksum::Wrong
}
