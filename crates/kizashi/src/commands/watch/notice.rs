//! `--notify`: the terminal's own notification and its bell when a sign is raised while the screen stands there. Two sequences are in use: OSC 9 (iTerm2, WezTerm,
//! kitty, Ghostty, Windows Terminal), and OSC 777 with `notify` (rxvt-unicode, foot, and terminals built on VTE). A terminal that knows neither ignores
//! them; one that knows both would tell twice, so one is chosen. Inside tmux a sequence is wrapped (`allow-passthrough on` lets it out); the bell
//! goes through everywhere. What stands in a title was chosen by strangers: nothing in it may end or lengthen the sequence.

use std::collections::HashSet;

use kizashi_event::Timestamp;

use super::look::SignRow;
use crate::cli::TerminalNotice;

/// Characters of a title.
const LONGEST: usize = 120;
/// Ids that are remembered; far more than a look holds.
const MOST_KNOWN: usize = 10_000;

/// Microseconds within which a sign that is over is news.
const FRESH: i64 = 600 * Timestamp::SECOND;

/// Signs that were there or were told.
pub(super) struct Known(HashSet<String>);

impl Known {
    /// Those that are there at the start are no news.
    pub(super) fn of(signs: &[SignRow]) -> Self {
        Self(signs.iter().map(|sign| sign.id.clone()).collect())
    }

    /// The titles of those that were raised since, each once; what its owner silenced is told by none. One that is over is news only where it was
    /// just raised, as that of a trap that misbehaved: it lasts a moment, and is the gravest there is.
    pub(super) fn news(&mut self, signs: &[SignRow], now: Timestamp) -> Vec<String> {
        if self.0.len() > MOST_KNOWN {
            *self = Self::of(signs);
        }
        let mut news = Vec::new();
        for sign in signs {
            let is_fresh = sign.open || now.since(sign.detected) < FRESH;
            if self.0.insert(sign.id.clone()) && is_fresh && !sign.muted {
                news.push(format!("{} ({})", sign.title, sign.severity.name()));
            }
        }
        news
    }
}

/// What the environment says of the terminal.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) term: String,
    pub(super) vte: bool,
    pub(super) tmux: bool,
}

impl Surroundings {
    /// Of this process.
    pub(super) fn here() -> Self {
        Self {
            term: std::env::var("TERM").unwrap_or_default(),
            vte: std::env::var_os("VTE_VERSION").is_some(),
            tmux: std::env::var_os("TMUX").is_some(),
        }
    }
}

/// The bytes that make the terminal tell of this.
pub(super) fn bytes_of(title: &str, wish: TerminalNotice, around: &Surroundings) -> Vec<u8> {
    let text = harmless(title);
    let is_777 = around.vte || ["foot", "rxvt"].iter().any(|name| around.term.starts_with(name));
    let sequence = match wish {
        TerminalNotice::Bell => String::new(),
        TerminalNotice::Osc777 => format!("\x1b]777;notify;Kizashi;{text}\x1b\\"),
        TerminalNotice::Auto if is_777 => format!("\x1b]777;notify;Kizashi;{text}\x1b\\"),
        // Never a digit first: `9;4;…` is a progress bar to some.
        TerminalNotice::Auto | TerminalNotice::Osc9 => format!("\x1b]9;Kizashi: {text}\x1b\\"),
    };
    let sequence = match around.tmux && !sequence.is_empty() {
        true => format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")),
        false => sequence,
    };
    let mut bytes = sequence.into_bytes();
    bytes.push(0x07);
    bytes
}

/// On one line, without what separates or ends: letters of every language stay.
fn harmless(title: &str) -> String {
    let escaped = kizashi_event::escape_for_people(title);
    escaped
        .chars()
        .map(|character| match character {
            ';' => ',',
            other if other.is_control() => ' ',
            other => other,
        })
        .take(LONGEST)
        .collect()
}

#[cfg(test)]
mod tests {
    use kizashi_signs::Severity;
    use proptest::prelude::*;

    use super::*;

    fn sign(id: &str, open: bool, muted: bool) -> SignRow {
        SignRow {
            id: id.to_owned(),
            severity: Severity::High,
            open,
            muted,
            is_misbehaviour: false,
            title: format!("tcp/23  {id}"),
            detected: Timestamp::from_seconds(0),
            paragraphs: Vec::new(),
        }
    }

    #[test]
    fn a_sign_is_told_once_and_what_was_there_or_is_silenced_never() {
        let mut known = Known::of(&[sign("a", true, false)]);
        let now = [sign("a", true, false), sign("b", true, false), sign("c", true, true)];
        let later = Timestamp::from_seconds(86_400);
        assert_eq!(known.news(&now, later), ["tcp/23  b (high)"]);
        assert!(known.news(&now, later).is_empty());
        assert!(known.news(&[sign("d", false, false)], later).is_empty());
        // A trap's misbehaviour is over as soon as it is known.
        let moment = SignRow { detected: later, ..sign("e", false, false) };
        assert_eq!(known.news(&[moment], later), ["tcp/23  e (high)"]);
    }

    #[test]
    fn each_terminal_gets_the_sequence_that_it_knows_and_the_bell() {
        let around = |term: &str, vte, tmux| Surroundings { term: term.to_owned(), vte, tmux };
        let told =
            |wish, around: &Surroundings| String::from_utf8(bytes_of("SSH", wish, around)).unwrap();
        let plain = around("xterm-256color", false, false);
        assert_eq!(told(TerminalNotice::Auto, &plain), "\x1b]9;Kizashi: SSH\x1b\\\x07");
        let foot = around("foot", false, false);
        assert_eq!(told(TerminalNotice::Auto, &foot), "\x1b]777;notify;Kizashi;SSH\x1b\\\x07");
        assert_eq!(told(TerminalNotice::Osc9, &foot), "\x1b]9;Kizashi: SSH\x1b\\\x07");
        assert_eq!(told(TerminalNotice::Bell, &plain), "\x07");
        let tmux = around("screen", true, true);
        assert_eq!(
            told(TerminalNotice::Auto, &tmux),
            "\x1bPtmux;\x1b\x1b]777;notify;Kizashi;SSH\x1b\x1b\\\x1b\\\x07"
        );
    }

    proptest! {
        #[test]
        fn no_title_ends_its_sequence_or_begins_another(title in ".{0,300}", c1 in prop::char::range('\u{80}', '\u{9f}')) {
            let title = format!("{title}\x07\x1b]0;{c1}x\n");
            let bytes = bytes_of(&title, TerminalNotice::Osc777, &Surroundings::default());
            let text = String::from_utf8(bytes).unwrap();
            let inner = text.strip_prefix("\x1b]777;notify;Kizashi;").and_then(|it| it.strip_suffix("\x1b\\\x07")).unwrap();
            prop_assert!(!inner.chars().any(|it| it.is_control() || it == ';'), "{inner:?}");
            prop_assert!(inner.chars().count() <= LONGEST);
        }
    }
}
