//! Which addresses are ours. The owner tells (`--local`), or the beginning of the capture does: ours is the address that most
//! sources try to reach, and among equals the one with most attempts, of IPv4 and of IPv6 one each. What was read until then is
//! held and read again once it is known.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::dissect::{Body, Packet};

/// Pairs of a source and a destination that are told apart while looking for our own address.
const MOST_PAIRS: usize = 65_536;

/// An address with the addresses around it: `192.0.2.0/24`, `2001:db8::/32`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

/// The text is no such thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address: write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32")]
pub struct ParsePrefixError;

impl Prefix {
    /// One address alone.
    #[must_use]
    pub fn alone(address: IpAddr) -> Self {
        let address = kizashi_event::canonical_ip(address);
        Self { address, length: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// First and last address as IPv6 has them.
    fn range(self) -> (u128, u128) {
        let bits = u32::from(self.length) + if self.address.is_ipv4() { 96 } else { 0 };
        let others = u128::MAX.checked_shr(bits).unwrap_or_default();
        let first = bits_of(self.address) & !others;
        (first, first | others)
    }
}

impl FromStr for Prefix {
    type Err = ParsePrefixError;

    fn from_str(text: &str) -> Result<Self, ParsePrefixError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address = address.trim().parse().map_err(|_| ParsePrefixError)?;
        let alone = Self::alone(address);
        let length = match length {
            Some(length) => length.trim().parse().map_err(|_| ParsePrefixError)?,
            None => alone.length,
        };
        if length > alone.length { Err(ParsePrefixError) } else { Ok(Self { length, ..alone }) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alone = Self::alone(self.address);
        if alone == *self {
            write!(formatter, "{}", self.address)
        } else {
            write!(formatter, "{}/{}", self.address, self.length)
        }
    }
}

/// An address as a number, IPv4 mapped into IPv6.
pub(super) fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().to_bits(),
        IpAddr::V6(six) => six.to_bits(),
    }
}

/// Our side.
#[derive(Clone, Debug, Default)]
pub(super) struct Ours {
    prefixes: Vec<Prefix>,
    ranges: Vec<(u128, u128)>,
}

impl Ours {
    pub(super) fn new(prefixes: Vec<Prefix>) -> Self {
        let ranges = prefixes.iter().map(|prefix| prefix.range()).collect();
        Self { prefixes, ranges }
    }

    pub(super) fn prefixes(&self) -> &[Prefix] {
        &self.prefixes
    }

    pub(super) fn has(&self, address: u128) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&address))
    }
}

/// What is known of an address that attempts go to.
#[derive(Debug, Default)]
struct Aimed {
    sources: u64,
    attempts: u64,
}

/// Looks for our own addresses.
#[derive(Debug, Default)]
pub(super) struct Search {
    pairs: HashSet<(IpAddr, IpAddr)>,
    aimed: HashMap<IpAddr, Aimed>,
}

impl Search {
    /// Looks at a packet.
    pub(super) fn look_at(&mut self, packet: &Packet<'_>) {
        let is_attempt = match packet.body {
            Body::Tcp(segment) => segment.header.flags.syn() && !segment.header.flags.ack(),
            Body::Udp(_) => true,
            Body::Icmp(message) => matches!(message.kind, 8 | 128),
            Body::Fragment | Body::Other => false,
        };
        let (source, destination) = (packet.ip.source, packet.ip.destination);
        if !is_attempt || !is_of_one(destination) || self.pairs.len() >= MOST_PAIRS {
            return;
        }
        let aimed = self.aimed.entry(destination).or_default();
        aimed.attempts += 1;
        aimed.sources += u64::from(self.pairs.insert((source, destination)));
    }

    /// What was found: an address of each version that anybody tried to reach.
    pub(super) fn found(&self) -> Vec<Prefix> {
        let most = |is_four: bool| {
            let of_version = self.aimed.iter().filter(|(address, _)| address.is_ipv4() == is_four);
            let best = of_version.max_by_key(|(address, aimed)| {
                (aimed.sources, aimed.attempts, std::cmp::Reverse(**address))
            });
            best.map(|(address, _)| Prefix::alone(*address))
        };
        [true, false].into_iter().filter_map(most).collect()
    }
}

/// Whether an address can be one machine's.
fn is_of_one(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            !four.is_multicast()
                && !four.is_broadcast()
                && !four.is_unspecified()
                && four.octets()[3] != 255
        }
        IpAddr::V6(six) => !six.is_multicast() && !six.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_its_addresses_and_no_others() {
        let has = |prefix: &str, address: &str| {
            Ours::new(vec![prefix.parse().unwrap()]).has(bits_of(address.parse().unwrap()))
        };
        assert!(has("192.0.2.0/24", "192.0.2.255") && !has("192.0.2.0/24", "192.0.3.0"));
        assert!(has("192.0.2.1", "192.0.2.1") && !has("192.0.2.1", "192.0.2.2"));
        assert!(has("0.0.0.0/0", "203.0.113.9") && !has("0.0.0.0/0", "2001:db8::1"));
        assert!(has("2001:db8::/32", "2001:db8:ffff::1") && !has("2001:db8::/32", "2001:db9::"));
        assert!(has("::/0", "192.0.2.1"));
        assert!(has("::ffff:192.0.2.1", "192.0.2.1"));
        for wrong in ["", "192.0.2.1/33", "x/8", "2001:db8::/129", "192.0.2.1/"] {
            assert!(wrong.parse::<Prefix>().is_err(), "{wrong}");
        }
        assert_eq!("192.0.2.0/24".parse::<Prefix>().unwrap().to_string(), "192.0.2.0/24");
    }
}
