//! What the owner of a store may choose.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use kizashi_event::Timestamp;

use crate::Places;

/// What an event that comes into closed ten minutes means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is late: counted, but not seen by detection any more.
    #[default]
    Live,
    /// It belongs there: the log that holds it is being read afterwards, and detection will be run anew.
    Historic,
}

/// How long and how much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days for which raw events are kept; at least 1.
    pub raw_days: u32,
    /// Days for which counts by ten minutes and by hour are kept; at least 1.
    pub hourly_days: u32,
    /// Days for which counts by day are kept; at least 1.
    pub daily_days: u32,
    /// Bytes that the database may take; the oldest raw events go first. At least 16 MiB.
    pub most_bytes: u64,
    /// Bytes that must stay free on the disk; the oldest raw events go first.
    pub least_free_bytes: u64,
    /// Bytes of captured content, compressed; the oldest goes first.
    pub most_payload_bytes: u64,
    /// Different keys of one kind (user names, passwords, lines, …), and five times as many sources; the rarest go first. At least 8.
    pub most_keys: u64,
}

impl Default for Retention {
    /// 90 days raw, 400 days by the hour, ten years by the day, 4 GiB in all, 512 MiB left free, 256 MiB of payloads, 200,000 keys of a kind.
    fn default() -> Self {
        Self {
            raw_days: 90,
            hourly_days: 400,
            daily_days: 3_650,
            most_bytes: 4 << 30,
            least_free_bytes: 512 << 20,
            most_payload_bytes: 256 << 20,
            most_keys: 200_000,
        }
    }
}

/// What is counted by ten minutes for each sensor, beside what is counted over all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum BySensor {
    /// Nothing.
    #[default]
    Nothing,
    /// What came to its ports.
    Ports,
    /// The same, and every other key that detection sees.
    Keys,
}

/// How a store is opened for writing.
#[derive(Clone)]
pub struct Settings {
    /// What an event in closed ten minutes means.
    pub mode: Mode,
    /// How long and how much is kept.
    pub retention: Retention,
    /// Tells the time, for what is in the future and what is old.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Tells where visitors are.
    pub places: Arc<Places>,
    /// Whether known scanners are in the series that detection sees; in all other counts they always are.
    pub scanners_in_signs: bool,
    /// How many of the latest keys of each kind are remembered with their numbers, and four times as many of the latest visits, so that what
    /// comes again costs no look into the database: about 150 bytes each, if all kinds are so many.
    pub remembered: usize,
    /// What is kept of ten minutes by sensor too, as a fleet's hub needs it; one machine pays nothing for it.
    pub by_sensor: BySensor,
}

impl Settings {
    /// Events before this moment, 1990-01-01, are flagged: no log of an attack is older, but many clocks without a battery
    /// start in 1970 or 1980.
    pub const EARLIEST: Timestamp = Timestamp::from_seconds(631_152_000);
    /// Microseconds by which a sensor's clock may run ahead before its events are flagged: ten minutes.
    pub const TOLERANCE: i64 = 600 * Timestamp::SECOND;

    /// What one small machine remembers: some 5 MB.
    pub const REMEMBERED: usize = 32_768;

    /// Whether the visits of this source are in the series that detection sees.
    pub(crate) fn shows_to_detection(&self, source: IpAddr) -> bool {
        self.scanners_in_signs || self.places.scanner(source).is_none()
    }
}

impl Default for Settings {
    /// Live, with the default retention, by the system's clock.
    fn default() -> Self {
        Self {
            mode: Mode::Live,
            retention: Retention::default(),
            clock: crate::writer::system_clock(),
            places: Places::built_in(),
            scanners_in_signs: true,
            remembered: Self::REMEMBERED,
            by_sensor: BySensor::Nothing,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("mode", &self.mode)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}
