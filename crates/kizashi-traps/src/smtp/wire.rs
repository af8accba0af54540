//! Lines of commands, cut as Postfix cuts them: by line feed, with or without a carriage return before it, and what a line has beyond
//! [`Lines::LONGEST`] bytes (`line_length_limit`) is thrown away.

/// Cuts lines out of bytes.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// Bytes of a line kept.
    pub(super) const LONGEST: usize = 2048;

    /// Takes a byte; the line that it ends, without its end.
    pub(super) fn feed(&mut self, byte: u8) -> Option<Vec<u8>> {
        if byte != b'\n' {
            if self.held.len() < Self::LONGEST {
                self.held.push(byte);
            }
            return None;
        }
        let mut line = std::mem::take(&mut self.held);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// What is left without an end.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

/// The first word of a line in capitals, and what follows it.
pub(super) fn verb(line: &[u8]) -> (Vec<u8>, &[u8]) {
    let line = line.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    (word.to_ascii_uppercase(), rest.trim_ascii())
}

/// What of a visitor's bytes stands in a reply: Postfix shows what is not printable as question marks.
pub(super) fn printable(bytes: &[u8]) -> String {
    let shown = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '?' };
    bytes.iter().map(shown).collect()
}
