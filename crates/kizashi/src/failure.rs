//! Why a command ended with exit code 1: one sentence of what happened and what to do.

use std::path::PathBuf;

use kizashi_signs::DetectionError;
use kizashi_store::StoreError;

/// A command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The store's own words.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Detection's own words.
    #[error(transparent)]
    Detection(#[from] DetectionError),
    /// History's own words.
    #[error(transparent)]
    History(#[from] kizashi_store::history::HistoryError),
    /// An address could not be listened on.
    #[error("{what} cannot listen on {address} ({reason}); {advice}")]
    Listen {
        /// Who wanted to listen.
        what: String,
        /// Where.
        address: String,
        /// What the system says.
        reason: String,
        /// What to do.
        advice: &'static str,
        /// Whether somebody else has it.
        in_use: bool,
    },
    /// The configuration file could not be read or understood.
    #[error("{path}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what is allowed.
        reason: String,
    },
    /// Output could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] std::io::Error),
    /// Something that the person asked for is not there.
    #[error("{0}")]
    Asked(String),
}

impl Failure {
    /// Whether the reader of our output went away, as `head` does: no fault, nothing to say.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
