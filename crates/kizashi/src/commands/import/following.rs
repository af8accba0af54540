//! `kizashi import --follow`: each file is read to its end, detection runs over that, and both go on as the files grow.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kizashi_event::{Event, Timestamp};
use kizashi_intake::{FollowStatus, Options, follow, poll_every};
use kizashi_store::{Mode, StoreError};
use kizashi_traps::WebRules;
use kizashi_wire::Observer;

use super::{Batches, captures, detect};
use crate::cli;
use crate::clock;
use crate::failure::Failure;
use crate::live::stop_signal;
use crate::pipeline::Pipeline;
use crate::terminal::Terminal;

/// How often a growing file is looked at.
const POLL: Duration = Duration::from_millis(500);

/// Reads each file to its end, runs detection over that, and goes on with both as the files grow.
pub(super) fn follow_all(
    call: &cli::Import,
    options: &Options,
    mut pipeline: Pipeline,
    rules: &Arc<WebRules>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let stop = stop_flag()?;
    let caught_up = Arc::new(AtomicUsize::new(0));
    let followers: Vec<_> = call
        .paths
        .iter()
        .map(|path| {
            let capture = captures::follows(path, &call.format)
                .then(|| captures::options(call))
                .map(|options| Observer::new(&options));
            let how = capture.map_or_else(|| How::Log(options.clone()), |o| How::Capture(o.into()));
            let batches = Batches::new(pipeline.store().inlet(), Arc::clone(rules));
            follower(path.clone(), how, batches, &stop, &caught_up)
        })
        .collect::<Result<_, Failure>>()?;
    let ended = || followers.iter().any(std::thread::JoinHandle::is_finished);
    while caught_up.load(Ordering::Acquire) < followers.len() && !ended() {
        std::thread::sleep(Duration::from_millis(50));
    }
    detect(&mut pipeline)?;
    pipeline.set_mode(Mode::Live)?;
    terminal.line("following; Ctrl-C ends it")?;
    terminal.flush()?;
    while !stop.load(Ordering::Relaxed) && !ended() {
        std::thread::sleep(Duration::from_secs(1));
        let now = clock::now();
        for sign in pipeline.advance(now)? {
            terminal.line(&format!("{}  {}", terminal.minute(sign.detected), sign.summary()))?;
            terminal.flush()?;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut result = Ok(());
    for follower in followers {
        let ended = follower
            .join()
            .unwrap_or_else(|_| Err(Failure::Asked("following ended unexpectedly".to_owned())));
        result = result.and(ended);
    }
    pipeline.finish()?;
    result
}

/// As what a file is read.
enum How {
    Log(Options),
    Capture(Box<Observer>),
}

fn follower(
    path: PathBuf,
    how: How,
    batches: Batches,
    stop: &Arc<AtomicBool>,
    caught_up: &Arc<AtomicUsize>,
) -> Result<std::thread::JoinHandle<Result<(), Failure>>, Failure> {
    let (stop, caught_up) = (Arc::clone(stop), Arc::clone(caught_up));
    let thread = std::thread::Builder::new().name("follow".to_owned()).spawn(move || {
        let batches = std::cell::RefCell::new(batches);
        let mut wait = poll_every(POLL, stop);
        let mut first = true;
        let mut pause = |status: &FollowStatus| {
            batches.borrow_mut().send();
            if std::mem::take(&mut first) {
                caught_up.fetch_add(1, Ordering::Release);
            }
            if batches.borrow().stopped { ControlFlow::Break(()) } else { wait(status) }
        };
        let mut sink = |event: Event| batches.borrow_mut().take(event);
        match how {
            How::Log(options) => follow(&path, 0, &options, &mut pause, &mut sink)
                .map(drop)
                .map_err(|error| Failure::Asked(error.to_string()))?,
            How::Capture(observer) => follow_capture(&path, *observer, &mut pause, &mut sink)?,
        }
        batches.borrow_mut().send();
        if batches.borrow().stopped { Err(StoreError::Stopped.into()) } else { Ok(()) }
    })?;
    Ok(thread)
}

/// While nothing comes time goes on all the same, so that what waits for an answer is told.
fn follow_capture(
    path: &Path,
    mut observer: Observer,
    pause: &mut dyn FnMut(&FollowStatus) -> ControlFlow<()>,
    sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut frames = 0;
    let mut pause = |observer: &mut Observer, sink: kizashi_wire::Sink<'_>| {
        if observer.counts().frames == frames {
            observer.pass(i64::try_from(POLL.as_micros()).unwrap_or(Timestamp::SECOND), sink);
        }
        frames = observer.counts().frames;
        pause(&FollowStatus::default())
    };
    let report = kizashi_wire::follow(path, &mut observer, &mut pause, sink);
    // What was broken in one file of a ring is told once all is over.
    match report.map(|report| report.fault) {
        Ok(None) => Ok(()),
        Ok(Some(fault)) | Err(fault) => Err(Failure::Asked(fault.to_string())),
    }
}

/// A flag that is set when a signal to end comes.
fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let flag = Arc::clone(&stop);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(stop_signal());
        flag.store(true, Ordering::Relaxed);
    })?;
    Ok(stop)
}
