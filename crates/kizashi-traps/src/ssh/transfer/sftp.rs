//! SFTP version 3 (draft-ietf-secsh-filexfer-02) as OpenSSH's `sftp-server` speaks it.

use kizashi_event::{Detail, Timestamp};

use super::super::wire::{Reader, Write as _};
use super::disk::{Attributes, Disk, Fault, LONGEST_PATH};
use crate::terminal::{Printed, Program, Progress};

/// Bytes of a message that sftp-server takes (sftp-common.h); a client sends 32 KiB of a file at most.
const LONGEST: usize = 256 * 1024;
/// Bytes of a message that are taken here.
const LONGEST_HELD: usize = 48 * 1024;
/// Bytes of files that are kept in one session.
const KEPT: usize = 96 * 1024;
/// Files and folders open at once.
const MOST_HANDLES: usize = 32;
/// Bytes of an answer to a read.
const MOST_READ: usize = 32 * 1024;

const EXTENSIONS: [(&str, &str); 6] = [
    ("posix-rename@openssh.com", "1"),
    ("statvfs@openssh.com", "2"),
    ("fstatvfs@openssh.com", "2"),
    ("hardlink@openssh.com", "1"),
    ("fsync@openssh.com", "1"),
    ("lsetstat@openssh.com", "1"),
];

const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;

const OK: u32 = 0;
const EOF: u32 = 1;
const NO_SUCH_FILE: u32 = 2;
const PERMISSION_DENIED: u32 = 3;
const FAILURE: u32 = 4;
const BAD_MESSAGE: u32 = 5;
const UNSUPPORTED: u32 = 8;

/// What is open.
enum Open {
    File { path: Vec<u8>, writes: bool },
    Folder { path: Vec<u8>, listed: bool },
}

pub(super) struct Server {
    disk: Disk,
    input: Vec<u8>,
    answer: Vec<u8>,
    handles: Vec<Option<Open>>,
    begun: bool,
    ended: bool,
    failed: bool,
    told: Vec<Detail>,
}

impl Server {
    pub(super) fn new(user: &[u8]) -> Self {
        Self {
            disk: Disk::of(user),
            input: Vec::new(),
            answer: Vec::new(),
            handles: Vec::new(),
            begun: false,
            ended: false,
            failed: false,
            told: Vec::new(),
        }
    }

    fn say(&mut self, kind: u8, body: &[u8]) {
        self.answer.put_u32(u32::try_from(body.len() + 1).unwrap_or(u32::MAX));
        self.answer.push(kind);
        self.answer.extend_from_slice(body);
    }

    fn status(&mut self, id: u32, code: u32) {
        const TEXTS: [&str; 9] = [
            "Success",
            "End of file",
            "No such file",
            "Permission denied",
            "Failure",
            "Bad message",
            "No connection",
            "Connection lost",
            "Operation unsupported",
        ];
        let mut body = Vec::new();
        body.put_u32(id);
        body.put_u32(code);
        body.put_string(TEXTS.get(code as usize).copied().unwrap_or("Failure"));
        body.put_string("");
        self.say(STATUS, &body);
    }

    fn done(&mut self, id: u32, outcome: Result<(), Fault>) {
        self.status(
            id,
            match outcome {
                Ok(()) => OK,
                Err(Fault::NoSuchFile) => NO_SUCH_FILE,
                Err(Fault::PermissionDenied) => PERMISSION_DENIED,
                Err(Fault::Failure) => FAILURE,
            },
        );
    }

    fn handle(&mut self, id: u32, open: Open) {
        let place = self.handles.iter().position(Option::is_none).unwrap_or(self.handles.len());
        if place >= MOST_HANDLES {
            return self.status(id, FAILURE);
        }
        match self.handles.get_mut(place) {
            Some(slot) => *slot = Some(open),
            None => self.handles.push(Some(open)),
        }
        let mut body = Vec::new();
        body.put_u32(id);
        body.put_string(u32::try_from(place).unwrap_or(0).to_be_bytes());
        self.say(HANDLE, &body);
    }

    fn opened(&self, handle: &[u8]) -> Option<usize> {
        let place = usize::try_from(u32::from_be_bytes(handle.try_into().ok()?)).ok()?;
        self.handles.get(place)?.as_ref().map(|_| place)
    }

    /// The path of an open file or folder.
    fn path_of(&self, handle: &[u8]) -> Option<Vec<u8>> {
        match self.handles.get(self.opened(handle)?)?.as_ref()? {
            Open::File { path, .. } | Open::Folder { path, .. } => Some(path.clone()),
        }
    }

    fn attributes(&mut self, id: u32, attributes: Option<Attributes>) {
        let Some(attributes) = attributes else { return self.status(id, NO_SUCH_FILE) };
        let mut body = Vec::new();
        body.put_u32(id);
        put_attributes(&mut body, &attributes);
        self.say(ATTRS, &body);
    }

    /// Answers a message; `None` where it is cut short.
    fn take(&mut self, message: &[u8], now: Timestamp) -> Option<()> {
        let mut reader = Reader::new(message);
        let kind = reader.byte()?;
        let id = reader.u32()?;
        if !self.begun {
            self.greet(kind);
            return Some(());
        }
        match kind {
            3 => self.open(id, reader, now)?,
            4 => self.close(id, reader.string()?),
            5 => self.read(id, reader)?,
            6 => self.write(id, reader)?,
            7 => {
                let attributes = self.disk.look(path(reader.string()?));
                self.attributes(id, attributes);
            }
            8 => {
                let attributes =
                    self.path_of(reader.string()?).and_then(|path| self.disk.look(&path));
                self.attributes(id, attributes);
            }
            9 => {
                let path = path(reader.string()?);
                let outcome = self.disk.set_mode(path, mode(&mut reader)?);
                self.done(id, outcome);
            }
            10 => {
                let path = self.path_of(reader.string()?);
                let mode = mode(&mut reader)?;
                let outcome =
                    path.map_or(Err(Fault::Failure), |path| self.disk.set_mode(&path, mode));
                self.done(id, outcome);
            }
            11 | 12 => self.folder(kind, id, reader.string()?),
            13..=20 => self.change(kind, id, reader, now)?,
            200 => self.extended(id, reader)?,
            _ => self.status(id, UNSUPPORTED),
        }
        Some(())
    }

    /// The first message only says which version the client speaks.
    fn greet(&mut self, kind: u8) {
        self.begun = true;
        self.failed = kind != 1;
        let mut body = Vec::new();
        body.put_u32(3);
        for (name, value) in EXTENSIONS {
            body.put_string(name);
            body.put_string(value);
        }
        self.say(VERSION, &body);
    }

    fn folder(&mut self, kind: u8, id: u32, named: &[u8]) {
        if kind == 12 {
            return self.list(id, named);
        }
        let path = self.disk.absolute(path(named));
        match self.disk.list(&path) {
            Some(_) => self.handle(id, Open::Folder { path, listed: false }),
            None => self.status(id, NO_SUCH_FILE),
        }
    }

    /// What names paths and nothing that is open.
    fn change(&mut self, kind: u8, id: u32, mut reader: Reader<'_>, now: Timestamp) -> Option<()> {
        let first = path(reader.string()?);
        let outcome = match kind {
            13 | 15 => self.disk.remove(first, &mut self.told),
            14 => self.disk.make_folder(first, now),
            16 => {
                let path = self.disk.absolute(first);
                self.names(id, &[(path, None)]);
                return Some(());
            }
            17 => {
                let attributes = self.disk.look(first);
                self.attributes(id, attributes);
                return Some(());
            }
            18 => self.disk.rename(first, path(reader.string()?)),
            // There are no links, and none can be made.
            19 => Err(Fault::NoSuchFile),
            _ => Err(Fault::Failure),
        };
        self.done(id, outcome);
        Some(())
    }

    fn extended(&mut self, id: u32, mut reader: Reader<'_>) -> Option<()> {
        match reader.string()? {
            b"posix-rename@openssh.com" => {
                let (from, to) = (path(reader.string()?), path(reader.string()?));
                if self.disk.look(to).is_some() {
                    let _ = self.disk.remove(to, &mut self.told);
                }
                let outcome = self.disk.rename(from, to);
                self.done(id, outcome);
            }
            b"fsync@openssh.com" => self.status(id, OK),
            _ => self.status(id, UNSUPPORTED),
        }
        Some(())
    }

    fn open(&mut self, id: u32, mut reader: Reader<'_>, now: Timestamp) -> Option<()> {
        let path = path(reader.string()?);
        let flags = reader.u32()?;
        let mode = mode(&mut reader)?;
        let (reads, writes) = (flags & 1 != 0, flags & 2 != 0);
        if writes {
            let how = (flags & 8 != 0, flags & 16 != 0);
            match self.disk.write_to(path, how, now, &mut self.told) {
                Ok(path) => {
                    let _ = self.disk.set_mode(&path, mode);
                    self.handle(id, Open::File { path, writes });
                }
                Err(fault) => self.done(id, Err(fault)),
            }
        } else {
            let path = self.disk.absolute(path);
            match self.disk.look(&path) {
                Some(_) if reads => self.handle(id, Open::File { path, writes }),
                Some(_) => self.status(id, FAILURE),
                None => self.status(id, NO_SUCH_FILE),
            }
        }
        Some(())
    }

    fn close(&mut self, id: u32, handle: &[u8]) {
        match self.opened(handle) {
            Some(place) => {
                self.handles[place] = None;
                self.status(id, OK);
            }
            None => self.status(id, FAILURE),
        }
    }

    fn read(&mut self, id: u32, mut reader: Reader<'_>) -> Option<()> {
        let path = self.path_of(reader.string()?);
        let (offset, count) = (reader.u64()?, reader.u32()?);
        let Some(path) = path else {
            self.status(id, FAILURE);
            return Some(());
        };
        match self.disk.read(&path, offset, (count as usize).min(MOST_READ)).map(<[u8]>::to_vec) {
            Some(data) => {
                let mut body = Vec::new();
                body.put_u32(id);
                body.put_string(&data);
                self.say(DATA, &body);
            }
            None => self.status(id, EOF),
        }
        Some(())
    }

    fn write(&mut self, id: u32, mut reader: Reader<'_>) -> Option<()> {
        let place = self.opened(reader.string()?);
        let (offset, data) = (reader.u64()?, reader.string()?);
        let open = place.and_then(|place| self.handles.get(place)).and_then(Option::as_ref);
        let Some(Open::File { path, writes: true }) = open else {
            self.status(id, FAILURE);
            return Some(());
        };
        let room = KEPT.saturating_sub(self.disk.memory());
        let path = path.clone();
        self.disk.append(&path, offset, data, room);
        self.status(id, OK);
        Some(())
    }

    fn list(&mut self, id: u32, handle: &[u8]) {
        let place = self.opened(handle);
        let open = place.and_then(|place| self.handles.get_mut(place)).and_then(Option::as_mut);
        let folder = match open {
            Some(Open::Folder { path, listed }) => {
                Some((path.clone(), std::mem::replace(listed, true)))
            }
            _ => None,
        };
        match folder {
            Some((path, false)) => {
                let names = self.disk.list(&path).unwrap_or_default();
                let names: Vec<_> =
                    names.into_iter().map(|(name, what)| (name, Some(what))).collect();
                self.names(id, &names);
            }
            Some((_, true)) => self.status(id, EOF),
            None => self.status(id, FAILURE),
        }
    }

    fn names(&mut self, id: u32, names: &[(Vec<u8>, Option<Attributes>)]) {
        let mut body = Vec::new();
        body.put_u32(id);
        body.put_u32(u32::try_from(names.len()).unwrap_or(0));
        for (name, attributes) in names {
            body.put_string(name);
            match attributes {
                Some(attributes) => {
                    body.put_string(long_name(name, attributes));
                    put_attributes(&mut body, attributes);
                }
                None => {
                    body.put_string(name);
                    body.put_u32(0);
                }
            }
        }
        self.say(NAME, &body);
    }
}

fn path(text: &[u8]) -> &[u8] {
    &text[..text.len().min(LONGEST_PATH)]
}

fn put_attributes(body: &mut Vec<u8>, attributes: &Attributes) {
    body.put_u32(1 | 2 | 4 | 8);
    body.put_u64(attributes.size);
    body.put_u32(attributes.owner);
    body.put_u32(attributes.owner);
    body.put_u32(attributes.mode);
    body.put_u32(attributes.changed);
    body.put_u32(attributes.changed);
}

/// The rights in a message's attributes, where it has them.
fn mode(reader: &mut Reader<'_>) -> Option<Option<u32>> {
    let flags = reader.u32()?;
    if flags & 1 != 0 {
        reader.u64()?;
    }
    if flags & 2 != 0 {
        reader.u64()?;
    }
    Some(if flags & 4 != 0 { Some(reader.u32()?) } else { None })
}

/// A line of `ls -l`.
fn long_name(name: &[u8], attributes: &Attributes) -> Vec<u8> {
    let mut line = String::from(if attributes.is_folder() { "d" } else { "-" });
    for place in (0..9).rev() {
        let set = attributes.mode >> place & 1 == 1;
        line.push(if set { ['x', 'w', 'r'][place % 3] } else { '-' });
    }
    let owner = if attributes.owner == 0 { "root" } else { "user" };
    let links = if attributes.is_folder() { 2 } else { 1 };
    line.push_str(&format!(
        " {links:>4} {owner:<8} {owner:<8} {:>8} Jun 10  2024 ",
        attributes.size
    ));
    [line.as_bytes(), name].concat()
}

impl Program for Server {
    fn give(&mut self, bytes: &[u8]) {
        if !self.failed {
            self.input.extend_from_slice(bytes);
        }
    }

    fn end_of_input(&mut self) {
        self.ended = true;
    }

    fn interrupt(&mut self) {}

    fn run(&mut self, now: Timestamp, printed: &mut Printed) -> Progress {
        let mut input = std::mem::take(&mut self.input);
        let mut read = 0;
        while let Some(length) = Reader::new(&input[read..]).u32() {
            let length = length as usize;
            if length > LONGEST || length > LONGEST_HELD || length == 0 || self.failed {
                self.failed = true;
                break;
            }
            let Some(message) = input.get(read + 4..read + 4 + length) else { break };
            if self.take(message, now).is_none() {
                let id = Reader::new(message.get(1..).unwrap_or_default()).u32().unwrap_or(0);
                self.status(id, BAD_MESSAGE);
                self.failed = true;
            }
            read += 4 + length;
        }
        input.drain(..read);
        self.input = input;
        printed.out.append(&mut self.answer);
        printed.told.append(&mut self.told);
        match (self.failed, self.ended) {
            (true, _) => Progress::Ended(255),
            (_, true) => Progress::Ended(0),
            _ => Progress::Waits,
        }
    }

    fn leave(&mut self, _unfinished: &[u8], _now: Timestamp, told: &mut Vec<Detail>) {
        told.append(&mut self.told);
        self.disk.leave(told);
    }

    fn memory(&self) -> usize {
        self.disk.memory() + self.input.len()
    }
}
