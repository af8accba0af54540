//! An owner's folder of TOML files (rules, campaigns): found in the order of their names and read whole, each within a bound.

use std::path::Path;

use crate::failure::Failure;

/// Bytes of one file that are read; whoever parses it takes less.
const LONGEST: u64 = 1024 * 1024;

/// Name and text of each file of the folder; none where no folder is named. `what` is what the setting is called.
pub(crate) fn read(folder: Option<&Path>, what: &str) -> Result<Vec<(String, String)>, Failure> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let fault = |path: &Path, reason: String| Failure::Config { path: path.to_path_buf(), reason };
    let unreadable = |error: std::io::Error| {
        fault(folder, format!("the folder of {what} cannot be read ({error})"))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        if size > LONGEST {
            return Err(fault(&path, format!("is far larger than a file of {what} can be")));
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|error| fault(&path, format!("cannot be read ({error})")))?;
        files.push((path.display().to_string(), text));
    }
    Ok(files)
}
