//! Keys at the prompt of a shell that edits its line itself: what readline 8.2 (bash 5.2, Debian 12) does under a terminal that it knows,
//! as seen in a pseudo-terminal of `xterm`. Movements, killing, history, completion, and pasted text between its brackets. The screen
//! is painted as readline paints a line that fits into one row; on a longer one moving over the edge is not.

use super::Discipline;
use super::completion::{Completions, columns, common_prefix};
use super::history::History;
use super::keyboard::LINE;
use super::search::{Search, Searched};

/// Bytes of a key's sequence.
const SEQUENCE: usize = 16;
/// Completions beyond which is asked whether they are to be shown (`completion-query-items`).
const MANY: usize = 100;

/// What marks pasted text.
const PASTE_END: &[u8] = b"\x1b[201~";
pub(super) const BELL: &[u8] = b"\x07";

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Edited {
    Typed,
    Line(Vec<u8>),
    Interrupt,
    EndOfFile,
    /// Completions of what stands before the cursor are wanted.
    Complete,
    /// The screen was cleared: the prompt is to be shown.
    Redraw,
    /// The lines of earlier sessions are wanted, and the prompt: [`Editor::recollect`].
    Recollect,
}

/// A line being edited.
#[derive(Default)]
pub(crate) struct Editor {
    text: Vec<u8>,
    point: usize,
    history: History,
    /// A search through them, and what the one before looked for.
    search: Option<Search>,
    sought: Vec<u8>,
    /// They were asked for by Control-R, not by a key for the line before.
    to_search: bool,
    /// The remembered line that is shown, and what was typed before one was.
    place: Option<usize>,
    own: Vec<u8>,
    killed: Vec<u8>,
    /// A key's sequence that is not whole.
    sequence: Vec<u8>,
    /// What is being pasted.
    paste: Option<Vec<u8>>,
    /// Where text stands that was just pasted and is shown in reverse.
    marked: Option<usize>,
    /// The next key is text whatever it is.
    quoted: bool,
    /// Completion was tried just now, and there were several.
    tabbed: bool,
    /// So many completions that it was asked whether to show them.
    asked: Option<Completions>,
}

/// How the terminal is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Pasting is marked by brackets (readline 8.1 and later).
    pub(crate) brackets: bool,
}

impl Manner {
    /// What is shown of Control-C: the terminal is left, entered for the signal's handler, and left again.
    const fn interrupted(self) -> &'static [u8] {
        if self.brackets { b"^C\x1b[?2004l\r\x1b[?2004h\x1b[?2004l\r" } else { b"^C" }
    }
}

/// What a shell at its prompt shows of an interruption that was not typed.
pub(crate) fn interrupted(mode: Discipline) -> &'static [u8] {
    mode.edits.unwrap_or_default().interrupted()
}

impl Editor {
    pub(super) fn memory(&self) -> usize {
        let pasted = self.paste.as_ref().map_or(0, Vec::len);
        let asked = self.asked.as_ref().map_or(0, Completions::memory);
        let search = self.search.as_ref().map_or(0, Search::memory) + self.sought.len();
        self.text.len()
            + self.own.len()
            + self.killed.len()
            + self.history.memory()
            + pasted
            + asked
            + search
    }

    /// What was typed and not ended.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        self.point = 0;
        std::mem::take(&mut self.text)
    }

    /// What stands before the cursor.
    pub(super) fn before(&self) -> &[u8] {
        &self.text[..self.point]
    }

    pub(super) fn press(&mut self, byte: u8, manner: Manner, out: &mut Vec<u8>) -> Edited {
        if self.paste.is_some() {
            self.pasting(byte, out);
            return Edited::Typed;
        }
        self.unmark(out);
        if let Some(completions) = self.asked.take() {
            if matches!(byte, b'y' | b'Y' | b' ') {
                self.list(&completions, out);
            } else {
                out.extend_from_slice(b"\r\n");
                self.paint(&completions.prompt, out);
            }
            return Edited::Typed;
        }
        if let Some(search) = &mut self.search {
            match search.press(byte, self.history.lines(), &self.sought, out) {
                Searched::On => return Edited::Typed,
                Searched::GivenUp => {
                    self.leave_search(false, out);
                    return Edited::Typed;
                }
                // The key does to what was found what it always does.
                Searched::Found if byte == 3 => self.search = None,
                Searched::Found => self.leave_search(true, out),
            }
        }
        if std::mem::take(&mut self.quoted) {
            self.insert(&[byte], out);
            return Edited::Typed;
        }
        if !self.sequence.is_empty() || byte == 27 {
            self.sequence.push(byte);
            return self.sequence(out);
        }
        let tabbed = std::mem::take(&mut self.tabbed);
        self.key(byte, tabbed, manner, out)
    }

    fn key(&mut self, byte: u8, tabbed: bool, manner: Manner, out: &mut Vec<u8>) -> Edited {
        match byte {
            b'\r' | b'\n' => return Edited::Line(self.accept(manner, out)),
            3 => {
                self.abandon();
                out.extend_from_slice(manner.interrupted());
                return Edited::Interrupt;
            }
            4 if self.text.is_empty() => {
                if manner.brackets {
                    out.extend_from_slice(b"\x1b[?2004l\r\r\n");
                }
                return Edited::EndOfFile;
            }
            9 => {
                self.tabbed = tabbed;
                return Edited::Complete;
            }
            12 => {
                out.extend_from_slice(b"\x1b[H\x1b[2J");
                return Edited::Redraw;
            }
            4 => self.delete(self.point, self.after(self.point), false, out),
            1 => self.go(0, out),
            2 => self.step(self.before_of(self.point), out),
            5 => self.go(self.text.len(), out),
            6 => self.step(self.after(self.point), out),
            8 | 127 => self.erase(out),
            11 => self.delete(self.point, self.text.len(), true, out),
            14 => self.recall(false, out),
            16 => return self.back(out),
            18 => {
                self.to_search = true;
                return Edited::Recollect;
            }
            20 => self.transpose(out),
            21 => self.delete(0, self.point, true, out),
            22 => self.quoted = true,
            23 => self.delete(self.blank_before(), self.point, true, out),
            25 => {
                let killed = self.killed.clone();
                self.insert(&killed, out);
            }
            // Marks a place, and signals that readline turns off.
            0 | 26 | 28 => {}
            control if control < 32 => out.extend_from_slice(BELL),
            other => self.insert(&[other], out),
        }
        Edited::Typed
    }

    /// A sequence that begins with Escape.
    fn sequence(&mut self, out: &mut Vec<u8>) -> Edited {
        let sequence = self.sequence.clone();
        let [_, rest @ ..] = &sequence[..] else { return Edited::Typed };
        let whole = match rest {
            [] | [b'['] | [b'O'] => false,
            [b'[', .., last] => (0x40..=0x7e).contains(last) && rest.len() > 1,
            _ => true,
        };
        if !whole {
            if sequence.len() > SEQUENCE {
                self.sequence.clear();
            }
            return Edited::Typed;
        }
        self.sequence.clear();
        match rest {
            b"[A" | b"OA" | b"[5~" => return self.back(out),
            b"[B" | b"OB" | b"[6~" => self.recall(false, out),
            b"[C" | b"OC" => self.step(self.after(self.point), out),
            b"[D" | b"OD" => self.step(self.before_of(self.point), out),
            b"[H" | b"OH" | b"[1~" | b"[7~" => self.go(0, out),
            b"[F" | b"OF" | b"[4~" | b"[8~" => self.go(self.text.len(), out),
            b"[3~" => self.delete(self.point, self.after(self.point), false, out),
            b"[200~" => self.paste = Some(Vec::new()),
            b"b" | b"[1;5D" => self.go(self.word_before(), out),
            b"f" | b"[1;5C" => self.go(self.word_after(), out),
            b"d" => self.delete(self.point, self.word_after(), true, out),
            b"\x7f" | b"\x08" => self.delete(self.word_before(), self.point, true, out),
            b"." | b"_" => {
                let last = self.history.lines().last();
                let word = last.and_then(|line| line.rsplit(u8::is_ascii_whitespace).next());
                let word = word.unwrap_or_default().to_vec();
                self.insert(&word, out);
            }
            _ => out.extend_from_slice(BELL),
        }
        Edited::Typed
    }

    fn accept(&mut self, manner: Manner, out: &mut Vec<u8>) -> Vec<u8> {
        out.extend_from_slice(b"\r\n");
        if manner.brackets {
            out.extend_from_slice(b"\x1b[?2004l\r");
        }
        let line = std::mem::take(&mut self.text);
        self.abandon();
        if !line.trim_ascii().is_empty() {
            self.history.push(line.clone());
        }
        line
    }

    /// Answers [`Edited::Recollect`] with what the shell remembers of earlier sessions, and the prompt.
    pub(super) fn recollect(&mut self, lines: Vec<Vec<u8>>, prompt: Vec<u8>, out: &mut Vec<u8>) {
        let moved = self.history.recollect(lines);
        self.place = self.place.map(|place| place + moved);
        if std::mem::take(&mut self.to_search) {
            let search = Search::new(prompt, &self.text, self.point);
            search.paint(self.history.lines(), out);
            self.search = Some(search);
        } else {
            self.recall(true, out);
        }
    }

    /// A search is over; the line is what it found, or what it was.
    fn leave_search(&mut self, found: bool, out: &mut Vec<u8>) {
        let Some(search) = self.search.take() else { return };
        if found {
            let (line, point, place) = search.result(self.history.lines());
            if place.is_some() && self.place.is_none() {
                self.own = search.own().0;
            }
            (self.text, self.point, self.place) = (line.to_vec(), point, place.or(self.place));
        }
        search.leave(&self.text, self.point, out);
        let pattern = search.into_pattern();
        if !pattern.is_empty() {
            self.sought = pattern;
        }
    }

    /// The line before; those of earlier sessions are asked for once.
    fn back(&mut self, out: &mut Vec<u8>) -> Edited {
        if !self.history.recollected {
            return Edited::Recollect;
        }
        self.recall(true, out);
        Edited::Typed
    }

    fn abandon(&mut self) {
        (self.text, self.own) = (Vec::new(), Vec::new());
        (self.point, self.place, self.marked) = (0, None, None);
    }

    /// A byte between the brackets.
    fn pasting(&mut self, byte: u8, out: &mut Vec<u8>) {
        let Some(paste) = &mut self.paste else { return };
        paste.push(byte);
        let Some(content) = paste.strip_suffix(PASTE_END) else {
            if paste.len() > LINE + 2 * PASTE_END.len() {
                // What is past the bound is dropped; the end is still looked for.
                let end = paste.split_off(paste.len() - PASTE_END.len());
                paste.truncate(LINE);
                paste.extend(end);
            }
            return;
        };
        let content: Vec<u8> =
            content.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect();
        self.paste = None;
        let start = self.point;
        let in_one_row = !content.contains(&b'\n') && start == self.text.len();
        if in_one_row {
            out.extend_from_slice(b"\x1b[7m");
        }
        self.insert(&content, out);
        if in_one_row {
            out.extend_from_slice(b"\x1b[27m");
            self.marked = Some(start);
        }
    }

    /// Shows as usual what was pasted.
    fn unmark(&mut self, out: &mut Vec<u8>) {
        if let Some(start) = self.marked.take() {
            let text = self.text[start..].to_vec();
            out.extend(std::iter::repeat_n(8, width(&text)));
            show(&text, out);
        }
    }

    fn insert(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let room = LINE.saturating_sub(self.text.len());
        let bytes = &bytes[..bytes.len().min(room)];
        if bytes.is_empty() {
            return;
        }
        if self.point < self.text.len() {
            out.extend_from_slice(format!("\x1b[{}@", width(bytes)).as_bytes());
        }
        show(bytes, out);
        self.text.splice(self.point..self.point, bytes.iter().copied());
        self.point += bytes.len();
    }

    /// Moves the cursor.
    fn go(&mut self, to: usize, out: &mut Vec<u8>) {
        if to < self.point {
            out.extend(std::iter::repeat_n(8, width(&self.text[to..self.point])));
        } else {
            show(&self.text[self.point..to], out);
        }
        self.point = to;
    }

    /// The same by one character; at an end there is a bell.
    fn step(&mut self, to: usize, out: &mut Vec<u8>) {
        if to == self.point {
            out.extend_from_slice(BELL);
        }
        self.go(to, out);
    }

    fn erase(&mut self, out: &mut Vec<u8>) {
        let from = self.before_of(self.point);
        if from == self.point {
            return out.extend_from_slice(BELL);
        }
        if self.point == self.text.len() && width(&self.text[from..]) == 1 {
            self.text.truncate(from);
            self.point = from;
            return out.extend_from_slice(b"\x08 \x08");
        }
        self.delete(from, self.point, false, out);
    }

    fn delete(&mut self, from: usize, to: usize, keep: bool, out: &mut Vec<u8>) {
        if from == to {
            // Nothing to kill is no fault, where a single character's absence is.
            if !keep || from == 0 && self.text.is_empty() {
                out.extend_from_slice(BELL);
            }
            return;
        }
        self.go(from, out);
        let gone: Vec<u8> = self.text.drain(from..to).collect();
        if from == self.text.len() {
            out.extend_from_slice(b"\x1b[K");
        } else {
            out.extend_from_slice(format!("\x1b[{}P", width(&gone)).as_bytes());
        }
        if keep {
            self.killed = gone;
        }
    }

    fn transpose(&mut self, out: &mut Vec<u8>) {
        let middle =
            if self.point == self.text.len() { self.before_of(self.point) } else { self.point };
        let from = self.before_of(middle);
        let to = self.after(middle);
        if from == middle || middle == to {
            return out.extend_from_slice(BELL);
        }
        self.go(from, out);
        self.text[from..to].rotate_left(middle - from);
        self.go(to, out);
    }

    /// An earlier line, or a later one.
    fn recall(&mut self, back: bool, out: &mut Vec<u8>) {
        let place = match (self.place, back) {
            (None, true) => self.history.lines().len().checked_sub(1),
            (Some(place), true) => place.checked_sub(1),
            (Some(place), false) if place + 1 < self.history.lines().len() => Some(place + 1),
            (Some(_), false) => {
                self.place = None;
                let own = std::mem::take(&mut self.own);
                return self.replace(own, out);
            }
            (None, false) => None,
        };
        let Some(line) = place.and_then(|place| self.history.lines().get(place)).cloned() else {
            return out.extend_from_slice(BELL);
        };
        if self.place.is_none() {
            self.own = self.text.clone();
        }
        self.place = place;
        self.replace(line, out);
    }

    /// Shows another line, of which what is the same stays.
    fn replace(&mut self, line: Vec<u8>, out: &mut Vec<u8>) {
        let mut same = self.text.iter().zip(&line).take_while(|(a, b)| a == b).count();
        while same > 0
            && line.get(same).or(self.text.get(same)).is_some_and(|byte| byte & 0xc0 == 0x80)
        {
            same -= 1;
        }
        self.go(same, out);
        let (old, new) = (width(&self.text[same..]), width(&line[same..]));
        if new == 0 && old > 0 {
            out.extend_from_slice(b"\x1b[K");
        } else if old > new {
            out.extend_from_slice(format!("\x1b[{}P", old - new).as_bytes());
        }
        show(&line[same..], out);
        self.text = line;
        self.point = self.text.len();
    }

    /// What completions were found of the word before the cursor.
    pub(super) fn complete(&mut self, completions: Completions, screen: usize, out: &mut Vec<u8>) {
        let typed = completions.word;
        match &completions.found[..] {
            [] => out.extend_from_slice(BELL),
            [only] => {
                let mut rest = only.get(typed..).unwrap_or_default().to_vec();
                if !only.ends_with(b"/") {
                    rest.push(b' ');
                }
                self.insert(&rest, out);
            }
            several => {
                let common = common_prefix(several);
                if common.len() > typed {
                    out.extend_from_slice(BELL);
                    let rest = common[typed..].to_vec();
                    self.insert(&rest, out);
                    self.tabbed = true;
                } else if !std::mem::replace(&mut self.tabbed, true) {
                    out.extend_from_slice(BELL);
                } else if several.len() > MANY {
                    let text = format!("\r\nDisplay all {} possibilities? (y or n)", several.len());
                    out.extend_from_slice(text.as_bytes());
                    self.asked = Some(Completions { screen, ..completions });
                } else {
                    self.list(&Completions { screen, ..completions }, out);
                }
            }
        }
    }

    fn list(&self, completions: &Completions, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
        out.extend(columns(&completions.found, completions.screen));
        self.paint(&completions.prompt, out);
    }

    /// Shows the prompt, as the terminal gets it, and the line.
    pub(super) fn paint(&self, prompt: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(prompt);
        show(&self.text, out);
        out.extend(std::iter::repeat_n(8, width(&self.text[self.point..])));
    }

    fn before_of(&self, point: usize) -> usize {
        let text = &self.text[..point];
        text.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0)
    }

    fn after(&self, point: usize) -> usize {
        let rest = self.text.get(point + 1..).unwrap_or_default();
        let more = rest.iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
        (point + 1 + more).min(self.text.len())
    }

    fn word_before(&self) -> usize {
        let text = &self.text[..self.point];
        let end = text.iter().rposition(|byte| is_of_word(*byte)).map_or(0, |place| place + 1);
        text[..end].iter().rposition(|byte| !is_of_word(*byte)).map_or(0, |place| place + 1)
    }

    fn word_after(&self) -> usize {
        let rest = &self.text[self.point..];
        let start = rest.iter().position(|byte| is_of_word(*byte)).unwrap_or(rest.len());
        let length = rest[start..].iter().position(|byte| !is_of_word(*byte));
        self.point + start + length.unwrap_or(rest.len() - start)
    }

    /// Where the word before the cursor begins whose end is a blank.
    fn blank_before(&self) -> usize {
        let text = &self.text[..self.point];
        let end = text.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
        text[..end].iter().rposition(u8::is_ascii_whitespace).map_or(0, |place| place + 1)
    }
}

const fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 128
}

/// What the screen shows of text.
pub(super) fn show(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match *byte {
            b'\n' => out.extend_from_slice(b"\r\n"),
            b'\t' => out.push(b'\t'),
            control if control < 32 => out.extend([b'^', control + 64]),
            127 => out.extend_from_slice(b"^?"),
            other => out.push(other),
        }
    }
}

/// Columns that it takes: two for a control character, and for characters of East Asia and signs beyond the basic plane.
pub(super) fn width(text: &[u8]) -> usize {
    let mut columns = 0;
    for byte in text {
        columns += match *byte {
            b'\n' | 0x80..=0xbf => 0,
            control if control < 32 || control == 127 => 2,
            wide if wide >= 0xe3 => 2,
            _ => 1,
        };
    }
    columns
}

#[cfg(test)]
#[path = "editor_tests.rs"]
mod tests;
