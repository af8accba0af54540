//! Control-R at a shell's prompt: readline's incremental search through the lines that it remembers (readline 8.2, `isearch.c`, as seen in a
//! pseudo-terminal of `xterm`). The row is painted whole at each key, where readline sends only what differs: the screen shows the same.

use super::editor::{BELL, show, width};

/// Bytes that are searched for.
const PATTERN: usize = 256;

/// What a key did to a search.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Searched {
    /// It goes on.
    On,
    /// It is over, and the line is what was found.
    Found,
    /// It is over, and the line is what it was before.
    GivenUp,
}

/// A search that goes on.
pub(super) struct Search {
    prompt: Vec<u8>,
    pattern: Vec<u8>,
    /// The remembered line that is shown; the one that was being typed where there is none.
    place: Option<usize>,
    /// Where in it the cursor is.
    point: usize,
    failed: bool,
    /// The line that was being typed, and where the cursor was.
    own: (Vec<u8>, usize),
}

impl Search {
    pub(super) fn new(prompt: Vec<u8>, line: &[u8], point: usize) -> Self {
        let own = (line.to_vec(), point);
        Self { prompt, pattern: Vec::new(), place: None, point, failed: false, own }
    }

    pub(super) fn memory(&self) -> usize {
        self.prompt.len() + self.pattern.len() + self.own.0.len()
    }

    /// A key; `last` is what was searched for before, which a search for nothing takes up again.
    pub(super) fn press(
        &mut self,
        byte: u8,
        history: &[Vec<u8>],
        last: &[u8],
        out: &mut Vec<u8>,
    ) -> Searched {
        match byte {
            18 if self.pattern.is_empty() => {
                self.pattern = last.to_vec();
                self.find(history, true, out);
            }
            18 => self.find(history, false, out),
            8 | 127 if self.pattern.is_empty() => out.extend_from_slice(BELL),
            8 | 127 => {
                while self.pattern.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
                (self.place, self.point) = (None, self.own.0.len());
                self.find(history, true, out);
            }
            7 => return Searched::GivenUp,
            control if control < 32 => return Searched::Found,
            text => {
                if self.pattern.len() < PATTERN {
                    self.pattern.push(text);
                }
                self.find(history, true, out);
            }
        }
        self.paint(history, out);
        Searched::On
    }

    /// What is searched for, for the next search.
    pub(super) fn into_pattern(self) -> Vec<u8> {
        self.pattern
    }

    /// The line that is left, where in it the cursor is, and which remembered one it is.
    pub(super) fn result<'a>(&'a self, history: &'a [Vec<u8>]) -> (&'a [u8], usize, Option<usize>) {
        let line = self.line(history);
        (line, self.point.min(line.len()), self.place)
    }

    /// The line before the search.
    pub(super) fn own(&self) -> (Vec<u8>, usize) {
        self.own.clone()
    }

    fn line<'a>(&'a self, history: &'a [Vec<u8>]) -> &'a [u8] {
        self.place.and_then(|place| history.get(place)).unwrap_or(&self.own.0)
    }

    /// The nearest place backwards, `here` included or not. A line that is shown already is not found again.
    fn find(&mut self, history: &[Vec<u8>], here: bool, out: &mut Vec<u8>) {
        self.failed = false;
        if self.pattern.is_empty() {
            return;
        }
        let shown = self.line(history).to_vec();
        let until = if here { self.point + 1 } else { self.point };
        if let Some(point) = rightmost(&shown, &self.pattern, until) {
            self.point = point;
            return;
        }
        let before = &history[..self.place.unwrap_or(history.len())];
        let found = before.iter().enumerate().rev().find_map(|(place, line)| {
            let point = rightmost(line, &self.pattern, usize::MAX)?;
            (*line != shown).then_some((place, point))
        });
        match found {
            Some((place, point)) => (self.place, self.point) = (Some(place), point),
            None => {
                self.failed = true;
                out.extend_from_slice(BELL);
            }
        }
    }

    pub(super) fn paint(&self, history: &[Vec<u8>], out: &mut Vec<u8>) {
        out.extend_from_slice(if self.failed { b"\r(failed " } else { b"\r(" });
        out.extend_from_slice(b"reverse-i-search)`");
        show(&self.pattern, out);
        out.extend_from_slice(b"': ");
        let line = self.line(history);
        let point = self.point.min(line.len());
        show(&line[..point], out);
        let rest = &line[point..];
        if !self.failed && !self.pattern.is_empty() && rest.starts_with(&self.pattern) {
            out.extend_from_slice(b"\x1b[7m");
            show(&self.pattern, out);
            out.extend_from_slice(b"\x1b[27m");
            show(&rest[self.pattern.len()..], out);
        } else {
            show(rest, out);
        }
        out.extend_from_slice(b"\x1b[K");
        out.extend(std::iter::repeat_n(8, width(rest)));
    }

    /// The shell's own row again, with the line that is left.
    pub(super) fn leave(&self, line: &[u8], point: usize, out: &mut Vec<u8>) {
        out.push(b'\r');
        out.extend_from_slice(&self.prompt);
        show(line, out);
        out.extend_from_slice(b"\x1b[K");
        out.extend(std::iter::repeat_n(8, width(&line[point..])));
    }
}

/// Where a pattern begins last, before `until`.
fn rightmost(line: &[u8], pattern: &[u8], until: usize) -> Option<usize> {
    let places = line.len().checked_sub(pattern.len())? + 1;
    (0..places.min(until)).rev().find(|place| line[*place..].starts_with(pattern))
}
