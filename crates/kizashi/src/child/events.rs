//! Taking what traps and capture tell, the same in the core of one machine and on a sensor of a fleet.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use kizashi_event::Port;
use kizashi_event::belief::{Expected, Teller};

use crate::stream::Arrivals;
use crate::supervisor::channel::Channel;
use crate::supervisor::messages::{CoreSetup, FromCore};

/// What the traps of this installation can have told.
pub(super) fn traps_expected(setup: &CoreSetup) -> Expected {
    expected_at(&setup.traps.listeners, &setup.sensor, setup.config.traps.all_ports)
}

/// What traps with these listeners can have told.
pub(super) fn expected_at(listeners: &[(String, String)], sensor: &str, all_tcp: bool) -> Expected {
    let port = |(_, address): &(String, String)| {
        let (address, udp) = match address.strip_suffix("/udp") {
            Some(address) => (address, true),
            None => (address.as_str(), false),
        };
        let number = address.rsplit(':').next()?.parse().ok()?;
        Some(if udp { Port::udp(number) } else { Port::tcp(number) })
    };
    let ports: BTreeSet<Port> = listeners.iter().filter_map(port).collect();
    let teller = Teller::Trap { ports: Arc::new(ports), all_tcp };
    Expected { sensor: Arc::from(sensor), teller }
}

/// Reads a process's stream in a thread of its own; the supervisor is told when it cannot be believed.
pub(super) fn listen_to(channel: &Arc<Channel>, arrivals: Arrivals, descriptors: Vec<OwnedFd>) {
    let Some(stream) = descriptors.into_iter().next().map(UnixStream::from) else { return };
    let (channel, process) = (Arc::clone(channel), arrivals.process);
    let started = std::thread::Builder::new().name(format!("from {process}")).spawn(move || {
        if let Err(reason) = arrivals.run(&stream) {
            let _ = channel.send(&FromCore::BadStream { process, reason }, &[]);
        }
    });
    if let Err(error) = started {
        tracing::error!("no thread for a process's events could be started: {error}");
    }
}
