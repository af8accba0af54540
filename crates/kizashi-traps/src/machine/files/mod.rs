//! The files that a visitor sees: one image shared by all sessions of an installation, and over it what this visitor has changed,
//! within bounds and dropped at the end. A file written is kept up to [`Capture::KEPT`] bytes and hashed whole, so a large upload costs
//! little and is still told by its right hash.

mod change;
mod image;
mod node;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use change::Edit;
pub(crate) use image::{Image, ImageBuilder};
pub(crate) use node::{
    Body, Device, Fault, Folder, Live, Name, Node, NodeId, ProcessFile, Who, Written, flags,
    mode_letters,
};

use crate::capture::Capture;

/// Nodes that one visitor may make or change.
const NODES: usize = 256;
/// Bytes of his names and contents that are kept.
pub(crate) const KEPT: usize = 112 * 1024;
/// Links followed in one path.
const LINKS: u32 = 40;
/// Bytes of a path (`PATH_MAX`) and of a name (`NAME_MAX`).
const PATH: usize = 4_096;
const NAME: usize = 255;

/// A visitor's view of the files.
#[derive(Debug)]
pub(crate) struct Files {
    image: Arc<Image>,
    changed: BTreeMap<NodeId, Node>,
    next: NodeId,
    /// Bytes of names and contents.
    kept: usize,
    /// Bytes that the disk still holds, as the visitor is told.
    pub(crate) room: u64,
    /// Process numbers of this session, which have folders in `/proc`.
    pub(crate) processes: Vec<u32>,
    /// The number of the terminal of the process that has its turn.
    pub(crate) terminal: Option<u32>,
    /// Contents that were removed or replaced, not told yet.
    lost: Vec<Written>,
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) parent: NodeId,
    pub(crate) name: Vec<u8>,
    pub(crate) node: Option<NodeId>,
}

impl Files {
    pub(crate) fn new(image: Arc<Image>, room: u64) -> Self {
        let next = image.len();
        Self {
            image,
            changed: BTreeMap::new(),
            next,
            kept: 0,
            room,
            processes: Vec::new(),
            terminal: None,
            lost: Vec::new(),
        }
    }

    pub(crate) fn memory(&self) -> usize {
        self.kept + self.changed.len() * size_of::<Node>()
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        self.changed.get(&id).unwrap_or_else(|| self.image.node(id))
    }

    /// All nodes that this visitor made or changed.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.changed.iter().map(|(id, node)| (*id, node))
    }

    /// Whether this visitor made or changed it.
    pub(crate) fn is_changed(&self, id: NodeId) -> bool {
        self.changed.contains_key(&id)
    }

    pub(crate) const fn root() -> NodeId {
        0
    }

    /// A folder's member.
    pub(crate) fn child(&self, folder: NodeId, name: &[u8]) -> Option<NodeId> {
        if folder == self.image.proc && self.is_own_process(name) {
            return Some(self.image.own_process);
        }
        match &self.node(folder).body {
            Body::Folder(Folder::Fixed(members)) => members.get(name).copied(),
            Body::Folder(Folder::Changed { base, changes }) => match changes.get(name) {
                Some(change) => *change,
                None => base.and_then(|base| self.image.node(base).members()?.get(name).copied()),
            },
            _ => None,
        }
    }

    fn is_own_process(&self, name: &[u8]) -> bool {
        let number = std::str::from_utf8(name).ok().and_then(|text| text.parse().ok());
        number.is_some_and(|number: u32| self.processes.contains(&number))
    }

    /// A folder's members, by name.
    pub(crate) fn list(&self, folder: NodeId) -> Vec<(Vec<u8>, NodeId)> {
        let mut members: BTreeMap<&[u8], NodeId> = BTreeMap::new();
        let add = |found: &'_ BTreeMap<Name, NodeId>| -> Vec<(Vec<u8>, NodeId)> {
            found.iter().map(|(name, id)| (name.to_vec(), *id)).collect()
        };
        let mut list = Vec::new();
        match &self.node(folder).body {
            Body::Folder(Folder::Fixed(found)) => list = add(found),
            Body::Folder(Folder::Changed { base, changes }) => {
                for (name, id) in
                    base.and_then(|base| self.image.node(base).members()).into_iter().flatten()
                {
                    members.insert(name, *id);
                }
                for (name, change) in changes {
                    match change {
                        Some(id) => members.insert(name, *id),
                        None => members.remove(&name[..]),
                    };
                }
                list = members.into_iter().map(|(name, id)| (name.to_vec(), id)).collect();
            }
            _ => {}
        }
        list.retain(|(name, _)| name.first() != Some(&0));
        if folder == self.image.proc {
            let own = self
                .processes
                .iter()
                .map(|number| (number.to_string().into_bytes(), self.image.own_process));
            list.extend(own);
            list.sort();
        }
        list
    }

    /// The node that this absolute path names; the last link is followed if `follow`.
    pub(crate) fn find(&self, path: &[u8], follow: bool, who: Who) -> Result<NodeId, Fault> {
        self.place(path, follow, who)?.node.ok_or(Fault::NotFound)
    }

    /// Where this absolute path leads, its last member there or not.
    #[expect(
        clippy::too_many_lines,
        reason = "one flat sequence of the tool's own options and texts"
    )]
    pub(crate) fn place(&self, path: &[u8], follow: bool, who: Who) -> Result<Place, Fault> {
        if path.len() > PATH {
            return Err(Fault::NameTooLong);
        }
        let wants_folder = path.last() == Some(&b'/');
        let mut todo: Vec<Vec<u8>> =
            path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect();
        todo.retain(|name| !name.is_empty() && name != b".");
        let mut stack = vec![(Self::root(), Vec::new())];
        let mut links = 0;
        while let Some(name) = todo.pop() {
            let here = stack.last().map_or(Self::root(), |(id, _)| *id);
            let folder = self.node(here);
            if !folder.is_folder() {
                return Err(Fault::NotAFolder);
            }
            if !folder.permits(who, 1) {
                return Err(Fault::Denied);
            }
            if name == b".." {
                if stack.len() > 1 {
                    stack.pop();
                }
                continue;
            }
            if name.len() > NAME {
                return Err(Fault::NameTooLong);
            }
            let Some(child) = self.child(here, &name) else {
                let last = todo.is_empty();
                return if last {
                    Ok(Place { parent: here, name, node: None })
                } else {
                    Err(Fault::NotFound)
                };
            };
            let target = if todo.is_empty() && !follow && !wants_folder {
                None
            } else {
                self.link_target(child)
            };
            let Some(target) = target else {
                stack.push((child, name));
                continue;
            };
            links += 1;
            if links > LINKS {
                return Err(Fault::Loop);
            }
            if target.first() == Some(&b'/') {
                stack.truncate(1);
            }
            todo.extend(
                target
                    .split(|byte| *byte == b'/')
                    .rev()
                    .filter(|name| !name.is_empty() && *name != b".")
                    .map(<[u8]>::to_vec),
            );
        }
        let (node, name) = stack.pop().unwrap_or((Self::root(), Vec::new()));
        let parent = stack.last().map_or(Self::root(), |(id, _)| *id);
        if wants_folder && !self.node(node).is_folder() {
            return Err(Fault::NotAFolder);
        }
        Ok(Place { parent, name, node: Some(node) })
    }

    fn link_target(&self, id: NodeId) -> Option<Vec<u8>> {
        match &self.node(id).body {
            Body::Link(target) => Some(target.to_vec()),
            Body::Live(Live::SelfLink) => {
                self.processes.last().map(|number| number.to_string().into_bytes())
            }
            Body::Live(Live::Own(ProcessFile::Descriptor(_))) => Some(self.terminal.map_or_else(
                || b"pipe:[20481]".to_vec(),
                |number| format!("/dev/pts/{number}").into_bytes(),
            )),
            _ => None,
        }
    }

    /// Contents that are gone from the files and not told yet.
    pub(crate) fn take_lost(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.lost)
    }

    /// All contents that the visitor wrote, at the end.
    pub(crate) fn take_written(&mut self) -> Vec<Written> {
        let mut all = self.take_lost();
        for node in std::mem::take(&mut self.changed).into_values() {
            if let Body::Written(written) = node.body {
                all.push(*written);
            }
        }
        all.retain(|written| written.visitors);
        all
    }

    /// Bytes of content that may still be kept.
    fn keepable(&self) -> usize {
        KEPT.saturating_sub(self.kept)
    }
}

/// An absolute path: `path` seen from `folder`.
pub(crate) fn absolute(folder: &[u8], path: &[u8]) -> Vec<u8> {
    if path.first() == Some(&b'/') {
        return path.to_vec();
    }
    let mut whole = folder.to_vec();
    if whole.last() != Some(&b'/') {
        whole.push(b'/');
    }
    whole.extend_from_slice(path);
    whole
}

/// The same path without `.`, `..` and doubled slashes, as a shell keeps its own folder.
pub(crate) fn normal(path: &[u8]) -> Vec<u8> {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                names.pop();
            }
            _ => names.push(name),
        }
    }
    let mut whole = Vec::with_capacity(path.len());
    for name in names {
        whole.push(b'/');
        whole.extend_from_slice(name);
    }
    if whole.is_empty() { b"/".to_vec() } else { whole }
}

/// The last name of a path.
pub(crate) fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
