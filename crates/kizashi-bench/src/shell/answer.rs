//! What a machine said to one line, and where answers are kept between runs.
//!
//! Answers of the real Debian and of Cowrie take minutes; they are kept in `target/`, by line and by the script that made them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a machine said to one line
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Exit status; 124 where the line was stopped after its time
    pub status: i32,
    /// Standard output, byte by byte as characters 0 to 255
    pub stdout: String,
    /// Standard error, the same
    pub stderr: String,
}

/// Exit status of a line that had to be stopped
pub const STOPPED: i32 = 124;

impl Answer {
    /// An answer of the bytes that a machine gave
    #[must_use]
    pub fn new(status: i32, stdout: &[u8], stderr: &[u8]) -> Self {
        let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect();
        Self { status, stdout: text(stdout), stderr: text(stderr) }
    }

    /// The bytes of a text kept by [`Answer::new`], as text again: UTF-8 where it is, each other byte as `\xNN`
    #[must_use]
    pub fn readable(kept: &str) -> String {
        let bytes: Vec<u8> = kept.chars().filter_map(|c| u8::try_from(c).ok()).collect();
        bytes.utf8_chunks().fold(String::new(), |mut text, chunk| {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
            text
        })
    }
}

/// Answers by line, in a file
#[derive(Default)]
pub struct Kept {
    file: PathBuf,
    answers: BTreeMap<String, Answer>,
}

impl Kept {
    /// Reads the file, or begins anew where there is none that can be read
    #[must_use]
    pub fn open(file: &Path) -> Self {
        let answers = std::fs::read(file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self { file: file.to_owned(), answers }
    }

    /// What was said to a line, if it was asked before
    #[must_use]
    pub fn get(&self, line: &str) -> Option<&Answer> {
        self.answers.get(line)
    }

    /// Keeps what was said to a line
    pub fn keep(&mut self, line: &str, answer: Answer) {
        self.answers.insert(line.to_owned(), answer);
    }

    /// Writes the file
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self) -> io::Result<()> {
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.file, serde_json::to_vec(&self.answers)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_stay_apart() {
        let answer = Answer::new(0, b"\x7fELF\xff\xc3\xa9\n", b"");
        assert_eq!(Answer::readable(&answer.stdout), "\x7fELF\\xff\u{e9}\n");
    }
}
