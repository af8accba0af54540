//! The lengths in which a series may be asked for.

use kizashi_event::Timestamp;

/// The length of a series' bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinLength {
    /// `10m`: kept for ports only.
    TenMinutes,
    /// `1h`.
    Hour,
    /// `12h`: the talk's.
    HalfDay,
    /// `1d`.
    Day,
}

impl BinLength {
    /// Every length, shortest first.
    pub const ALL: [Self; 4] = [Self::TenMinutes, Self::Hour, Self::HalfDay, Self::Day];

    /// `10m`, `1h`, `12h` or `1d`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TenMinutes => "10m",
            Self::Hour => "1h",
            Self::HalfDay => "12h",
            Self::Day => "1d",
        }
    }

    /// The length of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|length| length.name() == name)
    }

    /// The length in microseconds.
    #[must_use]
    pub const fn micros(self) -> i64 {
        match self {
            Self::TenMinutes => 600 * Timestamp::SECOND,
            Self::Hour => Timestamp::HOUR,
            Self::HalfDay => 12 * Timestamp::HOUR,
            Self::Day => Timestamp::DAY,
        }
    }

    /// The length in seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.micros() / Timestamp::SECOND
    }
}
