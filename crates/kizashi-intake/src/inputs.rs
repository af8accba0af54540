//! Which files to read: those named, and those found in folders, in the order in which logs were written. A rotated log carries a
//! date (`cowrie.json.2024-01-01`) or a number that grows with age (`cowrie.json.2.gz`), and the log still written carries
//! neither; so dates come in their order, numbers from high to low, the bare name last.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::{IntakeError, shown};

/// Deeper folders are not entered.
const DEPTH_MAX: usize = 32;

/// Something to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Standard,
    /// A file.
    File {
        /// Where it is.
        path: PathBuf,
        /// Its size in bytes when it was found, as stored (packed or not); `None` where it has none (a pipe).
        size: Option<u64>,
        /// Whether the caller named it; `false` where it was found in a folder.
        named: bool,
    },
}

impl Input {
    /// The file, safe to show; `-` for standard input.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Standard => "-".to_owned(),
            Self::File { path, .. } => shown(path),
        }
    }

    pub(crate) const fn is_named(&self) -> bool {
        matches!(self, Self::Standard | Self::File { named: true, .. })
    }
}

/// The inputs behind `paths`: `-` is standard input, a file is itself (a pipe or device too), a folder is all files in it and below
/// in the order they were written. In folders, what begins with a dot is left out, and so is what is no file; links are followed,
/// each folder is entered once, and folders more than 32 deep are not.
///
/// # Errors
/// When a named path, or a folder below one, cannot be opened.
pub fn find_inputs<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Input>, IntakeError> {
    let mut inputs = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        if path.as_os_str() == "-" {
            inputs.push(Input::Standard);
            continue;
        }
        let metadata = fs::metadata(path).map_err(|error| IntakeError::open(path, &error))?;
        if metadata.is_dir() {
            let mut seen = HashSet::from([(metadata.dev(), metadata.ino())]);
            walk(path, DEPTH_MAX, &mut seen, &mut inputs)?;
        } else {
            let size = metadata.is_file().then_some(metadata.len());
            inputs.push(Input::File { path: path.to_owned(), size, named: true });
        }
    }
    Ok(inputs)
}

fn walk(
    folder: &Path,
    depth: usize,
    seen: &mut HashSet<(u64, u64)>,
    inputs: &mut Vec<Input>,
) -> Result<(), IntakeError> {
    let failed = |error: std::io::Error| IntakeError::open(folder, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let text = name.to_string_lossy().into_owned();
        if !text.starts_with('.') {
            names.push((written_order(&text), name));
        }
    }
    names.sort();
    for (_, name) in names {
        let path = folder.join(name);
        // A link to nothing, or a file that has just gone: nothing to read.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if !seen.insert((metadata.dev(), metadata.ino())) {
            continue;
        }
        if metadata.is_dir() && depth > 0 {
            walk(&path, depth - 1, seen, inputs)?;
        } else if metadata.is_file() {
            inputs.push(Input::File { path, size: Some(metadata.len()), named: false });
        }
    }
    Ok(())
}

/// A key that sorts names of logs in the order in which they were written.
fn written_order(name: &str) -> String {
    let bare = [".gz", ".zst", ".zstd"].iter().find_map(|ending| name.strip_suffix(ending));
    let bare = bare.unwrap_or(name);
    // What sorts after every character makes a name follow all names that only add to it.
    let last = '\u{10ffff}';
    match bare.rsplit_once('.') {
        Some((stem, number)) if (1..=3).contains(&number.len()) => match number.parse::<u16>() {
            Ok(age) => format!("{stem}.{:04}{last}", 9_999 - age),
            Err(_) => format!("{bare}{last}"),
        },
        _ => format!("{bare}{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_logs_come_in_the_order_in_which_they_were_written() {
        let expected = [
            "cowrie.json.2024-01-01.gz",
            "cowrie.json.2024-01-02",
            "cowrie.json",
            "honeypot.log.12.gz",
            "honeypot.log.2",
            "honeypot.log.1",
            "honeypot.log",
        ];
        let mut names = expected;
        names.reverse();
        names.sort_by_key(|name| written_order(name));
        assert_eq!(names, expected);
    }
}
