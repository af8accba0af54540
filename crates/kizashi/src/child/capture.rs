//! The process that sees attempts to reach any port. It is given a packet socket whose filter is not its own to change, makes the ring on
//! it, and gives up the rest before it looks at a packet. It can send nothing: the socket stands at no interface.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kizashi_event::stream::{CaptureCounts, put_captured};
use kizashi_traps::EventSink as _;
use kizashi_wire::live::{Capture, Rates, Watch, WatchOptions};

use super::{alone, first, leave_signals_to_the_supervisor};
use crate::capture::Surroundings;
use crate::clock;
use crate::failure::Failure;
use crate::sandbox;
use crate::stream::Outbox;
use crate::supervisor::channel::{Channel, LONGEST};
use crate::supervisor::messages::{CaptureSetup, Confined, ToCapture};

/// Bytes of events that may wait for the core: some ten thousand attempts.
const MOST_WAITING: usize = 4 << 20;
/// How long nothing may come before time is looked at.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// How long what was seen last may take to be acknowledged when the process ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// Memory of a thread that does next to nothing.
const SMALL_STACK: usize = 256 * 1024;

/// Runs until the supervisor says so, or is gone.
pub(crate) fn run() -> Result<(), Failure> {
    let orders = Channel::of_stdin()?;
    let (setup, received) =
        first(&orders, c"kizashi-capture", |setup: &CaptureSetup| setup.supervisor)?;
    let socket = received.descriptors.into_iter().next().ok_or_else(alone)?;
    // The usual hook may open files to name the lines of a backtrace.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    // Signals are the supervisor's; the handlers outlive the runtime, which does nothing else.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { leave_signals_to_the_supervisor() })?;
    let watch = Watch::new(&options(&setup), clock::now());
    let mut capture = Capture::new(socket, watch)?;
    let protections = if setup.confined { sandbox::confine_capture() } else { Vec::new() };
    orders.send(&Confined(protections), &[])?;
    if setup.probe {
        return Ok(());
    }
    let shared = Arc::new(Shared {
        outbox: Arc::new(Outbox::with_room(MOST_WAITING)),
        counts: Mutex::default(),
        stopping: AtomicBool::new(false),
    });
    let moves = start_threads(orders, &shared)?;
    watch_until_told(&mut capture, &shared, &moves)?;
    shared.outbox.finish(FAREWELL);
    // The threads wait for orders and events that do not come any more.
    std::process::exit(0);
}

/// What the threads have together.
struct Shared {
    outbox: Arc<Outbox>,
    counts: Mutex<CaptureCounts>,
    stopping: AtomicBool,
}

impl Shared {
    fn counts(&self) -> CaptureCounts {
        let seen = *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        CaptureCounts { lost: self.outbox.lost(), ..seen }
    }
}

fn options(setup: &CaptureSetup) -> WatchOptions {
    WatchOptions {
        sensor: Arc::from(setup.sensor.as_str()),
        local: setup.surroundings.local(),
        ports: setup.surroundings.ports(),
        rates: Rates { source: setup.events_per_source, all: setup.events },
        seed: setup.seed,
    }
}

fn start_threads(orders: Channel, shared: &Arc<Shared>) -> std::io::Result<Receiver<Surroundings>> {
    let thread =
        |name: &str| std::thread::Builder::new().name(name.to_owned()).stack_size(SMALL_STACK);
    let writing = Arc::clone(shared);
    thread("events").spawn(move || writing.outbox.write(|| writing.counts(), put_captured))?;
    let (told, moves) = channel();
    let obeying = Arc::clone(shared);
    thread("orders").spawn(move || {
        obey(&orders, &obeying, &told);
        // Without a supervisor nobody needs us.
        std::process::exit(1);
    })?;
    Ok(moves)
}

/// Does what the supervisor says until it is gone.
fn obey(orders: &Channel, shared: &Shared, moves: &Sender<Surroundings>) {
    let mut buffer = vec![0; LONGEST];
    while let Ok(Some(received)) = orders.receive(&mut buffer) {
        match serde_json::from_slice(&received.bytes) {
            Ok(ToCapture::Stream) => connect(&shared.outbox, received.descriptors),
            Ok(ToCapture::Surroundings(now)) => {
                let _ = moves.send(now);
            }
            Ok(ToCapture::Stop) => shared.stopping.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
    }
}

fn connect(outbox: &Arc<Outbox>, descriptors: Vec<OwnedFd>) {
    for stream in descriptors {
        if let Err(error) = outbox.connect(UnixStream::from(stream)) {
            tracing::error!("no thread for acknowledgements could be started: {error}");
        }
    }
}

fn watch_until_told(
    capture: &mut Capture,
    shared: &Shared,
    moves: &Receiver<Surroundings>,
) -> std::io::Result<()> {
    let outbox = &shared.outbox;
    let note = |counts| *shared.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    while !shared.stopping.load(Ordering::Relaxed) {
        capture.wait(LONGEST_WAIT)?;
        for now in moves.try_iter() {
            capture.watch().move_to(now.local(), now.ports());
        }
        capture.turn(clock::now(), &mut |event| outbox.record(event))?;
        note(capture.counts());
    }
    capture.watch().finish(clock::now(), &mut |event| outbox.record(event));
    note(capture.counts());
    Ok(())
}
