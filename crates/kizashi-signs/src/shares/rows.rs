//! What one closed bin held, row by row: all that parts need of their keys, and the little that the merge needs of all.
//!
//! A row has a number, its place in the whole bin, so that rows of any number of parts come back into one order. Of ports any
//! order will do, of keys whichever all agree on: it decides which of two newcomers of one bin gets the last place.

use std::borrow::Cow;

use kizashi_detect::gamma_poisson::Partition;
use kizashi_event::{Key, Port, Timestamp};
use kizashi_store::ClosedBin;
use serde::{Deserialize, Serialize};

use super::{Which, partition_of};
use crate::Campaigns;
use crate::campaigns::{Borne, Gathered, MarksSeen};

/// What came to one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSources {
    /// Its place among all ports of the bin.
    pub row: u32,
    /// The port.
    pub port: Port,
    /// Events.
    pub events: u64,
    /// The distinct sources, by numbers that all parts and bins agree on, ascending.
    pub sources: Vec<u32>,
}

/// What came with one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySources {
    /// Its place among all keys of the bin.
    pub row: u32,
    /// The key. The text of most kinds is chosen by attackers.
    pub key: Key,
    /// Events.
    pub events: u64,
    /// The distinct sources, by numbers that all parts and bins agree on, ascending.
    pub sources: Vec<u32>,
    /// Of content that was sent its first bytes, at most 64; of another key nothing.
    pub head: Vec<u8>,
}

/// One part's rows of a closed bin, each list ordered by row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinPart {
    /// The start of the bin.
    pub start: Timestamp,
    /// Ports that anything came to.
    pub ports: Vec<PortSources>,
    /// Keys of other kinds.
    pub keys: Vec<KeySources>,
}

/// A port's row without its sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortRow {
    pub(crate) row: u32,
    pub(crate) port: Port,
    pub(crate) events: u64,
    /// How many sources.
    pub(crate) sources: u64,
}

/// A key's row without its sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyRow<'a> {
    pub(crate) row: u32,
    pub(crate) key: Cow<'a, Key>,
    pub(crate) events: u64,
    /// How many sources.
    pub(crate) sources: u64,
}

/// What the merge needs of one part's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRows {
    start: Timestamp,
    ports: Vec<PortRow>,
    keys: Vec<KeyRow<'static>>,
    /// Rows whose sources bore anything: which list, which row.
    bore: Vec<((bool, u32), Borne, Vec<u32>)>,
}

/// What the merge needs of all rows of a bin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BinRows<'a> {
    pub(crate) start: Timestamp,
    pub(crate) ports: Vec<PortRow>,
    pub(crate) keys: Vec<KeyRow<'a>>,
    pub(crate) marks: MarksSeen,
}

/// Where the sources of the running bin's rows are.
pub(crate) trait Rows {
    /// The sources of a row; none where it is not here.
    fn sources(&self, which: Which, row: u32) -> &[u32];
}

impl Rows for ClosedBin {
    fn sources(&self, which: Which, row: u32) -> &[u32] {
        let row = row as usize;
        match which {
            Which::Ports => self.ports.get(row).map_or(&[], |row| &row.sources),
            Which::Keys => self.keys.get(row).map_or(&[], |row| &row.sources),
        }
    }
}

impl Rows for BinPart {
    fn sources(&self, which: Which, row: u32) -> &[u32] {
        let found = match which {
            Which::Ports => {
                let at = self.ports.binary_search_by_key(&row, |of| of.row).ok();
                at.and_then(|at| self.ports.get(at)).map(|row| &row.sources)
            }
            Which::Keys => {
                let at = self.keys.binary_search_by_key(&row, |of| of.row).ok();
                at.and_then(|at| self.keys.get(at)).map(|row| &row.sources)
            }
        };
        found.map_or(&[], Vec::as_slice)
    }
}

impl BinPart {
    /// A closed bin's rows as so many partitions have them.
    #[must_use]
    pub fn divided(bin: &ClosedBin, partitions: Partition) -> Vec<Self> {
        let empty = Self { start: bin.start, ..Self::default() };
        let mut parts = vec![empty; usize::from(partitions.max(1))];
        for (number, row) in (0..).zip(&bin.ports) {
            let at = partition_of(&Key::port(row.port), partitions);
            if let Some(part) = parts.get_mut(usize::from(at)) {
                let (port, events, sources) = (row.port, row.events, row.sources.clone());
                part.ports.push(PortSources { row: number, port, events, sources });
            }
        }
        for (number, row) in (0..).zip(&bin.keys) {
            let at = partition_of(&row.key, partitions);
            if let Some(part) = parts.get_mut(usize::from(at)) {
                part.keys.push(KeySources {
                    row: number,
                    key: row.key.clone(),
                    events: row.events,
                    sources: row.sources.clone(),
                    head: row.head.clone(),
                });
            }
        }
        parts
    }

    /// What the merge needs of these rows. Sources are sent of rows that bore marks only, as far as any merge can have room for them.
    #[must_use]
    pub fn rows(&self, campaigns: &Campaigns) -> PartRows {
        let mut gathered = Gathered::default();
        let mut bore = Vec::new();
        let mut note = |at: (bool, u32), borne: Borne, sources: &[u32]| {
            if !borne.is_nothing() && gathered.add(&borne, sources) {
                bore.push((at, borne, sources.to_vec()));
            }
        };
        for row in &self.ports {
            note((false, row.row), campaigns.borne_at(row.port), &row.sources);
        }
        for row in &self.keys {
            note((true, row.row), campaigns.borne_with(&row.key, &row.head), &row.sources);
        }
        let ports = self.ports.iter().map(|row| PortRow {
            row: row.row,
            port: row.port,
            events: row.events,
            sources: row.sources.len() as u64,
        });
        let keys = self.keys.iter().map(|row| KeyRow {
            row: row.row,
            key: Cow::Owned(row.key.clone()),
            events: row.events,
            sources: row.sources.len() as u64,
        });
        PartRows { start: self.start, ports: ports.collect(), keys: keys.collect(), bore }
    }
}

impl<'a> BinRows<'a> {
    /// Of a bin that is at hand whole.
    #[must_use]
    pub fn of(bin: &'a ClosedBin, campaigns: &Campaigns) -> Self {
        let ports = (0..).zip(&bin.ports).map(|(number, row)| PortRow {
            row: number,
            port: row.port,
            events: row.events,
            sources: row.sources.len() as u64,
        });
        let keys = (0..).zip(&bin.keys).map(|(number, row)| KeyRow {
            row: number,
            key: Cow::Borrowed(&row.key),
            events: row.events,
            sources: row.sources.len() as u64,
        });
        Self {
            start: bin.start,
            ports: ports.collect(),
            keys: keys.collect(),
            marks: campaigns.marks_in(bin),
        }
    }

    /// Of the bin whose rows these are, of all parts; in whichever order they came. The start is the first one's.
    #[must_use]
    pub fn united(parts: impl IntoIterator<Item = PartRows>) -> Self {
        let mut all = Self::default();
        let mut bore = Vec::new();
        for (at, part) in parts.into_iter().enumerate() {
            if at == 0 {
                all.start = part.start;
            }
            all.ports.extend(part.ports);
            all.keys.extend(part.keys);
            bore.extend(part.bore);
        }
        all.ports.sort_unstable_by_key(|row| row.row);
        all.keys.sort_unstable_by_key(|row| row.row);
        bore.sort_unstable_by_key(|(at, _, _)| *at);
        let mut gathered = Gathered::default();
        for (_, borne, sources) in &bore {
            gathered.add(borne, sources);
        }
        all.marks = gathered.seen();
        all
    }
}
