//! Which keys other than ports are watched. Attackers may make up a million passwords an hour, so there is a fixed number of
//! places of each kind, and a key gets one when a second source comes with it within 24 hours (before that no alarm could be
//! raised on it anyway). When all places are taken, that of a key that nobody has come with for two days is given away: its
//! windows are empty, and what is left of its past only makes the newcomer look less new. Where none is free, a newcomer
//! is counted in the store and not watched.

use std::collections::{HashMap, VecDeque};

use kizashi_event::{Key, KeyKind};
use kizashi_store::KeyBin;
use serde::{Deserialize, Serialize};

use crate::counts::SeriesCount;
use crate::visits::Visits;

/// Numbers of key series begin here; those of ports are smaller.
pub(crate) const KEYS_FROM: u32 = 1 << 31;
/// The kinds watched, the most telling first, with their shares of the promise; ports and silence have the other half.
pub(crate) const KINDS: [(KeyKind, f64); 12] = [
    (KeyKind::Payload, 0.03),
    (KeyKind::PayloadCluster, 0.04),
    (KeyKind::CommandFamily, 0.07),
    (KeyKind::PathFamily, 0.07),
    (KeyKind::Pair, 0.06),
    (KeyKind::Password, 0.07),
    (KeyKind::User, 0.05),
    (KeyKind::Fingerprint, 0.02),
    (KeyKind::Client, 0.02),
    (KeyKind::Network, 0.03),
    (KeyKind::Service, 0.03),
    (KeyKind::Total, 0.01),
];
/// The share of the promise that rises of ports have.
pub(crate) const SHARE_OF_PORTS: f64 = 0.45;
/// The share that ports which fall silent have.
pub(crate) const SHARE_OF_SILENT_PORTS: f64 = 0.04;
/// The share that the silence of the whole sensor has.
pub(crate) const SHARE_OF_SILENT_SENSOR: f64 = 0.01;
/// The share that all keys of [`KINDS`] have together.
const SHARE_OF_KEYS: f64 = 1.0 - SHARE_OF_PORTS - SHARE_OF_SILENT_PORTS - SHARE_OF_SILENT_SENSOR;
/// Bins of silence after which a place may be given away: the detector's longest window.
const QUIET: i64 = 288;
/// Bins for which a key with one source is remembered: 24 hours.
const REMEMBERED: i64 = 144;
/// Bytes that a watched key may take: its text, its counts of two days and what is known of its past.
const BYTES_A_PLACE: usize = 8_192;
/// Bytes of a remembered visit, in the set and in its list.
const BYTES_A_VISIT: usize = 32;
/// Bytes of a key that has had one source.
const BYTES_A_CANDIDATE: usize = 64;

/// How many of each there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Bounds {
    places: usize,
    visits: usize,
    candidates: usize,
}

impl Bounds {
    /// Five eighths of the budget for places, a quarter for visits, an eighth for candidates.
    const fn of(bytes: usize) -> Self {
        Self {
            places: bytes / 8 * 5 / BYTES_A_PLACE,
            visits: bytes / 4 / BYTES_A_VISIT,
            candidates: bytes / 8 / BYTES_A_CANDIDATE,
        }
    }

    /// Places of one kind, by its share.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn places_of(&self, kind: usize) -> usize {
        let share = KINDS.get(kind).map_or(0.0, |(_, share)| share / SHARE_OF_KEYS);
        (self.places as f64 * share) as usize
    }
}

/// A watched key and the bin in which anything last came with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    key: Key,
    last: i64,
}

/// The keys that are watched, and those that may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(crate) struct KeySeries {
    bounds: Bounds,
    places: Vec<Place>,
    place_of: HashMap<Key, u32>,
    taken: [usize; KINDS.len()],
    candidates: Candidates,
    visits: Visits,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Saved(Bounds, Vec<Place>, Candidates, Visits);

impl From<Saved> for KeySeries {
    fn from(Saved(bounds, places, candidates, visits): Saved) -> Self {
        let place_of =
            places.iter().zip(0_u32..).map(|(place, at)| (place.key.clone(), at)).collect();
        let mut taken = [0; KINDS.len()];
        for kind in places.iter().filter_map(|place| kind_index(place.key.kind)) {
            taken[kind] += 1;
        }
        Self { bounds, places, place_of, taken, candidates, visits }
    }
}

impl From<KeySeries> for Saved {
    fn from(keys: KeySeries) -> Self {
        Self(keys.bounds, keys.places, keys.candidates, keys.visits)
    }
}

/// The place of a kind in [`KINDS`]; `None` where keys of that kind are not watched.
pub(crate) fn kind_index(kind: KeyKind) -> Option<usize> {
    KINDS.iter().position(|(watched, _)| *watched == kind)
}

/// What a bin held of keys.
#[derive(Debug, Default)]
pub(crate) struct KeyRows {
    /// Ordered by series.
    pub(crate) rows: Vec<SeriesCount>,
    /// Series that are watched from this bin on, with the place of their kind in [`KINDS`].
    pub(crate) introduced: Vec<(u32, usize)>,
}

impl KeySeries {
    /// Nothing watched yet, within so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self::from(Saved(Bounds::of(bytes), Vec::new(), Candidates::default(), Visits::default()))
    }

    /// Keys that are watched.
    pub(crate) const fn len(&self) -> usize {
        self.places.len()
    }

    /// The key of a series.
    pub(crate) fn key(&self, series: u32) -> Option<&Key> {
        let place = series.checked_sub(KEYS_FROM)?;
        self.places.get(place as usize).map(|place| &place.key)
    }

    /// The series of a key that is watched.
    pub(crate) fn find(&self, key: &Key) -> Option<u32> {
        self.place_of.get(key).map(|place| KEYS_FROM + place)
    }

    /// The sources counted of a series from bin `since` on, as far as they are remembered.
    pub(crate) fn sources_since(&self, series: u32, since: i64) -> Vec<u32> {
        self.visits.sources_since(series, since)
    }

    /// What a bin held, and which keys are watched from now on. Bins must not go backward.
    pub(crate) fn count(&mut self, bin: i64, keys: &[KeyBin]) -> KeyRows {
        self.candidates.forget_before(bin - REMEMBERED + 1);
        let mut counted = KeyRows::default();
        let mut free: [Option<Vec<u32>>; KINDS.len()] = Default::default();
        for row in keys {
            let Some(kind) = kind_index(row.key.kind) else { continue };
            let place = match self.place_of.get(&row.key) {
                Some(place) => *place,
                None => {
                    if !self.candidates.is_second(
                        bin,
                        &row.key,
                        &row.sources,
                        self.bounds.candidates,
                    ) {
                        continue;
                    }
                    let Some(place) = self.make_place(bin, kind, &row.key, &mut free[kind]) else {
                        continue;
                    };
                    counted.introduced.push((KEYS_FROM + place, kind));
                    place
                }
            };
            if let Some(place) = self.places.get_mut(place as usize) {
                place.last = bin;
            }
            let series = KEYS_FROM + place;
            let fresh = self.visits.count_within(bin, series, &row.sources, self.bounds.visits);
            counted.rows.push(SeriesCount { series, events: row.events, fresh });
        }
        counted.rows.sort_by_key(|row| row.series);
        counted
    }

    /// A place for a key: a new one, or that of the key of its kind that has been quiet for longest.
    fn make_place(
        &mut self,
        bin: i64,
        kind: usize,
        key: &Key,
        free: &mut Option<Vec<u32>>,
    ) -> Option<u32> {
        let place = if self.taken[kind] < self.bounds.places_of(kind).max(1) {
            let place = u32::try_from(self.places.len()).ok().filter(|place| *place < KEYS_FROM)?;
            self.places.push(Place { key: key.clone(), last: bin });
            self.taken[kind] += 1;
            place
        } else {
            let place = free.get_or_insert_with(|| self.quiet(bin, key.kind)).pop()?;
            let taken = self.places.get_mut(place as usize)?;
            self.place_of.remove(&taken.key);
            *taken = Place { key: key.clone(), last: bin };
            place
        };
        self.place_of.insert(key.clone(), place);
        Some(place)
    }

    /// Places of a kind that may be given away, the quietest last.
    fn quiet(&self, bin: i64, kind: KeyKind) -> Vec<u32> {
        let mut quiet: Vec<(i64, u32)> = self
            .places
            .iter()
            .zip(0_u32..)
            .filter(|(place, _)| place.key.kind == kind && place.last < bin - QUIET)
            .map(|(place, at)| (place.last, at))
            .collect();
        quiet.sort_unstable_by(|a, b| b.cmp(a));
        quiet.into_iter().map(|(_, at)| at).collect()
    }

    /// Bytes held, counted from above: what the budget is measured against.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        let text: usize = self.places.iter().map(|place| place.key.text.len()).sum();
        text + self.places.len() * 4_096
            + self.visits.len() * BYTES_A_VISIT
            + self.candidates.source_of.len() * BYTES_A_CANDIDATE
    }
}

/// Keys that one source has come with, by their hash: a collision lets a key in early, no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "VecDeque<(i64, Vec<(u64, u32)>)>", into = "VecDeque<(i64, Vec<(u64, u32)>)>")]
struct Candidates {
    source_of: HashMap<u64, u32>,
    by_bin: VecDeque<(i64, Vec<(u64, u32)>)>,
}

impl From<VecDeque<(i64, Vec<(u64, u32)>)>> for Candidates {
    fn from(by_bin: VecDeque<(i64, Vec<(u64, u32)>)>) -> Self {
        let source_of = by_bin.iter().flat_map(|(_, keys)| keys).copied().collect();
        Self { source_of, by_bin }
    }
}

impl From<Candidates> for VecDeque<(i64, Vec<(u64, u32)>)> {
    fn from(candidates: Candidates) -> Self {
        candidates.by_bin
    }
}

impl Candidates {
    /// Whether a second source comes with a key now; a first one is remembered.
    fn is_second(&mut self, bin: i64, key: &Key, sources: &[u32], most: usize) -> bool {
        let &[source] = sources else { return !sources.is_empty() };
        let hash = hash_of(key);
        if let Some(first) = self.source_of.get(&hash) {
            return *first != source;
        }
        while self.source_of.len() >= most.max(1) {
            let Some((_, oldest)) = self.by_bin.front_mut() else { break };
            match oldest.pop() {
                Some((hash, _)) => drop(self.source_of.remove(&hash)),
                None => drop(self.by_bin.pop_front()),
            }
        }
        self.source_of.insert(hash, source);
        match self.by_bin.back_mut() {
            Some((last, keys)) if *last == bin => keys.push((hash, source)),
            _ => self.by_bin.push_back((bin, vec![(hash, source)])),
        }
        false
    }

    fn forget_before(&mut self, first_kept: i64) {
        while self.by_bin.front().is_some_and(|(bin, _)| *bin < first_kept) {
            for (hash, _) in self.by_bin.pop_front().into_iter().flat_map(|(_, keys)| keys) {
                self.source_of.remove(&hash);
            }
        }
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv), of the kind and the text: the same on every machine.
pub(crate) fn hash_of(key: &Key) -> u64 {
    let bytes = key.kind.name().bytes().chain([0]).chain(key.text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str, sources: &[u32]) -> KeyBin {
        let key = Key::new(KeyKind::Password, text);
        KeyBin { key, events: sources.len() as u64, sources: sources.to_vec() }
    }

    #[test]
    fn the_shares_of_all_kinds_make_the_promise() {
        let sum: f64 = KINDS.iter().map(|(_, share)| share).sum();
        assert!((sum - SHARE_OF_KEYS).abs() < 1e-9 && SHARE_OF_KEYS > 0.0);
    }

    #[test]
    fn a_key_is_watched_from_its_second_source_within_a_day() {
        let mut keys = KeySeries::new(64 << 20);
        assert!(keys.count(0, &[password("a", &[1])]).rows.is_empty());
        assert!(keys.count(1, &[password("a", &[1])]).rows.is_empty(), "the same source again");
        let second = keys.count(2, &[password("a", &[2])]);
        assert_eq!((second.introduced.len(), second.rows[0].fresh), (1, 1));
        assert!(keys.count(3, &[password("b", &[1])]).rows.is_empty());
        assert!(keys.count(3 + REMEMBERED, &[password("b", &[2])]).rows.is_empty(), "a day later");
        assert_eq!(keys.count(200, &[password("c", &[1, 2])]).rows[0].fresh, 2);
    }

    #[test]
    fn a_million_made_up_keys_an_hour_do_not_grow_memory_past_the_budget() {
        let budget = 4 << 20;
        let mut keys = KeySeries::new(budget);
        for bin in 0..12 {
            for part in 0..41_u32 {
                let flood: Vec<KeyBin> = (0..4_096_u32)
                    .map(|n| {
                        let sources: &[u32] = if n % 2 == 0 { &[n] } else { &[n, n + 1] };
                        password(&format!("{bin}-{part}-{n}"), sources)
                    })
                    .collect();
                keys.count(bin, &flood);
            }
        }
        assert!(keys.bytes() <= budget, "{} bytes", keys.bytes());
        let saved = postcard::to_allocvec(&keys).unwrap();
        assert!(saved.len() <= budget);
        assert_eq!(postcard::from_bytes::<KeySeries>(&saved).unwrap(), keys);
    }

    #[test]
    fn a_place_that_was_quiet_for_two_days_is_given_to_a_newcomer() {
        let mut keys = KeySeries::new(1 << 20);
        let places = keys.bounds.places_of(kind_index(KeyKind::Password).unwrap());
        let all: Vec<KeyBin> = (0..places).map(|n| password(&n.to_string(), &[1, 2])).collect();
        assert_eq!(keys.count(0, &all).rows.len(), places);
        assert!(keys.count(QUIET, &[password("new", &[1, 2])]).rows.is_empty());
        keys.count(QUIET, &[password("0", &[3])]);
        let new = keys.count(QUIET + 1, &[password("new", &[1, 2])]);
        assert_eq!(new.rows.len(), 1);
        assert_ne!(new.rows[0].series, KEYS_FROM, "the busy one keeps its place");
        assert_eq!(&*keys.key(new.rows[0].series).unwrap().text, "new");
        assert_eq!(keys.len(), places);
    }
}
