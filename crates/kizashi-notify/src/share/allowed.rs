//! Who is on no list, whatever he does: addresses that are nobody's in particular, the owner's own, those he is logged in from, and those that
//! he names. Nothing overrules it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks named at most.
const MOST: usize = 10_000;

/// Addresses and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Vec<(IpAddr, u32)>);

impl Allowed {
    /// Reads addresses and networks such as `192.0.2.0/24`.
    ///
    /// # Errors
    /// In half a sentence, which is none.
    pub fn of<T: AsRef<str>>(texts: &[T]) -> Result<Self, String> {
        if texts.len() > MOST {
            return Err(format!("at most {MOST} can be named"));
        }
        texts.iter().map(|text| network(text.as_ref())).collect::<Result<Vec<_>, _>>().map(Self)
    }

    /// The same with some more; what cannot be read is left out.
    #[must_use]
    pub fn with<T: AsRef<str>>(mut self, texts: &[T]) -> Self {
        self.0.extend(texts.iter().take(MOST).filter_map(|text| network(text.as_ref()).ok()));
        self
    }

    /// Whether an address is on no list.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_nobodys(address) || self.0.iter().any(|network| is_within(address, *network))
    }
}

fn network(text: &str) -> Result<(IpAddr, u32), String> {
    let wrong = || format!("{text:?} is no address or network such as 192.0.2.0/24");
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let address = address.parse::<IpAddr>().map_err(|_| wrong())?.to_canonical();
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = length.unwrap_or(longest);
    if length > longest { Err(wrong()) } else { Ok((address, length)) }
}

fn is_within(address: IpAddr, (network, length): (IpAddr, u32)) -> bool {
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            length == 0 || (a.to_bits() ^ b.to_bits()) >> (32 - length) == 0
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            length == 0 || (a.to_bits() ^ b.to_bits()) >> (128 - length) == 0
        }
        _ => false,
    }
}

/// Private, shared, loopback, link-local, multicast, broadcast and unspecified ones (RFC 6890).
fn is_nobodys(address: IpAddr) -> bool {
    let shared = (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10);
    match address {
        IpAddr::V4(four) => {
            four.is_private()
                || four.is_loopback()
                || four.is_link_local()
                || four.is_multicast()
                || four.is_broadcast()
                || four.octets()[0] == 0
                || is_within(address, shared)
        }
        IpAddr::V6(six) => {
            six.is_loopback()
                || six == Ipv6Addr::UNSPECIFIED
                || six.is_multicast()
                || six.is_unique_local()
                || six.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_and_those_that_are_named_are_held_and_no_others() {
        let allowed = Allowed::of(&["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]).unwrap();
        let allowed = allowed.with(&["203.0.113.9", "nonsense"]);
        for held in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "224.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::",
            "::ffff:192.168.1.1",
            "192.0.2.255",
            "2001:db8:ffff::1",
            "198.51.100.7",
            "::ffff:198.51.100.7",
            "203.0.113.9",
        ] {
            assert!(allowed.holds(held.parse().unwrap()), "{held}");
        }
        for other in ["192.0.3.0", "198.51.100.8", "2001:db9::1", "8.8.8.8", "100.128.0.1"] {
            assert!(!allowed.holds(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused_and_a_length_of_nought_is_everybody() {
        for wrong in ["", "a", "192.0.2.0/33", "::/129", "192.0.2.0/-1", "192.0.2/24"] {
            assert!(Allowed::of(&[wrong]).is_err(), "{wrong}");
        }
        assert!(Allowed::of(&["0.0.0.0/0"]).unwrap().holds("8.8.8.8".parse().unwrap()));
    }
}
