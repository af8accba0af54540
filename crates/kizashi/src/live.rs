//! What runs while Kizashi is up: a thread that closes time and raises signs, and a runtime for traps and dashboard. Both end
//! at a signal, in order: no new events, then what waits is written, then detection's state is saved.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use kizashi_event::{Timestamp, escape_for_people};
use kizashi_signs::Sign;
use kizashi_store::Maintenance;
use kizashi_web::FeedSender;

use crate::failure::Failure;
use crate::pipeline::Pipeline;

/// How often time is looked at.
const TICK: Duration = Duration::from_secs(1);
/// Microseconds between two goings over the store.
const MAINTAIN_EVERY: i64 = 600 * Timestamp::SECOND;
/// Microseconds between two looks whether room is short: a flood of 20,000 events a second brings some 30 MB meanwhile.
const LOOK_FOR_ROOM_EVERY: i64 = 15 * Timestamp::SECOND;
/// How long the store is gone over before time is looked at again: signs are late by as much at most.
const SPELL: Duration = Duration::from_millis(500);

/// The thread that closes time.
pub(crate) struct Live {
    stop: Sender<()>,
    thread: JoinHandle<Result<(), Failure>>,
}

/// What a turn of the thread's work brought.
#[derive(Default)]
pub(crate) struct Turn {
    /// Signs raised.
    pub(crate) raised: Vec<Sign>,
    /// Whether there is more to do at once.
    pub(crate) more: bool,
}

/// What the thread needs beside the pipeline.
pub(crate) struct Surroundings {
    /// Shows signs in the dashboard.
    pub(crate) feed: FeedSender,
    /// Tells the time.
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Live {
    /// Starts the thread, which does `work` every second, or at once again where it says that there is more.
    pub(crate) fn start(
        mut pipeline: Pipeline,
        surroundings: Surroundings,
        mut work: impl FnMut(&mut Pipeline, Timestamp) -> Result<Turn, Failure> + Send + 'static,
    ) -> Result<Self, Failure> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("core".to_owned()).spawn(move || {
            let result = run(&mut pipeline, &surroundings, &mut work, &stopped);
            pipeline.finish().and(result)
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread after it has saved what it has.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        drop(self.stop);
        self.thread.join().unwrap_or_else(|_| {
            Err(Failure::Asked("detection ended unexpectedly; please report it".to_owned()))
        })
    }
}

fn run(
    pipeline: &mut Pipeline,
    surroundings: &Surroundings,
    work: &mut dyn FnMut(&mut Pipeline, Timestamp) -> Result<Turn, Failure>,
    stopped: &Receiver<()>,
) -> Result<(), Failure> {
    let mut housekeeping = Housekeeping::default();
    let mut failing = false;
    loop {
        let now = (surroundings.clock)();
        let mut wait = TICK;
        let result = work(pipeline, now).and_then(|turn| {
            if turn.more {
                wait = Duration::ZERO;
            }
            turn.raised.iter().for_each(|sign| announce(sign, &surroundings.feed));
            if housekeeping.go_on(pipeline, now)? {
                wait = Duration::ZERO;
            }
            Ok(())
        });
        // A full disk may get room again: say it once, and go on trying.
        match result {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::error!("{error}");
            }
            Err(_) => {}
        }
        match stopped.recv_timeout(wait) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// When the store was gone over last, and what is left of a going over that is not done.
struct Housekeeping {
    begun: Timestamp,
    looked: Timestamp,
    running: Option<Maintenance>,
    /// Raw events that went for want of room and were not told of yet, and when that was told last: in a flood some go all the time.
    gone: u64,
    told: Timestamp,
}

impl Default for Housekeeping {
    fn default() -> Self {
        let never = Timestamp::from_seconds(0);
        Self { begun: never, looked: never, running: None, gone: 0, told: never }
    }
}

impl Housekeeping {
    /// Goes over the store for a spell, where that is due; whether there is more to do at once.
    fn go_on(&mut self, pipeline: &Pipeline, now: Timestamp) -> Result<bool, Failure> {
        if self.running.is_none() {
            self.running = self.due(pipeline, now)?;
        }
        let Some(running) = self.running.take() else { return Ok(false) };
        let running = pipeline.maintain(running, SPELL)?;
        if !running.is_done() {
            self.running = Some(running);
            return Ok(true);
        }
        self.gone += running.cleared().by_size;
        if self.gone > 0 && now.since(self.told) >= MAINTAIN_EVERY {
            self.told = now;
            tracing::warn!(
                "room is short: the {} oldest raw events were let go; their counts stay",
                std::mem::take(&mut self.gone)
            );
        }
        Ok(false)
    }

    /// What is due.
    fn due(&mut self, pipeline: &Pipeline, now: Timestamp) -> Result<Option<Maintenance>, Failure> {
        if now.since(self.begun) >= MAINTAIN_EVERY {
            (self.begun, self.looked) = (now, now);
            return Ok(Some(Maintenance::new(now)));
        }
        if now.since(self.looked) < LOOK_FOR_ROOM_EVERY {
            return Ok(None);
        }
        self.looked = now;
        Ok(pipeline.is_short_of_room()?.then(|| Maintenance::for_room(now)))
    }
}

fn announce(sign: &Sign, feed: &FeedSender) {
    tracing::warn!(id = %escape_for_people(&sign.id), severity = sign.severity.name(), "sign: {}", sign.summary());
    if let Ok(json) = serde_json::to_value(sign) {
        feed.publish_sign(&json);
    }
}

/// Waits for the signals by which a person or the system ends a service.
pub(crate) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
