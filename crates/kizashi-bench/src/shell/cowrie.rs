//! Cowrie 3.1.4 from PyPI over the same lines: `scripts/cowrie-shell` installs it in `target/`, runs it without a network and asks it
//! over SSH, one connection a line.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use thiserror::Error;

use super::answer::{Answer, Kept};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/cowrie-shell");

/// Why Cowrie gave no answers
#[derive(Debug, Error)]
pub enum CowrieError {
    /// Its script could not be run
    #[error("could not run {SCRIPT}: {0}")]
    Run(#[from] io::Error),
    /// Installing or starting failed
    #[error("Cowrie could not be installed or started; its script says why above")]
    Start,
    /// The script said something that is no list of answers
    #[error("Cowrie's script said something else than answers: {0}")]
    Answers(#[from] serde_json::Error),
}

/// What Cowrie says to each line, kept in a folder
///
/// # Errors
/// When it cannot be installed, started or asked.
pub fn answers(folder: &Path, lines: &[String]) -> Result<Kept, CowrieError> {
    let mut kept = Kept::open(&folder.join("answers.json"));
    let new: Vec<&String> = lines.iter().filter(|line| kept.get(line).is_none()).collect();
    if new.is_empty() {
        return Ok(kept);
    }
    let mut child =
        Command::new(SCRIPT).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&serde_json::to_vec(&new)?)?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(CowrieError::Start);
    }
    let said: Vec<Answer> = serde_json::from_slice(&output.stdout)?;
    for (line, answer) in new.into_iter().zip(said) {
        kept.keep(line, answer);
    }
    kept.write()?;
    Ok(kept)
}
