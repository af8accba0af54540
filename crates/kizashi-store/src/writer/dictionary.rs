//! Texts become numbers: what attackers send again and again is stored once. The memory of recent numbers is bounded, so that a
//! million user names cost disk, not memory.

use std::collections::HashMap;
use std::net::IpAddr;

use kizashi_event::{KeyKind, Port, Timestamp, network_text};
use rusqlite::{Connection, OptionalExtension as _};

use crate::codes::kind_code;

/// Numbers remembered of one kind; past it that kind's memory begins anew.
const MOST_REMEMBERED: usize = 32_768;

/// The numbers of keys and names, remembered. Forget all of it when a transaction is undone.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    sources: HashMap<IpAddr, u32>,
    ports: HashMap<Port, u32>,
    networks: HashMap<IpAddr, u32>,
    texts: HashMap<KeyKind, HashMap<Box<str>, u32>>,
    names: HashMap<Box<str>, i64>,
    fresh_sources: i64,
}

impl Dictionary {
    /// The number of a visitor's address.
    pub(crate) fn source(
        &mut self,
        connection: &Connection,
        address: IpAddr,
        time: Timestamp,
    ) -> rusqlite::Result<u32> {
        if let Some(id) = self.sources.get(&address) {
            return Ok(*id);
        }
        let (id, fresh) = find_or_add(connection, KeyKind::Source, &address.to_string(), time)?;
        self.fresh_sources += i64::from(fresh && !address.is_unspecified());
        make_room(&mut self.sources);
        self.sources.insert(address, id);
        Ok(id)
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
            return Ok(*id);
        }
        let (id, _) = find_or_add(connection, KeyKind::Port, &port.to_string(), time)?;
        make_room(&mut self.ports);
        self.ports.insert(port, id);
        Ok(id)
    }

    /// The number of a network, which is given by its first address.
    pub(crate) fn network(
        &mut self,
        connection: &Connection,
        network: IpAddr,
        time: Timestamp,
    ) -> rusqlite::Result<u32> {
        if let Some(id) = self.networks.get(&network) {
            return Ok(*id);
        }
        let (id, _) = find_or_add(connection, KeyKind::Network, &network_text(network), time)?;
        make_room(&mut self.networks);
        self.networks.insert(network, id);
        Ok(id)
    }

    /// The number of any other key.
    pub(crate) fn key(
        &mut self,
        connection: &Connection,
        kind: KeyKind,
        text: &str,
        time: Timestamp,
    ) -> rusqlite::Result<u32> {
        let texts = self.texts.entry(kind).or_default();
        if let Some(id) = texts.get(text) {
            return Ok(*id);
        }
        let (id, _) = find_or_add(connection, kind, text, time)?;
        make_room(texts);
        texts.insert(text.into(), id);
        Ok(id)
    }

    /// The number of a sensor's or service's name.
    pub(crate) fn name(&mut self, connection: &Connection, name: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.names.get(name) {
            return Ok(*id);
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
        make_room(&mut self.names);
        self.names.insert(name.into(), id);
        Ok(id)
    }
}

fn make_room<K, V>(remembered: &mut HashMap<K, V>) {
    if remembered.len() >= MOST_REMEMBERED {
        remembered.clear();
    }
}

/// The number of a key, and whether it is new. Keys are numbered from 1 by SQLite; four thousand million of them fill any disk first.
fn find_or_add(
    connection: &Connection,
    kind: KeyKind,
    text: &str,
    time: Timestamp,
) -> rusqlite::Result<(u32, bool)> {
    let found = connection
        .prepare_cached("SELECT id FROM keys WHERE kind = ?1 AND text = ?2")?
        .query_row((kind_code(kind), text), |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok((id, false));
    }
    let id = connection
        .prepare_cached(
            "INSERT INTO keys (kind, text, first, last, events, sessions) VALUES (?1, ?2, ?3, ?3, 0, 0)",
        )?
        .insert((kind_code(kind), text, time.micros()))?;
    let id = u32::try_from(id).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, id))?;
    Ok((id, true))
}
