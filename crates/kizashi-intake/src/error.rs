//! What can go wrong with a file or path as a whole. Wrong lines are no error: they are counted in the report.

use std::path::Path;

use kizashi_event::escape_for_people;
use serde::{Serialize, Serializer};

use crate::format::{Format, Refusal};

/// A path or file could not be read, wholly or from some place on. Serialised as its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// No format takes any of the first lines.
    #[error("{file}: the format is not known ({}): {}", reasons(tried), advice(*.hint))]
    UnknownFormat {
        /// The file, safe to show.
        file: String,
        /// Each format that was tried, and why it refused the first line.
        tried: Vec<(Format, Refusal)>,
        /// What the file is instead, where that can be told.
        hint: Option<&'static str>,
    },
    /// The file is not of the format that the caller named.
    #[error(
        "{file}: not {format}: {refusal}: name the right format or columns, or leave the format to be found"
    )]
    WrongFormat {
        /// The file, safe to show.
        file: String,
        /// The format that was named.
        format: Format,
        /// Why the format refused the first line.
        refusal: Refusal,
    },
    /// The path could not be opened or listed.
    #[error("{file}: cannot be opened ({reason}): check the path and that it may be read")]
    Open {
        /// The path, safe to show.
        file: String,
        /// The system's reason.
        reason: String,
    },
    /// Reading stopped before the end; all whole lines before that place were read.
    #[error(
        "{file}: reading stopped after line {lines} ({reason}): what came before is in; get the file whole and import it again"
    )]
    Read {
        /// The file, safe to show.
        file: String,
        /// The lines that were read.
        lines: u64,
        /// The system's or the decompressor's reason.
        reason: String,
    },
    /// A compressed file cannot be followed while it grows.
    #[error("{file}: a compressed file cannot be followed: import it without following")]
    NotFollowable {
        /// The file, safe to show.
        file: String,
    },
}

impl IntakeError {
    pub(crate) fn open(path: &Path, error: &std::io::Error) -> Self {
        Self::Open { file: shown(path), reason: error.to_string() }
    }
}

/// A path, safe to show.
pub(crate) fn shown(path: &Path) -> String {
    escape_for_people(&path.to_string_lossy())
}

fn reasons(tried: &[(Format, Refusal)]) -> String {
    let reasons: Vec<_> = tried.iter().map(|(format, why)| format!("{format}: {why}")).collect();
    reasons.join("; ")
}

const fn advice(hint: Option<&'static str>) -> &'static str {
    match hint {
        Some(hint) => hint,
        None => "name the format, or for a table say which column holds what",
    }
}

impl Serialize for IntakeError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
