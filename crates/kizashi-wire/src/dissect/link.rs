//! What lies around an IP packet: the link types that capture files of a server have (the numbers are those of
//! <https://www.tcpdump.org/linktypes.html>), VLAN tags (IEEE 802.1Q and 802.1ad, also stacked) and PPPoE (RFC 2516).

use kizashi_event::bytes::{be16, be32, le32};

use super::Fault;

/// A link type by its registered number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: the address family in the byte order of the machine that captured.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// IP without anything around it.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: the address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// IPv4 without anything around it.
    pub const IPV4: Self = Self(228);
    /// IPv6 without anything around it.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// Whether packets of this link can be read.
    #[must_use]
    pub const fn is_known(self) -> bool {
        // 12 and 14 are what older systems wrote for raw IP.
        matches!(self.0, 0 | 1 | 12 | 14 | 101 | 108 | 113 | 228 | 229 | 276)
    }
}

/// What a frame carries.
pub(super) enum Carried<'a> {
    Ip(&'a [u8]),
    /// ARP, LLC, a link of another type.
    Other,
}

/// Tags that are taken off before a frame is given up.
const MOST_TAGS: usize = 8;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const PPPOE_SESSION: u16 = 0x8864;

/// Takes the link's header off.
pub(super) fn unwrap(link: LinkType, frame: &[u8]) -> Result<Carried<'_>, Fault> {
    match link {
        LinkType::ETHERNET => tagged(frame, 12),
        LinkType::LINUX_SLL => tagged(frame, 14),
        LinkType::LINUX_SLL2 => {
            let protocol = be16(frame, 0).ok_or(Fault::LinkCut)?;
            match frame.get(20..) {
                Some(rest) => of_type(protocol, rest),
                None => Err(Fault::LinkCut),
            }
        }
        LinkType::NULL | LinkType::LOOP => loopback(frame),
        LinkType(12 | 14) | LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => {
            Ok(Carried::Ip(frame))
        }
        _ => Ok(Carried::Other),
    }
}

/// A frame whose type stands at `at`, with what the type names behind it.
fn tagged(frame: &[u8], at: usize) -> Result<Carried<'_>, Fault> {
    let protocol = be16(frame, at).ok_or(Fault::LinkCut)?;
    of_type(protocol, frame.get(at + 2..).unwrap_or_default())
}

fn of_type(mut protocol: u16, mut rest: &[u8]) -> Result<Carried<'_>, Fault> {
    for _ in 0..MOST_TAGS {
        match protocol {
            IPV4 | IPV6 => return Ok(Carried::Ip(rest)),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                protocol = be16(rest, 2).ok_or(Fault::LinkCut)?;
                rest = rest.get(4..).unwrap_or_default();
            }
            PPPOE_SESSION => {
                // An odd first byte is the whole of a compressed protocol (RFC 1661, section 6.5).
                let (inner, at) = match rest.get(6) {
                    Some(short) if short % 2 == 1 => (u16::from(*short), 7),
                    _ => (be16(rest, 6).ok_or(Fault::LinkCut)?, 8),
                };
                rest = rest.get(at..).unwrap_or_default();
                return Ok(match inner {
                    0x0021 | 0x0057 => Carried::Ip(rest),
                    _ => Carried::Other,
                });
            }
            _ => return Ok(Carried::Other),
        }
    }
    Ok(Carried::Other)
}

/// The families of IPv6 differ: 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS, 10 on Linux.
fn loopback(frame: &[u8]) -> Result<Carried<'_>, Fault> {
    let (Some(big), Some(little)) = (be32(frame, 0), le32(frame, 0)) else {
        return Err(Fault::LinkCut);
    };
    Ok(match big.min(little) {
        2 | 10 | 24 | 28 | 30 => Carried::Ip(frame.get(4..).unwrap_or_default()),
        _ => Carried::Other,
    })
}
