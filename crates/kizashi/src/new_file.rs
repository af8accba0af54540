//! Files that a command writes for its caller: readable by the caller alone, and nothing that exists is written over.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::failure::Failure;

/// Writes a whole new file; `otherwise` says how to name another one.
pub(crate) fn write(path: &Path, content: &[u8], otherwise: &str) -> Result<(), Failure> {
    let mut file = create(path, otherwise)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    written.map_err(|error| refused(path, &error, otherwise))
}

/// Makes a new file; `otherwise` says how to name another one.
pub(crate) fn create(path: &Path, otherwise: &str) -> Result<File, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| refused(path, &error, otherwise))
}

fn refused(path: &Path, error: &std::io::Error, otherwise: &str) -> Failure {
    let shown = crate::screen::harmless(&path.display().to_string());
    let reason = if error.kind() == ErrorKind::AlreadyExists {
        "it is there already and is left as it is".to_owned()
    } else {
        error.to_string()
    };
    Failure::Asked(format!("{shown} cannot be written: {reason}; {otherwise}"))
}
