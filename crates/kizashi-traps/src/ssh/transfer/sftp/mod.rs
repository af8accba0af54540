//! SFTP version 3 (draft-ietf-secsh-filexfer-02) as OpenSSH's `sftp-server` speaks it.

mod attributes;
mod extended;

use std::time::Duration;

use kizashi_event::Timestamp;

use super::super::program::Program;
use super::super::wire::{Reader, Write as _};
use crate::machine::{FileFault, FileStat, Progress, Said, Transfer};
use attributes::{Attributes, low};

/// Bytes of a message that are held; a longer one may only bring a file's bytes, which are taken as they come.
const LONGEST_HELD: usize = 48 * 1024;
/// Bytes of a path.
const LONGEST_PATH: usize = 4 * 1024;
/// Bytes of answers at which other messages wait.
const FULL: usize = 16 * 1024;
/// Files and folders open at once.
const MOST_HANDLES: usize = 32;
/// Bytes of an answer to a read.
const MOST_READ: usize = 32 * 1024;

const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;
const EXTENDED_REPLY: u8 = 201;

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
    files: Transfer,
    input: Vec<u8>,
    answer: Vec<u8>,
    handles: Vec<Option<Open>>,
    begun: bool,
    ended: bool,
    failed: bool,
    /// A long message's bytes are on their way into a file.
    writing: Option<Writing>,
}

/// A write whose bytes come in pieces.
struct Writing {
    id: u32,
    path: Option<Vec<u8>>,
    offset: u64,
    left: usize,
    outcome: Result<(), FileFault>,
}

impl Server {
    pub(super) const fn new(files: Transfer) -> Self {
        Self {
            files,
            input: Vec::new(),
            answer: Vec::new(),
            handles: Vec::new(),
            begun: false,
            ended: false,
            failed: false,
            writing: None,
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
        self.status_text(id, code, TEXTS.get(code as usize).copied().unwrap_or("Failure"));
    }

    fn status_text(&mut self, id: u32, code: u32, text: &str) {
        let mut body = Vec::new();
        body.put_u32(id);
        body.put_u32(code);
        body.put_string(text);
        body.put_string("");
        self.say(STATUS, &body);
    }

    fn done(&mut self, id: u32, outcome: Result<(), FileFault>) {
        let code = match outcome {
            Ok(()) => OK,
            Err(FileFault::NotFound) => NO_SUCH_FILE,
            Err(FileFault::Denied) => PERMISSION_DENIED,
            Err(_) => FAILURE,
        };
        self.status(id, code);
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

    fn attributes(&mut self, id: u32, stat: Result<FileStat, FileFault>) {
        match stat {
            Ok(stat) => {
                let mut body = Vec::new();
                body.put_u32(id);
                attributes::put(&mut body, &stat);
                self.say(ATTRS, &body);
            }
            Err(fault) => self.done(id, Err(fault)),
        }
    }

    /// Answers a message; `None` where it is cut short.
    fn take(&mut self, message: &[u8]) -> Option<()> {
        let mut reader = Reader::new(message);
        let kind = reader.byte()?;
        let id = reader.u32()?;
        if !self.begun {
            self.greet(kind);
            return Some(());
        }
        match kind {
            3 => self.open(id, reader)?,
            4 => self.close(id, reader.string()?),
            5 => self.read(id, reader)?,
            6 => self.write(id, reader)?,
            7 => {
                let stat = self.files.stat(path(reader.string()?), false);
                self.attributes(id, stat);
            }
            8 => {
                let path = self.path_of(reader.string()?).ok_or(FileFault::Failure);
                let stat = path.and_then(|path| self.files.stat(&path, true));
                self.attributes(id, stat);
            }
            9 => {
                let path = path(reader.string()?);
                let outcome = Attributes::read(&mut reader)?.set(&self.files, path, true);
                self.done(id, outcome);
            }
            10 => {
                let path = self.path_of(reader.string()?).ok_or(FileFault::Failure);
                let wanted = Attributes::read(&mut reader)?;
                let outcome = path.and_then(|path| wanted.set(&self.files, &path, true));
                self.done(id, outcome);
            }
            11 | 12 => self.folder(kind, id, reader.string()?),
            13..=20 => self.change(kind, id, reader)?,
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
        for (name, value) in extended::announced(self.files.is_old_server()) {
            body.put_string(name);
            body.put_string(value);
        }
        self.say(VERSION, &body);
    }

    fn folder(&mut self, kind: u8, id: u32, named: &[u8]) {
        if kind == 12 {
            return self.list(id, named);
        }
        let path = self.files.absolute(path(named));
        match self.files.list(&path) {
            Ok(_) => self.handle(id, Open::Folder { path, listed: false }),
            Err(fault) => self.done(id, Err(fault)),
        }
    }

    /// What names paths and nothing that is open.
    fn change(&mut self, kind: u8, id: u32, mut reader: Reader<'_>) -> Option<()> {
        let first = path(reader.string()?);
        let outcome = match kind {
            13 | 15 => self.files.remove(first, kind == 15),
            14 => {
                let mode = Attributes::read(&mut reader)?.mode.unwrap_or(0o777);
                self.files.make_folder(first, low(mode) & 0o777 & !0o022)
            }
            16 => {
                let path = self.files.absolute(first);
                self.names(id, &[(path, None)]);
                return Some(());
            }
            17 => {
                let stat = self.files.stat(first, true);
                self.attributes(id, stat);
                return Some(());
            }
            18 => match self.files.rename(first, path(reader.string()?)) {
                // sftp-server gives no more than this where the target is there.
                Err(FileFault::Exists) => Err(FileFault::Failure),
                other => other,
            },
            19 => match self.files.read_link(first) {
                Ok(target) => {
                    self.names(id, &[(target, None)]);
                    return Some(());
                }
                Err(fault) => Err(fault),
            },
            // OpenSSH sends the target first, against the draft, and everybody followed.
            _ => self.files.link(first, path(reader.string()?)),
        };
        self.done(id, outcome);
        Some(())
    }

    fn open(&mut self, id: u32, mut reader: Reader<'_>) -> Option<()> {
        let path = self.files.absolute(path(reader.string()?));
        let flags = reader.u32()?;
        let mode = Attributes::read(&mut reader)?.mode.unwrap_or(0o666) & !0o022;
        let (writes, creates, empties) = (flags & 2 != 0, flags & 8 != 0, flags & 16 != 0);
        let there = self.files.stat(&path, true);
        let outcome = match &there {
            Ok(stat) if is_folder(stat) => Err(FileFault::Failure),
            Err(fault) if !(writes && creates) => Err(*fault),
            // What was not asked to be emptied goes on.
            _ if writes => self.files.create(&path, empties || there.is_err(), low(mode)),
            _ => self.files.read(&path, 0, 1).map(|_| ()),
        };
        match outcome {
            Ok(()) => self.handle(id, Open::File { path, writes }),
            Err(fault) => self.done(id, Err(fault)),
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
        match self.files.read(&path, offset, (count as usize).min(MOST_READ)) {
            Ok(data) if data.is_empty() => self.status(id, EOF),
            Ok(data) => {
                let mut body = Vec::new();
                body.put_u32(id);
                body.put_string(&data);
                self.say(DATA, &body);
            }
            Err(fault) => self.done(id, Err(fault)),
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
        let outcome = self.files.write(path, offset, data);
        self.done(id, outcome);
        Some(())
    }

    /// The head of a long message: only a write may be one. Its bytes, or nothing where more must come first.
    fn begin_writing(&mut self, message: &[u8], length: usize) -> Option<usize> {
        let mut reader = Reader::new(message);
        let is_write = *message.first()? == 6;
        let head = (|| {
            reader.byte()?;
            Some((reader.u32()?, reader.string()?, reader.u64()?, reader.u32()?))
        })();
        let Some((id, handle, offset, count)) = head else {
            self.failed |= !is_write || message.len() > 300;
            return None;
        };
        let taken = message.len() - reader.rest().len();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if !is_write || taken.checked_add(count) != Some(length) {
            self.failed = true;
            return None;
        }
        let open = self.opened(handle).and_then(|place| self.handles.get(place)?.as_ref());
        let path = match open {
            Some(Open::File { path, writes: true }) => Some(path.clone()),
            _ => None,
        };
        let outcome = if path.is_some() { Ok(()) } else { Err(FileFault::Failure) };
        self.writing = Some(Writing { id, path, offset, left: count, outcome });
        Some(taken)
    }

    /// Takes what came of a long write; how many bytes.
    fn write_on(&mut self, bytes: &[u8]) -> usize {
        let Some(mut writing) = self.writing.take() else { return 0 };
        let piece = &bytes[..bytes.len().min(writing.left)];
        if let Some(path) = &writing.path
            && writing.outcome.is_ok()
            && !piece.is_empty()
        {
            writing.outcome = self.files.write(path, writing.offset, piece);
        }
        writing.offset = writing.offset.saturating_add(piece.len() as u64);
        writing.left -= piece.len();
        if writing.left == 0 {
            self.done(writing.id, writing.outcome);
        } else {
            self.writing = Some(writing);
        }
        piece.len()
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
                let inside = self.files.list(&path).unwrap_or_default();
                let here = self.files.stat(&path, true).ok();
                let mut names = vec![(b".".to_vec(), here.clone()), (b"..".to_vec(), here)];
                names.extend(inside.into_iter().map(|(name, what)| (name, Some(what))));
                self.names(id, &names);
            }
            Some((_, true)) => self.status(id, EOF),
            None => self.status(id, FAILURE),
        }
    }

    fn names(&mut self, id: u32, names: &[(Vec<u8>, Option<FileStat>)]) {
        let mut body = Vec::new();
        body.put_u32(id);
        body.put_u32(u32::try_from(names.len()).unwrap_or(0));
        for (name, attributes) in names {
            body.put_string(name);
            match attributes {
                Some(attributes) => {
                    body.put_string(attributes::long_name(name, attributes, &self.files));
                    attributes::put(&mut body, attributes);
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

const fn is_folder(stat: &FileStat) -> bool {
    stat.mode & 0o170_000 == 0o040_000
}

fn path(text: &[u8]) -> &[u8] {
    &text[..text.len().min(LONGEST_PATH)]
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

    fn run(&mut self, _now: Timestamp, said: &mut Said) -> Progress {
        let input = std::mem::take(&mut self.input);
        let mut read = 0;
        while self.answer.len() < FULL {
            if self.writing.is_some() {
                read += self.write_on(&input[read..]);
                if self.writing.is_some() {
                    break;
                }
            }
            let Some(length) = Reader::new(&input[read..]).u32() else { break };
            let length = length as usize;
            if length > usize::try_from(extended::LONGEST).unwrap_or(0)
                || length == 0
                || self.failed
            {
                self.failed = true;
                break;
            }
            if length > LONGEST_HELD {
                match self.begin_writing(&input[read + 4..], length) {
                    Some(taken) => {
                        read += 4 + taken;
                        continue;
                    }
                    None => break,
                }
            }
            let Some(message) = input.get(read + 4..read + 4 + length) else { break };
            if self.take(message).is_none() {
                let id = Reader::new(message.get(1..).unwrap_or_default()).u32().unwrap_or(0);
                self.status(id, BAD_MESSAGE);
                self.failed = true;
            }
            read += 4 + length;
        }
        let more = self.answer.len() >= FULL;
        self.input = input[read..].to_vec();
        said.output.append(&mut self.answer);
        match (self.failed, self.ended) {
            (true, _) => Progress::Ended(255),
            _ if more => Progress::Again(Duration::ZERO),
            (_, true) => Progress::Ended(0),
            _ => Progress::Waiting,
        }
    }

    fn memory(&self) -> usize {
        let handle = |open: &Open| match open {
            Open::File { path, .. } | Open::Folder { path, .. } => path.len(),
        };
        self.handles.iter().flatten().map(handle).sum::<usize>() + self.input.len()
    }
}
