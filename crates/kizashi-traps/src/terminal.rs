//! What every trap with a terminal has in front of the machine: its size, its line editing and echo, and its way to end lines.

mod keyboard;

pub(crate) use keyboard::{Key, Keyboard};

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
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
