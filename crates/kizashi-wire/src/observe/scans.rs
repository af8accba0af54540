//! Scans: one source that tries many ports, or many of our addresses. Its attempts are told one by one, for each counts at its port;
//! what they have in common is one bounded summary, told when the source has been quiet for a while. Many sources at one port are no
//! scan of anybody's: the port's own count of sources tells them.

use std::net::IpAddr;

use kizashi_event::{Detail, EventId, Port, Scan, ScanOrder, ScanPattern, SessionId, Timestamp};

use super::local::bits_of;
use super::table::{FlowKey, ListBounds, Table};
use crate::passive::{Clock, CookieTrail, Syn};

/// Different ports from which on it is a scan.
const LEAST_PORTS: u32 = 10;
/// Different addresses of ours from which on it is one.
const LEAST_DESTINATIONS: usize = 10;
/// Ports from which on it can be told whether they are drawn from all alike.
const LEAST_DRAWN: u32 = 40;
/// Slices of the port numbers in which they are counted for that.
const SLICES: usize = 16;
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
    clock: Clock,
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
    /// Steps to the port beside.
    neighbours: u64,
    last_port: u32,
    first_ports: Vec<Port>,
    /// New ports by their number's slice, and the lowest and highest.
    slices: [u32; SLICES],
    spread: (u16, u16),
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
            let (mut trail, mut clock) = (CookieTrail::default(), Clock::default());
            if let Some(syn) = syn {
                trail.follow(syn);
                clock.follow(now, syn);
            }
            let watched = Watched { first, trail, clock, has_cookie: false, more: None };
            self.sources.put(key, watched, 0, now);
            let place = self.sources.surplus(0)?;
            return self.take(place);
        };
        self.sources.touch(place, 0, now);
        if let Some(watched) = self.sources.at(place) {
            let has_cookie = syn.is_some_and(|syn| {
                watched.clock.follow(now, syn);
                watched.trail.follow(syn)
            });
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

    /// Minutes since the source's system began, by an attempt of his.
    pub(super) fn uptime(&mut self, time: Timestamp, syn: &Syn) -> Option<u32> {
        let place = self.sources.find(&key(kizashi_event::canonical_ip(syn.ip.source)))?;
        self.sources.at(place)?.clock.uptime(time.micros(), syn)
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
        let is_scan =
            more.ports.count >= LEAST_PORTS || more.destinations.len() >= LEAST_DESTINATIONS;
        is_scan.then(|| (watched.first, more.scan(&watched.first)))
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
            neighbours: 0,
            last_port: first.port.code(),
            first_ports: Vec::new(),
            slices: [0; SLICES],
            spread: (first.port.number, first.port.number),
        };
        more.add(first, maps);
        more
    }

    fn add(&mut self, attempt: &First, maps: &mut Maps) {
        self.attempts += 1;
        self.last = self.last.max(attempt.time);
        let (code, number) = (attempt.port.code(), attempt.port.number);
        if self.ports.add(code, maps) {
            if self.first_ports.len() < Scan::MOST_FIRST_PORTS {
                self.first_ports.push(attempt.port);
            }
            if let Some(slice) = self.slices.get_mut(usize::from(number) * SLICES / 65_536) {
                *slice += 1;
            }
        }
        self.spread = (self.spread.0.min(number), self.spread.1.max(number));
        self.neighbours += u64::from(code.abs_diff(self.last_port) == 1);
        self.ascents += u64::from(code > self.last_port);
        self.descents += u64::from(code < self.last_port);
        self.last_port = code;
        let is_new = !self.destinations.contains(&attempt.destination);
        if is_new && self.destinations.len() < MOST_DESTINATIONS {
            self.destinations.push(attempt.destination);
        }
    }

    fn order(&self) -> ScanOrder {
        // Some steps of an ordered scan are out of order on the way.
        match (self.ascents, self.descents) {
            (up, down) if up >= 9 * down.max(1) => ScanOrder::Ascending,
            (up, down) if down >= 9 * up.max(1) => ScanOrder::Descending,
            _ => ScanOrder::Mixed,
        }
    }

    fn pattern(&self) -> ScanPattern {
        if self.ports.count < LEAST_PORTS {
            return ScanPattern::Sweep;
        }
        let is_ordered = self.order() != ScanOrder::Mixed;
        // A step is missing where a port was left out or came out of order.
        let moves = self.ascents + self.descents;
        if is_ordered && self.neighbours * 10 >= moves * 8 {
            return ScanPattern::Sequential;
        }
        let range = u32::from(self.spread.1 - self.spread.0) + 1;
        let is_dense = self.ports.count >= range / 2;
        if !is_ordered && (is_dense || self.is_drawn_from_all()) {
            return ScanPattern::Random;
        }
        ScanPattern::List
    }

    /// Whether the ports lie as thick everywhere between the lowest and the highest, as by a draw from all of them: the sum of squares
    /// of Pearson's test stays within three times its mean.
    fn is_drawn_from_all(&self) -> bool {
        let slice = |port: u16| usize::from(port) * SLICES / 65_536;
        let (first, last) = (slice(self.spread.0), slice(self.spread.1));
        let inside = self.slices.get(first..=last).unwrap_or_default();
        if self.ports.count < LEAST_DRAWN || inside.len() < SLICES / 2 {
            return false;
        }
        let (count, total) = (inside.len() as u64, u64::from(self.ports.count));
        // Each term is (observed - total/count)² / (total/count), all multiplied by count·total.
        let squares: u64 = inside
            .iter()
            .map(|observed| (u64::from(*observed) * count).abs_diff(total).pow(2))
            .sum();
        squares <= 3 * count * count * total
    }

    fn scan(&self, first: &First) -> Detail {
        let duration = self.last.since(first.time).max(0) / 1_000;
        Detail::Scan(Box::new(Scan {
            ports: self.ports.count,
            destinations: u32::try_from(self.destinations.len()).unwrap_or(u32::MAX),
            attempts: self.attempts,
            duration_ms: u64::try_from(duration).unwrap_or_default(),
            order: self.order(),
            pattern: Some(self.pattern()),
            spread: Some(self.spread),
            first_ports: self.first_ports.clone(),
        }))
    }
}
