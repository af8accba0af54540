//! What can go wrong with the store, as one sentence of what happened and what to do.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process writes to the same data.
    #[error("another Kizashi is using {0}; stop it, or choose another folder with --data")]
    InUse(PathBuf),
    /// There is no store where one is read.
    #[error(
        "there is no data in {0} yet; run `kizashi up`, `kizashi demo` or `kizashi import`, or name the folder with --data"
    )]
    Missing(PathBuf),
    /// The folder or a file in it may not be written.
    #[error(
        "{path} cannot be written ({reason}); give it to this user, or choose another folder with --data"
    )]
    NotWritable {
        /// What was to be written.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// There is no room left.
    #[error(
        "the disk that holds {0} is full; make room on it, or choose another folder with --data; what was stored is safe"
    )]
    DiskFull(PathBuf),
    /// The file is no database, or one that was damaged from outside.
    #[error(
        "{0} is damaged or is no Kizashi database; move it away and start again, or restore it from a backup"
    )]
    Damaged(PathBuf),
    /// A later Kizashi has written the data.
    #[error(
        "the data in {path} was written by a later Kizashi (layout {found}; this one knows {known}); use that one"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its layout.
        found: i64,
        /// The layout that this program knows.
        known: i64,
    },
    /// A series was asked for in bins that are not kept for its key.
    #[error("ten-minute counts are kept for ports only; ask for hours (1h) or more")]
    TooFine,
    /// A series was asked for with more points than anyone can use.
    #[error("that would be {0} points; ask for at most {max} (longer bins, or a shorter time)", max = crate::MOST_POINTS)]
    TooManyPoints(i64),
    /// The writer has stopped.
    #[error(
        "the store has stopped; look at the lines before this one for the reason, and start again"
    )]
    Stopped,
    /// Anything else that SQLite says.
    #[error("the store failed while {doing}: {source}; if it happens again, report it")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// Puts SQLite's errors into our words.
pub(crate) trait InContext<T> {
    /// `doing` fills "failed while …"; `path` is the database.
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> InContext<T> for Result<T, rusqlite::Error> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| {
            let path = path.to_path_buf();
            match source.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => StoreError::DiskFull(path),
                Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                    StoreError::NotWritable { path, reason: source.to_string() }
                }
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    StoreError::Damaged(path)
                }
                _ => StoreError::Database { doing, source },
            }
        })
    }
}

/// An I/O error on `path`, in our words.
pub(crate) fn not_written(path: &Path, error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::DiskFull(path.to_path_buf()),
        _ => StoreError::NotWritable { path: path.to_path_buf(), reason: error.to_string() },
    }
}
