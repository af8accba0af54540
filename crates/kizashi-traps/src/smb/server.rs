//! What both versions of SMB stand on: who is logged in, which shares he has, what he has open. Versions differ in how that is written alone.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::disk::{self, Body, Entry};
use super::remote::Remote;
use super::status::{self, Status};
use crate::capture::Capture;
use crate::ntlm::{Acceptor, Answered, Kind};
use crate::randomness::Randomness;
use crate::rpc::{self, Caller, Connection, Rights, Share, Way};
use crate::windows::{Windows, file_time};
use crate::{Identity, Output, Visit};

/// Sessions and trees of one connection.
const MOST_SESSIONS: usize = 16;
const MOST_TREES: usize = 32;
/// Bytes of files being written that are kept at once; of what is past it the hash and the length are.
const KEPT: usize = 96 * 1024;
/// Notes of one connection.
const MOST_TOLD: usize = 128;
/// Bytes that a pipe holds for its reader.
const LONGEST_REPLY: usize = 64 * 1024;
/// Names listed of one folder.
pub(super) const MOST_LISTED: usize = 256;

/// One login.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(super) id: u64,
    pub(super) acceptor: Option<Acceptor>,
    pub(super) rights: Rights,
    pub(super) user: String,
    /// He is in.
    pub(super) ready: bool,
    /// SHA-512 over what was said until he was in (3.1.1).
    pub(super) said: Vec<u8>,
}

/// A share that is connected to.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) id: u32,
    pub(super) session: u64,
    /// Where on the disk; `None` for pipes.
    pub(super) root: Option<String>,
}

/// A file that is being written.
#[derive(Debug, Default)]
pub(super) struct Writing {
    capture: Capture,
    /// Whether anything was written since it was last told.
    dirty: bool,
}

/// What a pipe holds for its reader.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) bytes: Vec<u8>,
    /// Of the fragment that was read in part.
    left: usize,
}

impl Waiting {
    /// Bytes of the fragment that comes next, or of what is left of it.
    fn message(&self) -> usize {
        if self.left > 0 {
            return self.left.min(self.bytes.len());
        }
        let length = super::bytes::u16_at(&self.bytes, 8).map_or(0, usize::from);
        if length == 0 { self.bytes.len() } else { length.min(self.bytes.len()) }
    }
}

/// What is open.
#[derive(Debug)]
pub(super) enum What {
    Pipe(Box<Connection>, Waiting),
    /// A pipe of a visitor's own program.
    Program(Remote),
    File(Writing),
    Folder(Option<Listing>),
}

/// A folder that is being listed.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) entries: Vec<Entry>,
    pub(super) next: usize,
}

/// Something open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: u64,
    pub(super) tree: u32,
    pub(super) session: u64,
    /// The pipe's name, or the path on the disk.
    pub(super) path: String,
    pub(super) entry: Entry,
    pub(super) what: What,
    pub(super) delete: bool,
}

/// A visitor's connection.
pub(super) struct Server {
    pub(super) identity: Arc<Identity>,
    pub(super) windows: Windows,
    pub(super) visit: Visit,
    pub(super) randomness: Randomness,
    pub(super) shares: Arc<Vec<Share>>,
    pub(super) sessions: Vec<LoggedIn>,
    pub(super) trees: Vec<Tree>,
    pub(super) opens: Vec<Open>,
    pub(super) now: Timestamp,
    given: u64,
    told: Vec<String>,
}

impl Server {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            windows: identity.windows(),
            shares: identity.smb().shares(identity),
            randomness: identity.randomness(),
            identity: Arc::clone(identity),
            visit,
            sessions: Vec::new(),
            trees: Vec::new(),
            opens: Vec::new(),
            now: Timestamp::from_seconds(0),
            given: 0,
            told: Vec::new(),
        }
    }

    pub(super) fn memory(&self) -> usize {
        let opens: usize = self.opens.iter().map(Open::memory).sum();
        let sessions: usize = self
            .sessions
            .iter()
            .map(|session| {
                session.user.len() + session.acceptor.as_ref().map_or(0, Acceptor::memory)
            })
            .sum();
        opens + sessions + self.told.iter().map(String::len).sum::<usize>()
    }

    /// A note that is told once.
    pub(super) fn note(&mut self, name: &str, value: &str, out: &mut Output) {
        let line = format!("{name} {value}");
        if self.told.len() < MOST_TOLD && line.len() < 1_024 && !self.told.contains(&line) {
            out.tell(Detail::Note { name: name.into(), value: HostileText::from(value) });
            self.told.push(line);
        }
    }

    /// A number that nothing else of this connection has.
    pub(super) fn number(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    /// The session of this number, or a new one where there is none yet.
    pub(super) fn session(&mut self, id: u64) -> Option<&mut LoggedIn> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }

    /// Begins a session; its number.
    pub(super) fn begin_session(&mut self, id: u64) -> Option<u64> {
        if self.sessions.len() >= MOST_SESSIONS {
            return None;
        }
        self.sessions.push(LoggedIn {
            id,
            acceptor: None,
            rights: Rights::Nobody,
            user: String::new(),
            ready: false,
            said: Vec::new(),
        });
        Some(id)
    }

    /// Whether whoever answered gets in, and with which rights. Nobody gets in as nobody: null sessions were how these machines were looked at.
    pub(super) fn admit(&mut self, answered: &Answered, out: &mut Output) -> Option<Rights> {
        let accepted = answered.admit(&self.identity, self.visit, out);
        match answered.kind {
            Kind::Anonymous => Some(Rights::Nobody),
            _ if !accepted => None,
            _ if answered.user.eq_ignore_ascii_case("guest") => Some(Rights::Guest),
            _ => Some(Rights::Administrator),
        }
    }

    pub(super) fn log_off(&mut self, id: u64, out: &mut Output) {
        let trees: Vec<u32> =
            self.trees.iter().filter(|tree| tree.session == id).map(|tree| tree.id).collect();
        trees.into_iter().for_each(|tree| self.disconnect(tree, out));
        self.sessions.retain(|session| session.id != id);
    }

    /// Connects to a share by the last part of `\\host\share`.
    pub(super) fn attach(
        &mut self,
        session: u64,
        path: &str,
        out: &mut Output,
    ) -> Result<Tree, Status> {
        let wanted = path.rsplit('\\').next().unwrap_or_default().to_owned();
        let rights = match self.session(session) {
            Some(found) if found.ready => found.rights,
            _ => return Err(status::USER_SESSION_DELETED),
        };
        self.note("smb tree", &wanted, out);
        let share = self.shares.iter().find(|share| share.name.eq_ignore_ascii_case(&wanted));
        let share = share.cloned().ok_or(status::BAD_NETWORK_NAME)?;
        let root = disk::on_disk(&share);
        if share.name.ends_with('$') && root.is_some() && rights < Rights::Administrator {
            return Err(status::ACCESS_DENIED);
        }
        if self.trees.len() >= MOST_TREES {
            return Err(status::INSUFFICIENT_RESOURCES);
        }
        let id = u32::try_from(self.number()).unwrap_or(0) & 0x7fff;
        let tree = Tree { id, session, root };
        self.trees.push(tree.clone());
        Ok(tree)
    }

    pub(super) fn tree(&self, id: u32, session: u64) -> Result<Tree, Status> {
        let tree = self.trees.iter().find(|tree| tree.id == id && tree.session == session);
        tree.cloned().ok_or(status::NETWORK_NAME_DELETED)
    }

    pub(super) fn disconnect(&mut self, id: u32, out: &mut Output) {
        let opens: Vec<u64> =
            self.opens.iter().filter(|open| open.tree == id).map(|open| open.id).collect();
        for open in opens {
            let _ = self.close(open, out);
        }
        self.trees.retain(|tree| tree.id != id);
    }

    pub(super) fn opened(&mut self, id: u64, session: u64) -> Result<&mut Open, Status> {
        let found = self.opens.iter_mut().find(|open| open.id == id && open.session == session);
        found.ok_or(status::FILE_CLOSED)
    }

    /// Writes to a file or a pipe.
    pub(super) fn write(
        &mut self,
        id: u64,
        session: u64,
        offset: u64,
        data: &[u8],
        out: &mut Output,
    ) -> Result<(), Status> {
        let kept: usize = self.opens.iter().map(Open::memory).sum();
        let at = self.opens.iter().position(|open| open.id == id && open.session == session);
        let at = at.ok_or(status::FILE_CLOSED)?;
        match self.opens[at].what {
            What::Pipe(..) => return self.call(at, data, out),
            What::Program(_) => {
                self.type_in(at, data, out);
                return Ok(());
            }
            _ => {}
        }
        let time = file_time(self.now);
        let open = &mut self.opens[at];
        let What::File(writing) = &mut open.what else {
            return Err(status::INVALID_DEVICE_REQUEST);
        };
        if writing.capture.size() != offset {
            // Not in order: what was written so far is kept as one, and what comes as another.
            open.finish(out);
            let What::File(writing) = &mut open.what else { return Ok(()) };
            *writing = Writing::default();
        }
        let What::File(writing) = &mut open.what else { return Ok(()) };
        writing.capture.feed_within(data, KEPT.saturating_sub(kept));
        writing.dirty = true;
        let end = offset.saturating_add(data.len() as u64);
        let size = if offset == 0 { end } else { open.entry.size().max(end) };
        open.entry.time = time;
        open.entry.body = Body::Written(size, Arc::default());
        Ok(())
    }

    /// Gives bytes to the interface behind a pipe; what it answers waits to be read.
    fn call(&mut self, at: usize, data: &[u8], out: &mut Output) -> Result<(), Status> {
        let session = self.opens[at].session;
        let (rights, user) = self
            .sessions
            .iter()
            .find(|found| found.id == session)
            .map_or((Rights::Nobody, String::new()), |found| (found.rights, found.user.clone()));
        let What::Pipe(connection, reply) = &mut self.opens[at].what else { return Ok(()) };
        let caller = Caller {
            identity: &self.identity,
            windows: &self.windows,
            shares: &self.shares,
            visit: self.visit,
            now: self.now,
            rights,
            user: &user,
            way: Way::Pipe,
        };
        let answer = connection.receive(data, &caller, out).map_err(|foreign| {
            rpc::keep(out, &foreign.bytes, "pipe");
            status::INVALID_PARAMETER
        })?;
        if reply.bytes.len() + answer.len() > LONGEST_REPLY {
            return Err(status::INSUFFICIENT_RESOURCES);
        }
        reply.bytes.extend(answer);
        Ok(())
    }

    /// Reads from a file or a pipe; whether a pipe has more of the same message.
    pub(super) fn read(
        &mut self,
        id: u64,
        session: u64,
        offset: u64,
        length: usize,
    ) -> Result<(Vec<u8>, bool), Status> {
        let open = self.opened(id, session)?;
        match &mut open.what {
            What::Pipe(_, reply) => {
                // A fragment is a message of the pipe's: one read gives one, or the beginning of it.
                let fragment = reply.message();
                let taken = fragment.min(length);
                let rest = reply.bytes.split_off(taken);
                reply.left = fragment - taken;
                let head = std::mem::replace(&mut reply.bytes, rest);
                Ok((head, reply.left > 0))
            }
            What::Program(remote) => remote.read(length),
            What::Folder(_) => Err(status::INVALID_DEVICE_REQUEST),
            What::File(writing) => {
                let start = usize::try_from(offset).map_err(|_| status::END_OF_FILE)?;
                let content: &[u8] = match &open.entry.body {
                    _ if writing.dirty => writing.capture.content(),
                    Body::Text(text) => text.as_bytes(),
                    Body::Written(_, kept) => kept.content(),
                    Body::Closed(_) | Body::Folder => return Err(status::ACCESS_DENIED),
                };
                let left = open.entry.size().saturating_sub(offset);
                let length = usize::try_from(left).unwrap_or(length).min(length);
                if length == 0 {
                    return Err(status::END_OF_FILE);
                }
                let rest = content.get(start..).unwrap_or_default();
                let mut data = rest[..rest.len().min(length)].to_vec();
                // Of what was too long to be kept the rest reads as zeros.
                data.resize(length, 0);
                Ok((data, false))
            }
        }
    }

    /// Closes; what was written is told, and stays for this visitor.
    pub(super) fn close(&mut self, id: u64, out: &mut Output) -> Result<Entry, Status> {
        let at = self.opens.iter().position(|open| open.id == id).ok_or(status::FILE_CLOSED)?;
        let mut open = self.opens.remove(at);
        if let What::Pipe(connection, _) = &mut open.what {
            connection.end(out);
            return Ok(open.entry);
        }
        open.finish(out);
        if open.delete {
            disk::delete(&self.identity, self.visit.source, self.now, &open.path);
            self.note("smb file", &format!("deleted {}", open.path), out);
        } else if matches!(open.what, What::File(_))
            && matches!(&open.entry.body, Body::Written(size, _) if *size > 0)
        {
            smb_put(self, &open.entry);
        }
        Ok(open.entry)
    }

    /// What is at this path of the disk.
    pub(super) fn find(&self, path: &str) -> Option<Entry> {
        self.identity.smb().find(&self.identity, self.visit.source, self.now, path)
    }

    /// What is in an open folder and fits, for a first question or for one that begins anew.
    pub(super) fn list(&self, path: &str, pattern: &str) -> Vec<Entry> {
        let mut entries = Vec::new();
        let this = self.find(path);
        let parent = path.rsplit_once('\\').map_or("", |(parent, _)| parent);
        let above = self.find(parent);
        for (name, entry) in [(".", this), ("..", above)] {
            if disk::fits(pattern, name)
                && let Some(entry) = entry
            {
                entries.push(Entry { path: name.to_owned(), ..entry });
            }
        }
        let smb = self.identity.smb();
        let inside = smb.list(&self.identity, self.visit.source, self.now, path);
        entries.extend(inside.into_iter().filter(|entry| disk::fits(pattern, entry.name())));
        entries.truncate(MOST_LISTED);
        entries
    }

    /// Renames what is open.
    pub(super) fn rename(
        &mut self,
        id: u64,
        session: u64,
        to: &str,
        out: &mut Output,
    ) -> Result<(), Status> {
        let tree = self.opened(id, session)?.tree;
        let root = self.tree(tree, session)?.root.ok_or(status::INVALID_DEVICE_REQUEST)?;
        let path = disk::below(&root, to).ok_or(status::OBJECT_NAME_INVALID)?;
        if self.find(&path).is_some() {
            return Err(status::OBJECT_NAME_COLLISION);
        }
        let open = self.opened(id, session)?;
        let from = std::mem::replace(&mut open.path, path.clone());
        open.entry.path.clone_from(&path);
        let entry = open.entry.clone();
        self.note("smb file", &format!("renamed {from} to {path}"), out);
        disk::delete(&self.identity, self.visit.source, self.now, &from);
        if smb_put(self, &entry) { Ok(()) } else { Err(status::DISK_FULL) }
    }

    /// The connection is over.
    pub(super) fn end(&mut self, out: &mut Output) {
        while let Some(open) = self.opens.first() {
            let id = open.id;
            let _ = self.close(id, out);
        }
    }
}

pub(super) fn smb_put(server: &Server, entry: &Entry) -> bool {
    disk::put(&server.identity, server.visit.source, server.now, entry)
}

impl Open {
    fn memory(&self) -> usize {
        let what = match &self.what {
            What::Pipe(connection, reply) => connection.memory() + reply.bytes.len(),
            What::Program(remote) => remote.memory(),
            What::File(writing) => writing.capture.content().len(),
            What::Folder(listing) => listing.as_ref().map_or(0, |listing| {
                listing.entries.iter().map(|entry| entry.path.len() + 64).sum()
            }),
        };
        what + self.path.len() * 2
    }

    /// Tells what was written and keeps it in the entry.
    pub(super) fn finish(&mut self, out: &mut Output) {
        let What::File(writing) = &mut self.what else { return };
        if !writing.dirty {
            return;
        }
        let capture = std::mem::take(writing).capture;
        let size = self.entry.size();
        self.entry.body = Body::Written(size, Arc::new(capture.clone()));
        let mut payload = capture.finish(PayloadOrigin::Upload);
        payload.name = Some(HostileText::from(format!("C:\\{}", self.path)));
        out.tell(Detail::Payload(Box::new(payload)));
    }

    pub(super) const fn is_pipe(&self) -> bool {
        matches!(self.what, What::Pipe(..) | What::Program(_))
    }
}
