//! The writer's own side: a connection, the dictionary, and what is known of closed bins. One batch is one transaction, events
//! and rollups together: whatever moment the process dies at, they agree.

use std::path::PathBuf;
use std::sync::Arc;

use kizashi_event::{Event, KeyKind, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, TransactionBehavior};

use super::dictionary::Dictionary;
use super::let_go::LetGo;
use super::sessions;
use super::tally::Tally;
use crate::codes::{BIN, bin_of, bits_of, stored, unpack};
use crate::error::InContext;
use crate::{ClosedBin, Mode, PortBin, Settings, StoreError};

/// Bytes of a payload that are kept readable beside the compressed whole.
const HEAD: usize = 64;
/// Zstandard's level: its default, about 300 MB/s.
const COMPRESSION: i32 = 3;

/// Everything the writer's thread owns.
pub(crate) struct Ledger {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) settings: Settings,
    dictionary: Dictionary,
    tally: Tally,
    detail: Vec<u8>,
    pub(crate) let_go: LetGo,
    /// The first bin that is not closed yet.
    pub(crate) open_from: i64,
    /// The earliest closed bin that a historic event came into.
    reopened: Option<i64>,
    /// The first failure that nobody has been told of.
    failure: Option<StoreError>,
}

#[derive(Default)]
struct Counted {
    raw: u64,
    late: u64,
    out_of_time: u64,
}

impl Ledger {
    pub(crate) fn new(
        connection: Connection,
        path: PathBuf,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let open_from =
            counter(&connection, "open_from").doing("reading where it stopped", &path)?;
        let let_go = LetGo::load(&connection).doing("reading where it stopped", &path)?;
        Ok(Self {
            let_go,
            connection,
            path,
            settings,
            dictionary: Dictionary::default(),
            tally: Tally::default(),
            detail: Vec::new(),
            open_from: open_from.unwrap_or(i64::MIN),
            reopened: None,
            failure: None,
        })
    }

    /// Writes events and their counts in one transaction; each (time, id) once. On an error nothing of them is stored.
    pub(crate) fn write(&mut self, events: Vec<Event>) -> Result<(), StoreError> {
        let reopened = self.reopened;
        let result = self.write_in_transaction(events);
        if result.is_err() {
            self.dictionary = Dictionary::default();
            self.tally = Tally::default();
            self.reopened = reopened;
        }
        result.doing("writing events", &self.path)
    }

    fn write_in_transaction(&mut self, events: Vec<Event>) -> rusqlite::Result<()> {
        let Self {
            connection,
            dictionary,
            tally,
            detail,
            settings,
            open_from,
            reopened,
            let_go,
            ..
        } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let latest = (settings.clock)().plus(Settings::TOLERANCE);
        let mut counted = Counted::default();
        {
            let mut insert = transaction.prepare_cached(INSERT_EVENT)?;
            for mut event in events {
                if let_go.holds(&transaction, event.time.micros(), bits_of(event.id.0))? {
                    continue;
                }
                keep_payload(&transaction, &mut event)?;
                let flagged = event.time < Settings::EARLIEST || event.time > latest;
                let source = dictionary.source(&transaction, event.source, event.time)?;
                let names = (
                    dictionary.name(&transaction, &event.sensor)?,
                    dictionary.name(&transaction, event.service.name())?,
                );
                if !insert_event(&mut insert, &event, source, names, flagged, detail)? {
                    continue;
                }
                counted.raw += 1;
                if flagged {
                    counted.out_of_time += 1;
                    continue;
                }
                sessions::touch(&transaction, dictionary, &event, source, names.1)?;
                let bin = bin_of(event.time);
                if bin >= *open_from {
                    tally.touch_bin(bin, event.port.code(), source);
                } else if settings.mode == Mode::Historic {
                    *reopened = Some(reopened.map_or(bin, |first| first.min(bin)));
                    tally.touch_bin(bin, event.port.code(), source);
                } else {
                    counted.late += 1;
                    tally.touch_closed_bin(bin, event.port.code());
                }
                touch_keys(&transaction, dictionary, tally, &event, source)?;
            }
        }
        tally.write(&transaction)?;
        add_to_counter(&transaction, "events_raw", stored(counted.raw))?;
        add_to_counter(&transaction, "sources", dictionary.take_fresh_sources())?;
        add_to_counter(&transaction, "late", stored(counted.late))?;
        add_to_counter(&transaction, "out_of_time", stored(counted.out_of_time))?;
        transaction.commit()
    }

    /// Closes every bin that ends at or before `through`, and gives those that anything came to.
    pub(crate) fn close_bins(&mut self, through: Timestamp) -> Result<Vec<ClosedBin>, StoreError> {
        let until = bin_of(through);
        if until <= self.open_from {
            return Ok(Vec::new());
        }
        let doing = "closing ten minutes";
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing(doing, &self.path)?;
        let closed = bins_between(&transaction, self.open_from, until).doing(doing, &self.path)?;
        set_counter(&transaction, "open_from", until).doing(doing, &self.path)?;
        transaction.commit().doing(doing, &self.path)?;
        self.open_from = until;
        Ok(closed)
    }

    /// Notes that events were lost, for whoever asks next, and says so once in the log.
    pub(crate) fn fail(&mut self, error: StoreError) {
        if self.failure.is_none() {
            tracing::error!("events could not be stored and are lost: {error}");
            self.failure = Some(error);
        }
    }

    /// The failure since this was last asked.
    pub(crate) fn take_failure(&mut self) -> Result<(), StoreError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Adds to the count of lost events; whether that could be written.
    pub(crate) fn count_dropped(&self, events: u64) -> bool {
        add_to_counter(&self.connection, "dropped", stored(events)).is_ok()
    }

    /// Leaves a file without a log beside it, which any tool can copy.
    pub(crate) fn finish(&self) {
        if let Err(error) =
            self.connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);")
        {
            tracing::debug!("the database was not tidied at the end: {error}");
        }
    }

    /// The start of the earliest closed bin that historic events came into since this was last asked.
    pub(crate) fn take_reopened(&mut self) -> Option<Timestamp> {
        self.reopened.take().map(|bin| Timestamp::from_micros(bin.saturating_mul(BIN)))
    }
}

const INSERT_EVENT: &str = "INSERT OR IGNORE INTO events
    (time, id, sensor, session, source, source_port, destination, port, service, flagged, detail)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

/// Whether it was new.
fn insert_event(
    insert: &mut CachedStatement<'_>,
    event: &Event,
    source: u32,
    (sensor, service): (i64, i64),
    flagged: bool,
    detail: &mut Vec<u8>,
) -> rusqlite::Result<bool> {
    detail.clear();
    serde_json::to_writer(&mut *detail, &event.detail)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let detail = std::str::from_utf8(detail)?;
    let destination = event.destination.map(|address| address.to_string());
    let rows = insert.execute((
        event.time.micros(),
        bits_of(event.id.0),
        sensor,
        event.session.map(|session| bits_of(session.0)),
        source,
        event.source_port,
        destination,
        event.port.code(),
        service,
        flagged,
        detail,
    ))?;
    Ok(rows == 1)
}

fn touch_keys(
    connection: &Connection,
    dictionary: &mut Dictionary,
    tally: &mut Tally,
    event: &Event,
    source: u32,
) -> rusqlite::Result<()> {
    let (time, opens) = (event.time, event.opens_session());
    let total = dictionary.key(connection, KeyKind::Total, "", time)?;
    let port = dictionary.port(connection, event.port, time)?;
    let service = dictionary.key(connection, KeyKind::Service, event.service.name(), time)?;
    tally.touch(time, KeyKind::Total, total, source, opens);
    tally.touch(time, KeyKind::Port, port, source, opens);
    tally.touch(time, KeyKind::Service, service, source, opens);
    tally.touch(time, KeyKind::Source, source, source, opens);
    let mut result = Ok(());
    event.detail.each_key(|kind, text| {
        if result.is_ok() {
            result = dictionary
                .key(connection, kind, text, time)
                .map(|key| tally.touch(time, kind, key, source, opens));
        }
    });
    result
}

/// Takes the content out of an event and keeps it once, by its hash.
fn keep_payload(connection: &Connection, event: &mut Event) -> rusqlite::Result<()> {
    let Some(payload) = event.detail.payload_mut() else { return Ok(()) };
    if payload.content.is_empty() {
        return Ok(());
    }
    let content = std::mem::take(&mut payload.content);
    let known: Option<i64> = connection
        .prepare_cached("SELECT id FROM payloads WHERE sha256 = ?1")?
        .query_row([payload.sha256.0.as_slice()], |row| row.get(0))
        .optional()?;
    if known.is_some() {
        return Ok(());
    }
    let compressed = zstd::bulk::compress(&content, COMPRESSION)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let head = content.get(..HEAD).unwrap_or(&content);
    let size = stored(payload.size.unwrap_or(content.len() as u64));
    connection
        .prepare_cached(
            "INSERT INTO payloads (sha256, size, head, content) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((payload.sha256.0.as_slice(), size, head, compressed))?;
    Ok(())
}

/// The bins from `since` on and before `until` that anything came to in time.
pub(crate) fn bins_between(
    connection: &Connection,
    since: i64,
    until: i64,
) -> rusqlite::Result<Vec<ClosedBin>> {
    let mut bins: Vec<ClosedBin> = Vec::new();
    let mut read = connection.prepare_cached(
        "SELECT bin, port, events, sources FROM bins WHERE bin >= ?1 AND bin < ?2 AND events > 0 ORDER BY bin, port",
    )?;
    let mut rows = read.query((since, until))?;
    while let Some(row) = rows.next()? {
        let start = Timestamp::from_micros(row.get::<_, i64>(0)?.saturating_mul(BIN));
        let Some(port) = kizashi_event::Port::from_code(row.get(1)?) else { continue };
        let sources = row.get_ref(3)?.as_blob().map_or_else(|_| Vec::new(), unpack);
        let port = PortBin { port, events: crate::codes::count_of(row.get(2)?), sources };
        match bins.last_mut() {
            Some(bin) if bin.start == start => bin.ports.push(port),
            _ => bins.push(ClosedBin { start, ports: vec![port] }),
        }
    }
    Ok(bins)
}

/// A number kept by name.
pub(crate) fn counter(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT value FROM counters WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

pub(crate) fn set_counter(connection: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO counters (name, value) VALUES (?1, ?2)")?
        .execute((name, value))?;
    Ok(())
}

pub(crate) fn add_to_counter(
    connection: &Connection,
    name: &str,
    value: i64,
) -> rusqlite::Result<()> {
    if value != 0 {
        connection
            .prepare_cached(
                "INSERT INTO counters (name, value) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET value = value + excluded.value",
            )?
            .execute((name, value))?;
    }
    Ok(())
}

/// The time by the system's clock.
pub(crate) fn system_clock() -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
    Arc::new(|| {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    })
}
