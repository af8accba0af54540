//! What the listings of the command put on a terminal: tables, sparklines, numbers, a line of progress. Pure functions from
//! values to text; nothing here opens, reads or prints anything, and whether there is a terminal, how wide it is, which time
//! it is and which zone are parameters.
//!
//! Nothing that an attacker chose reaches a terminal with an effect: every text goes through [`harmless`] or
//! [`escape_for_people`] on its way into a line, and colours are added after that.

mod numbers;
mod progress;
mod sparkline;
mod table;
mod unicode;
mod width;

use kizashi_event::escape_for_people;

pub(crate) use numbers::{bytes, local_minute, local_second, thousands};
pub(crate) use progress::{Place, Progress};
pub(crate) use sparkline::sparkline;
pub(crate) use table::{Cell, Column, Table};

/// What a text is to the reader; on a terminal without colours it is the text alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As the rest.
    #[default]
    Plain,
    /// Headings.
    Strong,
    /// What can be overlooked.
    Faint,
    /// As it should be.
    Good,
    /// Wants a look.
    Warning,
    /// Wants a person.
    Alarm,
}

/// Whether colours are wanted: on a terminal, unless `NO_COLOR` is set to anything but nothing (<https://no-color.org>).
pub(crate) fn wants_colours(is_terminal: bool, no_color: Option<&str>) -> bool {
    is_terminal && no_color.is_none_or(str::is_empty)
}

/// The text in the tone's colour (ECMA-48 SGR) when `colours` is set, else as it is.
pub(crate) fn painted(text: &str, tone: Tone, colours: bool) -> String {
    let code = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Strong => "1",
        Tone::Faint => "2",
        Tone::Good => "32",
        Tone::Warning => "33",
        Tone::Alarm => "1;31",
    };
    if colours && !text.is_empty() {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// A text of the program's own, which may hold parts that are escaped already: like [`escape_for_people`], but a backslash
/// stays one.
pub(crate) fn harmless(text: &str) -> String {
    text.split('\\').map(escape_for_people).collect::<Vec<_>>().join("\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_need_a_terminal_and_no_refusal() {
        assert!(wants_colours(true, None) && wants_colours(true, Some("")));
        assert!(!wants_colours(true, Some("1")) && !wants_colours(false, None));
    }

    #[test]
    fn without_colours_no_escape_is_written() {
        assert_eq!(painted("down", Tone::Alarm, false), "down");
        assert_eq!(painted("down", Tone::Alarm, true), "\u{1b}[1;31mdown\u{1b}[0m");
        assert_eq!(painted("", Tone::Alarm, true), "");
    }

    #[test]
    fn what_is_escaped_already_is_not_escaped_twice_and_what_is_not_is() {
        assert_eq!(harmless("user:\\x1b[2J"), "user:\\x1b[2J");
        assert_eq!(harmless("a\u{1b}[2J\\n\u{202e}b"), "a\\x1b[2J\\n\\u{202e}b");
    }
}
