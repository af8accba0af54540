//! What Debian said, small enough to be kept with the source: a status and a hash of the shape for each line.
//!
//! `kizashi-bench shell --bless` writes it from the real Debian; a test holds the trap to it where no Debian can be booted.

use std::collections::HashMap;
use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_64;

use super::corpus::{Compare, Line};
use super::shape::Shape;

/// The file that is kept
pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/shell/debian.tsv");

/// What Debian said to each line: its status and the hash of the shape
#[derive(Default)]
pub struct Expectation(HashMap<u64, (i32, u64)>);

impl Expectation {
    /// Reads what [`Expectation::write`] made; a row that is none is left out
    #[must_use]
    pub fn read(text: &str) -> Self {
        let row = |row: &str| {
            let mut cells = row.split('\t');
            let line = u64::from_str_radix(cells.next()?, 16).ok()?;
            let status = cells.next()?.parse().ok()?;
            let shape = u64::from_str_radix(cells.next()?, 16).ok()?;
            Some((line, (status, shape)))
        };
        Self(text.lines().filter_map(row).collect())
    }

    /// A row for each line, in the order of the corpus
    #[must_use]
    pub fn write<'a>(said: impl IntoIterator<Item = (&'a Line, &'a Shape)>) -> String {
        let mut text = String::new();
        for (line, shape) in said {
            let _ = writeln!(text, "{:016x}\t{}\t{:016x}", key(line), shape.status, hash(shape));
        }
        text
    }

    /// Whether a shape is what Debian said to this line; none where Debian was not asked
    #[must_use]
    pub fn agrees(&self, line: &Line, shape: &Shape) -> Option<bool> {
        self.0.get(&key(line)).map(|said| *said == (shape.status, hash(shape)))
    }

    /// How many lines Debian was asked
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it was asked none
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn key(line: &Line) -> u64 {
    let compare = match line.compare {
        Compare::Exact => '=',
        Compare::Shape => '~',
        Compare::Rows => '*',
    };
    xxh3_64(format!("{compare} {}", line.text).as_bytes())
}

fn hash(shape: &Shape) -> u64 {
    xxh3_64(shape.text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_known_again_and_nothing_else() {
        let line = Line { theme: "x", text: "echo 1".to_owned(), compare: Compare::Exact };
        let said = Shape { status: 0, text: "1\n".to_owned() };
        let expectation = Expectation::read(&Expectation::write([(&line, &said)]));
        assert_eq!(expectation.agrees(&line, &said), Some(true));
        assert_eq!(
            expectation.agrees(&line, &Shape { status: 1, text: said.text.clone() }),
            Some(false)
        );
        assert_eq!(
            expectation.agrees(&line, &Shape { status: 0, text: "2\n".to_owned() }),
            Some(false)
        );
        let masked = Line { compare: Compare::Shape, ..line };
        assert_eq!(expectation.agrees(&masked, &said), None);
    }
}
