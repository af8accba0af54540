//! Keys and pointer of a client, in both forms (2.2.8.1.1.3, 2.2.8.1.2): scan codes of a keyboard as letters of an American one, since which one he has
//! changes few of them, and Unicode as it is.

use crate::screen::Input;

/// Events of one message.
const MOST: usize = 256;

/// What a client typed and where he pointed.
#[derive(Default)]
pub(super) struct Keyboard {
    input: Input,
    shift: bool,
    capitals: bool,
    /// The left button, the right one, the wheel.
    buttons: u8,
}

/// Keys of an American keyboard from their scan codes, plain and with Shift.
const ROWS: [(u8, &str, &str); 4] = [
    (0x02, "1234567890-=", "!@#$%^&*()_+"),
    (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
    (0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
];
const PAD: &str = "789-456+1230.";

impl Keyboard {
    /// Events of the slow path; the lines that they end.
    pub(super) fn slow(&mut self, content: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for event in content.get(4..).unwrap_or_default().chunks_exact(12).take(MOST) {
            let field = |at: usize| u16::from_le_bytes([event[at], event[at + 1]]);
            let (kind, flags, first, second) = (field(4), field(6), field(8), field(10));
            match kind {
                4 => lines.extend(self.scan_code(first, flags & 0x8000 == 0, flags & 0x0100 != 0)),
                5 => lines.extend(self.letter(first, flags & 0x8000 == 0)),
                0x8001 => self.pointer(flags, first, second),
                _ => {}
            }
        }
        lines
    }

    /// Events of the fast path, of which there are so many.
    pub(super) fn fast(&mut self, count: usize, mut content: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..count.min(MOST) {
            let Some((head, rest)) = content.split_first() else { break };
            let (kind, flags) = (head >> 5, head & 0x1f);
            let length = match kind {
                0 => 1,
                1 | 2 => 6,
                4 => 2,
                6 => 4,
                _ => 0,
            };
            let Some((event, rest)) = rest.split_at_checked(length) else { break };
            content = rest;
            let field = |at: usize| u16::from_le_bytes([event[at], event[at + 1]]);
            match kind {
                0 => lines.extend(self.scan_code(
                    u16::from(event[0]),
                    flags & 1 == 0,
                    flags & 2 != 0,
                )),
                1 => self.pointer(field(0), field(2), field(4)),
                4 => lines.extend(self.letter(field(0), flags & 1 == 0)),
                _ => {}
            }
        }
        lines
    }

    fn letter(&mut self, unit: u16, pressed: bool) -> Option<String> {
        let key = match unit {
            _ if !pressed => return None,
            0x0d | 0x0a => 0xff0d,
            0x08 => 0xff08,
            0x09 => 0xff09,
            unit @ 0x20..=0x7e => u32::from(unit),
            unit => 0x0100_0000 | u32::from(unit),
        };
        self.input.key(key)
    }

    fn scan_code(&mut self, code: u16, pressed: bool, extended: bool) -> Option<String> {
        let code = u8::try_from(code & 0x7f).unwrap_or(0);
        if matches!(code, 0x2a | 0x36) {
            self.shift = pressed;
            return None;
        }
        if !pressed {
            return None;
        }
        let key = match (code, extended) {
            (0x3a, _) => {
                self.capitals = !self.capitals;
                return None;
            }
            (0x1c, _) => 0xff0d,
            (0x0e, _) => 0xff08,
            (0x0f, _) => 0xff09,
            (0x01, _) => 0xff1b,
            (0x39, _) => u32::from(b' '),
            (0x1d, _) => 0xffe3,
            (0x38, _) => 0xffe9,
            (0x5b | 0x5c, true) => 0xffeb,
            (0x48, true) => 0xff52,
            (0x50, true) => 0xff54,
            (0x4b, true) => 0xff51,
            (0x4d, true) => 0xff53,
            (0x53, true) => 0xffff,
            (0x3e, _) => 0xffc1,
            (0x35, true) => u32::from(b'/'),
            (0x37, false) => u32::from(b'*'),
            (0x47..=0x53, false) => {
                let digit = PAD.as_bytes().get(usize::from(code) - 0x47);
                u32::from(digit.copied().unwrap_or(b'?'))
            }
            _ => u32::from(self.on_board(code)?),
        };
        self.input.key(key)
    }

    fn on_board(&self, code: u8) -> Option<u8> {
        ROWS.iter().find_map(|(first, plain, shifted)| {
            let place = usize::from(code.checked_sub(*first)?);
            let key = *plain.as_bytes().get(place)?;
            let upper = self.shift != (self.capitals && key.is_ascii_alphabetic());
            if upper { shifted.as_bytes().get(place).copied() } else { Some(key) }
        })
    }

    fn pointer(&mut self, flags: u16, x: u16, y: u16) {
        for (bit, button) in [(0x1000, 1), (0x2000, 2), (0x4000, 4)] {
            if flags & bit != 0 {
                let down = flags & 0x8000 != 0;
                self.buttons = if down { self.buttons | button } else { self.buttons & !button };
            }
        }
        self.input.pointer(self.buttons, x, y);
    }

    /// What was typed and not ended.
    pub(super) fn rest(&mut self) -> Option<String> {
        self.input.rest()
    }

    /// How the pointer moved, if it did.
    pub(super) fn pointed(&self) -> Option<String> {
        self.input.told()
    }

    pub(super) fn memory(&self) -> usize {
        self.input.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(codes: &[(u8, bool)]) -> Vec<u8> {
        codes.iter().flat_map(|(code, down)| [u8::from(!down), *code]).collect()
    }

    #[test]
    fn a_password_typed_by_scan_codes_is_read_with_its_capitals() {
        let mut keyboard = Keyboard::default();
        // Shift P, Shift up, a, Caps s, 4, Caps, Backspace, Shift 1, Return.
        let codes = [
            (0x2a, true),
            (0x19, true),
            (0x2a, false),
            (0x1e, true),
            (0x3a, true),
            (0x1f, true),
            (0x05, true),
            (0x3a, true),
            (0x0e, true),
            (0x36, true),
            (0x02, true),
            (0x36, false),
            (0x1c, true),
        ];
        assert_eq!(keyboard.fast(codes.len(), &pressed(&codes)), ["PaS!"]);
        let mut event = vec![1, 0, 0, 0, 0, 0, 0, 0];
        event.extend([5, 0, 0, 0, 0xe9, 0, 0, 0]);
        assert!(keyboard.slow(&event).is_empty());
        assert_eq!(keyboard.rest().as_deref(), Some("é"));
    }

    #[test]
    fn clicks_are_told_and_cut_events_are_none() {
        let mut keyboard = Keyboard::default();
        let click = [0x20, 0x00, 0x90, 5, 0, 9, 0];
        (0..click.len()).for_each(|end| assert!(keyboard.fast(9, &click[..end]).is_empty()));
        keyboard.fast(1, &click);
        assert_eq!(keyboard.pointed().as_deref(), Some("1 events, 1 clicks: 1@5,9"));
        assert!(keyboard.slow(&[0; 3]).is_empty());
    }
}
