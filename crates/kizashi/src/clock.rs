//! The one place of the command that asks the system for the time; everything else is given it.

use kizashi_event::Timestamp;

/// The present moment by the system's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}
