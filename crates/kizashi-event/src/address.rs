//! Where a visitor came to: a transport and a port number. An address that is IPv4 in IPv6 clothes is the IPv4 address, so
//! that one visitor is not counted as two.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// The transport protocol below the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 792 and RFC 4443; its "port" is the message type.
    Icmp,
}

impl Transport {
    /// `tcp`, `udp` or `icmp`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
        }
    }

    /// The transport of this name, whatever its case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Tcp, Self::Udp, Self::Icmp]
            .into_iter()
            .find(|transport| name.eq_ignore_ascii_case(transport.name()))
    }
}

/// A transport and a number: `tcp/445`. For ICMP the number is the message type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Port {
    /// The transport.
    pub transport: Transport,
    /// The port number, or the ICMP message type.
    pub number: u16,
}

impl Port {
    /// A TCP port.
    #[must_use]
    pub const fn tcp(number: u16) -> Self {
        Self { transport: Transport::Tcp, number }
    }

    /// A UDP port.
    #[must_use]
    pub const fn udp(number: u16) -> Self {
        Self { transport: Transport::Udp, number }
    }

    /// Both in one number, for maps and the store: transport in the high bits.
    #[must_use]
    pub const fn code(self) -> u32 {
        ((self.transport as u32) << 16) | self.number as u32
    }

    /// The port of a [`Self::code`]; `None` when the number is no such code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        let transport = match code >> 16 {
            0 => Transport::Tcp,
            1 => Transport::Udp,
            2 => Transport::Icmp,
            _ => return None,
        };
        #[allow(clippy::cast_possible_truncation, reason = "the low sixteen bits are the number")]
        Some(Self { transport, number: code as u16 })
    }

    /// Reads `tcp/445`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (transport, number) = text.split_once('/')?;
        Some(Self { transport: Transport::from_name(transport)?, number: number.parse().ok()? })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.transport.name(), self.number)
    }
}

/// The IPv4 address inside an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2); any other address as it is.
#[must_use]
pub fn canonical_ip(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// What a limit by source counts as one: an IPv4 address, or an IPv6 network of 64 bits, whose first address is given. Whoever has
/// one address of it has them all (RFC 6177).
#[must_use]
pub fn one_source(address: IpAddr) -> IpAddr {
    match canonical_ip(address) {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        four => four,
    }
}

/// The network that a visitor is counted under, by its first address: 16 bits of IPv4, 32 of IPv6, which is what a provider is
/// given at least (RFC 6177 and the registries' rules). Which autonomous system it is in would need a table that is not shipped; the store asks the owner's.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match canonical_ip(address) {
        IpAddr::V4(four) => {
            let [a, b, ..] = four.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, 0, 0))
        }
        IpAddr::V6(six) => {
            let [a, b, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0))
        }
    }
}

/// The text of the key of a network that [`network_of`] gave: `198.51.0.0/16`, `2001:db8::/32`.
#[must_use]
pub fn network_text(network: IpAddr) -> String {
    let bits = if network.is_ipv4() { 16 } else { 32 };
    format!("{network}/{bits}")
}

/// The site of an address, as far as one tenant may have all of it: 24 bits of IPv4 (the smallest network that is routed), 48 of IPv6
/// (RFC 6177). Its first address is given.
#[must_use]
pub fn site_of(address: IpAddr) -> IpAddr {
    match canonical_ip(address) {
        IpAddr::V4(four) => {
            let [a, b, c, _] = four.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(six) => {
            let [a, b, c, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_of_one_network_in_either_form_and_others_are_not() {
        let text = |address: &str| network_text(network_of(address.parse().unwrap()));
        assert_eq!(text("198.51.100.7"), "198.51.0.0/16");
        assert_eq!(text("::ffff:198.51.3.4"), "198.51.0.0/16");
        assert_eq!(text("198.52.100.7"), "198.52.0.0/16");
        assert_eq!(text("2001:db8:1::1"), "2001:db8::/32");
        assert_eq!(text("2001::1"), "2001::/32");
    }

    #[test]
    fn a_64_bit_network_is_one_source_and_each_ipv4_address_is_one_in_either_form() {
        let same =
            |a: &str, b: &str| one_source(a.parse().unwrap()) == one_source(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:0:0:2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    }

    #[test]
    fn a_site_is_24_bits_of_ipv4_and_48_of_ipv6() {
        let same = |a: &str, b: &str| site_of(a.parse().unwrap()) == site_of(b.parse().unwrap());
        assert!(same("192.0.2.1", "::ffff:192.0.2.254") && !same("192.0.2.1", "192.0.3.1"));
        assert!(same("2001:db8:7:1::1", "2001:db8:7:ffff::2"));
        assert!(!same("2001:db8:7::1", "2001:db8:8::1"));
    }

    #[test]
    fn every_port_survives_its_code_and_its_text() {
        for transport in [Transport::Tcp, Transport::Udp, Transport::Icmp] {
            for number in [0, 1, 445, 65_535] {
                let port = Port { transport, number };
                assert_eq!(Port::from_code(port.code()), Some(port));
                assert_eq!(Port::parse(&port.to_string()), Some(port));
            }
        }
        assert_eq!(Port::from_code(3 << 16), None);
        assert_eq!(Port::parse("tcp/65536"), None);
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_visitor() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(canonical_ip(mapped), "192.0.2.1".parse::<IpAddr>().unwrap());
    }
}
