//! How long and how much is kept. The configuration file says it; what the owner sets on the dashboard's page stands over that and is kept in the
//! store. Whoever opens the store to write takes it from there, so that an import lets nothing go that the page keeps. What is shortened goes at the
//! store's next round of retention, within minutes, and does not come back.

use std::ops::RangeInclusive;

use kizashi_store::{Reader, Retention, Store};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The name under which the page's numbers are kept.
pub(crate) const KEPT: &str = "retention of the page";
/// Days that single events may be kept: ten years at most.
pub(crate) const RAW_DAYS: RangeInclusive<u64> = 1..=3_650;
/// Megabytes (2^20 bytes) that the database may take: with less than 64 a day's counts alone can be more.
pub(crate) const MEGABYTES: RangeInclusive<u64> = 64..=16_777_216;
/// Megabytes that captured content may take.
pub(crate) const PAYLOAD_MEGABYTES: RangeInclusive<u64> = 1..=1_048_576;

/// What the owner set on the page; what is left out is as the file says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    pub(crate) raw_days: Option<u64>,
    pub(crate) most_megabytes: Option<u64>,
    pub(crate) payload_megabytes: Option<u64>,
}

impl Kept {
    /// What a store keeps; nothing where the page never set any, or what is kept cannot be read.
    pub(crate) fn of(reader: &Reader) -> Result<Self, Failure> {
        let bytes = reader.blob(KEPT)?;
        let kept = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(kept.filter(|kept: &Self| kept.check().is_ok()).unwrap_or_default())
    }

    /// Refuses numbers out of range, in a sentence.
    pub(crate) fn check(self) -> Result<(), String> {
        let numbers = [
            ("raw_days", self.raw_days, RAW_DAYS),
            ("most_megabytes", self.most_megabytes, MEGABYTES),
            ("payload_megabytes", self.payload_megabytes, PAYLOAD_MEGABYTES),
        ];
        for (name, number, range) in numbers {
            if number.is_some_and(|number| !range.contains(&number)) {
                let (least, most) = range.into_inner();
                return Err(format!("{name} is not a whole number from {least} to {most}"));
            }
        }
        Ok(())
    }

    /// The file's retention with what the page set.
    pub(crate) fn over(self, file: Retention) -> Retention {
        let days = self.raw_days.and_then(|days| u32::try_from(days).ok());
        let bytes = |megabytes: Option<u64>, file: u64| {
            megabytes.map_or(file, |megabytes| megabytes.saturating_mul(1 << 20))
        };
        Retention {
            raw_days: days.unwrap_or(file.raw_days),
            most_bytes: bytes(self.most_megabytes, file.most_bytes),
            most_payload_bytes: bytes(self.payload_megabytes, file.most_payload_bytes),
            ..file
        }
    }
}

/// Has a store that was just opened keep as long as its page says.
pub(crate) fn apply(store: &Store, reader: &Reader, file: Retention) -> Result<(), Failure> {
    let kept = Kept::of(reader)?;
    if kept != Kept::default() {
        store.inlet().set_retention(kept.over(file))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_numbers_stand_over_the_files_and_the_rest_is_the_files() {
        let file = Retention::default();
        assert_eq!(Kept::default().over(file), file);
        let kept = Kept { raw_days: Some(7), most_megabytes: Some(128), payload_megabytes: None };
        let expected = Retention { raw_days: 7, most_bytes: 128 << 20, ..file };
        assert_eq!(kept.over(file), expected);
    }

    #[test]
    fn a_number_out_of_its_range_is_refused_by_name() {
        for (kept, name) in [
            (Kept { raw_days: Some(0), ..Kept::default() }, "raw_days"),
            (Kept { raw_days: Some(u64::MAX), ..Kept::default() }, "raw_days"),
            (Kept { most_megabytes: Some(63), ..Kept::default() }, "most_megabytes"),
            (Kept { payload_megabytes: Some(0), ..Kept::default() }, "payload_megabytes"),
        ] {
            assert!(kept.check().is_err_and(|why| why.contains(name)), "{kept:?}");
        }
        let kept = Kept { raw_days: Some(3_650), most_megabytes: Some(64), ..Kept::default() };
        assert_eq!(kept.check(), Ok(()));
    }
}
