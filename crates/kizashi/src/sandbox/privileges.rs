//! Who a process is and what it may become. A start by root ends as an ordinary user before anything else happens; a start by
//! an ordinary user stays that user.

use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid};
use rustix::process::geteuid;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

/// The user that an installation makes.
const USER: &str = "kizashi";
/// The id taken where that user does not exist: in the range that systemd leaves to containers and that no account has
/// (systemd's UIDS-GIDS).
const NOBODY_ELSES: u32 = 531_190;
/// Files of the data folder that are given to the new user at most; more cannot be ours.
const MOST_FILES: usize = 100_000;

/// An unprivileged user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    uid: u32,
    gid: u32,
    named: bool,
}

impl User {
    /// Whom to become: `None` when this process is nobody special already.
    pub(crate) fn to_become() -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        Some(account(&accounts).unwrap_or(Self {
            uid: NOBODY_ELSES,
            gid: NOBODY_ELSES,
            named: false,
        }))
    }

    /// How a person would call this user.
    pub(crate) fn shown(self) -> String {
        if self.named {
            format!("the user {USER}")
        } else {
            format!("the unprivileged user id {}", self.uid)
        }
    }

    /// Makes a folder and what is in it this user's.
    pub(crate) fn give(self, folder: &Path) -> std::io::Result<()> {
        let mut waiting: Vec<PathBuf> = vec![folder.to_path_buf()];
        for _ in 0..MOST_FILES {
            let Some(path) = waiting.pop() else { return Ok(()) };
            std::os::unix::fs::lchown(&path, Some(self.uid), Some(self.gid))?;
            if path.symlink_metadata()?.is_dir() {
                for entry in std::fs::read_dir(&path)? {
                    waiting.push(entry?.path());
                }
            }
        }
        Ok(())
    }

    /// Becomes this user for good. The process must have one thread: each has its own credentials.
    pub(crate) fn become_it(self) -> std::io::Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        // Later there is no right to do so any more.
        close_bounding_set();
        set_thread_groups(&[])?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
        Ok(())
    }
}

fn account(accounts: &str) -> Option<User> {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(USER))?;
    let mut ids = line.split(':').skip(2);
    let uid = ids.next()?.parse().ok()?;
    let gid = ids.next()?.parse().ok()?;
    (uid != 0 && gid != 0).then_some(User { uid, gid, named: true })
}

/// Gives up the right to open packet sockets, once they are open: nothing needs it any more.
pub(crate) fn drop_raw_sockets() -> Result<(), String> {
    let mut now = capabilities(None).map_err(|error| error.to_string())?;
    let raw = CapabilitySet::NET_RAW;
    if !now.permitted.contains(raw) {
        return Ok(());
    }
    let _ = configure_capability_in_ambient_set(raw, false);
    now.effective.remove(raw);
    now.permitted.remove(raw);
    now.inheritable.remove(raw);
    set_capabilities(None, now).map_err(|error| error.to_string())
}

/// No capability now, none through a program, none ambient. Without root there are none to begin with.
pub(crate) fn drop_capabilities() -> Result<(), String> {
    close_bounding_set();
    let _ = clear_ambient_capability_set();
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(|error| error.to_string())?;
    if geteuid().is_root() { Err("this process still is root".to_owned()) } else { Ok(()) }
}

/// Gives up the right to change the machine's network, for this process and all that it will start.
pub(crate) fn forget_network_rights() -> std::io::Result<()> {
    let right = CapabilitySet::NET_ADMIN;
    let _ = configure_capability_in_ambient_set(right, false);
    let mut sets = capabilities(None)?;
    for set in [&mut sets.effective, &mut sets.permitted, &mut sets.inheritable] {
        set.remove(right);
    }
    set_capabilities(None, sets)?;
    Ok(())
}

/// No program that this process starts can have a capability. Refused without the right to; then `no_new_privs` does the same.
fn close_bounding_set() {
    for capability in CapabilitySet::all().iter() {
        let _ = remove_capability_from_bounding_set(capability);
    }
}

/// No program that this process could start has more rights than it.
pub(crate) fn no_new_privileges() -> Result<(), String> {
    set_no_new_privs(true).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installed_user_is_found_by_name_and_never_is_root() {
        let accounts =
            "root:x:0:0::/root:/bin/sh\nkizashi-x:x:7:7::/:/\nkizashi:x:998:997::/:/bin/false\n";
        assert_eq!(account(accounts), Some(User { uid: 998, gid: 997, named: true }));
        for accounts in ["", "kizashi:x:0:0::/:/", "kizashi", "kizashi:x:a:b"] {
            assert_eq!(account(accounts), None, "{accounts}");
        }
    }
}
