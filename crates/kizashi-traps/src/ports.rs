//! Ports as an owner writes them: `1-1024,2222,3000-3010`. Kept as merged ranges, so that `1-65535` costs one.

use std::fmt;
use std::str::FromStr;

/// A set of port numbers from 1 to 65535.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortList {
    /// Ascending, not touching each other.
    ranges: Vec<(u16, u16)>,
}

/// The text was no list of ports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortListError {
    /// A part is no number and no range.
    #[error(
        "`{0}` is not a port: write numbers from 1 to 65535 and ranges such as 3000-3010, with commas between"
    )]
    NotAPort(String),
    /// A range ends before it begins.
    #[error("`{0}` ends before it begins: write the smaller port first")]
    Backwards(String),
}

impl PortList {
    /// The longest list read, in bytes.
    pub const MAX_TEXT: usize = 64 * 1024;

    /// A list of these ports; 0 is left out.
    #[must_use]
    pub fn of(ports: impl IntoIterator<Item = u16>) -> Self {
        Self::merged(ports.into_iter().filter(|port| *port != 0).map(|port| (port, port)).collect())
    }

    fn merged(mut ranges: Vec<(u16, u16)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        Self { ranges: merged }
    }

    /// Each port once, ascending.
    pub fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.ranges.iter().flat_map(|&(first, last)| first..=last)
    }

    /// How many ports.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.iter().map(|&(first, last)| usize::from(last - first) + 1).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether this port is among them.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.ranges.iter().any(|&(first, last)| (first..=last).contains(&port))
    }
}

impl FromStr for PortList {
    type Err = PortListError;

    /// Reads a list; spaces around numbers, doubled and overlapping parts and an empty text are fine.
    fn from_str(text: &str) -> Result<Self, PortListError> {
        if text.len() > Self::MAX_TEXT {
            let head: String = text.chars().take(20).collect();
            return Err(PortListError::NotAPort(format!("{head}…")));
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',')
            .map(|part| parse_part(part.trim()))
            .collect::<Result<_, _>>()
            .map(Self::merged)
    }
}

fn parse_part(part: &str) -> Result<(u16, u16), PortListError> {
    let port = |text: &str| {
        let text = text.trim();
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if plain { text.parse::<u16>().ok() } else { None };
        number
            .filter(|port| *port != 0)
            .ok_or_else(|| PortListError::NotAPort(part.chars().take(40).collect()))
    };
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let range = (port(first)?, port(last)?);
    if range.0 > range.1 { Err(PortListError::Backwards(part.to_owned())) } else { Ok(range) }
}

impl fmt::Display for PortList {
    /// The shortest text that [`PortList::from_str`] reads as the same list.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(formatter, "{comma}{first}")?;
            } else {
                write!(formatter, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_lists_ranges_spaces_and_overlaps() {
        let list: PortList = " 3000-3010, 22,1-5,4-8,9 ".parse().unwrap();
        assert_eq!(list.to_string(), "1-9,22,3000-3010");
        assert_eq!(list.len(), 9 + 1 + 11);
        assert_eq!("1-65535".parse::<PortList>().unwrap().ports().count(), 65_535);
        assert!("".parse::<PortList>().unwrap().is_empty());
    }

    #[test]
    fn refuses_what_is_no_port_and_says_what_to_write() {
        for text in ["0", "65536", "a", "1-", "-1", "1,,2", "1-2-3", "+1", "1.5", "22 23", "１"] {
            let error = text.parse::<PortList>().unwrap_err();
            assert!(matches!(error, PortListError::NotAPort(_)), "{text}: {error}");
        }
        assert_eq!("9-1".parse::<PortList>(), Err(PortListError::Backwards("9-1".to_owned())));
    }

    proptest! {
        #[test]
        fn a_list_is_the_set_that_was_written(parts in prop::collection::vec((1_u16..=65_535, 0_u16..50), 0..40)) {
            let mut expected = BTreeSet::new();
            let mut text = Vec::new();
            for (first, length) in parts {
                let last = first.saturating_add(length);
                expected.extend(first..=last);
                text.push(format!("{first}-{last}"));
            }
            let list: PortList = text.join(",").parse().unwrap();
            prop_assert_eq!(list.ports().collect::<BTreeSet<_>>(), expected.clone());
            prop_assert_eq!(list.ports().count(), expected.len());
            prop_assert_eq!(list.len(), expected.len());
            prop_assert_eq!(&list.to_string().parse::<PortList>().unwrap(), &list);
            prop_assert_eq!(PortList::of(expected), list);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            crate::fuzz::port_list(&text);
        }
    }
}
