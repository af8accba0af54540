//! How many series had a count within the longest window, in constant time a touch.

use serde::{Deserialize, Serialize};

/// Bins after which a series is no longer active: two days.
const ACTIVE_FOR: u32 = 288;

/// Series by the bin of their last count, for the last [`ACTIVE_FOR`] bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Activity {
    by_last_bin: Vec<u32>,
    bin: u32,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self { by_last_bin: vec![0; ACTIVE_FOR as usize], bin: 0 }
    }

    /// Goes on to `bin`.
    pub(super) fn advance(&mut self, bin: u32) {
        let passed = bin.saturating_sub(self.bin).min(ACTIVE_FOR);
        for back in 0..passed {
            *self.at(bin - back) = 0;
        }
        self.bin = self.bin.max(bin);
    }

    /// A series has a count in the running bin, after its last in `before`.
    pub(super) fn touch(&mut self, before: Option<u32>) {
        let bin = self.bin;
        if let Some(before) = before.filter(|before| bin - before.min(&bin) < ACTIVE_FOR) {
            let series = self.at(before);
            *series = series.saturating_sub(1);
        }
        *self.at(bin) += 1;
    }

    /// Series with a count in the last [`ACTIVE_FOR`] bins.
    pub(super) fn active(&self) -> usize {
        self.by_last_bin.iter().map(|series| *series as usize).sum()
    }

    fn at(&mut self, bin: u32) -> &mut u32 {
        // A state read from a damaged file must not be able to index past the end.
        self.by_last_bin.resize(ACTIVE_FOR as usize, 0);
        &mut self.by_last_bin[(bin % ACTIVE_FOR) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_active_for_two_days_after_its_last_count() {
        let mut activity = Activity::new();
        activity.touch(None);
        activity.touch(None);
        activity.advance(100);
        activity.touch(Some(0));
        assert_eq!(activity.active(), 2);
        activity.advance(288);
        assert_eq!(activity.active(), 1);
        activity.advance(387);
        assert_eq!(activity.active(), 1);
        activity.advance(388);
        assert_eq!(activity.active(), 0);
        activity.advance(u32::MAX);
        assert_eq!(activity.active(), 0);
    }
}
