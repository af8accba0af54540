//! Changes: each is copied over the image's node first, and counted against the visitor's bounds.

use std::collections::BTreeMap;

use super::{Body, Capture, Fault, Files, Folder, NODES, Node, NodeId, Place, Who, Written, flags};

impl Files {
    /// The node for changing, copied from the image where it is still there.
    pub(crate) fn change(&mut self, id: NodeId) -> Result<&mut Node, Fault> {
        if !self.changed.contains_key(&id) {
            if self.changed.len() >= NODES {
                return Err(Fault::NoSpace);
            }
            let mut node = self.image.node(id).clone();
            if let Body::Folder(Folder::Fixed(_)) = node.body {
                node.body =
                    Body::Folder(Folder::Changed { base: Some(id), changes: BTreeMap::new() });
            }
            self.changed.insert(id, node);
        }
        self.changed.get_mut(&id).ok_or(Fault::NoSpace)
    }

    /// Makes a node where `place` has none.
    pub(crate) fn create(
        &mut self,
        place: &Place,
        body: Body,
        mode: u16,
        who: Who,
        now: i64,
    ) -> Result<NodeId, Fault> {
        self.may_change_members(place.parent, who)?;
        if self.changed.len() + 2 > NODES || self.keepable() < place.name.len() {
            return Err(Fault::NoSpace);
        }
        let id = self.next;
        self.next += 1;
        self.attach(place, id, now)?;
        self.changed
            .insert(id, Node { body, mode, uid: who.uid, gid: who.gid, modified: now, flags: 0 });
        Ok(id)
    }

    pub(crate) fn create_folder(
        &mut self,
        place: &Place,
        mode: u16,
        who: Who,
        now: i64,
    ) -> Result<NodeId, Fault> {
        if place.node.is_some() {
            return Err(Fault::Exists);
        }
        let body = Body::Folder(Folder::Changed { base: None, changes: BTreeMap::new() });
        self.create(place, body, mode, who, now)
    }

    /// An empty file of the visitor's; `path` is what it is told under.
    pub(crate) fn create_file(
        &mut self,
        place: &Place,
        path: &[u8],
        mode: u16,
        who: Who,
        now: i64,
    ) -> Result<NodeId, Fault> {
        let written = Written {
            path: path.into(),
            capture: Capture::default(),
            visitors: false,
            uploaded: false,
            hole: 0,
        };
        self.create(place, Body::Written(Box::new(written)), mode, who, now)
    }

    fn may_change_members(&self, folder: NodeId, who: Who) -> Result<(), Fault> {
        let node = self.node(folder);
        if folder == self.image.proc || matches!(node.flags, flags::IMMUTABLE) {
            return Err(if folder == self.image.proc {
                Fault::NotFound
            } else {
                Fault::NotPermitted
            });
        }
        if node.permits(who, 3) { Ok(()) } else { Err(Fault::Denied) }
    }

    /// Gives a folder this member.
    pub(crate) fn attach(&mut self, place: &Place, id: NodeId, now: i64) -> Result<(), Fault> {
        self.kept += place.name.len();
        self.set_member(place, Some(id), now)
    }

    fn set_member(&mut self, place: &Place, id: Option<NodeId>, now: i64) -> Result<(), Fault> {
        let folder = self.change(place.parent)?;
        folder.modified = now;
        if let Body::Folder(Folder::Changed { changes, .. }) = &mut folder.body {
            changes.insert(place.name.clone().into(), id);
        }
        Ok(())
    }

    /// Takes the member away; what the visitor wrote is remembered until it is told.
    pub(crate) fn remove(&mut self, place: &Place, who: Who, now: i64) -> Result<(), Fault> {
        let id = place.node.ok_or(Fault::NotFound)?;
        if place.name.is_empty() || id == self.image.proc {
            return Err(Fault::Busy);
        }
        self.may_remove(place.parent, id, who)?;
        self.set_member(place, None, now)?;
        self.forget_content(id);
        Ok(())
    }

    /// Whether a member may be taken out of its folder.
    fn may_remove(&self, parent: NodeId, id: NodeId, who: Who) -> Result<(), Fault> {
        self.may_change_members(parent, who)?;
        let (folder, node) = (self.node(parent), self.node(id));
        if node.flags != 0 {
            return Err(Fault::NotPermitted);
        }
        let sticky = folder.mode & 0o1000 != 0
            && !who.is_root()
            && who.uid != node.uid
            && who.uid != folder.uid;
        if sticky || matches!(node.body, Body::Live(_)) { Err(Fault::NotPermitted) } else { Ok(()) }
    }

    fn forget_content(&mut self, id: NodeId) {
        let Some(node) = self.changed.get_mut(&id) else { return };
        if let Body::Written(written) = &mut node.body {
            let empty = Written {
                path: written.path.clone(),
                capture: Capture::default(),
                visitors: false,
                uploaded: false,
                hole: 0,
            };
            let old = std::mem::replace(&mut **written, empty);
            self.kept = self.kept.saturating_sub(old.capture.content().len());
            self.room = self.room.saturating_add(old.capture.size() + old.hole);
            if old.visitors {
                self.lost.push(old);
            }
        }
    }

    /// Moves a member to another place; what was there is gone.
    pub(crate) fn rename(
        &mut self,
        from: &Place,
        to: &Place,
        path: &[u8],
        who: Who,
        now: i64,
    ) -> Result<(), Fault> {
        let id = from.node.ok_or(Fault::NotFound)?;
        if from.name.is_empty() || to.name.is_empty() {
            return Err(Fault::Busy);
        }
        self.may_remove(from.parent, id, who)?;
        match to.node {
            Some(there) if there == id => return Ok(()),
            Some(there) => {
                self.may_remove(to.parent, there, who)?;
                self.forget_content(there);
            }
            None => self.may_change_members(to.parent, who)?,
        }
        self.set_member(from, None, now)?;
        self.attach(to, id, now)?;
        if let Some(Node { body: Body::Written(written), .. }) = self.changed.get_mut(&id) {
            written.path = path.into();
        }
        Ok(())
    }

    /// Whether the content may be written.
    pub(crate) fn may_write(&self, id: NodeId, append: bool, who: Who) -> Result<(), Fault> {
        let node = self.node(id);
        if node.is_folder() {
            return Err(Fault::IsAFolder);
        }
        if node.flags & flags::IMMUTABLE != 0 || (node.flags & flags::APPEND_ONLY != 0 && !append) {
            return Err(Fault::NotPermitted);
        }
        if node.permits(who, 2) { Ok(()) } else { Err(Fault::Denied) }
    }

    /// Makes the content empty.
    pub(crate) fn truncate(&mut self, id: NodeId, path: &[u8], now: i64) -> Result<(), Fault> {
        if matches!(self.node(id).body, Body::Device(_) | Body::Live(_)) {
            return Ok(());
        }
        self.forget_content(id);
        let node = self.change(id)?;
        node.modified = now;
        let written = Written {
            path: path.into(),
            capture: Capture::default(),
            visitors: false,
            uploaded: false,
            hole: 0,
        };
        node.body = Body::Written(Box::new(written));
        Ok(())
    }

    /// Makes a file longer by zeros that are not held.
    pub(crate) fn stretch(&mut self, id: NodeId, by: u64) -> Result<(), Fault> {
        if by > self.room {
            return Err(Fault::NoSpace);
        }
        if let Body::Written(written) = &mut self.change(id)?.body {
            written.hole += by;
            self.room -= by;
        }
        Ok(())
    }

    /// Writes at an offset; `old` is the content of a node that is still the image's. How many bytes were written.
    pub(crate) fn write(
        &mut self,
        id: NodeId,
        offset: u64,
        bytes: &[u8],
        edit: &Edit<'_>,
    ) -> Result<usize, Fault> {
        if bytes.len() as u64 > self.room {
            return Err(Fault::NoSpace);
        }
        let room = self.keepable();
        let is_written = matches!(self.node(id).body, Body::Written(_));
        let node = self.change(id)?;
        node.modified = edit.now;
        if !is_written {
            let capture = Capture::of(edit.old);
            node.body = Body::Written(Box::new(Written {
                path: edit.path.into(),
                capture,
                visitors: false,
                uploaded: false,
                hole: 0,
            }));
        }
        let Body::Written(written) = &mut node.body else { return Ok(0) };
        let before = written.capture.content().len();
        let end = written.capture.size();
        if offset == end || offset == end + written.hole {
            written.capture.feed_within(bytes, room);
        } else {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            if start > Capture::KEPT {
                return Err(Fault::NoSpace);
            }
            let mut content = written.capture.content().to_vec();
            content
                .resize(content.len().max(start + bytes.len()).min(Capture::KEPT + bytes.len()), 0);
            if let Some(place) = content.get_mut(start..start + bytes.len()) {
                place.copy_from_slice(bytes);
            }
            written.capture = Capture::default();
            written.capture.feed_within(&content, room);
        }
        written.visitors |= edit.visitors;
        written.uploaded |= edit.uploaded;
        let after = written.capture.content().len();
        self.kept = (self.kept + after).saturating_sub(if is_written { before } else { 0 });
        self.room -= bytes.len() as u64;
        Ok(bytes.len())
    }
}

/// How content is written.
pub(crate) struct Edit<'a> {
    /// What the node held while it was the image's.
    pub(crate) old: &'a [u8],
    pub(crate) path: &'a [u8],
    /// Whether the bytes are the visitor's.
    pub(crate) visitors: bool,
    /// Whether they came by file transfer.
    pub(crate) uploaded: bool,
    pub(crate) now: i64,
}
