//! A frame taken apart: link, IP, transport. Nothing is copied or allocated, nothing that any bytes say can make it panic, and every
//! lie about a length is counted by its kind ([`Faults`]). What is left of a packet that lies is read as far as a receiver
//! would read it; what no receiver would read is dropped.

pub(crate) mod checksum;
mod fault;
mod ip;
mod link;
mod tcp;

pub use checksum::Checksum;
pub use fault::{Fault, Faults};
pub use ip::{Fragment, IpHeader};
pub use link::LinkType;
pub use tcp::{Flags, Segment, TcpHeader, TcpOptions};

use kizashi_event::bytes::be16;

/// A frame as it was captured.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Microseconds since the Unix epoch.
    pub time: kizashi_event::Timestamp,
    /// What its bytes begin with.
    pub link: LinkType,
    /// The bytes that were captured.
    pub bytes: &'a [u8],
    /// How many there were on the wire.
    pub original_length: u32,
}

/// A UDP datagram (RFC 768).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// What is carried, as far as it came.
    pub payload: &'a [u8],
    /// Bytes of the payload by the header.
    pub payload_length: u16,
}

/// An ICMP message (RFC 792, RFC 4443).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpMessage<'a> {
    /// The type.
    pub kind: u8,
    /// The code.
    pub code: u8,
    /// The identifier of an echo; elsewhere whatever stands there.
    pub identifier: u16,
    /// What follows the first eight bytes: of an error the beginning of the packet that it is about.
    pub body: &'a [u8],
}

/// What an IP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// TCP.
    Tcp(Segment<'a>),
    /// UDP.
    Udp(Datagram<'a>),
    /// ICMP, or ICMPv6.
    Icmp(IcmpMessage<'a>),
    /// A later piece of a packet.
    Fragment,
    /// Another transport.
    Other,
}

/// A packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The IP header.
    pub ip: IpHeader,
    /// What it carries.
    pub body: Body<'a>,
    transport: &'a [u8],
    is_whole: bool,
}

/// What a frame is.
#[derive(Clone, Copy, Debug)]
pub enum Dissected<'a> {
    /// An IP packet.
    Packet(Packet<'a>),
    /// Something that is no IP.
    NotIp,
    /// So broken that it is nothing; the fault was counted.
    Broken,
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

/// Takes a frame apart and counts what is wrong with it.
#[must_use]
pub fn dissect<'a>(frame: &Frame<'a>, faults: &mut Faults) -> Dissected<'a> {
    let packet = match link::unwrap(frame.link, frame.bytes) {
        Ok(link::Carried::Ip(packet)) => packet,
        Ok(link::Carried::Other) => return Dissected::NotIp,
        Err(fault) => {
            faults.add(fault);
            return Dissected::Broken;
        }
    };
    let original = usize::try_from(frame.original_length).unwrap_or(usize::MAX);
    match read_packet(packet, original.saturating_sub(frame.bytes.len()), faults) {
        Ok(packet) => Dissected::Packet(packet),
        Err(fault) => {
            faults.add(fault);
            Dissected::Broken
        }
    }
}

fn read_packet<'a>(
    packet: &'a [u8],
    missing: usize,
    faults: &mut Faults,
) -> Result<Packet<'a>, Fault> {
    let ip::Unwrapped { header, transport, is_whole } = ip::unwrap(packet, missing, faults)?;
    let body = if header.fragment == Fragment::Later {
        Body::Fragment
    } else {
        let read = match header.protocol {
            TCP => tcp::read(transport, faults).map(Body::Tcp),
            UDP => udp(transport, &header, is_whole, faults).map(Body::Udp),
            ICMP | ICMP_V6 => icmp(transport).map(Body::Icmp),
            _ => Ok(Body::Other),
        };
        read.map_err(|fault| match header.fragment {
            Fragment::First => Fault::TinyFragment,
            _ => fault,
        })?
    };
    Ok(Packet { ip: header, body, transport, is_whole })
}

/// The ports and transport of the packet that an ICMP error quotes, with source and destination as quoted.
pub(crate) fn quoted(body: &[u8]) -> Option<(IpHeader, u16, u16)> {
    let mut faults = Faults::default();
    let ip::Unwrapped { header, transport, .. } =
        ip::unwrap(body, usize::MAX / 2, &mut faults).ok()?;
    match header.protocol {
        TCP | UDP => Some((header, be16(transport, 0)?, be16(transport, 2)?)),
        ICMP | ICMP_V6 => Some((header, be16(transport, 4)?, 0)),
        _ => None,
    }
}

fn udp<'a>(
    bytes: &'a [u8],
    ip: &IpHeader,
    is_whole: bool,
    faults: &mut Faults,
) -> Result<Datagram<'a>, Fault> {
    let Some((head, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(Fault::TransportCut);
    };
    let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
    // 0 is a jumbogram's (RFC 2675), which IPv6 alone has.
    let is_jumbo = length == 0 && ip.identification.is_none();
    let stated = if is_jumbo { rest.len() } else { length.saturating_sub(8) };
    let is_piece = ip.fragment != Fragment::Whole || !is_whole;
    if !is_jumbo && (length < 8 || (stated > rest.len() && !is_piece)) {
        faults.add(Fault::UdpLength);
    }
    Ok(Datagram {
        source_port: u16::from_be_bytes([head[0], head[1]]),
        destination_port: u16::from_be_bytes([head[2], head[3]]),
        payload: rest.get(..stated).unwrap_or(rest),
        payload_length: u16::try_from(stated).unwrap_or(u16::MAX),
    })
}

fn icmp(bytes: &[u8]) -> Result<IcmpMessage<'_>, Fault> {
    let Some((head, body)) = bytes.split_first_chunk::<8>() else {
        return Err(Fault::TransportCut);
    };
    let identifier = u16::from_be_bytes([head[4], head[5]]);
    Ok(IcmpMessage { kind: head[0], code: head[1], identifier, body })
}

impl Packet<'_> {
    /// Whether the transport's sum is right. Reads all of its bytes: ask it of what matters.
    #[must_use]
    pub fn checksum(&self) -> Checksum {
        if !self.is_whole || self.ip.fragment != Fragment::Whole {
            return Checksum::Unknown;
        }
        match self.body {
            Body::Tcp(_) => checksum::check(&self.ip, self.transport, 16, true),
            // Without a sum (RFC 768), which IPv6 forbids but tunnels (RFC 6935) send.
            Body::Udp(_) if be16(self.transport, 6) == Some(0) => Checksum::Right,
            Body::Udp(_) => {
                let length = usize::from(be16(self.transport, 4).unwrap_or_default());
                let covered = self.transport.get(..length).filter(|_| length >= 8);
                checksum::check(&self.ip, covered.unwrap_or(self.transport), 6, true)
            }
            Body::Icmp(_) => {
                checksum::check(&self.ip, self.transport, 2, self.ip.protocol == ICMP_V6)
            }
            Body::Fragment | Body::Other => Checksum::Unknown,
        }
    }

    /// The transport's bytes, header first.
    #[must_use]
    pub const fn transport(&self) -> &[u8] {
        self.transport
    }
}
