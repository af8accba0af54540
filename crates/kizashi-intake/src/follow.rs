//! Reads a log while it is written, by asking again and again, which works on every file system and for every way of rotating: the
//! file renamed and made anew (another inode), or copied and cut to nothing (shorter than what was read, or with another
//! beginning). What was still written to a renamed file is read before its successor. A line is read when its end is there;
//! the last line of a file that was renamed ends with it.
//!
//! No clock here: the caller's `pause` waits, and ends the following by breaking.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use kizashi_event::Event;

use crate::error::{IntakeError, shown};
use crate::import::Options;
use crate::lines::LineCutter;
use crate::reading::{Parsers, Reading};
use crate::report::FileReport;
use crate::source;

const CHUNK_BYTES: usize = 65_536;
/// How much of a file's beginning is compared to see whether it is still the same.
const BEGINNING: usize = 256;
/// Lines from the beginning by which the format is found when the reading starts further on.
const HEAD_BYTES: u64 = 65_536;
/// How long one sleep lasts at most before the flag to stop is looked at.
const SLEEP_MAX: Duration = Duration::from_millis(200);

/// How far the following is, given whenever all that is there was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowStatus {
    /// Bytes of the present file that stand in lines that were read: where to go on after a restart.
    pub offset: u64,
    /// Lines read, of all files that had the name.
    pub lines: u64,
    /// Events made of them.
    pub events: u64,
    /// How many lines could not be read.
    pub broken: u64,
    /// How often another file took the place, or the file was cut.
    pub rotations: u64,
}

/// Follows the file at `path` from byte `from` (0, or a [`FollowStatus::offset`] told earlier; 0 is taken when the file is
/// shorter), until `pause` or `sink` breaks. `pause` is called when all that is there was read, and should wait for a while.
///
/// Following always from 0 is right too, since the store keeps each event once.
///
/// # Errors
/// When the file cannot be opened or read, is packed, or is of no known format.
pub fn follow(
    path: &Path,
    from: u64,
    options: &Options,
    pause: &mut dyn FnMut(&FollowStatus) -> ControlFlow<()>,
    sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<FileReport, IntakeError> {
    let mut parsers = Parsers::default();
    let mut reading = Reading::new(&shown(path), true, options, &mut parsers);
    let mut follower = Follower::open(path, options)?;
    follower.skip_to(from, &mut reading)?;
    loop {
        let change = follower.look(path);
        follower.drain(&mut reading, sink)?;
        if change == Change::Replaced {
            reading.feed_end(&mut follower.cutter, sink)?;
        }
        if change != Change::None && !reading.report.stopped {
            reading.finish(sink)?;
            reading.restart();
            follower.reopen(path)?;
            continue;
        }
        if reading.report.stopped || pause(&follower.status(&reading.report)).is_break() {
            return Ok(reading.into_report(Ok(())));
        }
    }
}

/// A `pause` for [`follow`] that waits for `interval` and breaks soon after `stop` was set.
pub fn poll_every(
    interval: Duration,
    stop: Arc<AtomicBool>,
) -> impl FnMut(&FollowStatus) -> ControlFlow<()> {
    move |_| {
        let mut left = interval;
        while !stop.load(Ordering::Relaxed) {
            if left.is_zero() {
                return ControlFlow::Continue(());
            }
            let nap = left.min(SLEEP_MAX);
            thread::sleep(nap);
            left -= nap;
        }
        ControlFlow::Break(())
    }
}

/// What became of the file since it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    /// Another file has its name; the old one may still have unread lines.
    Replaced,
    /// It was cut and begins anew; what was not read of it is gone.
    Cut,
}

struct Follower {
    file: File,
    identity: (u64, u64),
    /// Bytes read of the file.
    position: u64,
    /// Where the cutter's count began.
    started_at: u64,
    beginning: Vec<u8>,
    cutter: LineCutter,
    rotations: u64,
    /// Set when the file was cut: nothing more of it is read before it is opened anew.
    is_cut: bool,
    chunk: Vec<u8>,
}

impl Follower {
    fn open(path: &Path, options: &Options) -> Result<Self, IntakeError> {
        let failed = |error: io::Error| IntakeError::open(path, &error);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        Ok(Self {
            file,
            identity: identity(&metadata),
            position: 0,
            started_at: 0,
            beginning: Vec::new(),
            cutter: LineCutter::new(options.line_max_bytes),
            rotations: 0,
            is_cut: false,
            chunk: vec![0; CHUNK_BYTES],
        })
    }

    /// Looks at the beginning, by which the format and a table's header are known, then goes to `from`.
    fn skip_to(&mut self, from: u64, reading: &mut Reading<'_>) -> Result<(), IntakeError> {
        let length = self.file.metadata().map_or(0, |metadata| metadata.len());
        if from == 0 || from > length {
            return Ok(());
        }
        let mut head = Vec::new();
        let mut whole = (&self.file).take(HEAD_BYTES.min(from));
        whole.read_to_end(&mut head).map_err(|error| self.failed(reading, &error))?;
        reading.learn(&head);
        self.file.seek(SeekFrom::Start(from)).map_err(|error| self.failed(reading, &error))?;
        head.truncate(BEGINNING);
        self.beginning = head;
        (self.position, self.started_at) = (from, from);
        Ok(())
    }

    fn failed(&self, reading: &Reading<'_>, error: &io::Error) -> IntakeError {
        IntakeError::Read {
            file: reading.report.file.clone(),
            lines: reading.report.counts.lines,
            reason: error.to_string(),
        }
    }

    /// Whether the name still leads to this file, and the file still holds what was read.
    fn look(&mut self, path: &Path) -> Change {
        // Between renaming and making anew there is no file: the old one is still ours.
        let Ok(metadata) = fs::metadata(path) else { return Change::None };
        if identity(&metadata) != self.identity {
            return Change::Replaced;
        }
        let mut beginning = vec![0; self.beginning.len()];
        let is_same = self.file.read_exact_at(&mut beginning, 0).is_ok();
        if metadata.len() < self.position || !is_same || beginning != self.beginning {
            self.is_cut = true;
            return Change::Cut;
        }
        Change::None
    }

    /// Reads all that is there.
    fn drain(
        &mut self,
        reading: &mut Reading<'_>,
        sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<(), IntakeError> {
        while !self.is_cut && !reading.report.stopped {
            let length = match self.file.read(&mut self.chunk) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed(reading, &error)),
            };
            let chunk = &self.chunk[..length];
            if self.position == 0 && source::is_packed(chunk) {
                return Err(IntakeError::NotFollowable { file: reading.report.file.clone() });
            }
            if let Some(missing) = BEGINNING.checked_sub(self.beginning.len())
                && self.position == u64::try_from(self.beginning.len()).unwrap_or(u64::MAX)
            {
                self.beginning.extend_from_slice(&chunk[..missing.min(length)]);
            }
            self.position += u64::try_from(length).unwrap_or(u64::MAX);
            reading.feed(&mut self.cutter, chunk, sink)?;
        }
        Ok(())
    }

    /// Begins with the file that now has the name.
    fn reopen(&mut self, path: &Path) -> Result<(), IntakeError> {
        let failed = |error: io::Error| IntakeError::open(path, &error);
        // Gone again already: the old one is kept until there is another.
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(failed)?,
        };
        self.identity = identity(&file.metadata().map_err(failed)?);
        self.file = file;
        (self.position, self.started_at, self.is_cut) = (0, 0, false);
        self.beginning.clear();
        self.cutter.restart();
        self.rotations += 1;
        Ok(())
    }

    fn status(&self, report: &FileReport) -> FollowStatus {
        FollowStatus {
            offset: self.started_at + self.cutter.consumed(),
            lines: report.counts.lines,
            events: report.counts.events,
            broken: report.counts.broken,
            rotations: self.rotations,
        }
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
