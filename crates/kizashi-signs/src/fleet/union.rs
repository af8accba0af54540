//! The bins of many sensors as one.

use std::collections::BTreeMap;

use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_store::{ClosedBin, KeyBin, PortBin};

/// Keys of one kind that a bin holds at most: as the store has it for one machine.
const MOST_KEYS: usize = 4_096;

/// Rows of one port or key, of any number of sensors.
#[derive(Debug, Default)]
struct United {
    events: u64,
    sources: Vec<u32>,
    head: Vec<u8>,
}

impl United {
    fn add(&mut self, events: u64, sources: &[u32], head: &[u8]) {
        self.events = self.events.saturating_add(events);
        self.sources.extend(sources);
        if self.head.is_empty() {
            self.head = head.to_vec();
        }
    }

    fn close(&mut self) {
        self.sources.sort_unstable();
        self.sources.dedup();
    }
}

/// What these sensors heard together from `start` on: each source once under each port and key, whichever sensors it came to;
/// events are summed. Sources must have the same numbers in all of them. Of each kind of key the 4,096 with the most sources.
#[must_use]
pub fn united(start: Timestamp, bins: &[&ClosedBin]) -> ClosedBin {
    let mut ports: BTreeMap<Port, United> = BTreeMap::new();
    let mut kinds: BTreeMap<KeyKind, BTreeMap<&Key, United>> = BTreeMap::new();
    for bin in bins {
        for row in &bin.ports {
            ports.entry(row.port).or_default().add(row.events, &row.sources, &[]);
        }
        for row in &bin.keys {
            let of_kind = kinds.entry(row.key.kind).or_default();
            of_kind.entry(&row.key).or_default().add(row.events, &row.sources, &row.head);
        }
    }
    let port = |(port, mut of): (Port, United)| {
        of.close();
        PortBin { port, events: of.events, sources: of.sources }
    };
    let keys = kinds.into_values().flat_map(|of_kind| {
        let mut rows: Vec<KeyBin> = of_kind
            .into_iter()
            .map(|(key, mut of)| {
                of.close();
                let United { events, sources, head } = of;
                KeyBin { key: key.clone(), events, sources, head }
            })
            .collect();
        if rows.len() > MOST_KEYS {
            rows.sort_by(|one, other| {
                let by_sources = other.sources.len().cmp(&one.sources.len());
                by_sources.then_with(|| one.key.cmp(&other.key))
            });
            rows.truncate(MOST_KEYS);
            rows.sort_by(|one, other| one.key.cmp(&other.key));
        }
        rows
    });
    let keys = keys.collect();
    ClosedBin { start, ports: ports.into_iter().map(port).collect(), keys }
}
