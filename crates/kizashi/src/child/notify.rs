//! The process that tells signs to people and other programs, and reads others' warnings. It alone connects out. It is given the outbox and, where it carries them, history's files to read: no store, no
//! socket of a visitor; what attackers sent it knows as fields of signs, escaped.

use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;

use jiff::ZonedDateTime;
use kizashi_notify::send::Trust;
use kizashi_notify::{Courier, Outbox, archive};
use tokio::sync::Notify;

use super::{first, leave_signals_to_the_supervisor};
use crate::failure::Failure;
use crate::sandbox;
use crate::supervisor::channel::{Channel, LONGEST};
use crate::supervisor::messages::{Confined, NotifySetup};

/// Threads that look names up, at most.
const MOST_LOOKUPS: usize = 4;

/// Runs until the supervisor says so, or is gone.
pub(crate) fn run() -> Result<(), Failure> {
    let orders = Channel::of_stdin()?;
    let (setup, _) = first(&orders, c"kizashi-notify", |setup: &NotifySetup| setup.supervisor)?;
    let trust = Trust::read(setup.notify.authorities.as_deref()).map_err(Failure::Asked)?;
    let outbox = Outbox::of(&setup.data);
    outbox.make()?;
    let history = setup.data.join(archive::FOLDER);
    if setup.bucket.is_some() {
        // What may be read is said by a folder that is there.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&history)?;
    }
    let protections = if setup.confined {
        let kept = setup.bucket.as_ref().map(|_| history.as_path());
        sandbox::confine_notify(outbox.folder(), setup.feeds.folders().chain(kept))
    } else {
        Vec::new()
    };
    orders.send(&Confined(protections), &[])?;
    let mut courier = Courier::new(&setup.notify, outbox, trust, &setup.sensor, ZonedDateTime::now)
        .map_err(Failure::Asked)?
        .with_feeds(setup.feeds);
    if let Some(bucket) = &setup.bucket {
        courier = courier.with_archive(bucket, history).map_err(Failure::Asked)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(MOST_LOOKUPS)
        .enable_all()
        .build()?;
    let stopping = Arc::new(Notify::new());
    runtime.block_on(async {
        leave_signals_to_the_supervisor()?;
        let told = Arc::clone(&stopping);
        std::thread::Builder::new().name("orders".to_owned()).spawn(move || {
            // One order there is: to end. So it is where the supervisor is gone.
            let _ = orders.receive(&mut vec![0; LONGEST]);
            told.notify_one();
        })?;
        courier.run(stopping.notified()).await
    })?;
    // A look-up of a name may still hang; nothing is waited for.
    std::process::exit(0);
}
