//! The core of a fleet's sensor: it keeps what traps and capture tell in a spool and carries that to the fleet's servers. No store, no
//! detection, no dashboard; beside the process that tells signs, the only one that connects out, and only to the servers' ports.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kizashi_event::Event;
use kizashi_event::belief::{Expected, Teller};
use kizashi_fleet::outgoing::{Outgoing, Voice, publish};
use kizashi_fleet::spool::Spool;
use tokio::sync::Notify;

use super::events::{listen_to, traps_expected};
use super::leave_signals_to_the_supervisor;
use crate::clock;
use crate::dashboard::random;
use crate::failure::Failure;
use crate::fleet::{FleetPart, SPOOL};
use crate::sandbox;
use crate::stream::{Arrivals, Captured, Counted, Sink, SinkError};
use crate::supervisor::channel::{Channel, LONGEST};
use crate::supervisor::messages::{CoreSetup, FromCore, ToCore};

/// The file of the seed of what this installation pretends to be.
const IDENTITY: &str = "kizashi-identity";
/// Threads that look names up, at most.
const MOST_LOOKUPS: usize = 4;

/// Runs until the supervisor says so.
pub(super) fn run(
    channel: &Arc<Channel>,
    setup: &CoreSetup,
    part: &FleetPart,
) -> Result<(), Failure> {
    let credentials = part.credentials()?.with_authority_in(&setup.config.data)?;
    let sensor = crate::fleet::of_sensor(&credentials)?;
    let protections = if setup.confined {
        sandbox::confine_to_servers(&setup.config.data, &credentials.ports())
    } else {
        Vec::new()
    };
    let opened = open(setup, part);
    let (outgoing, identity) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            channel.send(&FromCore::Failed(failure.to_string()), &[])?;
            return Ok(());
        }
    };
    let hall = Hall {
        channel: Arc::clone(channel),
        outgoing: Arc::clone(&outgoing),
        traps: traps_expected(setup),
        counted: Arc::default(),
        captured: Arc::default(),
        misbehaved: Arc::default(),
    };
    let (counted, captured) = (Arc::clone(&hall.counted), Arc::clone(&hall.captured));
    let misbehaved = Arc::clone(&hall.misbehaved);
    let voice = Voice {
        clock: clock::now,
        lost: Box::new(move || counted.total().lost.saturating_add(captured.total().lost)),
        misbehaved: Box::new(move || misbehaved.load(Ordering::Relaxed)),
        version: env!("CARGO_PKG_VERSION"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(MOST_LOOKUPS)
        .enable_all()
        .build()?;
    let stopping = Arc::new(Notify::new());
    runtime.block_on(async {
        leave_signals_to_the_supervisor()?;
        channel.send(&FromCore::Ready { identity, protections }, &[])?;
        let told = Arc::clone(&stopping);
        std::thread::Builder::new().name("orders".to_owned()).spawn(move || {
            hall.obey();
            told.notify_one();
        })?;
        publish(&credentials, &sensor, &outgoing, &voice, stopping.notified())
            .await
            .map_err(|error| Failure::Asked(error.to_string()))
    })?;
    // A look-up of a name may still hang; nothing is waited for, and all is on the disk.
    std::process::exit(0);
}

fn open(setup: &CoreSetup, part: &FleetPart) -> Result<(Arc<Outgoing>, [u8; 32]), Failure> {
    let FleetPart::Sensor { spool_bytes, .. } = part else {
        return Err(Failure::Asked("a hub keeps no spool; please report it".to_owned()));
    };
    let identity = identity(&setup.config.data)?;
    let epoch = u64::from_ne_bytes(random()?);
    let spool = Spool::open(&setup.config.data.join(SPOOL), *spool_bytes, epoch)
        .map_err(|error| Failure::Asked(error.to_string()))?;
    Ok((Arc::new(Outgoing::new(spool)), identity))
}

/// What this installation pretends to be: drawn once.
fn identity(folder: &Path) -> Result<[u8; 32], Failure> {
    let path = folder.join(IDENTITY);
    let mut kept = Vec::new();
    if let Ok(file) = std::fs::File::open(&path) {
        file.take(33).read_to_end(&mut kept)?;
    }
    if let Ok(kept) = kept.try_into() {
        return Ok(kept);
    }
    let identity: [u8; 32] = random()?;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)?
        .write_all(&identity)?;
    Ok(identity)
}

/// The spool as a place where events are kept.
struct SpoolSink(Arc<Outgoing>);

impl Sink for SpoolSink {
    fn commit(&self, events: &[Event]) -> Result<(), SinkError> {
        self.0.keep(events.to_vec()).map_err(|error| SinkError::Failed(error.to_string()))
    }
}

/// Where orders and streams come in.
struct Hall {
    channel: Arc<Channel>,
    outgoing: Arc<Outgoing>,
    traps: Expected,
    counted: Arc<Counted>,
    captured: Arc<Captured>,
    misbehaved: Arc<AtomicU64>,
}

impl Hall {
    fn obey(&self) {
        let mut buffer = vec![0; LONGEST];
        while let Ok(Some(received)) = self.channel.receive(&mut buffer) {
            match serde_json::from_slice(&received.bytes) {
                Ok(ToCore::Stream(trap)) => {
                    self.listen_to(trap, self.traps.clone(), received.descriptors);
                }
                Ok(ToCore::CaptureStream(process)) => {
                    let capture = Expected { teller: Teller::Capture, ..self.traps.clone() };
                    self.listen_to(process, capture, received.descriptors);
                }
                Ok(ToCore::Misbehaved(what)) => {
                    self.misbehaved.fetch_add(1, Ordering::Relaxed);
                    tracing::error!("a trap misbehaved: {}", what.what);
                }
                // There is no dashboard to open or to turn traps on, and no list to be on.
                Ok(
                    ToCore::Health(_) | ToCore::Tokens(_) | ToCore::Allowed(_) | ToCore::Traps(_),
                ) => {}
                Ok(ToCore::Stop) => break,
                Err(error) => tracing::error!("an order was not understood: {error}"),
            }
        }
    }

    fn listen_to(&self, process: u64, expected: Expected, descriptors: Vec<OwnedFd>) {
        listen_to(
            &self.channel,
            Arrivals {
                process,
                expected,
                sink: Arc::new(SpoolSink(Arc::clone(&self.outgoing))),
                counted: Arc::clone(&self.counted),
                captured: Arc::clone(&self.captured),
                clock: clock::now,
            },
            descriptors,
        );
    }
}
