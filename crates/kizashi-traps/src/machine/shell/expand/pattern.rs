//! Patterns: `*`, `?`, `[…]`, and bash's `@(…)` only as text. Matching goes back to the last star alone, so it costs at most the product
//! of both lengths, and that is metered.

use crate::machine::commands::meter::Meter;

/// A pattern read once.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    Any,
    Many,
    Set { negated: bool, ranges: Vec<(u8, u8)> },
}

/// A class's name and what is in it.
type Class = (&'static [u8], fn(u8) -> bool);

const CLASSES: [Class; 11] = [
    (b"alpha", |byte| byte.is_ascii_alphabetic()),
    (b"digit", |byte| byte.is_ascii_digit()),
    (b"alnum", |byte| byte.is_ascii_alphanumeric()),
    (b"upper", |byte| byte.is_ascii_uppercase()),
    (b"lower", |byte| byte.is_ascii_lowercase()),
    (b"space", |byte| matches!(byte, 9..=13 | 32)),
    (b"blank", |byte| byte == b' ' || byte == b'\t'),
    (b"punct", |byte| byte.is_ascii_punctuation()),
    (b"xdigit", |byte| byte.is_ascii_hexdigit()),
    (b"cntrl", |byte| byte.is_ascii_control()),
    (b"print", |byte| (32..127).contains(&byte)),
];

/// The ranges of a class by name.
pub(crate) fn class(name: &[u8]) -> Option<Vec<(u8, u8)>> {
    let (_, test) = CLASSES.iter().find(|(found, _)| *found == name)?;
    Some((0..=255).filter(|byte| test(*byte)).map(|byte| (byte, byte)).collect())
}

/// First and last bytes.
pub(crate) type Ranges = Vec<(u8, u8)>;

/// Reads `[…]` whose bracket is at the beginning: negation, ranges, length.
pub(crate) fn set(text: &[u8], negations: &[u8]) -> Option<(bool, Ranges, usize)> {
    let mut at = 1;
    let negated = text.get(at).is_some_and(|byte| negations.contains(byte));
    at += usize::from(negated);
    let mut ranges = Vec::new();
    let mut first = true;
    loop {
        let byte = *text.get(at)?;
        if byte == b']' && !first {
            return Some((negated, ranges, at + 1));
        }
        first = false;
        if byte == b'[' && text.get(at + 1) == Some(&b':') {
            let rest = text.get(at + 2..)?;
            if let Some(end) = rest.windows(2).position(|pair| pair == b":]") {
                ranges.extend(class(rest.get(..end)?).unwrap_or_default());
                at += end + 4;
                continue;
            }
        }
        match (text.get(at + 1), text.get(at + 2)) {
            (Some(b'-'), Some(last)) if *last != b']' => {
                ranges.push((byte, *last));
                at += 3;
            }
            _ => {
                ranges.push((byte, byte));
                at += 1;
            }
        }
    }
}

impl Pattern {
    /// `quoted` tells of each byte whether it means itself.
    pub(crate) fn new(text: &[u8], quoted: &[bool]) -> Self {
        let is_quoted = |place: usize| quoted.get(place).copied().unwrap_or(false);
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            let piece = match byte {
                _ if is_quoted(at) => Piece::Byte(*byte),
                b'*' => Piece::Many,
                b'?' => Piece::Any,
                b'[' => match set(&text[at..], b"!^") {
                    Some((negated, ranges, length)) => {
                        at += length - 1;
                        Piece::Set { negated, ranges }
                    }
                    None => Piece::Byte(b'['),
                },
                b'\\' if at + 1 < text.len() && quoted.is_empty() => {
                    at += 1;
                    Piece::Byte(text[at])
                }
                _ => Piece::Byte(*byte),
            };
            if piece != Piece::Many || pieces.last() != Some(&Piece::Many) {
                pieces.push(piece);
            }
            at += 1;
        }
        Self(pieces)
    }

    /// A pattern all of whose bytes are unquoted, backslashes quoting.
    pub(crate) fn of(text: &[u8]) -> Self {
        Self::new(text, &[])
    }

    /// Whether there is anything in it but text.
    pub(crate) fn is_pattern(&self) -> bool {
        self.0.iter().any(|piece| !matches!(piece, Piece::Byte(_)))
    }

    /// The text that it means, where it is nothing but text.
    pub(crate) fn text(&self) -> Option<Vec<u8>> {
        let byte = |piece: &Piece| match piece {
            Piece::Byte(byte) => Some(*byte),
            _ => None,
        };
        self.0.iter().map(byte).collect()
    }

    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        self.matches_within(text, &Meter::default())
    }

    /// The same under a meter; where that is used up nothing matches.
    pub(crate) fn matches_within(&self, text: &[u8], meter: &Meter) -> bool {
        let mut left = meter.left() as usize;
        let matches = self.compare(text, &mut left);
        meter.take(meter.left() as usize - left);
        matches
    }

    fn compare(&self, text: &[u8], left: &mut usize) -> bool {
        let (mut piece, mut at) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            if *left == 0 {
                return false;
            }
            *left -= 1;
            match self.0.get(piece) {
                Some(Piece::Many) => {
                    star = Some((piece, at));
                    piece += 1;
                }
                Some(found) if found.takes(text[at]) => {
                    piece += 1;
                    at += 1;
                }
                _ => {
                    let Some((place, from)) = star else { return false };
                    star = Some((place, from + 1));
                    piece = place + 1;
                    at = from + 1;
                }
            }
        }
        self.0[piece.min(self.0.len())..].iter().all(|piece| *piece == Piece::Many)
    }
}

impl Piece {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::Any => true,
            Self::Many => false,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&byte)) != *negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_the_shell_does() {
        for (pattern, text, expected) in [
            ("*.sh", "a.sh", true),
            ("*.sh", "a.shx", false),
            ("a?c", "abc", true),
            ("[a-c]*", "bob", true),
            ("[!a-c]*", "bob", false),
            ("[[:digit:]]x", "7x", true),
            ("a\\*b", "a*b", true),
            ("[]x]", "]", true),
            ("[", "[", true),
            ("*a*b*", "xxaxxbxx", true),
        ] {
            assert_eq!(
                Pattern::of(pattern.as_bytes()).matches(text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(!Pattern::new(b"*", &[true]).matches(b"x"));
    }

    proptest! {
        #[test]
        fn stars_cost_little(text in "[ab]{0,400}") {
            let _ = Pattern::of(b"*a*a*a*a*a*a*a*a*a*a*c").matches(text.as_bytes());
        }
    }
}
