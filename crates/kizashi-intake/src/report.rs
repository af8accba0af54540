//! What came of reading: counts, and the first broken lines of each file, safe to show.

use std::fmt;
use std::ops::AddAssign;

use serde::Serialize;

use crate::error::IntakeError;
use crate::format::Format;

/// Counts of what was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Lines read, of any kind.
    pub lines: u64,
    /// Events made of them. One line can make several.
    pub events: u64,
    /// Lines that could not be read.
    pub broken: u64,
    /// Lines that hold no record: blank ones, the punctuation of a JSON array, a table's header.
    pub skipped: u64,
    /// Bytes of text read, after decompression.
    pub bytes: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.events += other.events;
        self.broken += other.broken;
        self.skipped += other.skipped;
        self.bytes += other.bytes;
    }
}

/// One line that could not be read. All texts are safe to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenLine {
    /// The file.
    pub file: String,
    /// The line's number in it, from 1.
    pub line: u64,
    /// Why it could not be read.
    pub reason: String,
    /// How it begins; empty where it is no longer at hand.
    pub excerpt: String,
}

impl fmt::Display for BrokenLine {
    /// `file:line: reason: excerpt`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.line, self.reason)?;
        if self.excerpt.is_empty() { Ok(()) } else { write!(formatter, ": {}", self.excerpt) }
    }
}

/// What came of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// The file, safe to show; `-` is standard input.
    pub file: String,
    /// Whether the caller named it himself; `false` where it was found in a folder that he named.
    pub named: bool,
    /// Its format, where one was found; none for an empty file.
    pub format: Option<Format>,
    /// What was read.
    #[serde(flatten)]
    pub counts: Counts,
    /// The first broken lines, at most [`crate::Options::broken_shown`].
    pub broken_lines: Vec<BrokenLine>,
    /// Why the file was not read, or not to its end.
    pub fault: Option<IntakeError>,
    /// Whether the sink ended the reading.
    pub stopped: bool,
}

impl FileReport {
    pub(crate) const fn new(file: String, named: bool) -> Self {
        Self {
            file,
            named,
            format: None,
            counts: Counts { lines: 0, events: 0, broken: 0, skipped: 0, bytes: 0 },
            broken_lines: Vec::new(),
            fault: None,
            stopped: false,
        }
    }
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Each file, in the order read.
    pub files: Vec<FileReport>,
    /// All of them together.
    pub total: Counts,
    /// Whether the sink ended the import before all was read.
    pub stopped: bool,
}

impl Report {
    pub(crate) fn add(&mut self, file: FileReport) {
        self.total += file.counts;
        self.stopped |= file.stopped;
        self.files.push(file);
    }

    /// The faults that the caller must hear of as errors: those of files that he named himself, and all of them when nothing at
    /// all could be read. A folder may hold files that are no logs.
    pub fn errors(&self) -> impl Iterator<Item = &IntakeError> {
        let nothing_read = self.total.events == 0;
        self.files
            .iter()
            .filter(move |file| file.named || nothing_read)
            .filter_map(|file| file.fault.as_ref())
    }
}
