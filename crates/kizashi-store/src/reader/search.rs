//! Events that fit several terms at once. No count of two keys together exists, so raw events are looked through; but only where the
//! rarest term has any, which its counts by day, hour and ten minutes tell, and only a bounded number at a time: whoever wants more
//! asks again from where the last look ended. Where two things that one session did lie on both sides of such an end, neither look
//! finds them together.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use kizashi_event::{
    Detail, Event, Key, KeyKind, PayloadHash, SessionId, Timestamp, network_of, network_text,
};
use rusqlite::OptionalExtension as _;

use super::Reader;
use super::events::{COLUMNS, JOINS, event_of};
use crate::codes::{BIN, count_of, kind_code};
use crate::error::InContext;
use crate::writer::is_counted_by_hour;
use crate::{Settings, Span, StoreError};

/// Raw rows that one look reads.
const MOST_ROWS: u64 = 20_000;
/// The same where what was done must be read in each.
const MOST_DETAILS: u64 = 10_000;
/// How long a look takes at most on whatever machine, once it has read so many rows: who waits for it sees what was found, and goes on.
const LONGEST: Duration = Duration::from_millis(100);
const LEAST_ROWS: u64 = 500;
/// Kinds of fingerprints that the key names and the event does not (`Request::each_key`).
const BEFORE_FINGERPRINTS: [&str; 3] = ["http", "http2", "ja4h"];
/// Seeks in the counts that one look makes.
const MOST_SEEKS: u64 = 8_000;
/// Terms at most: a bit each.
const MOST_TERMS: usize = 16;
const BINS_AN_HOUR: i64 = 6;

/// What an event must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// A port with this number, whatever the transport.
    PortNumber(u16),
    /// This key. What was done may have been done by another event of the same session.
    Key(Key),
    /// This sensor.
    Sensor(String),
    /// This text, somewhere in what was done or in the address; letters of ASCII count alike in both cases.
    Text(String),
}

/// What is looked for: every term, within the span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The terms; the first 16 count.
    pub terms: Vec<Term>,
    /// When.
    pub span: Span,
}

/// What one look found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundEvents {
    /// The events, the latest first, captured content not read.
    pub events: Vec<Event>,
    /// Raw events that were looked at.
    pub looked_at: u64,
    /// Where the next look begins: everything from here on is looked through. `None` when there is nothing before.
    pub reached: Option<Timestamp>,
}

/// A term as the rows have it.
enum Test {
    Port(u16),
    PortCode(u32),
    Source(u32),
    Service(i64),
    Sensor(i64),
    Country(String),
    Network(String),
    Scanner(String),
    Deed(Key),
    Content(HashSet<PayloadHash>),
    Text(String),
    Everything,
}

impl Test {
    /// Whether it asks what was done.
    const fn is_deed(&self) -> bool {
        matches!(self, Self::Deed(_) | Self::Content(_) | Self::Text(_))
    }
}

/// A row that may be what is looked for.
struct Candidate {
    time: i64,
    id: i64,
    session: Option<i64>,
    mask: u16,
}

/// One look through the raw rows.
struct Look {
    tests: Vec<Test>,
    began: Instant,
    rows: u64,
    most_rows: u64,
    /// When the last row was.
    last: Option<i64>,
    limit: usize,
    candidates: Vec<Candidate>,
    /// What the events of a session did together.
    sessions: HashMap<i64, u16>,
    addresses: HashMap<u32, Option<IpAddr>>,
}

impl Look {
    fn all(&self) -> u16 {
        self.tests.iter().enumerate().fold(0, |mask, (at, _)| mask | 1 << at)
    }

    fn deeds(&self) -> u16 {
        let deeds = self.tests.iter().enumerate().filter(|(_, test)| test.is_deed());
        deeds.fold(0, |mask, (at, _)| mask | 1 << at)
    }

    /// Whether more rows would change nothing or cost too much.
    fn is_full(&self) -> bool {
        let one_deed = self.deeds().count_ones() <= 1;
        let is_late = self.rows >= LEAST_ROWS && self.began.elapsed() >= LONGEST;
        self.rows >= self.most_rows || is_late || one_deed && self.candidates.len() >= self.limit
    }

    /// Those that fit, with what their sessions did.
    fn hits(&self) -> impl Iterator<Item = &Candidate> {
        let all = self.all();
        self.candidates.iter().filter(move |candidate| {
            let of_session = candidate.session.and_then(|it| self.sessions.get(&it)).copied();
            candidate.mask | of_session.unwrap_or(0) == all
        })
    }
}

impl Reader {
    /// The latest events that fit, at most `limit`, before `before` where that is given. One look reads a bounded number of rows:
    /// [`FoundEvents::reached`] says where the next begins.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn search(
        &self,
        filter: &Filter,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<FoundEvents, StoreError> {
        self.read_search(filter, before, limit).doing("searching events", &self.path)
    }

    fn read_search(
        &self,
        filter: &Filter,
        before: Option<Timestamp>,
        limit: usize,
    ) -> rusqlite::Result<FoundEvents> {
        let mut tests = Vec::new();
        for term in filter.terms.iter().take(MOST_TERMS) {
            let Some(test) = self.test_of(term)? else { return Ok(FoundEvents::default()) };
            tests.push(test);
        }
        let has_deeds = tests.iter().any(Test::is_deed);
        let mut look = Look {
            tests,
            began: Instant::now(),
            rows: 0,
            most_rows: if has_deeds { MOST_DETAILS } else { MOST_ROWS },
            last: None,
            limit,
            candidates: Vec::new(),
            sessions: HashMap::new(),
            addresses: HashMap::new(),
        };
        let ends = [filter.span.until, before].into_iter().flatten().map(Timestamp::micros).min();
        let since = filter.span.since.map_or(i64::MIN, Timestamp::micros).max(self.oldest_raw()?);
        let until = ends.unwrap_or(i64::MAX);
        let sensor = look.tests.iter().find_map(|test| match test {
            Test::Sensor(name) => Some(*name),
            _ => None,
        });
        let reached = match (self.rarest(filter)?, sensor) {
            (Some((key, id)), _) => self.look_where(&key, id, since, until, &mut look)?,
            (None, Some(sensor)) => self.look_at_sensor(sensor, since, until, &mut look)?,
            (None, None) => self.look_within(since, until, &mut look)?,
        };
        // Hits of one moment stay together, so that the next look can begin before all of them.
        let hits: Vec<&Candidate> = look.hits().collect();
        let given = match hits.get(limit.saturating_sub(1)) {
            Some(last) => hits.iter().take_while(|hit| hit.time >= last.time).count(),
            None => hits.len(),
        };
        let mut events = Vec::new();
        for hit in hits.iter().take(given) {
            events.extend(self.event_at(hit.time, hit.id)?);
        }
        let reached = hits.get(given).map(|next| next.time.saturating_add(1)).or(reached);
        let reached = reached.filter(|at| *at > since).map(Timestamp::from_micros);
        Ok(FoundEvents { events, looked_at: look.rows, reached })
    }

    /// The first moment of the raw events that are kept: counts tell of more, and there is nothing to be found before.
    fn oldest_raw(&self) -> rusqlite::Result<i64> {
        let oldest: Option<i64> = self
            .connection
            .prepare_cached("SELECT min(time) FROM events WHERE time >= ?1")?
            .query_row([Settings::EARLIEST.micros()], |row| row.get(0))?;
        Ok(oldest.unwrap_or(i64::MAX))
    }

    /// `None` where nothing can fit.
    fn test_of(&self, term: &Term) -> rusqlite::Result<Option<Test>> {
        let key = match term {
            Term::PortNumber(number) => return Ok(Some(Test::Port(*number))),
            Term::Sensor(name) => return Ok(self.name_id(name)?.map(Test::Sensor)),
            Term::Text(text) => return Ok(Some(Test::Text(text.to_ascii_lowercase()))),
            Term::Key(key) => key,
        };
        if let Some(port) = key.as_port() {
            return Ok(Some(Test::PortCode(port.code())));
        }
        let text = key.text.to_string();
        Ok(Some(match key.kind {
            KeyKind::Total => Test::Everything,
            KeyKind::Country => Test::Country(text),
            KeyKind::Network => Test::Network(text),
            KeyKind::Scanner => Test::Scanner(text),
            KeyKind::Source => match self.key_id(key)? {
                Some(id) => Test::Source(id),
                None => return Ok(None),
            },
            KeyKind::Service => {
                let Some(name) = self.name_id(&text)? else { return Ok(None) };
                Test::Service(name)
            }
            _ if self.key_id(key)?.is_none() => return Ok(None),
            KeyKind::PayloadCluster => Test::Content(self.contents_in(&text)?),
            _ => Test::Deed(key.clone()),
        }))
    }

    /// The term with the fewest events whose times are counted.
    fn rarest(&self, filter: &Filter) -> rusqlite::Result<Option<(Key, u32)>> {
        let mut rarest: Option<(u64, Key, u32)> = None;
        for term in filter.terms.iter().take(MOST_TERMS) {
            let Term::Key(key) = term else { continue };
            let Some(id) = self.key_id(key)? else { continue };
            let events: i64 = self
                .connection
                .prepare_cached("SELECT events FROM keys WHERE id = ?1")?
                .query_row([id], |row| row.get(0))?;
            if rarest.as_ref().is_none_or(|(fewest, ..)| count_of(events) < *fewest) {
                rarest = Some((count_of(events), key.clone(), id));
            }
        }
        Ok(rarest.map(|(_, key, id)| (key, id)))
    }

    /// Looks where this key has events, the latest first; where it ended when there is more before.
    fn look_where(
        &self,
        key: &Key,
        id: u32,
        since: i64,
        until: i64,
        look: &mut Look,
    ) -> rusqlite::Result<Option<i64>> {
        let (first, last): (i64, i64) = self
            .connection
            .prepare_cached("SELECT first, last FROM keys WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (since, until) = (since.max(first), until.min(last.saturating_add(1)));
        // What another event of the session did may lie in other ten minutes.
        let by_hour = look.deeds().count_ones() > 1;
        let mut seeks = 0;
        let mut day = until.saturating_sub(1).div_euclid(Timestamp::DAY);
        while day >= since.div_euclid(Timestamp::DAY) && since < until {
            seeks += 1;
            if self.has(Counts::Daily, day, key, id)?.is_some() {
                for hour in (day * 24..(day + 1) * 24).rev() {
                    let (start, end) = (hour * Timestamp::HOUR, (hour + 1) * Timestamp::HOUR);
                    if end <= since || start >= until {
                        continue;
                    }
                    seeks += 1;
                    let events = match is_counted_by_hour(key.kind) {
                        true => self.has(Counts::Hourly, hour, key, id)?,
                        // Only its ten minutes tell.
                        false => Some(0),
                    };
                    let Some(events) = events else { continue };
                    let bins = self.bins_of(key, id, hour, events, by_hour, &mut seeks)?;
                    for (from, to) in bins {
                        let (from, to) = (from.max(since), to.min(until));
                        if let Some(at) = self.look_within(from, to, look)? {
                            return Ok(Some(at));
                        }
                    }
                    if look.is_full() || seeks > MOST_SEEKS {
                        return Ok((start > since).then_some(start));
                    }
                }
            } else if seeks > MOST_SEEKS {
                return Ok(Some(day * Timestamp::DAY));
            }
            day -= 1;
        }
        Ok(None)
    }

    /// Looks where a sensor has events, the latest first; where it ended when there is more before.
    fn look_at_sensor(
        &self,
        sensor: i64,
        since: i64,
        until: i64,
        look: &mut Look,
    ) -> rusqlite::Result<Option<i64>> {
        for hour in self.hours_heard(sensor, since, until)? {
            let (start, end) = (hour * Timestamp::HOUR, (hour + 1) * Timestamp::HOUR);
            if let Some(at) = self.look_within(start.max(since), end.min(until), look)? {
                return Ok(Some(at));
            }
            if look.is_full() {
                return Ok((start > since).then_some(start));
            }
        }
        Ok(None)
    }

    /// The parts of an hour in which a key has events: its ten minutes where they tell of all, else the whole hour.
    fn bins_of(
        &self,
        key: &Key,
        id: u32,
        hour: i64,
        events: u64,
        by_hour: bool,
        seeks: &mut u64,
    ) -> rusqlite::Result<Vec<(i64, i64)>> {
        let whole = vec![(hour * Timestamp::HOUR, (hour + 1) * Timestamp::HOUR)];
        let is_counted = is_counted_by_hour(key.kind);
        if by_hour && is_counted {
            return Ok(whole);
        }
        let (mut parts, mut told) = (Vec::new(), 0);
        for bin in (hour * BINS_AN_HOUR..(hour + 1) * BINS_AN_HOUR).rev() {
            *seeks += 1;
            let count = self.events_in_bin(key, id, bin)?;
            told += count;
            if count > 0 {
                parts.push((bin * BIN, (bin + 1) * BIN));
            }
        }
        Ok(match told >= events {
            true if !by_hour || parts.is_empty() => parts,
            _ => whole,
        })
    }

    fn has(&self, counts: Counts, time: i64, key: &Key, id: u32) -> rusqlite::Result<Option<u64>> {
        let sql = match counts {
            Counts::Daily => "SELECT events FROM daily WHERE day = ?1 AND kind = ?2 AND key = ?3",
            Counts::Hourly => {
                "SELECT events FROM hourly WHERE hour = ?1 AND kind = ?2 AND key = ?3"
            }
        };
        let found = self
            .connection
            .prepare_cached(sql)?
            .query_row((time, kind_code(key.kind), id), |row| row.get(0))
            .optional()?;
        Ok(found.map(count_of))
    }

    /// Looks through the rows of a span, the latest first; where it stopped when it could not go on.
    fn look_within(
        &self,
        since: i64,
        until: i64,
        look: &mut Look,
    ) -> rusqlite::Result<Option<i64>> {
        let mut read = self.connection.prepare_cached(
            "SELECT time, id, session, source, port, service, detail, sensor FROM events
             WHERE time >= ?1 AND time < ?2 AND flagged = 0 ORDER BY time DESC, id DESC",
        )?;
        let mut rows = read.query((since, until))?;
        let deeds = look.deeds();
        while let Some(row) = rows.next()? {
            let time: i64 = row.get(0)?;
            if look.is_full() && look.last != Some(time) {
                return Ok(Some(time.saturating_add(1)));
            }
            look.rows += 1;
            look.last = Some(time);
            let Some(mask) = self.mask_of(row, look)? else { continue };
            let session: Option<i64> = row.get(2)?;
            if let Some(session) = session.filter(|_| deeds.count_ones() > 1) {
                *look.sessions.entry(session).or_default() |= mask;
            }
            if deeds == 0 || mask & deeds != 0 {
                look.candidates.push(Candidate { time, id: row.get(1)?, session, mask });
            }
        }
        Ok(None)
    }

    /// Which terms a row fits; `None` where it fails one that no other event of its session can fit.
    fn mask_of(&self, row: &rusqlite::Row<'_>, look: &mut Look) -> rusqlite::Result<Option<u16>> {
        let mut mask = 0;
        let (source, port): (u32, u32) = (row.get(3)?, row.get(4)?);
        let mut address = None;
        if look.tests.iter().any(|test| {
            matches!(test, Test::Country(_) | Test::Network(_) | Test::Scanner(_) | Test::Text(_))
        }) {
            address = match look.addresses.get(&source) {
                Some(address) => *address,
                None => {
                    let address = self.address_of(source)?;
                    look.addresses.insert(source, address);
                    address
                }
            };
        }
        for (at, test) in look.tests.iter().enumerate().filter(|(_, test)| !test.is_deed()) {
            let fits = match test {
                Test::Port(number) => port & 0xffff == u32::from(*number),
                Test::PortCode(code) => port == *code,
                Test::Source(id) => source == *id,
                Test::Service(name) => row.get::<_, i64>(5)? == *name,
                Test::Sensor(name) => row.get::<_, i64>(7)? == *name,
                Test::Country(code) => address.is_some_and(|address| {
                    self.places.country(address).is_some_and(|it| it.as_str() == code)
                }),
                Test::Network(text) => address.is_some_and(|address| {
                    self.places.network(address) == *text
                        || network_text(network_of(address)) == *text
                }),
                Test::Scanner(name) => {
                    address.is_some_and(|it| self.places.scanner(it) == Some(name.as_str()))
                }
                Test::Deed(_) | Test::Content(_) | Test::Text(_) | Test::Everything => true,
            };
            if !fits {
                return Ok(None);
            }
            mask |= 1 << at;
        }
        if !look.tests.iter().any(Test::is_deed) {
            return Ok(Some(mask));
        }
        let json = row.get_ref(6)?.as_str()?;
        let detail = look
            .tests
            .iter()
            .any(|test| may_hold(test, json))
            .then(|| serde_json::from_str::<Detail>(json).ok())
            .flatten();
        for (at, test) in look.tests.iter().enumerate().filter(|(_, test)| test.is_deed()) {
            if does(test, detail.as_ref(), address) {
                mask |= 1 << at;
            }
        }
        Ok(Some(mask))
    }

    fn event_at(&self, time: i64, id: i64) -> rusqlite::Result<Option<Event>> {
        let found = self
            .connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM events {JOINS} WHERE time = ?1 AND events.id = ?2"
            ))?
            .query_row((time, id), event_of)
            .optional()?;
        Ok(found.flatten())
    }

    /// The ids of the sessions of these events that are worth seeing again, each once.
    #[must_use]
    pub fn sessions_of(events: &[Event]) -> Vec<SessionId> {
        let mut ids: Vec<SessionId> = Vec::new();
        for id in events.iter().filter_map(|event| event.session) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }
}

#[derive(Clone, Copy)]
enum Counts {
    Daily,
    Hourly,
}

/// Whether a row's JSON is worth reading for this test: a text without characters that JSON writes otherwise stands in it as it is.
fn may_hold(test: &Test, json: &str) -> bool {
    let key = match test {
        Test::Deed(key) => key,
        // What is counted of an event has no letter or digit that does not stand in it, but for what is put before a fingerprint.
        Test::Text(wanted)
            if wanted.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && !BEFORE_FINGERPRINTS.iter().any(|kind| kind.contains(wanted.as_str())) =>
        {
            return holds(json, wanted);
        }
        test => return test.is_deed(),
    };
    let stands_as_it_is = matches!(
        key.kind,
        KeyKind::User | KeyKind::Password | KeyKind::Command | KeyKind::Path | KeyKind::Client
    ) && key
        .text
        .bytes()
        .all(|byte| (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b'\\' | b'/'));
    !stands_as_it_is || json.contains(&*key.text)
}

/// Whether a text holds this one, which is written in small letters.
pub(super) fn holds(text: &str, wanted: &str) -> bool {
    let Some(first) = wanted.bytes().next() else { return true };
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    let begins = |at: usize| {
        text.get(at..at + wanted.len()).is_some_and(|part| part.eq_ignore_ascii_case(wanted))
    };
    text.iter().enumerate().any(|(at, byte)| byte.eq_ignore_ascii_case(&first) && begins(at))
}

fn does(test: &Test, detail: Option<&Detail>, address: Option<IpAddr>) -> bool {
    let mut found = false;
    match test {
        Test::Deed(key) => {
            if let Some(detail) = detail {
                detail.each_key(|kind, text| found |= kind == key.kind && *text == *key.text);
            }
        }
        Test::Content(hashes) => {
            let payload = detail.and_then(Detail::payload);
            found = payload.is_some_and(|payload| hashes.contains(&payload.sha256));
        }
        Test::Text(wanted) => {
            found = address.is_some_and(|address| address.to_string().contains(wanted.as_str()));
            if let Some(detail) = detail {
                detail.each_key(|_, text| found |= text.to_ascii_lowercase().contains(wanted));
            }
        }
        _ => {}
    }
    found
}
