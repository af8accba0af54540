//! What every trap with a terminal has in front of the machine: its size, its line editing and echo, and its way to end lines.

mod completion;
mod editor;
mod history;
mod keyboard;
mod search;

pub(crate) use completion::Completions;
pub(crate) use editor::{Manner, interrupted};
pub(crate) use history::{HISTORY, HISTORY_BYTES};
pub(crate) use keyboard::{Key, Keyboard, as_given};

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

impl Size {
    /// A size as a recording holds it.
    pub(crate) const fn frame(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.columns.to_be_bytes(), self.rows.to_be_bytes());
        [a, b, c, d]
    }
}

/// How a terminal's line discipline treats keys and output at a moment (termios).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Discipline {
    /// A shell reads keys at its prompt and edits the line itself.
    pub(crate) prompting: bool,
    /// It is readline on a terminal that it knows, and speaks to it so.
    pub(crate) edits: Option<Manner>,
    /// Keys are gathered and edited to lines; else a program gets each as it comes.
    pub(crate) canonical: bool,
    /// Keys are shown.
    pub(crate) echoes: bool,
    /// The end of a line is shown, too.
    pub(crate) echoes_newline: bool,
    /// Control-C and its kin are signals.
    pub(crate) signals: bool,
    /// A typed CR is LF.
    pub(crate) maps_return: bool,
    /// A printed LF is CR LF.
    pub(crate) adds_return: bool,
}

impl Default for Discipline {
    fn default() -> Self {
        Self {
            prompting: false,
            edits: None,
            canonical: true,
            echoes: true,
            echoes_newline: true,
            signals: true,
            maps_return: true,
            adds_return: true,
        }
    }
}

impl Discipline {
    /// Lines that are not shown, as `login` reads a password.
    pub(crate) fn hidden() -> Self {
        Self { echoes: false, ..Self::default() }
    }

    /// What the screen shows of output.
    pub(crate) fn on_screen(&self, text: &[u8]) -> Vec<u8> {
        if self.adds_return { on_screen(text) } else { text.to_vec() }
    }
}

/// What a terminal's line discipline makes of output: LF becomes CR LF.
pub(crate) fn on_screen(text: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(text.len() + 16);
    for byte in text {
        if *byte == b'\n' {
            shown.push(b'\r');
        }
        shown.push(*byte);
    }
    shown
}
