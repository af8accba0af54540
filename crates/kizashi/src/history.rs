//! The core's clerk of history: a thread that looks each minute whether an hour is over and not in the files yet, and lets files go that are
//! older than the owner wishes. It reads the store by itself and holds up nothing; that it fails is said once and tried again.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use kizashi_event::Timestamp;
use kizashi_notify::archive::FOLDER;
use kizashi_store::Reader;
use kizashi_store::history::Hours;

use crate::clock;
use crate::config::Config;
use crate::failure::Failure;

const LOOKS_EVERY: Duration = Duration::from_secs(60);

/// The thread; it ends when this is dropped.
pub(crate) struct History {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl History {
    pub(crate) fn start(config: &Config, reader: Reader) -> Result<Self, Failure> {
        let folder = config.data.join(FOLDER);
        let days = config.history.days;
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new().name("history".to_owned()).spawn(move || {
            let mut clerk =
                Clerk { hours: Hours::of(&folder), folder, days, reader, failing: false };
            loop {
                clerk.look(clock::now());
                if stopped.recv_timeout(LOOKS_EVERY) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for History {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Clerk {
    folder: PathBuf,
    days: u32,
    reader: Reader,
    hours: Hours,
    failing: bool,
}

impl Clerk {
    fn look(&mut self, now: Timestamp) {
        match self.write(now) {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::error!("history cannot be written: {error}");
            }
            Err(_) => {}
        }
    }

    fn write(&mut self, now: Timestamp) -> Result<(), Failure> {
        while let Some(written) = self.hours.write_next(&self.reader, &self.folder, now)? {
            tracing::debug!("history: {} events in {} files", written.events, written.files.len());
        }
        if self.days > 0 {
            let oldest = now.plus(-i64::from(self.days) * Timestamp::DAY);
            forget_days_before(&self.folder, oldest)?;
        }
        Ok(())
    }
}

/// Takes away the folders of days before `oldest`'s.
fn forget_days_before(folder: &Path, oldest: Timestamp) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let text = oldest.rfc3339();
    let first_kept = format!("day={}", text.get(..10).unwrap_or_default());
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_day = |name: &&str| name.len() == first_kept.len() && name.starts_with("day=");
        if name.to_str().filter(is_day).is_some_and(|name| *name < *first_kept) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_when_the_owner_wishes_and_nothing_else_does() {
        let folder = std::env::temp_dir().join(format!("kizashi-history-{}", std::process::id()));
        for name in ["day=2026-01-01/kind=login", "day=2026-01-05", "day=2026-01-06", "notes"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let oldest = Timestamp::parse("2026-01-05T12:00:00Z").unwrap();
        forget_days_before(&folder, oldest).unwrap();
        let mut left: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["day=2026-01-05", "day=2026-01-06", "notes"]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
