//! Which keys other than ports are watched. Attackers may make up a million passwords an hour, so there is a fixed number of
//! places of each kind, and a key gets one when a second source comes with it within 24 hours (before that no alarm could be
//! raised on it anyway); when the first one came is remembered, since it counts. Keys without a place are counted all together in
//! a sketch of fixed size too (`tail.rs`), which knows those that came with more keys than can be remembered one by one.
//!
//! When all places of a kind are taken, a newcomer gets that of a key that nobody has come with for two days; where there is none,
//! that of the least lively key (new sources, halved each day), as soon as clearly more sources came with the newcomer. So
//! whoever fills all places with made-up keys must bring more sources with each of them than a campaign brings with its own.
//! A newcomer begins anew, under a number that no key had before, and what the sketch counted of it before is its past.

use std::collections::{HashMap, VecDeque};

use kizashi_event::{Key, KeyKind};
use kizashi_store::KeyBin;
use serde::{Deserialize, Serialize};

use crate::counts::SeriesCount;
use crate::tail::Tail;
use crate::visits::Visits;

/// Numbers of key series begin here; those of ports are smaller.
pub(crate) const KEYS_FROM: u32 = 1 << 31;
/// The kinds watched, the most telling first, with their shares of the promise; ports and silence have the other half.
pub(crate) const KINDS: [(KeyKind, f64); 14] = [
    (KeyKind::Payload, 0.03),
    (KeyKind::PayloadCluster, 0.04),
    (KeyKind::CommandFamily, 0.06),
    (KeyKind::Signature, 0.03),
    (KeyKind::PathFamily, 0.06),
    (KeyKind::Pair, 0.06),
    (KeyKind::Password, 0.06),
    (KeyKind::User, 0.05),
    (KeyKind::Fingerprint, 0.02),
    (KeyKind::Client, 0.02),
    (KeyKind::Network, 0.02),
    (KeyKind::Country, 0.01),
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
/// Bins after which a key is half as lively: a day.
const HALF_AS_LIVELY: f32 = 144.0;
/// Sources from which a key may be watched, by the estimate of the sketch.
const SECOND: f64 = 1.5;
/// By how many sources a newcomer must be livelier than the key that makes room for it, and how many it must have at least: with
/// two no alarm is possible.
const LIVELIER: f64 = 1.0;
const LEAST_LIVELY: f64 = 2.5;
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
    /// Five eighths of the budget for places, a quarter for visits, a sixteenth for candidates; the last one is the sketch's.
    const fn of(bytes: usize) -> Self {
        Self {
            places: bytes / 8 * 5 / BYTES_A_PLACE,
            visits: bytes / 4 / BYTES_A_VISIT,
            candidates: bytes / 16 / BYTES_A_CANDIDATE,
        }
    }

    /// Places of one kind, by its share.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn places_of(&self, kind: usize) -> usize {
        let share = KINDS.get(kind).map_or(0.0, |(_, share)| share / SHARE_OF_KEYS);
        (self.places as f64 * share) as usize
    }
}

/// A watched key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    key: Key,
    series: u32,
    /// The bin in which anything last came with it.
    last: i64,
    /// New sources, halved each day, as they were in that bin.
    lively: f32,
}

impl Place {
    fn lively_at(&self, bin: i64) -> f32 {
        #[allow(clippy::cast_precision_loss, reason = "past 2^24 bins nothing is left")]
        let bins = bin.saturating_sub(self.last) as f32;
        self.lively * (-bins / HALF_AS_LIVELY).exp2()
    }
}

/// The keys that are watched, and a sketch of those that are not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(crate) struct KeySeries {
    bounds: Bounds,
    places: Vec<Place>,
    place_of: HashMap<Key, u32>,
    place_of_series: HashMap<u32, u32>,
    taken: [usize; KINDS.len()],
    /// The number of the next newcomer.
    next: u32,
    candidates: Candidates,
    tail: Tail,
    visits: Visits,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Saved(Bounds, Vec<Place>, u32, (Candidates, Tail), Visits);

impl From<Saved> for KeySeries {
    fn from(Saved(bounds, places, next, (candidates, tail), visits): Saved) -> Self {
        let numbered = || places.iter().zip(0_u32..);
        let place_of = numbered().map(|(place, at)| (place.key.clone(), at)).collect();
        let place_of_series = numbered().map(|(place, at)| (place.series, at)).collect();
        let mut taken = [0; KINDS.len()];
        for kind in places.iter().filter_map(|place| kind_index(place.key.kind)) {
            taken[kind] += 1;
        }
        Self { bounds, places, place_of, place_of_series, taken, next, candidates, tail, visits }
    }
}

impl From<KeySeries> for Saved {
    fn from(keys: KeySeries) -> Self {
        Self(keys.bounds, keys.places, keys.next, (keys.candidates, keys.tail), keys.visits)
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
    /// Series that are watched from this bin on.
    pub(crate) introduced: Vec<Introduced>,
}

/// A key that is watched from now on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Introduced {
    pub(crate) series: u32,
    /// The place of its kind in [`KINDS`].
    pub(crate) kind: usize,
    /// The series of the same kind that is watched no longer.
    pub(crate) replaces: Option<u32>,
    /// The bin in which its first source came, where that is remembered and it was not this one.
    pub(crate) first: Option<i64>,
    /// Otherwise the sources that came with it while it was not watched, nobody knows when.
    pub(crate) past: f64,
}

/// Places of one kind that may be given away, with how lively they are, the least lively last; worked out once a bin.
type Weakest = Option<Vec<(f64, u32)>>;

impl KeySeries {
    /// Nothing watched yet, within so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let tail = Tail::new(bytes / 16);
        let unwatched = (Candidates::default(), tail);
        Self::from(Saved(Bounds::of(bytes), Vec::new(), KEYS_FROM, unwatched, Visits::default()))
    }

    /// Keys that are watched.
    pub(crate) const fn len(&self) -> usize {
        self.places.len()
    }

    /// The key of a series.
    pub(crate) fn key(&self, series: u32) -> Option<&Key> {
        let place = self.place_of_series.get(&series)?;
        self.places.get(*place as usize).map(|place| &place.key)
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
        self.tail.advance(bin);
        self.candidates.forget_before(bin - REMEMBERED + 1);
        let mut counted = KeyRows::default();
        let mut weakest: [Weakest; KINDS.len()] = Default::default();
        for row in keys {
            let Some(kind) = kind_index(row.key.kind) else { continue };
            let place = match self.place_of.get(&row.key) {
                Some(place) => *place,
                None => {
                    let Some(new) = self.admit(bin, kind, row, &mut weakest[kind]) else {
                        continue;
                    };
                    counted.introduced.push(new);
                    self.place_of.get(&row.key).copied().unwrap_or(u32::MAX)
                }
            };
            let Some(place) = self.places.get_mut(place as usize) else { continue };
            let (series, most) = (place.series, self.bounds.visits);
            let fresh = self.visits.count_within(bin, series, &row.sources, most);
            #[allow(clippy::cast_precision_loss, reason = "how lively is known to 24 bits")]
            let lively = place.lively_at(bin) + fresh as f32;
            place.lively = lively;
            place.last = bin;
            counted.rows.push(SeriesCount { series, events: row.events, fresh });
        }
        counted.rows.sort_by_key(|row| row.series);
        counted
    }

    /// Counts what came with a key that is not watched, and gives it a place where it is due one.
    fn admit(
        &mut self,
        bin: i64,
        kind: usize,
        row: &KeyBin,
        weakest: &mut Weakest,
    ) -> Option<Introduced> {
        let hash = hash_of(&row.key);
        let past = self.tail.sources(hash);
        self.tail.add(hash, &row.sources);
        let now = self.tail.sources(hash);
        let first = self.candidates.first_before(bin, hash, &row.sources, self.bounds.candidates);
        if row.sources.len() < 2 && first.is_none() && now < SECOND {
            return None;
        }
        let series = Some(self.next).filter(|series| *series < u32::MAX)?;
        let place = Place { key: row.key.clone(), series, last: bin, lively: past as f32 };
        let (at, replaces) = if self.taken[kind] < self.bounds.places_of(kind).max(1) {
            let at = u32::try_from(self.places.len()).ok()?;
            self.places.push(place);
            self.taken[kind] += 1;
            (at, None)
        } else {
            let weakest = weakest.get_or_insert_with(|| self.weakest(bin, row.key.kind));
            let &(lively, at) = weakest.last()?;
            if lively > 0.0 && (now < LEAST_LIVELY || now < lively + LIVELIER) {
                return None;
            }
            weakest.pop();
            let old = std::mem::replace(self.places.get_mut(at as usize)?, place);
            self.place_of.remove(&old.key);
            self.place_of_series.remove(&old.series);
            (at, Some(old.series))
        };
        self.next += 1;
        self.place_of.insert(row.key.clone(), at);
        self.place_of_series.insert(series, at);
        self.candidates.forget(hash);
        let past = if first.is_some() { 0.0 } else { past };
        if let Some((source, _)) = first {
            // It was counted in its own bin.
            self.visits.count_within(bin, series, &[source], self.bounds.visits);
        }
        let first = first.map(|(_, bin)| bin);
        Some(Introduced { series, kind, replaces, first, past })
    }

    /// Places of a kind by how lively they are; a key that was quiet for the longest window is not lively at all.
    fn weakest(&self, bin: i64, kind: KeyKind) -> Vec<(f64, u32)> {
        let lively = |place: &Place| {
            if place.last < bin - QUIET { 0.0 } else { f64::from(place.lively_at(bin)).max(1e-3) }
        };
        let mut places: Vec<(f64, i64, u32)> = self
            .places
            .iter()
            .zip(0_u32..)
            .filter(|(place, _)| place.key.kind == kind && place.last < bin)
            .map(|(place, at)| (lively(place), place.last, at))
            .collect();
        places
            .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (b.1, b.2).cmp(&(a.1, a.2))));
        places.into_iter().map(|(lively, _, at)| (lively, at)).collect()
    }

    /// Bytes held, counted from above: what the budget is measured against.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        let text: usize = self.places.iter().map(|place| place.key.text.len()).sum();
        text + self.places.len() * 4_096
            + self.visits.len() * BYTES_A_VISIT
            + self.candidates.first_of.len() * BYTES_A_CANDIDATE
            + self.tail.bytes()
    }
}

/// Keys that one source has come with, by their hash: a collision lets a key in early, no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "VecDeque<(i64, Vec<(u64, u32)>)>", into = "VecDeque<(i64, Vec<(u64, u32)>)>")]
struct Candidates {
    /// The source and the bin.
    first_of: HashMap<u64, (u32, i64)>,
    by_bin: VecDeque<(i64, Vec<(u64, u32)>)>,
}

impl From<VecDeque<(i64, Vec<(u64, u32)>)>> for Candidates {
    fn from(by_bin: VecDeque<(i64, Vec<(u64, u32)>)>) -> Self {
        let of_bin = |(bin, keys): &(i64, Vec<(u64, u32)>)| {
            let bin = *bin;
            keys.iter().map(move |(hash, source)| (*hash, (*source, bin))).collect::<Vec<_>>()
        };
        Self { first_of: by_bin.iter().flat_map(of_bin).collect(), by_bin }
    }
}

impl From<Candidates> for VecDeque<(i64, Vec<(u64, u32)>)> {
    fn from(candidates: Candidates) -> Self {
        candidates.by_bin
    }
}

impl Candidates {
    /// The first source and the earlier bin in which it came, when another one comes now; a first one is remembered.
    fn first_before(
        &mut self,
        bin: i64,
        hash: u64,
        sources: &[u32],
        most: usize,
    ) -> Option<(u32, i64)> {
        if let Some(&first) = self.first_of.get(&hash) {
            return Some(first).filter(|_| sources.iter().any(|source| *source != first.0));
        }
        let &[source] = sources else { return None };
        while self.first_of.len() >= most.max(1) {
            let Some((_, oldest)) = self.by_bin.front_mut() else { break };
            match oldest.pop() {
                Some((hash, _)) => drop(self.first_of.remove(&hash)),
                None => drop(self.by_bin.pop_front()),
            }
        }
        self.first_of.insert(hash, (source, bin));
        match self.by_bin.back_mut() {
            Some((last, keys)) if *last == bin => keys.push((hash, source)),
            _ => self.by_bin.push_back((bin, vec![(hash, source)])),
        }
        None
    }

    /// Forgets a key that is watched now, but for its line in the list.
    fn forget(&mut self, hash: u64) {
        if let Some((_, bin)) = self.first_of.remove(&hash)
            && let Ok(at) = self.by_bin.binary_search_by_key(&bin, |(bin, _)| *bin)
            && let Some((_, keys)) = self.by_bin.get_mut(at)
        {
            keys.retain(|(of, _)| *of != hash);
        }
    }

    fn forget_before(&mut self, first_kept: i64) {
        while self.by_bin.front().is_some_and(|(bin, _)| *bin < first_kept) {
            for (hash, _) in self.by_bin.pop_front().into_iter().flat_map(|(_, keys)| keys) {
                self.first_of.remove(&hash);
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
        KeyBin { key, events: sources.len() as u64, sources: sources.to_vec(), head: Vec::new() }
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
        let second = keys.count(143, &[password("a", &[2])]);
        assert_eq!((second.introduced[0].first, second.rows[0].fresh), (Some(0), 1));
        assert!(keys.count(150, &[password("b", &[1])]).rows.is_empty());
        assert!(keys.count(150 + 288, &[password("b", &[2])]).rows.is_empty(), "two days later");
        assert_eq!(keys.count(450, &[password("c", &[1, 2])]).rows[0].fresh, 2);
    }

    /// A million an hour in a release build (`--bench tail`), fewer here.
    #[test]
    fn made_up_keys_do_not_grow_memory_past_the_budget() {
        let budget = 4 << 20;
        let mut keys = KeySeries::new(budget);
        for bin in 0..12 {
            for part in 0..3_u32 {
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
    fn a_rising_key_gets_a_place_though_all_are_taken_by_made_up_ones() {
        let mut keys = KeySeries::new(4 << 20);
        let mut source = 0;
        let mut two = || {
            source += 2;
            [source, source + 1]
        };
        let mut watched_since = None;
        for bin in 0..40 {
            let mut rows: Vec<KeyBin> =
                (0..400).map(|n| password(&format!("junk {bin} {n}"), &two())).collect();
            if bin >= 20 {
                rows.push(password("xmhdipc", &[1_000_000 + bin as u32]));
            }
            let counted = keys.count(bin, &rows);
            let risen = counted
                .introduced
                .iter()
                .find(|new| keys.key(new.series).is_some_and(|key| &*key.text == "xmhdipc"));
            if let Some(new) = risen {
                assert!(
                    new.replaces.is_some() && (new.past >= 1.5 || new.first == Some(20)),
                    "{new:?}"
                );
                watched_since.get_or_insert(bin);
            }
        }
        let bin = watched_since.unwrap();
        assert!((22..=30).contains(&bin), "watched since {bin}");
        let password = Key::new(KeyKind::Password, "xmhdipc");
        assert!(keys.place_of.contains_key(&password), "and keeps its place");
    }

    #[test]
    fn a_place_that_was_quiet_for_two_days_is_given_to_a_newcomer_under_another_number() {
        let mut keys = KeySeries::new(1 << 20);
        let places = keys.bounds.places_of(kind_index(KeyKind::Password).unwrap());
        let all: Vec<KeyBin> = (0..places).map(|n| password(&n.to_string(), &[1, 2])).collect();
        assert_eq!(keys.count(0, &all).rows.len(), places);
        assert!(keys.count(QUIET, &[password("new", &[1, 2])]).rows.is_empty());
        keys.count(QUIET, &[password("0", &[3])]);
        let new = keys.count(QUIET + 1, &[password("new", &[1, 2])]);
        assert_eq!((new.rows.len(), new.rows[0].fresh), (1, 2));
        let replaced = new.introduced[0].replaces.unwrap();
        assert!(replaced != KEYS_FROM, "the busy one keeps its place");
        assert_eq!(&*keys.key(new.rows[0].series).unwrap().text, "new");
        assert_eq!((keys.key(replaced), keys.len()), (None, places));
    }
}
