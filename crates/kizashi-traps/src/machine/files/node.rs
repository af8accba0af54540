//! What stands in the file system, who may do what with it, and what the kernel says when he may not.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Capture;

pub(crate) type NodeId = u32;
pub(crate) type Name = Box<[u8]>;

/// Attributes of `chattr`.
pub(crate) mod flags {
    pub(crate) const IMMUTABLE: u8 = 1;
    pub(crate) const APPEND_ONLY: u8 = 2;
}

/// A file, folder, link or device.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) body: Body,
    /// Permission bits with setuid, setgid and sticky.
    pub(crate) mode: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds since the epoch.
    pub(crate) modified: i64,
    pub(crate) flags: u8,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Folder(Folder),
    /// Content of the image's.
    Bytes(Cow<'static, [u8]>),
    /// Content of the visitor's.
    Written(Box<Written>),
    Link(Name),
    /// A program of the machine's: its bytes are made when they are read.
    Program {
        name: &'static str,
        size: u32,
    },
    Device(Device),
    /// Content that the kernel makes when it is read.
    Live(Live),
}

/// A folder's members.
#[derive(Clone, Debug)]
pub(crate) enum Folder {
    Fixed(BTreeMap<Name, NodeId>),
    /// Changes over a folder of the image's.
    Changed {
        base: Option<NodeId>,
        changes: BTreeMap<Name, Option<NodeId>>,
    },
}

/// Content that a visitor wrote.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// The path when it was written.
    pub(crate) path: Name,
    pub(crate) capture: Capture,
    /// Whether any byte came from the visitor; a copy of the machine's own file is no payload.
    pub(crate) visitors: bool,
    pub(crate) uploaded: bool,
    /// Bytes behind the content that are zeros and were never held.
    pub(crate) hole: u64,
}

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) kind: u8,
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

/// What is read from the running kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Live {
    Uptime,
    Load,
    Processors,
    Memory,
    Mounts,
    Version,
    CommandLine,
    Statistics,
    Partitions,
    Interfaces,
    Routes,
    Arp,
    Tcp,
    FileSystems,
    Modules,
    Devices,
    Swaps,
    RandomId,
    Maximum,
    HostName,
    Release,
    /// `/proc/self`.
    SelfLink,
    /// A file of a daemon's folder.
    Daemon(u32, ProcessFile),
    /// A file of the session's own process.
    Own(ProcessFile),
}

/// The files of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessFile {
    CommandLine,
    Name,
    Status,
    Stat,
    Environment,
    Program,
    Folder,
    Maps,
    Limits,
    Groups,
    /// What one of the first three descriptors leads to.
    Descriptor(u8),
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Who {
    pub(crate) const ROOT: Self = Self { uid: 0, gid: 0 };

    pub(crate) const fn is_root(self) -> bool {
        self.uid == 0
    }
}

impl Node {
    pub(crate) const fn is_folder(&self) -> bool {
        matches!(self.body, Body::Folder(_))
    }

    pub(crate) const fn is_link(&self) -> bool {
        matches!(
            self.body,
            Body::Link(_)
                | Body::Live(
                    Live::SelfLink
                        | Live::Own(
                            ProcessFile::Program | ProcessFile::Folder | ProcessFile::Descriptor(_)
                        )
                        | Live::Daemon(_, ProcessFile::Program | ProcessFile::Folder)
                )
        )
    }

    pub(crate) const fn is_regular(&self) -> bool {
        !self.is_folder() && !self.is_link() && !matches!(self.body, Body::Device(_))
    }

    pub(crate) const fn members(&self) -> Option<&BTreeMap<Name, NodeId>> {
        match &self.body {
            Body::Folder(Folder::Fixed(members)) => Some(members),
            _ => None,
        }
    }

    /// Whether `who` has all these permissions: 4 read, 2 write, 1 execute.
    pub(crate) const fn permits(&self, who: Who, wanted: u16) -> bool {
        if who.is_root() {
            return wanted & 1 == 0 || self.is_folder() || self.mode & 0o111 != 0;
        }
        let shift = if who.uid == self.uid {
            6
        } else if who.gid == self.gid {
            3
        } else {
            0
        };
        (self.mode >> shift) & wanted == wanted
    }

    /// Its size as `stat` tells it.
    pub(crate) fn size(&self) -> u64 {
        match &self.body {
            Body::Folder(_) => 4096,
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::Written(written) => written.capture.size() + written.hole,
            Body::Link(target) => target.len() as u64,
            Body::Program { size, .. } => u64::from(*size),
            Body::Device(_) | Body::Live(_) => 0,
        }
    }

    /// The letter in front of its permissions, as `ls` shows it.
    pub(crate) const fn letter(&self) -> u8 {
        match &self.body {
            Body::Folder(_) => b'd',
            Body::Device(device) => device.kind,
            _ if self.is_link() => b'l',
            _ => b'-',
        }
    }
}

/// Why the kernel refuses (errno(3), in words that both glibc and uClibc use but for `NoSpace`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("No such file or directory")]
    NotFound,
    #[error("Not a directory")]
    NotAFolder,
    #[error("Is a directory")]
    IsAFolder,
    #[error("Permission denied")]
    Denied,
    #[error("Operation not permitted")]
    NotPermitted,
    #[error("File exists")]
    Exists,
    #[error("Directory not empty")]
    NotEmpty,
    #[error("Too many levels of symbolic links")]
    Loop,
    #[error("File name too long")]
    NameTooLong,
    #[error("No space left on device")]
    NoSpace,
    #[error("Device or resource busy")]
    Busy,
    #[error("Bad file descriptor")]
    BadDescriptor,
    #[error("Input/output error")]
    Io,
}

/// `drwxr-xr-x`, as `ls` and `strmode` write a kind and its rights.
pub(crate) fn mode_letters(kind: u8, mode: u16) -> String {
    let mut text = String::from(char::from(kind));
    for (shift, special, lower, upper) in
        [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')]
    {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => lower,
            (false, true) => upper,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}
