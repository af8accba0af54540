//! Ranges of addresses with a value each: where they begin, sorted, IPv4 and the upper 64 bits of IPv6 apart (what lies below belongs
//! to one site, RFC 6177). A range ends where the next one begins; a look-up is a binary search.

use std::net::IpAddr;

/// What is found of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges<V> {
    four: Column<u32, V>,
    six: Column<u64, V>,
}

/// Ascending beginnings, and what begins there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column<A, V> {
    begins: Vec<A>,
    values: Vec<Option<V>>,
}

impl<A, V> Default for Column<A, V> {
    fn default() -> Self {
        Self { begins: Vec::new(), values: Vec::new() }
    }
}

impl<A: Copy + Ord, V: Copy + PartialEq> Column<A, V> {
    /// Adds the range that begins at `begin` and, until another one is added, goes on for ever; neighbours of one value become one
    /// range. `false` where it lies before the last one.
    pub(super) fn begin(&mut self, begin: A, value: Option<V>) -> bool {
        match self.begins.last() {
            Some(last) if *last > begin => return false,
            Some(last) if *last == begin => {
                self.begins.pop();
                self.values.pop();
            }
            _ => {}
        }
        if self.values.last() != Some(&value) {
            self.begins.push(begin);
            self.values.push(value);
        }
        true
    }

    pub(super) const fn len(&self) -> usize {
        self.begins.len()
    }

    fn find(&self, address: A) -> Option<V> {
        let at = self.begins.partition_point(|begin| *begin <= address).checked_sub(1)?;
        self.values.get(at).copied().flatten()
    }

    fn bytes(&self) -> usize {
        self.begins.capacity() * size_of::<A>() + self.values.capacity() * size_of::<Option<V>>()
    }
}

impl<V: Copy + PartialEq> Ranges<V> {
    /// Takes the columns and lets go of the room that they did not need.
    pub(super) fn new(mut four: Column<u32, V>, mut six: Column<u64, V>) -> Self {
        four.begins.shrink_to_fit();
        four.values.shrink_to_fit();
        six.begins.shrink_to_fit();
        six.values.shrink_to_fit();
        Self { four, six }
    }

    pub(super) fn find(&self, address: IpAddr) -> Option<V> {
        match address {
            IpAddr::V4(four) => self.four.find(four.to_bits()),
            IpAddr::V6(six) => self.six.find(upper(six.to_bits())),
        }
    }

    /// Whether anything is known of any address.
    pub(super) fn knows_any(&self) -> bool {
        self.four.values.iter().chain(&self.six.values).any(Option::is_some)
    }

    pub(super) fn bytes(&self) -> usize {
        self.four.bytes() + self.six.bytes()
    }

    /// Every beginning of IPv4, for tests of borders.
    #[cfg(test)]
    pub(super) fn begins(&self) -> (&[u32], &[u64]) {
        (&self.four.begins, &self.six.begins)
    }
}

/// The upper 64 bits of an IPv6 address.
#[allow(clippy::cast_possible_truncation, reason = "what is left are 64 bits")]
pub(super) const fn upper(address: u128) -> u64 {
    (address >> 64) as u64
}
