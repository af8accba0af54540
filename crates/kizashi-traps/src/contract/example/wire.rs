//! Lines on the wire, and what they ask for. Bounded whatever comes: what a line has beyond [`Lines::LONGEST`] is thrown away.

/// Cuts lines out of bytes.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// Bytes of a line kept.
    pub(super) const LONGEST: usize = 512;

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

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    User(&'a [u8]),
    Pass(&'a [u8]),
    Quit,
    Unknown,
}

impl<'a> Request<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let value = rest.get(1..).unwrap_or_default();
        match word.to_ascii_uppercase().as_slice() {
            b"USER" => Self::User(value),
            b"PASS" => Self::Pass(value),
            b"QUIT" => Self::Quit,
            _ => Self::Unknown,
        }
    }
}
