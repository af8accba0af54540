//! What each visitor changed on the Windows machine, over his connections and services, until a day after his last line: files and accounts.
//! Bounded by what one may keep (`disk.rs`) and by visitors; the older half is dropped when there are too many.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use kizashi_event::{Timestamp, one_source};

use super::disk::Disk;
use crate::login::Memory;

/// Visitors in each of two generations.
const VISITORS: usize = 32;
/// How long a copy is kept after the last line, in seconds.
const KEPT: i64 = 24 * 3_600;
/// Accounts, members of groups, tasks and services that one may make, of each.
const MOST_MADE: usize = 16;
/// Letters of a name.
const LONGEST_NAME: usize = 64;

/// One visitor's changes.
#[derive(Default)]
pub(crate) struct Kept {
    touched: i64,
    pub(super) disk: Disk,
    pub(super) accounts: Vec<String>,
    pub(super) administrators: Vec<String>,
    pub(super) tasks: Vec<String>,
    pub(super) services: Vec<String>,
    settings: Vec<(&'static str, i64)>,
}

impl Kept {
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
