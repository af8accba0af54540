//! Sets of ports as ascending ranges: what traps listen on, what real services have.

use serde::{Deserialize, Serialize};

/// Ports of one transport.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSet {
    /// First and last, ascending, not touching each other.
    ranges: Vec<(u16, u16)>,
}

impl PortSet {
    /// A set of these ports.
    #[must_use]
    pub fn of(ports: impl IntoIterator<Item = u16>) -> Self {
        let mut ports: Vec<u16> = ports.into_iter().collect();
        ports.sort_unstable();
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for port in ports {
            match ranges.last_mut() {
                Some((_, last)) if port <= last.saturating_add(1) => *last = port,
                _ => ranges.push((port, port)),
            }
        }
        Self { ranges }
    }

    /// Whether this port is among them.
    #[must_use]
    pub fn has(&self, port: u16) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= port);
        let before = after.checked_sub(1).and_then(|at| self.ranges.get(at));
        before.is_some_and(|(_, last)| port <= *last)
    }

    /// First and last of each range.
    #[must_use]
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.ranges
    }

    /// Those that are not in another set.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self::of(self.ports().filter(|port| !other.has(*port)))
    }

    /// Each port, ascending.
    pub fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.ranges.iter().flat_map(|(first, last)| *first..=*last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_has_the_ports_that_were_put_in_and_no_others(
            ports in prop::collection::btree_set(any::<u16>(), 0..60),
            near in prop::collection::btree_set(0_u16..40, 0..30),
        ) {
            for ports in [ports, near] {
                let set = PortSet::of(ports.iter().copied());
                prop_assert_eq!(set.ports().collect::<Vec<_>>(), ports.iter().copied().collect::<Vec<_>>());
                for port in 0..=u16::MAX {
                    prop_assert_eq!(set.has(port), ports.contains(&port));
                }
            }
        }
    }
}
