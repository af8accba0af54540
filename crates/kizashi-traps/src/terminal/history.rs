//! The lines that a shell's line editor remembers: those of earlier sessions, which are asked for when they are first wanted, and those
//! that were typed in this one. Bounded by lines and by bytes; the oldest goes.

/// Lines remembered, and bytes of all of them.
pub(crate) const HISTORY: usize = 64;
pub(crate) const HISTORY_BYTES: usize = 8 * 1024;

#[derive(Default)]
pub(super) struct History {
    lines: Vec<Vec<u8>>,
    /// The lines of earlier sessions are among them.
    pub(super) recollected: bool,
}

impl History {
    pub(super) fn lines(&self) -> &[Vec<u8>] {
        &self.lines
    }

    pub(super) fn memory(&self) -> usize {
        self.lines.iter().map(Vec::len).sum()
    }

    pub(super) fn push(&mut self, line: Vec<u8>) {
        self.lines.push(line);
        self.forget();
    }

    /// Puts the lines of earlier sessions before those of this one, once; by how many places these move.
    pub(super) fn recollect(&mut self, lines: Vec<Vec<u8>>) -> usize {
        if std::mem::replace(&mut self.recollected, true) {
            return 0;
        }
        let before = self.lines.len();
        self.lines.splice(..0, lines);
        self.forget();
        self.lines.len().saturating_sub(before)
    }

    fn forget(&mut self) {
        let mut room = HISTORY_BYTES;
        let fits = |line: &&Vec<u8>| {
            let rest = room.checked_sub(line.len());
            room = rest.unwrap_or(0);
            rest.is_some()
        };
        let kept = self.lines.iter().rev().take(HISTORY).take_while(fits).count();
        self.lines.drain(..self.lines.len() - kept);
    }
}
