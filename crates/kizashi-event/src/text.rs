//! Text that an attacker chose. It may hold terminal escapes, HTML, right-to-left marks or megabytes, so it is bounded when
//! made and shown only with every character that acts on a screen written out (Unicode TR 36 and TR 39; CVE-2021-42574).
//! HTML is not this type's concern: the page sets text, never markup.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Attacker-chosen text: valid UTF-8 of at most [`HostileText::MAX_BYTES`], raw inside, only shown escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct HostileText(Arc<str>);

impl HostileText {
    /// The longest text kept, in bytes; what is longer is cut and ends in `…`.
    pub const MAX_BYTES: usize = 4096;

    /// Bytes that are not UTF-8 become U+FFFD; what is past [`Self::MAX_BYTES`] is cut at a character and marked with `…`.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        // Four bytes a character at most: enough input to fill the bound, and a gigabyte costs nothing.
        let head = bytes.get(..Self::MAX_BYTES + 4).unwrap_or(bytes);
        Self::from(String::from_utf8_lossy(head).as_ref())
    }

    /// The text as the attacker sent it: for storing, comparing and hashing, never for showing.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The text made harmless for a terminal or a page (see [`escape_for_people`]).
    #[must_use]
    pub fn shown(&self) -> String {
        escape_for_people(&self.0)
    }
}

impl From<&str> for HostileText {
    fn from(text: &str) -> Self {
        if text.len() <= Self::MAX_BYTES {
            return Self(Arc::from(text));
        }
        let mark = '…';
        let mut end = Self::MAX_BYTES - mark.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(Arc::from(format!("{}{mark}", &text[..end])))
    }
}

impl From<String> for HostileText {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

/// Writes out as `\n`, `\x1b`, `\u{202e}` each character that would act on a screen instead of being seen: controls, bidirectional
/// and other formatting marks, line and paragraph separators, private use, and tags; a backslash is doubled so that
/// nothing can pretend to be such an escape.
#[must_use]
pub fn escape_for_people(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(shown, "\\x{:02x}", u32::from(control));
            }
            mark if acts_on_screen(mark) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(mark));
            }
            plain => shown.push(plain),
        }
    }
    shown
}

/// Undoes [`escape_for_people`]; a backslash that begins none of its escapes stays.
pub(crate) fn unescape(shown: &str) -> String {
    let mut text = String::with_capacity(shown.len());
    let mut rest = shown;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let simple = rest.chars().next().and_then(|c| {
            [('\\', '\\'), ('n', '\n'), ('r', '\r'), ('t', '\t')]
                .into_iter()
                .find(|(name, _)| *name == c)
        });
        let by_number = || {
            let (digits, length) = if let Some(braced) = rest.strip_prefix("u{") {
                let end = braced.find('}')?;
                (&braced[..end], end + 3)
            } else {
                (rest.strip_prefix('x')?.get(..2)?, 3)
            };
            Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, length))
        };
        match simple.map(|(_, c)| (c, 1)).or_else(by_number) {
            Some((character, length)) => {
                text.push(character);
                rest = &rest[length..];
            }
            None => text.push('\\'),
        }
    }
    text.push_str(rest);
    text
}

/// General categories Cf, Zl, Zp and Co, and the fillers that draw nothing.
const fn acts_on_screen(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_escape_a_right_to_left_mark_and_a_bell_are_written_out() {
        let text = HostileText::from("\u{1b}[2J\u{202e}gpj.exe\u{7}\r\n\u{9b}31m");
        assert_eq!(text.shown(), "\\x1b[2J\\u{202e}gpj.exe\\x07\\r\\n\\x9b31m");
    }

    #[test]
    fn a_backslash_cannot_pretend_to_be_an_escape() {
        assert_eq!(escape_for_people("\\x1b"), "\\\\x1b");
    }

    #[test]
    fn ordinary_text_of_any_language_stays_as_it_is() {
        assert_eq!(escape_for_people("root 兆し пароль <b>"), "root 兆し пароль <b>");
    }

    #[test]
    fn a_megabyte_is_cut_at_a_character_within_the_bound() {
        let long = "語".repeat(400_000);
        for text in [HostileText::from(long.as_str()), HostileText::from_bytes(long.as_bytes())] {
            assert!(text.raw().len() <= HostileText::MAX_BYTES && text.raw().ends_with('…'));
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_kept_as_replacement_characters() {
        assert_eq!(HostileText::from_bytes(b"a\xff\xfeb").raw(), "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn text_read_from_json_is_bounded_too() {
        let json = serde_json::to_string(&"x".repeat(10_000)).unwrap();
        let text: HostileText = serde_json::from_str(&json).unwrap();
        assert_eq!(text.raw().len(), HostileText::MAX_BYTES);
    }
}
