//! A ranking over days with many keys, without reading them all: Fagin's threshold algorithm (R. Fagin, A. Lotem, M. Naor, Optimal
//! aggregation algorithms for middleware, 2003). Days whose first places are kept (`writer/leaders.rs`) are lists, the rest of the span is
//! one more list that is read whole. The lists are gone down together; every key that appears is counted over the whole span. A key
//! that has not appeared has at most what the lists show at this depth together: once the last place wanted has more, nothing can change.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use kizashi_event::KeyKind;
use rusqlite::OptionalExtension as _;

use super::Reader;
use super::top::{Counted, Parts, place};
use crate::codes::{Leader, kind_code, unpack_leaders};

/// Seeks in days' counts after which reading every key is no worse.
const MOST_SEEKS: usize = 20_000;

/// A day's first places, or all of the rest.
struct List {
    leaders: Vec<Leader>,
    /// Whether a key that is not in it has nothing there.
    whole: bool,
}

/// The whole days of a span: those whose places are kept, and the others.
#[derive(Default)]
struct Days {
    ranked: Vec<(i64, List)>,
    others: Vec<i64>,
}

impl List {
    /// What a key has here at most that did not appear before this depth.
    fn bound(&self, depth: usize) -> u64 {
        match self.leaders.get(depth) {
            Some(leader) => leader.events,
            None if self.whole => 0,
            None => self.leaders.last().map_or(0, |leader| leader.events),
        }
    }
}

impl Reader {
    /// The first places over a span in which there are days with kept places; `None` where there are none, or these do not reach.
    pub(super) fn by_leaders(
        &self,
        kind: KeyKind,
        parts: &Parts,
        limit: usize,
    ) -> rusqlite::Result<Option<Vec<Counted>>> {
        let Days { ranked, others } = self.leading_days(kind, parts)?;
        if ranked.is_empty() || limit == 0 {
            return Ok(None);
        }
        let mut rest: HashMap<u32, (u64, u64)> = HashMap::new();
        self.add_hours(kind, parts.hours(), &mut rest)?;
        self.add_days(kind, others.into_iter(), &mut rest)?;
        let mut leaders: Vec<Leader> =
            rest.iter().map(|(key, (events, _))| Leader { key: *key, events: *events }).collect();
        leaders.sort_unstable_by_key(|leader| Reverse(leader.events));
        let (days, mut lists): (Vec<i64>, Vec<List>) = ranked.into_iter().unzip();
        lists.push(List { leaders, whole: true });
        let mut best: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
        let (mut seen, mut counted) = (HashSet::new(), Vec::new());
        let deepest = lists.iter().map(|list| list.leaders.len()).max().unwrap_or(0);
        for depth in 0..=deepest {
            if seen.len() * days.len() > MOST_SEEKS {
                break;
            }
            let bound: u64 = lists.iter().map(|list| list.bound(depth)).sum();
            if bound == 0 || best.len() == limit && best.peek().is_some_and(|last| last.0 > bound) {
                counted.sort_unstable_by_key(place);
                counted.truncate(limit);
                return Ok(Some(counted));
            }
            for leader in lists.iter().filter_map(|list| list.leaders.get(depth)) {
                if !seen.insert(leader.key) {
                    continue;
                }
                let rest = rest.get(&leader.key).copied().unwrap_or_default();
                let (events, sessions) = self.counts_on(kind, leader.key, days.iter().copied())?;
                let counts = (rest.0 + events, rest.1 + sessions);
                if counts.0 > 0 {
                    counted.push((leader.key, counts));
                    best.push(Reverse(counts.0));
                    if best.len() > limit {
                        best.pop();
                    }
                }
            }
        }
        Ok(None)
    }

    fn leading_days(&self, kind: KeyKind, parts: &Parts) -> rusqlite::Result<Days> {
        // A store that an older Kizashi wrote last keeps no places.
        let knows = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'day_leaders'";
        if !self.connection.prepare_cached(knows)?.exists([])? {
            return Ok(Days::default());
        }
        let mut read = self
            .connection
            .prepare_cached("SELECT leaders FROM day_leaders WHERE day = ?1 AND kind = ?2")?;
        let mut days = Days::default();
        for day in parts.days.clone() {
            let leaders: Option<Vec<u8>> =
                read.query_row((day, kind_code(kind)), |row| row.get(0)).optional()?;
            match leaders {
                Some(bytes) => {
                    days.ranked.push((day, List { leaders: unpack_leaders(&bytes), whole: false }));
                }
                None => days.others.push(day),
            }
        }
        Ok(days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;
    use crate::codes::stored;
    use crate::schema::{FILE, open_to_write};
    use crate::scratch::Folder;
    use crate::writer::rank_day;

    const SOURCE: i64 = 3;
    const DAYS: std::ops::Range<i64> = 100..106;
    const KEYS: u32 = 6_000;

    /// How often a key came on a day: few come often, and not on each day the same.
    fn events_of(key: u32, day: i64) -> u64 {
        let turned = u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (day as u64) << 7;
        let place = turned.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40;
        20_000 / (1 + place % u64::from(KEYS)) + u64::from(key.is_multiple_of(3))
    }

    fn store(folder: &Folder) -> rusqlite::Connection {
        let connection = open_to_write(&folder.path().join(FILE)).unwrap();
        let mut daily =
            connection.prepare("INSERT INTO daily VALUES (?1, 3, ?2, ?3, ?4, 1)").unwrap();
        let mut key = connection
            .prepare("INSERT INTO keys VALUES (?1, 3, 'key ' || ?1, 0, 0, ?2, 0)")
            .unwrap();
        connection.execute_batch("BEGIN").unwrap();
        for id in 1..=KEYS {
            let all: u64 = DAYS.map(|day| events_of(id, day)).sum();
            key.execute((id, stored(all))).unwrap();
            for day in DAYS.filter(|day| events_of(id, *day) > 0) {
                daily.execute((day, id, stored(events_of(id, day)), 1)).unwrap();
            }
        }
        connection
            .execute_batch(
                "INSERT INTO hourly VALUES (2400, 3, 1, 1, 1, 1), (2543, 3, 1, 1, 1, 1); COMMIT",
            )
            .unwrap();
        drop((daily, key));
        connection
    }

    fn days(from: i64, to: i64) -> Parts {
        Parts { before: from * 24..from * 24, days: from..to, after: to * 24..to * 24 }
    }

    #[test]
    fn places_of_days_give_the_ranking_that_reading_every_key_gives() {
        let folder = Folder::new();
        let connection = store(&folder);
        // The last day is running: it has no places.
        DAYS.take(5).for_each(|day| rank_day(&connection, day).unwrap());
        let reader = Reader::open(folder.path()).unwrap();
        for (from, to) in [(100, 106), (101, 104), (105, 106), (100, 101)] {
            for limit in [1, 20, 60] {
                let parts = days(from, to);
                let by_scan = reader.by_scan(KeyKind::Source, &parts, limit).unwrap();
                let led = reader.by_leaders(KeyKind::Source, &parts, limit).unwrap();
                assert_eq!(led.is_some(), from < 105, "places are used where there are any");
                assert_eq!(led.unwrap_or_else(|| by_scan.clone()), by_scan, "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_key_that_was_let_go_after_its_day_was_ranked_has_no_place() {
        let folder = Folder::new();
        let connection = store(&folder);
        DAYS.for_each(|day| rank_day(&connection, day).unwrap());
        let reader = Reader::open(folder.path()).unwrap();
        let span = Span::default();
        let parts = days(100, 106);
        let first = reader.by_leaders(KeyKind::Source, &parts, 3).unwrap().unwrap();
        let gone = first[0].0;
        connection.execute("DELETE FROM daily WHERE key = ?1", [gone]).unwrap();
        connection.execute("DELETE FROM keys WHERE id = ?1", [gone]).unwrap();
        let after = reader.by_leaders(KeyKind::Source, &parts, 2).unwrap().unwrap();
        assert_eq!(after, first[1..]);
        assert_eq!(reader.top(KeyKind::Source, span, 1).unwrap().len(), 1);
    }

    #[test]
    fn a_store_of_an_older_kizashi_is_ranked_without_places() {
        let folder = Folder::new();
        let connection = store(&folder);
        connection.execute_batch("DROP TABLE day_leaders; PRAGMA user_version = 6").unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        let since = kizashi_event::Timestamp::from_micros(101 * kizashi_event::Timestamp::DAY);
        let span = Span { since: Some(since), until: None };
        assert_eq!(reader.top(KeyKind::Source, span, 5).unwrap().len(), 5);
    }

    #[test]
    fn a_ranking_that_the_places_do_not_reach_is_left_to_reading() {
        let folder = Folder::new();
        let connection = store(&folder);
        DAYS.for_each(|day| rank_day(&connection, day).unwrap());
        let reader = Reader::open(folder.path()).unwrap();
        let deep = reader.by_leaders(KeyKind::Source, &days(100, 106), 5_000).unwrap();
        assert_eq!(deep, None);
    }

    #[test]
    fn a_day_of_few_keys_needs_no_places_and_is_not_looked_through_again() {
        let folder = Folder::new();
        let connection = open_to_write(&folder.path().join(FILE)).unwrap();
        connection.execute("INSERT INTO daily VALUES (100, 3, 1, 1, 1, 1)", []).unwrap();
        rank_day(&connection, 100).unwrap();
        let kinds: Vec<i64> = connection
            .prepare("SELECT kind FROM day_leaders")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(kinds, [-1]);
        assert_ne!(kinds, [SOURCE]);
    }
}
