//! IPv4 (RFC 791) with its options and IPv6 (RFC 8200) with its extension headers, down to where the transport begins.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kizashi_event::bytes::{be16, be32};

use super::checksum;
use super::{Fault, Faults};

/// Extension headers of a packet at most; real ones have one or two.
const MOST_EXTENSIONS: usize = 16;

/// What the IP header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpHeader {
    /// From where.
    pub source: IpAddr,
    /// To where.
    pub destination: IpAddr,
    /// IPv4's time to live, IPv6's hop limit.
    pub time_to_live: u8,
    /// The transport's number.
    pub protocol: u8,
    /// The byte of differentiated services and congestion notification.
    pub traffic_class: u8,
    /// IPv4's identification; `None` of IPv6.
    pub identification: Option<u16>,
    /// IPv4's flag that forbids fragments.
    pub dont_fragment: bool,
    /// IPv4's reserved flag.
    pub reserved_flag: bool,
    /// IPv6's flow label; 0 of IPv4.
    pub flow_label: u32,
    /// Bytes of IPv4's options, or of IPv6's extension headers.
    pub options_length: u16,
    /// Where the packet stands among fragments.
    pub fragment: Fragment,
}

/// Whether a packet is a piece of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// It is whole.
    Whole,
    /// The first piece: the transport's header is in it.
    First,
    /// A later piece.
    Later,
}

/// An IP packet taken apart: header, transport's bytes as far as they came, and how many there should be.
pub(super) struct Unwrapped<'a> {
    pub(super) header: IpHeader,
    pub(super) transport: &'a [u8],
    pub(super) is_whole: bool,
}

/// Reads the header; `missing` bytes of the frame were not captured.
pub(super) fn unwrap<'a>(
    packet: &'a [u8],
    missing: usize,
    faults: &mut Faults,
) -> Result<Unwrapped<'a>, Fault> {
    match packet.first().map(|first| first >> 4) {
        Some(4) => v4(packet, missing, faults),
        Some(6) => v6(packet, missing, faults),
        Some(_) => Err(Fault::IpVersion),
        None => Err(Fault::IpCut),
    }
}

/// Bytes of the packet that came, out of `total` that its header names. A total of 0 is what a sender's own capture shows of a
/// packet that its card is yet to cut up.
fn bounded<'a>(
    packet: &'a [u8],
    total: usize,
    missing: usize,
    faults: &mut Faults,
) -> (&'a [u8], bool) {
    if total == 0 {
        return (packet, missing == 0);
    }
    if let Some(whole) = packet.get(..total) {
        return (whole, true);
    }
    if total > packet.len() + missing {
        faults.add(Fault::IpTotalLong);
    }
    (packet, false)
}

fn v4<'a>(packet: &'a [u8], missing: usize, faults: &mut Faults) -> Result<Unwrapped<'a>, Fault> {
    let Some((head, _)) = packet.split_first_chunk::<20>() else { return Err(Fault::IpCut) };
    let header_length = usize::from(head[0] & 15) * 4;
    if header_length < 20 {
        return Err(Fault::IpHeaderLength);
    }
    let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
    if total != 0 && total < header_length {
        return Err(Fault::IpTotalShort);
    }
    let Some(header) = packet.get(..header_length) else { return Err(Fault::IpCut) };
    // A sum of 0 is left by senders whose card makes it.
    if head[10..12] != [0, 0] && checksum::sum(header, 0) != 0xffff {
        faults.add(Fault::IpChecksum);
    }
    let (whole, is_whole) = bounded(packet, total, missing, faults);
    let flags = u16::from_be_bytes([head[6], head[7]]);
    let fragment = match (flags & 0x1fff, flags & 0x2000 != 0) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        _ => Fragment::Later,
    };
    let header = IpHeader {
        source: IpAddr::V4(Ipv4Addr::new(head[12], head[13], head[14], head[15])),
        destination: IpAddr::V4(Ipv4Addr::new(head[16], head[17], head[18], head[19])),
        time_to_live: head[8],
        protocol: head[9],
        traffic_class: head[1],
        identification: Some(u16::from_be_bytes([head[4], head[5]])),
        dont_fragment: flags & 0x4000 != 0,
        reserved_flag: flags & 0x8000 != 0,
        flow_label: 0,
        options_length: u16::try_from(header_length - 20).unwrap_or_default(),
        fragment,
    };
    let transport = whole.get(header_length..).unwrap_or_default();
    Ok(Unwrapped { header, transport, is_whole })
}

fn v6<'a>(packet: &'a [u8], missing: usize, faults: &mut Faults) -> Result<Unwrapped<'a>, Fault> {
    let Some((head, _)) = packet.split_first_chunk::<40>() else { return Err(Fault::IpCut) };
    let first = be32(packet, 0).unwrap_or_default();
    let payload = usize::from(u16::from_be_bytes([head[4], head[5]]));
    // A payload of 0 is a jumbogram (RFC 2675) or the sender's own capture: what came is what there is.
    let total = if payload == 0 { 0 } else { payload + 40 };
    let (whole, is_whole) = bounded(packet, total, missing, faults);
    let address = |at: usize| -> IpAddr {
        let mut octets = [0; 16];
        octets.copy_from_slice(&head[at..at + 16]);
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    let mut header = IpHeader {
        source: address(8),
        destination: address(24),
        time_to_live: head[7],
        protocol: head[6],
        traffic_class: u8::try_from((first >> 20) & 0xff).unwrap_or_default(),
        identification: None,
        dont_fragment: false,
        reserved_flag: false,
        flow_label: first & 0xf_ffff,
        options_length: 0,
        fragment: Fragment::Whole,
    };
    let transport = extensions(whole.get(40..).unwrap_or_default(), &mut header)?;
    Ok(Unwrapped { header, transport, is_whole })
}

/// Walks over IPv6's extension headers to what they stand before.
fn extensions<'a>(mut rest: &'a [u8], header: &mut IpHeader) -> Result<&'a [u8], Fault> {
    let began = rest.len();
    for _ in 0..MOST_EXTENSIONS {
        let length = match header.protocol {
            // Hop by hop, routing, destination, mobility, host identity, shim.
            0 | 43 | 60 | 135 | 139 | 140 => 8 + usize::from(*rest.get(1).ok_or(Fault::IpCut)?) * 8,
            44 => {
                let place = be16(rest, 2).ok_or(Fault::IpCut)?;
                header.fragment = match (place >> 3, place & 1 != 0) {
                    (0, false) => Fragment::Whole,
                    (0, true) => Fragment::First,
                    _ => Fragment::Later,
                };
                8
            }
            // Authentication (RFC 4302) counts in words of four bytes.
            51 => 8 + usize::from(*rest.get(1).ok_or(Fault::IpCut)?) * 4,
            _ => {
                header.options_length = u16::try_from(began - rest.len()).unwrap_or(u16::MAX);
                return Ok(rest);
            }
        };
        header.protocol = *rest.first().ok_or(Fault::IpCut)?;
        rest = rest.get(length..).ok_or(Fault::IpCut)?;
        if header.fragment == Fragment::Later {
            return Ok(rest);
        }
    }
    Err(Fault::Ipv6Chain)
}
