//! What the supervisor's children do. Each finds a socket to it as standard input, is told there what to do, shuts itself in, and ends
//! when the supervisor does.

pub(crate) mod capture;
pub(crate) mod core;
mod events;
mod hub;
#[cfg(debug_assertions)]
mod misbehave;
pub(crate) mod notify;
mod sensor;
pub(crate) mod trap;

use std::ffi::CStr;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::supervisor::channel::{Channel, LONGEST, Received};

/// Takes the first message, and makes sure that this process does not outlive the supervisor.
fn first<T: DeserializeOwned>(
    channel: &Channel,
    name: &CStr,
    supervisor: fn(&T) -> u32,
) -> Result<(T, Received), Failure> {
    // Started from /proc/self/exe, it would be called "exe" wherever people look for who has a port.
    let _ = rustix::thread::set_name(name);
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(std::io::Error::from)?;
    let mut buffer = vec![0; LONGEST];
    let received = channel.receive(&mut buffer).map_err(|_| alone())?.ok_or_else(alone)?;
    let setup: T = serde_json::from_slice(&received.bytes).map_err(|_| alone())?;
    let parent = getppid().map(|id| id.as_raw_nonzero().get().unsigned_abs());
    if parent.is_some_and(|parent| parent != supervisor(&setup)) {
        // It died between our birth and the request above.
        return Err(alone());
    }
    Ok((setup, received))
}

/// A signal that the whole group of processes is sent (by systemd, by a terminal) is the supervisor's to obey: children that ended by
/// themselves would take with them what was seen last. To be called on the runtime, which keeps the handlers for good.
fn leave_signals_to_the_supervisor() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        drop(signal(kind)?);
    }
    Ok(())
}

fn alone() -> Failure {
    Failure::Asked(
        "this call is for `kizashi up` itself, which starts it; run `kizashi up`".to_owned(),
    )
}
