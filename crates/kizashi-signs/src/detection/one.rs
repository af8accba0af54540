//! Detection on one machine: the merge and its one part, in one value. A fleet's hub whose detectors hold the parts has this as the form in
//! which it keeps all of it, and goes on from.

use std::sync::Arc;

use kizashi_detect::gamma_poisson::Partition;
use kizashi_event::{Key, Port, Timestamp};
use kizashi_store::ClosedBin;
use serde::{Deserialize, Serialize};

use super::{Closed, Comparison, DetectionError, Merge, Ongoing, SNAPSHOT_FORMAT, Settings};
use crate::shares::{BinRows, Local, Part, Resting};
use crate::{Campaigns, Explanation, Knowledge, PortScore, Sign, Standing};

/// The state of detection over all keys of one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    merge: Merge,
    /// One; more where detectors may hold them.
    parts: Vec<Part>,
}

impl Detection {
    /// Detection that has seen nothing and knows what Kizashi ships with.
    ///
    /// # Errors
    /// When a setting is outside its range.
    pub fn new(settings: Settings) -> Result<Self, DetectionError> {
        Self::with_knowledge(settings, &Knowledge::shipped())
    }

    /// Detection that has seen nothing and begins with what was learned elsewhere.
    ///
    /// # Errors
    /// When a setting is outside its range.
    pub fn with_knowledge(
        settings: Settings,
        knowledge: &Knowledge,
    ) -> Result<Self, DetectionError> {
        Self::in_parts(settings, knowledge, 1)
    }

    /// The same in so many parts, which detectors may hold later ([`Self::apart`]).
    ///
    /// # Errors
    /// When a setting is outside its range.
    pub fn in_parts(
        settings: Settings,
        knowledge: &Knowledge,
        partitions: Partition,
    ) -> Result<Self, DetectionError> {
        let merge = Merge::new(settings, knowledge, partitions)?;
        let parts = vec![Part::default(); usize::from(merge.partitions)];
        Ok(Self { merge, parts })
    }

    /// The merge and the parts, each to be kept elsewhere.
    #[must_use]
    pub fn apart(self) -> (Merge, Vec<Part>) {
        (self.merge, self.parts)
    }

    /// Merge and parts of one and the same moment, together again.
    ///
    /// # Errors
    /// When they are not as many as the merge asks.
    pub fn together(merge: Merge, parts: Vec<Part>) -> Result<Self, DetectionError> {
        let fits = parts.len() == usize::from(merge.partitions);
        if fits { Ok(Self { merge, parts }) } else { Err(DetectionError::Snapshot) }
    }

    /// Parts that hold keys.
    #[must_use]
    pub const fn partitions(&self) -> Partition {
        self.merge.partitions
    }

    /// The same with these campaigns to be recognised, from the next bin on.
    #[must_use]
    pub fn with_campaigns(self, campaigns: Arc<Campaigns>) -> Self {
        Self { merge: self.merge.with_campaigns(campaigns), ..self }
    }

    /// See [`Merge::with_late_keys`].
    #[must_use]
    pub fn with_late_keys(self) -> Self {
        Self { merge: self.merge.with_late_keys(), ..self }
    }

    /// Goes on from a [`Self::snapshot`] made with the same settings and campaigns.
    ///
    /// # Errors
    /// When the bytes are no snapshot of this version, or of other settings or campaigns.
    pub fn restore(
        settings: Settings,
        campaigns: Arc<Campaigns>,
        bytes: &[u8],
    ) -> Result<Self, DetectionError> {
        let Self { merge, parts } =
            postcard::from_bytes(bytes).map_err(|_| DetectionError::Snapshot)?;
        if parts.len() != usize::from(merge.partitions) {
            return Err(DetectionError::Snapshot);
        }
        Ok(Self { merge: merge.going_on(settings, campaigns)?, parts })
    }

    /// The same where the promise may be another one than the snapshot's: the new one holds from the next bin that is closed.
    ///
    /// # Errors
    /// When the bytes are no snapshot of this version, or of other settings or campaigns, or the promise is outside its range.
    pub fn restore_under(
        settings: Settings,
        campaigns: Arc<Campaigns>,
        bytes: &[u8],
    ) -> Result<Self, DetectionError> {
        let kept: Self = postcard::from_bytes(bytes).map_err(|_| DetectionError::Snapshot)?;
        let false_alarms_per_week = kept.merge.settings.false_alarms_per_week;
        let before = Settings { false_alarms_per_week, ..settings };
        let mut detection = Self::restore(before, campaigns, bytes)?;
        detection.promise(settings.false_alarms_per_week)?;
        Ok(detection)
    }

    /// The whole state, for [`Self::restore`]: the same bytes for the same state.
    ///
    /// # Errors
    /// When it cannot be written out, which no state is known to cause.
    pub fn snapshot(&self) -> Result<Vec<u8>, DetectionError> {
        postcard::to_allocvec(self).map_err(|_| DetectionError::Snapshot)
    }

    /// What had been learned when a [`Self::snapshot`] was made, whatever the settings.
    ///
    /// # Errors
    /// When the bytes are no snapshot of this version.
    pub fn knowledge_of(snapshot: &[u8]) -> Result<Knowledge, DetectionError> {
        let read: Self = postcard::from_bytes(snapshot).map_err(|_| DetectionError::Snapshot)?;
        if read.merge.format == SNAPSHOT_FORMAT {
            Ok(read.knowledge())
        } else {
            Err(DetectionError::Snapshot)
        }
    }

    /// The evidence noted since it was last taken: names and bytes for the store to keep (see [`crate::EvidenceDay`]).
    pub fn take_evidence(&mut self) -> Vec<(String, Vec<u8>)> {
        self.merge.take_evidence()
    }

    /// Closes a bin. Bins between the last one and this one are taken as empty; one that was closed before is left out.
    pub fn close(&mut self, bin: &ClosedBin) -> Closed {
        let rows = BinRows::of(bin, self.merge.campaigns());
        self.merge.close(&mut Local { parts: &mut self.parts, bin: Some(bin) }, &rows)
    }

    /// Closes every bin that ends at or before `through` as empty.
    pub fn advance(&mut self, through: Timestamp) -> Closed {
        self.merge.advance(&Resting(&self.parts), through)
    }

    /// See [`Merge::promise`].
    ///
    /// # Errors
    /// When it is outside its range; nothing changes then.
    pub fn promise(&mut self, false_alarms_per_week: f64) -> Result<(), DetectionError> {
        self.merge.promise(false_alarms_per_week)
    }

    /// So many watches, this one among them, have the promise together, each an equal part of it: from the next bin on.
    pub fn promise_over(&mut self, watches: u32) {
        self.merge.promise_over(watches);
    }

    /// See [`Merge::widen`].
    pub fn widen(&mut self, share: f64) {
        self.merge.widen(share);
    }

    /// The end of the last closed bin: bins before it have been seen.
    #[must_use]
    pub const fn through(&self) -> Option<Timestamp> {
        self.merge.through()
    }

    /// Ports seen so far.
    #[must_use]
    pub fn series_watched(&self) -> usize {
        self.merge.series_watched()
    }

    /// Keys of other kinds that are watched.
    #[must_use]
    pub const fn keys_watched(&self) -> usize {
        self.merge.keys_watched()
    }

    /// What this machine has learned of usual rates, for another one to begin with.
    #[must_use]
    pub fn knowledge(&self) -> Knowledge {
        self.merge.knowledge(&Resting(&self.parts))
    }

    /// The signs that still go on.
    pub fn open_signs(&self) -> impl Iterator<Item = &Sign> {
        self.merge.open_signs()
    }

    /// See [`Merge::ongoing`].
    #[must_use]
    pub fn ongoing(&self) -> Vec<Ongoing> {
        self.merge.ongoing()
    }

    /// See [`Merge::compare`].
    #[must_use]
    pub fn compare(&self, key: &Key, since: Timestamp) -> Option<Comparison> {
        self.merge.compare(&Resting(&self.parts), key, since)
    }

    /// See [`Merge::compare_on`].
    pub fn compare_on(&self, key: &Key, of: (&mut Comparison, Timestamp)) {
        self.merge.compare_on(&Resting(&self.parts), key, of);
    }

    /// See [`Merge::compared`].
    #[must_use]
    pub fn compared(&self, key: &Key, comparison: &Comparison) -> Option<(f64, bool)> {
        self.merge.compared(key, comparison)
    }

    /// ChangeFinder's last scores of a port.
    #[must_use]
    pub fn port_score(&self, port: Port) -> Option<&PortScore> {
        self.merge.port_score(port)
    }

    /// How sure it is now that a port rises: by chance at most once in so many days.
    #[must_use]
    pub fn days_now(&self, port: Port) -> Option<f64> {
        self.merge.days_now(&Resting(&self.parts), port)
    }

    /// See [`Merge::standing`].
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.merge.standing(&Resting(&self.parts))
    }

    /// See [`Merge::explain`].
    #[must_use]
    pub fn explain(&self, id: &str) -> Option<Explanation> {
        self.merge.explain(&Resting(&self.parts), id)
    }

    /// See [`Merge::explain_key`].
    #[must_use]
    pub fn explain_key(&self, key: &Key) -> Option<Explanation> {
        self.merge.explain_key(&Resting(&self.parts), key)
    }

    /// See [`Merge::explain_silence`].
    #[must_use]
    pub fn explain_silence(&self, key: &Key) -> Option<Explanation> {
        self.merge.explain_silence(&Resting(&self.parts), key)
    }

    /// New sources of a key in the last two days by bin, where there were any; bins are counted from the first ever closed.
    #[must_use]
    pub fn recent(&self, key: &Key) -> Vec<(u64, u32)> {
        self.merge.recent(&Resting(&self.parts), key)
    }
}
