//! Text measured in columns of a terminal, and cut to a number of them. Whoever stacks a thousand accents on one letter gains
//! nothing: from the third on each counts as a column, so that a cell has a bound in bytes too.

use std::borrow::Cow;

use super::unicode::{is_combining, is_wide};

/// Accents on one letter that take no column; languages need no more.
const FREE_ACCENTS: usize = 2;

/// Columns that a text takes; controls, which no text here should hold, count one.
pub(crate) fn width(text: &str) -> usize {
    columns(text).map(|(_, taken)| taken).sum()
}

/// The text, cut to `most` columns and ended by `…` where something is missing; empty when `most` is 0.
pub(crate) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    let Some(room) = most.checked_sub(1) else { return Cow::Borrowed("") };
    let mut end = 0;
    let mut used = 0;
    for (character, (at, taken)) in text.chars().zip(columns(text)) {
        used += taken;
        if used > room {
            break;
        }
        end = at + character.len_utf8();
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

/// The text with spaces before or behind it, `least` columns wide at least.
pub(crate) fn padded(text: &str, least: usize, align: Align) -> String {
    let spaces = " ".repeat(least.saturating_sub(width(text)));
    match align {
        Align::Left => format!("{text}{spaces}"),
        Align::Right => format!("{spaces}{text}"),
    }
}

/// On which side of its column a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// The place of each character and the columns it takes.
fn columns(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut accents = 0;
    text.char_indices().map(move |(at, character)| {
        if is_combining(character) {
            accents += 1;
            return (at, usize::from(accents > FREE_ACCENTS));
        }
        accents = 0;
        (at, if is_wide(character) { 2 } else { 1 })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_are_those_of_a_terminal() {
        for (text, columns) in [
            ("root", 4),
            ("兆し", 4),
            ("ｱ", 1),
            ("Ａ", 2),
            ("пароль", 6),
            ("e\u{301}", 1),
            ("가", 2),
            ("🦀", 2),
            ("…", 1),
            ("", 0),
            ("\u{e01}\u{e34}\u{e48}", 1),
            ("ประ", 3),
        ] {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn a_wide_character_is_never_cut_in_half() {
        assert_eq!(cut("兆し来る", 4), "兆…");
        assert_eq!(cut("兆し来る", 5), "兆し…");
        assert_eq!(cut("兆し来る", 8), "兆し来る");
        assert_eq!((cut("ab", 1), cut("ab", 0)), (Cow::from("…"), Cow::from("")));
    }

    #[test]
    fn an_accent_without_a_letter_does_not_move_what_follows() {
        assert_eq!(width(&padded("\u{dd6}", 2, Align::Left)), 2);
    }

    #[test]
    fn a_thousand_accents_fill_a_cell_and_no_more() {
        let stacked = format!("a{}", "\u{301}".repeat(1_000));
        assert!(cut(&stacked, 10).chars().count() <= 12);
    }

    proptest! {
        #[test]
        fn what_is_cut_fits_and_what_fits_is_left_alone(text in "\\PC{0,60}", most in 0_usize..80) {
            let shown = cut(&text, most);
            prop_assert!(width(&shown) <= most);
            if width(&text) <= most {
                prop_assert_eq!(shown.as_ref(), text.as_str());
            }
        }

        #[test]
        fn what_is_padded_is_as_wide_as_asked(text in "\\PC{0,20}", least in 0_usize..60) {
            for align in [Align::Left, Align::Right] {
                let shown = padded(&text, least, align);
                prop_assert!(width(&shown) >= least && shown.contains(&text));
            }
        }
    }
}
