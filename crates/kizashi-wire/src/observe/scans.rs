//! Scans: one source that tries many ports. Its attempts are told one by one, for each counts at its port; what they have in common
//! is one bounded summary, told when the source has been quiet for a while.

use std::net::IpAddr;

use kizashi_event::{Detail, EventId, Port, Scan, ScanOrder, SessionId, Timestamp};

use super::local::bits_of;
use super::table::{FlowKey, ListBounds, Table};
use crate::passive::{CookieTrail, Syn};

/// Different ports from which on it is a scan.
const LEAST_PORTS: u32 = 10;
/// How long a source is quiet when its scan is over.
const IDLE: i64 = 300 * Timestamp::SECOND;
/// Ports of a source that are told apart by a list; more take a map of bits.
const MOST_LISTED: usize = 64;
/// Our addresses that are told apart.
const MOST_DESTINATIONS: usize = 64;

/// How many are watched.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScanBounds {
    /// Sources.
    pub(super) sources: u32,
    /// Sources that have a map of ports at once.
    pub(super) maps: usize,
}

impl Default for ScanBounds {
    /// 5 MB of sources and 8 MB of maps.
    fn default() -> Self {
        Self { sources: 16_384, maps: 512 }
    }
}

/// Maps of ports that there are and that there may be.
#[derive(Debug)]
struct Maps {
    taken: usize,
    most: usize,
}

/// A source's attempts so far. Most sources come once, which takes no more than this.
#[derive(Debug)]
struct Watched {
    first: First,
    trail: CookieTrail,
    has_cookie: bool,
    more: Option<Box<More>>,
}

/// What is known of a source that came again.
#[derive(Debug)]
struct More {
    last: Timestamp,
    attempts: u64,
    ports: Ports,
    destinations: Vec<IpAddr>,
    ascents: u64,
    descents: u64,
    last_port: u32,
    first_ports: Vec<Port>,
}

/// The first attempt of a scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    pub(super) id: EventId,
    pub(super) time: Timestamp,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) port: Port,
}

/// Different ports.
#[derive(Debug, Default)]
struct Ports {
    listed: Vec<u32>,
    map: Option<Box<[u64]>>,
    count: u32,
}

impl Ports {
    /// Adds a port; whether it is new, as far as that can be told.
    fn add(&mut self, code: u32, maps: &mut Maps) -> bool {
        if let Some(map) = &mut self.map {
            return set(map, code) && {
                self.count += 1;
                true
            };
        }
        if self.listed.contains(&code) {
            return false;
        }
        if self.listed.len() < MOST_LISTED {
            self.listed.push(code);
            self.count += 1;
            return true;
        }
        if maps.taken < maps.most {
            maps.taken += 1;
            // TCP and UDP.
            let mut map = vec![0; 2 * 65_536 / 64].into_boxed_slice();
            for code in &self.listed {
                set(&mut map, *code);
            }
            self.listed = Vec::new();
            self.map = Some(map);
            return self.add(code, maps);
        }
        false
    }
}

fn set(map: &mut [u64], code: u32) -> bool {
    let (word, bit) = (code as usize / 64, 1 << (code % 64));
    map.get_mut(word).is_some_and(|word| {
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    })
}

/// All sources.
#[derive(Debug)]
pub(super) struct Scans {
    sources: Table<Watched, 1>,
    maps: Maps,
    /// Sources with a secret: mostly none, and then nobody need be looked up.
    cookies: usize,
}

fn key(source: IpAddr) -> FlowKey {
    FlowKey { visitor: bits_of(source), ours: 0, ports: (0, 0), transport: 0 }
}

impl Scans {
    pub(super) fn new(bounds: ScanBounds) -> Self {
        let sources = Table::new([ListBounds { most: bounds.sources, idle: IDLE }]);
        Self { sources, maps: Maps { taken: 0, most: bounds.maps }, cookies: 0 }
    }

    /// Takes an attempt; gives a scan that had to make room.
    pub(super) fn attempt(&mut self, first: First, syn: Option<&Syn>) -> Option<(First, Detail)> {
        let key = key(first.source);
        let now = first.time.micros();
        let Some(place) = self.sources.find(&key) else {
            let mut trail = CookieTrail::default();
            if let Some(syn) = syn {
                trail.follow(syn);
            }
            let watched = Watched { first, trail, has_cookie: false, more: None };
            self.sources.put(key, watched, 0, now);
            let place = self.sources.surplus(0)?;
            return self.take(place);
        };
        self.sources.touch(place, 0, now);
        if let Some(watched) = self.sources.at(place) {
            let has_cookie = syn.is_some_and(|syn| watched.trail.follow(syn));
            if has_cookie && !watched.has_cookie {
                watched.has_cookie = true;
                self.cookies += 1;
            }
            let begun = &watched.first;
            let more =
                watched.more.get_or_insert_with(|| Box::new(More::new(begun, &mut self.maps)));
            more.add(&first, &mut self.maps);
        }
        None
    }

    /// Whether the source's sequence numbers are all made with one secret.
    pub(super) fn has_cookie(&mut self, source: IpAddr) -> bool {
        if self.cookies == 0 {
            return false;
        }
        let place = self.sources.find(&key(source));
        place.and_then(|place| self.sources.at(place)).is_some_and(|watched| watched.has_cookie)
    }

    /// The next scan that is over; a source that was no scan is forgotten silently.
    pub(super) fn over(&mut self, now: i64) -> Option<(First, Detail)> {
        while let Some(place) = self.sources.overdue(now) {
            if let Some(scan) = self.take(place) {
                return Some(scan);
            }
        }
        None
    }

    fn take(&mut self, place: u32) -> Option<(First, Detail)> {
        let (_, watched) = self.sources.remove(place)?;
        self.cookies -= usize::from(watched.has_cookie);
        let more = watched.more?;
        if more.ports.map.is_some() {
            self.maps.taken -= 1;
        }
        (more.ports.count >= LEAST_PORTS).then(|| (watched.first, more.scan(&watched.first)))
    }
}

impl First {
    /// The id of the summary.
    pub(super) fn summary_id(&self) -> EventId {
        EventId::of_session(SessionId(self.id.0), u64::MAX)
    }
}

impl More {
    fn new(first: &First, maps: &mut Maps) -> Self {
        let mut more = Self {
            last: first.time,
            attempts: 0,
            ports: Ports::default(),
            destinations: Vec::new(),
            ascents: 0,
            descents: 0,
            last_port: first.port.code(),
            first_ports: Vec::new(),
        };
        more.add(first, maps);
        more
    }

    fn add(&mut self, attempt: &First, maps: &mut Maps) {
        self.attempts += 1;
        self.last = self.last.max(attempt.time);
        let code = attempt.port.code();
        if self.ports.add(code, maps) && self.first_ports.len() < Scan::MOST_FIRST_PORTS {
            self.first_ports.push(attempt.port);
        }
        self.ascents += u64::from(code > self.last_port);
        self.descents += u64::from(code < self.last_port);
        self.last_port = code;
        let is_new = !self.destinations.contains(&attempt.destination);
        if is_new && self.destinations.len() < MOST_DESTINATIONS {
            self.destinations.push(attempt.destination);
        }
    }

    fn scan(&self, first: &First) -> Detail {
        // Some steps of an ordered scan are out of order on the way.
        let order = match (self.ascents, self.descents) {
            (up, down) if up >= 9 * down.max(1) => ScanOrder::Ascending,
            (up, down) if down >= 9 * up.max(1) => ScanOrder::Descending,
            _ => ScanOrder::Mixed,
        };
        let duration = self.last.since(first.time).max(0) / 1_000;
        Detail::Scan(Box::new(Scan {
            ports: self.ports.count,
            destinations: u32::try_from(self.destinations.len()).unwrap_or(u32::MAX),
            attempts: self.attempts,
            duration_ms: u64::try_from(duration).unwrap_or_default(),
            order,
            first_ports: self.first_ports.clone(),
        }))
    }
}
