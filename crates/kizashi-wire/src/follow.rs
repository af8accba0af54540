//! Reads captures while they are written, by asking again and again. What is followed is a name as the capturing program was given it:
//! - a file; when another file takes its name (the capture was rotated), what was still written to the old one is read first, and a
//!   file that was cut or written over begins anew;
//! - the files of a ring: `tcpdump -C -W` numbers them behind the name (`x.pcap0`), `dumpcap -b` inside it (`x_00001_20260101….pcapng`),
//!   `tcpdump -G` makes the name from the time (`x-%H%M.pcap`);
//! - a folder: every capture in it.
//!
//! Files are read in the order in which they were last written to, each to its end once a later one is there; both programs close a
//! file before they begin the next. A finished file that is packed (`tcpdump -z gzip`) is read if its plain form was not. Conversations go
//! on from file to file. No clock here: the caller's `pause` waits, and ends the following by breaking.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::capture::{CaptureReader, unpack};
use crate::import::{CaptureReport, WireError, drain, import, shown};
use crate::observe::{Observer, Sink};

/// Waits for more, and says whether to go on.
pub type Pause<'p> = &'p mut dyn FnMut(&mut Observer, Sink<'_>) -> ControlFlow<()>;

/// Files of a ring that are looked at; of more the latest names are left out.
const MOST_FILES: usize = 10_000;
/// Bytes of a file's beginning by which it is known again: a classic header with the first record's, or a section and an interface.
const HEAD: usize = 96;
const PACKED: [&str; 2] = [".gz", ".zst"];

/// What is followed.
struct Names {
    folder: PathBuf,
    /// The name itself, and what stands before and behind what the capturing program puts into it; `None` is every name.
    name: Option<(OsString, OsString, OsString)>,
}

impl Names {
    fn of(path: &Path) -> Self {
        if path.is_dir() {
            return Self { folder: path.to_path_buf(), name: None };
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new(".")).to_path_buf();
        let name = path.file_name().unwrap_or_default().to_os_string();
        let bytes = name.as_bytes();
        let (before, behind) = match bytes.iter().position(|byte| *byte == b'%') {
            Some(at) => (OsStr::from_bytes(bytes.get(..at).unwrap_or_default()).into(), "".into()),
            None => (
                path.file_stem().unwrap_or_default().to_os_string(),
                path.extension().unwrap_or_default().to_os_string(),
            ),
        };
        Self { folder, name: Some((name, before, behind)) }
    }

    /// Whether a file belongs to what is followed.
    fn has(&self, file: &OsStr) -> bool {
        let Some((name, before, behind)) = &self.name else { return true };
        let file = unpacked_name(file);
        let (file, name) = (file.as_bytes(), name.as_bytes());
        let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        if file.strip_prefix(name).is_some_and(digits) {
            return true;
        }
        let Some(rest) = file.strip_prefix(before.as_bytes()) else { return false };
        if name.contains(&b'%') {
            return true;
        }
        // dumpcap: _00001_20260101120000 before the ending.
        let ending = [b".".as_slice(), behind.as_bytes()].concat();
        let ending: &[u8] = if behind.is_empty() { b"" } else { &ending };
        let middle = rest.strip_prefix(b"_").and_then(|rest| rest.strip_suffix(ending));
        middle.is_some_and(|middle| {
            !middle.is_empty() && middle.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_')
        })
    }

    /// The files that are there, the one that was written to first, first.
    fn files(&self) -> io::Result<Vec<Found>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !self.has(&entry.file_name()) {
                continue;
            }
            // One that is gone again is none.
            if let Ok(metadata) = std::fs::metadata(entry.path())
                && metadata.is_file()
            {
                files.push(Found::new(entry.path(), &metadata));
            }
        }
        files.sort_by(|a, b| (a.written, &a.path).cmp(&(b.written, &b.path)));
        files.truncate(MOST_FILES);
        Ok(files)
    }
}

/// The name without the ending of a packed file.
fn unpacked_name(file: &OsStr) -> OsString {
    let bytes = file.as_bytes();
    let plain = PACKED.iter().find_map(|ending| bytes.strip_suffix(ending.as_bytes()));
    OsStr::from_bytes(plain.unwrap_or(bytes)).to_os_string()
}

type Identity = (u64, u64);

/// A file that belongs to what is followed.
#[derive(Clone)]
struct Found {
    path: PathBuf,
    identity: Identity,
    written: (i64, i64),
    length: u64,
}

impl Found {
    fn new(path: PathBuf, metadata: &Metadata) -> Self {
        let identity = (metadata.dev(), metadata.ino());
        let written = (metadata.mtime(), metadata.mtime_nsec());
        Self { path, identity, written, length: metadata.len() }
    }
}

/// What is remembered of a file that was read or looked at.
struct Known {
    written: (i64, i64),
    read: u64,
    head: Vec<u8>,
}

/// The file that is read while it grows.
struct Current {
    identity: Identity,
    file: File,
    capture: CaptureReader<File>,
    head: Vec<u8>,
    report: CaptureReport,
}

fn head_of(file: &File) -> Vec<u8> {
    let mut head = vec![0; HEAD];
    let length = file.read_at(&mut head, 0).unwrap_or_default();
    head.truncate(length);
    head
}

impl Current {
    fn open(found: &Found) -> io::Result<Self> {
        let file = File::open(&found.path)?;
        let capture = CaptureReader::new(file.try_clone()?);
        let report = CaptureReport { file: shown(&found.path), ..CaptureReport::default() };
        let head = head_of(&file);
        Ok(Self { identity: found.identity, file, capture, head, report })
    }

    fn read(&self) -> u64 {
        self.capture.taken() + self.capture.left_over() as u64
    }

    /// Whether another capture was written in its place.
    fn was_written_over(&mut self) -> bool {
        let is_shorter = self.file.metadata().is_ok_and(|metadata| metadata.len() < self.read());
        let head = head_of(&self.file);
        let is_same = !is_shorter && head.starts_with(&self.head);
        if is_same {
            self.head = head;
        }
        !is_same
    }
}

/// Follows what is named `path` until `pause` or `sink` breaks. `pause` is called with the observer when all that is there was
/// read; it may let time go on (see [`Observer::pass`]). What is broken in one of several files is told in the report and passed over.
///
/// # Errors
/// When nothing of that name is there, it cannot be read, or the only file is packed or broken.
pub fn follow(
    path: &Path,
    observer: &mut Observer,
    pause: Pause<'_>,
    sink: Sink<'_>,
) -> Result<CaptureReport, WireError> {
    let mut follower = Follower::new(path)?;
    while !observer.stopped() {
        let is_more = follower.step(observer, sink)?;
        observer.settle(sink);
        if !is_more && pause(observer, sink).is_break() {
            break;
        }
    }
    follower.leave();
    observer.finish(sink);
    Ok(follower.total)
}

struct Follower {
    names: Names,
    current: Option<Current>,
    known: HashMap<Identity, Known>,
    /// Plain names that were read, so that their packed forms are not.
    read: HashSet<OsString>,
    total: CaptureReport,
    files: u64,
}

impl Follower {
    fn new(path: &Path) -> Result<Self, WireError> {
        let names = Names::of(path);
        let files = names.files().map_err(|error| WireError::open(path, &error))?;
        if files.is_empty() && names.name.is_some() {
            return Err(WireError::open(path, &io::ErrorKind::NotFound.into()));
        }
        if let [only] = &files[..]
            && only.path.file_name() == path.file_name()
            && File::open(path).is_ok_and(|file| unpack::is_packed(&head_of(&file)))
        {
            return Err(WireError::NotFollowable { file: shown(path) });
        }
        Ok(Self {
            names,
            current: None,
            known: HashMap::new(),
            read: HashSet::new(),
            total: CaptureReport { file: shown(path), ..CaptureReport::default() },
            files: 0,
        })
    }

    /// Reads what is there; whether another file was begun, and so there may be more at once.
    fn step(&mut self, observer: &mut Observer, sink: Sink<'_>) -> Result<bool, WireError> {
        // Between renaming and making anew the folder may lack the file: what is read goes on.
        let files = self.names.files().unwrap_or_default();
        self.known.retain(|identity, _| files.iter().any(|file| file.identity == *identity));
        if let Some(current) = &mut self.current
            && current.was_written_over()
        {
            let identity = current.identity;
            self.leave();
            self.known.remove(&identity);
        }
        // After looking for later files, so that nothing can be written to this one any more where there is one.
        self.drain(observer, sink)?;
        let Some(next) = self.next_of(&files) else { return Ok(false) };
        self.begin(&next, observer, sink)?;
        Ok(true)
    }

    fn drain(&mut self, observer: &mut Observer, sink: Sink<'_>) -> Result<(), WireError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        drain(&mut current.capture, observer, &mut current.report, &mut || {}, sink);
        match current.report.fault.take() {
            Some(fault) => {
                self.leave();
                self.fault(fault)
            }
            None => Ok(()),
        }
    }

    /// A fault of the only file ends the following.
    fn fault(&mut self, fault: WireError) -> Result<(), WireError> {
        if self.names.name.is_some() && self.files <= 1 {
            return Err(fault);
        }
        self.total.fault.get_or_insert(fault);
        Ok(())
    }

    /// The first file that is still to be read.
    fn next_of(&mut self, files: &[Found]) -> Option<Found> {
        let current = self.current.as_ref().map(|current| current.identity);
        let next = files.iter().filter(|file| Some(file.identity) != current).find(|file| {
            let known = self.known.get(&file.identity);
            match known {
                Some(known) if known.written == file.written => false,
                Some(known) if known.read > 0 => {
                    let head = File::open(&file.path).map(|file| head_of(&file));
                    file.length < known.read
                        || !head.is_ok_and(|head| head.starts_with(&known.head))
                }
                // A header takes this much at least; without it nobody can tell what it becomes.
                _ => file.length >= 24,
            }
        });
        next.cloned()
    }

    fn begin(
        &mut self,
        next: &Found,
        observer: &mut Observer,
        sink: Sink<'_>,
    ) -> Result<(), WireError> {
        let looked_at = Known { written: next.written, read: 0, head: Vec::new() };
        self.known.insert(next.identity, looked_at);
        let Ok(current) = Current::open(next) else { return Ok(()) };
        let name = next.path.file_name().map(unpacked_name).unwrap_or_default();
        if unpack::is_packed(&current.head) {
            return self.packed(next, name, observer, sink);
        }
        if !crate::is_capture(&current.head) {
            let is_named =
                self.names.name.as_ref().is_some_and(|(name, ..)| next.path.ends_with(name));
            return if is_named { self.only_broken(next) } else { Ok(()) };
        }
        self.leave();
        self.files += 1;
        if self.read.len() < MOST_FILES {
            self.read.insert(name);
        }
        self.current = Some(current);
        self.drain(observer, sink)
    }

    fn only_broken(&mut self, file: &Found) -> Result<(), WireError> {
        let broken = crate::Broken::Magic;
        self.fault(WireError::Broken { file: shown(&file.path), frames: 0, at: 0, broken })
    }

    /// Reads a packed file whole; one that is still being packed ends early, and is read again when it has grown.
    fn packed(
        &mut self,
        file: &Found,
        name: OsString,
        observer: &mut Observer,
        sink: Sink<'_>,
    ) -> Result<(), WireError> {
        if self.read.contains(&name) {
            return Ok(());
        }
        let report = import(&file.path, observer, &mut |_| {}, sink);
        if report.fault.is_none() && self.read.len() < MOST_FILES {
            self.read.insert(name);
        }
        self.add(&report);
        Ok(())
    }

    /// Is done with the present file.
    fn leave(&mut self) {
        let Some(current) = self.current.take() else { return };
        if let Ok(metadata) = current.file.metadata() {
            let written = (metadata.mtime(), metadata.mtime_nsec());
            let known = Known { written, read: current.read(), head: current.head };
            self.known.insert(current.identity, known);
        }
        self.add(&current.report);
    }

    fn add(&mut self, report: &CaptureReport) {
        let total = &mut self.total;
        total.frames += report.frames;
        total.bytes += report.bytes;
        total.lost += report.lost;
        total.left_over += report.left_over;
        total.events += report.events;
    }
}

/// Whether what is named `path` holds a capture that can be followed.
///
/// # Errors
/// When it cannot be read.
pub fn is_followable(path: &Path) -> io::Result<bool> {
    let names = Names::of(path);
    let begins = |file: &Found| {
        let mut head = Vec::new();
        let read = File::open(&file.path).and_then(|file| file.take(4).read_to_end(&mut head));
        read.is_ok() && crate::is_capture(&head)
    };
    Ok(path.is_dir() || names.files()?.iter().any(begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_ring_are_known_by_the_name_that_the_program_was_given() {
        let has = |path: &str, file: &str| Names::of(Path::new(path)).has(OsStr::new(file));
        for file in ["x.pcap", "x.pcap0", "x.pcap12", "x.pcap3.gz", "x.pcap.zst"] {
            assert!(has("/nowhere/x.pcap", file), "{file}");
        }
        assert!(has("x.pcapng", "x_00001_20261129052040.pcapng"));
        assert!(has("x.pcapng", "x_00001_20261129052040.pcapng.gz"));
        assert!(has("ring/x-%H%M%S.pcap", "x-052040.pcap") && has("x-%s", "x-1.pcap0"));
        for file in ["y.pcap", "x.pcap.bak", "x_old.pcap", "x.txt", "x_.pcap", "xx.pcap"] {
            assert!(!has("x.pcap", file), "{file}");
        }
    }
}
