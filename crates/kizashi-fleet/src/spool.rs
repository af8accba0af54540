//! What waits on a sensor's disk until the hub's servers have it: records in segments, each file named by the number of its first record.
//!
//! **What is promised.** [`Spool::append`] returns when its records are on the disk (one `fdatasync` for all that were given), and only then
//! does a trap hear that its events are kept; so a power cut takes nothing that was acknowledged. What a cut tears is the end of the last
//! segment, which the next start cuts off. How far the hub is, is written without waiting for the disk: when that is lost, records go a second
//! time, and the hub knows them by their number.
//!
//! **What is bounded.** Bytes on the disk. When they are reached, or the disk has no room, the oldest segment goes, with what the hub had not
//! got of it counted: what is new says more about now than what is old, and no trap ever waits.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::record::{self, HEAD, MOST_PACKED, Place};

/// Bytes after which a new segment is begun, where the bound is wide enough for several.
const SEGMENT: u64 = 8 << 20;
/// Segments that the bound is wide enough for at least: what goes when it is reached is one of these.
const LEAST_SEGMENTS: u64 = 8;
/// Bytes on the disk that a spool needs at least.
pub const LEAST_BYTES: u64 = 1 << 20;
const ENDING: &str = "spool";
const EPOCH: &str = "epoch";
const POSITION: &str = "position";
/// Records between two writings of how far the hub is.
const POSITION_EVERY: u64 = 64;

/// Why the spool cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// A file or the folder.
    #[error(
        "the spool {path} cannot be used ({error}); give it to this user and make room on its disk"
    )]
    Disk {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Another process has it.
    #[error(
        "the spool {0} is in use by another Kizashi; end that one, or name another folder with --data"
    )]
    InUse(PathBuf),
}

#[derive(Debug)]
struct Segment {
    /// The number of its first record.
    first: u64,
    /// Where each record begins, and how many events it holds.
    records: Vec<(u64, u32)>,
    bytes: u64,
}

impl Segment {
    fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }
}

/// What was let go because there was no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Records.
    pub records: u64,
    /// Events in them.
    pub events: u64,
}

/// How full it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Records that the hub has not got.
    pub records: u64,
    /// Bytes of all segments.
    pub bytes: u64,
}

/// A spool that is open: by one process alone.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    most_bytes: u64,
    epoch: u64,
    segments: VecDeque<Segment>,
    writer: File,
    /// The number up to which the hub has everything.
    acknowledged: u64,
    written_position: u64,
    dropped: Dropped,
    /// Held for as long as this is open; the system lets go of it whatever becomes of the process.
    _lock: File,
}

impl Spool {
    /// Opens the spool in `folder`, which is made when it is not there. `epoch` is drawn by the caller, and counts where none is known.
    ///
    /// # Errors
    /// When another process has it, or the disk cannot be read or written.
    pub fn open(folder: &Path, most_bytes: u64, epoch: u64) -> Result<Self, SpoolError> {
        let at = |error| SpoolError::Disk { path: folder.to_path_buf(), error };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at)?;
        let lock = file(&folder.join("lock"), false).map_err(at)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(SpoolError::InUse(folder.to_path_buf()));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(at(error)),
        }
        let mut firsts = segment_numbers(folder).map_err(at)?;
        firsts.sort_unstable();
        let kept = read_number(&folder.join(EPOCH));
        let epoch = match kept {
            Some(kept) => kept,
            None => {
                write_number(folder, EPOCH, epoch, true).map_err(at)?;
                epoch
            }
        };
        let mut acknowledged = read_number(&folder.join(POSITION)).unwrap_or(0);
        let mut segments = VecDeque::new();
        for first in firsts {
            segments.push_back(scan(&path_of(folder, first), first).map_err(at)?);
        }
        // Segments before the oldest were acknowledged, or let go.
        let oldest = segments.front().map_or(acknowledged + 1, |segment: &Segment| segment.first);
        acknowledged = acknowledged.max(oldest - 1);
        let next = segments.back().map_or(0, Segment::end).max(acknowledged + 1);
        let mut spool = Self {
            folder: folder.to_path_buf(),
            most_bytes: most_bytes.max(LEAST_BYTES),
            epoch,
            writer: begin(folder, next).map_err(at)?,
            segments,
            acknowledged,
            written_position: acknowledged,
            dropped: Dropped::default(),
            _lock: lock,
        };
        spool.segments.retain(|segment| segment.first != next);
        spool.segments.push_back(Segment { first: next, records: Vec::new(), bytes: 0 });
        spool.forget_acknowledged();
        Ok(spool)
    }

    /// The epoch and number of the record that is appended next.
    #[must_use]
    pub fn next_place(&self) -> Place {
        let number = self.segments.back().map_or(self.acknowledged + 1, Segment::end);
        Place { epoch: self.epoch, number }
    }

    /// The number up to which the hub has everything.
    #[must_use]
    pub const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// What was let go since it was opened.
    #[must_use]
    pub const fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// How full it is.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        Waiting {
            records: self.next_place().number - 1 - self.acknowledged,
            bytes: self.segments.iter().map(|segment| segment.bytes).sum(),
        }
    }

    /// Takes records, whose places are the ones from [`Self::next_place`] on, and has them on the disk when this returns. Where there is no
    /// room the oldest go.
    ///
    /// # Errors
    /// When they cannot be written; none of them is in the spool then.
    pub fn append(&mut self, records: &[Vec<u8>]) -> Result<(), SpoolError> {
        let more: u64 = records.iter().map(|record| 4 + record.len() as u64).sum();
        while self.waiting().bytes + more > self.most_bytes && self.segments.len() > 1 {
            self.drop_oldest();
        }
        loop {
            match self.write(records) {
                Ok(()) => break,
                Err(error) => {
                    self.take_back();
                    let is_full =
                        matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
                    if !is_full || self.segments.len() < 2 {
                        return Err(SpoolError::Disk { path: self.folder.clone(), error });
                    }
                    self.drop_oldest();
                }
            }
        }
        let segment = (self.most_bytes / LEAST_SEGMENTS).min(SEGMENT);
        if self.segments.back().is_some_and(|last| last.bytes >= segment) {
            // That no new segment can be begun hurts nobody yet: the old one takes more.
            let next = self.next_place().number;
            if let Ok(writer) = begin(&self.folder, next) {
                self.writer = writer;
                self.segments.push_back(Segment { first: next, records: Vec::new(), bytes: 0 });
            }
        }
        Ok(())
    }

    fn write(&mut self, records: &[Vec<u8>]) -> std::io::Result<()> {
        let mut bytes = Vec::with_capacity(records.iter().map(|record| 4 + record.len()).sum());
        for record in records {
            let length = u32::try_from(record.len()).map_err(std::io::Error::other)?;
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(record);
        }
        self.writer.write_all(&bytes)?;
        self.writer.sync_data()?;
        let Some(last) = self.segments.back_mut() else { return Ok(()) };
        for record in records {
            let events = record::head_of(record).map_or(0, |head| head.events);
            last.records.push((last.bytes, events));
            last.bytes += 4 + record.len() as u64;
        }
        Ok(())
    }

    /// Cuts off what a failed writing may have left.
    fn take_back(&mut self) {
        let good = self.segments.back().map_or(0, |last| last.bytes);
        // Where even that fails, the next start finds the torn end and cuts it off.
        let _ = self.writer.set_len(good);
        let _ = self.writer.seek(SeekFrom::Start(good));
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.segments.pop_front() else { return };
        let _ = std::fs::remove_file(path_of(&self.folder, oldest.first));
        let had = self.acknowledged.saturating_sub(oldest.first.saturating_sub(1));
        let had = usize::try_from(had).unwrap_or(usize::MAX);
        let before = self.dropped.records;
        for (_, events) in oldest.records.iter().skip(had) {
            self.dropped.records += 1;
            self.dropped.events += u64::from(*events);
        }
        if crate::is_worth_a_line(before, self.dropped.records) {
            let Dropped { records, events } = self.dropped;
            tracing::warn!(
                "fleet: the spool is full, or its disk; the oldest {records} records with {events} events were let go"
            );
        }
        self.acknowledged = self.acknowledged.max(oldest.end() - 1);
    }

    /// Records from `number` on, in order: as many as fit into `most_bytes`, and at least one where there is any. What was let go meanwhile
    /// is passed over, and so is what the disk does not give back as it was written; that is counted.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn read_from(
        &mut self,
        number: u64,
        most_bytes: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, SpoolError> {
        let mut number = number.max(self.acknowledged + 1);
        let (mut found, mut bytes) = (Vec::new(), 0);
        for at in 0..self.segments.len() {
            let Some(segment) = self.segments.get(at).filter(|it| it.end() > number) else {
                continue;
            };
            number = number.max(segment.first);
            let path = path_of(&self.folder, segment.first);
            let failed = |error| SpoolError::Disk { path: path.clone(), error };
            let mut file = File::open(&path).map_err(failed)?;
            while number < segment.end() && (found.is_empty() || bytes < most_bytes) {
                let index = usize::try_from(number - segment.first).unwrap_or(usize::MAX);
                let Some((offset, events)) = segment.records.get(index) else { break };
                file.seek(SeekFrom::Start(*offset)).map_err(failed)?;
                match read_record(&mut file).map_err(failed)? {
                    Some(record) => {
                        bytes += record.len();
                        found.push((number, record));
                    }
                    None => {
                        self.dropped.records += 1;
                        self.dropped.events += u64::from(*events);
                    }
                }
                number += 1;
            }
            if bytes >= most_bytes {
                break;
            }
        }
        Ok(found)
    }

    /// The hub's servers have everything up to this number.
    pub fn acknowledge(&mut self, number: u64) {
        self.acknowledged = self.acknowledged.max(number.min(self.next_place().number - 1));
        self.forget_acknowledged();
        if self.acknowledged >= self.written_position + POSITION_EVERY {
            self.write_position();
        }
    }

    /// Writes how far the hub is; after that, nothing goes a second time.
    pub fn write_position(&mut self) {
        if write_number(&self.folder, POSITION, self.acknowledged, false).is_ok() {
            self.written_position = self.acknowledged;
        }
    }

    fn forget_acknowledged(&mut self) {
        while self.segments.len() > 1
            && self.segments.front().is_some_and(|first| first.end() <= self.acknowledged + 1)
        {
            if let Some(gone) = self.segments.pop_front() {
                let _ = std::fs::remove_file(path_of(&self.folder, gone.first));
            }
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.write_position();
    }
}

fn file(path: &Path, append: bool) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .append(append)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// A new segment, whose name is on the disk.
fn begin(folder: &Path, first: u64) -> std::io::Result<File> {
    let writer = file(&path_of(folder, first), true)?;
    writer.set_len(0)?;
    File::open(folder)?.sync_all()?;
    Ok(writer)
}

fn path_of(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{ENDING}"))
}

fn segment_numbers(folder: &Path) -> std::io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".spool"));
        // A number of 0 would be no record's.
        numbers.extend(number.and_then(|it| it.parse::<u64>().ok()).filter(|number| *number > 0));
    }
    Ok(numbers)
}

/// Finds the records of a segment, and cuts off what was torn at its end.
fn scan(path: &Path, first: u64) -> std::io::Result<Segment> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut segment = Segment { first, records: Vec::new(), bytes: 0 };
    while segment.bytes < length {
        file.seek(SeekFrom::Start(segment.bytes))?;
        let Some(record) = read_record(&mut file)? else { break };
        let events = record::head_of(&record).map_or(0, |head| head.events);
        segment.records.push((segment.bytes, events));
        segment.bytes += 4 + record.len() as u64;
    }
    if segment.bytes < length {
        file.set_len(segment.bytes)?;
    }
    Ok(segment)
}

/// One record; `None` where there is none whose sum is right.
fn read_record(file: &mut File) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    let whole = |result: std::io::Result<()>| match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    };
    if !whole(file.read_exact(&mut length))? {
        return Ok(None);
    }
    let length = u32::from_le_bytes(length) as usize;
    if !(HEAD..=MOST_PACKED).contains(&length) {
        return Ok(None);
    }
    let mut record = vec![0; length];
    if !whole(file.read_exact(&mut record))? || record::head_of(&record).is_err() {
        return Ok(None);
    }
    Ok(Some(record))
}

fn read_number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Writes a number beside the old one and puts it in its place.
fn write_number(folder: &Path, name: &str, number: u64, synced: bool) -> std::io::Result<()> {
    let (new, path) = (folder.join(format!("{name}.new")), folder.join(name));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    writeln!(file, "{number}")?;
    if synced {
        file.sync_all()?;
    }
    std::fs::rename(new, path)
}

#[cfg(test)]
mod tests;
