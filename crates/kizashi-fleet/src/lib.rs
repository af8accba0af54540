//! Many sensors, one hub, over NATS JetStream: an existing distributed engine with streams in replicas, durable consumers and an object store.
//! No broker of our own.
//!
//! A sensor's events become [`record`]s in a [`spool`] on its disk, and go from there to the servers ([`outgoing`]); the [`hub`] takes them,
//! believes what could have come from there, commits and acknowledges. Who may connect and say what is decided by the servers' configuration,
//! which [`accounts`] writes. Detection over what came may be divided over any number of [`detectors`].
//!
//! **Nothing lost, nothing twice.** A trap hears that an event is kept when it is on the sensor's disk. A record leaves the spool when the
//! servers have it, on as many disks as there are replicas. It leaves the stream when the hub has committed it. Each step is repeated until it
//! is acknowledged, and what a repetition brings again is known: to the servers by its message id, to the hub by the record's number, to the
//! store by the event's time and id.

pub mod accounts;
mod connection;
mod credentials;
pub mod detectors;
pub mod hub;
mod name;
pub mod outgoing;
pub mod record;
pub mod spool;

pub use connection::ConnectionError;
pub use credentials::{Credentials, CredentialsError, MOST_BYTES as MOST_CREDENTIALS_BYTES};
pub use name::{DETECTOR, HUB, LONGEST_NAME, NameError, SensorName};

/// Whether a count that grows is told of again: the first, and each time that it has doubled, so that a flood of losses is no flood of lines.
fn is_worth_a_line(before: u64, now: u64) -> bool {
    now > before && (before == 0 || now.ilog2() > before.ilog2())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_loss_is_told_at_once_and_then_ever_more_rarely() {
        let told = (0..1_000).filter(|before| super::is_worth_a_line(*before, before + 1)).count();
        assert_eq!(told, 10);
        assert!(super::is_worth_a_line(0, 7) && super::is_worth_a_line(7, 900));
        assert!(!super::is_worth_a_line(9, 9) && !super::is_worth_a_line(9, 2));
    }
}
