//! What can be wrong with a packet, counted by kind. A packet that lies is never an error: it is told apart, counted, and what can
//! still be believed of it is used.

use serde::Serialize;
use serde::ser::SerializeMap as _;

/// One kind of wrongness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The frame ends within its link header.
    LinkCut,
    /// The packet ends within its IP header.
    IpCut,
    /// The version is neither 4 nor 6, or not the one that the link names.
    IpVersion,
    /// The header's length is less than a header's.
    IpHeaderLength,
    /// The total length is less than the header's.
    IpTotalShort,
    /// The total length is more than what came.
    IpTotalLong,
    /// The IPv4 header's sum is wrong.
    IpChecksum,
    /// IPv6's extension headers do not end.
    Ipv6Chain,
    /// A first fragment too small for the header within it (RFC 1858).
    TinyFragment,
    /// The segment or datagram ends within its header.
    TransportCut,
    /// TCP's header length is less than a header's, or more than what came.
    TcpHeaderLength,
    /// TCP's options lie about their length.
    TcpOptions,
    /// UDP's length is less than its header's, or more than what came.
    UdpLength,
    /// The transport's sum is wrong: no machine would have taken the packet.
    Checksum,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::LinkCut,
        Self::IpCut,
        Self::IpVersion,
        Self::IpHeaderLength,
        Self::IpTotalShort,
        Self::IpTotalLong,
        Self::IpChecksum,
        Self::Ipv6Chain,
        Self::TinyFragment,
        Self::TransportCut,
        Self::TcpHeaderLength,
        Self::TcpOptions,
        Self::UdpLength,
        Self::Checksum,
    ];

    /// A few words for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LinkCut => "link header cut short",
            Self::IpCut => "IP header cut short",
            Self::IpVersion => "wrong IP version",
            Self::IpHeaderLength => "wrong IP header length",
            Self::IpTotalShort => "IP length less than its header",
            Self::IpTotalLong => "IP length beyond the packet",
            Self::IpChecksum => "wrong IP checksum",
            Self::Ipv6Chain => "IPv6 extension headers without an end",
            Self::TinyFragment => "first fragment without a whole header",
            Self::TransportCut => "transport header cut short",
            Self::TcpHeaderLength => "wrong TCP header length",
            Self::TcpOptions => "broken TCP options",
            Self::UdpLength => "wrong UDP length",
            Self::Checksum => "wrong checksum",
        }
    }
}

/// How often each kind was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults([u64; Fault::ALL.len()]);

impl Faults {
    /// Counts one.
    pub fn add(&mut self, fault: Fault) {
        if let Some(count) = self.0.get_mut(fault as usize) {
            *count += 1;
        }
    }

    /// How often this one was met.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.0.get(fault as usize).copied().unwrap_or_default()
    }

    /// Those that were met, with how often.
    pub fn met(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.into_iter().map(|fault| (fault, self.of(fault))).filter(|(_, count)| *count > 0)
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Serialize for Faults {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (fault, count) in self.met() {
            map.serialize_entry(fault.name(), &count)?;
        }
        map.end()
    }
}
