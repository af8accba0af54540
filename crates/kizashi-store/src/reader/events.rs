//! Raw events: the latest ones, and what visitors of one port did in a span. Both stop after a set number of rows.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use kizashi_event::{
    Detail, Event, EventId, Key, KeyKind, PayloadHash, Port, Service, SessionId, Timestamp,
    Transport, canonical_ip, network_of, network_text,
};
use rusqlite::{OptionalExtension as _, Row};

use super::Reader;
use crate::codes::kind_code;
use crate::error::InContext;
use crate::{CountryCode, Evidence, Span, StoreError};

/// Raw rows looked at for one sign's evidence.
const MOST_ROWS: u64 = 200_000;
/// Different texts of one kind told apart for it.
const MOST_TEXTS: usize = 50_000;
/// Texts of one kind given.
const MOST_GIVEN: usize = 10;
/// Bytes of a payload shown.
const HEAD: usize = 32;

pub(super) const COLUMNS: &str =
    "events.time, events.id, sensors.text, events.session, keys.text, events.source_port, events.destination,
     events.port, services.text, events.detail";
pub(super) const JOINS: &str = "JOIN names AS sensors ON sensors.id = events.sensor
     JOIN names AS services ON services.id = events.service
     JOIN keys ON keys.id = events.source";

impl Reader {
    /// The latest events that are not flagged, the latest first; captured content is not read.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recent(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        let read = || {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            self.connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM events {JOINS} WHERE flagged = 0 ORDER BY time DESC, events.id DESC LIMIT ?1"
                ))?
                .query_map([limit], event_of)?
                .collect::<rusqlite::Result<Vec<Option<Event>>>>()
        };
        let events = read().doing("reading events", &self.path)?;
        Ok(events.into_iter().flatten().collect())
    }

    /// What visitors of `key` (or of everything) did in `span`: of a port all that came to it, of another key the events that carry it, the last 200,000 raw events of the span considered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn evidence(&self, key: Option<&Key>, span: Span) -> Result<Evidence, StoreError> {
        self.read_evidence(None, key, span).doing("reading what visitors did", &self.path)
    }

    /// The same of what came to some sensors, of the last 200,000 raw events that came to any.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn evidence_at(
        &self,
        sensors: &[String],
        key: Option<&Key>,
        span: Span,
    ) -> Result<Evidence, StoreError> {
        let read = || self.read_evidence(Some(&self.numbers_of(sensors)?), key, span);
        read().doing("reading what visitors did", &self.path)
    }

    /// The numbers of sensors; one that was never heard has none.
    fn numbers_of(&self, sensors: &[String]) -> rusqlite::Result<HashSet<i64>> {
        sensors.iter().filter_map(|name| self.name_id(name).transpose()).collect()
    }

    fn read_evidence(
        &self,
        sensors: Option<&HashSet<i64>>,
        key: Option<&Key>,
        span: Span,
    ) -> rusqlite::Result<Evidence> {
        let is_elsewhere = |sensor: i64| sensors.is_some_and(|sensors| !sensors.contains(&sensor));
        let mut read = self.connection.prepare_cached(
            "SELECT port, source, detail, service, sensor FROM events WHERE time >= ?1 AND time < ?2 AND flagged = 0
             ORDER BY time DESC, id DESC",
        )?;
        let mut rows = read.query((
            span.since.map_or(i64::MIN, Timestamp::micros),
            span.until.map_or(i64::MAX, Timestamp::micros),
        ))?;
        let wanted = self.wanted(key)?;
        let mut found = Found::default();
        let mut placed = HashMap::new();
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            looked_at += 1;
            if looked_at > MOST_ROWS {
                break;
            }
            match wanted {
                Wanted::Port(port) if row.get::<_, u32>(0) != Ok(port) => continue,
                Wanted::Service(name) if row.get::<_, i64>(3) != Ok(name) => continue,
                Wanted::Sources(ref sources) if !sources.contains(&row.get(1)?) => continue,
                Wanted::From(key) if !self.is_from(key, row.get(1)?, &mut placed)? => continue,
                _ if is_elsewhere(row.get(4)?) => continue,
                _ => {}
            }
            let detail = serde_json::from_str::<Detail>(row.get_ref(2)?.as_str()?).ok();
            if !detail.as_ref().map_or(wanted.takes_any_detail(), |detail| wanted.takes(detail)) {
                continue;
            }
            let (events, of_many) = match &detail {
                Some(Detail::Counted { events, .. }) => (*events, self.is_nobody(row.get(1)?)?),
                _ => (1, false),
            };
            found.events += events;
            if !of_many {
                count(&mut found.sources, row.get(1)?, events);
            }
            if let Some(detail) = detail {
                found.add(&detail);
            }
        }
        self.told(found)
    }

    /// The sources that made a connection to `key` in `span`, most events first, at most `limit`: none whose address may be forged, as that of a
    /// datagram or of a lone SYN. The last 200,000 raw events of the span considered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn proven_sources(
        &self,
        key: Option<&Key>,
        span: Span,
        limit: usize,
    ) -> Result<Vec<(IpAddr, u64)>, StoreError> {
        self.read_proven(None, (key, span), limit)
            .doing("reading who made a connection", &self.path)
    }

    /// The same of those that made one to a sensor.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn proven_sources_at(
        &self,
        sensor: &str,
        (key, span): (Option<&Key>, Span),
        limit: usize,
    ) -> Result<Vec<(IpAddr, u64)>, StoreError> {
        let read = || match self.name_id(sensor)? {
            Some(sensor) => self.read_proven(Some(sensor), (key, span), limit),
            None => Ok(Vec::new()),
        };
        read().doing("reading who made a connection", &self.path)
    }

    fn read_proven(
        &self,
        sensor: Option<i64>,
        (key, span): (Option<&Key>, Span),
        limit: usize,
    ) -> rusqlite::Result<Vec<(IpAddr, u64)>> {
        let mut read = self.connection.prepare_cached(
            "SELECT port, source, detail, service, sensor FROM events WHERE time >= ?1 AND time < ?2 AND flagged = 0
             ORDER BY time DESC, id DESC LIMIT ?3",
        )?;
        let mut rows = read.query((
            span.since.map_or(i64::MIN, Timestamp::micros),
            span.until.map_or(i64::MAX, Timestamp::micros),
            i64::try_from(MOST_ROWS).unwrap_or(i64::MAX),
        ))?;
        let wanted = self.wanted(key)?;
        let (mut found, mut placed): (HashMap<u32, u64>, _) = (HashMap::new(), HashMap::new());
        while let Some(row) = rows.next()? {
            let (port, source): (u32, u32) = (row.get(0)?, row.get(1)?);
            let is_wanted = match wanted {
                Wanted::Port(wanted) => port == wanted,
                Wanted::Service(name) => row.get::<_, i64>(3) == Ok(name),
                Wanted::Sources(ref sources) => sources.contains(&source),
                Wanted::From(key) => self.is_from(key, source, &mut placed)?,
                _ => true,
            };
            let is_there = match sensor {
                Some(sensor) => row.get::<_, i64>(4)? == sensor,
                None => true,
            };
            let is_tcp = Port::from_code(port).is_some_and(|port| port.transport == Transport::Tcp);
            if !is_wanted || !is_there || !is_tcp {
                continue;
            }
            let Ok(detail) = serde_json::from_str::<Detail>(row.get_ref(2)?.as_str()?) else {
                continue;
            };
            let takes = wanted.takes_any_detail() || wanted.takes(&detail);
            if takes && detail.proves_a_connection() {
                count(&mut found, source, 1);
            }
        }
        let mut most: Vec<(u32, u64)> = found.into_iter().collect();
        most.sort_by_key(|(source, events)| (std::cmp::Reverse(*events), *source));
        let mut sources = Vec::new();
        for (source, events) in most.into_iter().take(limit) {
            let address = self.address_of(source)?.filter(|address| !address.is_unspecified());
            sources.extend(address.map(|address| (address, events)));
        }
        Ok(sources)
    }

    fn wanted<'a>(&self, key: Option<&'a Key>) -> rusqlite::Result<Wanted<'a>> {
        let Some(key) = key.filter(|key| key.kind != KeyKind::Total) else {
            return Ok(Wanted::Everything);
        };
        if let Some(port) = key.as_port() {
            return Ok(Wanted::Port(port.code()));
        }
        match key.kind {
            KeyKind::Service => {}
            KeyKind::Country | KeyKind::Scanner => return Ok(Wanted::From(key)),
            KeyKind::Network if !key.text.contains('/') => return Ok(Wanted::From(key)),
            KeyKind::Network => return Ok(Wanted::Sources(self.sources_in(&key.text)?)),
            KeyKind::PayloadCluster => return Ok(Wanted::Content(self.contents_in(&key.text)?)),
            _ => return Ok(Wanted::Carrying(key)),
        }
        let name = self
            .connection
            .prepare_cached("SELECT id FROM names WHERE text = ?1")?
            .query_row([&*key.text], |row| row.get(0))
            .optional()?;
        Ok(Wanted::Service(name.unwrap_or(-1)))
    }

    /// The numbers of the sources in a network.
    fn sources_in(&self, network: &str) -> rusqlite::Result<HashSet<u32>> {
        // What all addresses of it begin with, and perhaps others too.
        let parts = if network.contains(':') { 1 } else { 2 };
        let beginning: String = network.split_inclusive(['.', ':']).take(parts).collect();
        let mut read = self
            .connection
            .prepare_cached("SELECT id, text FROM keys WHERE kind = ?1 AND text >= ?2 AND text < ?2 || char(1114111)")?;
        let mut rows = read.query((kind_code(KeyKind::Source), beginning))?;
        let mut sources = HashSet::new();
        while let Some(row) = rows.next()? {
            let address: Option<IpAddr> = row.get_ref(1)?.as_str()?.parse().ok();
            if address.is_some_and(|address| network_text(network_of(address)) == network) {
                sources.insert(row.get(0)?);
            }
        }
        Ok(sources)
    }

    /// Whether a source is in a country or an autonomous system; what is found out is remembered.
    fn is_from(
        &self,
        key: &Key,
        source: u32,
        placed: &mut HashMap<u32, bool>,
    ) -> rusqlite::Result<bool> {
        if let Some(is_from) = placed.get(&source) {
            return Ok(*is_from);
        }
        let is_from = self.address_of(source)?.is_some_and(|address| match key.kind {
            KeyKind::Country => {
                self.places.country(address).is_some_and(|code| code.as_str() == &*key.text)
            }
            KeyKind::Scanner => self.places.scanner(address) == Some(&*key.text),
            _ => self.places.network(address) == *key.text,
        });
        if placed.len() < MOST_TEXTS {
            placed.insert(source, is_from);
        }
        Ok(is_from)
    }

    /// The address of a source.
    pub(super) fn address_of(&self, source: u32) -> rusqlite::Result<Option<IpAddr>> {
        let address: Option<String> = self
            .connection
            .prepare_cached("SELECT text FROM keys WHERE id = ?1")?
            .query_row([source], |row| row.get(0))
            .optional()?;
        Ok(address.and_then(|address| address.parse().ok()))
    }

    /// The countries of sources, with how many of them are there.
    fn countries_of(&self, sources: &HashMap<u32, u64>) -> rusqlite::Result<Vec<(String, u64)>> {
        let mut countries: HashMap<CountryCode, u64> = HashMap::new();
        for source in sources.keys() {
            let address = self.address_of(*source)?;
            if let Some(code) = address.and_then(|address| self.places.country(address)) {
                *countries.entry(code).or_default() += 1;
            }
        }
        Ok(most(countries).into_iter().map(|(code, sources)| (code.to_string(), sources)).collect())
    }

    /// The scanners that sources are known as, with how many of them are each's.
    fn scanners_of(&self, sources: &HashMap<u32, u64>) -> rusqlite::Result<Vec<(String, u64)>> {
        let mut scanners: HashMap<String, u64> = HashMap::new();
        for source in sources.keys() {
            let address = self.address_of(*source)?;
            if let Some(name) = address.and_then(|address| self.places.scanner(address)) {
                *scanners.entry(name.to_owned()).or_default() += 1;
            }
        }
        Ok(most(scanners).into_iter().collect())
    }

    /// The contents in a cluster that are still known.
    pub(super) fn contents_in(&self, cluster: &str) -> rusqlite::Result<HashSet<PayloadHash>> {
        let mut read = self.connection.prepare_cached(
            "SELECT sha256 FROM payloads WHERE cluster = (SELECT id FROM keys WHERE kind = ?1 AND text = ?2)",
        )?;
        let hashes = read.query_map((kind_code(KeyKind::PayloadCluster), cluster), |row| {
            Ok(row.get_ref(0)?.as_blob()?.try_into().ok().map(PayloadHash))
        })?;
        hashes.filter_map(Result::transpose).collect()
    }

    /// Whether this source stands for visitors that were not told apart.
    fn is_nobody(&self, source: u32) -> rusqlite::Result<bool> {
        Ok(self.address_of(source)?.is_some_and(|address| address.is_unspecified()))
    }

    fn told(&self, found: Found) -> rusqlite::Result<Evidence> {
        let mut evidence = Evidence {
            users: most(found.users),
            passwords: most(found.passwords),
            commands: most(found.commands),
            paths: most(found.paths),
            clients: most(found.clients),
            events_read: found.events,
            countries: self.countries_of(&found.sources)?,
            scanners: self.scanners_of(&found.sources)?,
            ..Evidence::default()
        };
        for (source, events) in most(found.sources) {
            let address: Option<String> = self
                .connection
                .prepare_cached("SELECT text FROM keys WHERE id = ?1")?
                .query_row([source], |row| row.get(0))
                .optional()?;
            evidence.sources.extend(address.map(|address| (address, events)));
        }
        for (hash, events) in most(found.payloads) {
            let head: Option<Vec<u8>> = self
                .connection
                .prepare_cached("SELECT head FROM payloads WHERE sha256 = ?1")?
                .query_row([hash.0.as_slice()], |row| row.get(0))
                .optional()?;
            let shown = head.map_or_else(
                || format!("sha256:{hash}"),
                |mut head| {
                    crate::mask::apply(&mut head);
                    readable(&head)
                },
            );
            evidence.payloads.push((shown, events));
        }
        Ok(evidence)
    }
}

/// Which events are looked at.
enum Wanted<'a> {
    Everything,
    Port(u32),
    Service(i64),
    Sources(HashSet<u32>),
    From(&'a Key),
    Carrying(&'a Key),
    Content(HashSet<PayloadHash>),
}

impl Wanted<'_> {
    /// Whether what was done does not matter.
    const fn takes_any_detail(&self) -> bool {
        !matches!(self, Self::Carrying(_) | Self::Content(_))
    }

    fn takes(&self, detail: &Detail) -> bool {
        match self {
            Self::Carrying(key) => {
                let mut found = false;
                detail.each_key(|kind, text| found |= kind == key.kind && *text == *key.text);
                found
            }
            Self::Content(hashes) => {
                detail.payload().is_some_and(|payload| hashes.contains(&payload.sha256))
            }
            _ => true,
        }
    }
}

#[derive(Default)]
struct Found {
    events: u64,
    sources: HashMap<u32, u64>,
    users: HashMap<String, u64>,
    passwords: HashMap<String, u64>,
    commands: HashMap<String, u64>,
    paths: HashMap<String, u64>,
    clients: HashMap<String, u64>,
    payloads: HashMap<PayloadHash, u64>,
}

impl Found {
    fn add(&mut self, detail: &Detail) {
        detail.each_key(|kind, text| {
            let texts = match kind {
                KeyKind::User => &mut self.users,
                KeyKind::Password => &mut self.passwords,
                KeyKind::Command => &mut self.commands,
                KeyKind::Path => &mut self.paths,
                KeyKind::Client => &mut self.clients,
                _ => return,
            };
            count(texts, text.to_owned(), 1);
        });
        if let Some(payload) = detail.payload() {
            count(&mut self.payloads, payload.sha256, 1);
        }
    }
}

fn count<K: Hash + Eq>(counts: &mut HashMap<K, u64>, key: K, events: u64) {
    if counts.len() < MOST_TEXTS || counts.contains_key(&key) {
        *counts.entry(key).or_default() += events;
    }
}

fn most<K: Ord>(counts: HashMap<K, u64>) -> Vec<(K, u64)> {
    let mut counts: Vec<(K, u64)> = counts.into_iter().collect();
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(MOST_GIVEN);
    counts
}

/// Printable ASCII as it is, any other byte as `\x00`.
fn readable(head: &[u8]) -> String {
    let mut text = String::new();
    for byte in head.iter().take(HEAD) {
        match byte {
            b' '..=b'~' => text.push(char::from(*byte)),
            other => text.push_str(&format!("\\x{other:02x}")),
        }
    }
    text
}

/// The event of a row; `None` where a later Kizashi has written what this one does not know.
pub(super) fn event_of(row: &Row<'_>) -> rusqlite::Result<Option<Event>> {
    let source: String = row.get(4)?;
    let destination: Option<String> = row.get(6)?;
    let sensor: String = row.get(2)?;
    let service: String = row.get(8)?;
    let detail = serde_json::from_str(row.get_ref(9)?.as_str()?);
    let (Ok(source), Some(port), Ok(detail)) =
        (source.parse(), Port::from_code(row.get(7)?), detail)
    else {
        return Ok(None);
    };
    Ok(Some(Event {
        time: Timestamp::from_micros(row.get(0)?),
        id: EventId(row.get::<_, i64>(1)?.cast_unsigned()),
        sensor: Arc::from(sensor),
        session: row.get::<_, Option<i64>>(3)?.map(|session| SessionId(session.cast_unsigned())),
        source: canonical_ip(source),
        source_port: row.get(5)?,
        destination: destination.and_then(|address| address.parse().ok()),
        port,
        service: Service::named(&service),
        detail,
    }))
}
