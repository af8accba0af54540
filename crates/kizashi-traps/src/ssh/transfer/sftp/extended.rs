//! OpenSSH's extensions of SFTP (its `PROTOCOL`, 4.1 to 4.11), each answered as `sftp-server` of the release that is pretended does: the
//! first six since 8.0, the others with 8.5 to 9.1.

use super::super::super::wire::{Reader, Write as _};
use super::attributes::Attributes;
use super::{EXTENDED_REPLY, FAILURE, NO_SUCH_FILE, OK, Open, Server, UNSUPPORTED, path};
use crate::machine::FileFault;

const EXTENSIONS: [(&str, &str); 11] = [
    ("posix-rename@openssh.com", "1"),
    ("statvfs@openssh.com", "2"),
    ("fstatvfs@openssh.com", "2"),
    ("hardlink@openssh.com", "1"),
    ("fsync@openssh.com", "1"),
    ("lsetstat@openssh.com", "1"),
    ("limits@openssh.com", "1"),
    ("expand-path@openssh.com", "1"),
    ("copy-data", "1"),
    ("home-directory", "1"),
    ("users-groups-by-id@openssh.com", "1"),
];
/// Those that Ubuntu 20.04's 8.2 has.
const OLD: usize = 6;
/// Bytes of a message, bytes of a read or a write in it, and files open at once under the usual limit of 1,024 descriptors.
pub(super) const LONGEST: u64 = 256 * 1024;
const LONGEST_DATA: u64 = LONGEST - 1_024;
const HANDLES: u64 = 1_019;
/// Bytes that are copied at once, and users or groups named at once.
const COPIED: usize = 64 * 1024;
const NAMED: usize = 64;

/// What a server of this release tells.
pub(super) fn announced(is_old: bool) -> &'static [(&'static str, &'static str)] {
    if is_old { &EXTENSIONS[..OLD] } else { &EXTENSIONS }
}

impl Server {
    pub(super) fn extended(&mut self, id: u32, mut reader: Reader<'_>) -> Option<()> {
        let name = reader.string()?;
        let known = announced(self.files.is_old_server());
        if !known.iter().any(|(known, _)| known.as_bytes() == name) {
            self.status(id, UNSUPPORTED);
            return Some(());
        }
        match name {
            b"posix-rename@openssh.com" => {
                let (from, to) = (path(reader.string()?), path(reader.string()?));
                let outcome = self.files.rename(from, to);
                self.done(id, outcome);
            }
            b"statvfs@openssh.com" => {
                let outcome = self.files.stat(path(reader.string()?), true).map(drop);
                self.file_system(id, outcome);
            }
            b"fstatvfs@openssh.com" => {
                let open = self.path_of(reader.string()?).map(drop);
                self.file_system(id, open.ok_or(FileFault::Failure));
            }
            b"hardlink@openssh.com" => {
                let (from, to) = (path(reader.string()?), path(reader.string()?));
                let outcome = self.files.hard_link(from, to);
                self.done(id, outcome);
            }
            b"fsync@openssh.com" => {
                let open = self.path_of(reader.string()?);
                self.status(id, if open.is_some() { OK } else { NO_SUCH_FILE });
            }
            b"lsetstat@openssh.com" => {
                let path = path(reader.string()?);
                let outcome = Attributes::read(&mut reader)?.set(&self.files, path, false);
                self.done(id, outcome);
            }
            b"limits@openssh.com" => {
                let mut body = Vec::new();
                for limit in [LONGEST, LONGEST_DATA, LONGEST_DATA, HANDLES] {
                    body.put_u64(limit);
                }
                self.reply(id, &body);
            }
            b"expand-path@openssh.com" => self.expand(id, path(reader.string()?)),
            b"copy-data" => self.copy(id, reader)?,
            b"home-directory" => match self.files.home_of(reader.string()?) {
                Some(home) => self.names(id, &[(home, None)]),
                None => self.status(id, FAILURE),
            },
            _ => self.users_and_groups(id, reader.string()?, reader.string()?),
        }
        Some(())
    }

    fn reply(&mut self, id: u32, rest: &[u8]) {
        let mut body = Vec::new();
        body.put_u32(id);
        body.extend_from_slice(rest);
        self.say(EXTENDED_REPLY, &body);
    }

    fn file_system(&mut self, id: u32, outcome: Result<(), FileFault>) {
        if let Err(fault) = outcome {
            return self.done(id, Err(fault));
        }
        let (blocks, free) = self.files.blocks();
        let nodes = blocks / 4;
        let mut body = Vec::new();
        // Five hundredths are kept for root.
        let for_all = free.saturating_sub(blocks / 20);
        let number = 0x6c1f_22a9_0d4e_7b35;
        for value in [
            4_096,
            4_096,
            blocks,
            free,
            for_all,
            nodes,
            nodes * 9 / 10,
            nodes * 9 / 10,
            number,
            0,
            255,
        ] {
            body.put_u64(value);
        }
        self.reply(id, &body);
    }

    /// `~` and `~user` at the beginning.
    fn expand(&mut self, id: u32, text: &[u8]) {
        let Some(rest) = text.strip_prefix(b"~") else {
            let path = self.files.absolute(text);
            return self.names(id, &[(path, None)]);
        };
        let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let (user, rest) = rest.split_at(end);
        let home = match user {
            b"" => Some(self.files.home().to_vec()),
            user => self.files.home_of(user),
        };
        let Some(home) = home else {
            return self.status_text(id, NO_SUCH_FILE, "no such user");
        };
        let path = self.files.absolute(&[&home[..], rest].concat());
        self.names(id, &[(path, None)]);
    }

    /// From one open file into another; no bytes mean all.
    fn copy(&mut self, id: u32, mut reader: Reader<'_>) -> Option<()> {
        let (from, offset, count) = (reader.string()?, reader.u64()?, reader.u64()?);
        let (to, place) = (reader.string()?, reader.u64()?);
        let target = self.opened(to).and_then(|place| self.handles.get(place)?.as_ref());
        let (Some(source), Some(Open::File { path: target, writes: true })) =
            (self.path_of(from), target)
        else {
            self.status(id, FAILURE);
            return Some(());
        };
        if from == to {
            self.status(id, FAILURE);
            return Some(());
        }
        let count = match usize::try_from(count).unwrap_or(COPIED) {
            0 => COPIED,
            count => count.min(COPIED),
        };
        let outcome = self
            .files
            .read(&source, offset, count)
            .and_then(|bytes| self.files.write(target, place, &bytes));
        self.done(id, outcome);
        Some(())
    }

    fn users_and_groups(&mut self, id: u32, users: &[u8], groups: &[u8]) {
        let numbers = |list: &[u8]| -> Vec<u32> {
            let mut reader = Reader::new(list);
            std::iter::from_fn(|| reader.u32()).take(NAMED).collect()
        };
        let mut body = Vec::new();
        for (list, are_groups) in [(users, false), (groups, true)] {
            let mut names = Vec::new();
            for number in numbers(list) {
                names.put_string(self.files.name_of(number, are_groups).unwrap_or_default());
            }
            body.put_string(names);
        }
        self.reply(id, &body);
    }
}
