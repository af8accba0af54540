//! The writer's own side: a connection, the dictionary, and what is known of closed bins. One batch is one transaction, events
//! and rollups together: whatever moment the process dies at, they agree.

use std::path::PathBuf;
use std::sync::Arc;

use kizashi_event::{Event, KeyKind, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::closing::bins_between;
use super::clusters::Clusters;
use super::dictionary::Dictionary;
use super::let_go::LetGo;
use super::payloads;
use super::raw::{Names, RawRows, Way};
use super::tally::{NOBODY, Tally};
use super::visits::Visits;
use crate::codes::{BIN, bin_of, bits_of, stored};
use crate::error::InContext;
use crate::{BySensor, ClosedBin, Mode, Settings, StoreError};

/// Visits are remembered so many times as often as keys of a kind.
const VISITS: usize = 4;

/// Everything the writer's thread owns.
pub(crate) struct Ledger {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) settings: Settings,
    pub(super) dictionary: Dictionary,
    clusters: Clusters,
    tally: Tally,
    pub(super) visits: Visits,
    pub(crate) let_go: LetGo,
    /// How the next batch is tried.
    way: Way,
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

/// From when on keys stay whose kind is full: what detection has not seen must not go. A log that is read afterwards is seen later.
const fn spared_from(mode: Mode, open_from: i64) -> i64 {
    match mode {
        Mode::Live => open_from.saturating_mul(BIN),
        Mode::Historic => i64::MAX,
    }
}

impl Counted {
    fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        add_to_counter(connection, "events_raw", stored(self.raw))?;
        add_to_counter(connection, "late", stored(self.late))?;
        add_to_counter(connection, "out_of_time", stored(self.out_of_time))
    }

    /// Counts an event of a port in its ten minutes, or as late where these are closed; gives them where its keys count there too, with the
    /// sensor where they count under that. Whom the owner leaves out of signs is in no series that detection sees, live or read afterwards.
    fn touch_bin(
        &mut self,
        tally: &mut Tally,
        (event, source, (sensor, by_sensor)): (&Event, u32, (i64, BySensor)),
        (in_time, seen): (bool, bool),
    ) -> Option<(i64, Option<i64>)> {
        if !seen {
            return None;
        }
        let (bin, port, events) = (bin_of(event.time), event.port.code(), event.weight().events);
        if in_time {
            tally.touch_bin(bin, port, source, events);
            if by_sensor >= BySensor::Ports {
                tally.sensor_bins.touch((bin, sensor), port, source, events);
            }
            return Some((bin, (by_sensor >= BySensor::Keys).then_some(sensor)));
        }
        self.late += events;
        tally.touch_closed_bin(bin, port, events);
        None
    }
}

impl Ledger {
    pub(crate) fn new(
        connection: Connection,
        path: PathBuf,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let open_from =
            counter(&connection, "open_from").doing("reading where it stopped", &path)?;
        let dictionary =
            Dictionary::load(&connection, &settings).doing("reading where it stopped", &path)?;
        let let_go = LetGo::load(&connection).doing("reading where it stopped", &path)?;
        let clusters = Clusters::load(&connection).doing("reading where it stopped", &path)?;
        let visits = Visits::remembering(settings.remembered.saturating_mul(VISITS));
        Ok(Self {
            let_go,
            clusters,
            connection,
            path,
            settings,
            dictionary,
            tally: Tally::default(),
            way: Way::Together,
            visits,
            open_from: open_from.unwrap_or(i64::MIN),
            reopened: None,
            failure: None,
        })
    }

    /// Writes events and their counts in one transaction; each (time, id) once. On an error nothing of them is stored.
    pub(crate) fn write(&mut self, events: &[Event]) -> Result<(), StoreError> {
        let result = match self.try_to_write(events, self.way)? {
            Written::Some => self.try_to_write(events, Way::Each)?,
            written => written,
        };
        // A log that is read again is known for long; what a sensor sends again is one batch.
        self.way = if result == Written::Some { Way::Each } else { Way::Together };
        Ok(())
    }

    /// The same, in this way. Nothing is stored either where rows that were written together turn out not to be new together.
    fn try_to_write(&mut self, events: &[Event], way: Way) -> Result<Written, StoreError> {
        let reopened = self.reopened;
        let result = self.write_in_transaction(events, way);
        if result.is_err() || (way == Way::Together && matches!(result, Ok(Written::Some))) {
            self.tally = Tally::default();
            self.visits.forget();
            self.reopened = reopened;
            self.dictionary = Dictionary::load(&self.connection, &self.settings)
                .doing("writing events", &self.path)?;
            self.clusters = Clusters::load(&self.connection).doing("writing events", &self.path)?;
        }
        result.doing("writing events", &self.path)
    }

    fn write_in_transaction(&mut self, events: &[Event], way: Way) -> rusqlite::Result<Written> {
        let Self { connection, dictionary, clusters, tally, visits, settings, let_go, .. } = self;
        let (open_from, reopened) = (self.open_from, &mut self.reopened);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let latest = (settings.clock)().plus(Settings::TOLERANCE);
        let mut counted = Counted::default();
        let spared = spared_from(settings.mode, open_from);
        if dictionary.make_room(&transaction, spared)? {
            visits.forget();
        }
        let (mut rows, mut written) = (RawRows::going(way), Written::All);
        for event in events {
            if let_go.holds(&transaction, event.time.micros(), bits_of(event.id.0))? {
                continue;
            }
            let most = settings.retention.most_payload_bytes;
            let (event, cluster) =
                payloads::keep(&transaction, event, most, (clusters, dictionary))?;
            let event = event.as_ref();
            let flagged = event.time < Settings::EARLIEST || event.time > latest;
            let names = dictionary.names(&transaction, event)?;
            if !rows.add(&transaction, event, names, flagged)? {
                written = Written::Some;
                continue;
            }
            counted.raw += 1;
            if flagged {
                counted.out_of_time += 1;
                continue;
            }
            let Names { source, sensor, service } = names;
            tally.touch_sensor(sensor, event.time, event.weight().events);
            tally.sessions.touch(&transaction, dictionary, event, (source, service))?;
            let source = if event.is_of_many() { NOBODY } else { source };
            if event.is_backscatter() {
                touch_backscatter(&transaction, dictionary, tally, (event, source))?;
                continue;
            }
            let judged = judged(settings, open_from, reopened, event);
            let at = (sensor, settings.by_sensor);
            let bin = counted.touch_bin(tally, (event, source, at), judged);
            touch_keys(&transaction, dictionary, tally, (event, source, cluster), bin)?;
        }
        rows.finish(&transaction)?;
        if rows.some_known {
            return Ok(Written::Some);
        }
        tally.write(&transaction, visits)?;
        dictionary.census.write(&transaction)?;
        counted.write(&transaction)?;
        add_to_counter(&transaction, "sources", dictionary.take_fresh_sources())?;
        transaction.commit()?;
        Ok(written)
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

/// How many of a batch's events were new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    All,
    Some,
}

/// Whether keys of a kind are counted by hour, with their sources. Pairs would cost as much as user names and passwords together and say
/// nearly what these say: by day and in all they are counted, so that a ranking and a list of known ones can be answered.
pub(crate) const fn is_counted_by_hour(kind: KeyKind) -> bool {
    !matches!(kind, KeyKind::Pair)
}

/// Whether keys of a kind are counted by ten minutes for detection: of lines and targets their families are. Known scanners are no
/// series of it, since a kind more would take a share of its promise.
const fn is_watched(kind: KeyKind) -> bool {
    !matches!(kind, KeyKind::Command | KeyKind::Path | KeyKind::Scanner)
}

/// Whether an event is in time for its ten minutes, and whether detection is to see it; in a history ten minutes that were closed are
/// opened again.
fn judged(
    settings: &Settings,
    open_from: i64,
    reopened: &mut Option<i64>,
    event: &Event,
) -> (bool, bool) {
    let bin = bin_of(event.time);
    let in_time = bin >= open_from || settings.mode == Mode::Historic;
    let seen = settings.shows_to_detection(event.source);
    if bin < open_from && in_time && seen {
        *reopened = Some(reopened.map_or(bin, |first| first.min(bin)));
    }
    (in_time, seen)
}

/// Counts the echo of an attack elsewhere under the port that is attacked, by hour and day, with the attacked as its sources: nobody came
/// to us, so that neither ports nor visitors nor detection see it.
fn touch_backscatter(
    connection: &Connection,
    dictionary: &mut Dictionary,
    tally: &mut Tally,
    (event, source): (&Event, u32),
) -> rusqlite::Result<()> {
    let (kind, text) = (KeyKind::Backscatter, event.port.to_string());
    if let Some(key) = dictionary.key(connection, kind, &text, event.time)? {
        tally.touch(event.time, kind, key, source, event.weight());
    }
    Ok(())
}

/// Counts an event of a source under its keys, by hour and day and, where its ten minutes are given, by these, and by its sensor's where that is given; the cluster of what
/// it carries is a key that the event does not tell.
fn touch_keys(
    connection: &Connection,
    dictionary: &mut Dictionary,
    tally: &mut Tally,
    (event, source, cluster): (&Event, u32, Option<u32>),
    bin: Option<(i64, Option<i64>)>,
) -> rusqlite::Result<()> {
    let (time, weight) = (event.time, event.weight());
    let port = dictionary.port(connection, event.port, time)?;
    tally.touch(time, KeyKind::Port, port, source, weight);
    if source != NOBODY {
        tally.touch(time, KeyKind::Source, source, source, weight);
    }
    let mut touch = |kind: KeyKind, key: u32| {
        let weight = event.weight_under(kind);
        if is_counted_by_hour(kind) {
            tally.touch(time, kind, key, source, weight);
        } else {
            tally.touch_day(time, kind, key, weight);
        }
        if let Some((bin, sensor)) = bin.filter(|_| is_watched(kind)) {
            tally.touch_key_bin((bin, kind), key, source, weight.events);
            if let Some(sensor) = sensor {
                let row = (bin, sensor, kind, key);
                tally.sensor_key_bins.touch(row, source, weight.events);
            }
        }
    };
    if source != NOBODY {
        let placed = dictionary.placed(connection, event.source, time)?;
        placed.network.into_iter().for_each(|network| touch(KeyKind::Network, network));
        placed.country.into_iter().for_each(|country| touch(KeyKind::Country, country));
        placed.scanner.into_iter().for_each(|scanner| touch(KeyKind::Scanner, scanner));
    }
    if let Some(cluster) = cluster {
        touch(KeyKind::PayloadCluster, cluster);
    }
    let mut result = Ok(());
    let mut count = |kind, text: &str| {
        if result.is_ok() {
            let key = dictionary.key(connection, kind, text, time);
            result = key.map(|key| key.into_iter().for_each(|key| touch(kind, key)));
        }
    };
    count(KeyKind::Total, "");
    count(KeyKind::Service, event.service.name());
    event.detail.each_key(count);
    result
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
