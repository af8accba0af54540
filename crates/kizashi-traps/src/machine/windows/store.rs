//! What each visitor changed on the Windows machine, over his connections and services, until a day after his last line: files and accounts.
//! Bounded by what one may keep (`disk.rs`) and by visitors; the older half is dropped when there are too many.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use kizashi_event::{Timestamp, one_source};

use super::disk::Disk;
use super::remcom::{RemoteEnd, RemoteShell};
use crate::login::Memory;

/// Visitors in each of two generations.
const VISITORS: usize = 32;
/// How long a copy is kept after the last line, in seconds.
const KEPT: i64 = 24 * 3_600;
/// Accounts and members of groups that one may make, of each; services and tasks.
const MOST_MADE: usize = 16;
const MOST_STARTED: usize = 8;
/// Programs behind pipes at once.
const MOST_SHELLS: usize = 4;
/// Letters of a name, and of a line.
const LONGEST_NAME: usize = 256;
const LONGEST_LINE: usize = 4_096;

/// A service or a task that a visitor made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) name: String,
    /// What it starts.
    pub(crate) line: String,
    /// A service that was started and not stopped.
    pub(crate) running: bool,
    /// The program names a pipe that remote shells are served by (`crate::smb`).
    pub(crate) has_pipe: bool,
    /// The moment of a task's last run, in seconds.
    pub(crate) last_run: Option<i64>,
}

/// One visitor's changes.
#[derive(Default)]
pub(crate) struct Kept {
    touched: i64,
    pub(crate) disk: Disk,
    pub(super) accounts: Vec<String>,
    pub(super) administrators: Vec<String>,
    pub(super) tasks: Vec<Made>,
    pub(super) services: Vec<Made>,
    settings: Vec<(&'static str, i64)>,
    /// Programs behind pipes, as long as a connection has one of these open.
    shells: Vec<Weak<RemoteShell>>,
}

impl Kept {
    /// Makes a service; whether there was none of this name.
    pub(crate) fn make_service(&mut self, name: &str, line: &str) -> bool {
        add_made(&mut self.services, name, line)
    }

    pub(crate) fn service(&mut self, name: &str) -> Option<&mut Made> {
        made(&mut self.services, name)
    }

    /// A program is behind pipes from now on; the first of too many is no longer found.
    pub(crate) fn add_shell(&mut self, shell: &Arc<RemoteShell>) {
        self.shells.retain(|known| known.strong_count() > 0);
        if self.shells.len() >= MOST_SHELLS {
            self.shells.remove(0);
        }
        self.shells.push(Arc::downgrade(shell));
    }

    /// The program that has a pipe of this name, in small letters.
    pub(crate) fn shell_at(&self, pipe: &str) -> Option<(Arc<RemoteShell>, RemoteEnd)> {
        let there = self.shells.iter().rev().filter_map(Weak::upgrade);
        there
            .map(|shell| (shell.end_named(pipe), shell))
            .find_map(|(end, shell)| Some((shell, end?)))
    }

    /// Whether a service runs whose program serves remote shells by pipes.
    pub(crate) fn has_pipe(&self) -> bool {
        self.services.iter().any(|made| made.running && made.has_pipe)
    }

    pub(crate) fn delete_service(&mut self, name: &str) -> bool {
        unmake(&mut self.services, name)
    }

    /// Makes a task; whether there was none of this name.
    pub(crate) fn make_task(&mut self, name: &str, line: &str) -> bool {
        add_made(&mut self.tasks, name, line)
    }

    pub(crate) fn task(&mut self, name: &str) -> Option<&mut Made> {
        made(&mut self.tasks, name)
    }

    pub(crate) fn delete_task(&mut self, name: &str) -> bool {
        unmake(&mut self.tasks, name)
    }

    pub(super) fn setting(&self, name: &str) -> Option<i64> {
        self.settings.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// Names are the services' own, so that there are only so many.
    pub(super) fn set(&mut self, name: &'static str, value: i64) {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value));
    }
}

/// Adds a name to a list of what was made, as far as there is room; whether it is new.
pub(super) fn add(list: &mut Vec<String>, name: &str) -> bool {
    let there = list.iter().any(|known| known.eq_ignore_ascii_case(name));
    if there || list.len() >= MOST_MADE {
        return false;
    }
    list.push(name.chars().take(LONGEST_NAME).collect());
    true
}

/// The same of a service or a task.
pub(super) fn add_made(list: &mut Vec<Made>, name: &str, line: &str) -> bool {
    if made(list, name).is_some() || list.len() >= MOST_STARTED {
        return false;
    }
    let name = name.chars().take(LONGEST_NAME).collect();
    let line = line.chars().take(LONGEST_LINE).collect();
    list.push(Made { name, line, ..Made::default() });
    true
}

/// What has this name.
pub(super) fn made<'a>(list: &'a mut [Made], name: &str) -> Option<&'a mut Made> {
    list.iter_mut().find(|known| known.name.eq_ignore_ascii_case(name))
}

/// Deletes what has this name; whether there was such.
pub(super) fn unmake(list: &mut Vec<Made>, name: &str) -> bool {
    let before = list.len();
    list.retain(|known| !known.name.eq_ignore_ascii_case(name));
    list.len() < before
}

/// Those of all visitors.
pub(crate) struct WindowsMachines(Mutex<Memory<IpAddr, Kept>>);

impl Default for WindowsMachines {
    fn default() -> Self {
        Self(Mutex::new(Memory::new(VISITORS)))
    }
}

impl WindowsMachines {
    /// Lets `act` see and change this visitor's copy.
    pub(crate) fn with<T>(
        &self,
        source: IpAddr,
        now: Timestamp,
        act: impl FnOnce(&mut Kept) -> T,
    ) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.of(one_source(source));
        if now.seconds().saturating_sub(kept.touched) > KEPT {
            *kept = Kept::default();
        }
        kept.touched = now.seconds();
        act(kept)
    }
}
