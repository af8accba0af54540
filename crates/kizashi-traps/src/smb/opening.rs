//! Opening pipes, files and folders, and making them: what both versions of SMB's `CREATE` come to.

use std::sync::Arc;

use super::disk::{self, Body, Entry};
use super::server::{Open, Server, Tree, Waiting, What, Writing, smb_put};
use super::status::{self, Status};
use crate::Output;
use crate::rpc::Connection;
use crate::windows::file_time;

/// What one connection has open at once.
const MOST_OPEN: usize = 48;

/// Pipes that are there: each the way to an interface, or the name of such a way before Windows 2000.
const PIPES: &[&str] = &[
    "srvsvc", "wkssvc", "samr", "lsarpc", "svcctl", "atsvc", "browser", "ntsvcs", "lsass",
    "netlogon",
];

/// How something shall be opened (`CreateDisposition`, `CreateOptions`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) disposition: u32,
    pub(super) options: u32,
    pub(super) access: u32,
}

impl Wanted {
    const fn folder(self) -> bool {
        self.options & 1 != 0
    }

    const fn no_folder(self) -> bool {
        self.options & 0x40 != 0
    }

    const fn delete_on_close(self) -> bool {
        self.options & 0x1000 != 0
    }

    /// To write, append, delete or change anything.
    const fn writes(self) -> bool {
        self.access & 0x5001_0156 != 0
    }
}

impl Server {
    /// Opens a pipe, a file or a folder; its number and what was done (`FILE_OPENED` and others).
    pub(super) fn open(
        &mut self,
        tree: &Tree,
        path: &str,
        wanted: Wanted,
        out: &mut Output,
    ) -> Result<(u64, u32), Status> {
        if self.opens.len() >= MOST_OPEN {
            return Err(status::INSUFFICIENT_RESOURCES);
        }
        let Some(root) = &tree.root else {
            return self.open_pipe(tree, path, out).map(|id| (id, 1));
        };
        let path = disk::below(root, path).ok_or(status::OBJECT_NAME_INVALID)?;
        let found = self.find(&path);
        let (entry, action) = match (found, wanted.disposition) {
            (Some(_), 2) => return Err(status::OBJECT_NAME_COLLISION),
            (None, 1 | 4) => {
                let parent = path.rsplit_once('\\').map_or("", |(parent, _)| parent);
                let there = self.find(parent).is_some();
                return Err(if there {
                    status::OBJECT_NAME_NOT_FOUND
                } else {
                    status::OBJECT_PATH_NOT_FOUND
                });
            }
            (Some(entry), 1 | 3) => (entry, 1),
            (Some(entry), _) if entry.is_folder() => (entry, 1),
            // Written over.
            (Some(entry), disposition) => {
                let body = Body::Written(0, Arc::default());
                (Entry { body, ..entry }, if disposition == 0 { 0 } else { 3 })
            }
            (None, _) => {
                let body =
                    if wanted.folder() { Body::Folder } else { Body::Written(0, Arc::default()) };
                (Entry { path: path.clone(), body, time: file_time(self.now) }, 2)
            }
        };
        if entry.is_folder() && wanted.no_folder() {
            return Err(status::FILE_IS_A_DIRECTORY);
        }
        if !entry.is_folder() && wanted.folder() {
            return Err(status::NOT_A_DIRECTORY);
        }
        if action != 1 {
            self.note("smb file", &format!("written {path}"), out);
            if !smb_put(self, &entry) {
                return Err(status::DISK_FULL);
            }
        } else if !entry.is_folder() {
            let verb = if wanted.writes() { "opened to write" } else { "opened" };
            self.note("smb file", &format!("{verb} {path}"), out);
        }
        let what =
            if entry.is_folder() { What::Folder(None) } else { What::File(Writing::default()) };
        let delete = wanted.delete_on_close();
        let id = self.number();
        let (tree, session) = (tree.id, tree.session);
        self.opens.push(Open { id, tree, session, path, entry, what, delete });
        Ok((id, action))
    }

    fn open_pipe(&mut self, tree: &Tree, path: &str, out: &mut Output) -> Result<u64, Status> {
        let name = path.trim_start_matches('\\').to_lowercase();
        let name = name.strip_prefix("pipe\\").unwrap_or(&name);
        self.note("smb pipe", name, out);
        let what = if let Some(known) = PIPES.iter().find(|pipe| **pipe == name) {
            let random = self.randomness.bytes();
            let connection = Connection::new(&format!("\\PIPE\\{known}"), random);
            What::Pipe(Box::new(connection), Waiting::default())
        } else {
            let remote = self.remote(name, tree.session).ok_or(status::OBJECT_NAME_NOT_FOUND)?;
            What::Program(remote)
        };
        let id = self.number();
        let path: String = name.chars().take(disk::LONGEST_PATH).collect();
        let entry = Entry { path: path.clone(), body: Body::Text(String::new()), time: 0 };
        let (tree, session) = (tree.id, tree.session);
        self.opens.push(Open { id, tree, session, path, entry, what, delete: false });
        Ok(id)
    }

    /// Whether there is a pipe of this name, as `FSCTL_PIPE_WAIT` asks.
    pub(super) fn has_pipe(&self, name: &str, session: u64) -> bool {
        let name = name.to_lowercase();
        PIPES.contains(&name.as_str()) || self.remote(&name, session).is_some()
    }
}
