//! Texts become numbers: what attackers send again and again is stored once. The memory of recent numbers is bounded, so that a
//! million user names cost disk, not memory; what they cost of that is bounded too (`keys.rs`).

use std::collections::{HashMap, HashSet};
use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::Arc;

use kizashi_event::{Event, KeyKind, Port, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};

use super::keys::Census;
use super::raw::Names;
use super::recent::Recent;
use crate::codes::kind_code;
use crate::{Places, Settings};

/// By what somebody else has chosen: with a hash that nobody foresees.
type Numbers<K, V> = Recent<K, V, RandomState>;

/// The numbers of keys and names, remembered. Forget all of it when a transaction is undone.
#[derive(Debug)]
pub(crate) struct Dictionary {
    sources: Numbers<IpAddr, u32>,
    ports: Numbers<Port, u32>,
    placed: Numbers<IpAddr, Placed>,
    texts: HashMap<KeyKind, Numbers<Box<str>, u32>>,
    names: Numbers<Box<str>, i64>,
    /// Visitors come with several events at once, mostly.
    last_source: Option<(IpAddr, u32)>,
    last_placed: Option<(IpAddr, Placed)>,
    /// How many are remembered of a kind.
    remembered: usize,
    fresh_sources: i64,
    pub(super) census: Census,
    /// Keys of one kind at most; no bound where there is none.
    most: Option<u64>,
    places: Arc<Places>,
}

/// The numbers of the keys that say where a visitor is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) network: Option<u32>,
    pub(crate) country: Option<u32>,
    pub(crate) scanner: Option<u32>,
}

impl Dictionary {
    /// The dictionary of a database that keeps as many keys of a kind as is set, of visitors who are where `settings` tell.
    pub(super) fn load(connection: &Connection, settings: &Settings) -> rusqlite::Result<Self> {
        let (most, places) = (Some(settings.retention.most_keys), Arc::clone(&settings.places));
        let empty = Self::remembering(settings.remembered);
        Ok(Self { census: Census::load(connection)?, most, places, ..empty })
    }

    /// An empty one without a bound but that of its memory.
    pub(super) fn remembering(remembered: usize) -> Self {
        Self {
            sources: Recent::of(remembered),
            ports: Recent::of(remembered),
            placed: Recent::of(remembered),
            texts: HashMap::new(),
            names: Recent::of(remembered),
            last_source: None,
            last_placed: None,
            remembered,
            fresh_sources: 0,
            census: Census::default(),
            most: None,
            places: Arc::default(),
        }
    }

    /// Makes room for new keys in the kinds that are full; whether any went. Keys that came at or after `spared` stay.
    pub(super) fn make_room(
        &mut self,
        connection: &Connection,
        spared: i64,
    ) -> rusqlite::Result<bool> {
        let Some(most) = self.most else { return Ok(false) };
        let any = self.census.make_room(connection, most, spared)?;
        if any {
            self.forget();
        }
        Ok(any)
    }

    /// Remembers no number: some may have gone.
    pub(super) fn forget(&mut self) {
        (self.last_source, self.last_placed) = (None, None);
        self.sources = Recent::of(self.remembered);
        self.ports = Recent::of(self.remembered);
        self.placed = Recent::of(self.remembered);
        self.texts.clear();
    }

    /// These sources are no more.
    pub(super) fn forget_sources(&mut self, gone: &HashSet<u32>) {
        self.last_source = self.last_source.filter(|(_, id)| !gone.contains(id));
        self.sources.retain(|id| !gone.contains(&id));
    }

    /// The number of a visitor's address.
    pub(crate) fn source(
        &mut self,
        connection: &Connection,
        address: IpAddr,
        time: Timestamp,
    ) -> rusqlite::Result<u32> {
        if let Some((_, id)) = self.last_source.filter(|(last, _)| *last == address) {
            return Ok(id);
        }
        let id = match self.sources.get(&address) {
            Some(id) => id,
            None => {
                let text = address.to_string();
                let (id, fresh) = self.find_or_add(connection, KeyKind::Source, &text, time)?;
                self.fresh_sources += i64::from(fresh && !address.is_unspecified());
                self.sources.insert(address, id);
                id
            }
        };
        self.last_source = Some((address, id));
        Ok(id)
    }

    /// The numbers of an event's source, sensor and service.
    pub(super) fn names(
        &mut self,
        connection: &Connection,
        event: &Event,
    ) -> rusqlite::Result<Names> {
        Ok(Names {
            source: self.source(connection, event.source, event.time)?,
            sensor: self.name(connection, &event.sensor)?,
            service: self.name(connection, event.service.name())?,
        })
    }

    /// Sources that were never seen before, since this was last asked.
    pub(crate) fn take_fresh_sources(&mut self) -> i64 {
        std::mem::take(&mut self.fresh_sources)
    }

    /// The number of a port.
    pub(crate) fn port(
        &mut self,
        connection: &Connection,
        port: Port,
        time: Timestamp,
    ) -> rusqlite::Result<u32> {
        if let Some(id) = self.ports.get(&port) {
            return Ok(id);
        }
        let (id, _) = self.find_or_add(connection, KeyKind::Port, &port.to_string(), time)?;
        self.ports.insert(port, id);
        Ok(id)
    }

    /// The numbers of the network and the country of an address, and of the scanner that it is known as.
    pub(crate) fn placed(
        &mut self,
        connection: &Connection,
        address: IpAddr,
        time: Timestamp,
    ) -> rusqlite::Result<Placed> {
        if let Some((_, placed)) = self.last_placed.filter(|(last, _)| *last == address) {
            return Ok(placed);
        }
        if let Some(placed) = self.placed.get(&address) {
            self.last_placed = Some((address, placed));
            return Ok(placed);
        }
        let network = self.places.network(address);
        let country = self.places.country(address);
        let places = Arc::clone(&self.places);
        let network = self.key(connection, KeyKind::Network, &network, time)?;
        let country = match country {
            Some(code) => self.key(connection, KeyKind::Country, code.as_str(), time)?,
            None => None,
        };
        let scanner = match places.scanner(address) {
            Some(name) => self.key(connection, KeyKind::Scanner, name, time)?,
            None => None,
        };
        let placed = Placed { network, country, scanner };
        self.placed.insert(address, placed);
        Ok(placed)
    }

    /// The number of any other key; `None` for a new one of a kind that is full.
    pub(crate) fn key(
        &mut self,
        connection: &Connection,
        kind: KeyKind,
        text: &str,
        time: Timestamp,
    ) -> rusqlite::Result<Option<u32>> {
        if let Some(id) = self.texts.get_mut(&kind).and_then(|texts| texts.get(text)) {
            return Ok(Some(id));
        }
        let id = if self.most.is_some_and(|most| self.census.is_full(kind, most)) {
            let Some(id) = find(connection, kind, text)? else {
                self.census.count_unnamed();
                return Ok(None);
            };
            id
        } else {
            self.find_or_add(connection, kind, text, time)?.0
        };
        let remembered = self.remembered;
        let texts = self.texts.entry(kind).or_insert_with(|| Recent::of(remembered));
        texts.insert(text.into(), id);
        Ok(Some(id))
    }

    /// The number of a key, and whether it is new.
    fn find_or_add(
        &mut self,
        connection: &Connection,
        kind: KeyKind,
        text: &str,
        time: Timestamp,
    ) -> rusqlite::Result<(u32, bool)> {
        if let Some(id) = find(connection, kind, text)? {
            return Ok((id, false));
        }
        let id = add(connection, kind, text, time)?;
        self.census.add(kind);
        Ok((id, true))
    }

    /// The number of a sensor's or service's name.
    pub(crate) fn name(&mut self, connection: &Connection, name: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.names.get(name) {
            return Ok(id);
        }
        let found = connection
            .prepare_cached("SELECT id FROM names WHERE text = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                connection.prepare_cached("INSERT INTO names (text) VALUES (?1)")?.insert([name])?
            }
        };
        self.names.insert(name.into(), id);
        Ok(id)
    }
}

fn find(connection: &Connection, kind: KeyKind, text: &str) -> rusqlite::Result<Option<u32>> {
    connection
        .prepare_cached("SELECT id FROM keys WHERE kind = ?1 AND text = ?2")?
        .query_row((kind_code(kind), text), |row| row.get(0))
        .optional()
}

/// Keys are numbered from 1 by SQLite; four thousand million of them fill any disk first.
fn add(
    connection: &Connection,
    kind: KeyKind,
    text: &str,
    time: Timestamp,
) -> rusqlite::Result<u32> {
    let id = connection
        .prepare_cached(
            "INSERT INTO keys (kind, text, first, last, events, sessions) VALUES (?1, ?2, ?3, ?3, 0, 0)",
        )?
        .insert((kind_code(kind), text, time.micros()))?;
    u32::try_from(id).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, id))
}
