//! The Telnet trap on a port of loopback.

use kizashi_event::{Event, Payload};
use kizashi_traps::{Identity, LoginSettings, TelnetFace};

pub(crate) use crate::support::{House, commands, installed, logins, said};

/// Opened by the first weak pair: a refusal costs three real seconds, and has a test of its own.
pub(crate) fn open(face: TelnetFace) -> House {
    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    House::of_trap("telnet", Identity::draw([1; 32]).with_telnet_face(face).with_logins(logins))
}

/// What was captured.
pub(crate) fn payloads(events: &[Event]) -> Vec<&Payload> {
    events.iter().filter_map(|event| event.detail.payload()).collect()
}
