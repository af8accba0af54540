//! The one writer: a thread that takes events from a bounded queue, and everything else that is written in turn with them.

mod closing;
mod clusters;
mod days;
mod dictionary;
mod keys;
mod leaders;
mod ledger;
mod let_go;
mod maintenance;
mod payloads;
mod queue;
mod raw;
mod recent;
mod retention;
mod rows;
mod sensor_bins;
mod sensor_key_bins;
mod sessions;
mod tally;
mod visits;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kizashi_event::{Event, Timestamp};

pub(crate) use closing::bins_between;
#[cfg(test)]
pub(crate) use leaders::rank_day;
pub(crate) use ledger::{counter, is_counted_by_hour, system_clock};
pub use maintenance::Maintenance;
pub use retention::Cleared;
pub(crate) use retention::free_bytes;
pub(crate) use sensor_bins::sensors_in;

use crate::error::{InContext, not_written};
use crate::schema::{FILE, open_to_write};
use crate::{ClosedBin, Places, Reader, Settings, StoreError, StoredSign};
use ledger::Ledger;
use queue::Queue;

/// A store open for writing: the only one on its folder. Dropping it writes what still waits.
pub struct Store {
    folder: PathBuf,
    queue: Arc<Queue>,
    places: Arc<Places>,
    thread: Option<JoinHandle<()>>,
    /// Held for as long as this store is open; the system lets go of it whatever becomes of the process.
    _lock: File,
}

/// What may be given to many threads: events go in, and never wait.
#[derive(Clone)]
pub struct Inlet(Arc<Queue>);

impl Inlet {
    /// Takes an event; when the store cannot keep up it is lost and counted.
    pub fn offer(&self, event: Event) {
        self.0.offer(event);
    }

    /// Gives events, waiting while the writer is behind.
    ///
    /// # Errors
    /// When the writer has stopped.
    pub fn write(&self, events: Vec<Event>) -> Result<(), StoreError> {
        if self.0.give(events) { Ok(()) } else { Err(StoreError::Stopped) }
    }

    /// Writes events in a transaction of their own and waits until they are in the file. On failure none of them is, none is
    /// counted as lost, and they may be given again: an event that is there already adds nothing.
    ///
    /// # Errors
    /// When the database cannot be written, or the writer has stopped.
    pub fn commit(&self, events: Vec<Event>) -> Result<(), StoreError> {
        self.ask(move |ledger| ledger.write(&events))
    }

    /// Stores signs, each in place of the one with its id, and named blobs, in one transaction.
    ///
    /// # Errors
    /// When the database cannot be written, or the writer has stopped.
    pub fn save(
        &self,
        signs: Vec<StoredSign>,
        blobs: Vec<(String, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        self.ask(move |ledger| ledger.save(&signs, &blobs))
    }

    /// How long and how much is kept from now on: what is more goes by the next [`Store::maintain`]. How many keys of a kind are
    /// kept is fixed when the store is opened.
    ///
    /// # Errors
    /// When the writer has stopped.
    pub fn set_retention(&self, retention: crate::Retention) -> Result<(), StoreError> {
        self.ask(move |ledger| {
            let most_keys = ledger.settings.retention.most_keys;
            ledger.settings.retention = crate::Retention { most_keys, ..retention };
            Ok(())
        })
    }

    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Ledger) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        let request = Box::new(move |ledger: &mut Ledger| {
            // Whoever asked may have gone; the work is done all the same.
            let _ = answer.send(request(ledger));
        });
        if !self.0.ask(request) {
            return Err(StoreError::Stopped);
        }
        answered.recv().unwrap_or(Err(StoreError::Stopped))
    }

    /// Events lost since the store was opened.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

impl Store {
    /// Opens the store in `folder`, which is made when it is not there.
    ///
    /// # Errors
    /// When another process has it open for writing, when it cannot be written, or when it is damaged or of a later version.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, StoreError> {
        make_folder(folder)?;
        let lock = lock(folder)?;
        crate::private_files::close_to_others(folder)?;
        let path = folder.join(FILE);
        let connection = open_to_write(&path)?;
        let queue = Arc::new(Queue::default());
        queue.set_unhurried(settings.mode == crate::Mode::Historic);
        let places = Arc::clone(&settings.places);
        let mut ledger = Ledger::new(connection, path, settings)?;
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn({
                let queue = Arc::clone(&queue);
                move || run(&mut ledger, &queue)
            })
            .map_err(|error| not_written(folder, &error))?;
        Ok(Self { folder: folder.to_path_buf(), queue, places, thread: Some(thread), _lock: lock })
    }

    /// The folder of the store.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A way in that never waits, for traps.
    #[must_use]
    pub fn inlet(&self) -> Inlet {
        Inlet(Arc::clone(&self.queue))
    }

    /// A reader of this store.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Ok(Reader::open(&self.folder)?.with_places(Arc::clone(&self.places)))
    }

    /// Gives events, waiting while the writer is behind. Whether they could be stored is told by [`Self::flush`].
    ///
    /// # Errors
    /// When the writer has stopped.
    pub fn write(&self, events: Vec<Event>) -> Result<(), StoreError> {
        self.inlet().write(events)
    }

    /// Waits until everything given so far is in the file.
    ///
    /// # Errors
    /// The first error since the last call, when events were lost by it.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.ask(Ledger::take_failure)
    }

    /// Closes every ten minutes that end at or before `through`, once, and gives those that anything came to.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn close_bins(&self, through: Timestamp) -> Result<Vec<ClosedBin>, StoreError> {
        self.ask(move |ledger| ledger.close_bins(through))
    }

    /// The start of the earliest closed ten minutes that historic events came into since this was last asked.
    ///
    /// # Errors
    /// When the writer has stopped.
    pub fn take_reopened(&self) -> Result<Option<Timestamp>, StoreError> {
        self.ask(|ledger| Ok(ledger.take_reopened()))
    }

    /// Stores signs, each in place of the one with its id, and named blobs, in one transaction.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn save(
        &self,
        signs: Vec<StoredSign>,
        blobs: Vec<(String, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        self.inlet().save(signs, blobs)
    }

    /// Lets go of all signs, but for those whose ids end with one of `spared`, and of the blobs whose names begin with `prefix`:
    /// detection is about to be run anew, and raises only its own again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_signs(
        &self,
        prefix: &str,
        spared: &'static [&'static str],
    ) -> Result<(), StoreError> {
        let prefix = prefix.to_owned();
        self.ask(move |ledger| ledger.forget_signs(&prefix, spared))
    }

    /// What an event in closed time means from now on.
    ///
    /// # Errors
    /// When the writer has stopped.
    pub fn set_mode(&self, mode: crate::Mode) -> Result<(), StoreError> {
        self.ask(move |ledger| {
            ledger.settings.mode = mode;
            Ok(())
        })?;
        self.inlet().0.set_unhurried(mode == crate::Mode::Historic);
        Ok(())
    }

    /// From now on ten-minute counts are kept by sensor too ([`Settings::by_sensor`]).
    ///
    /// # Errors
    /// When the writer has stopped.
    pub fn count_by_sensor(&self, what: crate::BySensor) -> Result<(), StoreError> {
        self.ask(move |ledger| {
            ledger.settings.by_sensor = what;
            Ok(())
        })
    }

    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Ledger) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inlet().ask(request)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.queue.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(ledger: &mut Ledger, queue: &Queue) {
    let mut counted = 0;
    loop {
        let work = queue.next();
        let events = work.events.len() as u64;
        let (count, began) = (work.events.len(), Instant::now());
        if events > 0
            && let Err(error) = ledger.write(&work.events)
        {
            queue.count_dropped(events);
            ledger.fail(error);
        }
        queue.note_pace(count, began.elapsed());
        let dropped = queue.dropped();
        if dropped > counted && ledger.count_dropped(dropped - counted) {
            counted = dropped;
        }
        for request in work.requests {
            request(ledger);
        }
        if work.last {
            ledger.finish();
            return;
        }
    }
}

fn make_folder(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder).map_err(|error| not_written(folder, &error))
}

/// How long a store that is in use is waited for: one that was just closed is held for a moment by a process that was being started
/// meanwhile, until that has closed what it inherited; after a restart, by the program that is ending.
const PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN: Duration = Duration::from_millis(20);

fn lock(folder: &Path) -> Result<File, StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = folder.join(crate::private_files::LOCK);
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| not_written(&path, &error))?;
    let end = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < end => {
                std::thread::sleep(BETWEEN);
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::InUse(folder.to_path_buf()));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(not_written(&path, &error)),
        }
    }
}

impl Ledger {
    fn save(
        &mut self,
        signs: &[StoredSign],
        blobs: &[(String, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let doing = "saving signs";
        let transaction = self.connection.transaction().doing(doing, &self.path)?;
        for sign in signs {
            transaction
                .prepare_cached(
                    "INSERT INTO signs (id, detected, sign, evidence) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET sign = excluded.sign, evidence = coalesce(excluded.evidence, evidence)",
                )
                .and_then(|mut statement| {
                    statement.execute((&sign.id, sign.detected.micros(), &sign.json, &sign.evidence))
                })
                .doing(doing, &self.path)?;
        }
        for (name, value) in blobs {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO blobs (name, value) VALUES (?1, ?2)")
                .and_then(|mut statement| statement.execute((name, value)))
                .doing(doing, &self.path)?;
        }
        transaction.commit().doing(doing, &self.path)
    }

    fn forget_signs(&mut self, prefix: &str, spared: &[&str]) -> Result<(), StoreError> {
        let doing = "letting signs go";
        let transaction = self.connection.transaction().doing(doing, &self.path)?;
        let others: String =
            (1..=spared.len()).map(|n| format!(" AND substr(id, -length(?{n})) <> ?{n}")).collect();
        transaction
            .execute(
                &format!("DELETE FROM signs WHERE 1{others}"),
                rusqlite::params_from_iter(spared),
            )
            .doing(doing, &self.path)?;
        transaction
            .execute("DELETE FROM blobs WHERE substr(name, 1, length(?1)) = ?1", [prefix])
            .doing(doing, &self.path)?;
        transaction.commit().doing(doing, &self.path)
    }
}
