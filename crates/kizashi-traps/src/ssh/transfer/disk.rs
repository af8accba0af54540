//! The disk that SFTP shows: the folders of a small server, and what the visitor put there in this session.

use kizashi_event::{Detail, Timestamp};

use super::tell;
use crate::capture::Capture;

/// Files and folders of one visitor.
const MOST_ENTRIES: usize = 64;
/// Bytes of a path.
pub(super) const LONGEST_PATH: usize = 1_024;

/// Folders that are there, with root as their owner.
const FOLDERS: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/dev/shm",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/root/.ssh",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/run",
    "/var/spool",
    "/var/tmp",
    "/var/www",
    "/var/www/html",
];

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) size: u64,
    /// With the kind of file in front.
    pub(super) mode: u32,
    pub(super) owner: u32,
    /// Seconds since 1970.
    pub(super) changed: u32,
}

impl Attributes {
    pub(super) const fn is_folder(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }
}

/// What the visitor made.
struct Entry {
    path: Vec<u8>,
    attributes: Attributes,
    /// Of a file; `None` for a folder.
    capture: Option<Capture>,
}

pub(super) struct Disk {
    home: Vec<u8>,
    owner: u32,
    entries: Vec<Entry>,
}

/// Why something cannot be done: the protocol's own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NoSuchFile,
    PermissionDenied,
    Failure,
}

impl Disk {
    pub(super) fn of(user: &[u8]) -> Self {
        let is_root = user == b"root";
        let home = if is_root { b"/root".to_vec() } else { [b"/home/", user].concat() };
        Self { home, owner: if is_root { 0 } else { 1_000 }, entries: Vec::new() }
    }

    /// A path made absolute, without `.`, `..` and double slashes.
    pub(super) fn absolute(&self, path: &[u8]) -> Vec<u8> {
        let whole = if path.starts_with(b"/") {
            path.to_vec()
        } else {
            [&self.home, &b"/"[..], path].concat()
        };
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in whole.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => drop(parts.pop()),
                other => parts.push(other),
            }
        }
        let mut path = vec![b'/'];
        path.extend(parts.join(&b'/'));
        path.truncate(LONGEST_PATH);
        path
    }

    fn place(&self, path: &[u8]) -> Option<usize> {
        self.entries.iter().position(|entry| entry.path == path)
    }

    fn is_given(&self, path: &[u8]) -> bool {
        path == self.home || FOLDERS.iter().any(|folder| folder.as_bytes() == path)
    }

    pub(super) fn look(&self, path: &[u8]) -> Option<Attributes> {
        let path = self.absolute(path);
        if let Some(place) = self.place(&path) {
            return self.entries.get(place).map(|entry| entry.attributes.clone());
        }
        let mode = match path.as_slice() {
            b"/tmp" | b"/var/tmp" | b"/dev/shm" => 0o041_777,
            b"/root" | b"/root/.ssh" => 0o040_700,
            _ => 0o040_755,
        };
        let owner = if path == self.home { self.owner } else { 0 };
        let given = Attributes { size: 4_096, mode, owner, changed: 1_718_000_000 };
        self.is_given(&path).then_some(given)
    }

    /// Whether something may be made at this path: its folder is there and the user's to write to.
    fn room_for(&self, path: &[u8]) -> Result<(), Fault> {
        let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        let folder = self.look(&path[..end.max(1)]).ok_or(Fault::NoSuchFile)?;
        if !folder.is_folder() {
            return Err(Fault::Failure);
        }
        let is_open = self.owner == 0 || folder.owner == self.owner || folder.mode & 0o002 != 0;
        if !is_open {
            return Err(Fault::PermissionDenied);
        }
        if self.entries.len() >= MOST_ENTRIES { Err(Fault::Failure) } else { Ok(()) }
    }

    /// Opens a file for writing; an old one of the visitor's goes on, or begins anew and is told.
    pub(super) fn write_to(
        &mut self,
        path: &[u8],
        (creates, begins_anew): (bool, bool),
        now: Timestamp,
        told: &mut Vec<Detail>,
    ) -> Result<Vec<u8>, Fault> {
        let path = self.absolute(path);
        if let Some(place) = self.place(&path) {
            if self.entries[place].capture.is_none() {
                return Err(Fault::Failure);
            }
            if begins_anew {
                self.release(place, told);
                self.add(path.clone(), 0o100_644, Some(Capture::default()), now);
            }
            return Ok(path);
        }
        if self.is_given(&path) {
            return Err(Fault::Failure);
        }
        if !creates {
            return Err(Fault::NoSuchFile);
        }
        self.room_for(&path)?;
        self.add(path.clone(), 0o100_644, Some(Capture::default()), now);
        Ok(path)
    }

    fn add(&mut self, path: Vec<u8>, mode: u32, capture: Option<Capture>, now: Timestamp) {
        let changed = u32::try_from(now.seconds()).unwrap_or(0);
        let size = if capture.is_some() { 0 } else { 4_096 };
        let attributes = Attributes { size, mode, owner: self.owner, changed };
        self.entries.push(Entry { path, attributes, capture });
    }

    /// Adds to a file that was opened. What is not at its end is counted and not kept: no client writes so.
    pub(super) fn append(&mut self, path: &[u8], offset: u64, bytes: &[u8], budget: usize) {
        let Some(place) = self.place(path) else { return };
        let entry = &mut self.entries[place];
        let Some(capture) = &mut entry.capture else { return };
        if offset == entry.attributes.size {
            capture.feed_within(bytes, budget);
        }
        entry.attributes.size =
            entry.attributes.size.max(offset.saturating_add(bytes.len() as u64));
    }

    pub(super) fn read(&self, path: &[u8], offset: u64, count: usize) -> Option<&[u8]> {
        let capture = self.entries.get(self.place(path)?)?.capture.as_ref()?;
        let rest = capture.content().get(usize::try_from(offset).ok()?..)?;
        (!rest.is_empty()).then(|| &rest[..rest.len().min(count)])
    }

    pub(super) fn make_folder(&mut self, path: &[u8], now: Timestamp) -> Result<(), Fault> {
        let path = self.absolute(path);
        if self.look(&path).is_some() {
            return Err(Fault::Failure);
        }
        self.room_for(&path)?;
        self.add(path, 0o040_755, None, now);
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &[u8], told: &mut Vec<Detail>) -> Result<(), Fault> {
        let path = self.absolute(path);
        match self.place(&path) {
            Some(place) => {
                self.release(place, told);
                Ok(())
            }
            None if self.is_given(&path) => Err(Fault::Failure),
            None => Err(Fault::NoSuchFile),
        }
    }

    fn release(&mut self, place: usize, told: &mut Vec<Detail>) {
        let entry = self.entries.remove(place);
        if let Some(capture) = entry.capture {
            tell(&entry.path, capture, told);
        }
    }

    pub(super) fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), Fault> {
        let (from, to) = (self.absolute(from), self.absolute(to));
        let place = self.place(&from).ok_or(Fault::NoSuchFile)?;
        if self.look(&to).is_some() {
            return Err(Fault::Failure);
        }
        self.entries[place].path = to;
        Ok(())
    }

    /// Sets the rights of what the visitor made; of what is given they stay.
    pub(super) fn set_mode(&mut self, path: &[u8], mode: Option<u32>) -> Result<(), Fault> {
        let path = self.absolute(path);
        let Some(place) = self.place(&path) else {
            return if self.is_given(&path) { Ok(()) } else { Err(Fault::NoSuchFile) };
        };
        if let Some(mode) = mode {
            let attributes = &mut self.entries[place].attributes;
            attributes.mode = (attributes.mode & 0o170_000) | (mode & 0o7_777);
        }
        Ok(())
    }

    /// The names in a folder, with what they are.
    pub(super) fn list(&self, folder: &[u8]) -> Option<Vec<(Vec<u8>, Attributes)>> {
        let folder = self.absolute(folder);
        let own = self.look(&folder).filter(Attributes::is_folder)?;
        let mut names = vec![(b".".to_vec(), own.clone()), (b"..".to_vec(), own)];
        let given = FOLDERS.iter().map(|path| path.as_bytes().to_vec());
        for path in given.chain(self.entries.iter().map(|entry| entry.path.clone())) {
            let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            let is_inside = path[..end.max(1)] == folder && path.len() > end + 1;
            if let Some(attributes) = self.look(&path).filter(|_| is_inside) {
                names.push((path[end + 1..].to_vec(), attributes));
            }
        }
        Some(names)
    }

    /// The visitor is gone: what he brought is told.
    pub(super) fn leave(&mut self, told: &mut Vec<Detail>) {
        for entry in std::mem::take(&mut self.entries) {
            if let Some(capture) = entry.capture {
                tell(&entry.path, capture, told);
            }
        }
    }

    pub(super) fn memory(&self) -> usize {
        let kept = |entry: &Entry| {
            entry.path.len() + entry.capture.as_ref().map_or(0, |capture| capture.content().len())
        };
        self.entries.iter().map(kept).sum::<usize>() + self.home.len()
    }
}
