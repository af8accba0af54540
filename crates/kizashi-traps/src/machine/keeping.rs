//! What outlives one machine: a visitor to a web server gets a new machine with each request, and finds there what he wrote with the one before.

use super::Machine;
use super::files::{Body, Who, normal};

/// A file that a visitor wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptFile {
    pub(crate) path: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) mode: u16,
}

impl Machine {
    /// Commands begin in this folder, where it is there.
    pub(crate) fn begin_in(&self, folder: &[u8]) {
        self.kernel.lock().begins_in = Some(folder.to_vec());
    }

    /// Puts a file back that was written before; it is not told again.
    pub(crate) fn restore(&self, file: &KeptFile) {
        let mut kernel = self.kernel.lock();
        let account = kernel.account(&self.user);
        let who = account.map_or(Who::ROOT, |account| Who { uid: account.uid, gid: account.gid });
        let now = kernel.seconds();
        for (at, _) in file.path.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'/') {
            if let Ok(place) = kernel.files.place(&file.path[..at], true, who)
                && place.node.is_none()
            {
                let _ = kernel.files.create_folder(&place, 0o755, who, now);
            }
        }
        let opened = kernel.open_for_writing(b"/", &file.path, false, file.mode, who);
        if let Ok((id, path)) = opened {
            let _ = kernel.write_as(id, 0, &file.content, &path, false, false);
        }
    }

    /// Shows the whole machine below this folder too, as a container sees its host where `/` is mounted.
    pub(crate) fn mount_root(&self, at: &[u8]) {
        let mut kernel = self.kernel.lock();
        let now = kernel.seconds();
        let path = normal(at);
        if path.len() < 2 {
            return;
        }
        for (end, _) in path.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'/') {
            if let Ok(place) = kernel.files.place(&path[..end], true, Who::ROOT)
                && place.node.is_none()
            {
                let _ = kernel.files.create_folder(&place, 0o755, Who::ROOT, now);
            }
        }
        let Ok(mut place) = kernel.files.place(&path, false, Who::ROOT) else { return };
        if place.node.is_some() {
            let _ = kernel.files.remove(&place, Who::ROOT, now);
            place.node = None;
        }
        let _ = kernel.files.create(&place, Body::Link(b"/"[..].into()), 0o777, Who::ROOT, now);
    }

    /// All files below these folders that were written here or put back.
    pub(crate) fn written_below(&self, folders: &[&[u8]]) -> Vec<KeptFile> {
        let kernel = self.kernel.lock();
        let files = &kernel.files;
        let mut found = Vec::new();
        for (id, node) in files.changed() {
            let Body::Written(written) = &node.body else { continue };
            let path = normal(&written.path);
            let below = folders.iter().any(|folder| path.starts_with(folder));
            // A node that was removed is held until it is told.
            if below && files.find(&path, false, Who::ROOT) == Ok(id) {
                found.push(KeptFile {
                    path,
                    content: written.capture.content().to_vec(),
                    mode: node.mode,
                });
            }
        }
        found
    }
}
