//! Commands that show, change and copy files.

mod archive;
mod attributes;
mod change;
mod compress;
mod copy;
mod disk;
mod find;
mod list;
mod names;
mod pack;
mod status;

pub(in crate::machine) use list::links;
pub(super) use pack::packed;

use super::{Call, Command, Finish, administration, other, server, usual};
use crate::machine::files::{Fault, NodeId, mode_letters as letters};

pub(super) const LISTING: &[Command] = &[
    usual("ls", list::ls),
    server("dir", list::ls),
    server("vdir", list::ls),
    usual("stat", status::stat),
    server("file", status::file),
    usual("df", disk::df),
    other("du", disk::du),
    other("find", find::find),
    other("which", names::which),
    server("whereis", names::whereis),
    usual("readlink", names::readlink),
    other("realpath", names::realpath),
    other("basename", names::basename),
    other("dirname", names::dirname),
    usual("lsattr", attributes::lsattr),
];

pub(super) const CHANGING: &[Command] = &[
    usual("mkdir", change::mkdir),
    usual("rmdir", change::rmdir),
    usual("rm", change::rm),
    usual("mv", change::mv),
    usual("ln", change::ln),
    usual("touch", change::touch),
    usual("chmod", attributes::chmod),
    usual("chown", attributes::chown),
    usual("chgrp", attributes::chown),
    usual("chattr", attributes::chattr),
    usual("mktemp", change::mktemp),
    other("unlink", change::rm),
    server("truncate", change::truncate),
    server("shred", change::shred),
    usual("sync", |_| Finish::Status(0)),
    administration("mknod", change::mknod),
    server("mkfifo", change::mknod),
];

pub(super) const COPYING: &[Command] = &[
    usual("cp", copy::cp),
    other("install", copy::install),
    usual("dd", copy::dd),
    usual("tar", archive::tar),
    usual("gzip", compress::compress),
    usual("gunzip", compress::compress),
    usual("zcat", compress::compress),
    server("bzip2", compress::compress),
    server("bunzip2", compress::compress),
    server("bzcat", compress::compress),
    server("xz", compress::compress),
    server("unxz", compress::compress),
    server("xzcat", compress::compress),
    other("unzip", archive::unzip),
    server("zip", archive::unzip),
    server("split", copy::split),
];

/// A size as `-h` writes it: one place after the point below ten, rounded up.
fn human(bytes: u64) -> String {
    human_with(bytes, "KMGTPE", "")
}

fn human_with(bytes: u64, units: &str, suffix: &str) -> String {
    if bytes < 1_024 {
        return format!("{bytes}");
    }
    let mut value = bytes as f64;
    for unit in units.chars() {
        value /= 1_024.0;
        if value < 10.0 {
            let tenths = (value * 10.0).ceil();
            if tenths < 100.0 {
                return format!("{:.1}{unit}{suffix}", tenths / 10.0);
            }
        }
        if value.ceil() < 1_024.0 {
            return format!("{:.0}{unit}{suffix}", value.ceil());
        }
    }
    format!("{bytes}")
}

impl Call<'_> {
    /// The node at a path.
    fn find(&self, path: &[u8], follow: bool) -> Result<NodeId, Fault> {
        if path.is_empty() {
            return Err(Fault::NotFound);
        }
        self.kernel.files.find(&self.path(path), follow, self.who)
    }

    fn is_folder(&self, path: &[u8]) -> bool {
        self.find(path, true).is_ok_and(|id| self.kernel.files.node(id).is_folder())
    }

    /// `name: cannot VERB 'path': fault`, as coreutils say it; BusyBox has words of its own for some.
    fn cannot(&mut self, verb: &str, path: &[u8], fault: Fault) {
        let shown = String::from_utf8_lossy(path).into_owned();
        if self.is_busybox() {
            self.complain(&format!("can't {verb} '{shown}': {fault}"));
        } else {
            self.complain(&format!("cannot {verb} '{shown}': {fault}"));
        }
    }
}
