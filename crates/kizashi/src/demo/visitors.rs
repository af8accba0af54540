//! Addresses of made-up visitors. They come from ranges set aside for documentation, benchmarks and shared use alone, so
//! that no dashboard picture, report or blocklist of a demo ever names a real machine: 198.18.0.0/15 (RFC 2544),
//! 100.64.0.0/10 (RFC 6598), 192.0.2.0/24 and 198.51.100.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849). The third network of
//! RFC 5737, 203.0.113.0/24, is where the demo's own sensor stands.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::chance::{Chance, scrambled};

/// The address of the demo's sensor.
pub(super) const SENSOR_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 10));

/// One visitor in so many comes from one of the two small networks: the machines that scan everyone every day.
const RESIDENT_SHARE: f64 = 0.08;
/// One visitor in so many comes over IPv6.
const IPV6_SHARE: f64 = 0.02;

/// A visitor of the usual noise: anyone out of four million, some of them known from before.
pub(super) fn anyone(chance: &mut Chance) -> IpAddr {
    if chance.happens(RESIDENT_SHARE) {
        let host = low_byte(1 + chance.below(254));
        return IpAddr::V4(if chance.happens(0.5) {
            Ipv4Addr::new(192, 0, 2, host)
        } else {
            Ipv4Addr::new(198, 51, 100, host)
        });
    }
    if chance.happens(IPV6_SHARE) {
        return documentation_v6(chance.bits());
    }
    made_up_v4(chance.bits())
}

/// The machines of one campaign: as many as `size`, each always at the same address, most of them in a few networks.
#[derive(Clone, Debug)]
pub(super) struct Swarm {
    seed: u64,
    size: u64,
}

impl Swarm {
    /// How many networks (of 4,096 addresses) most of a swarm lives in.
    const NETWORKS: u64 = 24;

    /// A swarm of `size` machines (at least one); the seed decides their addresses.
    pub(super) const fn new(seed: u64, size: u64) -> Self {
        Self { seed, size: if size == 0 { 1 } else { size } }
    }

    /// One of its machines.
    pub(super) fn member(&self, chance: &mut Chance) -> IpAddr {
        let machine = scrambled(self.seed ^ scrambled(chance.below(self.size)));
        if machine.is_multiple_of(64) {
            return documentation_v6(machine);
        }
        if machine.is_multiple_of(3) {
            return made_up_v4(machine);
        }
        let network = scrambled(self.seed.wrapping_add((machine >> 20) % Self::NETWORKS));
        made_up_v4((network & !0xfff) | (machine & 0xfff))
    }
}

/// One of the 4.3 million addresses of 100.64.0.0/10 and 198.18.0.0/15.
fn made_up_v4(bits: u64) -> IpAddr {
    const SHARED: u64 = 1 << 22;
    const BENCHMARK: u64 = 1 << 17;
    let index = bits % (SHARED + BENCHMARK);
    let (base, offset) = if index < SHARED {
        (Ipv4Addr::new(100, 64, 0, 0), index)
    } else {
        (Ipv4Addr::new(198, 18, 0, 0), index - SHARED)
    };
    IpAddr::V4(Ipv4Addr::from_bits(base.to_bits() + u32::try_from(offset).unwrap_or(0)))
}

/// An address of 2001:db8::/32, one machine a /64.
fn documentation_v6(bits: u64) -> IpAddr {
    let network = (0x2001_0db8_u128 << 96) | (u128::from(bits & 0xffff_ffff) << 64);
    IpAddr::V6(Ipv6Addr::from_bits(network | u128::from(scrambled(bits))))
}

/// The lowest eight bits.
pub(super) const fn low_byte(number: u64) -> u8 {
    number.to_le_bytes()[0]
}

#[cfg(test)]
pub(super) fn is_made_up(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => match four.octets() {
            [100, second, ..] => (64..128).contains(&second),
            [198, 18 | 19, ..] | [192, 0, 2, _] | [198, 51, 100, _] => true,
            _ => false,
        },
        IpAddr::V6(six) => six.segments()[..2] == [0x2001, 0xdb8],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_address_of_a_real_machine_is_ever_drawn() {
        let mut chance = Chance::new(1, 1);
        let swarm = Swarm::new(5, 100_000);
        for _ in 0..200_000 {
            for address in [anyone(&mut chance), swarm.member(&mut chance)] {
                assert!(is_made_up(address), "{address}");
            }
        }
        assert!(!is_made_up(SENSOR_ADDRESS));
    }

    #[test]
    fn a_swarm_has_as_many_machines_as_it_says_and_they_come_back() {
        let mut chance = Chance::new(1, 2);
        let swarm = Swarm::new(9, 500);
        let seen: HashSet<IpAddr> = (0..20_000).map(|_| swarm.member(&mut chance)).collect();
        assert!((480..=500).contains(&seen.len()), "{}", seen.len());
        let other = Swarm::new(10, 500);
        let strangers: HashSet<IpAddr> = (0..20_000).map(|_| other.member(&mut chance)).collect();
        assert!(seen.intersection(&strangers).count() < 5);
    }
}
