//! At a fleet's hub, how many sensors detection listens to: where one is heard for the first time everything that it hears would look like a
//! rise. Detection is told so as the ten minutes begin in which it first was ([`kizashi_signs::Detection::widen`]). Which these are is read from the store, so
//! that a run over what is stored tells what the live one told; what was told already is kept beside detection's state.
//!
//! A store of one machine is left alone, whatever names its events have: logs of several programs on it are no several machines.

use kizashi_event::Timestamp;
use kizashi_store::{Reader, StoredSensor};

use crate::failure::Failure;
use crate::fleet::CONDITIONS;

/// The name under which the number of sensors is kept that detection knows of.
pub(super) const SENSORS: &str = "detection/sensors";

/// Sensors that are listened to, and how many of them detection knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joins {
    is_hub: bool,
    /// When each was first heard, in order.
    first: Vec<Timestamp>,
    known: usize,
}

/// Of how many sensors together a hub's detection has learned when its state was saved; nothing where there is no fleet.
pub(crate) fn sensors_known(reader: &Reader) -> Result<Option<u32>, Failure> {
    let kept = reader.blob(SENSORS)?;
    Ok(kept.and_then(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?))))
}

impl Joins {
    /// Of a run over everything that is stored.
    pub(crate) fn from_the_start(reader: &Reader) -> Result<Self, Failure> {
        let mut joins = Self { is_hub: reader.blob(CONDITIONS)?.is_some(), ..Self::default() };
        joins.look(reader)?;
        Ok(joins)
    }

    /// Of a run over everything that is stored, in place of this one.
    pub(super) fn anew(&self, reader: &Reader) -> Result<Self, Failure> {
        let mut joins = Self::from_the_start(reader)?;
        if self.is_hub && !joins.is_hub {
            joins.is_hub = true;
            joins.look(reader)?;
        }
        Ok(joins)
    }

    /// Of a run that goes on from a state that was saved when bins before `through` had been seen.
    pub(super) fn going_on(reader: &Reader, through: Option<Timestamp>) -> Result<Self, Failure> {
        let mut joins = Self::from_the_start(reader)?;
        let kept = sensors_known(reader)?;
        joins.known = match (kept, through) {
            (Some(known), _) => usize::try_from(known).unwrap_or(usize::MAX),
            // Before this was kept nothing was told: what is past is of all that were there.
            (None, Some(through)) => joins.before(through),
            (None, None) => 0,
        };
        Ok(joins)
    }

    /// From now on sensors are counted: this is a fleet's hub.
    pub(super) const fn at_hub(&mut self) {
        self.is_hub = true;
    }

    /// Whether this is a fleet's hub.
    pub(crate) const fn is_at_hub(&self) -> bool {
        self.is_hub
    }

    /// Looks which sensors there are.
    pub(super) fn look(&mut self, reader: &Reader) -> Result<(), Failure> {
        if self.is_hub {
            self.first =
                reader.sensors()?.iter().map(|StoredSensor { first, .. }| *first).collect();
            self.first.sort_unstable();
        }
        Ok(())
    }

    /// Where sensors are first heard in the bin from `start` on: what there was before, as a share of what there is now. Detection is to be
    /// told before it sees the bin.
    pub(crate) fn widens(&mut self, start: Timestamp) -> Option<f64> {
        let now = self.before(start.plus(super::BIN));
        let before = self.known;
        self.known = now.max(before);
        let of = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        (before > 0 && now > before).then(|| of(before) / of(now))
    }

    /// What is kept beside detection's state; nothing where there is no fleet.
    pub(super) fn kept(&self) -> Option<(String, Vec<u8>)> {
        let known = u32::try_from(self.known).unwrap_or(u32::MAX);
        self.is_hub.then(|| (SENSORS.to_owned(), known.to_le_bytes().to_vec()))
    }

    fn before(&self, time: Timestamp) -> usize {
        self.first.partition_point(|first| *first < time)
    }
}
