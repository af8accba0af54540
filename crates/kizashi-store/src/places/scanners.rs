//! Research scanners and those who sell what they find: known by ranges of addresses, or by the end of the name that their addresses have. The
//! built-in list (`data/scanners.tsv`) names a source and a date in each line; the owner's own lines go before it. It is a label to
//! count and to show by: an address that changes hands keeps it, so nothing is left out of anything by it unless the owner says so.

use std::net::IpAddr;
use std::sync::LazyLock;

use kizashi_event::canonical_ip;

/// Lines of a list at most.
const MOST_LINES: usize = 100_000;
/// Different scanners of a list at most.
const MOST_NAMES: usize = 4_096;
/// Characters of a scanner's name.
const LONGEST_NAME: usize = 64;

/// The list that the program brings.
static BUILT_IN: LazyLock<Scanners> =
    LazyLock::new(|| Scanners::parse(include_str!("../../data/scanners.tsv")).unwrap_or_default());

/// A list of scanners.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scanners {
    names: Vec<Box<str>>,
    /// Ascending, not overlapping; IPv4 as IPv6 has it.
    ranges: Vec<Range>,
    /// Ends of names, with their dot.
    ends: Vec<(Box<str>, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    first: u128,
    last: u128,
    name: usize,
}

impl Scanners {
    /// The list that the program brings.
    pub(super) fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads lines of a range, an address or the end of a name, a tab, and who that is; what follows another tab is for people. Lines
    /// that begin with `#` are too.
    ///
    /// # Errors
    /// The line, and what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut list = Self::default();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if at >= MOST_LINES {
                return Err(format!("it has more than {MOST_LINES} lines"));
            }
            list.add(line).map_err(|reason| format!("line {}: {reason}", at + 1))?;
        }
        list.ranges.sort_unstable();
        let mut merged: Vec<Range> = Vec::with_capacity(list.ranges.len());
        for range in &list.ranges {
            match merged.last_mut().filter(|before| range.first <= before.last) {
                None => merged.push(*range),
                Some(before) if before.name == range.name => {
                    before.last = before.last.max(range.last);
                }
                Some(before) => {
                    let name = |at: usize| list.names.get(at).map_or("", AsRef::as_ref);
                    return Err(format!(
                        "a range of {} lies in one of {}",
                        name(range.name),
                        name(before.name)
                    ));
                }
            }
        }
        list.ranges = merged;
        Ok(list)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let mut fields = line.split('\t');
        let what = fields.next().unwrap_or_default().trim();
        let who = fields.next().map(str::trim).filter(|who| !who.is_empty());
        let who = who.ok_or("write a range, a tab and a name")?;
        if who.chars().count() > LONGEST_NAME {
            return Err(format!("a name has at most {LONGEST_NAME} characters"));
        }
        let name = match self.names.iter().position(|known| **known == *who) {
            Some(name) => name,
            None if self.names.len() >= MOST_NAMES => {
                return Err(format!("there are more than {MOST_NAMES} names"));
            }
            None => {
                self.names.push(who.into());
                self.names.len() - 1
            }
        };
        if what.starts_with('.') && what.len() > 1 {
            self.ends.push((what.to_ascii_lowercase().into(), name));
            return Ok(());
        }
        let (first, last) = range(what).ok_or(
            "that is no range: write 192.0.2.0/24, 2001:db8::/32, an address, or the end of a name such as .example.org",
        )?;
        self.ranges.push(Range { first, last, name });
        Ok(())
    }

    /// Whose address this is.
    pub(super) fn find(&self, address: IpAddr) -> Option<&str> {
        let address = bits(canonical_ip(address));
        let at = self.ranges.partition_point(|range| range.first <= address).checked_sub(1)?;
        let range = self.ranges.get(at).filter(|range| address <= range.last)?;
        self.names.get(range.name).map(AsRef::as_ref)
    }

    /// Whose name this is. Anybody may give his address any name: ask only with one that leads back to the address.
    pub(super) fn named(&self, host: &str) -> Option<&str> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let fits = |end: &str| host.ends_with(end) || host == end.trim_start_matches('.');
        let (_, name) = self.ends.iter().find(|(end, _)| fits(end))?;
        self.names.get(*name).map(AsRef::as_ref)
    }

    pub(super) fn bytes(&self) -> usize {
        self.ranges.len() * size_of::<Range>()
            + self.names.iter().map(|name| name.len()).sum::<usize>()
    }

    /// Ranges and ends of names, for people.
    pub(super) const fn counts(&self) -> (usize, usize) {
        (self.ranges.len(), self.ends.len())
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().to_bits(),
        IpAddr::V6(six) => six.to_bits(),
    }
}

/// The first and last address of a range.
fn range(text: &str) -> Option<(u128, u128)> {
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let (most, before) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
    let length: u32 = length.map_or(Some(most), |length| length.parse().ok())?;
    if length > most {
        return None;
    }
    let others = u128::MAX.checked_shr(before + length).unwrap_or_default();
    let first = bits(address) & !others;
    Some((first, first | others))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(list: &Scanners, address: &str) -> Option<String> {
        list.find(address.parse().unwrap()).map(str::to_owned)
    }

    #[test]
    fn the_list_that_is_brought_is_whole_and_each_line_says_where_it_is_from_and_when() {
        let text = include_str!("../../data/scanners.tsv");
        let list = Scanners::parse(text).unwrap();
        assert!(list.counts().0 > 40 && list.counts().1 > 10, "{:?}", list.counts());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 4, "{line}");
            assert!(fields[2].len() > 5 && fields[3].len() == 10, "{line}");
        }
        assert_eq!(Scanners::built_in(), &list);
    }

    #[test]
    fn an_address_belongs_to_a_range_at_both_its_ends_and_not_beside_them() {
        let list = Scanners::built_in();
        for inside in
            ["162.142.125.0", "162.142.125.255", "::ffff:162.142.125.9", "2602:80d:1003::ffff"]
        {
            assert_eq!(whose(list, inside).as_deref(), Some("Censys"), "{inside}");
        }
        for beside in
            ["162.142.124.255", "162.142.126.0", "2602:80d:1003::1:0", "::", "255.255.255.255"]
        {
            assert_eq!(whose(list, beside), None, "{beside}");
        }
        assert_eq!(whose(list, "71.6.135.131").as_deref(), Some("Shodan"));
        assert_eq!(whose(list, "71.6.135.132"), None);
    }

    #[test]
    fn names_count_by_their_whole_last_parts() {
        let list = Scanners::built_in();
        assert_eq!(list.named("zg-0823b-90.Stretchoid.com."), Some("Stretchoid"));
        assert_eq!(list.named("onyphe.net"), Some("ONYPHE"));
        for other in ["notstretchoid.com", "stretchoid.com.example.org", "", "."] {
            assert_eq!(list.named(other), None, "{other}");
        }
    }

    #[test]
    fn a_list_with_a_fault_is_refused_with_its_line() {
        for (text, said) in [
            ("1.2.3.0/24", "line 1"),
            ("# x\n1.2.3.0/33\tA", "line 2"),
            ("example.org\tA", "line 1"),
            (".\tA", "line 1"),
            ("1.2.3.0/24\tA\n1.2.3.9\tB", "A"),
            ("1.2.3.0/24\tA\n1.2.3.1\tA\n1.2.3.9\tB", "A"),
        ] {
            let error = Scanners::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        let list = Scanners::parse("1.2.3.0/24\tA\n1.2.3.9\tA\n1.2.3.128/25\tA\n").unwrap();
        assert_eq!(list.counts().0, 1);
        assert_eq!(whose(&list, "1.2.3.255").as_deref(), Some("A"));
    }
}
