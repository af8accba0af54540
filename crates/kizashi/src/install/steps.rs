//! One step of an installation: what it would do in words, and doing it. Files are written beside their place and moved into
//! it, so that a power cut leaves the old one or the new one.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Copies a file.
    Copy {
        /// From here.
        from: PathBuf,
        /// To here, over what is there.
        to: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Writes a file.
    Write {
        /// Where.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// What is in it.
        text: String,
        /// Whether a file that is there already stays as it is.
        keep: bool,
    },
    /// Removes a file or a folder with all in it; what is not there is no failure.
    Remove {
        /// What.
        path: PathBuf,
    },
    /// Runs a command of the system.
    Run {
        /// What for, in a few words.
        purpose: &'static str,
        /// The program.
        program: &'static str,
        /// What it is given.
        arguments: Vec<String>,
    },
}

/// Whether a step had anything to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// It did it.
    Changed,
    /// All was as wanted.
    AsItWas,
}

impl Step {
    /// A command to run.
    pub(crate) fn run(purpose: &'static str, program: &'static str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self::Run { purpose, program, arguments }
    }

    /// Does it.
    pub(crate) fn take(&self) -> Result<Done, Failure> {
        match self {
            Self::Copy { from, to, mode } => {
                let bytes = fs::read(from).map_err(|error| fault("read", from, &error))?;
                put(to, *mode, &bytes)
            }
            Self::Write { path, mode, text, keep } => {
                if *keep && path.exists() {
                    return Ok(Done::AsItWas);
                }
                put(path, *mode, text.as_bytes())
            }
            Self::Remove { path } => remove(path),
            Self::Run { purpose, program, arguments } => run(purpose, program, arguments),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy { from, to, mode } => {
                write!(out, "copy {} to {} (mode {mode:o})", from.display(), to.display())
            }
            Self::Write { path, mode, keep: false, .. } => {
                write!(out, "write {} (mode {mode:o})", path.display())
            }
            Self::Write { path, mode, keep: true, .. } => {
                write!(out, "write {} (mode {mode:o}) unless it is there", path.display())
            }
            Self::Remove { path } => write!(out, "remove {}", path.display()),
            Self::Run { purpose, program, arguments } => {
                write!(out, "{purpose}: {program} {}", arguments.join(" "))
            }
        }
    }
}

fn put(path: &Path, mode: u32, bytes: &[u8]) -> Result<Done, Failure> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(Done::AsItWas);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| fault("made", folder, &error))?;
    }
    let beside = path.with_extension("kizashi-new");
    let written = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&beside)?;
        file.write_all(bytes)?;
        // The mode above is narrowed by the umask of whoever calls.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    written().map_err(|error| fault("written", path, &error))?;
    Ok(Done::Changed)
}

fn remove(path: &Path) -> Result<Done, Failure> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(Done::AsItWas) };
    let gone = if found.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    gone.map_err(|error| fault("removed", path, &error))?;
    Ok(Done::Changed)
}

fn run(purpose: &str, program: &str, arguments: &[String]) -> Result<Done, Failure> {
    let told = |reason: String| {
        Failure::Asked(format!(
            "to {purpose}, `{program} {}` was run, and {reason}; see to that and make the same call again",
            arguments.join(" ")
        ))
    };
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| told(format!("it could not be started ({error})")))?;
    if output.status.success() {
        return Ok(Done::Changed);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(told(format!("it failed ({})", said.lines().next().unwrap_or("it said nothing"))))
}

/// `done` is what could not be done, as "written".
fn fault(done: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Asked(format!("{} could not be {done} ({error}); are you root?", path.display()))
}
