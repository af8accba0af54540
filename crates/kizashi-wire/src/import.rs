//! Leads capture files through one observer, one after the other: a conversation goes on in the next file of a rotated capture.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kizashi_event::escape_for_people;
use serde::{Serialize, Serializer};

use crate::capture::{Broken, CaptureReader, Next, is_capture, unpack};
use crate::observe::{Observer, Sink};

/// How often an import tells how far it is, in frames.
const FRAMES_A_TELLING: u64 = 4_096;

/// Why a capture was not read, or not to its end. Serialised as its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The file could not be opened.
    #[error("{file}: cannot be opened ({reason}): check the path and that it may be read")]
    Open {
        /// The file, safe to show.
        file: String,
        /// The system's reason.
        reason: String,
    },
    /// Reading stopped before the end.
    #[error(
        "{file}: reading stopped after packet {frames} ({reason}): what came before is in; get the file whole and import it again"
    )]
    Read {
        /// The file, safe to show.
        file: String,
        /// Packets read before.
        frames: u64,
        /// The system's or the decompressor's reason.
        reason: String,
    },
    /// Nothing behind a place can be read.
    #[error(
        "{file}: broken after packet {frames}, at byte {at} ({broken}): what came before is in"
    )]
    Broken {
        /// The file, safe to show.
        file: String,
        /// Packets read before.
        frames: u64,
        /// Where, in unpacked bytes.
        at: u64,
        /// What is wrong.
        broken: Broken,
    },
    /// A compressed capture cannot be followed while it grows.
    #[error("{file}: a compressed capture cannot be followed: import it without following")]
    NotFollowable {
        /// The file, safe to show.
        file: String,
    },
}

impl Serialize for WireError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl WireError {
    pub(crate) fn open(path: &Path, error: &io::Error) -> Self {
        Self::Open { file: shown(path), reason: error.to_string() }
    }
}

pub(crate) fn shown(path: &Path) -> String {
    escape_for_people(&path.to_string_lossy())
}

/// What came of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CaptureReport {
    /// The file, safe to show.
    pub file: String,
    /// Packets read, of any kind.
    pub frames: u64,
    /// Bytes of the capture, unpacked.
    pub bytes: u64,
    /// Records in order whose packet could not be read.
    pub lost: u64,
    /// Bytes at the end that are no whole record: the capture was cut there.
    pub left_over: u64,
    /// Events told while it was read. What still waits for its outcome then is told later.
    pub events: u64,
    /// Why it was not read, or not to its end.
    pub fault: Option<WireError>,
}

/// Whether a file, unpacked, begins as a capture does. What is no plain file is not looked into, for that would take from it.
#[must_use]
pub fn looks_like_capture(path: &Path) -> bool {
    let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let head = || -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        unpack::open(File::open(path)?)?.take(4).read_to_end(&mut head)?;
        Ok(head)
    };
    is_file && head().is_ok_and(|head| is_capture(&head))
}

/// Whether the first bytes of a stream, packed or not, are a capture's.
#[must_use]
pub fn begins_capture(head: &[u8]) -> bool {
    let mut first = Vec::new();
    let unpacked = unpack::open(head).and_then(|reader| reader.take(4).read_to_end(&mut first));
    unpacked.is_ok() && is_capture(&first)
}

/// Reads a capture file, packed or not. `progress` is told the bytes of the file that were read.
pub fn import(
    path: &Path,
    observer: &mut Observer,
    progress: &mut dyn FnMut(u64),
    sink: Sink<'_>,
) -> CaptureReport {
    let name = shown(path);
    match File::open(path) {
        Ok(file) => import_reader(&name, file, observer, progress, sink),
        Err(error) => CaptureReport {
            file: name,
            fault: Some(WireError::open(path, &error)),
            ..CaptureReport::default()
        },
    }
}

/// Counts what is read through it.
struct Counted<'a, R> {
    inner: R,
    count: &'a std::cell::Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.count.set(self.count.get() + length as u64);
        Ok(length)
    }
}

/// Reads one stream, packed or not, as [`import`] reads a file.
pub fn import_reader(
    name: &str,
    reader: impl Read,
    observer: &mut Observer,
    progress: &mut dyn FnMut(u64),
    sink: Sink<'_>,
) -> CaptureReport {
    let count = std::cell::Cell::new(0);
    let mut report = CaptureReport { file: escape_for_people(name), ..CaptureReport::default() };
    let counted = Counted { inner: reader, count: &count };
    match unpack::open(counted) {
        Ok(unpacked) => {
            let mut capture = CaptureReader::new(unpacked);
            drain(&mut capture, observer, &mut report, &mut || progress(count.get()), sink);
        }
        Err(error) => report.fault = Some(report.read_fault(&error)),
    }
    progress(count.get());
    report
}

impl CaptureReport {
    fn read_fault(&self, error: &io::Error) -> WireError {
        WireError::Read { file: self.file.clone(), frames: self.frames, reason: error.to_string() }
    }
}

/// Reads frames until there are no more for now.
pub(crate) fn drain<R: Read>(
    capture: &mut CaptureReader<R>,
    observer: &mut Observer,
    report: &mut CaptureReport,
    progress: &mut dyn FnMut(),
    sink: Sink<'_>,
) {
    let before = observer.counts().events;
    while !observer.stopped() {
        match capture.next_frame() {
            Ok(Next::Frame(frame)) => observer.frame(&frame, sink),
            Ok(Next::Marked(frame, mark)) => observer.marked_frame(&frame, mark, sink),
            Ok(Next::End) => break,
            Ok(Next::Broken(broken)) => {
                let (file, frames) = (report.file.clone(), report.frames);
                report.fault =
                    Some(WireError::Broken { file, frames, at: capture.taken(), broken });
                break;
            }
            Err(error) => {
                report.fault = Some(report.read_fault(&error));
                break;
            }
        }
        report.frames += 1;
        if report.frames.is_multiple_of(FRAMES_A_TELLING) {
            progress();
        }
    }
    report.bytes = capture.taken();
    report.lost = capture.lost();
    report.left_over = capture.left_over() as u64;
    report.events += observer.counts().events - before;
}
