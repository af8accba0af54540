//! What makes an event read from a line itself: the line's bytes, and which of its equals it is.
//!
//! The store keeps each (time, id) once, so an id must be the same whenever the same file is read again, and different for two
//! lines that say the same: 14,290 of the 216,306 rows of one public data set of packets repeat another row, because many
//! packets of one visitor fall into one second. So the id is made of the line and its *occurrence*: how many identical lines
//! stood before it in the file. An identical line has an identical time, for the time stands in the line; logs are written nearly
//! in the order of time (in that data set 40 % of rows step back, by up to twelve minutes, and equal rows stand at most five
//! lines apart); so equals stand close together, and it is enough to count among the last [`LINES_REMEMBERED`] distinct lines.
//!
//! What follows from it: a file read again, whole, in part from its start, or grown, gives the same ids. The same lines found
//! in another file (a rotated or joined copy) give the same ids as long as equals were not torn apart between files; then the
//! later of them is taken for the earlier, and one of two identical lines is lost, never one counted twice. Two identical lines
//! more than the memory apart are taken for one.

use kizashi_event::{EventId, SessionId};
use xxhash_rust::xxh3::xxh3_64;

use crate::recent::Recent;

/// How many distinct lines are remembered at least: 1.5 MB of memory.
const LINES_REMEMBERED: usize = 65_536;

/// Counts identical lines of one file.
pub(crate) struct Occurrences(Recent<u32>);

impl Occurrences {
    pub(crate) fn new() -> Self {
        Self(Recent::new(LINES_REMEMBERED))
    }

    /// Begins another file.
    pub(crate) fn start_file(&mut self) {
        self.0.clear();
    }

    /// The identity of `line`, the next one that was read.
    pub(crate) fn identify<'line>(&mut self, line: &'line [u8]) -> LineIdentity<'line> {
        let hash = xxh3_64(line);
        let occurrence = if let Some(count) = self.0.get(hash) {
            *count = count.saturating_add(1);
            *count
        } else {
            self.0.insert(hash, 0);
            0
        };
        LineIdentity { line, occurrence, part: 0 }
    }
}

/// One line, from which events are made one after the other.
pub(crate) struct LineIdentity<'line> {
    line: &'line [u8],
    occurrence: u32,
    part: u32,
}

impl LineIdentity<'_> {
    /// The id of the next event made of the line.
    pub(crate) fn next_id(&mut self) -> EventId {
        let id = EventId::of_line(self.line, self.occurrence, self.part);
        self.part = self.part.saturating_add(1);
        id
    }

    /// The session of a line that is a whole session in a log that names none.
    pub(crate) fn session(&self) -> SessionId {
        SessionId(EventId::of_line(self.line, self.occurrence, u32::MAX).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_torn_apart_by_other_lines_are_told_apart_and_read_again_are_the_same() {
        let lines: [&[u8]; 6] = [b"a", b"b", b"a", b"c", b"b", b"a"];
        let read = || {
            let mut seen = Occurrences::new();
            lines.map(|line| seen.identify(line).next_id())
        };
        let ids = read();
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), lines.len());
        assert_eq!(ids, read());
    }

    #[test]
    fn each_event_of_a_line_has_its_own_id() {
        let mut seen = Occurrences::new();
        let mut line = seen.identify(b"a");
        assert_ne!(line.next_id(), line.next_id());
    }
}
