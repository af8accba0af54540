//! How a hub's detectors fare, for whoever shows it.

use serde::{Deserialize, Serialize};

use super::asking::Beginning;

/// How many times a detector began with a part, by where it had the snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Beginnings {
    /// From the bucket.
    pub from_bucket: u64,
    /// Bytes of these snapshots, unpacked.
    pub from_bucket_bytes: u64,
    /// From what the hub sent.
    pub from_hub: u64,
    /// Bytes of these.
    pub from_hub_bytes: u64,
    /// Times that the bucket did not have what it should, so that the hub sent it.
    pub absent: u64,
}

impl Beginnings {
    pub(super) fn note(&mut self, beginning: Beginning) {
        match beginning {
            Beginning::Bucket(bytes) => {
                self.from_bucket += 1;
                self.from_bucket_bytes += bytes;
            }
            Beginning::Hub(bytes) => {
                self.from_hub += 1;
                self.from_hub_bytes += bytes;
            }
        }
    }

    /// Says from where detectors went on with parts since then, where any did.
    pub(super) fn tell_since(self, before: Self) {
        if (self.from_bucket, self.from_hub) != (before.from_bucket, before.from_hub) {
            tracing::info!(
                "fleet: detectors go on with {} parts from the bucket ({} bytes) and with {} from what the hub sent ({} bytes)",
                self.from_bucket - before.from_bucket,
                self.from_bucket_bytes - before.from_bucket_bytes,
                self.from_hub - before.from_hub,
                self.from_hub_bytes - before.from_hub_bytes
            );
        }
    }
}

/// How one detector fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fares {
    /// Its name.
    pub name: String,
    /// The version that it says; empty of one that is gone.
    pub version: String,
    /// Whether it holds a lease.
    pub lives: bool,
    /// Whether it is the hub's release, so that it is asked.
    pub asked: bool,
    /// Partitions that it holds.
    pub partitions: usize,
    /// Since when it has lived without a break, by the hub's clock, in microseconds since 1970; nothing of one that is gone. Who has a clock fills it in.
    pub since: Option<i64>,
    /// Times that it was taken for gone or wrong while it held anything, since the hub started.
    pub losses: u64,
    /// Why it was the last time.
    pub lost_because: Option<String>,
}

/// How all of them fare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Roster {
    /// Partitions of detection.
    pub partitions: usize,
    /// Those that the hub holds itself.
    pub here: usize,
    /// The detectors that live, and those that were lost, in the order of names.
    pub detectors: Vec<Fares>,
    /// Times that any was taken for gone or wrong while it held anything, since the hub started.
    pub losses: u64,
    /// With what they began, since the hub started.
    pub beginnings: Beginnings,
}
