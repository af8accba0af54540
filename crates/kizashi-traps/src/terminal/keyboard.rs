//! The terminal line (termios, canonical mode): keys become lines, with echo. Over Telnet CR LF, CR NUL, a bare CR and a bare LF each
//! end a line once (RFC 854 and what clients really send); on another terminal CR and LF each end one. A line is bounded as Linux bounds
//! it; what is past it is dropped. Where a program has switched that off (`stty raw`), it gets each key as it comes.

use super::completion::Completions;
use super::editor::{Edited, Editor};
use super::{Discipline, Size};

/// Bytes of a line that Linux's N_TTY takes.
pub(crate) const LINE: usize = 4_095;

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Nothing to act on yet.
    Typed,
    /// A line is complete.
    Line(Vec<u8>),
    /// A key for a program that edits no line.
    Byte(u8),
    /// Control-C; what was typed is gone.
    Interrupt,
    /// Control-backslash.
    Quit,
    /// Control-Z.
    Stop,
    /// Control-D on an empty line.
    EndOfFile,
    /// A shell's own editor wants to know how the word before the cursor could go on: [`Keyboard::complete`].
    Complete,
    /// It has cleared the screen and wants its prompt: [`Keyboard::paint`].
    Redraw,
    /// It wants the lines of earlier sessions: [`Keyboard::recollect`].
    Recollect,
}

/// The line being typed.
#[derive(Default)]
pub(crate) struct Keyboard {
    line: Vec<u8>,
    after_cr: bool,
    /// CR is a key like any other, and LF after it ends another line.
    plain: bool,
    /// The line at a prompt of a shell that edits it itself.
    editor: Option<Box<Editor>>,
}

/// A line as it is given to a shell: what was pasted in several lines is one command, so that their ends are zero bytes, which no key
/// types, until the shell has taken all of it.
pub(crate) fn as_given(line: &[u8]) -> Vec<u8> {
    line.iter().map(|byte| if *byte == b'\n' { 0 } else { *byte }).collect()
}

impl Keyboard {
    /// A terminal's keyboard, not Telnet's.
    pub(crate) fn of_terminal() -> Self {
        Self { plain: true, ..Self::default() }
    }

    /// Takes a byte; `shown` gets what the terminal would show.
    pub(crate) fn press(&mut self, byte: u8, mode: Discipline, shown: &mut Vec<u8>) -> Key {
        let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        let follows = after_cr && !self.plain && matches!(byte, b'\n' | 0);
        if follows {
            return Key::Typed;
        }
        if let (true, Some(manner)) = (mode.prompting && mode.canonical, mode.edits) {
            let mut silent = Vec::new();
            let echo = if mode.echoes { shown } else { &mut silent };
            return match self.editor.get_or_insert_default().press(byte, manner, echo) {
                Edited::Typed => Key::Typed,
                Edited::Line(line) => Key::Line(line),
                Edited::Interrupt => Key::Interrupt,
                Edited::EndOfFile => Key::EndOfFile,
                Edited::Complete => Key::Complete,
                Edited::Redraw => Key::Redraw,
                Edited::Recollect => Key::Recollect,
            };
        }
        if mode.canonical && matches!(byte, b'\r' | b'\n') {
            if mode.echoes_newline {
                shown.extend_from_slice(if mode.adds_return { b"\r\n" } else { b"\n" });
            }
            return Key::Line(std::mem::take(&mut self.line));
        }
        let mut silent = Vec::new();
        let echo = if mode.echoes { shown } else { &mut silent };
        match byte {
            26 | 28 if mode.prompting => {}
            3 | 26 | 28 if mode.signals => return self.signal(byte, echo),
            _ if !mode.canonical => return Self::pass(byte, mode, echo),
            0 => {}
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

    /// A key that is a signal; what was typed is gone.
    fn signal(&mut self, byte: u8, echo: &mut Vec<u8>) -> Key {
        self.line = Vec::new();
        echo.extend([b'^', byte + 64]);
        match byte {
            3 => Key::Interrupt,
            28 => Key::Quit,
            _ => Key::Stop,
        }
    }

    /// A key that no line gathers.
    fn pass(byte: u8, mode: Discipline, echo: &mut Vec<u8>) -> Key {
        let byte = if byte == b'\r' && mode.maps_return { b'\n' } else { byte };
        match byte {
            b'\n' if mode.adds_return => echo.extend_from_slice(b"\r\n"),
            b'\n' | b'\t' | 32.. => echo.push(byte),
            control => echo.extend([b'^', control + 64]),
        }
        Key::Byte(byte)
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
        self.line.len() + self.editor.as_ref().map_or(0, |editor| editor.memory())
    }

    /// What was typed and not ended.
    pub(crate) fn take_rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.line);
        rest.extend(self.editor.as_mut().map(|editor| editor.take_rest()).unwrap_or_default());
        rest
    }

    /// What stands before the cursor, for its completion.
    pub(crate) fn before(&self) -> &[u8] {
        self.editor.as_ref().map_or(&[], |editor| editor.before())
    }

    /// Answers [`Key::Complete`].
    pub(crate) fn complete(&mut self, found: Completions, size: Size, shown: &mut Vec<u8>) {
        let columns = if size.columns == 0 { 80 } else { size.columns.into() };
        if let Some(editor) = &mut self.editor {
            editor.complete(found, columns, shown);
        }
    }

    /// Answers [`Key::Recollect`].
    pub(crate) fn recollect(&mut self, lines: Vec<Vec<u8>>, prompt: Vec<u8>, shown: &mut Vec<u8>) {
        if let Some(editor) = &mut self.editor {
            editor.recollect(lines, prompt, shown);
        }
    }

    /// The line again, as readline shows it when the window has another size.
    pub(crate) fn repaint(&self, prompt: &[u8], shown: &mut Vec<u8>) {
        if let Some(editor) = &self.editor {
            shown.extend_from_slice(b"\r\x1b[K\r");
            editor.paint(prompt, shown);
        }
    }

    /// Answers [`Key::Redraw`] with the prompt, as the screen gets it.
    pub(crate) fn paint(&self, prompt: &[u8], shown: &mut Vec<u8>) {
        if let Some(editor) = &self.editor {
            editor.paint(prompt, shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let (mut keyboard, mut lines, mut echo) = (Keyboard::default(), Vec::new(), Vec::new());
        for byte in bytes {
            if let Key::Line(line) = keyboard.press(*byte, Discipline::default(), &mut echo) {
                lines.push(line);
            }
        }
        (lines, echo)
    }

    #[test]
    fn each_of_the_four_line_ends_ends_one_line() {
        let (lines, echo) = lines(b"a\r\nb\r\0c\nd\re\r\n\r\n");
        assert_eq!(lines, [&b"a"[..], b"b", b"c", b"d", b"e", b""]);
        assert_eq!(echo, b"a\r\nb\r\nc\r\nd\r\ne\r\n\r\n");
    }

    #[test]
    fn erasing_works_and_stops_at_the_beginning() {
        let (lines, echo) = lines(b"ab\x7f\x7f\x7fc\x15de\n");
        assert_eq!(lines, [b"de"]);
        assert_eq!(echo, b"ab\x08 \x08\x08 \x08c\x08 \x08de\r\n");
    }

    #[test]
    fn a_gigabyte_without_an_end_is_held_to_a_terminals_line() {
        let mut keyboard = Keyboard::default();
        for _ in 0..1_000_000 {
            let key = keyboard.press(b'x', Discipline::hidden(), &mut Vec::new());
            assert_eq!(key, Key::Typed);
        }
        assert_eq!(keyboard.memory(), LINE);
    }

    #[test]
    fn a_program_that_edits_no_line_gets_each_key() {
        let raw = Discipline { canonical: false, adds_return: false, ..Discipline::default() };
        let (mut keyboard, mut shown) = (Keyboard::of_terminal(), Vec::new());
        let mut keys: Vec<Key> = Vec::new();
        for byte in *b"a\r\x7f\x03" {
            keys.push(keyboard.press(byte, raw, &mut shown));
        }
        assert_eq!(keys, [Key::Byte(b'a'), Key::Byte(b'\n'), Key::Byte(127), Key::Interrupt]);
        assert_eq!(shown, b"a\n\x7f^C");
        let silent = Discipline { signals: false, maps_return: false, echoes: false, ..raw };
        assert_eq!(keyboard.press(3, silent, &mut shown), Key::Byte(3));
        assert_eq!(keyboard.press(b'\r', silent, &mut shown), Key::Byte(b'\r'));
        assert_eq!(shown, b"a\n\x7f^C");
    }
}
