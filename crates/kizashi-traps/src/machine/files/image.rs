//! The image that all sessions share, built once per installation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Body, Device, Folder, Live, Node, NodeId};

/// A built image.
#[derive(Debug)]
pub(crate) struct Image {
    nodes: Vec<Node>,
    /// The folder `/proc`.
    pub(crate) proc: NodeId,
    /// The folder that stands for every process of a session.
    pub(crate) own_process: NodeId,
}

impl Image {
    pub(crate) fn len(&self) -> NodeId {
        NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX)
    }

    /// A node; the root for a number that is none.
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[usize::try_from(id).ok().filter(|id| *id < self.nodes.len()).unwrap_or(0)]
    }
}

/// Builds an image path by path.
pub(crate) struct ImageBuilder {
    nodes: Vec<Node>,
    /// Time given to what has none of its own.
    pub(crate) time: i64,
}

impl ImageBuilder {
    pub(crate) fn new(time: i64) -> Self {
        let root = Node {
            body: Body::Folder(Folder::Fixed(BTreeMap::new())),
            mode: 0o755,
            uid: 0,
            gid: 0,
            modified: time,
            flags: 0,
        };
        Self { nodes: vec![root], time }
    }

    /// Puts a node at this path; folders on the way are made.
    #[expect(clippy::needless_pass_by_value, reason = "a body is given to the image")]
    pub(crate) fn put(&mut self, path: &str, body: Body, mode: u16) -> NodeId {
        let mut here = 0;
        let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
        while let Some(name) = names.next() {
            let found = self.member(here, name);
            let last = names.peek().is_none();
            here = match found {
                Some(id) => {
                    if last && !matches!(body, Body::Folder(_)) {
                        self.nodes[id as usize].body = body.clone();
                    }
                    if last {
                        self.nodes[id as usize].mode = mode;
                    }
                    id
                }
                None => {
                    let (body, mode) = if last {
                        (body.clone(), mode)
                    } else {
                        (Body::Folder(Folder::Fixed(BTreeMap::new())), 0o755)
                    };
                    self.attach(here, name, body, mode)
                }
            };
        }
        here
    }

    fn member(&self, folder: NodeId, name: &str) -> Option<NodeId> {
        self.nodes[folder as usize].members()?.get(name.as_bytes()).copied()
    }

    fn attach(&mut self, folder: NodeId, name: &str, body: Body, mode: u16) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(0);
        self.nodes.push(Node { body, mode, uid: 0, gid: 0, modified: self.time, flags: 0 });
        if let Body::Folder(Folder::Fixed(members)) = &mut self.nodes[folder as usize].body {
            members.insert(name.as_bytes().into(), id);
        }
        id
    }

    pub(crate) fn folder(&mut self, path: &str, mode: u16) -> NodeId {
        self.put(path, Body::Folder(Folder::Fixed(BTreeMap::new())), mode)
    }

    pub(crate) fn text(&mut self, path: &str, text: impl Into<Cow<'static, str>>) -> NodeId {
        let bytes = match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        self.put(path, Body::Bytes(bytes), 0o644)
    }

    pub(crate) fn secret(
        &mut self,
        path: &str,
        text: impl Into<Cow<'static, str>>,
        mode: u16,
        gid: u32,
    ) {
        let id = self.text(path, text);
        self.owned(id, 0, gid);
        self.nodes[id as usize].mode = mode;
    }

    pub(crate) fn put_script(&mut self, path: &str, text: &'static str) {
        let id = self.text(path, text);
        self.nodes[id as usize].mode = 0o755;
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.put(path, Body::Link(target.as_bytes().into()), 0o777);
    }

    /// A program that does what the command of this name does.
    pub(crate) fn program(&mut self, path: &str, name: &'static str, size: u32) -> NodeId {
        self.put(path, Body::Program { name, size }, 0o755)
    }

    pub(crate) fn device(
        &mut self,
        path: &str,
        kind: u8,
        major: u32,
        minor: u32,
        mode: u16,
        gid: u32,
    ) {
        let id = self.put(path, Body::Device(Device { kind, major, minor }), mode);
        self.owned(id, 0, gid);
    }

    pub(crate) fn live(&mut self, path: &str, live: Live, mode: u16) {
        self.put(path, Body::Live(live), mode);
    }

    pub(crate) fn owned(&mut self, id: NodeId, uid: u32, gid: u32) {
        let node = &mut self.nodes[id as usize];
        (node.uid, node.gid) = (uid, gid);
    }

    pub(crate) fn set_mode(&mut self, id: NodeId, mode: u16) {
        self.nodes[id as usize].mode = mode;
    }

    pub(crate) fn dated(&mut self, id: NodeId, time: i64) {
        self.nodes[id as usize].modified = time;
    }

    /// `own_process` is the path of the folder that stands for a session's processes.
    pub(crate) fn finish(self, own_process: &str) -> Image {
        let find = |path: &str| {
            path.split('/')
                .filter(|name| !name.is_empty())
                .try_fold(0, |here, name| self.member(here, name))
                .unwrap_or(0)
        };
        let (proc, own_process) = (find("/proc"), find(own_process));
        Image { proc, own_process, nodes: self.nodes }
    }
}
