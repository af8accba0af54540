//! What the core of a fleet's hub does beside keeping a store: it takes what the sensors send and says how they fare. It runs on threads of
//! its own; the rest of the core knows nothing of it but how far time may be closed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use kizashi_event::{Event, Timestamp};
use kizashi_fleet::Credentials;
use kizashi_fleet::detectors::{Line, Roster};
use kizashi_fleet::hub::{Conditions, Hub, Keeper, Noted, Notes};
use kizashi_signs::Sign;
use kizashi_store::{Inlet, Reader};
use kizashi_web::FeedSender;
use tokio::sync::Notify;

use crate::clock;
use crate::dashboard::random;
use crate::failure::Failure;
use crate::fleet::{CONDITIONS, CONDITIONS_SINCE, DETECTORS, kept_conditions, kept_roster};
use crate::pipeline::Pipeline;
use crate::stream::{Sink as _, SinkError, StoreSink};
use crate::supervisor::messages::CoreSetup;

/// Threads that look names up or commit, at most.
const MOST_BLOCKING: usize = 4;

/// The threads that take what comes.
pub(super) struct Taking {
    stopping: Arc<Notify>,
    thread: JoinHandle<()>,
}

impl Taking {
    /// Begins.
    pub(super) fn start(
        credentials: Credentials,
        (inlet, feed): (Inlet, FeedSender),
        reader: Reader,
        conditions: Arc<Conditions>,
    ) -> Result<Self, Failure> {
        let keeper = StoreKeeper {
            sink: StoreSink { inlet: inlet.clone(), feed },
            inlet,
            reader: std::sync::Mutex::new(reader),
        };
        let hub = Hub { keeper: Arc::new(keeper), conditions, clock: clock::now };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(MOST_BLOCKING)
            .enable_all()
            .build()?;
        let stopping = Arc::new(Notify::new());
        let told = Arc::clone(&stopping);
        let thread = std::thread::Builder::new().name("fleet".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(hub.run(&credentials, told.notified())) {
                tracing::error!("{error}");
            }
            // A look-up of a name may still hang.
            runtime.shutdown_background();
        })?;
        Ok(Self { stopping, thread })
    }

    /// Ends; what was not committed is sent again at the next start.
    pub(super) fn finish(self) {
        self.stopping.notify_one();
        let _ = self.thread.join();
    }
}

/// The threads that speak with detectors; they end with it, when nobody asks any more.
pub(super) struct Dividing {
    stopping: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Dividing {
    /// Begins to look for detectors, where there may be any, and gives them the pipeline's detection as they come.
    pub(super) fn of(
        setup: &CoreSetup,
        credentials: Option<&Credentials>,
        pipeline: &mut Pipeline,
    ) -> Result<Option<Self>, Failure> {
        let Some(credentials) = credentials.filter(|_| setup.config.fleet.detectors) else {
            return Ok(None);
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(MOST_BLOCKING)
            .enable_all()
            .build()?;
        let session = u64::from_ne_bytes(random()?);
        let line = runtime
            .block_on(Line::open(credentials, session))
            .map_err(|error| Failure::Asked(error.to_string()))?;
        let line = Arc::new(line);
        pipeline.share_over(Arc::clone(&line))?;
        let stopping = Arc::new(Notify::new());
        let told = Arc::clone(&stopping);
        let thread = std::thread::Builder::new().name("detectors".to_owned()).spawn(move || {
            runtime.block_on(line.watch(told.notified()));
            runtime.shutdown_background();
        })?;
        Ok(Some(Self { stopping, thread: Some(thread) }))
    }
}

impl Drop for Dividing {
    fn drop(&mut self) {
        self.stopping.notify_one();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct StoreKeeper {
    sink: StoreSink,
    inlet: Inlet,
    reader: std::sync::Mutex<Reader>,
}

impl Keeper for StoreKeeper {
    fn keep(&self, events: &[Event], named: &[(String, Vec<u8>)]) -> Result<(), String> {
        let reason = |error: SinkError| match error {
            SinkError::Stopped => "the store has stopped".to_owned(),
            SinkError::Failed(reason) => reason,
        };
        if !events.is_empty() {
            self.sink.commit(events).map_err(reason)?;
        }
        self.inlet.save(Vec::new(), named.to_vec()).map_err(|error| error.to_string())
    }

    fn named(&self, name: &str) -> Option<Vec<u8>> {
        let reader = self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        reader.blob(name).ok().flatten()
    }
}

/// What is looked at each second.
pub(super) struct Watch {
    conditions: Arc<Conditions>,
    inlet: Inlet,
    feed: FeedSender,
    notes: Notes,
    /// How the detectors fare, as it was kept last; of no partitions where there may be none.
    roster: Roster,
    /// Since when each of them has lived without a break.
    since: BTreeMap<String, Timestamp>,
}

impl Watch {
    /// Over sensors that were known before.
    pub(super) fn new(
        conditions: Arc<Conditions>,
        reader: &Reader,
        (inlet, feed): (Inlet, FeedSender),
    ) -> Result<Self, Failure> {
        conditions.remember(kept_conditions(reader)?);
        let notes = Notes::new(clock::now());
        let roster = kept_roster(reader)?.unwrap_or_default();
        Ok(Self { conditions, inlet, feed, notes, roster, since: BTreeMap::new() })
    }

    /// Tells who fell silent, keeps how all fare, and says up to when time may be closed.
    pub(super) fn look(&mut self, now: Timestamp) -> Result<Timestamp, Failure> {
        let silent = self.conditions.fell_silent(now);
        let away = silent.iter().map(|(name, since)| Sign::sensor_away(name, *since, now));
        let misbehaved = self.conditions.misbehaved();
        let misbehaved = misbehaved.iter().map(|name| {
            Sign::misbehaviour(&format!("on sensor {name}, whose log says what it did"), now)
        });
        for sign in away.chain(misbehaved) {
            super::core::tell_sign(&sign, &self.inlet, &self.feed);
        }
        if let Some(Noted { whole, since }) = self.notes.due(now, &self.conditions) {
            let mut named = vec![(CONDITIONS_SINCE.to_owned(), json_of(&since)?)];
            if let Some(whole) = whole {
                named.push((CONDITIONS.to_owned(), json_of(&whole)?));
            }
            self.inlet.save(Vec::new(), named)?;
        }
        Ok(self.conditions.told_until(now))
    }

    /// Says who does detection, and keeps how they fare, where that changed.
    pub(super) fn note_detectors(
        &mut self,
        mut roster: Roster,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let lives = |name: &String| roster.detectors.iter().any(|it| it.lives && it.name == *name);
        self.since.retain(|name, _| lives(name));
        for fares in roster.detectors.iter_mut().filter(|fares| fares.lives) {
            let since = self.since.entry(fares.name.clone()).or_insert(now);
            fares.since = Some(since.micros());
        }
        if self.roster == roster {
            return Ok(());
        }
        let shown = shares_of(&roster);
        if shares_of(&self.roster) != shown {
            tracing::info!("fleet: detection's parts are with: {}", shown.join(", "));
        }
        self.inlet.save(Vec::new(), vec![(DETECTORS.to_owned(), json_of(&roster)?)])?;
        self.roster = roster;
        Ok(())
    }
}

fn json_of(value: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    Ok(serde_json::to_vec(value).map_err(std::io::Error::from)?)
}

/// Who holds how many parts.
fn shares_of(roster: &Roster) -> Vec<String> {
    let held = roster.detectors.iter().filter(|fares| fares.partitions > 0);
    let held = held.map(|fares| format!("{} {}", fares.name, fares.partitions));
    let here = (roster.here > 0).then(|| format!("the hub itself {}", roster.here));
    held.chain(here).collect()
}
