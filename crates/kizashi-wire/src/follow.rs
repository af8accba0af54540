//! Reads a capture while it is written, by asking again and again. When another file takes its name (the capture was rotated), what
//! was still written to the old one is read first; a file that was cut begins anew. Conversations go on from file to file.
//!
//! No clock here: the caller's `pause` waits, and ends the following by breaking.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use crate::capture::{CaptureReader, unpack};
use crate::import::{CaptureReport, WireError, drain, shown};
use crate::observe::{Observer, Sink};

/// Waits for more, and says whether to go on.
pub type Pause<'p> = &'p mut dyn FnMut(&mut Observer, Sink<'_>) -> ControlFlow<()>;

/// Follows the capture at `path` until `pause` or `sink` breaks. `pause` is called with the observer when all that is there was
/// read; it may let time go on (see [`Observer::pass`]).
///
/// # Errors
/// When the file cannot be opened or read, is packed, or is broken.
pub fn follow(
    path: &Path,
    observer: &mut Observer,
    pause: Pause<'_>,
    sink: Sink<'_>,
) -> Result<CaptureReport, WireError> {
    let mut total = CaptureReport { file: shown(path), ..CaptureReport::default() };
    loop {
        let file = File::open(path).map_err(|error| WireError::open(path, &error))?;
        let ended = follow_one(path, &file, observer, &mut total, pause, sink)?;
        if ended == Ended::Stopped {
            observer.finish(sink);
            return Ok(total);
        }
    }
}

#[derive(PartialEq, Eq)]
enum Ended {
    /// Nobody wants more.
    Stopped,
    /// Another file has the name, or the file was cut.
    Replaced,
}

fn follow_one(
    path: &Path,
    file: &File,
    observer: &mut Observer,
    total: &mut CaptureReport,
    pause: Pause<'_>,
    sink: Sink<'_>,
) -> Result<Ended, WireError> {
    refuse_packed(path, file)?;
    let mut report = CaptureReport { file: shown(path), ..CaptureReport::default() };
    let mut capture = CaptureReader::new(file);
    loop {
        let change = look(path, file, capture.taken() + capture.left_over() as u64);
        drain(&mut capture, observer, &mut report, &mut || {}, sink);
        if let Some(fault) = report.fault.take() {
            return Err(fault);
        }
        observer.settle(sink);
        let is_over = observer.stopped() || (change.is_none() && pause(observer, sink).is_break());
        if is_over || change.is_some() {
            total.frames += report.frames;
            total.bytes += report.bytes;
            total.lost += report.lost;
            total.left_over += report.left_over;
            total.events += report.events;
            return Ok(if is_over { Ended::Stopped } else { Ended::Replaced });
        }
    }
}

fn refuse_packed(path: &Path, file: &File) -> Result<(), WireError> {
    let mut head = [0; 4];
    let is_packed = file
        .read_at(&mut head, 0)
        .is_ok_and(|length| unpack::is_packed(head.get(..length).unwrap_or_default()));
    if is_packed { Err(WireError::NotFollowable { file: shown(path) }) } else { Ok(()) }
}

/// Whether the name leads to another file now, or the file is shorter than what was read of it.
fn look(path: &Path, file: &File, read: u64) -> Option<()> {
    let ours = file.metadata().ok()?;
    // Between renaming and making anew there is no file: the old one is still ours.
    let now = fs::metadata(path).ok()?;
    (identity(&now) != identity(&ours) || now.len() < read).then_some(())
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Whether the file at `path` begins as a capture that can be followed.
///
/// # Errors
/// When it cannot be opened or read.
pub fn is_followable(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut head)?;
    Ok(crate::is_capture(&head))
}
