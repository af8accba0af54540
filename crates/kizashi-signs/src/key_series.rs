//! Which keys other than ports are watched. Attackers may make up a million passwords an hour, so there is a fixed number of
//! places of each kind, and a key gets one when a second source comes with it within 24 hours (before that no alarm could be
//! raised on it anyway); when the first one came is remembered, since it counts. Keys without a place are counted all together in
//! a sketch of fixed size too (`tail.rs`), which knows those that came with more keys than can be remembered one by one.
//!
//! When all places of a kind are taken, a newcomer gets that of a key that nobody has come with for two days; where there is none,
//! that of the least lively key (new sources, halved each day), as soon as clearly more sources came with the newcomer. So
//! whoever fills all places with made-up keys must bring more sources with each of them than a campaign brings with its own.
//! A newcomer begins anew, under a number that no key had before, and what the sketch counted of it before is its past.

mod candidates;
mod sources;

use std::collections::HashMap;

use candidates::Candidates;
use kizashi_detect::gamma_poisson::Partition;
use kizashi_event::{Key, KeyKind};
use serde::{Deserialize, Serialize};

use crate::counts::SeriesCount;
use crate::shares::{KeyRow, Remembered, Shares, Visit, Which, partition_of};
use crate::tail::Tail;

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
    /// How many visits parts remember.
    visits: Remembered,
    /// Parts that hold keys.
    partitions: Partition,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Saved(Bounds, Vec<Place>, u32, (Candidates, Tail), (Remembered, Partition));

impl From<Saved> for KeySeries {
    fn from(saved: Saved) -> Self {
        let Saved(bounds, places, next, (candidates, tail), (visits, partitions)) = saved;
        let numbered = || places.iter().zip(0_u32..);
        let place_of = numbered().map(|(place, at)| (place.key.clone(), at)).collect();
        let place_of_series = numbered().map(|(place, at)| (place.series, at)).collect();
        let mut taken = [0; KINDS.len()];
        for kind in places.iter().filter_map(|place| kind_index(place.key.kind)) {
            taken[kind] += 1;
        }
        Self {
            bounds,
            places,
            place_of,
            place_of_series,
            taken,
            next,
            candidates,
            tail,
            visits,
            partitions,
        }
    }
}

impl From<KeySeries> for Saved {
    fn from(keys: KeySeries) -> Self {
        let unwatched = (keys.candidates, keys.tail);
        Self(keys.bounds, keys.places, keys.next, unwatched, (keys.visits, keys.partitions))
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
    /// The part that holds it.
    pub(crate) partition: Partition,
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
    /// Nothing watched yet, within so many bytes, of which so many parts hold what is watched.
    pub(crate) fn new(bytes: usize, partitions: Partition) -> Self {
        let unwatched = (Candidates::default(), Tail::new(bytes / 16));
        let visits = (Remembered::default(), partitions);
        Self::from(Saved(Bounds::of(bytes), Vec::new(), KEYS_FROM, unwatched, visits))
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

    /// What a bin held, and which keys are watched from now on. Bins must not go backward.
    pub(crate) fn count(
        &mut self,
        shares: &mut impl Shares,
        bin: i64,
        keys: &[KeyRow<'_>],
    ) -> KeyRows {
        self.tail.advance(bin);
        self.candidates.forget_before(bin - REMEMBERED + 1);
        let mut unwatched = self.sources_of_unwatched(shares, keys);
        let mut introduced = Vec::new();
        let mut weakest: [Weakest; KINDS.len()] = Default::default();
        let (mut visits, mut events) = (Vec::new(), Vec::new());
        for row in keys {
            let Some(kind) = kind_index(row.key.kind) else { continue };
            let mut first = None;
            let place = match self.place_of.get(&*row.key) {
                Some(place) => *place,
                None => {
                    let sources = match unwatched.remove(&row.row) {
                        Some(sources) => sources,
                        // Its place was given away in this very bin.
                        None => self.sources_in(shares, row),
                    };
                    let new = self.admit((bin, kind), &row.key, &sources, &mut weakest[kind]);
                    let Some((new, source)) = new else { continue };
                    introduced.push(new);
                    first = source;
                    self.place_of.get(&*row.key).copied().unwrap_or(u32::MAX)
                }
            };
            let Some(place) = self.places.get_mut(place as usize) else { continue };
            (place.lively, place.last) = (place.lively_at(bin), bin);
            let holder = partition_of(&row.key, self.partitions);
            visits.push((holder, Visit { row: row.row, series: place.series, first }, row.sources));
            events.push(row.events);
        }
        let most = self.bounds.visits;
        let fresh = self.visits.count(shares, (Which::Keys, bin), &visits, most);
        let counts = visits.iter().zip(events).zip(fresh);
        let mut rows: Vec<SeriesCount> = counts
            .map(|(((_, visit, _), events), fresh)| {
                self.enliven(visit.series, fresh);
                SeriesCount { series: visit.series, events, fresh }
            })
            .collect();
        rows.sort_by_key(|row| row.series);
        KeyRows { rows, introduced }
    }

    /// Notes how many new sources came with a key in the running bin.
    fn enliven(&mut self, series: u32, fresh: u32) {
        let place = self.place_of_series.get(&series).copied();
        if let Some(place) = place.and_then(|place| self.places.get_mut(place as usize)) {
            #[allow(clippy::cast_precision_loss, reason = "how lively is known to 24 bits")]
            let fresh = fresh as f32;
            place.lively += fresh;
        }
    }

    /// Counts what came with a key that is not watched, and gives it a place where it is due one; with it the source that came in an
    /// earlier bin, where that is remembered.
    fn admit(
        &mut self,
        (bin, kind): (i64, usize),
        key: &Key,
        sources: &[u32],
        weakest: &mut Weakest,
    ) -> Option<(Introduced, Option<u32>)> {
        let hash = hash_of(key);
        let past = self.tail.sources(hash);
        self.tail.add(hash, sources);
        let now = self.tail.sources(hash);
        let first = self.candidates.first_before(bin, hash, sources, self.bounds.candidates);
        if sources.len() < 2 && first.is_none() && now < SECOND {
            return None;
        }
        let series = Some(self.next).filter(|series| *series < u32::MAX)?;
        let place = Place { key: key.clone(), series, last: bin, lively: past as f32 };
        let (at, replaces) = if self.taken[kind] < self.bounds.places_of(kind).max(1) {
            let at = u32::try_from(self.places.len()).ok()?;
            self.places.push(place);
            self.taken[kind] += 1;
            (at, None)
        } else {
            let weakest = weakest.get_or_insert_with(|| self.weakest(bin, key.kind));
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
        self.place_of.insert(key.clone(), at);
        self.place_of_series.insert(series, at);
        self.candidates.forget(hash);
        let past = if first.is_some() { 0.0 } else { past };
        // It was counted in its own bin.
        let (source, first) = first.unzip();
        let partition = partition_of(key, self.partitions);
        Some((Introduced { series, partition, kind, replaces, first, past }, source))
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
            + self.candidates.len() * BYTES_A_CANDIDATE
            + self.tail.bytes()
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
    use kizashi_event::Timestamp;
    use kizashi_store::{ClosedBin, KeyBin};

    use super::*;
    use crate::Campaigns;
    use crate::shares::{BinRows, Local, Part};

    /// Keys with the one part that holds them.
    struct Alone(KeySeries, Part);

    impl Alone {
        fn new(bytes: usize) -> Self {
            Self(KeySeries::new(bytes, 1), Part::default())
        }

        fn count(&mut self, bin: i64, keys: &[KeyBin]) -> KeyRows {
            let start = Timestamp::default();
            let closed = ClosedBin { start, ports: Vec::new(), keys: keys.to_vec() };
            let rows = BinRows::of(&closed, &Campaigns::builtin());
            let parts = std::slice::from_mut(&mut self.1);
            self.0.count(&mut Local { parts, bin: Some(&closed) }, bin, &rows.keys)
        }
    }

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
        let mut keys = Alone::new(64 << 20);
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
        let mut keys = Alone::new(budget);
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
        assert!(keys.0.bytes() <= budget, "{} bytes", keys.0.bytes());
        let saved = postcard::to_allocvec(&keys.0).unwrap();
        assert!(saved.len() <= budget);
        assert_eq!(postcard::from_bytes::<KeySeries>(&saved).unwrap(), keys.0);
    }

    #[test]
    fn a_rising_key_gets_a_place_though_all_are_taken_by_made_up_ones() {
        let mut keys = Alone::new(4 << 20);
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
                .find(|new| keys.0.key(new.series).is_some_and(|key| &*key.text == "xmhdipc"));
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
        assert!(keys.0.place_of.contains_key(&password), "and keeps its place");
    }

    #[test]
    fn a_place_that_was_quiet_for_two_days_is_given_to_a_newcomer_under_another_number() {
        let mut keys = Alone::new(1 << 20);
        let places = keys.0.bounds.places_of(kind_index(KeyKind::Password).unwrap());
        let all: Vec<KeyBin> = (0..places).map(|n| password(&n.to_string(), &[1, 2])).collect();
        assert_eq!(keys.count(0, &all).rows.len(), places);
        assert!(keys.count(QUIET, &[password("new", &[1, 2])]).rows.is_empty());
        keys.count(QUIET, &[password("0", &[3])]);
        let new = keys.count(QUIET + 1, &[password("new", &[1, 2])]);
        assert_eq!((new.rows.len(), new.rows[0].fresh), (1, 2));
        let replaced = new.introduced[0].replaces.unwrap();
        assert!(replaced != KEYS_FROM, "the busy one keeps its place");
        assert_eq!(&*keys.0.key(new.rows[0].series).unwrap().text, "new");
        assert_eq!((keys.0.key(replaced), keys.0.len()), (None, places));
    }
}
