//! What one visitor changed: indices deleted and made, documents written over those that were there. Kept for his address (64 bits of
//! IPv6) over his connections, so that who comes back for his ransom finds his note; nobody else sees it. Bounded: bytes and documents
//! of a copy, copies in all (the older half is dropped when there are too many), and a day since he last came.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, OnceLock, PoisonError};

use kizashi_event::{Timestamp, one_source};

use super::cluster::{Base, Cluster, letters, mix};
use super::json::Json;
use super::release::Fault;
use crate::Identity;
use crate::login::Memory;

/// Bytes of one copy.
const BYTES: usize = 96 * 1024;
/// Documents of one copy.
const DOCUMENTS: usize = 2_000;
/// Indices of one copy.
const INDICES: usize = 200;
/// Copies in each of two generations: 6 MB of 96 KiB each at most.
const COPIES: usize = 32;
/// How long a copy is kept after the last request.
const KEPT: i64 = 24 * 3_600;

/// An installation's cluster and its visitors' copies.
pub(crate) struct Installed {
    cluster: OnceLock<Cluster>,
    copies: Mutex<Memory<IpAddr, OwnCopy>>,
}

impl Default for Installed {
    fn default() -> Self {
        Self { cluster: OnceLock::new(), copies: Mutex::new(Memory::new(COPIES)) }
    }
}

impl Installed {
    pub(super) fn cluster(&self, identity: &Identity) -> &Cluster {
        self.cluster.get_or_init(|| Cluster::draw(identity))
    }

    /// Lets `act` see and change this visitor's copy.
    pub(super) fn with<T>(
        &self,
        source: IpAddr,
        now: Timestamp,
        act: impl FnOnce(&mut OwnCopy) -> T,
    ) -> T {
        let source = one_source(source);
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = copies.of(source);
        if now.seconds().saturating_sub(copy.touched) > KEPT {
            *copy = OwnCopy::default();
        }
        copy.touched = now.seconds();
        act(copy)
    }
}

/// One visitor's changes.
#[derive(Default)]
pub(super) struct OwnCopy {
    touched: i64,
    gone: BTreeSet<&'static str>,
    changed: BTreeMap<String, Changes>,
    /// Templates, repositories, settings: what was put under a path is what is read there.
    pub(super) kept: BTreeMap<String, String>,
    bytes: usize,
    documents: usize,
    /// Counts all writes: the sequence number, and what makes ids differ.
    pub(super) writes: u64,
}

/// What is different in an index.
#[derive(Default)]
pub(super) struct Changes {
    made: Option<(String, Timestamp, u32, u32)>,
    hidden: BTreeSet<u32>,
    written: BTreeMap<String, Written>,
    pub(super) mapping: BTreeMap<String, &'static str>,
    pub(super) deleted: u64,
}

/// A document that the visitor wrote.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) kind: String,
    pub(super) source: String,
    pub(super) version: u64,
    pub(super) sequence: u64,
}

/// An index as this visitor sees it.
#[derive(Clone, Copy)]
pub(super) struct Index<'a> {
    pub(super) name: &'a str,
    pub(super) base: Option<&'a Base>,
    pub(super) changes: Option<&'a Changes>,
}

/// A document as this visitor sees it.
pub(super) struct Document<'a> {
    pub(super) index: &'a str,
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) sequence: u64,
    pub(super) source: Json,
}

impl<'a> Index<'a> {
    pub(super) fn uuid(&self) -> &'a str {
        let made = self.changes.and_then(|changes| changes.made.as_ref());
        made.map(|made| made.0.as_str())
            .or(self.base.map(|base| base.uuid.as_str()))
            .unwrap_or("_na_")
    }

    pub(super) fn created(&self) -> Timestamp {
        let made = self.changes.and_then(|changes| changes.made.as_ref());
        made.map(|made| made.1)
            .or(self.base.map(|base| base.created))
            .unwrap_or(Timestamp::from_seconds(0))
    }

    /// Shards and replicas.
    pub(super) fn shards(&self, cluster: &Cluster) -> (u32, u32) {
        let made = self.changes.and_then(|changes| changes.made.as_ref());
        match made {
            Some(made) => (made.2, made.3),
            None if self.name.starts_with('.') => (1, 0),
            None => (cluster.release.shards(), 1),
        }
    }

    pub(super) fn count(&self) -> usize {
        let base = self.base.map_or(0, |base| base.documents as usize);
        let (hidden, written) =
            self.changes.map_or((0, 0), |changes| (changes.hidden.len(), changes.written.len()));
        base.saturating_sub(hidden) + written
    }

    pub(super) fn deleted(&self) -> u64 {
        self.changes.map_or(0, |changes| changes.deleted)
    }

    pub(super) fn size(&self) -> usize {
        let written = self
            .changes
            .map_or(0, |changes| changes.written.values().map(|w| w.source.len() + 900).sum());
        230 + self.base.map_or(0, |base| base.documents as usize * 391) + written
    }

    pub(super) fn kind(&self) -> String {
        let written = self.changes.and_then(|changes| changes.written.values().next());
        self.base
            .map(|base| base.kind.to_owned())
            .or(written.map(|written| written.kind.clone()))
            .unwrap_or_else(|| "_doc".to_owned())
    }

    /// Every document, those that were there first.
    pub(super) fn documents(self) -> impl Iterator<Item = Document<'a>> {
        let hidden =
            move |number: &u32| self.changes.is_some_and(|changes| changes.hidden.contains(number));
        let base = self.base.into_iter().flat_map(move |base| {
            (0..base.documents)
                .filter(move |number| !hidden(number))
                .map(move |number| self.of_base(base, number))
        });
        let mut written: Vec<(&String, &Written)> =
            self.changes.iter().flat_map(|changes| &changes.written).collect();
        written.sort_by_key(|(_, written)| written.sequence);
        base.chain(written.into_iter().map(move |(id, written)| self.of_written(id, written)))
    }

    fn of_base(self, base: &Base, number: u32) -> Document<'a> {
        Document {
            index: self.name,
            kind: base.kind.to_owned(),
            id: base.id(number),
            version: 1,
            sequence: u64::from(number),
            source: base.document(number),
        }
    }

    fn of_written(self, id: &str, written: &Written) -> Document<'a> {
        let source = Json::read(written.source.as_bytes()).unwrap_or(Json::Null);
        Document {
            index: self.name,
            kind: written.kind.clone(),
            id: id.to_owned(),
            version: written.version,
            sequence: written.sequence,
            source,
        }
    }

    pub(super) fn document(self, id: &str) -> Option<Document<'a>> {
        if let Some((id, written)) =
            self.changes.and_then(|changes| changes.written.get_key_value(id))
        {
            return Some(self.of_written(id, written));
        }
        let base = self.base?;
        let number = base.number_of(id)?;
        let hidden = self.changes.is_some_and(|changes| changes.hidden.contains(&number));
        (!hidden).then(|| self.of_base(base, number))
    }
}

impl OwnCopy {
    /// Every index, by name.
    pub(super) fn indices<'a>(&'a self, cluster: &'a Cluster) -> Vec<Index<'a>> {
        let mut names: BTreeSet<&str> = self.changed.keys().map(String::as_str).collect();
        names.extend(
            cluster
                .indices
                .iter()
                .filter(|base| !self.gone.contains(base.name))
                .map(|base| base.name),
        );
        names.into_iter().filter_map(|name| self.index(cluster, name)).collect()
    }

    pub(super) fn index<'a>(&'a self, cluster: &'a Cluster, name: &str) -> Option<Index<'a>> {
        let base =
            cluster.indices.iter().find(|base| base.name == name && !self.gone.contains(base.name));
        let changes = self.changed.get_key_value(name);
        let name = base.map(|base| base.name).or(changes.map(|(name, _)| name.as_str()))?;
        Some(Index { name, base, changes: changes.map(|(_, changes)| changes) })
    }

    /// Makes an index that is not there.
    pub(super) fn make(
        &mut self,
        name: &str,
        shards: u32,
        replicas: u32,
        now: Timestamp,
    ) -> Result<String, Fault> {
        self.room(name.len() + 200)?;
        if self.changed.len() >= INDICES {
            return Err(Fault::full());
        }
        self.writes += 1;
        let uuid = letters(mix(now.micros().unsigned_abs() ^ (self.writes << 50)), 22);
        let made = Some((uuid.clone(), now, shards, replicas));
        self.changed.insert(name.to_owned(), Changes { made, ..Changes::default() });
        Ok(uuid)
    }

    pub(super) fn remove_index(&mut self, cluster: &Cluster, name: &str) {
        if let Some(base) = cluster.indices.iter().find(|base| base.name == name) {
            self.gone.insert(base.name);
        }
        if let Some(changes) = self.changed.remove(name) {
            let written: usize =
                changes.written.iter().map(|(id, written)| cost(id, written)).sum();
            let mapped: usize = changes.mapping.keys().map(|path| path.len() + 80).sum();
            let made = changes.made.map_or(0, |_| name.len() + 200);
            self.bytes = self.bytes.saturating_sub(written + mapped + made);
            self.documents = self.documents.saturating_sub(changes.written.len());
        }
    }

    /// What is different in an index that is there.
    pub(super) fn changes(&mut self, name: &str) -> &mut Changes {
        self.changed.entry(name.to_owned()).or_default()
    }

    fn room(&mut self, bytes: usize) -> Result<(), Fault> {
        if self.bytes + bytes > BYTES || self.documents >= DOCUMENTS {
            return Err(Fault::full());
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Keeps what was put under a path.
    pub(super) fn keep(&mut self, path: String, body: String) -> Result<(), Fault> {
        self.forget(|own| own == path);
        self.room(path.len() + body.len() + 100)?;
        self.kept.insert(path, body);
        Ok(())
    }

    /// Lets go of what is kept under these paths; how many there were.
    pub(super) fn forget(&mut self, gone: impl Fn(&str) -> bool) -> usize {
        let before = self.kept.len();
        let mut freed = 0;
        self.kept.retain(|path, body| {
            let stays = !gone(path);
            freed += if stays { 0 } else { path.len() + body.len() + 100 };
            stays
        });
        self.bytes = self.bytes.saturating_sub(freed);
        before - self.kept.len()
    }

    /// Adds fields to the mapping of an index that is there.
    pub(super) fn map(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut BTreeMap<String, &'static str>, &mut usize),
    ) {
        // Names of fields are kept within the bound of all else.
        let room = BYTES.saturating_sub(self.bytes).min(8 * 1024);
        let mut left = room;
        fill(&mut self.changes(name).mapping, &mut left);
        self.bytes += room - left;
    }

    /// Writes a document into an index that is there; gives its version and sequence number.
    pub(super) fn write(
        &mut self,
        cluster: &Cluster,
        index: &str,
        id: &str,
        kind: &str,
        source: &Json,
    ) -> Result<(u64, u64), Fault> {
        let before = self
            .index(cluster, index)
            .and_then(|index| index.document(id))
            .map(|found| found.version);
        let number = self.index(cluster, index).and_then(|index| index.base?.number_of(id));
        let written = Written {
            kind: kind.to_owned(),
            source: source.line(),
            version: before.unwrap_or(0) + 1,
            sequence: self.next_sequence(cluster, index),
        };
        self.room(cost(id, &written))?;
        self.writes += 1;
        self.documents += 1;
        let version = (written.version, written.sequence);
        self.map(index, |mapping, left| infer("", source, mapping, left));
        let changes = self.changes(index);
        changes.hidden.extend(number);
        changes.deleted += u64::from(before.is_some());
        if let Some(replaced) = changes.written.insert(id.to_owned(), written) {
            self.bytes = self.bytes.saturating_sub(cost(id, &replaced));
            self.documents -= 1;
        }
        Ok(version)
    }

    fn next_sequence(&self, cluster: &Cluster, index: &str) -> u64 {
        let index = self.index(cluster, index);
        let base = index.and_then(|index| index.base).map_or(0, |base| u64::from(base.documents));
        base + index
            .and_then(|index| index.changes)
            .map_or(0, |changes| changes.written.len() as u64 + changes.deleted)
    }

    /// Takes a document away; its version, if it was there.
    pub(super) fn remove(
        &mut self,
        cluster: &Cluster,
        index: &str,
        id: &str,
    ) -> Option<(u64, u64)> {
        let found = self.index(cluster, index)?.document(id)?;
        let version = found.version + 1;
        let number = self.index(cluster, index).and_then(|index| index.base?.number_of(id));
        let sequence = self.next_sequence(cluster, index);
        self.writes += 1;
        let changes = self.changes(index);
        changes.hidden.extend(number);
        changes.deleted += 1;
        if let Some(gone) = changes.written.remove(id) {
            self.bytes = self.bytes.saturating_sub(cost(id, &gone));
            self.documents = self.documents.saturating_sub(1);
        }
        Some((version, sequence))
    }

    /// An id as Elasticsearch makes one.
    pub(super) fn new_id(&self, now: Timestamp) -> String {
        letters(mix(now.micros().unsigned_abs()) ^ self.writes, 20)
    }
}

const fn cost(id: &str, written: &Written) -> usize {
    id.len() + written.source.len() + written.kind.len() + 160
}

/// The types that Elasticsearch would give to fields it has not seen.
pub(super) fn infer(
    prefix: &str,
    value: &Json,
    mapping: &mut BTreeMap<String, &'static str>,
    budget: &mut usize,
) {
    for (name, value) in value.fields() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if *budget < path.len() + 80 || path.len() > 200 {
            return;
        }
        let kind = match value.items().first() {
            Some(Json::Text(text)) if is_date(text) => "date",
            Some(Json::Text(_)) => "text",
            Some(Json::Number(number)) if number.is_f64() => "float",
            Some(Json::Number(_)) => "long",
            Some(Json::Bool(_)) => "boolean",
            Some(inner @ Json::Object(_)) => {
                infer(&path, inner, mapping, budget);
                continue;
            }
            _ => continue,
        };
        let cost = path.len() + 80;
        mapping.entry(path).or_insert_with(|| {
            *budget -= cost;
            kind
        });
    }
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    (10..=40).contains(&bytes.len())
        && bytes[..10].iter().enumerate().all(|(place, byte)| {
            if place == 4 || place == 7 { *byte == b'-' } else { byte.is_ascii_digit() }
        })
        && (bytes.len() == 10 || bytes[10] == b'T')
}
