//! From the owner's settings to what the process that speaks to attackers may have: sessions, events, memory, descriptors. They hang
//! together: each session takes a descriptor and some memory before it holds a byte of a visitor's, and what is left is shared.

use kizashi_traps::Caps;
use serde::{Deserialize, Serialize};

use crate::config::Traps;
use crate::stream::MOST_BYTES;

/// Memory of the program itself: its heap at rest, stacks, buffers of the runtime.
const OF_PROGRAM: u64 = 14 << 20;
/// Memory of a session that holds nothing yet: its task, its buffer, its state.
const OF_SESSION: u64 = 16 << 10;
/// What sessions must be able to hold at least, all together.
const LEAST_HELD: u64 = 8 << 20;
/// A vector that grows holds up to twice what is in it, so that sessions are given half of the memory that they may cost.
const GROWTH: u64 = 2;
/// Descriptors beside sockets and sessions: standard ones, the runtime's, streams, and connections on their way in or out.
const SPARE_DESCRIPTORS: u64 = 512;

/// What the trap's process may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrapLimits {
    sessions: usize,
    per_source: usize,
    per_network: usize,
    events: u32,
    events_per_source: u32,
    /// Bytes.
    memory: u64,
}

impl TrapLimits {
    /// What the owner set.
    ///
    /// # Errors
    /// What does not fit, in a sentence.
    pub(crate) fn of(traps: &Traps) -> Result<Self, String> {
        let limits = Self {
            sessions: traps.sessions,
            per_source: traps.sessions_per_source,
            per_network: traps.sessions_per_network,
            events: traps.events_per_second,
            events_per_source: traps.events_per_second_per_source,
            memory: u64::from(traps.memory_megabytes) << 20,
        };
        let counts = [limits.sessions, limits.per_source, limits.per_network];
        if counts.contains(&0) || limits.events == 0 || limits.events_per_source == 0 {
            return Err("sessions and events under [traps] must be at least 1".to_owned());
        }
        let needed = limits.taken().saturating_add(GROWTH * LEAST_HELD);
        if limits.memory < needed {
            return Err(format!(
                "{} sessions take at least {} megabytes; set memory_megabytes under [traps] to that, or fewer sessions",
                limits.sessions,
                needed.div_ceil(1 << 20)
            ));
        }
        Ok(limits)
    }

    /// Memory that is taken before a session holds anything.
    const fn taken(&self) -> u64 {
        let sessions = (self.sessions as u64).saturating_mul(OF_SESSION);
        sessions.saturating_add(OF_PROGRAM + MOST_BYTES as u64)
    }

    /// Bytes of private memory.
    pub(crate) const fn memory(&self) -> u64 {
        self.memory
    }

    /// File descriptors beside so many sockets.
    pub(crate) const fn descriptors(&self, sockets: usize) -> u64 {
        (self.sessions as u64).saturating_add(sockets as u64).saturating_add(SPARE_DESCRIPTORS)
    }

    /// Fewer sessions where the system allows this process fewer descriptors than they take; whether that was so.
    pub(crate) fn fit(&mut self, allowed: u64, sockets: usize) -> bool {
        let room = allowed.saturating_sub(SPARE_DESCRIPTORS).saturating_sub(sockets as u64);
        let room = usize::try_from(room).unwrap_or(usize::MAX).max(1);
        let fewer = room < self.sessions;
        self.sessions = self.sessions.min(room);
        fewer
    }

    /// Sessions at once.
    pub(crate) const fn sessions(&self) -> usize {
        self.sessions
    }

    /// The same for the house.
    pub(crate) fn caps(&self) -> Caps {
        let held = self.memory.saturating_sub(self.taken()) / GROWTH;
        Caps {
            sessions: self.sessions,
            per_source: self.per_source,
            per_network: self.per_network,
            memory: usize::try_from(held).unwrap_or(usize::MAX),
            events: self.events,
            events_per_source: self.events_per_source,
            ..Caps::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_leave_sessions_room() {
        let limits = TrapLimits::of(&Traps::default()).unwrap();
        assert!(limits.caps().memory >= 20 << 20, "{limits:?}");
        assert_eq!(limits.caps().sessions, Caps::default().sessions);
        assert_eq!(limits.caps().events, Caps::default().events);
    }

    #[test]
    fn more_sessions_than_the_memory_holds_are_refused_with_how_much_they_take() {
        let traps = Traps { sessions: 50_000, ..Traps::default() };
        let error = TrapLimits::of(&traps).unwrap_err();
        assert!(error.contains("memory_megabytes"), "{error}");
        let needed = error
            .split_whitespace()
            .find_map(|word| word.parse::<u32>().ok().filter(|n| *n != 50_000));
        let traps = Traps { memory_megabytes: needed.unwrap(), ..traps };
        assert!(TrapLimits::of(&traps).is_ok(), "{error}");
    }

    #[test]
    fn where_descriptors_are_few_there_are_fewer_sessions_and_never_none() {
        let mut limits = TrapLimits::of(&Traps::default()).unwrap();
        assert!(!limits.fit(1 << 20, 40) && limits.sessions() == 1_000);
        assert!(limits.fit(1_024, 40) && limits.sessions() == 1_024 - 512 - 40);
        assert!(limits.fit(10, 40) && limits.sessions() == 1);
    }
}
