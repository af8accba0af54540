//! The terminal line (termios, canonical mode): keys become lines, with echo. Over Telnet CR LF, CR NUL, a bare CR and a bare LF each
//! end a line once (RFC 854 and what clients really send); on another terminal CR and LF each end one. A line is bounded as Linux bounds
//! it; what is past it is dropped.

/// Bytes of a line that Linux's N_TTY takes.
pub(crate) const LINE: usize = 4_095;

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Nothing to act on yet.
    Typed,
    /// A line is complete.
    Line(Vec<u8>),
    /// Control-C; what was typed is gone.
    Interrupt,
    /// Control-D on an empty line.
    EndOfFile,
}

/// The line being typed.
#[derive(Default)]
pub(crate) struct Keyboard {
    line: Vec<u8>,
    after_cr: bool,
    /// CR is a key like any other, and LF after it ends another line.
    plain: bool,
}

impl Keyboard {
    /// A terminal's keyboard, not Telnet's.
    pub(crate) fn of_terminal() -> Self {
        Self { plain: true, ..Self::default() }
    }

    /// Takes a byte; `echo` gets what the terminal would show, the line's end not among it.
    pub(crate) fn press(&mut self, byte: u8, echo: Option<&mut Vec<u8>>) -> Key {
        let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        let mut silent = Vec::new();
        let echo = echo.unwrap_or(&mut silent);
        match byte {
            b'\n' | 0 if after_cr && !self.plain => {}
            0 => {}
            b'\r' | b'\n' => return Key::Line(std::mem::take(&mut self.line)),
            3 => {
                self.line = Vec::new();
                echo.extend_from_slice(b"^C");
                return Key::Interrupt;
            }
            4 if self.line.is_empty() => return Key::EndOfFile,
            4 => {}
            8 | 127 => self.erase(echo),
            21 => {
                while !self.line.is_empty() {
                    self.erase(echo);
                }
            }
            _ if self.line.len() >= LINE => {}
            control if control < 32 && control != b'\t' => {
                self.line.push(control);
                echo.extend([b'^', control + 64]);
            }
            other => {
                self.line.push(other);
                echo.push(other);
            }
        }
        Key::Typed
    }

    fn erase(&mut self, echo: &mut Vec<u8>) {
        let width = match self.line.pop() {
            None => 0,
            Some(control) if control < 32 && control != b'\t' => 2,
            Some(_) => 1,
        };
        for _ in 0..width {
            echo.extend_from_slice(b"\x08 \x08");
        }
    }

    pub(crate) fn memory(&self) -> usize {
        self.line.len()
    }

    /// What was typed and not ended.
    pub(crate) fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let (mut keyboard, mut lines, mut echo) = (Keyboard::default(), Vec::new(), Vec::new());
        for byte in bytes {
            if let Key::Line(line) = keyboard.press(*byte, Some(&mut echo)) {
                lines.push(line);
            }
        }
        (lines, echo)
    }

    #[test]
    fn each_of_the_four_line_ends_ends_one_line() {
        let (lines, echo) = lines(b"a\r\nb\r\0c\nd\re\r\n\r\n");
        assert_eq!(lines, [&b"a"[..], b"b", b"c", b"d", b"e", b""]);
        assert_eq!(echo, b"abcde");
    }

    #[test]
    fn erasing_works_and_stops_at_the_beginning() {
        let (lines, echo) = lines(b"ab\x7f\x7f\x7fc\x15de\n");
        assert_eq!(lines, [b"de"]);
        assert_eq!(echo, b"ab\x08 \x08\x08 \x08c\x08 \x08de");
    }

    #[test]
    fn a_gigabyte_without_an_end_is_held_to_a_terminals_line() {
        let mut keyboard = Keyboard::default();
        for _ in 0..1_000_000 {
            assert_eq!(keyboard.press(b'x', None), Key::Typed);
        }
        assert_eq!(keyboard.memory(), LINE);
    }
}
