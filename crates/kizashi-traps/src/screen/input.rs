//! Keys and pointer, gathered: what was typed up to a Return is a command; how the pointer moved is one note.

use std::fmt::Write as _;

/// Bytes of a line, and clicks that are told.
const LINE: usize = 512;
const CLICKS: usize = 24;

#[derive(Default)]
pub(crate) struct Input {
    line: String,
    moves: u64,
    buttons: u8,
    clicks: Vec<(u8, u16, u16)>,
    clicked: u64,
}

impl Input {
    /// A key was pressed; the line that it ends.
    pub(crate) fn key(&mut self, key: u32) -> Option<String> {
        match key {
            0xff0d | 0xff8d => return Some(std::mem::take(&mut self.line)),
            0xff08 => {
                self.line.pop();
            }
            0x20..=0x7e | 0xa0..=0xff => self.put(char::from_u32(key).unwrap_or('?')),
            0x0100_0000..=0x0110_ffff => self.put(char::from_u32(key & 0x00ff_ffff).unwrap_or('?')),
            // Shift, Control and their like, of which what is typed speaks; Alt, Super and the rest are named.
            0xffe1 | 0xffe2 | 0xffe5 | 0xfe03 => {}
            other => {
                if self.line.len() + 12 <= LINE {
                    match name(other) {
                        Some(name) => {
                            let _ = write!(self.line, "<{name}>");
                        }
                        None => {
                            let _ = write!(self.line, "<{other:#06x}>");
                        }
                    }
                }
            }
        }
        if self.line.len() >= LINE {
            return Some(std::mem::take(&mut self.line));
        }
        None
    }

    fn put(&mut self, letter: char) {
        self.line.push(letter);
    }

    pub(crate) fn pointer(&mut self, buttons: u8, x: u16, y: u16) {
        self.moves += 1;
        let pressed = buttons & !self.buttons;
        self.buttons = buttons;
        if pressed != 0 {
            self.clicked += 1;
            if self.clicks.len() < CLICKS {
                let button = u8::try_from(pressed.trailing_zeros() + 1).unwrap_or(0);
                self.clicks.push((button, x, y));
            }
        }
    }

    /// What was typed and not ended.
    pub(crate) fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.line);
        (!rest.is_empty()).then_some(rest)
    }

    /// How the pointer moved, if it did.
    pub(crate) fn told(&self) -> Option<String> {
        if self.moves == 0 {
            return None;
        }
        let each: Vec<String> =
            self.clicks.iter().map(|(button, x, y)| format!("{button}@{x},{y}")).collect();
        Some(format!("{} events, {} clicks: {}", self.moves, self.clicked, each.join(" ")))
    }

    pub(crate) fn memory(&self) -> usize {
        self.line.len() + self.clicks.len() * 8
    }
}

const fn name(key: u32) -> Option<&'static str> {
    Some(match key {
        0xff09 => "Tab",
        0xff1b => "Escape",
        0xff50 => "Home",
        0xff51 => "Left",
        0xff52 => "Up",
        0xff53 => "Right",
        0xff54 => "Down",
        0xff57 => "End",
        0xffff => "Delete",
        0xffe3 | 0xffe4 => "Control",
        0xffe7..=0xffea => "Alt",
        0xffeb | 0xffec => "Super",
        0xffc1 => "F4",
        _ => return None,
    })
}
