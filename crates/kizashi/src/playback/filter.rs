//! Terminal output made harmless. A shell's output needs the cursor moved and lines erased, so it cannot simply be escaped; but
//! what a visitor makes a terminal say may also set its title, answer back, print to files or hide lines (CVE-2003-0063 and its many
//! successors). What passes: text, carriage return, newline, tab, backspace, and the CSI sequences that move the cursor, erase, insert,
//! delete, scroll and colour, with plain numbers. Everything else is swallowed, whole where its end is seen.

use std::fmt::Write as _;

use kizashi_event::escape_for_people;

/// Characters of a sequence's parameters.
const PARAMETERS: usize = 24;
/// The final letters that pass (ECMA-48: CUU … CUP, ED, EL, IL, DL, DCH, SU, SD, ECH, ICH, VPA, HVP, SGR).
const HARMLESS: &str = "ABCDEFGHJKLMPSTX@dfm";

#[derive(Default)]
enum State {
    #[default]
    Text,
    Escape,
    /// One character more, as in `ESC ( B`.
    Charset,
    Csi(String),
    /// A sequence that does not pass, up to its final letter.
    BadCsi,
    /// OSC, DCS, SOS, PM or APC, up to BEL or ST.
    Chain,
    ChainEscape,
}

/// Takes bytes cut anywhere and gives what a terminal may be shown.
#[derive(Default)]
pub(crate) struct SafeTerminal {
    state: State,
    /// The beginning of a character whose rest has not come.
    partial: Vec<u8>,
}

impl SafeTerminal {
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(bytes);
        let mut shown = String::with_capacity(all.len());
        for chunk in all.utf8_chunks() {
            chunk.valid().chars().for_each(|character| self.take(character, &mut shown));
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            let last = all.ends_with(invalid) && could_go_on(invalid);
            if last && std::ptr::eq(&invalid[invalid.len() - 1], &all[all.len() - 1]) {
                self.partial = invalid.to_vec();
            } else {
                self.take('\u{fffd}', &mut shown);
            }
        }
        shown
    }

    fn take(&mut self, character: char, shown: &mut String) {
        let state = std::mem::take(&mut self.state);
        self.state = match (state, character) {
            (State::Chain | State::ChainEscape, '\u{7}' | '\u{9c}' | '\u{18}' | '\u{1a}') => {
                State::Text
            }
            (State::Chain, '\u{1b}') => State::ChainEscape,
            (State::ChainEscape, '\\') => State::Text,
            (State::Chain | State::ChainEscape, _) => State::Chain,
            (_, '\u{1b}') => State::Escape,
            (State::Escape, '[') | (State::Text, '\u{9b}') => State::Csi(String::new()),
            (State::Escape, ']' | 'P' | 'X' | '^' | '_')
            | (State::Text, '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => State::Chain,
            (State::Escape, ' '..='/') => State::Charset,
            (State::Escape | State::Charset, _) => State::Text,
            (State::Csi(parameters), character) => csi(parameters, character, shown),
            (State::BadCsi, '@'..='~') => State::Text,
            (State::BadCsi, _) => State::BadCsi,
            (State::Text, character) => {
                text(character, shown);
                State::Text
            }
        };
    }
}

fn csi(mut parameters: String, character: char, shown: &mut String) -> State {
    match character {
        '0'..='9' | ';' if parameters.len() < PARAMETERS => {
            parameters.push(character);
            State::Csi(parameters)
        }
        '@'..='~' => {
            if HARMLESS.contains(character) {
                let _ = write!(shown, "\u{1b}[{parameters}{character}");
            }
            State::Text
        }
        _ => State::BadCsi,
    }
}

fn text(character: char, shown: &mut String) {
    match character {
        '\r' | '\n' | '\t' | '\u{8}' | ' '..='~' => shown.push(character),
        control if control.is_control() => {}
        other => shown.push_str(&escape_for_people(other.encode_utf8(&mut [0; 4]))),
    }
}

/// Whether these bytes are the beginning of a character.
fn could_go_on(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Text alone: the same with every sequence left out, line ends as newlines.
pub(crate) fn plain(shown: &str) -> String {
    let mut text = String::with_capacity(shown.len());
    let mut rest = shown;
    while let Some(start) = rest.find('\u{1b}') {
        text.push_str(&rest[..start]);
        let end = rest[start..].find(|letter: char| HARMLESS.contains(letter));
        rest = end.map_or("", |end| &rest[start + end + 1..]);
    }
    text.push_str(rest);
    text.replace("\r\n", "\n").replace('\r', "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(bytes: &[u8]) -> String {
        SafeTerminal::default().feed(bytes)
    }

    #[test]
    fn cursor_colour_and_erasing_pass() {
        let bytes = b"\x1b[H\x1b[2J\x1b[1;31mroot\x1b[0m\r\n\x1b[3A\x08 \x08";
        assert_eq!(shown(bytes).as_bytes(), bytes);
        assert_eq!(plain(&shown(bytes)), "root\n\u{8} \u{8}");
    }

    #[test]
    fn what_acts_on_the_terminal_or_answers_back_is_swallowed() {
        for bytes in [
            &b"\x1b]0;title\x07"[..],
            b"\x1b]52;c;cm0gLXJm\x1b\\",
            b"\x1bP$q\"p\x1b\\",
            b"\x1b[c",
            b"\x1b[6n",
            b"\x1b[?1049h",
            b"\x1b[>0q",
            b"\x1b[5i",
            b"\x1b[21t",
            b"\x1bc",
            b"\x1b(0",
            b"\x1b[1 q",
            b"\x9b6n\x07\x05",
            b"\xc2\x9b6n",
            b"\xc2\x9d0;x\xc2\x9c",
            b"\x1b[111111111111111111111111111111111A",
        ] {
            let left = shown(bytes);
            assert!(
                left.chars().all(|c| c == '\u{fffd}' || c == '6' || c == 'n'),
                "{bytes:?}: {left:?}"
            );
        }
        assert_eq!(shown("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    proptest! {
        #[test]
        fn only_the_safe_sequences_are_left_however_the_bytes_are_cut(
            bytes in prop::collection::vec(prop_oneof![Just(27_u8), prop::sample::select(b"[]P;?0123mAHhnc\\\x07\x9b".to_vec()), any::<u8>()], 0..200),
            cut in 1_usize..9,
        ) {
            let whole = shown(&bytes);
            let mut terminal = SafeTerminal::default();
            let pieces: String = bytes.chunks(cut).map(|piece| terminal.feed(piece)).collect();
            prop_assert_eq!(&pieces, &whole);
            let mut rest = whole.as_str();
            while let Some(start) = rest.find('\u{1b}') {
                let sequence = &rest[start + 1..];
                prop_assert!(sequence.starts_with('['));
                let end = sequence.find(|c: char| HARMLESS.contains(c)).unwrap();
                prop_assert!(sequence[1..end].chars().all(|c| c.is_ascii_digit() || c == ';'));
                rest = &sequence[end + 1..];
            }
            let only_plain = whole.chars().all(|c| !c.is_control() || "\r\n\t\u{8}\u{1b}".contains(c));
            prop_assert!(only_plain);
        }
    }
}
