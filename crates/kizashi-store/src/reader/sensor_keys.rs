//! What came to one sensor most, of any kind: from its latest raw events, as its ports are (`sensors.rs`), since no count knows both a key and a
//! sensor. A look is bounded in rows and in time, and says how far back it came.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use kizashi_event::{Detail, Key, KeyKind, Timestamp};

use super::sensors::{Counted, Seen};
use super::{Reader, SensorPorts};
use crate::codes::stored;
use crate::error::InContext;
use crate::{Span, StoreError};

/// Raw events that one look reads.
const MOST_ROWS: u64 = 20_000;
/// How long it takes at most, once it has read so many.
const LONGEST: Duration = Duration::from_millis(100);
const LEAST_ROWS: u64 = 500;
/// Different texts that are told apart.
const MOST_TEXTS: usize = 50_000;

/// What is counted, and what is known already.
struct Look {
    kind: KeyKind,
    began: Instant,
    rows: u64,
    found: HashMap<String, Counted>,
    addresses: HashMap<u32, Option<IpAddr>>,
    services: HashMap<i64, String>,
}

impl Look {
    fn is_full(&self) -> bool {
        let is_late = self.rows >= LEAST_ROWS && self.began.elapsed() >= LONGEST;
        self.rows >= MOST_ROWS || is_late
    }
}

impl Reader {
    /// The keys of a kind that a sensor's events of a span carry, by its latest raw events, most events first. Of ports see
    /// [`Self::ports_of_sensor`]; clusters of payloads are not told.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn keys_of_sensor(
        &self,
        sensor: &str,
        kind: KeyKind,
        span: Span,
        limit: usize,
    ) -> Result<SensorPorts, StoreError> {
        self.read_keys_of_sensor(sensor, kind, span, limit).doing("reading a sensor", &self.path)
    }

    fn read_keys_of_sensor(
        &self,
        sensor: &str,
        kind: KeyKind,
        span: Span,
        limit: usize,
    ) -> rusqlite::Result<SensorPorts> {
        let Some(id) = self.name_id(sensor)? else { return Ok(SensorPorts::default()) };
        let since = span.since.map_or(i64::MIN, Timestamp::micros);
        let until = span.until.map_or(i64::MAX, Timestamp::micros);
        let mut look = Look {
            kind,
            began: Instant::now(),
            rows: 0,
            found: HashMap::new(),
            addresses: HashMap::new(),
            services: HashMap::new(),
        };
        let mut reached = None;
        for hour in self.hours_heard(id, since, until)? {
            let (start, end) = (hour * Timestamp::HOUR, (hour + 1) * Timestamp::HOUR);
            if look.is_full() {
                reached = Some(end);
                break;
            }
            reached = self.look_within_sensor(id, start.max(since), end.min(until), &mut look)?;
            if reached.is_some() {
                break;
            }
        }
        let mut ranking: Vec<(String, Counted)> = look.found.into_iter().collect();
        ranking.sort_by(|a, b| b.1.events.cmp(&a.1.events).then_with(|| a.0.cmp(&b.0)));
        let of = |(text, counted): (String, Counted)| counted.ranked(Key::new(kind, &text));
        Ok(SensorPorts {
            ports: ranking.into_iter().take(limit).map(of).collect(),
            looked_at: look.rows,
            reached: reached.map(Timestamp::from_micros),
        })
    }

    /// Counts what is in a span; where it ended when there is more before.
    fn look_within_sensor(
        &self,
        sensor: i64,
        since: i64,
        until: i64,
        look: &mut Look,
    ) -> rusqlite::Result<Option<i64>> {
        let mut read = self.connection.prepare_cached(
            "SELECT time, sensor, source, session, service, detail FROM events
             WHERE time >= ?1 AND time < ?2 AND flagged = 0 ORDER BY time DESC, id DESC LIMIT ?3",
        )?;
        let mut rows = read.query((since, until, stored(MOST_ROWS)))?;
        while let Some(row) = rows.next()? {
            let time: i64 = row.get(0)?;
            if look.is_full() {
                return Ok(Some(time));
            }
            look.rows += 1;
            if row.get::<_, i64>(1)? != sensor {
                continue;
            }
            let json = row.get_ref(5)?.as_str()?;
            let detail = serde_json::from_str::<Detail>(json).ok();
            let events = match &detail {
                Some(Detail::Counted { events, .. }) => *events,
                _ => 1,
            };
            let seen = Seen { time, source: row.get(2)?, session: row.get(3)?, events };
            self.count_row(&seen, row.get(4)?, detail.as_ref(), look)?;
        }
        Ok(None)
    }

    fn count_row(
        &self,
        seen: &Seen,
        service: i64,
        detail: Option<&Detail>,
        look: &mut Look,
    ) -> rusqlite::Result<()> {
        let mut texts: Vec<String> = Vec::new();
        match look.kind {
            KeyKind::Source | KeyKind::Country | KeyKind::Network | KeyKind::Scanner => {
                let address = match look.addresses.get(&seen.source) {
                    Some(known) => *known,
                    None => {
                        let address = self.address_of(seen.source)?;
                        look.addresses.insert(seen.source, address);
                        address
                    }
                };
                // Who stands for visitors that were not told apart is none.
                let address = address.filter(|address| !address.is_unspecified());
                texts.extend(address.and_then(|address| self.place_of(address, look.kind)));
            }
            KeyKind::Service => {
                let name = match look.services.entry(service) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(self.name_of(service)?),
                };
                texts.push(name.clone());
            }
            kind => {
                if let Some(detail) = detail {
                    detail.each_key(|of, text| {
                        if of == kind {
                            texts.push(text.to_owned());
                        }
                    });
                }
            }
        }
        for text in texts {
            look.count(text, seen);
        }
        Ok(())
    }

    fn name_of(&self, service: i64) -> rusqlite::Result<String> {
        self.connection
            .prepare_cached("SELECT text FROM names WHERE id = ?1")?
            .query_row([service], |row| row.get(0))
    }

    fn place_of(&self, address: IpAddr, kind: KeyKind) -> Option<String> {
        match kind {
            KeyKind::Country => self.places.country(address).map(|code| code.to_string()),
            KeyKind::Network => Some(self.places.network(address)),
            KeyKind::Scanner => self.places.scanner(address).map(str::to_owned),
            _ => Some(address.to_string()),
        }
    }
}

impl Look {
    fn count(&mut self, text: String, seen: &Seen) {
        if self.found.len() >= MOST_TEXTS && !self.found.contains_key(&text) {
            return;
        }
        self.found.entry(text).or_insert_with(|| Counted::from(seen)).count(seen);
    }
}
