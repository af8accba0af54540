//! The way into the writer: bounded, so that a slow disk costs events, which are counted, and never memory or a trap's time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kizashi_event::Event;

/// Events that may wait.
const MOST_WAITING: usize = 32_768;
/// Events that are written without waiting for more.
const FULL_BATCH: usize = 16_384;
/// The same where nobody waits for what is given, as when a log is read: the longer a batch, the more of it is one row.
const LONGEST_BATCH: usize = 32_768;
/// Events that are written at once however slow the writer is.
const LEAST_BATCH: usize = 256;
/// How long a batch may take to be written: with as long a wait before it and behind it, nothing given is older than a second
/// before it is kept, on a slow disk too.
const LONGEST_WRITE: Duration = Duration::from_millis(150);
/// How long the first event of a batch waits for others.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Something else that the writer is asked to do, in turn with the events.
pub(crate) type Request = Box<dyn FnOnce(&mut super::ledger::Ledger) + Send>;

#[derive(Default)]
struct Waiting {
    events: Vec<Event>,
    requests: VecDeque<Request>,
    first_at: Option<Instant>,
    stopped: bool,
}

/// The queue between everyone and the writer.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    for_writer: Condvar,
    for_room: Condvar,
    dropped: AtomicU64,
    /// Events that the writer writes in [`LONGEST_WRITE`], as it last did; 0 before it did.
    pace: AtomicUsize,
    unhurried: AtomicBool,
}

/// What the writer does next.
pub(crate) struct Work {
    pub(crate) events: Vec<Event>,
    pub(crate) requests: VecDeque<Request>,
    pub(crate) last: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event when there is room; otherwise it is lost and counted. Never waits.
    pub(crate) fn offer(&self, event: Event) {
        let mut waiting = self.lock();
        if waiting.stopped || waiting.events.len() >= MOST_WAITING {
            drop(waiting);
            self.count_dropped(1);
            return;
        }
        self.push(&mut waiting, std::iter::once(event));
    }

    /// Takes events, waiting for room; `false` when the writer has stopped.
    pub(crate) fn give(&self, events: Vec<Event>) -> bool {
        let mut waiting = self.lock();
        while waiting.events.len() >= self.batch() && !waiting.stopped {
            waiting = self.for_room.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.stopped {
            return false;
        }
        self.push(&mut waiting, events);
        true
    }

    /// Whether nobody waits for what is given: batches are then as long as they may be.
    pub(crate) fn set_unhurried(&self, unhurried: bool) {
        self.unhurried.store(unhurried, Ordering::Relaxed);
    }

    /// Events of one batch.
    fn batch(&self) -> usize {
        if self.unhurried.load(Ordering::Relaxed) {
            return LONGEST_BATCH;
        }
        match self.pace.load(Ordering::Relaxed) {
            0 => LEAST_BATCH * 4,
            pace => pace.clamp(LEAST_BATCH, FULL_BATCH),
        }
    }

    /// Notes how long a batch of so many events took to be written.
    pub(crate) fn note_pace(&self, events: usize, took: Duration) {
        if events >= LEAST_BATCH {
            let share = LONGEST_WRITE.as_secs_f64() / took.as_secs_f64().max(1e-6);
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "thousands of events; `as` saturates"
            )]
            let pace = (events as f64 * share) as usize;
            self.pace.store(pace.max(1), Ordering::Relaxed);
        }
    }

    fn push(&self, waiting: &mut Waiting, events: impl IntoIterator<Item = Event>) {
        let (before, full) = (waiting.events.len(), self.batch());
        waiting.events.extend(events);
        waiting.first_at.get_or_insert_with(Instant::now);
        let after = waiting.events.len();
        if before == 0 || (before < full && after >= full) {
            self.for_writer.notify_one();
        }
    }

    /// Asks for something else; `false` when the writer has stopped.
    pub(crate) fn ask(&self, request: Request) -> bool {
        let mut waiting = self.lock();
        if waiting.stopped {
            return false;
        }
        waiting.requests.push_back(request);
        drop(waiting);
        self.for_writer.notify_one();
        true
    }

    /// No more is taken; what waits is still done.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.for_writer.notify_all();
        self.for_room.notify_all();
    }

    /// Waits for work: a full batch, a batch old enough, or a request.
    pub(crate) fn next(&self) -> Work {
        let mut waiting = self.lock();
        loop {
            let age = waiting.first_at.map(|first| first.elapsed());
            let due = age.is_some_and(|age| age >= LONGEST_WAIT);
            if due
                || waiting.events.len() >= self.batch()
                || !waiting.requests.is_empty()
                || waiting.stopped
            {
                break;
            }
            waiting = match age {
                None => self.for_writer.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(age) => {
                    let rest = LONGEST_WAIT.saturating_sub(age);
                    self.for_writer
                        .wait_timeout(waiting, rest)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        // A request sees all that was given before it, and so does the end.
        let all = !waiting.requests.is_empty() || waiting.stopped;
        let count = if all { usize::MAX } else { self.batch() }.min(waiting.events.len());
        let later = waiting.events.split_off(count);
        let events = std::mem::replace(&mut waiting.events, later);
        // What is left goes with the next batch, at once.
        waiting.first_at = waiting.first_at.filter(|_| !waiting.events.is_empty());
        let work =
            Work { events, requests: std::mem::take(&mut waiting.requests), last: waiting.stopped };
        drop(waiting);
        self.for_room.notify_all();
        work
    }

    /// Events lost so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Counts events as lost.
    pub(crate) fn count_dropped(&self, events: u64) {
        self.dropped.fetch_add(events, Ordering::Relaxed);
    }
}
