//! What a visitor who is in can see: the files of the machine behind the logins for an account, or the anonymous visitors' folder, which has nothing but perhaps a place for
//! uploads.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use crate::capture::Capture;
use crate::machine::{FileFault, FileStat, Machine, Persona, Transfer, Visitor};
use crate::{Identity, Visit};

/// The account of anonymous visitors, and its number.
pub(super) const ANONYMOUS: &str = "ftp";
const FTP: (u32, u32) = (106, 113);
/// Uploads of one anonymous visitor that are listed to him, and bytes of a name.
const MOST_UPLOADS: usize = 32;
const LONGEST_NAME: usize = 255;

const FOLDER: u32 = 0o040_755;

pub(super) enum Disk {
    Account { machine: Machine, files: Transfer },
    Anonymous(Anonymous),
}

/// The folder of anonymous visitors.
pub(super) struct Anonymous {
    /// Whether `upload` is there.
    takes: bool,
    since: i64,
    uploads: Vec<(Vec<u8>, u64, i64)>,
    open: Option<(Vec<u8>, Capture)>,
}

impl Disk {
    pub(super) fn account(
        identity: &Arc<Identity>,
        visit: Visit,
        user: &[u8],
        now: Timestamp,
    ) -> Self {
        let visitor = Visitor {
            user: user.to_vec(),
            source: visit.source,
            destination: visit.destination,
            service: "vsftpd",
        };
        let machine = Machine::new(identity, Persona::Server, visitor, now);
        let files = machine.files();
        Self::Account { machine, files }
    }

    pub(super) fn anonymous(identity: &Identity, takes: bool) -> Self {
        let since = identity.set_up().seconds();
        Self::Anonymous(Anonymous { takes, since, uploads: Vec::new(), open: None })
    }

    /// Where a visitor is at first.
    pub(super) fn home(&self) -> Vec<u8> {
        match self {
            Self::Account { files, .. } => files.home().to_vec(),
            Self::Anonymous(_) => b"/".to_vec(),
        }
    }

    pub(super) const fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous(_))
    }

    pub(super) fn stat(&self, path: &[u8]) -> Result<FileStat, FileFault> {
        match self {
            Self::Account { files, .. } => files.stat(path, true),
            Self::Anonymous(folder) => folder.stat(path),
        }
    }

    pub(super) fn list(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileStat)>, FileFault> {
        match self {
            Self::Account { files, .. } => files.list(path),
            Self::Anonymous(folder) => folder.list(path),
        }
    }

    /// What anonymous visitors bring may not be read by them.
    pub(super) fn read(
        &self,
        path: &[u8],
        offset: u64,
        count: usize,
    ) -> Result<Vec<u8>, FileFault> {
        match self {
            Self::Account { files, .. } => files.read(path, offset, count),
            Self::Anonymous(_) => Err(FileFault::Denied),
        }
    }

    /// Opens a file to be written, of which what is there stays where it is appended to.
    pub(super) fn create(&mut self, path: &[u8], append: bool) -> Result<u64, FileFault> {
        match self {
            Self::Account { files, .. } => {
                files.create(path, !append, 0o600)?;
                Ok(if append { files.stat(path, true)?.size } else { 0 })
            }
            Self::Anonymous(folder) => {
                let name = path.strip_prefix(b"/upload/").filter(|_| folder.takes);
                let name = name.filter(|name| !name.is_empty() && !name.contains(&b'/'));
                let name = name.ok_or(FileFault::Denied)?;
                let name = name.get(..LONGEST_NAME).unwrap_or(name).to_vec();
                // Nothing is written over (`anon_other_write_enable=NO`).
                if folder.uploads.iter().any(|(there, ..)| *there == name) {
                    return Err(FileFault::Denied);
                }
                folder.open = Some((name, Capture::default()));
                Ok(0)
            }
        }
    }

    pub(super) fn write(
        &mut self,
        path: &[u8],
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), FileFault> {
        match self {
            Self::Account { files, .. } => files.write(path, offset, bytes),
            Self::Anonymous(folder) => {
                if let Some((_, content)) = &mut folder.open {
                    content.feed(bytes);
                }
                Ok(())
            }
        }
    }

    /// The file that was written is whole; what is to be told of it.
    pub(super) fn close(&mut self, now: Timestamp) -> Option<Detail> {
        let Self::Anonymous(folder) = self else { return None };
        let (name, content) = folder.open.take()?;
        if folder.uploads.len() < MOST_UPLOADS {
            folder.uploads.push((name.clone(), content.size(), now.seconds()));
        }
        told(&name, content)
    }

    /// What an account may do and an anonymous visitor may not.
    pub(super) fn account_files(&self) -> Option<&Transfer> {
        match self {
            Self::Account { files, .. } => Some(files),
            Self::Anonymous(_) => None,
        }
    }

    /// The visit is over: what was written and not told yet.
    pub(super) fn finish(&mut self) -> Vec<Detail> {
        match self {
            Self::Account { machine, .. } => machine.finish(),
            Self::Anonymous(folder) => {
                let open = folder.open.take();
                open.and_then(|(name, content)| told(&name, content)).into_iter().collect()
            }
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Account { machine, .. } => machine.memory(),
            Self::Anonymous(folder) => {
                let names: usize = folder.uploads.iter().map(|(name, ..)| name.len()).sum();
                let open = folder.open.as_ref().map_or(0, |(_, content)| content.content().len());
                names + open
            }
        }
    }
}

/// An upload as it is told.
fn told(name: &[u8], content: Capture) -> Option<Detail> {
    if content.size() == 0 {
        return None;
    }
    let mut payload = content.finish(PayloadOrigin::Upload);
    payload.name = Some(HostileText::from_bytes(name));
    Some(Detail::Payload(Box::new(payload)))
}

impl Anonymous {
    fn stat(&self, path: &[u8]) -> Result<FileStat, FileFault> {
        let folder =
            |owner, mode, links| FileStat { mode, size: 4096, owner, modified: self.since, links };
        match path {
            b"/" => Ok(folder((0, FTP.1), FOLDER, if self.takes { 3 } else { 2 })),
            b"/upload" if self.takes => Ok(folder(FTP, 0o040_777, 2)),
            _ => {
                let name = path.strip_prefix(b"/upload/").ok_or(FileFault::NotFound)?;
                let found = self.uploads.iter().find(|(there, ..)| there == name);
                let (_, size, modified) = found.ok_or(FileFault::NotFound)?;
                Ok(FileStat {
                    mode: 0o100_600,
                    size: *size,
                    owner: FTP,
                    modified: *modified,
                    links: 1,
                })
            }
        }
    }

    fn list(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileStat)>, FileFault> {
        let names: Vec<Vec<u8>> = match path {
            b"/" if self.takes => vec![b"upload".to_vec()],
            b"/" => Vec::new(),
            b"/upload" if self.takes => {
                self.uploads.iter().map(|(name, ..)| name.clone()).collect()
            }
            _ => return Err(FileFault::NotFound),
        };
        let whole = |name: &[u8]| match path {
            b"/" => [b"/", name].concat(),
            _ => [path, b"/", name].concat(),
        };
        names.into_iter().map(|name| self.stat(&whole(&name)).map(|stat| (name, stat))).collect()
    }
}
