//! The visitor's files as SFTP and SCP see them.

use super::files::{Body, Fault, Files, NodeId, Who};
use super::kernel::{Kernel, SharedKernel};

/// Why a transfer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// There is nothing of this name.
    #[error("No such file or directory")]
    NotFound,
    /// The account may not.
    #[error("Permission denied")]
    Denied,
    /// It is there already.
    #[error("File exists")]
    Exists,
    /// A bound of the machine's, or a disk that is full.
    #[error("No space left on device")]
    NoSpace,
    /// Anything else, such as a folder where a file was meant.
    #[error("Failure")]
    Failure,
}

impl From<Fault> for FileFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotFound => Self::NotFound,
            Fault::Denied | Fault::NotPermitted => Self::Denied,
            Fault::Exists => Self::Exists,
            Fault::NoSpace => Self::NoSpace,
            _ => Self::Failure,
        }
    }
}

/// What `stat` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// Permission bits with the file's kind, as `st_mode`.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// Owner and group.
    pub owner: (u32, u32),
    /// Seconds since the epoch.
    pub modified: i64,
    /// Names that it has.
    pub links: usize,
}

/// Access by path; paths that are not absolute begin at the account's home.
#[derive(Clone, Debug)]
pub struct Transfer {
    kernel: SharedKernel,
    who: Who,
    home: Vec<u8>,
}

impl Transfer {
    pub(super) fn new(kernel: SharedKernel, user: &[u8]) -> Self {
        let account = kernel.lock().account(user);
        let device = kernel.lock().world.persona.is_device();
        let (who, home) = match account {
            Some(account) => (Who { uid: account.uid, gid: account.gid }, account.home),
            None if device => (Who::ROOT, b"/root".to_vec()),
            None => (Who { uid: 1001, gid: 1001 }, b"/".to_vec()),
        };
        Self { kernel, who, home }
    }

    /// Where relative paths begin.
    #[must_use]
    pub fn home(&self) -> &[u8] {
        &self.home
    }

    /// The absolute path that a path means, without `.` and `..`.
    #[must_use]
    pub fn absolute(&self, path: &[u8]) -> Vec<u8> {
        super::files::normal(&super::files::absolute(&self.home, path))
    }

    fn find(&self, files: &Files, path: &[u8], follow: bool) -> Result<NodeId, FileFault> {
        Ok(files.find(&super::files::absolute(&self.home, path), follow, self.who)?)
    }

    /// A file's bytes from `offset`, `count` at most; empty at its end.
    ///
    /// # Errors
    /// Where it is not there, is a folder, or may not be read.
    pub fn read(&self, path: &[u8], offset: u64, count: usize) -> Result<Vec<u8>, FileFault> {
        let mut kernel = self.kernel.lock();
        let bytes = kernel.read_path(&self.home, path, self.who)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes[start..bytes.len().min(start.saturating_add(count))].to_vec())
    }

    /// Makes a file, or empties the one that is there if `truncate`.
    ///
    /// # Errors
    /// Where its folder is not there, it may not be written, or a bound is reached.
    pub fn create(&self, path: &[u8], truncate: bool, mode: u16) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        kernel.open_for_writing(&self.home, path, !truncate, mode & 0o7777, self.who)?;
        Ok(())
    }

    /// Writes into a file that was created, at an offset. Bytes past the bound of what is kept are hashed and counted.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn write(&self, path: &[u8], offset: u64, bytes: &[u8]) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        let whole = super::files::absolute(&self.home, path);
        let id = kernel.files.find(&whole, true, self.who)?;
        kernel.files.may_write(id, false, self.who)?;
        kernel.write_as(id, offset, bytes, &whole, true, true)?;
        Ok(())
    }

    /// The names in a folder.
    ///
    /// # Errors
    /// Where it is not there, is no folder, or may not be read.
    pub fn list(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileStat)>, FileFault> {
        let kernel = self.kernel.lock();
        let id = self.find(&kernel.files, path, true)?;
        let node = kernel.files.node(id);
        if !node.is_folder() {
            return Err(FileFault::Failure);
        }
        if !node.permits(self.who, 4) {
            return Err(FileFault::Denied);
        }
        let stat = |id| stat(&kernel.files, id);
        Ok(kernel.files.list(id).into_iter().map(|(name, id)| (name, stat(id))).collect())
    }

    /// What is known of a file; of a link itself unless `follow`.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn stat(&self, path: &[u8], follow: bool) -> Result<FileStat, FileFault> {
        let kernel = self.kernel.lock();
        let id = self.find(&kernel.files, path, follow)?;
        Ok(stat(&kernel.files, id))
    }

    /// What a link names.
    ///
    /// # Errors
    /// Where it is not there or is no link.
    pub fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, FileFault> {
        let kernel = self.kernel.lock();
        let id = self.find(&kernel.files, path, false)?;
        match &kernel.files.node(id).body {
            Body::Link(target) => Ok(target.to_vec()),
            _ => Err(FileFault::Failure),
        }
    }

    /// Whether it may change what belongs to a file itself.
    fn own(&self, kernel: &Kernel, path: &[u8], follow: bool) -> Result<NodeId, FileFault> {
        let id = self.find(&kernel.files, path, follow)?;
        if !self.who.is_root() && kernel.files.node(id).uid != self.who.uid {
            return Err(FileFault::Denied);
        }
        Ok(id)
    }

    /// Sets the permission bits.
    ///
    /// # Errors
    /// Where it is not there or is another's.
    pub fn set_mode(&self, path: &[u8], mode: u16, follow: bool) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        let id = self.own(&kernel, path, follow)?;
        kernel.files.change(id)?.mode = mode & 0o7777;
        Ok(())
    }

    /// Sets when it was changed, in seconds since the epoch.
    ///
    /// # Errors
    /// As [`Self::set_mode`].
    pub fn set_time(&self, path: &[u8], modified: i64, follow: bool) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        let id = self.own(&kernel, path, follow)?;
        kernel.files.change(id)?.modified = modified;
        Ok(())
    }

    /// Gives it to another, which root may.
    ///
    /// # Errors
    /// As [`Self::set_mode`].
    pub fn set_owner(
        &self,
        path: &[u8],
        user: u32,
        group: u32,
        follow: bool,
    ) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        let id = self.own(&kernel, path, follow)?;
        let node = kernel.files.node(id);
        if !self.who.is_root() && (node.uid != user || node.gid != group) {
            return Err(FileFault::Denied);
        }
        let node = kernel.files.change(id)?;
        (node.uid, node.gid) = (user, group);
        Ok(())
    }

    /// Empties a file; to any other size it stays as it is, for what is cut or stretched is nothing that was brought.
    ///
    /// # Errors
    /// Where it is not there or may not be written.
    pub fn set_size(&self, path: &[u8], size: u64) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        let now = kernel.seconds();
        let whole = super::files::absolute(&self.home, path);
        let id = kernel.files.find(&whole, true, self.who)?;
        kernel.files.may_write(id, false, self.who)?;
        if size == 0 {
            kernel.files.truncate(id, &whole, now)?;
        }
        Ok(())
    }

    /// Another name for a file.
    ///
    /// # Errors
    /// Where it is not there, is a folder, or the name is taken.
    pub fn hard_link(&self, from: &[u8], to: &[u8]) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        let now = kernel.seconds();
        let id = self.find(&kernel.files, from, false)?;
        if kernel.files.node(id).is_folder() {
            return Err(FileFault::Failure);
        }
        let place = kernel.files.place(&self.absolute(to), false, self.who)?;
        if place.node.is_some() {
            return Err(FileFault::Failure);
        }
        kernel.files.attach(&place, id, now)?;
        Ok(())
    }

    /// A link at `path` that names `target`.
    ///
    /// # Errors
    /// Where the name is taken or its folder may not be changed.
    pub fn link(&self, target: &[u8], path: &[u8]) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        let now = kernel.seconds();
        let place = kernel.files.place(&self.absolute(path), false, self.who)?;
        if place.node.is_some() {
            return Err(FileFault::Failure);
        }
        kernel.files.create(&place, Body::Link(target.into()), 0o777, self.who, now)?;
        Ok(())
    }

    /// The home of an account.
    #[must_use]
    pub fn home_of(&self, user: &[u8]) -> Option<Vec<u8>> {
        self.kernel.lock().account(user).map(|account| account.home)
    }

    /// The name of a user or a group, where the number has one.
    #[must_use]
    pub fn name_of(&self, number: u32, is_group: bool) -> Option<String> {
        let mut kernel = self.kernel.lock();
        let name = if is_group { kernel.group_name(number) } else { kernel.user_name(number) };
        let name = String::from_utf8_lossy(&name).into_owned();
        (name != number.to_string()).then_some(name)
    }

    /// The names of owner and group, or their numbers.
    #[must_use]
    pub fn names(&self, (user, group): (u32, u32)) -> (String, String) {
        let mut kernel = self.kernel.lock();
        let text = |name: Vec<u8>| String::from_utf8_lossy(&name).into_owned();
        (text(kernel.user_name(user)), text(kernel.group_name(group)))
    }

    /// A time as month, day, year, hour and minute, and the machine's own now.
    #[must_use]
    pub fn date(&self, seconds: i64) -> ((&'static str, i64, i64, i64, i64), i64) {
        let time = super::world::calendar(seconds);
        let date = (time.short_month(), time.day, time.year, time.hour, time.minute);
        (date, self.kernel.lock().seconds())
    }

    /// Blocks of 4 KiB on the disk, and those that are free.
    #[must_use]
    pub fn blocks(&self) -> (u64, u64) {
        let kernel = self.kernel.lock();
        (kernel.world.hardware.disk_kb / 4, kernel.files.room / 4_096)
    }

    /// Whether the server is OpenSSH 8.2, which knows less than 9.
    #[must_use]
    pub fn is_old_server(&self) -> bool {
        self.kernel.lock().world.system.openssh.starts_with("OpenSSH_8.2")
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn make_folder(&self, path: &[u8], mode: u16) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        let now = kernel.seconds();
        let place = kernel.files.place(&self.absolute(path), true, self.who)?;
        kernel.files.create_folder(&place, mode & 0o7777, self.who, now)?;
        Ok(())
    }

    /// Removes a file, or an empty folder if `folder`.
    ///
    /// # Errors
    /// Where it is not there, is not empty, or may not be removed.
    pub fn remove(&self, path: &[u8], folder: bool) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        let now = kernel.seconds();
        let place = kernel.files.place(&self.absolute(path), false, self.who)?;
        let id = place.node.ok_or(FileFault::NotFound)?;
        let is_folder = kernel.files.node(id).is_folder();
        if is_folder != folder || is_folder && !kernel.files.list(id).is_empty() {
            return Err(FileFault::Failure);
        }
        kernel.files.remove(&place, self.who, now)?;
        Ok(())
    }

    /// Moves a file.
    ///
    /// # Errors
    /// Where one is not there or may not be changed.
    pub fn rename(&self, from: &[u8], to: &[u8]) -> Result<(), FileFault> {
        let mut kernel = self.kernel.lock();
        let now = kernel.seconds();
        let target = self.absolute(to);
        let from = kernel.files.place(&self.absolute(from), false, self.who)?;
        let to = kernel.files.place(&target, false, self.who)?;
        kernel.files.rename(&from, &to, &target, self.who, now)?;
        Ok(())
    }
}

fn stat(files: &Files, id: NodeId) -> FileStat {
    let node = files.node(id);
    let kind = match node.letter() {
        b'd' => 0o040_000,
        b'l' => 0o120_000,
        b'c' => 0o020_000,
        b'b' => 0o060_000,
        _ => 0o100_000,
    };
    FileStat {
        mode: kind | u32::from(node.mode),
        size: node.size(),
        owner: (node.uid, node.gid),
        modified: node.modified,
        links: super::commands::links(files, id),
    }
}
