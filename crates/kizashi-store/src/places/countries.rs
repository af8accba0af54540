//! Countries by their two letters (ISO 3166-1), and what people call them.

use std::fmt;

/// `code<TAB>name` in the order of codes; lines that begin with `#` say where it comes from.
const NAMES: &str = include_str!("../../data/countries.tsv");

/// The two capital letters of a country or area: `DE`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// Reads two capital letters.
    #[must_use]
    pub const fn parse(text: &str) -> Option<Self> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Some(Self([a, b])),
            _ => None,
        }
    }

    /// The letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What people call the country of this code: `Germany`; `None` where no list of countries has it.
#[must_use]
pub fn country_name(code: &str) -> Option<&'static str> {
    let mut lines = NAMES.lines().filter(|line| !line.starts_with('#'));
    lines.find_map(|line| line.split_once('\t').filter(|(of, _)| *of == code).map(|(_, name)| name))
}
